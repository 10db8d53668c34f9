"""Curricula that do not look at outcomes: all rows alike, or tasks in fixed shares."""

from __future__ import annotations

import numpy as np

from ssrl_data.registry import suggest
from ssrl_train.curriculum.arms import Arms
from ssrl_train.curriculum.policy import Floats, Ints, Units
from ssrl_train.curriculum.settings import Uniform, Weights


class FixedShares(Arms):
    """Shares that never change."""

    def __init__(self, units: Units, room: int, seed: int, arm: Ints, shares: Floats) -> None:
        super().__init__(units, room, seed, arm)
        self._shares: Floats = shares / shares.sum()

    def shares(self) -> Floats:
        """The same for every batch."""
        return self._shares

    def learn(self, drawn: Ints, passed: Ints, scored: Ints) -> None:
        """Nothing: outcomes change nothing."""


def uniform(settings: Uniform, units: Units, room: int, seed: int) -> FixedShares:
    """One arm of all units."""
    return FixedShares(units, room, seed, np.zeros_like(units.task), np.ones(1))


def weights(settings: Weights, units: Units, room: int, seed: int) -> FixedShares:
    """An arm for each task.

    Raises:
        ValueError: a task has no share, or a share no task.
    """
    for task in settings.shares:
        if task not in units.tasks:
            raise ValueError(f"shares names {task!r}, of which there are no rows: {suggest(task, units.tasks)}")
    for task in units.tasks:
        if task not in settings.shares:
            raise ValueError(f"shares leaves out {task!r}: name its share, or leave its rows out with `tasks`")
    return FixedShares(units, room, seed, units.task, np.array([float(settings.shares[task]) for task in units.tasks]))
