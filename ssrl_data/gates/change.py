"""Does an altered stretch of frames show, where it begins and ends, and does nothing else in the clip look like it?

Frames are compared as *sketches*, the means of 8 x 8 pixels, the encoder's blocks. On them the encoder changes nothing
that matters (99% of the blocks of nine clips by at most 1.0 grey levels, none by more than 1.7), while a moving head
changes 10 to 30.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Pixels, Skip

Features: TypeAlias = "NDArray[np.float32]"

BLOCK = 8

STANDS_OUT = 1.5
"""Where the stretch begins and ends, a measure steps at least this many times as far as anywhere else in the clip, be
it by itself or within the stretch: so the ends are found even by one who looks for the largest steps alone."""

BREAKS = 1.3
"""The same for frames in a wrong order: there a step grows with the time it jumps over, and with little else."""

LEAST = {"place": 9.0, "colour": 7.0, "detail": 1.0, "grain": 0.6}
"""Least step of each measure where the stretch begins and ends. By themselves frames of eight clips step by up to 5 in
colour (7 where a round piece enters) and 0.3 in detail. Mirrored, they step by 15 to 60 in place; nearly grey traffic
steps by 4 to 5 in colour when it turns grey, and what is out of focus by 0.8 to 1 in detail when it is blurred further.
Grain is detail that is added: 1.2 and more by noise of 35 grey levels, 0.6 where 64 pixels show a fine texture."""

MOVING = 6.0
"""Grey levels by which the 2% of a sketch that change most change, at least, from each frame to the next, where a frame
that stands still must be told from one that does not: more than a tree in a wind and its codec do (3 to 5), less than
walkers seen from afar (60)."""

SHOWN = 6.0
"""The same for an altered frame against the one it stands for."""

FINE = 7.0
"""Grey levels at full size, in the 5% of the blocks that differ most, from which a frame is altered even if its sketch
is the same (blurred, noisy): twice what the encoder does to any block."""

DISPLACED = 0.04
"""Share of the side by which the tenth of the points shift at least that shift most, between an altered frame and the
one it stands for. Less cannot be seen even where the grey levels change much, as in a fine texture. Measured over four
frames, six windows a clip: 0.008 to 0.011 for a slow pan over a town, 0.025 to 0.033 for a plant seen by a shaking hand
(its freeze takes long to see), 0.02 to 0.07 for a talking head, 0.005 to 0.06 for pieces that cross a picture, 0 where
nothing moves."""

CONTRAST = 8.0
"""Standard deviation of each frame's sketch in grey levels, at least: windows of 14 clips have 32 to 75."""

_THUMBNAIL = 96
_MOST, _ROUGH = 0.98, 0.95


