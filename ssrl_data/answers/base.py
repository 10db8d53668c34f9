"""What every answer kind is, and the credit rules they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from ssrl_data.core import Credit, Json, Verdict


class AnswerKind(ABC):
    """One form of answer. Instances hold no state; a kind reads every version of itself that was ever published.

    `value` below is the JSON object stored in the row: the right answer under the key `answer`, beside the space it
    is drawn from (options, length, range). `ask` uses the space alone, so the prompt never depends on the answer.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1

    @abstractmethod
    def check(self, value: Json) -> None:
        """Raise ValueError, in one sentence, when `value` is not a well-formed truth of this kind."""

    @abstractmethod
    def ask(self, value: Json) -> str:
        """The sentence of the prompt that says how to answer."""

    @abstractmethod
    def read(self, response: str, value: Json) -> Json | None:
        """The answer read out of a response, or None. Total over any string, linear in its length, no I/O."""

    @abstractmethod
    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Judge an answer that `read` returned (not None)."""

    @abstractmethod
    def gold(self, value: Json) -> str:
        """A response that must score exactly 1."""

    @abstractmethod
    def near_misses(self, value: Json) -> Iterator[str]:
        """Responses that must score below 1."""

    def grade(self, response: str, value: Json, credit: Credit) -> Verdict:
        """Read and score a response; never raises for a well-formed `value`."""
        given = self.read(response, value)
        if given is None:
            return Verdict(0.0, False, None, "no answer")
        return self.score(given, value, credit)


def credited(raw: float, exact: bool, credit: Credit) -> float:
    """The final score of a raw one under a shared credit rule; `raw` in [0, 1].

    Raises:
        ValueError: the rule is not one of `exact`, `partial`, `overlap`.
    """
    lifted = max(0.0, (raw - credit.c) / (1.0 - credit.c))
    if credit.rule == "overlap":
        return lifted
    if exact:
        return 1.0
    if credit.rule == "exact":
        return 0.0
    if credit.rule == "partial":
        return 0.5 * lifted
    raise ValueError(f"unknown credit rule {credit.rule!r}: expected exact, partial or overlap")
