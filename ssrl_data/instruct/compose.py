"""A witness: one text that keeps to all constraints of a set, which proves that the set can be met.

It is written from the demands of a `Draft`: sizes first, then what is pinned, then the words and phrases asked for,
then filler that goes on as the passage does, then marks, case and layout. What the demands could not foresee shows when
every constraint judges the text; then another is written, up to `TRIES`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from ssrl_data.instruct.constraint import Conflict, Constraint
from ssrl_data.instruct.draft import Draft, Place, Range
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import LONGEST, Reply
from ssrl_data.rng import Rng

TRIES = 24
"""Texts that are written before a set counts as one that nobody has shown to be possible."""

LIKELY = 4
"""Words that follow the one before in the passage, which are tried before any other."""

USUAL_WORDS, USUAL_SENTENCE = 48, 9
"""Words of a witness and of its sentences where nothing asks for others."""

_WORD_START = re.compile(r"(?<!\S)[\W_]*\w")
_CASES: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "title": lambda text: _WORD_START.sub(lambda found: found[0].upper(), text),
}


def witness(
    constraints: Sequence[Constraint],
    material: Material,
    rng: Rng,
    tries: int = TRIES,
    room: Callable[[], Draft] = Draft,
) -> str:
    """A text that every one of the constraints is met by; written anew up to so many times.

    Args:
        constraints: what it must keep to.
        material: what it is made of.
        rng: its chance.
        tries: texts that are written before it is given up.
        room: a draft without demands, which says how long a text may be.

    Raises:
        Conflict: two of them contradict each other, or no text was found.
    """
    draft = room()
    for constraint in constraints:
        constraint.shape(draft)
    draft.words.narrow(max((constraint.substance for constraint in constraints), default=0))
    for _ in range(tries):
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
        text = _CASES.get(draft.case, str)(text)
    for finish in draft.finishes:
        text = finish(text)
    return text


def _sizes(draft: Draft, fixed: Reply, rng: Rng) -> list[list[int]]:
    """The number of words of each sentence of each item."""
    outside_items = 0 if draft.layout else len(fixed.paragraphs)
    items = Range(max(1, draft.items.low - outside_items), draft.items.high - outside_items)
    outside = len(fixed.sentences) + draft.layout_sentences
    sentences = Range(max(1, draft.sentences.low - outside), draft.sentences.high - outside)
    outside = len(fixed.words) + draft.layout_words
    words = Range(max(1, draft.words.low - outside), draft.words.high - outside)
    # A word and the space behind it take some seven characters; `_weigh` makes the sum fit.
    words.narrow(draft.characters.low // 9, max(1, draft.characters.high // 6))
    needed = sum(wanted.low * (phrase.count(" ") + 1) for phrase, wanted in draft.quotas.items())
    needed = max(needed, draft.capitals.low)
    needed += sum(least for _, least in draft.choices)
    words.narrow(min(needed + 2, words.high))
    usual = max(draft.characters.low // 7, min(USUAL_WORDS, draft.characters.high // 8))
    least = max(words.low, min(words.high, usual))
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
    if draft.item_words.high < total:
        totals = _spread(total, n, draft.item_words, rng)
        return [_spread(words, count, draft.sentence_words, rng) for words, count in zip(totals, per_item, strict=True)]
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
    sentences = [(i, s, len(item), size) for i, item in enumerate(sizes) for s, size in enumerate(item)]
    places = list[Place]()
    for number, (i, s, in_item, size) in enumerate(sentences):
        for w in range(size):
            places.append(Place(i, len(sizes), s, in_item, w, size, number, len(places)))
    echoed = {at: of for at in range(len(places)) for echo in draft.echoes if (of := echo(places, at)) is not None}
    words = ["" for _ in places]
    for at, place in enumerate(places):
        pinned = {word for pin in draft.pins if (word := pin(place))}
        if len(pinned) > 1:
            raise Conflict(f"{' and '.join(sorted(pinned))} at one place")
        words[at] = next(iter(pinned), "")
    _place_quotas(draft, places, words, {*echoed, *echoed.values()}, rng)
    fixed = [bool(word) or at in echoed or at in echoed.values() for at, word in enumerate(words)]
    lexicon = _lexicon(draft, material)
    known = frozenset(lexicon)
    used = Counter(words)
    for at, place in enumerate(places):
        if not words[at]:
            before = words[at - 1] if place.word else ""
            after = words[at + 1] if not place.closes else ""
            choices = _echoable(draft, lexicon, [places[to] for to, of in echoed.items() if of == at])
            likely = (
                [word for word in material.following.get(before, ()) if word in known] if choices is lexicon else []
            )
            words[at] = (
                words[echoed[at]] if at in echoed else _filler(draft, likely, choices, used, place, before, after, rng)
            )
            used[words[at]] += 1
    _weigh(draft, places, words, fixed, lexicon, rng)
    return _written(draft, places, words, rng)


def _place_quotas(draft: Draft, places: Sequence[Place], words: list[str], kept: set[int], rng: Rng) -> None:
    """Put the phrases that are asked for at free places that are not kept for others, the longest first."""
    quotas = _chosen(draft, rng)
    for phrase, wanted in sorted(quotas.items(), key=lambda item: (-item[0].count(" "), item[0])):
        parts = phrase.split(" ")
        pinned = sum(words[at : at + len(parts)] == parts for at in range(len(words)))
        for _ in range(max(0, wanted.low - pinned)):
            free = [
                at
                for at, place in enumerate(places)
                if place.word + len(parts) <= place.words
                and not any(words[at + i] or at + i in kept for i in range(len(parts)))
                and all(demand(places[at + i], part) for demand in draft.demands for i, part in enumerate(parts))
            ]
            if not free:
                raise Conflict(f"no place for {phrase}")
            at = rng.choice(free)
            words[at : at + len(parts)] = parts
    for ordered in draft.ordered:
        for at, word in zip(sorted(map(words.index, ordered)), ordered, strict=True):
            words[at] = word


def _chosen(draft: Draft, rng: Rng) -> dict[str, Range]:
    """The quotas, with those of the words that are picked where a number of some is asked for."""
    quotas = dict(draft.quotas)
    for some, least in draft.choices:
        usual = [(word.casefold(), draft.quotas.get(word.casefold(), Range(0, least))) for word in some]
        free = [(word, wanted) for word, wanted in usual if wanted.high]
        if len(free) < least:
            raise Conflict("too few of the words may stand there")
        for word, wanted in rng.sample(free, least):
            quotas[word] = Range(max(1, wanted.low), wanted.high)
    return quotas


def _lexicon(draft: Draft, material: Material) -> list[str]:
    """The words of the material that no quota speaks of."""
    taken = {part for phrase in draft.quotas for part in phrase.split(" ")}
    return [word for word in material.lexicon if word not in taken]


def _echoable(draft: Draft, lexicon: Sequence[str], places: Sequence[Place]) -> Sequence[str]:
    """The words that may stand at all of the places that repeat one word."""
    if not places:
        return lexicon
    fitting = [word for word in lexicon if all(demand(place, word) for place in places for demand in draft.demands)]
    if not fitting:
        raise Conflict("no word for places that are the same")
    return fitting


def _filler(
    draft: Draft,
    likely: Sequence[str],
    lexicon: Sequence[str],
    used: Counter[str],
    place: Place,
    before: str,
    after: str,
    rng: Rng,
) -> str:
    """A word for a place, a likely one if it fits; not the word before it, nor one used as often as it may be."""
    for word in rng.shuffled(likely)[:LIKELY]:
        if _spare(draft, used, word) and _fits(draft, place, word, before, after):
            return word
    for _ in range(40):
        word = rng.choice(lexicon)
        if _spare(draft, used, word) and _fits(draft, place, word, before, after):
            return word
    fitting = [word for word in lexicon if _spare(draft, used, word) and _fits(draft, place, word, before, after)]
    if not fitting:
        raise Conflict("no word for a place")
    return rng.choice(fitting)


def _spare(draft: Draft, used: Counter[str], word: str) -> bool:
    return all(used[word] < repeat(word) for repeat in draft.repeats)


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
    used = Counter(words)
    signs = places[-1].nth_sentence + places[-1].items + 2 * sum(wanted.low for wanted in draft.marks.values())
    characters = Range(draft.characters.low - signs + 2, draft.characters.high - signs - 2)
    for weight, wanted in [*draft.weights, (lambda word: len(word) + 1, characters)]:
        total = sum(map(weight, words))
        mean = total / len(words)
        heavier = [word for word in lexicon if weight(word) > mean]
        lighter = [word for word in lexicon if weight(word) <= mean]
        for _ in range(8 * len(words)):
            pool = heavier if total < wanted.low else lighter
            if wanted.low <= total <= wanted.high or not pool:
                break
            at = rng.below(len(words))
            word = rng.choice(pool)
            change = weight(word) - weight(words[at])
            nearer = 0 < change <= wanted.high - total if total < wanted.low else wanted.low - total <= change < 0
            before = words[at - 1] if places[at].word else ""
            after = words[at + 1] if not places[at].closes else ""
            if not fixed[at] and nearer and _spare(draft, used, word) and _fits(draft, places[at], word, before, after):
                used[words[at]] -= 1
                used[word] += 1
                words[at] = word
                total += change


def _written(draft: Draft, places: Sequence[Place], words: Sequence[str], rng: Rng) -> list[str]:
    """Sentences and items of words, with marks."""
    out = _capitalised(draft, places, words, rng)
    hung = Counter[str]()
    bare = []
    for at, place in enumerate(places):
        marks = "" if place.closes else "".join(mark for hang in draft.hangs if (mark := hang(place)))
        out[at] += marks
        hung.update(marks)
        if not marks:
            bare.append(at)
    for mark, wanted in draft.marks.items():
        inner = [at for at in bare if not places[at].closes]
        for at in rng.sample(inner, min(max(0, wanted.low - hung[mark]), len(inner))):
            out[at] += mark
            bare.remove(at)
    for (opening, closing), wanted in draft.wraps.items():
        for at in rng.sample(bare, min(wanted.low, len(bare))):
            out[at] = f"{opening}{out[at]}{closing}"
            bare.remove(at)
    items, sentence = list[list[str]](), list[str]()
    ends = iter(_ends(draft, sum(place.closes for place in places), rng))
    for place, word in zip(places, out, strict=True):
        sentence.append(word)
        if place.closes:
            if place.sentence == 0:
                items.append([])
            end = next(ends)
            ended = word[-1] in ".!?"  # as a phrase that a text is to end with may be
            items[-1].append(" ".join(sentence) + ("" if ended else end))
            sentence = []
    return [" ".join(item) for item in items]


def _capitalised(draft: Draft, places: Sequence[Place], words: Sequence[str], rng: Rng) -> list[str]:
    """The words with a capital where a sentence opens, and in capitals where that is asked for."""
    raised = {at for at, place in enumerate(places) if any(capital(place, words[at]) for capital in draft.capital_at)}
    free = [at for at, word in enumerate(words) if at not in raised and len(word) > 1 and word.isalpha()]
    raised.update(rng.sample(free, min(len(free), max(0, draft.capitals.low - len(raised)))))
    return [
        word.upper() if at in raised else word[:1].upper() + word[1:] if place.opens else word
        for at, (place, word) in enumerate(zip(places, words, strict=True))
    ]


def _ends(draft: Draft, count: int, rng: Rng) -> list[str]:
    """The marks that end the sentences: those asked for, else full stops where they may stand."""
    out = list[str | None]()
    for number in range(count):
        asked = {mark for choose in draft.end_at if (mark := choose(number, count))}
        if len(asked) > 1 or not asked <= draft.ends:
            raise Conflict("two marks at the end of a sentence")
        out.append(next(iter(asked), None))
    for mark, wanted in draft.end_quotas.items():
        free = [number for number, end in enumerate(out) if end is None]
        missing = max(0, wanted.low - out.count(mark))
        if missing > len(free):
            raise Conflict(f"too few sentences to end with {mark}")
        for number in rng.sample(free, missing):
            out[number] = mark
    full = {mark for mark, wanted in draft.end_quotas.items() if out.count(mark) >= wanted.high}
    usual = sorted(draft.ends - full - {""}) or [""]
    return [end if end is not None else "." if "." in usual else rng.choice(usual) for end in out]


def _banked(draft: Draft, fixed: Reply, rng: Rng) -> list[str]:
    """Items of sentences from the bank, with the words that are asked for in brackets before their ends."""
    count = rng.integer(max(1, draft.items.low), max(1, min(draft.items.high, draft.items.low + 1)))
    low = max(count * draft.item_sentences.low, draft.sentences.low - len(fixed.sentences), min(len(draft.bank), 5))
    total = min(max(low, count), len(draft.bank), draft.sentences.high)
    if total < count:
        raise Conflict("too few sentences in the bank")
    chosen = rng.sample(draft.bank, total)
    needed = [phrase for phrase, wanted in _chosen(draft, rng).items() for _ in range(wanted.low)]
    for number, phrase in enumerate(needed):
        sentence = chosen[number % total]
        chosen[number % total] = f"{sentence[:-1]} ({phrase}){sentence[-1]}"
    counts = _spread(total, count, draft.item_sentences, rng)
    taken = iter(chosen)
    return [" ".join(next(taken) for _ in range(n)) for n in counts]
