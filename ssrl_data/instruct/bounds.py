"""Constraints that bound a number which is counted of a text: at least, at most, exactly, from one to another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ssrl_data.instruct.constraint import Constraint, within
from ssrl_data.instruct.reply import Reply


def several(number: int, thing: str) -> str:
    """A number and what it counts: `1 word`, `3 words`."""
    return f"{number} {thing}{'s'[: number != 1]}"


def times(number: int) -> str:
    """How often: `once`, `twice`, `3 times`."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


class Counted(Constraint):
    """A constraint on a number, or on one for each part of a text.

    Class attributes:
        span: the lowest and the highest bound that may be asked for.
        fewest: parts that there must be.
    """

    span: ClassVar[tuple[int, int]]
    fewest: ClassVar[int] = 1

    @abstractmethod
    def counts(self, reply: Reply) -> Sequence[int]:
        """The number, or one for each part."""

    @abstractmethod
    def allows(self, number: int) -> bool:
        """Whether a number is in bounds."""

    def holds(self, reply: Reply) -> bool:
        """Whether all numbers are in bounds."""
        found = self.counts(reply)
        return len(found) >= self.fewest and all(map(self.allows, found))


@dataclass(frozen=True)
class AtLeast(Counted):
    """At least so many."""

    least: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("least", self.least, *self.span)

    def allows(self, number: int) -> bool:
        """Whether a number is in bounds."""
        return number >= self.least


@dataclass(frozen=True)
class AtMost(Counted):
    """At most so many."""

    most: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("most", self.most, *self.span)

    def allows(self, number: int) -> bool:
        """Whether a number is in bounds."""
        return number <= self.most


@dataclass(frozen=True)
class Exactly(Counted):
    """Exactly so many."""

    number: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("number", self.number, *self.span)

    def allows(self, number: int) -> bool:
        """Whether a number is in bounds."""
        return number == self.number


@dataclass(frozen=True)
class Between(Counted):
    """From so many to so many, both included."""

    least: int
    most: int

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("least", self.least, *self.span)
        within("most", self.most, self.least, self.span[1])

    def allows(self, number: int) -> bool:
        """Whether a number is in bounds."""
        return self.least <= number <= self.most
