"""Changes that show and changes that do not, on frames drawn for it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from ssrl_data.core import Pixels, Skip
from ssrl_data.gates.change import BREAKS, Change, unlike
from ssrl_data.media import altered
from ssrl_data.rng import Rng

STRETCH = range(4, 8)


def picture(seed: int, side: int = 96) -> Pixels:
    """Smooth colours, more red than blue, with some grain."""
    draw = np.random.default_rng(seed)
    coarse = cv2.resize(draw.integers(0, 256, (7, 7, 3), dtype=np.uint8), (side, side), interpolation=cv2.INTER_CUBIC)
    grain = draw.normal(0, 14, (side, side, 3))
    return np.clip((coarse + grain) * (1, 0.8, 0.4), 0, 255).astype(np.uint8)


def panned(step: int, count: int = 12) -> list[Pixels]:
    """A camera that moves over a wide picture, so many pixels a frame."""
    wide = cv2.resize(picture(1), (96 + step * count, 96), interpolation=cv2.INTER_CUBIC)
    return [np.ascontiguousarray(wide[:, step * i : step * i + 96]).astype(np.uint8) for i in range(count)]


def still(frame: Pixels, count: int = 12) -> list[Pixels]:
    return [frame] * count


def with_stretch(frames: list[Pixels], alter: Callable[[Pixels], Pixels], stretch: range = STRETCH) -> Change:
    return Change(frames, [alter(f) if i in stretch else f for i, f in enumerate(frames)], stretch)


def grey(frame: Pixels) -> Pixels:
    return altered.greyscale(frame)


def noisy(frame: Pixels) -> Pixels:
    return altered.noisy(frame, 40.0, Rng("noise"))


@pytest.mark.parametrize(
    ("measure", "alter"),
    [
        ("place", altered.mirrored),
        ("place", altered.halves_swapped),
        ("colour", grey),
        ("colour", altered.inverted),
        ("colour", altered.channels_swapped),
        ("detail", lambda frame: altered.blurred(frame, 2.0)),
        ("grain", noisy),
    ],
)
@pytest.mark.parametrize("frames", [still(picture(0)), panned(2)], ids=["still", "panned"])
def test_what_shows_passes(measure: str, alter: Callable[[Pixels], Pixels], frames: list[Pixels]) -> None:
    seen = with_stretch(frames, alter)
    seen.stands_out(measure)
    seen.all_altered()


def test_a_symmetric_frame_does_not_show_that_it_is_mirrored() -> None:
    half = picture(0)[:, :48]
    seen = with_stretch(still(np.hstack([half, half[:, ::-1]])), altered.mirrored)
    with pytest.raises(Skip, match="does not show"):
        seen.stands_out("place")
    with pytest.raises(Skip, match="looks untouched"):
        seen.all_altered()


@pytest.mark.parametrize("alter", [grey, altered.channels_swapped, lambda frame: altered.saturated(frame, 2.2)])
def test_a_grey_clip_shows_no_change_of_colour(alter: Callable[[Pixels], Pixels]) -> None:
    nearly = (0.95 * altered.greyscale(picture(0)) + 0.05 * picture(0)).astype(np.uint8)
    for frames in (still(altered.greyscale(picture(0))), still(nearly)):
        with pytest.raises(Skip, match="does not show"):
            with_stretch(frames, alter).stands_out("colour")


def test_what_is_out_of_focus_shows_no_blur() -> None:
    soft = altered.blurred(picture(0), 3.0)
    with pytest.raises(Skip, match="does not show"):
        with_stretch(still(soft), lambda frame: altered.blurred(frame, 2.0)).stands_out("detail")


def test_a_jump_of_the_clips_own_is_no_second_end() -> None:
    frames = [picture(0)] * 9 + [picture(5)] * 3
    with pytest.raises(Skip, match="as much by itself"):
        with_stretch(frames, altered.mirrored).stands_out("place")
    # The same jump where the stretch ends would show the end even if nothing were altered there.
    with pytest.raises(Skip, match="as much by itself"):
        with_stretch(frames, altered.mirrored, range(5, 9)).stands_out("place")
    # Of the kinds of colours a cut between two pictures of the same ones tells nothing.
    frames = [picture(0)] * 9 + [np.ascontiguousarray(picture(0)[::-1])] * 3
    with_stretch(frames, grey).stands_out("colour")


def test_a_fast_camera_hides_where_a_mirrored_stretch_ends() -> None:
    with pytest.raises(Skip, match="as much by itself"):
        with_stretch(panned(40), altered.mirrored).stands_out("place")


def test_frames_that_stand_still_are_found() -> None:
    Change(panned(3), panned(3), STRETCH).all_moving()
    paused = panned(3)
    paused[9] = paused[8]
    with pytest.raises(Skip, match="stands still"):
        Change(paused, paused, STRETCH).all_moving()


def test_part_and_rest_must_both_move() -> None:
    whole = panned(3)
    frames = [np.hstack([whole[0][:, :48], frame[:, 48:]]) for frame in whole]
    for part in ((0, 0, 48, 96), (48, 0, 96, 96)):
        with pytest.raises(Skip, match="stands still"):
            Change(frames, frames, STRETCH).all_moving(part)
    Change(whole, whole, STRETCH).all_moving((0, 0, 48, 96))


def test_a_wrong_order_must_break_the_motion() -> None:
    frames = panned(4)
    back = list(frames)
    back[4:8] = frames[4:8][::-1]
    Change(frames, back, STRETCH).stands_out("place", BREAKS, inner=False)
    with pytest.raises(Skip, match="does not show"):
        Change(still(frames[0]), still(frames[0]), STRETCH).stands_out("place", BREAKS, inner=False)
    noise = [picture(seed) for seed in range(12)]  # every frame as far from every other
    back = noise[:4] + noise[4:8][::-1] + noise[8:]
    with pytest.raises(Skip, match="as much by itself"):
        Change(noise, back, STRETCH).stands_out("place", BREAKS, inner=False)


def test_one_frame_that_looks_untouched_is_found() -> None:
    frames = still(picture(0))
    shown = [altered.mirrored(frame) if i in (4, 5, 7) else frame for i, frame in enumerate(frames)]
    with pytest.raises(Skip, match="looks untouched"):
        Change(frames, shown, STRETCH).all_altered()


def test_two_kinds_that_come_to_the_same_are_found() -> None:
    half = picture(0)[:48]
    both = np.vstack([half, half[::-1]])  # top and bottom alike: turned by 180 degrees or mirrored
    with pytest.raises(Skip, match="look the same"):
        unlike(altered.mirrored(both), altered.turned(both, 2))
    unlike(altered.mirrored(picture(0)), altered.turned(picture(0), 2))


def test_a_shift_that_is_too_small_to_see_is_found() -> None:
    for step, part in ((3, None), (4, (0, 0, 48, 96))):
        frames = panned(step)
        Change(frames, [frames[3] if i in STRETCH else f for i, f in enumerate(frames)], STRETCH).displaced(part)
    frames = panned(1)
    one = [frames[i - 1] if i in STRETCH else f for i, f in enumerate(frames)]
    with pytest.raises(Skip, match="too small"):
        Change(frames, one, STRETCH).displaced()


def test_black_and_plain_frames_are_found() -> None:
    Change(panned(2), panned(2), STRETCH).has_content()
    grain = np.random.default_rng(0).normal(120, 20, (96, 96, 3)).clip(0, 255).astype(np.uint8)
    for plain in (np.zeros((96, 96, 3), np.uint8), np.full((96, 96, 3), 200, np.uint8), grain):
        frames = [*panned(2)[:11], plain]
        with pytest.raises(Skip, match="plain"):
            Change(frames, frames, STRETCH).has_content()
