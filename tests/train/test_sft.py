"""The cold start: its targets are right, it learns them, and what it leaves is a model that GRPO goes on from."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from datasets import Dataset
from trl import SFTTrainer

from ssrl_data.core import SsrlError
from ssrl_data.grade import grade
from ssrl_data.row import schema, unpack_answer
from ssrl_train import preflight
from ssrl_train.config import Config
from ssrl_train.format import _labelled
from ssrl_train.memo import decoded_once
from ssrl_train.models import load_model
from ssrl_train.rows import column, divided, load_rows, tokenizer_of
from ssrl_train.run import run
from ssrl_train.sft import examples, make_sft_args, responses
from ssrl_train.stages import Format, Grpo, Sft
from ssrl_train.tiny import Tiny, build_model, build_processor, load_processor, texts_of
from ssrl_train.trainer import train_supervised

pytest_plugins = ("train_rows",)
OPTIONS: dict[str, Any] = {
    "max_steps": 40,
    "per_device_train_batch_size": 8,
    "learning_rate": 3e-3,
    "gradient_checkpointing": False,
}
LORA = {"r": 16, "lora_alpha": 32, "target_modules": ["q_proj", "v_proj", "up_proj", "down_proj"]}
SAMPLED: dict[str, Any] = {
    "max_steps": 2,
    "per_device_train_batch_size": 16,
    "num_generations": 4,
    "max_completion_length": 24,
    "gradient_checkpointing": False,
}


@pytest.fixture(scope="module")
def solutions(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the dataset whose training rows say how their answer follows."""
    out = tmp_path_factory.mktemp("sft") / "dataset"
    shutil.copytree(dataset, out)
    (path,) = out.glob("data/image/train-*.parquet")
    table = pq.read_table(path).to_pylist()
    for row in table:
        right = unpack_answer(row["answer"])[1]["answer"]
        solution = f"One tile has no detail. It is tile {right}."
        row["meta"] = json.dumps({**json.loads(row["meta"]), "solution": solution})
    pq.write_table(pa.Table.from_pylist(table, schema(True)), path)
    return out


