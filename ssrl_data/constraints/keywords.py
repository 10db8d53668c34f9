"""Words that a text has to hold or to do without, how often, in which order, and in which of its parts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from ssrl_data.constraints.length import FLOOR, FLOOR_RULE, PARAGRAPH_RULE, SENTENCE_RULE
from ssrl_data.instruct.bounds import several
from ssrl_data.instruct.constraint import Conflict, Constraint, within
from ssrl_data.instruct.draft import Draft, Place
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply
from ssrl_data.rng import Rng

MOST_TIMES = 50
CASE_RULE = "Upper or lower case does not matter."
FORM_RULE = "Upper or lower case does not matter; a word inside a longer word does not count."
_FIRST = ("first", "second", "third")


def listed(words: tuple[str, ...]) -> str:
    """Words in quotes, as a sentence names them."""
    quoted = [f'"{word}"' for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def ordinal(number: int) -> str:
    """First, second, third; 4th, 21st and so on."""
    if number <= len(_FIRST):
        return _FIRST[number - 1]
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number // 10 % 10 != 1 else 0, "th")
    return f"{number}{ending}"


def usable(name: str, words: tuple[str, ...]) -> None:
    """Raise ValueError unless there are 1 to 20 words or phrases, each of 1 to 80 characters that are seen."""
    within(f"number of {name}", len(words), 1, 20)
    for word in words:
        if not 0 < len(word) <= 80 or word != " ".join(word.split()) or not word.isprintable():
            raise ValueError(f"{name} holds {word!r:.80}: words and phrases of 1 to 80 characters, with single spaces")
    if len({word.casefold() for word in words}) < len(words):
        raise ValueError(f"{name} holds a word twice: {listed(words):.200}")


def stranger(material: Material, rng: Rng, count: int = 1) -> tuple[str, ...]:
    """Words that the passage does not hold, so that a copy of it has none of them.

    Raises:
        Conflict: there are too few to choose from.
    """
    if len(material.strangers) < 6:
        raise Conflict("too few words that the passage does not hold")
    return tuple(rng.sample(material.strangers[:40], count))


def term(material: Material, rng: Rng, count: int = 1) -> tuple[str, ...]:
    """Some of the passage's most frequent words, which one cannot well do without.

    Raises:
        Conflict: there are too few to choose from.
    """
    if len(material.terms) < 8:
        raise Conflict("too few content words")
    return tuple(rng.sample(material.terms[:8], count))


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
        return cls(stranger(material, rng, 2))


@dataclass(frozen=True)
class Exclude(Constraint):
    """None of these words."""

    name: ClassVar[str] = "exclude"
    substance: ClassVar[int] = FLOOR  # a refusal in a few words does without nearly all
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the words."""
        usable("words", self.words)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Do not use the word{'s'[: len(self.words) > 1]} {listed(self.words)}. {FORM_RULE} {FLOOR_RULE}"

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
        return cls(term(material, rng, 2))


