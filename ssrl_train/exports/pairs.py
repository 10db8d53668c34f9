"""Pairs of a right and a wrong response to one row, which differ in nothing that is asked."""

from __future__ import annotations

from ssrl_train.exports.examples import Asked, Example
from ssrl_train.exports.settings import Pairs


def pairs(asked: Asked, each: int, settings: Pairs) -> list[Example]:
    """A right response as `chosen` and a wrong one as `rejected`, at most `each` times and no response twice."""
    both = list(zip(asked.right, asked.wrong, strict=False))[:each]
    return [Example({"chosen": right.text, "rejected": wrong.text}, shows=True) for right, wrong in both]
