"""Words that tell where a step stands without saying why: "first", "then", "finally", "step 3", "(2)", "above"."""

from __future__ import annotations

import re

OPENING, PLAIN, GOING_ON, CLOSING = 0, 1, 2, 3
"""Where a step's order words place it among the others."""

_NUMBERED = re.compile(
    r"(?:step\s+(\d{1,2})\s*[:.)\-]|\(?(\d{1,2})[.):]|\((\d{1,2})\))\s+(?=\D)|[-•*]\s+", re.IGNORECASE
)
_OPENS = r"first(?:ly| of all)?|to (?:begin|start)(?: with)?|initially|in the first step|we (?:start|begin) (?:by|with)"
_GOES_ON = (
    r"second(?:ly)?|third(?:ly)?|fourth(?:ly)?|next(?: up)?|then|now|so|thus|hence|therefore|consequently|accordingly|"
    r"after (?:that|this)|afterwards?|subsequently|as a result|also|in addition|additionally|moreover|furthermore|"
    r"similarly|likewise|again|and|but|however|it follows that|this means(?: that)?|this implies(?: that)?|which means"
)
_CLOSES = r"finally|last(?:ly)?|in (?:conclusion|the end|total|summary)|to (?:conclude|sum up)|altogether|overall"
_LEADS = re.compile(
    rf"(?:(?P<opens>{_OPENS})|(?P<goes_on>{_GOES_ON})|(?P<closes>{_CLOSES}))\b(?P<comma>\s*[,:])?\s*", re.IGNORECASE
)
# "First floor", "second term", "so many", "now and then": only with a comma are these surely order words.
_DOUBTFUL = re.compile(
    r"(?:first|second|third|fourth|last|next|initially|again|also|overall|in total|we (?:start|begin) (?:by|with))$",
    re.IGNORECASE,
)
_ANSWERS = re.compile(r"\banswer\b|####|\\boxed|\bQ\.?E\.?D\b|\bas (?:desired|required|claimed)\b|∎|□", re.IGNORECASE)
_INSIDE = re.compile(r",?\s+(?:therefore|thus|hence|finally|consequently|lastly)\b,?(?=\s)", re.IGNORECASE)
_REFERS = re.compile(
    r"\b(?:above|below|previous(?:ly)?|preceding|earlier|aforementioned|already|afterwards?|step\s+\d|as before|"
    r"(?:first|second|third|last|next|final)\s+(?:step|equation|line|result|condition|case|part|sentence|clue))\b",
    re.IGNORECASE,
)


def place(text: str) -> tuple[int, int]:
    """Where a reader of order words alone would put a step: one of the four places, and its number where it has one."""
    number = 0
    if (numbered := _NUMBERED.match(text)) is not None:
        number = int(next((group for group in numbered.groups() if group), 0))
        text = text[numbered.end() :]
    if _ANSWERS.search(text):
        return CLOSING, number
    lead = _LEADS.match(text)
    if lead is None or (lead["comma"] is None and _DOUBTFUL.match(lead[0].strip())):
        inside = _INSIDE.search(text)
        return (PLAIN if inside is None else GOING_ON), number
    return (OPENING if lead["opens"] else CLOSING if lead["closes"] else GOING_ON), number


def stripped(text: str) -> str | None:
    """The step without its order words and its number, in good grammar; None where they cannot be taken out cleanly."""
    text = _capital(text[numbered.end() :]) if (numbered := _NUMBERED.match(text)) is not None else text
    for _ in range(3):  # "And so, finally, ..."
        lead = _LEADS.match(text)
        if lead is None:
            break
        if lead["comma"] is None and _DOUBTFUL.match(lead[0].strip()):
            return None
        if re.match(r"(?:far|that|many|much|as|long)\b", text[lead.end() :]) or not text[lead.end() :]:
            return None
        text = _capital(text[lead.end() :])
    text = _INSIDE.sub("", text)
    return None if _REFERS.search(text) or not text else text


def answers(text: str) -> bool:
    """Whether a step states the answer in so many words, which only the last one does."""
    return _ANSWERS.search(text) is not None


def _capital(text: str) -> str:
    """The sentence with a capital letter, unless it begins with a symbol."""
    return text[:1].upper() + text[1:] if re.match(r"[a-z]{2}|a\s+[a-z]", text) else text
