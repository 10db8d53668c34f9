"""The two libraries that clips are read with, each behind the same few words.

decord (`decord2`) is fast and reads most. It loses its place in HEVC with closed groups of pictures, as telephones
record it, asks for a length that live recordings do not state, and cannot go back to the start of a transport stream.
PyAV (`av`) reads all of these: the times come from the packets, so nothing is decoded for them, and each frame is known
by its own time. Both are FFmpeg's.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ssrl_data.media.container import CORRUPT, FEWER, NOT_A_CLIP, Damaged

MAX_FRAMES = 1 << 22

BEYOND = "beyond the decoder"


class Reader(Protocol):
    """A clip that was opened.

    Attributes:
        size: width and height, upright, in pixels.
        times: of each frame, in seconds from any start; strictly rising.
        end: when the last frame ends.
    """

    size: tuple[int, int]
    times: NDArray[np.float64]
    end: float

    def frames(self, chosen: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
        """The frames of these numbers, rising: height x width x 3 each, RGB. To be asked for once.

        Raises:
            Damaged: a frame is missing.
        """


class Decord:
    """A clip read by decord."""

    def __init__(self, path: str) -> None:
        import decord

        if "av" in sys.modules and _begins_in_the_midst(path):
            raise Damaged(BEYOND)  # it gives the times of frames that cannot be decoded to those after them
        self._reader = decord.VideoReader(path, ctx=decord.cpu(0), num_threads=1)
        count = len(self._reader)
        if count < 1:
            raise Damaged("no frames")
        if count > MAX_FRAMES:
            raise Damaged("too many frames")
        ends = np.asarray(self._reader.get_frame_timestamp(np.arange(count)), np.float64)
        self.times, self.end = ends[:, 0], float(ends[-1, 1])
        self._first = self._next()
        height, width, _ = self._first.shape
        self.size = width, height
        self._timed = _sound(self.times)
        if not self._timed:  # some AVI files have no timestamps: their frames come at a fixed rate
            rate = float(self._reader.get_avg_fps())
            if not 0.1 <= rate <= 1000:
                raise Damaged("no timestamps")
            self.times, self.end = np.arange(count) / rate, count / rate

    def _next(self) -> NDArray[np.uint8]:
        frame: NDArray[np.uint8] = self._reader.next().asnumpy()
        height, width, channels = frame.shape
        # The padding of its rows comes out, with narrow frames, as more than three channels.
        return frame if channels == 3 else frame.reshape(height, -1)[:, : 3 * width].reshape(height, width, 3)

    def frames(self, chosen: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
        """See `Reader`."""
        frame, at = self._first, 0
        for index in chosen.tolist():
            if self._timed and index > at + 1:
                self._reader.skip_frames(index - at - 1)
                at = index - 1
            while at < index:  # without timestamps it would skip to the wrong frame
                frame, at = self._next(), at + 1
            yield frame


class PyAv:
    """A clip read by PyAV.

    What comes before the first key frame, and what leads it (is shown before it and refers to what came before), cannot
    be decoded where a recording begins in the midst of a stream; the clip begins with that key frame.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        shown, end = set[int](), 0
        for packet in self._packets():
            if packet.pts is not None and not packet.is_discard:
                shown.add(packet.pts)
                end = max(end, packet.pts + (packet.duration or 0))
            if len(shown) > MAX_FRAMES:
                raise Damaged("too many frames")
        if not shown:
            raise Damaged("no frames")
        self._shown = sorted(shown)
        frame = next(self._decoded(), None)
        if frame is None:
            raise Damaged("no frames")
        self._turns = round(frame.rotation / 90) % 4
        self.size = (frame.width, frame.height) if self._turns % 2 == 0 else (frame.height, frame.width)
        self.times = np.array([float(moment * frame.time_base) for moment in self._shown])
        self.end = float(max(end, self._shown[-1]) * frame.time_base)
        if not _sound(self.times):
            raise Damaged("no timestamps")

    def _packets(self) -> Iterator[Any]:
        """The packets of the pictures from the first key frame on, and an empty one at the end."""
        first: int | None = None
        for packet in _demuxed(self._path):
            if packet.is_corrupt:
                raise Damaged(CORRUPT)
            if first is None and packet.is_keyframe and packet.pts is not None:
                first = packet.pts
            if not packet.size or (first is not None and (packet.pts is None or packet.pts >= first)):
                yield packet

    def _decoded(self) -> Iterator[Any]:
        for packet in self._packets():
            yield from packet.decode()

    def frames(self, chosen: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
        """See `Reader`."""
        wanted, last = set(chosen.tolist()), int(chosen[-1])
        decoded = self._decoded()
        for index, moment in enumerate(self._shown[: last + 1]):
            frame = next(decoded, None)
            if frame is None:
                raise Damaged(FEWER)
            if frame.pts != moment or frame.is_corrupt:
                raise Damaged(CORRUPT)
            if index in wanted:
                yield np.rot90(frame.to_ndarray(format="rgb24"), self._turns)


def _demuxed(path: str) -> Iterator[Any]:
    """The packets of the pictures in a file, and an empty one at the end."""
    import av

    av.logging.set_libav_level(av.logging.FATAL)  # it looks into what comes before the first key frame, too
    try:
        file = av.open(path)
    except (av.error.InvalidDataError, av.error.EOFError) as error:
        raise Damaged(NOT_A_CLIP) from error
    finally:
        av.logging.set_libav_level(av.logging.ERROR)
    with file:
        stream = file.streams.best("video")
        if stream is None:
            raise Damaged("no pictures")
        stream.codec_context.thread_count = 1
        yield from file.demux(stream)


def _begins_in_the_midst(path: str) -> bool:
    """Whether pictures come before the first key frame or lead it; they follow it at once."""
    first: int | None = None
    for packet in _demuxed(path):
        if packet.pts is None:
            return False
        if first is not None:
            return bool(packet.pts < first)
        if not packet.is_keyframe:
            return True
        first = packet.pts
    return False


def _sound(times: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(times).all() and (np.diff(times) > 0).all() and abs(times[0]) < 1e6)
