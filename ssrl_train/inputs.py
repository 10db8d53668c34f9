"""What a stage follows from, as JSON: two stages with the same inputs make the same thing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ssrl_train.artefacts import file_hash, fingerprint_of
from ssrl_train.config import Config, is_file
from ssrl_train.stage_rows import StageRows
from ssrl_train.stages import KEYED, Grpo, Stage, is_table, method_of
from ssrl_train.tiny import Tiny


def stage_inputs(config: Config, rows: StageRows, folders: Sequence[Path], i: int, seed: int) -> dict[str, Any]:
    """All that a stage's folder follows from.

    Args:
        config: the run.
        rows: its rows.
        folders: of its stages; those before `i` are done.
        i: the stage's place.
        seed: the stage's.
    """
    stage, at = config.stages[i], config.origin(i)
    read = [fingerprint_of(folders[config.sampled(i, name)]) for name in config.sources(stage)]
    if is_table(stage) and stage.data is not None:
        read.append(file_hash(stage.data))
    if isinstance(stage, Grpo) and stage.pass_rates and is_file(stage.pass_rates):
        read.append(file_hash(Path(stage.pass_rates)))
    key = rows.key(stage)
    return {
        "stage": _settings(stage),
        "seed": seed,
        "model": _model(config, folders, at),
        "dataset": None if key is None else data_fingerprint(key[0]),
        "modality": None if key is None else key[1],
        "solutions": [] if key is None else [list(share) for share in rows.shares(key).values()],
        "read": read,
    }


def _model(config: Config, folders: Sequence[Path], at: int | None) -> str:
    if at is not None:
        return fingerprint_of(folders[at])
    if isinstance(config.model, Tiny):
        return fingerprint_of(config.out / "stages" / "0-start")
    return config.model


def _settings(stage: Stage) -> dict[str, Any]:
    """A stage without its name, without where its data lie, which is known by its content, and without its guard.

    A guard decides whether a stage is made, not what is: under another one it goes on from its last checkpoint.
    """
    fields: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(stage), default=str))
    for key, kinds in KEYED.items():
        value = getattr(stage, key, None)
        if value is not None and not isinstance(value, str):
            kind = next(kind for kind, cls in kinds.items() if type(value) is cls)
            fields[key] = {"kind": kind, **fields[key]}
            fields[key].pop("responses", None)  # the name of a stage, known by its content too
    left_out = ("name", "start", "data", "modality", "pass_rates", "responses", "guard")
    return {"method": method_of(stage), **{key: value for key, value in fields.items() if key not in left_out}}


def data_fingerprint(data: Path) -> str | None:
    """Of a dataset: its manifest's; None where it has none, as one that `ssrl` did not build."""
    manifest = data / "manifest.json"
    if not manifest.is_file():
        return None
    return str(json.loads(manifest.read_text(encoding="utf-8"))["fingerprint"])