@pytest.fixture(scope="module")
def start(solutions: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that knows the words of the solutions."""
    rows = load_rows(solutions, "train")
    folder = tmp_path_factory.mktemp("sft") / "start"
    processor = build_processor(Tiny(), texts_of(rows, responses(rows)))
    build_model(Tiny(), processor, 0).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def test_targets_are_the_solution_and_the_right_answer(solutions: Path, rows: Dataset) -> None:
    solved_rows = load_rows(solutions, "train")
    for answer, target in zip(column(solved_rows, "answer"), responses(solved_rows), strict=True):
        right = unpack_answer(answer)[1]["answer"]
        assert target == f"<think>One tile has no detail. It is tile {right}.</think><answer>{right}</answer>"
        assert grade(answer, target).score == 1
    assert responses(rows) == [f"<answer>{unpack_answer(a)[1]['answer']}</answer>" for a in column(rows, "answer")]
    row = examples(solved_rows)[0]
    assert set(row) == {"prompt", "images", "completion"}
    assert row["completion"] == [{"role": "assistant", "content": responses(solved_rows)[0]}]
    assert row["images"][0].size == (224, 224)


def gold_likelihood(model: Path, processor: Any, rows: Dataset) -> float:
    """Mean log-likelihood of a token of the rows' targets."""
    end = tokenizer_of(processor).eos_token
    batch = _labelled(processor, list(decoded_once(rows)), [text + end for text in responses(rows)])
    with torch.no_grad():
        return -float(load_model(str(model)).eval()(**batch).loss)


@pytest.mark.parametrize("lora", [None, LORA], ids=["all weights", "lora"])
def test_a_few_steps_learn_the_solutions(
    start: Path, solutions: Path, tmp_path: Path, lora: dict[str, Any] | None
) -> None:
    rows = load_rows(solutions, "train").select(range(32))
    processor = load_processor(start)
    stage = Sft(32, OPTIONS, lora)
    train_supervised(
        SFTTrainer,
        str(start),
        processor,
        examples(rows),
        stage,
        make_sft_args(stage, 0, tmp_path / "checkpoints"),
        tmp_path / "out",
        lambda line: None,
    )
    state = json.loads((tmp_path / "out" / "trainer_state.json").read_text())
    losses = [entry["loss"] for entry in state["log_history"] if "loss" in entry]
    assert len(losses) == 40
    assert losses[-1] < losses[0] - 1
    assert not (tmp_path / "out" / "adapter_config.json").exists()
    before, after = (gold_likelihood(model, processor, rows) for model in (start, tmp_path / "out"))
    # The trainer's loss and ours are of the same tokens, so the model that was saved is the one that was trained.
    assert before == pytest.approx(-losses[0], abs=0.3)
    assert after == pytest.approx(-losses[-1], abs=0.3)
    assert after > before + 1


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
def test_other_families_train_on_their_own_inputs(family: str, solutions: Path, tmp_path: Path) -> None:
    stage = Sft(8, {**OPTIONS, "max_steps": 2})
    config = Config(solutions, tmp_path / "run", Tiny(family), (stage,), eval=None)
    result = run(config, lambda line: None)
    assert result["sft_steps"] == 2
    assert result["sft_loss_last"] < result["sft_loss_first"]


def test_a_run_goes_on_from_the_cold_start_on_other_rows(
    solutions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, set[str]] = {}

    def noting(name: str, at: int) -> None:
        inner = getattr(__import__("ssrl_train.run", fromlist=["run"]), name)

        def noted(*args: Any, **options: Any) -> Any:
            seen[name] = set(column(args[at], "id"))
            return inner(*args, **options)

        monkeypatch.setattr(f"ssrl_train.run.{name}", noted)

    noting("examples", 0)
    noting("train_grpo", 2)
    stages = (Sft(30, {**OPTIONS, "max_steps": 6, "save_steps": 3}, LORA), Grpo({**SAMPLED, "beta": 0.01}))
    config = Config(solutions, tmp_path / "run", Tiny(), stages, eval=None)
    said: list[str] = []
    result = run(config, said.append)
    every = set(column(load_rows(solutions, "train"), "id"))
    assert len(seen["examples"]) == 30
    assert seen["train_grpo"] == every - seen["examples"]
    assert (result["sft_rows"], result["sft_steps"], result["steps"], result["train_rows"]) == (30, 6, 2, len(every))
    assert result["sft_loss_last"] < result["sft_loss_first"]
    assert any(line.startswith("step 6/6: loss") for line in said)
    assert (config.out / "stages" / "1-sft" / "model.safetensors").is_file()
    assert not (config.out / "stages" / "1-sft" / "adapter_config.json").exists()


def test_parts_are_disjoint_and_stay_with_their_rows(rows: Dataset) -> None:
    first, second, rest = divided(rows, [(10, ()), (20, ())], 0)
    ids = [set(column(part, "id")) for part in (first, second, rest)]
    assert [len(part) for part in ids] == [10, 20, len(rows) - 30]
    assert set().union(*ids) == set(column(rows, "id"))
    turned = rows.select(range(len(rows) - 1, -1, -1))
    assert [set(column(part, "id")) for part in divided(turned, [(10, ()), (20, ())], 0)] == ids
    assert set(column(divided(rows, [(10, ())], 1)[0], "id")) != ids[0]
    assert divided(rows, [], 0) == [rows]
    with pytest.raises(ValueError, match="asked of"):
        divided(rows, [(len(rows) + 1, ())], 0)


def test_faults_stop_the_run_before_a_model_is_there(solutions: Path, tmp_path: Path) -> None:
    config = Config(solutions, tmp_path / "run", Tiny(), (Sft(97), Grpo(SAMPLED)), eval=None)
    with pytest.raises(SsrlError, match="the sft stages take 97 rows and there are 96"):
        run(config, lambda line: None)
    with pytest.raises(SsrlError, match="2 rows beside the 94 of the sft stages and one generation batch takes 4"):
        run(replace(config, stages=(Sft(94), Grpo(SAMPLED)), out=tmp_path / "b"), lambda line: None)
    with pytest.raises(SsrlError, match="max_length is 40, so TRL would cut its response off"):
        run(replace(config, stages=(Sft(40, {"max_length": 40}),), out=tmp_path / "c"), lambda line: None)
    with pytest.raises(SsrlError, match="TRL refuses the options of the sft stage"):
        make_sft_args(Sft(4, {"eval_steps": -1, "save_strategy": "sometimes"}), 0, tmp_path)
    assert not (tmp_path / "run" / "stages").exists()


def test_a_cold_start_on_every_row_is_a_whole_run(solutions: Path, tmp_path: Path) -> None:
    stages = (Format(steps=1, batch=2), Sft(96, {**OPTIONS, "max_steps": 1}))
    result = run(Config(solutions, tmp_path / "run", Tiny(), stages, eval=None), lambda line: None)
    assert (result["sft_rows"], result["sft_steps"], result["steps"], result["reward_chance"]) == (96, 1, 0, None)


def solution_faults(processor: Any, rows: Dataset, **limits: int) -> list[str]:
    limit = {"context": None, "limit": None, **limits}
    return list(preflight.solution_faults(processor, decoded_once(rows), responses(rows), **limit))


def test_a_target_that_would_not_arrive_whole_is_found(start: Path, solutions: Path) -> None:
    processor, rows = load_processor(start), load_rows(solutions, "train")
    assert solution_faults(processor, rows) == []
    (fault,) = solution_faults(processor, rows, context=60)
    assert "passes the context of 60" in fault
    processor.chat_template = processor.chat_template.replace(
        "{{ part['text'] }}", "{{ part['text'].split('</think>')[-1] }}"
    )
    (fault,) = solution_faults(processor, rows)
    assert "chat template changes the response" in fault
