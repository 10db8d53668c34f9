"""Ladders of constraints: each rung keeps those before it and adds one, and a text that meets them all is written.

A set that is drawn blindly may contradict itself or ask the same twice. Here a constraint is added only when a witness
is found for the set with it, and when each of the set can be broken alone: for each there is a text that keeps to all
the others and not to it. Nor may a text that was written without reading what is asked keep to all of a rung.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from ssrl_data.constraints.length import PARAGRAPH_RULE, SENTENCE_RULE, WORD_RULE
from ssrl_data.instruct.compose import witness
from ssrl_data.instruct.constraint import Conflict, Constraint, families
from ssrl_data.instruct.draft import Draft
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply
from ssrl_data.rng import Rng

EDGES = (
    *("block quotation", "postscript", "first line", "last line", "begin each with a line"),
    *("Begin your answer", "End your answer"),
)
"""What is asked for at an end of the text or of its lines, where marks around the whole of it stand."""

LAST = ("postscript", "code block", "last line", "End your answer")
"""What each would have at the end of the text."""

TRIES = 8
"""Texts that are written for a set. Of 523 sets with a witness among 24 texts 507 have one among these; a set that has
none costs as much as all of its ladder."""

SENTENCE = 4
"""Words that the sentences of a witness have on average at least."""

_QUOTED = re.compile(r'"([^"\n]{1,80})"')

ANY = (
    "There is more to say about it, and not all of it is simple. Some people know it well; others hear of it for the "
    "first time. It may be of use to both, and it is worth a closer look."
)
"""What can be said of everything."""

FORMS = ("json", "table", "comma", "labelled")
"""Beginnings of the names of layouts that are no running text."""

COUNTED = (WORD_RULE, SENTENCE_RULE, PARAGRAPH_RULE, "characters", " line", "comma", "quotation", "bracket", "colon")
"""What nobody can say of such a form: the keys and braces of an object, the bars of a table are neither."""

SIGNS = ("double quotation", "asterisk", "code ", "capital")
"""What two constraints cannot speak of without each being read for the other."""

DRAWS = 30
"""Constraints that are drawn for one rung before the ladder is given up."""


@dataclass(frozen=True)
class Rung:
    """The constraints so far, a text that meets them and the ground, and texts of guessers, none of which does."""

    constraints: tuple[Constraint, ...]
    witness: str
    blind: tuple[str, ...]


def pool(named: Sequence[str], grades: tuple[int, int]) -> tuple[tuple[type[Constraint], ...], ...]:
    """The constraints of these families whose grade lies in a range, a family each; families without any are left out.

    Raises:
        ValueError: a family is unknown.
    """
    known = families()
    if not set(named) <= set(known):
        raise ValueError(f"the constraints' families are {', '.join(sorted(known))}")
    low, high = grades
    found = (tuple(cls for cls in known[family] if low <= cls.grade <= high) for family in named)
    return tuple(classes for classes in found if classes)


def guesses(material: Material, rng: Rng) -> list[str]:
    """Answers of one who reads nothing but the text to write about: it is copied, or cut."""
    cut = material.text.split(" ")[: rng.integer(30, 90)]
    return [material.text, material.sentences[0], " ".join(cut)]


def strung(constraints: Sequence[Constraint], material: Material, rng: Rng) -> list[str]:
    """Answers of one who repeats all words that are in quotes, and goes on with sentences of the text, or with any."""
    named = dict.fromkeys(word for item in constraints for word in _QUOTED.findall(item.tell()))
    opening = f"This is about {', '.join(named)}."
    chosen = sorted(rng.sample(range(len(material.sentences)), min(len(material.sentences), rng.integer(1, 4))))
    told = rng.choice((" ", "\n\n")).join([opening, *(material.sentences[at] for at in chosen)])
    return [opening, told, f"{opening} {ANY}"]


def climb(
    families: Sequence[Sequence[type[Constraint]]],
    ground: Sequence[Constraint],
    material: Material,
    rungs: int,
    blind: Sequence[str],
    rng: Rng,
) -> list[Rung]:
    """A ladder, no two constraints of one type; every family is equally likely, whatever it holds.

    Args:
        families: constraints to draw from, a family each.
        ground: what the witnesses meet too.
        material: what parameters are drawn from and witnesses made of.
        rungs: how many.
        blind: texts that must not keep to all of a rung: not to the first one, that is. Nor may what is `strung`.
        rng: the source of chance.

    Raises:
        Conflict: after `DRAWS` draws for one rung.
    """
    out: list[Rung] = []
    chosen: tuple[Constraint, ...] = ()
    copied = [Reply(text) for text in blind]
    for _ in range(rungs):
        for _ in range(DRAWS):
            try:
                cls = rng.choice(rng.choice(families))
                if cls in map(type, chosen):
                    continue
                added = cls.draw(material, rng)
                if any(names(added) & names(item) for item in (*ground, *chosen)):
                    continue
                if not chosen and any(map(added.met, copied)):
                    continue
                longer = (*chosen, added)
                if confusing(longer):
                    continue
                text = witness((*ground, *longer), material, rng, TRIES)
                if not readable(Reply(text)):
                    continue
                echoes = strung((*ground, *longer), material, rng)
                if any(all(item.met(reply) for item in longer) for reply in map(Reply, echoes)):
                    continue
                if all_needed(longer, ground, text, material, rng):
                    break
            except Conflict:
                continue
        else:
            raise Conflict("no further constraint found")
        chosen = longer
        out.append(Rung(chosen, text, (*blind, *echoes)))
    return out


def confusing(constraints: Sequence[Constraint]) -> bool:
    """Whether two of them are hard to tell apart, or one counts what the form that another asks for leaves open."""
    draft, former = Draft(), None
    for item in constraints:
        item.shape(draft)
        former = former or (item if draft.layout and draft.layout[0].startswith(FORMS) else None)
    told = [item.tell() for item in constraints]
    others = [text for item, text in zip(constraints, told, strict=True) if item is not former]
    if former is not None and any(rule in text for text in others for rule in COUNTED):
        return True
    if any("whole answer" in text for text in told) and any(edge in text for text in told for edge in EDGES):
        return True
    if any("no punctuation" in text for text in told) and any(SENTENCE_RULE in text for text in told):
        return True
    if sum(any(edge in text for edge in LAST) for text in told) > 1:
        return True
    return any(sum(sign in text for text in told) > 1 for sign in SIGNS)


def readable(reply: Reply) -> bool:
    """Whether sentences and paragraphs are not forced to be stumps: exactly 20 words in ten sentences are possible."""
    return len(reply.words) >= SENTENCE * len(reply.sentences)


def names(item: Constraint) -> set[str]:
    """The words, letters and marks that a constraint names; two that name one of them read as if they disagreed."""
    held = asdict(item).values()
    return {
        text.casefold()
        for value in held
        for text in (value if isinstance(value, tuple) else (value,))
        if isinstance(text, str)
    }


def all_needed(
    constraints: Sequence[Constraint], ground: Sequence[Constraint], text: str, material: Material, rng: Rng
) -> bool:
    """Whether each of the constraints can be broken while all others hold, so that none is implied by the others.

    Shown by texts near a witness, then by witnesses of the others alone and texts near those.
    """
    needed: set[int] = set()
    for near in edits(text, material, rng):
        if len(needed) == len(constraints):
            return True
        needed |= alone(constraints, ground, near)
    for number in range(len(constraints)):
        if number not in needed:
            others = (*constraints[:number], *constraints[number + 1 :])
            written = witness((*ground, *others), material, rng, TRIES)
            texts = (written, *edits(written, material, rng))
            if not any(number in alone(constraints, ground, near) for near in texts):
                return False
    return True


def alone(constraints: Sequence[Constraint], ground: Sequence[Constraint], text: str) -> set[int]:
    """The number of the only constraint that a text breaks; none where it breaks several, none, or the ground."""
    reply = Reply(text)
    if not all(item.met(reply) for item in ground):
        return set()
    broken = set[int]()
    for number, item in enumerate(constraints):
        if not item.met(reply):
            broken.add(number)
            if len(broken) > 1:
                return set()
    return broken


def edits(text: str, material: Material, rng: Rng) -> Iterator[str]:
    """Texts near another: words exchanged, added and lost, marks, case, sentences, lines and paragraphs changed."""
    words = text.split(" ")
    inner = [at for at, word in enumerate(words) if word.isalpha() and word.islower()] or [0]

    def put(at: int, *new: str) -> str:
        return " ".join([*words[:at], *new, *words[at + 1 :]])

    for word in (*material.terms[:8], *material.strangers[:4]):
        yield put(rng.choice(inner), word)
    at = rng.choice(inner)
    word = words[at]
    for new in (
        f"{word},",
        f"{word};",
        f"{word}:",
        f'"{word}"',
        f"({word})",
        f"**{word}**",
        f"{word} -",
        "7",
        "\U0001f600",
    ):
        yield put(at, new)
    yield put(at, word.upper())
    yield put(at, word.capitalize())
    yield put(at, f"{word} {word}")
    yield put(at, f"{word}. {word.capitalize()}")
    yield put(at, f"{word}\n\n{word.capitalize()}")
    yield put(at, f"{word}\n{word.capitalize()}")
    more = [rng.choice(material.lexicon) for _ in range(120)]
    for count in (1, 10, 40, 120):
        yield put(at, word, *more[:count])
    for count in (1, 10, 40):
        yield " ".join(other for number, other in enumerate(words) if number not in set(inner[1 : 1 + count]))
    yield text.replace(".", "!")
    yield text.replace(".", "?")
    yield text.lower()
    yield text.upper()
    yield " ".join(words[1:])
    yield " ".join(words[:-1])
    yield f"{text} {more[0].capitalize()} {' '.join(more[1:6])}."
    yield f"{more[0].capitalize()} {' '.join(more[1:6])}. {text}"
    yield f"{text}\n\n{more[0].capitalize()} {' '.join(more[1:6])}."
    yield f"{more[0].capitalize()} {' '.join(more[1:6])}.\n\n{text}"
    yield f"{text}\n- {' '.join(more[:4])}"
    parts = text.split("\n\n")
    yield "\n\n".join(parts[1:])
    yield "\n\n".join(parts[:-1])
    yield "\n\n".join(parts[::-1])
    yield " ".join(parts)
    yield text.rpartition(". ")[0] + "."
    yield text.partition(". ")[2]
    yield text.replace("\n", " ")
    yield f"# {text}"
