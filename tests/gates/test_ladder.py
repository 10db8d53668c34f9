"""A ladder is climbed by constraints that can all be kept to, that say something new, and that no guess keeps to."""

from __future__ import annotations

import pytest

from ssrl_data.constraints.keywords import Exclude, Include, SomeOf
from ssrl_data.constraints.length import (
    ParagraphsExactly,
    SentencesAtLeast,
    SentencesExactly,
    WordsAtLeast,
    WordsAtMost,
    WordsBetween,
    WordsExactly,
)
from ssrl_data.constraints.markup import BlockQuote, CodeBlocks, Postscript
from ssrl_data.constraints.punctuation import Bare, QuotationsAtLeast
from ssrl_data.constraints.structure import JsonList, Quoted, Table
from ssrl_data.gates import ladder
from ssrl_data.instruct.compose import witness
from ssrl_data.instruct.constraint import Conflict, Constraint, families
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply
from ssrl_data.rng import Rng

MATERIAL = Material(
    "The kernel loads modules on demand when a device asks for them. Each module names the devices that it can serve. "
    "A module that no device needs any more may be removed, and the memory that it held goes back to the kernel.",
    "Sailing boats need wind from the side rather than from behind, and a keel that holds the hull against drifting. "
    "Harbour pilots know currents, buoys, sandbanks, lighthouses, weather and every captain between two islands.",
)
GROUND = (SomeOf(("module", "device", "kernel", "memory"), 2),)


def needed(*constraints: Constraint) -> bool:
    text = witness((*GROUND, *constraints), MATERIAL, Rng("needed"))
    return ladder.all_needed(constraints, GROUND, text, MATERIAL, Rng("needed", 1))


@pytest.mark.parametrize("seed", range(4))
def test_rungs_nest_and_each_has_a_witness_that_no_guess_is(seed: int) -> None:
    blind = [MATERIAL.text, "The module serves a device."]
    pool = ladder.pool(("length", "keywords", "structure"), (1, 3))
    rungs = ladder.climb(pool, GROUND, MATERIAL, 5, blind, Rng("climb", seed))
    assert [len(rung.constraints) for rung in rungs] == [1, 2, 3, 4, 5]
    top = rungs[-1].constraints
    assert len({type(item) for item in top}) == 5
    for rung in rungs:
        assert rung.constraints == top[: len(rung.constraints)]
        assert all(item.met(Reply(rung.witness)) for item in (*GROUND, *rung.constraints))
        assert set(rung.blind) > set(blind)
        assert not any(all(item.met(Reply(text)) for item in rung.constraints) for text in rung.blind)
    assert rungs == ladder.climb(pool, GROUND, MATERIAL, 5, blind, Rng("climb", seed))


def test_more_rungs_than_constraints_are_a_conflict() -> None:
    with pytest.raises(Conflict):
        ladder.climb([(SentencesExactly,)], GROUND, MATERIAL, 2, [], Rng(0))


@pytest.mark.parametrize(
    "constraints",
    [
        (WordsAtLeast(40), WordsExactly(50)),
        (WordsExactly(50), WordsAtLeast(40)),
        (SentencesAtLeast(3), SentencesExactly(5)),
        (WordsAtMost(90), WordsBetween(40, 60)),
        (WordsBetween(40, 60), Include(("keel",)), WordsAtLeast(20)),
    ],
)
def test_what_follows_from_the_others_is_found(constraints: tuple[Constraint, ...]) -> None:
    assert not needed(*constraints)


@pytest.mark.parametrize(
    "constraints",
    [
        (WordsBetween(40, 60), SentencesExactly(4)),
        (WordsBetween(40, 60), SentencesExactly(4), ParagraphsExactly(2), Exclude(("demand", "names"))),
        (Exclude(("demand",)), Include(("keel",)), WordsAtMost(60)),
    ],
)
def test_what_says_something_new_is_not_taken_for_less(constraints: tuple[Constraint, ...]) -> None:
    assert needed(*constraints)


def test_what_breaks_alone_is_told() -> None:
    asked = (WordsBetween(5, 20), Include(("keel",)))
    assert ladder.alone(asked, GROUND, "The kernel loads a module for the keel.") == set()
    assert ladder.alone(asked, GROUND, "The kernel loads a module for the hull.") == {1}
    assert ladder.alone(asked, GROUND, "The kernel loads a module for the keel. " * 4) == {0}
    assert ladder.alone(asked, GROUND, "The sailor loads a hull for the wind.") == set()


def test_nothing_is_counted_that_nobody_can_say_of_a_form() -> None:
    assert ladder.confusing((JsonList(3), WordsAtLeast(40)))
    assert ladder.confusing((SentencesExactly(4), Table(2, 3)))
    assert not ladder.confusing((JsonList(3), Include(("keel",))))
    assert not ladder.confusing((Table(2, 3), Exclude(("demand",))))
    assert not ladder.confusing((SentencesExactly(4), WordsAtLeast(40)))


def test_two_constraints_do_not_speak_of_the_same_signs() -> None:
    assert ladder.confusing((Quoted(), QuotationsAtLeast(3)))
    assert ladder.confusing((BlockQuote(1), Quoted()))
    assert ladder.confusing((Bare(), SentencesExactly(3)))
    assert ladder.confusing((CodeBlocks(1), Postscript("P.S.")))
    assert not ladder.confusing((Quoted(), Include(("keel",))))


def test_stumps_are_not_readable() -> None:
    assert not ladder.readable(Reply("Go on. Stay. Never mind it."))
    assert ladder.readable(Reply("Go on for a while. Stay where you are now."))


def test_what_a_constraint_names_is_known() -> None:
    assert ladder.names(Include(("Keel", "wind"))) == {"keel", "wind"}
    assert ladder.names(WordsAtLeast(40)) == set()


def test_the_pool_holds_the_constraints_of_the_grades() -> None:
    for grades in ((1, 1), (2, 3)):
        found = [cls for family in ladder.pool(tuple(families()), grades) for cls in family]
        assert {cls.grade for cls in found} == set(range(grades[0], grades[1] + 1))
    with pytest.raises(ValueError, match=r"families are .*keywords"):
        ladder.pool(("length", "colour"), (1, 3))


def test_what_is_strung_together_holds_all_that_is_named() -> None:
    opening, told, other = ladder.strung((*GROUND, Include(("keel", "hull"))), MATERIAL, Rng(3))
    assert opening == "This is about module, device, kernel, memory, keel, hull."
    assert told.startswith(opening)
    assert other == f"{opening} {ladder.ANY}"
    assert any(sentence in told for sentence in MATERIAL.sentences)
