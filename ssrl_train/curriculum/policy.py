"""What every curriculum is made of: units to draw, a batch being filled, and the policy that chooses.

A policy is a pure state machine: what it draws follows from its key, the outcomes it was told and their order, so that
copies of it in several processes agree and a saved one goes on as if it had never stopped.
"""

from __future__ import annotations

import base64
import zlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Json
from ssrl_data.rng import Rng

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Units:
    """What is drawn as one: a row, or all the rows of a set.

    Attributes:
        sizes: rows of each unit, shape (units,).
        task: index into `tasks` of each unit, shape (units,).
        cell: index into `cells` of each unit, shape (units,).
        tasks: names.
        cells: pairs of task and level.
        rates: pass rate of each unit as far as it is known beforehand, else NaN, shape (units,).
        one_level: whether the rows of each unit are all of one level.
        answer: number of the right answer of each unit among those of its cell, shape (units,); None where answers are
            not compared.
    """

    sizes: Ints
    task: Ints
    cell: Ints
    tasks: tuple[str, ...]
    cells: tuple[tuple[str, str], ...]
    rates: Floats
    one_level: bool
    answer: Ints | None = None


class Policy(ABC):
    """Chooses the units of each generation batch.

    Args:
        units: all there are.
        room: rows of a generation batch.
        seed: of the run.

    Raises:
        ValueError: no units fill a batch, or some never can be part of one.
    """

    def __init__(self, units: Units, room: int, seed: int) -> None:
        self.units, self.room, self.seed = units, room, seed
        self.counts = Counter(units.sizes.tolist())
        if units.sizes.sum() < room:
            raise ValueError(f"a generation batch takes {room} rows and there are {units.sizes.sum()}")
        for size in sorted(self.counts):
            rest = self.counts - Counter([size])
            if size > room or not fillable(rest, room - size) >> (room - size) & 1:
                raise ValueError(
                    f"a generation batch of {room} rows cannot hold a set of {size} and be filled by other whole sets"
                )

    def batch(self) -> Batch:
        """An empty batch."""
        return Batch(self.units.sizes, self.room, self.counts)

    @abstractmethod
    def draw(self) -> list[int]:
        """The next batch: different units whose rows are `room` in all."""

    @abstractmethod
    def learn(self, drawn: Ints, passed: Ints, scored: Ints) -> None:
        """Take the outcomes of a batch.

        Args:
            drawn: its units, shape (n,).
            passed: completions of each that were right, shape (n,).
            scored: completions of each that have a score, shape (n,).
        """

    @abstractmethod
    def state(self) -> dict[str, Json]:
        """All that changes, as JSON."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""

    def report(self) -> dict[str, float]:
        """What to log of it, by name."""
        return {}


class Batch:
    """A generation batch being filled, which never takes a unit that would leave a gap no other units can fill.

    Args:
        sizes: rows of each unit there is.
        room: rows of the batch.
        counts: units of each size.
    """

    def __init__(self, sizes: Ints, room: int, counts: Mapping[int, int]) -> None:
        self.taken: list[int] = []
        self.gap = room
        self._sizes = sizes
        self._counts = Counter(counts)
        self._in: set[int] = set()
        self._fits: dict[int, bool] = {}

    def fits(self, unit: int) -> bool:
        """Whether a unit may be added."""
        if unit in self._in:
            return False
        size = int(self._sizes[unit])
        if size not in self._fits:
            rest = self._counts - Counter([size])
            self._fits[size] = size <= self.gap and bool(fillable(rest, self.gap - size) >> (self.gap - size) & 1)
        return self._fits[size]

    def add(self, unit: int) -> None:
        """Add a unit that fits."""
        size = int(self._sizes[unit])
        self.taken.append(unit)
        self._in.add(unit)
        self.gap -= size
        self._counts[size] -= 1
        if len(self._counts) > 1 or self.gap == 0:
            self._fits.clear()


def fillable(counts: Mapping[int, int], most: int) -> int:
    """Which numbers of rows some of the units make together: bit g of the result stands for g, up to `most`.

    Args:
        counts: units of each size.
        most: the greatest number asked for.
    """
    sums, mask = 1, (1 << most + 1) - 1
    for size, count in counts.items():
        # Taking 1, 2, 4, ... and the rest of them together makes every number up to `count`.
        left, some = min(count, most // size), 1
        while left > 0:
            part = min(some, left)
            sums |= sums << part * size & mask
            left, some = left - part, some * 2
    return sums


def shuffled(n: int, *key: str | int) -> Ints:
    """A keyed uniform random order of range(n)."""
    return np.argsort(np.frombuffer(Rng(*key).bytes(8 * n), "<u8"), kind="stable")


def packed(values: NDArray[Any]) -> str:
    """An array as text for JSON, to the bit."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values).tobytes(), 1)).decode("ascii")


def unpacked(text: str, like: NDArray[Any]) -> NDArray[Any]:
    """The array of a `packed` text, in the type and shape of another."""
    data = zlib.decompress(base64.b64decode(text))
    return np.frombuffer(data, like.dtype).reshape(like.shape).copy()
