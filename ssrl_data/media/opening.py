"""Opening picture files that nobody vouches for: header, limits, orientation and canonical pixels, by Pillow.

Content decides, never a file's name. What can be opened at all has one canonical form: alpha over white, RGB, 8 bits,
no metadata (colour profiles are ignored, as the public training pipelines do). Integer greys above 8 bits run to 65535
and floats to 1. Everything else is a `Reject` with fixed words, and nothing else is raised.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ssrl_data.core import Pixels, Reject

MAX_PIXELS = 128_000_000
"""Largest picture that is decoded: 384 MB of pixels, above the 108 megapixels of phones."""

MAX_SCANS = 200
"""Most scans of a progressive JPEG: each costs a pass over the picture, so a small file could take minutes."""

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")

_OURS = (MemoryError, ImportError)  # trouble of the machine or the installation, not of the file
_ORIENTATION_TAG = 0x0112
_EIGHT_BITS = ((np.arange(65536) + 128) // 257).astype(np.uint8)  # of a 16-bit grey, rounded
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*")


def open_header(data: bytes) -> Image.Image:
    """Header of the picture.

    Raises:
        Reject: no single still picture, or one beyond the limits.
    """
    if not data:
        raise Reject("empty file")
    try:
        # Pillow warns of size (the limit here is ours) and of damaged metadata (which is dropped).
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
            frames = picture.format not in ("JPEG", "MPO") and getattr(picture, "is_animated", False)
    except _OURS:
        raise
    except Exception as error:  # decoders fed with hostile bytes raise nearly anything
        raise Reject(_reason(error, data)) from error
    if picture.width * picture.height > MAX_PIXELS:
        raise Reject("too many pixels")
    if frames:
        raise Reject("several pages" if picture.format == "TIFF" else "animated")
    if picture.info.get("progressive") and data.count(b"\xff\xda") > MAX_SCANS:
        raise Reject("too many scans")
    return picture


def orientation(picture: Image.Image, data: bytes) -> int:
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
    except _OURS:
        raise
    except Exception:  # damaged metadata does not make a picture unusable
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def load(data: bytes) -> Pixels:
    """Canonical pixels by Pillow, as stored in the file.

    Raises:
        Reject: the content is broken, or its values have no known range.
    """
    picture = open_header(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture.load()
            if picture.mode.startswith("I"):
                return _grey(_EIGHT_BITS[_within(np.asarray(picture), 65535)])
            if picture.mode == "F":
                return _grey(np.rint(255 * _within(np.asarray(picture), 1)).astype(np.uint8))
            if picture.has_transparency_data:
                picture = picture.convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
            return np.array(picture.convert("RGB"))
    except (*_OURS, Reject):
        raise
    except Exception as error:  # as in open_header
        raise Reject(_reason(error, data)) from error


def _within(values: NDArray[Any], top: int) -> NDArray[Any]:
    if not (values.min() >= 0 and values.max() <= top):
        raise Reject("unknown value range")
    return values


def _grey(values: Pixels) -> Pixels:
    return np.repeat(values[:, :, None], 3, axis=2)


def _reason(error: Exception, data: bytes) -> str:
    """Fixed words for what a decoder said."""
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels"
    if isinstance(error, UnidentifiedImageError):
        return "corrupt" if data.startswith(_SIGNATURES) else "not a picture"
    message = str(error).lower()
    if "truncated" in message or "end of file" in message:
        return "truncated"
    if "text" in message and "too large" in message:
        return "metadata too large"
    return "corrupt"
