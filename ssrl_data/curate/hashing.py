"""Opening every record once, in worker processes, to hash its picture, its clip or its text."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TypeVar

from ssrl_data.core import Reject
from ssrl_data.curate.alike import Look, looks_of
from ssrl_data.listing import Item
from ssrl_data.sources.base import Source

CHUNK = 16
"""Records that a worker takes at a time."""

KILLED = "killed the worker"

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Hashed:
    """What one record is: content, looks of its picture or its clip if it has one, or why it cannot be read."""

    source_id: str = ""
    looks: tuple[Look, ...] = ()
    reason: str | None = None


def hash_records(items: Sequence[Item], sources: Sequence[Source], workers: int) -> Iterator[tuple[int, Hashed]]:
    """The number of each item and what it is, in no particular order, as in `open_records`."""
    return open_records(items, sources, workers, hashed, CHUNK, lambda why: Hashed(reason=why))


def open_records(
    items: Sequence[Item],
    sources: Sequence[Source],
    workers: int,
    work: Callable[[Sequence[Item], Sequence[Source]], list[R]],
    chunk: int,
    failed: Callable[[str], R],
) -> Iterator[tuple[int, R]]:
    """The number of each item and what a worker makes of it, in no particular order.

    A record whose decoder takes its process down is tried again alone, and costs only itself.

    Args:
        items: the records to open.
        sources: the corpora.
        workers: processes.
        work: done in a worker on a few items at a time, so it must be picklable.
        chunk: items that a worker takes at a time.
        failed: what to say of a record that killed its worker.
    """
    chunks = {start: items[start : start + chunk] for start in range(0, len(items), chunk)}
    while chunks:
        with _pool(workers) as pool:
            try:
                for start, found in _rounds(pool, list(chunks.items()), sources, workers, work):
                    del chunks[start]
                    yield from enumerate(found, start)
            except BrokenProcessPool:
                pass
        # At most these were being worked on.
        for start in list(chunks)[: 2 * workers]:
            yield from enumerate(_one_by_one(chunks.pop(start), sources, work, failed), start)


def _rounds(
    pool: ProcessPoolExecutor,
    chunks: Sequence[tuple[int, Sequence[Item]]],
    sources: Sequence[Source],
    workers: int,
    work: Callable[[Sequence[Item], Sequence[Source]], list[R]],
) -> Iterator[tuple[int, list[R]]]:
    """Chunks as they get done, two for each worker handed out at a time."""
    waiting = iter(chunks)
    running: dict[Future[list[R]], int] = {}
    while True:
        while len(running) < 2 * workers and (chunk := next(waiting, None)) is not None:
            running[pool.submit(work, chunk[1], sources)] = chunk[0]
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            yield running.pop(future), future.result()


def _one_by_one(
    items: Sequence[Item],
    sources: Sequence[Source],
    work: Callable[[Sequence[Item], Sequence[Source]], list[R]],
    failed: Callable[[str], R],
) -> Iterator[R]:
    left = list(items)
    while left:
        with _pool(1) as pool:
            try:
                while left:
                    (found,) = pool.submit(work, left[:1], sources).result()
                    yield found
                    del left[0]
            except BrokenProcessPool:
                yield failed(KILLED)
                del left[0]


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))


def hashed(items: Sequence[Item], sources: Sequence[Source]) -> list[Hashed]:
    """Open records one after the other; done in a worker."""
    out = []
    for item in items:
        try:
            record = sources[item.source].open(item.entry)
            out.append(Hashed(record.source_id, looks_of(record)))
        except Reject as reject:
            out.append(Hashed(reason=reject.reason))
    return out
