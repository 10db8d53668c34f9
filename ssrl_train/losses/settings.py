"""What a config may say of a loss. The losses themselves are beside this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ssrl_train.about import About


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss in place of TRL's, or beside it.

    Class attributes:
        about: what the methods page says of it.
    """

    about: ClassVar[About]


LOSSES: dict[str, type[Loss]] = {}
"""By the kind that a config names."""
