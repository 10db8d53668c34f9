from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssrl_data.answers.interval import Interval, best_constant, overlap
from ssrl_data.core import Credit
from ssrl_data.grade import grade
from ssrl_data.rng import Rng
from ssrl_data.row import pack_answer

C = 0.25
SECONDS = pack_answer(Interval().answer(10, 20, (0, 60), c=C, chance=0.1))
FINE = pack_answer(Interval().answer(14.5, 26.2, (0, 60), c=C, chance=0.1))
FRAMES = pack_answer(Interval().answer(0, 1000, (0, 2000), c=C, chance=0.1, unit="frames"))
OPEN = pack_answer(Interval().answer(10, 20, (0, 60), c=C, chance=0.25, none=True))
MISSING = pack_answer(Interval().answer(None, None, (0, 60), c=C, chance=0.25, none=True))


def lifted(iou: float) -> float:
    return (iou - C) / (1 - C)


ATTACKS = [
    (FINE, "<answer>14.5-26.2</answer>", 1.0, "exact"),
    (FINE, "<answer>14.5 - 26.2</answer>", 1.0, "exact"),
    (FINE, "<answer>14.5–26.2s</answer>", 1.0, "exact"),
    (FINE, "<answer>14.5s—26.2s</answer>", 1.0, "exact"),
    (FINE, "<answer>14.5 to 26.2</answer>", 1.0, "exact"),
    (FINE, "<answer>From 14.5 to 26.2 seconds.</answer>", 1.0, "exact"),
    (FINE, "<answer>between 14.5 and 26.2 sec</answer>", 1.0, "exact"),
    (FINE, "<answer>[14.5, 26.2]</answer>", 1.0, "exact"),
    (FINE, "<answer>(14.5s, 26.2s)</answer>", 1.0, "exact"),
    (FINE, "<answer>14.5 26.2</answer>", 1.0, "exact"),
    (FINE, "<answer>14.50 -> 26.20</answer>", 1.0, "exact"),
    (FINE, "<answer>**14.5-26.2**</answer>", 1.0, "exact"),
    (FINE, "\\boxed{14.5-26.2}", 1.0, "exact"),
    (FINE, "14.5-26.2", 1.0, "exact"),
    (FINE, "<answer>14.5-26.2</answer> or so: <answer>[14.5, 26.2]</answer>", 1.0, "exact"),
    (FINE, "<answer>14.501-26.2</answer>", 1.0, "exact"),
    (FINE, "<answer>14.52-26.2</answer>", lifted(11.68 / 11.7), "inexact"),
    (SECONDS, "<answer>10-20</answer>", 1.0, "exact"),
    (SECONDS, "<answer>15-20</answer>", lifted(0.5), "inexact"),
    (SECONDS, "<answer>5-25</answer>", lifted(0.5), "inexact"),
    (SECONDS, "<answer>15-25</answer>", lifted(1 / 3), "inexact"),
    (SECONDS, "<answer>10-12.5</answer>", 0.0, "inexact"),
    (SECONDS, "<answer>10-12.6</answer>", lifted(0.26), "inexact"),
    (SECONDS, "<answer>0-60</answer>", 0.0, "inexact"),
    (SECONDS, "<answer>20-30</answer>", 0.0, "inexact"),
    (SECONDS, "<answer>30-40</answer>", 0.0, "inexact"),
    (SECONDS, "<answer>0-999999999999999999</answer>", 0.0, "inexact"),
    (SECONDS, "<answer>20-10</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>10-10</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>10</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>10-20-30</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>-10-20</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>10--20</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>10 frames to 20 frames</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>0:10-0:20</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>10-20 minutes</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>10-20 or 30-40</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>1e1-2e1</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>10-inf</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>nan-nan</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>10-9999999999999999999</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>１０-２０</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>10-20</answer><answer>30-40</answer>", 0.0, "two answers"),
    (SECONDS, "It happens at 10-20.", 0.0, "no answer"),
    (FRAMES, "<answer>0-1000 frames</answer>", 1.0, "exact"),
    (FRAMES, "<answer>0-999</answer>", 1.0, "exact"),
    (FRAMES, "<answer>0-998.9</answer>", lifted(0.9989), "inexact"),
    (FRAMES, "<answer>0-1000 seconds</answer>", 0.0, "malformed"),
    (SECONDS, "<answer>none</answer>", 0.0, "malformed"),
    (OPEN, "<answer>10-20</answer>", 1.0, "exact"),
    (OPEN, "<answer>15-20</answer>", lifted(0.5), "inexact"),
    (OPEN, "<answer>none</answer>", 0.0, "inexact"),
    (OPEN, "<answer>0-0</answer>", 0.0, "malformed"),
    (MISSING, "<answer>none</answer>", 1.0, "exact"),
    (MISSING, "<answer>None.</answer>", 1.0, "exact"),
    (MISSING, "<answer>\u201cNothing\u201d</answer>", 1.0, "exact"),
    (MISSING, "<answer>no  change</answer>", 1.0, "exact"),
    (MISSING, "\\boxed{\\text{none}}", 1.0, "exact"),
    (MISSING, "None", 1.0, "exact"),
    (MISSING, "<answer>none</answer> that is, <answer>nothing</answer>", 1.0, "exact"),
    (MISSING, "<answer>0-60</answer>", 0.0, "inexact"),
    (MISSING, "<answer>no</answer>", 0.0, "malformed"),
    (MISSING, "<answer></answer>", 0.0, "malformed"),
    (MISSING, "<answer>none or 10-20</answer>", 0.0, "malformed"),
    (MISSING, "<answer>10-20</answer><answer>none</answer>", 0.0, "two answers"),
    (MISSING, "There is none.", 0.0, "no answer"),
]


