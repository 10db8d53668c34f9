"""No truth is known: the answer is read, and never scored."""

from __future__ import annotations

from collections.abc import Iterator

from ssrl_data.answers.base import NO_TRUTH, AnswerKind
from ssrl_data.answers.reading import Reading, final, tagged
from ssrl_data.core import Answer, Credit, Json, Verdict


class Unlabelled(AnswerKind):
    """Value: {}. For rewards that need no truth, such as agreement between a model's own answers."""

    name = "unlabelled"

    def answer(self) -> Answer:
        """The answer column of a row without truth; its chance level is None."""
        return Answer(self.name, {}, Credit("exact", 0.0), None)

    def check(self, value: Json) -> None:
        """Raise ValueError unless the value is empty."""
        if value != {}:
            raise ValueError(f"a row without truth stores an empty value, got {value!r:.80}")

    def ask(self, value: Json) -> str:
        """The sentence of the prompt that says how to answer."""
        return f"Give your final answer in {tagged('')}."

    def read(self, response: str, value: Json) -> Reading:
        """The final text of a response, with single spaces."""
        return final(response, lambda text: " ".join(text.split()))

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Never a score."""
        return Verdict(None, False, given, NO_TRUTH)

    def gold(self, value: Json) -> str:
        """Nothing is right; an empty answer stands for it."""
        return tagged("")

    def near_misses(self, value: Json) -> Iterator[str]:
        """Nothing is wrong."""
        return iter(())

    def grade(self, response: str, value: Json, credit: Credit) -> Verdict:
        """What was read, without a score: not even an unreadable response is wrong."""
        return self.score(self.read(response, value).given, value, credit)
