"""Ranges of shards, made by processes that know nothing of each other, are one dataset in the end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command import published, ssrl

from ssrl_data.build.locks import Range

COUNT = 3

RECIPE = """
sources: [{pieces}]
rows: 90
shard_rows: 10
split: {{test: 0.3}}
tasks:
  image/rotation: {{levels: [easy], params: {{side: 64}}}}
  image/tile_anomaly: {{levels: [easy], params: {{side: 64}}}}
"""


@pytest.fixture(scope="module")
def recipe(pieces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("ranges") / "recipe.yaml"
    file.write_text(RECIPE.format(pieces=pieces))
    return file


def command(recipe: Path, out: Path, *more: str) -> list[str | Path]:
    return ["build", recipe, "--out", out, "--workers", "1", *more]


@pytest.fixture(scope="module")
def whole(recipe: Path) -> Path:
    out = recipe.with_name("whole")
    done = ssrl(*command(recipe, out))
    assert done.returncode == 0, done.stderr
    assert len(list(out.glob("data/*/*.parquet"))) >= 2 * COUNT
    return out


def test_every_shard_is_in_one_range() -> None:
    ranges = [Range(i, COUNT) for i in range(1, COUNT + 1)]
    assert all(sum(one.holds(shard) for one in ranges) == 1 for shard in range(20))


def test_whoever_ends_last_writes_the_manifest(recipe: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for index in range(1, COUNT):
        done = ssrl(*command(recipe, out, "--shard-range", f"{index}/{COUNT}"))
        assert done.returncode == 0, done.stderr
        assert "whole when every range is made" in done.stdout
        assert not (out / "manifest.json").exists()
    done = ssrl(*command(recipe, out, "--shard-range", f"{COUNT}/{COUNT}"))
    assert done.returncode == 0, done.stderr
    assert published(out) == published(whole)


def test_ranges_at_the_same_time_and_one_that_is_killed(recipe: Path, whole: Path, tmp_path: Path) -> None:
    out, tool, token = tmp_path / "out", str(Path(sys.executable).parent / "ssrl"), tmp_path / "token"
    token.touch()
    first, killed = (
        subprocess.Popen(
            [tool, *map(str, command(recipe, out, "--shard-range", f"{index}/2"))],
            start_new_session=True,
            env=os.environ | ({"SSRL_FAULT": f"shard-written:{token}"} if index == 2 else {}),
        )
        for index in (1, 2)
    )
    assert killed.wait() == -signal.SIGKILL
    assert first.wait() == 0
    assert not (out / "manifest.json").exists()
    done = ssrl(*command(recipe, out, "--shard-range", "all"))
    assert done.returncode == 0, done.stderr
    assert published(out) == published(whole)
    assert not list((out / ".ssrl").glob("tmp*")), "what the killed one began to write"


def test_a_whole_build_waits_for_no_range_and_a_range_for_no_whole_build(tmp_path: Path) -> None:
    from ssrl_data.build.locks import Access
    from ssrl_data.core import SsrlError

    state = tmp_path / "out" / ".ssrl"
    state.mkdir(parents=True)
    out = tmp_path / "out"
    with Access(state, out, Range(1, 2)):
        with pytest.raises(SsrlError, match="range 1/2 is being built here"), Access(state, out, None):
            pass
        with Access(state, out, Range(2, 2)) as other, other.alone():
            pass
        with pytest.raises(SsrlError, match="range 1/2 is being built already"), Access(state, out, Range(1, 2)):
            pass
    refused = pytest.raises(SsrlError, match=f"process {os.getpid()} is building here")
    with Access(state, out, None), Access(state, out, Range(1, 2)) as late, refused, late.alone():
        pass


@pytest.mark.parametrize("given", ["3/2", "0/2", "1-2", "x/y"])
def test_a_wrong_range_is_one_sentence(given: str, recipe: Path, tmp_path: Path) -> None:
    done = ssrl(*command(recipe, tmp_path / "out", "--shard-range", given))
    assert done.returncode == 2
    assert done.stderr.startswith(f"ssrl: --shard-range {given}")
    assert done.stderr.count("\n") == 1
