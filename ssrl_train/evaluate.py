"""Held-out accuracy: greedy answers, exact verdicts, an interval, and how many photographs stand behind the rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from datasets import Dataset

from ssrl_data.core import SsrlError, Verdict
from ssrl_train.measure import luck
from ssrl_train.rows import column


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often a model was exactly right.

    Attributes:
        rows: rows judged; those without a known truth are not.
        right: rows answered exactly.
        chance: mean probability over these rows that the best blind guess is exactly right. Where an answer is either
            right or wrong that is the row's `chance`, which may be more than its value tells; with partial credit it is
            what the value tells, or else the row's `chance` as an upper bound (1 where that is null).
        photographs: distinct source records behind the rows; rows of one photograph are not independent, so read the
            interval beside this number.
    """

    rows: int
    right: int
    chance: float
    photographs: int

    @property
    def value(self) -> float:
        """The share of rows answered exactly."""
        return self.right / self.rows

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval over rows."""
        return wilson(self.right, self.rows)


def wilson(right: int, rows: int, level: float = 0.95) -> tuple[float, float]:
    """The binomial score interval of Wilson (1927), without continuity correction."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, spread = right / rows, z * z / rows
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / rows + spread / (4 * rows)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def accuracy(rows: Dataset, verdicts: Sequence[Verdict]) -> Accuracy:
    """Sum verdicts up, one for each of the rows.

    Raises:
        SsrlError: no row has a known truth.
    """
    columns = [column(rows, name) for name in ("answer", "chance", "source_id")]
    judged = [
        (verdict.exact, luck(answer, chance), source)
        for verdict, answer, chance, source in zip(verdicts, *columns, strict=True)
        if verdict.score is not None
    ]
    if not judged:
        raise SsrlError("no row has a known truth, so there is no accuracy: evaluate on rows of labelled tasks")
    exact, chances, sources = zip(*judged, strict=True)
    return Accuracy(len(judged), sum(exact), sum(chances) / len(judged), len(set(sources)))
