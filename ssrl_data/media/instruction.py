"""Instructions as tasks meet them: what a response must satisfy, and the programs that tell whether one does.

The form of AutoIF (arXiv 2406.13542): a model writes an instruction, functions that check it, and responses that follow
it or do not; what remains when these were run against each other is a record here. Nothing is run in this module.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from ssrl_data.programs import Limits

LONGEST_INSTRUCTION, LONGEST_QUERY = 2_000, 4_000
"""Characters of the longest instruction and of the longest query."""

LONGEST_CHECKER, LONGEST_RESPONSE = 8_000, 65_536
"""Characters of the longest checker, and of the longest response that is given as right or wrong."""

MOST_CHECKERS, MOST_MISSES, MOST_QUERIES = 16, 64, 1_000

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u2028\u2029\ufeff]|[\ud800-\udfff]")
_BREAKS = re.compile(r"\r\n?")


@dataclass(frozen=True)
class Instruction:
    """An instruction with programs that check it.

    Attributes:
        text: the instruction, in the form of `said`.
        checkers: Python sources, each of which defines `evaluate(response) -> bool`.
        gold: a response that follows it, as it was written.
        misses: responses that do not, each as it was written.
        queries: requests to which it was attached, in the form of `said`; with none, a task finds one.
        engine: what validated the checkers: the name of an interpreter, and its version where that is known.
        limits: under which it did, as in `ssrl_data.programs.Limits`; what is not named is as there.
        need: share of the checkers, in [0, 1), of which more must accept a response.
    """

    text: str
    checkers: tuple[str, ...]
    gold: str
    misses: tuple[str, ...]
    queries: tuple[str, ...] = ()
    engine: str = "pydantic-monty"
    limits: Mapping[str, float | int] = field(default_factory=dict)
    need: float = 0.5

    def __post_init__(self) -> None:
        """Check what every task relies on.

        Raises:
            ValueError: a part is missing, too long or out of range, or a text cannot be stored; the message is a few
                fixed words.
        """
        for name, found, most in (
            ("checkers", self.checkers, MOST_CHECKERS),
            ("misses", self.misses, MOST_MISSES),
            ("queries", self.queries, MOST_QUERIES),
        ):
            if not found and name != "queries":
                raise ValueError(f"no {name}")
            if len(found) > most:
                raise ValueError(f"too many {name}")
            if len(set(found)) < len(found):
                raise ValueError(f"{name} repeat")
        for name, texts, longest in (
            ("instruction", (self.text,), LONGEST_INSTRUCTION),
            ("query", self.queries, LONGEST_QUERY),
            ("checker", self.checkers, LONGEST_CHECKER),
            ("gold", (self.gold,), LONGEST_RESPONSE),
            ("miss", self.misses, LONGEST_RESPONSE),
        ):
            for text in texts:
                if name != "miss" and not text.strip():
                    raise ValueError(f"empty {name}")
                if len(text) > longest:
                    raise ValueError(f"{name} too long")
                if any("\ud800" <= c <= "\udfff" for c in text):
                    raise ValueError(f"{name} is no Unicode text")
        if self.gold in self.misses:
            raise ValueError("gold is a miss")
        try:
            Limits(**self.limits)  # type: ignore[arg-type]
        except (TypeError, ValueError) as error:
            raise ValueError("limits unknown or out of range") from error
        if not 0 <= self.need < 1:
            raise ValueError("need out of range")


def said(text: str) -> str:
    """A text as a prompt shows it: Unicode's form C, its lines without trailing spaces, nothing that no reader sees."""
    plain = _CONTROLS.sub("", _BREAKS.sub("\n", unicodedata.normalize("NFC", text)))
    return "\n".join(line.rstrip() for line in plain.split("\n")).strip()
