"""Proofs as our reader tells them, and as the `metamath` program does: another reading, by other authors."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from ssrl_data.media.worked import Worked
from ssrl_data.sources import _metamath
from ssrl_data.sources._descriptor import Rule

_LINE = re.compile(r"(\d+) (?:([\d,]+) )?(\S+) +(?:@\d+: *)?\$([aep]) (.*)")


class Line(NamedTuple):
    """A line of a proof as the program shows it: the statement, the label it carries, and the statements it uses."""

    text: str
    label: str
    premise: bool
    uses: tuple[str, ...]


def answers(program: Path, database: Path, commands: list[str]) -> list[str]:
    """What the program answers to each command about a database."""
    start = ["set scroll continuous", "set width 9999", f'read "{database}"']
    asked = "\n".join([*start, *commands, "exit", ""])
    run = subprocess.run([program], input=asked, capture_output=True, text=True, timeout=1200, check=True)
    return run.stdout.split("MM> ")[len(start) + 1 : -1]


def verified(program: Path, database: Path) -> bool:
    """Whether the program finds every proof of a database right."""
    (said,) = answers(program, database, ["verify proof *"])
    return "All proofs in the database were verified" in said


def shown(program: Path, database: Path, labels: list[str]) -> dict[str, list[Line]]:
    """The proofs of theorems, without the lines that only build formulas."""
    said = answers(program, database, [f"show proof {label} /lemmon /essential" for label in labels])
    assert len(said) == len(labels)
    return {label: _proof(text) for label, text in zip(labels, said, strict=True)}


def _proof(said: str) -> list[Line]:
    texts: dict[str, str] = {}
    lines = []
    for shown_line in filter(None, said.splitlines()):
        found = _LINE.fullmatch(shown_line.strip())
        assert found, shown_line
        number, uses, label, keyword, text = found.groups()
        texts[number] = text
        used = tuple(texts[use] for use in uses.split(",")) if uses else ()
        lines.append(Line(text, label, keyword == "e", used))
    return lines


def expected(lines: list[Line]) -> list[tuple[str, str, tuple[str, ...]]]:
    """The steps that a shown proof comes down to: each statement once, as it is first proved, if the last needs it.

    Returns:
        Statement, label and the statements used that are no premises, in the proof's order.
    """
    premises = {line.text for line in lines if line.premise}
    first = {line.text: line for line in reversed(lines) if line.text not in premises}
    needed, open_ = set(), [lines[-1].text]
    while open_:
        if (text := open_.pop()) in first and text not in needed:
            needed.add(text)
            open_.extend(first[text].uses)
    order = dict.fromkeys(line.text for line in lines if line.text in needed)
    return [
        (text, first[text].label, tuple(use for use in dict.fromkeys(first[text].uses) if use in first))
        for text in order
    ]


def labels(path: Path) -> list[str]:
    """Theorems that our reader lists."""
    return [inside.name.removeprefix("theorem ") for inside in _metamath.listed(os.fsencode(path), Rule())]


def opened(path: Path, label: str) -> Worked:
    """A theorem as our reader opens it."""
    found, _ = _metamath.opened(os.fsencode(path), f"theorem {label}", (0, 0), Rule())
    assert isinstance(found, Worked)
    return found


def steps(worked: Worked) -> list[tuple[str, str, tuple[str, ...]]]:
    """Statement, rule and the statements used, of each step."""
    return [(step.text, step.reason, tuple(worked.steps[use].text for use in step.uses or ())) for step in worked.steps]


def agree(path: Path, program: Path, chosen: list[str]) -> int:
    """Compare our proofs with what the program shows of them; how many steps they had."""
    told = shown(program, path, chosen)
    total = 0
    for label in chosen:
        worked = opened(path, label)
        assert {line.text for line in told[label] if line.premise} <= set(worked.given), label
        if not all(line.premise for line in told[label]):
            assert steps(worked) == expected(told[label]), label
        total += len(worked.steps)
    return total
