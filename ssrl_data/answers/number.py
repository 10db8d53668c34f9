"""One exact rational number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import ClassVar, TypeAlias

from ssrl_data.answers.base import ShortAnswer, verdict
from ssrl_data.answers.reading import bare, plain, said_of
from ssrl_data.core import Answer, Credit, Json, Verdict

Rational: TypeAlias = int | str | Fraction
"""An exact number: an integer, a fraction, or text such as "-2", "0.75" and "3/4". Floats are not exact."""

DIGITS = 18  # of numerator and denominator, or of both sides of the point; nothing longer is converted

_DECIMAL = re.compile(r"([+-]?)([0-9]{0,18}|[0-9]{1,3}(?:,[0-9]{3}){1,5})(?:\.([0-9]{0,18}))?")
_FRACTION = re.compile(
    r"([+-]?)(?:([0-9]{1,18})\s*/\s*([0-9]{1,18})|\\[dt]?frac\{(-?[0-9]{1,18})\}\{([0-9]{1,18})\}"
    r"|\\[dt]?frac\s?([0-9])\s?([0-9]))"
)
_SIGN = re.compile(r"([+-])\s(?=[0-9.\\])")
_THIN = re.compile(r"(?<=[0-9])(?:\{,\}|\\,)(?=[0-9]{3}(?![0-9]))")


class Number(ShortAnswer):
    """Value: {"answer": text, "form": ..., "tolerance": text, "low": int or null, "high": int or null}. All exact."""

    name = "number"
    forms: ClassVar[dict[str, str]] = {
        "integer": "an integer",
        "decimal": "a decimal number",
        "fraction": "a fraction",
        "any": "a number",
    }

    def answer(
        self,
        right: Rational,
        *,
        form: str = "integer",
        tolerance: Rational = 0,
        low: int | None = None,
        high: int | None = None,
        options: int | None = None,
        chance: float | None = None,
    ) -> Answer:
        """The truth of one example.

        The chance level comes from exactly one of: `low` and `high`, when every integer between them is right equally
        often (the prompt names them); `options`, the number of equally likely values far enough apart that one guess
        meets one of them; `chance`, as the task measured it.

        Args:
            right: the right number.
            form: the spelling required: `integer`; `decimal` (no fraction bar); `fraction` (a/b or an integer, in any
                terms); `any`.
            tolerance: largest accepted distance, 0 for integers.
            low: smallest integer asked for.
            high: largest integer asked for.
            options: how many values are equally likely.
            chance: how often the best constant is right, in [0, 1).

        Raises:
            ValueError: a number has no such form, is outside its range, or the chance level is not given once.
        """
        value = {
            "answer": str(Fraction(right)),
            "form": form,
            "tolerance": str(Fraction(tolerance)),
            "low": low,
            "high": high,
        }
        self.check(value)
        if (low is not None) + (options is not None) + (chance is not None) != 1:
            raise ValueError("a number's chance level comes from one of low and high, options, or chance: give one")
        if low is not None and high is not None:
            options = high - low + 1
        if options is not None:
            if options < 2:
                raise ValueError(f"options must be 2 or more, got {options}")
            chance = 1 / options
        if chance is None or not 0 <= chance < 1:
            raise ValueError(f"chance must be in [0, 1), got {chance}")
        return Answer(self.name, value, Credit("exact", chance), chance)

    def check(self, value: Json) -> None:
        """Raise ValueError unless the number can be written in its form, within its range."""
        if not isinstance(value, dict) or set(value) != {"answer", "form", "tolerance", "low", "high"}:
            raise ValueError(f"a number's value has the keys answer, form, tolerance, low and high, got {value!r:.80}")
        if value["form"] not in list(self.forms):
            raise ValueError(f"form {value['form']!r:.80} is unknown: use one of {', '.join(self.forms)}")
        for key in ("answer", "tolerance"):
            if not isinstance(value[key], str) or _read(value[key], "any") != value[key]:
                raise ValueError(
                    f"{key} {value[key]!r:.80} is not an exact number in lowest terms of up to {DIGITS} digits"
                )
        number, tolerance = Fraction(value["answer"]), Fraction(value["tolerance"])
        if tolerance < 0 or (tolerance and value["form"] == "integer"):
            raise ValueError(f"tolerance {tolerance} is not possible: it is 0 for integers and never negative")
        low, high = value["low"], value["high"]
        if (low, high) != (None, None):
            if type(low) is not int or type(high) is not int or value["form"] != "integer":
                raise ValueError("low and high are two integers, for the form 'integer' only")
            if not low <= number <= high or low == high:
                raise ValueError(f"low < high and low <= answer <= high must hold, got {low}, {high}, {number}")
        if _read(self.right(value), value["form"]) != value["answer"]:
            raise ValueError(f"{number} cannot be written as {self.forms[value['form']]} of up to {DIGITS} digits")

    def form(self, value: Json) -> str:
        """What to answer with."""
        between = "" if value["low"] is None else f" from {value['low']} to {value['high']}"
        return self.forms[value["form"]] + between

    def parse(self, text: str, value: Json) -> Json | None:
        r"""The number spelled, in lowest terms, if in the form asked: `-2`, `1,024`, `0.75`, `3/4`, `\frac{3}{4}`.

        A name before it and a sign of its unit do not matter: `x = 2`, `$2`, `20%`, `90°`.
        """
        text = plain(text).strip("$ ")
        if (said := said_of(text)) is not None:
            text = said[1].strip("$ ")
        text = _THIN.sub(",", _SIGN.sub(r"\1", text.removeprefix("\\$"))).removesuffix("%").removesuffix("\\")
        text = text.removesuffix("°").rstrip()
        return _read(text, value["form"]) or _read(bare(text), value["form"])

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Exact when within the tolerance."""
        exact = given == value["answer"]
        if not exact and value["tolerance"] != "0":
            exact = abs(Fraction(given) - Fraction(value["answer"])) <= Fraction(value["tolerance"])
        return verdict(float(exact), exact, given, credit)

    def luck(self, value: Json) -> float | None:
        """One of the integers of the range, where the prompt names one."""
        return None if value["low"] is None else 1 / (value["high"] - value["low"] + 1)

    def right(self, value: Json) -> str:
        """The text of the right answer, in its form."""
        number = Fraction(value["answer"])
        return _decimal(number) if value["form"] == "decimal" else str(number)

    def wrong(self, value: Json) -> Iterator[str]:
        """One off, the other sign, a slipped decimal point, numbers that no one should convert, and a sentence."""
        number, step = Fraction(value["answer"]), 1 + 2 * Fraction(value["tolerance"])
        others = [number + step, number - step, -number, number * 10, number / 10]
        for other in others:
            if abs(other - number) > Fraction(value["tolerance"]):
                yield _decimal(other) if value["form"] == "decimal" else str(other)
        text = self.right(value)
        yield f"{text}e0"
        yield f"{text}/0"
        yield f"about {text}"
        yield "nan"
        yield "9" * 5000


def _read(text: str, form: str) -> str | None:
    if (found := _DECIMAL.fullmatch(text)) is not None:
        sign, whole, part = found[1], found[2].replace(",", ""), found[3]
        if not 0 < len(whole) + len(part or "") <= DIGITS or (part is not None and form == "integer"):
            return None
        number = Fraction(int(whole + (part or "")), 10 ** len(part or ""))
    elif form in ("fraction", "any") and (found := _FRACTION.fullmatch(text)) is not None:
        sign, below = found[1], int(found[3] or found[5] or found[7])
        if below == 0:
            return None
        number = Fraction(int(found[2] or found[4] or found[6]), below)
    else:
        return None
    return str(-number if sign == "-" else number)


def _decimal(number: Fraction) -> str:
    """The number with a decimal point; cut after 18 places when it never ends."""
    whole, rest = divmod(abs(number.numerator), number.denominator)
    digits = ""
    while rest and len(digits) < DIGITS:
        digit, rest = divmod(10 * rest, number.denominator)
        digits += str(digit)
    return f"{'-' if number < 0 else ''}{whole}" + (f".{digits}" if digits else "")
