"""A word or a short phrase, equal to the right one or to a listed alias."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ssrl_data.answers.base import ShortAnswer, verdict
from ssrl_data.answers.reading import LONGEST, plain, tagged
from ssrl_data.core import Answer, Credit, Json, Verdict

_BEFORE = " \t\r\n\"'`*_()[]{}‹›"
# What makes normalisation slow and is no answer: more than 30 combining marks in a row (the limit of Unicode's
# stream-safe format, UAX 15), and the two letters that stand for whole sentences.
_MARKS = re.compile(rb"[^\0]{31}")
_SENTENCES = re.compile("[\ufdfa\ufdfb]")
_AFTER = _BEFORE + ".,;:!?…"


class Span(ShortAnswer):
    """Value: {"answer": text, "aliases": texts}. Case, spacing, quote styles and surrounding marks do not matter."""

    name = "span"

    def answer(self, right: str, aliases: Sequence[str] = (), *, chance: float) -> Answer:
        """The truth of one example.

        Args:
            right: the right text.
            aliases: all other texts that are as right.
            chance: how often the best constant is right, in [0, 1): text is an open space, so the task says it from
                a measurement (the share of the most frequent answer).

        Raises:
            ValueError: a text is empty, too long, or holds invisible characters or digits other than 0 to 9.
        """
        value = {"answer": right, "aliases": list(aliases)}
        self.check(value)
        if not 0 <= chance < 1:
            raise ValueError(f"chance must be in [0, 1), got {chance}")
        return Answer(self.name, value, Credit("exact", chance), chance)

    def check(self, value: Json) -> None:
        """Raise ValueError unless the right text and its aliases can be answered with."""
        if not isinstance(value, dict) or set(value) != {"answer", "aliases"} or not isinstance(value["aliases"], list):
            raise ValueError(f"a span's value has the keys answer and aliases, got {value!r:.80}")
        for text in (value["answer"], *value["aliases"]):
            alone = {"answer": text, "aliases": []}
            if not isinstance(text, str) or self.read(tagged(text), alone).given != _normal(text) or not _normal(text):
                raise ValueError(
                    f"span {text!r:.80} cannot be answered with: up to {LONGEST} visible characters, no digits "
                    "but ASCII ones, no tags or LaTeX commands that reading looks for"
                )

    def form(self, value: Json) -> str:
        """What to answer with."""
        return "a word or short phrase"

    def parse(self, text: str, value: Json) -> Json | None:
        """The normalised text; an alias reads as the right text, so that the two are one answer."""
        given = _normal(text)
        if given is None:
            return None
        right, accepted = _accepted(value["answer"], tuple(value["aliases"]))
        return right if given in accepted else given

    def hidden(self, value: Json) -> Json:
        """The value without the aliases, which are of the right text."""
        return {**value, "aliases": []}

    def supposed(self, given: Json, value: Json) -> Json | None:
        """The value in which a text would be the right one, without an alias."""
        return super().supposed(given, self.hidden(value))

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Exact when the normalised texts are equal."""
        exact = given == _normal(value["answer"])
        return verdict(float(exact), exact, given, credit)

    def right(self, value: Json) -> str:
        """The text of the right answer."""
        text: str = value["answer"]
        return text

    def wrong(self, value: Json) -> Iterator[str]:
        """The text negated, doubled, cut short, turned round and inside a sentence."""
        text: str = value["answer"]
        accepted = _accepted(text, tuple(value["aliases"]))[1]
        for other in (f"not {text}", f"{text} {text}", text[:-1], text[::-1], f"it is {text}", "unknown", "none"):
            if other and _normal(other) not in accepted:
                yield other


def _normal(text: str) -> str | None:
    """NFKC, folded case, single spaces, no marks around; None when that is nothing, or no answer.

    Digits must be ASCII, and are settled first, since compatibility forms would turn 5² into 52.
    """
    text = plain(text)
    if text.isascii():
        text = text.lower()
    else:
        if any(char.isdigit() and not char.isascii() for char in text):
            return None
        if _SENTENCES.search(text) or _MARKS.search(bytes(map(unicodedata.combining, text))):
            return None
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(text.lstrip(_BEFORE).rstrip(_AFTER).split()) or None


@lru_cache(maxsize=1024)
def _accepted(right: str, aliases: tuple[str, ...]) -> tuple[str | None, frozenset[str | None]]:
    return _normal(right), frozenset(map(_normal, (right, *aliases)))
