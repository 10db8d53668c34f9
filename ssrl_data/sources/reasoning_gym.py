"""Questions of the package reasoning-gym as a corpus: generated problems with an exact answer, for outcome rewards.

    ssrl build text/final_answer --source "reasoning-gym:chain_sum,maze?size=500&seed=7" --out outcome

Item i of seed s there is item i + 1 of seed s - 1, so two neighbouring seeds share all items but one. Here an item is
known by that sum, `chain_sum//item 507`, whatever seed it was asked with. Equal questions are one group and listed
once, and the package's release is part of the origin.

`TASKS` are those whose stored answers hold: over 800 items each, all agreed with answers computed again from the words
of the question alone, the same whatever PYTHONHASHSEED. `REFUSED` says what is wrong with some of the others.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qsl

from ssrl_data.core import Record, Reject, SsrlError
from ssrl_data.media.text import canonical
from ssrl_data.media.worked import QUESTION, Worked
from ssrl_data.registry import suggest
from ssrl_data.sources._columns import lined
from ssrl_data.sources.base import Entry, Source, written_record

SCHEME = "reasoning-gym:"

TASKS = frozenset(
    {
        *("base_conversion", "binary_alternation", "bitwise_arithmetic", "chain_sum", "count_bits", "count_primes"),
        *("course_schedule", "decimal_chain_sum", "dice", "game_of_life_halting", "gcd", "largest_island", "lcm"),
        *("maze", "products", "rotten_oranges", "self_reference", "spell_backward"),
    }
)
"""Tasks that are read."""

_SEVERAL = "a question has several right answers and the item stores one of them or none"
_SEEDED = "its items change with PYTHONHASHSEED, so no build could be repeated"
REFUSED = {
    "sentence_reordering": "where a word is repeated the stored answer is not the sentence (one item in five)",
    "basic_arithmetic": "quotients are cut to whole numbers in the stored answer (one item in a hundred)",
    "simple_equations": "now and then the equation is 0 = 0 and the stored answer some number",
    "number_format": "the stored answer has other digits than the candidate that it stands for (one item in twelve)",
    "decimal_arithmetic": "the stored answer is rounded, so an exact one would be wrong",
    "power_function": "three digits are asked for and seventeen are stored",
    "letter_counting": "capital letters are counted as well, which the question does not say (one item in nine)",
    "syllogism": "that some are follows there from all are, which holds only where there are any",
    "fraction_simplification": "the fraction of the question has the same value as its answer",
    "prime_factorization": "the number of the question has the same value as its answer",
    "simple_geometry": "two polygons in five are said to be convex and have an angle of 180 degrees or more",
    "needle_haystack": "now and then two persons do what is asked for (one item in a thousand)",
    "number_sequence": "a sequence can go on in many ways",
    **dict.fromkeys(("isomorphic_strings", "ransom_note", "knight_swap", "polynomial_multiplication"), _SEEDED),
    "word_ladder": _SEEDED,
    **dict.fromkeys(("codeio", "list_functions"), "its items change from call to call, so no build could be repeated"),
    **dict.fromkeys(("boxnet", "graph_color", "propositional_logic", "rubiks_cube", "rush_hour"), _SEVERAL),
    **dict.fromkeys(("countdown", "puzzle24", "n_queens", "shortest_path", "tower_of_hanoi", "sokoban"), _SEVERAL),
    **dict.fromkeys(("jugs", "simple_integration", "intermediate_integration", "letter_jumble"), _SEVERAL),
    **dict.fromkeys(("palindrome_generation", "quantum_lock"), _SEVERAL),
}
"""Tasks that are not read, and why; of all others nobody has computed the answers again."""

YES_NO = frozenset({"course_schedule", "game_of_life_halting"})
"""Tasks whose answers are True or False: the options of their questions."""

MOST = 100_000
"""Items of one task at most: listing makes them all."""

_ADDRESS = re.compile(r"reasoning-gym:(?P<tasks>[^?]*)(?:\?(?P<asked>.*))?")


@dataclass(frozen=True)
class ReasoningGym(Source):
    """Items of some tasks, the first `size` from `seed` on of each.

    Attributes:
        tasks: names, sorted.
        size: items of each, from 1 to `MOST`.
        seed: the first item's number, from 0 to 2**31.
        release: the package's.
    """

    tasks: tuple[str, ...]
    size: int
    seed: int
    release: str

    @classmethod
    def claims(cls, address: str) -> bool:
        """Whether it begins with `reasoning-gym:`."""
        return address.startswith(SCHEME)

    @classmethod
    def at(cls, address: str, license: str | None = None) -> ReasoningGym:
        """The items at an address.

        Raises:
            SsrlError: the package is not installed, a task is not known or not fit, or a number is out of range.
        """
        found = _ADDRESS.fullmatch(address)
        asked = dict(parse_qsl(found["asked"] or "", keep_blank_values=True)) if found else {}
        for key in asked:
            if key not in ("size", "seed"):
                raise SsrlError(f"{address}: unknown key {key!r}: {suggest(key, ('size', 'seed'))}")
        tasks = sorted(filter(None, found["tasks"].split(","))) if found else []
        if not tasks:
            raise SsrlError(
                f"{address}: write reasoning-gym:TASK,TASK?size=500&seed=0 with some of {', '.join(sorted(TASKS))}"
            )
        for task in tasks:
            if task in REFUSED:
                raise SsrlError(f"{address}: {task} is not used: {REFUSED[task]}: take others")
            if task not in TASKS:
                raise SsrlError(f"{address}: no task {task!r} whose answers were checked: {suggest(task, TASKS)}")
        if find_spec("reasoning_gym") is None:
            raise SsrlError(f'{address}: the package is not installed: pip install "ssrl[reasoning-gym]"')
        size, seed = _number(asked, "size", "500", 1, MOST, address), _number(asked, "seed", "0", 0, 1 << 31, address)
        return cls(tuple(dict.fromkeys(tasks)), size, seed, version("reasoning-gym"))

    def entries(self) -> Iterator[Entry]:
        """Each question once, under the first of the items that ask it."""
        for task in self.tasks:
            for number, group in _listing(task, self.size, self.seed):
                yield Entry(
                    key=f"{task}//item {number}",
                    group=group,
                    license="Apache-2.0",
                    attribution="the authors of reasoning-gym",
                    origin=f"reasoning-gym {self.release}, {task}",
                    media="worked",
                    part=(number, 1),
                    stamp=group,
                )

    def open(self, entry: Entry) -> Record:
        """The question of one entry, with its answer.

        Raises:
            Reject: the package does not score its own answer as right (base_conversion writes zero as nothing), or
                makes another item than it listed.
        """
        task = entry.key.partition("//")[0]
        item = _tasks(task)[entry.part[0]]
        if _group(item["question"]) != entry.stamp:
            raise Reject("another item than the listed one")
        if _tasks(task).score_answer(item["answer"], item) != 1:
            raise Reject("its own answer is not right")
        answer = canonical(item["answer"])
        content = f"{item['question']}\0{answer}".encode()
        options = ("True", "False") if task in YES_NO else ()
        return written_record(entry, Worked(QUESTION, lined(item["question"]), answer=answer, options=options), content)


@lru_cache(maxsize=4)
def _tasks(name: str) -> Any:
    """All items of a task, by their number."""
    import reasoning_gym

    return reasoning_gym.create_dataset(name, seed=0, size=1 << 40)


@lru_cache(maxsize=64)
def _listing(task: str, size: int, seed: int) -> tuple[tuple[int, str], ...]:
    """Number and group of the first item that asks each question."""
    groups: dict[str, int] = {}
    for number in range(seed, seed + size):
        groups.setdefault(_group(_tasks(task)[number]["question"]), number)
    return tuple((number, group) for group, number in groups.items())


def _group(question: str) -> str:
    return hashlib.sha256(canonical(question).encode()).hexdigest()[:32]


def _number(asked: dict[str, str], key: str, default: str, low: int, high: int, address: str) -> int:
    text = asked.get(key, default)
    if not text.isdecimal() or not low <= int(text[:12]) <= high:
        raise SsrlError(f"{address}: {key} is {text!r}: it must be a whole number from {low} to {high}")
    return int(text)
