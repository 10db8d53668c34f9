"""How long a text is, and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ssrl_data.instruct.bounds import AtLeast, AtMost, Between, Exactly, several
from ssrl_data.instruct.draft import Draft
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply, words
from ssrl_data.rng import Rng

MOST_WORDS = 5000
WORD_RULE = (
    "Words are what stands between spaces, so don't and state-of-the-art are one word each; signs alone and the "
    "numbers of a list are none."
)
SENTENCE_RULE = (
    "A sentence ends at a full stop, question mark or exclamation mark before a space, a closing quotation mark or a "
    "closing bracket, and at the end of a line."
)
PARAGRAPH_RULE = "Paragraphs have an empty line between them."
FLOOR = 12
"""Different words that a text must hold where only too much is told of: a refusal is short, and must not pass."""
FLOOR_RULE = f"Use at least {FLOOR} different words."
CHARACTER_RULE = "Spaces and line breaks count as characters."


class WordsAtLeast(AtLeast):
    """At least so many words."""

    name: ClassVar[str] = "words_at_least"
    grade: ClassVar[int] = 1
    span: ClassVar[tuple[int, int]] = (5, MOST_WORDS)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write at least {self.least} words. {WORD_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words."""
        return [len(reply.words)]

    def shape(self, draft: Draft) -> None:
        """A lower bound."""
        draft.words.narrow(self.least)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordsAtLeast:
        """Multiples of ten, from 20 to 90."""
        return cls(10 * rng.integer(2, 9))


