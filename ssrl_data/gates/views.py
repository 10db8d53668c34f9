"""Other wordings of a question that have the same answer by construction.

Rewriting by a model changes what is asked in some share of questions; these four views cannot. Where it is not certain
that a view keeps the question, there is none.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ssrl_data.rng import Rng

_FREE = "bcknpqrtuvwxyz"
"""Letters that may stand for a variable: none is an article, a constant or, in prose, mostly a unit."""

_LETTER = re.compile(r"(?<![A-Za-z\\])([a-z])(?![A-Za-z])")
_DIGITS = re.compile(r"\bbase[- ]?[0-9]|\b(?:hexa)?decimal\b|\b(?:hex|octal|binary|digits?)\b", re.IGNORECASE)
_RUN = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{2,3}(?![A-Za-z])")
_JOINED = re.compile(
    r"[0-9=+*^<>/-]\s?(?<![A-Za-z\\])([A-Za-z]{2,3})(?![A-Za-z])|(?<![A-Za-z\\])([A-Za-z]{2,3})\s?[=+*^<>/-]"
)
_REFERS = re.compile(
    r"\b(?:all|none|both|neither|either|any|some|each|one|two|more than one)\b.{0,24}\b(?:above|below|these|those|them"
    r"|the others?|others?|options?|answers?|choices?)\b|\babove\b|\bbelow\b"
    r"|\b(?:options?|answers?|choices?|statements?) \(?[A-J1-9]\b|\(?\b[A-J]\)?(?: and|,| or|&) \(?[A-J]\b"
    r"|\bneither\b|\bboth\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"\b(?:premise|fact|statement|clue|hypothesis|condition|rule)s? \(?[0-9]|\((?:[0-9]|i{1,3}|iv|v)\)|^\s*[0-9]+[.)]"
    r"|\b(?:former|latter|above|below|preceding|previous|aforementioned)\b",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True)
class Question:
    """A question as it is shown: the problem, its premises, its options in order, and the right answer, if known."""

    problem: str
    given: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    answer: str | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is shown, and the answer."""
        return (self.problem, *self.given, *self.options, self.answer or "")


def variables(question: Question) -> tuple[str, ...]:
    """Letters that are surely variables wherever they stand alone, in order.

    There is none where digits are spoken of, as letters may be digits of another base. Such a letter stands somewhere
    beside a digit, an equals sign or an operator; nowhere behind a number and a space,
    like a unit, between digits, like a times sign, between quotes, in brackets of its own, before a hyphen or an
    apostrophe, or inside a short run of letters that may be a product or a differential.
    """
    whole = "\n".join(question.texts)
    if _DIGITS.search(whole):
        return ()
    runs = {run.group() for run in _RUN.finditer(whole)}
    joined = {run for pair in _JOINED.findall(whole.replace("$", "")) for run in pair}
    letters = {*_FREE, "d", *re.findall(r"(?<![A-Za-z])[a-z](?![A-Za-z])", whole)}
    out = []
    for v in sorted(set(_LETTER.findall(whole)) & set(_FREE)):
        one = rf"(?<![A-Za-z\\]){v}(?![A-Za-z])"
        used = re.search(rf"[0-9=+*^<>]\s?{one}|{one}\s?[=+*^<>]", whole.replace("$", ""))
        else_used = re.search(
            rf"[0-9)]\s+{one}|[0-9]{one}[0-9]|[\"'‘“`]{one}|{one}[\"'’”`]|(?<![A-Za-z0-9'’])\({one}\)|{one}-[A-Za-z]{{2}}|[A-Za-z]/{one}",
            whole,
        )
        if used and not else_used and not any(v in run and (set(run) <= letters or run in joined) for run in runs):
            out.append(v)
    return tuple(out)


def renamed(question: Question, rng: Rng) -> tuple[Question, dict[str, str]] | None:
    """The question with its variables renamed to letters that occur nowhere alone in it, and old to new letter."""
    olds = variables(question)
    whole = "\n".join(question.texts)
    free = [letter for letter in _FREE if not re.search(rf"(?<![A-Za-z]){letter}(?![A-Za-z])", whole, re.IGNORECASE)]
    if not olds or len(free) < len(olds):
        return None
    names = dict(zip(olds, rng.sample(free, len(olds)), strict=True))
    return _with_letters(question, names), names


def reordered(question: Question, rng: Rng) -> tuple[Question, list[int]] | None:
    """The question with its premises in another order, and which premise stands at each place, from 0."""
    count = len(question.given)
    if len(set(question.given)) < 2 or any(_NUMBERED.search(text) for text in (question.problem, *question.given)):
        return None
    order = _other_order(count, rng)
    return replace(question, given=tuple(question.given[n] for n in order)), order


def permutable(options: Sequence[str]) -> bool:
    """Whether the options may stand in any order: none speaks of others or of their letters."""
    return len(options) > 1 and not any(_REFERS.search(option) for option in options)


def permuted(question: Question, rng: Rng) -> tuple[Question, list[int]] | None:
    """The question with its options in another order, and which option stands at each place, from 0."""
    if not permutable(question.options):
        return None
    order = _other_order(len(question.options), rng)
    return replace(question, options=tuple(question.options[n] for n in order)), order


def placed(options: Sequence[str], right: str, aim: int, rng: Rng) -> list[int]:
    """A random order of the options in which the right one's place is odd or even as `aim` says.

    Over both aims each place is equally likely: the last of an odd number of places is taken at either.
    """
    place = rng.below(len(options))
    if place != len(options) - 1 or len(options) % 2 == 0:
        place += aim - place % 2
    at = options.index(right)
    others = rng.shuffled([n for n in range(len(options)) if n != at])
    return [*others[:place], at, *others[place:]]


def letters(count: int) -> str:
    """The letters of so many options."""
    return string.ascii_uppercase[:count]


def _other_order(count: int, rng: Rng) -> list[int]:
    inorder = list(range(count))
    order = rng.shuffled(inorder)
    while order == inorder:
        order = rng.shuffled(inorder)
    return order


def _with_letters(question: Question, names: Mapping[str, str]) -> Question:
    def put(text: str) -> str:
        return _LETTER.sub(lambda found: names.get(found[1], found[1]), text)

    answer = None if question.answer is None else put(question.answer)
    return Question(put(question.problem), tuple(map(put, question.given)), tuple(map(put, question.options)), answer)
