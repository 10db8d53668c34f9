r"""An answer as if it were the right one, for rewards that know no truth: whether others equal it, and in other words.

Equality is that of the answer's kind, so `1/2`, `0.5` and `\frac12` are one answer; what is stored as right plays no
part in reading. A row that stores no answer (`unlabelled`) is read as what its text is: a number or an expression, one
of the options that its question lists, else words.

Two views of one question say in their `meta` under `make` how each words it: `view`, its name; `options`, which option
of the source stands at each letter; `letters`, the new name of each variable of the source. An answer to one is then
taken over to the other: the option behind a letter, the variable behind a name.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ssrl_data.answers.base import AnswerKind
from ssrl_data.answers.choice import Choice
from ssrl_data.answers.expression import Expression
from ssrl_data.answers.number import Number
from ssrl_data.answers.reading import final, plain
from ssrl_data.answers.span import Span
from ssrl_data.core import Credit, Json
from ssrl_data.registry import answer_kind
from ssrl_data.row import canonical, unpack_answer

UNLABELLED = "unlabelled"

_WHOLE = Credit("exact", 0.0)
_WORDS = re.compile(r"[^\W\d_]{2,}(?:[ '.,-]{1,3}[^\W\d_]+)*")
_ALONE = re.compile(r"(?<![A-Za-z\\])([A-Za-z])(?![A-Za-z])")
_NUMBER: Json = {"answer": "0", "form": "any", "tolerance": "0", "low": None, "high": None}
_EXPRESSION: Json = {"answer": "0", "form": "any", "symbols": []}
_SPAN: Json = {"answer": "-", "aliases": []}


@dataclass(frozen=True, slots=True)
class View:
    """How a row words its question.

    Attributes:
        options: which option of the source stands at each letter, from 0; empty where none are listed.
        letters: the new name of each renamed variable of the source.
    """

    options: tuple[int, ...] = ()
    letters: Mapping[str, str] = field(default_factory=dict)


PLAIN = View()


@dataclass(frozen=True, slots=True)
class Supposed:
    """An answer that is supposed to be right.

    Attributes:
        kind: the name of its kind.
        value: the truth that it would be, in the kind's own form.
    """

    kind: str
    value: Json

    @property
    def key(self) -> str:
        """Of its spelling: what is spelled differently may still be equal."""
        return canonical([self.kind, self.value])

    @property
    def response(self) -> str:
        """A response that gives it."""
        return answer_kind(self.kind).gold(self.value)

    def accepts(self, other: Supposed) -> bool:
        """Whether another answer would be right if this one were."""
        if self.kind != other.kind:
            return False
        return self.value == other.value or answer_kind(self.kind).grade(other.response, self.value, _WHOLE).exact


def view_of(meta: str) -> View | None:
    """The view of a row by its `meta` column; None where it does not say that it is one."""
    made = json.loads(meta).get("make")
    if not isinstance(made, dict) or "view" not in made:
        return None
    return View(tuple(made.get("options", ())), made.get("letters", {}))


def same_question(answers: Sequence[str], views: Sequence[View | None]) -> bool:
    """Whether rows are views of one question between which answers can be taken over.

    Args:
        answers: their `answer` columns.
        views: how each words it.
    """
    kinds = {unpack_answer(answer)[0].name for answer in answers}
    options = {tuple(sorted(view.options)) for view in views if view is not None}
    return len(answers) > 1 and None not in views and len(kinds) == len(options) == 1


def suppose(answer: str, response: str, view: View = PLAIN) -> Supposed | None:
    """What a response answers; None where nothing can be read, or what could not be right.

    Args:
        answer: the row's `answer` column, of which the truth is not used.
        response: any string.
        view: how the row words its question; matters for rows that store no answer.
    """
    kind, value, _ = unpack_answer(answer)
    if kind.name == UNLABELLED:
        return _unlabelled(response, len(view.options))
    return _of_kind(kind, kind.hidden(value), response)


def taken_over(one: Supposed, source: View, target: View) -> Supposed | None:
    """An answer to one view of a question as the answer to another; None where it has none there.

    Args:
        one: the answer to the first.
        source: how the first words it.
        target: how the second does.
    """
    said = one.value["answer"]
    if one.kind == Choice.name:
        names = list(string.ascii_uppercase[: len(source.options)])
        if not source.options or one.value["options"] != names:
            return one
        option = source.options[names.index(said)]
        if option not in target.options:
            return None
        said = names[target.options.index(option)]
    elif one.kind in (Expression.name, Span.name) and (source.letters or target.letters):
        said = _renamed(said, source.letters, target.letters)
    if said is None or said == one.value["answer"]:
        return None if said is None else one
    value = answer_kind(one.kind).supposed(said, one.value)
    return None if value is None else Supposed(one.kind, value)


def _renamed(text: str, source: Mapping[str, str], target: Mapping[str, str]) -> str | None:
    """A text with the variables of one view named as in another.

    None where it holds a letter that is no variable here and would be taken for one there, or one that was renamed.
    """
    back = {new: old for old, new in source.items()}
    originals = {letter: back.get(letter, letter) for letter in _ALONE.findall(text)}
    if any(letter in source and letter not in back for letter in originals):
        return None
    fresh = set(target.values()) - set(target)
    if any(original in fresh for original in originals.values()):
        return None
    names = {letter: target.get(original, original) for letter, original in originals.items()}
    return _ALONE.sub(lambda found: names[found[1]], text)


def _of_kind(kind: AnswerKind, value: Json, response: str) -> Supposed | None:
    given = kind.read(response, value).given
    right = None if given is None else kind.supposed(given, value)
    return None if right is None else Supposed(kind.name, right)


def _unlabelled(response: str, options: int) -> Supposed | None:
    if options > 1:
        return _of_kind(Choice(), _letters(options), response)
    read = final(response, lambda text: canonical(found) if (found := _typed(text)) else None).given
    if read is None:
        return None
    name, given = json.loads(read)
    value = _EXPRESSION if name == Expression.name else _SPAN
    right = answer_kind(name).supposed(given, value)
    return None if right is None else Supposed(name, right)


def _typed(text: str) -> tuple[str, str] | None:
    """The kind as which a text reads, and what it reads as; numbers are expressions."""
    number = Number().parse(text, _NUMBER)
    if number is not None:
        text = str(number)
    words = _WORDS.fullmatch(plain(text).strip(" .$*\"'()"))
    kind = Span() if words else Expression()
    given = kind.parse(text, _SPAN if words else _EXPRESSION)
    if given is None and not words:
        kind, given = Span(), Span().parse(text, _SPAN)
    return None if given is None else (kind.name, str(given))


@lru_cache(maxsize=32)
def _letters(options: int) -> Json:
    names = list(string.ascii_uppercase[:options])
    return {"answer": names[0], "options": names}
