"""What a text must look like to keep to a set of constraints: demands that each of them narrows.

A text is *items* (paragraphs; or the points of a list, the cells of a table, the values of an object, where a layout
says so) of sentences of words. Narrowing to nothing is a conflict, which proves that no text is in view; that one
exists is proved by writing it (`ssrl_data.instruct.compose`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ssrl_data.instruct.constraint import Conflict

WORDS, SENTENCES, PARAGRAPHS = 220, 24, 8
"""The longest witness: a text of more is asked of nobody."""


@dataclass(slots=True)
class Range:
    """Whole numbers from low to high, both included."""

    low: int
    high: int

    def narrow(self, low: int = 0, high: int | None = None) -> None:
        """Keep the numbers that are also in another range.

        Raises:
            Conflict: there are none.
        """
        self.low, self.high = max(self.low, low), self.high if high is None else min(self.high, high)
        if self.low > self.high:
            raise Conflict(f"no number from {self.low} to {self.high}")

    def exactly(self, number: int) -> None:
        """Keep one number alone."""
        self.narrow(number, number)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a word stands: its number in the sentence, of the sentence in the item, of the item; with how many.

    `nth_sentence` and `nth_word` are the numbers in the text, from 0 like all others.
    """

    item: int
    items: int
    sentence: int
    sentences: int
    word: int
    words: int
    nth_sentence: int
    nth_word: int

    @property
    def opens(self) -> bool:
        """Whether it is the first word of its sentence."""
        return self.word == 0

    @property
    def closes(self) -> bool:
        """Whether it is the last word of its sentence."""
        return self.word == self.words - 1

    @property
    def first(self) -> bool:
        """Whether it is the first word of all."""
        return self.item == self.sentence == self.word == 0

    @property
    def ends(self) -> bool:
        """Whether it stands in the last sentence of all."""
        return self.item == self.items - 1 and self.sentence == self.sentences - 1

    @property
    def last(self) -> bool:
        """Whether it is the last word of all."""
        return self.ends and self.closes


