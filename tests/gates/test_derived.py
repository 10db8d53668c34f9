"""Which steps of a proof can be hidden whole."""

from __future__ import annotations

from ssrl_data.gates.derived import derivable, shown_elsewhere, told_apart
from ssrl_data.media.worked import PROOF, Step, Worked

RULES = {
    "mp": "from |- ph and |- ( ph -> ps ) infer |- ps for any ph, ps",
    "a1i": "from |- ph infer |- ( ps -> ph ) for any ph, ps",
    "ab": "|- ( a -> b )",
    "syl": "from |- ( ph -> ps ) and |- ( ps -> ch ) infer |- ( ph -> ch ) for any ph, ps, ch",
}


def proof(*steps: Step, given: tuple[str, ...] = (), problem: str = "To prove: |- z") -> Worked:
    return Worked(PROOF, problem, given, steps, rules=RULES)


CHAIN = proof(
    Step("|- ( a -> b )", "ab", ()),
    Step("|- ( b -> c )", "bc", ()),
    Step("|- ( a -> c )", "syl", (0, 1)),
    Step("|- ( d -> ( a -> c ) )", "a1i", (2,)),
)


def test_a_step_is_derivable_when_rule_and_uses_leave_one_formula() -> None:
    assert derivable(CHAIN) == [2]  # an axiom is a copy of its rule, and `a1i` puts anything in front


def test_a_formula_inside_a_later_one_is_shown() -> None:
    assert shown_elsewhere(CHAIN, {2}) == {2}
    assert shown_elsewhere(CHAIN, {2, 3}) == set()
    short = proof(*CHAIN.steps[:3])
    assert shown_elsewhere(short, {2}) == set()
    assert shown_elsewhere(proof(*CHAIN.steps[:3], problem="To prove: |- ( a -> c )"), {2}) == {2}


def test_premises_count_where_the_steps_are_too_few_for_the_rule() -> None:
    one = Step("|- ( a -> c )", "syl", (0,))
    first = Step("|- ( a -> b )", "ab", ())
    assert derivable(proof(first, one, given=("|- ( b -> c )",))) == [1]
    assert derivable(proof(first, one, given=("|- ( b -> c )", "|- ( b -> d )"))) == []


def test_tokens_that_differ_in_case_alone_are_not_told_apart() -> None:
    assert told_apart(CHAIN)
    assert not told_apart(proof(Step("|- ( a -> A )", "ab", ())))
