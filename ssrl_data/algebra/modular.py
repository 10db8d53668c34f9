"""Deciding whether two rational functions are equal, by their values at random points modulo random primes.

The Schwartz-Zippel lemma: a polynomial that is not zero, of degree d, vanishes at a random point modulo a prime p with
probability d/p at most. For those read by `parsing`, the degree of the difference is below 4 x 10^5, and of two rounds
with primes of 62 bits each both err with probability below 10^-25; that one of the 10^16 such primes divides all its
coefficients is rarer still. Equal ones are never told apart. The imaginary unit is a square root of -1 modulo p.
"""

from __future__ import annotations

from functools import lru_cache

from ssrl_data.algebra.parsing import Tree, symbols_of
from ssrl_data.rng import Rng

ROUNDS = 2
TRIES = 6
"""Points tried for each round: at most one in 10^13 is the zero of a denominator, or the denominator is zero itself."""

_BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)  # enough below 3 x 10^24 (Sorenson and Webster, 2015)


def rational(tree: Tree) -> bool:
    """Whether it is a rational function of its symbols over Q(i)."""
    head = tree[0]
    if head in ("n", "s"):
        return True
    if head == "c":
        return bool(tree[1] == "i")
    if head in ("f", "root"):
        return False
    if head == "^":
        return bool(tree[2][0] == "n" and tree[2][2] == 1) and rational(tree[1])
    return all(rational(part) for part in tree[1:])


def equal(a: Tree, b: Tree, key: str) -> bool | None:
    """Whether two rational functions are the same; None when one of them is nowhere defined.

    Args:
        a: a tree that is `rational`.
        b: another one.
        key: what the primes and points are drawn by; the row's truth, say, which no answer is made to fit.
    """
    names = sorted(symbols_of(a) | symbols_of(b))
    for turn in range(ROUNDS):
        p, i = _field(key, turn)
        rng = Rng("points", key, turn)
        for _ in range(TRIES):
            point = {name: rng.below(p) for name in names}
            try:
                if _value(a, point, p, i) != _value(b, point, p, i):
                    return False
                break
            except ZeroDivisionError:
                continue
        else:
            return None
    return True


def _value(tree: Tree, point: dict[str, int], p: int, i: int) -> int:
    head = tree[0]
    if head == "n":
        return int(tree[1]) * _inverse(tree[2], p) % p if tree[2] != 1 else int(tree[1]) % p
    if head == "s":
        return point[tree[1]]
    if head == "c":
        return i
    if head == "neg":
        return -_value(tree[1], point, p, i) % p
    if head == "inv":
        return _inverse(_value(tree[1], point, p, i), p)
    if head == "^":
        base, raised = _value(tree[1], point, p, i), int(tree[2][1])
        return pow(_inverse(base, p) if raised < 0 else base, abs(raised), p)
    total = int(head == "*")
    for part in tree[1:]:
        value = _value(part, point, p, i)
        total = total * value % p if head == "*" else (total + value) % p
    return total


def _inverse(value: int, p: int) -> int:
    if value % p == 0:
        raise ZeroDivisionError
    return pow(value, -1, p)


@lru_cache(maxsize=4096)
def _field(key: str, turn: int) -> tuple[int, int]:
    """A random prime of 62 bits that leaves 1 on division by 4, and a square root of -1 modulo it."""
    rng = Rng("field", key, turn)
    while True:
        p = (1 << 61) + 4 * rng.below(1 << 59) + 1
        if all(p % small for small in _BASES) and _is_prime(p):
            break
    while True:
        i = pow(2 + rng.below(p - 3), (p - 1) // 4, p)
        if i * i % p == p - 1:
            return p, i


def _is_prime(n: int) -> bool:
    """Miller and Rabin's test with bases that are enough for 62 bits; n is odd and larger than any base."""
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in _BASES:
        x = pow(base, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True
