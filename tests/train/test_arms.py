from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from command import ROOT

from ssrl_data.core import SsrlError
from ssrl_data.yaml_file import read_yaml
from ssrl_train.arms import parse_arms, run_arms
from ssrl_train.cli import train
from ssrl_train.search import parse_search
from ssrl_train.stages import Format, Grpo

pytest_plugins = ("train_rows",)

FORMAT = {"method": "format", "steps": 5, "batch": 8}
GRPO = {
    "method": "grpo",
    "grpo": {
        "max_steps": 2,
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 4,
        "learning_rate": 1e-3,
        "gradient_checkpointing": False,
    },
}
BODY: dict[str, Any] = {
    "data": "d",
    "out": "o",
    "model": {"tiny": "llava", "side": 16},
    "track": "none",
    "seeds": [0, 1],
    "control": "base",
    "stages": [FORMAT, GRPO],
    "eval": {"rows": 12, "batch": 6},
    "arms": {
        "base": {"stages": []},
        "whole": {},
        "coin": {"change": {"grpo": {"reward": "random"}}},
        "again": {"seeds": [7], "control": "whole"},
    },
}


def test_an_arm_replaces_whole_keys() -> None:
    arms = parse_arms(BODY, "c")
    assert {name: list(seeds) for name, seeds in arms.runs.items()} == {
        "base": [0, 1],
        "whole": [0, 1],
        "coin": [0, 1],
        "again": [7],
    }
    assert arms.against == {"whole": "base", "coin": "base", "again": "whole"}
    assert arms.count == 7
    whole, coin = arms.runs["whole"][0].stages, arms.runs["coin"][0].stages
    assert (coin[0], coin[1]) == (whole[0], dataclasses.replace(whole[1], reward="random"))
    assert arms.runs["base"][0].stages == ()
    assert [type(stage) for stage in arms.runs["again"][7].stages] == [Format, Grpo]
    assert arms.runs["again"][7].out == Path("o/arms/again/seed-7")
    tokens = {c.eval.max_new_tokens for seeds in arms.runs.values() for c in seeds.values() if c.eval}
    assert tokens == {4}, "as many for the arm that has no stage to say so"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"control": "bse"}, "control is 'bse'"),
        ({"seed": 3}, "give `seeds` in place of `seed`"),
        ({"seeds": [0, 0]}, "names a seed twice"),
        ({"seeds": []}, "seeds must be a list"),
        ({"eval": None, "arms": {"base": {}, "b": {}}}, "eval is null"),
        ({"arms": {"base": {}}}, "at least two arms"),
        ({"arms": {"base": {}, "a/b": {}}}, "without a slash"),
        ({"arms": {"base": {}, "b": {"eval": {}}}}, "arm b: unknown key 'eval'"),
        ({"arms": {"base": {}, "b": {"change": {"gpro": {}}}}}, "arm b: change names the stage 'gpro'"),
        ({"arms": {"base": {}, "b": {"control": "b"}}}, "arm b: control is 'b'"),
        ({"arms": {"base": {}, "b": {"stages": [{"method": "grp"}]}}}, "arm b: stage 1: method is 'grp'"),
    ],
)
def test_a_mistake_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SsrlError, match=message):
        parse_arms({**BODY, **change}, "c")


def test_arms_are_run_once_and_compared(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arms = {"base": {"stages": []}, "form": {"stages": [FORMAT]}}
    body = {**BODY, "data": str(dataset), "out": str(tmp_path / "out"), "arms": arms}
    train(written(tmp_path, body))
    told = capsys.readouterr()
    assert "4 runs: base x 2, form x 2" in told.err
    assert "run 4/4: form, seed 1" in told.err
    found = json.loads((tmp_path / "out" / "comparison.json").read_text())
    form = found["arms"]["form"]
    assert told.out.startswith(f"form: {form['verdict']}, ")
    assert (found["rows"], form["seeds"], form["against"]) == (12, [2, 2], "base")
    for name, seeds in found["accuracy"].items():
        for seed, value in seeds.items():
            result = json.loads((tmp_path / "out/arms" / name / f"seed-{seed}" / "result.json").read_text())
            assert result["after"] == pytest.approx(value)
    assert form["accuracy"]["value"] == pytest.approx(sum(found["accuracy"]["form"].values()) / 2)
    text = (tmp_path / "out" / "comparison.md").read_text()
    assert "| form " in text
    assert form["verdict"] in text
    assert (tmp_path / "out" / "comparison.png").read_bytes().startswith(b"\x89PNG")

    models = sorted((tmp_path / "out").glob("arms/*/*/stages/*/model.safetensors"))
    stamps = [model.stat().st_mtime_ns for model in models]
    assert len(stamps) == 6
    # With fewer seeds, too, what is done is not done again.
    more = {**body, "seeds": [0], "arms": {**arms, "form": {"stages": [FORMAT], "seeds": [0]}}}
    again = run_arms(parse_arms(more, "c"), lambda line: None)
    assert [model.stat().st_mtime_ns for model in models] == stamps
    assert "the spread over seeds is not measured" in again["form"].note


def test_a_comparison_has_seeds_and_no_seed(tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match="change its `seeds` in place of --seed"):
        train(written(tmp_path, BODY), None, None, 3)


def written(folder: Path, body: dict[str, Any]) -> Path:
    file = folder / "arms.yaml"
    file.write_text(yaml.safe_dump(json.loads(json.dumps(body))), encoding="utf-8")
    return file


@pytest.mark.parametrize("path", sorted((ROOT / "tasks/recipes/train/arms").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_comparison_is_read(path: Path) -> None:
    body = read_yaml(path)
    if "search" in body:
        assert parse_search(body, str(path)).evolution.candidates > 1
        return
    arms = parse_arms(body, str(path))
    assert all(len(seeds) >= 3 for seeds in arms.runs.values())
    again = body["arms"]["again"]
    assert not set(again) - {"seeds", "control"}, "an A/A arm"
    assert not body["arms"][arms.against["again"]]
    assert not set(arms.runs["again"]) & set(arms.runs[arms.against["again"]])
