"""The passage of a built row, the row that asks for a span of it to hide, and the row that asks for a span hidden.

A proposed mask is held to what holds of a built one (`text/masked_span`): its span is of a closed kind, all of it
whole words, and nothing else that is shown tells it. All places where it stands are hidden.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from ssrl_data.answers.reading import bare, final, tagged
from ssrl_data.answers.span import Span
from ssrl_data.gates import aliases, hidden
from ssrl_data.gates.hidden import MASK
from ssrl_data.gates.spans import spans
from ssrl_data.media.text import Text, block, words
from ssrl_data.row import pack_answer
from ssrl_train.active.settings import Propose

Refusal: TypeAlias = Literal["unreadable", "absent", "part_of_word", "long", "often", "kind", "shown"]
REFUSALS: dict[Refusal, str] = {
    "unreadable": "no answer, or two, can be read",
    "absent": "it does not stand in the passage, letter for letter",
    "part_of_word": "it stands in the passage only as a part of longer words",
    "long": "it has too many words",
    "often": "it stands in the passage too often",
    "kind": "it is no number, name or term that can be asked for",
    "shown": "what is left of the passage tells it, or is too short",
}
"""Why a proposal is not taken."""

_OPEN, _CLOSE = "<passage>\n", "\n</passage>"
_POSSESSIVE = ("'s", "’s")


@dataclass(frozen=True, slots=True)
class Passage:
    """What a row shows, with nothing hidden.

    Attributes:
        text: the passage.
        chance: what the best guesser that understands nothing scores on its masks.
    """

    text: str
    chance: float


@dataclass(frozen=True, slots=True)
class Mask:
    """A span of a passage that may be hidden.

    Attributes:
        span: its text.
        question: what is asked.
        shown: the rest of the passage, in pieces between the gaps.
        aliases: the other right answers.
    """

    span: str
    question: str
    shown: tuple[str, ...]
    aliases: tuple[str, ...]


def passage_of(row: Mapping[str, Any]) -> Passage | None:
    """The passage of a row with one gap in it and a span for its answer, or None for any other row."""
    answer = json.loads(row["answer"])
    body = row["prompt"][-1]["content"]
    _, opened, rest = body.partition(_OPEN) if isinstance(body, str) else ("", "", "")
    shown, closed, _ = rest.partition(_CLOSE)
    if not (opened and closed) or answer["kind"] != Span.name or shown.count(MASK) != 1:
        return None
    return Passage(shown.replace(MASK, answer["value"]["answer"]), answer["credit"]["c"])


def request(settings: Propose) -> str:
    """What a proposer is asked, before its passage."""
    return (
        "Choose what to hide in this passage: a number, a name or a technical term, of at most "
        f"{settings.words} words. It will be hidden wherever it stands, and a reader of the rest will have to say what "
        "it is. The rest should tell it, once one thinks about it, and should leave no other choice."
    )


def proposer(row: Mapping[str, Any], settings: Propose) -> dict[str, Any]:
    """A row whose prompt asks which span of its passage to hide; its answer column stays what it was.

    Raises:
        ValueError: the row has no passage.
    """
    passage = passage_of(row)
    if passage is None:
        raise ValueError(f"row {row['id']} has no passage with one gap")
    # Asked for in the same words and tags as an answer is.
    return {**row, "prompt": _prompt(row, request(settings), passage.text)}


def proposal(response: str) -> str | None:
    """The span that a response names; None where none can be read."""
    given = final(response, lambda text: bare(text) or None).given
    return None if given is None else str(given)


@lru_cache(maxsize=1 << 12)
def mask(passage: Passage, text: str, settings: Propose) -> Mask | Refusal:
    """A proposed span as a mask, or why it is none."""
    if text not in passage.text:
        return "absent"
    found = [span for span in spans(passage.text) if passage.text[span.start : span.end] == text]
    places = _places(passage.text, text, {span.start for span in found}, {span.end for span in found})
    if not places:
        return "part_of_word"
    if len(words(text)) > settings.words:
        return "long"
    if len(places) >= settings.times:
        return "often"
    if not found:
        return "kind"
    kind, size = found[0].kind, found[0].last - found[0].first
    shown = _between(passage.text, places)
    question = hidden.question(text, kind, size, len(places))
    if hidden.refused(passage.text, text, shown, question):
        return "shown"
    before = passage.text[: found[0].start].rstrip().rpartition(" ")[2]
    after = passage.text[found[0].end : found[0].end + 1]
    other = aliases.aliases(text, kind, Text((passage.text,)), before, after)
    return Mask(text, question, shown, tuple(other))


@lru_cache(maxsize=1 << 10)
def possible(passage: Passage, settings: Propose) -> tuple[str, ...]:
    """The spans of a passage that would be taken, in the order in which they stand there."""
    texts = dict.fromkeys(passage.text[span.start : span.end] for span in spans(passage.text))
    return tuple(text for text in texts if isinstance(mask(passage, text, settings), Mask))


def predictor(row: Mapping[str, Any], passage: Passage, mask: Mask) -> dict[str, Any]:
    """A row that asks for the span of a mask, graded from itself alone like any other.

    Args:
        row: a row of the same task, whose place it takes: its `id` stays, and all that says of what kind it is.
        passage: what the mask is of.
        mask: what is hidden.
    """
    answer = Span().answer(mask.span, mask.aliases, chance=passage.chance)
    return {
        **row,
        "prompt": _prompt(row, mask.question, MASK.join(mask.shown)),
        "answer": pack_answer(answer),
        "chance": passage.chance,
        "meta": "{}",
    }


def named(text: str) -> str:
    """A response that names a span."""
    return tagged(text)


def _prompt(row: Mapping[str, Any], asked: str, passage: str) -> list[dict[str, str]]:
    """The row's messages with another question and passage; how to answer stays as it is."""
    *before, last = row["prompt"]
    _, _, tail = last["content"].partition(_CLOSE)
    return [*before, {**last, "content": f"{asked}\n\n{block('passage', passage)}{tail}"}]


def _places(passage: str, text: str, starts: set[int], ends: set[int]) -> list[tuple[int, int]]:
    """Where a text stands as whole words, in order; a possessive ending is no part of a word."""
    for start, end in words(passage):
        starts.add(start)
        ends.update((end, end - 2) if passage.endswith(_POSSESSIVE, start, end) else (end,))
    found, at = [], passage.find(text)
    while at >= 0:
        end = at + len(text)
        whole = at in starts and end in ends
        if whole:
            found.append((at, end))
        at = passage.find(text, end if whole else at + 1)
    return found


def _between(passage: str, places: list[tuple[int, int]]) -> tuple[str, ...]:
    edges = [0, *(edge for place in places for edge in place), len(passage)]
    return tuple(passage[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True))
