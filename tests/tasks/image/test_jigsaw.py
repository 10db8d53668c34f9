"""Jigsaw: the direction of the answer, even options, and what the audit must catch."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter

import cv2
import made_rows
import numpy as np
import pytest
from scipy.stats import chisquare

from ssrl_data.core import Pixels, Record, Skip
from ssrl_data.media.image import Picture, encode
from ssrl_data.rng import Rng
from ssrl_tasks.image.jigsaw import BLOCK, EXAMPLE_TEXT, GUTTER, Jigsaw, JigsawParams, _another_order, _problem


def tile(composite: Pixels, grid: int, number: int) -> Pixels:
    step = (len(composite) + GUTTER) // grid
    y, x = (number - 1) // grid * step, (number - 1) % grid * step
    return composite[y : y + step - GUTTER, x : x + step - GUTTER]


@pytest.mark.parametrize("grid", [2, 3, 4])
def test_putting_the_tiles_where_the_answer_says_gives_the_picture(grid: int) -> None:
    task = Jigsaw(JigsawParams(side=192, grid=grid))
    record = made_rows.record("astronaut.png")
    for k in range(4):
        (one,) = task.make([record], Rng(k), 0)
        composite = np.asarray(one.prompt[0])
        size = 192 // grid
        rebuilt = np.zeros((192, 192, 3), np.uint8)
        for place, number in enumerate(one.answer.value["answer"]):
            y, x = place // grid * size, place % grid * size
            rebuilt[y : y + size, x : x + size] = tile(composite, grid, number)
        assert record.image is not None
        assert (rebuilt == record.image.view(tuple(one.meta["box"]), (192, 192))).all()


def test_the_worked_example_is_not_its_own_inverse() -> None:
    (order,) = re.findall(r"three places, ([\d, ]+) means", EXAMPLE_TEXT)
    places = [int(n) for n in order.split(",")]
    assert [places.index(n) + 1 for n in (1, 2, 3)] != places
    for place, (number, name) in enumerate(zip(places, ("first", "second", "third"), strict=True)):
        assert re.search(rf"tile {number} (belongs )?at the {name}", EXAMPLE_TEXT), place


def test_separate_tiles_are_those_of_the_composite() -> None:
    whole, parts = JigsawParams(side=192, grid=3), JigsawParams(side=192, grid=3, layout="separate")
    record = made_rows.record("astronaut.png")
    (a,), (b,) = Jigsaw(whole).make([record], Rng(1), 0), Jigsaw(parts).make([record], Rng(1), 0)
    assert a.answer == b.answer
    pictures = [part for part in b.prompt if not isinstance(part, str)]
    assert len(pictures) == 9
    for number, picture in enumerate(pictures, 1):
        assert (picture == tile(np.asarray(a.prompt[0]), 3, number)).all()


def test_orders_are_uniform_without_the_identity() -> None:
    params = JigsawParams()
    count = Counter(tuple(_problem(params, Rng(k), 0)[0]) for k in range(4600))
    assert len(count) == 23
    assert (1, 2, 3, 4) not in count
    assert chisquare(list(count.values())).pvalue > 1e-4


@pytest.mark.parametrize("grid", [2, 3, 4])
def test_options_are_even(grid: int) -> None:
    """No option is nearer to the others, or more often in agreement with them, than any other; none is the identity."""
    params = JigsawParams(side=192, grid=grid, form="choice")
    firsts = Counter()
    for k in range(300):
        aim = k % 4
        places, _, answer, note = _problem(params, Rng(k), aim)
        options = note["options"]
        assert options[aim] == places
        assert answer.value["answer"] == "ABCD"[aim]
        assert list(range(1, grid**2 + 1)) not in options
        assert all(sorted(option) == list(range(1, grid**2 + 1)) for option in options)
        apart = {sum(a != b for a, b in zip(one, two, strict=True)) for one in options for two in options if one != two}
        assert apart == {4}
        assert len({tuple(option) for option in options}) == 4
        firsts[sorted(options).index(places)] += 1
    assert chisquare([firsts[k] for k in range(4)]).pvalue > 1e-4


def test_the_relation_is_that_of_the_original_places() -> None:
    step = {"left": (0, -1), "right": (0, 1), "above": (-1, 0), "below": (1, 0)}
    params = JigsawParams(side=192, grid=3, form="relation")
    shown: dict[str, Counter[bool]] = {}
    for k in range(800):
        places, text, answer, note = _problem(params, Rng(k), k % 4)
        one, other = note["pair"]
        assert f"Where was tile {one}, seen from tile {other}?" in text
        (y, x), (v, u) = divmod(places.index(one), 3), divmod(places.index(other), 3)
        assert (y - v, x - u) == step[answer.value["answer"]]
        shown.setdefault(answer.value["answer"], Counter())[one < other] += 1
    # Where the two are shown says nothing: the first number is the smaller one half of the time.
    for relation, counts in shown.items():
        assert chisquare([counts[True], counts[False]]).pvalue > 1e-3, relation


@pytest.mark.parametrize("level", Jigsaw.levels)
def test_no_block_of_the_encoder_straddles_a_border(level: str) -> None:
    p = Jigsaw.levels[level]
    assert p.side // p.grid % BLOCK == 0
    assert GUTTER % BLOCK == 0


def test_a_tile_decodes_to_the_same_pixels_wherever_it_stands() -> None:
    """So neither its neighbours nor its place leave a trace in it."""
    from ssrl_data.media.image import decode

    task = Jigsaw(JigsawParams(side=192, grid=3))
    record = made_rows.record("astronaut.png")
    (one,) = task.make([record], Rng(2), 0)
    composite = np.asarray(one.prompt[0])
    alone = decode(encode(tile(composite, 3, 5)))
    assert (tile(decode(encode(composite)), 3, 5) == alone).all()


def test_the_blanked_tile_can_be_any_and_its_place_is_asked_too() -> None:
    task = Jigsaw(JigsawParams(side=192, grid=2, blank=True))
    record = made_rows.record("astronaut.png")
    hidden = Counter()
    for k in range(80):
        try:
            (one,) = task.make([record], Rng(k), 0)
        except Skip:
            continue
        grey = [n for n in range(1, 5) if (tile(np.asarray(one.prompt[0]), 2, n) == 128).all()]
        assert len(grey) == 1
        assert sorted(one.answer.value["answer"]) == [1, 2, 3, 4]
        hidden[one.answer.value["answer"].index(grey[0])] += 1
    assert len(hidden) == 4


def test_twin_and_flat_tiles_are_skipped() -> None:
    record = made_rows.record("astronaut.png")
    assert record.image is not None
    half = record.image.view((0, 0, 512, 512), (185, 185))
    twins = np.concatenate([half, half], 1)
    twins = np.concatenate([twins, twins[::-1]], 0)
    flat = twins.copy()
    flat[:, :] = 30
    flat[:185] = np.concatenate([half, half[::-1]], 1)
    for pixels, reason in ((twins, "tiles too alike"), (flat, "flat tile")):
        made = Record("r", "r", "0" * 32, image=Picture(encode(pixels)))
        # A side that leaves little room for another crop than all of the picture.
        with pytest.raises(Skip, match=reason):
            list(Jigsaw(JigsawParams(side=320)).make([made], Rng(0), 0))


@pytest.mark.parametrize("blank", [False, True])
def test_tiles_that_join_in_any_order_are_skipped(blank: bool) -> None:
    """A wall of framed pictures: no two alike, and every frame goes with every other."""
    draw = np.random.default_rng(0)
    pixels = np.full((336, 336, 3), 90, np.uint8)
    for y in range(0, 336, 112):
        for x in range(0, 336, 112):
            pixels[y + 24 : y + 88, x + 24 : x + 88] = draw.integers(0, 256, (4, 4, 3)).repeat(16, 0).repeat(16, 1)
    _, data = cv2.imencode(".png", cv2.resize(pixels, (390, 390), interpolation=cv2.INTER_CUBIC))
    wall = Record("r", "r", "0" * 32, image=Picture(data.tobytes()))
    # Crops of nearly all of the picture: none cuts a frame.
    with pytest.raises(Skip, match="another order joins nearly as well"):
        list(Jigsaw(JigsawParams(side=336, grid=3, blank=blank)).make([wall], Rng(0), 0))


def test_a_tile_that_fits_the_place_of_the_blank_is_skipped() -> None:
    """What lies along the border above the bottom row goes on from its middle tile into its right one."""
    small = np.random.default_rng(0).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    pixels = np.asarray(cv2.resize(small, (336, 336), interpolation=cv2.INTER_CUBIC), np.uint8)
    assert not any(_another_order(pixels, 3, hidden) for hidden in (None, *range(9)))
    pixels[212:236, 112:] = pixels[212:236, 160:161]
    assert _another_order(pixels, 3, 8)
    assert not _another_order(pixels, 3, None)


def test_texture_is_skipped() -> None:
    for k in range(5):
        with pytest.raises(Skip, match="tiles too alike"):
            list(Jigsaw(JigsawParams(side=336, grid=3)).make([made_rows.record("grass.png")], Rng(k), 0))


@pytest.mark.parametrize("level", ["easy", "separate", "choice"])
def test_audit_finds_twin_tiles(level: str) -> None:
    task = Jigsaw(Jigsaw.levels[level])
    one = made_rows.example(task, "astronaut.png", 0, 0)
    row = made_rows.row(task, level, one)
    images = [image.copy() for image in row.images]
    if len(images) > 1:
        images[1] = images[0]
    else:
        tile(images[0], task.params.grid, 2)[:] = tile(images[0], task.params.grid, 1)
    twins = dataclasses.replace(row, images=tuple(images))
    assert "one answer" in [fault.rule for fault in task.audit(twins, [])]
    assert "one answer" in [fault.rule for fault in task.audit(twins, made_rows.records("astronaut.png", task))]


def test_audit_finds_options_that_the_prompt_does_not_show() -> None:
    task = Jigsaw(Jigsaw.levels["choice"])
    row = made_rows.row(task, "choice", made_rows.example(task, "astronaut.png", 0, 0))
    lost = dataclasses.replace(row, prompt=row.prompt.replace("\nA: ", "\nA: 9, "))
    assert list(task.audit(lost, made_rows.records("astronaut.png", task)))


def test_a_blank_tile_has_no_relation() -> None:
    with pytest.raises(ValueError, match=r"^blank is true"):
        JigsawParams(form="relation", blank=True)
