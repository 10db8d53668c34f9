"""A text that programs must accept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from ssrl_data import programs
from ssrl_data.answers.base import (
    BROKEN_ENGINE,
    ENGINE_OFF,
    NO_ENGINE,
    UNKNOWN_ENGINE,
    AnswerKind,
    verdict,
)
from ssrl_data.answers.reading import MALFORMED, NO_ANSWER, Reading, conclusion
from ssrl_data.core import Answer, Credit, Json, Verdict
from ssrl_data.programs import BROKEN, ENGINES, LONGEST_RESPONSE, LONGEST_SOURCE, MONTY, Limits

MOST_CHECKERS, MOST_MISSES = 64, 64
"""Of one row."""

DEGENERATE = ("", ".", "ok", "yes", "no", "123", " " * 10_000)
"""Texts that follow no instruction: checkers that accept one of them make no row."""

_KEYS = {"answer", "misses", "checkers", "engine", "limits", "need"}
_ENGINE = re.compile(r"[a-z][a-z0-9-]{0,39} [0-9A-Za-z.+-]{1,40}")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Program(AnswerKind):
    """What programs accept, each of which defines `evaluate(response) -> bool`.

    Value: {"answer": a text that is accepted, "misses": texts that are not, "checkers": [{"source", "sha256"}],
    "engine": name and version of the interpreter in which that is so, "limits": those of one run, "need": share}.

    Judged is all that follows the reasoning, without the space around it, up to 64 KiB. It is right when more than the
    share `need` of the checkers accept it. A checker that fails on it, by an error or beyond a limit, does not accept
    it. The engine and the limits are the row's own; of the engine the version that is installed runs. Where the engine
    cannot run there is no score (`ssrl_data.programs`). The idea is AutoIF's (arXiv 2406.13542).
    """

    name = "program"
    whole = True

    def answer(
        self,
        gold: str,
        misses: Sequence[str],
        checkers: Sequence[str],
        *,
        chance: float,
        engine: str = MONTY,
        limits: Mapping[str, float | int] | None = None,
        need: float = 0.5,
    ) -> Answer:
        """The truth of one example.

        Args:
            gold: a text that is accepted.
            misses: one or more that are not.
            checkers: the sources.
            chance: share of such rows that the best fixed text gets right, as measured.
            engine: name of the interpreter; stored with the version that is installed.
            limits: of one run, by the names of `ssrl_data.programs.Limits`; its own values for those not named.
            need: share of the checkers of which more must accept, in [0, 1).

        Raises:
            ValueError: a text, a limit or a number is out of range.
            SsrlError: the engine cannot run here.
        """
        if not 0 <= chance < 1:
            raise ValueError(f"chance is {chance}: it must lie in [0, 1)")
        value = {
            "answer": gold,
            "misses": list(misses),
            "checkers": [{"source": source, "sha256": digest(source)} for source in checkers],
            "engine": programs.engine_version(engine),
            "limits": asdict(Limits(**dict(limits or {}))),  # type: ignore[arg-type]
            "need": need,
        }
        self.check(value)
        return Answer(self.name, value, Credit("exact", chance), chance)

    def check(self, value: Json) -> None:
        """Raise ValueError unless all is there and in range, and each source is the one whose hash is stored."""
        if not isinstance(value, dict) or set(value) != _KEYS:
            raise ValueError(f"the keys of programs are {', '.join(sorted(_KEYS))}, got {value!r:.80}")
        gold, misses, sources = value["answer"], value["misses"], _sources(value["checkers"])
        if not _is_text(gold) or not gold.strip() or conclusion(gold) != gold:
            raise ValueError(f"the accepted answer must be a text of 1 to {LONGEST_RESPONSE} characters, no reasoning")
        if not isinstance(misses, list) or not 1 <= len(misses) <= MOST_MISSES or not all(map(_is_text, misses)):
            raise ValueError(f"misses must be 1 to {MOST_MISSES} texts, got {misses!r:.80}")
        if gold in misses:
            raise ValueError("the accepted answer is among the misses")
        if not 1 <= len(sources) <= MOST_CHECKERS:
            raise ValueError(f"a row has 1 to {MOST_CHECKERS} checkers, got {len(sources)}")
        if not isinstance(value["engine"], str) or not _ENGINE.fullmatch(value["engine"]):
            raise ValueError(f"engine must be a name and a version, got {value['engine']!r:.80}")
        need = value["need"]
        if isinstance(need, bool) or not isinstance(need, (int, float)) or not 0 <= need < 1:
            raise ValueError(f"need is {need!r:.40}: it must be a number in [0, 1)")
        _limits(value["limits"])

    def ask(self, value: Json) -> str:
        """That all is judged; what it must satisfy stands in the prompt of the task."""
        return "All that you write after any reasoning is judged, as it stands."

    def read(self, response: str, value: Json) -> Reading:
        """All that follows the reasoning; too much of it, or what is no Unicode text, is malformed."""
        text = conclusion(response).strip()
        if not _is_text(text):
            return Reading(None, MALFORMED)
        return Reading(text or None, "" if text else NO_ANSWER)

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Run the checkers; no score where they cannot be run."""
        name = value["engine"].partition(" ")[0]
        if name not in ENGINES:
            return Verdict(None, False, given, UNKNOWN_ENGINE)
        if programs.fault(name):
            return Verdict(None, False, given, NO_ENGINE if name == MONTY else ENGINE_OFF)
        sources = [checker["source"] for checker in value["checkers"]]
        outcomes = [row[0] for row in programs.run_matrix(sources, [given], _limits(value["limits"]), name)]
        if any(outcome.reason == BROKEN for outcome in outcomes):
            return Verdict(None, False, given, BROKEN_ENGINE)
        right = sum(outcome.accepted is True for outcome in outcomes) / len(outcomes) > value["need"]
        said = verdict(float(right), right, given, credit)
        failed = next((outcome.reason for outcome in outcomes if outcome.accepted is None), "")
        return said if right or not failed else Verdict(said.score, False, given, f"checker {failed}")

    def gold(self, value: Json) -> str:
        """The accepted text."""
        gold: str = value["answer"]
        return gold

    def near_misses(self, value: Json) -> Iterator[str]:
        """The texts known to be rejected, what says nothing, and the accepted text where or as it does not count."""
        gold = self.gold(value)
        yield from value["misses"]
        yield from DEGENERATE
        yield f"<think>{gold}</think>"
        yield f"<think>{gold}"
        yield f"{gold}</think>"
        yield f"{gold}\ud800"
        yield gold + " " * LONGEST_RESPONSE + gold

    def label(self, value: Json) -> Json:
        """The hash of the first checker, which names the instruction."""
        return value["checkers"][0]["sha256"]


