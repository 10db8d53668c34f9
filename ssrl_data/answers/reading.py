r"""Finding the final answer in a response: one definition for training and for evaluation.

1. Reasoning does not count: everything up to the last `</think>` is dropped, and so is what follows a `<think>` that
   is never closed.
2. Of the rest, the last 64 KiB (65,536 characters) are looked at.
3. The final is the last closed `<answer>...</answer>`; without one, the last `\boxed{...}` with balanced braces;
   without that, the whole text, if all of it parses.
4. Every closed `<answer>` and every `\boxed{}` of those 64 KiB is a final. When any of them says something else than
   the one that counts, there are two answers, and that is wrong: a response cannot hedge. Finals that say the same in
   other words are one answer; an earlier one that says nothing readable (empty tags, quoted from the prompt) is none.

All of it is `str` methods and patterns without ambiguous repetition, so the time is linear in the length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ssrl_data.core import Json

OPEN, CLOSE, BOX = "<answer>", "</answer>", "\\boxed{"

WINDOW = 1 << 16
"""Characters at the end of a response that are looked at."""

LONGEST = 1024
"""Characters of the longest answer; a longer one is malformed, so no parser meets more."""

MOST_FINALS = 8
"""Finals spelled in more ways than this are not compared one by one: they are two answers."""

NO_ANSWER, TWO_ANSWERS, MALFORMED = "no answer", "two answers", "malformed"

# Characters that a reader does not see, or that reorder what is seen: controls except tab and line breaks, the default
# ignorable code points of Unicode, bidirectional marks, line and paragraph separators, surrogates, noncharacters.
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]"
)
# One ASCII spelling for what models write in several: dashes, quotes, spaces, and the punctuation of Chinese text.
_SPELLING = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\uff07", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb\u300c\u300d\uff02", '"'),
        **dict.fromkeys(
            "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "
        ),
        **dict.fromkeys("\uff0c\u3001", ","),
        **dict.fromkeys("\u3002\uff0e", "."),
        **dict.fromkeys("\uff08\u3008", "("),
        **dict.fromkeys("\uff09\u3009", ")"),
        **dict.fromkeys("\uff3b\u3010", "["),
        **dict.fromkeys("\uff3d\u3011", "]"),
        "\uff1a": ":",
        "\uff1b": ";",
        **dict.fromkeys("\u2192\u21d2\u27f6\u27f9\u279c\u2794", ">"),
    }
)
_PIECE = re.compile(r"[{}]|[^\\{}]+|\\boxed\{|\\[{}]?")
_LATEX = re.compile(r"\\(?:boxed|text|textbf|mathrm|mathbf)\{(.*)\}|\\\((.*)\\\)\.?|\\\[(.*)\\\]\.?", re.DOTALL)
_NAMED = re.compile(
    r"(?:(\\?[A-Za-z]{1,9}(?:_(?:\w|\{\w{1,9}\}))?)(?:\([A-Za-z](?:, ?[A-Za-z])*\))?|\(([A-Za-z](?:, ?[A-Za-z])*)\)"
    r"|\[MASK(?: [0-9]{1,2})?\])?\s{0,9}=\s{0,9}([^=]+)",
)
_WRAP = " \t\r\n*_`\"'$()[]{}"
_STOP = _WRAP + ".,;:!"


class Reading(NamedTuple):
    """What was read out of a response: the answer, or None and the reason."""

    given: Json | None
    reason: str = ""


def tagged(text: str) -> str:
    """The text as a response that answers with it."""
    return f"{OPEN}{text}{CLOSE}"


def conclusion(response: str) -> str:
    """What a response says after its reasoning (rule 1 above)."""
    end = response.rfind("</think>")
    text = response[end + len("</think>") :] if end >= 0 else response
    begun = text.find("<think>")
    return text[:begun] if begun >= 0 else text


def final(response: str, parse: Callable[[str], Json | None]) -> Reading:
    """Read the final answer of a response.

    Args:
        response: any string at all.
        parse: the answer that a text of 1 to `LONGEST` characters spells, in one canonical form that `==` compares, or
            None. It must be linear and must not raise.
    """
    text = conclusion(response)[-WINDOW:]
    blocks, boxes = _blocks(text), _boxes(text)
    finals = blocks or boxes
    if not finals:
        given = _attempt(text, parse)
        return Reading(given, "" if given is not None else NO_ANSWER)
    given = _attempt(finals[-1], parse)
    if given is None:
        return Reading(None, MALFORMED)
    others = {*blocks, *boxes} - {finals[-1], ""}
    if len(others) >= MOST_FINALS:
        return Reading(None, TWO_ANSWERS)
    for other in others:
        said = _attempt(other, parse)
        if said is not None and said != given:
            return Reading(None, TWO_ANSWERS)
    return Reading(given)


def visible(text: str) -> bool:
    """Whether the text holds no character that a reader could not see (rule of `_HIDDEN`)."""
    return (text.isascii() and text.isprintable()) or _HIDDEN.search(text) is None


def plain(text: str) -> str:
    """The text with one ASCII spelling of dashes, quotes, spaces, brackets and separators. Digits are left alone."""
    return text if text.isascii() else text.translate(_SPELLING)


def bare(text: str) -> str:
    """The text without the quotes, brackets, emphasis and full stop around it: `**(B).**` is `B`, `.5` stays `.5`."""
    return text.lstrip(_WRAP).rstrip(_STOP)


def said_of(text: str) -> tuple[str, str] | None:
    """The name and the value of `x = 5`, `f(x) = 2x`, `(x, y) = (1, 2)`, `[MASK 1] = 5` and `= 5`; None of all else."""
    found = _NAMED.fullmatch(text) if "=" in text else None
    return None if found is None else (found[1] or found[2] or "", found[3])


def _attempt(text: str, parse: Callable[[str], Json | None]) -> Json | None:
    if not visible(text):  # before stripping, which takes some invisible characters for spaces
        return None
    text = text.strip()
    for _ in range(3):
        if not text.startswith("\\") or (inner := _LATEX.fullmatch(text)) is None:
            break
        text = next(part for part in inner.groups() if part is not None).strip()
    if not 0 < len(text) <= LONGEST or OPEN in text or CLOSE in text:
        return None
    return parse(text)


def _blocks(text: str) -> list[str]:
    """The contents of all closed answer tags, in order; an opening tag that another one follows is not closed."""
    out = []
    for piece in text.split(CLOSE)[:-1]:
        start = piece.rfind(OPEN)
        if start >= 0:
            out.append(piece[start + len(OPEN) :])
    return out


def _boxes(text: str) -> list[str]:
    r"""The contents of all balanced `\boxed{}` that lie in no other one, in order."""
    start = text.find(BOX)
    if start < 0:
        return []
    spans: list[tuple[int, int]] = []
    opened: list[int] = []  # where each open brace's content starts, or -1 for a brace that is not a box's
    at = start
    for piece in _PIECE.findall(text, start):
        at += len(piece)
        if piece == "{":
            opened.append(-1)
        elif piece == "}":
            if opened and (inside := opened.pop()) >= 0:
                while spans and spans[-1][0] > inside:
                    spans.pop()
                spans.append((inside, at - 1))
        elif piece == BOX:
            opened.append(at)
    return [text[a:b] for a, b in spans]
