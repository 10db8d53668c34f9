"""Several blanks, each with an answer kind of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from math import prod
from typing import ClassVar

from ssrl_data.answers.base import ShortAnswer, blind, independent, rule_for, verdict
from ssrl_data.answers.reading import plain
from ssrl_data.core import Answer, Credit, Json, Verdict
from ssrl_data.registry import answer_kind

MOST = 99

_LABEL = re.compile(r"(?:\(?([0-9]{1,2})(?::|[.)]:?\s)|\[?MASK ([0-9]{1,2})\]?\s{0,9}[:=]?\s)(.*)", re.DOTALL)
_LABELS = frozenset("(0123456789[M")  # what a label begins with
_WHOLE = Credit("exact", 0.0)


class Blanks(ShortAnswer):
    """Value: {"answer": [{"kind", "v", "value"}, ...]}. Raw score: the share of blanks that are exact."""

    name = "blanks"
    rules: ClassVar[frozenset[str]] = frozenset({"exact", "partial"})

    def answer(self, parts: Sequence[Answer], credit: str | None = None) -> Answer:
        """The truth of one example.

        The chance level holds when the blanks are independent of each other and the chance level of each holds.

        Args:
            parts: the truth of each blank, 1 to 99, from the `answer` of short kinds under the credit `exact`.
            credit: `exact` or `partial`; by default `partial` above four blanks.

        Raises:
            ValueError: a part cannot be a blank, or the credit is unknown.
        """
        items = [{"kind": part.kind, "v": answer_kind(part.kind).version, "value": part.value} for part in parts]
        value = {"answer": items}
        self.check(value)
        chances = []
        for part in parts:
            if part.credit.rule != "exact" or part.chance is None:
                raise ValueError(f"a blank is right or wrong: give the part of kind {part.kind} the credit 'exact'")
            chances.append(Fraction(part.chance))
        rule, chance = blind(independent(chances), rule_for(len(parts), credit))
        return Answer(self.name, value, rule, chance)

    def check(self, value: Json) -> None:
        """Raise ValueError unless every part is a well-formed short answer that can stand between semicolons."""
        parts = value.get("answer") if isinstance(value, dict) else None
        if not isinstance(parts, list) or not 1 <= len(parts) <= MOST:
            raise ValueError(f"blanks are a list of 1 to {MOST} parts under 'answer', got {value!r:.80}")
        for part in parts:
            if not isinstance(part, dict) or set(part) != {"kind", "v", "value"}:
                raise ValueError(f"a blank has the keys kind, v and value, got {part!r:.80}")
            kind = answer_kind(str(part["kind"]))
            if not isinstance(kind, ShortAnswer) or "exact" not in kind.rules or kind.name == self.name:
                raise ValueError(f"answer kind {part['kind']!r} cannot be a blank")
            if type(part["v"]) is not int or part["v"] > kind.version:
                raise ValueError(
                    f"blank of kind {kind.name} at version {part['v']!r:.20}, here {kind.version}: update ssrl"
                )
            kind.check(part["value"])
        if self.parse(self.right(value), value) != [_kind(p["kind"]).parse(_right(p), p["value"]) for p in parts]:
            raise ValueError("a blank's right answer holds a semicolon, a line break or a label such as '1:'")

    def form(self, value: Json) -> str:
        """What to answer with."""
        parts = value["answer"]
        forms = [_kind(part["kind"]).form(part["value"]) for part in parts]
        if len(set(forms)) == 1:
            return f"{len(parts)} items separated by semicolons (each {forms[0]})"
        listed = "; ".join(f"{i}: {form}" for i, form in enumerate(forms, 1))
        return f"{len(parts)} items separated by semicolons ({listed})"

    def parse(self, text: str, value: Json) -> Json | None:
        """What each blank was filled with, in order: `x; y; z`, one a line, or labelled (`1: x`, `[MASK 1] = x`).

        A blank left empty reads as None; one filled with what its kind cannot read makes the whole unreadable.
        """
        parts = value["answer"]
        items = _items(plain(text), len(parts))
        if items is None:
            return None
        given: list[Json] = []
        for item, part in zip(items, parts, strict=True):
            filled = _kind(part["kind"]).parse(item, part["value"]) if item else None
            if item and filled is None:
                return None
            given.append(filled)
        return given

    def hidden(self, value: Json) -> Json:
        """The value with each part hidden."""
        parts = value["answer"]
        return {"answer": [{**part, "value": _kind(part["kind"]).hidden(part["value"])} for part in parts]}

    def supposed(self, given: Json, value: Json) -> Json | None:
        """The value in which every blank would be filled right; None where one is empty."""
        parts = []
        for filled, part in zip(given, value["answer"], strict=True):
            right = None if filled is None else _kind(part["kind"]).supposed(filled, part["value"])
            if right is None:
                return None
            parts.append({**part, "value": right})
        return super().supposed(parts, value)

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Exact when every blank is; a blank that cannot be judged leaves the whole unjudged."""
        parts = value["answer"]
        hits = 0
        for filled, part in zip(given, parts, strict=True):
            if filled is not None:
                said = _kind(part["kind"]).score(filled, part["value"], _WHOLE)
                if said.score is None:
                    return Verdict(None, False, given, said.reason)
                hits += said.exact
        return verdict(hits / len(parts), hits == len(parts), given, credit)

    def luck(self, value: Json) -> float | None:
        """Every blank by luck, independently of each other."""
        chances = [_kind(part["kind"]).luck(part["value"]) for part in value["answer"]]
        known = [chance for chance in chances if chance is not None]
        return prod(known) if len(known) == len(chances) else None

    def label(self, value: Json) -> Json:
        """That of the first blank."""
        part = value["answer"][0]
        return _kind(part["kind"]).label(part["value"])

    def right(self, value: Json) -> str:
        """The text of the right answer."""
        return "; ".join(map(_right, value["answer"]))

    def wrong(self, value: Json) -> Iterator[str]:
        """Each blank wrong in turn, one missing, one too many, and commas for semicolons."""
        parts = value["answer"]
        texts = list(map(_right, parts))
        for i, part in enumerate(parts):
            kind = _kind(part["kind"])
            other = next(t for t in kind.wrong(part["value"]) if kind.parse(t, part["value"]) is not None)
            yield "; ".join([*texts[:i], other, *texts[i + 1 :]])
        yield "; ".join([*texts, texts[0]])
        if texts[1:]:
            yield "; ".join(texts[1:])
            yield "; ".join([*texts[:-1], ""])
        yield "; ".join("" for _ in texts)


@lru_cache(maxsize=64)
def _kind(name: str) -> ShortAnswer:
    kind = answer_kind(name)
    if not isinstance(kind, ShortAnswer):
        raise ValueError(f"answer kind {name!r} cannot be a blank")
    return kind


def _right(part: Json) -> str:
    return _kind(part["kind"]).right(part["value"])


def _items(text: str, n: int) -> list[str] | None:
    """The n texts between line breaks or else semicolons, without their labels; None when there are not n."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    items = [line.rstrip("; ") for line in lines] if len(lines) > 1 else [item.strip() for item in text.split(";")]
    if len(items) == n + 1 and not items[-1]:
        items.pop()
    if len(items) != n or not any(items):
        return None
    if items[0][:1] not in _LABELS:
        return items
    labelled = [_LABEL.fullmatch(item) for item in items]
    found = {int(match[1] or match[2]): match[3].strip() for match in labelled if match is not None}
    if set(found) == set(range(1, n + 1)):
        return [found[i] for i in range(1, n + 1)]
    return items