@dataclass
class Draft:
    """Demands on a text; a fresh one demands nothing but a readable size.

    Attributes:
        words: of the text; sentences, items: of the text; item_sentences, item_words: of each item; sentence_words: of
            each sentence; characters: of the text.
        quotas: word or phrase to how often it stands there; those of fillers are kept out of all else.
        choices: words, and how many of them stand there at least, whichever.
        ordered: words of the quotas, each to be met first after the one before it.
        pins: what gives the word that must stand at a place, or "" where any may; several must not disagree.
        demands: whether a word may stand at a place. All must say yes.
        follows: whether a word may follow another in the same sentence.
        echoes: what gives the number of the place before whose word a place repeats, or None; of all places, in order.
        repeats: how often a filler may stand in the text.
        weights: a number for each word and the range in which their sum over the text must lie.
        marks: mark to how often it stands there, put behind words inside sentences; a range to 0 keeps it out.
        hangs: what gives the mark behind the word at a place, or "".
        wraps: opening and closing mark to how many words stand between them.
        ends: the marks that may end sentences ("": none); `end_at` which one ends a given sentence of the text, from 0;
            `end_quotas` how many sentences a mark ends.
        capitals: how many words of two or more letters are in capitals; `capital_at` whether one at a place is.
        case: `lower`, `upper` or `title` for the whole text; any other name: as it is made, and none of these.
        layout: a name, and what makes a text of the items; layout_words, layout_sentences: those that it adds itself.
        top, bottom: paragraphs of fixed text before and after it, in this order.
        bank: sentences to take in place of made ones (another language); then nothing is asked of words.
        finishes: last changes to the text, in this order.
    """

    words: Range = field(default_factory=lambda: Range(5, WORDS))
    sentences: Range = field(default_factory=lambda: Range(1, SENTENCES))
    items: Range = field(default_factory=lambda: Range(1, PARAGRAPHS))
    item_sentences: Range = field(default_factory=lambda: Range(1, SENTENCES))
    item_words: Range = field(default_factory=lambda: Range(1, WORDS))
    sentence_words: Range = field(default_factory=lambda: Range(2, 45))
    characters: Range = field(default_factory=lambda: Range(1, 12 * WORDS))
    quotas: dict[str, Range] = field(default_factory=dict)
    choices: list[tuple[tuple[str, ...], int]] = field(default_factory=list)
    ordered: list[tuple[str, ...]] = field(default_factory=list)
    pins: list[Callable[[Place], str]] = field(default_factory=list)
    demands: list[Callable[[Place, str], bool]] = field(default_factory=list)
    follows: list[Callable[[str, str], bool]] = field(default_factory=list)
    echoes: list[Callable[[Sequence[Place], int], int | None]] = field(default_factory=list)
    repeats: list[Callable[[str], int]] = field(default_factory=list)
    weights: list[tuple[Callable[[str], int], Range]] = field(default_factory=list)
    marks: dict[str, Range] = field(default_factory=dict)
    hangs: list[Callable[[Place], str]] = field(default_factory=list)
    wraps: dict[tuple[str, str], Range] = field(default_factory=dict)
    ends: set[str] = field(default_factory=lambda: {".", "!", "?", ""})
    end_at: list[Callable[[int, int], str]] = field(default_factory=list)
    end_quotas: dict[str, Range] = field(default_factory=dict)
    capitals: Range = field(default_factory=lambda: Range(0, WORDS))
    capital_at: list[Callable[[Place, str], bool]] = field(default_factory=list)
    case: str = ""
    layout: tuple[str, Callable[[Sequence[str]], str]] | None = None
    layout_words: int = 0
    layout_sentences: int = 0
    top: list[str] = field(default_factory=list)
    bottom: list[str] = field(default_factory=list)
    bank: tuple[str, ...] = ()
    finishes: list[Callable[[str], str]] = field(default_factory=list)

    def quota(self, phrase: str, low: int, high: int = WORDS) -> None:
        """Have a word or phrase stand there so often; `high` 0 keeps it out.

        Raises:
            Conflict: another demand on the same phrase, or on one that holds it, says otherwise.
        """
        key = phrase.casefold()
        self.quotas.setdefault(key, Range(0, WORDS)).narrow(low, high)
        for other, wanted in self.quotas.items():
            held = f" {other} "
            if other != key and f" {key} " in held and self.quotas[key].high < wanted.low * held.count(f" {key} "):
                raise Conflict(f"{key} is in {other}")

    def mark(self, mark: str, low: int, high: int = WORDS) -> None:
        """Have a mark stand there so often."""
        self.marks.setdefault(mark, Range(0, WORDS)).narrow(low, high)

    def wrap(self, opening: str, closing: str, low: int, high: int = WORDS) -> None:
        """Have so many words stand between two marks."""
        self.wraps.setdefault((opening, closing), Range(0, WORDS)).narrow(low, high)

    def end(self, marks: str) -> None:
        """Let only these marks end sentences; of none, sentences end without a mark.

        Raises:
            Conflict: none of them may, by another demand.
        """
        self.ends &= set(marks) or {""}
        if not self.ends:
            raise Conflict(f"no sentence may end with {marks}")

    def end_quota(self, mark: str, low: int, high: int = SENTENCES) -> None:
        """Have a mark end so many sentences.

        Raises:
            Conflict: another demand says otherwise, or that mark may end no sentence.
        """
        self.end_quotas.setdefault(mark, Range(0, SENTENCES)).narrow(low, high)
        self.sentences.narrow(sum(wanted.low for wanted in self.end_quotas.values()))
        if high == 0:
            self.end("".join({".", "!", "?"} - {mark}))
        if low > 0 and mark not in self.ends:
            raise Conflict(f"no sentence may end with {mark}")

    def put_case(self, case: str) -> None:
        """Have the whole text in one case.

        Raises:
            Conflict: another is asked for.
        """
        if self.case not in ("", case):
            raise Conflict(f"{self.case} and {case}")
        self.case = case

    def put_layout(self, name: str, render: Callable[[Sequence[str]], str], words: int = 0, sentences: int = 0) -> None:
        """Have the items laid out by a function of their texts, which adds so many words and sentences of its own.

        A text has one layout.

        Raises:
            Conflict: it has another.
        """
        if self.layout is not None and self.layout[0] != name:
            raise Conflict(f"{self.layout[0]} and {name}")
        self.layout = (name, render)
        self.layout_words, self.layout_sentences = words, sentences
