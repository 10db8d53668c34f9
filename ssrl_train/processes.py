"""Several processes that train one model: which of them this is, and waiting for the others.

Started by `accelerate launch` or `torchrun`, every process runs the same command; what is written once is written by
the main one. All processes must see the same OUT folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta

import torch

PATIENCE = timedelta(days=2)
"""How long a process waits for the others: a build, a merge or an evaluation may take hours."""


def rank() -> int:
    """This process's number among `world()`."""
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this process writes what is written once."""
    return rank() == 0


def barrier() -> None:
    """Wait until every process is here; nothing to do where there is one."""
    if world() == 1:
        return
    if not torch.distributed.is_initialized():
        _join()
    torch.distributed.barrier()


def _join() -> None:
    # Through accelerate, as the trainer would, but with more patience than its half an hour.
    from accelerate import PartialState

    PartialState(cpu=not torch.cuda.is_available(), timeout=PATIENCE)


def once(make: Callable[[], None]) -> None:
    """Let the main process do something that all wait for."""
    if is_main():
        make()
    barrier()
