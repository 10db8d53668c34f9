"""A text that has to keep to constraints: how long, with which words, in which form."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from ssrl_data.answers.base import EXACT, INEXACT, AnswerKind
from ssrl_data.answers.reading import MALFORMED, NO_ANSWER, Reading, conclusion
from ssrl_data.core import Answer, Credit, Json, Verdict
from ssrl_data.instruct.constraint import Constraint, constraint
from ssrl_data.instruct.reply import LONGEST, Reply

STRICT, LOOSE = "strict", "loose"
MODES = (STRICT, LOOSE)
MOST = 20
"""Constraints of one row at most."""

_DEGENERATE = (
    "",
    ".",
    "ok",
    "yes",
    "I cannot help with that.",
    "word " * 400,
    "<answer></answer>",
    " " * 1000,
    "a\n" * 60,
)


class Constraints(AnswerKind):
    """A text and what it has to keep to.

    Value: {"answer": a text that keeps to all, "constraints": their JSON in order, "ground": further ones without which
    nothing counts (being about the passage at all), "mode": `strict` or `loose`}.

    Judged is all that follows the reasoning, up to 64 KiB of it. Under `fraction` the score is the share of the
    constraints that are met, chance-corrected; under `all` it is 1 or 0. Of a `loose` row a constraint is also met
    when it is by the text without its first or last line, or without asterisks, as in IFEval (arXiv 2311.07911).
    """

    name = "constraints"
    rules = frozenset({"fraction", "all"})
    whole = True

    def answer(
        self,
        witness: str,
        constraints: Sequence[Constraint],
        ground: Sequence[Constraint] = (),
        *,
        chance: float,
        blind: Sequence[str] = (),
        rule: str = "fraction",
        mode: str = STRICT,
    ) -> Answer:
        """The truth of one example.

        Args:
            witness: a text that keeps to all of them.
            constraints: what is asked, in the order in which the prompt says it.
            ground: what a text must keep to before anything counts; told before the others.
            chance: final score of the best guesser that reads no constraint, as measured.
            blind: texts of such guessers for this example (stock replies, copies of what the prompt shows); under
                `fraction` none of them earns anything.
            rule: `fraction` or `all`.
            mode: `strict` or `loose`.

        Raises:
            ValueError: the witness does not keep to all, a blind text does, a word is unknown, or chance is not in
                [0, 1).
        """
        value = {
            "answer": witness,
            "constraints": [item.plain() for item in constraints],
            "ground": [item.plain() for item in ground],
            "mode": mode,
        }
        self.check(value)
        if rule not in self.rules:
            raise ValueError(f"credit {rule!r} is unknown: use one of {', '.join(sorted(self.rules))}")
        if not 0 <= chance < 1:
            raise ValueError(f"chance is {chance}: it must lie in [0, 1)")
        c = max((_share(value, text) for text in blind), default=0.0)
        if c >= 1:
            raise ValueError("a blind text keeps to all constraints: ask for one that it does not keep to")
        return Answer(self.name, value, Credit(rule, c if rule == "fraction" else 0.0), chance)

    def check(self, value: Json) -> None:
        """Raise ValueError unless the constraints are known and the witness keeps to all of them."""
        if not isinstance(value, dict) or set(value) != {"answer", "constraints", "ground", "mode"}:
            raise ValueError(f"its keys are answer, constraints, ground and mode, got {value!r:.80}")
        if value["mode"] not in MODES:
            raise ValueError(f"mode must be strict or loose, got {value['mode']!r:.80}")
        if not all(isinstance(value[key], list) for key in ("constraints", "ground")):
            raise ValueError("constraints and ground must be lists")
        if not 1 <= len(value["constraints"]) <= MOST or len(value["ground"]) > MOST:
            raise ValueError(f"a row has 1 to {MOST} constraints, got {len(value['constraints'])}")
        text = value["answer"]
        if not isinstance(text, str) or len(text) > LONGEST or conclusion(text) != text:
            raise ValueError(f"the witness must be a text of up to {LONGEST} characters without reasoning")
        asked, ground = _parsed(value)
        reply = Reply(text)
        for item in (*ground, *asked):
            if not item.lacks() and not item.met(reply):
                raise ValueError(f"the witness does not keep to {json.dumps(item.plain(), ensure_ascii=False)}")

    def ask(self, value: Json) -> str:
        """All that is asked of the text, a line each."""
        asked, ground = _parsed(value)
        told = [item.tell() for item in (*ground, *asked)]
        lines = "\n".join(f"{number}. {text}" for number, text in enumerate(told, 1))
        return f"Your answer must keep to all of these:\n{lines}\nAll that you write after your reasoning is judged."

    def read(self, response: str, value: Json) -> Reading:
        """All that follows the reasoning."""
        text = conclusion(response).strip()
        if len(text) > LONGEST:
            return Reading(None, MALFORMED)
        return Reading(text or None, "" if text else NO_ANSWER)

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """The share of the constraints that are met; no score where what decides on one of them is not installed."""
        asked, ground = _parsed(value)
        for item in (*ground, *asked):
            if reason := item.lacks():
                return Verdict(None, False, given, reason)
        share = _judged(asked, ground, value["mode"], given)
        if share == 1.0:
            return Verdict(1.0, True, given, EXACT)
        if credit.rule == "all":
            return Verdict(0.0, False, given, INEXACT)
        if credit.rule != "fraction":
            raise ValueError(f"unknown credit rule {credit.rule!r}: expected fraction or all")
        return Verdict(max(0.0, (share - credit.c) / (1.0 - credit.c)), False, given, INEXACT)

    def gold(self, value: Json) -> str:
        """The witness."""
        witness: str = value["answer"]
        return witness

    def near_misses(self, value: Json) -> Iterator[str]:
        """What is no text, and texts near the witness that break a constraint."""
        yield self.ask(value)
        yield from _DEGENERATE
        for text in _edited(value["answer"]):
            if _share(value, text) < 1:
                yield text

    def measures(self, given: Json, value: Json) -> Mapping[str, tuple[float, float]]:
        """The share of the constraints that are met."""
        return {"met": (_share(value, given), 0.0)}

    def label(self, value: Json) -> Json:
        """The first constraint asked for."""
        return value["constraints"][0]["id"]


def verdicts(value: Json, text: str) -> list[bool]:
    """Whether each constraint asked for is met, whatever the ground, in the mode of the row."""
    return _met(_parsed(value)[0], value["mode"], text, Reply(text))


def _met(asked: Sequence[Constraint], mode: str, text: str, reply: Reply) -> list[bool]:
    if mode == LOOSE:
        replies = list(map(Reply, _variants(text)))
        return [any(map(item.met, replies)) for item in asked]
    return [item.met(reply) for item in asked]


def _share(value: Json, text: str) -> float:
    """The share of the constraints that a text meets; 0 where it does not meet the ground."""
    return _judged(*_parsed(value), value["mode"], text)


def _judged(asked: Sequence[Constraint], ground: Sequence[Constraint], mode: str, text: str) -> float:
    reply = Reply(text)
    if not all(item.met(reply) for item in ground):
        return 0.0
    met = _met(asked, mode, text, reply)
    return sum(met) / len(met)


def _parsed(value: Json) -> tuple[tuple[Constraint, ...], tuple[Constraint, ...]]:
    return _read(json.dumps([value["constraints"], value["ground"]]))


@lru_cache(maxsize=4096)
def _read(text: str) -> tuple[tuple[Constraint, ...], tuple[Constraint, ...]]:
    asked, ground = json.loads(text)
    return tuple(map(constraint, asked)), tuple(map(constraint, ground))


def _variants(text: str) -> list[str]:
    """The text, without its first line, its last, both; and each of these without asterisks."""
    lines = text.strip().split("\n")
    cut = [text, "\n".join(lines[1:]), "\n".join(lines[:-1]), "\n".join(lines[1:-1])]
    return list(dict.fromkeys([*cut, *(part.replace("*", "") for part in cut)]))


def _edited(text: str) -> Iterator[str]:
    """Texts near another one."""
    lines = text.split("\n")
    words = text.split(" ")
    yield text.upper()
    yield text.lower()
    yield f"{text}\n\nOne more paragraph, with 3 commas, and a question: is it short?"
    yield f"Sure, here it is:\n{text}"
    yield " ".join(words[: len(words) // 2])
    yield "\n".join(lines[1:])
    yield "\n".join(lines[:-1])
    yield f"{text} {text}"
    yield " ".join(reversed(words))
    yield text.replace(".", "").replace(",", "")
    yield f'"{text}"'
    yield " ".join(text.split())
