from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor

import pytest

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.permutation import Permutation
from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.row import pack_answer
from ssrl_train.rewards import REWARDS, coin, form, response_text, verify

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


def test_a_coin_falls_at_the_rate_of_chance_and_tells_nothing() -> None:
    rows = [f"row{i}" for i in range(2000)]
    columns = {"answer": [THREE] * 2000, "id": rows}
    right, wrong = ([said(f"<answer>{value}</answer>")] * 2000 for value in (3, 2))
    for chance, rate in ((0.25, 0.25), (None, 0.5), (0.0, 0.5), (1.0, 0.5)):
        falls = [coin([None] * 2000, answers, chance=[chance] * 2000, **columns) for answers in (right, wrong)]
        for fall in falls:
            assert sum(fall) / 2000 == pytest.approx(rate, abs=0.04)
        assert falls[0] == coin([None] * 2000, right, chance=[chance] * 2000, **columns), "the same for the same"
        same = sum(a == b for a, b in zip(*falls, strict=True)) / 2000
        assert same == pytest.approx(rate**2 + (1 - rate) ** 2, abs=0.04), "right and wrong alike"


def test_the_form_is_paid_for_whatever_it_says() -> None:
    responses = ["<answer>3</answer>", "<answer>2</answer>", "no idea", "<answer>9</answer>"]
    logged: list[tuple[str, float]] = []
    given = form(
        [None] * 4, list(map(said, responses)), [THREE] * 4, log_metric=lambda name, value: logged.append((name, value))
    )
    assert given == [1, 1, 0, 0]
    assert logged == [("exact", 0.25)], "what it does not pay for is told all the same"
    assert {"verify": verify, "random": coin, "form": form} == REWARDS
