"""What the container of a clip says of itself, read before it is decoded.

FFmpeg shows the frames that are there and seldom says which are lost: a file cut between two blocks, or one whose
header counts more frames than follow, decodes without a word. It also takes play lists, which name other files, and
pictures. So the headers are read here: MP4 and QuickTime (ISO/IEC 14496-12), AVI (RIFF, with OpenDML) and Matroska and
WebM (RFC 9559). Of the other containers, which state neither size nor count, only the first bytes are looked at.

Memory does not grow with the file, and time only with the number of its boxes, of which `MOST` are looked at. Values
that honest files have wrong (sizes never filled in, edit lists, fragments, sound longer than the picture) pass.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

MOST = 1 << 22
"""Boxes, chunks or elements that are looked at."""

LONGER, SPARE = 1.5, 1.0
"""A clip lies about its length that declares more than so many times what there is and so many seconds."""

LOST = 0.99
"""Least share of the frames declared in AVI that must be there, but for one: recorders miscount by that."""

TRUNCATED, CORRUPT, NOT_A_CLIP, FEWER = "truncated", "corrupt", "not a clip", "fewer frames than declared"

DEEP = 6
"""Lists in lists, in AVI."""

_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"moof", b"sidx", b"uuid")
_OTHERS = (
    *(b"OggS", b"FLV\x01", b"YUV4MPEG2 "),
    *(b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"),  # MPEG program and video streams
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF
)
_PACKETS = ((0, 188), (4, 192))  # where a transport stream has its first mark `G`, and how far on the next one

_EBML, _SEGMENT, _INFO, _SCALE, _DURATION = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x2AD7B1, 0x4489
_CLUSTER, _TIME, _SIMPLE, _GROUP, _BLOCK, _LASTS = 0x1F43B675, 0xE7, 0xA3, 0xA0, 0xA1, 0x9B
_TOP = {_INFO, _CLUSTER, 0x114D9B74, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, _SEGMENT, _EBML}


class Damaged(Exception):
    """The clip cannot be read; the reason is a few fixed words."""


def check(path: str) -> None:
    """Look for what a decoder would not tell.

    Raises:
        Damaged: `not a clip`, `truncated`, `corrupt`, or `fewer frames than declared`.
        OSError: the file cannot be read.
    """
    with open(path, "rb") as file:
        _File(file).check()


class _File:
    """A file that is looked into by place, and how often that may still be done."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, os.SEEK_END)
        self.left = MOST

    def read(self, at: int, count: int) -> bytes:
        """Bytes at a place, fewer at the end."""
        self.file.seek(at)
        return self.file.read(count)

    def exactly(self, at: int, count: int) -> bytes:
        """Bytes at a place that must be there."""
        data = self.read(at, count)
        if len(data) < count:
            raise Damaged(TRUNCATED)
        return data

    def step(self) -> None:
        """Count one more box, chunk or element."""
        self.left -= 1
        if self.left < 0:
            raise Damaged(CORRUPT)

    def check(self) -> None:
        start = self.read(0, 400)
        if start[4:8] in _BOXES:
            _check_mp4(self)
        elif start[:4] == b"RIFF" and start[8:12] == b"AVI ":
            _check_avi(self)
        elif int.from_bytes(start[:4]) == _EBML:
            _check_matroska(self)
        elif packet := next((b for a, b in _PACKETS if start[a::b][:2] == b"GG"), 0):
            if self.size % packet:
                raise Damaged(TRUNCATED)
            raise Damaged("transport stream")  # decord cannot go back to its start, and gives wrong frames
        elif not start.startswith(_OTHERS):
            raise Damaged(NOT_A_CLIP)


# MP4 -----------------------------------------------------------------------------------------------------------------


