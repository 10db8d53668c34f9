"""How many there are of each of several named things."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import ClassVar

from ssrl_data.answers.base import ShortAnswer, blind, independent, rule_for, verdict
from ssrl_data.answers.reading import bare, plain
from ssrl_data.core import Answer, Credit, Json, Verdict

_LIST = re.compile(r"[0-9]{1,18}(?:\s*[,;]\s*[0-9]{1,18}|\s+[0-9]{1,18})*")
_SPLIT = re.compile(r"[,;\n]")
_NAMED = re.compile(r"([a-z][a-z ]*?) ?[:=]? ?([0-9]{1,18})")
_COUNTED = re.compile(r"([0-9]{1,18}) ([a-z][a-z ]*)")
_NAME = re.compile(r"[a-z]+(?: [a-z]+)*")


class Counts(ShortAnswer):
    """Value: {"names": n names, "answer": n counts, "low": int, "high": int}. Raw score: the share of exact counts."""

    name = "counts"
    rules: ClassVar[frozenset[str]] = frozenset({"exact", "partial"})

    def answer(self, counts: Mapping[str, int], low: int, high: int, credit: str | None = None) -> Answer:
        """The truth of one example.

        The chance level holds when every count is uniform from `low` to `high`, independently of the others.

        Args:
            counts: name to count, in the order in which the prompt asks; names are lower-case words of ASCII letters.
            low: smallest possible count, 0 or more.
            high: largest possible count.
            credit: `exact` or `partial`; by default `partial` above four names.

        Raises:
            ValueError: a name or a count is out of its range, or the credit is unknown.
        """
        value = {"names": list(counts), "answer": list(counts.values()), "low": low, "high": high}
        self.check(value)
        p = Fraction(1, high - low + 1)
        rule, chance = blind(independent([p] * len(counts)), rule_for(len(counts), credit))
        return Answer(self.name, value, rule, chance)

    def check(self, value: Json) -> None:
        """Raise ValueError unless there is one count in range for each of one or more different names."""
        if not isinstance(value, dict) or set(value) != {"names", "answer", "low", "high"}:
            raise ValueError(f"the value of counts has the keys names, answer, low and high, got {value!r:.80}")
        names, counts, low, high = value["names"], value["answer"], value["low"], value["high"]
        if (
            not isinstance(names, list)
            or not names
            or not all(isinstance(n, str) and _NAME.fullmatch(n) for n in names)
        ):
            raise ValueError(f"names are lower-case words of ASCII letters, got {names!r:.80}")
        if len({form for n in names for form in (n, n + "s")}) != 2 * len(names):
            raise ValueError(f"names must differ, also from each other's plural, got {names!r:.80}")
        if type(low) is not int or type(high) is not int or not 0 <= low < high < 10**18:
            raise ValueError(f"0 <= low < high < 10^18 must hold, got {low!r:.40} and {high!r:.40}")
        if not isinstance(counts, list) or len(counts) != len(names):
            raise ValueError(f"there is one count for each name, got {counts!r:.80}")
        if not all(type(count) is int and low <= count <= high for count in counts):
            raise ValueError(f"counts are integers from {low} to {high}, got {counts!r:.80}")

    def form(self, value: Json) -> str:
        """What to answer with."""
        *most, last = value["names"]
        names = f"{', '.join(most)} and {last}" if most else last
        return f"the comma-separated counts of {names} (each from {value['low']} to {value['high']})"

    def parse(self, text: str, value: Json) -> Json | None:
        """All counts: `3, 1` in the order asked for, or named in any: `square: 1, circle: 3`, `3 circles, 1 square`."""
        text = bare(plain(text)).lower()
        names = value["names"]
        if _LIST.fullmatch(text) is not None:
            counts = [int(word) for word in _SPLIT.sub(" ", text).split()]
            return counts if len(counts) == len(names) else None
        found: dict[str, int] = {}
        for item in _SPLIT.split(text):
            pair = bare(" ".join(item.split()))
            if (match := _NAMED.fullmatch(pair)) is not None:
                name, count = match[1], match[2]
            elif (match := _COUNTED.fullmatch(pair)) is not None:
                count, name = match[1], match[2]
            else:
                return None
            name = name if name in names else name.removesuffix("s")
            if name in found or name not in names:
                return None
            found[name] = int(count)
        return [found[name] for name in names] if len(found) == len(names) else None

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Exact when every count is."""
        truth = value["answer"]
        hits = sum(map(int.__eq__, given, truth))
        return verdict(hits / len(truth), hits == len(truth), given, credit)

    def luck(self, value: Json) -> float | None:
        """One of the range for each name; 0 where a float cannot tell it from 0."""
        return float(Fraction(1, (value["high"] - value["low"] + 1) ** len(value["names"])))

    def right(self, value: Json) -> str:
        """The text of the right answer."""
        return ", ".join(map(str, value["answer"]))

    def wrong(self, value: Json) -> Iterator[str]:
        """Each count one off, the reverse, too few, too many, and a minus sign."""
        truth: list[int] = value["answer"]
        for i, count in enumerate(truth):
            yield ", ".join(map(str, [*truth[:i], count + 1, *truth[i + 1 :]]))
        if truth[::-1] != truth:
            yield ", ".join(map(str, truth[::-1]))
        yield ", ".join(map(str, [*truth, 0]))
        if truth[1:]:
            yield ", ".join(map(str, truth[1:]))
        yield ", ".join(f"-{count}" for count in truth)
