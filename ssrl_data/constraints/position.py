"""What stands at a given place of a text: at its beginning and end, in its lines, sentences and paragraphs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from ssrl_data.constraints.keywords import CASE_RULE, ordinal, stranger, usable
from ssrl_data.constraints.length import PARAGRAPH_RULE, SENTENCE_RULE, WORD_RULE
from ssrl_data.instruct.constraint import Conflict, Constraint, within
from ssrl_data.instruct.draft import Draft, Place
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply, form, words
from ssrl_data.rng import Rng

_TOKEN = re.compile(r"\S+")
_QUOTING = "\"'*_»”’ \n"
_CLOSING = ".!?…\"'*_)»”’ \n"


def opens_with(text: str, phrase: str) -> bool:
    """Whether a text begins with a word or phrase that ends there; quotation marks and asterisks may stand before."""
    found, wanted = form(text.lstrip("\"'“‘*_ \n")), form(phrase)
    return found.startswith(wanted) and not (wanted[-1:].isalnum() and found[len(wanted) : len(wanted) + 1].isalnum())


def closes_with(text: str, phrase: str) -> bool:
    """Whether a text ends with a word or phrase that begins there; marks that end sentences may stand behind it."""
    wanted = form(phrase)
    for given in (text, text.rstrip(_QUOTING), text.rstrip(_CLOSING)):
        found = form(given)
        before = found[-len(wanted) - 1 : -len(wanted)]
        if found.endswith(wanted) and not (before.isalnum() and wanted[:1].isalnum()):
            return True
    return False


def _pinned(phrase: str, start: Callable[[Place], int | None]) -> Callable[[Place], str]:
    """A pin that puts the words of a phrase where they stand; `start` gives a place's number in it, if it has one."""
    parts = phrase.split(" ")

    def pin(place: Place) -> str:
        at = start(place)
        return parts[at] if at is not None and 0 <= at < len(parts) else ""

    return pin


@dataclass(frozen=True)
class Begin(Constraint):
    """The first words of the text."""

    name: ClassVar[str] = "begin"
    grade: ClassVar[int] = 1
    phrase: str

    def __post_init__(self) -> None:
        """Check the phrase."""
        usable("phrase", (self.phrase,))

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Begin your answer with "{self.phrase}". {CASE_RULE}'

    def holds(self, reply: Reply) -> bool:
        """Whether it begins so."""
        return opens_with(reply.text, self.phrase)

    def shape(self, draft: Draft) -> None:
        """The first places."""
        size = self.phrase.count(" ") + 1
        draft.sentence_words.narrow(size + 1)
        draft.pins.append(_pinned(self.phrase, lambda place: place.nth_word if place.nth_sentence == 0 else None))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Begin:
        """One to three words that the passage does not hold."""
        return cls(" ".join(stranger(material, rng, rng.integer(1, 3))))


@dataclass(frozen=True)
class End(Constraint):
    """The last words of the text."""

    name: ClassVar[str] = "end"
    grade: ClassVar[int] = 1
    phrase: str

    def __post_init__(self) -> None:
        """Check the phrase."""
        usable("phrase", (self.phrase,))

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'End your answer with "{self.phrase}", and no other words after it. {CASE_RULE} '
            "A mark that ends a sentence or a quotation may follow."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether it ends so."""
        return closes_with(reply.text, self.phrase)

    def shape(self, draft: Draft) -> None:
        """The last places."""
        size = self.phrase.count(" ") + 1
        draft.sentence_words.narrow(size + 1)
        draft.pins.append(
            _pinned(self.phrase, lambda place: place.word - place.words + size if place.ends else None),
        )

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> End:
        """One to three words that the passage does not hold."""
        return cls(" ".join(stranger(material, rng, rng.integer(1, 3))))


@dataclass(frozen=True)
class ParagraphBegins(Constraint):
    """The first word of one of several paragraphs."""

    name: ClassVar[str] = "paragraph_begins"
    paragraphs: int
    number: int
    word: str

    def __post_init__(self) -> None:
        """Check the numbers and the word."""
        within("paragraphs", self.paragraphs, 1, 50)
        within("number", self.number, 1, self.paragraphs)
        usable("word", (self.word,))

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write exactly {self.paragraphs} paragraph{'s'[: self.paragraphs > 1]}, and begin the "
            f'{ordinal(self.number)} one with "{self.word}". {CASE_RULE} {PARAGRAPH_RULE}'
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, and that one begins so."""
        found = reply.paragraphs
        return len(found) == self.paragraphs and opens_with(found[self.number - 1], self.word)

    def shape(self, draft: Draft) -> None:
        """The number of paragraphs, and the first places of one."""
        draft.items.exactly(self.paragraphs)
        draft.sentence_words.narrow(self.word.count(" ") + 2)
        draft.pins.append(
            _pinned(
                self.word, lambda place: place.word if (place.item, place.sentence) == (self.number - 1, 0) else None
            )
        )

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> ParagraphBegins:
        """Two to five paragraphs."""
        count = rng.integer(2, 5)
        return cls(count, rng.integer(1, count), stranger(material, rng)[0])


