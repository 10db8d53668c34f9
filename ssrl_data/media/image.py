"""Pictures: opened safely, seen through one door, encoded one way.

Content decides, never a file's name. What can be opened at all has one canonical form: orientation applied, alpha over
white, RGB, 8 bits, no metadata (colour profiles are ignored, as the public training pipelines do). Everything else is
a `Reject` with fixed words. Pillow opens; simplejpeg decodes JPEGs at a fraction of their size (the DCT scaling of
libjpeg) and encodes; OpenCV resamples by pixel area.
"""

from __future__ import annotations

import io
import warnings

import cv2
import numpy as np
import simplejpeg
from PIL import Image, UnidentifiedImageError

from ssrl_data.core import Pixels, Reject

MARGIN = 1.15
"""Least factor by which a view shrinks what was decoded, so that the block grid of a source JPEG does not survive."""

MAX_PIXELS = 128_000_000
"""Largest picture that is decoded: 384 MB of pixels, above the 108 megapixels of phones."""

MAX_SCANS = 200
"""Most scans of a progressive JPEG: each costs a pass over the picture, so a small file could take minutes."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")

QUALITY = 95

_SCALES = (8, 4, 2)  # 1/s of the full size; libjpeg's other fractions are slower and their pixel grids do not nest

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
_ORIENTATION_TAG = 0x0112

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

    def __init__(self, data: bytes) -> None:
        header = _open(data)
        self._data = data
        self._decoded: dict[int, Pixels] = {}
        self._scalable = header.format in ("JPEG", "MPO") and header.mode in ("RGB", "L")
        self._upright = _UPRIGHT[_orientation(header, data)]
        width, height = header.size
        self.size = (height, width) if self._upright[0] else (width, height)

    def view(self, box: Box, size: tuple[int, int]) -> Pixels:
        """Crop and resample by pixel area.

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
            shrink = min((x1 - x0) / width, (y1 - y0) / height)
            scale = next((s for s in _SCALES if shrink >= s * MARGIN), 1)
        decoded = self._at(scale)

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
        if crop.shape[:2] != (height, width):
            crop = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        if swap:
            crop = crop.transpose(1, 0, 2)
        if mirror_x:
            crop = crop[:, ::-1]
        if mirror_y:
            crop = crop[::-1]
        return crop.copy(order="C")

    def _at(self, scale: int) -> Pixels:
        """All the pixels at 1/scale, as stored in the file (not yet upright)."""
        if scale not in self._decoded:
            self._decoded[scale] = self._decode(scale)
        return self._decoded[scale]

    def _decode(self, scale: int) -> Pixels:
        if self._scalable:
            pixels = _jpeg(self._data, scale)
            if pixels is not None:
                return pixels
            if scale > 1:
                # Only Pillow reads this one: shrink its full size to the same grid.
                full = self._at(1)
                height, width = -(-full.shape[0] // scale), -(-full.shape[1] // scale)
                padded = np.pad(
                    full, ((0, height * scale - full.shape[0]), (0, width * scale - full.shape[1]), (0, 0)), "edge"
                )
                return np.asarray(cv2.resize(padded, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        return _load(self._data)


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


def _span(low: int, high: int, scale: int) -> tuple[int, int]:
    """The nearest pixels of a grid `scale` times coarser; never empty."""
    start, stop = (2 * low + scale) // (2 * scale), (2 * high + scale) // (2 * scale)
    return (start, stop) if start < stop else (low // scale, low // scale + 1)


def _open(data: bytes) -> Image.Image:
    """Header of the picture.

    Raises:
        Reject: as in `Picture`.
    """
    if not data:
        raise Reject("empty file")
    try:
        # Pillow warns of size (the limit here is ours) and of damaged metadata (which is dropped).
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
            frames = picture.format not in ("JPEG", "MPO") and getattr(picture, "is_animated", False)
    except MemoryError:
        raise
    except Exception as error:  # decoders fed with hostile bytes raise nearly anything
        raise Reject(_reason(error)) from error
    if picture.width * picture.height > MAX_PIXELS:
        raise Reject("too many pixels")
    if frames:
        raise Reject("several pages" if picture.format == "TIFF" else "animated")
    if picture.info.get("progressive") and data.count(b"\xff\xda") > MAX_SCANS:
        raise Reject("too many scans")
    return picture


def _orientation(picture: Image.Image, data: bytes) -> int:
    """EXIF orientation, 1 to 8; 1 when there is none or it is damaged."""
    if picture.format == "TIFF":
        return 1  # Pillow turns these itself
    # Pillow decodes a whole PNG to look for EXIF behind its pixels: only where there is some.
    behind = picture.format == "PNG" and b"eXIf" in data
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exif = picture.getexif() if behind else Image.Image.getexif(picture)
            value = exif.get(_ORIENTATION_TAG, 1)
    except MemoryError:
        raise
    except Exception:  # damaged metadata does not make a picture unusable
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


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
        message = str(error)
        if message.startswith("Corrupt JPEG data") and "extraneous bytes" not in message:
            raise Reject("corrupt") from error
        return None
    return pixels


def _load(data: bytes) -> Pixels:
    """Canonical pixels by Pillow, as stored in the file.

    Raises:
        Reject: the content is broken, or its values have no known range.
    """
    picture = _open(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture.load()
            if picture.mode.startswith("I;16"):
                return _grey(np.asarray(picture).astype(np.float32) / 65535)
            if picture.mode == "I":
                return _grey(np.asarray(picture).astype(np.float64) / 65535)
            if picture.mode == "F":
                return _grey(np.asarray(picture))
            if picture.has_transparency_data:
                picture = picture.convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
            return np.array(picture.convert("RGB"))
    except (MemoryError, Reject):
        raise
    except Exception as error:  # as in _open
        raise Reject(_reason(error)) from error


def _grey(values: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> Pixels:
    """Grey values in [0, 1] as three equal channels."""
    if not (values.min() >= 0 and values.max() <= 1):
        raise Reject("unknown value range")
    grey = np.rint(values * 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _reason(error: Exception) -> str:
    """Fixed words for what a decoder said."""
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels"
    if isinstance(error, UnidentifiedImageError):
        return "not a picture"
    message = str(error).lower()
    if "truncated" in message or "end of file" in message:
        return "truncated"
    if "text" in message and "too large" in message:
        return "metadata too large"
    return "corrupt"
