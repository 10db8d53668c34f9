"""What can be hidden in the steps of a solution so that exactly one filling is right, and can be worked out.

Equations are read out of the prose (`3 * 240 = 720`, `m / r = 420 / 10 = 42`); those that hold exactly are kept. A
number may be hidden when the equations that remain give it, alone or one after another; an operator when no other one
makes its equation true; the name of a quantity when no other quantity of the solution does. Nothing hidden may stand
elsewhere in what is shown, in whatever form: all places of a value are hidden together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TypeAlias

from ssrl_data.algebra import modular
from ssrl_data.algebra.parsing import NotRead, Tree, exact, parse, symbols_of, text_of
from ssrl_data.gates.visible import visible

NUMBER, OPERATOR, NAME, EXPRESSION = "number", "operator", "name", "expression"

OPERATORS = {"plus": "+", "minus": "-", "times": "*", "divided by": "/"}

LONGEST = 8000
"""Characters of problem and steps together; a longer solution is not read."""

MOST_EQUATIONS = 60

HOLE = "\N{WHITE SQUARE}"
"""Stands for a gap where it is asked what else is shown."""

Place: TypeAlias = tuple[int, int, int]
"""Number of a step, and start and end in its text."""

_PIECES = re.compile(r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|[^\W\d_]+|[-+*/^()=×÷·−$]|[ ]+|.", re.DOTALL)
_NUMBER = re.compile(r"(?<![\w.,^])[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?![\w^%!]|[.,][0-9])")
_COUNTED = re.compile(r"\(?[0-9]+[.):] ?[^\W\d_]")  # `(3) then ...`, `2. Now ...`: the place in a list
_LETTER = re.compile(r"(?<![^\W_])[A-Za-z](?![^\W_])")
_SIGN = re.compile(r"(?<=[\w)]) ([-+*/×÷·−]) (?=[\w(])")  # without spaces it may be a fraction's bar
_GAP = re.compile(r"gap[a-z]+")
_WORDS = {"+": "plus", "-": "minus", "−": "minus", "*": "times", "×": "times", "·": "times"}
_WORDS |= {"/": "divided by", "÷": "divided by"}


@dataclass(frozen=True)
class Blank:
    """Something that may be hidden.

    Attributes:
        kind: `number`, `operator`, `name` or `expression`.
        right: the number or expression as the solution writes it; an operator in words; a name.
        places: where it is hidden, in order; equal numbers are hidden together.
        equations: places of the equations that it was read from.
        options: what to choose from, where it is a choice.
    """

    kind: str
    right: str
    places: tuple[Place, ...]
    equations: tuple[Place, ...]
    options: tuple[str, ...] = ()

    @property
    def value(self) -> Fraction:
        """Of a number."""
        return Fraction(self.right)


@dataclass(frozen=True)
class _Run:
    """Mathematics in the prose, cut at its equals signs."""

    step: int
    sides: tuple[tuple[int, int], ...]

    @property
    def place(self) -> Place:
        return self.step, self.sides[0][0], self.sides[-1][1]


def _within(inner: Place, outer: Place) -> bool:
    return inner[0] == outer[0] and outer[1] <= inner[1] and inner[2] <= outer[2]


class Solution:
    """The steps of a solution, with the equations in them and what can be hidden.

    Args:
        shown: the problem and its premises, which stay as they are.
        steps: texts of the steps.
    """

    def __init__(self, shown: Sequence[str], steps: Sequence[str]) -> None:
        self.shown, self.steps = tuple(shown), tuple(steps)
        small = sum(map(len, (*shown, *steps))) <= LONGEST
        self._runs = [run for step, text in enumerate(steps) for run in _runs(text, step)] if small else []
        equations = [run for run in self._runs if len(run.sides) > 1][:MOST_EQUATIONS]
        worths = [[_worth(tree, {}) for tree in self._trees(equation, {})] for equation in equations]
        # Numbers that differ are no equation: a word before them belonged to them, or the solution rounds.
        self.equations = [
            e for e, values in zip(equations, worths, strict=True) if len({v for v in values if v is not None}) < 2
        ]
        self.names: Mapping[str, Fraction] = self._closure({}, {}) or {}

    @cached_property
    def blanks(self) -> tuple[Blank, ...]:
        """All that may be hidden alone."""
        found = (*self._numbers(), *self._operators(), *self._names(), *self._expressions())
        return tuple(blank for blank in found if self.determined([blank]))

    def determined(self, blanks: Sequence[Blank]) -> bool:
        """Whether what is shown gives every one of these when all are hidden, and shows none of them."""
        places = sorted(place for blank in blanks for place in blank.places)
        if any(a[0] == b[0] and a[2] > b[1] for a, b in pairwise(places)):
            return False
        gaps: dict[Place, str] = {}
        truth: dict[str, Fraction] = {}
        aside: list[Place] = []
        for number, blank in enumerate(blanks):
            if blank.kind == NUMBER:
                label = "gap" + "".join("abcdefghij"[int(digit)] for digit in str(number))
                truth[label] = blank.value
                gaps |= dict.fromkeys(blank.places, label)
            else:  # its equation has no other gap, and the side that it is on helps to find nothing
                aside += blank.places
                if any(_within(place, blank.equations[0]) for place in places if place not in blank.places):
                    return False
        known = self._closure(gaps, truth, aside)
        if known is None or not truth.keys() <= known.keys():
            return False
        if any(known.get(name) != self.names[name] for name in self._needed(blanks)):
            return False
        around = [*self.shown, *self.hidden(blanks, lambda _: HOLE)]
        if any(visible(blank.right, around) for blank in blanks if blank.kind == NUMBER):
            return False
        joined = HOLE.join(around).replace(" ", "").replace("$", "")
        contexts = (context for blank in blanks if blank.kind in (OPERATOR, NAME) for context in self._contexts(blank))
        return not any(context in joined for context in contexts)

    def _contexts(self, blank: Blank) -> Iterator[str]:
        """An operator with its operands, a name with what it is joined to: where it stands again, it can be copied."""
        (step, start, end), *_ = blank.places
        text, (_, low, high) = self.steps[step], blank.equations[0]
        before, after = (
            [piece for piece in _PIECES.findall(part) if piece.strip(" $")]
            for part in (text[low:start], text[end:high])
        )
        yield "".join([*before[-1:], text[start:end], *after[:1]])
        if blank.kind == NAME and len(before) > 1:
            yield "".join([*before[-2:], text[start:end]])
        if blank.kind == NAME and len(after) > 1:
            yield "".join([text[start:end], *after[:2]])

    def hidden(self, blanks: Sequence[Blank], mark: Callable[[int], str]) -> list[str]:
        """The steps with a mark in every place; `mark` is given the number of the blank, from 0."""
        out = list(self.steps)
        gaps = sorted(((place, i) for i, blank in enumerate(blanks) for place in blank.places), reverse=True)
        for (step, start, end), i in gaps:
            out[step] = out[step][:start] + mark(i) + out[step][end:]
        return out

    def _needed(self, blanks: Sequence[Blank]) -> set[str]:
        """Names whose value one must know to find an operator or a name."""
        needed = {name for blank in blanks if blank.kind == NAME for name in blank.options}
        places = {place for blank in blanks if blank.kind in (OPERATOR, NAME) for place in blank.equations}
        trees = [tree for e in self.equations if e.place in places for tree in self._trees(e, {})]
        return needed | {name for tree in trees if tree is not None for name in symbols_of(tree) & self.names.keys()}

    def _closure(
        self, gaps: Mapping[Place, str], truth: Mapping[str, Fraction], aside: Sequence[Place] = ()
    ) -> dict[str, Fraction] | None:
        """The values that the equations give to gaps and names, one after another; None when one is not the truth.

        A name has a value where an equation has the name alone on one side; one with two values has none.
        """
        systems = [
            [
                None if any(_within(place, (e.step, *side)) for place in aside) else tree
                for side, tree in zip(e.sides, self._trees(e, gaps), strict=True)
            ]
            for e in self.equations
        ]
        known: dict[str, Fraction] = {}
        ambiguous: set[str] = set()
        for _ in range(len(systems) + 1):
            before = len(known)
            for sides in systems:
                values = {_worth(side, known) for side in sides} - {None}
                alone = {side[1] for side in sides if side is not None and side[0] == "s"} - truth.keys()
                if len(values) > 1:
                    ambiguous |= alone
                if len(values) != 1:
                    continue
                (target,) = values
                for side in sides:
                    unknown = symbols_of(side) - known.keys() - ambiguous if side is not None else frozenset()
                    if side is None or target is None or len(unknown) != 1:
                        continue
                    (name,) = unknown
                    if name in truth or side[0] == "s":
                        solved = _solved(side, name, known, target)
                        if solved is not None and truth.get(name, solved) != solved:
                            return None
                        if solved is not None:
                            known[name] = solved
            if len(known) == before:
                break
        return {name: value for name, value in known.items() if name not in ambiguous}

    def _trees(self, equation: _Run, gaps: Mapping[Place, str]) -> list[Tree | None]:
        return [_tree(self._side(equation.step, side, gaps)) for side in equation.sides]

    def _side(self, step: int, side: tuple[int, int], gaps: Mapping[Place, str]) -> str:
        """The text of a side, with labels for gaps."""
        text, at, out = self.steps[step], side[0], ""
        for place, label in sorted(gaps.items()):
            if _within(place, (step, *side)):
                out += f"{text[at : place[1]]}({label})"
                at = place[2]
        return out + text[at : side[1]]

    def _numbers(self) -> Iterator[Blank]:
        found: dict[Fraction, list[tuple[Place, str]]] = {}
        for step, text in enumerate(self.steps):
            for match in _NUMBER.finditer(text):
                plain = match[0].replace(",", "")
                found.setdefault(Fraction(plain), []).append(((step, *match.span()), plain))
        for entries in found.values():
            places = tuple(place for place, _ in entries)
            equations = tuple(e.place for e in self.equations if any(_within(place, e.place) for place in places))
            if equations and not any(map(self._counts, places)):
                yield Blank(NUMBER, min((text for _, text in entries), key=len), places, equations)

    def _counts(self, place: Place) -> bool:
        """Whether a number outside equations is the place of something in a list, which its neighbours give."""
        text, begin = self.steps[place[0]], place[1] - (self.steps[place[0]][place[1] - 1 : place[1]] == "(")
        alone = not any(_within(place, run.place) for run in self.equations)
        return alone and (begin == 0 or text[begin - 1] == " ") and _COUNTED.match(text, begin) is not None

    def _operators(self) -> Iterator[Blank]:
        for equation, (start, end), target in self._sides():
            for found in _SIGN.finditer(self.steps[equation.step], start, end):
                place = (equation.step, *found.span(1))
                text = self.steps[equation.step]
                if any(found[1] in text[a:b] for a, b in equation.sides if (a, b) != (start, end)):
                    continue  # `p - d = 30 - 3`: read off the other side
                words = self._fitting(place, (start, end), OPERATORS.items(), target)
                if words == [_WORDS[found[1]]]:
                    yield Blank(OPERATOR, words[0], (place,), (equation.place,), tuple(OPERATORS))

    def _names(self) -> Iterator[Blank]:
        names = sorted(self.names)
        for equation, (start, end), target in self._sides():
            for found in _LETTER.finditer(self.steps[equation.step], start, end):
                place = (equation.step, *found.span())
                if len(names) > 1 and found[0] in names and (start, end) != found.span():
                    fitting = self._fitting(place, (start, end), [(name, f"({name})") for name in names], target)
                    if fitting == [found[0]]:
                        yield Blank(NAME, found[0], (place,), (equation.place,), tuple(names))

    def _sides(self) -> Iterator[tuple[_Run, tuple[int, int], Fraction]]:
        """Each side whose value another side of its equation gives, with that value."""
        for equation in self.equations:
            values = [_worth(tree, self.names) for tree in self._trees(equation, {})]
            for number, side in enumerate(equation.sides):
                others = {value for i, value in enumerate(values) if i != number and value is not None}
                if len(others) == 1 and values[number] in others:
                    yield equation, side, others.pop()

    def _fitting(
        self, place: Place, side: tuple[int, int], fillings: Iterable[tuple[str, str]], target: Fraction
    ) -> list[str]:
        """Which fillings of a place give its side the value."""
        text = self.steps[place[0]]
        worths = {
            name: _worth(_tree(text[side[0] : place[1]] + put + text[place[2] : side[1]]), self.names)
            for name, put in fillings
        }
        return [name for name, value in worths.items() if value == target]

    def _expressions(self) -> Iterator[Blank]:
        shown = [tree for text in self.shown for run in _runs(text, 0) for tree in _spelled(text, run)]
        seen = [
            text_of(tree)
            for tree in (*shown, *(tree for run in self._runs for tree in _spelled(self.steps[run.step], run)))
            if tree is not None
        ]
        for equation in self.equations:
            trees = self._trees(equation, {})
            for (start, end), tree in zip(equation.sides, trees, strict=True):
                if tree is None or tree[0] != "+" or not symbols_of(tree) or seen.count(text_of(tree)) != 1:
                    continue
                others = [other for other in trees if other is not None and other is not tree]
                if any(_identical(other, tree) for other in others):
                    place = (equation.step, start, end)
                    yield Blank(EXPRESSION, self.steps[equation.step][start:end], (place,), (equation.place,))


def _runs(text: str, step: int) -> Iterator[_Run]:
    """Stretches of numbers, single letters and signs."""
    start: int | None = None
    for found in [*_PIECES.finditer(text), None]:
        piece = found[0] if found else ""
        if found and (piece[0] in " -+*/^()=×÷·−$" or piece[0].isdigit() or (len(piece) == 1 and piece.isalpha())):
            start = found.start() if start is None else start
        elif start is not None:
            end = found.start() if found else len(text)
            after = text[end : end + 1]
            # What goes on without a space is more than is read here: 25%, f'(x), 3.5.1, x_2.
            if (start == 0 or text[start - 1] in " \"'“‘,:;.[" or text[start] == " ") and (
                not after or after in " .,;:!?)]\"'”’" or text[end - 1] == " "
            ):
                yield from _cut(text, step, start, end)
            start = None


def _cut(text: str, step: int, start: int, end: int) -> Iterator[_Run]:
    sides, at = [], start
    for part in text[start:end].split("="):
        inner = part.strip(" $")
        begin = at + part.find(inner) if inner else at
        sides.append((begin, begin + len(inner)))
        at += len(part) + 1
    kept = tuple(side for side in sides if side[0] < side[1])
    if kept:
        yield _Run(step, kept)


def _spelled(text: str, run: _Run) -> list[Tree | None]:
    return [_tree(text[start:end]) for start, end in run.sides]


@lru_cache(maxsize=8192)
def _tree(text: str) -> Tree | None:
    """The expression that a side spells; None when it is none, or a part of one."""
    text = text.replace("$", " ").strip()
    if not text or text[0] in "+*/^)×÷·" or text[-1] in "+-*/^(×÷·−":
        return None
    try:
        return parse(re.sub(r"(?<=[0-9]),(?=[0-9]{3})", "", text), frozenset({"e", "i", *_GAP.findall(text)}))
    except NotRead:
        return None


def _worth(tree: Tree | None, known: Mapping[str, Fraction]) -> Fraction | None:
    """The value of an expression where these names have these values; None when it has none."""
    if tree is None or not symbols_of(tree) <= known.keys():
        return None
    try:
        return exact(_with(tree, known))
    except NotRead:
        return None


def _with(tree: Tree, known: Mapping[str, Fraction]) -> Tree:
    if tree[0] == "s" and tree[1] in known:
        return ("n", known[tree[1]].numerator, known[tree[1]].denominator)
    return tuple(_with(part, known) if isinstance(part, tuple) else part for part in tree)


def _solved(tree: Tree, name: str, known: Mapping[str, Fraction], target: Fraction) -> Fraction | None:
    """The one value of a name that gives an expression this value; None where there is none, or it stands in twice.

    An expression in which the name stands once, in no exponent, is (a x + b) / (c x + d).
    """
    try:
        a, b, c, d = _moebius(_with(tree, known), name)
    except (NotRead, TypeError, ZeroDivisionError):
        return None
    if a * d == b * c or a == target * c:
        return None
    return (target * d - b) / (a - target * c)


_Moebius: TypeAlias = tuple[Fraction, Fraction, Fraction, Fraction]


def _moebius(tree: Tree, name: str) -> _Moebius:
    """Raises TypeError where the expression has not that form."""
    zero, one = Fraction(0), Fraction(1)
    if tree == ("s", name):
        return one, zero, zero, one
    if name not in symbols_of(tree):
        value = exact(tree)
        if value is None:
            raise TypeError
        return zero, value, zero, one
    head = tree[0]
    if head in ("neg", "inv"):
        a, b, c, d = _moebius(tree[1], name)
        return (-a, -b, c, d) if head == "neg" else (c, d, a, b)
    if head not in ("+", "*") or sum(name in symbols_of(part) for part in tree[1:]) != 1:
        raise TypeError
    inside = next(part for part in tree[1:] if name in symbols_of(part))
    rest = exact((head, *(part for part in tree[1:] if part is not inside)))
    if rest is None:
        raise TypeError
    a, b, c, d = _moebius(inside, name)
    return (a + rest * c, b + rest * d, c, d) if head == "+" else (a * rest, b * rest, c, d)


def _identical(a: Tree, b: Tree) -> bool:
    return modular.rational(a) and modular.rational(b) and bool(modular.equal(a, b, text_of(b)))
