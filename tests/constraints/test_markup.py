"""Marks inside a text."""

from __future__ import annotations

import pytest
from judged import cases, complete

from ssrl_data.constraints.markup import (
    BlockQuote,
    Bold,
    CodeBlocks,
    Heading,
    Highlighted,
    Placeholders,
    Postscript,
    Title,
)
from ssrl_data.instruct.constraint import Constraint
from ssrl_data.instruct.reply import Reply

TABLE = [
    (
        Title(),
        ["<<Of rain>>\nIt fell on all of us.", "It fell on all of us. << Of rain >>"],
        [
            "<<>>\nIt fell on all of us.",
            "<<...>>\nIt fell on all of us.",
            "<Of rain>\nIt fell on all of us.",
            "<<Of\nrain>>\nIt fell on all of us.",
            "«Of rain»\nIt fell on all of us.",
        ],
    ),
    (
        Heading(),
        ["# Of rain\nIt fell on all of us.", "# Of rain\r\n\r\nIt fell on us.\n## More\nof it"],
        [
            "Look:\n# Of rain\nIt fell on us.",
            "#Of rain\nIt fell on all of us.",
            "## Of rain\nIt fell on all of us.",
            "# Of rain\nIt fell.\n# Of wind\nIt blew.",
            "# Of rain that fell on us",
            "# -\nIt fell on all of us.",
        ],
    ),
    (
        Bold(2),
        ["**Rain** fell on **all of** us.", "* **Rain** fell\r\n* on ***us*** all, *too*"],
        [
            "**Rain** fell on all of us.",
            "**Rain** fell **on** all of **us**.",
            "*Rain* fell on *all* of us.",
            "** Rain ** fell on ** all ** of us.",
            "**Rain fell on\nall** of **us here.",
            "**Rain** fell on us.\n```\n**all**\n```",
            "<b>Rain</b> fell on <b>all</b> of us.",
        ],
    ),
    (
        Highlighted(2),
        ["*Rain* fell on **all** of us.", "* *Rain* fell\n* on *all* of *us*"],
        [
            "*Rain* fell on all of us.",
            "* Rain fell\n* on all\n* of us",
            "2 * 3 * 4 is 24 * 1 * 1 here",
            "*Rain fell on\nall* of *us here.",
            "** **, * * and *...* fell on us all.",
            "_Rain_ fell on _all_ of us.",
        ],
    ),
    (
        CodeBlocks(1),
        ["Run this now:\n```sh\nmake all here\n```", "````\nmake ``` all\n````\r\nThat is what we run."],
        [
            "Run `make all` here and now.",
            "Run this now:\n```sh\nmake all here",
            "Run this now, all of you:\n```\n\n```",
            "```\nmake all of it here now\n```",
            "Run this now:\n```\nmake all\n```\n```\nmake it\n```",
            "Run this now: ``` make all ``` here.",
        ],
    ),
    (
        BlockQuote(2),
        ["They said:\n> Rain fell.\n> Wind blew.", "> Rain fell.\r\n\r\nSo they say.\r\n\r\n> Wind blew."],
        [
            "They said:\n> Rain fell and wind blew.",
            "> Rain fell on all of us.\n> Wind blew.",
            "They said:\n>Rain fell.\n>Wind blew.",
            "They said:\n> Rain fell.\n> Wind blew.\n> So.",
            "They said:\n> Rain fell on all.\n>",
            "They said:\n```\n> Rain fell.\n> Wind blew.\n```",
        ],
    ),
    (
        Placeholders(2),
        ["Dear [name], come to [place] with us.", "[Name]\r\nof [the street, 7] or of [city]"],
        [
            "Dear [name], come to us all.",
            "Dear [name], look at [this](http://a.b) and that.",
            "- [x] come to us\n- [ ] all of you",
            "Dear (name), come to <place> with us.",
            "Dear [], come to [...] with us.",
            "Dear [name, come to place] with us all.",
        ],
    ),
    (
        Postscript("P.S."),
        [
            "Rain fell on all of us.\n\nP.S. It stopped.",
            "Rain fell on all of us.\r\n**p.s.** It\nstopped again.",
        ],
        [
            "Rain fell on all of us. P.S. It stopped.",
            "P.S. Rain fell on all of us.",
            "Rain fell on all of us.\n\nP.S.",
            "Rain fell.\n\nP.S. It fell on all of us, and then it stopped.",
            "Rain fell on all of us.\n\nPS: It stopped.",
            "Rain fell on all of us.\n\nP.P.S. It stopped.",
        ],
    ),
]


@pytest.mark.parametrize(("asked", "text", "right"), cases(TABLE))
def test_it_is_judged_as_by_hand(asked: Constraint, text: str, right: bool) -> None:
    assert asked.met(Reply(text)) is right


def test_the_table_is_complete() -> None:
    assert complete(TABLE, "markup")
