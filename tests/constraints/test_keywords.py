"""Words and phrases: what counts as one, how often, and where."""

from __future__ import annotations

import pytest
from judged import cases, complete

from ssrl_data.constraints.keywords import (
    AtLeast,
    Between,
    EveryParagraph,
    EverySentence,
    Exactly,
    Exclude,
    Include,
    InOrder,
    InSentence,
    MoreThan,
    Phrase,
    SomeOf,
    Together,
    ordinal,
)
from ssrl_data.instruct.constraint import Constraint
from ssrl_data.instruct.reply import Reply

LONG = "Twelve quite different words are what it takes to say nothing here"

TABLE = [
    (
        Include(("cat", "don't")),
        ["The CAT knows that you don’t care.", "I don't like it.\r\n\r\nMy cat, who is old, does."],
        [
            "We concatenate what others don't want to read.",
            "The cat does not care for any of you.",
            "The cats don't care for any of you.",
            "My cat said: do n't you dare to come here.",
            "cat don't",
        ],
    ),
    (
        Exclude(("art", "river bank")),
        [f"{LONG}, a smart party.", f"{LONG}: a river, a bank, a riverbank."],
        [
            f"{LONG}, an ART.",
            f"{LONG}: the river\nbank.",
            f"{LONG} (art)",
            f"{LONG} state-of-the-art",
            "A smart party by the river.",
        ],
    ),
    (
        SomeOf(("oak", "elm", "ash"), 2),
        ["An oak and an ELM stand before the house.", "Ash, elm, oak: all of them grow here."],
        [
            "An oak, an oak and once more an oak.",
            "An oak on ashes that are soaked and overwhelmed.",
            "oak elm",
            "Trees of many kinds grow in this garden.",
        ],
    ),
    (
        Phrase("wind and sail"),
        ["It takes wind and sail to go.", "A boat of Wind\n  and sail, they said."],
        [
            "It takes wind and a sail to go.",
            "It takes sail and wind to go there.",
            "It takes wind and sailors to go.",
            "Downwind and sail were what they said.",
        ],
    ),
    (
        AtLeast("art", 3),
        ["Art for art's sake, and for money: ART.", "art art, art and art and yet more of it"],
        [
            "Start a smart party with art and more art.",
            "Art and art, and nothing else of it.",
            "artartart is not what we asked of you",
            "art art art",
        ],
    ),
    (
        Between("oak", 1, 2),
        ["One oak stands here all alone today.", "An oak, and then one more oak here."],
        [
            "No tree at all stands here today.",
            "An oak, an Oak and an OAK stand here.",
            "A soak and some oaks are not meant.",
            "An oak-oak and an oak stand here.",
        ],
    ),
    (
        Exactly("oak", 2),
        ["An oak, and then one more Oak here.", "oak/oak are two oaks, as slashes divide words"],
        [
            "One oak stands here all alone today.",
            "An oak, an Oak and an OAK stand here.",
            "An oak and its oaken door and oaks.",
            "oak oak",
        ],
    ),
    (
        MoreThan("oak", "elm"),
        ["An oak, an oak and one elm here.", "Elm, oak, elm, oak, oak are the trees."],
        [
            "An oak, an oak and no other tree.",
            "One oak and one elm stand here today.",
            "Oaks, oaks, oak and one elm stand here.",
            "An elm, an elm and one oak here.",
        ],
    ),
    (
        InOrder(("oak", "elm", "ash")),
        ["First the oak, then the elm, then the ash.", "Oak and OAK, elm, oak once more, ash, elm."],
        [
            "First the elm, then the oak, then the ash.",
            "First the oak, then the ash, then the elm, then ash.",
            "First the oak, then the elm, and no third.",
            "First the oak, then helmets, then the ashes.",
        ],
    ),
    (
        Together(("oak", "elm")),
        ["Rain fell. The elm is older than the oak. So it is.", "An oak\tand an elm stand here alone"],
        [
            "The oak is old. The elm is not.",
            "The oak is old\nand the elm is young",
            "The oaks are older than the elm here.",
            "The oak is older! Than what? The elm.",
        ],
    ),
    (
        InSentence("oak", 2),
        ["Rain fell all day. The oak stood still.", "Rain fell all day\nIts oak stood still"],
        [
            "The oak stood still. Rain fell all day.",
            "Rain fell all day. It fell. The oak stood.",
            "Rain fell all day on the oak",
            "Rain fell all day. The oaks stood still.",
        ],
    ),
    (
        InSentence("oak", 0),
        ["Rain fell all day. The oak stood still.", "Only one sentence with an oak is here"],
        [
            "The oak stood still. Rain fell all day.",
            "Rain fell on the oak. All day. Yes.",
            "Rain fell on a tree. It was soaked.",
            "oak",
        ],
    ),
    (
        EveryParagraph("oak", 2),
        ["The oak is old.\r\n\r\nNo oak is young.", "oak one\n\nOAK two\n \t\nan oak, three"],
        [
            "The oak is old.\nNo oak is young.",
            "The oak is old.\n\nIt stands alone.",
            "The oak is old.\n\nThe oaks are young.",
            "The oak is old and it stands alone.",
        ],
    ),
    (
        EverySentence("oak", 2),
        ["The oak is old. No oak is young.", "An oak stands there! Which oak? That oak."],
        [
            "The oak is old, and no oak is young.",
            "The oak is old. It stands alone here.",
            "The oak is old. It is an oak. Rain fell.",
            "The oak is old. The oaks are not.",
        ],
    ),
]


@pytest.mark.parametrize(("asked", "text", "right"), cases(TABLE))
def test_it_is_judged_as_by_hand(asked: Constraint, text: str, right: bool) -> None:
    assert asked.met(Reply(text)) is right


def test_the_table_is_complete() -> None:
    assert complete(TABLE, "keywords")


def test_ordinals() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 22, 103, 111)] == [
        *("first", "second", "third", "4th", "11th", "12th", "13th", "21st", "22nd", "103rd", "111th")
    ]


@pytest.mark.parametrize(
    "words", [(), ("",), ("a  b",), ("a\nb",), ("x" * 81,), ("Oak", "oak"), tuple("abcdefghijklmnopqrstu")]
)
def test_words_that_cannot_be_asked_for(words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="words"):
        Include(words)
