"""What accuracy is worth: the same questions without their pictures, with others' pictures, and answered by constants.

An answer that needs its picture falls to chance under either control. What does not was read elsewhere: in the text, in
the sizes, in how often an answer is right.

- `blind`: every picture is a uniform grey of its size, so that the prompt and its length in tokens stay as they are.
- `shuffled`: a row shows the pictures of another row of its task and level, from another source record, with as many
  pictures of the same sizes. Unlike grey these are pictures as the model knows them.
"""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

from datasets import Dataset
from PIL import Image

from ssrl_data.core import SsrlError
from ssrl_data.grade import grade
from ssrl_data.row import digest, unpack_answer
from ssrl_train.memo import decoded_once
from ssrl_train.rows import column
from ssrl_train.sources import sources

Control: TypeAlias = Literal["blind", "shuffled"] | None

GREY = (128, 128, 128)

CANDIDATES = 16
"""Constants that are tried at a level, the most frequent right answers."""


@dataclass(frozen=True, slots=True)
class View:
    """Rows as a model is shown them.

    Attributes:
        places: of the rows that can be shown, in their order.
        row: the row at a place, its pictures decoded.
    """

    places: Sequence[int]
    row: Callable[[int], Mapping[str, Any]]


def view(rows: Dataset, control: Control) -> View:
    """Rows under a control.

    Args:
        rows: from `rows.load_rows`.
        control: `blind`, `shuffled`, or None for the rows as they are.

    Raises:
        SsrlError: there are no pictures to take away, or no row can be shown another's.
    """
    shown = decoded_once(rows)
    if control is None:
        return View(range(len(rows)), lambda place: dict(shown[place]))
    if "images" not in rows.column_names:
        raise SsrlError(
            f"rows of {', '.join(sorted(set(column(rows, 'task'))))} show no pictures, so there is no {control} "
            "control of them: leave it out; `ssrl check` holds such rows against guessers that read the text"
        )
    if control == "blind":
        return View(range(len(rows)), lambda place: _blind(shown[place]))
    partners = shuffle(rows)
    places = [place for place, partner in enumerate(partners) if partner is not None]
    if not places:
        raise SsrlError(
            "no row has another one of its task and level, from another source, with pictures of the same sizes, so "
            "there is no shuffled control of them: evaluate more rows, or leave it out"
        )
    return View(places, lambda place: {**shown[place], "images": shown[partners[place]]["images"]})


def _blind(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "images": [_grey(*picture.size) for picture in row["images"]]}


@lru_cache(maxsize=64)
def _grey(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), GREY)


def shuffle(rows: Dataset) -> list[int | None]:
    """For each row the place of the one whose pictures it is shown, None where there is none; no row lends twice.

    A keyed derangement: the rows that could lend each other are put in an order drawn by their sources and ids, a
    source's rows together, and each borrows from the one as many places on as the largest source has rows. So none
    borrows from its own source, unless that has more than half of the rows.
    """
    source = sources(rows)
    alike: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    columns = (column(rows, name) for name in ("task", "level"))
    for place, (task, level, sizes) in enumerate(zip(*columns, _sizes(rows), strict=True)):
        alike[task, level, sizes].append(place)
    ids, keys = column(rows, "id"), column(rows, "source_id")
    partners: list[int | None] = [None] * len(rows)
    for places in alike.values():
        first = {source[place]: keys[place] for place in reversed(places)}
        order = sorted(places, key=lambda p: (digest("shuffled", first[source[p]]), source[p], digest("row", ids[p])))
        step = max(Counter(source[place] for place in places).values())
        for i, place in enumerate(order):
            other = order[(i + step) % len(order)]
            if source[other] != source[place]:
                partners[place] = other
    return partners


def _sizes(rows: Dataset) -> list[tuple[tuple[int, int], ...]]:
    """The sizes of each row's pictures, from their headers."""
    found = []
    for batch in rows.select_columns(["images"]).with_format("arrow").iter(256):
        for pictures in batch["images"].to_pylist():
            found.append(tuple(Image.open(io.BytesIO(picture["bytes"])).size for picture in pictures))
    return found


@dataclass(frozen=True, slots=True)
class Constant:
    """The best constant answer at one task and level.

    Attributes:
        task: the task.
        level: its level.
        response: that is right most often over all of the rows.
        accuracy: of the response best on one half of the source records on the other half, both ways round, so that it
            is no higher for having been chosen.
        rows: rows with a known truth.
    """

    task: str
    level: str
    response: str
    accuracy: float
    rows: int


def constants(rows: Dataset) -> list[Constant]:
    """The best constant answer of every task and level, where answers are short and a truth is known.

    Levels whose rows are all of one source record are passed over.
    """
    of: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, name in enumerate(zip(column(rows, "task"), column(rows, "level"), strict=True)):
        of[name].append(place)
    answers, source = column(rows, "answer"), sources(rows)
    found = []
    for (task, level), places in of.items():
        judged = [place for place in places if _constant(answers[place]) is not None]
        order = sorted({source[place] for place in judged}, key=lambda s: digest("half", str(s)))
        one = set(order[::2])
        halves = [Counter(answers[p] for p in judged if (source[p] in one) == side) for side in (True, False)]
        if not all(halves):
            continue
        right = sum(_right(_best(halves[1 - i]), half) for i, half in enumerate(halves))
        response = _best(halves[0] + halves[1])
        found.append(Constant(task, level, response, right / len(judged), len(judged)))
    return found


@lru_cache(maxsize=65536)
def _constant(answer: str) -> str | None:
    """The right response to a row, where other rows could have the same."""
    kind, value, credit = unpack_answer(answer)
    if kind.whole:
        return None
    gold: str = kind.gold(value)
    return None if kind.grade(gold, value, credit).score is None else gold


def _best(answers: Counter[str]) -> str:
    """Of the most frequent right responses the one that is right most often."""
    golds = Counter[str]()
    for answer, count in answers.items():
        golds[_constant(answer) or ""] += count
    likely = sorted(golds, key=lambda gold: (-golds[gold], gold))[:CANDIDATES]
    return max(likely, key=lambda gold: _right(gold, answers))


def _right(response: str, answers: Counter[str]) -> int:
    """How many rows a response is right on."""
    return sum(count for answer, count in answers.items() if grade(answer, response).exact)
