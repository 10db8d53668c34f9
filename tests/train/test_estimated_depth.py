"""Depth corpora by a monocular network: whole, resumable, and honest of what the maps are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bad_pictures import oriented
from command import ssrl
from numpy.typing import NDArray
from transformers import (
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    DPTImageProcessorPil,
)

from ssrl_data.core import Pixels, Record, SsrlError
from ssrl_data.media.image import Picture
from ssrl_data.registry import source_at
from ssrl_train import depth
from ssrl_train.depth import SIDE, Done, Estimator, write_depth

DESCRIPTOR = """
files:
  - match: astronaut.png
    license: LicenseRef-public-domain
    attribution: NASA
    group: portraits
    camera: {focal: 700.0}
  - match: "*.png"
    license: CC0-1.0
    facts: {upright: false}
"""


def tiny_model(folder: Path, kind: str = "relative", seed: int = 0) -> Path:
    """A published architecture at a toy size with random weights."""
    backbone = Dinov2Config(
        image_size=56,
        patch_size=14,
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=16,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=8,
        depth_estimation_type=kind,
        max_depth=20,
        initializer_range=0.5,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    size = {"height": 56, "width": 56}
    DPTImageProcessorPil(size=size, keep_aspect_ratio=True, ensure_multiple_of=14, do_pad=False).save_pretrained(folder)
    return folder


class Stairs:
    """In place of a network: steps that come nearer from left to right; counts how often it is asked."""

    name, revision, kind = "stairs", "r1", "relative"

    def __init__(self, give_up: int = 0) -> None:
        self.asked = 0
        self.give_up = give_up

    def __call__(self, pixels: Pixels) -> NDArray[np.float16]:
        self.asked += 1
        if self.asked == self.give_up:
            raise KeyboardInterrupt
        height, width = pixels.shape[:2]
        return np.broadcast_to((np.arange(width) * 6 // width / 5).astype(np.float16), (height, width)).copy()


@pytest.fixture
def pictures(tmp_path: Path, photos: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "inner").mkdir(parents=True)
    for name, to in (
        ("astronaut.png", "astronaut.png"),
        ("chelsea.png", "inner/a [1].png"),
        ("rocket.jpg", "rocket.jpg"),
    ):
        shutil.copyfile(photos / name, folder / to)
    (folder / "turned.jpg").write_bytes(oriented("JPEG", 6))
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (folder / "corpus.yaml").write_text(DESCRIPTOR)
    return folder


def written(pictures: Path, out: Path, estimator: Any, license: str = "MIT", error: float | None = None) -> Done:
    return write_depth(source_at(str(pictures)), estimator, out, license, error, lambda line: None)


def opened(folder: Path) -> dict[str, Record]:
    corpus = source_at(str(folder))
    return {entry.key.partition("/")[2].partition("/")[2]: corpus.open(entry) for entry in corpus.entries()}


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_network_gives_a_corpus_that_says_who_made_it(pictures: Path, tmp_path: Path) -> None:
    model, out = tiny_model(tmp_path / "tiny"), tmp_path / "out"
    done = written(pictures, out, Estimator(str(model)), license="Apache-2.0", error=0.1)
    assert done.maps == 4
    assert list(done.rejects) == ["broken.jpg"]
    records = opened(out)
    assert set(records) == {"astronaut.png", "inner/a [1].png", "rocket.jpg", "turned.jpg"}
    for name, record in records.items():
        assert record.depth is not None
        assert record.image is not None
        assert record.depth.rule.by == f"tiny {Estimator(str(model)).revision}, Apache-2.0"
        assert (record.depth.rule.kind, record.depth.rule.error) == ("relative", 0.1)
        found = record.depth.distances
        assert found.shape == record.image.size[::-1], name
        assert (found.min(), found.max()) == (0, 1)
    astronaut, cat = records["astronaut.png"], records["inner/a [1].png"]
    assert (astronaut.license, astronaut.attribution) == ("LicenseRef-public-domain", "NASA")
    assert astronaut.group == "portraits"
    assert astronaut.camera is not None
    assert astronaut.camera.focal == 700
    assert (cat.license, dict(cat.facts)) == ("CC0-1.0", {"upright": False})
    assert records["rocket.jpg"].license == "unknown"


def test_a_picture_turned_by_exif_is_stored_upright_and_every_other_as_it_was(pictures: Path, tmp_path: Path) -> None:
    written(pictures, tmp_path / "out", Stairs())
    stored = {path.name: path for path in (tmp_path / "out" / "pictures").rglob("*.*")}
    for name in ("astronaut.png", "rocket.jpg"):
        assert stored[name].read_bytes() == (pictures / name).read_bytes()
    before, after = Picture((pictures / "turned.jpg").read_bytes()), Picture(stored["turned.jpg"].read_bytes())
    assert before.turned
    assert not after.turned
    assert before.size == after.size
    views = [picture.view((0, 0, *picture.size), picture.size).astype(int) for picture in (before, after)]
    assert np.abs(views[0] - views[1]).mean() < 4
    assert np.abs(views[0][::-1, ::-1] - views[1]).mean() > 20


def test_the_network_is_shown_the_upright_picture_and_a_large_one_smaller(tmp_path: Path) -> None:
    import cv2

    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "turned.jpg").write_bytes(oriented("JPEG", 6))
    wide = np.random.default_rng(0).integers(0, 255, (40, 2 * SIDE, 3), dtype=np.uint8)
    cv2.imwrite(str(pictures / "wide.png"), wide)
    seen = []

    class Seeing(Stairs):
        def __call__(self, pixels: Pixels) -> NDArray[np.float16]:
            seen.append(pixels)
            return super().__call__(pixels)

    assert written(pictures, tmp_path / "out", Seeing()).maps == 2
    turned = Picture((pictures / "turned.jpg").read_bytes())
    assert seen[0].shape[1::-1] == turned.size
    assert (seen[0] == turned.view((0, 0, *turned.size), turned.size)).all()
    assert seen[1].shape == (20, SIDE, 3)
    assert all(record.depth is not None and record.depth.distances.size for record in opened(tmp_path / "out").values())


def test_an_interrupted_corpus_is_gone_on_with_and_ends_the_same(pictures: Path, tmp_path: Path) -> None:
    written(pictures, tmp_path / "whole", Stairs())
    with pytest.raises(KeyboardInterrupt):
        written(pictures, tmp_path / "out", Stairs(give_up=3))
    assert not (tmp_path / "out" / "corpus.yaml").exists()
    again = Stairs()
    assert written(pictures, tmp_path / "out", again).maps == 4
    assert again.asked == 2
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_a_map_is_made_again_only_for_a_picture_that_changed(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written(pictures, out, Stairs())
    shutil.copyfile(pictures / "rocket.jpg", pictures / "turned.jpg")
    (next((out / "depth").rglob("astronaut.png.npy"))).unlink()
    again = Stairs()
    written(pictures, out, again)
    assert again.asked == 2
    assert all(record.depth is not None and record.depth.distances.size for record in opened(out).values())


def test_a_folder_holds_one_models_maps(pictures: Path, tmp_path: Path) -> None:
    written(pictures, tmp_path / "out", Stairs())
    other = Stairs()
    other.revision = "r2"
    with pytest.raises(SsrlError, match=r"holds maps by stairs r1: choose another"):
        written(pictures, tmp_path / "out", other)
    assert other.asked == 0


def test_two_states_of_a_model_folder_are_two_models(tmp_path: Path) -> None:
    first, second = (Estimator(str(tiny_model(tmp_path / str(seed), seed=seed))).revision for seed in (0, 1))
    assert first != second
    assert first == Estimator(str(tiny_model(tmp_path / "again"))).revision


def test_a_metric_model_needs_its_error_stated(pictures: Path, tmp_path: Path) -> None:
    estimator = Estimator(str(tiny_model(tmp_path / "tiny", kind="metric")))
    assert estimator.kind == "metric"
    with pytest.raises(SsrlError, match="say --error"):
        written(pictures, tmp_path / "out", estimator)
    with pytest.raises(SsrlError, match=r"--error is 1\.5: it must lie in"):
        written(pictures, tmp_path / "out", estimator, error=1.5)
    written(pictures, tmp_path / "out", estimator, error=0.06)
    for record in opened(tmp_path / "out").values():
        assert record.depth is not None
        assert (record.depth.rule.kind, record.depth.rule.error) == ("metric", 0.06)
        assert 0 < np.nanmin(record.depth.distances) < np.nanmax(record.depth.distances) < 40


def test_a_network_that_says_nothing_costs_the_picture(pictures: Path, tmp_path: Path) -> None:
    estimator = Estimator(str(tiny_model(tmp_path / "tiny")))
    for weights in estimator._run.model.parameters():
        weights.data.zero_()
    with pytest.raises(SsrlError, match="no picture can be used: 5 left out"):
        written(pictures, tmp_path / "out", estimator)


def test_what_the_numbers_mean_can_be_said(tmp_path: Path) -> None:
    model = tiny_model(tmp_path / "tiny")
    estimator = Estimator(str(model), kind="metric")
    assert estimator.kind == "metric"
    with pytest.raises(SsrlError, match="kind is 'inverse': say --kind relative"):
        Estimator(str(model), kind="inverse")


def test_a_family_whose_configuration_does_not_say_is_known_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = DPTConfig(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        backbone_out_indices=[0, 1, 2, 3],
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        is_hybrid=False,
    )
    DPTForDepthEstimation(config).save_pretrained(tmp_path)
    DPTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    estimator = Estimator(str(tmp_path))
    assert estimator.kind == "relative"
    found = estimator(np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8))
    assert (found.shape, found.min(), found.max()) == ((40, 60), 0, 1)
    monkeypatch.setattr(depth, "KINDS", {})
    with pytest.raises(SsrlError, match="kind is None: say --kind"):
        Estimator(str(tmp_path))


def test_what_is_no_depth_model_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SsrlError, match="empty: cannot be loaded as a depth-estimation model: "):
        Estimator(str(tmp_path / "empty"))


def test_the_command_writes_a_corpus_from_which_a_depth_task_builds(pictures: Path, tmp_path: Path) -> None:
    model, out = tiny_model(tmp_path / "tiny"), tmp_path / "out"
    ran = ssrl("depth", model, "--source", pictures, "--out", out, "--license", "MIT")
    assert ran.returncode == 0, ran.stderr
    assert f"{out}: 4 depth maps by tiny" in ran.stdout
    assert "left out: broken.jpg: " in ran.stderr
    # Random weights show no flat spots, so the maps are those of the stairs.
    shutil.rmtree(out)
    written(pictures, out, Stairs())
    built = ssrl("build", "depth/order", "--source", out, "--out", tmp_path / "rows", "--rows", "4", "--level", "easy")
    assert built.returncode == 0, built.stderr
    assert "4 rows from" in built.stdout
