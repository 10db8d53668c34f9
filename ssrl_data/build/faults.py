"""Named steps of a build, and a way for the fault tests to kill it at one of them.

`SSRL_FAULT=STEP:TOKEN` kills the whole process group at the first pass through STEP after the file TOKEN was made
(it is removed, so that the kill happens once); `SSRL_FAULT=worker=STEP:TOKEN` kills the passing process alone.
"""

from __future__ import annotations

import os
import signal
from typing import Literal, TypeAlias, get_args

Step: TypeAlias = Literal[
    "plan-written",
    "record-opened",
    "rows-flushed",
    "shard-written",
    "shard-synced",
    "shard-renamed",
    "sidecar-written",
    "sidecar-renamed",
    "shards-done",
    "card-renamed",
    "manifest-written",
    "manifest-renamed",
]
STEPS: tuple[Step, ...] = get_args(Step)


def reach(step: Step) -> None:
    """Say that the build is at a step. Does nothing unless a fault test asked for it."""
    fault = os.environ.get("SSRL_FAULT")
    if fault is None:
        return
    target, _, token = fault.partition(":")
    if target.removeprefix("worker=") != step:
        return
    try:
        os.unlink(token)
    except FileNotFoundError:
        return
    if target.startswith("worker="):
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        os.killpg(0, signal.SIGKILL)
