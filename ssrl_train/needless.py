"""Rows that need no looking: a model that sees no picture answers them, so they teach it nothing about pictures.

After the filter of AdA (Adaptive Agent Team, "Human-timescale adaptation in an open-ended task space", 2023), which
drops a task that a policy doing nothing solves as well.

One row proves little: whoever says B whatever is asked is always right where the answer is B. So a row is named only if

1. its task and level as a whole is answered blind above chance: the mean over source records of the share of right
   blind responses has a one-sided 99% lower bound, corrected for the number of levels, above the chance of those rows
   and a tolerance of 0.02 (`ssrl_data.check.bounds`, the rule of the guessing gate of `ssrl check`); and
2. the row is answered blind more often than the responses' own frequency explains: with f the share of blind responses
   to other rows of the level, of other sources, that would be right here too, as many right ones of its n as there are
   come by chance with probability 0.05 at most (binomial). It takes two right responses or more at any f above 0.05.

A model that is sure of itself without reason gives one row all the same response, and is right on some rows by luck; at
a level that fails 1 such rows are named with those that leak. `lucky` says how many to expect: as many rows would be
named if each were graded by the blind responses to another row, whose answers cannot depend on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
from datasets import Dataset
from scipy.stats import binom

from ssrl_data.check.bounds import TOLERANCE, lower_bound
from ssrl_data.grade import grade
from ssrl_data.rng import Rng
from ssrl_train.measure import luck
from ssrl_train.rows import column
from ssrl_train.sources import Ints, sources

BY_CHANCE = 0.05
"""How probable a row's right blind responses may be by their frequency alone."""

OTHERS = 64
"""Other rows whose responses a row is compared with."""

SWAPS = 8
"""Other rows that each row is graded by, to count those named by luck."""


@dataclass(frozen=True, slots=True)
class Needless:
    """A task and level that is answered blind above chance.

    Attributes:
        task: the task.
        level: its level.
        rate: share of right blind responses, mean over source records.
        lower: its one-sided lower bound.
        chance: likewise, of the best blind guess of rows that do not leak.
        rows: rows judged.
        ids: of those that need no looking.
        lucky: how many rows would be named if blind responses had nothing to do with their rows; of those named at most
            about so many are.
    """

    task: str
    level: str
    rate: float
    lower: float
    chance: float
    rows: int
    ids: Sequence[str]
    lucky: float


def needless(rows: Dataset, blind: pa.Table) -> list[Needless]:
    """The levels that are answered blind above chance, with the rows of them that need no looking.

    Args:
        rows: the rows that were asked.
        blind: responses to them under the control `blind`; more than one a row, or no row can be named.
    """
    said: defaultdict[str, list[str]] = defaultdict(list)
    unjudged = set()
    for id, response, score in zip(*(blind[name].to_pylist() for name in ("id", "response", "score")), strict=True):
        said[id].append(response)
        if score is None:
            unjudged.add(id)
    ids, answers, chances = (column(rows, name) for name in ("id", "answer", "chance"))
    source = sources(rows)
    levels: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, name in enumerate(zip(column(rows, "task"), column(rows, "level"), strict=True)):
        if ids[place] in said and ids[place] not in unjudged:
            levels[name].append(place)
    found = []
    for (task, level), places in levels.items():
        group = _Level(
            [ids[p] for p in places], [answers[p] for p in places], [said[ids[p]] for p in places], source[places]
        )
        rate = group.over_sources([group.right(i, i) / len(group.said[i]) for i in range(len(places))])
        chance = group.over_sources([luck(answers[p], chances[p]) for p in places])
        lower = lower_bound(rate, len(set(source[places])), len(levels))
        if lower > chance + TOLERANCE:
            named, lucky = group.named()
            found.append(Needless(task, level, rate, lower, chance, len(places), named, lucky))
    return found


class _Level:
    """Rows of one level, with the blind responses to each."""

    def __init__(self, ids: Sequence[str], answers: Sequence[str], said: Sequence[Sequence[str]], source: Ints) -> None:
        self.ids, self.answers, self.said, self.source = ids, answers, said, source

    def over_sources(self, values: Sequence[float]) -> float:
        """The mean over source records of their rows' means."""
        of = np.unique(self.source, return_inverse=True)[1]
        return float((np.bincount(of, np.array(values)) / np.bincount(of)).mean())

    def right(self, row: int, by: int) -> int:
        """How many of the responses to the row `by` are right on a row."""
        return sum(_exact(self.answers[row], response) for response in self.said[by])

    def named(self) -> tuple[list[str], float]:
        """Ids of the rows that need no looking, and how many would be named if responses knew nothing of their rows."""
        ids, lucky = [], 0.0
        for row, id in enumerate(self.ids):
            others = np.flatnonzero(self.source != self.source[row]).tolist()
            if not others:
                continue
            some = Rng("needless", id).sample(others, min(OTHERS, len(others)))
            right = [self.right(row, by) for by in some]
            asked = sum(len(self.said[by]) for by in some)
            frequency = (sum(right) + 1) / (asked + 1)
            if self._above(self.right(row, row), len(self.said[row]), frequency):
                ids.append(id)
            swaps = list(zip(some, right, strict=True))[:SWAPS]
            lucky += sum(self._above(count, len(self.said[by]), frequency) for by, count in swaps) / len(swaps)
        return ids, lucky

    @staticmethod
    def _above(right: int, responses: int, frequency: float) -> bool:
        return right > 0 and float(binom.sf(right - 1, responses, frequency)) <= BY_CHANCE


@lru_cache(maxsize=1 << 18)
def _exact(answer: str, response: str) -> bool:
    return grade(answer, response).exact
