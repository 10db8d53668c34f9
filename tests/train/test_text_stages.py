"""Text rows train in the stages of a config, each on rows of its own tasks, with a tiny model that reads text alone."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import ROOT

from ssrl_data.build.run import build
from ssrl_data.core import SsrlError
from ssrl_data.recipe import Recipe, part
from ssrl_train.config import Config, Eval, load_config
from ssrl_train.rows import column, divided, load_rows, of_tasks
from ssrl_train.run import run
from ssrl_train.stage_rows import StageRows
from ssrl_train.stages import Grpo, Sft
from ssrl_train.tiny import Tiny

pytest_plugins = ("train_rows",)
SMALL = {
    "max_steps": 1,
    "per_device_train_batch_size": 8,
    "num_generations": 4,
    "gradient_accumulation_steps": 1,
    "max_completion_length": 16,
    "save_strategy": "no",
    "model_init_kwargs": {"dtype": "float32", "attn_implementation": "sdpa"},
}
PROCESS, OUTCOME = ("text/masked_steps", "text/step_order"), ("text/final_answer",)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of three text tasks from a few worked solutions."""
    out = tmp_path_factory.mktemp("stages") / "dataset"
    parts = (
        part("text/masked_steps", ["easy"], {}),
        part("text/step_order", ["easy"], {"forms": ["solution"]}),
        part("text/final_answer", ["medium"], {}),
    )
    build(Recipe(parts, (str(ROOT / "tests/texts"),), rows=60, split={"test": 0.2}), out, 1, lambda line: None)
    assert set(column(load_rows(out, "train"), "task")) == {*PROCESS, *OUTCOME}
    return out


def kept(options: Any) -> dict[str, Any]:
    return {key: value for key, value in options.items() if not key.startswith(("use_vllm", "vllm_", "optim"))}


def shares(folder: Path) -> list[dict[str, float]]:
    """Of each step that rewarded answers, the tasks' shares of its rows."""
    history = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    named = [{key: value for key, value in entry.items() if key.startswith("share/")} for entry in history]
    return [entry for entry in named if entry]


def test_the_two_stages_of_mr_rlvr_run_one_after_the_other(data: Path, tmp_path: Path) -> None:
    shipped = load_config(ROOT / "tasks/recipes/train/mr_rlvr.yaml", data, tmp_path / "run")
    stages = tuple(
        Grpo({**kept(stage.grpo), **SMALL}, tasks=stage.tasks) for stage in shipped.stages if isinstance(stage, Grpo)
    )
    assert [stage.tasks for stage in stages] == [PROCESS, OUTCOME]
    config = dataclasses.replace(shipped, model=Tiny("qwen3"), stages=stages, eval=Eval(rows=8, batch=8))
    result = run(config, lambda line: None)
    for name, tasks in (("1-grpo", PROCESS), ("2-grpo", OUTCOME)):
        (entry,) = shares(config.out / "stages" / name)
        assert set(entry) == {f"share/{task}" for task in tasks}
        assert sum(entry.values()) == pytest.approx(1)
    assert result["steps"] == 2
    assert 0 < result["chance"] < 1
    assert (config.out / "stages" / "1-grpo" / "model.safetensors").is_file()
    assert (config.out / "model" / "model.safetensors").is_file()


def test_a_stage_of_a_task_without_rows_is_refused_before_a_model_is_there(data: Path, tmp_path: Path) -> None:
    config = Config(data, tmp_path / "run", Tiny("qwen3"), (Grpo(SMALL, tasks=("text/step_orders",)),), eval=None)
    with pytest.raises(
        SsrlError, match=r"rows of 'text/step_orders' and there are none: did you mean 'text/step_order'"
    ):
        run(config, lambda line: None)
    assert not (config.out / "stages").exists()


def test_supervised_stages_take_rows_of_their_tasks_alone(data: Path, tmp_path: Path) -> None:
    rows = load_rows(data, "train")
    first, second, rest = divided(rows, [(3, OUTCOME), (4, ())], 0)
    assert set(column(first, "task")) == set(OUTCOME)
    assert [len(part) for part in (first, second, rest)] == [3, 4, len(rows) - 7]
    ids = [set(column(part, "id")) for part in (first, second, rest)]
    assert set().union(*ids) == set(column(rows, "id"))
    of = of_tasks(rows, OUTCOME)
    with pytest.raises(ValueError, match="text/final_answer are asked of"):
        divided(rows, [(len(of) + 1, OUTCOME)], 0)
    config = Config(data, tmp_path, Tiny("qwen3"), (Sft(len(of) + 1, tasks=OUTCOME), Grpo(SMALL)), eval=None)
    with pytest.raises(SsrlError, match="lower their `rows`"):
        run(config, lambda line: None)


def test_rows_outside_the_band_are_not_trained_on(data: Path, tmp_path: Path) -> None:
    rows = load_rows(data, "train")
    ids = column(rows, "id")
    rates = tmp_path / "rates.parquet"
    measured = {"id": ids[::2], "pass_rate": [i % 4 / 4 for i in range(len(ids[::2]))]}
    pq.write_table(pa.table({**measured, "keep": [rate > 0.2 for rate in measured["pass_rate"]]}), rates)
    config = Config(data, tmp_path / "run", Tiny("qwen3"), (Grpo(SMALL, pass_rates=str(rates)),), eval=None)
    read = StageRows(config, data)
    read.divide()
    assert column(read.sampled(0, frozenset(), rates), "id") == [id for i, id in enumerate(ids[::2]) if i % 4]
    banded = dataclasses.replace(config, stages=(Grpo(SMALL, pass_rates=str(rates), keep=(0.0, 0.25)),))
    read = StageRows(banded, data)
    read.divide()
    assert column(read.sampled(0, frozenset(ids[:2]), rates), "id") == [
        id for i, id in enumerate(ids[::2]) if i % 4 < 2 and i
    ]
    assert run(config, lambda line: None)["steps"] == SMALL["max_steps"]
    (tmp_path / "few.parquet").write_bytes(rates.read_bytes())
    narrow = Grpo(SMALL, pass_rates=str(tmp_path / "few.parquet"), keep=(0.9, 0.95))
    with pytest.raises(SsrlError, match="widen `keep`"):
        run(dataclasses.replace(config, out=tmp_path / "other", stages=(narrow,)), lambda line: None)


def test_texts_and_pictures_train_in_stages_of_their_own(data: Path, dataset: Path, tmp_path: Path) -> None:
    stages = (Grpo(SMALL, tasks=OUTCOME), Grpo(SMALL, data=dataset, name="pictures"), Grpo(SMALL, tasks=PROCESS))
    config = Config(data, tmp_path / "run", Tiny("llava"), stages, eval=Eval(rows=4))
    result = run(config, lambda line: None)
    assert (result["steps"], result["rows"]) == (3, 4)
