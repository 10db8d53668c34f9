"""What a config may say of a signal. The signals themselves are beside this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ssrl_train.about import About


@dataclass(frozen=True, slots=True)
class Signal:
    """A reward that no verifier gives.

    Class attributes:
        about: what the methods page says of it.
    """

    about: ClassVar[About]


SIGNALS: dict[str, type[Signal]] = {}
"""By the kind that a config names."""
