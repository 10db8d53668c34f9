from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from command import ROOT

from ssrl_data.core import SsrlError
from ssrl_data.yaml_file import read_yaml
from ssrl_train.arms import run_arms
from ssrl_train.curriculum import Weights
from ssrl_train.rows import column, load_rows
from ssrl_train.search import VALIDATION, parse_search, run_search, split_off
from ssrl_train.stages import Grpo

pytest_plugins = ("train_rows",)

GRPO = {
    "method": "grpo",
    "grpo": {
        "max_steps": 1,
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "max_completion_length": 8,
        "gradient_checkpointing": False,
    },
}
BODY: dict[str, Any] = {
    "data": "d",
    "out": "o",
    "model": {"tiny": "llava", "side": 16},
    "track": "none",
    "seeds": [0],
    "stages": [GRPO],
    "eval": {"rows": 8, "batch": 8},
    "search": {"population": 2, "generations": 1, "keep": 1, "validation": 0.4},
}


def test_validation_rows_are_cut_by_source_records(dataset: Path, tmp_path: Path) -> None:
    split_off(dataset, tmp_path / "cut", 0.3, 0, None)
    whole = load_rows(dataset, "train")
    train, held = (load_rows(tmp_path / "cut", split) for split in ("train", VALIDATION))
    assert sorted([*column(train, "id"), *column(held, "id")]) == sorted(column(whole, "id"))
    assert not {*column(train, "group_id")} & {*column(held, "group_id")}
    assert not {*column(train, "source_id")} & {*column(held, "source_id")}
    assert train.features == whole.features
    with pytest.raises(SsrlError, match="no split 'test'"):
        load_rows(tmp_path / "cut", "test")
    split_off(dataset, tmp_path / "again", 0.3, 0, None)
    assert column(load_rows(tmp_path / "again", VALIDATION), "id") == column(held, "id")
    split_off(dataset, tmp_path / "other", 0.3, 1, None)
    assert column(load_rows(tmp_path / "other", VALIDATION), "id") != column(held, "id")
    with pytest.raises(SsrlError, match="cut from other rows, or in another way"):
        split_off(dataset, tmp_path / "cut", 0.5, 0, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"search": {"popluation": 3}}, "unknown key 'popluation'"),
        ({"search": {"keep": 6}}, "keep is 6"),
        ({"search": {"validation": 1}}, "validation must be a share"),
        ({"stages": []}, "wants a grpo stage"),
        ({"stages": [{**GRPO, "curriculum": {"kind": "frontier"}}]}, "sets the curriculum"),
        ({"arms": {}}, "`arms` or `search`"),
    ],
)
def test_a_mistake_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SsrlError, match=message):
        parse_search({**BODY, **change}, "c")


def test_one_task_is_no_mixture(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match="a mixture is of at least two tasks, and there is image/tile_anomaly"):
        run_search(parse_search(BODY, "c", dataset, tmp_path), lambda line: None)


@pytest.mark.prove
def test_a_search_ends_in_a_comparison(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    body = dict(read_yaml(ROOT / "tasks/recipes/demo.yaml"))
    body |= {"rows": 160, "sources": [str(ROOT / "tasks/recipes/scikit-image.corpus.yaml")]}
    body["tasks"] = {task: {"levels": ["easy"]} for task in ("image/tile_anomaly", "image/rotation")}
    recipe.write_text(yaml.safe_dump(body), encoding="utf-8")
    said: list[str] = []
    search = parse_search(BODY, "c", recipe, tmp_path / "out")
    arms = run_search(search, said.append)
    cost = next(i for i, line in enumerate(said) if line.startswith("the search takes 2 runs of 1 GRPO steps over "))
    assert "image/rotation, image/tile_anomaly, the comparison after it 2 more" in said[cost]
    assert said[cost + 1].startswith("candidate 1/2: image/rotation 0.50")
    tried = json.loads((tmp_path / "out" / "search.json").read_text())
    assert sorted((one["generation"], one["place"]) for one in tried) == [(0, 0), (0, 1)]
    for one in tried:
        result = json.loads((tmp_path / f"out/search/generation-0/{one['place']}/result.json").read_text())
        assert result["after"] == one["fitness"]
    stage = arms.runs["winner"][0].stages[0]
    assert isinstance(stage, Grpo)
    assert isinstance(stage.curriculum, Weights)
    assert stage.curriculum.shares == pytest.approx(tried[0]["shares"])
    assert arms.against == {"winner": "uniform"}
    found = run_arms(arms, said.append)
    assert found["winner"].rows == 8
    said.clear()
    again = run_search(search, said.append)
    assert again.runs == arms.runs
    assert not any(" s" in line and "about" in line for line in said), "nothing was run again"
