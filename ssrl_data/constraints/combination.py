"""What joins several parts of a text, or counts one thing by another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from ssrl_data.constraints.keywords import CASE_RULE, FORM_RULE, stranger, usable
from ssrl_data.constraints.length import PARAGRAPH_RULE, SENTENCE_RULE, WORD_RULE
from ssrl_data.constraints.structure import worded
from ssrl_data.instruct.bounds import several
from ssrl_data.instruct.constraint import SUBSTANCE, Conflict, Constraint, within
from ssrl_data.instruct.draft import Draft, Place
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import LONGEST, Reply, form, words
from ssrl_data.rng import Rng

_SIX = re.compile(r"(?<!\*)\*{6}(?!\*)")


@dataclass(frozen=True)
class TwoAnswers(Constraint):
    """Two different answers with a line of asterisks between them."""

    name: ClassVar[str] = "two_answers"

    def tell(self) -> str:
        """The sentence that asks for it."""
        return "Give two different answers, with six asterisks (******) between them and nowhere else."

    def holds(self, reply: Reply) -> bool:
        """Whether there are two, which differ in more than case and spaces, each of more than a few words."""
        parts = [Reply(part) for part in _SIX.split(reply.text)]
        return (
            len(parts) == 2
            and all(part.distinct >= SUBSTANCE for part in parts)
            and len({" ".join(part.counts) for part in parts}) == 2
        )

    def shape(self, draft: Draft) -> None:
        """Two items or more, the first of them the first answer."""
        draft.items.narrow(2)
        draft.put_layout("two answers", lambda items: "\n\n".join([items[0], "******", *items[1:]]))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> TwoAnswers:
        """It has no parameters."""
        return cls()


@dataclass(frozen=True)
class Repeat(Constraint):
    """A given text word for word, and then an answer."""

    name: ClassVar[str] = "repeat"
    grade: ClassVar[int] = 1
    text: str

    def __post_init__(self) -> None:
        """Check that there is a text of a length that an answer may have."""
        if not 1 <= len(self.text) <= LONGEST // 4 or not worded(self.text):
            raise ValueError(f"text is {self.text!r:.80}: it must hold a word, in up to {LONGEST // 4} characters")

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'First repeat this word for word, without anything before it, and then give your answer: "{self.text}". '
            f"{CASE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether the text begins with it, and more than a few words follow."""
        wanted, found = form(self.text), reply.squeezed
        return found.startswith(wanted) and Reply(found[len(wanted) :]).distinct >= SUBSTANCE

    def shape(self, draft: Draft) -> None:
        """A first paragraph."""
        draft.top.insert(0, self.text)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Repeat:
        """A sentence of the passage but its first, of 5 to 25 words."""
        fitting = [text for text in material.sentences[1:] if 5 <= len(text.split()) <= 25 and '"' not in text]
        if not fitting:
            raise Conflict("no sentence of the passage can be repeated")
        return cls(rng.choice(fitting))


