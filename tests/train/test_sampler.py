from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import ROOT
from curriculum_run import (
    EARLY,
    KINDS,
    LATE,
    PROMPTS,
    ROWS,
    SETS,
    STEPS,
    Keyed,
    made_model,
    made_rows,
    resumed_at,
    trained,
)
from datasets import Dataset
from transformers import AutoProcessor
from trl import GRPOConfig, GRPOTrainer

from ssrl_data.core import SsrlError
from ssrl_train.curriculum import Curriculum, Frontier, Levels, Uniform, Weights
from ssrl_train.grpo import Trainer, updates
from ssrl_train.rows import column
from ssrl_train.sampler import RowSampler
from ssrl_train.trainer import run_trainer

MANY = {
    "per_device_train_batch_size": 2,
    "num_generations": 2,
    "steps_per_generation": 4,
    "gradient_accumulation_steps": 2,
    "use_cpu": True,
    "bf16": False,
    "report_to": "none",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_model(tmp_path_factory.mktemp("curriculum") / "model")


def logs(trainer: Trainer) -> list[dict[str, Any]]:
    """What was logged at each step, but for times."""
    return [
        {key: value for key, value in entry.items() if "time" not in key} for entry in trainer.state.log_history[:-1]
    ]


def same_end(one: Trainer, other: Trainer) -> None:
    assert one.sampler.state() == other.sampler.state()
    assert logs(one) == logs(other)
    for (name, a), (_, b) in zip(one.model.named_parameters(), other.model.named_parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy(), name)


@pytest.mark.parametrize("kind", KINDS)
def test_a_resumed_run_is_the_unbroken_one(model: Path, tmp_path: Path, kind: str) -> None:
    """Rows, what is logged, and weights to the bit; two steps share a generation batch."""
    options = {"per_device_train_batch_size": PROMPTS, "steps_per_generation": 2}
    whole = Keyed()
    unbroken = trained(model, tmp_path / "whole", KINDS[kind], whole, **options)
    assert [step for step, _ in whole.batches] == list(range(0, STEPS, 2))
    for done in (EARLY, LATE):
        rest = Keyed()
        folder = resumed_at(done, tmp_path / "whole", tmp_path / str(done))
        resumed = trained(model, folder, KINDS[kind], rest, **options)
        assert rest.batches == whole.batches[done // 2 :]
        same_end(resumed, unbroken)


@pytest.mark.parametrize(
    ("options", "ahead"),
    [
        ({}, 1),
        ({"gradient_accumulation_steps": 3, "steps_per_generation": 1, "max_steps": 4}, 1),
        ({"dataloader_num_workers": 2}, 5),
    ],
)
def test_batches_that_were_drawn_ahead_are_replayed(
    model: Path, tmp_path: Path, options: dict[str, Any], ahead: int
) -> None:
    """One beyond those of an update; with processes that load, two more for each."""
    whole, rest = Keyed(), Keyed()
    unbroken = trained(model, tmp_path / "whole", KINDS["frontier"], whole, **options)
    saved = json.loads((tmp_path / "whole" / f"checkpoint-{EARLY}" / "trainer_state.json").read_text())
    pending = saved["stateful_callbacks"]["RowSampler"]["pending"]
    assert len(pending) == ahead
    folder = resumed_at(EARLY, tmp_path / "whole", tmp_path / "rest")
    resumed = trained(model, folder, KINDS["frontier"], rest, **options)
    assert rest.batches == [batch for batch in whole.batches if batch[0] >= EARLY]
    ids = column(made_rows(), "id")
    assert [set(batch) for _, batch in rest.batches[:ahead]] == [{ids[i] for i in units} for units in pending]
    same_end(resumed, unbroken)


def test_two_processes_draw_what_one_does(model: Path, tmp_path: Path) -> None:
    """Three groups of two: the second is half with each process."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    script = str(ROOT / "tests/train/curriculum_run.py")
    done = subprocess.run([*command, script, str(tmp_path)], capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]

    def batches(kind: str, run: str) -> list[tuple[int, list[str]]]:
        ranks = [json.loads((tmp_path / kind / f"{run}-{rank}.json").read_text()) for rank in (0, 1)]
        return [(step, one + other) for (step, one), (_, other) in zip(*ranks, strict=True)]

    for kind in KINDS:
        whole = batches(kind, "whole")
        assert len(whole) == STEPS
        assert all(ids[::2] == ids[1::2] and len(set(ids)) == PROMPTS for _, ids in whole)
        assert batches(kind, str(EARLY)) == whole[EARLY:]
        assert batches(kind, str(LATE)) == whole[LATE:]
    alone = Keyed()
    trained(model, tmp_path / "alone", KINDS["frontier"], alone)
    assert alone.batches == batches("frontier", "whole")


def test_passes_leave_no_row_out_and_repeat_none(model: Path, tmp_path: Path) -> None:
    """Three passes over seven rows, three at a time: TRL would drop the seventh of each."""
    seen = Keyed()
    run = trained(model, tmp_path / "run", Uniform(), seen, max_steps=-1, num_train_epochs=3)
    assert run.state.global_step == ROWS
    drawn = [id for _, ids in seen.batches for id in ids[::2]]
    assert all(len(set(ids)) == PROMPTS for _, ids in seen.batches)
    assert Counter(drawn) == dict.fromkeys(column(made_rows(), "id"), 3)
    assert len({tuple(drawn[i : i + ROWS]) for i in range(0, 3 * ROWS, ROWS)}) == 3, "each pass has an order of its own"


def test_an_update_may_take_rows_of_several_passes() -> None:
    args = GRPOConfig(output_dir="unused", max_steps=5, **MANY)
    assert updates(args, ROWS) == 5
    # Four repeats of each of the 2.5 batches of a pass, two of them an update.
    assert updates(GRPOConfig(output_dir="unused", num_train_epochs=2, **MANY), 10) == 10


def test_shares_and_pass_rates_are_logged(model: Path, tmp_path: Path) -> None:
    run = trained(model, tmp_path / "run", KINDS["levels"], Keyed(), max_steps=4)
    steps = [entry for entry in run.state.log_history if "reward" in entry]
    for entry in steps:
        assert entry["share/made/a"] + entry["share/made/b"] == pytest.approx(1)
        assert 0 <= entry["frac_reward_zero_std"] <= 1
        assert entry["level/made/a"] in (1, 2)
    assert any("pass_rate/made/a/easy" in entry for entry in steps)
    assert [entry["rows_seen"] for entry in steps] == sorted(entry["rows_seen"] for entry in steps)
    entry = steps[0]
    assert sum(entry.get(f"pass_rate/made/{task}", 0) > 0 for task in "ab") >= 1


def test_a_checkpoint_within_a_window_goes_on_with_the_next_batch(model: Path, tmp_path: Path) -> None:
    """The completions of the batch it was in are gone, so the batch is over."""
    options = {"per_device_train_batch_size": PROMPTS, "steps_per_generation": 2, "save_steps": 1}
    whole, rest = Keyed(), Keyed()
    trained(model, tmp_path / "whole", KINDS["frontier"], whole, **options)
    folder = resumed_at(3, tmp_path / "whole", tmp_path / "rest")
    resumed = trained(model, folder, KINDS["frontier"], rest, **options)
    assert resumed.state.global_step == STEPS
    assert [step for step, _ in rest.batches] == [3, 5, 7]
    assert rest.batches[0][1] == whole.batches[2][1]


def test_sets_are_drawn_whole(model: Path, tmp_path: Path) -> None:
    seen = Keyed()
    trained(model, tmp_path / "run", KINDS["sets"], seen)
    rows = made_rows()
    of = dict(zip(column(rows, "id"), column(rows, "set_id"), strict=True))
    for _, ids in seen.batches:
        sets = Counter(of[id] for id in ids[::2])
        assert all(SETS.count(name) == count for name, count in sets.items())


def sampler(rows: Dataset, curriculum: Curriculum, prompts: int = PROMPTS) -> RowSampler:
    return RowSampler(rows, curriculum, prompts, generations=2, repeats=1, batches=STEPS, seed=0)


def test_a_batch_that_was_not_drawn_next_is_refused() -> None:
    one = sampler(made_rows(), Uniform())
    drawn = list(islice(iter(one), 2 * PROMPTS))
    ids = [column(made_rows(), "id")[i] for i in drawn]
    with pytest.raises(SsrlError, match="not the next one drawn"):
        one.score(ids[::-1], 0, np.zeros(2 * PROMPTS))
    with pytest.raises(SsrlError, match="did not draw"):
        one.score(ids, 0, np.zeros(2 * PROMPTS))


def test_no_score_counts_neither_way() -> None:
    one = sampler(made_rows(), Uniform())
    ids = [column(made_rows(), "id")[i] for i in islice(iter(one), 2 * PROMPTS)]
    logged = one.score(ids, 0, np.array([1, np.nan, np.nan, np.nan, 0.99, 0]))
    task = dict(zip(column(made_rows(), "id"), column(made_rows(), "task"), strict=True))
    scored = Counter[str]()
    passed = Counter({task[ids[0]]: 1})
    for place in (0, 4, 5):
        scored[task[ids[place]]] += 1
    assert {name: logged.get(f"pass_rate/{name}") for name in ("made/a", "made/b")} == {
        name: passed[name] / scored[name] if scored[name] else None for name in ("made/a", "made/b")
    }


def test_a_checkpoint_of_other_rows_is_refused() -> None:
    state = sampler(made_rows(), Uniform()).state()
    with pytest.raises(SsrlError, match="other rows"):
        sampler(made_rows().select(range(6)), Uniform()).restore(state, 0)
    with pytest.raises(SsrlError, match="other prompts"):
        sampler(made_rows(), Uniform(), prompts=2).restore(state, 0)


def test_what_cannot_run_is_said_before_it_does() -> None:
    rows = made_rows()
    with pytest.raises(SsrlError, match="takes 8 rows and there are 7"):
        sampler(rows, Uniform(), prompts=8)
    with pytest.raises(SsrlError, match="did you mean 'made/a'"):
        sampler(rows, Weights({"made/aa": 1.0}))
    with pytest.raises(SsrlError, match="leaves out 'made/b'"):
        sampler(rows, Weights({"made/a": 1.0}))
    with pytest.raises(SsrlError, match="not installed: name all levels"):
        sampler(rows, Levels())
    with pytest.raises(SsrlError, match="'hard' of 'made/a' has no place in the order"):
        sampler(rows, Levels(order=("easy", "medium")))
    with pytest.raises(SsrlError, match="cannot hold a set of 2"):
        sampler(rows, Uniform(whole_sets=True), prompts=1)
    pairs = rows.select([0, 1, 4, 5]).remove_columns("set_id").add_column("set_id", list("ppqq"))
    with pytest.raises(SsrlError, match="batch of 3 rows cannot hold a set of 2 and be filled"):
        sampler(pairs, Uniform(whole_sets=True))
    ladder = rows.remove_columns("set_id").add_column("set_id", list("abbbcdd"))
    with pytest.raises(SsrlError, match="several levels"):
        sampler(ladder, Levels(order=("easy", "hard"), whole_sets=True))


def test_the_stock_trainer_still_replays_its_first_order(model: Path, tmp_path: Path) -> None:
    """The reason for our sampler; where this fails, TRL has mended it."""

    def ran(out: Path, reward: Keyed) -> None:
        options = {"per_device_train_batch_size": 2 * PROMPTS, "num_generations": 2, "max_completion_length": 2}
        args = GRPOConfig(
            output_dir=str(out), max_steps=4, save_steps=2, use_cpu=True, bf16=False, report_to="none", **options
        )
        tokenizer = AutoProcessor.from_pretrained(model)
        trainer = GRPOTrainer(str(model), reward, args, train_dataset=made_rows(), processing_class=tokenizer)
        run_trainer(trainer, "reward", lambda line: None)

    whole, rest = Keyed(), Keyed()
    ran(tmp_path / "whole", whole)
    ran(resumed_at(2, tmp_path / "whole", tmp_path / "rest"), rest)
    with pytest.raises(SsrlError, match="says nothing of its rows"):
        trained(model, resumed_at(2, tmp_path / "whole", tmp_path / "ours"), Uniform(), Keyed())
    orders = [ids for _, ids in whole.batches]
    assert [ids for _, ids in rest.batches] == orders[:2]
    assert orders[2:] != orders[:2]


def test_answers_are_not_looked_up_where_no_verifier_pays() -> None:
    """The order of the frontier's draws follows from the stored answers, unless they may not be looked at."""
    rows = made_rows()
    others = rows.remove_columns("answer").add_column("answer", ["none"] * len(rows))
    with pytest.raises(SsrlError, match="cannot run on these rows"):
        sampler(others, Frontier())
    drawn = [
        list(islice(iter(RowSampler(some, Frontier(), PROMPTS, 2, 1, STEPS, 0, answers=False)), 2 * PROMPTS))
        for some in (rows, others)
    ]
    assert drawn[0] == drawn[1]
