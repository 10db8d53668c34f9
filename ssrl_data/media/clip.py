"""Clips: decoded once, by a process that may be killed, into a reel of frames that all rows are shown from.

The decoder is decord's (`decord2`, on FFmpeg); `ssrl_data.media.decoder` runs it.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Pixels, Reject, SsrlError
from ssrl_data.media.image import Box, resampled

Frames: TypeAlias = "NDArray[np.uint8]"
"""count x height x width x 3, RGB."""

REEL_FRAMES = 144
"""Most frames of a reel: three times as many as the published rows show, 37 MB at the largest."""

VIEWS = 2 * REEL_FRAMES
"""Views of a clip that are kept, so that frames shown by several rows are resampled once."""

REEL_PIXELS = 86_700
"""Most pixels of a reel's frame: `MARGIN` squared times the 65,536 that the published rows show at most."""

REEL_GAP = 0.5
"""Most seconds between frames of a reel, where the clip has more: of a longer clip the middle is kept."""

SECONDS = 100.0
"""Longest that one clip may take; below what a build allows for a record."""

GRACE = 10.0
"""Seconds after which a decoder is ended that did not end itself."""

THUMBNAIL = (32, 24)
"""Width and height of a frame's thumbnail."""


@dataclass(frozen=True, eq=False)
class Reel:
    """The frames kept of a clip, in order. Equal to itself alone, so that what is measured of it can be remembered.

    Attributes:
        frames: count x height x width x 3; not to be written to.
        times: of each frame, in seconds from the clip's first frame, by the file's own timestamps; strictly rising.
        duration: seconds that the whole clip lasts.
        size: width and height of the clip in its file, upright, in pixels; the frames may be smaller.
    """

    frames: Frames
    times: tuple[float, ...]
    duration: float
    size: tuple[int, int]

    @cached_property
    def thumbnails(self) -> NDArray[np.float32]:
        """Each frame averaged down to 32 x 24: count x 24 x 32 x 3."""
        width, height = THUMBNAIL
        # By way of a whole multiple, which is five times as fast.
        near = (cv2.resize(frame, (4 * width, 4 * height), interpolation=cv2.INTER_LINEAR) for frame in self.frames)
        return np.array([cv2.resize(frame, THUMBNAIL, interpolation=cv2.INTER_AREA) for frame in near], np.float32)


class Clip:
    """A clip in a file; decoded when it is first looked at, and once.

    Args:
        path: the file. It is not written to.
        part: which part of how many equal ones in time, counted from 0.
    """

    __slots__ = ("_found", "_part", "_path", "_views")

    def __init__(self, path: bytes | str | Path, part: tuple[int, int] = (0, 1)) -> None:
        self._path = os.fspath(path)
        self._part = part
        self._found: Reel | Reject | None = None
        self._views: dict[tuple[int, Box, tuple[int, int]], Pixels] = {}

    @property
    def reel(self) -> Reel:
        """Its frames and their times.

        Raises:
            Reject: it cannot be decoded from end to end.
            SsrlError: `decord` is not installed.
        """
        if self._found is None:
            try:
                self._found = _read(self._path, self._part)
            except Reject as reject:
                self._found = reject
        if isinstance(self._found, Reject):
            raise self._found
        return self._found

    def view(self, index: int, box: Box, size: tuple[int, int]) -> Pixels:
        """Crop a frame of the reel and resample it without aliasing.

        Args:
            index: number of the frame in the reel.
            box: x0, y0, x1, y1 in pixels of the reel's frames, half-open, inside the frame.
            size: width and height of the view in pixels.

        Returns:
            The view: height x width x 3. It is shared: copy it to change it.

        Raises:
            Reject: the clip cannot be decoded.
            ValueError: the box is empty or not inside the frame.
        """
        found = self._views.get((index, box, size))
        if found is None:
            if len(self._views) >= VIEWS:
                self._views.clear()
            frame = self.reel.frames[index]
            x0, y0, x1, y1 = box
            if not (0 <= x0 < x1 <= frame.shape[1] and 0 <= y0 < y1 <= frame.shape[0]):
                raise ValueError(f"box {box} is empty or not inside a frame of {frame.shape[1]} x {frame.shape[0]}")
            found = np.ascontiguousarray(resampled(frame[y0:y1, x0:x1], *size))
            found.flags.writeable = False
            self._views[index, box, size] = found
        return found


