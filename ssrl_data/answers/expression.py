r"""A mathematical expression, equal to the right one: `x/2` for `\frac{1}{2}x`.

Equality is decided in three stages. Equal normal texts are equal. Rational functions over Q(i) are decided here, by
their values modulo random primes (an error in fewer than 10^25 cases, see `algebra.modular`). The rest, with roots,
logarithms and the like, goes to sympy in a process that can be killed, where values of 60 digits refute and a proof
confirms; what is neither within `SECONDS` has the score None and the reason `undecided`: it is never wrong. Two
expressions count as equal when they agree wherever both are defined over the reals.

Tuples, intervals and sets are compared part by part. Equations, inequalities, unions, matrices, units and per cent
signs are not read.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache, lru_cache
from math import gcd
from typing import ClassVar, TypeAlias

from ssrl_data import sandbox
from ssrl_data.algebra import modular
from ssrl_data.algebra.parsing import LENGTH, SLACK, NotRead, Tree, exact, parse_items, symbols_of, text_of
from ssrl_data.answers.base import NO_JUDGE, UNDECIDED, ShortAnswer, verdict
from ssrl_data.answers.reading import said_of, tagged
from ssrl_data.core import Answer, Credit, Json, Verdict

SECONDS = 2.0
"""Budget of one comparison in the sandbox."""

YES, NO, UNKNOWN = "yes", "no", "unknown"

Parts: TypeAlias = tuple[str, tuple[Tree, ...]]
"""Brackets (empty for a single expression) and what stands in them."""


class Expression(ShortAnswer):
    """Value: {"answer": text, "form": ..., "symbols": names}. See the module for what counts as equal."""

    name = "expression"
    forms: ClassVar[dict[str, str]] = {
        "any": "a mathematical expression",
        "fraction": "an integer or a fraction in lowest terms",
        "expanded": "a polynomial multiplied out, with like terms collected",
    }

    def answer(self, right: str, *, form: str = "any", symbols: Sequence[str] = (), chance: float) -> Answer:
        """The truth of one example.

        Args:
            right: the right expression, in plain text or LaTeX.
            form: `any` equal expression; or a form that is required: `fraction`, `expanded`.
            symbols: names that are variables although they could mean something else (`e`, `i`) or have several
                letters; any other single or Greek letter is a variable anyway.
            chance: how often the best constant is right, in [0, 1), as the task measured it.

        Raises:
            ValueError: the expression cannot be read, has not that form, or is nowhere defined.
        """
        value = {"answer": right, "form": form, "symbols": list(symbols)}
        self.check(value)
        if not 0 <= chance < 1:
            raise ValueError(f"chance must be in [0, 1), got {chance}")
        return Answer(self.name, value, Credit("exact", chance), chance)

    def check(self, value: Json) -> None:
        """Raise ValueError unless the right expression can be read and has the form."""
        if not isinstance(value, dict) or set(value) != {"answer", "form", "symbols"}:
            raise ValueError(f"an expression's value has the keys answer, form and symbols, got {value!r:.80}")
        if value["form"] not in list(self.forms):
            raise ValueError(f"form {value['form']!r:.80} is unknown: use one of {', '.join(self.forms)}")
        names = value["symbols"]
        if not isinstance(names, list) or not all(isinstance(n, str) and n.isascii() and n.isalpha() for n in names):
            raise ValueError(f"symbols are names of ASCII letters, got {names!r:.80}")
        right = value["answer"]
        if not isinstance(right, str) or self.read(tagged(right), value).given is None:
            raise ValueError(f"expression {right!r:.80} cannot be read as {self.forms[value['form']]}")
        for part in _read(right, tuple(names))[1]:
            if modular.rational(part) and not modular.equal(part, part, right):
                raise ValueError(f"expression {right!r:.80} is nowhere defined")

    def form(self, value: Json) -> str:
        """What to answer with."""
        return self.forms[value["form"]]

    def parse(self, text: str, value: Json) -> Json | None:
        """The normal text of the expression spelled; that of the right one where the two are known to be equal."""
        names = tuple(value["symbols"])
        try:
            text = text.strip("$`* \n").rstrip("$`*.,; \n")
            said = said_of(text)
            given = _read(said[1] if said else text, names)
        except NotRead:
            return None
        if value["form"] != "any" and not all(_has_form(part, value["form"]) for part in given[1]):
            return None
        if said and said[0] and any(said[0].strip("\\") in symbols_of(part) for part in given[1]):
            return None  # `x = x + 1` gives x no value
        right = _right(value["answer"], names)
        spelled = _text(given)
        return _text(right) if spelled == _text(right) or _same(given, right, value["answer"], 1) == YES else spelled

    def hidden(self, value: Json) -> Json:
        """The value with another answer, or what equals the right one would be read as its text."""
        return {**value, "answer": "0"}

    def supposed(self, given: Json, value: Json) -> Json | None:
        """The value in which an expression would be the right one; a fraction is written as one."""
        if value["form"] == "fraction":
            brackets, parts = _read(given, tuple(value["symbols"]), SLACK)
            number = None if brackets else exact(parts[0])
            given = given if number is None else str(number)
        return super().supposed(given, value)

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Exact when equal; None where that could not be decided."""
        names = tuple(value["symbols"])
        right = _right(value["answer"], names)
        if given == _text(right):
            return verdict(1.0, True, given, credit)
        try:
            said = _same(_read(given, names, SLACK), right, value["answer"], 3)
        except NotRead:  # nothing that `parse` returns
            said = UNKNOWN
        if said == UNKNOWN:
            return Verdict(None, False, given, UNDECIDED if _has_sympy() else NO_JUDGE)
        return verdict(float(said == YES), said == YES, given, credit)

    def right(self, value: Json) -> str:
        """The text of the right answer."""
        text: str = value["answer"]
        return text

    def wrong(self, value: Json) -> Iterator[str]:
        """One more, one less, an unknown added, a part lost, a slip of the sign, and texts that are no expression."""
        right = _read(value["answer"], tuple(value["symbols"]))
        brackets, parts = right
        others: list[Parts] = [
            (brackets, (_plus(parts[0], added), *parts[1:]))
            for added in (("n", 1, 1), ("n", -1, 1), ("n", 1, 7), ("s", "q"))
        ]
        if len(parts) > 1:
            others += [("{}", parts[:-1]), ("()", (*parts, parts[0], ("n", 77, 1)))]
        for other in others:
            text = _text(other)
            if len(text) <= LENGTH and _same(other, right, value["answer"], 2) != YES:
                yield text
        text = value["answer"]
        yield f"{text} = {text} + 1"
        yield "9^9^9^9"
        yield "1/0"
        yield f"about {text}"


