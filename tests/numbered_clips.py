"""Clips whose frames tell their own number, so that a test can say which frame it was given."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from made_clips import write_clip

COLUMNS, ROWS = 7, 2
"""Binary digits of a number, in two rows over the upper half of a frame."""

MATRICES = {
    0: (1, 0, 0, 0, 1, 0, 0, 0),
    90: (0, 1, 0, -1, 0, 0, "height", 0),
    180: (-1, 0, 0, 0, -1, 0, "width", "height"),
    270: (0, -1, 0, 1, 0, 0, 0, "width"),
}
"""Of a track's header in MP4, for a picture that is turned clockwise to be shown; the last number is always 1."""


def painted(number: int, size: tuple[int, int]) -> Any:
    """A frame, BGR: its number over a soft ground that moves, and a red corner at the lower right."""
    width, height = size
    ground = np.random.default_rng(5).integers(60, 190, (6, 8, 3), dtype=np.uint8)
    frame = np.roll(cv2.resize(ground, size, interpolation=cv2.INTER_CUBIC), 2 * number, 1)
    for bit in range(COLUMNS * ROWS):
        x0, x1 = (width * (bit % COLUMNS + end) // COLUMNS for end in (0, 1))
        y0, y1 = (height // 2 * (bit // COLUMNS + end) // ROWS for end in (0, 1))
        frame[y0:y1, x0:x1] = 235 if number >> bit & 1 else 20
    frame[3 * height // 4 :, 3 * width // 4 :] = (0, 0, 255)
    return frame


def number(frame: Any) -> int:
    """The number painted in a frame, RGB, of any size."""
    height, width = frame.shape[:2]
    corner = frame[7 * height // 8 - 1, 7 * width // 8 - 1].astype(int)
    assert corner[0] > 150, f"not upright, or not RGB: the corner is {corner}"
    assert corner[2] < 100, f"not upright, or not RGB: the corner is {corner}"
    found = 0
    for bit in range(COLUMNS * ROWS):
        x = width * (2 * (bit % COLUMNS) + 1) // (2 * COLUMNS)
        y = height // 2 * (2 * (bit // COLUMNS) + 1) // (2 * ROWS)
        around = frame[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].mean()
        assert around < 90 or around > 165, f"digit {bit} cannot be told: {around:.0f}"
        found |= int(around > 128) << bit
    return found


def numbers(count: int, size: tuple[int, int] = (320, 240)) -> Iterator[Any]:
    """So many numbered frames."""
    return (painted(i, size) for i in range(count))


def numbered(path: Path, count: int = 60, size: tuple[int, int] = (320, 240), **settings: Any) -> Path:
    """A clip of numbered frames; settings as in `write_clip`."""
    return write_clip(path, numbers(count, size), **settings)


def with_sound(silent: Path, path: Path, seconds: float) -> Path:
    """The same clip with a tone of some length beside it."""
    with av.open(str(silent)) as source, av.open(str(path), "w") as file:
        pictures = file.add_stream_from_template(source.streams.video[0])
        _tone(file, seconds)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = pictures
                file.mux(packet)
    return path


def sound_alone(path: Path, seconds: float = 2.0) -> Path:
    """A file with a tone and no picture."""
    with av.open(str(path), "w") as file:
        _tone(file, seconds)
    return path


def _tone(file: Any, seconds: float) -> None:
    stream = file.add_stream("aac" if "mp4" in file.format.name else "libopus", rate=48000)
    stream.layout = "mono"
    for at in range(0, int(seconds * 48000), 960):
        wave = np.sin(np.arange(at, at + 960) * 0.05, dtype=np.float32)[None] * 0.2
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, at, Fraction(1, 48000)
        for packet in stream.encode(frame):
            file.mux(packet)
    for packet in stream.encode(None):
        file.mux(packet)


def turned(path: Path, degrees: int, size: tuple[int, int]) -> Path:
    """The MP4 file, its picture now to be shown turned clockwise."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    sides = {"width": size[0], "height": size[1]}
    matrix = [round(sides.get(value, value) * 65536) for value in MATRICES[degrees]]  # type: ignore[call-overload]
    # Numbers of 16.16 bits, but every third one, of 2.30.
    data[at : at + 36] = struct.pack(">9i", *matrix, 1 << 30)
    path.write_bytes(data)
    return path


def box(data: bytes, *kinds: bytes) -> int:
    """Where the content of a box begins, by the kinds of the boxes around it, outermost first."""
    at = 0
    for kind in kinds:
        at = data.index(kind, at) + 4
    return at
