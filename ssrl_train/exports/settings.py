"""What a config may say of an export. The exports themselves are beside this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ssrl_train.about import About


@dataclass(frozen=True, slots=True)
class Export:
    """Examples of a stage, made from responses and verdicts.

    Class attributes:
        about: what the methods page says of it.
    """

    about: ClassVar[About]


EXPORTS: dict[str, type[Export]] = {}
"""By the kind that a config names."""
