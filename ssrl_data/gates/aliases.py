"""The other right ways to write an answer: a closed set, stored in the row, never by containment or likeness.

Case, spaces, quotes and the marks around an answer are no matter here: the answer kind reads over them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ssrl_data.media.text import Text, words

WORDS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
"""Numbers that prose writes as words, from 2."""

# Endings and stems that British and American spelling write apart; whole words alone are compared.
_SPELLINGS = (
    *(("colour", "color"), ("behaviour", "behavior"), ("centre", "center"), ("licence", "license")),
    *(("catalogue", "catalog"), ("programme", "program"), ("grey", "gray"), ("analogue", "analog")),
    *(("dialogue", "dialog"), ("defence", "defense"), ("organisation", "organization"), ("theatre", "theater")),
    *(("optimisation", "optimization"), ("initialisation", "initialization"), ("laboratory", "lab")),
    *(("laboratories", "labs"), ("labour", "labor"), ("harbour", "harbor"), ("honour", "honor")),
    *(("modelling", "modeling"), ("serialisation", "serialization"), ("normalisation", "normalization")),
    *(("saint", "st"), ("mount", "mt"), ("realisation", "realization"), ("standardisation", "standardization")),
)
_OTHER = {one: other for pair in _SPELLINGS for one, other in (pair, pair[::-1])}
_DEFINED = re.compile(r" \(([A-Z][A-Za-z]{0,3}[A-Z]{1,6})s?\)")
_PLAIN = re.compile(r"[\w'-]+")
_REVERSED = re.compile(r"\b([A-Z]{2,8}) \(([A-Za-z][\w'-]{0,30}(?: [\w'-]{1,30}){1,9})\)")
_SYSTEM = re.compile(r"\bGNU/([A-Z]\w{1,30})\b")
_LONG, _MOST = 120, 10  # characters and words of the longest long form
_SMALL = frozenset({"of", "the", "and", "for", "in", "to", "a", "on"})


def aliases(answer: str, kind: str, document: Text, before: str = "", after: str = "") -> list[str]:
    """All other texts that are as right.

    Numbers up to twelve in figures and words, with and without the comma of thousands and the percent sign; British and
    American spelling; an acronym and the long form that the document gives it in brackets; GNU/Linux and Linux where
    the document says both; an option with its dashes; a name with the article before it.

    Args:
        answer: the right text.
        kind: kind of the span, as in `ssrl_data.gates.spans`.
        document: the document it is from.
        before: the word before the gap.
        after: what follows the gap.
    """
    out = list(_numbers(answer)) if kind == "number" else []
    if kind == "number" and after.startswith("%"):
        out += [f"{text}%" for text in [answer, *out] if text[0].isdigit()]
    known = _pairs(document)
    if kind in ("name", "capitals"):
        out += known.get(answer.casefold(), ())
        respelt = " ".join(_respelt(word) for word in answer.split(" "))
        out += [respelt] * (respelt != answer)
        out += [f"the {text}" for text in [answer, *out]] if before.lower() == "the" else []
    elif kind == "option":
        out.append(f"--{answer}")
    return list(dict.fromkeys(text for text in out if text != answer))


def _numbers(answer: str) -> Iterator[str]:
    if answer in WORDS:
        yield str(WORDS.index(answer) + 2)
        return
    value = int(answer.replace(",", ""))
    yield str(value)
    if 2 <= value < 2 + len(WORDS):
        yield WORDS[value - 2]
    if value >= 1000:
        yield f"{value:,}"


def _respelt(word: str) -> str:
    other = _OTHER.get(word.lower(), word)
    return other.capitalize() if word[:1].isupper() and other != word else other


@lru_cache(maxsize=16)
def _pairs(document: Text) -> dict[str, tuple[str, ...]]:
    """Each folded form to the forms that the document says mean the same."""
    out: dict[str, set[str]] = {}
    for paragraph in document.paragraphs:
        if "(" in paragraph or "/" in paragraph:
            for one, other in _defined(paragraph):
                out.setdefault(one.casefold(), set()).add(other)
                out.setdefault(other.casefold(), set()).add(one)
    systems = {found for p in document.paragraphs if "GNU/" in p for found in _SYSTEM.findall(p)}
    alone = {p[start:end] for p in document.paragraphs for start, end in words(p)} if systems else set()
    for name in sorted(systems):
        if name in alone:
            out.setdefault(f"gnu/{name}".casefold(), set()).add(name)
            out.setdefault(name.casefold(), set()).add(f"GNU/{name}")
    return {form: tuple(sorted(others)) for form, others in out.items()}


def _defined(paragraph: str) -> Iterator[tuple[str, str]]:
    """Long forms and their acronyms: `Internet Protocol (IP)`, `IP (Internet Protocol)`; the initials must agree."""
    for found in _DEFINED.finditer(paragraph):
        before = paragraph[max(0, found.start() - _LONG) : found.start()].split(" ")
        for size in range(min(len(before), _MOST), 1, -1):
            long = before[-size:]
            if all(map(_PLAIN.fullmatch, long)) and _agree(long, found[1]):
                yield " ".join(long), found[1]
                break
    for found in _REVERSED.finditer(paragraph):
        if _agree(found[2].split(" "), found[1]):
            yield found[2], found[1]


def _agree(long: Sequence[str], acronym: str) -> bool:
    initials = ["".join(w[0] for w in kept).lower() for kept in (long, [w for w in long if w.lower() not in _SMALL])]
    return long[0].lower() not in _SMALL and acronym.lower() in initials
