"""Real SIGKILL of builds from texts, while tasks look at the train split and while rows are made: the same bytes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command import ROOT, published
from harness import assert_no_partial_file, assert_whole, finish, start

MODULES = 24
"""Modules of the running Python whose docstrings are read beside the test texts, so that looking takes a while."""

Found = tuple[dict[str, str], dict[str, bytes]]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("texts") / "corpus"
    shutil.copytree(ROOT / "tests/texts", folder)
    for path in sorted(Path(os.__file__).parent.glob("[a-d]*.py"))[:MODULES]:
        shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="module")
def reference(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> Found:
    out = tmp_path_factory.mktemp("unbroken") / "out"
    finish(texts, out)
    return published(out), prepared(out)


def prepared(out: Path) -> dict[str, bytes]:
    """What the tasks found in the train split."""
    folder = out / ".ssrl/prepared"
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def kill_when(process: subprocess.Popen[str], out: Path, pattern: str) -> None:
    """Kill a build as soon as such a file of its state is there."""
    deadline = time.monotonic() + 120
    while not any((out / ".ssrl").glob(pattern)):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    kill(process)


def test_killed_while_a_task_looks_at_the_train_split(texts: Path, tmp_path: Path, reference: Found) -> None:
    out = tmp_path / "out"
    for _ in range(2):  # and again while it resumes
        process = start(texts, out)
        assert process.stderr is not None
        assert "reading" in process.stderr.readline()
        kill(process)
        assert prepared(out) == {}
        assert_no_partial_file(out, reference[0])
    finish(texts, out)
    assert_whole(out, reference[0])
    assert prepared(out) == reference[1]


@pytest.mark.parametrize("pattern", ["prepared/*.bin", "shards/text/*.json"])
def test_killed_between_tasks_and_between_shards(pattern: str, texts: Path, tmp_path: Path, reference: Found) -> None:
    out = tmp_path / "out"
    kill_when(start(texts, out, 1), out, pattern)
    assert_no_partial_file(out, reference[0])
    left = prepared(out)
    assert left.items() <= reference[1].items()
    assert len(left) == (1 if pattern.startswith("prepared") else len(reference[1]))
    assert not (out / "manifest.json").exists()
    finish(texts, out)
    assert_whole(out, reference[0])
    assert prepared(out) == reference[1]
