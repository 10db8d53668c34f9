"""The files of pictures taken apart: what is in them besides pixels, and how they were encoded. Decodes nothing."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ssrl_data.row import digest

MAX_PIXELS = 64_000_000
"""Larger pictures are a fault and are not decoded: no model sees them, and a small file could fill the memory."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PLAIN = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_APP0, _APP15, _COMMENT, _QUANT, _SCAN, _END = 0xE0, 0xEF, 0xFE, 0xDB, 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_KNOWN = {b"Exif": "EXIF", b"http": "XMP", b"ICC_": "ICC profile", b"Phot": "Photoshop data", b"Adob": "Adobe marker"}


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A picture's file taken apart.

    Attributes:
        size: width and height in pixels; (0, 0) when no header says.
        encoding: format, process, sampling and quantisation tables, as one text that alike encodings share.
        extras: what is in the file besides the picture, in a few words each.
    """

    size: tuple[int, int]
    encoding: str
    extras: tuple[str, ...]


def anatomy(data: bytes) -> Anatomy | None:
    """Take a JPEG or PNG apart; None when it is neither, or is broken before its pixels."""
    try:
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data.startswith(_PNG):
            return _png(data)
    except (IndexError, struct.error):
        return None
    return None


def _jpeg(data: bytes) -> Anatomy | None:
    size, process, sampling = (0, 0), "", ""
    tables: list[str] = []
    extras: list[str] = []
    for marker, body in _segments(data):
        if marker in _FRAMES:
            height, width, components = struct.unpack(">HHB", body[1:6])
            size, process = (width, height), f"SOF{marker - 0xC0} {body[0]} bit"
            sampling = ",".join(f"{body[7 + 3 * i] >> 4}x{body[7 + 3 * i] & 15}" for i in range(components))
        elif marker == _QUANT:
            tables.append(digest(body)[:8])
        elif marker == _APP0 and body.startswith((b"JFIF\0", b"JFXX\0")):
            # A JFIF header is 14 bytes; beyond them lies a thumbnail.
            if body.startswith(b"JFXX") or len(body) > 14:
                extras.append("thumbnail")
        elif _APP0 <= marker <= _APP15:
            extras.append(_KNOWN.get(body[:4], f"APP{marker - _APP0} segment"))
        elif marker == _COMMENT:
            extras.append("comment")
        elif marker == _END and body:
            extras.append("bytes after the picture")
    if size == (0, 0):
        return None
    return Anatomy(size, f"JPEG {process} {sampling} tables {' '.join(tables)}", tuple(extras))


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker segments, also those between the scans of a progressive file; the last is what follows the end."""
    at = 2
    while at < len(data):
        if data[at] != 0xFF:
            # Entropy-coded data: up to the next marker that is neither a stuffed zero nor a restart.
            at = data.find(b"\xff", at)
            if at < 0:
                return
            if data[at + 1] == 0 or 0xD0 <= data[at + 1] < 0xD8:
                at += 2
                continue
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker == _END:
            yield marker, data[at + 2 :]
            return
        elif marker in _ALONE or marker == 0:
            at += 2
        else:
            length = struct.unpack(">H", data[at + 2 : at + 4])[0]
            yield marker, data[at + 4 : at + 2 + length]
            at += 2 + length


def _png(data: bytes) -> Anatomy | None:
    at, extras, header = len(_PNG), [], b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IHDR":
            header = data[at + 8 : at + 8 + length]
        elif kind not in _PNG_PLAIN:
            extras.append(f"{kind.decode('latin-1')} chunk")
        at += 12 + length
        if kind == b"IEND":
            break
    if at < len(data):
        extras.append("bytes after the picture")
    width, height = struct.unpack(">II", header[:8])
    return Anatomy((width, height), f"PNG depth {header[8]} colour {header[9]} interlace {header[12]}", tuple(extras))
