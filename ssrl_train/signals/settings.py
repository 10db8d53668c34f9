"""What a config may say of a signal. The signals themselves are beside this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signal:
    """A reward that no verifier gives."""


SIGNALS: dict[str, type[Signal]] = {}
"""By the kind that a config names."""
