"""The local engine: a few spawned workers that live for the whole build and take shards in turn.

A worker names each record before it opens it, so that a death names its record: the shard is tried once more, and a
record that kills a second time is quarantined. A record that takes longer than the time budget counts as a death.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, TypeAlias

from ssrl_data.build.commit import NO_SPACE
from ssrl_data.build.plan import Shard
from ssrl_data.core import Json, SsrlError
from ssrl_data.sources.base import Source

RECORD_SECONDS = 120.0
"""A record that a worker is silent on for longer is taken for one that hangs its decoder."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What every worker needs to know."""

    out: Path
    state: Path
    scratch: Path
    sources: tuple[Source, ...]
    fingerprint: str
    pass_rates: str | None = None


def sidecar(state: Path, shard: Shard) -> Path:
    """The file that alone says that a shard is done."""
    return state / "shards" / f"{shard.name}.json"


@dataclass(frozen=True, slots=True)
class Progress:
    """News of a build: rows made so far in one shard, or the sidecar of a finished one."""

    shard: int
    rows: int
    done: Json | None = None


Engine: TypeAlias = Callable[[Setting, Sequence[Shard], int], Iterator[Progress]]
"""Makes shards with so many workers, and yields news as it comes: `run`, or `cluster.on_ray(...)`."""


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    shard: int | None = None
    record: str = ""
    heard: float = field(default_factory=time.monotonic)


def run(setting: Setting, shards: Sequence[Shard], workers: int) -> Iterator[Progress]:
    """Make shards on `workers` processes; yields news as it comes.

    Raises:
        SsrlError: the disk is full, or a task has a bug; the other workers are stopped.
    """
    main = getattr(sys.modules["__main__"], "__file__", None)
    if main is not None and not os.path.exists(main):
        # A spawned process runs the main module first: of a program read from a pipe nothing is left to run.
        raise SsrlError(
            f"workers cannot start from a program read from {main}: write it to a file, build under "
            '`if __name__ == "__main__":`, and run that'
        )
    pool = Pool(setting, min(workers, len(shards)))
    try:
        yield from pool.make(shards)
    finally:
        pool.close()


class Pool:
    """Worker processes that make shards until they are closed.

    Args:
        setting: of the build.
        workers: how many.
    """

    def __init__(self, setting: Setting, workers: int) -> None:
        self._setting, self._context = setting, multiprocessing.get_context("spawn")
        self._deaths: Counter[str] = Counter()
        self._pool = [_start(self._context, setting) for _ in range(workers)]
        self._size = workers

    def close(self) -> None:
        """Stop all of them, whatever they do."""
        for worker in self._pool:
            worker.process.kill()
        for worker in self._pool:
            worker.process.join()

    def make(self, shards: Sequence[Shard]) -> Iterator[Progress]:
        """Make some shards; yields news as it comes. What it raises leaves nothing to go on with but `close`."""
        todo, pool = deque(range(len(shards))), self._pool
        schemas = _schemas(shards)
        while todo or any(worker.shard is not None for worker in pool):
            while todo and len(pool) < self._size:
                pool.append(_start(self._context, self._setting))
            for worker in pool:
                if worker.shard is None and todo:
                    worker.shard = todo.popleft()
                    worker.record, worker.heard = "", time.monotonic()
                    killers = frozenset(key for key, count in self._deaths.items() if count > 1)
                    with contextlib.suppress(BrokenPipeError):  # its end is read below
                        shard = shards[worker.shard]
                        worker.pipe.send((shard, schemas[shard.pictures], killers))
            ready = wait([worker.pipe for worker in pool], timeout=1.0)
            for worker in list(pool):
                late = worker.shard is not None and time.monotonic() - worker.heard > RECORD_SECONDS
                if worker.pipe not in ready and not late:
                    continue
                try:
                    if late:
                        worker.process.kill()
                    message = worker.pipe.recv()
                except (EOFError, OSError):
                    worker.process.join()
                    pool.remove(worker)
                    if worker.shard is not None:
                        _bury(worker, self._deaths, shards[worker.shard])
                        todo.appendleft(worker.shard)
                else:
                    worker.heard = time.monotonic()
                    yield from _hear(worker, message, shards)