def _plus(tree: Tree, added: Tree) -> Tree:
    """The sum, as a number where that is one, so that it keeps the form."""
    value = exact(tree)
    if value is None or added[0] != "n":
        return ("+", tree, added)
    total = value + Fraction(added[1], added[2])
    return ("n", total.numerator, total.denominator)


@lru_cache(maxsize=1024)
def _right(text: str, names: tuple[str, ...]) -> Parts:
    return _read(text, names)


def _read(text: str, names: tuple[str, ...], slack: int = 1) -> Parts:
    brackets, parts = parse_items(text, names, slack)
    return brackets, tuple(parts)


def _text(given: Parts) -> str:
    brackets, parts = given
    texts = list(map(text_of, parts))
    if brackets == "{}":
        return f"\\{{{', '.join(sorted(set(texts)))}\\}}"
    return f"{brackets[:1]}{', '.join(texts)}{brackets[1:]}"


def _same(given: Parts, right: Parts, key: str, stage: int) -> str:
    """Whether they are equal, as far as the stages up to `stage` can say; 1 and 2 stay in this process."""
    if given[0] != right[0]:
        return NO
    if given[0] == "{}":
        return _same_sets(given[1], right[1], key, stage)
    if len(given[1]) != len(right[1]):
        return NO
    said = YES
    for a, b in zip(given[1], right[1], strict=True):
        one = _equal(a, b, key, stage)
        if one == NO:
            return NO
        said = UNKNOWN if one == UNKNOWN else said
    return said


def _same_sets(given: Sequence[Tree], right: Sequence[Tree], key: str, stage: int) -> str:
    """Whether each element of one set is one of the other."""
    table = [[_equal(a, b, key, stage) for b in right] for a in given]
    lines = [*table, *map(list, zip(*table, strict=True))]
    if any(all(one == NO for one in line) for line in lines):
        return NO
    return YES if all(YES in line for line in lines) else UNKNOWN


def _equal(a: Tree, b: Tree, key: str, stage: int) -> str:
    if text_of(a) == text_of(b):
        return YES
    if any(end in (a, b) for end in (("s", "oo"), ("neg", ("s", "oo")))):
        return NO
    if modular.rational(a) and modular.rational(b):
        return YES if modular.equal(a, b, key) else NO
    if stage < 3 or not _has_sympy():
        return UNKNOWN
    said = sandbox.call("ssrl_data.algebra.symbolic:decide", [b, a, key], SECONDS)
    return said if said in (YES, NO) else UNKNOWN


@cache
def _has_sympy() -> bool:
    return importlib.util.find_spec("sympy") is not None


def _has_form(tree: Tree, form: str) -> bool:
    return _lowest(tree) if form == "fraction" else _expanded(tree)


def _lowest(tree: Tree) -> bool:
    """Whether it spells an integer, or one fraction of two without a common factor, as in 3/4 and -(3/4)."""
    while tree[0] == "neg":
        tree = tree[1]
    if tree[0] == "n":  # 0.75 is no fraction; the normal text of one is
        return bool(tree[2] == 1)
    if tree[0] != "*" or len(tree) != 3 or tree[2][0] != "inv":
        return False
    above, below = (part[1] if part[0] == "neg" else part for part in (tree[1], tree[2][1]))
    if above[0] != "n" or below[0] != "n" or above[2] != 1 or below[2] != 1:
        return False
    return bool(below[1] > 1 and gcd(above[1], below[1]) == 1)


def _expanded(tree: Tree) -> bool:
    """Whether it is a sum of numbers times powers of symbols, no two of the same powers."""
    terms = tree[1:] if tree[0] == "+" else (tree,)
    seen = set()
    for term in terms:
        powers: dict[str, int] = {}
        if not _monomial(term, powers) or (key := tuple(sorted(powers.items()))) in seen:
            return False
        seen.add(key)
    return True


def _monomial(tree: Tree, powers: dict[str, int], times: int = 1) -> bool:
    """Whether it is a number times powers of symbols, each in one place; adds these up."""
    head = tree[0]
    if head == "neg":
        return _monomial(tree[1], powers, times)
    if head == "*":
        return all(_monomial(part, powers, times) for part in tree[1:])
    if head == "inv" or head == "n":
        return head == "n" or exact(tree[1]) is not None
    if head == "^" and tree[1][0] == "s" and tree[2][0] == "n" and tree[2][2] == 1 and tree[2][1] > 0:
        tree, times = tree[1], tree[2][1]
    if tree[0] != "s" or tree[1] in powers:
        return False
    powers[tree[1]] = times
    return True
