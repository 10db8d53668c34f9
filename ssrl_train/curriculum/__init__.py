"""Which rows a GRPO stage draws when: settings by kind, and the policies that carry them out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ssrl_train.curriculum.fixed import uniform, weights
from ssrl_train.curriculum.frontier import Band
from ssrl_train.curriculum.levels import LevelLadder
from ssrl_train.curriculum.policy import Policy, Units
from ssrl_train.curriculum.progress import LearningProgress
from ssrl_train.curriculum.settings import KINDS, Curriculum, Frontier, Levels, Progress, Ucb, Uniform, Weights
from ssrl_train.curriculum.ucb import UpperBound

__all__ = [
    "KINDS",
    "Curriculum",
    "Frontier",
    "Levels",
    "Policy",
    "Progress",
    "Ucb",
    "Uniform",
    "Units",
    "Weights",
    "begin",
]

_POLICIES: dict[type[Curriculum], Callable[[Any, Units, int, int], Policy]] = {
    Uniform: uniform,
    Weights: weights,
    Levels: LevelLadder,
    Frontier: Band,
    Progress: LearningProgress,
    Ucb: UpperBound,
}


def begin(settings: Curriculum, units: Units, room: int, seed: int) -> Policy:
    """A policy before its first batch.

    Args:
        settings: its kind and what the config says of it.
        units: all that may be drawn.
        room: rows of a generation batch.
        seed: of the run.

    Raises:
        ValueError: the units and the settings do not go together.
    """
    return _POLICIES[type(settings)](settings, units, room, seed)
