"""Anomaly: times, equal gates for untouched clips, no trace of the encoder, and what the audit must catch."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from functools import cache

import cv2
import made_rows
import numpy as np
import pytest
from scipy.stats import chisquare

from ssrl_data.answers.interval import best_constant
from ssrl_data.core import Example, Pixels, Row, Skip
from ssrl_data.gates.alteration import PLAIN
from ssrl_data.media.image import encode
from ssrl_data.registry import answer_kind
from ssrl_data.rng import Rng
from ssrl_tasks.video.anomaly import KINDS, Anomaly, AnomalyParams, _chance, _support

SMALL = {"frames": 12, "pixels": 9216, "stretch": (4, 6)}


@cache
def of_kind(kind: str, form: str = "when") -> tuple[Anomaly, str, Example]:
    """A row in which the clip is altered in that way, on the first clip that carries it."""
    other = next(name for name in KINDS if name != kind)
    task = Anomaly(AnomalyParams(kinds=(kind, other), form=form, **SMALL))
    for k in range(60):
        name = ("clip 2", "clip 1", "clip 3")[k % 3]
        try:
            one = made_rows.example(task, name, k, 0)
        except Skip:
            continue
        if one.meta["kind"] == kind:
            return task, name, one
    pytest.fail(f"no clip carries {kind}")


def pictures(one: Example) -> list[Pixels]:
    return [part for part in one.prompt if not isinstance(part, str)]


def text(one: Example) -> str:
    return "".join(part for part in one.prompt if isinstance(part, str))


def as_row(task: Anomaly, one: Example) -> Row:
    return made_rows.row(task, "any", one)


@pytest.mark.parametrize("kind", KINDS)
def test_the_frames_that_differ_from_the_clip_are_those_of_the_stated_times(kind: str) -> None:
    task, name, one = of_kind(kind)
    clip = made_rows.record(name).clip
    assert clip is not None
    own = [clip.view(index, tuple(one.meta["box"]), tuple(one.meta["size"])) for index in one.meta["indices"]]
    changed = [i for i, (a, b) in enumerate(zip(own, pictures(one), strict=True)) if (a != b).any()]
    first, end = one.meta["stretch"]
    assert changed == list(range(first, end))
    assert 1 <= first < end <= task.params.frames - 1
    printed = re.findall(r"Picture \d+, (\d+\.\d\d) s: ", text(one))
    assert one.answer.value["answer"] == [float(printed[first]), float(printed[end])]
    assert float(printed[end]) == round(clip.reel.times[one.meta["indices"][end]], 2)


@pytest.mark.parametrize("kind", KINDS)
def test_audit_knows_the_kind_from_the_pixels(kind: str) -> None:
    task, name, one = of_kind(kind)
    row = as_row(task, one)
    records = [*made_rows.records(name, task), made_rows.record("clip 4")][:2]
    assert list(task.audit(row, records)) == []
    known = {"hold": 2, "order": list(range(20)), "part": [0, 0, 8, 8], "strength": 40.0, "zoomed": one.meta["box"]}
    known |= {"shrunk": one.meta["size"], "donor": {"indices": one.meta["indices"], "box": one.meta["box"]}}
    for other in KINDS:
        if other != kind:
            make = known | row.meta["make"] | {"kind": other}
            wrong = dataclasses.replace(row, meta=row.meta | {"make": make})
            assert any(other in fault.message for fault in task.audit(wrong, records)), other


@pytest.mark.parametrize("kind", KINDS)
def test_all_frames_of_a_row_are_encoded_alike(kind: str) -> None:
    """Same quantisation tables, same sampling, same headers: all that comes before the coded pixels."""
    _, _, one = of_kind(kind)
    files = [encode(frame) for frame in pictures(one)]
    heads = {data[: data.index(b"\xff\xda")] for data in files}
    assert len(heads) == 1
    assert b"\xff\xdb" in heads.pop()


KEPT = [name for name in PLAIN if name != "halves swapped"] + ["shuffled", "stutter", "reversed"]


@pytest.mark.parametrize("kind", KEPT)
def test_no_frame_was_encoded_before(kind: str) -> None:
    """The grid of 8 pixels that an encoder leaves is no stronger in altered frames than in untouched ones.

    Asked of the kinds that make no edges and no texture of their own.
    """
    _, _, one = of_kind(kind)
    first, end = one.meta["stretch"]
    shown = pictures(one)
    untouched = shown[:first] + shown[end:]
    usual = np.mean([grid(frame) for frame in untouched])
    assert abs(np.mean([grid(frame) for frame in shown[first:end]]) - usual) < 0.06
    twice = [cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], 1) for frame in untouched]
    assert np.mean([grid(frame) for frame in twice]) - usual > 0.09


def grid(frame: Pixels) -> float:
    """How much steeper, as a logarithm, steps are between blocks of 8 pixels than within."""
    steps = np.log(np.abs(np.diff(frame.astype(np.float32), axis=1)).mean((0, 2)) + 1)
    phases = np.array([steps[phase::8].mean() for phase in range(8)])
    return float(phases[7] - np.delete(phases, 7).mean())


def test_stretches_are_uniform() -> None:
    params = AnomalyParams(frames=8, pixels=4096, kinds=("inverted", "zoom out"), stretch=(2, 4))
    task, count = Anomaly(params), Counter()
    for k in range(480):
        (one,) = task.make([made_rows.record("clip 2")], Rng("stretches", k), 0)
        count[tuple(one.meta["stretch"])] += 1
    assert set(count) == set(_support(params))
    assert chisquare([count[place] for place in _support(params)]).pvalue > 1e-4


@pytest.mark.parametrize("level", ["easy", "maybe", "hard"])
def test_chance_is_that_of_any_clock(level: str) -> None:
    """Overlap does not change with the step and the start of a window, so one number holds for all of a level."""
    params = Anomaly.levels[level]
    times = [3.7 + 0.35 * number for number in range(params.frames)]
    truths: list[tuple[float, float] | None] = [(times[a], times[b]) for a, b in _support(params)]
    share = round(1 / params.untouched) if params.untouched else 1
    if share > 1:
        truths = truths * (share - 1) + [None] * len(truths)
    assert best_constant(truths) == pytest.approx(_chance(params))
    assert Anomaly(params).chance() == _chance(params)[1]


def test_the_length_tells_nothing_of_the_kind() -> None:
    """Where a kind needs an even number of frames, there are no others."""
    even = AnomalyParams(frames=16, kinds=("mirrored", "reversed"), stretch=(3, 8))
    assert {end - first for first, end in _support(even)} == {4, 6, 8}
    free = AnomalyParams(frames=16, kinds=("mirrored", "blurred"), stretch=(3, 8))
    assert {end - first for first, end in _support(free)} == {3, 4, 5, 6, 7, 8}
    for first, end in _support(free):
        assert 1 <= first < end <= 15


def test_an_untouched_clip_passed_the_gates_of_an_altered_one() -> None:
    """So the clip, its window and its wording tell nothing; both come out of the same draws."""
    task = Anomaly(AnomalyParams(kinds=("greyscale", "mirrored"), untouched=1 / 4, **SMALL))
    same = 0
    for k in range(40):
        name = ("clip 2", "bikes.mp4", "carphone_pristine.mp4")[k % 3]
        made: list[Example | str] = []
        for aim in (0, 1):
            try:
                made.append(made_rows.example(task, name, k, aim))
            except Skip as skip:
                made.append(skip.reason)
        none, other = made
        if isinstance(none, str) or isinstance(other, str):
            continue  # another stretch, so a gate may say otherwise
        same += 1
        assert none.answer.value["answer"] is None
        assert other.answer.value["answer"] is not None
        assert text(none) == text(other)
        assert (none.meta["kind"], none.meta["stretch"]) == (None, None)
        first, end = other.meta["stretch"]
        for i, (a, b) in enumerate(zip(pictures(none), pictures(other), strict=True)):
            assert (a == b).all() == (not first <= i < end)
        asked = answer_kind("interval").ask(none.answer.value)
        assert asked == answer_kind("interval").ask(other.answer.value)
        assert "or none" in asked
    assert same >= 10


def test_what_cannot_be_altered_visibly_is_skipped_for_an_untouched_row_too() -> None:
    """Traffic in grey: nobody sees it turn grey, so neither answer is asked for there."""
    task = Anomaly(AnomalyParams(kinds=("greyscale", "saturated"), untouched=1 / 4, **SMALL))
    reasons = Counter()
    for k in range(20):
        try:
            made_rows.example(task, "bikes.mp4", k, 0)
            reasons["made"] += 1
        except Skip as skip:
            reasons[skip.reason] += 1
    assert reasons["change does not show"] >= 6


def test_forms_say_what_they_may() -> None:
    when, named, kind = (text(of_kind("mirrored", form)[2]) for form in ("when", "named", "kind"))
    assert KINDS["mirrored"] not in when
    assert KINDS["mirrored"] in named
    task, _, one = of_kind("mirrored", "kind")
    assert all(f"\n- {name}: the frames are {KINDS[name]}" in kind for name in task.params.kinds)
    assert one.answer.value["answer"] == "mirrored"
    assert one.answer.chance == 1 / 2


def test_times_are_the_files_own() -> None:
    """VideoSSR divides a frame's number by a rate taken over all of the clip, which is up to a quarter off."""
    _, name, one = of_kind("mirrored")
    clip = made_rows.record(name).clip
    assert clip is not None
    printed = [float(t) for t in re.findall(r"Picture \d+, (\d+\.\d\d) s: ", text(one))]
    assert printed == [round(clip.reel.times[index], 2) for index in one.meta["indices"]]
    assert one.answer.value["bounds"] == [printed[0], printed[-1]]


