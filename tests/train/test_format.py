from __future__ import annotations

from collections import Counter
from pathlib import Path

from datasets import Dataset

from ssrl_data.answers.permutation import Permutation
from ssrl_data.row import pack_answer
from ssrl_train.format import random_responses, train_format
from ssrl_train.memo import decoded_once
from ssrl_train.models import load_model_config, vision_tokens
from ssrl_train.rollouts import Sampling, sample_rollouts
from ssrl_train.stages import Format
from ssrl_train.tiny import load_processor

pytest_plugins = ("train_rows",)


def test_targets_are_the_same_whatever_the_right_answer(rows: Dataset) -> None:
    pools = random_responses(rows)
    assert len(pools) == len(rows)
    assert all(pool == pools[0] for pool in pools)
    counts = Counter(pools[0])
    assert set(counts) == {f"<answer>{n}</answer>" for n in "1234"}
    assert max(counts.values()) - min(counts.values()) <= len(rows) // 4


def test_targets_have_the_form_that_the_row_asks_for(rows: Dataset) -> None:
    order = pack_answer(Permutation().answer([2, 1, 3]))
    mixed = rows.select(range(4)).map(lambda row, i: {"answer": order} if i == 1 else {}, with_indices=True)
    pools = random_responses(mixed)
    assert len(set(pools[1])) == 1
    assert "2, 1, 3" in pools[1][0].replace("2 1 3", "2, 1, 3")
    assert pools[0] == pools[2] == pools[3]


def test_teaches_the_form_and_nothing_else(rows: Dataset, llava: Path, tmp_path: Path) -> None:
    processor, decoded = load_processor(llava), decoded_once(rows)
    forbidden = vision_tokens(processor, load_model_config(str(llava)))
    train_format(str(llava), processor, decoded, Format(steps=60, batch=16), 0, tmp_path)
    before, after = (
        sample_rollouts(str(model), processor, decoded, out, Sampling(max_new_tokens=4), forbidden, lambda line: None)
        for model, out in ((llava, tmp_path / "before"), (tmp_path, tmp_path / "after"))
    )
    assert not any(before["read"].to_pylist())
    assert all(after["read"].to_pylist())
    # Answers are balanced, so a model that looks at nothing is right on 24 of 96; 5 standard deviations are 0.22.
    assert sum(after["exact"].to_pylist()) / len(after) < 0.25 + 0.22
