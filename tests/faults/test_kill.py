"""Real SIGKILL at random instants and at each named step; the resumed build ends byte-equal to one never killed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from command import published
from harness import assert_no_partial_file, assert_whole, command, duration, finish, kill_and_resume, start

from ssrl_data.build.faults import STEPS

INSTANTS = 20


@pytest.fixture(scope="module")
def reference(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], float]:
    out = tmp_path_factory.mktemp("unbroken") / "out"
    seconds = duration(photos, out)
    return published(out), seconds


def test_killed_at_random_instants_and_resumed(
    photos: Path, tmp_path: Path, reference: tuple[dict[str, str], float]
) -> None:
    assert kill_and_resume(photos, tmp_path, INSTANTS, *reference) >= INSTANTS // 2


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_each_named_step_and_resumed(
    step: str, photos: Path, tmp_path: Path, reference: tuple[dict[str, str], float]
) -> None:
    out, token = tmp_path / "out", tmp_path / "token"
    token.touch()
    process = start(photos, out, SSRL_FAULT=f"{step}:{token}")
    process.communicate(timeout=120)
    assert process.returncode == -9
    assert not token.exists()
    assert_no_partial_file(out, reference[0])
    finish(photos, out)
    assert_whole(out, reference[0])


def test_killed_three_deep_while_resuming(
    photos: Path, tmp_path: Path, reference: tuple[dict[str, str], float]
) -> None:
    out = tmp_path / "out"
    for i, step in enumerate(("shard-renamed", "sidecar-renamed", "manifest-written")):
        token = tmp_path / f"token{i}"
        token.touch()
        process = start(photos, out, SSRL_FAULT=f"{step}:{token}")
        process.communicate(timeout=120)
        assert process.returncode == -9
    finish(photos, out)
    assert_whole(out, reference[0])


def test_a_worker_that_dies_once_costs_nothing(
    photos: Path, tmp_path: Path, reference: tuple[dict[str, str], float]
) -> None:
    out, token = tmp_path / "out", tmp_path / "token"
    token.touch()
    finish(photos, out, SSRL_FAULT=f"worker=rows-flushed:{token}")
    assert not token.exists()
    assert_whole(out, reference[0])


def test_two_builders_in_one_folder(photos: Path, tmp_path: Path, reference: tuple[dict[str, str], float]) -> None:
    out = tmp_path / "out"
    first = start(photos, out)
    while not (out / ".ssrl" / "holder.json").exists():
        assert first.poll() is None
    second = subprocess.run(command(photos, out), capture_output=True, text=True, check=False)
    _, errors = first.communicate(timeout=120)
    assert first.returncode == 0, errors
    assert second.returncode == 2
    assert f"process {first.pid} is building here" in second.stderr
    assert_whole(out, reference[0])
