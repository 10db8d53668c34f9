"""How long a text is, and its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ssrl_data.instruct.constraint import Constraint, within
from ssrl_data.instruct.draft import Draft
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply
from ssrl_data.rng import Rng

MOST_WORDS = 5000
WORD_RULE = "Words are what stands between spaces, so don't and state-of-the-art are one word each."
SENTENCE_RULE = "A sentence ends with a full stop, a question mark or an exclamation mark."
PARAGRAPH_RULE = "Paragraphs have an empty line between them."


@dataclass(frozen=True)
class WordsAtLeast(Constraint):
    """At least so many words."""

    name: ClassVar[str] = "words_at_least"
    grade: ClassVar[int] = 1
    least: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("least", self.least, 5, MOST_WORDS)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write at least {self.least} words. {WORD_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many."""
        return len(reply.words) >= self.least

    def shape(self, draft: Draft) -> None:
        """A lower bound."""
        draft.words.narrow(self.least)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordsAtLeast:
        """Multiples of ten, from 20 to 90."""
        return cls(10 * rng.integer(2, 9))


@dataclass(frozen=True)
class WordsBetween(Constraint):
    """From so many to so many words."""

    name: ClassVar[str] = "words_between"
    least: int
    most: int

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("least", self.least, 5, MOST_WORDS)
        within("most", self.most, self.least, MOST_WORDS)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write {self.least} to {self.most} words. {WORD_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many."""
        return self.least <= len(reply.words) <= self.most

    def shape(self, draft: Draft) -> None:
        """Both bounds."""
        draft.words.narrow(self.least, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordsBetween:
        """Twenty words of room, wider than rules of counting differ by on such texts."""
        least = 5 * rng.integer(5, 20)
        return cls(least, least + 20)


@dataclass(frozen=True)
class SentencesExactly(Constraint):
    """Exactly so many sentences."""

    name: ClassVar[str] = "sentences_exactly"
    number: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("number", self.number, 1, 50)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write exactly {self.number} sentence{'s'[: self.number > 1]}. {SENTENCE_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many."""
        return len(reply.sentences) == self.number

    def shape(self, draft: Draft) -> None:
        """One number."""
        draft.sentences.exactly(self.number)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentencesExactly:
        """Two to seven."""
        return cls(rng.integer(2, 7))
