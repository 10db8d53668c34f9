from __future__ import annotations

from fractions import Fraction

import pytest

from ssrl_data.answers.base import blind, credited, independent, rule_for
from ssrl_data.core import Credit

HALF = Fraction(1, 2)


@pytest.mark.parametrize(
    ("rule", "raw", "exact", "score"),
    [
        ("exact", 1.0, True, 1.0),
        ("exact", 0.75, False, 0.0),
        ("partial", 1.0, True, 1.0),
        ("partial", 0.75, False, 0.25),
        ("partial", 0.5, False, 0.0),
        ("partial", 0.25, False, 0.0),
        ("overlap", 1.0, True, 1.0),
        ("overlap", 0.75, False, 0.5),
        ("overlap", 0.5, False, 0.0),
        ("overlap", 0.25, False, 0.0),
    ],
)
def test_credit(rule: str, raw: float, exact: bool, score: float) -> None:
    assert credited(raw, exact, Credit(rule, 0.5)) == score


def test_an_unknown_rule_is_an_error() -> None:
    with pytest.raises(ValueError, match="generous"):
        credited(0.5, False, Credit("generous", 0.5))


def test_the_law_of_independent_parts() -> None:
    assert independent([]) == [1]
    assert independent([HALF, Fraction(1, 3)]) == [Fraction(1, 3), HALF, Fraction(1, 6)]


def test_blind() -> None:
    assert blind(independent([HALF, HALF]), "exact") == (Credit("exact", 0.5), 0.25)
    # Four parts: c = 1/2, and three right of four earn half of (3/4 - 1/2) / (1/2).
    assert blind(independent([HALF] * 4), "partial") == (Credit("partial", 0.5), 1 / 16 + 4 / 16 * 0.25)


def test_a_guesser_that_is_always_right_leaves_nothing_to_ask() -> None:
    with pytest.raises(ValueError, match="always right"):
        blind([Fraction(0), Fraction(1)], "exact")


def test_the_default_rule() -> None:
    assert [rule_for(n, None) for n in (1, 4, 5)] == ["exact", "exact", "partial"]
    assert rule_for(9, "exact") == "exact"
    assert rule_for(2, "partial") == "partial"
