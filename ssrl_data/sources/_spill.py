"""Records that are packed together, unpacked once per process: a worker asks for them in no order of the file.

They lie in a temporary file without a name, in the folder that TMPDIR says, which is gone with the process however that
ends.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Reject

SPILL_BYTES = 8 << 30
"""Bytes that a process keeps unpacked at most; when a further pack would go beyond, all is forgotten and begun anew."""


class Spill:
    """Packs of records, each unpacked when it is first asked for."""

    def __init__(self, limit: int = SPILL_BYTES) -> None:
        self.limit = limit
        self._file = tempfile.TemporaryFile(prefix="ssrl-")  # noqa: SIM115
        self._packs: dict[Hashable, NDArray[np.int64] | str] = {}
        self._end = 0

    def read(self, pack: Hashable, unpack: Callable[[], Iterator[bytes]], at: int, length: int | None = None) -> bytes:
        """Record number `at` of a pack, or the `length` bytes that begin at byte `at` of it.

        Args:
            pack: names the pack, in this process.
            unpack: gives the pack's content, record by record (or in any pieces, where bytes are asked for).
            at: a record's number or an offset in bytes.
            length: a number of bytes.

        Raises:
            Reject: unpacking did, now or before, or the pack has no such record.
        """
        if pack not in self._packs:
            self._packs[pack] = self._unpacked(unpack)
        places = self._packs[pack]
        if isinstance(places, str):
            raise Reject(places)
        if length is not None:
            return os.pread(self._file.fileno(), length, int(places[0]) + at)
        if not 0 <= at < len(places) - 1:
            raise Reject("changed since it was listed")
        start, end = places[at : at + 2].tolist()
        return os.pread(self._file.fileno(), end - start, start)

    def _unpacked(self, unpack: Callable[[], Iterator[bytes]]) -> NDArray[np.int64] | str:
        """Where the records of a pack begin in the file, and where the last one ends; or why it cannot be unpacked."""
        begin, places = self._end, [self._end]
        self._file.seek(begin)
        try:
            for piece in unpack():
                self._file.write(piece)
                places.append(places[-1] + len(piece))
                if places[-1] > self.limit and begin:
                    self._packs.clear()
                    self._file.seek(0)
                    self._file.truncate()
                    self._end = 0
                    return self._unpacked(unpack)
                if places[-1] > self.limit:
                    raise Reject("too large unpacked")
        except Reject as reject:
            return reject.reason
        self._file.flush()
        self._end = places[-1]
        return np.array(places, np.int64)


@lru_cache(maxsize=1)
def spill() -> Spill:
    """The one of this process."""
    return Spill()
