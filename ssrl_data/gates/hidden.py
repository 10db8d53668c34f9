"""What is asked about a span that is hidden, and what must hold of the rest of its passage."""

from __future__ import annotations

from collections.abc import Sequence

from ssrl_data.answers.span import Span
from ssrl_data.gates.visible import visible
from ssrl_data.media.text import quotable

MASK = "[MASK]"

LEAST = 20
"""Least number of spaces in what is shown beside the gaps."""

_ASKED = Span().ask({"answer": "", "aliases": []})
_COUNTED = ("one", "two", "three", "four", "five", "six", "seven", "eight")
_CALLED = {
    "number": "a number",
    "name": "a name",
    "capitals": "a word in capital letters",
    "identifier": "an identifier",
    "option": "the name of a command-line option",
    "file": "the name of a file or folder",
}


def question(answer: str, kind: str, words: int, gaps: int = 1) -> str:
    """What is asked of a reader of the rest.

    Args:
        answer: the hidden text.
        kind: its kind, as in `ssrl_data.gates.spans`.
        words: how many words it has, 1 to 8.
        gaps: how often it stood in the passage; all of these are hidden.
    """
    size = "" if kind == "number" else f" of {_COUNTED[words - 1]} word{'s' * (words > 1)}"
    called = _CALLED[kind]
    if kind == "identifier" and "." in answer:
        called = "an identifier with a dot"
    elif answer.startswith("/"):
        called = "a path"
    again = f", {gaps} times" if gaps > 1 else ""
    return f"In this passage {called}{size} is hidden behind {MASK}{again}. What is hidden?"


def refused(whole: str, answer: str, shown: Sequence[str], asked: str) -> str:
    """Why a span cannot be asked for; empty when it can.

    Args:
        whole: the passage with nothing hidden.
        answer: the hidden text.
        shown: what is left of the passage, in pieces between the gaps.
        asked: the question.
    """
    if not quotable(whole):
        return "text like the prompt's own marks"
    if sum(piece.count(" ") for piece in shown) < LEAST:
        return "too little text around"
    return "answer readable elsewhere" if visible(answer, (*shown, f"{asked} {_ASKED}")) else ""