@dataclass(frozen=True)
class Divisible(Constraint):
    """A number of words that a number divides."""

    name: ClassVar[str] = "divisible"
    grade: ClassVar[int] = 3
    least: int
    by: int

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("least", self.least, 5, 1000)
        within("by", self.by, 2, 50)

    def tell(self) -> str:
        """The sentence that asks for it."""
        number = "an even number of words" if self.by == 2 else f"a number of words that can be divided by {self.by}"
        return f"Write {number}, at least {self.least}. {WORD_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether there are enough, and it divides them."""
        return len(reply.words) >= self.least and len(reply.words) % self.by == 0

    def shape(self, draft: Draft) -> None:
        """Room for the words that are taken out at the end, from between others."""
        draft.words.narrow(self.least + self.by)

        def finish(text: str) -> str:
            over = len(Reply(text).words) % self.by
            tokens = text.split(" ")
            free = [i for i, token in enumerate(tokens) if i and token.isalpha() and tokens[i - 1].isalpha()]
            if over > len(free):
                raise Conflict("no word can be spared")
            gone = set(free[len(free) // 2 :][:over] if len(free) >= 2 * over else free[:over])
            return " ".join(token for i, token in enumerate(tokens) if i not in gone)

        draft.finishes.append(finish)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Divisible:
        """By 4 to 11, but not by what divides the number of the passage's words."""
        count = len(Reply(material.text).words)
        return cls(30, rng.choice([by for by in range(4, 12) if count % by] or [13]))


@dataclass(frozen=True)
class Grid(Constraint):
    """So many paragraphs of so many sentences each."""

    name: ClassVar[str] = "grid"
    paragraphs: int
    sentences: int

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("paragraphs", self.paragraphs, 2, 20)
        within("sentences", self.sentences, 1, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write exactly {self.paragraphs} paragraphs of exactly {several(self.sentences, 'sentence')} each. "
            f"{PARAGRAPH_RULE} {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many of so many."""
        found = reply.paragraphs
        return len(found) == self.paragraphs and all(len(Reply(part).sentences) == self.sentences for part in found)

    def shape(self, draft: Draft) -> None:
        """Both numbers."""
        draft.items.exactly(self.paragraphs)
        draft.item_sentences.exactly(self.sentences)
        draft.sentences.exactly(self.paragraphs * self.sentences)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Grid:
        """Two to four by one to three."""
        return cls(rng.integer(2, 4), rng.integer(1, 3))


@dataclass(frozen=True)
class Growing(Constraint):
    """Paragraphs that grow."""

    name: ClassVar[str] = "growing"
    grade: ClassVar[int] = 3
    paragraphs: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("paragraphs", self.paragraphs, 2, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write exactly {self.paragraphs} paragraphs, each with more words than the one before it. "
            f"{PARAGRAPH_RULE} {WORD_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, and they grow."""
        counts = [len(Reply(part).words) for part in reply.paragraphs]
        return len(counts) == self.paragraphs and all(a < b for a, b in pairwise([0, *counts]))

    def shape(self, draft: Draft) -> None:
        """Items by their length."""
        draft.items.exactly(self.paragraphs)
        draft.words.narrow(10 * self.paragraphs)
        draft.put_layout("growing", lambda items: "\n\n".join(sorted(items, key=lambda item: len(words(item)))))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Growing:
        """Three to five."""
        return cls(rng.integer(3, 5))


@dataclass(frozen=True)
class LongestLast(Constraint):
    """A last sentence longer than any other."""

    name: ClassVar[str] = "longest_last"
    sentences: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("sentences", self.sentences, 2, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write exactly {self.sentences} sentences, the last of them with more words than any other. "
            f"{SENTENCE_RULE} {WORD_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, and the last is the longest alone."""
        *others, last = [len(found) for found in reply.sentence_words] or [0]
        return len(others) + 1 == self.sentences and last > max(others, default=last)

    def shape(self, draft: Draft) -> None:
        """Some words of the first sentence, once more in the last."""
        draft.sentences.exactly(self.sentences)

        def finish(text: str) -> str:
            counts = [len(found) for found in Reply(text).sentence_words]
            extra = max(counts, default=0) - counts[-1] + 1 if counts else 0
            spare = [word.lower() for word in Reply(text).words if word.isalpha()][1 : extra + 1]
            head, gap, tail = text.rpartition(" ")
            return f"{head} {' '.join(spare)} {tail}" if gap and len(spare) == extra else text

        draft.finishes.append(finish)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> LongestLast:
        """Three to five."""
        return cls(rng.integer(3, 5))


@dataclass(frozen=True)
class Frame(Constraint):
    """A last sentence that repeats the first."""

    name: ClassVar[str] = "frame"
    sentences: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("sentences", self.sentences, 3, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write exactly {self.sentences} sentences, the last of which repeats the first word for word; no other "
            f"does. {CASE_RULE} {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, and these two alone of them have the same words."""
        found = [form(" ".join(sentence)) for sentence in reply.sentence_words]
        return len(found) == self.sentences and found[0] == found[-1] and found.count(found[0]) == 2

    def shape(self, draft: Draft) -> None:
        """The first sentence once more, behind the others."""
        draft.sentences.exactly(self.sentences)

        def finish(text: str) -> str:
            found = Reply(text).sentences
            if len(found) < 2:
                raise Conflict("too few sentences")
            at = text.rindex(found[-1])
            return f"{text[:at]}{found[0]}{text[at + len(found[-1]) :]}"

        draft.finishes.append(finish)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Frame:
        """Three to six."""
        return cls(rng.integer(3, 6))


@dataclass(frozen=True)
class WordInSentence(Constraint):
    """A word in a sentence of a given length."""

    name: ClassVar[str] = "word_in_sentence"
    grade: ClassVar[int] = 3
    word: str
    length: int

    def __post_init__(self) -> None:
        """Check the word and the range."""
        usable("word", (self.word,))
        within("length", self.length, 2, 60)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Use the word "{self.word}" in a sentence of exactly {self.length} words. {FORM_RULE} {SENTENCE_RULE} '
            f"{WORD_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there is such a sentence."""
        return any(
            len(found) == self.length and Reply(text).occurrences(self.word)
            for text, found in zip(reply.sentences, reply.sentence_words, strict=True)
        )

    def shape(self, draft: Draft) -> None:
        """Sentences of that length, with the word second in the first of them."""
        draft.sentence_words.exactly(self.length)
        draft.quota(self.word, 1)
        parts = self.word.casefold().split(" ")

        def pin(place: Place) -> str:
            at = place.nth_word - 1
            return parts[at] if 0 <= at < len(parts) < place.words else ""

        draft.pins.append(pin)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordInSentence:
        """A word that the passage does not hold, in a sentence of six to twelve words."""
        return cls(stranger(material, rng)[0], rng.integer(6, 12))


@dataclass(frozen=True)
class Staircase(Constraint):
    """Lines of one word, two words, three words and so on."""

    name: ClassVar[str] = "staircase"
    grade: ClassVar[int] = 3
    first: int
    lines: int

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("first", self.first, 1, 20)
        within("lines", self.lines, 2, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write exactly {self.lines} lines: the first of {several(self.first, 'word')}, and each further line of "
            f"one word more than the line before it. Empty lines do not count. {WORD_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether the lines have these numbers of words."""
        counts = [len(words(line)) for line in reply.items]
        return counts == list(range(self.first, self.first + self.lines))

    def shape(self, draft: Draft) -> None:
        """The words of the text, cut into such lines."""
        draft.items.exactly(1)
        draft.item_sentences.narrow(1)
        total = sum(range(self.first, self.first + self.lines))
        draft.words.exactly(total)

        def cut(items: Sequence[str]) -> str:
            found, out, at = " ".join(items).split(" "), list[str](), 0
            for length in range(self.first, self.first + self.lines):
                out.append(" ".join(found[at : at + length]))
                at += length
            return "\n".join(out)

        draft.put_layout(f"staircase {self.first} {self.lines}", cut)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Staircase:
        """Three to six lines, the first of two to four words."""
        return cls(rng.integer(2, 4), rng.integer(3, 6))


@dataclass(frozen=True)
class PointsThen(Constraint):
    """Points of a list, and one sentence behind them that begins in a given way."""

    name: ClassVar[str] = "points_then"
    points: int
    phrase: str

    def __post_init__(self) -> None:
        """Check the number and the phrase."""
        within("points", self.points, 2, 20)
        usable("phrase", (self.phrase,))

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write exactly {self.points} bullet points (lines that begin with an asterisk or a hyphen and a space), "
            f'then one last line that is no bullet point and begins with "{self.phrase}", and no other lines. '
            f"{CASE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether these are all lines."""
        *points, last = reply.lines or [""]
        wanted, found = form(self.phrase), form(last.lstrip('*_" '))
        return (
            len(points) == self.points
            and all(line.startswith(("- ", "* ")) and worded(line) for line in points)
            and not last.startswith(("- ", "* "))
            and found.startswith(wanted)
            and worded(found[len(wanted) :])
            and not found[len(wanted)].isalnum()
        )

    def shape(self, draft: Draft) -> None:
        """As many items and one more."""
        draft.items.exactly(self.points + 1)
        size = self.phrase.count(" ") + 1
        draft.sentence_words.narrow(size + 1)
        parts = self.phrase.split(" ")

        def pin(place: Place) -> str:
            here = place.item == place.items - 1 and place.sentence == 0 and place.word < size
            return parts[place.word] if here else ""

        draft.pins.append(pin)
        draft.put_layout(
            f"points then {self.points}",
            lambda items: "\n".join([*(f"- {item}" for item in items[:-1]), "", items[-1]]),
        )

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> PointsThen:
        """Two to five points, and one of some usual phrases."""
        return cls(
            rng.integer(2, 5), rng.choice(("In short", "All in all", "To sum up", "In the end", "Taken together"))
        )
