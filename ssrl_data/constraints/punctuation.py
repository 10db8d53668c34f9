"""Punctuation, brackets, quotation marks and digits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ssrl_data.constraints.length import FLOOR, FLOOR_RULE, SENTENCE_RULE
from ssrl_data.instruct.bounds import AtLeast, Exactly, several, times
from ssrl_data.instruct.constraint import Conflict, Constraint
from ssrl_data.instruct.draft import Draft
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply
from ssrl_data.rng import Rng

MARKS: Mapping[str, str] = {
    ",": "comma",
    ";": "semicolon",
    ":": "colon",
    ".": "full stop",
    "!": "exclamation mark",
    "?": "question mark",
    "-": "hyphen",
    "—": "long dash",
}
ENDS = ".!?"
MARK_RULE = "Each such sign counts, wherever it stands."
NUMBER_RULE = (
    "A number is a word with a digit in it, so 3.14 and 1,000 are one each; those that number the points of a list do "
    "not count."
)
_DIGIT = re.compile(r"\d")


def _known(mark: str) -> None:
    if mark not in MARKS:
        raise ValueError(f"mark is {mark!r:.80}: it must be one of {' '.join(MARKS)}")


def _numbers(reply: Reply) -> int:
    return sum(_DIGIT.search(word) is not None for word in reply.words) if _DIGIT.search(reply.text) else 0


def _pairs(text: str, opening: str, closing: str) -> int:
    """How many pairs of marks there are with a letter or digit between them, and no such mark."""
    parts = text.split(opening)[1:]
    return sum(closing in part and any(map(str.isalnum, part.partition(closing)[0])) for part in parts)


@dataclass(frozen=True)
class Never(Constraint):
    """One mark nowhere."""

    name: ClassVar[str] = "never"
    grade: ClassVar[int] = 1
    substance: ClassVar[int] = FLOOR
    mark: str

    def __post_init__(self) -> None:
        """Check the mark."""
        _known(self.mark)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Use no {MARKS[self.mark]} ({self.mark}) anywhere. {FLOOR_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether it is nowhere."""
        return self.mark not in reply.marked

    def shape(self, draft: Draft) -> None:
        """Neither inside sentences nor at their ends."""
        draft.mark(self.mark, 0, 0)
        if self.mark in ENDS:
            draft.end_quota(self.mark, 0, 0)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Never:
        """One that the passage has, so that a copy of it fails."""
        found = [mark for mark in MARKS if mark in material.text]
        if not found:
            raise Conflict("no marks in the passage")
        return cls("," if "," in found and rng.below(2) else rng.choice(found))


