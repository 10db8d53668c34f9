"""A witness keeps to every constraint of its set, and sets that contradict themselves have none."""

from __future__ import annotations

import pytest

from ssrl_data.constraints.casing import CapitalsExactly, WordInCapitals
from ssrl_data.constraints.keywords import Exclude, Include
from ssrl_data.constraints.length import (
    CharactersBetween,
    ParagraphWordsAtMost,
    SentencesExactly,
    WordsAtLeast,
    WordsBetween,
)
from ssrl_data.constraints.letters import Acrostic, SentencesBegin
from ssrl_data.constraints.punctuation import LastAsks, MarkExactly, SentenceCommas
from ssrl_data.constraints.repetition import Alliteration, Chain, OpenersSame
from ssrl_data.instruct.compose import witness
from ssrl_data.instruct.constraint import Conflict, Constraint
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply
from ssrl_data.rng import Rng

MATERIAL = Material(
    "The kernel loads modules on demand when a device asks for them. Each module names the devices that it can serve.",
    "Sailing boats need wind from the side rather than from behind, and a keel that holds the hull against drifting.",
)


@pytest.mark.parametrize("seed", range(20))
def test_a_witness_meets_all(seed: int) -> None:
    asked = (WordsBetween(40, 60), SentencesExactly(4), Include(("keel", "wind")), Exclude(("kernel",)))
    text = witness(asked, MATERIAL, Rng("witness", seed))
    reply = Reply(text)
    assert all(item.met(reply) for item in asked)
    assert 40 <= len(text.split()) <= 60
    assert "kernel" not in text.lower()
    assert witness(asked, MATERIAL, Rng("witness", seed)) == text


@pytest.mark.parametrize(
    "asked",
    [
        (WordsAtLeast(70), WordsBetween(40, 60)),
        (Include(("keel",)), Exclude(("keel",))),
        (SentencesExactly(2), SentencesExactly(3)),
        (Include(("the keel",)), Exclude(("keel",))),
    ],
)
def test_contradictions_have_none(asked: tuple[WordsAtLeast, ...]) -> None:
    with pytest.raises(Conflict):
        witness(asked, MATERIAL, Rng("none"))


@pytest.mark.parametrize(
    "asked",
    [
        (Chain(), SentencesBegin("s")),
        (OpenersSame(), SentencesBegin("t"), SentencesExactly(5)),
        (Alliteration(4, "b"), Acrostic("stone")),
        (MarkExactly(2, "!"), MarkExactly(3, "."), LastAsks(), SentencesExactly(6)),
        (SentenceCommas(2), MarkExactly(8, ","), SentencesExactly(4), CapitalsExactly(3)),
        (CharactersBetween(300, 340), ParagraphWordsAtMost(20), WordInCapitals("keel", 2)),
    ],
    ids=lambda asked: " ".join(item.name for item in asked),
)
def test_sets_that_lean_on_each_other_have_one(asked: tuple[Constraint, ...]) -> None:
    reply = Reply(witness(asked, MATERIAL, Rng("leaning")))
    assert all(item.met(reply) for item in asked)
