"""Case: each row of the table was looked at by hand."""

from __future__ import annotations

import pytest
from judged import cases, complete

from ssrl_data.constraints.casing import (
    CapitalsAtLeast,
    CapitalsBetween,
    CapitalsExactly,
    EverySecond,
    Lower,
    SentenceCase,
    SentenceEdge,
    Title,
    Upper,
    WordInCapitals,
)
from ssrl_data.instruct.constraint import Constraint
from ssrl_data.instruct.reply import Reply

DOZEN = "here stand twelve words, each of them another, as anyone may count"

TABLE = [
    (
        Lower(),
        [f"{DOZEN}.", f"{DOZEN}: été, straße, 3rd (語)!"],
        [f"{DOZEN} I.", f"{DOZEN} nASA", "here stand five words only", f"{DOZEN} É", "1 2 3 4 5 6 7 8 9 10 11 12 13"],
    ),
    (
        Upper(),
        [f"{DOZEN.upper()}.", f"{DOZEN.upper()}: ÉTÉ, 3RD (語)!"],
        [f"{DOZEN.upper()} a.", f"{DOZEN.upper()} iOS", "HERE STAND FIVE WORDS ONLY", f"{DOZEN.upper()} é", DOZEN],
    ),
    (
        Title(),
        [
            "Here Stand Twelve Words, Each Of Them Another, As Anyone May Count",
            "Here Stand Twelve Words, (Each) Of “Them” Well-known, As Anyone's 2nd May\n\n- Count Them",
        ],
        [
            "Here Stand Twelve Words, Each of Them Another, As Anyone May Count",
            "HERE STAND TWELVE WORDS, EACH OF THEM ANOTHER, AS ANYONE MAY COUNT",
            "Here Stand Twelve Words, Each Of Them Another, As NASA May Count",
            "Here Stand Five Words Only",
            f"{DOZEN.capitalize()}",
            "1st 2nd 3rd 4th 5th 6th 7th 8th 9th 10th 11th 12th 13th",
        ],
    ),
    (
        SentenceCase(),
        ["It rains today. We stay in. Why not?", "“It rains,” she says. Out we go!\n\n- Éric is out"],
        [
            "It rains today. We stay in. Why not, Eve?",
            "It rains today. we stay in. Why not?",
            "It rains today. We stay in because",
            "It rains today. So I stay in. Why not?",
            "It rains. 3 of us stay in. Why not?",
            "it rains today. we stay in. why not?",
        ],
    ),
    (
        CapitalsAtLeast(2),
        ["The NASA and the (ESA) agree.", "A USB-C plug, “B2B” and words", "ALL OF THIS COUNTS AS WELL"],
        [
            "The NASA and the Esa agree.",
            "I saw A and B on X and Y",
            "NASAs and McDonald agree on this",
            "The NASA, 42 and 3.14 agree",
            "Nobody shouts here at all",
        ],
    ),
    (
        CapitalsBetween(1, 2),
        ["The NASA and we agree.", "I saw the NASA at ESA today"],
        [
            "Here nobody shouts at all.",
            "The NASA, the ESA and the JAXA agree",
            "ALL OF THIS IS TOO MUCH",
            "I saw A and B here",
            "iOS and macOS are two systems",
        ],
    ),
    (
        CapitalsExactly(1),
        ["The NASA and we agree.", "I saw a U-2 plane at ESA"],
        [
            "Here nobody shouts at all.",
            "The NASA and the NASA agree now",
            "The NASA and ESA agree now",
            "I saw A and B here",
            "The Nasa and we agree.",
        ],
    ),
    (
        SentenceEdge("last"),
        ["It rains TODAY. We stay IN. Why NOT?", "It rains “TODAY.” I go OUT!\nWhy not **NOW**"],
        [
            "It rains TODAY. We stay in. Why NOT?",
            "It rains TODAY. We stay IN because it",
            "IT RAINS TODAY. WE STAY IN. WHY NOT?",
            "It rains TODAY. We STAY IN. Why NOT?",
            "IT rains today. WE stay in. WHY not?",
            "It rains TODAY. We stay IN. So do I.",
        ],
    ),
    (
        EverySecond(),
        [
            "one TWO three FOUR five SIX seven EIGHT nine TEN",
            "So I may SAY a FEW more WORDS here, AND “now” STOP it. GO",
        ],
        [
            "one TWO three FOUR five SIX seven EIGHT nine ten",
            "ONE two THREE four FIVE six SEVEN eight NINE ten",
            "ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE TEN",
            "one TWO three FOUR five SIX seven EIGHT",
            "one TWO three FOUR five SIX seven EIGHT NINE TEN",
            "one TWO three FOUR five SIX seven Eight nine TEN",
        ],
    ),
    (
        WordInCapitals("tide", 2),
        ["The TIDE comes in, the TIDE goes.", "“TIDE” or (TIDE), riptide and tides too"],
        [
            "The TIDE comes, the tide goes.",
            "The TIDE comes in, then goes.",
            "The TIDE comes, the TIDE goes, a Tide.",
            "The TIDES come, the TIDES go",
            "The RIPTIDE and the EVENTIDE come here",
        ],
    ),
]


def test_the_table_is_complete() -> None:
    assert complete(TABLE, "casing")


@pytest.mark.parametrize(("item", "text", "met"), cases(TABLE))
def test_it_judges_as_a_person_would(item: Constraint, text: str, met: bool) -> None:
    assert item.met(Reply(text)) is met, Reply(text).words
