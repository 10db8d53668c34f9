from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from statistics import mean

import numpy as np
import pytest
from simulated import ROOM, World, steps_to

from ssrl_data.core import SsrlError
from ssrl_train.curriculum import (
    KINDS,
    Curriculum,
    Frontier,
    Levels,
    Policy,
    Progress,
    Ucb,
    Uniform,
    Units,
    Weights,
    begin,
)
from ssrl_train.curriculum.policy import Batch, fillable
from ssrl_train.fields import filled

SEEDS = (0, 1, 2)
ORDER = ("l0", "l1", "l2")
EVERY: dict[str, Curriculum] = {
    "uniform": Uniform(),
    "weights": Weights({"t0": 3.0, "t1": 1.0}),
    "levels": Levels(order=ORDER, window=8),
    "frontier": Frontier(stale=10),
    "progress": Progress(),
    "ucb": Ucb(),
}


def units(count: int = 300, sizes: list[int] | None = None, rates: list[float] | None = None) -> Units:
    """Two tasks and three levels in turn."""
    place = np.arange(count)
    cells = tuple((f"t{task}", level) for task in range(2) for level in ORDER)
    known = np.full(count, np.nan) if rates is None else np.array(rates)
    size = np.ones(count, np.int64) if sizes is None else np.array(sizes)
    return Units(size, place % 2, place % 6 // 2 + place % 2 * 3, ("t0", "t1"), cells, known, True)


def drawn(policy: Policy, batches: int, rate: float | None = 0.5) -> Iterator[list[int]]:
    """Batches, each told one pass rate for all of its units; None tells no score."""
    for _ in range(batches):
        taken = policy.draw()
        scored = np.full(len(taken), 0 if rate is None else 8)
        policy.learn(np.array(taken), (scored * (rate or 0)).astype(int), scored)
        yield taken


@pytest.mark.parametrize("kind", EVERY)
def test_a_policy_is_a_state_machine(kind: str) -> None:
    """Same seed and outcomes, same draws, by way of a saved state too; another seed, other draws."""
    luck = np.random.default_rng(0)
    one, same, other = (begin(EVERY[kind], units(), ROOM, seed) for seed in (0, 0, 1))
    differs = False
    for step in range(60):
        batch = one.draw()
        assert len(set(batch)) == len(batch) == ROOM
        assert same.draw() == batch
        differs |= other.draw() != batch
        passed, scored = luck.integers(0, 5, ROOM), np.full(ROOM, 4)
        for policy in (one, same, other):
            policy.learn(np.array(batch), passed, scored)
        if step % 7 == 0:
            saved = json.loads(json.dumps(one.state()))
            same = begin(EVERY[kind], units(), ROOM, 0)
            same.restore(saved)
            assert same.state() == one.state()
            assert same.report() == one.report()
    assert differs


@pytest.mark.parametrize("kind", EVERY)
def test_sets_are_kept_whole_and_fill_the_batch(kind: str) -> None:
    sizes = [1 + place % 4 for place in range(300)]
    policy = begin(EVERY[kind], units(sizes=sizes), ROOM, 0)
    for batch in drawn(policy, 60):
        assert len(set(batch)) == len(batch)
        assert sum(sizes[unit] for unit in batch) == ROOM


@pytest.mark.parametrize("kind", EVERY)
def test_few_rows_are_enough(kind: str) -> None:
    policy = begin(EVERY[kind], units(ROOM), ROOM, 0)
    assert all(sorted(batch) == list(range(ROOM)) for batch in drawn(policy, 20))


def test_uniform_goes_in_passes() -> None:
    seen = Counter(unit for batch in drawn(begin(Uniform(), units(75), ROOM, 0), 75) for unit in batch)
    assert seen == dict.fromkeys(range(75), ROOM)
    policy = begin(Uniform(), units(75), ROOM, 0)
    counts = Counter[int]()
    for batch in drawn(policy, 30):
        counts.update(batch)
        assert max(counts.values()) - min(counts[unit] for unit in range(75)) <= 2


def test_weights_hold() -> None:
    policy = begin(Weights({"t0": 3.0, "t1": 1.0}), units(), 5, 0)
    tasks = Counter(unit % 2 for batch in drawn(policy, 80) for unit in batch)
    assert tasks == {0: 300, 1: 100}


def test_levels_go_on_when_they_are_passed_and_look_back() -> None:
    policy = begin(Levels(threshold=0.8, window=32, review=0.25, order=ORDER), units(), ROOM, 0)

    def shares(batches: int, rate: float | None) -> list[float]:
        levels = Counter(unit % 6 // 2 for batch in drawn(policy, batches, rate) for unit in batch)
        return [levels[level] / (batches * ROOM) for level in range(3)]

    assert shares(8, 0.5) == [1, 0, 0]
    assert shares(8, None) == [1, 0, 0], "no score is no pass"
    shares(4, 1.0)
    assert policy.report() == {"level/t0": 2.0, "level/t1": 2.0}
    assert shares(8, 0.5) == [0.25, 0.75, 0]
    shares(6, 1.0)
    assert policy.report() == {"level/t0": 3.0, "level/t1": 3.0}
    assert shares(8, 1.0) == [0.125, 0.125, 0.75]


def test_levels_are_ordered_as_their_task_orders_them() -> None:
    names = ("image/rotation", "image/rotation", "image/rotation")
    cells = tuple(zip(names, ("easy+custom", "hard", "medium"), strict=True))
    place = np.arange(90)
    made = Units(np.ones(90, np.int64), place * 0, place % 3, names[:1], cells, np.full(90, np.nan), True)
    policy = begin(Levels(window=8, review=0.0), made, ROOM, 0)
    assert [{unit % 3 for unit in batch} for batch in drawn(policy, 3, 1.0)] == [{0}, {2}, {1}]


def test_the_frontier_prefers_its_band_and_forgets() -> None:
    rates = [(0.0, 0.5, 1.0)[place // 2 % 3] for place in range(300)]
    policy = begin(Frontier(stale=20, explore=0.01, least=0.0), units(rates=rates), ROOM, 0)
    batches = list(drawn(policy, 60))
    assert all(rates[unit] == 0.5 for batch in batches[:6] for unit in batch), "known beforehand"
    first = [unit for batch in batches[:6] for unit in batch]
    assert len(set(first)) == len(first), "each of the band before any a second time"
    stale = [unit for batch in batches[21:] for unit in batch if rates[unit] != 0.5]
    assert stale, "what was known is out of date"
    alone = begin(Frontier(stale=1000), units(), ROOM, 0)
    never = [unit for batch in drawn(alone, 18, 1.0) for unit in batch]
    assert len(set(never)) == len(never), "what was never tried, before what is always passed"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_frontier_teaches_a_guesser_no_answer(seed: int) -> None:
    """A model that sees nothing and favours an answer is paid alike for all, as long as each keeps its share."""
    right = np.arange(400) % 4
    known = np.where(right == 0, 0.6, 0.05)  # so far it was right where the answer is the one that it favours
    rows = Units(np.ones(400, np.int64), 0 * right, 0 * right, ("t",), (("t", "l"),), known, True)

    def favoured(units: Units) -> float:
        """How likely the likeliest answer is after some updates along the policy gradient, from 0.6."""
        policy, luck = begin(Frontier(), units, ROOM, seed), np.random.default_rng(seed)
        logits, counts = np.log([0.6, 0.4 / 3, 0.4 / 3, 0.4 / 3]), np.zeros(4)
        for _ in range(150):
            taken = np.array(policy.draw())
            p = np.exp(logits) / np.exp(logits).sum()
            said = luck.multinomial(8, p, ROOM)
            passed = said[np.arange(ROOM), right[taken]]
            policy.learn(taken, passed, np.full(ROOM, 8))
            counts += np.bincount(right[taken], minlength=4)
            advantage = (right[taken][:, None] == np.arange(4)) - passed[:, None] / 8
            logits = logits + 0.02 * (said * advantage).sum(0)  # advantages of a group add up to 0
        assert units.answer is None or np.ptp(counts) <= 4, "every answer keeps its share"
        return float(p.max())

    assert favoured(rows) > 0.9
    assert favoured(dataclasses.replace(rows, answer=right)) < 0.8


def test_every_task_has_its_least_share() -> None:
    rates = [0.5 if place % 2 else 0.0 for place in range(300)]
    policy = begin(Frontier(stale=1000, explore=0.001, least=0.5), units(rates=rates), ROOM, 0)
    tasks = Counter(unit % 2 for batch in drawn(policy, 40) for unit in batch)
    assert tasks[0] == 40 * ROOM / 4


def test_progress_follows_what_moves() -> None:
    for settings in (Progress(over="task", explore=0.2), Ucb(over="task", bonus=0.02)):
        policy = begin(settings, units(3000), ROOM, 0)
        tasks = Counter[int]()
        for step in range(60):
            batch = np.array(policy.draw())
            passed = np.where(batch % 2, 4, min(8, step // 8))
            policy.learn(batch, passed, np.full(ROOM, 8))
            tasks.update((batch % 2).tolist() if step > 5 else [])
        assert tasks[0] > 2 * tasks[1], settings
        assert tasks[1] > 0, settings


def test_which_sums_can_be_made() -> None:
    assert [g for g in range(13) if fillable({3: 2, 4: 1}, 12) >> g & 1] == [0, 3, 4, 6, 7, 10]
    batch = Batch(np.array([3, 3, 4, 3]), 10, {3: 3, 4: 1})
    assert [batch.fits(unit) for unit in range(4)] == [True] * 4
    batch.add(0)
    batch.add(1)
    assert [batch.fits(unit) for unit in range(4)] == [False, False, True, False]


def test_settings_are_checked() -> None:
    for kind, body, message in (
        ("weights", {}, "shares must name"),
        ("weights", {"shares": {"a": 0}}, "shares of a is 0"),
        ("levels", {"threshold": 1.5}, "threshold is 1.5: it must be above 0 and at most 1"),
        ("levels", {"review": 1}, "review is 1: it must be a share from 0 below 1"),
        ("frontier", {"low": 0.9, "high": 0.1}, "low 0.9 and high 0.1"),
        ("frontier", {"stale": 0}, "stale is 0"),
        ("frontier", {"explore": 0.0}, "explore is 0"),
        ("progress", {"over": "row"}, "over is 'row': it must be task or level"),
        ("progress", {"fast": 0.01}, "slow 0.05 and fast 0.01"),
        ("ucb", {"bonus": -1}, "bonus is -1"),
        ("uniform", {"stale": 3}, "unknown key 'stale'"),
    ):
        with pytest.raises(SsrlError, match=message):
            filled(KINDS[kind], body, "curriculum")


def spread(seed: int) -> World:
    """Three tasks of guessing chance 0 to 0.5 whose rows go from easy to far out of reach."""
    random = np.random.default_rng([1, seed])
    difficulty, task = random.uniform(-4, 10, 3000), random.integers(0, 3, 3000)
    level = np.digitize(difficulty, (0.7, 5.3))
    return World(difficulty, task, level, np.zeros(3), np.ones(3), np.array([0, 0.25, 0.5]))


def duties(seed: int) -> World:
    """Four tasks: long mastered, to be learnt, out of reach, and a coin that nothing is learnt from."""
    random = np.random.default_rng([2, seed])
    task = random.integers(0, 4, 3000)
    difficulty = np.array([-6, 3, 12, 0])[task] + random.normal(0, 1.5, 3000)
    return World(difficulty, task, task * 0, np.zeros(4), np.array([1.0, 1, 0, 0]), np.zeros(4))


def test_rows_at_the_edge_teach_a_simulated_learner_sooner() -> None:
    """Updates to a set accuracy, each curriculum against uniform on three seeds; see `simulated` for the learner."""
    steps = {
        name: [steps_to(0.8, spread(seed), curriculum, seed) for seed in SEEDS]
        for name, curriculum in (
            ("uniform", Uniform()),
            ("frontier", Frontier()),
            ("levels", Levels(order=ORDER)),
            ("progress", Progress()),
            ("ucb", Ucb()),
        )
    }
    print(steps)
    for name, most in (("frontier", 0.95), ("levels", 0.8), ("progress", 0.95), ("ucb", 0.95)):
        assert max(np.divide(steps[name], steps["uniform"])) < most, name


def test_what_moves_is_found_among_what_does_not() -> None:
    """Where a task is a coin, the frontier takes it for its edge; progress and bounds do not."""
    steps = {
        name: [steps_to(0.9, duties(seed), curriculum, seed) for seed in SEEDS]
        for name, curriculum in (("uniform", Uniform()), ("progress", Progress()), ("ucb", Ucb()))
    }
    steps["frontier"] = [steps_to(0.9, duties(seed), Frontier(), seed) for seed in SEEDS]
    print(steps)
    for name in ("progress", "ucb"):
        assert max(np.divide(steps[name], steps["uniform"])) < 0.85, name
    assert mean(steps["frontier"]) > mean(steps["uniform"]), "as its docstring says"
