"""Is a clock or a counter burned into a clip? Whoever reads it knows when a frame was taken.

A digit is a pattern of strokes in a fixed place. So the places looked at are those lighter, or darker, than what lies
around them, in windows a little larger than a digit. Digits give themselves away in one of two ways: they change from
second to second and not in between, or they change from frame to frame and are the same again ten frames later. Moving
things do neither, logos never change, and captions keep no time.

Measured: clocks were painted into 31 clips (24 rendered, 7 of cameras and animations) in 7 formats and 6 styles, with
digits 10 to 26 pixels high that stand out by 60 grey levels: nine in ten are found, all that stand in
a black box, and half of those 8 pixels high; none of the 31 clips is taken for one with a clock.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.media.clip import Frames, Reel

Maps: TypeAlias = "NDArray[np.uint8]"
Shares: TypeAlias = "NDArray[np.floating[Any]]"
Moments: TypeAlias = "NDArray[np.float64]"

_FRAMES = 96  # looked at
_STRIDE, _COARSE = 3, 0.15  # every third frame where they still lie no further apart than so many seconds
_AROUND = 15  # pixels a side of what a stroke is held against
_STROKE = 25  # grey levels that it differs by at least
_CELL = 4  # pixels a side: windows start at each cell
_WINDOWS = (2, 5)  # cells a side
_WRITTEN, _ALWAYS = 0.08, 0.9  # least share of a window that is strokes, in at least this share of all frames
_PERIOD = 10  # frames after which the last digit of a counter is the same again
_CHANGES, _USUAL, _BACK = 0.12, 0.25, 0.5  # a counter's lowest tenth and its median change; that over a period, of it
_TICK = 0.2  # least change at a tick
_TICKS = 0.8  # least share of seconds that tick
_STEPS = 0.6  # most seconds between frames, for ticks to be told from what lies between them
_MOMENT = 0.05  # seconds between the moments that are tried for ticks, at most
_EVIDENCE = 14.0  # least log odds against ticks by chance
_RISE = 0.25  # least difference of the mean change at ticks and in between


@lru_cache(maxsize=1)  # rows of a clip are made one after the other
def has_clock(reel: Reel) -> bool:
    """Whether a clock that counts seconds, or a counter of frames, is burned into the picture.

    A clock that shows minutes alone is not found, nor one in a clip shorter than three seconds.
    """
    times = np.array(reel.times)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    stride = _STRIDE if len(times) > 1.5 * _FRAMES and step * _STRIDE <= _COARSE else 1
    chosen = slice(0, _FRAMES * stride, stride)
    times = times[chosen]
    if len(times) <= _PERIOD:
        return False
    return any(_ticking(strokes, times) for strokes in _strokes(reel.frames[chosen]))


def _strokes(frames: Frames) -> tuple[Maps, Maps]:
    """Where the frames are lighter, and where darker, than around: 255 there, count x height x width each."""
    lighter, darker = np.empty((2, *frames.shape[:3]), np.uint8)
    for frame, high, low in zip(frames, lighter, darker, strict=True):
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        around = cv2.blur(grey, (_AROUND, _AROUND))
        cv2.compare(cv2.subtract(grey, around), _STROKE, cv2.CMP_GT, high)  # type: ignore[call-overload]
        cv2.compare(cv2.subtract(around, grey), _STROKE, cv2.CMP_GT, low)  # type: ignore[call-overload]
    return lighter, darker


def _ticking(strokes: Maps, times: Moments) -> bool:
    """Whether the strokes somewhere tick."""
    pairs = [_cells(either(strokes[lag:], strokes[:-lag])) for lag in (1, _PERIOD) for either in _CHANGED_AND_ALL]
    for size in _WINDOWS:
        changed, written, changed_later, written_later = (_windows(cells, size) for cells in pairs)
        fixed = (written > _WRITTEN).mean(0) >= _ALWAYS
        change = changed[:, fixed] / np.maximum(written[:, fixed], _WRITTEN)
        later = changed_later[:, fixed] / np.maximum(written_later[:, fixed], _WRITTEN)
        if change.size and (_counts(change, later) or _keeps_seconds(change, times)):
            return True
    return False


_CHANGED_AND_ALL = (np.bitwise_xor, np.bitwise_or)


def _cells(maps: Maps) -> Shares:
    """The share of each cell that is set: rows x columns x count."""
    rows, columns = maps.shape[1] // _CELL, maps.shape[2] // _CELL
    whole = maps[:, : _CELL * rows, : _CELL * columns]  # means over whole pixels are ten times as fast
    cells = [cv2.resize(one, (columns, rows), interpolation=cv2.INTER_AREA) for one in whole]
    return np.stack(cells, axis=-1).astype(np.float32) / 255


def _windows(cells: Shares, size: int) -> Shares:
    """The share of each window that is set: count x windows. Windows stick out at no side."""
    mean = cv2.blur(cells, (size, size))  # of all frames at once, as channels
    rows, columns = (slice(size // 2, length - (size - 1) // 2) for length in mean.shape[:2])
    return np.ascontiguousarray(mean[rows, columns].reshape(-1, mean.shape[2]).T, np.float32)


def _counts(change: Shares, later: Shares) -> bool:
    """Whether a window changes at each step and is the same again after a period.

    Args:
        change: of each window at each step, as a share of its strokes: steps x windows.
        later: the same over a period.
    """
    usual = np.median(change, axis=0)
    steady = (np.quantile(change, 0.1, axis=0) > _CHANGES) & (usual > _USUAL)
    return bool((np.median(later[:, steady], axis=0) < _BACK * usual[steady]).any())


def _keeps_seconds(change: Shares, times: Moments) -> bool:
    """Whether a window changes from second to second and not in between, wherever in a second that is.

    The evidence against chance: had each step the odds of those between the ticks, so many ticks would all show a
    change with a probability of exp(-evidence); there are up to 100,000 windows and moments to try.
    """
    step = float(np.median(np.diff(times)))
    if step > _STEPS:
        return False
    high = change > _TICK
    candidates = high.any(0)
    change, high = change[:, candidates], high[:, candidates].astype(np.float32)
    for moment in np.arange(0, 1, min(step / 2, _MOMENT)):
        ticks = np.diff(np.floor(times - moment + 1e-6)) > 0
        count, rest = int(ticks.sum()), int((~ticks).sum())
        if not count or not rest:
            continue
        shown = high[ticks].sum(0)
        odds = (high[~ticks].sum(0) + 0.5) / (rest + 1)
        told = (shown >= _TICKS * count) & (-shown * np.log(odds) > _EVIDENCE)
        if told.any() and (change[:, told][ticks].mean(0) - change[:, told][~ticks].mean(0) > _RISE).any():
            return True
    return False
