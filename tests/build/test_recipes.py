"""The recipes that are shipped build rows of every task and level they name, and no row of them is at fault."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import made_clips
import pytest
import rendered
from command import ROOT

from ssrl_data.build.run import build
from ssrl_data.check import check_dataset
from ssrl_data.recipe import Recipe, load_recipe

RECIPES = sorted(path for path in (ROOT / "tasks/recipes").glob("*.yaml") if not path.name.endswith(".corpus.yaml"))
PHOTOGRAPHS = ROOT / "tasks/recipes/scikit-image.corpus.yaml"
TEXTS = ROOT / "tests/texts"
ROWS = 60


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with depth maps."""
    folder = tmp_path_factory.mktemp("scenes")
    rendered.write_corpus(folder, 12)
    return folder


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of things that move."""
    folder = tmp_path_factory.mktemp("clips")
    made_clips.write_corpus(folder, 24, 120, (320, 240))
    return folder


def test_the_published_mixtures_are_there() -> None:
    stems = {path.stem for path in RECIPES}
    assert stems >= {"demo", "spatial_ssrl", "ssl4rl", "videossr", "mr_rlvr", "pretrainzero", "ladder", "ladder_eval"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_builds_what_it_names(path: Path, scenes: Path, clips: Path, tmp_path: Path) -> None:
    fields = load_recipe(path) | {"rows": ROWS, "shard_rows": ROWS}
    modalities = {part.task.partition("/")[0] for part in fields["parts"]}
    if modalities <= {"text", "instruction"}:
        fields["sources"] = (str(TEXTS),)
        if "instruction" in modalities:
            fields["split"] = {"test": 0.5}  # a tenth would be one document, and none to lend it words
    elif modalities == {"video"}:
        fields |= {"sources": (str(PHOTOGRAPHS), str(clips)), "split": {"test": 0.5}}  # a tenth would be two clips
    else:
        fields["sources"] = (str(PHOTOGRAPHS), str(scenes))
    recipe = Recipe(**fields)
    built = build(recipe, tmp_path / "dataset", 1, lambda line: None)
    rows = Counter({name: count["rows"] for name, count in built.manifest["counts"].items()})
    assert set(rows) == {f"{part.task}/{level}" for part in recipe.parts for level in part.levels}
    assert min(rows.values()) > 0
    # A level of a dozen pictures may fall short of its quota, but hardly.
    assert rows.total() >= 0.9 * ROWS
    report = check_dataset(tmp_path / "dataset")
    assert [part.name for part in report.parts if part.faults] == []
