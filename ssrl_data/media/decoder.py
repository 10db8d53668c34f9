"""The process that decodes clips: `python -m ssrl_data.media.decoder`, started and asked by `ssrl_data.media.clip`.

A decoder can hang while it holds the interpreter's lock, crash, or take all memory, so it lives in a process of its
own that the system ends when a clip takes too long or too much.

Requests are lines of JSON on standard input. The answer is a line of JSON on standard output, {"reject": reason} or
{"times": ..., "size": ..., "shape": ..., "duration": ...}, then the frames as bytes.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import sys
import tempfile
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

SECONDS = 100.0
"""Longest that one clip may take; below what a build allows for a record."""

MEMORY = 6 << 30
"""Bytes of address space: enough for 8K video, far less than a lying header can ask for."""

MAX_PIXELS = 1 << 26
MAX_FRAMES = 1 << 22

_CUT = ("partial file", "ended prematurely", "moov atom not found", "truncat", "end of file")


class Damaged(Exception):
    """The clip cannot be read; the reason is a few fixed words."""


def main() -> None:
    """Serve requests until standard input ends."""
    import decord

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # What libraries print there must not get between the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    decord.logging.set_level(decord.logging.ERROR)
    with tempfile.TemporaryFile() as complaints:
        os.dup2(complaints.fileno(), 2)
        for line in sys.stdin:
            # Its default action ends the process even where the decoder never returns to the interpreter.
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            _serve(json.loads(line), answers, complaints)
            signal.setitimer(signal.ITIMER_REAL, 0)


def _serve(request: Any, answers: IO[bytes], complaints: IO[bytes]) -> None:
    complaints.truncate(0)
    complaints.seek(0)
    try:
        reel: Any = _reel(request["path"], tuple(request["part"]), request["frames"], request["pixels"], request["gap"])
        _raise_complaint(complaints)
    except Damaged as damage:
        reel = {"reject": str(damage)}
    except MemoryError:
        reel = {"reject": "too large for memory"}
    except Exception as error:  # bindings to C++ raise what they like, and their words change with the release
        try:
            _raise_complaint(complaints)
            reel = {"reject": "not a clip" if "opening" in str(error) or "reading" in str(error) else "corrupt"}
        except Damaged as damage:
            reel = {"reject": str(damage)}
    frames = reel.pop("frames", None)
    answers.write(json.dumps(reel).encode() + b"\n")
    if frames is not None:
        answers.write(frames.data.cast("B"))
    answers.flush()


def _raise_complaint(complaints: IO[bytes]) -> None:
    """What FFmpeg called an error while it read on: frames after it are made up or missing.

    Raises:
        Damaged: it complained.
    """
    complaints.seek(0)
    text = complaints.read().decode("utf-8", "replace").lower()
    if any(word in text for word in _CUT):
        raise Damaged("truncated")
    if "invalid data found when processing input" in text and "error opening" in text:
        raise Damaged("not a clip")
    if text.strip():
        raise Damaged("corrupt")


def _reel(path: str, part: tuple[int, int], most: int, pixels: int, gap: float) -> dict[str, Any]:
    import decord

    def opened(**size: int) -> Any:
        return decord.VideoReader(path, ctx=decord.cpu(0), num_threads=1, **size)

    reader = opened()
    count = len(reader)
    if count < 1:
        raise Damaged("no frames")
    if count > MAX_FRAMES:
        raise Damaged("too many frames")
    ends = np.asarray(reader.get_frame_timestamp(np.arange(count)), np.float64)
    starts, last = ends[:, 0], float(ends[-1, 1])
    height, width, _ = reader.next().shape
    if width * height > MAX_PIXELS:
        raise Damaged("too many pixels")
    sound = bool(np.isfinite(starts).all() and (np.diff(starts) > 0).all() and abs(starts[0]) < 1e6)
    if not sound:  # some AVI files have no timestamps: their frames come at a fixed rate
        rate = float(reader.get_avg_fps())
        if not 0.1 <= rate <= 1000:
            raise Damaged("no timestamps")
        starts, last = np.arange(count) / rate, count / rate
    times = np.round(starts - starts[0], 4)
    duration = max(float(last - starts[0]), float(times[-1]))
    chosen = _chosen(times, duration, part, most, gap)
    scale = min(1.0, (pixels / (width * height)) ** 0.5)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    reader = opened() if size == (width, height) else opened(width=size[0], height=size[1])
    frames = np.empty((len(chosen), size[1], size[0], 3), np.uint8)
    at = 0
    for place, index in enumerate(chosen.tolist()):
        if sound and index > at:
            reader.skip_frames(index - at)
        else:
            for _ in range(index - at):  # without timestamps it would skip to the wrong frame
                reader.next()
        frames[place] = reader.next().asnumpy()
        at = index + 1
    return {
        "times": times[chosen].tolist(),
        "duration": duration,
        "size": [width, height],
        "shape": list(frames.shape),
        "frames": frames,
    }


def _chosen(
    times: NDArray[np.float64], duration: float, part: tuple[int, int], most: int, gap: float
) -> NDArray[np.int64]:
    """Numbers of the frames kept: all of the part when they are few, else the one shown at each of `most` moments.

    The moments lie evenly over the part, or over its middle where they would lie more than `gap` seconds apart; they
    may be fewer than `most`.
    """
    number, parts = part
    low, high = duration * number / parts, duration * (number + 1) / parts
    inside = np.flatnonzero((times >= low) & ((times < high) | (number + 1 == parts)))
    if not len(inside):
        raise Damaged("no frames")
    if high - low > most * gap:
        middle = (low + high) / 2
        low, high = middle - most * gap / 2, middle + most * gap / 2
        inside = inside[(times[inside] >= low) & (times[inside] < high)]
    if len(inside) <= most:
        return inside
    # A whole number of the clip's own steps, so that even frames stay even.
    usual = float(np.median(np.diff(times[inside])))
    step = math.ceil((high - low) / most / usual - 1e-6) * usual
    moments = np.arange(times[inside[0]], times[inside[-1]] + usual / 2, step) + usual / 2
    return np.unique(np.clip(np.searchsorted(times, moments, side="right") - 1, inside[0], inside[-1]))


if __name__ == "__main__":
    main()
