"""Say which number, name or term a passage hides.

The predictor of PretrainZero (arXiv 2512.03442), with spans chosen once by rules instead of by a model. Unlike there,
an answer is never readable elsewhere in what is shown, only spans of closed kinds are asked, and all right forms of
the answer are written into the row.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, TypeGuard

from ssrl_data.answers.span import Span
from ssrl_data.core import Example, Fault, Record, Row, Skip, Task
from ssrl_data.gates import aliases, hidden, ngrams, spans
from ssrl_data.gates.hidden import MASK
from ssrl_data.gates.ngrams import Counts
from ssrl_data.gates.spans import Span as Candidate
from ssrl_data.media.text import Text, block, sentences, words
from ssrl_data.rng import Rng

SELECTORS = ("random", "number", "name", "term", "rare", "uncertain")

_WORDS, _CONTEXT = (1, spans.LONGEST), (1, 8)
_PARAGRAPHS = 16
"""Paragraphs with spans of the kind that are looked at for one row."""

_TIES = (2, 3)
"""Words near the gap that stand near the answer in other paragraphs too: of a span, of a number."""

_OFTEN = 0.01
"""Share of its kind in the train split above which a span is asked the more seldom the more frequent it is."""

_LARGE = 100_000
"""Words of a corpus below which it is too small for its counts to speak against a span."""

_SIDE = 160
"""Characters on either side of the gap in which its neighbours are looked for."""

_SELECTED = {"number": frozenset({"number"}), "name": frozenset({"name"}), "term": spans.TERMS}

CHANCES = {"random": 0.1, "number": 0.16, "name": 0.09, "term": 0.11, "rare": 0.1, "uncertain": 0.1}
"""What the best guesser that understands nothing scores, and something above.

