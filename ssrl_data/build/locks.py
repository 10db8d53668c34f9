"""Who may work in a build's folder: one builder of the whole, or several builders of ranges of its shards.

A builder of the whole holds `lock` to its end. A builder of a range holds the lock of its range, and `lock` only while
it plans and while it looks whether all is done. A lock goes with the process that holds it, however that ends; on a
file system that several machines share it must know `flock`, as NFS 4 does.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ssrl_data.core import SsrlError

PATIENCE = 10.0
"""Seconds after which what is said of a lock's holder is believed: at first it may be of an earlier one."""


@dataclass(frozen=True, slots=True)
class Range:
    """Every `count`-th shard, from shard `index` on; both count from 1.

    Ranges of several counts may be made at the same time: a shard that two of them make has the same bytes.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        """Refuse what is no range."""
        if not 1 <= self.index <= self.count:
            raise ValueError(f"{self}: the first number must be from 1 to the second")

    def __str__(self) -> str:
        """As on the command line."""
        return f"{self.index}/{self.count}"

    def holds(self, shard: int) -> bool:
        """Whether a shard, counted from 0, is in it."""
        return shard % self.count == self.index - 1

    @property
    def file(self) -> str:
        """A name for files of its own."""
        return f"{self.index}-of-{self.count}"


class Access:
    """A builder's right to work in a folder, as a context manager.

    Args:
        state: the build's `.ssrl`.
        out: the build's folder, for messages.
        part: the range that is made; None for the whole.

    Raises:
        SsrlError: on entering, another builder is at work on the same.
    """

    def __init__(self, state: Path, out: Path, part: Range | None) -> None:
        self.state, self.out, self.part = state, out, part
        self._lock = FileLock(state / "lock")
        self._own = self._lock if part is None else FileLock(state / f"range-{part.file}.lock")

    def __enter__(self) -> Access:
        """Take the lock of the whole or of the range."""
        try:
            self._own.acquire(timeout=0)
        except Timeout as error:
            raise self._busy() from error
        if self.part is None:
            self._say()
            for path in self.state.glob("range-*.lock"):
                try:
                    with FileLock(path).acquire(timeout=0):
                        pass
                except Timeout as error:
                    self._own.release()
                    raise SsrlError(
                        f"{self.out}: range {_told(path)} is being built here: wait for it, or build another range"
                    ) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Give it back."""
        self._own.release()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this is held, nobody else plans or finishes.

        Raises:
            SsrlError: a builder of the whole is at work.
        """
        if self.part is None:
            yield
            return
        begun = time.monotonic()
        while True:
            try:
                self._lock.acquire(timeout=0.2)
                break
            except Timeout as error:
                if self._holder().get("range") is None and time.monotonic() - begun > PATIENCE:
                    raise self._busy() from error
        try:
            self._say()
            yield
        finally:
            self._lock.release()

    def _say(self) -> None:
        told = {"pid": os.getpid(), "range": None if self.part is None else str(self.part)}
        (self.state / "holder.json").write_text(json.dumps(told))

    def _holder(self) -> dict[str, object]:
        try:
            return dict(json.loads((self.state / "holder.json").read_text()))
        except (OSError, ValueError, TypeError):
            return {}

    def _busy(self) -> SsrlError:
        holder = self._holder()
        if self.part is not None and holder.get("range") is not None:
            return SsrlError(f"{self.out}: range {self.part} is being built already: wait for it, or choose another")
        who = f"process {holder['pid']}" if "pid" in holder else "another process"
        return SsrlError(f"{self.out}: {who} is building here: wait for it, or choose another --out")


def _told(path: Path) -> str:
    return path.stem.removeprefix("range-").replace("-of-", "/")
