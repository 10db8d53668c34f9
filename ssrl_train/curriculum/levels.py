"""Levels from easy to hard, each task at its own pace."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ssrl_data.core import Json, SsrlError
from ssrl_data.registry import suggest, task_class
from ssrl_train.curriculum.arms import Arms, arms_of
from ssrl_train.curriculum.policy import Floats, Ints, Units
from ssrl_train.curriculum.settings import Levels


class LevelLadder(Arms):
    """An arm for each level of each task.

    Args:
        settings: threshold, window, share of review, order.
        units: all there are.
        room: rows of a generation batch.
        seed: of the run.

    Raises:
        ValueError: the order of a task's levels is not known, or a set has several levels.
    """

    def __init__(self, settings: Levels, units: Units, room: int, seed: int) -> None:
        super().__init__(units, room, seed, arms_of(units, "level"))
        self._settings = settings
        rows = np.bincount(units.task, units.sizes)
        self._share = rows / rows.sum()
        self._ladders = [_ladder(task, units.cells, settings.order) for task in units.tasks]
        self._rung = [0] * len(units.tasks)
        self._recent = [deque[tuple[int, int]](maxlen=settings.window) for _ in units.tasks]

    def shares(self) -> Floats:
        """Most of each task's at its present level, the review spread over those before."""
        out = np.zeros(self.arms)
        for share, ladder, rung in zip(self._share, self._ladders, self._rung, strict=True):
            review = self._settings.review if rung else 0.0
            out[ladder[:rung]] = share * review / max(rung, 1)
            out[ladder[rung]] = share * (1 - review)
        return out

    def learn(self, drawn: Ints, passed: Ints, scored: Ints) -> None:
        """Go on to the next level where the present one is passed often enough."""
        for task, ladder in enumerate(self._ladders):
            rung, recent = self._rung[task], self._recent[task]
            here = (self.arm[drawn] == ladder[rung]) & (scored > 0)
            recent.extend(zip(passed[here].tolist(), scored[here].tolist(), strict=True))
            if len(recent) < self._settings.window or rung + 1 == len(ladder):
                continue
            right, all_ = (sum(column) for column in zip(*recent, strict=True))
            if right >= self._settings.threshold * all_:
                self._rung[task] += 1
                recent.clear()

    def report(self) -> dict[str, float]:
        """The level that each task is at, counted from 1."""
        return {f"level/{task}": rung + 1.0 for task, rung in zip(self.units.tasks, self._rung, strict=True)}

    def state(self) -> dict[str, Json]:
        """Decks, and each task's level and recent groups of it."""
        recent: list[Json] = [[list(group) for group in groups] for groups in self._recent]
        return {**super().state(), "rung": list(self._rung), "recent": recent}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        super().restore(state)
        self._rung = list(state["rung"])
        for recent, saved in zip(self._recent, state["recent"], strict=True):
            recent.clear()
            recent.extend((passed, scored) for passed, scored in saved)


def _ladder(task: str, cells: Sequence[tuple[str, str]], order: Sequence[str]) -> list[int]:
    """The cells of a task, easiest level first."""
    mine = {level: place for place, (name, level) in enumerate(cells) if name == task}
    if order:
        names = list(order)
        hint = "name it in `order`"
    else:
        hint = "name all levels in `order`, easiest first"
        try:
            names = list(task_class(task).levels)
        except SsrlError as error:
            if len(mine) > 1:
                raise ValueError(
                    f"the order of levels of {task!r} is not known, as it is not installed: {hint}"
                ) from error
            names = list(mine)
    for level in mine:
        if _plain(level) not in names and level not in names:
            raise ValueError(f"level {level!r} of {task!r} has no place in the order: {hint}; {suggest(level, names)}")
    return [
        mine[level] for level in sorted(mine, key=lambda level: names.index(level if level in names else _plain(level)))
    ]


def _plain(level: str) -> str:
    """A level without the mark of changed parameters: `easy` of `easy+custom`."""
    return level.partition("+")[0]
