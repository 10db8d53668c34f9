"""What only imported prompts ask for; the same things without a floor that they do not tell of."""

from __future__ import annotations

import pytest
from judged import cases, complete

from ssrl_data.constraints.ifeval import (
    EnglishLower,
    EnglishUpper,
    FewCapitals,
    NoComma,
    Seldom,
    Sentences,
    Signs,
    Without,
    Words,
)
from ssrl_data.instruct.constraint import Constraint
from ssrl_data.instruct.reply import LONGEST, Reply

TABLE = [
    (
        Signs("q", 0, 1),
        ["Rain fell on all of us.", "A quick rain fell on us."],
        ["A quick Quiz fell on us all.", "qqq went on and on here", "quite", "Q and q and three others"],
    ),
    (
        Signs("!", 2, LONGEST),
        ["Rain fell! It fell on all of us!", "Rain fell on all of us!!"],
        ["Rain fell! It fell on us.", "Rain fell. It fell on us.", "Rain fell on all of us！", "!!"],
    ),
    (
        EnglishUpper(),
        ["THE RAIN FELL ON ALL OF US, 7 TIMES.", "THE RAIN FELL ON\r\nALL OF US."],
        [
            "THE RAIN FELL ON ALL OF US, i SAY.",
            "The rain fell on all of us.",
            "HEUTE SCHEINT DIE SONNE ÜBER DER STADT, UND WIR SIND IM GARTEN.",
            "7 8 9 10 11 12 13",
            "СЕГОДНЯ НАД ВСЕМ ГОРОДОМ СВЕТИТ СОЛНЦЕ.",
        ],
    ),
    (
        EnglishLower(),
        ["the rain fell on all of us, 7 times.", "the rain fell on\r\nall of us."],
        [
            "the rain fell on all of us, I say.",
            "THE RAIN FELL ON ALL OF US.",
            "heute scheint die sonne über der stadt, und wir sind im garten.",
            "7 8 9 10 11 12 13",
        ],
    ),
    (
        Words(7),
        ["Rain fell on all of us.", "Rain fell on all of us today."],
        [
            "Rain fell on all of us there today.",
            "Rain fell on us.",
            "rain rain rain rain rain rain",
            "一二三四五六七八",
        ],
    ),
    (
        Sentences(1),
        ["Rain fell on all of us.", "Rain fell (on all) of us, 3.14 times"],
        ["Rain fell. It fell on us all.", "Rain fell on us.", "Rain fell\non all of us", "I cannot help with that."],
    ),
    (
        Without(("art",)),
        ["A smart party of five people.", "Artful rain fell on all of us."],
        ["The Art of rain is wet here.", "I cannot help with that.", "Rain fell: art, for all of us.", "ok"],
    ),
    (
        Seldom("oak", 1),
        ["No tree at all stands here today.", "One oak stands here all alone today."],
        [
            "An oak, and then one more oak here.",
            "OAK and oak are one and the same.",
            "oak",
            "I cannot help with that.",
        ],
    ),
    (
        FewCapitals(1),
        ["Rain fell on all of us.", "NASA says that I am A man of rain."],
        ["NASA and ESA fly to the moon.", "RAIN FELL on all of us.", "oak", "I cannot help with that."],
    ),
    (
        NoComma(),
        ["Rain fell on all of us.", "Rain fell; it fell on all of us."],
        [
            "Rain fell, on all of us.",
            "I cannot help with that.",
            "雨は、みんなの上に降った。",
            ".",
            "It fell，on all of us.",
        ],
    ),
]


@pytest.mark.parametrize(("asked", "text", "right"), cases(TABLE))
def test_it_is_judged_as_by_hand(asked: Constraint, text: str, right: bool) -> None:
    assert asked.met(Reply(text)) is right


def test_the_table_is_complete() -> None:
    assert complete(TABLE, "ifeval")


@pytest.mark.parametrize("sign", ["", "ab", " ", "\n"])
def test_what_is_no_sign(sign: str) -> None:
    with pytest.raises(ValueError, match="sign"):
        Signs(sign, 1, 2)
