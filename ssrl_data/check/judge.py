"""Judged fairly: the right answer of every row scores 1, everything that is not the right answer scores less."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from ssrl_data.row import unpack_answer


@lru_cache(maxsize=4096)
def answer_faults(answer: str) -> tuple[tuple[str, str], ...]:
    """What is wrong with the judging of an `answer` column, as (rule, message)."""
    return tuple(_answer_faults(answer))


def _answer_faults(answer: str) -> Iterator[tuple[str, str]]:
    kind, value, credit = unpack_answer(answer)
    gold = kind.grade(kind.gold(value), value, credit).score
    if gold is None:
        return
    if gold != 1.0:
        yield "gold answer", f"the gold answer scores {gold:g}"
    # A near miss that a broken kind puts out may even be the gold answer itself: then it scores 1 and is found here.
    for response in (*kind.near_misses(value), ""):
        score = kind.grade(response, value, credit).score
        if score is None or score >= 1.0:
            yield "near miss", f"the response {response[:60]!r} is wrong and scores {score}"
            return


def echo_score(prompt: str, answer: str) -> float | None:
    """Score of a response that repeats the prompt; None when nothing is judged."""
    kind, value, credit = unpack_answer(answer)
    score: float | None = kind.grade(prompt, value, credit).score
    return score
