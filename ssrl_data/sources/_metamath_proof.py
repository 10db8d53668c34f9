"""Checking one proof of a Metamath database, and the steps that it consists of.

A proof is a program for a stack machine: a hypothesis is pushed; a rule takes off the stack what its hypotheses match
and pushes what follows. What it pushes is a step where something is proved, and none where a formula is built.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ssrl_data.core import Reject
from ssrl_data.media.worked import Step
from ssrl_data.sources._metamath_database import Database, Frame

PROVABLE = "|-"
"""The type of what is proved, in all databases in use."""

MOST_CHARACTERS = 200_000
"""Characters of the longest formula of a proof; each step could double one."""

MOST_WORK = 200_000_000
"""Characters of all the formulas of one proof."""


class Line(NamedTuple):
    """A formula on the stack with the number of the step that proves it; -1 for what no step proves."""

    type: str
    formula: str
    step: int


def proved(database: Database, name: str) -> tuple[Step, ...]:
    """The steps of a theorem's proof, checked; a statement proved twice is one step, and all lead to the last.

    Raises:
        Reject: `incomplete proof`, `proof does not verify`, `proof too large`, or as in `Database.frame`.
    """
    frame = database.frame(name)
    machine = _Machine(database, name)
    tokens = database.tokens(database.statements[name].proof)
    if tokens[:1] == ("(",):
        machine.compressed(frame, tokens)
    else:
        for label in tokens:
            machine.take(label)
    if [line[:2] for line in machine.stack] != [(frame.type, " ".join(frame.tokens))]:
        raise Reject("proof does not verify")
    return _leading(machine.steps, machine.stack[0].step)


def _leading(steps: list[Step], last: int) -> tuple[Step, ...]:
    """The steps that a step rests on, and it; -1 is none."""
    needed = {last} - {-1}
    for number in range(last, -1, -1):
        if number in needed:
            needed.update(steps[number].uses or ())
    numbers = {old: new for new, old in enumerate(sorted(needed))}
    return tuple(
        Step(steps[old].text, steps[old].reason, tuple(numbers[use] for use in steps[old].uses or ()))
        for old in numbers
    )


class _Machine:
    """The stack machine at work on the proof of one theorem."""

    def __init__(self, database: Database, name: str) -> None:
        self.database = database
        self.start = database.statements[name].formula[0]
        self.premises = {label: Line(*self._joined(label), -1) for label in database.in_force(name)}
        self.stack: list[Line] = []
        self.steps: list[Step] = []
        self.numbers = {line.formula: -1 for line in self.premises.values() if line.type == PROVABLE}
        self.groups: dict[str, set[int]] = {}
        for number, group in enumerate(database.apart(name)):
            for variable in group:
                self.groups.setdefault(variable, set()).add(number)
        self.work = 0

    def _joined(self, label: str) -> tuple[str, str]:
        kind, tokens = self.database.formula(label)
        return kind, " ".join(tokens)

    def take(self, label: str) -> None:
        """One instruction: push a hypothesis, or apply a rule."""
        if line := self.premises.get(label):
            self.stack.append(line)
            return
        rule = self.database.statements.get(label)
        # A proof may use only what stands before it, so no proof goes in a circle.
        if label == "?":
            raise Reject("incomplete proof")
        if rule is None or rule.keyword not in "ap" or rule.formula[0] >= self.start:
            raise Reject("proof does not verify")
        self._apply(label, self.database.frame(label))

    def _apply(self, label: str, frame: Frame) -> None:
        count = len(frame.floating) + len(frame.essential)
        if count > len(self.stack):
            raise Reject("proof does not verify")
        base = len(self.stack) - count
        taken = self.stack[base:]
        put: dict[str, str] = {}
        for _, place, kind, variable in frame.floating:
            if taken[place].type != kind:
                raise Reject("proof does not verify")
            put[variable] = taken[place].formula
        for _, place, kind, tokens in frame.essential:
            if taken[place].type != kind or taken[place].formula != self._put(tokens, put):
                raise Reject("proof does not verify")
        if frame.apart and not self._apart(frame, put):
            raise Reject("proof does not verify")
        formula = self._put(frame.tokens, put)
        number = -1
        if frame.type == PROVABLE:
            known = self.numbers.get(formula)
            if known is None:
                uses = [taken[premise.place].step for premise in frame.essential]
                known = self.numbers[formula] = len(self.steps)
                step = Step(f"{PROVABLE} {formula}", label, tuple(use for use in dict.fromkeys(uses) if use >= 0))
                self.steps.append(step)
            number = known
        self.stack[base:] = [Line(frame.type, formula, number)]

    def _put(self, tokens: tuple[str, ...], put: dict[str, str]) -> str:
        """A formula with something put for each variable, which may be nothing."""
        formula = " ".join([text for token in tokens if (text := put.get(token, token))])
        self.work += len(formula)
        if len(formula) > MOST_CHARACTERS or self.work > MOST_WORK:
            raise Reject("proof too large")
        return formula

    def _apart(self, frame: Frame, put: dict[str, str]) -> bool:
        """Whether what is put for two variables that must be distinct is known to share no variable."""
        pairs = {variable for pair in frame.apart for variable in pair}
        inside = {variable: self.database.variables.intersection(put[variable].split()) for variable in pairs}
        none: set[int] = set()
        for one, other in frame.apart:
            for here in inside[one]:
                for there in inside[other]:
                    if here == there or self.groups.get(here, none).isdisjoint(self.groups.get(there, none)):
                        return False
        return True

    def compressed(self, frame: Frame, tokens: tuple[str, ...]) -> None:
        """Run a proof in the compressed form: a list of labels in parentheses, then letters that stand for them."""
        if ")" not in tokens:
            raise Reject("proof does not verify")
        end = tokens.index(")")
        places = {hypothesis.place: hypothesis.label for hypothesis in frame.floating}
        places |= {premise.place: premise.label for premise in frame.essential}
        labels = [*(places[place] for place in range(len(places))), *tokens[1:end]]
        kept: list[Line] = []
        for number in _numbers("".join(tokens[end + 1 :])):
            if number < 0:
                if not self.stack:
                    raise Reject("proof does not verify")
                kept.append(self.stack[-1])
            elif number < len(labels):
                self.take(labels[number])
            elif number < len(labels) + len(kept):
                self.stack.append(kept[number - len(labels)])
            else:
                raise Reject("proof does not verify")


def _numbers(letters: str) -> Iterator[int]:
    """What the letters of a compressed proof say: numbers from 0, and -1 for `keep this formula`."""
    high = 0
    for letter in letters:
        if "A" <= letter <= "T":
            yield high * 20 + ord(letter) - ord("A")
            high = 0
        elif "U" <= letter <= "Y" and high < 1_000_000:
            high = high * 5 + ord(letter) - ord("T")
        elif letter == "Z" and not high:
            yield -1
        elif letter == "?":
            raise Reject("incomplete proof")
        else:
            raise Reject("proof does not verify")
    if high:
        raise Reject("proof does not verify")
