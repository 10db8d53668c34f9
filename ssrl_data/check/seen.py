"""Not seen: no row twice, no record, group or picture on both sides of a split, also not nearly."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from typing import TYPE_CHECKING

from ssrl_data.core import Json, Pixels, Record
from ssrl_data.curate import alike
from ssrl_data.curate.alike import Look, look_at, looks_of

if TYPE_CHECKING:
    from ssrl_data.check.facts import Facts


def looks_if_able(content: Record | Pixels) -> tuple[Look, ...]:
    """What a record or a picture is compared by; nothing without `pdqhash` installed.

    Raises:
        Reject: the record's content is broken.
    """
    if find_spec("pdqhash") is None:
        return ()
    return looks_of(content) if isinstance(content, Record) else (look_at(content),)


def duplicates(rows: Sequence[Facts]) -> Iterator[tuple[str, Facts, str]]:
    """Rows that repeat another, or contradict it, as (rule, row, message)."""
    ids: dict[str, Facts] = {}
    asked: dict[tuple[str, str], Facts] = {}
    for row in rows:
        first = ids.setdefault(row.id, row)
        same = asked.setdefault((row.prompt, row.pictures), row)
        asks = f"row {same.id} asks the same{' of the same pictures' if row.pictures else ''}"
        if first is not row:
            yield "duplicate row", row, "another row has the same id"
        elif same is not row and _right(same) == _right(row):
            yield "duplicate row", row, asks  # what a level credits to a guess does not make it another answer
        elif same is not row:
            yield "two answers", row, f"{asks} and has another answer"


def _right(row: Facts) -> Json:
    """What a row takes for right, without what it credits to others."""
    return {key: value for key, value in json.loads(row.answer).items() if key != "credit"}


def overlaps(rows: Iterable[Facts]) -> Iterator[tuple[str, Facts, str]]:
    """Rows that share with another split what no two splits may share."""
    home: dict[tuple[str, str], str] = {}
    for row in rows:
        held = [("group", row.group_id), ("set", row.set_id), *(("record", source) for source in row.sources)]
        if row.pictures:
            held.append(("pictures", row.pictures))
        for what, name in held:
            split = home.setdefault((what, name), row.split)
            if split != row.split:
                yield "split overlap", row, f"its {what} {name} is in {split} too"
                break


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records of different splits that look alike, and how they differ in words.

    Names are source ids, or row ids without the corpus.
    """

    split: str
    name: str
    other_split: str
    other: str
    difference: str


def near_pairs(looks: Mapping[str, Mapping[str, Sequence[Look]]]) -> list[Pair]:
    """Records of different splits whose picture or clip is one saved again, under some turn or mirror.

    Args:
        looks: split to name of the record to looks.
    """
    out = []
    for one, other in combinations(sorted(looks, key=lambda split: len(looks[split])), 2):
        names, others = sorted(looks[one]), sorted(looks[other])
        these, those = [looks[one][name] for name in names], [looks[other][name] for name in others]
        for i, j, difference in alike.near_records(these, those):
            # One record on both sides is an overlap, and found as that.
            if names[i] != others[j]:
                out.append(Pair(one, names[i], other, others[j], difference))
    return out


def by_split(rows: Iterable[Facts], looks: Mapping[str, tuple[Look, ...]]) -> dict[str, dict[str, tuple[Look, ...]]]:
    """The looks of all sources, by the split that their rows are in."""
    out: dict[str, dict[str, tuple[Look, ...]]] = defaultdict(dict)
    for row in rows:
        for name in row.sources or (row.id,):
            found = looks.get(name, ())
            if found:
                out[row.split][name] = found
    return dict(out)