def _boxes(file: _File, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the content of each box in a range; stops at what is none."""
    while at + 8 <= end:
        file.step()
        head = file.read(at, 16)
        length, kind = int.from_bytes(head[:4]), head[4:8]
        inside = at + 8
        if length == 1:
            length, inside = int.from_bytes(head[8:16]), at + 16
        elif length == 0:
            length = end - at
        if not all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in kind):
            return
        if length < inside - at:
            raise Damaged(CORRUPT)
        yield kind, inside, at + length
        at += length


def _check_mp4(file: _File) -> None:
    movie: tuple[int, int] | None = None
    picture = False
    for kind, start, end in _boxes(file, 0, file.size):
        if end > file.size and kind in _BOXES:
            raise Damaged(TRUNCATED)
        if kind == b"moov" and movie is None:
            movie = start, end
        picture |= kind == b"meta"  # where pictures in the same boxes have theirs
    if movie is None:
        raise Damaged(NOT_A_CLIP if picture else TRUNCATED)
    if any(kind == b"mvex" for kind, _, _ in _inside(file, *movie)):
        return  # fragments: the tables are empty, and each fragment has its own
    for kind, start, end in _inside(file, *movie):
        if kind == b"trak":
            _check_track(file, start, end)


def _inside(file: _File, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of a box, none of which is larger than it."""
    for box in _boxes(file, start, end):
        if box[2] > end:
            raise Damaged(CORRUPT)
        yield box


def _check_track(file: _File, start: int, end: int) -> None:
    """The tables of a track of pictures against each other."""
    found: dict[bytes, tuple[int, int]] = {}
    for outer in (b"", b"mdia", b"minf", b"stbl"):
        for kind, a, b in _inside(file, *(found.get(outer, (0, 0)) if outer else (start, end))):
            if kind in (b"mdia", b"minf", b"stbl", b"hdlr", b"mdhd", b"stsz", b"stts"):
                found.setdefault(kind, (a, b))
    if b"hdlr" not in found or file.read(found[b"hdlr"][0] + 8, 4) != b"vide" or b"stsz" not in found:
        return
    at, to = found[b"stsz"]
    alike, samples = struct.unpack(">II", file.exactly(at + 4, 8))
    if not alike and 12 + 4 * samples > to - at:
        raise Damaged(CORRUPT)
    if alike * samples > file.size:
        raise Damaged(FEWER)
    if b"stts" not in found or b"mdhd" not in found:
        raise Damaged(CORRUPT)
    at, to = found[b"stts"]
    entries = int.from_bytes(file.exactly(at + 4, 4))
    if 8 + 8 * entries > to - at or entries > MOST:
        raise Damaged(CORRUPT)
    table = np.frombuffer(file.exactly(at + 8, 8 * entries), ">u4").reshape(-1, 2).astype(np.float64)
    if table[:, 0].sum() > samples:
        raise Damaged(FEWER)
    units, lasts = _media_header(file, *found[b"mdhd"])
    if lasts > LONGER * float((table[:, 0] * table[:, 1]).sum()) + SPARE * units:
        raise Damaged(FEWER)


def _media_header(file: _File, at: int, end: int) -> tuple[int, int]:
    """Units a second, and how many of them a track lasts; 0 where that is not known."""
    wide = file.exactly(at, 1) == b"\x01"
    units, lasts = struct.unpack(">IQ" if wide else ">II", file.exactly(at + (20 if wide else 12), 12 if wide else 8))
    return units, 0 if lasts == (1 << (64 if wide else 32)) - 1 else lasts


# AVI -----------------------------------------------------------------------------------------------------------------


def _chunks(file: _File, at: int, end: int, depth: int = 0) -> Iterator[tuple[bytes, int]]:
    """Name and start of the content of each chunk in a range, also in lists; stops at what is none."""
    while at + 8 <= end:
        file.step()
        head = file.read(at, 8)
        if len(head) < 8 or not all(0x20 <= byte < 0x7F for byte in head[:4]):
            return
        length = int.from_bytes(head[4:], "little")
        if head[:4] in (b"RIFF", b"LIST") and length in (0, 0xFFFFFFFF):  # never filled in: the recorder was stopped
            length = end - at - 8
        if at + 8 + length > file.size:
            raise Damaged(TRUNCATED)
        if head[:4] not in (b"RIFF", b"LIST"):
            yield head[:4], at + 8
        elif depth < DEEP:
            yield from _chunks(file, at + 12, at + 8 + length, depth + 1)
        at += 8 + length + length % 2


def _check_avi(file: _File) -> None:
    total = 0
    videos: dict[bytes, int] = {}
    frames: dict[bytes, int] = {}
    streams = 0
    for name, start in _chunks(file, 0, file.size):
        if name == b"avih":
            total = int.from_bytes(file.read(start + 16, 4), "little")
        elif name == b"strh":
            if file.read(start, 4) == b"vids":
                videos[b"%02d" % streams] = int.from_bytes(file.read(start + 32, 4), "little")
            streams += 1
        elif name[2:] in (b"dc", b"db") and name[:2].isdigit():  # an empty one too: the frame before is shown on
            frames[name[:2]] = frames.get(name[:2], 0) + 1
    if any(frames.get(stream, 0) < LOST * max(length, total) - 1 for stream, length in videos.items()):
        raise Damaged(FEWER)


# Matroska ------------------------------------------------------------------------------------------------------------


def _elements(file: _File, at: int, end: int) -> Iterator[tuple[int, int, int | None]]:
    """Identifier, start and end of each element in a range; an end that is not stated is None and ends the walk."""
    while at < end:
        file.step()
        head = file.read(at, 12)
        name, used = _number(head, keep=True)
        length, more = _number(head[used:]) if used else (0, 0)
        if not used or not more:
            return
        start = at + used + more
        if length == (1 << 7 * more) - 1:
            yield name, start, None
            return
        yield name, start, start + length
        at = start + length


def _number(data: bytes, keep: bool = False) -> tuple[int, int]:
    """A number of variable length and its bytes, 0 when it is none; identifiers keep their mark."""
    length = 9 - data[0].bit_length() if data and data[0] else 0
    if not length or length > len(data):
        return 0, 0
    value = int.from_bytes(data[:length])
    return value if keep else value & ((1 << 7 * length) - 1), length


def _check_matroska(file: _File) -> None:
    duration, scale, last = 0.0, 1_000_000, 0
    cluster: tuple[int, int] | None = None
    at, end = _segment(file)
    while at < end:
        stop = end
        for name, start, found in _elements(file, at, end):
            if found is not None and found > file.size:
                raise Damaged(TRUNCATED)
            if name == _INFO and found is not None:
                duration, scale = _info(file, start, found)
            elif name == _CLUSTER:
                cluster = start, end if found is None else found
            if found is None:
                stop = _open_end(file, start, end) if name == _CLUSTER else end
        at = stop
    if cluster is not None:
        last = _last(file, *cluster)
    if duration * scale > LONGER * last * scale + SPARE * 1e9:
        raise Damaged(FEWER)


def _segment(file: _File) -> tuple[int, int]:
    """Where the content of the first segment begins and ends."""
    for name, start, end in _elements(file, 0, file.size):
        if end is not None and end > file.size:
            break
        if name == _SEGMENT:
            return start, file.size if end is None else end
    raise Damaged(TRUNCATED)


def _info(file: _File, start: int, end: int) -> tuple[float, int]:
    """The declared duration, in units of so many nanoseconds."""
    duration, scale = 0.0, 1_000_000
    for name, at, to in _elements(file, start, end):
        data = file.read(at, 8 if to is None else min(8, to - at))
        if name == _SCALE:
            scale = int.from_bytes(data)
        elif name == _DURATION and len(data) in (4, 8):
            (duration,) = struct.unpack(">f" if len(data) == 4 else ">d", data)
    return duration, scale


def _open_end(file: _File, start: int, end: int) -> int:
    """Where a cluster ends that does not say so: at the next element that no cluster holds."""
    at = start
    for name, _, to in _elements(file, start, end):
        if name in _TOP:
            return at
        if to is None:
            return end
        if to > file.size:
            raise Damaged(TRUNCATED)
        at = to
    return end


def _last(file: _File, start: int, end: int) -> int:
    """The time at which the last block of a cluster ends, as far as that is stated."""
    base = last = 0
    for name, at, to in _elements(file, start, end):
        if to is None or name in _TOP:
            break
        if name == _TIME:
            base = int.from_bytes(file.read(at, min(8, to - at)))
        elif name == _SIMPLE:
            last = max(last, base + _offset(file, at))
        elif name == _GROUP:
            time = lasts = 0
            for inner, a, b in _elements(file, at, to):
                if inner == _BLOCK:
                    time = _offset(file, a)
                elif inner == _LASTS and b is not None:
                    lasts = int.from_bytes(file.read(a, min(8, b - a)))
            last = max(last, base + time + lasts)
    return last


def _offset(file: _File, at: int) -> int:
    """The time of a block within its cluster."""
    head = file.read(at, 12)
    _, track = _number(head)
    return int.from_bytes(head[track : track + 2], signed=True)
