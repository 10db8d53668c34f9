from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from datasets import Dataset
from scipy.stats import binomtest

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.permutation import Permutation
from ssrl_data.answers.span import Span
from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.core import Answer, SsrlError, Verdict
from ssrl_data.row import pack_answer
from ssrl_train.curve import draw, smoothed
from ssrl_train.evaluate import Accuracy, accuracy, wilson

pytest_plugins = ("train_rows",)


@pytest.mark.parametrize(("right", "rows"), [(0, 10), (10, 10), (60, 240), (237, 240), (1, 3)])
def test_the_interval_is_wilsons(right: int, rows: int) -> None:
    expected = binomtest(right, rows).proportion_ci(method="wilson")
    assert wilson(right, rows) == pytest.approx((expected.low, expected.high), abs=1e-12)


def judged(answers: Sequence[Answer], verdicts: Sequence[Verdict]) -> Accuracy:
    columns = {
        "answer": [pack_answer(answer) for answer in answers],
        "chance": [answer.chance for answer in answers],
        "source_id": [str(i) for i in range(len(answers))],
    }
    return accuracy(Dataset.from_dict(columns), verdicts)


RIGHT, WRONG, UNKNOWN = (
    Verdict(1.0, True, "", "exact"),
    Verdict(0.4, False, "", "inexact"),
    Verdict(None, False, "", ""),
)


def test_chance_is_that_of_being_right_and_not_of_the_score() -> None:
    order = Permutation().answer([2, 1, 3, 5, 4])
    assert order.credit.rule == "partial"
    assert judged([order], [WRONG]).chance == pytest.approx(1 / 119)
    assert order.chance is not None
    assert order.chance > 2 / 119  # what partial credit adds to it
    span = Span().answer("apple", chance=0.5)
    assert judged([order, span], [WRONG, RIGHT]).chance == pytest.approx((1 / 119 + 0.5) / 2)


def test_a_row_without_truth_is_not_wrong() -> None:
    choice, none = Choice().answer("a", ["a", "b"]), Unlabelled().answer()
    assert judged([choice, none, choice], [RIGHT, UNKNOWN, WRONG]) == Accuracy(2, 1, 0.5, 2)
    with pytest.raises(SsrlError, match="no row has a known truth"):
        judged([none], [UNKNOWN])


def test_smoothing() -> None:
    assert smoothed([1, 0, 1, 0], 2) == [1, 0.5, 0.5, 0.5]
    assert smoothed([], 3) == []


def test_the_curve_is_a_picture_with_the_reward_in_it(tmp_path: Path) -> None:
    from PIL import Image

    low, high = tmp_path / "low.png", tmp_path / "high.png"
    draw(range(1, 51), [0.1] * 50, 0.25, low)
    draw(range(1, 51), [0.9] * 50, 0.25, high)
    with Image.open(low) as first, Image.open(high) as second:
        assert first.format == "PNG"
        assert first.size[0] > 400
        assert first.tobytes() != second.tobytes()
