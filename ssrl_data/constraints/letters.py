"""Which letters a text holds, and its words begin or end with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import ClassVar

from ssrl_data.constraints.length import SENTENCE_RULE, WORD_RULE
from ssrl_data.instruct.bounds import AtLeast, AtMost, several, times
from ssrl_data.instruct.constraint import Conflict, Constraint, within
from ssrl_data.instruct.draft import WORDS, Draft, Place, Range
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply
from ssrl_data.rng import Rng

CASE_RULE = "Upper and lower case count alike; letters with accents are others."
MOST = 2000


def one_letter(letter: str) -> None:
    """Raise ValueError unless it is one small letter without another case form of more letters."""
    if len(letter) != 1 or not letter.isalpha() or letter != letter.casefold():
        raise ValueError(f"letter is {letter!r:.80}: it must be one small letter")


def opening_letters(openers: Iterable[str]) -> list[str]:
    """The first character of each word."""
    return [word[:1] for word in openers]


def letters_in(word: str) -> int:
    """How many letters a word has; its other signs do not count."""
    return len(word) if word.isalpha() else sum(map(str.isalpha, word))


def _letters_of(material: Material, least: int) -> list[str]:
    """Letters with which at least so many words of the lexicon begin."""
    starts = [word[0] for word in material.lexicon]
    return [letter for letter in ascii_lowercase if starts.count(letter) >= least]


@dataclass(frozen=True)
class LetterAtLeast(AtLeast):
    """One letter at least so many times."""

    name: ClassVar[str] = "letter_at_least"
    span: ClassVar[tuple[int, int]] = (1, MOST)
    letter: str

    def __post_init__(self) -> None:
        """Check the letter and the range."""
        super().__post_init__()
        one_letter(self.letter)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Use the letter "{self.letter}" at least {times(self.least)} in all. {CASE_RULE}'

    def counts(self, reply: Reply) -> Sequence[int]:
        """The times."""
        return [reply.letters[self.letter]]

    def shape(self, draft: Draft) -> None:
        """A weight of each word."""
        draft.weights.append((lambda word: word.count(self.letter), Range(self.least, 10 * WORDS)))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> LetterAtLeast:
        """A letter of which some twenty words hold about one: five to nine of them."""
        return cls(rng.integer(5, 9), rng.choice("bfkpvw"))


@dataclass(frozen=True)
class LetterAtMost(AtMost):
    """One letter at most so many times."""

    name: ClassVar[str] = "letter_at_most"
    grade: ClassVar[int] = 3
    span: ClassVar[tuple[int, int]] = (1, MOST)
    letter: str

    def __post_init__(self) -> None:
        """Check the letter and the range."""
        super().__post_init__()
        one_letter(self.letter)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Write at least 20 words, and use the letter "{self.letter}" at most {times(self.most)} in all. '
            f"{CASE_RULE}"
        )

    def counts(self, reply: Reply) -> Sequence[int]:
        """The times; nothing of fewer than 20 words."""
        return [reply.letters[self.letter]] if len(reply.words) >= 20 else []

    def shape(self, draft: Draft) -> None:
        """A weight of each word."""
        draft.words.narrow(20)
        draft.weights.append((lambda word: word.count(self.letter), Range(0, self.most)))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> LetterAtMost:
        """A frequent letter, of which 20 words hold ten or more: three to six of them."""
        return cls(rng.integer(3, 6), rng.choice("aeinorst"))


@dataclass(frozen=True)
class LetterNever(Constraint):
    """A text without one letter: a lipogram."""

    name: ClassVar[str] = "never"
    grade: ClassVar[int] = 3
    letter: str

    def __post_init__(self) -> None:
        """Check the letter."""
        one_letter(self.letter)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Write at least 12 words, and nowhere the letter "{self.letter}". {CASE_RULE}'

    def holds(self, reply: Reply) -> bool:
        """Whether twelve words do without it."""
        return len(reply.words) >= 12 and self.letter not in reply.folded

    def shape(self, draft: Draft) -> None:
        """No word that holds it."""
        draft.words.narrow(12)
        draft.demands.append(lambda _, word: self.letter not in word)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> LetterNever:
        """A letter that is not rare, so that an answer does not lack it by chance."""
        return cls(rng.choice("acdehilmnorstu"))


class WordLettersAtMost(AtMost):
    """No word of more than so many letters."""

    name: ClassVar[str] = "word_letters_at_most"
    grade: ClassVar[int] = 3
    span: ClassVar[tuple[int, int]] = (2, 30)
    fewest: ClassVar[int] = 12

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write at least 12 words, none with more than {self.most} letters. {WORD_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The letters of each word."""
        return list(map(letters_in, reply.words))

    def shape(self, draft: Draft) -> None:
        """Short words alone."""
        draft.words.narrow(self.fewest)
        draft.demands.append(lambda _, word: len(word) <= self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordLettersAtMost:
        """Four to seven."""
        return cls(rng.integer(4, 7))


@dataclass(frozen=True)
class LongWordsAtLeast(AtLeast):
    """At least so many words of so many letters or more."""

    name: ClassVar[str] = "long_words_at_least"
    grade: ClassVar[int] = 2
    span: ClassVar[tuple[int, int]] = (1, 200)
    letters: int

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        within("letters", self.letters, 2, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Use at least {several(self.least, 'different word')} of {self.letters} or more letters. Signs in a word, "
            "such as hyphens, are no letters."
        )

    def counts(self, reply: Reply) -> Sequence[int]:
        """The different words that are so long."""
        return [sum(letters_in(word) >= self.letters for word in reply.counts)]

    def shape(self, draft: Draft) -> None:
        """A weight of each word, of which none stands there twice."""
        draft.words.narrow(self.least + 5)
        draft.repeats.append(lambda word: 1 if len(word) >= self.letters else WORDS)
        draft.weights.append((lambda word: len(word) >= self.letters, Range(self.least, WORDS)))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> LongWordsAtLeast:
        """Three to eight words of seven to ten letters, where there are so many to use."""
        least = rng.integer(3, 8)
        known = [sum(len(word) >= n for word in material.lexicon) for n in range(7, 11)]
        return cls(least, rng.choice([n for n, words in enumerate(known, 7) if words >= least + 4]))


@dataclass(frozen=True)
class SentencesBegin(Constraint):
    """Every sentence begins with one letter."""

    name: ClassVar[str] = "sentences_begin"
    letter: str

    def __post_init__(self) -> None:
        """Check the letter."""
        one_letter(self.letter)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Write three or more sentences, and begin each with the letter "{self.letter}". {SENTENCE_RULE}'

    def holds(self, reply: Reply) -> bool:
        """Whether three sentences or more do, and all."""
        return len(reply.openers) >= 3 and set(opening_letters(reply.openers)) == {self.letter}

    def shape(self, draft: Draft) -> None:
        """A demand on first words."""
        draft.sentences.narrow(3)
        draft.demands.append(lambda place, word: not place.opens or word[0] == self.letter)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentencesBegin:
        """A letter with which many words begin, but not most sentences."""
        return cls(rng.choice([letter for letter in _letters_of(material, 12) if letter not in "ait"]))


@dataclass(frozen=True)
class Acrostic(Constraint):
    """The first letters of the sentences spell a word."""

    name: ClassVar[str] = "acrostic"
    grade: ClassVar[int] = 3
    word: str

    def __post_init__(self) -> None:
        """Check the word."""
        if not 3 <= len(self.word) <= 20 or not self.word.isalpha() or self.word != self.word.casefold():
            raise ValueError(f"word is {self.word!r:.80}: it must be of 3 to 20 small letters")

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write exactly {len(self.word)} sentences, the first letters of which, in order, spell the word "
            f'"{self.word}". {SENTENCE_RULE}'
        )

    def holds(self, reply: Reply) -> bool:
        """Whether they spell it, and nothing more."""
        return "".join(opening_letters(reply.openers)) == self.word

    def shape(self, draft: Draft) -> None:
        """A demand on first words."""
        draft.sentences.exactly(len(self.word))
        draft.demands.append(self._fits)

    def _fits(self, place: Place, word: str) -> bool:
        return not place.opens or word[0] == self.word[place.nth_sentence]

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Acrostic:
        """A word of the passage of four to six letters with each of which some words begin."""
        known = set(_letters_of(material, 4))
        return cls(_some(rng, [term for term in material.terms if 4 <= len(term) <= 6 and known.issuperset(term)]))


