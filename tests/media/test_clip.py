"""Clips of all codecs and containers: every frame of a reel is the one that its time says."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numbered_clips import box, number, numbered, numbers, painted, sound_alone, turned, with_sound

from ssrl_data.core import Reject
from ssrl_data.media.clip import REEL_FRAMES, REEL_GAP, REEL_PIXELS, Clip, Reel
from ssrl_data.media.readers import Decord, PyAv, Reader

UNEVEN = np.cumsum([0] + [40 if i % 3 else 120 for i in range(59)]).tolist()
EVEN = [i * 1000 / 24 for i in range(60)]

CLOSED: dict[str, Any] = {"codec": "libx265", "x265-params": "keyint=30:open-gop=0:bframes=3:log-level=none"}
"""As telephones record; decord cannot read it."""

CASES: dict[str, dict[str, Any]] = {
    "h264.mp4": {"bf": "3", "g": "30"},
    "h264.mkv": {"bf": "3", "g": "30"},
    "ten-bit.mp4": {"pixels": "yuv420p10le"},
    "odd.mkv": {"pixels": "yuv444p", "size": (321, 241)},
    "uneven.mp4": {"times": UNEVEN, "bf": "3"},
    "uneven.mkv": {"times": UNEVEN, "bf": "3"},
    "h265.mp4": {"codec": "libx265", "x265-params": "log-level=none"},
    "vp8.webm": {"codec": "libvpx"},
    "vp9.webm": {"codec": "libvpx-vp9", "deadline": "realtime", "cpu-used": "8"},
    "av1.mp4": {"codec": "libsvtav1", "preset": "10", "crf": "20"},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mpeg4-b.avi": {"codec": "mpeg4", "bf": "2"},
    "mpeg2.mpg": {"codec": "mpeg2video", "bf": "2"},
    "motion-jpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "wmv2.wmv": {"codec": "wmv2"},
    "flash.flv": {"codec": "flv"},
    "fragments.mp4": {"container": {"movflags": "frag_keyframe+empty_moov"}, "g": "12"},
    "closed.mp4": CLOSED,
    "closed.mov": CLOSED,
    "closed.mkv": CLOSED,
    "closed-ten-bit.mp4": CLOSED | {"pixels": "yuv420p10le"},
    "closed-uneven.mov": CLOSED | {"times": UNEVEN},
    "open.mov": {"codec": "libx265", "x265-params": "keyint=20:open-gop=1:bframes=3:log-level=none"},
    "live.webm": {"codec": "libvpx", "container": {"live": "1"}},
    "h264.ts": {"bf": "3", "g": "20"},
    "h264.m2ts": {"bf": "3", "g": "20"},
    "h265.ts": CLOSED,
    "mpeg2.ts": {"codec": "mpeg2video", "bf": "2"},
    "mpeg2.vob": {"codec": "mpeg2video", "bf": "2", "g": "12"},
    "index-first.mp4": {"container": {"movflags": "faststart"}},
}


def check_frames(reel: Reel, times: list[float], least: float = 0.0) -> list[int]:
    """The numbers of the frames; fails where one is not the one shown at its time (in milliseconds)."""
    found = [number(frame) for frame in reel.frames]
    assert len(found) == len(reel.times)
    stated = [(times[n] - least) / 1000 for n in found]
    assert np.abs(np.array(reel.times) - stated).max() <= 0.0011  # some containers count in milliseconds
    assert all(a < b for a, b in pairwise(reel.times))
    return found


@pytest.mark.parametrize("name", CASES)
def test_each_frame_is_the_one_that_its_time_says(name: str, tmp_path: Path) -> None:
    settings = dict(CASES[name])
    size = settings.pop("size", (320, 240))
    reel = Clip(numbered(tmp_path / name, 60, size, **settings)).reel
    times = settings.get("times", EVEN)
    assert check_frames(reel, times) == list(range(60))
    assert reel.size == size
    assert reel.frames.shape == (60, size[1], size[0], 3)
    assert reel.duration == pytest.approx(times[-1] / 1000, abs=0.13)


@pytest.mark.parametrize("size", [(33, 64), (48, 64), (96, 64), (100, 64), (52, 2000), (2000, 52)])
def test_rows_of_any_length_are_read(size: tuple[int, int], tmp_path: Path) -> None:
    reel = Clip(numbered(tmp_path / "narrow.mkv", 6, size, pixels="yuv444p")).reel
    assert reel.frames.shape[3] == 3
    assert check_frames(reel, EVEN) == list(range(6))


@pytest.mark.parametrize("seconds", [1.0, 2.5, 9.0])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_changes_nothing(suffix: str, seconds: float, tmp_path: Path) -> None:
    silent = numbered(tmp_path / f"silent{suffix}")
    reel = Clip(with_sound(silent, tmp_path / f"loud{suffix}", seconds)).reel
    assert check_frames(reel, EVEN) == list(range(60))
    assert reel.times == Clip(silent).reel.times


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_alone_is_no_clip(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(Reject, match=r"^no pictures$"):
        _ = Clip(sound_alone(tmp_path / f"sound{suffix}")).reel


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("size", [(160, 120), (640, 360)])
@pytest.mark.parametrize("settings", [{}, CLOSED], ids=["decord", "pyav"])
def test_a_turned_clip_stands_upright_at_any_scale(
    settings: dict[str, Any], size: tuple[int, int], degrees: int, tmp_path: Path
) -> None:
    shown = size if degrees in (0, 180) else size[::-1]
    stored = (np.rot90(painted(i, shown), degrees // 90) for i in range(24))
    clip = turned(
        numbered_frames(tmp_path / "turned.mp4", stored, **settings),
        degrees,
        size,
    )
    reel = Clip(clip).reel
    assert reel.size == shown
    width, height = shown
    scale = min(1.0, (REEL_PIXELS / (width * height)) ** 0.5)
    assert reel.frames.shape[1:3] == (round(height * scale), round(width * scale))
    assert check_frames(reel, EVEN) == list(range(24))


def numbered_frames(path: Path, frames: Any, **settings: Any) -> Path:
    from made_clips import write_clip

    return write_clip(path, (np.ascontiguousarray(frame) for frame in frames), **settings)


def test_a_trimmed_clip_begins_where_its_edit_list_says(tmp_path: Path) -> None:
    path = numbered(tmp_path / "trimmed.mp4", g="10", bf="0")
    data = bytearray(path.read_bytes())
    at, scale = box(data, b"elst") + 8, struct.unpack_from(">I", data, box(data, b"mdhd") + 12)[0]
    lasts, start = struct.unpack_from(">Ii", data, at)
    struct.pack_into(">Ii", data, at, lasts - round(1000 * 20 / 24), start + scale * 20 // 24)
    path.write_bytes(data)
    reel = Clip(path).reel
    assert check_frames(reel, EVEN, EVEN[number(reel.frames[0])])[-1] == 59
    assert number(reel.frames[0]) == 20


def test_one_frame_is_a_clip(tmp_path: Path) -> None:
    for name in ("one.mp4", "one.mkv"):
        reel = Clip(numbered(tmp_path / name, 1)).reel
        assert (reel.times, number(reel.frames[0])) == ((0.0,), 0)


def test_times_begin_with_the_first_frame(tmp_path: Path) -> None:
    times = [7000 + 40 * i for i in range(30)]
    reel = Clip(numbered(tmp_path / "late.mkv", 30, times=times)).reel
    assert check_frames(reel, times, 7000) == list(range(30))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5,000 frames, 25 a second: 200 seconds."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return numbered(path, 5000, (64, 48), rate=25, preset="ultrafast", g="100")


def test_of_a_long_clip_the_middle_is_kept_evenly(long: Path) -> None:
    reel = Clip(long).reel
    found = check_frames(reel, [40.0 * i for i in range(5000)])
    assert 0.9 * REEL_FRAMES < len(found) <= REEL_FRAMES
    assert len({b - a for a, b in pairwise(found)}) == 1
    assert all(b - a <= REEL_GAP + 0.05 for a, b in pairwise(reel.times))
    assert abs((reel.times[0] + reel.times[-1]) / 2 - 100) < 1
    assert reel.duration == pytest.approx(200, abs=0.1)


def test_parts_cover_a_clip_and_share_no_frame(tmp_path: Path) -> None:
    path = numbered(tmp_path / "clip.mp4", 560, (64, 48), bf="3", g="100", preset="ultrafast")
    times = [i * 1000 / 24 for i in range(560)]
    found = [check_frames(Clip(path, (i, 4)).reel, times) for i in range(4)]
    assert [n for part in found for n in part] == list(range(560))
    assert all(139 <= len(part) <= 141 for part in found)


def test_parts_of_a_long_clip_have_the_files_times(long: Path) -> None:
    times = [40.0 * i for i in range(5000)]
    parts = [Clip(long, (i, 5)).reel for i in range(5)]
    found = [check_frames(reel, times) for reel in parts]
    for i, part in enumerate(found):
        assert len(part) > 0.6 * REEL_FRAMES
        assert 1000 * i <= part[0] < part[-1] < 1000 * (i + 1)
        assert part[-1] - part[0] > 950
        assert len({b - a for a, b in pairwise(part)}) == 1


def test_more_parts_than_frames_are_rejected_one_by_one(tmp_path: Path) -> None:
    path = numbered(tmp_path / "short.mp4", 3, (64, 48))
    for i, held in enumerate([[0], [], [1], [], [], [2], [], []]):
        clip = Clip(path, (i, 8))
        if held:
            assert [number(frame) for frame in clip.reel.frames] == held
        else:
            with pytest.raises(Reject, match=r"^no frames$"):
                _ = clip.reel


def test_an_odd_name_is_no_obstacle(tmp_path: Path) -> None:
    data = numbered(tmp_path / "clip.mp4", 5, (64, 48)).read_bytes()
    for name in (b"\xff\xfe.mp4", "é ü.mp4".encode(), b"a%d:b?.mp4", b"line\nbreak.mp4"):
        path = bytes(tmp_path) + b"/" + name
        with open(path, "wb") as file:
            file.write(data)
        assert len(Clip(path).reel.times) == 5


def test_frames_are_shared_and_cannot_be_written_to(tmp_path: Path) -> None:
    clip = Clip(numbered(tmp_path / "clip.mp4", 5, (64, 48)))
    assert clip.reel is clip.reel
    view = clip.view(2, (0, 0, 64, 48), (32, 24))
    assert view is clip.view(2, (0, 0, 64, 48), (32, 24))
    for pixels in (view, clip.reel.frames, clip.reel.frames[3]):
        assert not pixels.flags.writeable
    with pytest.raises(ValueError, match="not inside a frame of 64 x 48"):
        clip.view(0, (0, 0, 65, 48), (32, 24))


def test_thumbnails_are_the_frames_made_small(tmp_path: Path) -> None:
    reel = Clip(numbered(tmp_path / "clip.mp4", 20)).reel
    assert reel.thumbnails.shape == (20, 24, 32, 3)
    assert reel.thumbnails.dtype == np.float32
    truth = np.array([frame[:, :, ::-1] for frame in numbers(20)]).reshape(20, 24, 10, 32, 10, 3).mean((2, 4))
    assert np.abs(reel.thumbnails - truth).mean() < 4


COLOURS: dict[str, dict[str, Any]] = {
    "plain": {},
    "bt709": {"x264-params": "colormatrix=bt709:colorprim=bt709:transfer=bt709"},
    "full range": {"pixels": "yuvj420p"},
}


@pytest.mark.parametrize("name", COLOURS)
def test_both_readers_show_the_same_colours(name: str, tmp_path: Path) -> None:
    path = str(numbered(tmp_path / "clip.mp4", 6, (640, 480), bf="3", **COLOURS[name]))
    readers: list[Reader] = [PyAv(path), Decord(path)]
    first, second = ([frame.astype(float) for frame in reader.frames(np.arange(6))] for reader in readers)
    assert np.abs(np.array(first) - second).mean() < 0.5


def test_a_recording_that_begins_in_the_midst_begins_with_its_first_key_frame(tmp_path: Path) -> None:
    data = numbered(tmp_path / "whole.ts", g="20", bf="3", sc_threshold="0").read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    tables = [packet for packet in packets[:10] if int.from_bytes(packet[1:3]) & 0x1FFF in (0, 0x11, 0x1000)]
    path = tmp_path / "late.ts"
    path.write_bytes(b"".join(tables + packets[len(packets) // 5 :]))
    reel = Clip(path).reel
    found = [number(frame) for frame in reel.frames]
    assert found in (list(range(20, 60)), list(range(40, 60)))
    assert check_frames(reel, EVEN, EVEN[found[0]]) == found


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
@pytest.mark.parametrize(
    "settings",
    [
        {"bf": "3", "g": "20", "sc_threshold": "0", "x264-params": "open-gop=1"},
        {"codec": "mpeg2video", "bf": "2", "g": "12"},
        {"codec": "libx265", "x265-params": "keyint=20:min-keyint=20:scenecut=0:open-gop=1:log-level=none"},
    ],
    ids=["h264", "mpeg2", "h265"],
)
def test_a_clip_cut_out_of_a_stream_has_no_made_up_frames(
    settings: dict[str, str], suffix: str, tmp_path: Path
) -> None:
    """The frames that lead its first key frame refer to what was cut off."""
    whole, path = numbered(tmp_path / "whole.mkv", **settings), tmp_path / f"cut{suffix}"
    with av.open(str(whole)) as source, av.open(str(path), "w") as file:
        stream, keys = file.add_stream_from_template(source.streams.video[0]), 0
        for packet in source.demux(video=0):
            keys += packet.is_keyframe
            if keys >= 2 and packet.size:
                packet.stream = stream
                file.mux(packet)
    reel = Clip(path).reel
    found = [number(frame) for frame in reel.frames]
    assert found == list(range(found[0], 60))
    assert 10 <= found[0] <= 20
    assert check_frames(reel, EVEN, EVEN[found[0]]) == found
