"""A full disk and a folder that may not be written: one clear sentence, nothing partial, and a resume that works."""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path

import pytest
from command import published
from harness import assert_no_partial_file, assert_whole, command, finish


def mounted(folder: Path, size: str) -> bool:
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True)
    return done.returncode == 0


def test_full_disk(photos: Path, tmp_path: Path) -> None:
    finish(photos, tmp_path / "unbroken")
    whole = published(tmp_path / "unbroken")
    disk = tmp_path / "disk"
    if mounted(disk, "200k"):
        try:
            out = disk / "out"
            full = subprocess.run(command(photos, out), capture_output=True, text=True, check=False)
            says_so(full, out, whole)
            subprocess.run(["mount", "-o", "remount,size=100m", str(disk)], check=True)
            finish(photos, out)
            assert_whole(out, whole)
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)
    else:  # mounting is not allowed: a file-size limit stands in
        out = disk / "out"
        limit = (100_000, 100_000)
        full = subprocess.run(
            command(photos, out),
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
        )
        says_so(full, out, whole)
        finish(photos, out)
        assert_whole(out, whole)


def says_so(full: subprocess.CompletedProcess[str], out: Path, whole: dict[str, str]) -> None:
    assert full.returncode == 2, full.stderr
    sentence = full.stderr.strip().splitlines()[-1]
    assert "no space left while writing" in sentence
    assert "run the same command again" in sentence
    assert "Traceback" not in full.stderr
    assert_no_partial_file(out, whole)


@pytest.mark.parametrize("place", ["a-file", "a-file/below"])
def test_out_that_cannot_be_a_folder(photos: Path, tmp_path: Path, place: str) -> None:
    (tmp_path / "a-file").write_text("")
    done = subprocess.run(command(photos, tmp_path / place), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert done.stderr.count("\n") == 1
