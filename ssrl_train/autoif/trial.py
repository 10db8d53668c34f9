"""The functions and the cases of one instruction, run against each other in the sandbox.

A `Trial` is taken through its steps in order; each lists what it leaves out and why, and says in a few fixed words when
nothing is left to go on with.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from ssrl_data import programs
from ssrl_data.answers.program import DEGENERATE
from ssrl_data.core import Json, SsrlError
from ssrl_data.programs import Limits
from ssrl_train.autoif.mutants import mutants, reordered
from ssrl_train.autoif.outputs import Case, Fault, Function, Written, parse
from ssrl_train.autoif.thresholds import Thresholds

_SENTENCES = (
    "The ferry leaves the harbour at seven, and nobody waits for those who are late. "
    "Have you ever seen the lake when it freezes over?\n"
    "Grain was cheap that year: 3 silver coins bought a sack of it! "
    "My neighbour, an old carpenter, still speaks of the flood.\n\n"
)
LONG = (_SENTENCES * 64)[:16_384]
"""Prose as long as responses get: a checker that runs out of its limits on it, or crashes, would do so in training."""

MOST_CHECKERS = 16
"""Kept functions: as many as a record of instructions can have."""

_SLOW = (programs.TIMEOUT, programs.MEMORY)


@dataclass(slots=True)
class Trial:
    """One instruction's functions and cases, and what the steps found.

    Attributes:
        functions: those that are run. Those that cannot be are faults already.
        cases: the stored cases.
        faults: what was left out, in the order in which it was.
        limits: of one run.
        engine: what runs it.
        votes: the verdict of each function (row) on each case (column); None where there was none.
        kept: numbers of the functions that are still kept.
        kept_cases: numbers of the cases that are.
        killed: by number of a function: its mutants that the kept cases tell from it, and all that were tried.
    """

    functions: list[Function]
    cases: list[Case]
    faults: list[Fault]
    limits: Limits
    engine: str
    votes: list[list[bool | None]] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    kept_cases: list[int] = field(default_factory=list)
    killed: dict[int, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, written: Written, limits: Limits, engine: str) -> Trial:
        """The trial of what was read, before any step."""
        return cls(list(written.functions), list(written.cases), list(written.faults), limits, engine)

    def load(self, asked: Thresholds) -> str:
        """Leave out functions whose imports the engine lacks: they never ran, so they cannot disagree either."""
        loaded = []
        said = self._matrix([_imports(function.source) for function in self.functions], [""])
        for function, (outcome,) in zip(self.functions, said, strict=True):
            if outcome.accepted:
                loaded.append(function)
            else:
                self.faults.append(Fault("function", function.output, "an import that the engine lacks"))
        self.functions = loaded
        if len(loaded) < asked.functions:
            return "too few functions"
        return "too few cases" if len(self.cases) < asked.cases else ""

    def vote(self, asked: Thresholds) -> str:
        """Run all functions on all cases; leave out those that are slow, crash, or do not answer the same twice."""
        texts = [case.text for case in self.cases]
        for n, outcomes in enumerate(self._outcomes([*texts, LONG])):
            source = self.functions[n].source
            self.votes.append([outcome.accepted for outcome in outcomes[:-1]])
            reasons = [outcome.reason for outcome in outcomes if outcome.accepted is None]
            if reasons:
                self._leave_out(n, "slow" if any(reason in _SLOW for reason in reasons) else "crash")
            elif self._run(source, texts[::-1])[::-1] != self.votes[n]:
                self._leave_out(n, "not the same twice")
            elif self._run(reordered(source), texts) != self.votes[n]:
                self._leave_out(n, "depends on the order of a set")
            else:
                self.kept.append(n)
        return "" if len(self.kept) >= asked.kept else "too few checkers are left"

    def agree(self, asked: Thresholds) -> str:
        """Keep the cases that enough of all functions agree with, then the functions that agree with enough of them."""
        for n, share in enumerate(self.case_agreement()):
            if share > asked.case_agreement:
                self.kept_cases.append(n)
            else:
                self.faults.append(Fault("case", self.cases[n].output, "disagrees"))
        if not self.kept_cases:
            return "the functions agree with no case"
        shares = self.function_agreement()
        for n in list(self.kept):
            enough = shares[n] >= asked.function_agreement if asked.inclusive else shares[n] > asked.function_agreement
            if not enough:
                self._leave_out(n, "disagrees")
        return "" if len(self.kept) >= asked.kept else "too few checkers are left"

    def balance(self, asked: Thresholds) -> str:
        """Leave out functions that accept none of the kept cases, or reject none; degenerate ones do not count."""
        telling = [n for n in self.kept_cases if not _degenerate(self.cases[n].text)]
        for n in list(self.kept):
            said = {self.votes[n][c] for c in telling}
            if True not in said:
                self._leave_out(n, "rejects every case")
            elif False not in said:
                self._leave_out(n, "accepts every case")
        return "" if len(self.kept) >= asked.kept else "too few checkers are left"

    def mutate(self, asked: Thresholds) -> str:
        """Leave out functions that the kept cases do not tell from enough of their mutants.

        A function without a mutant (none can be made, or none is asked for) passes.
        """
        for n in list(self.kept):
            tried = [mutant.source for mutant in mutants(self.functions[n].source, asked.mutants)]
            killed = len(tried) - len(self._alike(n, tried))
            self.killed[n] = (killed, len(tried))
            if killed < asked.mutation * len(tried):
                self._leave_out(n, "its cases do not tell it from its mutants")
        for n in self.kept[MOST_CHECKERS:]:
            self._leave_out(n, "beyond the most")
        return "" if len(self.kept) >= asked.kept else "too few checkers are left"

    def case_agreement(self) -> list[float]:
        """For each case: the share of all functions that were run whose verdict is the stated one."""
        return [sum(row[n] is case.right for row in self.votes) / len(self.votes) for n, case in enumerate(self.cases)]

    def function_agreement(self) -> list[float]:
        """For each function: the share of the kept cases whose stated verdict is its own."""
        return [
            sum(row[n] is self.cases[n].right for n in self.kept_cases) / len(self.kept_cases) for row in self.votes
        ]

    def texts(self, right: bool) -> dict[str, int]:
        """How many kept functions accept each kept case that is said to be right, or wrong, and is not degenerate."""
        cases = [(self.cases[n], n) for n in self.kept_cases if self.cases[n].right is right]
        return {
            case.text: sum(self.votes[f][n] is True for f in self.kept)
            for case, n in cases
            if not _degenerate(case.text)
        }

    def accepting(self, text: str) -> int:
        """How many kept functions accept a text."""
        said = self._matrix([self.functions[n].source for n in self.kept], [text])
        return sum(outcome.accepted is True for (outcome,) in said)

    def summary(self) -> dict[str, Json]:
        """What was found, as JSON.

        `matrix` has a word for each function, of a sign for each case: `1` accepts, `0` rejects, `x` gave no verdict;
        `right` is what the cases state. The agreements are theirs, `kept` and `kept_cases` the numbers of what was
        kept, `mutants` how many mutants of each kept function were told from it and tried, `mutation` the share over
        all of them, `faults` what was left out, with the number of its output.
        """
        found = {"matrix": ["".join("x" if v is None else str(int(v)) for v in row) for row in self.votes]}
        counts = [self.killed[n] for n in self.kept if n in self.killed]
        tried = sum(made for _, made in counts)
        return found | {
            "right": "".join(str(int(case.right)) for case in self.cases),
            "case_agreement": [round(share, 4) for share in self.case_agreement()] if self.votes else [],
            "function_agreement": [round(share, 4) for share in self.function_agreement()] if self.kept_cases else [],
            "kept": self.kept,
            "kept_cases": self.kept_cases,
            "mutants": [list(count) for count in counts],
            "mutation": round(sum(killed for killed, _ in counts) / tried, 4) if tried else None,
            "faults": [[fault.what, fault.output, fault.reason] for fault in self.faults],
        }

    def _alike(self, n: int, sources: Sequence[str]) -> list[str]:
        """Those that no kept case tells from a function; no verdict is another verdict."""
        alike = list(sources)
        for c in self.kept_cases:
            said = self._matrix(alike, [self.cases[c].text])
            alike = [source for source, (one,) in zip(alike, said, strict=True) if one.accepted is self.votes[n][c]]
        return alike

    def _leave_out(self, n: int, reason: str) -> None:
        if n in self.kept:
            self.kept.remove(n)
        self.faults.append(Fault("function", self.functions[n].output, reason))

    def _run(self, source: str, texts: Sequence[str]) -> list[bool | None]:
        return [outcome.accepted for outcome in self._matrix([source], texts)[0]]

    def _outcomes(self, texts: Sequence[str]) -> list[list[programs.Outcome]]:
        """What each function says of each text. What was slow on one is not run on the next: that bounds its cost."""
        rows: list[list[programs.Outcome]] = [[] for _ in self.functions]
        for text in texts:
            able = [n for n, row in enumerate(rows) if not (row and row[-1].reason in _SLOW)]
            said = dict(zip(able, self._matrix([self.functions[n].source for n in able], [text]), strict=True))
            for n, row in enumerate(rows):
                row.append(said[n][0] if n in said else row[-1])
        return rows

    def _matrix(self, sources: Sequence[str], texts: Sequence[str]) -> list[list[programs.Outcome]]:
        said = programs.run_matrix(sources, texts, self.limits, self.engine)
        if any(outcome.reason == programs.BROKEN for row in said for outcome in row):
            why = programs.fault(self.engine) or "its processes do not start, or are killed from outside"
            raise SsrlError(f"checkers cannot be validated: {why}")
        return said


def _degenerate(text: str) -> bool:
    return text.strip().casefold() in DEGENERATE


def _imports(source: str) -> str:
    """A checker that has the imports of another, and accepts everything."""
    lines = [ast.unparse(node) for node in ast.walk(parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join([*lines, "def evaluate(response):", "    return True"])
