"""Stages that feed each other: a table of responses, right ones to learn, pairs to prefer, harder rows to train on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ssrl_data.core import SsrlError
from ssrl_data.pass_rates import rates
from ssrl_train.config import Config, parse
from ssrl_train.exports.settings import Pairs, Rejection
from ssrl_train.responses import exported
from ssrl_train.rows import column, load_rows
from ssrl_train.run import run

pytest_plugins = ("train_rows",)
SMALL: dict[str, Any] = {"gradient_checkpointing": False, "save_strategy": "no"}
GRPO = {**SMALL, "max_steps": 2, "per_device_train_batch_size": 8, "num_generations": 4, "max_completion_length": 4}
STAGES: list[dict[str, Any]] = [
    {"method": "format", "steps": 40, "batch": 16},
    {
        "repeat": 2,
        "stages": [
            {"method": "sample", "name": "probe", "rows": 24, "k": 4, "max_new_tokens": 4},
            {
                "method": "sft",
                "responses": "probe",
                "rows": 4,
                "sft": {**SMALL, "max_steps": 1, "per_device_train_batch_size": 4},
            },
            {
                "method": "dpo",
                "responses": "probe",
                "rows": 4,
                "dpo": {**SMALL, "max_steps": 1, "per_device_train_batch_size": 4},
            },
            {
                "method": "grpo",
                "pass_rates": "probe",
                "keep": [0, 0.75],
                "grpo": GRPO,
                "lora": {"r": 4, "target_modules": ["q_proj", "v_proj"]},
            },
        ],
    },
]


def config(dataset: Path, out: Path, stages: list[dict[str, Any]]) -> Config:
    body = {"data": str(dataset), "out": str(out), "model": {"tiny": "llava"}, "track": "none", "stages": stages}
    return parse(body | {"eval": {"rows": 8, "batch": 8}}, "test")


@pytest.fixture(scope="module")
def done(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, dict[str, Any]]:
    settings = config(dataset, tmp_path_factory.mktemp("loop") / "run", STAGES)
    return settings, run(settings, lambda line: None)


def test_a_loop_of_sampling_learning_and_reinforcing(done: tuple[Config, dict[str, Any]], dataset: Path) -> None:
    settings, result = done
    names = ["1-format", *(f"{i}-{name}" for i, name in enumerate(2 * ["probe", "sft", "dpo", "grpo"], 2))]
    folders = {name: settings.out / "stages" / name for name in names}
    assert (result["steps"], result["sft_steps"]) == (4, 4)
    assert (settings.out / "model").resolve().name == "9-grpo"
    # The first round's grpo left an adapter, which the second's stages went on from merged.
    assert (folders["5-grpo"] / "adapter_model.safetensors").is_file()
    assert (settings.out / "stages" / "5-grpo.merged" / "model.safetensors").is_file()
    notes = {name: json.loads((folder / "stage.json").read_text()) for name, folder in folders.items()}
    prints = {name: note["fingerprint"] for name, note in notes.items()}
    assert len(set(prints.values())) == len(prints)
    came = {name: note["inputs"]["model"] for name, note in notes.items()}
    assert came["2-probe"] == came["3-sft"] == prints["1-format"]
    assert came["5-grpo"] == prints["4-dpo"]
    assert came["6-probe"] == came["7-sft"] == prints["5-grpo"]
    assert notes["7-sft"]["inputs"]["read"] == [prints["6-probe"]]
    assert notes["2-probe"]["inputs"]["seed"] != notes["6-probe"]["inputs"]["seed"], "a round draws anew"

    first, second = (set(rates(folders[name] / "rates.parquet")) for name in ("2-probe", "6-probe"))
    shown = [set(json.loads((folders[f"{i}"] / "shown.json").read_text())) for i in ("3-sft", "4-dpo")]
    assert len(first) == 24
    assert [len(part) for part in shown] == [4, 4]
    assert not shown[0] & shown[1], "what sft has shown is not shown again"
    assert not (shown[0] | shown[1]) & second, "nor is it sampled in the next round"
    assert first | second <= set(column(load_rows(dataset, "train"), "id"))


def test_what_is_learnt_is_right_and_pairs_are_of_one_row(done: tuple[Config, dict[str, Any]], dataset: Path) -> None:
    settings, _ = done
    rows = load_rows(dataset, "train")
    table = pq.read_table(settings.out / "stages" / "2-probe" / "rollouts.parquet")
    verdict = {
        (line["id"], line["response"]): line["exact"] for line in table.select(["id", "response", "exact"]).to_pylist()
    }
    made = exported(rows, table, Rejection(), each=2)
    learnt, ids = made.table, made.shown
    prompts = dict(zip(column(rows, "id"), column(rows, "prompt"), strict=True))
    order = [id for id in column(rows, "id") if id in set(ids)]
    assert ids == order
    assert len(learnt) >= len(ids)
    said = [turn[0]["content"] for turn in learnt["completion"]]
    assert all(any(verdict.get((id, text)) for id in ids) for text in said)
    made = exported(rows, table, Pairs())
    preferred, ids = made.table, made.shown
    for id, prompt, chosen, rejected in zip(
        ids, preferred["prompt"], preferred["chosen"], preferred["rejected"], strict=True
    ):
        assert prompt == prompts[id]
        assert verdict[id, chosen[0]["content"]]
        assert not verdict[id, rejected[0]["content"]]
    known = rates(settings.out / "stages" / "2-probe" / "rates.parquet")
    assert set(exported(rows, table, Rejection(), (0.3, 0.6)).shown) == {
        id for id, rate in known.items() if 0.3 <= rate <= 0.6
    }
    assert len(exported(rows, table, Rejection(), limit=3).shown) == 3
    with pytest.raises(SsrlError, match=r"no row has a right response within the pass rates 0.99 to 0.995"):
        exported(rows, table, Rejection(), (0.99, 0.995))


def test_a_stage_ends_when_its_metric_is_there(dataset: Path, tmp_path: Path) -> None:
    until = {"metric": "reward", "above": 0.0, "over": 3}
    grpo = {**GRPO, "max_steps": 9}
    said: list[str] = []
    stages = [STAGES[0], {"method": "grpo", "grpo": grpo, "until": until}]
    assert run(config(dataset, tmp_path / "run", stages), said.append)["steps"] == 3
    assert "reward is" in " ".join(said)
    never = [STAGES[0], {"method": "grpo", "grpo": {**grpo, "max_steps": 4}, "until": {**until, "above": 1.5}}]
    assert run(config(dataset, tmp_path / "never", never), said.append)["steps"] == 4


def test_no_stage_measures_alone(dataset: Path, tmp_path: Path) -> None:
    result = run(config(dataset, tmp_path / "run", []), lambda line: None)
    assert result["after"] is not None
    assert (result["before"], result["steps"]) == (None, 0)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"method": "sample", "tasks": ["image/jigsw"]}, "takes rows of 'image/jigsw' and there are none"),
        ({"method": "sample", "data": "nowhere"}, "nowhere: no dataset there"),
        ({"method": "grpo", "grpo": GRPO, "pass_rates": "none.parquet"}, "none.parquet: no such file"),
        ({"method": "dpo", "data": "none.parquet"}, "none.parquet: there is no such file of examples"),
    ],
)
def test_what_a_stage_reads_is_looked_for_before_any_is_run(
    stage: dict[str, Any], message: str, dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(SsrlError, match=message):
        run(config(dataset, tmp_path / "run", [STAGES[0], stage]), lambda line: None)
    assert not (tmp_path / "run" / "stages").exists()


def test_a_recipe_is_built_first(tmp_path: Path, photos: Path) -> None:
    recipe = tmp_path / "rows.yaml"
    recipe.write_text(
        f"tasks: {{image/tile_anomaly: {{levels: [easy]}}}}\nsources: [{photos}]\nrows: 40\nsplit: {{test: 0.3}}\n"
    )
    said: list[str] = []
    settings = config(recipe, tmp_path / "run", [{"method": "format", "steps": 1, "batch": 2}])
    assert run(settings, said.append)["rows"] == 8
    assert (tmp_path / "run" / "dataset" / "manifest.json").is_file()
    assert any(line.startswith(f"building {recipe}") for line in said)
    with pytest.raises(SsrlError, match=r"none\.yaml"):
        run(config(tmp_path / "none.yaml", tmp_path / "other", STAGES), said.append)
