"""What a run's folder tells at this moment, half done, killed or complete: nothing here fails on what is not there.

A file that is not there yet, or is no JSON or Parquet of ours, counts as not there.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ssrl_data.core import Json
from ssrl_train.stages import METHODS

NUMBERED = re.compile(r"(\d+)-(.+)")


@dataclass(slots=True)
class Stage:
    """One stage of a run.

    Attributes:
        number: from 1.
        name: what it is called.
        method: how it trains.
        settings: as the config has them.
        state: `done`, `begun` or `to come`.
        history: what its trainer logged, in order.
        of: steps that its trainer was to make; 0 when unknown.
        written: when its newest file was written.
        samples: kept completions by step (`samples.SAMPLES`).
        responses: judged so far, in a stage that samples them.
        rates: rows by their pass rate, once such a stage is done.
    """

    number: int
    name: str
    method: str
    settings: Mapping[str, Any]
    state: str = "to come"
    history: Sequence[Mapping[str, Any]] = ()
    of: int = 0
    written: datetime | None = None
    samples: Mapping[int, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    responses: int = 0
    rates: Mapping[float, int] = field(default_factory=dict)

    @property
    def steps(self) -> int:
        """Steps made, as far as files tell."""
        return max((int(entry.get("step", 0)) for entry in self.history), default=0)

    @property
    def seconds(self) -> float | None:
        """What its steps took in all; None where the trainer does not say."""
        times = [value for _, value in self.points("step_time")]
        ran = [value for _, value in self.points("train_runtime")]
        return sum(times) if times else (ran[-1] if ran else None)

    def points(self, key: str) -> list[tuple[int, float]]:
        """Step and value of each finite number that was logged under a key."""
        return [
            (int(entry["step"]), float(entry[key]))
            for entry in self.history
            if isinstance(entry.get(key), (int, float)) and "step" in entry and abs(entry[key]) < float("inf")
        ]


@dataclass(frozen=True, slots=True)
class Run:
    """What a page is made from.

    Attributes:
        name: the folder's.
        config: what is run, as written down at its start; empty before.
        manifest: of the dataset; empty where it is not found.
        stages: in order.
        result: what was found in the end; empty before.
        written: when the newest file was written; None where there is none.
    """

    name: str
    config: Mapping[str, Any]
    manifest: Mapping[str, Json]
    stages: Sequence[Stage]
    result: Mapping[str, Any]
    written: datetime | None


def gather(out: Path, data: Path) -> Run:
    """Read a run's folder.

    Args:
        out: the folder, which may not be there yet.
        data: the dataset's.
    """
    config, result = _json(out / "config.json"), _json(out / "result.json")
    stages = _stages(out, config)
    times = [stage.written for stage in stages] + [_time(out / name) for name in ("config.json", "result.json")]
    return Run(
        name=out.resolve().name,
        config=config,
        manifest=_json(data / "manifest.json"),
        stages=stages,
        result=result,
        written=max((time for time in times if time is not None), default=None),
    )


def _stages(out: Path, config: Mapping[str, Any]) -> list[Stage]:
    known = config.get("stages")
    settings: dict[int, Mapping[str, Any]] = (
        {i: entry for i, entry in enumerate(known, 1) if isinstance(entry, dict)} if isinstance(known, list) else {}
    )
    names = {number: name for kind in ("checkpoints", "stages") for number, name in _numbered(out / kind)}
    stages = []
    for number in sorted({*settings, *names} - {0}):
        own = settings.get(number, {})
        method = _method(own) or names.get(number, "stage")
        stages.append(_filled(Stage(number, str(own.get("name") or names.get(number) or method), method, own), out))
    return stages


def _method(settings: Mapping[str, Any]) -> str:
    """The method whose settings these are; empty where there is none."""
    fields = {name: {item.name for item in dataclasses.fields(cls)} for name, cls in METHODS.items()}
    return next((name for name, own in fields.items() if own == settings.keys()), "")


def _numbered(folder: Path) -> Iterator[tuple[int, str]]:
    """Number and name of the stages' folders, but those that are not whole or made for another stage's use."""
    for path in sorted(folder.glob("*-*")) if folder.is_dir() else ():
        match = NUMBERED.fullmatch(path.name)
        if match and path.suffix not in (".partial", ".merged"):
            yield int(match[1]), match[2]


def _filled(stage: Stage, out: Path) -> Stage:
    folder = f"{stage.number}-{stage.name}"
    whole, work = out / "stages" / folder, out / "checkpoints" / folder
    done = whole.is_dir()
    # The newest first; one that was cut off is no JSON.
    states = sorted(work.glob("checkpoint-*/trainer_state.json"), key=lambda path: -_step(path.parent.name))
    states = [whole / "trainer_state.json", *states] if done else states
    state = next((found for found in map(_json, states) if found), {})
    history = state.get("log_history")
    stage.state = "done" if done else "begun" if work.is_dir() else "to come"
    stage.history = [entry for entry in history if isinstance(entry, dict)] if isinstance(history, list) else []
    stage.of = int(state.get("max_steps") or 0)
    stage.samples = _samples(work / "samples")
    chunks = sorted(work.glob("rollouts-*.parquet"))
    stage.responses = sum(map(_rows, [whole / "rollouts.parquet"] if done else chunks))
    stage.rates = _rates(whole / "rates.parquet")
    times = [_time(path) for path in (whole, work, *states[:1], *chunks[-1:], *sorted(work.glob("samples/*.parquet")))]
    stage.written = max((time for time in times if time is not None), default=None)
    return stage


def _step(name: str) -> int:
    digits = name.rpartition("-")[2]
    return int(digits) if digits.isdigit() else -1


def _samples(folder: Path) -> dict[int, list[dict[str, Any]]]:
    """The groups of the first, a middle and the last kept step."""
    files = sorted(folder.glob("*.parquet"))
    chosen = dict.fromkeys([files[0], files[len(files) // 2], files[-1]]) if files else {}
    out: dict[int, list[dict[str, Any]]] = {}
    for file in chosen:
        try:
            groups = pq.read_table(file).to_pylist()
        except (OSError, pa.ArrowException):
            continue
        if groups:
            out[int(groups[0]["step"])] = groups
    return out


def _rates(file: Path) -> dict[float, int]:
    try:
        return dict(
            sorted(Counter(pq.read_table(file, columns=["pass_rate"])["pass_rate"].drop_null().to_pylist()).items())
        )
    except (OSError, pa.ArrowException):
        return {}


def _rows(file: Path) -> int:
    try:
        return int(pq.read_metadata(file).num_rows)
    except (OSError, pa.ArrowException):
        return 0


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _time(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None