class _Decoder:
    """The decoding process, started when first needed and again after it died."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._alive: int | None = None
        self._asked = False

    def reel(self, path: str, part: tuple[int, int]) -> Reel:
        """Ask for a clip's reel.

        A process that ends on a clip may have been broken by one before it, as damaged ones do now and then, so a clip
        is blamed only for the end of a process that read nothing else.

        Raises:
            Reject: the clip is broken, or took the process down.
            SsrlError: `decord` is not installed.
        """
        request = {
            "path": path,
            "part": part,
            "frames": REEL_FRAMES,
            "pixels": REEL_PIXELS,
            "gap": REEL_GAP,
            "seconds": SECONDS,
        }
        process, caller = self._running()
        fresh, self._asked = not self._asked, True
        caller.settimeout(SECONDS + GRACE)
        late = False
        try:
            caller.sendall(json.dumps(request).encode() + b"\n")
            said, held = _answer(caller)
        except TimeoutError:  # it neither answers nor ends, as when it is stopped
            said, held, late = b"", [], True
        except OSError:
            said, held = b"", []
        if not said:
            process.kill()
            late |= process.wait() == -signal.SIGALRM
            self._leave()
            if not (fresh or late):
                return self.reel(path, part)
            raise Reject("decoding takes too long" if late else "crashes the decoder")
        answer: Any = json.loads(said)
        if "reject" in answer:
            raise Reject(answer["reject"])
        with open(held[0], "rb") as file:
            content = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        frames = np.frombuffer(content, np.uint8).reshape(answer["shape"])
        return Reel(frames, tuple(answer["times"]), answer["duration"], tuple(answer["size"]))

    def _running(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        if self._process is None or self._socket is None or self._process.poll() is not None:
            if find_spec("decord") is None:
                raise SsrlError('clips are read with decord, which is not installed: pip install "ssrl[video]"')
            self._leave()
            ours, theirs = socket.socketpair()
            watched, self._alive = os.pipe()
            with theirs, open(watched, "rb"):
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "ssrl_data.media.decoder", str(theirs.fileno()), str(watched)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno(), watched],
                )
            self._socket = ours
        return self._process, self._socket

    def _leave(self) -> None:
        """Forget a process that has ended."""
        if self._socket is not None:
            self._socket.close()
        if self._alive is not None:
            os.close(self._alive)
        self._process = self._socket = self._alive = None
        self._asked = False


def _read(path: bytes | str, part: tuple[int, int]) -> Reel:
    """The reel of a clip, whatever the bytes of its name."""
    name = os.fsdecode(path)
    if name.isprintable() and name.isascii():  # as almost always
        return _decoder(os.getpid()).reel(name, part)
    # FFmpeg takes names in UTF-8 alone.
    with tempfile.TemporaryDirectory() as folder:
        link = os.path.join(folder, "clip")
        os.symlink(os.path.abspath(path), os.fsencode(link))
        return _decoder(os.getpid()).reel(link, part)


@cache
def _decoder(process: int) -> _Decoder:
    """The decoder of a process: one that was forked must not listen to its parent's."""
    return _Decoder()


def _answer(caller: socket.socket) -> tuple[bytes, list[int]]:
    """A line and the descriptors that came with it; an empty line when the process ended first."""
    said, held = bytearray(), list[int]()
    while not said.endswith(b"\n"):
        data, found, _, _ = socket.recv_fds(caller, 1 << 16, 1)
        held += found
        if not data:
            for descriptor in held:
                os.close(descriptor)
            return b"", []
        said += data
    return bytes(said), held
