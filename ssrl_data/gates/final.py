r"""What exact form a gold answer has, so that one value is right: a choice, a number, an expression, or none of these.

Nothing is guessed. An answer with a unit counts where the question names the unit, a rounded one where the question
says how to round, an expression where the question does not hold it already, and everything else has no exact form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ssrl_data.answers.expression import Expression
from ssrl_data.answers.number import Number
from ssrl_data.answers.reading import tagged
from ssrl_data.media.text import canonical, sentences

CHOICE, WORD, NUMBER, EXPRESSION = "choice", "word", "number", "expression"

PAIRS = (("yes", "no"), ("true", "false"), ("valid", "invalid"))
"""Answers that say which of two; the one given is one of a pair where the question leaves no third."""

PLACES = 2
"""Digits behind the point that an answer may have, or as many as the question's own numbers; with more it was rounded,
and is right only where the question says how to."""

SPANS = 6
"""Formulas of a question that are compared with its answer."""

_LETTER = re.compile(r"\(?([A-J])\)?[.:)]?")
_THIRD = re.compile(
    r"\b(?:unknown|uncertain|undetermined|cannot be|can't be|not enough|neither|maybe|undecid\w+)\b", re.IGNORECASE
)
_NUMBER = re.compile(
    r"(?P<sign>[-−+]?)\s?(?P<money>\\?\$?)\s?(?P<number>[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+|[0-9]+\s?/\s?[0-9]+"
    r"|\\[dt]?frac\{[0-9]+\}\{[0-9]+\})(?:\s?(?P<sign_of>\\?%|°)|\s(?P<unit>[A-Za-z]{2,}(?:[ /][A-Za-z]+){0,2}))?"
)
_LETTERED = re.compile(r"[0-9.,/]+\s[A-Za-z]")
_GROUPS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_SOLVED = re.compile(r"([A-Za-z])\s?=\s?([^=]+)")
_POINT = re.compile(r"[0-9]\.([0-9]{1,18})")
_LOWEST = re.compile(r"lowest terms|simplest form|reduced fraction|simplified fraction|common fraction", re.IGNORECASE)
_FRACTION = re.compile(r"\bas an? (?:\w+ )?fraction\b", re.IGNORECASE)
_DECIMAL = re.compile(r"\b(?:as|in) (?:a )?decimals?\b|\bdecimal (?:number|form|places?)\b|\bround", re.IGNORECASE)
_ROUNDED = re.compile(
    r"\bround\w*|\bdecimal places?\b|\bto the nearest\b|\bsignificant (?:figures|digits)\b", re.IGNORECASE
)
_VAGUE = re.compile(r"\b(?:approximat\w+|roughly|estimate\w*|about how)\b", re.IGNORECASE)
_REWRITE = re.compile(r"\b(?:simplify|expand|factor\w*|rewrite|reduce|rationali[sz]e|multiply out)\b", re.IGNORECASE)
_EXPAND = re.compile(r"\b(?:expand|multiply out)\b", re.IGNORECASE)
_TOLD = re.compile(
    r"\b(?:answer|solution|ans)\s*(?:[:=]\s*\S|is:?\s*[-−+$\\({]*(?:[0-9]|[A-J]\b(?! [a-z])))", re.IGNORECASE
)
_BASE = re.compile(r"\bbase[- ]?[0-9]|\bhex(?:adecimal)?\b", re.IGNORECASE)
_ALONE = re.compile(r"(?<![A-Za-z\\])[A-Za-z](?![A-Za-z])")
_RUN = re.compile(r"(\\?)([A-Za-z]{2,})")
_BETWEEN = re.compile(r"[$?!;:,=\n]|\.(?:\s|$)|(?<![A-Za-z\\])[A-Za-z]{2,}(?![A-Za-z])")
_NAMES = frozenset(
    {
        *("sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "log", "ln"),
        *("exp", "sqrt", "pi", "abs", "frac", "dfrac", "tfrac", "cdot", "times", "left", "right", "infty"),
        *("theta", "alpha", "beta", "gamma", "delta", "lambda", "mu", "phi", "omega"),
    }
)


@dataclass(frozen=True)
class Typed:
    """An answer of exact form.

    Attributes:
        kind: `choice` of the question's options, `word` for one of two words, `number` or `expression`.
        right: the option, the word, the number in lowest terms, or the expression.
        form: the answer kind's form; empty for choices.
        options: the two words; empty for other kinds.
    """

    kind: str
    right: str
    form: str = ""
    options: tuple[str, ...] = ()


def told(problem: str) -> bool:
    """Whether the problem itself says what some answer is, as in `Answer: 42`."""
    return _TOLD.search(problem) is not None


def typed(problem: str, answer: str, options: Sequence[str] = ()) -> Typed | None:
    """The exact form of an answer, or None.

    Args:
        problem: what is asked.
        answer: the answer as the source writes it: one of the options, or their letter; else free text.
        options: the source's options.
    """
    text = canonical(answer)
    if options:
        return _option(text, [canonical(option) for option in options])
    bare = text.rstrip(".")
    if bare.count("$") == 2 and bare[0] == bare[-1] == "$":
        bare = bare.strip("$ ").rstrip(".")
    word = bare.lower()
    for pair in PAIRS:
        if word in pair:
            return None if _THIRD.search(problem) else Typed(WORD, word, "", pair)
    if (solved := _SOLVED.fullmatch(bare)) and re.search(rf"(?<![A-Za-z]){solved[1]}(?![A-Za-z])", problem):
        bare = solved[2].strip()
    if _BASE.search(problem) and re.search(r"[A-Za-z]", bare):  # 34a has neither a unit nor a factor a there
        return None
    return _number(problem, bare) or _expression(problem, bare)


def _option(text: str, options: Sequence[str]) -> Typed | None:
    """The option that the answer names; None where two read alike."""
    if len({option.casefold() for option in options}) < len(options) or not 2 <= len(options) <= 10:
        return None
    if text not in options and (letter := _LETTER.fullmatch(text)) and ord(letter[1]) - 65 < len(options):
        text = options[ord(letter[1]) - 65]
    if text not in options:
        return None
    words = tuple(option.lower() for option in options)
    for pair in PAIRS:
        if set(words) == set(pair):
            return Typed(WORD, text.lower(), "", pair)
    return Typed(CHOICE, text)


def _number(problem: str, text: str) -> Typed | None:
    """A number, in the form that the question asks for."""
    found = _NUMBER.fullmatch(text)
    if found is None or ("," in found["number"] and not _GROUPS.fullmatch(found["number"])):
        return None
    asked = (sentences(canonical(problem)) or [""])[-1].lower()
    if not _unit_named(found["money"] or found["sign_of"] or found["unit"] or "", asked, problem.lower()):
        return None
    if set(found["unit"] or "") and set(found["unit"]) <= set(_ALONE.findall(problem)):  # 2 xy is a product
        return None
    sign = "-" if found["sign"] in ("-", "−") else ""
    number = Number().parse(sign + found["number"].replace(" ", ""), {"form": "any"})
    if number is None or (_VAGUE.search(problem) and not _ROUNDED.search(problem)):
        return None
    if "." in found["number"]:
        places = max([PLACES, *(len(digits) for digits in _POINT.findall(problem))])
        if len(found["number"].partition(".")[2]) > places and not _ROUNDED.search(problem):
            return None
        return Typed(NUMBER, number, "decimal" if _DECIMAL.search(problem) else "any")
    if _LOWEST.search(problem):
        return Typed(EXPRESSION, number, "fraction") if _bare_fraction(number, found["number"]) else None
    if Fraction(number).denominator == 1 and "/" not in text and "frac" not in text:
        return Typed(NUMBER, number, "integer")
    return Typed(NUMBER, number, "fraction" if _FRACTION.search(problem) else "any")


def _bare_fraction(number: str, spelled: str) -> bool:
    """Whether the source's spelling is in lowest terms, as its question asks."""
    digits = re.findall(r"[0-9]+", spelled.replace(",", ""))
    return number.lstrip("-").split("/") == digits