@dataclass(frozen=True)
class SentenceBegins(Constraint):
    """The first word of one sentence."""

    name: ClassVar[str] = "sentence_begins"
    number: int
    word: str

    def __post_init__(self) -> None:
        """Check the number and the word."""
        within("number", self.number, 1, 20)
        usable("word", (self.word,))

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Begin the {ordinal(self.number)} sentence of your answer with "{self.word}". {CASE_RULE} {SENTENCE_RULE}'
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there is such a sentence, and it begins so."""
        found = reply.sentences
        return len(found) >= self.number and opens_with(found[self.number - 1], self.word)

    def shape(self, draft: Draft) -> None:
        """The first places of one sentence."""
        draft.sentences.narrow(self.number)
        draft.sentence_words.narrow(self.word.count(" ") + 2)
        draft.pins.append(
            _pinned(self.word, lambda place: place.word if place.nth_sentence == self.number - 1 else None)
        )

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentenceBegins:
        """The second to the fifth."""
        return cls(rng.integer(2, 5), stranger(material, rng)[0])


@dataclass(frozen=True)
class SentencesBegin(Constraint):
    """The first word of every sentence."""

    name: ClassVar[str] = "sentences_begin"
    word: str
    sentences: int

    def __post_init__(self) -> None:
        """Check the number and the word."""
        usable("word", (self.word,))
        within("sentences", self.sentences, 2, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Write at least {self.sentences} sentences, and begin every one of them with "{self.word}". '
            f"{CASE_RULE} {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, and all begin so."""
        found = reply.sentences
        return len(found) >= self.sentences and all(opens_with(sentence, self.word) for sentence in found)

    def shape(self, draft: Draft) -> None:
        """The first places of all sentences."""
        draft.sentences.narrow(self.sentences)
        draft.sentence_words.narrow(self.word.count(" ") + 3)
        draft.pins.append(_pinned(self.word, lambda place: place.word))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentencesBegin:
        """Three to five sentences."""
        return cls(stranger(material, rng)[0], rng.integer(3, 5))


