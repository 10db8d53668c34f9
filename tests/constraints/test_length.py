"""Lengths: each row of the table was counted by hand."""

from __future__ import annotations

import pytest
from judged import cases, complete

from ssrl_data.constraints.length import (
    CharactersAtMost,
    CharactersBetween,
    LinesExactly,
    ParagraphsBetween,
    ParagraphSentencesExactly,
    ParagraphsExactly,
    ParagraphWordsAtMost,
    SentencesAtLeast,
    SentencesAtMost,
    SentencesExactly,
    SentenceWordsAtMost,
    SentenceWordsBetween,
    WordsAtLeast,
    WordsAtMost,
    WordsBetween,
    WordsExactly,
)
from ssrl_data.instruct.constraint import Constraint
from ssrl_data.instruct.reply import Reply

EIGHT = "One two three four five six seven eight"
DOZEN = "Here stand twelve words, each of them another, as anyone may count"

TABLE = [
    (
        WordsAtLeast(8),
        [f"{EIGHT}.", "Don't use state-of-the-art tools, they cost 3.14 times more.", "一二三四五六七八"],
        [
            "One two three four five six seven",
            "One two three four five six seven - * ...",
            "1. One two three\n2. four five six\n3. seven",
            "state-of-the-art machine-made hand-picked well-known old-time, short-lived, long-winded",
            "word word word word word word word word word",
        ],
    ),
    (
        WordsAtMost(14),
        [DOZEN, f"{DOZEN} - or so", "Seven different words are enough to pass"],
        [
            f"{DOZEN} or so, don't?",
            "Only six different words are here",
            "I cannot help with that.",
            "一二三四五六七八九十百千万亿兆",
            "Seven different words are enough to pass.\r\n\r\nSeven different words are enough to pass. Yes.",
        ],
    ),
    (
        WordsBetween(7, 9),
        [EIGHT, "One two three\r\n\r\nfour five six\u00a0seven", "a-b c-d e-f g-h i-j k-l m-n o-p q-r"],
        [
            "One two three four five six",
            f"{EIGHT} nine ten",
            "> one\n> two\n> three\n> four\n> five\n> six",
            "a b c d e f g h i j",
            "One two three four five six –",
        ],
    ),
    (
        WordsExactly(8),
        [f"{EIGHT}.", '"One, two (three) four: five; six!"\n\nSeven… Éight', f"\n{EIGHT}\n"],
        [
            "One two three four five six seven",
            f"{EIGHT} nine",
            "One two three four five six seven 8",
            "One two three four five six seven eighty-eight",
            "One two three four five six seven don’t",
            "One two three four - five six seven eight",
            "- One two three four five six seven eight",
            "一 二 三 四 五 六七 八九 十",
        ],
    ),
    (
        SentencesAtLeast(3),
        [
            "It rains. Does it? Yes indeed!",
            "A first line\nand a second\nand the last one",
            "He said “Go now.” So they went. Done",
        ],
        [
            "It rains all day long. Does it?",
            "It cost 3.50 euro at example.com today. Cheap.",
            "Wait... what is this? ... !",
            "One, two; three: four - five",
            "Really?! Oh no, not again",
        ],
    ),
    (
        SentencesAtMost(2),
        [
            "Two sentences are here, no more than that. Each of them has its own words!",
            "It cost 3.50 euro at www.example.com yesterday, which is v2.0.1 of the price list",
        ],
        [
            "The first one is here now. The second one follows after it. The third one is too much.",
            "The first line of words stands here\nthe second line follows below it\nthe third one comes last",
            "One is here. Two is there.",
            "I cannot help with that.",
            "A question is asked here? No! It is only an example of three short ones.",
        ],
    ),
    (
        SentencesExactly(2),
        ["It rains a lot. We stay in!", "“Is it far?” She asked him so… but softly", "天气很好。我们走吧！"],
        [
            "It rains a lot and we stay in.",
            "It rains. It pours. Old men snore.",
            "Mr. Smith came home. He was tired.",
            "It rains a lot.\nWe stay in.\nAlways",
            "“Is it far?” she asked him. “Not very far,” he said.",
            "One two three… four five",
        ],
    ),
    (
        ParagraphsExactly(2),
        [
            "Here are some words.\n\nAnd here are others.",
            "Here are some words.\r\n \r\n\r\n\r\nAnd here\r\nare others.\r\n\r\n",
        ],
        [
            "Here are some words. And here are others.",
            "Here are some words.\nAnd here are others.",
            "Here are some\n\nwords and here\n\nare others.",
            "Here are some words.<br><br>And here are others.",
            "\n\nHere are some words, others too.\n\n",
        ],
    ),
    (
        ParagraphsBetween(2, 3),
        ["Here are some words.\n\nAnd here are others.", "Here are\n\nsome words and\n \t\nothers here"],
        [
            "Here are some words. And here are others.",
            "Here are\n\nsome words\n\nand others\n\nhere",
            "Here are some words.\nAnd here are others.\nAnd more.",
            "Here are\n\nfour words",
        ],
    ),
    (
        LinesExactly(3),
        [
            "one two\nthree four\nfive six",
            "one two\r\n\r\nthree four\r\nfive six\r\n",
            "# one two\n\n- three four\n\n- five six",
        ],
        [
            "one two\nthree four five six",
            "one two\nthree\nfour\nfive six",
            "one two / three four / five six",
            "one two\\nthree four\\nfive six",
            "one\u2028two\u2028three\u2028four five six",
        ],
    ),
    (
        CharactersAtMost(100),
        [DOZEN + "." * (100 - len(DOZEN)), f"  {DOZEN}\n\n"],
        [
            DOZEN + "." * (101 - len(DOZEN)),
            DOZEN + " " * 40 + ".",
            DOZEN + "\n" * 40 + ".",
            "I cannot help with that.",
            DOZEN + "語" * 40,
        ],
    ),
    (
        CharactersBetween(30, 40),
        [
            "These are thirty characters ok.",
            "These are thirty characters ok and four",
            "\n   These are thirty characters, ok   ",
        ],
        [
            "These are not thirty at all.",
            "These are far too many characters, even if one leaves spaces out",
            "These are not" + " " * 30,
            "一二三四五六七八九十",
            "a b c d e" + "\u200b" * 25,
        ],
    ),
    (
        SentenceWordsAtMost(4),
        ["It rains today. We stay in. Why not go out?", "One-two three, four five!\nSix.\nSeven don't eight nine."],
        [
            "It rains here today, friends. We stay in. Good.",
            "It rains today. We stay in.",
            "It rains. We stay. Mother says we should go out",
            "It rains a lot, we stay in, we read.",
            "天气很好啊。走吧。好的。",
        ],
    ),
    (
        SentenceWordsBetween(3, 4),
        ["It rains today. We stay in. Why not go out?", "- It rains today\n- We stay in\n- We don't go out"],
        [
            "It rains today. We stay. Why not go out?",
            "It rains here today, friends. We stay in. Why not go?",
            "It rains today. We stay in.",
            "It rains today. We stay in. Why not go out? Ok.",
            "It rains too-much. We stay-in. Why not go out?",
        ],
    ),
    (
        ParagraphSentencesExactly(2),
        ["It rains. We stay.\n\nWhy not? Let us read!", "It rains\nWe stay\n\nWhy not go? “Now?”\r\n\r\nGo on. Read."],
        [
            "It rains a lot. We stay in.",
            "It rains. We stay.\nWhy not? Let us read!",
            "It rains. We stay.\n\nWhy not? Let us read! Yes.",
            "It rains. We stay.\n\nWhy not let us read!",
            "# Rain\n\nIt rains. We stay.\n\nWhy not? Let us read!",
        ],
    ),
    (
        ParagraphWordsAtMost(4),
        ["It rains here today.\n\nWe stay in.", "It rains.\nWe stay.\r\n\r\nWell-known don't count\r\n\r\nas two."],
        [
            "It rains here today again.\n\nWe stay in.",
            "It rains here today.",
            "It rains here today.\nWe stay in.",
            "It rains.\n\nWe stay.\n\nWhy not go out now?",
            "天气很好啊\n\n我们",
        ],
    ),
]


def test_the_table_is_complete() -> None:
    assert complete(TABLE, "length")


@pytest.mark.parametrize(("item", "text", "met"), cases(TABLE))
def test_it_judges_as_a_person_would(item: Constraint, text: str, met: bool) -> None:
    assert item.met(Reply(text)) is met, Reply(text).words
