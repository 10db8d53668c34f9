"""What checkers of responses accept: stock replies, each other's responses; and what a blind reply earns.

Everything is found by running the checkers in their sandbox (`ssrl_data.programs`); nothing is said of a response that
was not run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, islice, permutations, zip_longest

import numpy as np
from numpy.typing import NDArray

from ssrl_data import programs
from ssrl_data.answers.program import DEGENERATE
from ssrl_data.answers.reading import conclusion
from ssrl_data.core import Skip, SsrlError
from ssrl_data.media.instruction import Instruction
from ssrl_data.rng import Rng

STOCK = (
    *DEGENERATE,
    "Sure.",
    "Here is my answer.",
    "I don't know.",
    "I'm sorry, but I can't help with that.",
    "As an AI language model, I cannot answer that.",
    "Thank you for your question.",
    "Hello! How can I help you today?",
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.",
)
"""Replies that can be given to anything."""

MOST = 3
"""Instructions that one row combines at most."""

MEASURED, TRIED = 64, 200
"""Instructions of the train split with which it is measured what a fixed reply earns, and combinations of several of
them that are tried."""

_IMPURE = re.compile(
    r"^[ \t]*(?:import|from)[ \t][^\n#]*\b(?:random|secrets|time|uuid)\b|(?<![\w.])(?:hash|id)[ \t]*\("
    r"|\.(?:now|utcnow|today)[ \t]*\(",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Judge:
    """Checkers that judge together.

    Attributes:
        checkers: their sources.
        need: share of them of which more must accept.
        limits: of one run, as names and values in the order of the names.
        engine: name of the interpreter.
    """

    checkers: tuple[str, ...]
    need: float
    limits: tuple[tuple[str, float | int], ...]
    engine: str

    @classmethod
    def of(cls, found: Instruction) -> Judge:
        """That of an instruction."""
        return cls(found.checkers, found.need, tuple(sorted(found.limits.items())), found.engine.partition(" ")[0])

    @property
    def runs(self) -> bool:
        """Whether the engine is here and allowed."""
        return not programs.fault(self.engine)

    @property
    def enough(self) -> int:
        """Least number of checkers that must accept."""
        return next(n for n in range(1, len(self.checkers) + 1) if n > self.need * len(self.checkers))

    def accepts(self, response: str) -> bool:
        """Whether enough of them accept a response, read as the answer kind `program` reads it.

        A checker that fails on it is against it.

        Raises:
            SsrlError: the engine cannot run.
        """
        read = conclusion(response).strip()
        against = len(self.checkers) - self.enough
        for source in self.checkers if read else ():
            against -= not _run(source, read, self.limits, self.engine)
            if against < 0:
                return False
        return bool(read)

    def steady(self, responses: Sequence[str]) -> bool:
        """Whether every checker says the same in half the time, and none asks what differs from run to run."""
        return not any(map(_IMPURE.search, self.checkers)) and _repeats(self, tuple(responses))


@lru_cache(maxsize=1 << 10)
def _repeats(judge: Judge, responses: tuple[str, ...]) -> bool:
    limits = programs.Limits(**dict(judge.limits))  # type: ignore[arg-type]
    hurried = replace(limits, seconds=max(limits.seconds / 2, 0.01))
    return all(
        _run(source, text, judge.limits, judge.engine) == _outcome(source, text, hurried, judge.engine)
        for source in judge.checkers
        for text in responses
    )


@dataclass(frozen=True, slots=True)
class Combined:
    """Instructions that one response can follow.

    Attributes:
        judge: accepts what follows them all.
        gold: a response that it accepts.
        misses: responses that it does not: of several instructions first those that follow all but one, each being that
            one in turn.
    """

    judge: Judge
    gold: str
    misses: tuple[str, ...]


def combined(found: Sequence[Instruction]) -> Combined:
    """One or several instructions with what is known to follow all of them and what is not.

    Raises:
        Skip: they cannot be judged together, no response is known that follows all, or one of them rejects no known
            response that follows the others.
    """
    judges = [Judge.of(item) for item in found]
    if len({(judge.limits, judge.engine) for judge in judges}) > 1:
        raise Skip("checkers of several engines or limits")
    if len(found) > 2:  # what does not go two by two is soon found, and most combinations do not go
        for pair in combinations(found, 2):
            combined(pair)
    judge = _together(judges)
    known = _known(found)
    gold = next((text for text in known if judge.accepts(text)), None)
    if gold is None:
        raise Skip("no response follows all instructions")
    failing = {text: [n for n, one in enumerate(judges) if not one.accepts(text)] for text in known}
    alone = [[text for text, by in failing.items() if by == [n]] for n in range(len(found))]
    if len(found) > 1 and not all(alone):
        raise Skip("an instruction adds nothing to the others")
    turns = [text for turn in zip_longest(*alone) for text in turn if text is not None]
    others = [text for text, by in failing.items() if len(by) > 1]
    return Combined(judge, gold, (*turns, *others))


def _together(judges: Sequence[Judge]) -> Judge:
    """One judge whose acceptance implies that of each: as many may be against as the strictest of them would stand."""
    if len(judges) == 1:
        return judges[0]
    sources = tuple(source for judge in judges for source in judge.checkers)
    against = min(len(judge.checkers) - judge.enough for judge in judges)
    # Between two shares, so that no rounding matters.
    return replace(judges[0], checkers=sources, need=(len(sources) - against - 0.5) / len(sources))


def _known(found: Sequence[Instruction]) -> list[str]:
    """The responses that come with instructions, and the golds of several one behind another, in every order."""
    texts = [text for item in found for text in (item.gold, *item.misses)]
    for count in range(2, len(found) + 1):
        texts += ["\n".join(item.gold.strip() for item in order) for order in permutations(found, count)]
    return list(dict.fromkeys(texts))


def measured(found: Iterable[Instruction]) -> bytes:
    """How often the best of many fixed replies is accepted, by the number of instructions that a row combines.

    The replies are the golds of the first `MEASURED` instructions, and each is judged by all of these, its own among
    them, as a model that always gives it would be. Of several instructions up to `TRIED` combinations are drawn, of
    which those count that `combined` allows. The shares are (k + 1) / (n + 2) for k of n. Stock replies are not among
    the replies, since rows on which one is accepted are not made.

    Raises:
        SsrlError: the engine cannot run.
    """
    # One whose own gold fails makes no row, and may fail by running out of time: it is asked no more.
    fit = (item for item in found if (judge := Judge.of(item)).runs and judge.accepts(item.gold))
    items = list(islice(fit, MEASURED))
    judges = [Judge.of(item) for item in items]
    table = np.array([[judge.accepts(item.gold) for judge in judges] for item in items], bool)
    return json.dumps([_best(items, table, count) for count in range(1, MOST + 1)]).encode()


def earned(prepared: bytes, count: int) -> float:
    """What the best fixed reply earns on rows of so many instructions, in (0, 1)."""
    shares: list[float] = json.loads(prepared)
    return shares[count - 1]


def _best(items: Sequence[Instruction], table: NDArray[np.bool_], count: int) -> float:
    """Of replies x instructions, the largest share of the combinations that one reply follows."""
    drawn = list(combinations(range(len(items)), count))
    if len(drawn) > TRIED:
        drawn = Rng("combinations", count, len(drawn)).sample(drawn, TRIED)
    allowed = [chosen for chosen in drawn if _can([items[n] for n in chosen])]
    hits = max((sum(bool(row[list(chosen)].all()) for chosen in allowed) for row in table), default=0)
    return (hits + 1) / (len(allowed) + 2)


def _can(found: Sequence[Instruction]) -> bool:
    try:
        combined(found)
    except Skip:
        return False
    return True


@lru_cache(maxsize=1 << 13)
def _run(source: str, response: str, limits: tuple[tuple[str, float | int], ...], engine: str) -> bool:
    return _outcome(source, response, programs.Limits(**dict(limits)), engine)  # type: ignore[arg-type]


def _outcome(source: str, response: str, limits: programs.Limits, engine: str) -> bool:
    outcome = programs.run(source, response, limits, engine)
    if outcome.reason == programs.BROKEN:
        why = programs.fault(engine) or f"the engine {engine} does not start: install it again"
        raise SsrlError(f"checkers cannot be run: {why}")
    return outcome.accepted is True
