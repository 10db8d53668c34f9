from __future__ import annotations

import math
import random
from collections.abc import Mapping

import pytest

from ssrl_data.rng import Rng
from ssrl_train.evolve import LEAST, Evolution, Tried, evolve, mutated

TASKS = ("image/jigsaw", "image/rotation", "text/step_order", "video/order")
BEST = {"image/jigsaw": 0.6, "image/rotation": 0.25, "text/step_order": 0.1, "video/order": 0.05}


def distance(shares: Mapping[str, float]) -> float:
    """Kullback and Leibler's, of the best mixture from this one: 0 there, 0.35 for the uniform."""
    return sum(share * math.log(share / shares[task]) for task, share in BEST.items())


@pytest.mark.parametrize("seed", range(5))
def test_it_comes_near_a_known_best_mixture(seed: int) -> None:
    found = evolve(TASKS, lambda generation, place, shares: -distance(shares), Evolution(8, 8, 3), seed)
    assert distance(found[0].shares) < 0.12 < 0.35 < distance(dict.fromkeys(TASKS, 0.25))
    last = [one.fitness for one in found if one.generation == 7]
    first = [one.fitness for one in found if one.generation == 0]
    assert sum(last) / 8 > sum(first) / 8


def test_under_noise_it_still_does_better_than_uniform_on_average() -> None:
    gains = []
    for seed in range(10):
        noise = random.Random(seed)

        def fitness(generation: int, place: int, shares: Mapping[str, float], noise: random.Random = noise) -> float:
            return -distance(shares) + noise.gauss(0, 0.05)

        gains.append(0.35 - distance(evolve(TASKS, fitness, Evolution(8, 5, 3), seed)[0].shares))
    assert sum(gains) / len(gains) > 0.1


def test_candidates_follow_from_the_seed_and_the_fitnesses_alone() -> None:
    seen: list[tuple[int, int]] = []

    def fitness(generation: int, place: int, shares: Mapping[str, float]) -> float:
        seen.append((generation, place))
        return shares["image/jigsaw"]

    settings = Evolution(4, 2, 1)
    found = evolve(TASKS, fitness, settings, 0)
    assert seen == [(g, p) for g in range(2) for p in range(4)]
    assert len(found) == settings.candidates
    assert found == evolve(TASKS, lambda g, p, shares: shares["image/jigsaw"], settings, 0)
    assert found != evolve(TASKS, fitness, settings, 1)
    assert Tried(0, 0, dict.fromkeys(TASKS, 0.25), 0.25) in found, "the uniform mixture is tried"
    assert all(sum(one.shares.values()) == pytest.approx(1) for one in found)
    assert found[0].fitness == max(one.fitness for one in found)


def test_no_task_is_given_up() -> None:
    shares = dict.fromkeys(TASKS, 0.25)
    for step in range(50):
        shares = mutated(shares, 3.0, Rng("test", step))
    assert min(shares.values()) >= LEAST
    assert sum(shares.values()) == pytest.approx(1)


def test_what_cannot_run_is_refused() -> None:
    for settings in ({"population": 1}, {"generations": 0}, {"keep": 6}, {"spread": 0.0}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            Evolution(**settings)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least two tasks"):
        evolve(TASKS[:1], lambda *_: 0.0, Evolution(), 0)
