"""What every answer kind is, and the credit rules they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import ClassVar

from ssrl_data.answers.reading import BOX, MALFORMED, NO_ANSWER, TWO_ANSWERS, Reading, final, tagged
from ssrl_data.core import Credit, Json, Verdict

EXACT, INEXACT, NO_TRUTH = "exact", "inexact", "no truth"

UNDECIDED, NO_JUDGE = "undecided", "needs sympy: install ssrl[text]"
NO_LANGUAGES = "needs py3langid: install ssrl[text]"
NO_ENGINE, UNKNOWN_ENGINE = "needs pydantic-monty: install ssrl[instruct]", "unknown engine"
ENGINE_OFF, BROKEN_ENGINE = "engine is off or missing", "broken engine"
"""Why a score is None although there is a truth: no decision within the budget; what decides is not installed, not
known to this release, not allowed or not working."""

CHECKER_FAILS = frozenset(
    f"checker {how}" for how in ("timeout", "memory", "output", "crash", "error", "not a bool", "syntax", "unreadable")
)
"""Why a response is wrong that no checker rejected outright: how the first of those failed that did not accept it."""

REASONS = frozenset({EXACT, INEXACT, NO_ANSWER, TWO_ANSWERS, MALFORMED, NO_TRUTH, UNDECIDED, NO_JUDGE, NO_LANGUAGES})
REASONS |= {NO_ENGINE, UNKNOWN_ENGINE, ENGINE_OFF, BROKEN_ENGINE} | CHECKER_FAILS
"""Every reason that a verdict of the kinds here gives."""

FEW_PLACES = 4
"""Up to so many parts an answer is all or nothing unless its author says otherwise; above, right parts earn credit."""

HALVED = frozenset({"partial", "pairs", "adjacency"})
"""Rules by which an inexact answer earns half of its chance-corrected raw score; they differ in what is counted."""


class AnswerKind(ABC):
    """One form of answer. Instances hold no state; a kind reads every version of itself that was ever published.

    `value` below is the JSON object stored in the row: the right answer under the key `answer`, beside the space it
    is drawn from (options, length, range). `ask` uses the space alone, so the prompt never depends on the answer.

    Class attributes:
        name: the module's name.
        version: raise it when `value` changes its form.
        rules: the credit rules that `score` knows.
        whole: whether all that follows the reasoning is judged, so that hardly two right answers are alike.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    rules: ClassVar[frozenset[str]] = frozenset({"exact"})
    whole: ClassVar[bool] = False

    @abstractmethod
    def check(self, value: Json) -> None:
        """Raise ValueError, in one sentence, when `value` is not a well-formed truth of this kind."""

    @abstractmethod
    def ask(self, value: Json) -> str:
        """The sentence of the prompt that says how to answer."""

    @abstractmethod
    def read(self, response: str, value: Json) -> Reading:
        """The answer read out of a response, or why there is none. Total over any string, linear in its length."""

    @abstractmethod
    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Judge an answer that `read` found."""

    @abstractmethod
    def gold(self, value: Json) -> str:
        """A response that must score exactly 1."""

    @abstractmethod
    def near_misses(self, value: Json) -> Iterator[str]:
        """Responses that must score below 1."""

    def luck(self, value: Json) -> float | None:
        """Probability that the best blind guess is exactly right, in [0, 1); None where `value` does not tell.

        A row's `chance` is the expected final score of a blind guess, so with partial credit it is more than this.
        """
        return None

    def measures(self, given: Json, value: Json) -> Mapping[str, tuple[float, float]]:
        """Further shares in [0, 1] by which an answer is near the right one, each with that of the best constant."""
        return {}

    def label(self, value: Json) -> Json:
        """The class under which the right answer is counted: the answer itself, or its first element."""
        answer = value.get("answer") if isinstance(value, dict) else None
        return answer[0] if isinstance(answer, list) and answer else answer

    def hidden(self, value: Json) -> Json:
        """The value without what reading would take from its truth: for reading where no truth may play a part."""
        return value

    def supposed(self, given: Json, value: Json) -> Json | None:
        """The value in which an answer would be the right one; None where it could not be, or is none to compare.

        Args:
            given: what `read` found with a `hidden` value.
            value: of the row, of which the space alone is used.
        """
        if self.whole:
            return None
        other = {**value, "answer": given}
        try:
            self.check(other)
        except ValueError:
            return None
        return other

    def grade(self, response: str, value: Json, credit: Credit) -> Verdict:
        """Read and score a response; never raises for a `value` that passes `check`."""
        given, reason = self.read(response, value)
        if given is None:
            return Verdict(0.0, False, None, reason)
        return self.score(given, value, credit)


class ShortAnswer(AnswerKind):
    """A kind whose answer is short and stands in `<answer></answer>`; reading is `ssrl_data.answers.reading`."""

    @abstractmethod
    def form(self, value: Json) -> str:
        """What to answer with, as it continues "Answer with"; from the space alone."""

    @abstractmethod
    def parse(self, text: str, value: Json) -> Json | None:
        """The answer that `text` spells, in the one form that `==` compares, or None.

        Args:
            text: 1 to 1,024 characters, stripped, none of them invisible.
            value: its space alone may be used, except to map an accepted alias to the right answer.
        """

    @abstractmethod
    def right(self, value: Json) -> str:
        """The text of the right answer."""

    @abstractmethod
    def wrong(self, value: Json) -> Iterator[str]:
        """Texts of plausible answers that must score below 1: at least one that `parse` reads."""

    def ask(self, value: Json) -> str:
        """The sentence of the prompt that says how to answer."""
        return f"Answer with {self.form(value)} in {tagged('')}."

    def read(self, response: str, value: Json) -> Reading:
        """The final answer of a response, or why there is none."""
        return final(response, lambda text: self.parse(text, value))

    def gold(self, value: Json) -> str:
        """The right answer in its tags."""
        return tagged(self.right(value))

    def near_misses(self, value: Json) -> Iterator[str]:
        """Every plausible wrong text in tags, then the shapes of a response that does not commit to one answer."""
        gold, wrong = self.gold(value), list(self.wrong(value))
        yield from map(tagged, wrong)
        other = next(text for text in wrong if self.parse(text, value) is not None)
        yield tagged(other) + gold
        yield gold + tagged(other)
        yield f"{BOX}{other}}} {gold}"
        yield f"<think>{gold}</think>"
        yield f"<think>{gold}"
        yield tagged(f"{self.right(value)} or {other}")
        yield self.ask(value)
        yield tagged("")
        yield ""


def credited(raw: float, exact: bool, credit: Credit) -> float:
    """The final score of a raw one under a shared credit rule; `raw` in [0, 1].

    Raises:
        ValueError: the rule is not `exact`, `overlap` or one of `HALVED`.
    """
    lifted = max(0.0, (raw - credit.c) / (1.0 - credit.c))
    if credit.rule == "overlap":
        return lifted
    if exact:
        return 1.0
    if credit.rule == "exact":
        return 0.0
    if credit.rule in HALVED:
        return 0.5 * lifted
    raise ValueError(f"unknown credit rule {credit.rule!r}: expected exact, overlap, {', '.join(sorted(HALVED))}")


def verdict(raw: float, exact: bool, given: Json, credit: Credit) -> Verdict:
    """The verdict on a readable answer."""
    return Verdict(credited(raw, exact, credit), exact, given, EXACT if exact else INEXACT)


def rule_for(parts: int, credit: str | None, rules: Collection[str] = ("exact", "partial")) -> str:
    """The credit rule for an answer of so many parts: the one asked for, else `partial` above four parts.

    Raises:
        ValueError: the rule asked for is none of `rules`.
    """
    if credit is None:
        return "partial" if parts > FEW_PLACES else "exact"
    if credit not in rules:
        raise ValueError(f"credit {credit!r} is unknown: use one of {', '.join(sorted(rules))}")
    return credit


def blind(law: Sequence[Fraction], rule: str) -> tuple[Credit, float]:
    """Credit and chance of an answer of n parts, of which any number may be right; it is exact when all are.

    Args:
        law: n + 1 probabilities: that the best blind guesser has 0, 1, ... n parts right.
        rule: `exact` or one of `HALVED`.

    Returns:
        The credit, whose c is the expected share of right parts, and the expected final score under it.

    Raises:
        ValueError: the guesser is always right, so there is nothing to ask.
    """
    n = len(law) - 1
    c = sum((Fraction(m, n) * p for m, p in enumerate(law)), Fraction(0))
    if c >= 1:
        raise ValueError("a blind guess is always right: the answer space needs at least two equally likely answers")
    chance = law[n]
    if rule in HALVED:
        chance += (
            sum((p * max(Fraction(0), (Fraction(m, n) - c) / (1 - c)) for m, p in enumerate(law[:n])), Fraction(0)) / 2
        )
    return Credit(rule, float(c)), float(chance)


def independent(chances: Sequence[Fraction]) -> list[Fraction]:
    """The law of the number of right parts when part i is right with chance i, independently (Poisson binomial)."""
    law = [Fraction(1)]
    for p in chances:
        law = [a * (1 - p) + b * p for a, b in zip([*law, Fraction(0)], [Fraction(0), *law], strict=True)]
    return law
