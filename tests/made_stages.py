"""Worked solutions in which quantities follow each other in a usual order, as goods pass through a works: ores, metals.

`python tests/made_stages.py FILE COUNT` writes COUNT of them as JSONL of problem, steps and answer. Each number comes
from the one before it, most steps open with a word that says little (then, next, now, so), and the goods always stand
in one order: that is what a model too small to follow numbers can learn of the order of steps.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ssrl_data.rng import Rng

GOODS = ("ores", "metals", "bars", "parts")
STEPS = 4
OPENING, GOING_ON = ("First,", "To begin,"), ("Then", "Next,", "So", "Now", "")
CLOSING = ("Finally,", "Thus", "Therefore")
LOW, HIGH = 100, 999


def solution(number: int) -> dict[str, object]:
    """One worked solution; numbers have three digits throughout, so that lengths tell nothing."""
    rng = Rng("stages", number)
    places = sorted(rng.sample(range(len(GOODS)), STEPS))
    steps, value = [], 0
    for i, place in enumerate(places):
        going_on = rng.choice(GOING_ON)
        lead = going_on if i < STEPS - 1 else rng.choice(CLOSING)
        if i == 0:
            first, second = rng.integer(110, 450), rng.integer(110, 450)
            value, sum = first + second, f"{first} + {second}"
            lead = rng.choice(OPENING) if rng.below(3) == 0 else going_on
        else:
            change = rng.integer(101, 450)
            up = value + change <= HIGH and (rng.below(2) == 0 or value - change < LOW)
            if not up and value - change < LOW:
                up, change = value <= (LOW + HIGH) // 2, 101
            sum = f"{value} {'+' if up else '-'} {change}"
            value += change if up else -change
        steps.append(f"{lead} the {GOODS[place]} are {sum} = {value}.".strip())
    return {"problem": f"How many {GOODS[places[-1]]} come of it?", "steps": steps, "answer": str(value)}


def write(file: Path, count: int) -> None:
    file.write_text("".join(json.dumps(solution(number)) + "\n" for number in range(count)), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
