"""A stage under guard: it stops at a collapse, and says the same when it is started again under the same guard."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from ssrl_data.core import SsrlError
from ssrl_train.artefacts import write_json
from ssrl_train.guard import Guard, alarm
from ssrl_train.processes import is_main, told
from ssrl_train.trainer import last_checkpoint

TRIPPED = "guard.json"
"""In the folder of a stage's checkpoints: the guard that stopped it, and what it said."""


class Guarding(TrainerCallback):  # type: ignore[misc]
    """Stops a stage at a collapse; looks at the logged history alone, which a resumed run has too.

    Metrics are logged before a checkpoint of the same step is written, so what is kept is from before.

    Args:
        guard: what counts as one.
        folder: of the stage's checkpoints.

    Raises:
        SsrlError: it stopped the stage before, under the same guard.
    """

    def __init__(self, guard: Guard, folder: Path) -> None:
        self.guard, self.folder = guard, folder
        before = told(_noted(folder / TRIPPED))
        if before is not None and before["guard"] == _plain(guard):
            raise SsrlError(before["message"])

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """Judge the history so far; the trainer passes more by name than is used."""
        found = told(alarm(self.guard, state.log_history)) if logs and "reward" in logs else None
        if found is None:
            return
        kept = told(last_checkpoint(self.folder))
        message = (
            f"the guard stopped training at step {state.global_step}, as the run has collapsed: {found}; "
            f"{f'{kept} is kept' if kept else 'there is no checkpoint from before'}; change the reward or lower the "
            "learning rate, or, if this is meant, widen `guard` or set it to none, and start again"
        )
        if is_main():
            write_json(self.folder / TRIPPED, {"guard": _plain(self.guard), "message": message})
        raise SsrlError(message)


def _plain(guard: Guard) -> dict[str, Any]:
    return dataclasses.asdict(guard)


def _noted(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
