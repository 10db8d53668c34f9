"""Where everything stands in a Metamath database (Megill and Wheeler, Metamath, 2019, chapter 4).

One pass over the keywords reads no formula and no proof; a statement's formula and hypotheses are read when asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple, TypeAlias

from ssrl_data.core import Reject
from ssrl_data.media.text import canonical

MOST_HYPOTHESES = 500
"""Hypotheses of the largest statement that is used, those on variables included; set theory's largest has 75."""

_LEVELS = ("####", "#*#*", "=-=-", "-.-.")
_HEADER = re.compile(r"\s*\n(####|#\*#\*|=-=-|-\.-\.)[#*=.-]*[ \t]*\n[ \t]*(\S[^\n]*)\n\1")
_LABEL = re.compile(r"[-_.A-Za-z0-9]+")
_COMMENT = re.compile(r"\$\((?:[^$]|\$(?!\)))*\$\)")

Span: TypeAlias = tuple[int, int]
Chain: TypeAlias = "tuple[str, Chain] | None"
"""What is in force at a place, the latest first; places share their ends."""


class Statement(NamedTuple):
    """Where a labelled statement stands, as offsets in the text.

    Attributes:
        keyword: f, e, a or p.
        formula: the formula with its type, possibly with comments.
        proof: the proof; empty for what has none.
        hypotheses: labels of the hypotheses in force.
        distinct: offsets of the `$d` statements in force, as texts.
        section: headings above it, from the highest level down.
        comment: the comment right before it; empty where there is none.
    """

    keyword: str
    formula: Span
    proof: Span
    hypotheses: Chain
    distinct: Chain
    section: str
    comment: Span


class Floating(NamedTuple):
    """A hypothesis that gives a variable its type; `place` is its number among all hypotheses."""

    label: str
    place: int
    type: str
    variable: str


class Essential(NamedTuple):
    """A premise; `place` is its number among all hypotheses."""

    label: str
    place: int
    type: str
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """A statement and what it takes to apply it.

    Attributes:
        floating: hypotheses on the variables that it or a premise has.
        essential: premises.
        type: type of the claim.
        tokens: the claim without its type.
        apart: pairs of variables for which nothing with a common variable may be put.
    """

    floating: tuple[Floating, ...]
    essential: tuple[Essential, ...]
    type: str
    tokens: tuple[str, ...]
    apart: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Database:
    """A database as text, its labelled statements, all its variables, and where its `$d` statements stand."""

    text: str
    statements: Mapping[str, Statement]
    variables: frozenset[str]
    distinct: Mapping[str, Span]
    frames: dict[str, Frame] = field(default_factory=dict)
    formulas: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def tokens(self, span: Span) -> tuple[str, ...]:
        """The tokens of a stretch of text without its comments."""
        return tuple(_plain(self.text[slice(*span)]).split())

    def formula(self, label: str) -> tuple[str, tuple[str, ...]]:
        """Type and tokens of a labelled statement.

        Raises:
            Reject: it is empty.
        """
        if label not in self.formulas:
            tokens = self.tokens(self.statements[label].formula)
            if not tokens:
                raise Reject("statement without a type")
            self.formulas[label] = tokens[0], tokens[1:]
        return self.formulas[label]

    def in_force(self, label: str) -> list[str]:
        """Labels of the hypotheses that a statement may use, in their order."""
        return list(_walk(self.statements[label].hypotheses))[::-1]

    def apart(self, label: str) -> Iterator[tuple[str, ...]]:
        """Groups of variables that may be taken as distinct from each other in the proof of a statement."""
        return (self.tokens(self.distinct[place]) for place in _walk(self.statements[label].distinct))

    def frame(self, label: str) -> Frame:
        """What a statement says and needs.

        Raises:
            Reject: the database does not say what a variable is, or the statement is too large.
        """
        if label not in self.frames:
            self.frames[label] = self._frame(label)
        return self.frames[label]

    def _frame(self, label: str) -> Frame:
        kind, claim = self.formula(label)
        labels = self.in_force(label)
        premises = {name: self.formula(name) for name in labels if self.statements[name].keyword == "e"}
        used = self.variables & {*claim, *(token for _, tokens in premises.values() for token in tokens)}
        floating: dict[str, Floating] = {}
        essential: list[Essential] = []
        for name in labels:
            place = len(floating) + len(essential)
            if name in premises:
                essential.append(Essential(name, place, *premises[name]))
                continue
            sort, variable = self.formula(name)
            if len(variable) != 1 or variable[0] in floating:
                raise Reject("variable without one type")
            if variable[0] in used:
                floating[variable[0]] = Floating(name, place, sort, variable[0])
        if len(floating) < len(used):
            raise Reject("variable without one type")
        if len(floating) + len(essential) > MOST_HYPOTHESES:
            raise Reject("statement too large")
        apart = {pair for group in self.apart(label) for pair in combinations(sorted(used.intersection(group)), 2)}
        return Frame(tuple(floating.values()), tuple(essential), kind, claim, tuple(sorted(apart)))


