"""What joins several parts of a text."""

from __future__ import annotations

import pytest
from judged import cases, complete

from ssrl_data.constraints.combination import (
    Divisible,
    Frame,
    Grid,
    Growing,
    LongestLast,
    PointsThen,
    Repeat,
    Staircase,
    TwoAnswers,
    WordInSentence,
)
from ssrl_data.instruct.constraint import Constraint
from ssrl_data.instruct.reply import Reply

RAIN = "Rain fell on all of us"
WIND = "Wind blew over land and sea"

TABLE = [
    (
        TwoAnswers(),
        [f"{RAIN}.\n******\n{WIND}.", f"{RAIN}. ****** {WIND}."],
        [
            f"{RAIN}. {WIND}.",
            f"{RAIN}.\n******\n{RAIN.upper()}!",
            f"{RAIN}.\n*****\n{WIND}.",
            f"{RAIN}.\n*******\n{WIND}.",
            f"{RAIN}.\n******\nYes.",
            f"{RAIN}.\n******\n{WIND}.\n******\nAnd so it went on.",
        ],
    ),
    (
        Repeat("What is rain?"),
        [f"What is rain? {RAIN}.", f"WHAT  IS\nRAIN?\r\n\r\n{RAIN}."],
        [
            f"{RAIN}.",
            f"{RAIN}. What is rain?",
            f"Sure! What is rain? {RAIN}.",
            f"What was rain? {RAIN}.",
            "What is rain? What is rain?",
            "What is rain? It is wet.",
        ],
    ),
    (
        Divisible(6, 3),
        [f"{RAIN}.", f"{RAIN}. {WIND} - * ?", "1. Rain fell on us\n2. They like"],
        [
            f"{RAIN} here.",
            "Rain fell on us all.",
            f"{RAIN} in state-of-the-art halls there.",
            f"{RAIN}. {WIND}, too.",
            f"{RAIN} 3.14 times.",
        ],
    ),
    (
        Grid(2, 2),
        ["Rain fell. Wind blew.\n\nWe slept. Night came.", "Rain fell!\nWind blew\r\n\r\n- We slept\n- Night came"],
        [
            "Rain fell. Wind blew. We slept. Night came.",
            "Rain fell. Wind blew.\n\nWe slept.",
            "Rain fell. Wind blew. So.\n\nWe slept.",
            "Rain fell. Wind blew.\nWe slept. Night came.",
            "Rain fell. Wind blew.\n\nWe slept. Night came.\n\nDay came. All woke.",
        ],
    ),
    (
        Growing(3),
        ["Rain.\n\nRain fell.\n\nIt rained on us.", "So -\n\nIt rained.\r\n\r\nIt rained on us all today."],
        [
            "Rain.\n\nRain fell.\n\nWind blew here too today, they said to us.\n\nSo.",
            "Rain fell on us.\n\nRain fell.\n\nIt was so.",
            "Rain fell.\n\nWind blew.\n\nAll of us slept.",
            "Rain fell.\nWind blew here.\nAll of us slept well.",
            "Rain fell.\n\nAll of us slept well.",
        ],
    ),
    (
        LongestLast(3),
        ["Rain fell. Wind blew. All of us slept.", "Rain fell here\n- wind blew\n- and we don't care"],
        [
            "Rain fell. All of us slept. Wind blew.",
            "Rain fell. Then the wind blew over us.",
            "Rain fell on us. Wind blew. We all slept well.".replace("We all slept well", "We all slept"),
            "Rain fell. Wind blew. We slept. All of us woke.",
            "Rain fell on all of us.",
        ],
    ),
    (
        Frame(3),
        ["Rain fell. All of us went in. Rain fell.", "Rain fell!\r\n- All of us went in.\n- RAIN FELL"],
        [
            "Rain fell. All of us went in. Rain fell again.",
            "Rain fell. Rain fell. All of us went in, rain fell.",
            "Rain fell. All of us went in. So. Rain fell.",
            "Rain fell. Rain fell. Rain fell.",
            "Rain fell on all of us. Rain fell on all of us.",
        ],
    ),
    (
        WordInSentence("rain", 4),
        ["It was late. The rain fell down. We slept.", "We like the RAIN\nbut you do not"],
        [
            "It was late. The rain fell on us all.",
            "We went in there. It was all rain that we saw.",
            "The rain fell. All of us slept.",
            "The rainy day fell. All of us slept.",
            "The brain was wet. All of us slept.",
        ],
    ),
    (
        Staircase(1, 3),
        ["Rain\nfell on\nall of us", "- Rain!\r\n\r\n- It fell.\n- On all (us)"],
        [
            "Rain\nfell on\nall of us\nin the old town",
            "Rain\nfell on all of us here",
            "all of us\nfell on\nRain",
            "Rain fell\non all of\nus and of them",
            "Rain fell on all of us",
        ],
    ),
    (
        PointsThen(2, "In short"),
        ["- Rain fell.\n- Wind blew.\n\nIn short, night.", "* Rain fell.\r\n* Wind blew.\r\n**In short**: night."],
        [
            "- Rain fell.\n- Wind blew.\n- In short, night.",
            "- Rain fell and wind blew.\nIn short, night.",
            "- Rain fell.\n- Wind blew.\nSo, in short, night.",
            "So:\n- Rain fell.\n- Wind blew.\nIn short, night.",
            "- Rain fell.\n- Wind blew.\nIn short, night.\nGood night.",
            "- Rain fell on us.\n- Wind blew.\nIn short",
            "- Rain fell on us.\n- Wind blew.\nIn shorts, night.",
        ],
    ),
]


@pytest.mark.parametrize(("asked", "text", "right"), cases(TABLE))
def test_it_is_judged_as_by_hand(asked: Constraint, text: str, right: bool) -> None:
    assert asked.met(Reply(text)) is right


def test_the_table_is_complete() -> None:
    assert complete(TABLE, "combination")
