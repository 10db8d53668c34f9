"""A small evolution over the shares of tasks in a mixture: the best survive, and their children differ a little.

For a fitness that is dear and uncertain: each candidate is tried once, and no task is ever given up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeAlias

from ssrl_data.rng import Rng

Shares: TypeAlias = Mapping[str, float]

LEAST = 0.01
"""The smallest share of a task: none is given up for good on the word of one run."""


@dataclass(frozen=True, slots=True)
class Evolution:
    """How long and how widely to search.

    Attributes:
        population: candidates of a generation; the first is the uniform mixture.
        generations: of candidates, the first one drawn at random.
        keep: candidates of the best so far from which children are drawn.
        spread: standard deviation of a child's log shares about its parent's; of the first generation's, twice that.
    """

    population: int = 6
    generations: int = 3
    keep: int = 2
    spread: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        for name, least in (("population", 2), ("generations", 1), ("keep", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least {least}")
        if self.keep >= self.population:
            raise ValueError(f"keep is {self.keep}: it must be below population, {self.population}")
        if not 0 < self.spread < float("inf"):
            raise ValueError(f"spread is {self.spread:g}: it must be above 0")

    @property
    def candidates(self) -> int:
        """How many are tried in all."""
        return self.population * self.generations


@dataclass(frozen=True, slots=True)
class Tried:
    """A candidate that was tried.

    Attributes:
        generation: from 0.
        place: in its generation, from 0.
        shares: of the tasks, 1 in all.
        fitness: what came of it; more is better.
    """

    generation: int
    place: int
    shares: Shares
    fitness: float


def evolve(
    tasks: Sequence[str], fitness: Callable[[int, int, Shares], float], settings: Evolution, seed: int
) -> list[Tried]:
    """Search for the shares of the highest fitness.

    Candidates follow from the seed and the fitnesses alone, so a search that died goes on where it was if its
    fitnesses are kept.

    Args:
        tasks: names, at least two.
        fitness: of a candidate, given its generation, its place in it, and its shares.
        settings: how long and how widely.
        seed: of the draws.

    Returns:
        Every candidate, the best first; of equals the earlier.
    """
    if len(tasks) < 2:
        raise ValueError(f"a mixture is of at least two tasks, got {', '.join(tasks) or 'none'}")
    tried: list[Tried] = []
    for generation in range(settings.generations):
        parents = _ranked(tried)[: settings.keep]
        for place in range(settings.population):
            rng = Rng("evolve", seed, generation, place)
            if not parents:
                even = dict.fromkeys(tasks, 1 / len(tasks))
                shares = mutated(even, 2 * settings.spread, rng) if place else even
            else:
                shares = mutated(parents[place % len(parents)].shares, settings.spread, rng)
            tried.append(Tried(generation, place, shares, fitness(generation, place, shares)))
    return _ranked(tried)


def mutated(shares: Shares, spread: float, rng: Rng) -> dict[str, float]:
    """Shares whose logarithms differ by normal draws, each at least `LEAST`, 1 in all."""
    normal = NormalDist(0, spread)
    changed = {task: share * math.exp(normal.inv_cdf(rng.uniform(1e-12, 1))) for task, share in shares.items()}
    total, rest = sum(changed.values()), 1 - LEAST * len(changed)
    return {task: LEAST + rest * share / total for task, share in changed.items()}


def _ranked(tried: Sequence[Tried]) -> list[Tried]:
    return sorted(tried, key=lambda one: -one.fitness)
