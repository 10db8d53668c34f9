"""Camera move: what the sense of a move is, and that no camera's look tells it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator

import made_rows
import numpy as np
import pytest
import rendered

from ssrl_data.core import Example, Pixels, Record, Skip
from ssrl_data.media.camera import Pair
from ssrl_data.media.image import Picture, encode
from ssrl_data.rng import Rng
from ssrl_tasks.depth.camera_move import CameraMove, CameraMoveParams

EYE, SIDEWAYS, ANY = (CameraMove(CameraMove.levels[level]) for level in ("easy", "medium", "hard"))


def near_and_far(shift: int, border: int = 0) -> tuple[Pixels, Pixels]:
    """A wall behind a poster; from the first view to the second both shift right, the poster by twice as much."""

    def textured(name: str) -> Pixels:
        picture = made_rows.record(name).image
        assert picture is not None
        return picture.view((0, 0, *picture.size), (480, 480))

    wall, poster = textured("astronaut.png"), textured("coffee.png")[::2, ::2]
    views = []
    for times in (0, 1):
        view = np.roll(wall, times * shift, axis=1)
        at = 120 + 2 * times * shift
        view[120:360, at : at + 240] = poster
        view[:, :border] = 0
        views.append(view)
    return views[0], views[1]


def pair(first: Pixels, second: Pixels, move: tuple[float, float, float] = (1, 0, 0)) -> Record:
    return Record("p", "p", "0" * 32, image=Picture(encode(first)), pair=Pair(Picture(encode(second)), move))


def tries(task: CameraMove, record: Record, aim: int, count: int = 20) -> Iterator[Example | Skip]:
    for k in range(count):
        try:
            yield next(task.make([record], Rng(k), aim))
        except Skip as skip:
            yield skip


def shown(one: Example) -> tuple[Pixels, Pixels]:
    first, second = (part for part in one.prompt if not isinstance(part, str))
    return first, second


def left_edge_of(channel: int, pixels: Pixels) -> float:
    """Where the pixels of one pure colour begin."""
    others = [c for c in range(3) if c != channel]
    columns = ((pixels[..., channel] > 150) & (pixels[..., others].max(2) < 100)).mean(0) > 0.1
    return float(np.flatnonzero(columns)[0])


def test_the_left_eye_sees_what_is_near_further_right() -> None:
    first, second = near_and_far(-16)
    for view, at in ((first, 200), (second, 168)):
        view[140:340, at : at + 80] = (0, 220, 0)  # on the poster, in either view
    answers = set()
    for aim in (0, 1):
        for one in tries(EYE, pair(first, second), aim):
            if isinstance(one, Example):
                edges = [left_edge_of(1, view) for view in shown(one)]
                assert one.answer.value["answer"] == str(1 + int(np.argmax(edges)))
                assert f"the left eye saw picture {one.answer.value['answer']}" in one.solution
                answers.add(one.answer.value["answer"])
    assert answers == {"1", "2"}


@pytest.mark.parametrize("number", range(6))
def test_a_corpus_that_declares_the_opposite_move_makes_no_row(number: int) -> None:
    record = rendered.record(number)
    assert record.pair is not None
    x, y, z = record.pair.move
    wrong = dataclasses.replace(record, pair=Pair(record.pair.image, (-x, -y, -z)))
    axis = int(np.abs(record.pair.move).argmax())
    for aim in (2 * axis, 2 * axis + 1):
        assert any(isinstance(one, Example) for one in tries(ANY, record, aim))
        assert not any(isinstance(one, Example) for one in tries(ANY, wrong, aim))


def test_a_corpus_that_declares_another_axis_makes_no_row() -> None:
    record = rendered.record(0)
    assert record.pair is not None
    for move in ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)):
        wrong = dataclasses.replace(record, pair=Pair(record.pair.image, move))
        for aim in range(2, 6):
            assert not any(isinstance(one, Example) for one in tries(ANY, wrong, aim))


def test_which_moves_can_be_asked() -> None:
    views = near_and_far(-16)
    for move, reason, final in (
        ((1.0, 0.5, 0.0), "move along no axis", True),
        ((0.0, 0.0, 0.0), "move along no axis", True),
        ((0.0, 1.0, 0.0), "not moved sideways", True),
    ):
        with pytest.raises(Skip, match=reason) as caught:
            next(SIDEWAYS.make([pair(*views, move)], Rng(0), 0))
        assert caught.value.final is final
    with pytest.raises(Skip, match="moved along another axis") as caught:
        next(ANY.make([pair(*views)], Rng(0), 4))
    assert not caught.value.final


def test_what_rectifying_left_empty_is_not_shown() -> None:
    reasons = {str(one) for one in tries(EYE, pair(*near_and_far(-16, border=200)), 0) if isinstance(one, Skip)}
    assert "black border" in reasons


def test_what_tells_the_cameras_apart_tells_nothing_of_the_answer() -> None:
    """The second camera sees red: its picture is the left eye's as often as the right eye's."""
    first, second = near_and_far(-16)
    second = np.minimum(second + np.array([60, 0, 0]), 255).astype(np.uint8)
    record, seen = pair(first, second), Counter[bool]()
    for aim in (0, 1):
        for one in tries(EYE, record, aim, 100):
            if isinstance(one, Example):
                reds = [float((view[..., 0] - view[..., 1].astype(float)).mean()) for view in shown(one)]
                seen[one.answer.value["answer"] == str(1 + int(np.argmax(reds)))] += 1
    assert seen.total() > 60
    # Four standard deviations of a fair coin.
    assert abs(seen[True] / seen.total() - 0.5) < 2 / seen.total() ** 0.5


@pytest.mark.parametrize("level", list(CameraMove.levels))
def test_the_pictures_alone_betray_a_wrong_answer_and_pictures_in_the_wrong_order(level: str) -> None:
    task = CameraMove(CameraMove.levels[level])
    for _, _, _, one in made_rows.made(task, 6):
        row = made_rows.row(task, level, one)
        assert list(task.audit(row, [])) == []
        turned = dataclasses.replace(row, images=row.images[::-1])
        assert [fault.rule for fault in task.audit(turned, [])] == ["true"]
        for option in row.answer.value["options"]:
            if option != row.answer.value["answer"]:
                answer = dataclasses.replace(row.answer, value=row.answer.value | {"answer": option})
                assert [fault.rule for fault in task.audit(dataclasses.replace(row, answer=answer), [])] == ["true"]


def test_a_row_whose_corpus_now_declares_another_move_is_found() -> None:
    name, _, _, one = next(iter(made_rows.made(SIDEWAYS, 1)))
    row, record = made_rows.row(SIDEWAYS, "medium", one), made_rows.record(name)
    assert record.pair is not None
    for move in ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)):
        other = dataclasses.replace(record, pair=Pair(record.pair.image, move))
        assert [fault.rule for fault in SIDEWAYS.audit(row, [other])] == ["true"]


def test_two_pictures_of_a_flat_wall_give_no_answer() -> None:
    name, _, _, one = next(iter(made_rows.made(EYE, 1)))
    row = made_rows.row(EYE, "easy", one)
    flat = np.full_like(row.images[0], 90)
    assert [fault.rule for fault in EYE.audit(dataclasses.replace(row, images=(flat, flat)), [])] == ["one answer"]
    assert list(EYE.audit(dataclasses.replace(row, images=(flat, flat)), [made_rows.record(name)]))


def test_shift_out_of_range_is_refused() -> None:
    for shift in (0.0, 0.2, float("nan")):
        with pytest.raises(ValueError, match=r"^shift is "):
            CameraMoveParams(shift=shift)
