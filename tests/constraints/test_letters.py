"""Letters: each row of the table was counted by hand."""

from __future__ import annotations

import pytest
from judged import cases, complete

from ssrl_data.constraints.letters import (
    Acrostic,
    LetterAtLeast,
    LetterAtMost,
    LetterNever,
    LongWordsAtLeast,
    SentencesBegin,
    WordLettersAtMost,
    WordsBeginAtLeast,
    WordsBeginNever,
    WordsEndAtLeast,
)
from ssrl_data.instruct.constraint import Constraint
from ssrl_data.instruct.reply import Reply

TWENTY = "one two six ten " * 4 + "up on in of"  # no letter a, b, c or d

TABLE = [
    (
        LetterAtLeast(3, "b"),
        ["Bob saw a big dog.", "The bulb, (bb) here too", "rhubarb: a bitter old plant, no fruit"],
        [
            "Bob saw a small dog.",
            "A big old boat sank here",
            "ƀɓḃ Bob saw one thing",
            "б б б Bob saw one thing",
            "bbbbb",
        ],
    ),
    (
        LetterAtMost(2, "a"),
        [TWENTY, f"{TWENTY} a A", f"{TWENTY} áàâä аа a"],
        [f"{TWENTY} a A a", f"{TWENTY} Banana", TWENTY[:-3], "one two six ten up", f"{TWENTY}\n\naaa"],
    ),
    (
        LetterNever("e"),
        [
            "A big dog ran up to us, and all of us had fun with him",
            "Any word will do, so long as its fifth ABC symbol is not in it",
            "A café is a nook for any who want to sit and sip",
        ],
        [
            "A big dog ran up to us, and all of us had fun with them",
            "A big dog ran up to us, and all of us had fun with HIM, Ed",
            "A big dog ran up to us",
            "A big dog ran up to us, and all of us had fun (https://e.org)",
            "- a big dog ran up to us\n- and all of us had fun with thee",
        ],
    ),
    (
        WordLettersAtMost(4),
        [
            "We all know that dogs run and cats nap, so let them do both",
            "It’ll do if I don't go in at 10:45, 123456 it is, as ever, ok?",
        ],
        [
            "We all know that dogs run and cats sleep, so let them do both",
            "We all know that dogs run and",
            "We all know that dogs run and cats nap so let a-b-c-d-e be",
            "We all know that dogs run and cats nap at www.dogs.org or so",
            "We all know that dogs run, and cats nap, so let others do both",
        ],
    ),
    (
        LongWordsAtLeast(2, 8),
        ["A mountain and two elephants are here.", "State-of-the-art things: MOUNTAIN views, no more"],
        [
            "A mountain and two cats are here.",
            "Mountain, mountain, MOUNTAIN and one cat here",
            "A mountain and number 123456789 are here",
            "A mountain and the sea's-end are",
            "A moun-\ntain and two ele-\nphants are not",
        ],
    ),
    (
        SentencesBegin("s"),
        ["Sun is out. So are we! “See?” Sure enough", "- stay in\n- see it\n- sing now"],
        [
            "Sun is out. So are we!",
            "Sun is out. So are we! Then see.",
            "Sun is out and so are we all",
            "The sun is out. So are we! See.",
            "$un is out. 5o are we! See us.",
        ],
    ),
    (
        Acrostic("cat"),
        ["Come in here. All are well! Then go.", "come in\nall are well\n“Then” go now"],
        [
            "Come in here. All are well!",
            "Come in here. All are well! Then go. Soon.",
            "Come in here. Then go. All are well!",
            "Come in here, all are well, then go.",
            "Cat. Cat. Cat. All of it",
            "C. A. T. x y",
        ],
    ),
    (
        WordsBeginAtLeast(3, "p"),
        ["Peter picks plums in May.", "“Pay” (please), P. is here now"],
        [
            "Peter picks apples in May.",
            "Stop, apply, happen, kept, up and Peter",
            "self-propelled, pre-paid, plain old words in",
            "Рeter picks plums now here",
            "þick þin plain pure words",
        ],
    ),
    (
        WordsBeginNever("b"),
        [TWENTY, f"{TWENTY} cab rub ab-b"],
        [f"{TWENTY} but", f"{TWENTY} (Big)", TWENTY[:-3], "one two six ten up", f"{TWENTY} **b**"],
    ),
    (
        WordsEndAtLeast(3, "g"),
        ["The dog and the pig sing.", "A BIG dog: “sang” so well"],
        [
            "The dog and the pig sleep.",
            "The dog, a dog, our dog and dog’s",
            "Great gardens grow good grapes here",
            "The dogs and the pigs sings",
            "dog-house, pig-iron, the sing-along day",
        ],
    ),
]


def test_the_table_is_complete() -> None:
    assert complete(TABLE, "letters")


@pytest.mark.parametrize(("item", "text", "met"), cases(TABLE))
def test_it_judges_as_a_person_would(item: Constraint, text: str, met: bool) -> None:
    assert item.met(Reply(text)) is met, Reply(text).words