@pytest.mark.parametrize(("column", "response", "score", "reason"), ATTACKS)
def test_attack(column: str, response: str, score: float, reason: str) -> None:
    verdict = grade(column, response)
    assert (verdict.score, verdict.reason) == (pytest.approx(score, abs=1e-9), reason)
    assert verdict.exact == (reason == "exact")
    assert verdict.exact == (verdict.score == 1.0)


INTERVALS = st.tuples(st.integers(0, 500), st.integers(1, 500)).map(lambda t: (t[0] / 10, (t[0] + t[1]) / 10))


@given(INTERVALS, INTERVALS)
def test_overlap_is_that_of_sets_of_points(a: tuple[float, float], b: tuple[float, float]) -> None:
    one, two = (set(range(round(10 * s), round(10 * e))) for s, e in (a, b))
    assert overlap(a, b) == pytest.approx(len(one & two) / len(one | two), abs=1e-9)
    assert overlap(a, b) == overlap(b, a)


@given(INTERVALS)
def test_what_is_written_is_read(interval: tuple[float, float]) -> None:
    answer = Interval().answer(*interval, (0, 1000), c=0.3, chance=0.1)
    verdict = grade(pack_answer(answer), Interval().gold(answer.value))
    assert (verdict.score, verdict.read) == (1.0, list(interval))


def test_chance_is_that_of_the_best_constant() -> None:
    support = [(float(s), float(s + n)) for n in (2, 5) for s in range(11 - n)]
    c, chance = best_constant(support)
    # A finer grid than the ends of the support finds nothing better.
    grid = [i / 4 for i in range(41)]
    constants = [(a, b) for a in grid for b in grid if a < b]
    means = [sum(overlap(k, t) for t in support) / len(support) for k in constants]
    finals = [sum(max(0.0, (overlap(k, t) - c) / (1 - c)) for t in support) / len(support) for k in constants]
    assert c == pytest.approx(max(means), abs=1e-12)
    assert chance == pytest.approx(max(finals), abs=1e-12)
    assert 0 < chance < c < 1


@given(st.integers(0, 12), st.lists(INTERVALS, min_size=1, max_size=6))
def test_chance_counts_the_constant_none(missing: int, there: list[tuple[float, float]]) -> None:
    support = [*there, *[None] * missing]
    if len(set(support)) < 2:
        return
    c, chance = best_constant(support)
    points = sorted({p for i in there for p in i})
    constants = [(a, b) for a in points for b in points if a < b]
    means = [sum(overlap(k, t) for t in there) / len(support) for k in constants]
    finals = [sum(max(0.0, (overlap(k, t) - c) / (1 - c)) for t in there) / len(support) for k in constants]
    assert c == pytest.approx(max(*means, missing / len(support)), abs=1e-12)
    assert chance == pytest.approx(max(*finals, missing / len(support)), abs=1e-12)


def test_none_alone_leaves_nothing_to_ask() -> None:
    with pytest.raises(ValueError, match="two or more"):
        best_constant([None, None])


def test_a_value_of_version_1_is_judged_as_before() -> None:
    old = json.loads(SECONDS) | {"v": 1}
    assert set(old["value"]) == {"answer", "bounds", "unit"}
    assert grade(json.dumps(old), "<answer>15-20</answer>").score == pytest.approx(lifted(0.5))
    assert grade(json.dumps(old), "<answer>none</answer>").reason == "malformed"
    assert json.loads(MISSING)["v"] == 2


