"""Clips written for tests: photographs seen by a moving camera, with pieces of other photographs moving before them.

Made with PyAV, which also encodes, so that every codec and container can be had; the toolkit itself reads with decord.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from ssrl_data.rng import Rng

PHOTOGRAPHS = ("astronaut.png", "coffee.png", "chelsea.png", "rocket.jpg", "china.jpg", "flower.jpg", "retina.jpg")


@cache
def photograph(name: str) -> Any:
    import skimage.data
    import sklearn.datasets

    folders = (Path(skimage.data.__file__).parent, Path(sklearn.datasets.__file__).parent / "images")
    path = next(folder / name for folder in folders if (folder / name).exists())
    return cv2.imread(str(path))[:, :, :3]


def scene(number: int, count: int = 96, size: tuple[int, int] = (320, 240), pan: bool = True) -> Iterator[Any]:
    """Frames, BGR: a photograph panned slowly, and three round pieces of other photographs that cross it.

    A piece goes on its way with a wobble, so no two moments look the same. Every second scene is played backwards: else
    all would begin emptier than they end, and how full a frame is would tell its time.
    """
    rng = Rng("made clip", number)
    names = rng.shuffled(PHOTOGRAPHS)
    width, height = size
    wide = cv2.resize(photograph(names[0]), (width * 3 // 2, height * 3 // 2), interpolation=cv2.INTER_AREA)
    start, end = ((rng.uniform(0, width / 2), rng.uniform(0, height / 2)) for _ in range(2))
    pieces = []
    for name in names[1:4]:
        side = rng.integer(height // 5, height // 3)
        piece = cv2.resize(photograph(name), (side, side), interpolation=cv2.INTER_AREA)
        mask = np.zeros((side, side), np.uint8)
        cv2.circle(mask, (side // 2, side // 2), side // 2 - 1, 255, -1)
        row, right = rng.uniform(0.1, 0.9) * (height - side), rng.below(2)
        pieces.append((piece, mask, row, right, rng.uniform(0.7, 1.3), rng.uniform(0, 6.28)))
    for i in range(count):
        t = (count - 1 - i if number % 2 else i) / max(1, count - 1)
        x, y = (round(a + (b - a) * t * pan) for a, b in zip(start, end, strict=True))
        frame = wide[y : y + height, x : x + width].copy()
        for piece, mask, row, right, speed, phase in pieces:
            side = len(piece)
            at = (t * speed - 0.1) * (width + side) - side
            left = round(at if right else width - side - at)
            top = round(row + 8 * np.sin(phase + 9 * t))
            x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
            if x0 < x1 and y0 < y1:
                part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
                inside = mask[part] > 0
                frame[y0:y1, x0:x1][inside] = piece[part][inside]
        yield frame


def camera(way: str, count: int = 40, side: int = 240) -> Iterator[Any]:
    """Frames, BGR, of a photograph: the camera goes `right`, `down` or `in`, at an even pace, or stays `still`."""
    axis = {"right": (1, 0, 0), "down": (0, 1, 0), "in": (0, 0, 1), "still": (0, 0, 0)}[way]
    wide = cv2.resize(photograph("astronaut.png"), (3 * side, 3 * side), interpolation=cv2.INTER_LINEAR)
    for number in range(count):
        right, down, ahead = (part * (number / (count - 1) - 0.5) for part in axis)
        seen = 1.5 * side * np.exp(-0.9 * ahead)
        x, y = (1.5 * side + side * at - seen / 2 for at in (right, down))
        place = np.array([[seen / side, 0, x], [0, seen / side, y]])
        yield cv2.warpAffine(wide, place, (side, side), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def write_clip(
    path: Path,
    frames: Iterable[Any],
    codec: str = "libx264",
    rate: int = 24,
    pixels: str = "yuv420p",
    times: Iterable[int] = (),
    container: dict[str, str] | None = None,
    **options: str,
) -> Path:
    """Encode frames (BGR) into a file; its suffix names the container.

    Args:
        path: the file.
        frames: height x width x 3 each.
        codec: as FFmpeg names it.
        rate: frames a second, where `times` gives none.
        pixels: the pixel format.
        times: of each frame, in milliseconds: a variable frame rate.
        container: options of the container.
        options: options of the encoder.
    """
    moments = list(times)
    with av.open(str(path), "w", options=container or {}) as file:
        stream: Any = None
        for i, frame in enumerate(frames):
            if stream is None:
                stream = file.add_stream(codec, rate=rate)
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt, stream.options = pixels, {"threads": "1", **options}
                if moments:
                    stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
            picture = av.VideoFrame.from_ndarray(frame, format="bgr24")
            if moments:
                picture.pts, picture.time_base = moments[i], Fraction(1, 1000)
            file.mux(stream.encode(picture))
        file.mux(stream.encode(None))
    return path


def write_corpus(folder: Path, count: int, frames: int = 96, size: tuple[int, int] = (320, 240)) -> None:
    """So many clips of scenes, as `clip-0000.mp4` on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        write_clip(folder / f"clip-{number:04d}.mp4", scene(number, frames, size), crf="20", preset="veryfast")


if __name__ == "__main__":
    write_corpus(Path(sys.argv[1]), int(sys.argv[2]))
