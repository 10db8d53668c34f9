"""An order of n things of which some must stand before others: every order that keeps to that is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations, permutations, product
from math import factorial, prod
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ssrl_data.answers.base import FEW_PLACES, ShortAnswer, credited, rule_for, verdict
from ssrl_data.answers.permutation import asked, malformed, spelled, written
from ssrl_data.core import Answer, Credit, Json, Verdict

FEWEST, MOST = 3, 8

RELABELLINGS = 24
"""In so many ways at most may things that look the same be told apart."""

Pairs: TypeAlias = Sequence[Sequence[int]]


class PartialOrder(ShortAnswer):
    """Value: {"answer": the numbers 1 to n in one right order, "before": [[a, b], ...], "same": [[a, b, ...], ...]}.

    `before` holds every pair of numbers of which a must stand before b: all that follow, not only the neighbours.
    `same` holds the classes of numbers whose things look the same: an order is right when some way of telling them
    apart makes it one that keeps to `before`. 1, 2, ..., n is never right.

    Raw score: the share of the pairs of `before` that stand in the right order, so what may stand in any order costs
    nothing; under the best way of telling apart what looks the same.
    """

    name = "partial_order"
    rules: ClassVar[frozenset[str]] = frozenset({"exact", "pairs"})

    def answer(self, order: Sequence[int], before: Pairs, same: Pairs = (), credit: str | None = None) -> Answer:
        """The truth of one example.

        The chance level holds when all numberings of the things are equally likely, but for those under which 1, 2, ...
        n is right. Where nothing looks the same, the best constant is the reverse, of which no pair is right whenever
        1, 2, ... n is: with e right orders of n! it is right with probability e / (n! - e), and c is n! / 2 / (n! - e).

        Args:
            order: the numbers from 1 in one right order; 3 to 8.
            before: pairs of which the first must stand before the second; what follows from them is added.
            same: classes of numbers that look the same, of two or more each.
            credit: one of `rules`; by default `pairs` above four numbers.

        Raises:
            ValueError: they contradict each other, 1, 2, ... n is right, a blind guess is always right, or an unknown
                credit.
        """
        value: dict[str, list[Json]] = {
            "answer": [int(number) for number in order],
            "before": sorted([a, b] for a, b in closed((int(a), int(b)) for a, b in before)),
            "same": sorted(sorted(map(int, numbers)) for numbers in same),
        }
        self.check(value)
        rule = rule_for(len(order), credit or ("pairs" if len(order) > FEW_PLACES else "exact"), self.rules)
        laws = _laws(*_in_order(value))
        most = len(value["before"])
        c = max(_mean(law, [m / most for m in range(most + 1)]) for law in laws)
        if c >= 1:
            raise ValueError("a blind guess is always right: more pairs must be in a set order")
        blind = Credit(rule, c)
        finals = [credited(m / most, m == most, blind) for m in range(most + 1)]
        return Answer(self.name, value, blind, max(_mean(law, finals) for law in laws))

    def check(self, value: Json) -> None:
        """Raise ValueError unless the value is as the class says."""
        order, before, same = map(value.get, ("answer", "before", "same")) if isinstance(value, dict) else [None] * 3
        if not isinstance(order, list) or not isinstance(before, list) or not isinstance(same, list):
            raise ValueError(f"a partial order has lists under 'answer', 'before' and 'same', got {value!r:.80}")
        numbers = list(range(1, len(order) + 1))
        whole = all(type(number) is int for number in order)
        if not whole or not FEWEST <= len(order) <= MOST or sorted(order) != numbers:
            raise ValueError(f"an order has each number from 1 to n once, n from {FEWEST} to {MOST}, got {order!r:.80}")
        for group in (*before, *same):
            if not isinstance(group, list) or any(type(n) is not int or n not in numbers for n in group):
                raise ValueError(f"'before' and 'same' are lists of lists of numbers of 'answer', got {group!r:.80}")
        if any(len(pair) != 2 for pair in before) or any(order.index(a) >= order.index(b) for a, b in before):
            raise ValueError(f"the order {order} does not keep to the pairs {before!r:.80}")
        if closed((a, b) for a, b in before) != {(a, b) for a, b in before} or len(set(map(tuple, before))) < len(
            before
        ):
            raise ValueError(f"the pairs {before!r:.80} are not all that follow from them, once each")
        seen = [number for group in same for number in group]
        if len(seen) != len(set(seen)) or any(len(group) < 2 for group in same):
            raise ValueError(f"classes of numbers that look the same are apart and of two or more, got {same!r:.80}")
        if prod([factorial(len(group)) for group in same]) > RELABELLINGS:
            raise ValueError(f"too much looks the same in {same!r:.80}: {RELABELLINGS} ways to tell it apart at most")
        if self._kept(numbers, value) == len(before):
            raise ValueError("1, 2, 3, ... is a right order: a model that always says so would be right")

    def form(self, value: Json) -> str:
        """What to answer with."""
        return asked(len(value["answer"]))

    def parse(self, text: str, value: Json) -> Json | None:
        """The order spelled, each number once."""
        return spelled(text, len(value["answer"]))

    def supposed(self, given: Json, value: Json) -> Json | None:
        """The value in which an order would be the only right one: which orders are as right, the truth alone says."""
        return super().supposed(given, {**value, "before": sorted(map(list, combinations(given, 2)))})

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Exact when the order keeps to every pair."""
        kept, of = self._kept(given, value), len(value["before"])
        return verdict(kept / of, kept == of, given, credit)

    def measures(self, given: Json, value: Json) -> dict[str, tuple[float, float]]:
        """`pairs`: the share of the pairs of `before` that stand in the right order, 1 for right orders alone."""
        of = len(value["before"])
        chance = max(_mean(law, [m / of for m in range(of + 1)]) for law in _laws(*_in_order(value)))
        return {"pairs": (self._kept(given, value) / of, chance)}

    def luck(self, value: Json) -> float | None:
        """The number of right orders against that of all others, where nothing looks the same."""
        return max(law[-1] / sum(law) for law in _laws(*_in_order(value)))

    def right(self, value: Json) -> str:
        """The text of the order that the source has."""
        return written(value["answer"])

    def wrong(self, value: Json) -> Iterator[str]:
        """1, 2, ... n, the swaps of neighbours and the reverse where they break a pair, and what is no order."""
        truth = value["answer"]
        orders = [[*truth[:i], truth[i + 1], truth[i], *truth[i + 2 :]] for i in range(len(truth) - 1)]
        yield written(range(1, len(truth) + 1))
        yield from (written(o) for o in (*orders, truth[::-1]) if self._kept(o, value) < len(value["before"]))
        yield from malformed(truth)

    def _kept(self, given: Sequence[int], value: Json) -> int:
        """How many pairs of `before` stand in the right order."""
        at = [0] * (len(given) + 1)
        for place, number in enumerate(given):
            at[number] = place
        ways = _ways(value["before"], value["same"]) if value["same"] else (value["before"],)
        return max(sum([at[a] < at[b] for a, b in before]) for before in ways)


