"""Other ways to infer a step, held against all orders of small proofs and against a matcher of another kind."""

from __future__ import annotations

import re
import time
from itertools import permutations, product
from pathlib import Path

import pytest
from metamath_program import labels, opened

from ssrl_data.gates.inference import follows, loose, results
from ssrl_data.media.worked import Inference, Step, Worked

LOGIC = Path(__file__).parents[1] / "texts/logic.mm"
MP = "from |- p and |- ( p -> q ) infer |- q for any p, q"
LIFT = "from |- q infer |- ( p -> q ) for any p, q"


def proof(*steps: tuple[str, str, tuple[int, ...]], given: tuple[str, ...] = ()) -> Worked:
    rules = {"mp": MP, "lift": LIFT, "ax": "|- ( p -> p ) for any p"}
    return Worked("proof", "", given, tuple(Step(*step) for step in steps), rules=rules)


def by_patterns(rule: Inference, conclusion: str, statements: list[str]) -> bool:
    """Whether a rule gives a conclusion: all assignments tried, variables as groups of one regular expression."""
    seen: set[str] = set()
    parts = []
    for token in "\n".join((rule.conclusion, *rule.premises)).replace("\n", " \n ").split(" "):
        if token not in rule.variables:
            parts.append(re.escape(token))
            continue
        name = f"v{rule.variables.index(token)}"
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>[^\\n]+)")
        seen.add(name)
    pattern = re.compile(" ".join(parts))
    return any(
        pattern.fullmatch(" \n ".join((conclusion, *chosen)))
        for chosen in product(statements, repeat=len(rule.premises))
    )


@pytest.mark.parametrize("label", [label for label in labels(LOGIC) if 3 <= len(opened(LOGIC, label).steps) <= 6])
def test_where_nothing_is_loose_the_recorded_order_is_the_only_one(label: str) -> None:
    worked = opened(LOGIC, label)
    texts = [step.text for step in worked.steps]
    assert loose(worked, range(len(texts))) == []
    for order in permutations(range(len(texts))):
        recorded = all(order.index(use) < order.index(step) for step in order for use in worked.steps[step].uses or ())
        possible = all(
            follows(worked, step, [*worked.given, *(texts[before] for before in order[:place])])
            for place, step in enumerate(order)
        )
        assert possible == recorded, order


def test_what_follows_does_by_another_matcher_too() -> None:
    asked = {True: 0, False: 0}
    for label in labels(LOGIC):
        worked = opened(LOGIC, label)
        for number, step in enumerate(worked.steps):
            rule = Inference.read(worked.rules[step.reason])
            assert rule is not None
            statements = [*worked.given, *(worked.steps[use].text for use in step.uses or ())]
            assert follows(worked, number, statements) is True
            for left_out in statements:
                others = [statement for statement in worked.given if statement != left_out]
                others += [other.text for other in worked.steps if other not in (step,) and other.text != left_out][:6]
                said = follows(worked, number, others)
                asked[bool(said)] += 1
                # The pattern knows no brackets, so it can only find more.
                assert by_patterns(rule, step.text, others) or said is False
    assert min(asked.values()) > 10


def test_a_second_way_is_found() -> None:
    twice = proof(
        ("|- ( a -> a )", "ax", ()),
        ("|- ( ( a -> a ) -> ( a -> a ) )", "ax", ()),
        ("|- ( b -> b )", "ax", ()),
        ("|- ( ( b -> b ) -> ( a -> a ) )", "lift", (0,)),
        ("|- b", "mp", ()),
        given=("|- c", "|- ( c -> b )"),
    )
    assert loose(twice, range(5)) == []
    # b follows from c; recorded as from d, either may come first.
    other = proof(
        ("|- d", "mp", ()),
        ("|- ( d -> b )", "mp", ()),
        ("|- b", "mp", (0, 1)),
        given=("|- c", "|- ( c -> b )"),
    )
    assert loose(other, range(3)) == [(2, 0), (2, 1)]
    assert loose(other, [0, 2]) == [(2, 0)]
    assert loose(proof(*[(s.text, s.reason, s.uses or ()) for s in other.steps]), range(3)) == []


def test_what_comes_from_a_step_is_no_other_way_to_it() -> None:
    circle = proof(
        ("|- a", "mp", ()),
        ("|- ( b -> a )", "lift", (0,)),
        ("|- a2", "mp", ()),
        given=("|- b",),
    )
    assert loose(circle, range(3)) == []
    known = proof(
        ("|- c", "mp", ()), ("|- ( c -> a )", "mp", ()), ("|- a", "mp", (0, 1)), ("|- ( b -> a )", "lift", (2,))
    )
    # a also follows from b and ( b -> a ), but that one comes from a.
    assert loose(Worked("proof", "", ("|- b",), known.steps, rules=known.rules), range(4)) == []


def test_steps_known_from_the_start_count() -> None:
    worked = proof(
        ("|- c", "mp", ()),
        ("|- ( c -> b )", "mp", ()),
        ("|- d", "mp", ()),
        ("|- ( d -> b )", "mp", ()),
        ("|- b", "mp", (2, 3)),
    )
    assert loose(worked, [2, 3, 4]) == []
    assert loose(worked, [2, 3, 4], known=[0, 1]) == [(4, 2), (4, 3)]


def test_results() -> None:
    worked = proof(("|- ( a -> b )", "mp", ()), ("|- ( c -> a )", "lift", ()))
    assert results(worked, 0, ["|- c", "|- ( c -> ( a -> b ) )"]) == {"|- ( a -> b )"}
    assert results(worked, 0, ["|- c"]) == frozenset()
    both = results(worked, 0, ["|- c", "|- ( c -> ( a -> b ) )", "|- ( c -> d )"])
    assert both == {"|- ( a -> b )", "|- d"}
    assert results(worked, 1, ["|- a"]) is None  # what is lifted over is free
    chain = opened(LOGIC, "iff-chain")
    for number, step in enumerate(chain.steps):
        if step.reason in ("mp", "chain", "meet"):
            used = [chain.steps[use].text for use in step.uses or ()]
            assert step.text in (results(chain, number, [*chain.given, *used]) or ())


def test_rules_in_other_words_force_nothing() -> None:
    prose = Worked("proof", "", (), (Step("a"), Step("b", "because", (0,))), rules={"because": "it is so"})
    assert follows(prose, 1, ["a"]) is None
    assert results(prose, 1, ["a"]) is None
    assert loose(prose, [0, 1]) == [(1, 0)]


def test_formulas_of_another_kind_force_nothing() -> None:
    # A bracket alone, or nothing at all, is put for a variable.
    for premise, text in (("|- ( x", "|- ( ( x -> a )"), ("|-", "|- ( -> a )")):
        strange = proof((premise, "mp", ()), (text, "mp", ()), ("|- a", "mp", (0, 1)))
        assert loose(strange, range(3)) == [(2, 0), (2, 1)]


def test_hostile_rules_are_given_up_in_time() -> None:
    many = " ".join("pqrstuv")
    rule = f"from |- {many} and |- {many} {many} infer |- w for any {', '.join('pqrstuv')}"
    text = "|- " + "a " * 400
    steps = (Step(text.strip()), Step("|- w", "many", (0,)))
    worked = Worked("proof", "", (), steps, rules={"many": rule})
    start = time.process_time()
    assert follows(worked, 1, [text]) is None
    assert results(worked, 1, [text]) is None
    assert follows(worked, 1, ["|- " + "b " * 100_000, "|- " + "( " * 100_000]) is None
    assert follows(worked, 1, []) is False
    assert time.process_time() - start < 5
