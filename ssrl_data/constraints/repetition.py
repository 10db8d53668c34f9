"""Words that come again, and words that must not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from ssrl_data.constraints.length import SENTENCE_RULE, WORD_RULE
from ssrl_data.constraints.letters import CASE_RULE, letters_in, one_letter
from ssrl_data.instruct.bounds import AtLeast, AtMost, Exactly, several, times
from ssrl_data.instruct.constraint import Conflict, Constraint, within
from ssrl_data.instruct.draft import WORDS, Draft, Place, Range
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply, words
from ssrl_data.rng import Rng

FORM_RULE = "Upper or lower case does not matter; other forms of a word are other words."
_PAIR = re.compile(r"(?<![\w'’-])[a-z]{3,12} [a-z]{4,12}(?![\w'’-])")


@dataclass(frozen=True)
class WordsAtMost(AtMost):
    """No longer word more than so many times."""

    name: ClassVar[str] = "words_at_most"
    grade: ClassVar[int] = 3
    span: ClassVar[tuple[int, int]] = (1, 20)
    fewest: ClassVar[int] = 10
    letters: int

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        within("letters", self.letters, 1, 12)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Use ten or more different words of {self.letters} or more letters, and none of them more than "
            f"{times(self.most)}. {FORM_RULE}"
        )

    def counts(self, reply: Reply) -> Sequence[int]:
        """How often each of them stands there."""
        return [n for word, n in reply.counts.items() if letters_in(word) >= self.letters]

    def shape(self, draft: Draft) -> None:
        """A limit on fillers, of which many are long enough."""
        draft.words.narrow(24)
        draft.repeats.append(lambda word: self.most if len(word) >= self.letters else WORDS)
        draft.weights.append((lambda word: len(word) >= self.letters, Range(10 * self.most, WORDS)))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> WordsAtMost:
        """Words of four to six letters, once or twice."""
        return cls(rng.integer(1, 2), rng.integer(4, 6))


class DifferentAtLeast(AtLeast):
    """At least so many different words."""

    name: ClassVar[str] = "different_at_least"
    grade: ClassVar[int] = 2
    span: ClassVar[tuple[int, int]] = (5, 2000)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Use at least {several(self.least, 'different word')}. {FORM_RULE} {WORD_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The different words."""
        return [reply.distinct]

    def shape(self, draft: Draft) -> None:
        """So many words and some more, of which few stand there twice."""
        draft.words.narrow(self.least + 5)
        draft.repeats.append(lambda word: 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> DifferentAtLeast:
        """Multiples of five, from 30 to 80."""
        return cls(5 * rng.integer(6, 16))


class MostlyDifferent(Constraint):
    """Nine in ten words differ."""

    name: ClassVar[str] = "mostly_different"
    grade: ClassVar[int] = 3

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "Write at least 50 words, and let the number of different words be at least 90% of the number of words. "
            f"{FORM_RULE} {WORD_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are fifty words, and so many different ones.

        Of sixty words of English prose 81% are different in the median, 87% in the upper tenth.
        """
        return len(reply.words) >= 50 and 10 * reply.distinct >= 9 * len(reply.words)

    def shape(self, draft: Draft) -> None:
        """No filler twice."""
        draft.words.narrow(50)
        draft.repeats.append(lambda word: 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> MostlyDifferent:
        """It has no parameters."""
        return cls()


class SentenceWordsDiffer(Constraint):
    """No word twice in a sentence."""

    name: ClassVar[str] = "sentence_words_differ"
    grade: ClassVar[int] = 3

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "Write three or more sentences of five or more words each, and use no word twice in the same sentence, not "
            f"even a short one. {FORM_RULE} {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether all words of each of three sentences or more differ."""
        found = [[word.casefold() for word in sentence] for sentence in reply.sentence_words]
        return len(found) >= 3 and all(len(sentence) >= 5 and len(set(sentence)) == len(sentence) for sentence in found)

    def shape(self, draft: Draft) -> None:
        """Sentences of five words or more; no filler twice."""
        draft.sentences.narrow(3)
        draft.sentence_words.narrow(5)
        draft.repeats.append(lambda word: 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentenceWordsDiffer:
        """It has no parameters."""
        return cls()


class OpenersDiffer(Constraint):
    """Each sentence begins with another word."""

    name: ClassVar[str] = "openers_differ"

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "Write five or more sentences, and let no two of them begin with the same word. Upper or lower case does "
            f"not matter. {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether five or more sentences have different first words."""
        return len(reply.openers) >= 5 and len(set(reply.openers)) == len(reply.openers)

    def shape(self, draft: Draft) -> None:
        """Five sentences; no filler twice."""
        draft.sentences.narrow(5)
        draft.repeats.append(lambda word: 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> OpenersDiffer:
        """It has no parameters."""
        return cls()


class OpenersSame(Constraint):
    """All sentences begin with the same word."""

    name: ClassVar[str] = "openers_same"
    grade: ClassVar[int] = 1

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "Write four or more sentences, and let all of them begin with the same word. Upper or lower case does not "
            f"matter. {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether four or more sentences have one first word."""
        return len(reply.openers) >= 4 and len(set(reply.openers)) == 1

    def shape(self, draft: Draft) -> None:
        """Four sentences; first words echo the first of all."""
        draft.sentences.narrow(4)
        draft.echoes.append(lambda places, at: 0 if at and places[at].opens else None)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> OpenersSame:
        """It has no parameters."""
        return cls()


class Chain(Constraint):
    """The last word of each sentence begins the next."""

    name: ClassVar[str] = "chain"
    grade: ClassVar[int] = 3

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "Write three or more sentences, each of which, from the second on, begins with the last word of the one "
            f"before it. Upper or lower case does not matter. {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether three sentences or more are linked so."""
        links = zip(reply.closers, reply.openers[1:], strict=False)
        return len(reply.openers) >= 3 and all(last == first for last, first in links)

    def shape(self, draft: Draft) -> None:
        """First words echo the word before them."""
        draft.sentences.narrow(3)
        draft.echoes.append(lambda places, at: at - 1 if at and places[at].opens else None)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Chain:
        """It has no parameters."""
        return cls()


class NeighboursDiffer(Constraint):
    """No two neighbours in a sentence begin with the same letter."""

    name: ClassVar[str] = "neighbours_differ"
    grade: ClassVar[int] = 3

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "Write at least 20 words, and let no two that stand next to each other in a sentence begin with the same "
            f"letter. Upper or lower case does not matter. {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether twenty words or more keep to it."""
        letters = [[word[:1].casefold() for word in sentence] for sentence in reply.sentence_words]
        return sum(map(len, letters)) >= 20 and not any(a == b for sentence in letters for a, b in pairwise(sentence))

    def shape(self, draft: Draft) -> None:
        """A demand on neighbours."""
        draft.words.narrow(20)
        draft.follows.append(lambda before, after: before[0] != after[0])

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> NeighboursDiffer:
        """It has no parameters."""
        return cls()


@dataclass(frozen=True)
class Alliteration(AtLeast):
    """Somewhere so many neighbours in a sentence begin with one letter."""

    name: ClassVar[str] = "alliteration"
    span: ClassVar[tuple[int, int]] = (2, 20)
    letter: str

    def __post_init__(self) -> None:
        """Check the letter and the range."""
        super().__post_init__()
        one_letter(self.letter)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"In at least one sentence, let {self.least} or more different words in a row begin with the letter "
            f'"{self.letter}". {CASE_RULE} {SENTENCE_RULE}'
        )

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words of the longest such row."""
        longest = 0
        for sentence in reply.sentence_words:
            start, last = 0, dict[str, int]()
            for at, word in enumerate(map(str.casefold, sentence)):
                if word.startswith(self.letter):
                    start = max(start, last.get(word, -1) + 1)
                    last[word] = at
                    longest = max(longest, at - start + 1)
                else:
                    start = at + 1
        return [longest]

    def shape(self, draft: Draft) -> None:
        """Words of the first sentence, behind its first."""
        draft.sentence_words.narrow(self.least + 2)
        draft.repeats.append(lambda word: 1 if word.startswith(self.letter) else WORDS)
        draft.demands.append(self._fits)

    def _fits(self, place: Place, word: str) -> bool:
        return not 1 <= place.nth_word <= self.least or word.startswith(self.letter)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Alliteration:
        """Three to five, with a letter with which many words begin."""
        return cls(rng.integer(3, 5), rng.choice("bcdfhlmprsw"))


@dataclass(frozen=True)
class PhraseExactly(Exactly):
    """One phrase exactly so many times."""

    name: ClassVar[str] = "phrase_exactly"
    span: ClassVar[tuple[int, int]] = (1, 50)
    phrase: str

    def __post_init__(self) -> None:
        """Check the phrase and the range."""
        super().__post_init__()
        parts = self.phrase.split(" ")
        if not 2 <= len(parts) <= 8 or len(self.phrase) > 80 or any(words(part) != [part] for part in parts):
            raise ValueError(f"phrase is {self.phrase!r:.80}: it must be of 2 to 8 words with single spaces")

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Use the phrase "{self.phrase}" exactly {times(self.number)}. Upper or lower case does not '
            "matter; its words follow each other with nothing but a space or a line break between them."
        )

    def counts(self, reply: Reply) -> Sequence[int]:
        """The times."""
        return [reply.occurrences(self.phrase)]

    def shape(self, draft: Draft) -> None:
        """One number."""
        draft.quota(self.phrase, self.number, self.number)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> PhraseExactly:
        """Two neighbours of the passage, twice to four times, which is not how often it has them."""
        found = list(dict.fromkeys(_PAIR.findall(material.text)))
        if not found:
            raise Conflict("no two plain words beside each other")
        phrase, number = rng.choice(found), rng.integer(2, 4)
        return cls(number + (Reply(material.text).occurrences(phrase) == number), phrase)
