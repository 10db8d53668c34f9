"""Places: the beginning and the end of a text, of its lines, sentences and paragraphs."""

from __future__ import annotations

import pytest
from judged import cases, complete

from ssrl_data.constraints.position import (
    Begin,
    End,
    LastSentence,
    LinesBegin,
    NthWord,
    ParagraphBegins,
    SameEnds,
    SentenceBegins,
    SentencesBegin,
    SentencesEnd,
)
from ssrl_data.instruct.constraint import Constraint
from ssrl_data.instruct.reply import Reply

TABLE = [
    (
        Begin("dear reader"),
        ["Dear reader, this is the note.", '"DEAR  READER: this is the note."', "**Dear reader** of this short note"],
        [
            "My dear reader, this is the note.",
            "Dear readers, this is the note.",
            "Sure! Dear reader, this is the note.",
            "Dear, reader: this is the note here.",
            "Reader dear, this is the note here.",
        ],
    ),
    (
        End("That is all."),
        ["This is the note. That is all.", '"This is the note. THAT IS ALL."', "This is the note. That is all.\n\n"],
        [
            "This is the note. That is all. Yes.",
            "This is the note, and bathat is all.",
            "That is all. This is the note.",
            "This is the note. That is not all.",
            "That is all.",
        ],
    ),
    (
        End("the sea"),
        ["They went down to the sea.", "And so they saw *the sea*!", "Then they went to The Sea"],
        [
            "They went down to the seas.",
            "They went to the sea, all of them.",
            "They went down to bathe sea.",
            "They went down to the sea side.",
        ],
    ),
    (
        ParagraphBegins(3, 2, "however"),
        ["One is here.\n\nHowever, two is here.\n\nThree.", "One is\n\n\n\n**However** two is\r\n\r\nthree it is"],
        [
            "However, one is here.\n\nTwo is here.\n\nThree.",
            "One is here.\n\nHowever, two is here.",
            "One is here.\nHowever, two is here.\nThree.",
            "One is.\n\nHoweverly two is here.\n\nThree.",
            "One is here.\n\nHowever two is.\n\nThree.\n\nFour.",
        ],
    ),
    (
        SentenceBegins(2, "rain"),
        ["It was late. Rain fell on us.", "It was late here\n- rain fell, and so on"],
        [
            "Rain fell on us. It was late.",
            "It was late. The rain fell on us.",
            "It was late. Rains fell on us all.",
            "It was late, rain fell on us all.",
        ],
    ),
    (
        SentencesBegin("rain", 2),
        ["Rain fell on us. Rain went away.", "Rain fell. RAIN fell? Rain never stopped here!"],
        [
            "Rain fell on us, and rain went away.",
            "Rain fell on us. It went away.",
            "Rain fell on us. Rainy days went by.",
            "Rain fell on us. Rain went away. So what?",
        ],
    ),
    (
        SentencesEnd("rain", 2),
        ["We saw the rain. We felt the RAIN!", "Was it rain? It was only the rain."],
        [
            "We saw the rain and felt the rain.",
            "We saw the rain. We felt the cold.",
            "We saw the rain. We felt the brain.",
            "We saw the rain today. We felt the rain.",
        ],
    ),
    (
        LinesBegin("note:", 2),
        ["Note: it rains today.\n\nnote: it is cold.", "NOTE: a b c\nNote: d e f\r\nnote: g"],
        [
            "Note: it rains today, and it is cold.",
            "Note: it rains today.\nIt is cold here.",
            "Note that it rains today.\nNote: it is cold.",
            "Here:\nNote: it rains today.\nNote: it is cold.",
        ],
    ),
    (
        NthWord(4, "rain"),
        ["We saw some rain fall.", "We saw, - some (rain)! It fell", "1. We don't like rain at all"],
        [
            "We saw rain fall here.",
            "We saw some of rain fall.",
            "We saw some brain fall here.",
            "We saw some rainy days here.",
            "We do n't like rain",
        ],
    ),
    (
        SameEnds(),
        ["Rain follows what we know as rain.", '"Don\'t do what I say you don’t!"'],
        [
            "Rain follows what we know as rains.",
            "Rain follows what rain is before sun.",
            "The rain follows what we know as rain.",
            "rain rain",
        ],
    ),
    (
        LastSentence("So it goes."),
        ["Rain fell on all of us. So it goes.", "Rain fell on all of us\r\n\r\nSo  it goes."],
        [
            "So it goes. Rain fell on all of us.",
            "Rain fell on all of us. So it goes!",
            "Rain fell on all of us. so it goes.",
            "Rain fell on all of us. And so it goes.",
            "So it goes.",
        ],
    ),
]


@pytest.mark.parametrize(("asked", "text", "right"), cases(TABLE))
def test_it_is_judged_as_by_hand(asked: Constraint, text: str, right: bool) -> None:
    assert asked.met(Reply(text)) is right


def test_the_table_is_complete() -> None:
    assert complete(TABLE, "position")


@pytest.mark.parametrize("text", ["no stop", "Two. Sentences.", "", "x" * 201 + "."])
def test_what_is_no_sentence_cannot_be_the_last(text: str) -> None:
    with pytest.raises(ValueError, match="one sentence"):
        LastSentence(text)
