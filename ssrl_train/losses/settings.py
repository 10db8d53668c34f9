"""What a config may say of a loss. The losses themselves are beside this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss in place of TRL's, or beside it."""


LOSSES: dict[str, type[Loss]] = {}
"""By the kind that a config names."""
