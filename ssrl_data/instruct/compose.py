"""A witness: one text that keeps to all constraints of a set, which proves that the set can be met.

It is written from the demands of a `Draft`: sizes first, then what is pinned, then the words and phrases asked for,
then filler, then marks, case and layout. What the demands could not foresee shows when every constraint judges the
text; then another is written, up to `TRIES`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ssrl_data.instruct.constraint import Conflict, Constraint
from ssrl_data.instruct.draft import Draft, Place, Range
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import LONGEST, Reply
from ssrl_data.rng import Rng

TRIES = 24
"""Texts that are written before a set counts as one that nobody has shown to be possible."""

USUAL_WORDS, USUAL_SENTENCE = 48, 9
"""Words of a witness and of its sentences where nothing asks for others."""

_CASES = {"lower": str.lower, "upper": str.upper, "title": str.title}


def witness(constraints: Sequence[Constraint], material: Material, rng: Rng) -> str:
    """A text that every one of the constraints is met by.

    Raises:
        Conflict: two of them contradict each other, or no text was found.
    """
    draft = Draft()
    for constraint in constraints:
        constraint.shape(draft)
    for _ in range(TRIES):
        try:
            text = compose(draft, material, rng)
        except Conflict:
            continue
        reply = Reply(text)
        if len(text) <= LONGEST and all(constraint.met(reply) for constraint in constraints):
            return text
    raise Conflict("no witness found")


def compose(draft: Draft, material: Material, rng: Rng) -> str:
    """A text made to the demands of a draft.

    Raises:
        Conflict: the sizes or the words asked for do not fit.
    """
    fixed = Reply("\n\n".join([*draft.top, *draft.bottom]))
    items = _banked(draft, fixed, rng) if draft.bank else _made(draft, _sizes(draft, fixed, rng), material, rng)
    body = draft.layout[1](items) if draft.layout else "\n\n".join(items)
    text = "\n\n".join(part for part in [*draft.top, body, *draft.bottom] if part)
    if draft.case:
        text = _CASES[draft.case](text)
    for finish in draft.finishes:
        text = finish(text)
    return text


def _sizes(draft: Draft, fixed: Reply, rng: Rng) -> list[list[int]]:
    """The number of words of each sentence of each item."""
    outside_items = 0 if draft.layout else len(fixed.paragraphs)
    items = Range(max(1, draft.items.low - outside_items), draft.items.high - outside_items)
    sentences = Range(max(1, draft.sentences.low - len(fixed.sentences)), draft.sentences.high - len(fixed.sentences))
    words = Range(max(1, draft.words.low - len(fixed.words)), draft.words.high - len(fixed.words))
    # A word and the space behind it take some six characters; the judges count them exactly.
    words.narrow(draft.characters.low // 6, max(1, draft.characters.high // 7))
    needed = sum(wanted.low * (phrase.count(" ") + 1) for phrase, wanted in draft.quotas.items())
    words.narrow(min(needed + 2, words.high))
    least = max(words.low, min(words.high, USUAL_WORDS))
    total = rng.integer(least, min(words.high, least + 12))
    fitting = [
        (n, s)
        for n in range(items.low, min(items.high, items.low + 7) + 1)
        for s in range(max(n, sentences.low), sentences.high + 1)
        if n * draft.item_sentences.low <= s <= n * draft.item_sentences.high
        and s * draft.sentence_words.low <= words.high
        and s * draft.sentence_words.high >= words.low
        and n * draft.item_words.low <= words.high
        and n * draft.item_words.high >= words.low
    ]
    if not fitting:
        raise Conflict("no sizes that fit")
    ideal = max(1, total // USUAL_SENTENCE)
    near = min(abs(s - ideal) + max(0, n - items.low) for n, s in fitting)
    n, s = rng.choice([pair for pair in fitting if abs(pair[1] - ideal) + max(0, pair[0] - items.low) <= near + 1])
    total = max(
        min(total, s * draft.sentence_words.high, n * draft.item_words.high),
        s * draft.sentence_words.low,
        n * draft.item_words.low,
    )
    if not words.low <= total <= words.high:
        raise Conflict("no number of words that fits")
    per_item = _spread(s, n, draft.item_sentences, rng)
    lengths = iter(_spread(total, s, draft.sentence_words, rng))
    return [[next(lengths) for _ in range(count)] for count in per_item]


def _spread(total: int, parts: int, each: Range, rng: Rng) -> list[int]:
    """Whole numbers in a range that add up to a total: even, then a little moved about."""
    base, rest = divmod(total, parts)
    out = [base + (i < rest) for i in range(parts)]
    for _ in range(parts):
        a, b = rng.below(parts), rng.below(parts)
        if a != b and out[a] > each.low and out[b] < each.high:
            out[a] -= 1
            out[b] += 1
    if min(out) < each.low or max(out) > each.high:
        raise Conflict("no sizes that fit")
    return out


def _made(draft: Draft, sizes: list[list[int]], material: Material, rng: Rng) -> list[str]:
    """Items of made sentences."""
    places = [
        Place(i, len(sizes), s, len(item), w, count)
        for i, item in enumerate(sizes)
        for s, count in enumerate(item)
        for w in range(count)
    ]
    words = ["" for _ in places]
    for at, place in enumerate(places):
        pinned = {word for pin in draft.pins if (word := pin(place))}
        if len(pinned) > 1:
            raise Conflict(f"{' and '.join(sorted(pinned))} at one place")
        words[at] = next(iter(pinned), "")
    _place_quotas(draft, places, words, rng)
    fixed = [bool(word) for word in words]
    lexicon = _lexicon(draft, material)
    for at, place in enumerate(places):
        if not words[at]:
            before = words[at - 1] if place.word else ""
            after = words[at + 1] if not place.closes else ""
            words[at] = _filler(draft, lexicon, place, before, after, rng)
    _weigh(draft, places, words, fixed, lexicon, rng)
    return _written(draft, places, words, rng)


def _place_quotas(draft: Draft, places: Sequence[Place], words: list[str], rng: Rng) -> None:
    """Put the phrases that are asked for at free places, the longest first."""
    for phrase, wanted in sorted(draft.quotas.items(), key=lambda item: (-item[0].count(" "), item[0])):
        parts = phrase.split(" ")
        pinned = sum(words[at : at + len(parts)] == parts for at in range(len(words)))
        for _ in range(max(0, wanted.low - pinned)):
            free = [
                at
                for at, place in enumerate(places)
                if place.word + len(parts) <= place.words
                and not any(words[at : at + len(parts)])
                and all(demand(places[at + i], part) for demand in draft.demands for i, part in enumerate(parts))
            ]
            if not free:
                raise Conflict(f"no place for {phrase}")
            at = rng.choice(free)
            words[at : at + len(parts)] = parts


def _lexicon(draft: Draft, material: Material) -> list[str]:
    """The words of the material that no quota speaks of."""
    taken = {part for phrase in draft.quotas for part in phrase.split(" ")}
    return [word for word in material.lexicon if word not in taken]


def _filler(draft: Draft, lexicon: Sequence[str], place: Place, before: str, after: str, rng: Rng) -> str:
    """A word for a place; one that is not the word before it."""
    for _ in range(40):
        word = rng.choice(lexicon)
        if _fits(draft, place, word, before, after):
            return word
    fitting = [word for word in lexicon if _fits(draft, place, word, before, after)]
    if not fitting:
        raise Conflict("no word for a place")
    return rng.choice(fitting)


def _fits(draft: Draft, place: Place, word: str, before: str, after: str) -> bool:
    return (
        word not in (before, after)
        and all(demand(place, word) for demand in draft.demands)
        and all((not before or follow(before, word)) and (not after or follow(word, after)) for follow in draft.follows)
    )


def _weigh(
    draft: Draft, places: Sequence[Place], words: list[str], fixed: Sequence[bool], lexicon: Sequence[str], rng: Rng
) -> None:
    """Change fillers until each weight's sum lies in its range."""
    for weight, wanted in draft.weights:
        total = sum(map(weight, words))
        for _ in range(4 * len(words)):
            if wanted.low <= total <= wanted.high:
                break
            at = rng.below(len(words))
            word = rng.choice(lexicon)
            change = weight(word) - weight(words[at])
            nearer = 0 < change <= wanted.high - total if total < wanted.low else wanted.low - total <= change < 0
            before = words[at - 1] if places[at].word else ""
            after = words[at + 1] if not places[at].closes else ""
            if not fixed[at] and nearer and _fits(draft, places[at], word, before, after):
                words[at] = word
                total += change


