"""Learning progress: practise what changes, by the distance of a fast and a slow running mean of the pass rate.

The measure is that of Kanitscheider et al., 2021 (Multi-task curriculum learning in a complex, visual, hard-exploration
domain), after the absolute learning progress of Portelas et al., 2019; both ways count, since what is being forgotten
wants practice too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ssrl_data.core import Json
from ssrl_train.curriculum.arms import Arms, arms_of
from ssrl_train.curriculum.policy import Floats, Ints, Units
from ssrl_train.curriculum.settings import Progress


class LearningProgress(Arms):
    """An arm for each task or level.

    Args:
        settings: arms, weights of the means, share that is spread evenly.
        units: all there are.
        room: rows of a generation batch.
        seed: of the run.
    """

    def __init__(self, settings: Progress, units: Units, room: int, seed: int) -> None:
        super().__init__(units, room, seed, arms_of(units, settings.over))
        self._settings = settings
        self._fast = np.full(self.arms, np.nan)
        self._slow = np.full(self.arms, np.nan)

    def shares(self) -> Floats:
        """In proportion to progress; an arm without an outcome yet counts as the best one."""
        progress = np.abs(self._fast - self._slow)
        seen = progress[~np.isnan(progress)]
        progress = np.where(np.isnan(progress), seen.max(initial=0), progress)
        even = np.full(self.arms, 1 / self.arms)
        if not progress.any():
            return even
        shares: Floats = self._settings.explore * even + (1 - self._settings.explore) * progress / progress.sum()
        return shares

    def learn(self, drawn: Ints, passed: Ints, scored: Ints) -> None:
        """Move both means of each arm that has outcomes."""
        right, all_ = self.by_arm(drawn, passed), self.by_arm(drawn, scored)
        here = all_ > 0
        rate = right[here] / all_[here]
        for mean, weight in ((self._fast, self._settings.fast), (self._slow, self._settings.slow)):
            mean[here] = np.where(np.isnan(mean[here]), rate, (1 - weight) * mean[here] + weight * rate)

    def state(self) -> dict[str, Json]:
        """Decks and means; None for an arm without an outcome."""
        means = ([None if np.isnan(mean) else mean for mean in means.tolist()] for means in (self._fast, self._slow))
        return {**super().state(), **dict(zip(("fast", "slow"), means, strict=True))}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        super().restore(state)
        self._fast, self._slow = (np.array(state[name], float) for name in ("fast", "slow"))
