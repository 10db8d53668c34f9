"""The process that decodes clips: `python -m ssrl_data.media.decoder`, started and asked by `ssrl_data.media.clip`.

A decoder can hang while it holds the interpreter's lock, crash, or take all memory, so it lives in a process of its
own that the system ends when a clip takes too long or too much, and when nobody waits for the answer any more.

Requests are lines of JSON on the socket whose number is the first argument. The answer is a line of JSON, {"reject":
reason} or {"times": ..., "size": ..., "shape": ..., "duration": ...}; with it comes the descriptor of a file without a
name that holds the frames, so that no byte of them is copied. The second argument is the number of a pipe whose other
end the caller holds and never writes to: when it is closed, nobody waits any more.
"""

from __future__ import annotations

import fcntl
import json
import math
import mmap
import os
import resource
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.media.container import Damaged, check
from ssrl_data.media.readers import BEYOND, Decord, PyAv, Reader

MEMORY = 6 << 30
"""Bytes of address space: enough for 8K video, far less than a lying header can ask for."""

MAX_PIXELS = 1 << 26

_SAID = {
    "cannot find video stream": "no pictures",
    "Failed to measure duration": "no length stated",  # live recordings
    "(-11 vs. 0) Thread worker: Error sending packet": BEYOND,  # some HEVC: it loses its place
    "opening": "not a clip",
    "reading": "not a clip",
}
"""What the decoder says, and what that comes to; the first that is found counts."""

_OURS = ("no length stated", BEYOND, "transport stream")
"""What is wrong with decord and not with the clip."""

_CUT = ("partial file", "ended prematurely", "moov atom not found", "truncat", "end of file")


def main() -> None:
    """Serve requests until the other end of the socket is closed."""
    # PyAV first: decord shows its libraries to all that is loaded after it, and those of PyAV have the same names.
    with suppress(ImportError):
        import av

        av.logging.restore_default_callback()
    import decord

    cv2.setNumThreads(1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    caller = socket.socket(fileno=int(sys.argv[1]))
    _end_with(int(sys.argv[2]))
    decord.logging.set_level(decord.logging.ERROR)
    with tempfile.TemporaryFile() as complaints, caller, caller.makefile("rb") as requests:
        os.dup2(complaints.fileno(), 1)
        os.dup2(complaints.fileno(), 2)
        for line in requests:
            request = json.loads(line)
            # The default actions end the process even where the decoder never returns to the interpreter.
            signal.setitimer(signal.ITIMER_REAL, request["seconds"])
            answer = _answer(request, complaints)
            signal.setitimer(signal.ITIMER_REAL, 0)
            frames = answer.pop("frames", None)
            said = json.dumps(answer).encode() + b"\n"
            if frames is None:
                caller.sendall(said)
            else:
                caller.sendall(said[socket.send_fds(caller, [said], [frames.fileno()]) :])
                frames.close()


def _end_with(pipe: int) -> None:
    """End the process as soon as the other end of the pipe is closed, which is all that ever happens to it.

    SIGIO does so by its default action, even where the decoder never returns to the interpreter. It must be a pipe of
    its own: a watched socket tells of requests as well, even of one that was read before its sender came to tell. Where
    the system knows no such signal, the time limit ends the process.
    """
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([pipe], [], [], 0)[0]:  # closed before it was watched
        sys.exit()


def _answer(request: Any, complaints: IO[bytes]) -> dict[str, Any]:
    """A reel or the reason why there is none: decord's, or PyAV's where decord has none for a reason of its own."""
    try:
        check(request["path"])
    except Damaged as damage:
        answer = {"reject": str(damage)}
    except OSError:
        answer = {"reject": "unreadable"}
    else:
        answer = _read(Decord, request, complaints)
    if answer.get("reject") in _OURS and "av" in sys.modules:
        answer = _read(PyAv, request, complaints)
    return answer


def _read(reader: Callable[[str], Reader], request: Any, complaints: IO[bytes]) -> dict[str, Any]:
    complaints.truncate(0)
    complaints.seek(0)
    try:
        path, part = request["path"], tuple(request["part"])
        reel = _reel(reader, path, part, request["frames"], request["pixels"], request["gap"])
        _raise_complaint(complaints)
        return reel
    except Damaged as damage:
        return {"reject": str(damage)}
    except MemoryError:
        return {"reject": "too large for memory"}
    except OSError:
        return {"reject": "unreadable"}
    except Exception as error:  # bindings to C++ raise what they like, and their words change with the release
        try:
            _raise_complaint(complaints)
            return {"reject": next((reason for said, reason in _SAID.items() if said in str(error)), "corrupt")}
        except Damaged as damage:
            return {"reject": str(damage)}


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


def _reel(
    reader: Callable[[str], Reader], path: str, part: tuple[int, int], most: int, pixels: int, gap: float
) -> dict[str, Any]:
    clip = reader(path)
    width, height = clip.size
    if width * height > MAX_PIXELS:
        raise Damaged("too many pixels")
    times = np.round(clip.times - clip.times[0], 4)
    duration = max(float(clip.end - clip.times[0]), float(times[-1]))
    chosen = _chosen(times, duration, part, most, gap)
    scale = min(1.0, (pixels / (width * height)) ** 0.5)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    shape = len(chosen), size[1], size[0], 3
    file = _nameless(math.prod(shape))
    frames = np.frombuffer(mmap.mmap(file.fileno(), 0), np.uint8).reshape(shape)
    for place, frame in enumerate(clip.frames(chosen)):
        frames[place] = _shrunk(frame, size)
    return {
        "times": times[chosen].tolist(),
        "duration": duration,
        "size": [width, height],
        "shape": shape,
        "frames": file,
    }


def _shrunk(frame: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[Any]:
    """The frame at another size: halved as often as that leaves enough, then bilinear.

    From 1280 x 720 to 393 x 221 it takes 0.5 ms; the scaling that FFmpeg does takes 1 to 2.
    """
    while frame.shape[1] >= 2 * size[0] and frame.shape[0] >= 2 * size[1]:
        half = frame.shape[1] // 2, frame.shape[0] // 2
        frame = np.asarray(
            cv2.resize(frame[: 2 * half[1], : 2 * half[0]], half, interpolation=cv2.INTER_AREA), np.uint8
        )
    if frame.shape[1::-1] == size:
        return frame
    return cv2.resize(frame, size, interpolation=cv2.INTER_LINEAR)


def _nameless(size: int) -> IO[bytes]:
    """A file without a name, in memory where the system has such."""
    named = hasattr(os, "memfd_create")
    file: IO[bytes] = os.fdopen(os.memfd_create("reel"), "w+b") if named else tempfile.TemporaryFile()  # noqa: SIM115
    file.truncate(size)
    return file


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
