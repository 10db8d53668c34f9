"""Whether rows of different splits show nearly the same passage, and whether rows repeat a benchmark, told from them.

What a row shows is its prompt as a set of three-word shingles, without those that its task puts into every prompt and
without the gaps, so that a passage is known again whatever was hidden in it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from ssrl_data.check.facts import Facts
from ssrl_data.curate.contamination import NGRAM, read_benchmarks
from ssrl_data.curate.sketch import BANDS, shingled, signed
from ssrl_data.curate.words import hashed, tokens, words
from ssrl_data.media.text import without_blocks

NEAR = 0.5
"""Least Jaccard similarity of what two rows show for them to show one passage, words replaced and gaps left apart. Of
3,000 rows of 1,239 curated documents of a Debian documentation tree no two of different splits had 0.3."""

TEMPLATE = 0.2
"""Share of a level's sources from which on a shingle is the task's own, `SOURCES` of them at least."""

SOURCES = 4

HEADS = 4
"""Rows of each split that those of another are compared with for each band that they agree in."""

_GAP = re.compile(r"\[MASK[^\]\n]{0,8}\]")


def near_rows(rows: Sequence[Facts]) -> Iterator[tuple[Facts, Facts, float]]:
    """Rows that show nearly the passage of a row of another split, with the first such one and their similarity.

    Raises:
        SsrlError: `rensa` is not installed.
    """
    if len({row.split for row in rows}) < 2:
        return
    rows, sets = _without_templates(rows)
    if not rows:
        return
    _, bands = signed(np.concatenate(sets), np.array([len(found) for found in sets], np.int32))
    splits = [row.split for row in rows]
    pairs = sorted({pair for band in range(BANDS) for pair in _pairs(bands[:, band], splits)})
    told: set[int] = set()
    for later, earlier in pairs:
        if later in told or set(rows[later].sources) & set(rows[earlier].sources):  # one record: found as an overlap
            continue
        both = len(np.intersect1d(sets[later], sets[earlier], assume_unique=True))
        similarity = both / (len(sets[later]) + len(sets[earlier]) - both)
        if similarity >= NEAR:
            told.add(later)
            yield rows[later], rows[earlier], similarity


def _pairs(values: NDArray[np.uint32], splits: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Rows of different splits with one value: the later and the earlier one; of each split the first ones alone."""
    order = np.argsort(values, kind="stable")
    ends = np.flatnonzero(np.diff(values[order])) + 1
    for found in np.split(order, ends):
        if len(found) < 2:
            continue
        heads: defaultdict[str, list[int]] = defaultdict(list)
        for number in found.tolist():
            for split, first in heads.items():
                if split != splits[number]:
                    yield from ((number, other) for other in first)
            if len(heads[splits[number]]) < HEADS:
                heads[splits[number]].append(number)


def _without_templates(rows: Sequence[Facts]) -> tuple[list[Facts], list[NDArray[np.uint32]]]:
    """The rows that show more than their task's own words, and what they show."""
    levels: defaultdict[str, list[tuple[Facts, NDArray[np.uint32]]]] = defaultdict(list)
    for row in rows:
        levels[row.name].append((row, _shown(row.text)))
    kept, sets = [], []
    for level in levels.values():
        by_source: defaultdict[tuple[str, ...], list[NDArray[np.uint32]]] = defaultdict(list)
        for row, shown in level:
            by_source[row.sources].append(shown)
        distinct = [np.unique(np.concatenate(found)) for found in by_source.values()]
        values, counts = np.unique(np.concatenate(distinct), return_counts=True)
        template = values[counts >= max(SOURCES, TEMPLATE * len(distinct))]
        for row, shown in level:
            own = np.setdiff1d(shown, template, assume_unique=True)
            if len(own):
                kept.append(row)
                sets.append(own)
    return kept, sets


def _shown(prompt: str) -> NDArray[np.uint32]:
    """The shingles of a prompt but for its rules, which many proofs share, ascending; none holds a gap."""
    shown = without_blocks(prompt, "rules")
    pieces = [hashed(found) for piece in _GAP.split(shown) if (found := tokens(piece))]
    return np.unique(shingled(pieces)[0]) if pieces else np.zeros(0, np.uint32)


def contaminated(rows: Sequence[Facts], against: Sequence[Path]) -> Iterator[Facts]:
    """Rows whose prompts share 13 words in a row with an item of some benchmarks, or hold the whole of a shorter one.

    Raises:
        SsrlError: a benchmark cannot be read.
    """
    with TemporaryDirectory() as name:
        benchmarks, _ = read_benchmarks(against, NGRAM, Path(name) / "benchmarks.npy")
        for row in rows:
            if benchmarks.touches([hashed(words(row.text))])[0]:
                yield row
