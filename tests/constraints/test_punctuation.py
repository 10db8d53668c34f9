"""Punctuation and digits: each row of the table was counted by hand."""

from __future__ import annotations

import pytest
from judged import cases, complete

from ssrl_data.constraints.punctuation import (
    AllEnds,
    AlternateEnds,
    Bare,
    BracketsAtLeast,
    EveryEnd,
    LastAsks,
    MarkAtLeast,
    MarkExactly,
    Never,
    NoDigits,
    NumbersAtLeast,
    NumbersExactly,
    QuotationsAtLeast,
    SentenceCommas,
)
from ssrl_data.instruct.constraint import Constraint
from ssrl_data.instruct.reply import Reply

DOZEN = "Here stand twelve words and each of them another as anyone may count"

TABLE = [
    (
        Never(","),
        [f"{DOZEN}.", f"{DOZEN}; “so”: ‚quoted' (yes)!"],
        [
            f"{DOZEN}, yes.",
            f"{DOZEN} 1,000",
            "I cannot help with that.",
            f"{DOZEN}， yes",
            f"{DOZEN} ``a,b``",
            f"{DOZEN}، yes",
        ],
    ),
    (
        MarkAtLeast(3, ";"),
        ["One; two; three; four five.", "one；two; three (;) four five six"],
        ["One; two; three, four five.", "One: two: three: four five", "one two three four five ;,;", ";;;;"],
    ),
    (
        MarkExactly(2, "?"),
        ["Is it? Is that so? Good then.", "What?! And so on… (really？)"],
        [
            "Is it? Is that so. Good then.",
            "Is it? Is that so? Good then?",
            "Is it so?? Good or not then?",
            "Is it so good then¿¿",
            "??",
        ],
    ),
    (
        EveryEnd("!"),
        ["It rains! We stay in! Why not!", "“It rains!” We stay in!\n- Why (not!)"],
        [
            "It rains! We stay in! Why not?",
            "It rains! We stay in, so be it!",
            "It rains! We stay in! Why not",
            "It rains! We stay in. Why not!",
            "!It rains. !We stay in. !Why not",
            "# Rain\nIt rains! We stay in! Why not!",
        ],
    ),
    (
        LastAsks(),
        [f"{DOZEN}. Is it so?", f"{DOZEN}! “Is it so?”\n"],
        [
            f"{DOZEN}? Is it so?",
            f"{DOZEN}. Is it so? Yes.",
            f"{DOZEN}. Is it so",
            f"Is it so? {DOZEN}.",
            "Is it so?",
            f"{DOZEN}. Is it so??",
        ],
    ),
    (
        AllEnds(),
        ["It rains. Does it? It does so indeed!", "“It rains.” (Does it?)\nThen stay in!\nno end here"],
        [
            "It rains. Does it? It does indeed.",
            "It rains! Does it? It does indeed",
            "It rains, does it?! So be it.",
            "Use `.`, `?`, `!` in a single text",
            "It rains. It does! Example.com/?q and so",
        ],
    ),
    (
        AlternateEnds(),
        ["It rains. We go! They stay. All is well!", "It rains.\nWe go!\n“They stay.”\n(All is well!)\nGood."],
        [
            "It rains. We go! They stay.",
            "It rains! We go. They stay! All is well.",
            "It rains. We go. They stay! All is well!",
            "It rains. We go! They stay. All is well",
            "It rains. We go! They stay. All is well?",
        ],
    ),
    (
        SentenceCommas(1),
        ["Rain, again. So, in we go! Now, what?", "Here, rain\nthere，sun\nnow, “none.”"],
        [
            "Rain, again. So, in we go!",
            "Rain, again. So in we go! Now, what?",
            "Rain, again, here. So, in we go! Now, what?",
            "Rain, again. So, in we go! Now, what? Yes.",
            "Rain; again. So; in we go! Now; what?",
        ],
    ),
    (
        BracketsAtLeast(2),
        ["One (two) and (three, four) five.", "one（two）and (three\nfour) five 😀 (a)"],
        [
            "One (two) and three, four five.",
            "One (two) and () three four",
            "One [two] and {three} four five",
            "One two) and (three four (five",
            "1) one 2) two 3) three four five",
            "one (two) and (...) three four",
        ],
    ),
    (
        QuotationsAtLeast(2),
        ['One "two" and "three four" five.', "one “two” and „three four” five"],
        [
            'One "two" and three, four five.',
            'One "two" and "three four five',
            "One 'two' and 'three' four five",
            'One "two" and "" three four five',
            "One ‘two’ and ‘three’ four five",
        ],
    ),
    (
        NoDigits(),
        [f"{DOZEN}.", f"{DOZEN}: eleven and XII, ½"],
        [f"{DOZEN} 3.", f"1. {DOZEN}", f"{DOZEN} H2O", f"{DOZEN} ٣", f"{DOZEN} ３", "I cannot help with that."],
    ),
    (
        NumbersAtLeast(2),
        ["Take 3 cups and 1,000 peas.", "From 3.14 to B2B, they say", "two of 10:45 and 2nd place"],
        [
            "Take 3 cups and many peas.",
            "1. Take cups\n2. Take a pea\n3. Go home",
            "Take 1,000.50 cups of green peas",
            "Take three cups and four peas",
            "Take 12345678 cups of green peas",
        ],
    ),
    (
        NumbersExactly(1),
        ["Take 3 cups and some peas.", "1. Take cups now\n2. Take 1,000 peas"],
        [
            "Take three cups and some peas.",
            "Take 3 cups and 3 green peas",
            "Take 3 - 4 cups of green peas",
            "1. Take cups\n2. Take some green peas",
            "Take 3 cups, H2O and peas",
        ],
    ),
    (
        Bare(),
        [DOZEN, f"{DOZEN}\n\n3 été ЖЗИ語\u00a0x"],
        [f"{DOZEN}.", f"{DOZEN} don’t", f"- {DOZEN}", f"{DOZEN} €", "I cannot help with that", f"{DOZEN} well-known"],
    ),
]


def test_the_table_is_complete() -> None:
    assert complete(TABLE, "punctuation")


@pytest.mark.parametrize(("item", "text", "met"), cases(TABLE))
def test_it_judges_as_a_person_would(item: Constraint, text: str, met: bool) -> None:
    assert item.met(Reply(text)) is met, Reply(text).words
