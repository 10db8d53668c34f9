"""Worked solutions in prose whose dependencies are known exactly: who has how many of what, worked out step by step.

`python tests/made_derivations.py FOLDER COUNT SEED [--cued]` writes COUNT of them as a corpus: `derivations.jsonl` with
columns problem, steps, answer, document and uses (numbers of the steps that each step rests on), and its corpus.yaml.
Those of one document share their people and goods. They are made for tests and for a proof that training learns.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssrl_data.rng import Rng

# Initials are the symbols, so no two are alike and none is a word.
PEOPLE = (
    *("Ben", "Clara", "Dan", "Eva", "Finn", "Greta", "Hugo", "Jana", "Kim", "Lena", "Mia", "Nora", "Paul", "Quinn"),
    *("Rosa", "Sam", "Tom", "Uma", "Vera", "Will", "Yara", "Zoe"),
)
GOODS = ("apples", "coins", "stamps", "marbles", "cards", "books", "shells", "tickets", "pencils", "stickers")
OF_DOCUMENT, PEOPLE_OF_DOCUMENT = 4, 12

GIVEN = ("{name} has {x} = {v} {goods}.", "Let {x} = {v} be what {name} has.", "The {goods} of {name} are {x} = {v}.")
WORKED = (
    "{name} has {x} = {sum} = {v} {goods}.",
    "Let {x} = {sum} = {v} be what {name} has.",
    "The {goods} of {name} are {x} = {sum} = {v}.",
    "For {name} this gives {x} = {sum} = {v}.",
)
FIRST, GOING_ON, LAST = ("First, ", "To begin, "), ("Then ", "Next, ", "After that, "), ("Finally, ", "In the end, ")

CORPUS = """
files:
  - match: "*.jsonl"
    columns: {document: document}
    license: CC0-1.0
    attribution: the authors of ssrl
"""


@dataclass(frozen=True)
class Quantity:
    """What somebody has: in words for the problem, as a sum over symbols for the solution, and its value."""

    name: str
    words: str
    sum: str
    value: int
    uses: tuple[int, ...] = ()


def quantities(rng: Rng, people: list[str], goods: str) -> list[Quantity]:
    """Quantities of which each rests on earlier ones, and all lead to the last: one for each of the people."""
    bases = rng.integer(1, (len(people) + 1) // 2)
    made = []
    for name in people[:bases]:
        value = rng.integer(2, 40)
        made.append(Quantity(name, f"{name} has {value} {goods}.", "", value))
    free = list(range(bases))
    # As many sums of two as bring all bases together; elsewhere one is changed by a number.
    kinds = rng.shuffled([*["join"] * (bases - 1), *["change"] * (len(people) - 2 * bases + 1)])
    for name, kind in zip(people[bases:], kinds, strict=True):
        number, value = len(made), rng.integer(2, 9)
        one = free.pop(rng.below(len(free)))
        a = made[one]
        if kind == "join":
            other = free.pop(rng.below(len(free)))
            b = made[other]
            words = f"{name} has as many as {a.name} and {b.name} together."
            made.append(Quantity(name, words, f"{a.name[0]} + {b.name[0]}", a.value + b.value, (one, other)))
        else:
            how = rng.choice(("more", "times", "fewer") if a.value > value else ("more", "times"))
            factor = 2 + value % 3
            words, symbols, result = {
                "more": (f"{value} more than", f"{a.name[0]} + {value}", a.value + value),
                "fewer": (f"{value} fewer than", f"{a.name[0]} - {value}", a.value - value),
                "times": (f"{factor} times as many as", f"{factor} * {a.name[0]}", factor * a.value),
            }[how]
            made.append(Quantity(name, f"{name} has {words} {a.name}.", symbols, result, (one,)))
        free.append(number)
    return made


def ordered(rng: Rng, made: list[Quantity]) -> list[int]:
    """One of the orders in which each quantity stands behind those it rests on."""
    order: list[int] = []
    while len(order) < len(made):
        ready = [n for n in range(len(made)) if n not in order and set(made[n].uses) <= set(order)]
        order.append(rng.choice(ready))
    return order


def derivation(rng: Rng, people: list[str], goods: str, cued: bool) -> dict[str, Any]:
    """A problem with its solution."""
    made = quantities(rng, people, goods)
    order = ordered(rng, made)
    steps = []
    for place, number in enumerate(order):
        q = made[number]
        text = rng.choice(WORKED if q.sum else GIVEN)
        text = text.format(name=q.name, x=q.name[0].lower(), sum=q.sum.lower(), v=q.value, goods=goods)
        if cued:
            cue = rng.choice(LAST if place == len(order) - 1 else GOING_ON if place else FIRST)
            text = cue + (text if text.startswith(q.name) else text[0].lower() + text[1:])
        steps.append(text)
    told = " ".join(made[number].words for number in rng.shuffled(order))
    return {
        "problem": f"{told} How many {goods} does {made[-1].name} have?",
        "steps": steps,
        "answer": str(made[-1].value),
        "uses": [sorted(order.index(use) for use in made[number].uses) for number in order],
    }


def derivations(
    count: int, seed: int, *, cued: bool = False, steps: tuple[int, int] = (3, 7)
) -> Iterator[dict[str, Any]]:
    """Worked solutions with between so many steps, several to a document; the same for the same arguments."""
    for number in range(count):
        document = number // OF_DOCUMENT
        shared = Rng(seed, "document", document)
        people, goods = shared.sample(PEOPLE, PEOPLE_OF_DOCUMENT), shared.choice(GOODS)
        rng = Rng(seed, "derivation", number)
        chosen = rng.sample(people, rng.integer(*steps))
        yield derivation(rng, chosen, goods, cued) | {"document": f"document {document}"}


def write_corpus(folder: Path, count: int, seed: int, *, cued: bool = False, steps: tuple[int, int] = (3, 7)) -> None:
    """Fill a folder with so many of them."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(made, ensure_ascii=False) for made in derivations(count, seed, cued=cued, steps=steps))
    (folder / "derivations.jsonl").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    (folder / "corpus.yaml").write_text(CORPUS.lstrip())


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="write worked solutions with known dependencies")
    parser.add_argument("folder", type=Path)
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("--cued", action="store_true", help="with words that tell the order")
    given = parser.parse_args()
    write_corpus(given.folder, given.count, given.seed, cued=given.cued)


if __name__ == "__main__":
    main()