In 6,090 rows of 1,206 documents, made with counts of the same, the best constant answer is right in 1.9% (`easy`), 2.3%
(`medium`), 7.4% (`number`, 435 rows), 3.8% (`name`), 2.2% (`term`), 1.9% (`rare`), 2.2% (`uncertain`) and 3.5% (`hard`,
546 rows); word counts of the other half in 0.9% at most. Rows made without counts are easier: before thanks and
examples were left out, a model of other documents was right in up to 10.3%, the most frequent answer of a wording in
8.5%.
"""


@dataclass(frozen=True)
class MaskedSpanParams:
    """Parameters of `text/masked_span`.

    Attributes:
        selector: which spans are hidden: any (`random`), numbers, names, terms, the rarest of a paragraph by its count
            in the train split (`rare`), or those whose first word the words before leave open, though not the most
            open ones (`uncertain`).
        least: words of the shortest span, 1 to 8.
        most: words of the longest span, `least` to 8.
        context: sentences shown on either side of the one with the gap, 1 to 8.
    """

    selector: str = "random"
    least: int = 1
    most: int = 3
    context: int = 2

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.selector not in SELECTORS:
            raise ValueError(f"selector is {self.selector!r}: it must be one of {', '.join(SELECTORS)}")
        for name, (low, high) in {"least": _WORDS, "most": _WORDS, "context": _CONTEXT}.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}: it must lie in {low}..{high}")
        if self.least > self.most:
            raise ValueError(f"least is {self.least}: it must be at most the {self.most} words of the longest span")


class MaskedSpan(Task[MaskedSpanParams]):
    """One number, name or term of a paragraph is hidden; the answer is its text."""

    needs = frozenset({"text"})
    pictures: ClassVar[bool] = False
    levels: ClassVar = {
        "easy": MaskedSpanParams("random", 1, 1, 1),
        "medium": MaskedSpanParams("random", 1, 3, 2),
        "number": MaskedSpanParams("number", 1, 1, 2),
        "name": MaskedSpanParams("name", 1, 8, 2),
        "term": MaskedSpanParams("term", 1, 2, 2),
        "rare": MaskedSpanParams("rare", 1, 4, 2),
        "uncertain": MaskedSpanParams("uncertain", 1, 4, 2),
        "hard": MaskedSpanParams("random", 2, 8, 4),
    }

    @classmethod
    def prepare(cls, records: Iterator[Record]) -> bytes:
        """Counts of the train split's words, their neighbours and its fills."""
        counts = Counts()
        for record in records:
            for number in record.text.kept if record.text else ():
                paragraph = record.text.paragraphs[number] if record.text else ""
                found = [(span.first, span.last, span.kind) for span in spans.spans(paragraph)]
                counts.add([paragraph[start:end] for start, end in words(paragraph)], found)
        counts.close()
        return counts.to_bytes()

    def chance(self) -> float | None:
        """That of every row of the selector, as measured."""
        return CHANCES[self.params.selector]

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Hide a span of the kind asked for that passes every gate."""
        p, document = self.params, records[0].text
        counts = ngrams.counts(self.prepared)
        if counts is None and p.selector in ("rare", "uncertain"):
            raise Skip("no counts of the corpus", final=True)
        numbers = _holding(document, p) if document else ()
        reason, final = "no span of the kind", len(numbers) <= _PARAGRAPHS
        for number in rng.sample(numbers, min(len(numbers), _PARAGRAPHS)):
            paragraph = document.paragraphs[number] if document else ""
            found, refused = _askable(paragraph, p, self.prepared)
            for span in rng.shuffled(found):
                passage = _passage(paragraph, span, p.context)
                # The more frequent a fill, the more seldom it is asked.
                if not _large(counts) or counts.share(span.kind, passage.name) * rng.uniform() <= _OFTEN:
                    yield self._example(number, passage, document or Text(()))
                    return
            reason, final = ("too frequent", False) if found else (refused or reason, final)
        raise Skip(reason, final=final)

    def _example(self, number: int, passage: _Passage, document: Text) -> Example:
        span = passage.span
        before = passage.left.rstrip().rpartition(" ")[2]
        other = aliases.aliases(passage.answer, span.kind, document, before, passage.right[:1])
        return Example(
            prompt=(f"{passage.question}\n\n{block('passage', f'{passage.left}{MASK}{passage.right}')}",),
            answer=Span().answer(passage.answer, other, chance=CHANCES[self.params.selector]),
            meta={
                "paragraph": number,
                "window": [passage.start, passage.start + len(passage.whole)],
                "span": [span.start, span.end],
                "kind": span.kind,
            },
            solution=f"The sentence with the gap reads: {passage.sentence}",
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Put the answer back and compare with the source; look for the answer, and parts of it, in all that is shown.

        With the record: the passage with its gap filled is that stretch of that paragraph, and the gap is where the
        metadata says. Without: the prompt has one gap, and nothing else in it reads like the answer.
        """
        made, right = row.meta["make"], row.answer.value["answer"]
        head, _, rest = row.prompt.partition("<passage>\n")
        passage, closed, tail = rest.partition("\n</passage>")
        if not closed or passage.count("[MASK]") != 1:
            yield Fault("true", "the prompt has no passage with one gap")
            return
        left, right_of = passage.split("[MASK]")
        if len(left) != made["span"][0] - made["window"][0] or len(right) != made["span"][1] - made["span"][0]:
            yield Fault("true", "the gap is not where the metadata says, or not as long as the answer")
        found = _readable(right, [*left.split(), "", *right_of.split()], (head.replace("[MASK]", "") + tail).split())
        if found:
            yield Fault("no leak", f"{right!r} can be read off {found!r}")
        for other in row.answer.value["aliases"]:
            if not _same(right, other, records[0].text if records else None):
                yield Fault("one answer", f"{other!r} is not another form of {right!r}")
        if records and records[0].text is not None:
            paragraphs = records[0].text.paragraphs
            source = paragraphs[made["paragraph"]] if made["paragraph"] < len(paragraphs) else ""
            if source[slice(*made["window"])] != f"{left}{right}{right_of}":
                yield Fault("true", "the passage with the answer in its gap is not that of the source")


