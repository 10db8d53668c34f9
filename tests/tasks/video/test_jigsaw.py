"""The video jigsaw: what is shown, the direction of the answer, and what the audit must catch."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from pathlib import Path

import made_clips
import made_rows
import numpy as np
import pytest
from scipy.stats import chisquare

from ssrl_data.core import Example, Pixels, Record, Skip
from ssrl_data.media.clip import Clip
from ssrl_data.rng import Rng
from ssrl_tasks.video.jigsaw import Jigsaw, JigsawParams

SMALL = JigsawParams(4, 5, 0.2, (0.04, 0.05), 12_288, "pairs")


def pictures(one: Example) -> list[Pixels]:
    return [part for part in one.prompt if not isinstance(part, str)]


def text(one: Example) -> str:
    return "".join(part for part in one.prompt if isinstance(part, str))


def some(params: JigsawParams, count: int, name: str = "clip 3") -> list[Example]:
    out = []
    for k in range(20 * count):
        try:
            out += Jigsaw(params).make([made_rows.record(name)], Rng(k), 0)
        except Skip:
            continue
        if len(out) == count:
            return out
    raise AssertionError(f"{name} carries only {len(out)} rows")


@pytest.mark.parametrize("params", [SMALL, *Jigsaw.levels.values()])
def test_laying_the_segments_where_the_answer_says_gives_the_clip(params: JigsawParams) -> None:
    (one,) = some(params, 1)
    clip, length = made_rows.record("clip 3").clip, params.frames
    assert clip is not None
    shown, stretches = pictures(one), one.meta["stretches"]
    assert len(shown) == params.segments * length
    for number, stretch in zip(one.answer.value["answer"], stretches, strict=True):
        for picture, index in zip(shown[(number - 1) * length : number * length], stretch, strict=True):
            assert (picture == clip.view(index, tuple(one.meta["box"]), tuple(one.meta["size"]))).all()
    # Evenly spaced in a stretch; from one to the next further by the frames left out.
    flat = np.array(stretches)
    step = flat[0, 1] - flat[0, 0]
    assert (np.diff(flat, axis=1) == step).all()
    assert (flat[1:, 0] - flat[:-1, -1] == step * (params.left_out + 1)).all()


def test_the_text_numbers_segments_and_pictures_and_tells_no_time_but_the_step() -> None:
    for one in some(SMALL, 5):
        words = text(one)
        assert re.findall(r"Segment (\d), pictures (\d+) to (\d+): ", words) == [
            ("1", "1", "5"), ("2", "6", "10"), ("3", "11", "15"), ("4", "16", "20")
        ]  # fmt: skip
        assert re.findall(r"\d+\.\d+", words) == ["0.04"]
        assert "one picture is left out" in words
    assert "left out" not in text(some(dataclasses.replace(SMALL, gap=0.0), 1)[0])
    assert "3 pictures are left out" in text(some(Jigsaw.levels["hard"], 1)[0])


def test_rows_of_one_clip_differ_in_their_pictures_alone_where_the_steps_are_alike() -> None:
    assert len({text(one) for one in some(SMALL, 8)}) == 1
    assert len({str(one.answer.value) for one in some(SMALL, 8)}) > 3


@pytest.mark.parametrize("segments", [3, 6])
def test_the_worked_example_is_not_its_own_inverse_and_no_answer(segments: int) -> None:
    words = text(some(JigsawParams(segments, 4, 0.25, (0.04, 0.13), 12_288), 1)[0])
    (count, order) = re.findall(r"with (three|four) places, ([\d, ]+) means", words)[0]
    places = [int(n) for n in order.split(",")]
    assert len(places) == {"three": 3, "four": 4}[count] != segments
    assert [places.index(n) + 1 for n in sorted(places)] != places
    said = [int(n) for n in re.findall(r"segment (\d)(?! of)", words.split("means:")[1].split(".")[0])]
    assert said == places


def test_orders_are_uniform_without_the_identity() -> None:
    count = Counter(
        tuple(one.answer.value["answer"]) for one in some(JigsawParams(3, 4, 0.25, (0.04, 0.05), 12_288), 300)
    )
    assert len(count) == 5
    assert (1, 2, 3) not in count
    assert chisquare(list(count.values())).pvalue > 1e-4


def test_marks_label_the_first_picture_of_each_segment_with_its_place() -> None:
    (one,) = some(SMALL, 1)
    places = one.answer.value["answer"]
    assert [mark.image for mark in one.marks] == [0, 5, 10, 15]
    assert [mark.label for mark in one.marks] == [f"place {places.index(number) + 1}" for number in (1, 2, 3, 4)]


def test_the_credit_is_that_of_the_level() -> None:
    assert {name: task.credit for name, task in Jigsaw.levels.items()} == {
        "easy": "exact", "medium": "exact", "videossr": "pairs", "videossr_8": "pairs", "hard": "pairs"
    }  # fmt: skip
    for credit in ("exact", "partial", "pairs", "adjacency"):
        (one,) = some(dataclasses.replace(SMALL, credit=credit), 1)
        assert one.answer.credit.rule == credit
        assert one.answer.chance == Jigsaw(dataclasses.replace(SMALL, credit=credit)).chance()


def written(folder: Path, frames: list[Pixels]) -> Record:
    path = made_clips.write_clip(folder / "c.mp4", frames, crf="16", preset="ultrafast")
    return Record("c.mp4", "c", "0" * 32, clip=Clip(path))


def reasons(record: Record, params: JigsawParams) -> set[str]:
    found = set()
    for k in range(12):
        try:
            list(Jigsaw(params).make([record], Rng(k), 0))
            found.add("made")
        except Skip as skip:
            found.add(skip.reason)
    return found


def test_what_stands_still_swings_or_is_cut_is_skipped(tmp_path: Path) -> None:
    frames = list(made_clips.scene(3))
    assert "made" in reasons(written(tmp_path, frames), SMALL)
    assert reasons(written(tmp_path, [frames[40]] * 60), SMALL) == {"too little change"}
    swing = [frames[40 + abs(k % 12 - 6)] for k in range(90)]
    assert reasons(written(tmp_path, swing), SMALL) <= {
        "segments too alike",
        "another order joins nearly as well",
        "too little change",
    }
    # No shot is as long as a window of 23 frames.
    cut = [
        frame
        for k in range(0, 80, 16)
        for frame in (frames[k : k + 16] if k % 32 else [255 - f for f in frames[k : k + 16]])
    ]
    assert reasons(written(tmp_path, cut), SMALL) == {"clip too short"}


@pytest.mark.parametrize("level", Jigsaw.levels)
def test_audit_finds_segments_that_changed_places_or_play_backwards(level: str) -> None:
    task = Jigsaw(Jigsaw.levels[level])
    length = task.params.frames
    row = made_rows.row(task, level, made_rows.example(task, *found(task)))
    records = made_rows.records(found(task)[0], task)
    assert list(task.audit(row, records)) == []
    images = list(row.images)
    swapped = dataclasses.replace(row, images=(*images[length : 2 * length], *images[:length], *images[2 * length :]))
    assert [fault.rule for fault in task.audit(swapped, records)] == ["true"]
    backwards = dataclasses.replace(row, images=(*images[:length][::-1], *images[length:]))
    assert [fault.rule for fault in task.audit(backwards, records)] == ["true"]
    twins = dataclasses.replace(row, images=(*images[:length], *images[:length], *images[2 * length :]))
    assert [fault.rule for fault in task.audit(twins, [])] == ["one answer"]


def found(task: Jigsaw) -> tuple[str, int, int]:
    name, k, aim, _ = next(iter(made_rows.made(task, 1)))
    return name, k, aim


def test_audit_finds_a_foreign_picture_and_another_stretch() -> None:
    task = Jigsaw(Jigsaw.levels["easy"])
    name, k, aim = found(task)
    row, records = made_rows.row(task, "easy", made_rows.example(task, name, k, aim)), made_rows.records(name, task)
    noise = np.random.default_rng(0).integers(0, 256, row.images[5].shape, dtype=np.uint8)
    foreign = dataclasses.replace(row, images=(*row.images[:5], noise, *row.images[6:]))
    assert [fault.rule for fault in task.audit(foreign, records)] == ["true"]
    make = dict(row.meta["make"])
    for stretches in ([s[::-1] for s in make["stretches"]], [[9999] * 4] * 3, make["stretches"][::-1]):
        moved = dataclasses.replace(row, meta={**row.meta, "make": {**make, "stretches": stretches}})
        assert [fault.rule for fault in task.audit(moved, records)] == ["true"]


def test_a_row_has_no_more_pictures_than_fit() -> None:
    with pytest.raises(ValueError, match=r"^frames is 9: with 8 segments it must lie in 4..8"):
        JigsawParams(8, 9)
