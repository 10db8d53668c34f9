"""Fixtures of the training tests: a built dataset of real photographs, and tiny models on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command import ROOT
from datasets import Dataset

from ssrl_data.build.run import build
from ssrl_data.recipe import Recipe, load_recipe
from ssrl_train.rows import load_rows
from ssrl_train.tiny import Tiny, build_model, build_processor, texts_of

GROUP = 4
SMALL: dict[str, Any] = {
    "gradient_checkpointing": False,
    "per_device_train_batch_size": 4 * GROUP,
    "num_generations": GROUP,
    "max_completion_length": 4,
    "max_steps": 2,
    "save_strategy": "no",
    "disable_tqdm": True,
}
"""Options of a grpo stage of two steps, 4 groups each."""


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's dataset, smaller."""
    out = tmp_path_factory.mktemp("train") / "dataset"
    build(Recipe(**{**load_recipe(ROOT / "tasks/recipes/demo.yaml"), "rows": 120}), out, 1, say=lambda line: None)
    return out


@pytest.fixture(scope="session")
def rows(dataset: Path) -> Dataset:
    """Its training rows, pictures encoded."""
    return load_rows(dataset, "train")


@pytest.fixture(scope="session")
def llava(tmp_path_factory: pytest.TempPathFactory, rows: Dataset) -> Path:
    """A tiny LLaVA, saved."""
    folder = tmp_path_factory.mktemp("train") / "llava"
    processor = build_processor(Tiny(), texts_of(rows))
    build_model(Tiny(), processor, 0).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