class WordsAtMost(AtMost):
    """At most so many words, and not next to none."""

    name: ClassVar[str] = "words_at_most"
    grade: ClassVar[int] = 1
    span: ClassVar[tuple[int, int]] = (5, MOST_WORDS)

    @property
    def floor(self) -> int:
        """Different words that there must be: a dozen, of few words about half."""
        return min(FLOOR, max(5, self.most // 2))

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write at most {self.most} words, but at least {self.floor} different ones. {WORD_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words, if enough of them are different."""
        return [len(reply.words)] if reply.distinct >= self.floor else []

    def shape(self, draft: Draft) -> None:
        """Both bounds."""
        draft.words.narrow(min(self.floor + 2, self.most), self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordsAtMost:
        """Multiples of five, from 25 to 70, where answers are usually longer."""
        return cls(5 * rng.integer(5, 14))


class WordsBetween(Between):
    """From so many to so many words."""

    name: ClassVar[str] = "words_between"
    span: ClassVar[tuple[int, int]] = (5, MOST_WORDS)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write {self.least} to {self.most} words. {WORD_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words."""
        return [len(reply.words)]

    def shape(self, draft: Draft) -> None:
        """Both bounds."""
        draft.words.narrow(self.least, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordsBetween:
        """Twenty words of room, wider than rules of counting differ by on such texts."""
        least = 5 * rng.integer(5, 20)
        return cls(least, least + 20)


class WordsExactly(Exactly):
    """Exactly so many words, written so that every rule of counting finds the same number."""

    name: ClassVar[str] = "words_exactly"
    grade: ClassVar[int] = 3
    span: ClassVar[tuple[int, int]] = (5, 200)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write exactly {self.number} words, in letters alone: no digits, hyphens or apostrophes in them, and no "
            "signs that stand alone between spaces."
        )

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words; none where one is not of letters alone, or something else stands between spaces."""
        tokens = reply.text.split()
        plain = len(tokens) == len(reply.words) and all(map(str.isalpha, reply.words))
        return [len(tokens)] if plain and all(len(words(token)) == 1 for token in tokens) else []

    def shape(self, draft: Draft) -> None:
        """One number."""
        draft.words.exactly(self.number)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordsExactly:
        """Twelve to forty."""
        return cls(rng.integer(12, 40))


class SentencesAtLeast(AtLeast):
    """At least so many sentences."""

    name: ClassVar[str] = "sentences_at_least"
    grade: ClassVar[int] = 1
    span: ClassVar[tuple[int, int]] = (2, 100)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write at least {self.least} sentences. {SENTENCE_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The sentences."""
        return [len(reply.sentences)]

    def shape(self, draft: Draft) -> None:
        """A lower bound."""
        draft.sentences.narrow(self.least)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentencesAtLeast:
        """Four to ten."""
        return cls(rng.integer(4, 10))


class SentencesAtMost(AtMost):
    """At most so many sentences."""

    name: ClassVar[str] = "sentences_at_most"
    grade: ClassVar[int] = 1
    substance: ClassVar[int] = FLOOR
    span: ClassVar[tuple[int, int]] = (1, 100)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write at most {several(self.most, 'sentence')}. {FLOOR_RULE} {SENTENCE_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The sentences."""
        return [len(reply.sentences)]

    def shape(self, draft: Draft) -> None:
        """An upper bound."""
        draft.sentences.narrow(0, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentencesAtMost:
        """Two to five, where answers usually have more."""
        return cls(rng.integer(2, 5))


class SentencesExactly(Exactly):
    """Exactly so many sentences."""

    name: ClassVar[str] = "sentences_exactly"
    span: ClassVar[tuple[int, int]] = (1, 50)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write exactly {several(self.number, 'sentence')}. {SENTENCE_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The sentences."""
        return [len(reply.sentences)]

    def shape(self, draft: Draft) -> None:
        """One number."""
        draft.sentences.exactly(self.number)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentencesExactly:
        """Two to seven."""
        return cls(rng.integer(2, 7))


class ParagraphsExactly(Exactly):
    """Exactly so many paragraphs."""

    name: ClassVar[str] = "paragraphs_exactly"
    grade: ClassVar[int] = 1
    span: ClassVar[tuple[int, int]] = (1, 50)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write exactly {several(self.number, 'paragraph')}. {PARAGRAPH_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The paragraphs."""
        return [len(reply.paragraphs)]

    def shape(self, draft: Draft) -> None:
        """One number."""
        draft.items.exactly(self.number)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> ParagraphsExactly:
        """Two to six."""
        return cls(rng.integer(2, 6))


class ParagraphsBetween(Between):
    """From so many to so many paragraphs."""

    name: ClassVar[str] = "paragraphs_between"
    grade: ClassVar[int] = 1
    span: ClassVar[tuple[int, int]] = (1, 50)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write {self.least} to {self.most} paragraphs. {PARAGRAPH_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The paragraphs."""
        return [len(reply.paragraphs)]

    def shape(self, draft: Draft) -> None:
        """Both bounds."""
        draft.items.narrow(self.least, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> ParagraphsBetween:
        """Two to three, up to five to six."""
        least = rng.integer(2, 5)
        return cls(least, least + 1)


class LinesExactly(Exactly):
    """Exactly so many lines."""

    name: ClassVar[str] = "lines_exactly"
    grade: ClassVar[int] = 1
    span: ClassVar[tuple[int, int]] = (1, 100)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write exactly {several(self.number, 'line')}. Only line breaks that you write begin a new line; "
            "empty ones do not count."
        )

    def counts(self, reply: Reply) -> Sequence[int]:
        """The lines that are not empty."""
        return [len(reply.lines)]

    def shape(self, draft: Draft) -> None:
        """A line is a paragraph of its own."""
        draft.items.exactly(self.number)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> LinesExactly:
        """Three to eight."""
        return cls(rng.integer(3, 8))


class CharactersAtMost(AtMost):
    """At most so many characters."""

    name: ClassVar[str] = "characters_at_most"
    substance: ClassVar[int] = FLOOR
    span: ClassVar[tuple[int, int]] = (100, 20_000)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write at most {self.most} characters. {FLOOR_RULE} {CHARACTER_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The characters."""
        return [len(reply.text)]

    def shape(self, draft: Draft) -> None:
        """An upper bound."""
        draft.characters.narrow(0, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> CharactersAtMost:
        """Multiples of 20, from 180 to 400, where answers are usually longer."""
        return cls(20 * rng.integer(9, 20))


class CharactersBetween(Between):
    """From so many to so many characters."""

    name: ClassVar[str] = "characters_between"
    grade: ClassVar[int] = 3
    span: ClassVar[tuple[int, int]] = (20, 20_000)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write {self.least} to {self.most} characters. {CHARACTER_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The characters."""
        return [len(reply.text)]

    def shape(self, draft: Draft) -> None:
        """Both bounds."""
        draft.characters.narrow(self.least, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> CharactersBetween:
        """Eighty characters of room, from 200."""
        least = 20 * rng.integer(10, 35)
        return cls(least, least + 80)


class SentenceWordsAtMost(AtMost):
    """No sentence of more than so many words."""

    name: ClassVar[str] = "sentence_words_at_most"
    span: ClassVar[tuple[int, int]] = (2, 100)
    fewest: ClassVar[int] = 3

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write three or more sentences, none of more than {self.most} words. {WORD_RULE} {SENTENCE_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words of each sentence."""
        return list(map(len, reply.sentence_words))

    def shape(self, draft: Draft) -> None:
        """An upper bound for each."""
        draft.sentences.narrow(self.fewest)
        draft.sentence_words.narrow(0, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentenceWordsAtMost:
        """Six to twelve, where sentences are usually longer."""
        return cls(rng.integer(6, 12))


class SentenceWordsBetween(Between):
    """Every sentence of so many to so many words."""

    name: ClassVar[str] = "sentence_words_between"
    grade: ClassVar[int] = 3
    span: ClassVar[tuple[int, int]] = (2, 100)
    fewest: ClassVar[int] = 3

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write three or more sentences, each of {self.least} to {self.most} words. {WORD_RULE} {SENTENCE_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words of each sentence."""
        return list(map(len, reply.sentence_words))

    def shape(self, draft: Draft) -> None:
        """Both bounds for each."""
        draft.sentences.narrow(self.fewest)
        draft.sentence_words.narrow(self.least, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentenceWordsBetween:
        """Five numbers of words, the lowest from 6 to 14."""
        least = rng.integer(6, 14)
        return cls(least, least + 4)


class ParagraphSentencesExactly(Exactly):
    """Every paragraph of exactly so many sentences."""

    name: ClassVar[str] = "paragraph_sentences_exactly"
    span: ClassVar[tuple[int, int]] = (1, 30)
    fewest: ClassVar[int] = 2

    def tell(self) -> str:
        """The sentence that asks for it."""
        each = several(self.number, "sentence")
        return f"Write two or more paragraphs, each of exactly {each}. {PARAGRAPH_RULE} {SENTENCE_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The sentences of each paragraph."""
        return [len(part.sentences) for part in map(Reply, reply.paragraphs)]

    def shape(self, draft: Draft) -> None:
        """One number for each."""
        draft.items.narrow(self.fewest)
        draft.item_sentences.exactly(self.number)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> ParagraphSentencesExactly:
        """Two to four."""
        return cls(rng.integer(2, 4))


class ParagraphWordsAtMost(AtMost):
    """No paragraph of more than so many words."""

    name: ClassVar[str] = "paragraph_words_at_most"
    span: ClassVar[tuple[int, int]] = (2, 1000)
    fewest: ClassVar[int] = 2

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write two or more paragraphs, none of more than {self.most} words. {PARAGRAPH_RULE} {WORD_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words of each paragraph."""
        return [len(part.words) for part in map(Reply, reply.paragraphs)]

    def shape(self, draft: Draft) -> None:
        """An upper bound for each."""
        draft.items.narrow(self.fewest)
        draft.item_words.narrow(0, self.most)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> ParagraphWordsAtMost:
        """Multiples of five, from 20 to 40, where paragraphs are usually longer."""
        return cls(5 * rng.integer(4, 8))
