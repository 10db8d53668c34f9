"""An order of n places: for each place, the number of what belongs there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, combinations, pairwise
from math import comb, factorial
from typing import ClassVar

from ssrl_data.answers.base import ShortAnswer, blind, rule_for, verdict
from ssrl_data.answers.reading import bare, plain
from ssrl_data.core import Answer, Credit, Json, Verdict

FEWEST = 3  # of two places only one order is not the identity
MOST = 99

_LIST = re.compile(r"[0-9\s,;]+")
_CHAIN = re.compile(r"[0-9]{1,2}(?:\s*(?:[-=]{0,3}>|-)\s*[0-9]{1,2})+")
_ARROWS = re.compile(r"\\(?:to|(?:long)?rightarrow|Rightarrow)(?![A-Za-z])")
# What models put beside a number: "Step 2, Step 1 and then Step 3", `2,\ 1,\ 3`, `\{2, 1, 3\}`.
_BESIDE = re.compile(
    r"\b(?:step|image|frame|tile|piece|picture|version)s?\b|\b(?:and|then)\b|#|\\(?=[{}])|\\[,;: ]", re.IGNORECASE
)
_DIGITS = re.compile(r"[0-9]+")
_BRACKETS = str.maketrans("[](){}", "      ")


class Permutation(ShortAnswer):
    """Value: {"answer": n different numbers from 1 to n, not in rising order}.

    Raw score: the share of right places; under the rules `pairs` and `adjacency` that of what they are named after (see
    `measures`), which tell an order shifted by one place from a wild one.
    """

    name = "permutation"
    rules: ClassVar[frozenset[str]] = frozenset({"exact", "partial", "pairs", "adjacency"})

    def answer(self, places: Sequence[int], credit: str | None = None) -> Answer:
        """The truth of one example.

        The chance level holds when every order but the identity is equally likely. The best constant is then an
        order that scores nothing against the identity: one without a fixed place, or the reverse. c is
        (n - 1)! / (n! - 1) for places and adjacency, n! / 2 / (n! - 1) for pairs.

        Args:
            places: for each place in the order asked for, the number (from 1) of what belongs there; 3 to 99 places.
            credit: one of `rules`; by default `partial` above four places.

        Raises:
            ValueError: not a permutation of 1 to n, the identity, or an unknown credit.
        """
        value = {"answer": [int(place) for place in places]}
        self.check(value)
        rule = rule_for(len(places), credit, self.rules)
        return Answer(self.name, value, *blind(_law(len(places), _MEASURED.get(rule, "places")), rule))

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
        return asked(len(value["answer"]))

    def parse(self, text: str, value: Json) -> Json | None:
        """The order spelled, each number once."""
        return spelled(text, len(value["answer"]))

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Exact when every place is right."""
        truth = value["answer"]
        count, of = _COUNTS[_MEASURED.get(credit.rule, "places")](given, truth)
        return verdict(count / of, given == truth, given, credit)

    def measures(self, given: Json, value: Json) -> dict[str, tuple[float, float]]:
        """How near an order is to the right one, in three ways.

        Returns:
            Each a share in [0, 1], 1 for the right order alone, with that which the best constant order has on average:
            `places`, of the places filled right; `pairs`, of the pairs in the right relative order (Kendall, Biometrika
            1938); `adjacency`, of the neighbours in the right order that stand next to each other in the same order.
        """
        truth = value["answer"]
        counted = {name: count(given, truth) for name, count in _COUNTS.items()}
        return {name: (n / of, blind(_law(len(truth), name), "exact")[0].c) for name, (n, of) in counted.items()}

    def luck(self, value: Json) -> float | None:
        """One of all orders but the identity."""
        return 1 / (factorial(len(value["answer"])) - 1)

    def right(self, value: Json) -> str:
        """The text of the right answer."""
        return written(value["answer"])

    def wrong(self, value: Json) -> Iterator[str]:
        """Each swap of neighbours, the identity, the reverse, the inverse, and what is no permutation."""
        truth = value["answer"]
        n = len(truth)
        for i in range(n - 1):
            yield written([*truth[:i], truth[i + 1], truth[i], *truth[i + 2 :]])
        yield written(range(1, n + 1))
        inverse = [truth.index(i) + 1 for i in range(1, n + 1)]
        yield from (written(other) for other in (truth[::-1], inverse) if other != truth)
        yield from malformed(truth)


