"""Policies that share a batch out among arms (tasks, or levels of tasks) and deal each arm's units in passes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ssrl_data.core import Json
from ssrl_train.curriculum.policy import Batch, Floats, Ints, Policy, Units, shuffled


class Deck:
    """Units dealt in passes, each a new order of all of them; what was passed over stays first in line.

    Args:
        members: the units.
        key: of the orders.
    """

    def __init__(self, members: Ints, *key: str | int) -> None:
        self._members, self._key = members, key
        self._pass, self._place, self._held = 0, 0, list[int]()
        self._order: Ints | None = None

    def take(self, batch: Batch) -> int | None:
        """The next unit that fits a batch; None where none does."""
        for place, unit in enumerate(self._held):
            if batch.fits(unit):
                return self._held.pop(place)
        tried = set(self._held)
        while len(tried) < len(self._members):
            unit = self._next()
            if batch.fits(unit):
                return unit
            self._held.append(unit)
            tried.add(unit)
        return None

    def _next(self) -> int:
        if self._place == len(self._members):
            self._pass, self._place, self._order = self._pass + 1, 0, None
        if self._order is None:
            self._order = self._members[shuffled(len(self._members), *self._key, self._pass)]
        self._place += 1
        return int(self._order[self._place - 1])

    def state(self) -> list[Json]:
        """Pass, place in it, and units passed over."""
        return [self._pass, self._place, list(self._held)]

    def restore(self, state: Sequence[Any]) -> None:
        """Go on from a `state`."""
        self._pass, self._place, self._held = state[0], state[1], list(state[2])
        self._order = None


def arms_of(units: Units, over: str) -> Ints:
    """The task of each unit, or its level of its task, shape (units,).

    Args:
        units: all there are.
        over: `task` or `level`.

    Raises:
        ValueError: levels are asked for and a set has rows of several.
    """
    if over == "level" and not units.one_level:
        raise ValueError(
            "sets have rows of several levels, which whole_sets keeps together and this kind would draw apart: leave "
            "whole_sets out or take another kind"
        )
    return units.task if over == "task" else units.cell


class Arms(Policy):
    """Shares that hold over time: each arm is owed its share of every batch, and the one owed most is dealt next.

    Args:
        units: all there are.
        room: rows of a generation batch.
        seed: of the run.
        arm: arm of each unit, shape (units,), every one from 0 to the greatest present.
    """

    def __init__(self, units: Units, room: int, seed: int, arm: Ints) -> None:
        super().__init__(units, room, seed)
        self.arm, self.arms = arm, int(arm.max()) + 1
        order = np.argsort(arm, kind="stable")
        ends = np.cumsum(np.bincount(arm))[:-1]
        self._decks = [Deck(members, "deck", seed, i) for i, members in enumerate(np.split(order, ends))]
        self._owed = np.zeros(self.arms)

    @abstractmethod
    def shares(self) -> Floats:
        """Of the arms in the next batch, shape (arms,), summing to 1."""

    def draw(self) -> list[int]:
        """The next batch."""
        self._owed += self.shares() * self.room
        batch, left = self.batch(), np.ones(self.arms, bool)
        while batch.gap:
            arm = int(np.argmax(np.where(left, self._owed, -np.inf)))
            unit = self._decks[arm].take(batch)
            if unit is None:
                left[arm] = False
                continue
            batch.add(unit)
            self._owed[arm] -= self.units.sizes[unit]
            left |= len(self.counts) > 1  # where sizes differ, what did not fit may fit now
        # What an arm too small for its share is owed must not grow for ever.
        np.clip(self._owed, -self.room, self.room, out=self._owed)
        return batch.taken

    def by_arm(self, drawn: Ints, counts: Ints) -> Floats:
        """Counts of a batch's units, summed for each arm, shape (arms,)."""
        return np.bincount(self.arm[drawn], counts, self.arms).astype(np.float64)

    def state(self) -> dict[str, Json]:
        """Where each deck is, and what each arm is owed."""
        return {"decks": [deck.state() for deck in self._decks], "owed": self._owed.tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        for deck, saved in zip(self._decks, state["decks"], strict=True):
            deck.restore(saved)
        self._owed = np.array(state["owed"])
