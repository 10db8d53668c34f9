"""Who is asked for which row: places go on to the records that can show them, and every shard ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import made_rows
import numpy as np
import pytest

from ssrl_data.build.plan import DONOR_POOL, make_plan
from ssrl_data.build.shard import GIVE_UP, TRIES, ShardMaker
from ssrl_data.media.image import encode
from ssrl_data.recipe import Part, Recipe, part
from ssrl_data.registry import source_at, task_class
from ssrl_tasks.text.masked_span import MaskedSpanParams


def maker(folder: Path, colours: int, greys: int, kinds: list[str], rows: int) -> ShardMaker:
    """Of one shard over crops of one photograph, some of them without their colours."""
    picture = made_rows.record("astronaut.png").image
    assert picture is not None
    for i in range(colours + greys):
        pixels = picture.view((8 * i, 0, 400 + 8 * i, 400), (200, 200))
        if i >= colours:
            pixels = np.repeat(pixels[..., 1:2], 3, axis=2)
        (folder / f"{i}.jpg").write_bytes(encode(pixels))
    settings: dict[str, Any] = {"side": 64, "grid": 2, "kinds": kinds, "name_kind": len(kinds) > 1}
    recipe = Recipe((part("image/tile_anomaly", ["hard"], settings),), (str(folder),), rows=rows)
    source = source_at(str(folder))
    (shard,) = make_plan(recipe, [source]).shards
    return ShardMaker(shard, [source], frozenset(), lambda key, n: None)


def test_a_place_goes_on_to_a_record_that_can_show_it(tmp_path: Path) -> None:
    making = maker(tmp_path, 1, 5, ["greyscale", "noise"], 48)
    shown = [
        (meta["make"]["kind"], meta["sources"][0]["key"]) for meta in (json.loads(r["meta"]) for r in making.rows())
    ]
    assert len(shown) == 48
    assert {key for kind, key in shown if kind == "greyscale"} == {"0.jpg"}
    assert sum(kind == "greyscale" for kind, _ in shown) == 24
    # The others show what they can meanwhile, but for those that the round reaches when only greyscale is left.
    assert len({key for kind, key in shown if kind == "noise"}) >= 4
    assert making.works[0].skips.total() < 2 * len(shown)


def test_a_shard_that_no_record_can_fill_ends(tmp_path: Path) -> None:
    making = maker(tmp_path, 0, 3, ["greyscale"], 6)
    assert list(making.rows()) == []
    assert making.works[0].skips == {"alteration invisible": 3 * TRIES * GIVE_UP}
    assert len(making.works[0].places) == 6


def test_a_long_turn_says_that_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssrl_data.build.shard.HEARTBEAT", 0.0)
    making = maker(tmp_path, 1, 0, ["blank"], 20)
    said: list[int] = []
    making.announce = lambda key, rows: said.append(rows)
    made = len(list(making.rows()))
    assert said[-1] >= made - 1
    assert len(said) >= made


def test_donors_are_opened_once_and_lent_by_all(tmp_path: Path) -> None:
    making = maker(tmp_path, 12, 0, ["foreign"], 120)
    opened: list[str] = []
    source = making.sources[0]

    class Watched:
        def open(self, entry: Any) -> Any:
            opened.append(entry.key)
            return source.open(entry)

    making.sources = [Watched()]  # type: ignore[list-item]
    pairs = [[s["key"] for s in json.loads(row["meta"])["sources"]] for row in making.rows()]
    assert len(pairs) == 120
    assert len({donor for _, donor in pairs}) == 12
    # The first ones borrow from the last ones, which are opened once more when their turns come.
    assert len(opened) == 12 + DONOR_POOL


def test_levels_do_not_ask_the_same_question_of_a_record() -> None:
    """Two levels that pick from the same spans: what one has asked, at whatever chance, no other asks again."""
    folder = str(Path(made_rows.__file__).parent / "texts")
    levels = {name: MaskedSpanParams(selector=name, most=2, context=1) for name in ("random", "name", "term", "number")}
    assert len({task_class("text/masked_span")(params).chance() for params in levels.values()}) == 4
    recipe = Recipe((Part("text/masked_span", levels),), (folder,), rows=80)
    source = source_at(folder)
    (shard,) = make_plan(recipe, [source]).shards
    making = ShardMaker(shard, [source], frozenset(), lambda key, n: None)
    asked = [row["prompt"][0]["content"] for row in making.rows()]
    assert sum(work.skips["repeated row"] for work in making.works)
    assert len(asked) == len(set(asked)) > 20
