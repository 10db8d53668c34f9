"""Rows at the edge of what the model can do: those whose estimated pass rate lies in a band.

Dropping prompts that are all right or all wrong is DAPO's dynamic sampling (Yu et al., 2025), which samples first and
throws away; here the outcomes of earlier groups say beforehand where a difference is likely, so little is thrown away.

Luck makes differences too. What is passed half of the time by luck, and is never learnt, looks like the edge for ever:
where a task may be like that, `progress` and `ucb` leave it and this does not. And a model that only guesses passes the
rows whose answer it happens to favour: a band filled with those would teach it to say that answer, and the demo's tiny
model, which begins at chance, then stays there. So of each task and level every right answer keeps the share that it
has among all rows: what a guesser is paid then does not depend on what it says, and there is nothing for it to learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ssrl_data.core import Json
from ssrl_train.curriculum.policy import Batch, Floats, Ints, Policy, Units, packed, shuffled, unpacked
from ssrl_train.curriculum.settings import Frontier

NEWEST = 0.5
"""Weight of a unit's newest group in its estimate."""

NEVER = -1

LATEST, TAKEN = 1 << 32, 1 << 62
"""Above every batch's number; above every turn."""

Mask = NDArray[np.bool_]


class Band(Policy):
    """Estimates for every unit, and the three pools that follow from them.

    - the *band*: estimated inside it, the one drawn longest ago first;
    - to *explore*: never tried, then those outside the band whose last try is stale, in a keyed order;
    - the *rest*: outside the band, drawn only where the other two do not fill a batch.

    Args:
        settings: band, staleness, shares.
        units: all there are.
        room: rows of a generation batch.
        seed: of the run.
    """

    def __init__(self, settings: Frontier, units: Units, room: int, seed: int) -> None:
        super().__init__(units, room, seed)
        self._settings = settings
        # Everything below is in a keyed order, so that of equals the first is a random one.
        self._order = shuffled(len(units.sizes), "frontier", seed)
        self._place = np.argsort(self._order)
        self._sizes, self._task = units.sizes[self._order], units.task[self._order]
        self._estimate = units.rates[self._order]
        self._stratum, self._share, self._cell_of = _strata(units, self._order)
        self._members = [np.flatnonzero(self._stratum == i) for i in range(len(self._share))]
        self._given = np.zeros(len(self._share))  # rows drawn of each answer
        self._drawn = np.full(len(self._order), NEVER, np.int32)  # generation batch of its last draw
        self._batches = 0
        # Rows that exploring, and every task, are owed.
        self._explore, self._owed = 0.0, np.zeros(len(units.tasks))

    def draw(self) -> list[int]:
        """The next batch: what tasks are owed, then what exploring is owed, then the band."""
        batch, (band, explore) = Batch(self._sizes, self.room, self.counts), self._pools()
        self._pool = np.where(band, 0, np.where(explore, 1, 2))
        pools = (np.flatnonzero(band), np.flatnonzero(explore), np.flatnonzero(~(band | explore)))
        self._explore += self._settings.explore * self.room
        self._owed += self._settings.least / len(self._owed) * self.room
        for task in np.flatnonzero(self._owed >= 1):
            goal = batch.gap - int(self._owed[task])
            for pool in pools:
                self._fill(batch, pool, goal, self._task == task)
        self._fill(batch, pools[1], batch.gap - int(self._explore - self._rows(batch, explore)))
        while batch.gap:  # again where sets differ in size and what did not fit may fit now
            for pool in pools:
                self._fill(batch, pool, 0)
        self._explore = min(max(self._explore - self._rows(batch, explore), 0), self.room)
        drawn = np.bincount(self._task[batch.taken], self._sizes[batch.taken], len(self._owed))
        self._owed = np.clip(self._owed - drawn, 0, self.room)
        self._drawn[batch.taken] = self._batches
        self._batches += 1
        return [int(unit) for unit in self._order[batch.taken]]

    def _pools(self) -> tuple[Mask, Mask]:
        """Which units are in the band, and which are to explore."""
        band = (self._estimate >= self._settings.low) & (self._estimate <= self._settings.high)
        new = np.isnan(self._estimate) & (self._drawn == NEVER)
        stale = self._batches - np.maximum(self._drawn, 0) > self._settings.stale
        return band, ~band & (new | stale)

    def _rows(self, batch: Batch, pool: Mask) -> int:
        taken = np.array(batch.taken, int)
        return int(self._sizes[taken[pool[taken]]].sum())

    def _fill(self, batch: Batch, pool: Ints, goal: int, among: Mask | None = None) -> None:
        """Take units of a pool until the batch's gap is down to a goal, the one drawn longest ago first."""
        if batch.gap <= max(goal, 0):
            return
        pool = pool if among is None else pool[among[pool]]
        while len(pool):
            drawn = self._drawn[pool]
            oldest = drawn == drawn.min()
            for unit in map(int, pool[oldest]):
                if batch.fits(unit):
                    unit = self._balanced(batch, unit)
                    batch.add(unit)
                    self._given[self._stratum[unit]] += self._sizes[unit]
                    if batch.gap <= max(goal, 0):
                        return
            pool = pool[~oldest]

    def _balanced(self, batch: Batch, unit: int) -> int:
        """The unit to take in a unit's place: of the answer of its cell that is most behind its share.

        Of that answer's units the one of the best pool, the unit's own first, and there the one drawn longest ago.
        """
        here = np.flatnonzero(self._cell_of == self._cell_of[self._stratum[unit]])
        if len(here) == 1:
            return unit
        for stratum in here[np.argsort(self._given[here] / self._share[here], kind="stable")]:
            members = self._members[stratum]
            pool = np.where(self._pool[members] == self._pool[unit], -1, self._pool[members])
            turn = pool * LATEST + self._drawn[members]
            at = np.minimum(np.searchsorted(members, batch.taken), len(members) - 1)
            turn[at[members[at] == batch.taken]] = TAKEN
            if turn.min() < TAKEN:
                return int(members[turn.argmin()])
        return unit

    def learn(self, drawn: Ints, passed: Ints, scored: Ints) -> None:
        """Move the estimates of a batch's units."""
        place = self._place[drawn[scored > 0]]
        rate = passed[scored > 0] / scored[scored > 0]
        old = self._estimate[place]
        self._estimate[place] = np.where(np.isnan(old), rate, (1 - NEWEST) * old + NEWEST * rate)

    def report(self) -> dict[str, float]:
        """Shares of all units that are in the band, and to explore."""
        band, explore = self._pools()
        return {"frontier/band": float(band.mean()), "frontier/explore": float(explore.mean())}

    def state(self) -> dict[str, Json]:
        """Estimates, draws and what is owed."""
        return {
            "estimate": packed(self._estimate),
            "drawn": packed(self._drawn),
            "batches": self._batches,
            "explore": self._explore,
            "owed": self._owed.tolist(),
            "given": self._given.tolist(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`."""
        self._estimate, self._drawn = (
            unpacked(state["estimate"], self._estimate),
            unpacked(state["drawn"], self._drawn),
        )
        self._batches, self._explore, self._owed = state["batches"], state["explore"], np.array(state["owed"])
        self._given = np.array(state["given"])


def _strata(units: Units, order: Ints) -> tuple[Ints, Floats, Ints]:
    """Of each unit, in order, the answer of its cell; of each such answer its share of the cell, and the cell."""
    answer = np.zeros_like(units.cell) if units.answer is None else units.answer
    pairs, stratum = np.unique(np.stack([units.cell, answer]), axis=1, return_inverse=True)
    rows = np.bincount(stratum.reshape(-1), units.sizes)
    return stratum.reshape(-1)[order], rows / np.bincount(pairs[0], rows)[pairs[0]], pairs[0]
