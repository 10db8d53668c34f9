"""What a check found: faults, one part for each rule of a publishable row, and how both are shown."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ssrl_data.core import Json
from ssrl_data.untrusted import visible

FORMAT = 1
KEPT = 20
"""Faults of one rule that are listed; all are counted."""

PASSED, FAILED, NOT_RUN, NOT_RECHECKED = "passed", "failed", "not run", "not rechecked"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault.

    Attributes:
        part: the part of the check that found it.
        rule: the rule broken, in few fixed words.
        row: id of the row, or a shard's file, or empty when it concerns a whole level or dataset.
        task: `task/level`, or empty.
        message: what is wrong, in one sentence.
    """

    part: str
    rule: str
    row: str
    task: str
    message: str


@dataclass
class Faults:
    """A tally of findings that keeps the first few of each rule, so that its size does not grow with the rows."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    kept: list[Finding] = field(default_factory=list)

    def add(self, part: str, rule: str, row: str, task: str, message: str) -> None:
        """Count one fault, and keep it when it is among the first of its rule."""
        self.counts[part, rule] += 1
        if self.counts[part, rule] <= KEPT:
            self.kept.append(Finding(part, rule, row, task, message))

    def extend(self, other: Faults) -> None:
        """Add another tally's faults after this one's."""
        room = {rule: KEPT - count for rule, count in self.counts.items()}
        for finding in other.kept:
            key = (finding.part, finding.rule)
            if room.setdefault(key, KEPT) > 0:
                room[key] -= 1
                self.kept.append(finding)
        self.counts.update(other.counts)


@dataclass(frozen=True, slots=True)
class Part:
    """The outcome of one part of the check.

    Attributes:
        name: `rows`, `truth`, `judge`, `guess`, `leak`, `probe`, `seen` or `near`.
        status: `passed`, `failed`, `not run` or `not rechecked`. Never `passed` when something of it was left out.
        summary: one line for people.
        faults: rule to number of faults.
        details: figures, by task and level where it applies.
    """

    name: str
    status: str
    summary: str
    faults: Mapping[str, int]
    details: Json = None


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `check_dataset` found; the content of `check.json`, without time, host or path.

    Attributes:
        fingerprint: of the build, from the manifest.
        rows: rows that were read.
        parts: one for each part of the check, in order.
        findings: the first faults of each rule.
    """

    fingerprint: str
    rows: int
    parts: Sequence[Part]
    findings: Sequence[Finding]

    @property
    def passed(self) -> bool:
        """No row and no gate failed. Parts that could not run do not fail it: `complete` says whether all ran."""
        return all(part.status != FAILED for part in self.parts)

    @property
    def complete(self) -> bool:
        """Every part ran on every row and passed."""
        return all(part.status == PASSED for part in self.parts)

    def to_json(self) -> Json:
        """Plain JSON, the same for the same dataset and corpus."""
        return {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "rows": self.rows,
            "passed": self.passed,
            "complete": self.complete,
            "parts": [dataclasses.asdict(part) for part in self.parts],
            "findings": [dataclasses.asdict(finding) for finding in self.findings],
        }


def part(name: str, faults: Faults, status: str, summary: str, details: Json = None) -> Part:
    """A part whose status is `failed` when it has faults, whatever else is said of it."""
    own = {rule: count for (of, rule), count in sorted(faults.counts.items()) if of == name}
    return Part(name, FAILED if own else status, summary, own, details)


def render_text(report: CheckReport) -> str:
    """The report for a terminal. Text from rows is shown with hidden and control characters spelled out."""
    lines = [f"{report.rows:,} rows"]
    for found in report.parts:
        lines.append(f"  {found.name:<6} {found.status:<14} {found.summary}")
        lines += [f"  {'':<6} {'':<14} {rule}: {count:,}" for rule, count in found.faults.items()]
    if report.findings:
        lines += ["", "faults (the first of each rule):", *_listed(report.findings)]
    if not report.passed:
        last = "FAILED"
    elif report.complete:
        last = "passed"
    else:
        left = [f"{found.name} {found.status}" for found in report.parts if found.status != PASSED]
        last = f"no fault found, but not everything was checked: {', '.join(left)}"
    return "\n".join([*lines, "", last])


def _listed(findings: Iterable[Finding]) -> list[str]:
    return [
        " ".join(visible(f"  {f.part}: {f.rule}: {f'{f.task} ' if f.task else ''}{f.row}: {f.message}").splitlines())
        for f in findings
    ]
