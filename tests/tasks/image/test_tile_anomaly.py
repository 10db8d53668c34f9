"""Tile anomaly: the wording's budget, the alterations, and what the audit must catch."""

from __future__ import annotations

import dataclasses

import made_rows
import numpy as np
import pytest

from ssrl_data.answers.choice import Choice
from ssrl_data.core import Record, Skip
from ssrl_data.media.image import Picture, encode
from ssrl_data.rng import Rng
from ssrl_tasks.image.tile_anomaly import KINDS, TileAnomaly, TileAnomalyParams


def test_the_easy_prompt_has_at_most_25_words() -> None:
    task = TileAnomaly(TileAnomaly.levels["easy"])
    one = made_rows.example(task, "coffee.png", 0, 1)
    words = f"{one.prompt[1]}\n\n{Choice().ask(one.answer.value)}".split()
    assert len(words) <= 25


def test_every_tile_but_one_is_left_alone() -> None:
    for kind in KINDS:
        task = TileAnomaly(TileAnomalyParams(side=192, grid=3, kinds=(kind,)))
        for name, k, aim, one in made_rows.made(task, 3, ("ihc.png", "coffee.png", "astronaut.png")):
            shown = np.asarray(one.prompt[0])
            record = made_rows.record(name)
            assert record.image is not None
            source = record.image.view(tuple(one.meta["box"]), (192, 192))
            y, x = np.nonzero((shown != source).any(2))
            assert {int(tile) for tile in np.unique(y // 64 * 3 + x // 64)} == {aim}, (kind, k)
            assert one.used == (2 if kind == "foreign" else 1)


def test_only_a_level_with_foreign_tiles_asks_for_a_donor() -> None:
    assert TileAnomaly(TileAnomaly.levels["easy"]).donors() == 0
    assert TileAnomaly(TileAnomaly.levels["medium"]).donors() == 0
    hard = TileAnomaly(TileAnomaly.levels["hard"])
    assert hard.donors() == 1
    with pytest.raises(Skip, match="no other picture"):
        list(TileAnomaly(TileAnomalyParams(kinds=("foreign",))).make([made_rows.record("coffee.png")], Rng(0), 0))


def test_a_donor_too_small_does_not_end_the_record() -> None:
    small = Record("s", "s", "0" * 32, image=Picture(encode(np.zeros((50, 50, 3), np.uint8))))
    with pytest.raises(Skip, match="other picture too small") as caught:
        list(
            TileAnomaly(TileAnomalyParams(kinds=("foreign",))).make([made_rows.record("coffee.png"), small], Rng(0), 0)
        )
    assert not caught.value.final


@pytest.mark.parametrize("kind", ["greyscale", "swap"])
def test_colour_alterations_of_a_grey_picture_are_skipped(kind: str) -> None:
    with pytest.raises(Skip, match="invisible"):
        list(TileAnomaly(TileAnomalyParams(kinds=(kind,))).make([made_rows.record("camera.png")], Rng(0), 1))


def test_a_blank_tile_on_a_grey_picture_is_skipped() -> None:
    grey = Record("g", "g", "0" * 32, image=Picture(encode(np.full((400, 400, 3), 128, np.uint8))))
    with pytest.raises(Skip):
        list(TileAnomaly(TileAnomalyParams()).make([grey], Rng(0), 0))


def test_a_second_tile_that_could_be_the_altered_one_is_skipped() -> None:
    """All of the picture is shown, its lower right quarter nearly mid-grey by nature."""
    photograph = made_rows.record("retina.jpg").image
    assert photograph is not None
    pixels = photograph.view((200, 200, 1200, 1200), (258, 258))
    task = TileAnomaly(TileAnomalyParams())
    plain = Record("p", "p", "0" * 32, image=Picture(encode(pixels)))
    assert list(task.make([plain], Rng(0), 0))
    pixels[129:, 129:] = 134
    with pytest.raises(Skip, match="does not stand out"):
        list(task.make([Record("p", "p", "0" * 32, image=Picture(encode(pixels)))], Rng(0), 0))


@pytest.mark.parametrize("records", [True, False])
def test_audit_finds_a_second_altered_tile(records: bool) -> None:
    task = TileAnomaly(TileAnomaly.levels["easy"])
    row = made_rows.row(task, "easy", made_rows.example(task, "coffee.png", 0, 1))
    pixels = row.images[0].copy()
    pixels[112:, 112:] = 128
    two = dataclasses.replace(row, images=(pixels,))
    assert list(task.audit(two, made_rows.records("coffee.png", task) if records else []))


def test_audit_names_each_alteration() -> None:
    """The kind is recomputed, so a row whose metadata names another one is a fault."""
    for kind in KINDS:
        params = TileAnomalyParams(side=192, grid=2, kinds=(kind,))
        task = TileAnomaly(params)
        for turn in range(20):
            try:
                one = made_rows.example(task, "ihc.png", turn, turn % 4)
                break
            except Skip:
                continue
        row = made_rows.row(task, "x", one)
        used = made_rows.records("ihc.png", task)
        assert list(task.audit(row, used)) == [], kind
        for other in set(KINDS) - {kind}:
            make = dict(row.meta["make"]) | {"kind": other}
            wrong = dataclasses.replace(row, meta=dict(row.meta) | {"make": make})
            assert list(task.audit(wrong, used)), (kind, other)