def test_the_prompt_offers_none_where_it_may_be_right() -> None:
    asked = Interval().ask({"answer": None, "bounds": [0, 12.5], "unit": "seconds", "none": True})
    assert asked == "Answer with start-end in seconds (between 0.00 and 12.50), or none, in <answer></answer>."


def test_a_blind_guesser_earns_the_stated_chance() -> None:
    support = [(float(s), float(s + n)) for n in (3, 4) for s in range(11 - n)]
    c, chance = best_constant(support)
    points = sorted({p for i in support for p in i})
    constants = [(a, b) for a in points for b in points if a < b]
    best = max(constants, key=lambda k: sum(max(0.0, (overlap(k, t) - c) / (1 - c)) for t in support))
    rng, scores = Rng("interval"), []
    for _ in range(4000):
        start, end = rng.choice(support)
        column = pack_answer(Interval().answer(start, end, (0, 10), c=c, chance=chance))
        scores.append(grade(column, f"<answer>{best[0]}-{best[1]}</answer>").score or 0.0)
    mean = sum(scores) / len(scores)
    sigma = (sum((s - mean) ** 2 for s in scores) / len(scores) ** 2) ** 0.5
    assert abs(mean - chance) < 4 * sigma
    assert sigma < 0.01


@pytest.mark.parametrize(
    ("start", "end", "bounds"),
    [
        (5, 5, (0, 10)),
        (6, 5, (0, 10)),
        (-1, 5, (-2, 10)),
        (1, 5, (2, 10)),
        (1, 11, (0, 10)),
        (0, float("inf"), (0, float("inf"))),
        (float("nan"), 5, (0, 10)),
    ],
)
def test_an_interval_outside_its_line_cannot_be_made(start: float, end: float, bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="must hold"):
        Interval().answer(start, end, bounds, c=0.3, chance=0.1)


@pytest.mark.parametrize(("c", "chance"), [(1.0, 0.1), (-0.1, 0.1), (0.3, 1.0), (0.3, -0.1), (float("nan"), 0.1)])
def test_a_chance_outside_its_range_cannot_be_made(c: float, chance: float) -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        Interval().answer(1, 2, (0, 10), c=c, chance=chance)


def test_bounds_are_reached() -> None:
    assert Interval().answer(0, 10, (0, 10), c=0.0, chance=0.0).credit == Credit("overlap", 0.0)


@pytest.mark.parametrize("support", [[], [(1.0, 2.0)], [(1.0, 2.0), (1.0, 2.0)]])
def test_one_interval_leaves_nothing_to_ask(support: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="two or more"):
        best_constant(support)


def test_the_prompt_names_unit_and_bounds() -> None:
    asked = Interval().ask({"answer": [1, 2], "bounds": [0, 12.5], "unit": "seconds"})
    assert asked == "Answer with start-end in seconds (between 0.00 and 12.50) in <answer></answer>."


@pytest.mark.parametrize(
    ("bounds", "unit", "text"),
    [([0.5, 4.25], "seconds", "0.50 and 4.25"), ([0, 60], "seconds", "0 and 60"), ([0, 12], "frames", "0 and 12")],
)
def test_bounds_are_printed_alike(bounds: list[float], unit: str, text: str) -> None:
    assert f"(between {text})" in Interval().ask({"answer": [1, 2], "bounds": bounds, "unit": unit})


def test_ends_that_print_with_an_exponent_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="plain decimals"):
        Interval().answer(0.00001, 5, (0, 10), c=0.3, chance=0.1)


def test_of_two_far_intervals_one_is_guessed() -> None:
    assert best_constant([(0.0, 1.0), (5.0, 6.0)]) == (0.5, 0.5)


@pytest.mark.parametrize(
    "change",
    [
        {"answer": (1, 2)},
        {"answer": [1]},
        {"answer": [1, 2, 3]},
        {"answer": ["1", "2"]},
        {"answer": [False, True]},
        {"bounds": None},
        {"unit": "hours"},
        {"unit": []},
        {"more": 1},
        {"answer": None},
        {"none": False},
        {"none": None},
        {"none": 1},
        {"none": True, "answer": [None, None]},
        {"none": True, "answer": None, "bounds": [3, 3]},
    ],
    ids=str,
)
def test_a_broken_value_is_an_error(change: dict[str, object]) -> None:
    value = {"answer": [1, 2], "bounds": [0, 9], "unit": "seconds"}
    Interval().check(value)
    with pytest.raises(ValueError, match=r".{20}"):
        Interval().check(value | change)
