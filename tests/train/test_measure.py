from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from math import comb
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from datasets import Dataset
from scipy.stats import beta

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.permutation import Permutation
from ssrl_data.core import SsrlError
from ssrl_data.row import pack_answer
from ssrl_train.measure import contrast, luck, measure, pass_at, powers
from ssrl_train.sources import FEWEST, Estimate, bounds, means, sources

CHOICE = Choice().answer("a", ["a", "b", "c", "d"])


def rows_of(
    groups: Sequence[int], task: Sequence[str] | str = "image/jigsaw", level: Sequence[str] | str = "easy"
) -> Dataset:
    n = len(groups)
    return Dataset.from_dict(
        {
            "id": [str(i) for i in range(n)],
            "task": [task] * n if isinstance(task, str) else list(task),
            "level": [level] * n if isinstance(level, str) else list(level),
            "answer": [pack_answer(CHOICE)] * n,
            "chance": [CHOICE.chance] * n,
            "source_id": [f"source {group}" for group in groups],
            "group_id": [f"group {group}" for group in groups],
        }
    )


def responses(right: Sequence[Sequence[bool | None]], **columns: Any) -> pa.Table:
    """One line a response: right, wrong, or None for not judged."""
    lines = [
        {
            "id": str(row),
            "sample": sample,
            "tokens": 10,
            "stopped": True,
            "read": True,
            "score": None if exact is None else float(exact),
            "exact": bool(exact),
        }
        | {name: values[row] for name, values in columns.items()}
        for row, samples in enumerate(right)
        for sample, exact in enumerate(samples)
    ]
    return pa.Table.from_pylist(lines)


def test_pass_at_k_is_the_share_of_draws_with_a_right_one() -> None:
    for n, right, k in [(1, 0, 1), (4, 1, 2), (6, 2, 3), (8, 3, 8), (5, 5, 2), (7, 6, 4)]:
        draws = list(itertools.combinations([True] * right + [False] * (n - right), k))
        assert pass_at(k, n, right) == pytest.approx(sum(map(any, draws)) / len(draws))
    assert pass_at(50, 200, 3) == pytest.approx(1 - comb(197, 50) / comb(200, 50))
    assert [powers(n) for n in (1, 2, 6, 8)] == [[1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8]]


def test_figures_of_a_table_worked_out_by_hand() -> None:
    rows = rows_of([0, 0, 1, 2, 3, 4], ["image/a"] * 4 + ["image/b"] * 2, ["easy", "hard", "easy", "easy", "x", "x"])
    table = responses(
        [[True, True], [True, False], [False, False], [True, False], [True, True], [False, False]],
        tokens=[10, 20, 30, 40, 50, 60],
        stopped=[True, True, True, True, True, False],
        read=[True, True, False, True, True, False],
    )
    found = measure(rows, table)
    overall = found.overall
    assert (overall.rows, overall.sources, overall.samples) == (6, 5, 2)
    assert overall.accuracy.value == pytest.approx(6 / 12)
    assert overall.passes[1] == overall.accuracy
    assert overall.passes[2].value == pytest.approx(4 / 6)
    assert overall.chance == 0.25
    assert overall.corrected is not None
    assert overall.corrected.value == pytest.approx((0.5 - 0.25) / 0.75)
    assert overall.corrected.low == pytest.approx((overall.accuracy.low - 0.25) / 0.75)  # type: ignore[operator]
    assert (overall.tokens, overall.truncated, overall.unreadable) == pytest.approx((35, 1 / 6, 2 / 6))
    assert list(found.tasks) == ["image/a", "image/b"]
    assert list(found.levels) == [("image/a", "easy"), ("image/a", "hard"), ("image/b", "x")]
    easy = found.levels["image/a", "easy"]
    assert (easy.rows, easy.sources, easy.accuracy) == (3, 3, Estimate(pytest.approx(0.5)))
    assert not found.unjudged


def test_no_interval_is_claimed_of_a_handful_of_sources() -> None:
    right = [[True], [False]] * 20
    few, enough = (measure(rows_of([i % n for i in range(40)]), responses(right)).overall for n in (FEWEST - 1, FEWEST))
    assert (few.accuracy.low, few.accuracy.high, few.corrected) == (None, None, Estimate(pytest.approx(1 / 3)))
    assert few.sources == FEWEST - 1
    assert enough.accuracy.low is not None


def test_a_row_that_could_not_be_judged_is_left_out_and_counted() -> None:
    rows = rows_of(range(4), ["image/a", "image/a", "text/b", "text/b"])
    found = measure(rows, responses([[True], [False], [None], [None]]))
    assert (found.overall.rows, found.overall.accuracy.value, found.unjudged) == (2, 0.5, {"text/b": 2})
    assert list(found.tasks) == ["image/a"]
    broken = measure(rows, responses([[True, None], [False, False], [True, True], [True, True]]))
    assert (broken.overall.rows, broken.unjudged) == (3, {"image/a": 1})
    with pytest.raises(SsrlError, match="no row has a known truth"):
        measure(rows, responses([[None]] * 4))


