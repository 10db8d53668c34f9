"""`ssrl curate` on real photographs and copies of them, and a build that reads its table."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars
import pyarrow.parquet as pq
import pytest
from command import ssrl

from ssrl_data.build.plan import DONOR_POOL, make_plan
from ssrl_data.core import Record, SsrlError
from ssrl_data.curate.hashing import KILLED, hash_records
from ssrl_data.curate.run import curate
from ssrl_data.curate.table import read_table
from ssrl_data.media.image import Picture, encode
from ssrl_data.recipe import Recipe, load_recipe, part
from ssrl_data.registry import source_at
from ssrl_data.sources.base import Entry
from ssrl_data.sources.folder import Folder


@pytest.fixture(scope="module")
def corpus(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs, one of them copied, one turned and shrunk, two plain pictures, and a file that is none."""
    folder = tmp_path_factory.mktemp("corpus")
    for photo in photos.iterdir():
        shutil.copy(photo, folder)
    shutil.copy(folder / "china.jpg", folder / "again.jpg")
    coffee = Picture((folder / "coffee.png").read_bytes())
    small = coffee.view((0, 0, *coffee.size), (450, 300))
    (folder / "turned.jpg").write_bytes(encode(np.ascontiguousarray(np.rot90(small)[:, ::-1])))
    for i in range(2):
        plain = np.full((300, 300, 3), 90 + 20 * i, np.uint8)
        (folder / f"plain{i}.jpg").write_bytes(encode(np.asarray(cv2.circle(plain, (90, 90), 20, (95, 90, 90), -1))))
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def table(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("table") / "new" / "table.parquet"
    done = ssrl("curate", corpus, "--out", out, "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert (
        "13 records in 11 groups; 4 records are in groups joined by near duplicates, 2 are so flat that thumbnails"
        in done.stdout
    )
    assert "1 unreadable records, listed under `reason`: not a picture 1" in done.stdout
    return out


def test_copies_share_a_group_and_are_no_neighbours(table: Path) -> None:
    rows = {row["key"]: row for row in polars.read_parquet(table).to_dicts()}
    assert list(rows) == sorted(rows)
    assert rows["again.jpg"]["group"] == rows["china.jpg"]["group"]
    assert rows["turned.jpg"]["group"] == rows["coffee.png"]["group"]
    assert len({row["group"] for row in rows.values()}) == len(rows) - 2
    compared = {key for key, row in rows.items() if (row["quality"] or 0) >= 50}
    assert compared == set(rows) - {"plain0.jpg", "plain1.jpg", "broken.jpg"}
    for key, row in rows.items():
        assert len(set(row["neighbours"])) == len(row["neighbours"])
        assert all(rows[other]["group"] != row["group"] for other in row["neighbours"])
        assert set(row["neighbours"]) <= compared
        assert bool(row["neighbours"]) == (key in compared)
    assert rows["broken.jpg"]["reason"] == "not a picture"
    assert rows["broken.jpg"]["quality"] is None


def test_the_bytes_depend_on_the_corpus_alone(corpus: Path, table: Path, tmp_path: Path) -> None:
    curate([str(corpus)], tmp_path / "again.parquet", 1, say=lambda line: None)
    assert (tmp_path / "again.parquet").read_bytes() == table.read_bytes()
    assert os.listdir(tmp_path) == ["again.parquet"]


def test_groups_of_the_corpus_are_joined_whole(photos: Path, tmp_path: Path) -> None:
    for folder, names in (("a", ("china.jpg", "coffee.png")), ("b", ("chelsea.png",)), ("c", ("rocket.jpg",))):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        for name in names:
            shutil.copy(photos / name, tmp_path / "photos" / folder)
    shutil.copy(photos / "china.jpg", tmp_path / "photos" / "b" / "copy.jpg")
    (tmp_path / "photos" / "corpus.yaml").write_text(
        "files:\n" + "".join(f"  - {{match: {folder}/*, group: {folder}}}\n" for folder in "abc")
    )
    curate([str(tmp_path / "photos")], tmp_path / "t.parquet", 1, say=lambda line: None)
    groups = read_table(tmp_path / "t.parquet").groups
    assert {key: group for key, group in groups.items() if not key.startswith("c/")} == dict.fromkeys(
        ("a/china.jpg", "a/coffee.png", "b/chelsea.png", "b/copy.jpg"), "a"
    )
    assert groups["c/rocket.jpg"] == "c"


def recipe(corpus: Path, table: Path | None, **fields: Any) -> Recipe:
    parts = (part("image/tile_anomaly", ["hard"], {"side": 128, "grid": 2}),)
    return Recipe(parts, (str(corpus),), curated=table and str(table), **fields)


@pytest.mark.parametrize("seed", range(6))
def test_a_plan_splits_the_tables_groups_and_lends_neighbours_of_the_split(
    corpus: Path, table: Path, seed: int
) -> None:
    plan = make_plan(recipe(corpus, table, split={"test": 0.4}, rows=100, seed=seed), [source_at(str(corpus))])
    homes = {item.key: shard.name for shard in plan.shards for item in shard.items}
    assert homes["again.jpg"] == homes["china.jpg"]
    assert homes["turned.jpg"] == homes["coffee.png"]
    known = read_table(table)
    for shard in plan.shards:
        for item in shard.items:
            lent = [n.key for n in shard.neighbours[item.key]]
            assert lent == [key for key in known.neighbours[item.key] if homes[key] == shard.name][:DONOR_POOL]
            assert all(
                n.entry.group == known.groups[n.key] != known.groups[item.key] for n in shard.neighbours[item.key]
            )


def test_the_table_is_part_of_what_a_build_is(corpus: Path, table: Path, tmp_path: Path) -> None:
    sources = [source_at(str(corpus))]
    other = tmp_path / "other.parquet"
    frame = polars.read_parquet(table)
    frame.with_columns(quality=polars.lit(7, polars.Int32)).write_parquet(other)
    plans = [make_plan(recipe(corpus, path), sources).fingerprint for path in (None, table, other, table)]
    assert plans[1] == plans[3]
    assert len(set(plans)) == 3


def test_a_table_of_another_corpus_is_refused(corpus: Path, table: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    shutil.copytree(corpus, more)
    shutil.copy(more / "china.jpg", more / "new.jpg")
    with pytest.raises(
        SsrlError,
        match=r"does not list 1 of the corpus's 14 records \('new.jpg'.*as many of them and in the same order",
    ):
        make_plan(recipe(more, table), [source_at(str(more))])
    (more / "new.jpg").unlink()
    shutil.copy(more / "coffee.png", more / "china.jpg")
    with pytest.raises(SsrlError, match=r"other content of 1 of the corpus's 13 records \('china.jpg'.*curate` again"):
        make_plan(recipe(more, table), [source_at(str(more))])
    wrong = (
        (corpus / "china.jpg", "is not a table"),
        (tmp_path / "none.parquet", "no such file"),
        (tmp_path, "is a folder: name the file"),
    )
    for path, message in wrong:
        with pytest.raises(SsrlError, match=message):
            read_table(path)
    polars.DataFrame({"key": [1], "group": ["a"], "stamp": ["1"], "neighbours": [["b"]]}).write_parquet(
        tmp_path / "ints.parquet"
    )
    with pytest.raises(SsrlError, match="is not a table"):
        read_table(tmp_path / "ints.parquet")


def test_a_table_that_cannot_lie_there_is_refused_before_the_work(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for out, message in ((tmp_path, "is a folder: name a file"), (tmp_path / "file" / "t.parquet", "cannot be made")):
        said: list[str] = []
        with pytest.raises(SsrlError, match=message):
            curate([str(corpus)], out, 1, say=said.append)
        assert said == []


def test_copies_of_a_dark_picture_share_a_group(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dark"
    folder.mkdir()
    for name in ("china", "flower", "coffee"):
        picture = Picture(next(photos.glob(f"{name}.*")).read_bytes())
        dark = picture.view((0, 0, *picture.size), (360, 240)) // 8
        (folder / f"{name}-a.jpg").write_bytes(encode(dark))
        (folder / f"{name}-b.jpg").write_bytes(encode(np.ascontiguousarray(dark[::2, ::-2])))
    assert curate([str(folder)], tmp_path / "t.parquet", 1, say=lambda line: None).flat == 6
    groups = read_table(tmp_path / "t.parquet").groups
    assert groups == {key: f"{key[:-6]}-a.jpg" for key in groups}


def test_a_build_takes_donors_from_the_neighbours(corpus: Path, table: Path, tmp_path: Path) -> None:
    task = ("image/tile_anomaly", "--level", "hard", "-p", "kinds=[foreign, noise]", "-p", "side=128", "-p", "grid=2")
    command = ("build", *task, "--source", corpus, "--curated", table, "--rows", "60", "--out", tmp_path / "out")
    done = ssrl(*command)
    assert done.returncode == 0, done.stderr
    known = read_table(table)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["recipe"]["curated"] == known.digest
    pairs = []
    for file in (tmp_path / "out" / "data").rglob("*.parquet"):
        for row in pq.read_table(file).to_pylist():
            meta = json.loads(row["meta"])
            if meta["make"]["kind"] == "foreign":
                pairs.append([source["key"] for source in meta["sources"]])
    assert len(pairs) > 20
    for borrower, donor in pairs:
        assert donor in known.neighbours[borrower][:DONOR_POOL] or not known.neighbours[borrower]
    assert len({donor for _, donor in pairs}) > 3
    assert ssrl("build", *command[1:]).stdout.count("already complete") == 1
    again = ssrl(*[part for part in command if part not in ("--curated", table)])
    assert again.returncode == 2
    assert "recipe.curated" in again.stderr


def test_a_recipe_names_the_table_beside_it(table: Path, tmp_path: Path) -> None:
    shutil.copy(table, tmp_path / "t.parquet")
    (tmp_path / "r.yaml").write_text("tasks: [image/rotation]\nsources: [x]\ncurated: t.parquet\n")
    assert load_recipe(tmp_path / "r.yaml")["curated"] == str(tmp_path / "t.parquet")


class Deadly(Folder):
    """A corpus with a picture that takes its decoder down."""

    def open(self, entry: Entry) -> Record:
        if entry.key == "coffee.png":
            os.abort()
        return super().open(entry)


def test_a_record_that_kills_its_worker_costs_itself(corpus: Path) -> None:
    from ssrl_data.listing import list_items

    source = Deadly.at(str(corpus))
    items = list_items([source])
    found = {items[i].key: record.reason for i, record in hash_records(items, [source], 2)}
    assert len(found) == len(items)
    assert {key: reason for key, reason in found.items() if reason} == {
        "broken.jpg": "not a picture",
        "coffee.png": KILLED,
    }
