"""Replacing parts of a passage by foreign text of the same size and shape, so that only what it says tells how much.

What is put in has as many words, and as nearly as can be as many characters, capitals, digits and marks as what was
there, and leaves as many different words. So no count over a version says how much of it was replaced.

A passage is its pieces joined by spaces: sentences, or words with the marks that touch them.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ssrl_data.media.text import quotable, sentences
from ssrl_data.rng import Rng

PHRASE = 4
"""Words of a phrase."""

POOL = 400
"""Foreign sentences that are compared for one place."""

PHRASES = 48
"""Foreign phrases of the right length that are drawn for one place at most, until one keeps the different words."""

PROSE = 0.5
"""Least share of plain words in a passage and in sentences that are put in."""

TIMES = 3.0
"""A word is replaced by one at most so many times as frequent, or as rare."""

DRAWN = 24
"""Words that are drawn for one; of those that fit the nearest in frequency is taken."""

_PLAIN = re.compile(r"[a-z]{2,20}")
_CORE = re.compile(r"([(\[\"'“‘]*)([a-z]{3,20})([)\]\"'”’.,;:!?]*)")
_LETTERS = re.compile(r"[^\W\d_]+")
_SIGN = re.compile(r"[^\W\d]\w*|[0-9]+|[^\s\w]")
_MARK = re.compile(r"[^\w\s]")
_CAPITAL = re.compile(r"[A-ZÀ-ÖØ-Þ]")
_DIGIT = re.compile(r"[0-9]")

_SHORT = re.compile(r"\b[a-z]{1,3}\b")

# What the passage may differ by once sentences are replaced: words, characters, capitals, digits, marks, words of up to
# three letters, different words. A word costs as much as ten characters.
_WEIGHTS = (1.0, 0.1, 0.5, 0.5, 0.5, 0.5, 1.0)


@dataclass(frozen=True)
class Place:
    """Pieces of a passage that are replaced together.

    Attributes:
        put: what stands instead, by the number of the piece.
        words: words that are lost.
    """

    put: Mapping[int, str]
    words: int


@dataclass(frozen=True)
class Vocabulary:
    """How often plain words occur, and the words of one length side by side."""

    counts: Mapping[str, int]

    @cached_property
    def columns(self) -> dict[int, list[tuple[int, str]]]:
        """The words of each length with their counts, the rarest first."""
        out: dict[int, list[tuple[int, str]]] = {}
        for word, count in sorted(self.counts.items(), key=lambda item: (item[1], item[0])):
            out.setdefault(len(word), []).append((count, word))
        return out

    def like(self, word: str, rng: Rng) -> list[str]:
        """A few words as long as this one and at most `TIMES` as frequent, or as rare; the nearest in that first."""
        column, count = self.columns.get(len(word), []), max(self.counts.get(word, 1), 1)
        low, high = bisect_left(column, (count / TIMES, "")), bisect_left(column, (count * TIMES + 1, ""))
        drawn = [column[low + rng.below(high - low)] for _ in range(DRAWN if low < high else 0)]
        return [other for _, other in sorted((abs(math.log(n / count)), other) for n, other in drawn)]


def counted(texts: Iterable[str]) -> Counter[str]:
    """How often each plain word stands in the texts: three lower-case letters or more, whatever marks touch it."""
    return Counter(core[2] for text in texts for token in text.split(" ") if (core := _CORE.fullmatch(token)))


def plain_share(text: str) -> float:
    """Share of the words that are plain lower-case ones, in [0, 1]: high in prose, low in lists and code."""
    tokens = text.split(" ")
    return sum(_CORE.fullmatch(token) is not None for token in tokens) / len(tokens)


def applied(pieces: Sequence[str], places: Iterable[Place]) -> str:
    """The passage with these places replaced."""
    put = {number: text for place in places for number, text in place.put.items()}
    return " ".join(put.get(number, piece) for number, piece in enumerate(pieces))


def by_sentence(parts: Sequence[str], foreign: Sequence[str], rng: Rng) -> list[Place]:
    """A foreign sentence for each sentence of a passage, in random order; none where nothing like it is at hand.

    What one adds to the passage's counts the next ones make up for, so that no count rises with the share replaced.

    Args:
        parts: the passage's sentences.
        foreign: paragraphs from elsewhere.
        rng: the source of chance.
    """
    found = [one for text in rng.shuffled(foreign)[:POOL] for one in _sentences(text)]
    pool = [one for one in rng.shuffled(found)[:POOL] if _prose(one) and not any(part in one for part in parts)]
    shapes, bags = [_shape(one) for one in pool], [_bag(one) for one in pool]
    present = Counter(word for part in parts for word in _words(part))
    different, drift = len(present), [0] * len(_WEIGHTS)
    out, taken = list[Place](), set[int]()
    for number in rng.shuffled(range(len(parts))):
        was, own = _shape(parts[number]), _bag(parts[number])
        others = present - own
        best, cost, then = -1, math.inf, drift
        for at, (shape, bag) in enumerate(zip(shapes, bags, strict=True)):
            if at in taken or abs(shape[0] - was[0]) > max(2, was[0] / 4) or 2 * len(own.keys() & bag) >= len(own):
                continue
            gained = len(others) + len(bag.keys() - others.keys()) - different
            after = [*(a + b - c for a, b, c in zip(drift, shape, was, strict=False)), gained]
            price = sum(weight * abs(off) for weight, off in zip(_WEIGHTS, after, strict=True))
            if price < cost:
                best, cost, then = at, price, after
        if best >= 0:
            taken.add(best)
            drift, present = then, others + bags[best]
            out.append(Place({number: pool[best]}, was[0]))
    return out


def by_phrase(tokens: Sequence[str], foreign: Sequence[str], rng: Rng) -> list[Place]:
    """Foreign words for runs of `PHRASE` plain words, as many words and characters, none where it was; in random order.

    Phrases do not touch, so that each is one disturbance. The number of different words moves by one at most, counted
    with the marks that touch them and without: phrases of a few foreign texts repeat themselves, and would tell how
    many there are.
    """
    pool = _phrases(tuple(foreign))
    present = Counter(token.lower() for token in tokens), Counter(sign for token in tokens for sign in _signs(token))
    different = len(present[0]), len(present[1])
    out, starts, free = list[Place](), list[int](), rng.below(PHRASE)
    for at in _runs(tokens):
        if at >= free:
            starts.append(at)
            free = at + PHRASE + 1
    for at in rng.shuffled(starts):
        own = Counter(tokens[at : at + PHRASE])  # plain words, which are their own signs
        others = present[0] - own, present[1] - own
        fits = pool.get(sum(map(len, own.elements())), [])
        best, off = list[str](), 2
        for _ in range(PHRASES if fits else 0):
            run, new = fits[rng.below(len(fits))]
            if own.keys().isdisjoint(new):
                kept = [len(other) + len(new - other.keys()) for other in others]
                moved = max(abs(kept[0] - different[0]), abs(kept[1] - different[1]))
                best, off = (run, moved) if moved < off else (best, off)
                if off == 0:
                    break
        if best:
            present = others[0] + Counter(best), others[1] + Counter(best)
            out.append(Place({at + n: word for n, word in enumerate(best)}, PHRASE))
    return out


def by_word(tokens: Sequence[str], vocabulary: Vocabulary, rng: Rng) -> list[Place]:
    """For plain words of a passage another one each, wherever it occurs, as long and about as frequent; random order.

    All are different and none is in the passage, so a version has as many different words as the passage, each as
    often.
    """
    present = Counter(word for token in tokens for word in _words(token))
    where: dict[str, list[tuple[int, str, str]]] = {}
    for number, token in enumerate(tokens):
        if core := _CORE.fullmatch(token):
            where.setdefault(core[2], []).append((number, core[1], core[3]))
    out, taken = list[Place](), set(present)
    for word, found in where.items():
        if len(found) < present[word]:
            continue  # it stands with a capital or inside a compound too, and would stay there
        fits = [other for other in vocabulary.like(word, rng) if other not in taken and _unlike(word, other)]
        if fits:
            taken.add(fits[0])
            out.append(Place({number: f"{before}{fits[0]}{after}" for number, before, after in found}, len(found)))
    return rng.shuffled(out)


def _unlike(word: str, other: str) -> bool:
    """Whether fewer than half of the letters are the same at the same places, so that none reads as a slip."""
    return 2 * sum(map(str.__eq__, word, other)) < len(word)


def _runs(tokens: Sequence[str]) -> Iterator[int]:
    """Numbers of the tokens at which `PHRASE` plain words begin, in order."""
    length = 0
    for at, token in enumerate(tokens):
        length = length + 1 if _PLAIN.fullmatch(token) else 0
        if length >= PHRASE:
            yield at - PHRASE + 1


def _signs(text: str) -> list[str]:
    return _SIGN.findall(text)


def _words(text: str) -> list[str]:
    return [word.lower() for word in _LETTERS.findall(text)]


@lru_cache(maxsize=8)
def _phrases(foreign: tuple[str, ...]) -> dict[int, list[tuple[list[str], frozenset[str]]]]:
    """Runs of `PHRASE` plain words, and their different words, by the number of their letters."""
    out: dict[int, list[tuple[list[str], frozenset[str]]]] = {}
    for text in foreign:
        words = text.split(" ")
        for at in _runs(words):
            run = words[at : at + PHRASE]
            out.setdefault(sum(map(len, run)), []).append((run, frozenset(run)))
    return out


@lru_cache(maxsize=1 << 13)
def _sentences(paragraph: str) -> tuple[str, ...]:
    return tuple(sentences(paragraph))


@lru_cache(maxsize=1 << 13)
def _prose(sentence: str) -> bool:
    """Whether a foreign sentence may be put in: prose that can be quoted."""
    return quotable(sentence) and plain_share(sentence) >= PROSE


@lru_cache(maxsize=1 << 13)
def _bag(text: str) -> Counter[str]:
    """The words of a sentence; never changed."""
    return Counter(_words(text))


@lru_cache(maxsize=1 << 13)
def _shape(text: str) -> tuple[int, ...]:
    """Words, characters, capitals, digits, marks and short words."""
    found = (len(pattern.findall(text)) for pattern in (_CAPITAL, _DIGIT, _MARK, _SHORT))
    return (text.count(" ") + 1, len(text), *found)
