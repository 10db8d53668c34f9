from __future__ import annotations

import pytest

from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.grade import grade
from ssrl_data.row import pack_answer

ROW = pack_answer(Unlabelled().answer())

ATTACKS = [
    ("<answer>17</answer>", "17"),
    ("<think>18</think><answer> a\n b </answer>", "a b"),
    ("\\boxed{17}", "17"),
    ("17", "17"),
    ("<answer>17</answer><answer>18</answer>", None),
    ("<answer>17\u200b</answer>", None),
    ("<answer></answer>", None),
    ("x" * 2000, None),
    ("", None),
]


@pytest.mark.parametrize(("response", "read"), ATTACKS)
def test_attack(response: str, read: str | None) -> None:
    verdict = grade(ROW, response)
    assert (verdict.score, verdict.exact, verdict.read, verdict.reason) == (None, False, read, "no truth")


def test_there_is_no_chance_level() -> None:
    answer = Unlabelled().answer()
    assert answer.chance is None
    assert list(Unlabelled().near_misses(answer.value)) == []
