"""Which frames of a clip are shown, and at what size: evenly spaced, inside one shot where a cut would mislead."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from ssrl_data.core import Pixels, Record, Skip
from ssrl_data.media.clip import Clip, Reel
from ssrl_data.media.image import MARGIN, Box
from ssrl_data.rng import Rng

BLOCK = 8
"""Sides of frames are whole blocks of the encoder."""

SHORTEST = 64
"""Least short side of a frame in pixels: below it people cannot tell what a frame shows."""

_CUT = 12.0  # grey levels on thumbnails that two frames at a cut differ by at least
_SUDDEN = 3.0  # times the median difference of the neighbours, or ...
_ALIKE = 0.3  # ... a correlation below this
_AROUND = 4  # neighbours on either side
_UNEVEN = 0.25  # share of a step by which one of them may differ from the usual one


@dataclass(frozen=True)
class Window:
    """Frames of a clip that are shown.

    Attributes:
        clip: the clip.
        indices: their numbers in the clip's reel, rising.
        box: what is shown of each, in pixels of the reel's frames.
        size: width and height at which they are shown.
    """

    clip: Clip
    indices: tuple[int, ...]
    box: Box
    size: tuple[int, int]

    @property
    def times(self) -> list[float]:
        """Of each frame, in seconds, as prompts state them."""
        return [round(self.clip.reel.times[index], 2) for index in self.indices]

    def frame(self, number: int) -> Pixels:
        """A frame as it is shown, by its number in the window; shared, so copy it to change it."""
        return self.clip.view(self.indices[number], self.box, self.size)

    def frames(self) -> list[Pixels]:
        """All of them in order."""
        return [self.frame(number) for number in range(len(self.indices))]


@lru_cache(maxsize=1)  # rows of a clip are made one after the other
def shots(reel: Reel) -> list[range]:
    """The reel's frames from cut to cut, as ranges of their numbers.

    A cut is a large difference on thumbnails that is far above those around it, or between frames that do not
    correlate. Of 250 frames of street traffic it finds the 5 cuts and nothing else, none in five clips without.
    """
    seen = reel.thumbnails
    count = len(seen)
    steps = np.abs(np.diff(seen, axis=0)).mean((1, 2, 3))
    cuts = []
    for k in np.flatnonzero(steps >= _CUT).tolist():
        around = [float(steps[j]) for j in range(max(0, k - _AROUND), min(count - 1, k + _AROUND + 1)) if j != k]
        if not around or steps[k] >= _SUDDEN * float(np.median(around)) or _correlation(seen, k) < _ALIKE:
            cuts.append(k + 1)
    return [range(low, high) for low, high in zip([0, *cuts], [*cuts, count], strict=True)]


def window(
    record: Record,
    count: int,
    step: tuple[float, float],
    pixels: int,
    rng: Rng,
    *,
    one_shot: bool = True,
    square: bool = False,
) -> Window:
    """A random window of a record's clip.

    Args:
        record: carries the clip.
        count: frames shown.
        step: least and most seconds between neighbouring frames; a whole number of the reel's steps is drawn so that
            short and long ones are as likely, then where the window starts.
        pixels: most pixels of a frame; it has fewer where the clip has.
        rng: draws the shot (by the number of windows in it), the step, the start.
        one_shot: whether no cut may lie inside.
        square: whether the middle square of the frames is shown, or all of them.

    Raises:
        Skip: `clip too small`, `clip too short`, `frames too far apart` (final); or, as another shot may do,
            `uneven frames`.
        Reject: the clip cannot be decoded.
    """
    if record.clip is None:
        raise Skip("no clip", final=True)
    reel = record.clip.reel
    box, size = framing(reel, pixels, square)
    usual = float(np.median(np.diff(reel.times))) if len(reel.times) > 1 else 0.0
    if not usual:
        raise Skip("clip too short", final=True)
    if usual > step[1] * (1 + _UNEVEN):
        raise Skip("frames too far apart", final=True)
    low, high = max(1, math.ceil(step[0] / usual - _UNEVEN)), max(1, math.floor(step[1] / usual + _UNEVEN))
    spans = shots(reel) if one_shot else [range(len(reel.times))]
    rooms = [max(0, len(span) - low * (count - 1)) for span in spans]
    if not sum(rooms):
        raise Skip("clip too short", final=True)
    at = rng.below(sum(rooms))
    span = next(s for s, upto in zip(spans, np.cumsum(rooms).tolist(), strict=True) if at < upto)
    high = min(high, (len(span) - 1) // (count - 1)) if count > 1 else low
    stride = min(high, int(math.exp(rng.uniform(math.log(low), math.log(high + 1)))))
    start = span.start + rng.below(len(span) - stride * (count - 1))
    indices = tuple(range(start, start + stride * count, stride))
    if not _even([reel.times[index] for index in indices], stride * usual):
        raise Skip("uneven frames")
    return Window(record.clip, indices, box, size)


def framing(reel: Reel, pixels: int, square: bool = False) -> tuple[Box, tuple[int, int]]:
    """What is shown of a frame, and how large.

    Args:
        reel: of the clip.
        pixels: most pixels of a frame.
        square: whether the middle square is shown, or all but what whole blocks cut off.

    Returns:
        x0, y0, x1, y1 in pixels of the reel's frames, and width and height, whole blocks each. The box is at least
        `MARGIN` times the size, so that the codec's blocks do not survive.

    Raises:
        Skip: the clip is too small.
    """
    height, width = reel.frames.shape[1:3]
    across = down = min(width, height)
    if not square:
        across, down = width, height
    scale = min(1 / MARGIN, math.sqrt(pixels / (across * down)))
    w, h = (max(BLOCK, int(side * scale) // BLOCK * BLOCK) for side in (across, down))
    if min(w, h) < SHORTEST:
        raise Skip("clip too small", final=True)
    # Whole blocks change the frame's shape a little: what sticks out is cut off, nothing is squeezed.
    fit = min(across / w, down / h)
    across, down = min(across, round(w * fit)), min(down, round(h * fit))
    x, y = (width - across) // 2, (height - down) // 2
    return (x, y, x + across, y + down), (w, h)


def numbered(times: Sequence[float], frames: Sequence[Pixels], first: int = 1) -> list[str | Pixels]:
    """Frames of a prompt, each after its number and its time: `Picture 3, 1.20 s:`."""
    out: list[str | Pixels] = []
    for number, (time, frame) in enumerate(zip(times, frames, strict=True), first):
        out += [f"{'' if number == first else chr(10)}Picture {number}, {time:.2f} s: ", frame]
    return out


def _even(times: Sequence[float], step: float) -> bool:
    return all(abs(b - a - step) <= _UNEVEN * step for a, b in pairwise(times))


def _correlation(seen: np.ndarray, k: int) -> float:
    one, other = (frame.mean(2).ravel() - frame.mean() for frame in (seen[k], seen[k + 1]))
    size = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / size if size else 1.0
