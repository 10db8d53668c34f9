"""Capital and small letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ssrl_data.constraints.length import FLOOR, FLOOR_RULE, SENTENCE_RULE
from ssrl_data.instruct.bounds import AtLeast, Between, Exactly, several, times
from ssrl_data.instruct.constraint import Conflict, Constraint, within
from ssrl_data.instruct.draft import Draft, Place
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply
from ssrl_data.rng import Rng

CAPITALS_RULE = "A word is in capitals when it has two or more letters, all of them capital letters."


def in_capitals(word: str) -> bool:
    """Whether a word has two or more letters, all of them capitals."""
    return word.isupper() and len(word) > 1 and sum(map(str.isalpha, word)) > 1


class Lower(Constraint):
    """Small letters alone."""

    name: ClassVar[str] = "lower"
    grade: ClassVar[int] = 1
    substance: ClassVar[int] = FLOOR

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "Write small letters alone: no capital letter anywhere, not even in names or where a sentence begins. "
            f"{FLOOR_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are small letters and no others."""
        return reply.text.islower()

    def shape(self, draft: Draft) -> None:
        """One case, and no word in capitals."""
        draft.put_case("lower")
        draft.capitals.exactly(0)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Lower:
        """It has no parameters."""
        return cls()


class Upper(Constraint):
    """Capital letters alone."""

    name: ClassVar[str] = "upper"
    grade: ClassVar[int] = 1
    substance: ClassVar[int] = FLOOR

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write capital letters alone: no small letter anywhere. {FLOOR_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether there are capital letters and no others."""
        return reply.text.isupper()

    def shape(self, draft: Draft) -> None:
        """One case; all words are in capitals, so there are many."""
        draft.put_case("upper")
        draft.capitals.narrow(5)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Upper:
        """It has no parameters."""
        return cls()


class Title(Constraint):
    """Every word begins with a capital letter."""

    name: ClassVar[str] = "title"
    substance: ClassVar[int] = FLOOR

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "Begin every word with a capital letter, short words such as Of and The too, and write the rest of it in "
            f"small letters; only a word that begins with a digit needs no capital. {FLOOR_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether all do, one at least with a letter, and no capital stands elsewhere."""
        rest = "".join(word[1:] for word in reply.words)
        begun = [word[0] for word in reply.words if not word[0].isdigit()]
        return bool(begun) and all(map(str.isupper, begun)) and rest == rest.lower()

    def shape(self, draft: Draft) -> None:
        """One case, and no word in capitals."""
        draft.put_case("title")
        draft.capitals.exactly(0)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Title:
        """It has no parameters."""
        return cls()


class SentenceCase(Constraint):
    """A capital letter where a sentence begins, and nowhere else."""

    name: ClassVar[str] = "sentence_case"

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "Write three or more sentences, begin each with a capital letter, and use no other capital letter, not "
            f"even in names or for the word I. {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether each of three sentences or more has its first letter, alone, as a capital."""
        found = reply.sentence_words
        rest = "".join(word[i == 0 :] for sentence in found for i, word in enumerate(sentence))
        return len(found) >= 3 and all(sentence[0][0].isupper() for sentence in found) and rest == rest.lower()

    def shape(self, draft: Draft) -> None:
        """Witnesses are so, if no word is in capitals."""
        draft.sentences.narrow(3)
        draft.put_case("sentence")
        draft.capitals.exactly(0)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentenceCase:
        """It has no parameters."""
        return cls()


class CapitalsAtLeast(AtLeast):
    """At least so many words in capitals."""

    name: ClassVar[str] = "capitals_at_least"
    grade: ClassVar[int] = 1
    span: ClassVar[tuple[int, int]] = (1, 200)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write at least {several(self.least, 'word')} in capitals. {CAPITALS_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words in capitals."""
        return [sum(map(in_capitals, reply.words))]

    def shape(self, draft: Draft) -> None:
        """A lower bound."""
        draft.capitals.narrow(self.least)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> CapitalsAtLeast:
        """Three to ten."""
        return cls(rng.integer(3, 10))


class CapitalsBetween(Between):
    """From so many to so many words in capitals."""

    name: ClassVar[str] = "capitals_between"
    span: ClassVar[tuple[int, int]] = (0, 200)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write {self.least} to {several(self.most, 'word')} in capitals, no more and no fewer. {CAPITALS_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words in capitals."""
        return [sum(map(in_capitals, reply.words))]

    def shape(self, draft: Draft) -> None:
        """Both bounds."""
        draft.capitals.narrow(self.least, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> CapitalsBetween:
        """Two to five, up to two more."""
        least = rng.integer(2, 5)
        return cls(least, least + rng.integer(1, 2))


class CapitalsExactly(Exactly):
    """Exactly so many words in capitals."""

    name: ClassVar[str] = "capitals_exactly"
    span: ClassVar[tuple[int, int]] = (1, 200)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write exactly {several(self.number, 'word')} in capitals. {CAPITALS_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words in capitals."""
        return [sum(map(in_capitals, reply.words))]

    def shape(self, draft: Draft) -> None:
        """One number."""
        draft.capitals.exactly(self.number)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> CapitalsExactly:
        """One to six."""
        return cls(rng.integer(1, 6))


@dataclass(frozen=True)
class SentenceEdge(Constraint):
    """The first, or the last, word of every sentence in capitals, and no other."""

    name: ClassVar[str] = "sentence_edge"
    edge: str

    def __post_init__(self) -> None:
        """Check the edge."""
        if self.edge not in ("first", "last"):
            raise ValueError(f"edge is {self.edge!r:.80}: it must be first or last")

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write three or more sentences, with the {self.edge} word of each in capitals and no other word in "
            f"capitals. {CAPITALS_RULE} {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether that of each of three sentences or more is, and none else."""
        found = [list(map(in_capitals, sentence)) for sentence in reply.sentence_words]
        at = 0 if self.edge == "first" else -1
        return len(found) >= 3 and all(raised[at] and sum(raised) == 1 for raised in found)

    def shape(self, draft: Draft) -> None:
        """A word in capitals for each sentence, which has two letters or more."""
        draft.sentences.narrow(3)
        draft.capitals.narrow(3, draft.sentences.high)
        draft.put_case("edge")
        draft.capital_at.append(lambda place, _: self._at(place))
        draft.demands.append(lambda place, word: not self._at(place) or len(word) > 1)

    def _at(self, place: Place) -> bool:
        return place.opens if self.edge == "first" else place.closes

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentenceEdge:
        """Either."""
        return cls(rng.choice(("first", "last")))


class EverySecond(Constraint):
    """Every second word in capitals."""

    name: ClassVar[str] = "every_second"
    grade: ClassVar[int] = 3

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "Write at least ten words, and every second word in capital letters alone: the second, the fourth and so "
            "on to the end. The others must not be in capitals, but a word of one letter may stand anywhere."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether the even ones are, five of two letters or more at least, and the others are not."""
        even, odd = reply.words[1::2], reply.words[::2]
        raised = sum(map(in_capitals, even)) >= 5 and all(word == word.upper() for word in even)
        return raised and not any(map(in_capitals, odd))

    def shape(self, draft: Draft) -> None:
        """Half of the words."""
        draft.words.narrow(12)
        draft.capitals.narrow(5)
        draft.put_case("second")
        draft.capital_at.append(lambda place, _: place.nth_word % 2 == 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> EverySecond:
        """It has no parameters."""
        return cls()


@dataclass(frozen=True)
class WordInCapitals(Constraint):
    """One word some times, each time in capitals."""

    name: ClassVar[str] = "word"
    word: str
    least: int

    def __post_init__(self) -> None:
        """Check the word and the range."""
        within("least", self.least, 1, 20)
        if not 2 <= len(self.word) <= 40 or not self.word.isalpha() or self.word != self.word.casefold():
            raise ValueError(f"word is {self.word!r:.80}: it must be of 2 to 40 small letters")

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Use the word "{self.word}" at least {times(self.least)}, and write it in capitals each time. A '
            "word inside a longer word does not count."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether it is there so often, and in capitals alone."""
        found = [word for word in reply.words if word.casefold() == self.word]
        return len(found) >= self.least and all(map(str.isupper, found))

    def shape(self, draft: Draft) -> None:
        """A quota of a word in capitals."""
        draft.quota(self.word, self.least)
        draft.capitals.narrow(self.least)
        draft.capital_at.append(lambda _, word: word == self.word)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordInCapitals:
        """A frequent word of the passage, once to three times."""
        if not material.terms:
            raise Conflict("no content words")
        return cls(rng.choice(material.terms[:10]), rng.integer(1, 3))
