"""A recipe: which tasks, at which levels, from which corpora, how many rows. YAML or the command line, one form.

    tasks:
      image/jigsaw: {levels: [easy, medium], weight: 2, params: {grid: 3}}
      image/rotation: {}
    sources: [photos]
    rows: 1000
    seed: 0
    split: {test: 0.2}
    only: test
    curated: photos.parquet
    pass_rates: rates.parquet

An unknown key is an error that names the closest known one.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from ssrl_data.core import Json, SsrlError, Task
from ssrl_data.registry import suggest, task_class
from ssrl_data.yaml_file import read_yaml

DEFAULT_ROWS = 1000
MAX_ROWS = 1_000_000_000
NAME = re.compile(r"[A-Za-z0-9_]+")
SPDX = re.compile(r"\(?[A-Za-z0-9.+-]+\)?( (AND|OR|WITH) \(?[A-Za-z0-9.+-]+\)?)*")


@dataclass(frozen=True, slots=True)
class Part:
    """One task of a recipe: its share and its levels with their parameters, easiest first."""

    task: str
    levels: Mapping[str, Any]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A resolved recipe.

    Attributes:
        parts: the tasks; no two of the same name.
        sources: addresses of corpora, as given.
        rows: total over tasks, levels and splits.
        seed: any integer; builds with different seeds share no draw.
        split: name to fraction of the groups, without `train`, which is the rest.
        only: the one split that is built, with all the rows; None for all. A benchmark is the test split of a corpus
            whose train split another recipe builds with the same seed and fractions.
        license: replaces `unknown` licences of the corpora.
        curated: a table of `ssrl curate` over the same sources in the same order: groups for the split, neighbours
            as donors.
        pass_rates: a table of `ssrl grade --pass-rates`: rows that it says not to keep are not made again, and others
            take their places.
        shard_rows: rows a shard aims at; a shard is what a kill can cost. With few records shards are larger, since
            a record lies in one shard.
        max_rejects: fraction of the opened records that may be unreadable before the build fails.
    """

    parts: tuple[Part, ...]
    sources: tuple[str, ...]
    rows: int = DEFAULT_ROWS
    seed: int = 0
    split: Mapping[str, float] = dataclasses.field(default_factory=dict)
    only: str | None = None
    license: str | None = None
    curated: str | None = None
    pass_rates: str | None = None
    shard_rows: int = 500
    max_rejects: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what cannot be built."""
        if not self.parts:
            raise SsrlError("the recipe names no task: add one under `tasks` (`ssrl list` shows them)")
        if not self.sources:
            raise SsrlError("no corpus is named: add `--source FOLDER`, or `sources:` to a recipe")
        for name, value, low in (("rows", self.rows, 1), ("shard_rows", self.shard_rows, 1)):
            if not low <= value <= MAX_ROWS:
                raise SsrlError(f"{name} is {value}: it must lie in {low}..{MAX_ROWS}")
        if not 0 <= self.max_rejects <= 1:
            raise SsrlError(f"max_rejects is {self.max_rejects}: it must lie in [0, 1]")
        for name, fraction in self.split.items():
            if not isinstance(name, str) or not NAME.fullmatch(name) or name == "train":
                raise SsrlError(f"split {name!r}: name the splits beside train in letters, digits and _")
            if isinstance(fraction, bool) or not isinstance(fraction, (int, float)) or not 0 < fraction < 1:
                raise SsrlError(f"split {name}: {fraction!r}: it must be a fraction in (0, 1)")
        if sum(self.split.values()) >= 1:
            raise SsrlError(f"the splits take {sum(self.split.values()):g} of the groups and leave none to train")
        if self.only is not None and self.only not in ("train", *self.split):
            raise SsrlError(f"only is {self.only!r}: {suggest(str(self.only), ['train', *self.split])}")
        if self.only is None and self.split_rows()["train"] < 1:
            raise SsrlError(f"rows is {self.rows}: too few to give train and {', '.join(self.split)} at least one each")
        if self.license is not None and not SPDX.fullmatch(self.license):
            raise SsrlError(f"license is {self.license!r}: it must be an SPDX expression such as CC-BY-4.0 OR MIT")

    def split_rows(self) -> dict[str, int]:
        """Rows of each split, train first: ceil(fraction * rows) for the others, the rest for train; or all for one."""
        if self.only is not None:
            return {name: self.rows * (name == self.only) for name in ("train", *sorted(self.split))}
        others = {name: math.ceil(self.rows * fraction) for name, fraction in sorted(self.split.items())}
        return {"train": self.rows - sum(others.values())} | others

    def resolved(self) -> Json:
        """The recipe as published in the manifest: addresses left out, parameters spelled out."""
        return {
            "tasks": [
                {
                    "task": part.task,
                    "version": task_class(part.task).version,
                    "weight": part.weight,
                    "levels": {name: plain(params) for name, params in part.levels.items()},
                }
                for part in self.parts
            ],
            "rows": self.rows,
            "seed": self.seed,
            "split": dict(sorted(self.split.items())),
            **({"only": self.only} if self.only is not None else {}),
            "license": self.license,
            "shard_rows": self.shard_rows,
            "max_rejects": self.max_rejects,
            "sources": len(self.sources),
        }


def plain(params: Any) -> Json:
    """A parameter dataclass as JSON (tuples become lists)."""
    return {
        key: list(value) if isinstance(value, (tuple, frozenset)) else value
        for key, value in dataclasses.asdict(params).items()
    }


def fitted(value: Any, hint: Any) -> Any:
    """A YAML value in the type that a field wants, where the change loses nothing.

    Raises:
        ValueError: the value is of another type.
    """
    text = str(hint)
    if isinstance(value, list) and text.startswith("tuple"):
        return tuple(fitted(item, get_args(hint)[0]) for item in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in (int, float, str, bool) and type(value) is not hint:
        raise ValueError(f"must be {hint.__name__}, got {value!r}")
    if text.startswith("tuple") and not isinstance(value, tuple):
        raise ValueError(f"must be a list such as [a, b], got {value!r}")
    return value


def replaced(task: str, params: Any, changes: Mapping[str, Any]) -> Any:
    """Parameters with some fields changed.

    Raises:
        SsrlError: no such field, or a value out of range.
    """
    hints = get_type_hints(type(params))
    for key in changes:
        if key not in hints:
            raise SsrlError(f"{task} has no parameter {key!r}: {suggest(str(key), list(hints))}")
    try:
        fields = {key: _named(key, value, hints[key]) for key, value in changes.items()}
        return dataclasses.replace(params, **fields)
    except ValueError as error:
        raise SsrlError(f"{task}: {error}") from error


def _named(key: str, value: Any, hint: Any) -> Any:
    try:
        return fitted(value, hint)
    except ValueError as error:
        raise ValueError(f"{key} {error}") from error


def part(name: str, levels: Sequence[str] | None, changes: Mapping[str, Any], weight: float = 1.0) -> Part:
    """One task with its chosen levels, all when none is named; changed levels are named `easy+custom`.

    Raises:
        SsrlError: no such task, level or parameter.
    """
    known: Mapping[str, Any] = task_class(name).levels
    for level in levels or ():
        if not isinstance(level, str) or level not in known:
            raise SsrlError(f"{name} has no level {level!r}: {suggest(str(level), list(known))}")
    if not (weight > 0 and math.isfinite(weight)):
        raise SsrlError(f"{name}: weight is {weight}: it must be a positive number")
    chosen = {level: known[level] for level in known if not levels or level in levels}
    if changes:
        chosen = {f"{level}+custom": replaced(name, params, changes) for level, params in chosen.items()}
    return Part(name, chosen, weight)


def rebuilt(data: Json) -> tuple[type[Task[Any]], Any]:
    """The task class and parameters of one {task, params} object, as workers get it."""
    cls = task_class(data["task"])
    base = next(iter(cls.levels.values()))
    return cls, replaced(data["task"], base, data["params"])


_KEYS = {
    "tasks": (list, dict),
    "sources": (list,),
    "rows": (int,),
    "seed": (int,),
    "split": (dict,),
    "only": (str,),
    "license": (str,),
    "curated": (str,),
    "pass_rates": (str,),
    "shard_rows": (int,),
    "max_rejects": (int, float),
}
_PART_KEYS = {"levels": (list,), "weight": (int, float), "params": (dict,)}


def _checked(data: Any, keys: Mapping[str, tuple[type, ...]], where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise SsrlError(f"{where}: expected a mapping of {', '.join(keys)}, got {type(data).__name__}")
    for key, value in data.items():
        if key not in keys:
            raise SsrlError(f"{where}: unknown key {key!r}: {suggest(str(key), list(keys))}")
        if not isinstance(value, keys[key]) or isinstance(value, bool):
            names = " or ".join(kind.__name__ for kind in keys[key])
            raise SsrlError(f"{where}: {key} must be {names}, got {value!r}")
    return data


def load_recipe(path: Path) -> dict[str, Any]:
    """The fields of a recipe file, `tasks` as parts; relative paths count from the file's folder.

    Raises:
        SsrlError: the file is not a recipe; the message names file, key and value.
    """
    data = dict(_checked(read_yaml(path), _KEYS, str(path)))
    tasks = data.pop("tasks", {})
    if isinstance(tasks, list):
        if not all(isinstance(name, str) for name in tasks):
            raise SsrlError(f"{path}: tasks must list names, or map each name to its levels, weight and params")
        tasks = dict.fromkeys(tasks)
    parts = []
    for name, body in tasks.items():
        fields = _checked(body or {}, _PART_KEYS, f"{path}: {name}")
        parts.append(part(str(name), fields.get("levels"), fields.get("params", {}), float(fields.get("weight", 1))))
    data["parts"] = tuple(parts)
    data["sources"] = tuple(_from_folder(str(source), path.parent) for source in data.get("sources", ()))
    for table in ("curated", "pass_rates"):
        if table in data:
            data[table] = _from_folder(data[table], path.parent)
    return data


def _from_folder(source: str, folder: Path) -> str:
    beside = folder / source
    return str(beside) if beside.exists() else source
