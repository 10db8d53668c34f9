from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor

import pytest

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.permutation import Permutation
from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.row import pack_answer
from ssrl_train.rewards import response_text, verify

THREE = pack_answer(Choice().answer("3", "1234"))
ORDER = pack_answer(Permutation().answer([2, 3, 1, 5, 4]))


def said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def test_scores_each_completion_from_its_own_answer() -> None:
    answers = [THREE, THREE, THREE, ORDER, ORDER]
    completions = [
        "<answer>3</answer>",
        "<answer>2</answer>",
        "",
        "<answer>2, 3, 1, 5, 4</answer>",
        "<answer>3</answer>",
    ]
    assert verify([None] * 5, list(map(said, completions)), answers, task=["x"] * 5) == [1.0, 0.0, 0.0, 1.0, 0.0]


def test_partial_credit_comes_from_the_row() -> None:
    (near,) = verify([None], [said("<answer>2, 3, 1, 4, 5</answer>")], [ORDER])
    assert near is not None
    assert 0 < near < 0.5


def test_reads_texts_messages_and_parts() -> None:
    assert (
        response_text("a") == response_text(said("a")) == response_text([{"content": [{"type": "text", "text": "a"}]}])
    )
    assert response_text([{"role": "assistant", "content": ""}, {"role": "assistant", "content": "last"}]) == "last"


def test_tells_exact_accuracy_to_the_trainer() -> None:
    logged: list[tuple[str, float]] = []
    completions = [said("<answer>3</answer>"), said("<answer>1</answer>"), said("3"), said("<answer>3</answer>")]
    verify([None] * 4, completions, [THREE] * 4, log_metric=lambda name, value: logged.append((name, value)))
    assert logged == [("exact", 0.75)]


def test_none_is_for_rows_without_a_truth_alone() -> None:
    assert verify([None], [said("anything")], [pack_answer(Unlabelled().answer())]) == [None]


def test_an_answer_from_a_newer_release_is_an_error_not_a_zero() -> None:
    newer = json.dumps({**json.loads(THREE), "v": 99})
    with pytest.raises(ValueError, match="version 99"):
        verify([None], [said("<answer>3</answer>")], [newer])


def test_other_processes_agree() -> None:
    with ProcessPoolExecutor(1) as pool:
        assert pool.submit(verify, [None], [said("<answer>3</answer>")], [THREE]).result() == [1.0]
