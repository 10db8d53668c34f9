"""Rotation: the sense of turning, and that nothing but the content tells the angle."""

from __future__ import annotations

import dataclasses

import cv2
import made_rows
import numpy as np
import pytest

from ssrl_data.core import Pixels, Record, Skip
from ssrl_data.media.image import Picture, decode, encode
from ssrl_data.rng import Rng
from ssrl_tasks.image.rotation import GROUND, Rotation, RotationParams


def picture_of(pixels: Pixels) -> Record:
    return Record("p", "p", "0" * 32, image=Picture(encode(pixels)))


def red_at_the_top() -> Record:
    """Grey with a red bar at the top and a blue one at the right."""
    pixels = np.full((391, 391, 3), 90, np.uint8)
    pixels[:120, 100:300] = (250, 0, 0)
    pixels[100:300, 300:] = (0, 0, 250)
    return picture_of(pixels)


def where_is(channel: int, pixels: Pixels) -> str:
    """On which side of the picture a colour lies."""
    other = pixels[..., [c for c in (0, 1, 2) if c != channel]].max(2).astype(int)
    y, x = np.nonzero(pixels[..., channel].astype(int) - other > 60)
    dy, dx = y.mean() - len(pixels) / 2, x.mean() - len(pixels) / 2
    if abs(dy) > abs(dx):
        return "top" if dy < 0 else "bottom"
    return "left" if dx < 0 else "right"


@pytest.mark.parametrize("step", [90, 45, 30, 15])
@pytest.mark.parametrize(("direction", "red"), [("counter-clockwise", "left"), ("clockwise", "right")])
def test_ninety_degrees_take_the_top_where_the_prompt_says(step: int, direction: str, red: str) -> None:
    params = RotationParams(side=96, step=step, upright=True, direction=direction)
    (one,) = Rotation(params).make([red_at_the_top()], Rng(0), 90 // step)
    assert isinstance(one.prompt[-1], str)
    assert f"turned {direction} about" in one.prompt[-1]
    assert one.answer.value["answer"] == "90"
    upright, turned = one.prompt[1], one.prompt[3]
    assert not isinstance(upright, str)
    assert not isinstance(turned, str)
    assert where_is(0, upright) == "top"
    assert where_is(2, upright) == "right"
    assert where_is(0, turned) == red


def test_finer_angles_turn_as_far_as_they_say() -> None:
    """A bar from the centre to the right comes to lie at the stated angle, y pointing down."""
    pixels = np.full((500, 500, 3), 40, np.uint8)
    pixels[235:265, 250:] = 240
    pixels[:90, :] = (200, 30, 30)  # nothing symmetric
    for aim in range(24):
        (one,) = Rotation(RotationParams(side=192, step=15, upright=True)).make([picture_of(pixels)], Rng(3), aim)
        shown = one.prompt[3]
        assert not isinstance(shown, str)
        turn = np.deg2rad(15 * aim)
        centre = 95.5
        # A crop may move the bar a little off the centre: look for it by direction from the centre.
        y, x = np.nonzero(shown.min(2) > 180)
        direction = np.array([np.cos(turn), -np.sin(turn)])
        along = (x - centre) * direction[0] + (y - centre) * direction[1]
        assert along.mean() > 10, aim


def test_quarter_turns_are_exact() -> None:
    task = Rotation(RotationParams(side=96))
    record = made_rows.record("coffee.png")
    shown = [next(iter(task.make([record], Rng(5), aim))).prompt[0] for aim in range(4)]
    for quarter in range(4):
        assert (np.asarray(shown[quarter]) == np.rot90(np.asarray(shown[0]), quarter)).all()


def test_the_corners_of_a_disc_are_ground_at_every_angle() -> None:
    task = Rotation(RotationParams(side=96, step=30))
    record = made_rows.record("coffee.png")
    grounds = []
    for aim in range(12):
        (one,) = task.make([record], Rng(5), aim)
        shown = np.asarray(one.prompt[0])
        grounds.append((shown == GROUND).all(2))
        assert grounds[-1][:10, :10].all()
        assert not grounds[-1][40:56, 40:56].any()
    y, x = np.mgrid[:96, :96] - 47.5
    outside = x**2 + y**2 > 48.5**2
    assert all(ground[outside].all() for ground in grounds)


def test_no_angle_is_sharper_than_another() -> None:
    """White noise is the worst case: what interpolation does to it depends on its phase alone.

    Without the blur before the turn, 0 and 90 degrees are 8% sharper than 45, with a pattern that repeats every 4
    pixels and is 1.15 times stronger than at other angles.
    """
    rng = np.random.default_rng(0)
    found: dict[int, list[tuple[float, float]]] = {}
    for repeat in range(3):
        noise = rng.integers(0, 256, (500, 500, 3), dtype=np.uint8)
        noise[:110] //= 8  # an up and a down, away from what is measured
        _, data = cv2.imencode(".png", noise)
        record = Record("p", "p", "0" * 32, image=Picture(data.tobytes()))
        for aim in (0, 1, 3, 5, 6, 12):
            (one,) = Rotation(RotationParams(side=336, step=15, upright=True)).make([record], Rng(repeat), aim)
            shown = decode(encode(np.asarray(one.prompt[3])))
            inner = cv2.cvtColor(shown, cv2.COLOR_RGB2GRAY)[108:228, 108:228].astype(np.float64)
            edges = np.abs(cv2.Laplacian(inner, cv2.CV_64F))[2:-2, 2:-2]
            phases = [edges[:, k::4].mean() for k in range(4)]
            found.setdefault(aim, []).append((float(edges.mean()), max(phases) / min(phases)))
    mean = np.array([np.mean(values, axis=0) for values in found.values()])
    sharpest, strongest = mean.max(0) / mean.min(0)
    assert sharpest < 1.03
    assert strongest < 1.06


def test_what_looks_the_same_turned_is_skipped() -> None:
    y, x = np.mgrid[-1:1:391j, -1:1:391j]
    rings = np.repeat((127 + 120 * np.sin(9 * np.hypot(x, y)))[..., None], 3, 2).astype(np.uint8)
    board = np.kron(np.indices((7, 7)).sum(0) % 2 * 255, np.ones((56, 56)))[:391, :391]
    for pixels in (rings, np.repeat(board[..., None], 3, 2).astype(np.uint8), np.full((391, 391, 3), 9, np.uint8)):
        # All of the picture, so that no crop breaks the symmetry.
        for params in (RotationParams(side=340), RotationParams(side=340, upright=True)):
            with pytest.raises(Skip, match="looks the same when turned"):
                list(Rotation(params).make([picture_of(pixels)], Rng(0), 1))


def test_texture_has_no_up_and_down_but_can_be_compared() -> None:
    grass = made_rows.record("grass.png")
    with pytest.raises(Skip, match="looks the same when turned"):
        list(Rotation(RotationParams(side=336)).make([grass], Rng(0), 1))
    assert list(Rotation(RotationParams(side=336, upright=True)).make([grass], Rng(0), 1))


def test_audit_finds_the_other_sense() -> None:
    task = Rotation(Rotation.levels["hard"])
    one = made_rows.example(task, "astronaut.png", 0, 2)
    row = made_rows.row(task, "hard", one)
    params = dict(row.meta["params"]) | {"direction": "clockwise"}
    wrong = dataclasses.replace(row, meta=dict(row.meta) | {"params": params})
    assert not list(task.audit(row, made_rows.records("astronaut.png", task)))
    assert [fault.rule for fault in task.audit(wrong, [])] == ["true"]
