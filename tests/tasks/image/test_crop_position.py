"""Crop position: where pieces lie, how they are changed, pieces that fit elsewhere, and what the audit must catch."""

from __future__ import annotations

import contextlib
import dataclasses

import made_rows
import numpy as np
import pytest

from ssrl_data.core import Example, Pixels, Record, Skip
from ssrl_data.media.image import Picture, encode
from ssrl_data.rng import Rng
from ssrl_tasks.image.crop_position import CropPosition, CropPositionParams


def of(pixels: Pixels) -> Record:
    return Record("p", "p", "0" * 32, image=Picture(encode(pixels)))


def some(level: str, count: int) -> list[tuple[str, int, Example]]:
    return [(name, aim, one) for name, _, aim, one in made_rows.made(CropPosition(CropPosition.levels[level]), count)]


@pytest.mark.parametrize("level", ["ssl4rl", "hard"])
def test_a_piece_lies_wholly_in_its_cell_and_has_the_stated_size(level: str) -> None:
    params = CropPosition.levels[level]
    shares = []
    for _, aim, one in some(level, 16):
        x0, y0, x1, _ = one.meta["box"]
        u0, v0, u1, v1 = one.meta["piece"]
        cell = (x1 - x0) / params.grid
        left, top = x0 + aim % params.grid * cell, y0 + aim // params.grid * cell
        assert left <= u0 < u1 <= left + cell
        assert top <= v0 < v1 <= top + cell
        assert u1 - u0 == v1 - v0
        shares.append(100 * (u1 - u0) / cell)
    assert params.smallest - 1 <= min(shares)
    assert max(shares) <= params.largest
    assert max(shares) - min(shares) > (params.largest - params.smallest) / 3


def test_light_and_colours_change_by_strength_alone() -> None:
    changes = {}
    for strength in ("none", "mild", "strong"):
        task = CropPosition(CropPositionParams(strength=strength))
        distances = []
        for name, _, _, one in made_rows.made(task, 8):
            picture = made_rows.record(name).image
            assert picture is not None
            u0, v0, u1, v1 = one.meta["piece"]
            source = picture.view((u0, v0, u1, v1), (112, 112)).astype(int)
            distances.append(float(np.abs(source - np.asarray(one.prompt[3])).mean()))
        changes[strength] = float(np.mean(distances))
    assert changes["none"] == 0
    assert changes["strong"] > 1.5 * changes["mild"] > 5


def test_a_plain_piece_is_skipped() -> None:
    slope = np.linspace(100, 140, 400)[:, None, None]
    pixels = np.broadcast_to(slope, (400, 400, 3)).astype(np.uint8)
    with pytest.raises(Skip, match="flat piece"):
        list(CropPosition(CropPositionParams()).make([of(pixels)], Rng(0), 0))


@pytest.mark.parametrize("strength", ["none", "strong"])
def test_a_piece_that_shows_up_in_another_cell_is_skipped(strength: str) -> None:
    """A picture beside itself: whatever lies at the left is found at the right."""
    picture = made_rows.record("astronaut.png").image
    assert picture is not None
    half = picture.view((100, 0, 300, 400), (200, 400))
    task = CropPosition(CropPositionParams(side=344, strength=strength))
    single = np.hstack([half, picture.view((300, 100, 500, 500), (200, 400))])
    reasons: list[str] = []
    made = 0
    for k in range(12):
        with contextlib.suppress(Skip):
            made += len(list(task.make([of(single)], Rng(k), k % 4)))
        with pytest.raises(Skip) as caught:
            list(task.make([of(np.hstack([half, half]))], Rng(k), k % 4))
        reasons.append(caught.value.reason)
    assert made >= 4
    assert reasons.count("piece fits another cell") >= 6


def test_in_another_light_a_shade_of_its_own_does_not_tell_a_piece() -> None:
    """Two copies of one pattern, the right one brighter: told apart as they are, not where light changes."""
    pattern = np.kron(np.random.default_rng(0).integers(20, 120, (10, 5, 3)), np.ones((40, 40, 1))).astype(np.uint8)
    pixels = np.hstack([pattern, pattern + 100])
    assert list(CropPosition(CropPositionParams(side=344)).make([of(pixels)], Rng(0), 0))
    with pytest.raises(Skip, match="fits another cell"):
        list(CropPosition(CropPositionParams(side=344, strength="mild")).make([of(pixels)], Rng(0), 0))


@pytest.mark.parametrize("level", ["easy", "hard"])
def test_audit_finds_a_piece_from_another_place(level: str) -> None:
    """The picture and the metadata are right, the piece shown is not: found with the source and without."""
    task = CropPosition(CropPosition.levels[level])
    examples = [(name, aim, one) for name, aim, one in some(level, 24) if name == "motorcycle_left.png"]
    checked = 0
    for name, aim, one in examples:
        for _, other_aim, other in examples:
            if other_aim != aim:
                row = made_rows.row(task, level, one)
                wrong = dataclasses.replace(row, images=(row.images[0], np.asarray(other.prompt[3])))
                assert list(task.audit(wrong, [made_rows.record(name)]))
                assert list(task.audit(wrong, []))
                checked += 1
    assert checked


def test_audit_finds_a_piece_across_two_cells() -> None:
    task = CropPosition(CropPosition.levels["easy"])
    name, _, one = some("easy", 1)[0]
    row = made_rows.row(task, "easy", one)
    x0, _, x1, _ = one.meta["box"]
    u0, v0, u1, v1 = one.meta["piece"]
    middle = (x0 + x1) // 2 - (u1 - u0) // 2
    make = {**row.meta["make"], "piece": [middle, v0, middle + u1 - u0, v1]}
    across = dataclasses.replace(row, meta={**row.meta, "make": make})
    assert [fault.rule for fault in task.audit(across, [made_rows.record(name)])] == ["true"]


def test_sizes_are_in_order() -> None:
    with pytest.raises(ValueError, match=r"^largest is 40: it must lie in 50"):
        CropPositionParams(largest=40)
