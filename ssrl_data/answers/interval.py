"""A stretch between two points of a line, judged by overlap."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import ClassVar

import numpy as np

from ssrl_data.answers.base import ShortAnswer, verdict
from ssrl_data.answers.reading import bare, plain
from ssrl_data.core import Answer, Credit, Json, Verdict

EXACT_IOU = 0.999
"""At or above this intersection over union an interval is exact: it forgives a rounded last digit and nothing more."""

_NUMBER = r"([0-9]{1,18}(?:\.[0-9]{1,18})?|\.[0-9]{1,18})"
_SEPARATOR = r"(?: ?(?:-|>|->|,|;|\.\.|\bto\b|\band\b) ?| )"
_SHORT = {"seconds": r"seconds|second|secs|sec|s", "frames": r"frames|frame"}

NOTHING = "none"
"""How an answer says that there is no interval; what `parse` reads for all of `_NOTHING`."""

_NOTHING = frozenset({NOTHING, "nothing", "no change"})


class Interval(ShortAnswer):
    """Value: {"answer": [start, end], "bounds": [low, high], "unit": "seconds" or "frames"}.

    0 <= low <= start < end <= high. Raw score: intersection over union. Final score: max(0, (IoU - c) / (1 - c)), and 1
    when exact. Since version 2 a value may carry `"none": true`: then there may be no interval, the answer is null, and
    `none` is the one response that scores.
    """

    name = "interval"
    version = 2
    rules: ClassVar[frozenset[str]] = frozenset({"overlap"})

    def answer(
        self,
        start: float | None,
        end: float | None,
        bounds: tuple[float, float],
        *,
        c: float,
        chance: float,
        unit: str = "seconds",
        none: bool = False,
    ) -> Answer:
        """The truth of one example.

        Args:
            start: where it begins; None, and so is `end`, when there is no interval.
            end: where it ends.
            bounds: where the whole line begins and ends.
            c: expected IoU of the best constant interval; `best_constant` computes it from the task's distribution.
            chance: expected final score of the best constant interval; from `best_constant` as well.
            unit: `seconds` or `frames`.
            none: whether the question leaves open that there is no interval.

        Raises:
            ValueError: the interval is empty, leaves its bounds, is missing where there must be one, or c or chance is
                outside [0, 1).
        """
        right = None if start is None and end is None else [start, end]
        value = {"answer": right, "bounds": list(bounds), "unit": unit} | ({"none": True} if none else {})
        self.check(value)
        if not (0 <= c < 1 and 0 <= chance < 1):
            raise ValueError(f"c and chance must be in [0, 1), got {c} and {chance}")
        return Answer(self.name, value, Credit("overlap", c), chance)

    def check(self, value: Json) -> None:
        """Raise ValueError unless the interval lies in its bounds and can be written in plain decimals."""
        if (
            not isinstance(value, dict)
            or {*value, "none"} != {"answer", "bounds", "unit", "none"}
            or value.get("none", True) is not True
            or value["unit"] not in list(_SHORT)
        ):
            raise ValueError(f"an interval's value has the keys answer, bounds and unit, got {value!r:.80}")
        missing = value["answer"] is None
        if missing and "none" not in value:
            raise ValueError(f"an interval may be missing only where its value says so, got {value!r:.80}")
        pairs = (value["bounds"] if missing else value["answer"], value["bounds"])
        if not all(isinstance(p, list) and len(p) == 2 and all(type(x) in (int, float) for x in p) for p in pairs):
            raise ValueError(f"answer and bounds are two numbers each, got {value!r:.80}")
        (start, end), (low, high) = pairs
        if not 0 <= low <= start < end <= high or not isfinite(high):
            raise ValueError(f"0 <= low <= start < end <= high must hold, got {low}, {start}, {end}, {high}")
        if not missing and self.parse(self.right(value), value) != [start, end]:
            raise ValueError(f"{start}-{end} cannot be written in plain decimals: round the ends")

    def form(self, value: Json) -> str:
        """What to answer with."""
        low, high = value["bounds"]
        if value["unit"] == "seconds" and any(bound % 1 for bound in (low, high)):  # as times of frames are printed
            low, high = f"{low:.2f}", f"{high:.2f}"
        return f"start-end in {value['unit']} (between {low} and {high}){', or none,' if 'none' in value else ''}"

    def parse(self, text: str, value: Json) -> Json | None:
        """Start and end as floats: `14.5-26.2`, `14.5s to 26.2s`, `[14.5, 26.2]`, `from 14.5 to 26.2 seconds`.

        Where there may be none, `none`, `nothing` and `no change` are `NOTHING`.
        """
        text = " ".join(bare(plain(text)).lower().split())
        if text in _NOTHING and "none" in value:
            return NOTHING
        found = _PATTERNS[value["unit"]].fullmatch(text)
        if found is None:
            return None
        start, end = float(found[1]), float(found[2])
        return [start, end] if start < end else None

    def supposed(self, given: Json, value: Json) -> Json | None:
        """The value in which an interval, or none, would be the right answer."""
        return super().supposed(None if given == NOTHING else given, value)

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Exact at an IoU of `EXACT_IOU` or more; `none` is exact or worth nothing."""
        if given == NOTHING or value["answer"] is None:
            iou = float(given == NOTHING and value["answer"] is None)
        else:
            iou = overlap(given, value["answer"])
        exact = iou >= EXACT_IOU
        return verdict(1.0 if exact else iou, exact, given, credit)

    def label(self, value: Json) -> Json:
        """The quarter of the line, from 0 to 3, in which it begins; `none` where there is none."""
        (low, high), truth = value["bounds"], value["answer"]
        return "none" if truth is None else min(3, int(4 * (truth[0] - low) / (high - low)))

    def right(self, value: Json) -> str:
        """The text of the right answer."""
        if value["answer"] is None:
            return NOTHING
        start, end = value["answer"]
        return f"{start}-{end}"

    def wrong(self, value: Json) -> Iterator[str]:
        """Shifted, cut, widened, the whole line, the wrong way round, one end alone, and none.

        Where none is right: intervals, and words that do not commit to it.
        """
        bounds = value["bounds"]
        if value["answer"] is None:
            low, high = (round(float(end), 6) for end in bounds)
            for a, b in ((low, high), (low, (low + high) / 2), ((low + high) / 2, high), (0, 10.0**9)):
                yield f"{a:.6f}-{b:.6f}"
            yield from ("0", "0-0", "-", f"{NOTHING}-{NOTHING}", "not none")
            return
        start, end = value["answer"]
        length = end - start
        others = [[end, end + length], [start + length / 2, end + length / 2], [start, start + length / 2], bounds]
        others += [[start, end + length / 100], [0, 10.0**9]]
        for a, b in ((round(a, 6), round(b, 6)) for a, b in others):
            if overlap([a, b], [start, end]) < EXACT_IOU:
                yield f"{a:.6f}-{b:.6f}"
        yield f"{end}-{start}"
        yield f"{start}-{start}"
        yield f"{start}"
        yield f"-{start}-{end}"
        yield from sorted(_NOTHING)


