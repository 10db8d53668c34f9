"""Several processes that train one model: which of them this is, waiting for the others, and speaking with one voice.

Started by `torchrun` or `accelerate launch`, every process runs the same command; what is written once is written by
the main one. All processes must see the same OUT folder.

A process that waits here may wait for hours, while the main one builds a dataset or merges an adapter. So it does not
wait in the group that trains, whose shorter timeout is what ends a run that hangs, but in one beside it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar

import torch

from ssrl_data.core import SsrlError

T = TypeVar("T")

PATIENCE = timedelta(days=2)
"""How long a process waits for the others: a build, a merge or an evaluation may take hours."""

TIMEOUT = timedelta(minutes=30)
"""How long a step of training waits for the others; what `transformers.TrainingArguments.ddp_timeout` is by default."""

LINGER = 10.0
"""Seconds after which a process tells its own error, if the main one's has not ended all of them by then."""


def rank() -> int:
    """This process's number among `world()`."""
    return int(os.environ.get("RANK", "0"))


def world() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this process writes what is written once."""
    return rank() == 0


def join(timeout: timedelta = TIMEOUT) -> None:
    """Meet the other processes and take this one's GPU; nothing to do where there is one process, or a second time.

    Args:
        timeout: how long a step of training may wait. The trainers find the group that is made here and keep it, so
            their own `ddp_timeout` comes too late.
    """
    if world() > 1 and not torch.distributed.is_initialized():
        from accelerate import PartialState

        PartialState(cpu=not torch.cuda.is_available(), timeout=timeout)


def leave() -> None:
    """Part from the others at the end, or torch warns of it."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@cache
def _waiting() -> Any:
    """The group to wait in: on the CPU, so that no GPU spins meanwhile."""
    join()
    return torch.distributed.new_group(backend="gloo", timeout=PATIENCE)


def barrier() -> None:
    """Wait until every process is here; nothing to do where there is one."""
    if world() > 1:
        torch.distributed.barrier(group=_waiting())


def told(value: T) -> T:
    """What the main process has for a value, in every process.

    Two machines may see a file that was just written at different times; what all of them do next must not differ.
    """
    if world() == 1:
        return value
    box = [value]
    torch.distributed.broadcast_object_list(box, src=0, group=_waiting())
    return box[0]


def once(make: Callable[[], None]) -> None:
    """Let the main process do something that all wait for."""
    if is_main():
        make()
    barrier()


@contextmanager
def one_voice() -> Iterator[None]:
    """Let an error that all processes meet be told by the main one, and one that it does not meet by who does.

    Raises:
        SsrlError: in another process than the main one, a while later and with its number: by then the launcher has
            ended it, if the main one met the same error.
    """
    try:
        yield
    except SsrlError as error:
        if is_main():
            raise
        time.sleep(LINGER)
        raise SsrlError(f"process {rank()} of {world()}: {error}") from error
