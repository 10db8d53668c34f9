"""Words that a text has to hold or to do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ssrl_data.instruct.constraint import Conflict, Constraint, within
from ssrl_data.instruct.draft import Draft
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply
from ssrl_data.rng import Rng

FORM_RULE = "Upper or lower case does not matter; a word inside a longer word does not count."


def listed(words: tuple[str, ...]) -> str:
    """Words in quotes, as a sentence names them."""
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def usable(name: str, words: tuple[str, ...]) -> None:
    """Raise ValueError unless there are 1 to 20 words or phrases, each of 1 to 80 characters that are seen."""
    within(f"number of {name}", len(words), 1, 20)
    for word in words:
        if not 0 < len(word) <= 80 or word != " ".join(word.split()) or not word.isprintable():
            raise ValueError(f"{name} holds {word!r:.80}: words and phrases of 1 to 80 characters, with single spaces")


@dataclass(frozen=True)
class Include(Constraint):
    """Every one of these words."""

    name: ClassVar[str] = "include"
    grade: ClassVar[int] = 1
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the words."""
        usable("words", self.words)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Use the word{'s'[: len(self.words) > 1]} {listed(self.words)}. {FORM_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether each is there."""
        return all(map(reply.occurrences, self.words))

    def shape(self, draft: Draft) -> None:
        """Each once or more."""
        for word in self.words:
            draft.quota(word, 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Include:
        """Two words that the passage does not hold, so that a copy of it fails."""
        if len(material.strangers) < 6:
            raise Conflict("too few words that the passage does not hold")
        return cls(tuple(rng.sample(material.strangers[:40], 2)))


@dataclass(frozen=True)
class Exclude(Constraint):
    """None of these words."""

    name: ClassVar[str] = "exclude"
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the words."""
        usable("words", self.words)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Do not use the word{'s'[: len(self.words) > 1]} {listed(self.words)}. {FORM_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether none is there."""
        return not any(map(reply.occurrences, self.words))

    def shape(self, draft: Draft) -> None:
        """None."""
        for word in self.words:
            draft.quota(word, 0, 0)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Exclude:
        """Two of the passage's most frequent words."""
        if len(material.terms) < 8:
            raise Conflict("too few content words")
        return cls(tuple(rng.sample(material.terms[:8], 2)))
