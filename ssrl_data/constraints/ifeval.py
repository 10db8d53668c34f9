"""What IFEval (arXiv 2311.07911) asks for and no other family does.

Some ask for the same as another family, but for no more than a few words: rows from elsewhere tell of no such floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ssrl_data.constraints.casing import CAPITALS_RULE, Lower, Upper, in_capitals
from ssrl_data.constraints.keywords import FORM_RULE, MOST_TIMES, Exclude, listed, term, usable
from ssrl_data.constraints.language import Whole
from ssrl_data.constraints.length import MOST_WORDS, SENTENCE_RULE, WORD_RULE
from ssrl_data.constraints.punctuation import Never
from ssrl_data.instruct.bounds import AtMost, several
from ssrl_data.instruct.constraint import SUBSTANCE, Constraint, within
from ssrl_data.instruct.draft import WORDS, Draft, Range
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import LONGEST, Reply
from ssrl_data.rng import Rng

ENOUGH = SUBSTANCE + 1
"""Different words that a text must hold where only too much is told of: more than "I cannot help with that." has."""


@dataclass(frozen=True)
class Signs(Constraint):
    """One letter, or any other sign, from so often to so often; at most: also not at all."""

    name: ClassVar[str] = "signs"
    grade: ClassVar[int] = 3
    substance: ClassVar[int] = ENOUGH
    sign: str
    least: int
    most: int

    def __post_init__(self) -> None:
        """Check the sign and the ranges."""
        if len(self.sign) != 1 or self.sign.isspace() or len(self.sign.casefold()) != 1:
            raise ValueError(f"sign is {self.sign!r:.80}: it must be one letter or mark")
        within("least", self.least, 0, LONGEST)
        within("most", self.most, self.least, LONGEST)

    def tell(self) -> str:
        """The sentence that asks for it."""
        if self.most == LONGEST:
            number = f"at least {several(self.least, 'time')}"
        else:
            number = f"{self.least} to {several(self.most, 'time')}"
        return f'Use the sign "{self.sign}" {number} in all. Upper or lower case does not matter.'

    def holds(self, reply: Reply) -> bool:
        """Whether it is there so often."""
        return self.least <= reply.text.casefold().count(self.sign.casefold()) <= self.most

    def shape(self, draft: Draft) -> None:
        """A weight of each word, or marks behind words."""
        sign = self.sign.casefold()
        if sign.isalnum():
            draft.weights.append((lambda word: word.casefold().count(sign), Range(self.least, self.most)))
        else:
            draft.mark(sign, self.least, min(self.most, WORDS))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Signs:
        """A letter that is not too rare, four to fourteen times with room for five."""
        least = rng.integer(4, 9)
        return cls(rng.choice("bcdfghklmpuvwy"), least, least + 5)


@dataclass(frozen=True)
class EnglishUpper(Constraint):
    """English in capital letters alone."""

    name: ClassVar[str] = "english_upper"
    grade: ClassVar[int] = 1

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write in English. {Upper().tell()}"

    def lacks(self) -> str:
        """What tells languages in the same letters apart, where it is not installed."""
        return Whole("en").lacks()

    def holds(self, reply: Reply) -> bool:
        """Whether it is both."""
        return Upper().holds(reply) and Whole("en").holds(reply)

    def shape(self, draft: Draft) -> None:
        """As its parts do."""
        Upper().shape(draft)
        Whole("en").shape(draft)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> EnglishUpper:
        """It has no parameters."""
        return cls()


@dataclass(frozen=True)
class EnglishLower(Constraint):
    """English in small letters alone."""

    name: ClassVar[str] = "english_lower"
    grade: ClassVar[int] = 1

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write in English. {Lower().tell()}"

    def lacks(self) -> str:
        """What tells languages in the same letters apart, where it is not installed."""
        return Whole("en").lacks()

    def holds(self, reply: Reply) -> bool:
        """Whether it is both."""
        return Lower().holds(reply) and Whole("en").holds(reply)

    def shape(self, draft: Draft) -> None:
        """As its parts do."""
        Lower().shape(draft)
        Whole("en").shape(draft)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> EnglishLower:
        """It has no parameters."""
        return cls()


class Words(AtMost):
    """At most so many words."""

    name: ClassVar[str] = "words_at_most"
    grade: ClassVar[int] = 1
    substance: ClassVar[int] = ENOUGH
    span: ClassVar[tuple[int, int]] = (ENOUGH, MOST_WORDS)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write {ENOUGH} to {self.most} words. {WORD_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words."""
        return [len(reply.words)]

    def shape(self, draft: Draft) -> None:
        """An upper bound."""
        draft.words.narrow(0, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Words:
        """Multiples of five, from 25 to 70, where answers are usually longer."""
        return cls(5 * rng.integer(5, 14))


class Sentences(AtMost):
    """At most so many sentences."""

    name: ClassVar[str] = "sentences_at_most"
    grade: ClassVar[int] = 1
    substance: ClassVar[int] = ENOUGH
    span: ClassVar[tuple[int, int]] = (1, 100)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write at most {several(self.most, 'sentence')}, of {ENOUGH} words or more. {SENTENCE_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The sentences."""
        return [len(reply.sentences)]

    def shape(self, draft: Draft) -> None:
        """An upper bound."""
        draft.sentences.narrow(0, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Sentences:
        """Two to five, where answers usually have more."""
        return cls(rng.integer(2, 5))


@dataclass(frozen=True)
class Without(Exclude):
    """None of these words."""

    name: ClassVar[str] = "exclude"
    substance: ClassVar[int] = ENOUGH

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Do not use the word{'s'[: len(self.words) > 1]} {listed(self.words)}. {FORM_RULE}"


@dataclass(frozen=True)
class NoComma(Constraint):
    """No comma anywhere."""

    name: ClassVar[str] = "no_comma"
    grade: ClassVar[int] = 1
    substance: ClassVar[int] = ENOUGH

    def tell(self) -> str:
        """The sentence that asks for it."""
        return "Use no comma anywhere."

    def holds(self, reply: Reply) -> bool:
        """Whether it is nowhere, of whatever script."""
        return Never(",").holds(reply)

    def shape(self, draft: Draft) -> None:
        """None inside sentences."""
        Never(",").shape(draft)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> NoComma:
        """It has no parameters."""
        return cls()


@dataclass(frozen=True)
class Seldom(Constraint):
    """One word no more often than that, or not at all."""

    name: ClassVar[str] = "seldom"
    substance: ClassVar[int] = ENOUGH
    word: str
    most: int

    def __post_init__(self) -> None:
        """Check the word and the range."""
        usable("word", (self.word,))
        within("most", self.most, 0, MOST_TIMES)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Use the word "{self.word}" at most {several(self.most, "time")}. {FORM_RULE}'

    def holds(self, reply: Reply) -> bool:
        """Whether it is there no more often."""
        return reply.occurrences(self.word) <= self.most

    def shape(self, draft: Draft) -> None:
        """An upper bound."""
        draft.quota(self.word, 0, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Seldom:
        """A frequent word of the passage, at most once."""
        return cls(term(material, rng)[0], rng.integer(0, 1))


class FewCapitals(AtMost):
    """At most so many words in capitals."""

    name: ClassVar[str] = "capitals_at_most"
    substance: ClassVar[int] = ENOUGH
    span: ClassVar[tuple[int, int]] = (0, 200)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write at most {several(self.most, 'word')} in capitals. {CAPITALS_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words in capitals."""
        return [sum(map(in_capitals, reply.words))]

    def shape(self, draft: Draft) -> None:
        """An upper bound."""
        draft.capitals.narrow(0, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> FewCapitals:
        """None to four."""
        return cls(rng.integer(0, 4))