@dataclass(frozen=True)
class SomeOf(Constraint):
    """At least so many of these words: what is about a passage holds some of its own, in whatever form it is."""

    name: ClassVar[str] = "some_of"
    grade: ClassVar[int] = 1
    words: tuple[str, ...]
    least: int

    def __post_init__(self) -> None:
        """Check the words and their number."""
        usable("words", self.words)
        within("least", self.least, 1, len(self.words))

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Use at least {self.least} of the words {listed(self.words)}. {FORM_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether so many are there."""
        return sum(map(bool, map(reply.occurrences, self.words))) >= self.least

    def shape(self, draft: Draft) -> None:
        """So many of them, whichever."""
        draft.choices.append((self.words, self.least))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SomeOf:
        """Two of five words that the passage does not hold."""
        return cls(stranger(material, rng, 5), 2)


@dataclass(frozen=True)
class Phrase(Constraint):
    """Some words in a row."""

    name: ClassVar[str] = "phrase"
    grade: ClassVar[int] = 1
    phrase: str

    def __post_init__(self) -> None:
        """Check the phrase."""
        usable("phrase", (self.phrase,))

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Use the exact phrase "{self.phrase}". Upper or lower case does not matter.'

    def holds(self, reply: Reply) -> bool:
        """Whether it is there."""
        return bool(reply.occurrences(self.phrase))

    def shape(self, draft: Draft) -> None:
        """Once or more."""
        draft.quota(self.phrase, 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Phrase:
        """Two words of which the passage holds neither."""
        return cls(" ".join(stranger(material, rng, 2)))


@dataclass(frozen=True)
class AtLeast(Constraint):
    """One word so often or more."""

    name: ClassVar[str] = "at_least"
    word: str
    number: int

    def __post_init__(self) -> None:
        """Check the word and the number."""
        usable("word", (self.word,))
        within("number", self.number, 1, MOST_TIMES)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Use the word "{self.word}" at least {several(self.number, "time")}. {FORM_RULE}'

    def holds(self, reply: Reply) -> bool:
        """Whether it is there so often."""
        return reply.occurrences(self.word) >= self.number

    def shape(self, draft: Draft) -> None:
        """A lower bound."""
        draft.quota(self.word, self.number)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> AtLeast:
        """A word that the passage does not hold, two to four times."""
        return cls(stranger(material, rng)[0], rng.integer(2, 4))


@dataclass(frozen=True)
class Between(Constraint):
    """One word from so often to so often."""

    name: ClassVar[str] = "between"
    word: str
    least: int
    most: int

    def __post_init__(self) -> None:
        """Check the word and the numbers."""
        usable("word", (self.word,))
        within("least", self.least, 1, MOST_TIMES)
        within("most", self.most, self.least, MOST_TIMES)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Use the word "{self.word}" {self.least} to {several(self.most, "time")}. {FORM_RULE}'

    def holds(self, reply: Reply) -> bool:
        """Whether it is there so often."""
        return self.least <= reply.occurrences(self.word) <= self.most

    def shape(self, draft: Draft) -> None:
        """Both bounds."""
        draft.quota(self.word, self.least, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Between:
        """A word of the passage, at least once, and less often than the passage has it."""
        told = Reply(material.text)
        often = {word: count for word in material.terms[:12] if (count := told.occurrences(word)) > 2}
        if not often:
            raise Conflict("no word that the passage has three times")
        word = rng.choice(list(often))
        return cls(word, 1, min(3, often[word] - 1))


@dataclass(frozen=True)
class Exactly(Constraint):
    """One word so often."""

    name: ClassVar[str] = "exactly"
    word: str
    number: int

    def __post_init__(self) -> None:
        """Check the word and the number."""
        usable("word", (self.word,))
        within("number", self.number, 1, MOST_TIMES)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Use the word "{self.word}" exactly {several(self.number, "time")}. {FORM_RULE}'

    def holds(self, reply: Reply) -> bool:
        """Whether it is there so often."""
        return reply.occurrences(self.word) == self.number

    def shape(self, draft: Draft) -> None:
        """One number."""
        draft.quota(self.word, self.number, self.number)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Exactly:
        """A word that the passage does not hold, twice to five times."""
        return cls(stranger(material, rng)[0], rng.integer(2, 5))


@dataclass(frozen=True)
class MoreThan(Constraint):
    """One word more often than another, and both."""

    name: ClassVar[str] = "more_than"
    grade: ClassVar[int] = 3
    more: str
    less: str

    def __post_init__(self) -> None:
        """Check the words."""
        usable("more and less", (self.more, self.less))

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Use the word "{self.more}" more often than the word "{self.less}", and "{self.less}" at least once. '
            f"{FORM_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether both are there, the one more often."""
        return reply.occurrences(self.more) > reply.occurrences(self.less) > 0

    def shape(self, draft: Draft) -> None:
        """Twice or more, and once."""
        draft.quota(self.more, 2)
        draft.quota(self.less, 1, 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> MoreThan:
        """A word that the passage does not hold, and one that it does."""
        return cls(stranger(material, rng)[0], term(material, rng)[0])


@dataclass(frozen=True)
class InOrder(Constraint):
    """Words that are met for the first time in this order."""

    name: ClassVar[str] = "in_order"
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the words: two of them or more."""
        usable("words", self.words)
        within("number of words", len(self.words), 2, 8)
        if any(" " in word for word in self.words):
            raise ValueError(f"words holds a phrase: {listed(self.words):.200}")

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Use the words {listed(self.words)}, each for the first time after the one named before it. {FORM_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether each is there, first after the one before it."""
        found = [reply.positions(word) for word in self.words]
        return all(found) and all(a[0] < b[0] for a, b in pairwise(found))

    def shape(self, draft: Draft) -> None:
        """Each once, the place of each after that of the one before it."""
        for word in self.words:
            draft.quota(word, 1)
        draft.ordered.append(tuple(word.casefold() for word in self.words))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> InOrder:
        """Three words that the passage does not hold."""
        return cls(stranger(material, rng, 3))


@dataclass(frozen=True)
class Together(Constraint):
    """Two words in one sentence."""

    name: ClassVar[str] = "together"
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the words: two of them or more."""
        usable("words", self.words)
        within("number of words", len(self.words), 2, 5)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write one sentence that holds the words {listed(self.words)}. {FORM_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether a sentence has all of them."""
        return any(all(map(Reply(text).occurrences, self.words)) for text in reply.sentences)

    def shape(self, draft: Draft) -> None:
        """In a row."""
        draft.quota(" ".join(self.words), 1)
        for word in self.words:
            draft.quota(word, 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Together:
        """A word of the passage, and two that it does not hold."""
        return cls((*stranger(material, rng, 2), *term(material, rng)))


@dataclass(frozen=True)
class InSentence(Constraint):
    """A word in the sentence of a given number, or in the last one where the number is 0."""

    name: ClassVar[str] = "in_sentence"
    word: str
    number: int

    def __post_init__(self) -> None:
        """Check the word and the number."""
        usable("word", (self.word,))
        within("number", self.number, 0, 10)

    def tell(self) -> str:
        """The sentence that asks for it."""
        which = ordinal(self.number) if self.number else "last"
        return f'Use the word "{self.word}" in the {which} sentence of your answer. {FORM_RULE} {SENTENCE_RULE}'

    def holds(self, reply: Reply) -> bool:
        """Whether there is such a sentence, with the word."""
        at = self.number - 1
        return (
            len(reply.sentences) > at
            and bool(reply.sentences)
            and bool(Reply(reply.sentences[at]).occurrences(self.word))
        )

    def shape(self, draft: Draft) -> None:
        """The second word of that sentence."""
        draft.sentences.narrow(max(1, self.number))
        draft.sentence_words.narrow(3)
        draft.quota(self.word, 1)
        wanted = self.word.casefold()

        def pin(place: Place) -> str:
            here = place.nth_sentence == self.number - 1 if self.number else place.ends
            return wanted if here and place.word == 1 else ""

        draft.pins.append(pin)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> InSentence:
        """A word that the passage does not hold, in one of the first three sentences or the last."""
        return cls(stranger(material, rng)[0], rng.integer(0, 3))


@dataclass(frozen=True)
class EveryParagraph(Constraint):
    """A word in each of several paragraphs."""

    name: ClassVar[str] = "every_paragraph"
    word: str
    paragraphs: int

    def __post_init__(self) -> None:
        """Check the word and the number."""
        usable("word", (self.word,))
        within("paragraphs", self.paragraphs, 2, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Write at least {self.paragraphs} paragraphs, and use the word "{self.word}" in every one of them. '
            f"{FORM_RULE} {PARAGRAPH_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, each with the word."""
        return len(reply.paragraphs) >= self.paragraphs and all(
            Reply(text).occurrences(self.word) for text in reply.paragraphs
        )

    def shape(self, draft: Draft) -> None:
        """The second word of each paragraph."""
        draft.items.narrow(self.paragraphs)
        draft.sentence_words.narrow(3)
        draft.quota(self.word, self.paragraphs)
        wanted = self.word.casefold()
        draft.pins.append(lambda place: wanted if place.sentence == 0 and place.word == 1 else "")

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> EveryParagraph:
        """A word that the passage does not hold, in two to four paragraphs."""
        return cls(stranger(material, rng)[0], rng.integer(2, 4))


@dataclass(frozen=True)
class EverySentence(Constraint):
    """A word in each of several sentences."""

    name: ClassVar[str] = "every_sentence"
    word: str
    sentences: int

    def __post_init__(self) -> None:
        """Check the word and the number."""
        usable("word", (self.word,))
        within("sentences", self.sentences, 2, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Write at least {self.sentences} sentences, and use the word "{self.word}" in every one of them. '
            f"{FORM_RULE} {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, each with the word."""
        return len(reply.sentences) >= self.sentences and all(
            Reply(text).occurrences(self.word) for text in reply.sentences
        )

    def shape(self, draft: Draft) -> None:
        """The third word of each sentence."""
        draft.sentences.narrow(self.sentences)
        draft.sentence_words.narrow(4)
        draft.quota(self.word, self.sentences)
        wanted = self.word.casefold()
        draft.pins.append(lambda place: wanted if place.word == 2 else "")

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> EverySentence:
        """A word that the passage does not hold, in two to four sentences."""
        return cls(stranger(material, rng)[0], rng.integer(2, 4))
