"""Real SIGKILL of builds that decode clips: the same bytes in the end, and no decoder left running."""

from __future__ import annotations

import time
from pathlib import Path

import made_clips
import psutil
import pytest
from command import published
from harness import duration, kill_and_resume

INSTANTS = 3


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    made_clips.write_corpus(folder, 10, 72, (240, 180))
    return folder


def orphans() -> set[int]:
    """Decoding processes whose builder is gone: what took them over is no Python."""
    found = set()
    for process in psutil.process_iter(["cmdline"]):
        if "ssrl_data.media.decoder" in " ".join(process.info["cmdline"] or ()):
            try:
                parent = process.parent()
                if parent is None or "python" not in parent.name():
                    found.add(process.pid)
            except psutil.NoSuchProcess:
                continue
    return found


def test_killed_and_resumed(clips: Path, tmp_path: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in clips.iterdir()}
    others = orphans()
    seconds = duration(clips, tmp_path / "unbroken")
    whole = published(tmp_path / "unbroken")
    assert kill_and_resume(clips, tmp_path, INSTANTS, whole, seconds) >= 1
    assert {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in clips.iterdir()} == before
    deadline = time.monotonic() + 20
    while orphans() - others:
        assert time.monotonic() < deadline, "a decoder outlived its builder"
        time.sleep(0.2)
