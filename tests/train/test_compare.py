from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from test_measure import responses, rows_of

from ssrl_data.core import SsrlError
from ssrl_train.compare import Comparison, compare, compared, holm
from ssrl_train.sources import Estimate

EXPERIMENTS = 500


class Simulated:
    """Runs on held-out rows: log-odds of a right answer vary with the seed, the source, and both together."""

    def __init__(self, key: int, sources: int, rows: int, spread: tuple[float, float, float]) -> None:
        self.draw = np.random.default_rng(key)
        self.sources, self.of, self.spread = sources, np.repeat(np.arange(sources), rows), spread

    def verdicts(self, gain: float, seeds: int, experiments: int) -> list[str]:
        return [self.verdict(gain, seeds) for _ in range(experiments)]

    def verdict(self, gain: float, seeds: int) -> str:
        source = self.draw.normal(0, self.spread[1], self.sources)
        return compared(self.arm(gain, seeds, source), self.arm(0, seeds, source), self.of).verdict

    def arm(self, gain: float, seeds: int, source: NDArray[np.float64]) -> NDArray[np.float64]:
        seed = self.draw.normal(0, self.spread[0], (seeds, 1))
        both = self.draw.normal(0, self.spread[2], (seeds, self.sources))
        odds = gain - 0.4 + seed + (source + both)[:, self.of]
        return (self.draw.random(odds.shape) < 1 / (1 + np.exp(-odds))).astype(float)


SPREADS = [(0.0, 0.5, 0.0), (0.3, 0.5, 0.0), (1.0, 0.5, 0.5), (0.1, 1.0, 1.0)]


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize(("sources", "rows"), [(10, 2), (10, 4), (20, 4), (40, 6)])
def test_an_arm_is_no_better_than_itself(sources: int, rows: int, spread: tuple[float, float, float]) -> None:
    verdicts = Simulated(7, sources, rows, spread).verdicts(0, 3, EXPERIMENTS)
    assert verdicts.count("no evidence") / EXPERIMENTS >= 0.95


@pytest.mark.parametrize(("sources", "rows", "spread"), [(20, 4, SPREADS[0]), (20, 6, SPREADS[1]), (40, 6, SPREADS[3])])
def test_a_real_gain_is_found(sources: int, rows: int, spread: tuple[float, float, float]) -> None:
    verdicts = Simulated(8, sources, rows, spread).verdicts(1.4, 3, 100)  # from 0.40 to 0.72
    assert verdicts.count("better") >= 80
    assert "worse" not in verdicts
    assert Simulated(8, sources, rows, spread).verdicts(-1.4, 3, 100).count("worse") >= 60  # from 0.40 to 0.14


def test_pairing_finds_what_the_arms_own_intervals_hide() -> None:
    """Half of the sources are easy and half hard: each accuracy is uncertain, and every source gets better."""
    of = np.repeat(np.arange(20), 10)
    control = np.where(of % 2, 0.9, 0.1) + np.array([[0.0], [0.01], [-0.01]])
    found = compared(control + 0.08 + 0.01 * (of % 3), control, of)
    assert found.verdict == "better"
    assert found.accuracy.low < found.control.high  # type: ignore[operator]


def test_more_seeds_count_and_one_seed_is_said() -> None:
    of = np.repeat(np.arange(20), 5)
    draw = np.random.default_rng(0)
    arm = (draw.random((1, 100)) < 0.9).astype(float)
    control = (draw.random((1, 100)) < 0.3).astype(float)
    one = compared(arm, control, of)
    assert one.verdict == "better"
    assert "the spread over seeds is not measured" in one.note
    # The same rows, and seeds so far apart that the next one may go either way.
    lucky = np.stack([arm[0], control[0], control[0]])
    spread = compared(lucky, np.repeat(control, 3, axis=0), of)
    assert (spread.seeds, spread.verdict, spread.note) == ((3, 3), "no evidence", "")


def test_what_few_sources_say_is_no_evidence() -> None:
    of = np.repeat(np.arange(4), 10)
    found = compared(np.ones((3, 40)), np.zeros((3, 40)), of)
    assert (found.verdict, found.difference, found.p) == ("no evidence", Estimate(1.0), None)
    assert "4 source records are too few" in found.note
    enough = compared(np.ones((3, 40)), np.zeros((3, 40)), np.repeat(np.arange(10), 4))
    assert enough.verdict == "better"
    assert enough.difference.low == pytest.approx(1 - 3.84 / 13.84, abs=0.001)
    assert enough.control.high == pytest.approx(3.84 / 13.84, abs=0.001)
    same = compared(np.ones((3, 40)), np.ones((3, 40)), np.repeat(np.arange(10), 4))
    assert (same.verdict, same.p) == ("no evidence", 1)


def test_holms_correction() -> None:
    def one(p: float | None, low: float) -> Comparison:
        base = Estimate(0.5, 0.4, 0.6)
        gain = Estimate(low + 0.1, low, low + 0.2)
        return Comparison(10, 10, (3, 3), base, base, gain, p, p, "no evidence", "")

    found = holm({"a": one(0.03, 0.01), "b": one(0.001, 0.2), "c": one(0.02, 0.02), "d": one(None, 0.1)})
    assert {name: c.adjusted for name, c in found.items()} == pytest.approx(
        {"a": 0.04, "b": 0.003, "c": 0.04, "d": None}
    )
    assert [c.verdict for c in found.values()] == ["better", "better", "better", "no evidence"]
    more = holm({"a": one(0.03, 0.01), "b": one(0.026, 0.01), "c": one(0.02, -0.3)})
    assert [c.adjusted for c in more.values()] == pytest.approx([0.06, 0.06, 0.06])
    assert {c.verdict for c in more.values()} == {"no evidence"}
    assert holm({"a": replace(one(0.01, -0.5))})["a"].verdict == "worse"


def test_arms_are_compared_on_the_rows_judged_in_all_of_them() -> None:
    rows = rows_of([i // 2 for i in range(40)])
    right, wrong = responses([[True]] * 40), responses([[False]] * 40)
    broken = responses([[None]] * 2 + [[True]] * 38)
    found = compare(
        rows,
        {"base": [wrong, wrong], "good": [right, right], "broken": [right, broken]},
        {"good": "base", "broken": "base"},
    )
    assert list(found) == ["good", "broken"]
    assert (found["good"].rows, found["good"].sources, found["good"].verdict) == (38, 19, "better")
    with pytest.raises(SsrlError, match="no arm 'bse' to compare with"):
        compare(rows, {"base": [right]}, {"base": "bse"})
    with pytest.raises(SsrlError, match="the arm 'good' has no responses"):
        compare(rows, {"base": [right], "good": []}, {"good": "base"})
