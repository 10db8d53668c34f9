"""Order versions of a passage by how much of it was replaced.

After SPO (arXiv 2409.17791), which trains a model to tell how much of an answer was deleted. Here nothing gets shorter:
what is taken out gives place to text from elsewhere of the same size, so that the order must be read.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar

from ssrl_data.answers.permutation import Permutation
from ssrl_data.core import Example, Fault, Record, Row, Skip, Task
from ssrl_data.gates import degrade
from ssrl_data.gates.degrade import Place, Vocabulary
from ssrl_data.media.text import Text, block, quotable, sentences
from ssrl_data.rng import Rng

SENTENCE, PHRASE, WORD = "sentence", "phrase", "word"
CREDITS = ("exact", "partial", "pairs", "adjacency")

SHORTEST = 4
"""Words of the shortest sentence of a passage whose sentences are replaced."""

TRIES = 12
"""Draws of places and amounts before an attempt is given up."""

_VERSIONS, _MARGIN, _WORDS = (3, 6), (0.04, 0.3), (40, 400)
_MOST, _FREQUENT = 500_000, 50_000


@dataclass(frozen=True)
class DegradationOrderParams:
    """Parameters of `text/degradation_order`.

    Attributes:
        versions: versions that are shown, 3 to 6.
        unit: what is replaced: whole `sentence`s, `phrase`s of four words, or single `word`s, each wherever it occurs.
        reference: whether the passage itself is shown beside the versions. Where it is not, it is one of them.
        nested: whether each version lacks all that the one before it lacks; else they differ in different places.
        words: least and most words of the passage, 40 to 400.
        margin: by how much of the passage's words neighbouring versions differ at least, 0.04 to 0.3.
        credit: what an order that is not right earns: nothing (`exact`), or half of the chance-corrected share of right
            places (`partial`), of pairs in the right relative order (`pairs`) or of neighbours that stay neighbours
            (`adjacency`).
    """

    versions: int = 3
    unit: str = SENTENCE
    reference: bool = True
    nested: bool = True
    words: tuple[int, int] = (80, 160)
    margin: float = 0.12
    credit: str = "exact"

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, (low, high) in {"versions": _VERSIONS, "margin": _MARGIN}.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}: it must lie in {low}..{high}")
        if self.unit not in (SENTENCE, PHRASE, WORD):
            raise ValueError(f"unit is {self.unit!r}: it must be one of {SENTENCE}, {PHRASE}, {WORD}")
        if not (self.nested or self.reference):
            raise ValueError("nested is False: without a reference only nested versions can be ordered")
        if len(self.words) != 2 or not _WORDS[0] <= self.words[0] <= self.words[1] <= _WORDS[1]:
            raise ValueError(f"words is {self.words}: it must be two rising numbers in {_WORDS[0]}..{_WORDS[1]}")
        if self.credit not in CREDITS:
            raise ValueError(f"credit is {self.credit!r}: it must be one of {', '.join(CREDITS)}")


@dataclass(frozen=True)
class _Passage:
    """The first sentences of the neighbouring paragraphs [first, end)."""

    first: int
    end: int
    parts: tuple[str, ...]


class DegradationOrder(Task[DegradationOrderParams]):
    """Versions of a passage in random order; the answer is their order from the least replaced to the most."""

    needs = frozenset({"text"})
    pictures: ClassVar[bool] = False
    levels: ClassVar = {
        "easy": DegradationOrderParams(nested=False),
        "medium": DegradationOrderParams(4, PHRASE, True, False, (80, 160), 0.05),
        "hard": DegradationOrderParams(5, WORD, False, True, (70, 130), 0.08, "pairs"),
    }

    def chance(self) -> float | None:
        """That of the answer, whichever order it states."""
        return Permutation().answer([*range(2, self.params.versions + 1), 1], self.params.credit).chance

    def donors(self) -> int:
        """Three, whose sentences, phrases and words are put in."""
        return 3

    @classmethod
    def prepare(cls, records: Iterator[Record]) -> bytes:
        """How often each plain word occurs in the train split: the 50,000 most frequent of those that occur twice."""
        counts = Counter[str]()
        for record in records:
            if record.text is not None:
                counts.update(degrade.counted(record.text.paragraphs[n] for n in record.text.kept))
            if len(counts) > _MOST:
                counts = Counter(dict(_frequent(counts)))
        table = {word: count for word, count in _frequent(counts) if count > 1}
        return zlib.compress(json.dumps(table, separators=(",", ":")).encode(), 9)

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Choose a passage, what is put in its places, and how much of it each version lacks."""
        p, text = self.params, records[0].text
        if text is None:
            raise Skip("no text", final=True)
        passage = _passage(text, p, rng)
        foreign = [lent.text.paragraphs[n] for lent in records[1:] if lent.text is not None for n in lent.text.kept]
        if not foreign:
            raise Skip("no other document to borrow from", final=True)
        rising = self._versions(passage.parts, text, foreign, rng)
        inorder = list(range(1, p.versions + 1))
        places = rng.shuffled(inorder)
        while places == inorder:
            places = rng.shuffled(inorder)
        yield Example(
            prompt=(_prompt(p, passage, [rising[places.index(number)][0] for number in inorder]),),
            answer=Permutation().answer(places, p.credit),
            meta={
                "paragraphs": [passage.first, passage.end],
                "parts": [part.count(" ") + 1 for part in passage.parts],
                "replaced": [rising[places.index(number)][1] for number in inorder],
            },
            solution=_solution(places, [words for _, words in rising]),
            used=len(records),
        )

    def _versions(self, parts: Sequence[str], text: Text, foreign: Sequence[str], rng: Rng) -> list[tuple[str, int]]:
        """The versions and the words replaced in each, least first."""
        p = self.params
        pieces = parts if p.unit == SENTENCE else " ".join(parts).split(" ")
        least = p.margin * (" ".join(parts).count(" ") + 1)
        for _ in range(TRIES):
            places = self._places(pieces, text, foreign, rng)
            wanted = _amounts(p, least, sum(place.words for place in places), rng)
            taken = [_upto(places if p.nested else self._places(pieces, text, foreign, rng), words) for words in wanted]
            lost = [sum(place.words for place in some) for some in taken]
            if all(b - a >= least for a, b in pairwise(lost)):
                return [(degrade.applied(pieces, some), words) for some, words in zip(taken, lost, strict=True)]
        raise Skip("no amounts that far apart")

    def _places(self, pieces: Sequence[str], text: Text, foreign: Sequence[str], rng: Rng) -> list[Place]:
        """What can be replaced, and by what, in the order in which it will be."""
        if self.params.unit == SENTENCE:
            return degrade.by_sentence(pieces, foreign, rng)
        if self.params.unit == PHRASE:
            return degrade.by_phrase(pieces, foreign, rng)
        counts = _vocabulary(self.prepared) or Vocabulary(degrade.counted([*text.paragraphs, *foreign]))
        return degrade.by_word(pieces, counts, rng)

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Count what each version keeps of the passage, and read the order off that.

        With the record: the passage shown, or the version stated first, is the record's. A version keeps the words at
        their places, or whole sentences where those are replaced. Without: the same against the reference shown; where
        none is, no word comes back along the stated order once it was replaced.
        """
        params, made = row.meta["params"], row.meta["make"]
        shown = _blocks(row.prompt)
        versions, order = shown.get("versions"), row.answer.value["answer"]
        if versions is None or len(versions) != params["versions"] or sorted(order) != list(range(1, len(order) + 1)):
            yield Fault("true", f"the prompt does not show {params['versions']} numbered versions")
            return
        if params["reference"] != ("passage" in shown):
            yield Fault("true", "the reference is missing, or shown where there should be none")
            return
        rising = [versions[number - 1].split(" ") for number in order]
        origin = shown["passage"][0].split(" ") if params["reference"] else rising[0]
        if records and records[0].text is not None:
            first, end = made["paragraphs"]
            parts = [part for text in records[0].text.paragraphs[first:end] for part in sentences(text)]
            if origin != " ".join(parts[: len(made["parts"])]).split(" "):
                yield Fault("true", "the passage shown is not the document's")
                return
        if sum(made["parts"]) != len(origin):
            yield Fault("true", "the passage has lost or won words")
            return
        if params["unit"] != SENTENCE and any(len(tokens) != len(origin) for tokens in rising):
            yield Fault("no leak", "a version has lost or won words")
            return
        lost = [len(origin) - _kept(origin, tokens, made["parts"], params["unit"]) for tokens in rising]
        if any(b - a < params["margin"] * len(origin) for a, b in pairwise(lost)):
            yield Fault("true", f"in the stated order the versions lack {', '.join(map(str, lost))} words")
        elif params["nested"] and params["unit"] != SENTENCE and any(map(_comes_back, zip(*rising, strict=True))):
            yield Fault("true", "a word that was replaced comes back in the stated order")


def _frequent(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_FREQUENT]


@lru_cache(maxsize=2)
def _vocabulary(prepared: bytes) -> Vocabulary | None:
    return Vocabulary(json.loads(zlib.decompress(prepared))) if prepared else None


def _passage(text: Text, p: DegradationOrderParams, rng: Rng) -> _Passage:
    """Sentences from the start of a paragraph on, over its neighbours, as many words as are wanted.

    Raises:
        Skip: no paragraph begins such a passage, or the one drawn cannot be asked about.
    """
    if sum(text.paragraphs[n].count(" ") + 1 for n in text.kept) < p.words[0]:
        raise Skip("text too short", final=True)
    first = rng.choice(text.kept)
    wanted = rng.integer(*p.words)
    parts, total, end = list[str](), 0, first
    while end < len(text.paragraphs) and end not in text.dropped and total < wanted:
        for part in sentences(text.paragraphs[end]):
            size = part.count(" ") + 1
            if total + size > p.words[1] or total >= wanted:
                wanted = total
                break
            parts.append(part)
            total += size
        end += 1
    passage = " ".join(parts)
    if total < p.words[0]:
        raise Skip("no passage of that length from here")
    if not quotable(passage) or "\n" in passage:
        raise Skip("passage that cannot be quoted")
    if degrade.plain_share(passage) < degrade.PROSE:
        raise Skip("passage of few plain words")
    if p.unit == SENTENCE and min(part.count(" ") for part in parts) + 1 < SHORTEST:
        raise Skip("short sentence")
    if p.unit == SENTENCE and any(passage.count(part) > 1 for part in parts):
        raise Skip("repeated sentence")
    return _Passage(first, end, tuple(parts))


def _amounts(p: DegradationOrderParams, least: float, most: int, rng: Rng) -> list[float]:
    """How many words each version lacks at least: rising by the margin and a random share of what is left to give.

    Raises:
        Skip: the places hold too few words.
    """
    start = least if p.reference else 0.0
    slack = most - start - least * (p.versions - 1)
    if slack < 0:
        raise Skip("too few words that can be replaced")
    free = sorted(rng.uniform(0, slack) for _ in range(p.versions))
    return [start + least * n + (extra if p.reference or n else 0) for n, extra in enumerate(free)]


def _upto(places: Sequence[Place], words: float) -> list[Place]:
    """The first places that hold so many words together."""
    out, total = list[Place](), 0
    for place in places:
        if total >= words:
            break
        out.append(place)
        total += place.words
    return out


def _prompt(p: DegradationOrderParams, passage: _Passage, shown: Sequence[str]) -> str:
    versions = block("versions", "\n".join(f"Version {n}: {text}" for n, text in enumerate(shown, 1)))
    what = {SENTENCE: "whole sentences", PHRASE: "runs of four words", WORD: "words"}[p.unit]
    if p.reference:
        passage_shown = block("passage", " ".join(passage.parts)) + "\n\n"
        told = (
            f"In each of the {p.versions} versions of the passage {what} were replaced by text of the same length from "
            "elsewhere, in each version a different share of it. Compare them with the passage"
        )
    else:
        passage_shown = ""
        told = (
            f"These are {p.versions} versions of one passage, of which one is as it was written. In the others {what} "
            "were replaced by others of the same length that do not belong there, and each version has all the "
            "replacements of those with fewer"
        )
    return (
        f"{passage_shown}{versions}\n\n{told}. Put them in order, from the version of which the least was replaced to "
        f"that of which the most was replaced. Give the versions' numbers. {_example(p.versions)}"
    )


def _example(count: int) -> str:
    """An order that is not its own inverse, so that it settles the direction, and of another length than the answer."""
    if count == 3:
        return (
            "For example, with four versions, 2, 4, 1, 3 means: in version 2 the least was replaced, then in version "
            "4, then in version 1, and in version 3 the most."
        )
    return (
        "For example, with three versions, 2, 3, 1 means: in version 2 the least was replaced, then in version 3, and "
        "in version 1 the most."
    )


def _solution(places: Sequence[int], lost: Sequence[int]) -> str:
    told = "; ".join(f"version {number} lacks {words} words" for number, words in zip(places, lost, strict=True))
    return f"Of the passage {told}. So the order is {', '.join(map(str, places))}."


def _blocks(prompt: str) -> dict[str, list[str]]:
    """The lines of the prompt's blocks by name; versions without the heads that number them."""
    out: dict[str, list[str]] = {}
    for name in ("passage", "versions"):
        _, opened, rest = prompt.partition(f"<{name}>\n")
        inside, closed, _ = rest.partition(f"\n</{name}>")
        if opened and closed:
            out[name] = inside.split("\n")
    heads = [f"Version {n}: " for n in range(1, len(out.get("versions", ())) + 1)]
    lines = out.pop("versions", [])
    if lines and all(line.startswith(head) for line, head in zip(lines, heads, strict=True)):
        out["versions"] = [line.removeprefix(head) for line, head in zip(lines, heads, strict=True)]
    return out


def _kept(origin: Sequence[str], tokens: Sequence[str], parts: Sequence[int], unit: str) -> int:
    """Words of the passage that a version keeps: at their places, or in whole sentences of the lengths in `parts`."""
    if unit != SENTENCE:
        return sum(map(str.__eq__, origin, tokens))
    text, kept, start = f" {' '.join(tokens)} ", 0, 0
    for size in parts:
        kept += size * (f" {' '.join(origin[start : start + size])} " in text)
        start += size
    return kept


def _comes_back(words: Sequence[str]) -> bool:
    """Whether the word at one place, followed through the versions, changes more than once."""
    return sum(a != b for a, b in pairwise(words)) > 1