def indexed(text: str) -> Database:
    """The database that a text is.

    Raises:
        Reject: `not a Metamath database`, `includes another file`, `unbalanced scope`, `unclosed statement`, `label
            twice`.
    """
    statements: dict[str, Statement] = {}
    distinct: dict[str, Span] = {}
    variables: set[str] = set()
    scopes: list[tuple[Chain, Chain]] = []
    hypotheses: Chain = None
    apart: Chain = None
    titles = [""] * len(_LEVELS)
    section = ""
    comment = (0, 0)
    label: list[str] = []
    at = 0
    while (found := text.find("$", at)) >= 0:
        label += text[at:found].split()
        keyword, start = text[found + 1 : found + 2], found + 2
        if keyword == "(":
            at = _closed(text, start)
            comment = (start, at - 2)
            if header := _HEADER.match(text, start, at):
                level = _LEVELS.index(header[1])
                titles[level:] = [canonical(header[2]), *[""] * (len(_LEVELS) - level - 1)]
                section = " / ".join(filter(None, titles))
            continue
        if keyword not in "{}cvdfeap" or len(label) != (keyword in "feap"):
            raise Reject("includes another file" if keyword == "[" else "not a Metamath database")
        at = start
        if keyword == "{":
            scopes.append((hypotheses, apart))
        elif keyword == "}":
            if not scopes:
                raise Reject("unbalanced scope")
            hypotheses, apart = scopes.pop()
        elif keyword in "cvd":
            at = _ended(text, start, ".")
            if keyword == "v":
                variables.update(_plain(text[start : at - 2]).split())
            elif keyword == "d":
                distinct[str(found)] = (start, at - 2)
                apart = (str(found), apart)
        else:
            at = end = _ended(text, start, "=" if keyword == "p" else ".")
            if keyword == "p":
                at = _ended(text, end, ".")
            if (name := label.pop()) in statements or not _LABEL.fullmatch(name):
                raise Reject("label wrong or twice")
            proof = (end, at - 2) if keyword == "p" else (end, end)
            statements[name] = Statement(keyword, (start, end - 2), proof, hypotheses, apart, section, comment)
            if keyword in "fe":
                hypotheses = (name, hypotheses)
        comment = (at, at)
    if scopes:
        raise Reject("unbalanced scope")
    if label or text[at:].split() or not statements:
        raise Reject("not a Metamath database")
    return Database(text, statements, frozenset(variables), distinct)


def _walk(chain: Chain) -> Iterator[str]:
    while chain:
        label, chain = chain
        yield label


def _plain(text: str) -> str:
    return _COMMENT.sub(" ", text) if "$(" in text else text


def _closed(text: str, at: int) -> int:
    """Where the comment ends that is open here."""
    found = text.find("$)", at)
    if found < 0:
        raise Reject("unclosed statement")
    return found + 2


def _ended(text: str, at: int, mark: str) -> int:
    """Where the statement ends that is open here; `mark` is the letter of the keyword that must end it."""
    while (found := text.find("$", at)) >= 0:
        if text[found + 1 : found + 2] == mark:
            return found + 2
        if text[found + 1 : found + 2] != "(":
            break
        at = _closed(text, found + 2)
    raise Reject("unclosed statement")
