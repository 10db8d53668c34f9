"""One config from photographs to a measured model, which is the same when the run is killed in every stage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from command import ROOT, published
from harness import SSRL

from ssrl_train.trainer import last_checkpoint

CONFIG = "tasks/recipes/train/curriculum.yaml"
LIMIT = 15 * 60
"""Seconds that the unbroken run may take on two cores."""

PATIENCE = 15 * 60
"""Seconds until a run that is to be killed must have come to its moment."""

GAIN = 0.2
FORMAT, PROBE, GRPO = "1-format", "2-probe", "3-grpo"

OF_THE_PROCESS = ("step_time", "seconds", "per_second", "runtime", "flos", "train_loss")
"""What the trainer sums up over the steps of its own process, and what a clock says."""

# When each run is killed: (what it is doing, whether it is doing it).
MOMENTS: list[tuple[str, Callable[[Path], bool]]] = [
    ("build", lambda out: bool(_shards(out)) and not (out / "dataset" / "manifest.json").is_file()),
    ("format", lambda out: (out / "stages" / f"{FORMAT}.partial").is_dir()),
    ("sample", lambda out: _chunks(out / "checkpoints" / PROBE) >= 2 and not (out / "stages" / PROBE).is_dir()),
    ("grpo", lambda out: _saved(out) and not (out / "stages" / GRPO).is_dir()),
    ("evaluation", lambda out: _chunks(out / "eval" / GRPO) >= 1 and not (out / "result.json").is_file()),
    ("page", lambda out: (out / "result.json").is_file()),
]


@pytest.mark.prove
def test_killed_in_every_stage_a_run_ends_as_the_unbroken_one(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    begun = time.monotonic()
    finish(whole)
    seconds = time.monotonic() - begun
    result = json.loads((whole / "result.json").read_text())
    print(f"unbroken: {seconds:.0f} s, {result}")
    assert seconds < LIMIT
    assert result["interval"][0] > result["chance"] + GAIN
    assert result["after"] - result["before"] > GAIN
    assert (whole / "run.html").is_file()

    made: dict[Path, int] = {}
    for name, moment in MOMENTS:
        print(f"killed in {name} after {kill_at(broken, name, moment):.0f} s")
        made |= {path: path.stat().st_mtime_ns for path in done(broken) if path not in made}
    said = finish(broken)
    assert not any(line.startswith("stage") for line in said.splitlines()), "all stages were done"
    assert {path: path.stat().st_mtime_ns for path in made} == made, "what was done was done again"

    assert published(broken / "dataset") == published(whole / "dataset")
    for stage in (FORMAT, PROBE, GRPO):
        assert inputs(broken, stage) == inputs(whole, stage)
    for file in (f"stages/{PROBE}/rollouts.parquet", f"stages/{PROBE}/rates.parquet"):
        assert pq.read_table(broken / file).equals(pq.read_table(whole / file))
    for stage in (FORMAT, GRPO):
        file = f"stages/{stage}/model.safetensors"
        assert (broken / file).read_bytes() == (whole / file).read_bytes(), "to the bit"
        assert evaluated(broken, stage) == evaluated(whole, stage)
    assert history(broken) == history(whole)
    assert timeless(json.loads((broken / "result.json").read_text())) == timeless(result)
    assert (broken / "run.html").is_file()


def finish(out: Path) -> str:
    """Run to the end; what it said on the way."""
    found = subprocess.run(
        [SSRL, "train", CONFIG, "--out", str(out)], stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT
    )
    assert found.returncode == 0, found.stderr
    return found.stderr


def kill_at(out: Path, name: str, moment: Callable[[Path], bool]) -> float:
    """Kill a run with all its workers as soon as it is at a moment; the seconds it lived."""
    begun = time.monotonic()
    with (out.parent / f"{name}.log").open("w") as said:
        command = [SSRL, "train", CONFIG, "--out", str(out)]
        victim = subprocess.Popen(command, stderr=said, start_new_session=True, cwd=ROOT)
        while not moment(out):
            assert victim.poll() is None, f"it ended before it was killed in {name}"
            assert time.monotonic() < begun + PATIENCE
            time.sleep(0.01)
        assert victim.poll() is None, f"it ended before it was killed in {name}"
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
    return time.monotonic() - begun


def done(out: Path) -> list[Path]:
    """Files that are not to be made again: of the dataset and of stages that are done."""
    stages = [folder for folder in (out / "stages").glob("*") if not folder.name.endswith(".partial")]
    return [*_shards(out), *(path for folder in stages for path in folder.iterdir() if path.is_file())]


def inputs(out: Path, stage: str) -> Any:
    return json.loads((out / "stages" / stage / "stage.json").read_text())["inputs"]


def history(out: Path) -> list[dict[str, Any]]:
    """What the trainer logged of each step."""
    state = json.loads((out / "stages" / GRPO / "trainer_state.json").read_text())
    return [timeless(entry) for entry in state["log_history"]]


def evaluated(out: Path, stage: str) -> Any:
    return [pq.read_table(path).to_pylist() for path in sorted((out / "eval" / stage).glob("rollouts-*.parquet"))]


def timeless(values: dict[str, Any]) -> dict[str, Any]:
    """Without what another process must say otherwise."""
    return {key: value for key, value in values.items() if not any(name in key for name in OF_THE_PROCESS)}


def _shards(out: Path) -> list[Path]:
    """The dataset's files that are noted down as whole."""
    notes, data = out / "dataset" / ".ssrl" / "shards", out / "dataset" / "data"
    return [data / note.relative_to(notes).with_suffix(".parquet") for note in notes.rglob("*.json")]


def _chunks(folder: Path) -> int:
    return len(list(folder.glob("rollouts-*.parquet")))


def _saved(out: Path) -> bool:
    return last_checkpoint(out / "checkpoints" / GRPO) is not None
