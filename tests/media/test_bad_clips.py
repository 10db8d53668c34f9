"""Hostile clips become a reel or a reject with a fixed reason; the decoder may hang or die and its caller goes on."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import bad_clips
import numpy as np
import psutil
import pytest
from command import ROOT
from made_clips import write_clip
from numbered_clips import number, numbered

from ssrl_data.core import Reject
from ssrl_data.media import clip as reading
from ssrl_data.media.clip import Clip
from ssrl_data.media.container import Damaged, check
from ssrl_data.media.decoder import MEMORY
from ssrl_data.rng import Rng


def outcome(path: Path) -> str:
    """The reason of the reject, or nothing when there is a reel."""
    try:
        reel = Clip(path).reel
    except Reject as reject:
        return reject.reason
    assert len(reel.frames) == len(reel.times) > 0
    return ""


def test_each_is_rejected_for_its_reason(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    (tmp_path / "bad").mkdir()
    expected = bad_clips.write(tmp_path / "bad", tmp_path / "made")
    before = {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in (tmp_path / "bad").iterdir()}
    (tmp_path / "bad").chmod(0o555)
    found, slowest = {}, 0.0
    for name in expected:
        start = time.monotonic()
        found[name] = outcome(tmp_path / "bad" / name)
        slowest = max(slowest, time.monotonic() - start)
    assert found == expected
    assert slowest < 5
    after = {path: (path.stat().st_mtime_ns, path.stat().st_mode) for path in (tmp_path / "bad").iterdir()}
    assert after == before
    (tmp_path / "bad").chmod(0o755)


def test_what_is_not_there_or_may_not_be_read_is_rejected(tmp_path: Path) -> None:
    assert outcome(tmp_path / "none.mp4") == "unreadable"
    assert outcome(tmp_path) == "unreadable"


@pytest.mark.parametrize("suffix", [".mp4", ".avi", ".mkv"])
def test_random_damage_gives_a_reel_or_a_fixed_reason(suffix: str, tmp_path: Path) -> None:
    codec = "mpeg4" if suffix == ".avi" else "libx264"
    data = numbered(tmp_path / f"whole{suffix}", 24, (96, 64), codec=codec).read_bytes()
    rng, seen = Rng("damage", suffix), Counter[str]()
    path = tmp_path / f"damaged{suffix}"
    for _ in range(40):
        damaged = bytearray(data)
        for _ in range(rng.choice([1, 8, 64])):
            damaged[rng.below(len(data))] = rng.below(256)
        path.write_bytes(damaged)
        seen[outcome(path)] += 1
    assert seen.keys() <= {
        *("", "truncated", "corrupt", "not a clip", "fewer frames than declared", "no pictures", "no frames"),
        *("too many pixels", "too many frames", "no timestamps", "too large for memory", "crashes the decoder"),
        *("no length stated", "beyond the decoder"),
    }, seen
    assert seen["corrupt"] + seen["truncated"] > 5, seen
    assert outcome(tmp_path / f"whole{suffix}") == ""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    codecs = {"mp4": "libx264", "avi": "mpeg4", "mkv": "libx264", "webm": "libvpx"}
    return {s: numbered(folder / f"c.{s}", 24, (64, 48), codec=c).read_bytes() for s, c in codecs.items()}


@pytest.mark.parametrize("suffix", ["mp4", "avi", "mkv", "webm"])
def test_headers_of_any_bytes_are_walked_in_no_time(suffix: str, whole: dict[str, bytes], tmp_path: Path) -> None:
    data, rng, seen = whole[suffix], Rng("headers", suffix), Counter[str]()
    path = tmp_path / "clip"
    start = time.process_time()
    for _ in range(400):
        damaged = bytearray(data[: rng.choice([len(data), rng.below(len(data))])])
        reach = min(len(damaged), rng.choice([100, 1200, len(data)]))
        for _ in range(rng.choice([1, 4, 40]) if reach else 0):
            damaged[rng.below(reach)] = rng.choice([0, 1, 255, rng.below(256)])
        path.write_bytes(damaged)
        try:
            check(str(path))
            seen[""] += 1
        except Damaged as damage:
            seen[str(damage)] += 1
    assert time.process_time() - start < 8
    assert len(seen) >= 3, seen


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0\x08free" * 50_000,
        b"\0\0\0\x08ftyp" + (400_008).to_bytes(4) + b"moov" + b"\0\0\0\x08trak" * 50_000,
        b"RIFF" + (400_004).to_bytes(4, "little") + b"AVI " + b"00dc\0\0\0\0" * 50_000,
        b"RIFF\0\0\0\0AVI " + b"LIST\0\0\0\0rec " * 32_000,
        b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff" + b"\x1f\x43\xb6\x75\xff\xe7\x80" * 50_000,
        b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff" + b"\xec\x80" * 200_000,
    ],
    ids=["boxes", "tracks", "chunks", "lists", "clusters", "elements"],
)
def test_headers_of_many_pieces_take_time_in_proportion_and_no_memory(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "clip"
    path.write_bytes(content)
    code = (
        "import resource, sys, time\n"
        "from ssrl_data.media.container import Damaged, check\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before, start = peak(), time.process_time()\n"
        "try: check(sys.argv[1])\n"
        "except Damaged: pass\n"
        "print(peak() - before, time.process_time() - start)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True, text=True)
    kilobytes, seconds = map(float, run.stdout.split())
    assert kilobytes < 20_000
    assert seconds < 10


# The decoding process ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that takes seconds to decode."""
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (1080, 1920, 3), dtype=np.uint8) for _ in range(3)]
    path = tmp_path_factory.mktemp("slow") / "slow.mp4"
    return write_clip(path, (noise[i % 3] for i in range(20)), preset="ultrafast", tune="fastdecode", qp="4")


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered(tmp_path_factory.mktemp("quick") / "quick.mp4", 5, (64, 48))


