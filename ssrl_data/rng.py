"""Keyed deterministic randomness.

Every draw is a function of a key and a counter (BLAKE2b), so neighbouring seeds share nothing, no draw depends on
another item's, and the values are the same on every platform and in every release of every library.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_WORD = 64


class Rng:
    """A stream of draws under one key.

    Args:
        key: strings and integers; the stream depends on all of them, their types and their order.

    >>> Rng(0, "image/jigsaw", "a.jpg").below(1000) == Rng(0, "image/jigsaw", "a.jpg").below(1000)
    True
    """

    __slots__ = ("_block", "_count", "_key", "_words")

    def __init__(self, *key: str | int) -> None:
        text = json.dumps(key, ensure_ascii=True, separators=(",", ":"))
        self._key = hashlib.blake2b(text.encode(), digest_size=32).digest()
        self._count = 0
        self._block: list[int] = []
        self._words = 0

    def word(self) -> int:
        """A uniform 64-bit integer."""
        if not self._block:
            digest = hashlib.blake2b(self._count.to_bytes(8, "little"), key=self._key, digest_size=64).digest()
            self._block = np.frombuffer(digest, "<u8").tolist()
            self._count += 1
        return self._block.pop()

    def below(self, n: int) -> int:
        """A uniform integer in [0, n), 1 <= n <= 2**64; by rejection, so without bias."""
        if not 1 <= n <= 1 << _WORD:
            raise ValueError(f"below(n) needs 1 <= n <= 2**64, got {n}")
        limit = (1 << _WORD) - (1 << _WORD) % n
        while (value := self.word()) >= limit:
            pass
        return value % n

    def integer(self, low: int, high: int) -> int:
        """A uniform integer in [low, high], both included."""
        return low + self.below(high - low + 1)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A uniform float in [low, high), on 53 bits."""
        return low + (high - low) * ((self.word() >> 11) / (1 << 53))

    def choice(self, items: Sequence[T]) -> T:
        """One of `items`, each equally likely."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in a uniform random order (Fisher and Yates)."""
        out = list(items)
        for i in range(len(out) - 1, 0, -1):
            j = self.below(i + 1)
            out[i], out[j] = out[j], out[i]
        return out

    def sample(self, items: Sequence[T], k: int) -> list[T]:
        """`k` different places of `items`, in random order."""
        if not 0 <= k <= len(items):
            raise ValueError(f"sample of {k} from {len(items)} items")
        out = list(items)
        for i in range(k):
            j = i + self.below(len(out) - i)
            out[i], out[j] = out[j], out[i]
        return out[:k]

    def bytes(self, n: int) -> bytes:
        """`n` uniform bytes in one go (SHAKE-256), for noise."""
        return hashlib.shake_256(self._key + self.word().to_bytes(8, "little")).digest(n)