def audited(row: Row, name: str, task: Anomaly) -> list[str]:
    return [fault.rule for fault in task.audit(row, made_rows.records(name, task))]


def test_audit_finds_a_frame_that_was_put_back() -> None:
    task, name, one = of_kind("mirrored")
    row = as_row(task, one)
    first, end = one.meta["stretch"]
    clip = made_rows.record(name).clip
    assert clip is not None
    for number, rule in ((first, "true"), ((first + end) // 2, "one answer")):
        images = list(row.images)
        images[number] = clip.view(one.meta["indices"][number], tuple(one.meta["box"]), tuple(one.meta["size"]))
        assert rule in audited(dataclasses.replace(row, images=tuple(images)), name, task)


def test_audit_finds_a_second_stretch() -> None:
    task, name, one = of_kind("mirrored")
    row = as_row(task, one)
    first, end = one.meta["stretch"]
    away = 0 if first > 1 else end + 1
    images = list(row.images)
    images[away] = images[away][:, ::-1]
    assert audited(dataclasses.replace(row, images=tuple(images)), name, task) == ["one answer"]


def test_audit_finds_a_wrong_time_and_a_wrong_name_in_the_prompt() -> None:
    task, name, one = of_kind("mirrored", "named")
    row = as_row(task, one)
    assert audited(row, name, task) == []
    time = re.findall(r"Picture 3, (\d+\.\d\d) s", row.prompt)[0]
    later = dataclasses.replace(row, prompt=row.prompt.replace(f"3, {time}", f"3, {float(time) + 0.01:.2f}"))
    assert audited(later, name, task)
    other = dataclasses.replace(row, prompt=row.prompt.replace(KINDS["mirrored"], KINDS["blurred"]))
    assert audited(other, name, task)
    assert list(task.audit(other, []))


def test_audit_finds_an_untouched_row_that_is_not() -> None:
    task = Anomaly(dataclasses.replace(Anomaly.levels["maybe"], kinds=("mirrored", "inverted"), **SMALL))
    name, one = next((name, one) for name, _, aim, one in made_rows.made(task, 8, ("clip 2", "clip 1")) if aim)
    row = as_row(task, one)
    none = dataclasses.replace(row.answer, value=row.answer.value | {"answer": None})
    assert "true" in audited(dataclasses.replace(row, answer=none), name, task)


def test_another_clip_is_needed_to_show_one() -> None:
    task = Anomaly(AnomalyParams(kinds=("swapped", "noise"), form="kind", **SMALL))
    assert task.donors() == 1
    with pytest.raises(Skip, match="no other clip"):
        list(task.make([made_rows.record("clip 2")], Rng(0), 0))
    record = made_rows.record("clip 2")
    with pytest.raises(Skip, match=r"change does not show|clip changes as much by itself") as caught:
        list(task.make([record, record], Rng(5), 0))
    assert not caught.value.final


def test_the_published_kinds_and_frames_are_those_of_the_level() -> None:
    params = Anomaly.levels["videossr"]
    assert (params.frames, params.pixels, params.stretch, params.form) == (48, 65_536, (8, 16), "named")
    assert set(params.kinds) == {"channels swapped", "mirrored", "zoom out", "turned by 180"}
    assert set(Anomaly.levels["hard"].kinds) == set(KINDS)
    assert len(KINDS) == 18


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kinds": ("mirrored",)}, "kinds"),
        ({"kinds": ("mirrored", "mirrored")}, "kinds"),
        ({"kinds": ("turned by 90", "mirrored"), "square": False}, "kinds"),
        ({"stretch": (2, 4), "kinds": ("shuffled", "mirrored")}, "stretch"),
        ({"stretch": (6, 6), "kinds": ("noise", "mirrored")}, "stretch"),
        ({"stretch": (3, 3), "kinds": ("reversed", "mirrored")}, "stretch"),
        ({"stretch": (4, 2)}, "stretch"),
        ({"stretch": (2.0, 4.0)}, "stretch"),
        ({"step": (0.5, 0.1)}, "step"),
        ({"step": (0.0, 0.1)}, "step"),
        ({"untouched": 0.3}, "untouched"),
        ({"untouched": 1.0}, "untouched"),
        ({"untouched": 0.25, "form": "kind"}, "untouched"),
    ],
    ids=str,
)
def test_parameters_that_do_not_go_together_are_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(ValueError, match=rf"^{field} is "):
        dataclasses.replace(Anomaly.levels["easy"], **change)
