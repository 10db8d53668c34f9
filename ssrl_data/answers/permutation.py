"""An order of n places: for each place, the number of what belongs there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from math import comb, factorial
from typing import ClassVar

from ssrl_data.answers.base import ShortAnswer, blind, rule_for, verdict
from ssrl_data.answers.reading import bare, plain
from ssrl_data.core import Answer, Credit, Json, Verdict

FEWEST = 3  # of two places only one order is not the identity
MOST = 99

_LIST = re.compile(r"[0-9\s,;]+")
_CHAIN = re.compile(r"[0-9]{1,2}(?:\s*(?:->|-|>)\s*[0-9]{1,2})+")
_DIGITS = re.compile(r"[0-9]+")
_BRACKETS = str.maketrans("[](){}", "      ")


class Permutation(ShortAnswer):
    """Value: {"answer": n different numbers from 1 to n, not in rising order}. Raw score: the share of right places."""

    name = "permutation"
    rules: ClassVar[frozenset[str]] = frozenset({"exact", "partial"})

    def answer(self, places: Sequence[int], credit: str | None = None) -> Answer:
        """The truth of one example.

        The chance level holds when every order but the identity is equally likely. The best constant is then an
        order without a fixed place: it has m places right with probability C(n, m) D(n - m) / (n! - 1) for m > 0,
        D being the number of derangements, and c is (n - 1)! / (n! - 1).

        Args:
            places: for each place in the order asked for, the number (from 1) of what belongs there; 3 to 99 places.
            credit: `exact` or `partial`; by default `partial` above four places.

        Raises:
            ValueError: not a permutation of 1 to n, the identity, or an unknown credit.
        """
        value = {"answer": [int(place) for place in places]}
        self.check(value)
        rule, chance = blind(_law(len(places)), rule_for(len(places), credit))
        return Answer(self.name, value, rule, chance)

    def check(self, value: Json) -> None:
        """Raise ValueError unless the value is a permutation of 1 to n other than the identity."""
        places = value.get("answer") if isinstance(value, dict) else None
        if not isinstance(places, list) or any(type(place) is not int for place in places):
            raise ValueError(f"a permutation is a list of integers under 'answer', got {value!r:.80}")
        inorder = list(range(1, len(places) + 1))
        if not FEWEST <= len(places) <= MOST or sorted(places) != inorder:
            raise ValueError(
                f"a permutation has each number from 1 to n once, n from {FEWEST} to {MOST}, got {places!r:.80}"
            )
        if places == inorder:
            raise ValueError("the identity is no answer: a model that says 1, 2, 3, ... would be right")

    def form(self, value: Json) -> str:
        """What to answer with."""
        return f"a comma-separated order of the numbers 1 to {len(value['answer'])}"

    def parse(self, text: str, value: Json) -> Json | None:
        """The order spelled: `2, 1, 3`, `2 1 3`, `[[2, 1], [3, 4]]`, `2-1-3`, `2 -> 1 -> 3`; each number once."""
        text = bare(plain(text).translate(_BRACKETS))
        if _LIST.fullmatch(text) is None and _CHAIN.fullmatch(text) is None:
            return None
        n = len(value["answer"])
        words = _DIGITS.findall(text)
        if len(words) != n or max(map(len, words)) > 2:
            return None
        places = [int(word) for word in words]
        return places if set(places) == set(range(1, n + 1)) else None

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Exact when every place is right."""
        truth = value["answer"]
        hits = sum(map(int.__eq__, given, truth))
        return verdict(hits / len(truth), hits == len(truth), given, credit)

    def luck(self, value: Json) -> float | None:
        """One of all orders but the identity."""
        return 1 / (factorial(len(value["answer"])) - 1)

    def right(self, value: Json) -> str:
        """The text of the right answer."""
        return _text(value["answer"])

    def wrong(self, value: Json) -> Iterator[str]:
        """Each swap of neighbours, the identity, the reverse, the inverse, and what is no permutation."""
        truth = value["answer"]
        n = len(truth)
        for i in range(n - 1):
            yield _text([*truth[:i], truth[i + 1], truth[i], *truth[i + 2 :]])
        yield _text(range(1, n + 1))
        inverse = [truth.index(i) + 1 for i in range(1, n + 1)]
        yield from (_text(other) for other in (truth[::-1], inverse, [t - 1 for t in truth]) if other != truth)
        yield _text([*truth[:-1], truth[0]])
        yield _text(truth[:-1])
        yield _text([*truth, n + 1])
        yield ", ".join(f"-{t}" for t in truth)


def _text(places: Sequence[int]) -> str:
    return ", ".join(map(str, places))


@lru_cache
def _law(n: int) -> list[Fraction]:
    """That a fixed derangement has m places in common with a uniform permutation that is not the identity."""
    derangements = [1]
    for i in range(1, n + 1):
        derangements.append(i * derangements[-1] + (-1) ** i)
    total = factorial(n) - 1
    law = [Fraction(comb(n, m) * derangements[n - m], total) for m in range(n + 1)]
    law[0] -= Fraction(1, total)  # the identity, which has no place in common with a derangement
    return law
