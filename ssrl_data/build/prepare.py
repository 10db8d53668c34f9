"""What tasks want to know of the whole corpus, gathered once per build from the train split and kept in a file.

The file is a pure function of the plan and of the records' content, so a resumed build makes the same one; it is
written before any shard, under a name that says for which task and version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, BinaryIO

from ssrl_data.build.commit import replace
from ssrl_data.build.plan import Plan
from ssrl_data.core import Record, Reject, Task
from ssrl_data.listing import Item
from ssrl_data.registry import task_class
from ssrl_data.row import digest
from ssrl_data.sources.base import Source

PREPARED = 200_000
"""Records of the train split that a task is shown at most: the first ones in keyed order."""


def prepared_file(state: Path, task: str, version: int, fingerprint: str) -> Path:
    """Where a task's findings lie, whether or not it has any."""
    return state / "prepared" / f"{digest(task, str(version), fingerprint)}.bin"


def prepare_tasks(
    plan: Plan, sources: Sequence[Source], state: Path, scratch: Path, say: Callable[[str], None]
) -> None:
    """Let each task of the plan that wants to look at the train split, and write what it found.

    Raises:
        OSError: the disk is full or refuses.
    """
    cells = {cell.task: None for shard in plan.shards for cell in shard.cells}
    for name in cells:
        cls = task_class(name)
        file = prepared_file(state, name, cls.version, plan.fingerprint)
        if not _prepares(cls) or file.exists():
            continue
        needs = frozenset().union(*(cls(params).needs for params in cls.levels.values()))
        chosen = [item for item in plan.train if item.entry.media in needs][:PREPARED]
        say(f"{name}: reading {len(chosen)} records of the train split")
        found = cls.prepare(_opened(chosen, sources))
        file.parent.mkdir(exist_ok=True)
        replace(file, partial(_write, found), scratch, (None, None, None))


def _write(found: bytes, file: BinaryIO) -> None:
    file.write(found)


def _prepares(cls: type[Task[Any]]) -> bool:
    return cls.prepare.__func__ is not Task.prepare.__func__  # type: ignore[attr-defined]


def _opened(items: Sequence[Item], sources: Sequence[Source]) -> Iterator[Record]:
    """The records that can be read; what cannot is rejected when its shard opens it."""
    for item in items:
        try:
            yield sources[item.source].open(item.entry)
        except Reject:
            continue


@lru_cache(maxsize=4)
def read_prepared(file: Path) -> bytes:
    """A task's findings; empty where it has none."""
    return file.read_bytes() if file.exists() else b""
