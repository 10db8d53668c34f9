"""Deciding whether two expressions with roots and functions are equal; run in the sandbox alone, since sympy may hang.

Expressions are equal when they agree wherever both are defined over the reals. Values at random points refute, in two
precisions, so that rounding cannot; what they do not refute is proved by sympy, or left undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import mpmath
import sympy

from ssrl_data.algebra.parsing import Tree, symbols_of
from ssrl_data.core import Json
from ssrl_data.rng import Rng

POINTS = 24
DIGITS = 60
"""Decimal digits of the values; each is taken with half as many more, too, and counts where the two agree."""

CLOSE = 30
"""Decimal digits to which equal values agree, and values that are taken twice."""

HUGE = 5000
"""Binary exponent above which a value is given up: a sine of it would need as many digits of pi."""

_FUNCTIONS = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "ln": "log", "abs": "fabs"}


class _Undefined(Exception):
    """No value at this point."""


def decide(argument: Json) -> Json:
    """Whether an expression is equal to the right one.

    Args:
        argument: `[right, given, key]`: two trees as nested lists, and what points are drawn by.

    Returns:
        "yes"; "no", also where the given one is defined at none of the points where the right one is; "unknown".
    """
    a, b = _tuples(argument[0]), _tuples(argument[1])
    complex_too = _has_i(a) or _has_i(b)
    agreed = defined = 0
    for point in _points(sorted(symbols_of(a) | symbols_of(b)), argument[2]):
        left = _at(a, point, complex_too)
        if left is None:
            continue
        defined += 1
        right = _at(b, point, complex_too)
        if right is None:
            continue
        if not _close(left, right):
            return "no"
        agreed += 1
    if not agreed:
        return "no" if defined else "unknown"
    return "yes" if _proved(a, b) else "unknown"


def _tuples(tree: Json) -> Tree:
    return tuple(_tuples(part) if isinstance(part, list) else part for part in tree)


def _has_i(tree: Tree) -> bool:
    return tree == ("c", "i") or any(_has_i(part) for part in tree[1:] if isinstance(part, tuple))


def _points(names: list[str], key: str) -> Iterator[dict[str, Fraction]]:
    """Small positive values, small ones of either sign, larger ones: each third of the points; one for constants."""
    rng = Rng("points", key)
    for turn in range(POINTS if names else 1):
        low, high = ((1, 400), (-400, 400), (-5000, 5000))[turn % 3]
        yield {name: Fraction(rng.integer(low, high), 97) + Fraction(1, 1009) for name in names}


def _at(tree: Tree, point: dict[str, Fraction], complex_too: bool) -> mpmath.mpc | None:
    """The value at a point, where it is defined, real unless asked otherwise, and sure."""
    values = []
    for digits in (DIGITS, DIGITS * 3 // 2):
        with mpmath.workdps(digits):
            try:
                values.append(mpmath.mpc(_value(tree, point)))
            except (_Undefined, ZeroDivisionError, ValueError, OverflowError):
                return None
    if not _close(*values):
        return None
    value = values[1]
    with mpmath.workdps(DIGITS):
        if not complex_too and abs(value.imag) > mpmath.mpf(10) ** -CLOSE * max(1, abs(value.real)):
            return None
    return value


def _close(a: mpmath.mpc, b: mpmath.mpc) -> bool:
    with mpmath.workdps(DIGITS):
        return bool(abs(a - b) <= mpmath.mpf(10) ** -CLOSE * max(1, abs(a), abs(b)))


def _value(tree: Tree, point: dict[str, Fraction]) -> mpmath.mpf | mpmath.mpc:
    head = tree[0]
    if head == "n":
        return mpmath.mpf(tree[1]) / tree[2]
    if head == "s":
        return mpmath.mpf(point[tree[1]].numerator) / point[tree[1]].denominator
    if head == "c":
        return {"pi": +mpmath.pi, "e": +mpmath.e, "i": mpmath.mpc(0, 1)}[tree[1]]
    if head == "root":
        return _root(_value(tree[2], point), tree[1])
    if head == "f":
        function = getattr(mpmath, _FUNCTIONS.get(tree[1]) or str(tree[1]))
        return _bounded(function(_bounded(_value(tree[2], point))))
    values = [_value(part, point) for part in tree[1:]]
    if head == "neg":
        return -values[0]
    if head == "inv":
        if abs(values[0]) < mpmath.mpf(10) ** -(CLOSE - 5):  # a pole, or a zero that rounding hides
            raise _Undefined
        return 1 / values[0]
    if head == "^":
        if values[0] == 0 and mpmath.re(values[1]) <= 0:
            raise _Undefined
        return _bounded(mpmath.power(values[0], values[1]))
    return _bounded(mpmath.fsum(values) if head == "+" else mpmath.fprod(values))


def _root(value: mpmath.mpf | mpmath.mpc, degree: int) -> mpmath.mpf | mpmath.mpc:
    """The real root of a negative number, where the degree is odd."""
    if degree % 2 and mpmath.im(value) == 0 and mpmath.re(value) < 0:
        return -mpmath.root(-mpmath.re(value), degree)
    return mpmath.root(value, degree)


def _bounded(value: mpmath.mpf | mpmath.mpc) -> mpmath.mpf | mpmath.mpc:
    if not mpmath.isfinite(value) or (value != 0 and mpmath.mag(value) > HUGE):
        raise _Undefined
    return value


def _proved(a: Tree, b: Tree) -> bool:
    """Whether sympy finds the difference to be zero where the symbols are positive."""
    names = symbols_of(a) | symbols_of(b)
    symbols = {name: sympy.Symbol(f"s{i}", positive=True) for i, name in enumerate(sorted(names))}
    difference = _built(a, symbols) - _built(b, symbols)
    ways: list[Callable[[sympy.Expr], sympy.Expr]] = [
        sympy.expand,
        sympy.simplify,
        lambda d: sympy.simplify(sympy.expand_log(d, force=True)),
        lambda d: sympy.simplify(sympy.expand(d.rewrite(sympy.exp), complex=False)),
        lambda d: sympy.trigsimp(sympy.expand_trig(d)),
        lambda d: sympy.simplify(sympy.radsimp(sympy.sqrtdenest(d))),
    ]
    if difference == 0 or any(way(difference) == 0 for way in ways):
        return True
    if names:
        return False
    if difference.is_algebraic:
        x = sympy.Symbol("x")
        return bool(sympy.minimal_polynomial(difference, x) == x)
    # A constant that is nearly zero by its value, and a multiple of pi: zero.
    return bool(sympy.simplify(sympy.expand_trig(sympy.tan(difference))) == 0)


def _built(tree: Tree, symbols: dict[str, sympy.Symbol]) -> sympy.Expr:
    head = tree[0]
    if head == "n":
        return sympy.Rational(tree[1], tree[2])
    if head == "s":
        return symbols[tree[1]]
    if head == "c":
        return {"pi": sympy.pi, "e": sympy.E, "i": sympy.I}[tree[1]]
    if head == "root":
        inner = _built(tree[2], symbols)
        if tree[1] % 2:
            return sympy.sign(inner) * sympy.Abs(inner) ** sympy.Rational(1, tree[1])
        return sympy.root(inner, tree[1])
    if head == "f":
        name = "Abs" if tree[1] == "abs" else _FUNCTIONS.get(tree[1]) or str(tree[1])
        return getattr(sympy, name)(_built(tree[2], symbols))
    parts = [_built(part, symbols) for part in tree[1:]]
    if head == "neg":
        return -parts[0]
    if head == "inv":
        return 1 / parts[0]
    if head == "^":
        return parts[0] ** parts[1]
    return sympy.Add(*parts) if head == "+" else sympy.Mul(*parts)