def digest(source: str) -> str:
    """The SHA-256 of a checker, in hexadecimal digits."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def _is_text(text: Json) -> bool:
    return isinstance(text, str) and len(text) <= LONGEST_RESPONSE and not _SURROGATE.search(text)


def _sources(checkers: Json) -> list[str]:
    if not isinstance(checkers, list):
        raise ValueError(f"checkers must be a list, got {checkers!r:.80}")
    for number, checker in enumerate(checkers, 1):
        if not isinstance(checker, dict) or set(checker) != {"source", "sha256"}:
            raise ValueError(f"checker {number} must have the keys source and sha256, got {checker!r:.80}")
        source = checker["source"]
        if not isinstance(source, str) or not 1 <= len(source) <= LONGEST_SOURCE:
            raise ValueError(f"the source of checker {number} must be a text of 1 to {LONGEST_SOURCE} characters")
        if checker["sha256"] != digest(source):
            raise ValueError(f"checker {number} is not the one that was validated: its SHA-256 is {digest(source)}")
    return [checker["source"] for checker in checkers]


def _limits(limits: Json) -> Limits:
    """The limits of a row.

    Raises:
        ValueError: one is missing, unknown or out of range.
    """
    names = set(Limits.__dataclass_fields__)
    if not isinstance(limits, dict) or set(limits) != names:
        raise ValueError(f"limits must be {', '.join(sorted(names))}, got {limits!r:.80}")
    return Limits(**limits)
