"""A small built dataset, and copies of it to plant faults in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ssrl_data.build.run import build
from ssrl_data.recipe import Recipe, part


@pytest.fixture(scope="session")
def built(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """96 rows of two easy levels in two splits, from eight photographs."""
    out = tmp_path_factory.mktemp("built") / "dataset"
    parts = (part("image/tile_anomaly", ["easy"], {}, 3.0), part("image/jigsaw", ["easy"], {}, 1.0))
    build(Recipe(parts, (str(photos),), rows=96, split={"test": 0.25}, license="CC0-1.0"), out, 1, lambda line: None)
    return out


@pytest.fixture
def dataset(built: Path, tmp_path: Path) -> Path:
    """A copy to plant faults in."""
    return Path(shutil.copytree(built, tmp_path / "dataset"))


@pytest.fixture
def bare(built: Path, tmp_path: Path) -> Path:
    """A copy without the corpus, as a published dataset is: checked faster, since nothing is recomputed."""
    return Path(shutil.copytree(built, tmp_path / "bare", ignore=shutil.ignore_patterns(".ssrl")))