def _schemas(shards: Sequence[Shard]) -> dict[bool, bytes]:
    """The Arrow schemas as bytes: `datasets`, which knows them, is imported here, while the workers start."""
    from ssrl_data.row import schema

    return {pictures: schema(pictures).serialize().to_pybytes() for pictures in {s.pictures for s in shards}}


def _start(context: Any, setting: Setting) -> _Worker:
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, setting), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _hear(worker: _Worker, message: tuple[str, Any], shards: Sequence[Shard]) -> Iterator[Progress]:
    what, value = message
    if worker.shard is None:
        return
    if what == "record":
        worker.record, rows = value
        yield Progress(worker.shard, rows)
    elif what == "done":
        shard, worker.shard = worker.shard, None
        yield Progress(shard, value["rows"], value)
    elif what == "space":
        raise SsrlError(
            f"no space left while writing {shards[worker.shard].file} ({value}): free some and run the same command "
            "again; finished shards are kept"
        )
    elif what == "stop":
        raise SsrlError(value)
    else:
        raise SsrlError(f"a bug, not your input, on record {worker.record!r} of {shards[worker.shard].name}: {value}")


def _bury(worker: _Worker, deaths: Counter[str], shard: Shard) -> None:
    """Count a death on its record.

    Raises:
        SsrlError: the worker died before any record, or again and again: no record is to blame.
    """
    deaths[worker.record] += 1
    if deaths[worker.record] > (2 if worker.record else 1):
        if not worker.record and worker.process.exitcode == 1:
            raise SsrlError(
                f"workers could not start on {shard.name} (exit code 1; what they said is above): a program of your "
                'own builds under `if __name__ == "__main__":`'
            )
        raise SsrlError(
            f"a worker died {deaths[worker.record]} times on {shard.name} without a record to blame (exit code "
            f"{worker.process.exitcode}): look for an out-of-memory kill, or use fewer --workers"
        )


def work(pipe: Connection, setting: Setting) -> None:
    """A worker's life: take a shard, make it, say so, until the pipe or the parent is gone."""
    threading.Thread(target=_die_with_parent, daemon=True).start()
    import cv2
    import pyarrow as pa

    from ssrl_data.build.prepare import prepared_file, read_prepared
    from ssrl_data.build.shard import ShardMaker, write_shard
    from ssrl_data.pass_rates import left_out

    cv2.setNumThreads(1)
    pa.set_cpu_count(1)
    # Arrow's own pool keeps what it once took, so a worker would grow with the shards it has made.
    pa.set_memory_pool(pa.system_memory_pool())
    while True:
        try:
            shard, schema, quarantined = pipe.recv()
        except EOFError:
            return

        def announce(key: str, rows: int) -> None:
            pipe.send(("record", (key, rows)))

        def prepared(task: str, version: int) -> bytes:
            return read_prepared(prepared_file(setting.state, task, version, setting.fingerprint))

        try:
            unwanted = left_out(Path(setting.pass_rates)) if setting.pass_rates else frozenset[str]()
            maker = ShardMaker(shard, setting.sources, quarantined, announce, prepared, unwanted)
            where = sidecar(setting.state, shard)
            columns = pa.ipc.read_schema(pa.py_buffer(schema))
            done = write_shard(maker, setting.out, columns, setting.fingerprint, where, setting.scratch)
        except OSError as error:
            if error.errno in NO_SPACE:
                pipe.send(("space", error.strerror or str(error)))
            else:
                pipe.send(("bug", traceback.format_exc()))
        except SsrlError as error:  # a source that is out of reach, say
            pipe.send(("stop", str(error)))
        except Exception:
            pipe.send(("bug", traceback.format_exc()))
        else:
            pipe.send(("done", done))


def _die_with_parent() -> None:
    """A worker must not outlive a killed build: it would go on writing beside the next one."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