@dataclass(frozen=True)
class WordsBeginAtLeast(AtLeast):
    """At least so many words that begin with one letter."""

    name: ClassVar[str] = "words_begin_at_least"
    grade: ClassVar[int] = 2
    span: ClassVar[tuple[int, int]] = (1, 500)
    letter: str

    def __post_init__(self) -> None:
        """Check the letter and the range."""
        super().__post_init__()
        one_letter(self.letter)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Use at least {several(self.least, "word")} that begin with the letter "{self.letter}". {CASE_RULE}'

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words that do."""
        return [sum(n for word, n in reply.counts.items() if word.startswith(self.letter))]

    def shape(self, draft: Draft) -> None:
        """A weight of each word."""
        draft.words.narrow(self.least)
        draft.weights.append((lambda word: word.startswith(self.letter), Range(self.least, WORDS)))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordsBeginAtLeast:
        """Six to twelve, with a letter with which some words begin."""
        return cls(
            rng.integer(6, 12), rng.choice([letter for letter in _letters_of(material, 12) if letter not in "ait"])
        )


@dataclass(frozen=True)
class WordsBeginNever(Constraint):
    """No word begins with one letter."""

    name: ClassVar[str] = "words_begin_never"
    grade: ClassVar[int] = 3
    letter: str

    def __post_init__(self) -> None:
        """Check the letter."""
        one_letter(self.letter)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Write at least 20 words, none of which begins with the letter "{self.letter}", be it small or a capital. '
            f"{WORD_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether twenty words or more do not, nor any other."""
        return len(reply.words) >= 20 and not any(word.startswith(self.letter) for word in reply.counts)

    def shape(self, draft: Draft) -> None:
        """A demand on words."""
        draft.words.narrow(20)
        draft.demands.append(lambda _, word: word[0] != self.letter)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordsBeginNever:
        """A letter with which many words begin."""
        return cls(rng.choice("abcfhimopstw"))


