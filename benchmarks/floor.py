"""The least a picture task can cost: decode the files to the size that the views need, and encode the row's pictures.

That size is `MARGIN` times the view's, since no task may show pixels that were not resampled. Neither cutting nor
resampling is in it, and each decoder may use its own smallest fraction of the JPEG that is not below that size. What is
held against it is measured in the same run and process, on the same file: the CPU time of one picture varies more
between machines than between programs.
"""

from __future__ import annotations

import argparse
import io
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import simplejpeg
from PIL import Image

from ssrl_data.core import Pixels
from ssrl_data.media.image import MARGIN, Box, Picture, encode
from ssrl_data.registry import source_at
from ssrl_data.rng import Rng

PHOTOGRAPHS = Path(__file__).parents[1] / "tasks/recipes/scikit-image.corpus.yaml"
WIDTH, HEIGHT = 1920, 1080  # 2.07 megapixels
REPEATS = 15


@dataclass(frozen=True)
class Floor:
    """CPU milliseconds, medians, single thread.

    Attributes:
        decoding: by decoder.
        encoding: of the view, at the quality of the rows.
    """

    decoding: dict[str, float]
    encoding: float

    @property
    def total(self) -> float:
        """The fastest decoder and the encoder."""
        return min(self.decoding.values()) + self.encoding


def cpu_ms(call: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median CPU time of a call in milliseconds, after one call to warm up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(1e3 * (time.process_time() - start))
    return statistics.median(times)


def shrink(box: Box, size: tuple[int, int]) -> float:
    """By how much a decoder may shrink a picture for a view of it.

    Args:
        box: x0, y0, x1, y1 in native pixels.
        size: width and height of the view.
    """
    x0, y0, x1, y1 = box
    return max(1.0, min((x1 - x0) / size[0], (y1 - y0) / size[1]) / MARGIN)


def decoders(data: bytes, shrink: float) -> dict[str, Callable[[], Pixels]]:
    """What decodes a picture, by name.

    Args:
        data: a picture's file; of a JPEG, each decoder uses its own smallest fraction that is large enough.
        shrink: how much smaller the decoded picture may be.
    """
    out: dict[str, Callable[[], Pixels]] = {
        "Pillow": lambda: _pillow(data, shrink),
        "OpenCV": lambda: _opencv(data, shrink),
    }
    if data.startswith(b"\xff\xd8"):
        out["simplejpeg"] = lambda: _simplejpeg(data, shrink)
    return out


def in_turn_ms(calls: Sequence[Callable[[], object]], repeats: int = 5) -> list[float]:
    """Median CPU time of each call in milliseconds, each made in turn with the others.

    A build decodes a picture once, so neither its file nor its pixels lie in the processor's cache; a call repeated at
    once finds them there.
    """
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, found in zip(calls, times, strict=True):
            start = time.process_time()
            call()
            found.append(1e3 * (time.process_time() - start))
    return [statistics.median(found) for found in times]


def floor(path: Path, box: Box, size: tuple[int, int]) -> Floor:
    """The floor for one view of a JPEG without EXIF.

    Args:
        path: a JPEG file.
        box: x0, y0, x1, y1 in native pixels.
        size: width and height of the view.
    """
    data = path.read_bytes()
    x0, y0, x1, y1 = box
    full = simplejpeg.decode_jpeg(data)
    view = np.asarray(cv2.resize(full[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA), np.uint8)
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        decoding = {name: cpu_ms(decode) for name, decode in decoders(data, shrink(box, size)).items()}
    finally:
        cv2.setNumThreads(threads)
    return Floor(decoding, cpu_ms(lambda: simplejpeg.encode_jpeg(view, 95, "RGB", "444", False)))


def make_photographs(folder: Path, count: int = 12, width: int = WIDTH, height: int = HEIGHT) -> list[Path]:
    """Write `count` JPEGs of photographs as cameras write them: quality 90, chroma halved, `width` x `height`.

    Keyed crops of the photographs in the scikit-image package, enlarged: a decoder's time goes by pixels and by bytes
    a pixel, so keyed grain of two grey levels stands in for the detail that enlarging cannot give.
    """
    source = source_at(str(PHOTOGRAPHS))
    entries = list(source.entries())
    paths = []
    for i in range(count):
        rng = Rng("benchmark photographs", i)
        picture = source.open(entries[i % len(entries)]).image
        if picture is None:
            raise ValueError(f"{entries[i % len(entries)].key} carries no picture")
        high = min(picture.size[1], picture.size[0] * height // width)
        wide = high * width // height
        x, y = rng.integer(0, picture.size[0] - wide), rng.integer(0, picture.size[1] - high)
        crop = picture.view((x, y, x + wide, y + high), (wide, high))
        large = cv2.resize(crop, (width, height), interpolation=cv2.INTER_CUBIC)
        grain = np.frombuffer(rng.bytes(width * height), np.int8).reshape(height, width, 1) // 32
        pixels = np.clip(large.astype(np.int16) + grain, 0, 255).astype(np.uint8)
        path = folder / f"photo-{i:04d}.jpg"
        path.write_bytes(simplejpeg.encode_jpeg(pixels, quality=90, colorspace="RGB", colorsubsampling="420"))
        paths.append(path)
    return paths


def _pillow(data: bytes, shrink: float) -> Pixels:
    picture = Image.open(io.BytesIO(data))
    picture.draft("RGB", (math.ceil(picture.width / shrink), math.ceil(picture.height / shrink)))
    return np.asarray(picture.convert("RGB"))


def _opencv(data: bytes, shrink: float) -> Pixels:
    reduced = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
    flag = next((flag for scale, flag in reduced.items() if shrink >= scale), cv2.IMREAD_COLOR)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION)
    if decoded is None:
        raise ValueError("OpenCV cannot decode the picture")
    return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)


def _simplejpeg(data: bytes, shrink: float) -> Pixels:
    height, width, _, _ = simplejpeg.decode_jpeg_header(data)
    least = {"min_height": math.ceil(height / shrink), "min_width": math.ceil(width / shrink)}
    decoded: Pixels = simplejpeg.decode_jpeg(data, "RGB", **least)
    return decoded


def main() -> None:
    """Print the floor and the cost of `Picture.view` and `encode` beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=6)
    photos = parser.parse_args().photos
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as name:
        paths = make_photographs(Path(name), photos)
        print(
            f"{photos} JPEGs of {WIDTH} x {HEIGHT}, {np.mean([p.stat().st_size for p in paths]) / 1e3:.0f} kB; CPU ms"
        )
        for size in ((224, 126), (448, 252), (640, 360), (960, 540), (1440, 810)):
            rows = []
            for path in paths:
                box, data = (0, 0, WIDTH, HEIGHT), path.read_bytes()
                least = floor(path, box, size)
                ours = cpu_ms(lambda d=data, b=box, s=size: encode(Picture(d).view(b, s)))  # type: ignore[misc]
                rows.append((least.total, ours, *least.decoding.values(), least.encoding))
            total, ours, *decoding, encoding = np.median(rows, axis=0)
            names = ", ".join(f"{name} {ms:.2f}" for name, ms in zip(least.decoding, decoding, strict=True))
            print(
                f"{size[0]:>5} x {size[1]:<4} floor {total:6.2f} (decoding: {names}; encoding {encoding:.2f})"
                f"  ours {ours:6.2f}  {ours / total:.2f} times"
            )


if __name__ == "__main__":
    main()