def _unit_named(unit: str, asked: str, problem: str) -> bool:
    """Whether the question names the unit, so that the bare number is the answer."""
    unit = unit.lower().lstrip("\\")
    if unit == "":
        return True
    if unit == "$":
        return ("dollar" in asked or "$" in problem) and "cent" not in problem and "¢" not in problem
    if unit == "%":
        return "percent" in asked or "%" in asked
    if unit == "°":
        return "degree" in asked
    return re.search(rf"(?<![a-z]){re.escape(unit.removesuffix('s'))}(?:s|es)?(?![a-z])", asked) is not None


def _expression(problem: str, text: str) -> Typed | None:
    """An expression with an operation in it, which the question does not hold already."""
    if _LETTERED.fullmatch(text):  # 5 m: metres, or a product
        return None
    runs = {name.lower() for _, name in _RUN.findall(text)}
    if not runs <= _NAMES or not re.search(r"[A-Za-z]", text) or not re.search(r"[0-9+\-*/^({\\]", text):
        return None
    unknown = set(_ALONE.findall(text)) - set(_ALONE.findall(problem)) - {"e", "i"}
    if unknown:  # digits of another base, a chemical formula, a constant of integration
        return None
    form = "expanded" if _EXPAND.search(problem) else "any"
    if form == "any" and _REWRITE.search(problem):
        return None
    kind = Expression()
    try:
        answer = kind.answer(text, form=form, chance=0.0)
    except ValueError:
        return None
    for span in _formulas(problem)[:SPANS]:
        score = kind.grade(tagged(span), answer.value, answer.credit).score
        if score is None or score == 1.0:
            return None
    return Typed(EXPRESSION, text, form)


def _formulas(problem: str) -> list[str]:
    """What stands between words and marks of a problem and has an operation in it, longest first."""
    spread = _BETWEEN.sub(lambda found: found[0] if found[0].lower() in _NAMES else "\n", problem)
    spans = {span.strip() for span in spread.split("\n") if re.search(r"[+\-*/^\\(]|[0-9][a-z]", span)}
    return sorted(spans, key=lambda span: (-len(span), span))
