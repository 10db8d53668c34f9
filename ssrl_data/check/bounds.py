"""Bounds on a mean score that hold for every score in [0, 1], however it is distributed.

A guesser fails the gate when even the lower bound of its mean exceeds chance by more than `TOLERANCE`. The bound
inverts Hoeffding's inequality in its Kullback-Leibler form (Hoeffding 1963, theorem 1): the mean of n independent
scores in [0, 1] with expectation p reaches m > p with probability at most exp(-n KL(m || p)). It needs no variance,
holds for partial credit as for right or wrong, and for rows of different difficulty.
"""

from __future__ import annotations

import math

TOLERANCE = 0.02
"""How far above chance a guesser's lower bound may lie."""

LEVEL = 0.01
"""Probability of failing a level that no guesser beats, over all guessers together (Bonferroni)."""

EFFECT = 0.1
"""A pass means something only with enough rows to catch a guesser this far above what is tolerated."""


def divergence(m: float, p: float) -> float:
    """Kullback-Leibler divergence of Bernoulli variables of means m and p, in nats; infinite at p in {0, 1} != m."""
    total = 0.0
    for a, b in ((m, p), (1 - m, 1 - p)):
        if a > 0:
            if b <= 0:
                return math.inf
            total += a * math.log(a / b)
    return total


def lower_bound(mean: float, n: int, guessers: int) -> float:
    """One-sided 99% lower bound on the expectation behind a mean of n scores, corrected for the number of guessers."""
    if n == 0 or mean <= 0:
        return 0.0
    budget = math.log(guessers / LEVEL) / n
    low, high = 0.0, mean
    for _ in range(60):
        middle = (low + high) / 2
        if divergence(mean, middle) > budget:
            low = middle
        else:
            high = middle
    return low


def rows_needed(chance: float, guessers: int) -> int:
    """Rows with which a guesser that scores chance + `TOLERANCE` + `EFFECT` is caught."""
    allowed = min(1.0, chance + TOLERANCE)
    reached = min(1.0, allowed + EFFECT)
    if reached <= allowed:
        return 1
    gain = divergence(reached, allowed)
    return math.ceil(math.log(guessers / LEVEL) / gain) if gain < math.inf else 1