@dataclass(frozen=True)
class _Passage:
    """A stretch of whole sentences with a span to hide."""

    whole: str
    start: int
    span: Candidate
    sentence: str

    @property
    def answer(self) -> str:
        return self.whole[self.span.start - self.start : self.span.end - self.start]

    @property
    def left(self) -> str:
        return self.whole[: self.span.start - self.start]

    @property
    def right(self) -> str:
        return self.whole[self.span.end - self.start :]

    @property
    def question(self) -> str:
        return hidden.question(self.answer, self.span.kind, self.span.last - self.span.first)

    @property
    def name(self) -> str:
        """The fill, as it is counted."""
        return ngrams.fill(_words(self.answer))

    def refused(self, counts: Counts | None) -> str:
        """Why the span cannot be asked for; empty when it can."""
        left, right = self.left, self.right
        why = hidden.refused(self.whole, self.answer, (left, right), self.question)
        return why or (self._guessed(left, right, counts) if _large(counts) else "")

    def _guessed(self, left: str, right: str, counts: Counts) -> str:
        span = self.span
        before = _words(left[-_SIDE:])[1:] if len(left) > _SIDE else _words(left)
        after = _words(right[:_SIDE])
        own = self.name.casefold()
        if counts.several(before, after):
            return "other fills in the same words"
        if counts.fills.get(span.kind, [("", 0)])[0][0].casefold() == own:
            return "most frequent of its kind"
        near = [*before[-ngrams.NEAR :], *after[: ngrams.NEAR]]
        if not span.told and counts.ties(_words(self.answer), near) < _TIES[span.kind == "number"]:
            return "nothing near it points to it"
        guess = counts.guess(span.kind, before, after) or ""
        return "first guess of word counts" if guess.casefold() == own else ""


def _large(counts: Counts | None) -> TypeGuard[Counts]:
    """Whether there are counts that say anything."""
    return counts is not None and counts.total >= _LARGE


def _words(text: str) -> list[str]:
    return [text[start:end] for start, end in words(text)]


def _passage(paragraph: str, span: Candidate, context: int) -> _Passage:
    """The sentence of the span and those around it."""
    places = _sentences(paragraph)
    first, last = max(0, span.sentence - context), min(len(places), span.sentence + context + 1) - 1
    start, end = places[first][0], places[last][1]
    return _Passage(paragraph[start:end], start, span, paragraph[slice(*places[span.sentence])])


@lru_cache(maxsize=512)
def _sentences(paragraph: str) -> list[tuple[int, int]]:
    """Where the sentences of a paragraph are."""
    out, at = [], 0
    for sentence in sentences(paragraph):
        at = paragraph.index(sentence, at)
        out.append((at, at + len(sentence)))
        at += len(sentence)
    return out


def _holding(document: Text, p: MaskedSpanParams) -> tuple[int, ...]:
    """Numbers of the paragraphs in which a span of the kinds and lengths stands, or in which words cannot be told."""
    kinds = _SELECTED.get(p.selector)
    return tuple(
        number
        for number, found in _kinds(document)
        if not found or any((kinds is None or kind in kinds) and p.least <= size <= p.most for kind, size in found)
    )


@lru_cache(maxsize=512)
def _kinds(document: Text) -> tuple[tuple[int, frozenset[tuple[str, int]]], ...]:
    """The paragraphs that have spans, with their kinds and numbers of words; none where words cannot be told apart."""
    out = []
    for number in document.kept:
        paragraph = document.paragraphs[number]
        found = frozenset((span.kind, span.last - span.first) for span in spans.spans(paragraph))
        if found or spans.spaceless(paragraph):
            out.append((number, found))
    return tuple(out)


def _wanted(span: Candidate, p: MaskedSpanParams) -> bool:
    """Whether a span is of the kinds and lengths asked for."""
    kinds = _SELECTED.get(p.selector)
    return (kinds is None or span.kind in kinds) and p.least <= span.last - span.first <= p.most


@lru_cache(maxsize=1 << 14)
def _askable(paragraph: str, p: MaskedSpanParams, prepared: bytes) -> tuple[tuple[Candidate, ...], str]:
    """The spans of a paragraph that may be asked for at these parameters, or the last reason why one may not."""
    counts, reason = ngrams.counts(prepared), ""
    if spans.spaceless(paragraph):
        return (), "no spaces between words"
    found = [span for span in spans.spans(paragraph) if _wanted(span, p)]
    if counts is not None and p.selector == "uncertain":
        low, high = counts.band
        found = [
            s for s in found if low <= counts.entropy(_words(paragraph[max(0, s.start - _SIDE) : s.start])) <= high
        ]
    kept = []
    for span in found:
        refused = _passage(paragraph, span, p.context).refused(counts)
        reason = refused or reason
        if not refused:
            kept.append(span)
    if counts is not None and p.selector == "rare" and kept:
        often = [counts.rarity(_words(paragraph[span.start : span.end])) for span in kept]
        kept = [kept[often.index(min(often))]]
    return tuple(kept), "" if kept else reason


