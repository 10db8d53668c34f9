from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from PIL import Image

from ssrl_data.core import SsrlError
from ssrl_train.augment import MOST, augmented, relit
from ssrl_train.grpo import make_args, train_grpo
from ssrl_train.memo import decoded_once
from ssrl_train.models import load_model, load_model_config, vision_tokens
from ssrl_train.stages import Grpo
from ssrl_train.tiny import load_processor

pytest_plugins = ("train_rows",)


def picture(key: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(key).integers(60, 180, (9, 7, 3), dtype=np.uint8))


def pixels(shown: Image.Image) -> np.ndarray:
    return np.asarray(shown, np.float64)


def test_each_factor_does_what_it_says() -> None:
    plain = picture(0)
    assert np.array_equal(pixels(relit(plain, 1, 1, 1)), pixels(plain))
    assert pixels(relit(plain, 1.2, 1, 1)).mean() == pytest.approx(1.2 * pixels(plain).mean(), rel=0.01)
    flat = pixels(relit(plain, 1, 0, 1))
    assert np.ptp(flat) <= 1  # no contrast: the mean luminance everywhere
    assert np.ptp(pixels(relit(plain, 1, 1, 0)), axis=2).max() == 0  # no saturation: grey
    dark = relit(Image.new("RGB", (2, 2), (250, 250, 250)), 1.4, 1, 1)
    assert pixels(dark).max() == 255


def test_pictures_of_a_row_change_alike_and_anew_at_each_step() -> None:
    same = picture(1)
    rows = [{"id": "a", "images": [same, same], "n": 1}, {"id": "a", "images": [same, same], "n": 2}]
    rows.append({"id": "b", "images": [same], "n": 3})
    first, second, third = augmented(rows, 0.5, 0, 7)
    assert np.array_equal(pixels(first["images"][0]), pixels(first["images"][1]))
    assert first["images"][0] is second["images"][0], "repeats share one picture, which is then processed once"
    assert (first["n"], second["n"], third["n"]) == (1, 2, 3)
    assert not np.array_equal(pixels(first["images"][0]), pixels(third["images"][0]))
    assert not np.array_equal(pixels(first["images"][0]), pixels(augmented(rows, 0.5, 0, 8)[0]["images"][0]))
    again = augmented(rows[2:], 0.5, 0, 7)[0]
    assert np.array_equal(pixels(again["images"][0]), pixels(third["images"][0])), "whatever else is in the batch"
    assert pixels(augmented(rows, 1.0, 0, 7)[0]["images"][0]).max() <= 180 * (1 + MOST) ** 2


def test_strength_0_changes_nothing() -> None:
    row = {"id": "a", "images": [picture(2)]}
    assert np.array_equal(pixels(augmented([row], 0, 0, 0)[0]["images"][0]), pixels(row["images"][0]))


def trained(rows: Dataset, llava: Path, out: Path, augment: float) -> dict[str, torch.Tensor]:
    stage = Grpo(
        grpo={
            "max_steps": 1,
            "per_device_train_batch_size": 8,
            "num_generations": 4,
            "max_completion_length": 4,
            "learning_rate": 1e-3,
            "entropy_coef": 0.1,
            "gradient_checkpointing": False,
        },
        augment=augment,
    )
    processor = load_processor(str(llava))
    args = make_args(stage, 0, out / "work", vision_tokens(processor, load_model_config(str(llava))))
    train_grpo(str(llava), processor, decoded_once(rows), stage, args, out / "model", lambda line: None)
    weights: dict[str, torch.Tensor] = load_model(str(out / "model")).state_dict()
    return weights


def test_a_stage_trains_on_augmented_pictures(rows: Dataset, llava: Path, tmp_path: Path) -> None:
    plain, one, two = (trained(rows, llava, tmp_path / str(i), augment) for i, augment in enumerate((0, 0.5, 0.5)))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], plain[name]) for name in one)


def test_rows_without_pictures_cannot_be_augmented(rows: Dataset, llava: Path, tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match="the rows have none"):
        trained(rows.remove_columns("images"), llava, tmp_path, 0.5)
