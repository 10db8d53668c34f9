"""Ways to alter a stretch of a clip's frames: the fifteen of VideoSSR (CVPR 2026), and three more.

What is drawn is drawn once for the stretch. No way changes the size of a frame, and every way changes every frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

from ssrl_data.core import Json, Pixels, Record, Skip
from ssrl_data.gates.sampling import BLOCK, Window, window
from ssrl_data.media import altered
from ssrl_data.media.clip import Clip
from ssrl_data.media.image import MARGIN, Box
from ssrl_data.rng import Rng

ORDERS = ("shuffled", "stutter", "reversed")
"""Kinds that show the clip's own frames in other places."""

MOVING = (*ORDERS, "part frozen")
"""Kinds that only a clip can take in which something moves."""

EVEN = ("stutter", "reversed")
"""Kinds that need an even number of frames: whole groups, and no frame in the middle that stays in its place."""

QUARTER = ("turned by 90", "turned by 270")
"""Kinds that only square frames can take."""

PLAIN: dict[str, Callable[[Pixels], Pixels]] = {
    "greyscale": altered.greyscale,
    "inverted": altered.inverted,
    "channels swapped": altered.channels_swapped,
    "turned by 90": partial(altered.turned, quarters=1),
    "turned by 180": partial(altered.turned, quarters=2),
    "turned by 270": partial(altered.turned, quarters=3),
    "mirrored": altered.mirrored,
    "halves swapped": altered.halves_swapped,
}
"""Kinds that alter each frame by itself and draw nothing."""

STRENGTHS = {"noise": (35.0, 60.0), "blurred": (2.0, 3.0), "saturated": (2.2, 3.0)}
"""Standard deviation in grey levels (VideoSSR: 35 to 70, for each frame anew) and in pixels (2, on frames several times
as large), and how many times as far from grey colours go (2)."""

ZOOM = 1.3, 1.6
"""How far to zoom, in and out. VideoSSR: 1.2 to 1.5, for each frame anew."""

HELD = range(2, 6)
"""Frames that a stutter holds."""


def alter(
    kind: str, view: Window, stretch: range, donors: Sequence[Record], step: tuple[float, float], rng: Rng
) -> tuple[list[Pixels], dict[str, Json]]:
    """Alter a stretch of the frames shown of a clip.

    Args:
        kind: one of `MOVING`, `PLAIN`, `STRENGTHS`, `swapped`, `zoom in`, `zoom out`.
        view: what is shown of the clip.
        stretch: numbers of the frames to alter, in the view; the first is no less than 1.
        donors: the clip whose frames are shown instead, where the kind is `swapped`.
        step: least and most seconds between two frames of the donor.
        rng: draws the strength, order, place.

    Returns:
        All frames, of which those outside the stretch are the view's own, and what was drawn.

    Raises:
        Skip: `no other clip`, or `other clip does not fit`.
    """
    frames = view.frames()
    note: dict[str, Json] = {}
    if kind in ORDERS:
        order, note = _order(kind, stretch, rng)
        changed = [frames[source] for source in order]
    elif kind == "part frozen":
        x0, y0, x1, y1 = part = _part(view.size, rng)
        note["part"] = list(part)
        changed = [frames[number].copy() for number in stretch]
        for frame in changed:
            frame[y0:y1, x0:x1] = frames[stretch.start - 1][y0:y1, x0:x1]
    elif kind == "swapped":
        clip, indices, box = _donor(donors, view.size, len(stretch), step, rng)
        note["donor"] = {"indices": list(indices), "box": list(box)}
        changed = [clip.view(index, box, view.size) for index in indices]
    elif kind == "zoom in":
        box = _middle(view.box, rng.uniform(*ZOOM))
        note["zoomed"] = list(box)
        changed = [view.clip.view(view.indices[number], box, view.size) for number in stretch]
    elif kind == "zoom out":
        factor = rng.uniform(*ZOOM)
        small = (round(view.size[0] / factor), round(view.size[1] / factor))
        note["shrunk"] = list(small)
        shrunk = (view.clip.view(view.indices[number], view.box, small) for number in stretch)
        changed = [altered.bordered(frame, view.size) for frame in shrunk]
    elif kind in PLAIN:
        changed = [PLAIN[kind](frames[number]) for number in stretch]
    else:
        strength = note["strength"] = round(rng.uniform(*STRENGTHS[kind]), 2)
        if kind == "noise":
            changed = [altered.noisy(frames[number], strength, rng) for number in stretch]
        else:
            way = altered.blurred if kind == "blurred" else altered.saturated
            changed = [way(frames[number], strength) for number in stretch]
    return [*frames[: stretch.start], *changed, *frames[stretch.stop :]], note


def _order(kind: str, stretch: range, rng: Rng) -> tuple[list[int], dict[str, Json]]:
    """The frame shown at each place of the stretch; never the one that belongs there."""
    count = len(stretch)
    if kind == "reversed":
        return list(stretch[::-1]), {}
    if kind == "stutter":
        hold = rng.choice([n for n in HELD if count % n == 0])
        return [number - 1 - (number - stretch.start) % hold for number in stretch], {"hold": hold}
    order = list(range(count))
    while not _disordered(order):
        order = rng.shuffled(order)
    return [stretch.start + source for source in order], {"order": order}


def _disordered(order: Sequence[int]) -> bool:
    """Whether no frame is in its place, the first and the last are far from it, and the frames do not run on."""
    away = [abs(source - number) for number, source in enumerate(order)]
    jumps = sum(abs(b - a) > 1 for a, b in pairwise(order))
    return min(away) >= 1 and min(away[0], away[-1]) >= 2 and jumps >= len(order) // 3


def _part(size: tuple[int, int], rng: Rng) -> Box:
    """A rectangle half as wide and half as high as a frame, in whole blocks, anywhere."""
    across, down = (side // (2 * BLOCK) * BLOCK for side in size)
    x, y = (BLOCK * rng.below((side - part) // BLOCK + 1) for side, part in zip(size, (across, down), strict=True))
    return x, y, x + across, y + down


def _middle(box: Box, factor: float) -> Box:
    """The middle of a box, so many times smaller."""
    x0, y0, x1, y1 = box
    across, down = round((x1 - x0) / factor), round((y1 - y0) / factor)
    x, y = (x0 + x1 - across) // 2, (y0 + y1 - down) // 2
    return x, y, x + across, y + down


def _donor(
    donors: Sequence[Record], size: tuple[int, int], count: int, step: tuple[float, float], rng: Rng
) -> tuple[Clip, tuple[int, ...], Box]:
    """Frames of another clip, and what of them is shown: the most that has the shape of `size`.

    Raises:
        Skip: there is no other clip, or it is too small or too short.
    """
    if not donors:
        raise Skip("no other clip")
    try:
        other = window(donors[0], count, step, size[0] * size[1], rng)
    except Skip as skip:  # never final: the next variant has another one
        raise Skip("other clip does not fit") from skip
    height, width = other.clip.reel.frames.shape[1:3]
    scale = min(width / size[0], height / size[1])
    if scale < MARGIN:
        raise Skip("other clip does not fit")
    across, down = (int(side * scale) for side in size)
    x, y = (width - across) // 2, (height - down) // 2
    return other.clip, other.indices, (x, y, x + across, y + down)
