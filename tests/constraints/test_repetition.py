"""Repetition: each row of the table was counted by hand."""

from __future__ import annotations

import pytest
from judged import cases, complete

from ssrl_data.constraints.repetition import (
    Alliteration,
    Chain,
    DifferentAtLeast,
    MostlyDifferent,
    NeighboursDiffer,
    OpenersDiffer,
    OpenersSame,
    PhraseExactly,
    SentenceWordsDiffer,
    WordsAtMost,
)
from ssrl_data.instruct.constraint import Constraint
from ssrl_data.instruct.reply import Reply

TEN = "plant stone river cloud bread light table horse water night"
FORTY_FIVE = " ".join(f"{a}{b}" for a in "abcde" for b in "klmnoprst")
TWENTY = "one two " * 10

TABLE = [
    (
        WordsAtMost(1, 5),
        [f"{TEN} the the the", f"{TEN}, plants; stony and and"],
        [f"{TEN} Plant", TEN[:-6], f"{TEN} (river)", "word other " * 10, f"{TEN}\n\n“night”"],
    ),
    (
        DifferentAtLeast(10),
        [TEN, f"{TEN} {TEN}", "don't do: 3.14 a b c d e\n\nf, g!"],
        [TEN[:-6], f"{TEN[:-6]} Plant STONE", f"{TEN[:-6]} - *", "word " * 20, "a. b. c. d. e. f. g. h. i. A. (b)"],
    ),
    (
        MostlyDifferent(),
        [f"{FORTY_FIVE} ak ak ak ak ak", f"{FORTY_FIVE} {TEN}", f"{FORTY_FIVE} {TEN} al AL al am an"],
        [
            f"{FORTY_FIVE} ak ak ak ak ak ak",
            FORTY_FIVE,
            f"{FORTY_FIVE} {FORTY_FIVE}",
            f"{FORTY_FIVE} {TEN} al AL al am an ao Ap",
            "word " * 60,
        ],
    ),
    (
        SentenceWordsDiffer(),
        [
            "The sun is out again. The rain is gone now! The sea is calm, too.",
            "the cat sees a dog\nthe dogs see no cats\nthe dog sees it again",
        ],
        [
            "The sun is out again. The rain is gone now!",
            "The sun is the best thing. The rain is gone now! The sea is calm, too.",
            "The sun is out again. The rain is gone. The sea is calm, too.",
            "A sun is out again. A rain is “a” thing. The sea is calm, too.",
            "Go. Go. Go. Run now, all of you.",
        ],
    ),
    (
        OpenersDiffer(),
        ["I came. You saw. He won. She left. We ate.", "I came\nI'd go\n“You” saw\nHe won\nwe ate"],
        [
            "I came. You saw. He won. She left.",
            "I came. You saw. He won. She left. I ate.",
            "The sun. A day. An hour. “The” end. We ate.",
            "I came. You saw. He won. She left. YOU ate.",
            "I came, you saw, he won, she left, we ate.",
        ],
    ),
    (
        OpenersSame(),
        ["We came. We saw. We won. We ate it.", "we came\n- We saw\n“WE” won\n(we) ate it"],
        [
            "We came. We saw. We won it all.",
            "We came. We saw. We won. They ate it.",
            "We came. We saw. Well, we won. We ate.",
            "We came, we saw, we won, we ate it.",
            "We came. We saw. We won. We're full now.",
        ],
    ),
    (
        Chain(),
        ["I see the sea. Sea air is good. Good it is!", "it is a dog\ndog eats a bone\n“Bone” is gone"],
        [
            "I see the sea. Sea air is good.",
            "I see the sea. Sea air is good. It is!",
            "I see the sea. The sea air is good. Good it is!",
            "I see the sea. Seas are good. Good it is!",
            "I see the sea. Air is good. Good it is!",
        ],
    ),
    (
        NeighboursDiffer(),
        [f"{TWENTY} six ten up", f"{TWENTY}. Two or more. Many of us go"],
        [
            f"{TWENTY} six sad up on",
            f"{TWENTY} Six “sad” up",
            "one two six ten up",
            f"{TWENTY} six ten up TOO two",
            f"{TWENTY} - up - up on in",
        ],
    ),
    (
        Alliteration(3, "b"),
        ["We saw big brown bears there.", "so “Bring” Bob's (bread) now"],
        [
            "We saw big brown cows, bears too.",
            "We saw big big big bears there.",
            "It was big. Brown bears came here.",
            "We saw six silly seals there.",
            "We saw big brown dogs and all bears",
        ],
    ),
    (
        PhraseExactly(2, "the sea"),
        ["I see the sea and the sea sees me.", "The SEA is here; “the\nsea” is there. The seas"],
        [
            "I see the sea and the seas see me.",
            "I see the sea, the sea and the sea.",
            "I see the blue sea and the sea.",
            "Bathe sea-salt, the sea salt and more",
            "I see the, sea and the sea here",
        ],
    ),
]


def test_the_table_is_complete() -> None:
    assert complete(TABLE, "repetition")


@pytest.mark.parametrize(("item", "text", "met"), cases(TABLE))
def test_it_judges_as_a_person_would(item: Constraint, text: str, met: bool) -> None:
    assert item.met(Reply(text)) is met, Reply(text).words
