"""Tasks or levels as arms of a bandit whose reward is how much their pass rate moved.

The idea of an optimism bonus on self-supervised learning is that of Contrastive UCB (Qiu et al., 2022). Of it only the
optimism is taken: its theorem is about low-rank decision processes and says nothing of this sampler. The discounted
bound, for rewards that change with time, is that of Garivier and Moulines, 2011.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ssrl_data.core import Json
from ssrl_train.curriculum.arms import Arms, arms_of
from ssrl_train.curriculum.policy import Floats, Ints, Units
from ssrl_train.curriculum.settings import Ucb


class UpperBound(Arms):
    """An arm for each task or level.

    Args:
        settings: arms, bonus, discount.
        units: all there are.
        room: rows of a generation batch.
        seed: of the run.
    """

    _SUMS = ("_drawn", "_right", "_all", "_moves", "_batches")

    def __init__(self, settings: Ucb, units: Units, room: int, seed: int) -> None:
        super().__init__(units, room, seed, arms_of(units, settings.over))
        self._settings = settings
        # Discounted sums over batches, by arm: rows drawn; completions right and scored; moves of the rate and batches.
        self._drawn, self._right, self._all, self._moves, self._batches = (np.zeros(self.arms) for _ in range(5))

    def shares(self) -> Floats:
        """Each row of the batch goes to the arm of the greatest bound, which falls as rows are given to it."""
        out = np.zeros(self.arms)
        value = np.divide(self._moves, self._batches, out=np.zeros(self.arms), where=self._batches > 0)
        rows = self._drawn * self._settings.discount
        for _ in range(self.room):
            log = np.log1p(rows.sum())
            bound = value + self._settings.bonus * np.sqrt(log / np.maximum(rows, 1e-9))
            arm = int(np.argmax(bound)) if log else 0
            rows[arm] += 1
            out[arm] += 1
        self._drawn = rows
        return out / self.room

    def learn(self, drawn: Ints, passed: Ints, scored: Ints) -> None:
        """Reward each arm with the move of its pass rate."""
        keep = self._settings.discount
        before = self._rate()
        here = self.by_arm(drawn, scored) > 0
        for total, new in ((self._right, self.by_arm(drawn, passed)), (self._all, self.by_arm(drawn, scored))):
            total *= keep
            total += new
        moved = np.abs(self._rate() - before)
        counted = here & ~np.isnan(moved)
        for total, new in ((self._moves, np.where(counted, moved, 0)), (self._batches, counted.astype(np.float64))):
            total *= keep
            total += new

    def _rate(self) -> Floats:
        rate: Floats = np.divide(self._right, self._all, out=np.full(self.arms, np.nan), where=self._all > 0)
        return rate

    def state(self) -> dict[str, Json]:
        """Decks and sums."""
        return {**super().state(), **{name.lstrip("_"): getattr(self, name).tolist() for name in self._SUMS}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        super().restore(state)
        for name in self._SUMS:
            setattr(self, name, np.array(state[name.lstrip("_")]))
