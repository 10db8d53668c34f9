"""Pictures: opened safely, seen through one door, encoded one way.

Pillow opens; simplejpeg decodes JPEGs at a fraction of their size (the DCT scaling of libjpeg) and encodes; OpenCV
resamples by pixel area.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from ssrl_data.core import Pixels, Reject
from ssrl_data.media.opening import load, open_header, orientation

MARGIN = 1.15
"""Least factor by which a view shrinks what was decoded, so that the block grid of a source JPEG does not survive."""

QUALITY = 95

SCALES = (8, 4, 2)  # 1/s of the full size; libjpeg's other fractions are slower and their pixel grids do not nest

# EXIF orientation: whether to swap the axes, then to mirror x, then y, in that order.
_UPRIGHT = {
    1: (False, False, False),
    2: (False, True, False),
    3: (False, True, True),
    4: (False, False, True),
    5: (True, False, False),
    6: (True, True, False),
    7: (True, True, True),
    8: (True, False, True),
}
Box = tuple[int, int, int, int]


class Picture:
    """A still picture in a file's bytes; reads the header only until it is viewed.

    Args:
        data: the whole file.

    Raises:
        Reject: the bytes are no single still picture, or one beyond the limits.
    """

    __slots__ = ("_data", "_decoded", "_scalable", "_upright", "size")

    size: tuple[int, int]
    """Width and height in pixels, orientation applied."""

    @property
    def data(self) -> bytes:
        """The whole file."""
        return self._data

    @property
    def turned(self) -> bool:
        """Whether the file's EXIF orientation turns or mirrors the stored pixels."""
        return any(self._upright)

    def __init__(self, data: bytes) -> None:
        header = open_header(data)
        self._data = data
        self._decoded: dict[int, Pixels] = {}
        self._scalable = header.format in ("JPEG", "MPO") and header.mode in ("RGB", "L")
        self._upright = _UPRIGHT[orientation(header, data)]
        width, height = header.size
        self.size = (height, width) if self._upright[0] else (width, height)

    def view(self, box: Box, size: tuple[int, int]) -> Pixels:
        """Crop and resample without aliasing.

        A function of the file's bytes, `box` and `size` alone. A JPEG is decoded at the smallest of 1/8, 1/4, 1/2
        and 1/1 that leaves the crop at least `MARGIN` times `size`; the box is then rounded to the decoded grid, so
        it is off by at most half a decoded pixel, which is less than half a pixel of the view.

        Args:
            box: x0, y0, x1, y1 in native pixels, orientation applied, half-open, inside the picture.
            size: width and height of the view in pixels.

        Returns:
            The view: height x width x 3.

        Raises:
            Reject: the content is broken.
            ValueError: the box is empty or not inside the picture, or the size is not positive.
        """
        x0, y0, x1, y1 = box
        width, height = size
        if not (0 <= x0 < x1 <= self.size[0] and 0 <= y0 < y1 <= self.size[1]):
            raise ValueError(f"box {box} is empty or not inside a picture of {self.size[0]} x {self.size[1]} pixels")
        if width < 1 or height < 1:
            raise ValueError(f"size {size} must be at least 1 x 1")
        scale = 1
        if self._scalable:
            fits = (s for s in SCALES if x1 - x0 >= least_extent(width, s) and y1 - y0 >= least_extent(height, s))
            scale = next(fits, 1)
        decoded, scale = self._at(scale)

        swap, mirror_x, mirror_y = self._upright
        if mirror_x:
            x0, x1 = self.size[0] - x1, self.size[0] - x0
        if mirror_y:
            y0, y1 = self.size[1] - y1, self.size[1] - y0
        if swap:
            x0, y0, x1, y1 = y0, x0, y1, x1
            width, height = height, width
        (x0, x1), (y0, y1) = _span(x0, x1, scale), _span(y0, y1, scale)
        crop = decoded[y0:y1, x0:x1]
        crop = resampled(crop, width, height)
        if swap:
            crop = crop.transpose(1, 0, 2)
        if mirror_x:
            crop = crop[:, ::-1]
        if mirror_y:
            crop = crop[::-1]
        return crop.copy(order="C")

    def _at(self, scale: int) -> tuple[Pixels, int]:
        """All the pixels as stored in the file, and the scale they are at: 1 when only Pillow reads the file."""
        if self._scalable and scale not in self._decoded:
            pixels = _jpeg(self._data, scale)
            if pixels is None:
                self._scalable = False  # at every scale, since all of them read all of the file
            else:
                self._keep(pixels, scale)
        if not self._scalable:
            scale = 1
            if scale not in self._decoded:
                self._keep(load(self._data), scale)
        return self._decoded[scale], scale

    def _keep(self, pixels: Pixels, scale: int) -> None:
        width, height = self.size[::-1] if self._upright[0] else self.size
        if pixels.shape[:2] != (-(-height // scale), -(-width // scale)):
            raise Reject("corrupt")  # two readers of the header disagree
        self._decoded[scale] = pixels


def least_extent(size: int, scale: int) -> int:
    """The least native extent of a view of `size` for which a JPEG is decoded at 1/`scale`, one of `SCALES`."""
    return math.ceil(scale * (MARGIN * size + 1))  # rounding may cost a decoded pixel


def encode(pixels: Pixels) -> bytes:
    """The one encoder: a baseline JPEG of quality 95 without chroma subsampling and without metadata.

    Raises:
        ValueError: not height x width x 3 bytes.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"expected height x width x 3 of uint8, got {pixels.shape} of {pixels.dtype}")
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels), quality=QUALITY, colorspace="RGB", colorsubsampling="444", fastdct=False
    )
    return data


def decode(data: bytes) -> Pixels:
    """The pixels of an encoded picture, as a trainer would see them.

    Raises:
        Reject: not a whole JPEG.
    """
    pixels = _jpeg(data, 1)
    if pixels is None:
        raise Reject("corrupt")
    return pixels


def resampled(pixels: Pixels, width: int, height: int) -> Pixels:
    """Bilinear to a near whole multiple of the size, then the mean over whole blocks.

    Within 1.6 dB of the mean over real-valued blocks (OpenCV's INTER_AREA) at every factor, on photographs against
    Lanczos; in a third of its time at the factors that a scaled decode leaves; bilinear in OpenCV's exact integers.
    """
    across, down = (
        max(1, int(have / want + 0.4)) for have, want in zip(pixels.shape[1::-1], (width, height), strict=True)
    )
    out: NDArray[Any] = pixels
    if out.shape[:2] != (height * down, width * across):
        out = cv2.resize(out, (width * across, height * down), interpolation=cv2.INTER_LINEAR_EXACT)
    if (across, down) != (1, 1):
        out = cv2.resize(out, (width, height), interpolation=cv2.INTER_AREA)
    return out


def _span(low: int, high: int, scale: int) -> tuple[int, int]:
    """The nearest pixels of a grid `scale` times coarser; never empty."""
    start, stop = (2 * low + scale) // (2 * scale), (2 * high + scale) // (2 * scale)
    return (start, stop) if start < stop else (low // scale, low // scale + 1)


def _jpeg(data: bytes, scale: int) -> Pixels | None:
    """Pixels of a JPEG at 1/scale; None when another decoder should have a look.

    Raises:
        Reject: the entropy-coded data is damaged; other decoders would go on with garbage.
    """
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(data)
        pixels: Pixels = simplejpeg.decode_jpeg(
            data, colorspace="RGB", min_height=-(-height // scale), min_width=-(-width // scale), strict=True
        )
    except ValueError as error:
        # Also "extraneous bytes": what is left over when the decoder lost its place.
        if str(error).startswith("Corrupt JPEG data"):
            raise Reject("corrupt") from error
        return None
    return pixels
