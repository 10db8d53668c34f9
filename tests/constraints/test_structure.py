"""The form of the whole text: JSON, lists, tables, parts."""

from __future__ import annotations

import pytest
from judged import cases, complete

from ssrl_data.constraints.structure import (
    Bullets,
    Checklist,
    CommaList,
    Divided,
    Headings,
    Json,
    JsonList,
    JsonObject,
    Labelled,
    Numbered,
    Option,
    Quoted,
    Sections,
    Table,
    Tagged,
)
from ssrl_data.instruct.constraint import Constraint
from ssrl_data.instruct.reply import Reply

OBJECT = '{"title": "Of rain", "reason": "It fell all day."}'

TABLE = [
    (
        Json(),
        [
            OBJECT,
            '["It", "fell", "on all", "of us."]',
            f"```json\n{OBJECT}\n```",
            '{"a": {"b": ["it fell on us all"]}}',
        ],
        [
            "{}",
            '"It fell on all of us here."',
            f"Here it is: {OBJECT}",
            f"{OBJECT}\n{OBJECT}",
            OBJECT.replace("}", ",}"),
            OBJECT.replace("reason", "title"),
            "{'title': 'It fell on all of us.'}",
            "[" * 60000,
        ],
    ),
    (
        JsonObject(("title", "reason")),
        [OBJECT, '{\n "reason": "It fell all day.",\r\n "title": "Rain"\n}', f"```\n{OBJECT}\n```"],
        [
            OBJECT.replace("reason", "cause"),
            OBJECT.replace("Of rain", " - "),
            OBJECT.replace('"Of rain"', "7"),
            OBJECT.replace("}", ', "more": "of it"}'),
            f"[{OBJECT}]",
            f"```\n{OBJECT}\n```\nThat is all.",
            OBJECT.replace("{", '{"title": "Rain", '),
            OBJECT.replace("title", "Title"),
        ],
    ),
    (
        JsonList(3),
        ['["one two", "three four", "five"]', '```json\n["雨が", "降って", "いる"]\n```'],
        [
            '["one two", "three four"]',
            '["one two", "three", "four", "five"]',
            '["one two three four five", "six", ""]',
            '["one two", "One  two", "three four five"]',
            '["one two", "three four", ["five"]]',
            '{"a": ["one two", "three four", "five"]}',
        ],
    ),
    (
        Bullets(2),
        [
            "Two things:\n- Rain fell.\n- Wind blew.",
            "* Rain fell.\r\n  * Wind blew here.",
            "- a b\n```\n- c d\n```\n- e f g",
        ],
        [
            "- Rain fell on all of us.",
            "- Rain fell.\n- Wind blew.\n- It was late.",
            "-Rain fell here.\n-Wind blew here.",
            "1. Rain fell here.\n2. Wind blew.",
            "Rain fell - wind blew - it was late.",
            "```\n- Rain fell here.\n- Wind blew.\n```",
            "**Rain** fell here.\n**Wind** blew here.",
        ],
    ),
    (
        Numbered(3),
        ["1. Rain fell.\n2. Wind blew.\n3. We slept.", "So:\n1) Rain fell.\r\n\r\n2) Wind blew.\n3) We slept."],
        [
            "1. Rain fell.\n2. Wind blew on us.",
            "1. Rain fell.\n2. Wind blew.\n3. We slept.\n4. So.",
            "1. Rain fell.\n1. Wind blew.\n1. We slept.",
            "3. Rain fell.\n2. Wind blew.\n1. We slept.",
            "1.Rain fell.\n2.Wind blew.\n3.We slept.",
            "1. Rain fell. 2. Wind blew. 3. We slept.",
        ],
    ),
    (
        Checklist(2),
        ["- [ ] Close the door.\n- [x] Water the plants.", "To do:\n* [X] Close the door\n* [ ] Water plants"],
        [
            "- [ ] Close the door to the garden.",
            "- Close the door.\n- Water the plants.",
            "[ ] Close the door.\n[x] Water the plants.",
            "- [] Close the door.\n- [y] Water the plants.",
            "- [ ] Close the door.\n- [x] Water the plants.\n- [ ] Rest.",
        ],
    ),
    (
        Headings(2),
        ["# Rain\nIt fell all day.\n## Wind\nIt blew.", "Before.\n\n## Rain\n\nIt fell.\n\n## Wind\n\nIt blew."],
        [
            "# Rain\nIt fell all day, and the wind blew.",
            "# Rain\n## Wind\nIt fell and it blew.",
            "#Rain\nIt fell all day.\n#Wind\nIt blew.",
            "# Rain\nIt fell all day.\n# Wind",
            "```\n# Rain\n```\nIt fell all day.\n# Wind\nIt blew.",
            "# Rain\nIt fell.\n# Wind\nIt blew.\n# Night\nWe slept.",
        ],
    ),
    (
        Table(2, 2),
        [
            "| Day | Sky |\n| --- | :-: |\n| One | grey |\n| Two | blue |",
            "Look:\r\n\r\nDay | Sky\r\n---|---\r\nOne | grey\r\nTwo | blue\r\n\r\nSo it was.",
        ],
        [
            "| Day | Sky |\n| --- | --- |\n| One | grey and blue |",
            "| Day | Sky |\n| One | grey |\n| Two | blue |",
            "| Day | Sky |\n| --- | --- |\n| One | grey |\n| Two | |",
            "| Day | Sky |\n| --- | --- |\n| One | grey |\n| Two | blue | dark |",
            "| Day | Sky | Sea |\n| --- | --- | --- |\n| One | grey | a |\n| Two | blue | b |",
            "```\n| Day | Sky |\n| --- | --- |\n| One | grey |\n| Two | blue |\n```",
            "| Day | Sky |\n| --- | --- |\n| One | grey |\n| Two | blue |\n| Three | red |",
        ],
    ),
    (
        CommaList(4),
        ["oak, elm tree, ash, yew", "Oak, elm,  ash, old yew."],
        [
            "oak, elm tree, ash and yew",
            "oak, elm tree, ash, yew, fir",
            "oak, elm tree, Oak, yew, or",
            "oak, elm tree, ash, oak",
            "oak, elm tree,\nash, yew",
            "oak, elm tree, , yew",
            "oak; elm tree; ash; yew",
        ],
    ),
    (
        Tagged("note"),
        ["<note>Rain fell on all of us.</note>", "<note>\r\nRain fell on all of us.\r\n</note>\n"],
        [
            "Rain fell on all of us. <note></note>",
            "<note>Rain fell on all of us.",
            "<Note>Rain fell on all of us.</Note>",
            "<note>Rain fell</note> on all of us.",
            "<note><note>Rain fell on all of us.</note>",
            "<notes>Rain fell on all of us.</notes>",
        ],
    ),
    (
        Quoted(),
        ['"Rain fell on all of us."', "“Rain fell on all of us.”\n"],
        [
            '"Rain fell on all of us.',
            "'Rain fell on all of us.'",
            'They said "rain fell on us."',
            '"Rain" fell on all of us.',
            '""',
        ],
    ),
    (
        Labelled(("Claim", "Reason")),
        ["Claim: rain fell.\nReason: it was cold.", "**claim:** rain fell.\r\n\r\n- Reason: clouds came in."],
        [
            "Reason: it was cold.\nClaim: rain fell.",
            "Claim: rain fell. Reason: it was cold.",
            "Claim: rain fell on all of us.\nReason:",
            "So:\nClaim: rain fell.\nReason: it was cold.",
            "Claims: rain fell.\nReason: it was cold.",
            "Claim: rain fell on all of us here.",
        ],
    ),
    (
        Divided(2),
        ["Rain fell on us.\n***\nThen it stopped.", "Rain fell on us.\r\n\r\n  ***\r\n\r\nThen it stopped."],
        [
            "Rain fell on us. *** Then it stopped.",
            "Rain fell on us.\n****\nThen it stopped.",
            "***\nRain fell on us. Then it stopped.",
            "Rain fell.\n***\nThen it\n***\nstopped again.",
            "Rain fell on us. Then it stopped.",
            "Rain fell on us.\n---\nThen it stopped.",
        ],
    ),
    (
        Sections("Part", 2),
        ["Part 1\nRain fell.\nPart 2\nWind blew.", "## PART 1: rain\r\nIt fell.\r\n\r\n**Part 2** Wind blew."],
        [
            "Part 1\nRain fell and wind blew here.",
            "Part 1\nRain fell.\nPart 1\nWind blew.",
            "Part 2\nRain fell.\nPart 1\nWind blew.",
            "Part 1\nPart 2\nRain fell and wind blew.",
            "Part 1 Rain fell. Part 2 Wind blew.",
            "Part 1\nRain fell.\nPart 2\nWind blew.\nPart 3\nSo.",
            "Parts 1\nRain fell.\nParts 2\nWind blew.",
        ],
    ),
    (
        Option(("I say yes.", "I say no.")),
        ["I say yes.", "It rains, so I\nsay no. That is all."],
        [
            "I say yes. I say no.",
            "i say yes.",
            "I say yes, and no.",
            "I say maybe, for all of that.",
            "Hi say no. It is not said.",
        ],
    ),
]


@pytest.mark.parametrize(("asked", "text", "right"), cases(TABLE))
def test_it_is_judged_as_by_hand(asked: Constraint, text: str, right: bool) -> None:
    assert asked.met(Reply(text)) is right


def test_the_table_is_complete() -> None:
    assert complete(TABLE, "structure")


@pytest.mark.parametrize("tag", ["", "a b", "1a", "a>", "é"])
def test_what_is_no_tag(tag: str) -> None:
    with pytest.raises(ValueError, match="tag"):
        Tagged(tag)


def test_options_must_not_hold_each_other() -> None:
    with pytest.raises(ValueError, match="part of another"):
        Option(("I say no", "I say no more"))