@dataclass(frozen=True)
class MarkAtLeast(AtLeast):
    """One mark at least so many times."""

    name: ClassVar[str] = "at_least"
    grade: ClassVar[int] = 1
    span: ClassVar[tuple[int, int]] = (1, 500)
    mark: str

    def __post_init__(self) -> None:
        """Check the mark and the range."""
        super().__post_init__()
        _known(self.mark)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Use at least {several(self.least, MARKS[self.mark])} ({self.mark}). {MARK_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The marks."""
        return [reply.marked.count(self.mark)]

    def shape(self, draft: Draft) -> None:
        """So many, inside sentences or at their ends."""
        _demand(draft, self.mark, self.least)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> MarkAtLeast:
        """Two to five, where answers usually have fewer; of commas six to ten."""
        mark = rng.choice(",;:!?—")
        return cls(rng.integer(6, 10) if mark == "," else rng.integer(2, 5), mark)


@dataclass(frozen=True)
class MarkExactly(Exactly):
    """One mark exactly so many times."""

    name: ClassVar[str] = "exactly"
    span: ClassVar[tuple[int, int]] = (1, 100)
    mark: str

    def __post_init__(self) -> None:
        """Check the mark and the range."""
        super().__post_init__()
        _known(self.mark)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Use exactly {several(self.number, MARKS[self.mark])} ({self.mark}). {MARK_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The marks."""
        return [reply.marked.count(self.mark)]

    def shape(self, draft: Draft) -> None:
        """So many, inside sentences or at their ends."""
        _demand(draft, self.mark, self.number, self.number)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> MarkExactly:
        """One to five; of commas three to eight."""
        mark = rng.choice(",;:!?.")
        return cls(rng.integer(3, 8) if mark == "," else rng.integer(1, 5), mark)


def _demand(draft: Draft, mark: str, low: int, high: int = 1000) -> None:
    if mark in ENDS:
        draft.end_quota(mark, low, high)
    else:
        draft.mark(mark, low, high)


@dataclass(frozen=True)
class EveryEnd(Constraint):
    """Every sentence ends with one mark."""

    name: ClassVar[str] = "every_end"
    grade: ClassVar[int] = 1
    mark: str

    def __post_init__(self) -> None:
        """Check the mark."""
        if self.mark not in tuple(ENDS):
            raise ValueError(f"mark is {self.mark!r:.80}: it must be one of {' '.join(ENDS)}")

    def tell(self) -> str:
        """The sentence that asks for it."""
        name = MARKS[self.mark]
        article = "an" if name[0] in "aeiou" else "a"
        return f"Write three or more sentences, and end each with {article} {name} ({self.mark}). {SENTENCE_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether three sentences or more do, and all."""
        return len(reply.ends) >= 3 and set(reply.ends) == {self.mark}

    def shape(self, draft: Draft) -> None:
        """One end alone."""
        draft.sentences.narrow(3)
        draft.end(self.mark)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> EveryEnd:
        """An exclamation mark or a question mark, since full stops are usual."""
        return cls(rng.choice("!?"))


class LastAsks(Constraint):
    """One question, which ends the text."""

    name: ClassVar[str] = "last_asks"
    grade: ClassVar[int] = 1
    substance: ClassVar[int] = FLOOR

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Let the very last sentence end with a question mark, and use no other question mark. {FLOOR_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether there is one question mark, at the end."""
        return reply.ends[-1:] == ["?"] and reply.marked.count("?") == 1

    def shape(self, draft: Draft) -> None:
        """The end of one sentence."""
        draft.end_quota("?", 1, 1)
        draft.end_at.append(lambda number, count: "?" if number == count - 1 else "")

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> LastAsks:
        """It has no parameters."""
        return cls()


class AllEnds(Constraint):
    """Sentences with each of the three ends."""

    name: ClassVar[str] = "all_ends"
    grade: ClassVar[int] = 1

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "End at least one sentence with a full stop, at least one with a question mark and at least one with an "
            f"exclamation mark. {SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether each ends one."""
        return set(ENDS) <= set(reply.ends)

    def shape(self, draft: Draft) -> None:
        """One of each."""
        for mark in ENDS:
            draft.end_quota(mark, 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> AllEnds:
        """It has no parameters."""
        return cls()


class AlternateEnds(Constraint):
    """Full stops and exclamation marks in turn."""

    name: ClassVar[str] = "alternate_ends"

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "Write four or more sentences that end in turn with a full stop and with an exclamation mark: the first "
            f"with a full stop, the second with an exclamation mark, the third with a full stop and so on. "
            f"{SENTENCE_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether four sentences or more do, and all."""
        ends = reply.ends
        return len(ends) >= 4 and set(ends[::2]) == {"."} and set(ends[1::2]) == {"!"}

    def shape(self, draft: Draft) -> None:
        """An end for each."""
        draft.sentences.narrow(4)
        draft.end_at.append(lambda number, _: ".!"[number % 2])

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> AlternateEnds:
        """It has no parameters."""
        return cls()


class SentenceCommas(Exactly):
    """Exactly so many commas in every sentence."""

    name: ClassVar[str] = "sentence_commas"
    grade: ClassVar[int] = 3
    span: ClassVar[tuple[int, int]] = (1, 10)
    fewest: ClassVar[int] = 3

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write three or more sentences, with exactly {several(self.number, 'comma')} (,) in each. {SENTENCE_RULE}"
        )

    def counts(self, reply: Reply) -> Sequence[int]:
        """The commas of each sentence."""
        return [Reply(sentence).marked.count(",") for sentence in reply.sentences]

    def shape(self, draft: Draft) -> None:
        """Commas behind the second word, the fourth and so on."""
        draft.sentences.narrow(self.fewest)
        draft.sentence_words.narrow(2 * self.number + 2)
        draft.mark(",", self.number)
        draft.hangs.append(lambda place: "," if place.word in range(1, 2 * self.number, 2) else "")

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> SentenceCommas:
        """One to three."""
        return cls(rng.integer(1, 3))


class BracketsAtLeast(AtLeast):
    """At least so many pairs of round brackets."""

    name: ClassVar[str] = "brackets_at_least"
    grade: ClassVar[int] = 1
    span: ClassVar[tuple[int, int]] = (1, 100)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Put words in round brackets, ( and ), at least {times(self.least)}."

    def counts(self, reply: Reply) -> Sequence[int]:
        """The pairs with words in them."""
        return [_pairs(reply.marked, "(", ")")]

    def shape(self, draft: Draft) -> None:
        """Around words."""
        draft.wrap("(", ")", self.least)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> BracketsAtLeast:
        """Two to five."""
        return cls(rng.integer(2, 5))


class QuotationsAtLeast(AtLeast):
    """At least so many quotations."""

    name: ClassVar[str] = "quotations_at_least"
    grade: ClassVar[int] = 1
    span: ClassVar[tuple[int, int]] = (1, 100)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f'Put words in double quotation marks, like "this", at least {times(self.least)}.'

    def counts(self, reply: Reply) -> Sequence[int]:
        """The pairs, in order, with words in them."""
        parts = reply.marked.split('"')
        return [sum(any(map(str.isalnum, part)) for part in parts[1:-1:2])]

    def shape(self, draft: Draft) -> None:
        """Around words."""
        draft.wrap('"', '"', self.least)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> QuotationsAtLeast:
        """Two to five."""
        return cls(rng.integer(2, 5))


class NoDigits(Constraint):
    """No digit anywhere."""

    name: ClassVar[str] = "no_digits"
    grade: ClassVar[int] = 1
    substance: ClassVar[int] = FLOOR

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Use no digits anywhere; write numbers in letters. {FLOOR_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether there is none, in any script."""
        return not _DIGIT.search(reply.text)

    def shape(self, draft: Draft) -> None:
        """A demand on words."""
        draft.demands.append(lambda _, word: not _DIGIT.search(word))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> NoDigits:
        """Where the passage has some, so that a copy of it fails."""
        if not _DIGIT.search(material.text):
            raise Conflict("no digits in the passage")
        return cls()


class NumbersAtLeast(AtLeast):
    """At least so many numbers in digits."""

    name: ClassVar[str] = "numbers_at_least"
    grade: ClassVar[int] = 1
    span: ClassVar[tuple[int, int]] = (1, 60)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Use at least {several(self.least, 'number')} in digits. {NUMBER_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words with digits."""
        return [_numbers(reply)]

    def shape(self, draft: Draft) -> None:
        """A quota for each."""
        for number in range(self.least):
            draft.quota(str(12 + 7 * number), 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> NumbersAtLeast:
        """Three to eight."""
        return cls(rng.integer(3, 8))


class NumbersExactly(Exactly):
    """Exactly so many numbers in digits."""

    name: ClassVar[str] = "numbers_exactly"
    span: ClassVar[tuple[int, int]] = (1, 60)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Use exactly {several(self.number, 'number')} in digits. {NUMBER_RULE}"

    def counts(self, reply: Reply) -> Sequence[int]:
        """The words with digits."""
        return [_numbers(reply)]

    def shape(self, draft: Draft) -> None:
        """A quota for each."""
        for number in range(self.number):
            draft.quota(str(12 + 7 * number), 1, 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> NumbersExactly:
        """One to six."""
        return cls(rng.integer(1, 6))


class Bare(Constraint):
    """Letters, digits and spaces alone."""

    name: ClassVar[str] = "bare"
    substance: ClassVar[int] = FLOOR

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            "Use letters, digits, spaces and line breaks alone: no punctuation and no other signs, not even "
            f"apostrophes or hyphens. {FLOOR_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether no character is punctuation or a symbol by Unicode."""
        return not any(unicodedata.category(character)[0] in "PS" for character in set(reply.text))

    def shape(self, draft: Draft) -> None:
        """One sentence without an end for each paragraph."""
        draft.end("")
        draft.item_sentences.exactly(1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Bare:
        """It has no parameters."""
        return cls()
