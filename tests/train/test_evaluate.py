from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from scipy.stats import binomtest

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.permutation import Permutation
from ssrl_data.answers.span import Span
from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.core import Answer, SsrlError, Verdict
from ssrl_data.row import pack_answer
from ssrl_train.curve import draw, smoothed
from ssrl_train.evaluate import Accuracy, accuracy, answers, wilson
from ssrl_train.memo import decoded_once
from ssrl_train.models import load_model, load_model_config, vision_tokens
from ssrl_train.tiny import load_processor

pytest_plugins = ("train_rows",)


@pytest.mark.parametrize(("right", "rows"), [(0, 10), (10, 10), (60, 240), (237, 240), (1, 3)])
def test_the_interval_is_wilsons(right: int, rows: int) -> None:
    expected = binomtest(right, rows).proportion_ci(method="wilson")
    assert wilson(right, rows) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_sums_up_rows_and_the_photographs_behind_them(rows: Dataset, llava: Path) -> None:
    few = decoded_once(rows.select(range(10)))
    forbidden = vision_tokens(load_processor(llava), load_model_config(str(llava)))
    judged = list(answers(load_model(str(llava)), load_processor(llava), few, 4, 4, forbidden))
    assert [row["id"] for row, _, _ in judged] == rows.select(range(10))["id"][:]
    found = accuracy(few, [verdict for _, _, verdict in judged])
    assert found == Accuracy(10, found.right, 0.25, len(set(rows.select(range(10))["source_id"])))
    assert found.right == sum(verdict.exact for _, _, verdict in judged)


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


def test_a_forbidden_token_is_never_written(rows: Dataset, llava: Path) -> None:
    processor, few = load_processor(llava), decoded_once(rows.select(range(3)))
    model = load_model(str(llava))
    slot = processor.image_token_id
    with torch.no_grad():  # make the model want nothing else
        head = torch.nn.Linear(model.lm_head.in_features, model.lm_head.out_features)
        head.weight.copy_(model.lm_head.weight)
        head.bias.zero_()[slot] = 1000.0
        model.lm_head = head
    with_slot = [text for _, text, _ in answers(model, processor, few, 3, 4, [])]
    without = [text for _, text, _ in answers(model, processor, few, 3, 4, [slot])]
    assert set(with_slot) == {""}, "skipped as special: an empty answer, which is how this fault shows"
    assert "" not in without


def test_the_batch_size_changes_no_answer(rows: Dataset, llava: Path) -> None:
    model, processor, few = load_model(str(llava)), load_processor(llava), decoded_once(rows.select(range(6)))
    one = [text for _, text, _ in answers(model, processor, few, 1, 4, [])]
    assert [text for _, text, _ in answers(model, processor, few, 6, 4, [])] == one


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