# The rest belongs to the audit, which looks in its own way.

_AUDIT_SMALL = frozenset([
    "of", "the", "and", "de", "la", "le", "du", "des", "del", "der", "die", "das", "von", "van", "for", "in", "to",
    "a", "an", "on", "or", "at", "by", "with", "el", "und", "et",
])  # fmt: skip
_POINT = re.compile(r"[0-9]\.[0-9]")  # 1.1 is not 11
_AUDIT_NUMBERS = {
    word: str(value)
    for value, group in enumerate(
        [
            "zero",
            "one first once",
            "two second twice double",
            "three third",
            "four fourth",
            "five fifth",
            "six sixth",
            "seven seventh",
            "eight eighth",
            "nine ninth",
            "ten tenth",
            "eleven eleventh",
            "twelve twelfth dozen",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ]
    )
    for word in group.split()
}


def _bare(text: str) -> str:
    """Letters and digits alone, small, without accents."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    return "".join(char for char in apart if char.isalnum())


def _number(text: str) -> str:
    """The value that a token stands for, or nothing."""
    token = text.strip("()[]{}<>.,;:!?\"'‘’“”%").lower()
    if token in _AUDIT_NUMBERS:
        return _AUDIT_NUMBERS[token]
    digits = token.replace(",", "")
    return str(int(digits)) if digits.isascii() and digits.isdigit() else ""


def _readable(answer: str, passage: Sequence[str], question: Sequence[str]) -> str:
    """A token of what is shown that says the answer or a part of it; nothing where there is none.

    Token by token, in two passes: the parts of four letters and more inside each token or, but for
    their last two letters, at its start; the whole across neighbours.
    """
    parts = [part for part in re.split(r"[\W_]+", answer) if part and part.lower() not in _AUDIT_SMALL]
    long = [_bare(part) for part in parts if len(part) > 3 and not part.isdigit()]
    exact = {_bare(part) for part in parts if len(part) <= 3 or part.isdigit()}
    value, whole = _number(answer), _bare(answer)
    tokens = [*passage, "", *question]
    for token in tokens:
        flat = _bare(token)
        said = {_bare(part) for part in re.split(r"[\W_]+", token)}
        said |= set() if _POINT.search(token) else {flat}
        begun = any(part in flat or flat.startswith(part[: max(5, len(part) - 2)]) for part in long)
        if begun or exact & (said - {""}) or (value and _number(token) == value):
            return token
    for size in range(2, 5):
        for at in range(len(tokens) - size + 1):
            run = tokens[at : at + size]
            flat = "".join(map(_bare, run)) if all(run) else ""
            if len(whole) > 3 and flat and (flat == whole or (len(whole) > 5 and flat.startswith(whole))):
                return " ".join(run)
    letters = "".join(token[0] if (token := _bare(word)) else " " for word in passage)
    if answer.isupper() and answer.isalpha() and answer.lower() in letters:
        return answer
    return ""


def _same(right: str, other: str, document: Text | None) -> bool:
    """Whether an alias is another form of the answer: its letters, its value, its spelling, or said by the document."""
    texts = [text.removeprefix("the ").removeprefix("--") for text in (right, other)]
    one, two = map(_bare, texts)
    if one == two or (_number(right) and _number(right) == _number(other)):
        return True
    words = [text.split() for text in texts]
    if len(words[0]) == len(words[1]) and all(map(_one_word, *words)):
        return True
    if document is not None and not all(text.casefold() in " ".join(document.paragraphs).casefold() for text in texts):
        return False
    short, long = sorted(texts, key=len)
    kept = ([word for word in long.split() if word.lower() not in _AUDIT_SMALL], long.split())
    return long == f"GNU/{short}" or short.lower() in ["".join(word[0] for word in some).lower() for some in kept]


def _one_word(one: str, two: str) -> bool:
    """Whether two words look like spellings of one: colour and color, centre and center, licence and license, Mt."""
    one, two = sorted((_bare(one), _bare(two)), key=len)
    rest = iter(two)
    shorter = len(one) < len(two) and all(char in rest for char in one)
    swapped = sorted(one) == sorted(two) or (len(one) == len(two) and sum(map(str.__ne__, one, two)) == 1)
    return one[:1] == two[:1] and (shorter or swapped or one == two)