def test_rows_and_responses_must_belong_together() -> None:
    with pytest.raises(SsrlError, match="1 of 3 rows have no response"):
        measure(rows_of(range(3)), responses([[True], [True]]))
    with pytest.raises(SsrlError, match="none has the id '2'"):
        measure(rows_of(range(2)), responses([[True]] * 3))
    twice = Dataset.from_dict({**rows_of(range(2)).to_dict(), "id": ["0", "0"]})
    with pytest.raises(SsrlError, match="repeat the id"):
        measure(twice, responses([[True]]))


def test_chance_is_that_of_being_right_and_not_of_the_score() -> None:
    order = Permutation().answer([2, 1, 3, 5, 4])
    assert order.credit.rule == "partial"
    assert luck(pack_answer(order), order.chance) == pytest.approx(1 / 119)
    assert luck(pack_answer(CHOICE), CHOICE.chance) == 0.25


def test_sources_are_the_coarser_of_content_and_group() -> None:
    rows = rows_of([0, 1, 2, 3, 4])
    assert sources(rows).tolist() == [0, 1, 2, 3, 4]
    columns = rows.to_dict()
    columns["source_id"][1] = columns["source_id"][0]  # the same bytes under another name
    columns["group_id"][3] = columns["group_id"][1]  # a near-duplicate of that one
    assert sources(Dataset.from_dict(columns)).tolist() == [0, 0, 1, 0, 2]


def test_the_bootstrap_draws_whole_sources_and_depends_on_nothing_but_the_key() -> None:
    of = np.repeat(np.arange(50), 4)
    agree = np.repeat(np.arange(50) % 2, 4).astype(float)[:, None]  # rows of one source are all right or all wrong
    drawn = np.concatenate(list(means(agree, of, "a", 4000)))
    assert drawn.shape == (4000, 1)
    assert drawn.mean() == pytest.approx(0.5, abs=0.01)
    assert drawn.std() == pytest.approx(0.5 / 50**0.5, rel=0.05), "as of 50 draws, not of 200"
    assert np.array_equal(drawn, np.concatenate(list(means(agree, of, "a", 4000))))
    assert not np.array_equal(drawn, np.concatenate(list(means(agree, of, "b", 4000))))
    uneven = np.array([0] * 90 + [1] * 10)
    two = np.concatenate(list(means((uneven == 0).astype(float)[:, None], uneven, "a", 1000)))
    assert set(np.round(two[:, 0], 6)) == {0.0, 0.9, 1.0}, "a source weighs as many rows as it has"


@pytest.mark.parametrize(("count", "spread"), [(8, 2.0), (20, 2.0), (60, 8.0)])
def test_intervals_cover_as_often_as_they_say(count: int, spread: float) -> None:
    """Sources with accuracies of a Beta law, 6 rows each; plain percentiles of 8 such sources cover 90% of the time."""
    draw, covered, runs = np.random.default_rng(count), 0, 600
    of = np.repeat(np.arange(count), 6)
    for run in range(runs):
        p = beta.rvs(0.6 * spread, 0.4 * spread, size=count, random_state=draw)
        right = (draw.random(len(of)) < p[of]).astype(float)[:, None]
        low, high = bounds(np.concatenate(list(means(right, of, str(run), 1000))), count)[0]
        covered += low <= 0.6 <= high
    assert covered / runs >= 0.925


def test_where_all_agree_the_interval_still_has_a_width() -> None:
    found = measure(rows_of(range(20)), responses([[True]] * 20)).overall
    assert (found.accuracy.value, found.accuracy.high) == (1, 1)
    assert found.accuracy.low == pytest.approx(0.839, abs=0.001)  # Wilson's bound of 20 out of 20
    assert found.corrected is not None
    assert found.corrected.low == pytest.approx((found.accuracy.low - 0.25) / 0.75)  # type: ignore[operator]


def test_a_control_is_compared_on_the_rows_it_answered() -> None:
    rows = rows_of([i // 2 for i in range(40)])
    plain = responses([[True]] * 30 + [[False]] * 10)
    blind = responses([[i % 2 == 0] for i in range(30)])
    found = contrast(rows, plain, blind)
    assert (found.rows, found.sources, found.accuracy.value, found.altered.value) == (30, 15, 1.0, 0.5)
    assert found.difference.value == 0.5
    same = contrast(rows, plain, plain)
    assert same.difference.value == 0
    assert same.difference.low is not None
    assert same.difference.low < 0 < same.difference.high  # type: ignore[operator]


def test_ten_thousand_rows_take_seconds() -> None:
    draw = np.random.default_rng(0)
    rows = rows_of(draw.integers(0, 3000, 10_000).tolist())
    table = responses((draw.random((10_000, 8)) < 0.3).tolist())
    start = time.process_time()
    found = measure(rows, table)
    assert found.overall.accuracy.value == pytest.approx(0.3, abs=0.02)
    assert time.process_time() - start < 20