def _written(draft: Draft, places: Sequence[Place], words: Sequence[str], rng: Rng) -> list[str]:
    """Sentences and items of words, with marks."""
    out = list(words)
    inner = [at for at, place in enumerate(places) if not place.closes]
    for mark, wanted in draft.marks.items():
        for at in rng.sample(inner, min(wanted.low, len(inner))):
            out[at] += mark
    bare = [at for at in range(len(out)) if out[at] == words[at]]
    for (opening, closing), wanted in draft.wraps.items():
        for at in rng.sample(bare, min(wanted.low, len(bare))):
            out[at] = f"{opening}{out[at]}{closing}"
            bare.remove(at)
    items, sentence, number = list[list[str]](), list[str](), 0
    count = sum(place.closes for place in places)
    for place, word in zip(places, out, strict=True):
        sentence.append(word[:1].upper() + word[1:] if place.opens and not draft.case else word)
        if place.closes:
            if place.sentence == 0:
                items.append([])
            items[-1].append(" ".join(sentence) + _end(draft, number, count, rng))
            sentence, number = [], number + 1
    return [" ".join(item) for item in items]


def _end(draft: Draft, number: int, count: int, rng: Rng) -> str:
    """The mark that ends a sentence: the one asked for, else a full stop where it may stand."""
    asked = {mark for choose in draft.end_at if (mark := choose(number, count))}
    if len(asked) > 1 or not asked <= draft.ends:
        raise Conflict("two marks at the end of a sentence")
    if asked:
        return asked.pop()
    return "." if "." in draft.ends else rng.choice(sorted(draft.ends))


def _banked(draft: Draft, fixed: Reply, rng: Rng) -> list[str]:
    """Items of sentences from the bank."""
    count = rng.integer(max(1, draft.items.low), max(1, min(draft.items.high, draft.items.low + 1)))
    low = max(count * draft.item_sentences.low, draft.sentences.low - len(fixed.sentences), 3)
    total = min(max(low, count), len(draft.bank))
    if total < count:
        raise Conflict("too few sentences in the bank")
    chosen = rng.sample(draft.bank, total)
    counts = _spread(total, count, draft.item_sentences, rng)
    taken = iter(chosen)
    return [" ".join(next(taken) for _ in range(n)) for n in counts]
