"""Which checkers of an instruction can be trusted: functions against cases, cases against functions, and mutants.

After AutoIF (arXiv 2406.13542), which keeps what agrees. Agreement alone keeps checkers that accept or reject
everything, and whatever is left when crashes are not counted; so a kept checker must also

- give the same verdict twice, in another order of the responses, and with its sets filled the other way round;
- give a verdict on every stored case and on a long text, in half of the time that a row grants it: a crash is a vote
  against each case it was asked about, and then costs the checker its place;
- accept at least one stored case and reject at least one, neither of them degenerate;
- be told from its mutants by the stored cases.

One case that all kept checkers accept is the row's gold; those that are said to be wrong, and that the kept checkers
reject, are its near misses. No degenerate response (nothing, a full stop, the instruction itself) may pass.

Sources run in the engine of `ssrl_data.programs` alone. Nothing here is drawn by chance or depends on the order of a
set; the time limit is the one thing that can differ between two runs.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ssrl_data import programs
from ssrl_data.answers.program import DEGENERATE
from ssrl_data.core import Json
from ssrl_data.programs import Limits
from ssrl_train.autoif.outputs import parse, read_outputs
from ssrl_train.autoif.thresholds import Thresholds
from ssrl_train.autoif.trial import Trial

ENGINE = "pydantic-monty"

MOST_MISSES = 8
"""Near misses of a row."""

HEADROOM = 2.0
"""How many times as long as in validation a checker may take on a row's responses."""


@dataclass(frozen=True, slots=True)
class Validated:
    """An instruction that can be graded.

    Attributes:
        instruction: its text.
        checkers: sources of the kept functions, as written.
        gold: a response that all of them accept.
        misses: responses that are said not to follow it, and that are rejected; 1 to 8.
        engine: name and version of what runs the checkers.
        limits: of one run, as in `ssrl_data.programs.Limits`.
        need: a response is right when more than this share of the checkers accept it.
        scores: what was found, see `Trial.summary`.
    """

    instruction: str
    checkers: tuple[str, ...]
    gold: str
    misses: tuple[str, ...]
    engine: str
    limits: Mapping[str, float]
    need: float
    scores: Mapping[str, Json]

    def row(self) -> dict[str, Json]:
        """One line of `validated.jsonl`."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, slots=True)
class Dropped:
    """An instruction that cannot, why in fixed words, and what was found (`Trial.summary`)."""

    instruction: str
    reason: str
    detail: Mapping[str, Json]

    def row(self) -> dict[str, Json]:
        """One line of `dropped.jsonl`."""
        return dataclasses.asdict(self)


def validate(
    instruction: str,
    outputs: Sequence[str],
    thresholds: Thresholds | None = None,
    limits: Limits | None = None,
    engine: str = ENGINE,
) -> Validated | Dropped:
    """Sift the functions and the cases that a writer gave for one instruction.

    Args:
        instruction: its text.
        outputs: what the writer said, raw; see `ssrl_train.autoif.outputs`.
        thresholds: the paper's where None.
        limits: of one run, as grading will grant them; validation grants half of the time.
        engine: name of what runs the checkers.

    Raises:
        SsrlError: the engine does not run.
    """
    asked, granted = thresholds or Thresholds(), limits or Limits()
    validation = dataclasses.replace(granted, seconds=granted.seconds / HEADROOM)
    trial = Trial.of(read_outputs(outputs), validation, engine)
    for step in (trial.load, trial.vote, trial.agree, trial.balance, trial.mutate):
        if reason := step(asked):
            return Dropped(instruction, reason, trial.summary())
    checkers = tuple(trial.functions[n].source for n in trial.kept)
    enough = asked.need * len(checkers)
    golds = [text for text, accepting in trial.texts(right=True).items() if accepting == len(checkers)]
    misses = [text for text, accepting in trial.texts(right=False).items() if accepting <= enough]
    if not golds or not misses:
        reason = "no case passes every checker" if misses else "no case that is wrong fails the checkers"
        return Dropped(instruction, reason, trial.summary())
    battery = dict.fromkeys([*DEGENERATE, instruction, *(text for source in checkers for text in _docstrings(source))])
    passed = [text for text in battery if trial.accepting(text) > enough]
    if passed:
        return Dropped(instruction, "accepts a degenerate response", trial.summary() | {"degenerate": passed})
    version = programs.engine_version(engine)
    return Validated(
        instruction,
        checkers,
        golds[0],
        tuple(misses[:MOST_MISSES]),
        version,
        dataclasses.asdict(granted),
        asked.need,
        trial.summary(),
    )


def _docstrings(source: str) -> list[str]:
    """What the functions of a checker say of themselves."""
    found = [ast.get_docstring(node) for node in ast.walk(parse(source)) if isinstance(node, ast.FunctionDef)]
    return [text for text in found if text]
