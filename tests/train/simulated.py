"""A learner simulated by item response theory, to compare curricula on in seconds.

A row has a difficulty, a task has a skill. A completion is right with probability `p = chance + (1 - chance) * s`,
`s = sigmoid(skill - difficulty)`: the three-parameter logistic model (Birnbaum, 1968). Skill moves along the policy
gradient of that model with group-normalised rewards: averaged over a group whose share `m` is right, the advantage
times the gradient of the log probability is `sqrt(m (1 - m)) * s / p`. So a group that is all right or all wrong
teaches nothing, and what was luck teaches little. A task of pace 0 cannot be learnt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssrl_train.curriculum import Curriculum, Units, begin
from ssrl_train.curriculum.policy import Floats, Ints

GROUP, ROOM = 8, 16
"""Completions of a row, and rows of a generation batch."""

RATE = 0.05
"""How far a row at the edge moves the skill of its task."""


@dataclass(frozen=True)
class World:
    """Rows that a learner of some skills may meet.

    Attributes:
        difficulty: of each row, in units of skill, shape (rows,).
        task: of each row, from 0, shape (rows,).
        level: of each row, from 0, shape (rows,).
        start: skill in each task at first, shape (tasks,).
        pace: how fast each task is learnt, 0 for never, shape (tasks,).
        chance: that a guess is right, shape (tasks,).
    """

    difficulty: Floats
    task: Ints
    level: Ints
    start: Floats
    pace: Floats
    chance: Floats

    def units(self) -> Units:
        """The rows as a curriculum sees them."""
        tasks = tuple(f"t{i}" for i in range(len(self.start)))
        pairs, cell = np.unique(np.stack([self.task, self.level]), axis=1, return_inverse=True)
        cells = tuple((tasks[task], f"l{level}") for task, level in pairs.T.tolist())
        sizes = np.ones(len(self.task), np.int64)
        return Units(sizes, self.task, cell.reshape(-1), tasks, cells, np.full(len(sizes), np.nan), True)

    def solves(self, skill: Floats, rows: Ints) -> Floats:
        """Probability that skill, not luck, answers each of some rows."""
        return 1 / (1 + np.exp(self.difficulty[rows] - skill[self.task[rows]]))

    def accuracy(self, skill: Floats) -> float:
        """Mean probability of a right answer over the rows of the tasks that can be learnt."""
        rows = np.flatnonzero(self.pace[self.task] > 0)
        chance = self.chance[self.task[rows]]
        return float((chance + (1 - chance) * self.solves(skill, rows)).mean())


def steps_to(goal: float, world: World, curriculum: Curriculum, seed: int, most: int = 4000) -> int:
    """Updates until a learner reaches an accuracy; `most` where it does not.

    Args:
        goal: the accuracy.
        world: the rows.
        curriculum: which of them it meets when; outcomes reach it one batch late, as in training.
        seed: of the draws and the learner's luck.
        most: updates at most.
    """
    luck, skill = np.random.default_rng([7, seed]), world.start.copy()
    policy = begin(curriculum, world.units(), ROOM, seed)
    ahead = np.array(policy.draw())
    for step in range(most):
        if world.accuracy(skill) >= goal:
            return step
        rows, ahead = ahead, np.array(policy.draw())
        chance, solved = world.chance[world.task[rows]], world.solves(skill, rows)
        passed = luck.binomial(GROUP, chance + (1 - chance) * solved)
        policy.learn(rows, passed, np.full(ROOM, GROUP))
        share, p = passed / GROUP, chance + (1 - chance) * solved
        gain = RATE * world.pace[world.task[rows]] * np.sqrt(share * (1 - share)) * solved / p
        skill += np.bincount(world.task[rows], gain, len(skill))
    return most