@dataclass(frozen=True)
class Change:
    """Frames of a clip, a stretch of which is shown altered.

    Attributes:
        untouched: all frames as they were; sides of whole blocks.
        shown: all frames as they are shown.
        stretch: numbers of the altered frames; at least one frame lies on either side.
    """

    untouched: Sequence[Pixels]
    shown: Sequence[Pixels]
    stretch: range

    @cached_property
    def before(self) -> Features:
        """Sketches of the untouched frames: count x height / 8 x width / 8 x 3."""
        return np.stack([sketch(frame) for frame in self.untouched])

    @cached_property
    def after(self) -> Features:
        """Sketches of the shown frames."""
        out = self.before.copy()
        for number in self.stretch:
            out[number] = sketch(self.shown[number])
        return out

    def stands_out(self, measure: str, ratio: float = STANDS_OUT, inner: bool = True) -> None:
        """Check that the stretch's two ends are the largest steps in sight.

        Args:
            measure: what the alteration changes. `place`: what is where. `colour`: which colours there are, wherever
                they are. `detail`, `grain`: how fine the picture is, as the logarithm of what a small blur takes away.
            ratio: of the smaller end to the largest other step, at least.
            inner: whether steps between two altered frames count among the others.

        Raises:
            Skip: `change does not show`, or `clip changes as much by itself`.
        """
        if measure in ("detail", "grain"):
            before = np.stack([_fineness(frame) for frame in self.untouched])
            after = before.copy()
            for number in self.stretch:
                after[number] = _fineness(self.shown[number])
        else:
            before, after = (_colours(s) if measure == "colour" else s for s in (self.before, self.after))
        natural, steps = (np.abs(np.diff(f.reshape(len(f), -1), axis=0)).mean(1) for f in (before, after))
        first, end = self.stretch.start, self.stretch.stop
        ends = min(steps[first - 1], steps[end - 1])
        if ends < LEAST[measure]:
            raise Skip("change does not show")
        others = [natural, steps[first : end - 1]] if inner else [natural]
        if ends < ratio * np.concatenate(others).max():
            raise Skip("clip changes as much by itself")

    def all_altered(self) -> None:
        """Check that each frame of the stretch can be told from the one it stands for.

        Raises:
            Skip: `altered frame looks untouched`.
        """
        for number in self.stretch:
            if np.quantile(np.abs(self.before[number] - self.after[number]).mean(2), _MOST) >= SHOWN:
                continue
            difference = cv2.absdiff(self.untouched[number], self.shown[number])
            if np.quantile(sketch(np.asarray(difference, np.uint8)).mean(2), _ROUGH) < FINE:
                raise Skip("altered frame looks untouched")

    def has_content(self) -> None:
        """Check that no untouched frame is black or plain.

        Raises:
            Skip: `frame is plain`.
        """
        if self.before.std(axis=(1, 2)).max(1).min() < CONTRAST:
            raise Skip("frame is plain")

    def displaced(self, part: tuple[int, int, int, int] | None = None) -> None:
        """Check that some frame of the stretch shows things elsewhere than the one it stands for, not a hair beside.

        Args:
            part: x0, y0, x1, y1 in pixels, in which to look.

        Raises:
            Skip: `motion is too small to see`.
        """
        height, width = self.untouched[0].shape[:2]
        x0, y0, x1, y1 = part or (0, 0, width, height)
        pairs = ((self.untouched[n][y0:y1, x0:x1], self.shown[n][y0:y1, x0:x1]) for n in self.stretch)
        if max(displacement(one, other) for one, other in pairs) * (x1 - x0) / width < DISPLACED:
            raise Skip("motion is too small to see")

    def all_moving(self, part: tuple[int, int, int, int] | None = None) -> None:
        """Check that no untouched frame looks like the one before it.

        Args:
            part: x0, y0, x1, y1 in pixels, whole blocks: it must move, and so must the rest.

        Raises:
            Skip: `clip stands still`.
        """
        steps = np.abs(np.diff(self.before, axis=0)).mean(3)
        inside = np.ones(steps.shape[1:], np.bool_)
        regions = [inside]
        if part is not None:
            x0, y0, x1, y1 = (side // BLOCK for side in part)
            inside[:] = False
            inside[y0:y1, x0:x1] = True
            regions.append(~inside)
        for region in regions:
            if np.quantile(steps[:, region], _MOST, axis=1).min() < MOVING:
                raise Skip("clip stands still")


def unlike(one: Pixels, other: Pixels) -> None:
    """Check that two ways to alter a frame do not come to the same.

    Raises:
        Skip: `two kinds look the same`.
    """
    if np.abs(sketch(one) - sketch(other)).mean() < LEAST["place"]:
        raise Skip("two kinds look the same")


def displacement(one: Pixels, other: Pixels) -> float:
    """How far the tenth of the points shift at least that shift most, as a share of the side; 0 where none are found.

    Corners are followed from one frame to the other and back (Lucas and Kanade 1981).
    """
    size = (_THUMBNAIL, _THUMBNAIL)
    first, second = (
        cv2.resize(cv2.cvtColor(f, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA) for f in (one, other)
    )
    start: Any = cv2.goodFeaturesToTrack(first, 100, 0.02, 4)
    if start is None:
        return 0.0
    follow: Any = cv2.calcOpticalFlowPyrLK
    there, found, _ = follow(first, second, start, None, winSize=(11, 11), maxLevel=3)
    back, again, _ = follow(second, first, there, None, winSize=(11, 11), maxLevel=3)
    kept = (found & again).ravel().astype(bool) & (np.abs(back - start).max(axis=(1, 2)) < 1)
    shifts = np.linalg.norm((there - start)[kept, 0], axis=1) / _THUMBNAIL
    return float(np.quantile(shifts, 0.9)) if kept.any() else 0.0


def sketch(frame: Pixels) -> Features:
    """The means of 8 x 8 pixels, of which every second in each direction is read: height / 8 x width / 8 x 3."""
    size = (frame.shape[1] // BLOCK, frame.shape[0] // BLOCK)
    return np.asarray(cv2.resize(frame[1::2, 1::2], size, interpolation=cv2.INTER_AREA), np.float32)


def _colours(sketches: Features) -> Features:
    """Brightness, red against blue and green against both, each sorted by size.

    The mean difference of two such lists is the Wasserstein distance of the distributions.
    """
    red, green, blue = np.moveaxis(sketches.reshape(len(sketches), -1, 3), 2, 0)
    return np.sort(np.stack([(red + green + blue) / 3, red - blue, green - (red + blue) / 2], 1), axis=2)


def _fineness(frame: Pixels) -> Features:
    grey: Any = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return np.array(np.log(cv2.absdiff(grey, cv2.blur(grey, (3, 3))).mean() + 0.25), np.float32)
