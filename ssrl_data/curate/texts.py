"""Curation of texts: what is left out of documents, worked records and instructions, and whose groups are joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Json, SsrlError
from ssrl_data.curate.alike import Groups
from ssrl_data.curate.contamination import NGRAM, read_benchmarks
from ssrl_data.curate.hashing import open_records
from ssrl_data.curate.language import check_languages
from ssrl_data.curate.repeats import Ordered, Passages, first_shown
from ssrl_data.curate.sheets import BENCHMARK, KEEP, LANGUAGE, Reader, Sheet
from ssrl_data.listing import Item
from ssrl_data.sources.base import Source

REPEATED, NEARLY = 3, 4
REASONS = {REPEATED: "repeated", NEARLY: "near repeat", BENCHMARK: "benchmark", LANGUAGE: "language"}
"""Why a passage is left out; where several hold, benchmark goes before language and both before repeats."""

CHUNK = 64
"""Records that a worker takes at a time."""

SHARED = 0.5
"""Least share of its shingles that each of two documents has in repeats of the other for both to share a group."""

MEDIA = ("text", "worked", "instruction")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to leave out beside repeats.

    Attributes:
        against: files of benchmarks.
        ngram: words of a run that tells a benchmark's item.
        languages: codes of the languages kept; empty: all.
    """

    against: Sequence[Path] = ()
    ngram: int = NGRAM
    languages: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Curation:
    """What was found of the texts of a corpus, by the numbers of its records.

    Attributes:
        reasons: why records cannot be read.
        source_ids: of those that can.
        passages: how many each has.
        dropped: numbers of passages left out, ascending, and why.
        counts: medium to passages, and to those left out by reason.
        against: of each benchmark its name, digest, items and the words of a run.
    """

    reasons: dict[int, str] = field(default_factory=dict)
    source_ids: dict[int, str] = field(default_factory=dict)
    passages: dict[int, int] = field(default_factory=dict)
    dropped: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    counts: dict[str, tuple[int, Mapping[str, int]]] = field(default_factory=dict)
    against: Sequence[Json] = ()


def curate_texts(
    items: Mapping[int, Item],
    sources: Sequence[Source],
    groups: Groups,
    wanted: Wanted,
    workers: int,
    folder: Path,
    tick: Callable[[], None],
) -> Curation:
    """Look at all texts once, and join the groups of those that must not be split.

    Args:
        items: the texts, worked records and instructions of a corpus by their numbers, in the order in which the first
            of several repeats is kept.
        sources: the corpora.
        groups: the corpus's own groups.
        wanted: what to leave out beside repeats.
        workers: processes; nothing depends on their number.
        folder: where temporary files may lie: some 250 bytes a passage, and what benchmarks hold.
        tick: called for each record that was opened.

    Raises:
        SsrlError: a benchmark cannot be used, a language is unknown, or a library is missing.
    """
    if not items:
        if wanted.against or wanted.languages:
            raise SsrlError("the corpus holds no texts: leave out --against and --language")
        return Curation()
    if wanted.languages:
        check_languages(wanted.languages)
    found = Curation()
    numbers = list(items)
    with TemporaryDirectory(dir=folder, prefix=".curate-") as name:
        benchmarks = None
        if wanted.against:
            benchmarks, said = read_benchmarks(wanted.against, wanted.ngram, Path(name) / "benchmarks.npy")
            found = Curation(against=said)
        reader = Reader(benchmarks, frozenset(wanted.languages))
        piles = {medium: Passages(Path(name)) for medium in MEDIA}
        with piles["text"], piles["worked"], piles["instruction"]:
            opened = open_records(list(items.values()), sources, workers, reader, CHUNK, lambda why: Sheet(reason=why))
            for place, sheet in opened:
                number = numbers[place]
                tick()
                if sheet.reason is not None:
                    found.reasons[number] = sheet.reason
                    continue
                found.source_ids[number], found.passages[number] = sheet.source_id, sheet.count
                piles[items[number].entry.media].add(number, sheet)
            for medium, pile in piles.items():
                passages = pile.ordered()
                left, owners = _left_out(passages)
                if medium == "text":
                    _join_documents(passages, owners, items, groups)
                elif medium == "instruction":
                    _join_instructions(passages, left, owners, items, groups)
                else:
                    # A near repeat of a problem is another one made like it: kept, in one split with it.
                    _join_problems(passages, owners, items, groups)
                    left[left == NEARLY] = KEEP
                for place in np.flatnonzero(left).tolist():
                    why = REASONS[int(left[place])]
                    found.dropped.setdefault(int(passages.record[place]), []).append((int(passages.within[place]), why))
                if len(left):
                    tally = Counter(left.tolist())
                    found.counts[medium] = len(left), {why: tally[code] for code, why in REASONS.items() if tally[code]}
    return found


def _left_out(passages: Ordered) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Why each passage is left out, and the passage that shows the same (itself, if none does)."""
    left = passages.left[passages.at].copy()
    chosen = np.flatnonzero(left == KEEP)
    shown, exact = first_shown(passages, chosen)
    left[chosen] = np.where(shown == chosen, KEEP, np.where(exact, REPEATED, NEARLY))
    owners = np.arange(len(left))
    owners[chosen] = shown
    return left, owners


def _join_problems(passages: Ordered, owners: NDArray[np.int64], items: Mapping[int, Item], groups: Groups) -> None:
    for place in np.flatnonzero(owners != np.arange(len(owners))).tolist():
        one, other = (items[int(passages.record[number])] for number in (place, owners[place]))
        groups.join(one.entry.group, other.entry.group)


def _join_instructions(
    passages: Ordered, left: NDArray[np.uint8], owners: NDArray[np.int64], items: Mapping[int, Item], groups: Groups
) -> None:
    """Join instructions that ask for nearly the same, and keep of the queries what no other group has asked before.

    A query may go with many instructions, so to join their groups would soon leave one group. An instruction that is
    left out takes its queries with it.
    """
    instruction = passages.within == 0

    def group(place: int) -> str:
        return items[int(passages.record[place])].entry.group

    for place in np.flatnonzero(instruction & (owners != np.arange(len(owners)))).tolist():
        groups.join(group(place), group(int(owners[place])))
    left[instruction & (left == NEARLY)] = KEEP
    for place in np.flatnonzero(~instruction & ((left == REPEATED) | (left == NEARLY))).tolist():
        if groups.find(group(place)) == groups.find(group(int(owners[place]))):
            left[place] = KEEP
    for place in np.flatnonzero(instruction & (left != KEEP)).tolist():
        left[passages.record == passages.record[place]] = left[place]


def _join_documents(passages: Ordered, owners: NDArray[np.int64], items: Mapping[int, Item], groups: Groups) -> None:
    """Join documents of which each is mostly the other; what they share beyond that is left out of the later one."""
    weights = np.maximum(passages.sizes[passages.at], 1).astype(np.float64)
    totals = np.bincount(passages.record, weights)
    later, earlier = passages.record, passages.record[owners]
    across = np.flatnonzero(later != earlier)
    if not len(across):
        return
    count = np.int64(len(totals))
    pairs, inverse = np.unique(later[across] * count + earlier[across], return_inverse=True)
    shared = np.bincount(inverse, weights[across])
    one, other = np.divmod(pairs, count)
    for i in np.flatnonzero(shared >= SHARED * np.maximum(totals[one], totals[other])).tolist():
        groups.join(items[int(one[i])].entry.group, items[int(other[i])].entry.group)
