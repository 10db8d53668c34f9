"""Labels that a ladder of constraints gives for nothing, and what they and a classifier are worth.

Of two neighbouring rungs of one ladder the higher asks for one constraint more. A response to it counts as one that
keeps to that constraint, a response to the lower one as one that does not (verl-if, arXiv 2508.02150). Neither need be
true. Since a program can check ours, both the labels and what is learnt from them are held against the truth, which
plays no part in learning.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import pyarrow as pa
from datasets import Dataset

from ssrl_data.answers.constraints import verdicts
from ssrl_data.answers.reading import conclusion
from ssrl_data.core import Json, SsrlError
from ssrl_data.instruct.constraint import constraint
from ssrl_data.row import digest, unpack_answer
from ssrl_train.rows import column

LEAST = 8
"""Sets that a classifier is learnt and judged from at least."""

WITHOUT = "name tasks such as instruction/constraints under `tasks` of the stage, or another reward"


class Item(NamedTuple):
    """A constraint and a text.

    Attributes:
        set_id: the ladder.
        family: of the constraint.
        asked: the sentence that asks for it.
        text: a response, without its reasoning.
        label: whether it is taken to keep to it.
        kept: whether it does; None where what decides on it is not installed.
    """

    set_id: str
    family: str
    asked: str
    text: str
    label: bool
    kept: bool | None


@dataclass(frozen=True, slots=True)
class Rung:
    """A row as one rung of a ladder.

    Attributes:
        set_id: the ladder.
        number: how many constraints it has come to, from 1.
        value: of its answer.
    """

    set_id: str
    number: int
    value: dict[str, Any]


def rung(row: Mapping[str, Any]) -> Rung | None:
    """The rung that a row is; None where it is none."""
    kind, value, _ = unpack_answer(row["answer"])
    made = json.loads(row["meta"]).get("make", {})
    if kind.name != "constraints" or not isinstance(made, dict) or "rung" not in made or not row["set_id"]:
        return None
    return Rung(row["set_id"], made["rung"], value)


def ladder_faults(rows: Dataset) -> list[str]:
    """Why rows cannot be paid by what ladders teach, a line each."""
    if missing := [name for name in ("answer", "meta", "set_id") if name not in rows.column_names]:
        return [f"the reward `soft` wants ladders, and the rows have no column {missing[0]}: {WITHOUT}"]
    columns = [column(rows, name) for name in ("task", "answer", "meta", "set_id")]
    for task, answer, meta, set_id in zip(*columns, strict=True):
        if rung({"answer": answer, "meta": meta, "set_id": set_id}) is None:
            return [f"the reward `soft` wants rungs of ladders, and a row of {task} is none: {WITHOUT}"]
    return []


def judged(value: Json, response: str) -> list[bool | None]:
    """Of each constraint of a row whether a response keeps to it; None where what decides on it is not installed."""
    told = verdicts(value, conclusion(response).strip())
    missing = [bool(constraint(item).lacks()) for item in value["constraints"]]
    return [None if lacks else bool(kept) for kept, lacks in zip(told, missing, strict=True)]


def items_of(rows: Dataset, rollouts: pa.Table) -> list[Item]:
    """What a table of responses teaches: each pair of neighbouring rungs that were both answered.

    Args:
        rows: rungs, all that the table may hold.
        rollouts: as `rollouts.sample_rollouts` gives them; `id` and `response` are read.

    Raises:
        SsrlError: there are too few such ladders.
    """
    said: defaultdict[str, list[str]] = defaultdict(list)
    for id, response in zip(rollouts["id"].to_pylist(), rollouts["response"].to_pylist(), strict=True):
        said[id].append(response)
    ladders: defaultdict[str, list[tuple[Rung, list[str]]]] = defaultdict(list)
    columns = [column(rows, name) for name in ("id", "answer", "meta", "set_id")]
    for id, answer, meta, set_id in zip(*columns, strict=True):
        found = rung({"answer": answer, "meta": meta, "set_id": set_id}) if id in said else None
        if found is not None:
            ladders[set_id].append((found, said[id]))
    items = [
        _item(high, response, label)
        for set_id in sorted(ladders)
        for (low, without), (high, within) in pairwise(sorted(ladders[set_id], key=lambda pair: pair[0].number))
        if high.number == low.number + 1
        for label, responses in ((False, without), (True, within))
        for response in responses
    ]
    sets = len({item.set_id for item in items})
    if sets < LEAST:
        raise SsrlError(
            f"the reward `soft` finds {sets} ladders with responses to two neighbouring rungs and wants at least "
            f"{LEAST}: let the sample stage take more `rows`, or all (0)"
        )
    return items


def _item(high: Rung, response: str, label: bool) -> Item:
    added = constraint(high.value["constraints"][-1])
    text = conclusion(response).strip()
    return Item(high.set_id, family_of(added.id()), added.tell(), text, label, judged(high.value, response)[-1])


def family_of(name: str) -> str:
    """The family of a constraint's id."""
    return name.partition("/")[0]


def split_off(items: Sequence[Item], share: float, seed: int) -> tuple[list[Item], list[Item]]:
    """Items to learn from and items held out, no ladder among both.

    Args:
        items: all.
        share: of the ladders that are held out, in (0, 1).
        seed: which.
    """
    order = sorted({item.set_id for item in items}, key=lambda set_id: digest("soft", str(seed), set_id))
    held = set(order[: min(max(1, round(share * len(order))), len(order) - 1)])
    return [item for item in items if item.set_id not in held], [item for item in items if item.set_id in held]


def figures(items: Sequence[Item], accepted: Sequence[bool]) -> dict[str, Any]:
    """What a classifier and the labels it learnt from are worth on held-out items, over all and by family.

    Args:
        items: held out.
        accepted: whether the classifier takes each for kept to.

    Returns:
        `all`, and by family under `families`: `items` that a rule decides on, how many of them are `violated`,
        `agreement` of classifier and rule, `false_accept`: the share of violated ones that are accepted,
        `false_reject`: of kept ones that are not, and of the labels `true_positives`: the share of those labelled kept
        that are, `true_negatives`: of those labelled not kept that are not. A share of nothing is None.
    """
    known = [(item, yes) for item, yes in zip(items, accepted, strict=True) if item.kept is not None]
    families = sorted({item.family for item, _ in known})
    return {
        "ladders": len({item.set_id for item in items}),
        "all": _figures(known),
        "families": {name: _figures([pair for pair in known if pair[0].family == name]) for name in families},
    }


def _figures(known: Sequence[tuple[Item, bool]]) -> dict[str, float | int | None]:
    def share(of: Callable[[Item], bool], right: Callable[[Item, bool], bool]) -> float | None:
        return _mean(right(item, yes) for item, yes in known if of(item))

    return {
        "items": len(known),
        "violated": sum(not item.kept for item, _ in known),
        "agreement": share(lambda item: True, lambda item, yes: yes == item.kept),
        "false_accept": share(lambda item: not item.kept, lambda item, yes: yes),
        "false_reject": share(lambda item: bool(item.kept), lambda item, yes: not yes),
        "true_positives": share(lambda item: item.label, lambda item, yes: bool(item.kept)),
        "true_negatives": share(lambda item: not item.label, lambda item, yes: not item.kept),
    }


def _mean(values: Iterable[bool]) -> float | None:
    found = list(values)
    return sum(found) / len(found) if found else None
