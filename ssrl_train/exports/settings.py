"""What a config may say of an export. The exports themselves are beside this."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Export:
    """Examples of a stage, made from responses and verdicts."""


EXPORTS: dict[str, type[Export]] = {}
"""By the kind that a config names."""