def closed(pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """The pairs and all that follow from them: (a, c) from (a, b) and (b, c)."""
    out = set(pairs)
    for middle in {b for _, b in out}:  # as Warshall does
        out |= {(a, c) for a, b in out if b == middle for d, c in out if d == middle}
    return out


def _ways(before: Pairs, same: Pairs) -> set[tuple[tuple[int, int], ...]]:
    """What `before` becomes under each way of telling apart what looks the same."""
    numbers = [number for group in same for number in group]
    out = set()
    for told in product(*map(permutations, same)):
        to = dict(zip(numbers, (number for group in told for number in group), strict=True))
        out.add(tuple(sorted((to.get(a, a), to.get(b, b)) for a, b in before)))
    return out


def _in_order(value: Json) -> tuple[int, tuple[tuple[int, ...], ...], tuple[tuple[int, ...], ...]]:
    """How many things, and `before` and `same` with each thing named by its place in the right order, from 0."""
    place = {number: place for place, number in enumerate(value["answer"])}
    before, same = (tuple(sorted(tuple(place[n] for n in g) for g in value[key])) for key in ("before", "same"))
    return len(place), before, same


@lru_cache
def _places(n: int) -> NDArray[np.int8]:
    """All orders of n things, one a column: the place of each thing."""
    return np.array(list(permutations(range(n))), np.int8).T.copy()


@lru_cache(4096)
def _laws(
    n: int, before: tuple[tuple[int, ...], ...], same: tuple[tuple[int, ...], ...]
) -> tuple[tuple[int, ...], ...]:
    """How often a constant keeps 0, 1, ... all of the pairs, over all numberings under which 1, 2, ... n is wrong.

    Read through a numbering, a constant is an order of the things, and all orders come equally often; those that it has
    where 1, 2, ... n is right are left out. Without things that look the same, they are fewest pairs kept for the
    reverse: it keeps none then. With some, the reverse may be right as well, so all constants are tried.

    Returns:
        One law for each constant that is not plainly as good as another.
    """
    places, ways = _places(n), _ways(before, same)

    def kept(at: Sequence[int]) -> NDArray[np.intp]:
        """Pairs that each constant keeps where thing i stands at place at[i] in the order 1, 2, ... n."""
        sums = [sum(((places[at[a]] < places[at[b]]).astype(np.intp) for a, b in way), np.intp(0)) for way in ways]
        return np.max(sums, axis=0)  # type: ignore[no-any-return]

    all_orders = kept(range(n))
    law = np.bincount(all_orders, minlength=len(before) + 1)
    if not same:
        law[0] -= law[-1]
        return (tuple(law.tolist()),)
    laws = np.tile(law, (factorial(n), 1))
    for right in np.flatnonzero(all_orders == len(before)):
        laws[np.arange(len(laws)), kept(places[:, right].tolist())] -= 1
    return tuple(map(tuple, np.unique(laws, axis=0).tolist()))


def _mean(law: Sequence[int], of: Sequence[float]) -> float:
    return sum(count * value for count, value in zip(law, of, strict=True)) / sum(law)
