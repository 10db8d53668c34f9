"""Intervals over source records.

Rows made from one photograph, clip or document are not independent, so what is drawn again is the source record with
all its rows (the cluster bootstrap; Field and Welsh, "Bootstrapping clustered data", 2007), never the single row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from datasets import Dataset
from numpy.typing import NDArray
from scipy.stats import norm, t

from ssrl_data.rng import Rng
from ssrl_train.rows import column

Floats: TypeAlias = "NDArray[np.float64]"
Ints: TypeAlias = "NDArray[np.int64]"

LEVEL = 0.95
"""Of every interval."""

FEWEST = 5
"""Source records below which no interval is claimed: so few say next to nothing of those that were not drawn."""

DRAWS = 2000
"""Bootstrap replicates."""

BLOCK = 1 << 22
"""Drawn places held at once, which bounds the memory whatever the number of source records."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95% interval; `low` and `high` are None where there are too few source records to claim one."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def sources(rows: Dataset) -> Ints:
    """The number of the source record behind each row, from 0 without gaps.

    Two rows count as of one source where they share `source_id` (the same content, perhaps under two names) or
    `group_id` (a clip, a stereo pair, near-duplicates: never split between train and test), directly or by way of
    other rows: the coarser of the two wherever they differ.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = name = parent[parent[name]]
        return name

    pairs = [(f"s{s}", f"g{g}") for s, g in zip(column(rows, "source_id"), column(rows, "group_id"), strict=True)]
    for source, group in pairs:
        parent[root(source)] = root(group)
    roots = [root(source) for source, _ in pairs]
    number = {name: i for i, name in enumerate(dict.fromkeys(roots))}
    return np.array([number[name] for name in roots], np.int64)


def renumbered(source: Ints) -> Ints:
    """Source records of some of the rows, numbered from 0 without gaps."""
    return np.unique(source, return_inverse=True)[1].astype(np.int64)


def means(values: Floats, of: Ints, key: str, draws: int = DRAWS) -> Iterator[Floats]:
    """Means over the rows of source records drawn with replacement.

    Every draw is keyed, so the same rows have the same interval on every machine and in every release.

    Args:
        values: rows x figures.
        of: the source record of each row, 0 to n - 1, each with at least one row.
        key: of the draws; figures drawn under one key are drawn together.
        draws: replicates.

    Yields:
        Blocks of replicates x figures, `draws` replicates in all.
    """
    count = int(of.max()) + 1
    sizes = np.bincount(of, minlength=count).astype(np.float64)
    sums = np.stack([np.bincount(of, weights=column, minlength=count) for column in values.T], axis=1)
    rng, step = Rng("bootstrap", key, count), max(1, BLOCK // count)
    for start in range(0, draws, step):
        lines = min(step, draws - start)
        words = np.frombuffer(rng.bytes(4 * lines * count), "<u4").astype(np.uint64)
        # The high half of a 64-bit product: uniform up to n / 2**32.
        drawn = ((words * np.uint64(count)) >> np.uint64(32)).astype(np.int64).reshape(lines, count)
        places = drawn + np.arange(lines, dtype=np.int64)[:, None] * count
        weights = np.bincount(places.ravel(), minlength=lines * count).reshape(lines, count).astype(np.float64)
        yield (weights @ sums) / (weights @ sizes)[:, None]


def bounds(replicates: Floats, count: int, level: float = LEVEL) -> Floats:
    """The expanded percentile interval of each figure, figures x 2.

    The percentile bootstrap of n sources is too narrow by sqrt((n - 1) / n) and takes a normal quantile for one of
    Student's; percentiles moved outwards by as much cover as often as they say (Hesterberg, "What teachers should know
    about the bootstrap", 2015, section 3.3).

    Args:
        replicates: replicates x figures.
        count: source records.
        level: of the interval.
    """
    outer = float(norm.cdf(math.sqrt(count / (count - 1)) * t.ppf((1 - level) / 2, count - 1)))
    return np.quantile(replicates, [outer, 1 - outer], axis=0).T


def unseen(count: int, level: float = LEVEL) -> float:
    """The most that a share can be of which nothing was seen in `count` source records: Wilson's bound at 0 of n.

    Where all source records agree, so many of the others may not, and a mean in [0, 1] be as far off.
    """
    square = float(norm.ppf((1 + level) / 2)) ** 2
    return square / (count + square)
