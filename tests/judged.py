"""Tables of constraints with texts that keep to them and texts that do not, as test cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ssrl_data.instruct.constraint import Constraint, families

Table = Sequence[tuple[Constraint, Sequence[str], Sequence[str]]]


def cases(table: Table) -> list[Any]:
    """A case of a constraint, a text and whether it is met, for each text of a table."""
    return [
        pytest.param(item, text, met, id=f"{item.id()}-{'yes' if met else 'no'}-{number}")
        for item, accepted, rejected in table
        for met, texts in ((True, accepted), (False, rejected))
        for number, text in enumerate(texts)
    ]


def complete(table: Table, family: str) -> bool:
    """Whether a table has every constraint of a family, each with two accepted texts and four rejected ones or more."""
    enough = all(len(accepted) >= 2 and len(rejected) >= 4 for _, accepted, rejected in table)
    return enough and {type(item) for item, _, _ in table} == set(families()[family])
