"""Not guessable: blind guessers are graded like a model, and none may beat the stated chance.

Most guessers see no picture and no text of the question: constants (each answer that occurs; of more than `CONSTANTS`
answers the most frequent), the most frequent answer that half of the groups shows for a wording (judged on the other
half), any option with equal odds, the first, last, shortest and longest option, or answer where there are no options,
another row's answer, and the prompt repeated. Those of `ssrl_data.check.heuristics` look at the text of a row without
pictures.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ssrl_data.check.bounds import TOLERANCE, lower_bound, rows_needed
from ssrl_data.check.heuristics import Guesser, heuristics
from ssrl_data.core import Json
from ssrl_data.rng import Rng
from ssrl_data.row import digest, unpack_answer

if TYPE_CHECKING:
    from ssrl_data.check.facts import Facts

CONSTANTS = 64
"""Constants that are graded; all answers that occur count as guessers in the correction."""


@dataclass(frozen=True, slots=True)
class Guess:
    """One guesser on one level: mean score and its 99% lower bound, over `rows` rows whose mean chance is `chance`."""

    name: str
    mean: float
    lower: float
    chance: float
    rows: int

    @property
    def beats(self) -> bool:
        """Whether it fails the gate."""
        return self.lower > self.chance + TOLERANCE


@dataclass(frozen=True, slots=True)
class Level:
    """The gate on one level.

    Attributes:
        status: `passed`, `failed` or `not run`.
        chance: mean of the column.
        rows: judged rows.
        needed: rows with which a pass means something.
        guessers: how many the bounds are corrected for.
        guesses: every guesser but the constants, of which only the best is shown; best first.
    """

    status: str
    chance: float
    rows: int
    needed: int
    guessers: int
    guesses: Sequence[Guess]


def judge_level(rows: Sequence[Facts]) -> Level | None:
    """Run the gate on the rows of one level of one task; None when no answer of it is judged."""
    rows = [row for row in rows if row.chance is not None]
    if not rows:
        return None
    tally = Counter(row.answer for row in rows)
    golds = Counter[str]()
    for answer, count in tally.items():
        golds[_gold(answer)] += count
    frequent = [gold for gold, _ in sorted(golds.items(), key=lambda item: (-item[1], item[0]))[:CONSTANTS]]
    per_row = _per_row(rows, golds)
    guessers = len(golds) + len(per_row) + 1
    chance = _chance(rows)

    def guess(name: str, mean: float, n: int, chance: float) -> Guess:
        return Guess(name, mean, lower_bound(mean, n, guessers), chance, n)

    constants = [
        guess(
            f"always {gold}",
            sum(n * _grade(gold, answer) for answer, n in tally.items()) / len(rows),
            len(rows),
            chance,
        )
        for gold in frequent
    ]
    guesses = [max(constants, key=lambda g: g.mean)]
    guesses += [guess(name, sum(map(score, rows)) / len(rows), len(rows), chance) for name, score in per_row.items()]
    if learnt := _learnt(rows):
        judged, mean = learnt
        guesses.append(guess("most frequent for the wording", mean, len(judged), _chance(judged)))
    guesses.sort(key=lambda g: (g.chance - g.lower, g.chance - g.mean, g.name))
    needed = rows_needed(chance, guessers)
    status = "failed" if any(g.beats for g in guesses) else "passed" if len(rows) >= needed else "not run"
    return Level(status, chance, len(rows), needed, guessers, guesses)


def _per_row(rows: Sequence[Facts], golds: Mapping[str, int]) -> dict[str, Callable[[Facts], float]]:
    """The guessers whose guess depends on the row, as functions from the row to their expected score."""
    pool = sorted(golds)
    order = [row.answer for row in sorted(rows, key=lambda row: row.id)]

    def other(row: Facts) -> float:
        return _grade(_gold(order[Rng("other", row.id).below(len(order))]), row.answer)

    def option(pick: Callable[[list[str]], str]) -> Callable[[Facts], float]:
        return lambda row: _grade(pick(_options(row.answer) or pool), row.answer)

    def uniform(row: Facts) -> float:
        options = _options(row.answer)
        return sum(_grade(o, row.answer) for o in options) / len(options) if options else other(row)

    reading = {name: _scored(guesser) for name, guesser in heuristics(rows).items()}
    return reading | {
        "any option": uniform,
        "another row's answer": other,
        "first": option(lambda options: options[0]),
        "last": option(lambda options: options[-1]),
        "shortest": option(lambda options: min(options, key=len)),
        "longest": option(lambda options: max(options, key=len)),
        "prompt repeated": lambda row: row.echo or 0.0,
    }


def _scored(guesser: Guesser) -> Callable[[Facts], float]:
    return lambda row: _grade(guesser(row), row.answer)


def _learnt(rows: Sequence[Facts]) -> tuple[list[Facts], float] | None:
    """Rows of one half and the mean score there of the answers most frequent, for each wording, in the other half."""
    groups = sorted({row.group_id for row in rows}, key=lambda group: digest("half", group))
    judged_groups = set(groups[1::2])
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.group_id not in judged_groups:
            gold = _gold(row.answer)
            seen[row.prompt][gold] += 1
            seen[""][gold] += 1
    judged = [row for row in rows if row.group_id in judged_groups]
    if not judged or not seen:
        return None
    best = {wording: min(found.items(), key=lambda item: (-item[1], item[0]))[0] for wording, found in seen.items()}
    return judged, sum(_grade(best.get(row.prompt, best[""]), row.answer) for row in judged) / len(judged)


def _chance(rows: Sequence[Facts]) -> float:
    return sum(row.chance or 0.0 for row in rows) / len(rows)


@lru_cache(maxsize=65536)
def _gold(answer: str) -> str:
    kind, value, _ = unpack_answer(answer)
    gold: str = kind.gold(value)
    return gold


@lru_cache(maxsize=65536)
def _options(answer: str) -> list[str]:
    """A response for each option of an answer drawn from options; empty when it is not."""
    kind, value, _ = unpack_answer(answer)
    options: Json = value.get("options") if isinstance(value, dict) else None
    return [kind.gold({**value, "answer": option}) for option in options] if isinstance(options, list) else []


@lru_cache(maxsize=1 << 18)
def _grade(response: str, answer: str) -> float:
    kind, value, credit = unpack_answer(answer)
    return kind.grade(response, value, credit).score or 0.0
