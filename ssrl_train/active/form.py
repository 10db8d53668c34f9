"""The form of a proposal, for a model that has never written one: a random span that would be taken, in its tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ssrl_data.rng import Rng
from ssrl_train.active.masks import named, passage_of, possible, proposer
from ssrl_train.active.settings import Propose


def example(row: Mapping[str, Any], settings: Propose, rng: Rng) -> tuple[dict[str, Any], str] | None:
    """A proposer's row and a response to it; None where the row's passage has no span that would be taken.

    Each span that would be taken is as likely as any other, so nothing is told of which are worth hiding; as the whole
    passage is shown, nothing is told of what is hidden in the rows that ask for it.

    Args:
        row: a row with a passage.
        settings: which spans would be taken.
        rng: draws the span.
    """
    passage = passage_of(row)
    if passage is None or not possible(passage, settings):
        return None
    return proposer(row, settings), named(rng.choice(possible(passage, settings)))
