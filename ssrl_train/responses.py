"""What a model answered, as examples to train on: the exports of `ssrl_train.exports` over rows and their responses.

The table has TRL's columns (`prompt`, `images` where there are, `completion` or `chosen` and `rejected`), those of the
export, and two of its own:

| column | meaning |
| --- | --- |
| `id` | the row |
| `shows` | whether what is to be learnt has the row's right answer |

A file of `ssrl export` is this table, so a stage that reads it as `data` learns the same as one that exports itself.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset, Image, List

from ssrl_data.core import SsrlError
from ssrl_data.row import digest
from ssrl_train.exports.degree import degree
from ssrl_train.exports.engrave import engrave
from ssrl_train.exports.examples import Asked, Example, Response, drawn
from ssrl_train.exports.pairs import pairs
from ssrl_train.exports.rejection import rejection
from ssrl_train.exports.settings import DPO, Degree, Engrave, Export, Pairs, Rejection, Skills, Specs, Spin
from ssrl_train.exports.skills import WORDS, skills
from ssrl_train.exports.specs import specs
from ssrl_train.exports.spin import spin
from ssrl_train.rows import column
from ssrl_train.stages import Sample, Sft, Stage

PREAMBLE = b"ssrl.preamble"
"""Key of the metadata of a table of responses: what was shown before the prompts (`stages.Sample.preamble`)."""

COLUMNS = ("id", "response", "score", "exact", "read", "stopped")
"""Of a table of responses (`rollouts.ROLLOUTS`), those that are gone by."""

MAKERS: dict[type[Export], Callable[[Asked, int, Any], list[Example]]] = {
    Rejection: rejection,
    Pairs: pairs,
    Specs: specs,
    Skills: skills,
    Engrave: engrave,
    Degree: degree,
    Spin: spin,
}


@dataclass(frozen=True, slots=True)
class Exported:
    """Examples of an export.

    Attributes:
        table: the columns above, pictures encoded, in the order of the rows.
        shown: ids of the rows whose right answers the examples show.
        counts: how many rows were asked and gave examples, and how many examples have each value of a column.
    """

    table: Dataset
    shown: list[str]
    counts: dict[str, Any]


def exported(
    rows: Dataset,
    rollouts: pa.Table,
    export: Export,
    keep: Sequence[float] | None = None,
    each: int = 1,
    limit: int = 0,
    seed: int = 0,
) -> Exported:
    """Examples from responses and verdicts.

    Args:
        rows: rows that may be taken, pictures encoded.
        rollouts: responses, with `COLUMNS`.
        export: which, and what the config says of it.
        keep: the lowest and the highest pass rate of a row that is taken; None takes every row that gives an example.
        each: at most so many examples of a row.
        limit: at most so many rows; 0 takes all.
        seed: which rows and responses, where there are more.

    Raises:
        SsrlError: no row gives an example, or the responses are to other rows or not such as the export wants.
    """
    said = _responses(rollouts)
    preamble = (rollouts.schema.metadata or {}).get(PREAMBLE, b"").decode()
    low, high = keep or (0.0, 1.0)
    fields = [column(rows, name) for name in ("id", "answer", "meta")]
    asked = [place for place, id in enumerate(fields[0]) if id in said]
    if not asked:
        raise SsrlError(f"none of the responses is to one of these {len(rows)} rows: name the dataset that was asked")
    if limit:
        asked.sort(key=lambda place: digest("taken", str(seed), fields[0][place]))
    found: dict[int, list[Example]] = {}
    for place in asked:
        id, answer, meta = (values[place] for values in fields)
        all_of_it = said[id]
        if low <= sum(response.exact for response in all_of_it) / len(all_of_it) <= high:
            one = Asked(id, answer, meta, drawn(all_of_it, id, seed), preamble, seed)
            examples = MAKERS[type(export)](one, each, export)
            if examples:
                found[place] = examples
        if limit and len(found) == limit:
            break
    if not found:
        raise SsrlError(
            f"no row has {export.wants} within the pass rates {low:g} to {high:g}: sample more, or widen `keep`"
        )
    lines = [(place, example) for place in sorted(found) for example in found[place]]
    shown = [fields[0][place] for place in sorted(found) if any(example.shows for example in found[place])]
    counts = {"rows asked": len(asked), "rows taken": len(found), "examples": len(lines)}
    return Exported(_table(rows, lines), shown, counts | _counted([example for _, example in lines]))


def default_export(method: str) -> Export:
    """What a stage with responses learns that names no export."""
    return Pairs() if method == DPO else Rejection()


def words_of(stages: Sequence[Stage]) -> list[str]:
    """Texts that stages put before prompts or into examples, for tokenizers made of words."""
    rules = [stage.preamble for stage in stages if isinstance(stage, Sample) and stage.preamble]
    skilled = any(isinstance(stage, Sft) and isinstance(stage.export, Skills) for stage in stages)
    return rules + list(WORDS if skilled else ())


def read(rollouts: Path) -> pa.Table:
    """A table of judged responses: a Parquet file, or a folder of `rollouts-*.parquet`.

    Raises:
        SsrlError: there is none, or one lacks a column.
    """
    files = sorted(rollouts.glob("rollouts*.parquet")) if rollouts.is_dir() else [rollouts]
    if not files:
        raise SsrlError(f"{rollouts} holds no rollouts*.parquet: name a sample stage's folder, or `ssrl eval`'s")
    try:
        tables = [pq.read_table(file) for file in files]
    except (OSError, pa.ArrowException) as error:
        raise SsrlError(f"{rollouts} is no readable table of responses: {error}") from error
    for table in tables:
        missing = [name for name in COLUMNS if name not in table.column_names]
        if missing:
            raise SsrlError(f"{rollouts} has no column {missing[0]!r}: a table of responses has {', '.join(COLUMNS)}")
    return pa.concat_tables(tables)


def write(table: Dataset, file: Path) -> None:
    """Write examples as Parquet, whole or not at all, with the features that `datasets` and TRL read them by.

    Raises:
        SsrlError: the file cannot be written.
    """
    if "images" in table.column_names:
        table = table.cast_column("images", List(Image()))
    partial = file.with_name(file.name + ".partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(str(partial))
        os.replace(partial, file)
    except OSError as error:
        raise SsrlError(f"{file} cannot be written: {error.strerror}; choose another file") from error


def shown_by(table: Dataset) -> list[str]:
    """Ids of the rows whose right answers a table shows; none of one that another command wrote."""
    if not {"id", "shows"} <= set(table.column_names):
        return []
    both = zip(column(table, "id"), column(table, "shows"), strict=True)
    return list(dict.fromkeys(id for id, shows in both if shows))


def _responses(rollouts: pa.Table) -> Mapping[str, list[Response]]:
    """The judged responses to each row, in the order of the table."""
    said: defaultdict[str, list[Response]] = defaultdict(list)
    columns = (rollouts[name].to_pylist() for name in COLUMNS)
    for id, text, score, exact, could_be_read, stopped in zip(*columns, strict=True):
        if score is not None:
            said[id].append(Response(text, score, exact, could_be_read, stopped))
    return said


def _counted(examples: Sequence[Example]) -> dict[str, Any]:
    """How many examples have each value of each column that has names or whole numbers."""
    names = [name for name, value in examples[0].more.items() if not isinstance(value, float)]
    return {name: dict(sorted(Counter(str(one.more[name]) for one in examples).items())) for name in names}


def _table(rows: Dataset, lines: Sequence[tuple[int, Example]]) -> Dataset:
    places, examples = [place for place, _ in lines], [example for _, example in lines]
    asked = [name for name in ("prompt", "images") if name in rows.column_names]
    table = rows.select(places).select_columns([*asked, "id"])
    for name in examples[0].says:
        turns = [[{"role": "assistant", "content": example.says[name]}] for example in examples]
        table = table.add_column(name, turns)
    for name in examples[0].more:
        table = table.add_column(name, [example.more[name] for example in examples])
    return table.add_column("shows", [example.shows for example in examples])