def decoding() -> psutil.Process:
    """The decoding process of this one."""
    (found,) = (p for p in psutil.Process().children() if "ssrl_data.media.decoder" in p.cmdline())
    return found


def test_a_decoder_that_takes_too_long_ends_itself(slow: Path, quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SECONDS", 0.3)
    assert outcome(slow) == "decoding takes too long"
    monkeypatch.undo()
    assert outcome(quick) == ""


def during(path: Path, act: Callable[[psutil.Process], None]) -> str:
    """What becomes of a clip when something happens to the decoder in the middle of it."""
    assert outcome(path.with_name(path.name + " that is not there")) == "unreadable"  # so that a decoder waits
    process = decoding()
    timer = threading.Timer(0.3, act, [process])
    timer.start()
    found = outcome(path)
    timer.join()
    return found


def test_a_decoder_that_stands_still_is_ended(slow: Path, quick: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SECONDS", 1.0)
    monkeypatch.setattr(reading, "GRACE", 0.5)
    start = time.monotonic()
    assert during(slow, lambda process: process.send_signal(signal.SIGSTOP)) == "decoding takes too long"
    assert time.monotonic() - start < 5
    monkeypatch.undo()
    assert outcome(quick) == ""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_clip_costs_itself_that_a_fresh_decoder_dies_on_too(number: int, slow: Path, quick: Path) -> None:
    done = threading.Event()

    def fell() -> None:
        felled: set[int] = set()
        while not done.wait(0.02):
            for process in psutil.Process().children():
                with contextlib.suppress(psutil.Error):
                    if process.pid not in felled and "ssrl_data.media.decoder" in process.cmdline():
                        felled.add(process.pid)
                        process.send_signal(number)

    thread = threading.Thread(target=fell)
    thread.start()
    found = outcome(slow)
    done.set()
    thread.join()
    assert found == "crashes the decoder"
    assert outcome(quick) == ""


def test_a_clip_that_another_was_read_before_is_read_again(slow: Path, quick: Path) -> None:
    assert outcome(quick) == ""
    first = decoding()
    assert during(slow, lambda process: process.kill()) == ""
    assert decoding().pid != first.pid


def test_a_decoder_that_died_between_two_clips_costs_none(quick: Path) -> None:
    assert outcome(quick) == ""
    process = decoding()
    process.kill()
    process.wait()
    assert outcome(quick) == ""
    assert decoding().pid != process.pid


def test_a_forked_process_has_a_decoder_of_its_own(quick: Path) -> None:
    assert outcome(quick) == ""
    context = multiprocessing.get_context("fork")
    with context.Pool(2) as pool:
        found = pool.map_async(outcome, [quick] * 12, chunksize=1)
        assert [outcome(quick) for _ in range(12)] == [""] * 12
        assert found.get(60) == [""] * 12


def test_frames_outlive_their_decoder_and_the_next_clip(quick: Path, tmp_path: Path) -> None:
    reel = Clip(quick).reel
    decoding().kill()
    time.sleep(0.5)  # what is asked of it while it dies is taken for what killed it
    Clip(numbered(tmp_path / "other.mp4", 9, (64, 48))).reel.frames.sum()
    assert [number(frame) for frame in reel.frames] == [0, 1, 2, 3, 4]


def test_nothing_is_left_open(quick: Path) -> None:
    assert outcome(quick) == ""
    ours, theirs = psutil.Process(), decoding()
    before = ours.num_fds(), theirs.num_fds()
    for _ in range(20):
        assert outcome(quick) == ""
    # It closes its last file a moment after it answered.
    assert ours.num_fds() <= before[0] + 1
    assert theirs.num_fds() <= before[1] + 2


def test_a_decoder_does_not_outlive_its_caller(slow: Path) -> None:
    code = "import sys; from ssrl_data.media.clip import Clip; print('begun', flush=True); Clip(sys.argv[1]).reel"
    caller = subprocess.Popen([sys.executable, "-c", code, slow], stdout=subprocess.PIPE, cwd=ROOT)
    assert caller.stdout is not None
    assert caller.stdout.readline() == b"begun\n"
    started = time.monotonic()
    while not (children := psutil.Process(caller.pid).children()) and time.monotonic() - started < 10:
        time.sleep(0.01)
    (child,) = children
    time.sleep(0.8)  # in the midst of it
    assert child.is_running()
    os.kill(caller.pid, signal.SIGKILL)
    caller.wait()
    gone, alive = psutil.wait_procs([child], timeout=5)
    assert gone
    assert not alive


def test_a_header_that_claims_too_much_memory_costs_one_clip(quick: Path, tmp_path: Path) -> None:
    """Pictures that say to be 16,000 x 16,000 are refused, the next clip is read, and the limit on memory stands."""
    path = numbered(tmp_path / "huge.avi", 3, (64, 48), codec="mjpeg", pixels="yuvj420p")
    data = bytearray(path.read_bytes())
    at = data.find(b"\xff\xc0")
    while at >= 0:  # height and width in the start of each picture
        data[at + 5 : at + 9] = (16_000).to_bytes(2) * 2
        at = data.find(b"\xff\xc0", at + 4)
    path.write_bytes(data)
    reason = outcome(path)
    assert reason in {"too many pixels", "corrupt", "too large for memory"}
    assert outcome(quick) == ""
    assert decoding().rlimit(psutil.RLIMIT_AS) == (MEMORY, MEMORY)
