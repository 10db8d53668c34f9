"""Is one arm of a comparison better than its control? A verdict that stays "no evidence" until there is some.

Both arms were trained from several seeds and answered the same held-out rows. The difference of their mean accuracies
varies with the seeds (another run of the same recipe) and with the source records (another sample of photographs or
documents), and its interval is put together from both:

- over source records, of the rows' mean difference, which pairs the arms row by row; Student's t with one degree of
  freedom less than there are records;
- over seeds, of each arm's accuracy, with the degrees of freedom of Welch (1947). Three seeds are too few to draw
  again: a bootstrap of n values is too narrow by sqrt((n - 1) / n).

The half-width of the whole is the root of the sum of their squares (Howe, "Approximate confidence limits on the mean of
X + Y", 1974). What comes from the luck of single responses is in both, so the sum errs towards "no evidence".

The verdict follows from the interval of the difference, not from whether the arms' own intervals overlap: those share
the spread of the sources, which the pairing takes out, so that they overlap even where every source got better
(Schenker and Gentleman, "On judging the significance of differences by examining the overlap between confidence
intervals", 2001). Of 1,000 simulated comparisons of an arm with itself (3 seeds, 10 to 40 sources of 2 to 6 rows)
95.7% to 99.9% end in "no evidence", whatever the shares of the two variances; a gain from 0.40 to 0.72 is found in 74%
to 100% where seeds differ little and there are at least 80 rows of 20 sources.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np
import pyarrow as pa
from datasets import Dataset
from scipy.optimize import brentq
from scipy.special import stdtrit

from ssrl_data.core import SsrlError
from ssrl_data.registry import suggest
from ssrl_train.measure import accuracies
from ssrl_train.sources import FEWEST, LEVEL, Estimate, Floats, Ints, renumbered, sources, unseen

Verdict: TypeAlias = Literal["better", "worse", "no evidence"]

SIGNIFICANCE = 1 - LEVEL

LEAST = 1e-12
"""The smallest p-value that is told from 0."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """An arm against its control.

    Attributes:
        rows: rows judged in every table.
        sources: source records behind them.
        seeds: of the arm and of the control.
        accuracy: of the arm, the mean over seeds, with an interval over seeds and sources.
        control: of the control.
        difference: the first less the second.
        p: probability of a difference at least as large, were there none; None where no interval is claimed.
        adjusted: the same after Holm's correction for the number of arms (1979).
        verdict: `better` or `worse` where the interval leaves 0 out and `adjusted` is below 0.05, else `no evidence`.
        note: what the figures do not cover; empty where they cover both sources of variation.
    """

    rows: int
    sources: int
    seeds: tuple[int, int]
    accuracy: Estimate
    control: Estimate
    difference: Estimate
    p: float | None
    adjusted: float | None
    verdict: Verdict
    note: str


def compare(rows: Dataset, arms: Mapping[str, Sequence[pa.Table]], against: Mapping[str, str]) -> dict[str, Comparison]:
    """Hold arms against others.

    Args:
        rows: the held-out rows, the same for all.
        arms: for each arm a table of judged responses (`rollouts.ROLLOUTS`) for each seed.
        against: the control of each arm that has one.

    Raises:
        SsrlError: there is no such control, an arm has no table, or no row was judged in all of them.
    """
    for control in against.values():
        if control not in arms:
            raise SsrlError(f"there is no arm {control!r} to compare with: {suggest(control, list(arms))}")
    empty = [name for name, tables in arms.items() if not tables]
    if empty:
        raise SsrlError(f"the arm {empty[0]!r} has no responses: run its seeds first")
    values = {name: np.stack([accuracies(rows, table) for table in tables]) for name, tables in arms.items()}
    judged = ~np.isnan(np.concatenate(list(values.values()))).any(axis=0)
    if not judged.any():
        raise SsrlError("no row was judged in every arm, so there is nothing to compare: evaluate on labelled tasks")
    source = renumbered(sources(rows)[judged])
    return holm(
        {
            name: compared(values[name][:, judged], values[control][:, judged], source)
            for name, control in against.items()
        }
    )


def compared(arm: Floats, control: Floats, source: Ints) -> Comparison:
    """One arm against the control.

    Args:
        arm: share of right responses, seeds x rows.
        control: the same of the control, whose seeds may be more or fewer.
        source: the source record of each row, from 0 without gaps.
    """
    count, notes = int(source.max()) + 1, []
    if count < FEWEST:
        notes.append(f"{count} source records are too few for an interval")
    if min(len(arm), len(control)) < 2:
        notes.append("one seed: the spread over seeds is not measured, so this is about these models alone")
    difference, p = _estimate([arm, control], source, -1)
    return Comparison(
        rows=len(source),
        sources=count,
        seeds=(len(arm), len(control)),
        accuracy=_estimate([arm], source, 0)[0],
        control=_estimate([control], source, 0)[0],
        difference=difference,
        p=p,
        adjusted=p,
        verdict=_verdict(difference, p),
        note="; ".join(notes),
    )


def holm(found: Mapping[str, Comparison]) -> dict[str, Comparison]:
    """Comparisons with the same control, corrected for how many they are; what cannot be tested does not count."""
    tested = sorted((c.p, name) for name, c in found.items() if c.p is not None)
    out, least = dict(found), 0.0
    for i, (p, name) in enumerate(tested):
        least = max(least, min(1.0, (len(tested) - i) * p))
        one = found[name]
        out[name] = replace(one, adjusted=least, verdict=_verdict(one.difference, least))
    return out


def _verdict(difference: Estimate, p: float | None) -> Verdict:
    low, high = difference.low, difference.high
    if low is None or high is None or p is None or p >= SIGNIFICANCE or low <= 0 <= high:
        return "no evidence"
    return "better" if low > 0 else "worse"


def _estimate(arms: Sequence[Floats], source: Ints, lowest: float) -> tuple[Estimate, float | None]:
    """The mean accuracy of one arm, or the first's less the second's, and the p-value of 0.

    Args:
        arms: one or two, each seeds x rows.
        source: the source record of each row.
        lowest: the least value there is; the greatest is 1.
    """
    count, rows = int(source.max()) + 1, len(source)
    each = arms[0].mean(axis=0) - (arms[1].mean(axis=0) if len(arms) > 1 else 0)
    value = float(each.mean())
    if count < FEWEST:
        return Estimate(value), None
    # A mean over rows is a ratio of sums over sources: its variance is that of the sources' summed residuals.
    residuals = np.bincount(source, weights=each - value)
    over_sources = count / (count - 1) * float(residuals @ residuals) / rows**2
    over_seeds = [float(arm.mean(axis=1).var(ddof=1)) / len(arm) if len(arm) > 1 else 0.0 for arm in arms]
    variance = sum(over_seeds)
    if over_sources + variance <= 1e-15:  # all rows of all seeds agree, but for rounding
        rest = unseen(count)
        return Estimate(value, max(lowest, value - rest), min(1.0, value + rest)), float(abs(value) <= rest)
    parts = [(over_sources, float(count - 1))]
    if variance > 0:
        terms = zip(over_seeds, arms, strict=True)
        parts.append((variance, variance**2 / sum(v**2 / (len(arm) - 1) for v, arm in terms if v)))

    def half(p: float) -> float:
        return math.sqrt(sum(v * float(stdtrit(freedom, p / 2)) ** 2 for v, freedom in parts))

    width = half(SIGNIFICANCE)
    p = LEAST if half(LEAST) <= abs(value) else float(brentq(lambda p: half(p) - abs(value), LEAST, 1))
    return Estimate(value, max(lowest, value - width), min(1.0, value + width)), p