@dataclass(frozen=True)
class WordsEndAtLeast(AtLeast):
    """At least so many words that end with one letter."""

    name: ClassVar[str] = "words_end_at_least"
    grade: ClassVar[int] = 3
    span: ClassVar[tuple[int, int]] = (1, 500)
    letter: str

    def __post_init__(self) -> None:
        """Check the letter and the range."""
        super().__post_init__()
        one_letter(self.letter)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Use at least {several(self.least, "different word")} whose last letter is "{self.letter}". {CASE_RULE}'

    def counts(self, reply: Reply) -> Sequence[int]:
        """The different words that do."""
        return [sum(word.endswith(self.letter) for word in reply.counts)]

    def shape(self, draft: Draft) -> None:
        """A weight of each word, of which none stands there twice."""
        draft.words.narrow(self.least)
        draft.repeats.append(lambda word: 1 if word.endswith(self.letter) else WORDS)
        draft.weights.append((lambda word: word.endswith(self.letter), Range(self.least, WORDS)))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordsEndAtLeast:
        """Five to nine, with a letter with which some words end, but few as a matter of course."""
        endings = [word[-1] for word in material.lexicon]
        return cls(rng.integer(5, 9), _some(rng, [letter for letter in "ghklmpwy" if endings.count(letter) >= 15]))


def _some(rng: Rng, choices: Sequence[str]) -> str:
    if not choices:
        raise Conflict("the passage gives no word or letter for it")
    return rng.choice(choices)