def asked(n: int) -> str:
    """What to answer with where an order of the numbers 1 to n is asked for, as it continues "Answer with"."""
    return f"a comma-separated order of the numbers 1 to {n}"


def spelled(text: str, n: int) -> list[int] | None:
    """The order of the numbers 1 to n that a text spells, each number once, or None.

    Args:
        text: `2, 1, 3`, `2 1 3`, `[[2, 1], [3, 4]]`, `2-1-3`, `2 -> 1 -> 3`, `Step 2, Step 1 and Step 3`.
        n: 1 to 99.
    """
    text = plain(text)
    if not _LIST.fullmatch(text):
        text = bare(_BESIDE.sub(" ", _ARROWS.sub(">", text)).translate(_BRACKETS))
    if _LIST.fullmatch(text) is None and _CHAIN.fullmatch(text) is None:
        return None
    words = _DIGITS.findall(text)
    if len(words) != n or max(map(len, words)) > 2:
        return None
    places = [int(word) for word in words]
    return places if set(places) == set(range(1, n + 1)) else None


def written(places: Sequence[int]) -> str:
    """An order as an answer is written."""
    return ", ".join(map(str, places))


def malformed(places: Sequence[int]) -> Iterator[str]:
    """Texts near that of an order of the numbers 1 to n that spell no such order."""
    yield written([place - 1 for place in places])
    yield written([*places[:-1], places[0]])
    yield written(places[:-1])
    yield written([*places, len(places) + 1])
    yield ", ".join(f"-{place}" for place in places)


def _places(given: Sequence[int], truth: Sequence[int]) -> tuple[int, int]:
    return sum(map(int.__eq__, given, truth)), len(truth)


def _pairs(given: Sequence[int], truth: Sequence[int]) -> tuple[int, int]:
    at = {number: place for place, number in enumerate(given)}
    pairs = list(combinations([at[number] for number in truth], 2))
    return sum(a < b for a, b in pairs), len(pairs)


def _adjacency(given: Sequence[int], truth: Sequence[int]) -> tuple[int, int]:
    return len(set(pairwise(given)) & set(pairwise(truth))), len(truth) - 1


_COUNTS: Mapping[str, Callable[[Sequence[int], Sequence[int]], tuple[int, int]]] = {
    "places": _places,
    "pairs": _pairs,
    "adjacency": _adjacency,
}
_MEASURED = {"pairs": "pairs", "adjacency": "adjacency"}  # by rule; places by all others


@lru_cache
def _law(n: int, measure: str) -> list[Fraction]:
    """How many parts the best constant order has right, when any order but the identity is as likely as any other.

    It has none in common with the identity, so what is left out is one order of those with which it has none.
    """
    orders = {"places": _by_places, "pairs": _by_pairs, "adjacency": _by_adjacency}[measure](n)
    orders[0] -= 1
    return [Fraction(count, factorial(n) - 1) for count in orders]


def _by_places(n: int) -> list[int]:
    """Numbers of orders that have 0, 1, ... n places in common with a given one."""
    without = _derangements(n)
    return [comb(n, m) * without[n - m] for m in range(n + 1)]


def _by_pairs(n: int) -> list[int]:
    """Numbers of orders that have 0, 1, ... n (n - 1) / 2 pairs in common with a given one (Mahonian numbers)."""
    counts = [1]
    for size in range(2, n + 1):  # the next number stands before any 0 to size - 1 of the others
        sums = [0, *accumulate(counts)]
        top = len(counts) + size - 1
        counts = [sums[min(k + 1, len(counts))] - sums[max(0, k + 1 - size)] for k in range(top)]
    return counts


def _by_adjacency(n: int) -> list[int]:
    """Numbers of orders in which 0, 1, ... n - 1 neighbours of a given one are neighbours in the same order.

    k of them glue the n numbers into n - k blocks, no two of which go on from one to the next; there are
    D(m) + D(m - 1) such orders of m blocks, D being the number of derangements.
    """
    without = _derangements(n)
    return [comb(n - 1, k) * (without[n - k] + without[n - k - 1]) for k in range(n)]


def _derangements(n: int) -> list[int]:
    """Numbers of orders of 0, 1, ... n without a fixed place."""
    out = [1]
    for i in range(1, n + 1):
        out.append(i * out[-1] + (-1) ** i)
    return out