_PATTERNS = {
    unit: re.compile(rf"(?:from |between )?{_NUMBER}(?: ?(?:{short}))?{_SEPARATOR}{_NUMBER}(?: ?(?:{short}))?")
    for unit, short in _SHORT.items()
}


def overlap(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two non-empty intervals, in [0, 1]."""
    shared = min(a[1], b[1]) - max(a[0], b[0])
    if shared <= 0:
        return 0.0
    return shared / ((a[1] - a[0]) + (b[1] - b[0]) - shared)


def best_constant(support: Sequence[tuple[float, float] | None]) -> tuple[float, float]:
    """The chance level of intervals, or none, drawn uniformly from a finite list.

    As a function of either end of the constant, the IoU with one interval, and the final score, is convex between the
    ends of the listed intervals, so the best constant has its ends among theirs: all such pairs are tried. Quadratic
    in the number of different ends, times the number of intervals: meant for once per level, on a grid.

    Args:
        support: the equally likely truths, repeats allowed: intervals, start < end each, or None for no interval.

    Returns:
        c, the expected IoU of the best constant, and the expected final score of the best constant under that c.

    Raises:
        ValueError: the list is empty, or holds one truth only, so that there is nothing to ask.
    """
    if len(set(support)) < 2:
        raise ValueError("the chance level needs two or more different intervals")
    there = [interval for interval in support if interval is not None]
    missing = 1 - len(there) / len(support)  # what the constant `none` scores, whatever c is
    starts, ends = np.array(there, dtype=np.float64).T
    points = np.unique(np.concatenate([starts, ends]))

    def best(c: float) -> float:
        top = missing
        for a in points[:-1]:
            b = points[points > a][:, None]
            shared = np.maximum(0.0, np.minimum(b, ends) - np.maximum(a, starts))
            iou = shared / ((b - a) + (ends - starts) - shared)
            top = max(top, float(np.maximum(0.0, (iou - c) / (1 - c)).sum(axis=1).max()) / len(support))
        return top

    c = best(0.0)
    return c, best(c)
