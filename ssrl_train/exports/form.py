"""The form of a response with one tagged answer: its parts, and its content whatever its form."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ssrl_data.answers.reading import BOX, CLOSE, OPEN
from ssrl_data.row import digest

THINK, THOUGHT = "<think>", "</think>"

_TAGS = re.compile("|".join(map(re.escape, (OPEN, CLOSE, THINK, THOUGHT))))
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Parts:
    """A well-formed response, cut at its tags.

    Attributes:
        head: all before the opening tag of the answer, the reasoning with its own tags.
        answer: what stands in the answer's tags.
        tail: all after them.
    """

    head: str
    answer: str
    tail: str


def parts(response: str) -> Parts | None:
    """The parts of a response whose form is right; None of one whose form is not.

    It has one answer, in tags, after its reasoning; the reasoning is closed once, or has no tags, and may begin without
    one, as where the prompt ends with `<think>`.
    """
    if response.count(OPEN) != 1 or response.count(CLOSE) != 1 or BOX in response:
        return None
    head, _, rest = response.partition(OPEN)
    answer, closed, tail = rest.partition(CLOSE)
    begun, ended = response.count(THINK), response.count(THOUGHT)
    if not closed or begun > ended or ended > 1 or (begun and head.find(THOUGHT) < head.find(THINK)):
        return None
    if ended and THOUGHT not in head:
        return None
    return Parts(head, answer, tail)


def reasoning(found: Parts) -> str:
    """All that a response says beside its answer, without tags."""
    return "\n".join(filter(None, (text.strip() for text in _TAGS.split(found.head + OPEN + found.tail))))


def content(text: str) -> str:
    """A hash of what a text says, whatever its form: its different words and marks, not tags, order and repeats."""
    return digest(*sorted(set(_WORD.findall(_TAGS.sub(" ", text)))))


def joined(*texts: str) -> str:
    """The texts as one, with a space where two words would become one."""
    out = ""
    for text in texts:
        out += " " + text if out and text and out[-1].isalnum() and text[0].isalnum() else text
    return out