@dataclass(frozen=True)
class SentencesEnd(Constraint):
    """The last word of every sentence."""

    name: ClassVar[str] = "sentences_end"
    word: str
    sentences: int

    def __post_init__(self) -> None:
        """Check the number and the word."""
        usable("word", (self.word,))
        within("sentences", self.sentences, 2, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Write at least {self.sentences} sentences, and let "{self.word}" be the last word of every one of them. '
            f"{CASE_RULE} {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, and all end so."""
        found = reply.sentences
        return len(found) >= self.sentences and all(closes_with(sentence, self.word) for sentence in found)

    def shape(self, draft: Draft) -> None:
        """The last places of all sentences."""
        size = self.word.count(" ") + 1
        draft.sentences.narrow(self.sentences)
        draft.sentence_words.narrow(size + 2)
        draft.pins.append(_pinned(self.word, lambda place: place.word - place.words + size))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentencesEnd:
        """Three to five sentences."""
        return cls(stranger(material, rng)[0], rng.integer(3, 5))


@dataclass(frozen=True)
class LinesBegin(Constraint):
    """What every line begins with."""

    name: ClassVar[str] = "lines_begin"
    word: str
    lines: int

    def __post_init__(self) -> None:
        """Check the number and the word."""
        usable("word", (self.word,))
        within("lines", self.lines, 2, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Write at least {self.lines} lines, and begin every line with "{self.word}". {CASE_RULE} '
            "Empty lines do not count."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, and all begin so."""
        return len(reply.lines) >= self.lines and all(opens_with(line, self.word) for line in reply.lines)

    def shape(self, draft: Draft) -> None:
        """The first places of all paragraphs, of a line each."""
        draft.items.narrow(self.lines)
        draft.sentence_words.narrow(self.word.count(" ") + 2)
        draft.pins.append(_pinned(self.word, lambda place: place.word if place.sentence == 0 else None))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> LinesBegin:
        """Two to four lines."""
        return cls(stranger(material, rng)[0], rng.integer(2, 4))


@dataclass(frozen=True)
class NthWord(Constraint):
    """The word of a given number."""

    name: ClassVar[str] = "nth_word"
    grade: ClassVar[int] = 3
    number: int
    word: str

    def __post_init__(self) -> None:
        """Check the number and the word."""
        within("number", self.number, 1, 200)
        usable("word", (self.word,))
        if len(words(self.word)) != 1:
            raise ValueError(f"word is {self.word!r:.80}: it must be one word")

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Let the {ordinal(self.number)} word of your answer be "{self.word}". {CASE_RULE} {WORD_RULE}'

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many words, and this is the one there."""
        found = reply.words
        return len(found) >= self.number and form(found[self.number - 1]) == form(self.word)

    def shape(self, draft: Draft) -> None:
        """One place."""
        draft.words.narrow(self.number)
        draft.pins.append(lambda place: self.word.casefold() if place.nth_word == self.number - 1 else "")

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> NthWord:
        """The third to the twentieth."""
        return cls(rng.integer(3, 20), stranger(material, rng)[0])


@dataclass(frozen=True)
class SameEnds(Constraint):
    """One word at the beginning and at the end."""

    name: ClassVar[str] = "same_ends"

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Let the first and the last word of your answer be the same word. {CASE_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether they are the same."""
        found = reply.words
        return len(found) > 1 and form(found[0]) == form(found[-1])

    def shape(self, draft: Draft) -> None:
        """Put the first word in place of the last."""

        def finish(text: str) -> str:
            tokens = [found for found in _TOKEN.finditer(text) if words(found[0])]
            if len(tokens) < 2:
                raise Conflict("too few words")
            first, last = words(tokens[0][0])[0], tokens[-1]
            start = last.start() + last[0].index(words(last[0])[0])
            end = start + len(words(last[0])[0])
            return text[:start] + first.lower() + text[end:]

        draft.finishes.append(finish)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SameEnds:
        """It has no parameters."""
        return cls()


@dataclass(frozen=True)
class LastSentence(Constraint):
    """The whole of the last sentence."""

    name: ClassVar[str] = "last_sentence"
    grade: ClassVar[int] = 1
    text: str

    def __post_init__(self) -> None:
        """Check that it is one sentence with its end."""
        if not 0 < len(self.text) <= 200 or Reply(self.text).sentences != [self.text] or self.text[-1] not in ".!?":
            raise ValueError(f"text is {self.text!r:.80}: it must be one sentence with the mark that ends it")

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Let the last sentence of your answer be exactly this, after at least one other: "{self.text}".'

    def holds(self, reply: Reply) -> bool:
        """Whether there are others before it, and it is the last, letter by letter."""
        found = reply.sentences
        return len(found) > 1 and " ".join(found[-1].split()) == Reply(self.text).text

    def shape(self, draft: Draft) -> None:
        """A last paragraph."""
        draft.bottom.append(self.text)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> LastSentence:
        """A sentence with two words that the passage does not hold."""
        first, second = stranger(material, rng, 2)
        return cls(
            rng.choice(
                (
                    f"So much for {first} and {second}.",
                    f"That leaves {first} for another day, and {second} as well.",
                    f"And what of {first} or {second}?",
                    f"Now for {first}, without {second}!",
                )
            )
        )
