"""Files that are no clip, or no longer a whole one, and the reason for which each is rejected."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bad_pictures
from numbered_clips import box, numbered, sound_alone

CUT, CORRUPT, NONE, FEWER = "truncated", "corrupt", "not a clip", "fewer frames than declared"


def changed(data: bytes, at: int, form: str, *values: int) -> bytes:
    """The data with numbers written over it."""
    out = bytearray(data)
    struct.pack_into(form, out, at, *values)
    return bytes(out)


def zeroed(data: bytes, at: int, count: int) -> bytes:
    """The data with a range of it lost."""
    return data[:at] + bytes(count) + data[at + count :]


def with_duration(data: bytes, times: float) -> bytes:
    """A Matroska file that declares to last so many times as long."""
    at = data.index(b"\x44\x89\x88") + 3
    return changed(
        data, at, ">Q", *struct.unpack(">Q", struct.pack(">d", times * struct.unpack_from(">d", data, at)[0]))
    )


def clusters(data: bytes) -> list[int]:
    """Where the clusters of a Matroska file begin."""
    found, at = [], data.find(b"\x1f\x43\xb6\x75")
    while at >= 0:
        found.append(at)
        at = data.find(b"\x1f\x43\xb6\x75", at + 4)
    return found


def blocks(data: bytes) -> list[int]:
    """Where the simple blocks of the first cluster of a Matroska file begin."""
    at = clusters(data)[0] + 4
    at += 9 - data[at].bit_length()
    found = []
    while at < len(data) and data[at] in (0xBF, 0xE7, 0xA3):  # checksum, time, block
        if data[at] == 0xA3:
            found.append(at)
        length = 9 - data[at + 1].bit_length()
        size = int.from_bytes(data[at + 1 : at + 1 + length]) & ((1 << 7 * length) - 1)
        at += 1 + length + size
    return found


def cases(folder: Path) -> Iterator[tuple[str, bytes, str]]:
    """Name, content and reason of each; the folder is for the clips that they are made of."""
    mp4 = numbered(folder / "whole.mp4", 96, bf="3", g="24").read_bytes()
    first = numbered(folder / "first.mp4", 96, container={"movflags": "faststart"}).read_bytes()
    avi = numbered(folder / "whole.avi", 96, codec="mpeg4").read_bytes()
    mkv = numbered(folder / "whole.mkv", 96, g="24", container={"cluster_time_limit": "1000"}).read_bytes()
    webm = numbered(folder / "whole.webm", 96, codec="libvpx").read_bytes()
    pieces = numbered(
        folder / "pieces.mp4", 96, g="24", container={"movflags": "frag_keyframe+empty_moov"}
    ).read_bytes()

    yield "moov lost.mp4", mp4[: len(mp4) // 2], CUT
    yield "moov cut.mp4", mp4[:-200], CUT
    yield "data cut.mp4", first[: len(first) * 3 // 5], CUT
    yield "one byte lost.mp4", first[:-1], CUT
    yield "fragment cut.mp4", pieces[: len(pieces) * 3 // 5], CUT
    yield "cut.avi", avi[: len(avi) * 3 // 5], CUT
    yield "index cut.avi", avi[:-100], CUT
    yield "cut.mkv", mkv[: len(mkv) * 3 // 5], CUT
    yield "cut before a cluster.mkv", mkv[: clusters(mkv)[2]], CUT
    yield "cut before a block.mkv", mkv[: blocks(mkv)[9]], CUT
    yield "cut.webm", webm[: len(webm) * 3 // 5], CUT
    yield "cut before a block.webm", webm[: blocks(webm)[30]], CUT
    yield "start only.webm", webm[:40], CUT

    at = box(first, b"stsz") + 8
    yield "more samples.mp4", changed(first, at, ">I", 97), CORRUPT
    yield "millions of samples.mp4", changed(first, at, ">I", 5_000_000), CORRUPT
    yield "millions of equal samples.mp4", changed(first, at - 4, ">II", 1000, 5_000_000), FEWER
    at = box(first, b"stts") + 8
    yield "more times.mp4", changed(first, at, ">I", 144), FEWER
    at = box(first, b"mdhd") + 16
    yield "lasts twice as long.mp4", changed(first, at, ">I", 2 * struct.unpack_from(">I", first, at)[0]), FEWER
    yield "box too large.mp4", changed(first, box(first, b"trak") - 8, ">I", 0x7FFFFFFF), CORRUPT
    yield "box too small.mp4", changed(first, box(first, b"moov") - 8, ">I", 4), CORRUPT
    at = avi.index(b"avih") + 8 + 16
    yield "more in all.avi", changed(avi, at, "<I", 144), FEWER
    at = avi.index(b"strh") + 8 + 32
    yield "longer stream.avi", changed(avi, at, "<I", 144), FEWER
    yield "lasts twice as long.mkv", with_duration(mkv, 2), FEWER
    yield "lasts for years.webm", with_duration(webm, 1e8), FEWER
    at = box(first, b"avc1") + 24
    yield "huge.mp4", changed(first, at, ">HH", 65535, 65535), ""  # the stream itself says better

    yield "empty.mp4", b"", NONE
    yield "text.mp4", b"#EXTM3U\n#EXTINF:1,\nhttp://localhost/clip.ts\n" * 20, NONE
    yield "names a file.mp4", b"ffconcat version 1.0\nfile 'whole.mp4'\n", NONE
    yield "picture.mp4", bad_pictures.encoded(bad_pictures.photograph(), "PNG"), NONE
    yield "moving picture.mp4", bad_pictures.encoded(bad_pictures.photograph(), "GIF"), NONE
    yield "picture in boxes.mp4", bad_pictures.encoded(bad_pictures.photograph(), "AVIF"), NONE
    yield "zeros.mkv", bytes(5000), NONE
    yield "sound.mp4", sound_alone(folder / "sound.mp4").read_bytes(), "no pictures"
    yield "sound.mkv", sound_alone(folder / "sound.mkv").read_bytes(), "no pictures"
    yield from second_reader(folder)


def second_reader(folder: Path) -> Iterator[tuple[str, bytes, str]]:
    """What decord cannot read, damaged."""
    live = numbered(folder / "live.webm", codec="libvpx", container={"live": "1"}).read_bytes()
    yield "live cut.webm", live[: len(live) * 3 // 5], CUT
    closed: dict[str, Any] = {"codec": "libx265", "x265-params": "open-gop=0:keyint=10:bframes=4:log-level=none"}
    for suffix in ("mp4", "mov"):
        data = numbered(folder / f"h265.{suffix}", **closed, container={"movflags": "faststart"}).read_bytes()
        start = data.index(b"mdat") + 4
        yield f"h265 cut.{suffix}", data[: len(data) * 3 // 5], CUT
        yield f"h265 emptied.{suffix}", zeroed(data, start + (len(data) - start) // 2, 3000), CORRUPT
        yield f"h265 fewer times.{suffix}", changed(data, box(data, b"stts") + 12, ">I", 61), FEWER
    for codec in ("libx264", "libx265"):
        settings = closed if codec == "libx265" else {"g": "10", "bf": "3"}
        data = numbered(folder / f"{codec}.ts", **settings).read_bytes()
        middle = len(data) // 2 // 188 * 188
        yield f"{codec} cut.mts", data[: middle + 100], CUT
        yield f"{codec} lost packets.mts", data[:middle] + data[middle + 188 * 5 :], CORRUPT


def write(folder: Path, scratch: Path) -> dict[str, str]:
    """Write each of them; what opening each must say by name."""
    expected = {}
    for name, data, reason in cases(scratch):
        (folder / name).write_bytes(data)
        expected[name] = reason
    return expected
