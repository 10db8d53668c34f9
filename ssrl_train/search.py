"""A search for a mixture of tasks as one YAML file, and the winner held against the uniform mixture.

    data: out/mix/dataset
    out: out/mix/search
    model: Qwen/Qwen2.5-VL-3B-Instruct
    stages: [{method: grpo, grpo: {max_steps: 100}}]
    eval: {split: test}
    seeds: [0, 1, 2]                        # of the comparison at the end
    search: {population: 6, generations: 3, validation: 0.2}

A candidate is the run with its shares in the curriculum of the last `grpo` stage. Candidates are judged on validation
rows, cut from the training rows by source records, and train on the rest; the comparison trains on all of them and is
on held-out rows that the search never saw.

OUT/search/dataset/             the training rows cut in two
OUT/search/generation-0/0/ ...  a run for each candidate
OUT/search.json                 every candidate, the best first
OUT/arms/, OUT/comparison.*     `winner` against `uniform`, as of any arms
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ssrl_data.core import SsrlError
from ssrl_data.row import digest
from ssrl_train.arms import Arms, arranged, built, parse_seeds
from ssrl_train.artefacts import write_json
from ssrl_train.config import Config, Eval, parse
from ssrl_train.curriculum import Weights
from ssrl_train.evolve import Evolution, Shares, Tried, evolve
from ssrl_train.fields import filled, mapping
from ssrl_train.inputs import data_fingerprint
from ssrl_train.processes import once
from ssrl_train.rows import column, load_rows
from ssrl_train.run import run
from ssrl_train.sources import sources
from ssrl_train.stages import Grpo

Say = Callable[[str], None]

VALIDATION = "validation"
"""The split that candidates are judged on."""

LEAST_SOURCES = 2


@dataclass(frozen=True, slots=True)
class Search:
    """A search and the comparison after it.

    Attributes:
        config: of a run; its last grpo stage gets the shares.
        evolution: how long and how widely to search.
        validation: share of the training rows' source records that candidates are judged on.
        seeds: of the comparison of the winner with the uniform mixture.
    """

    config: Config
    evolution: Evolution
    validation: float
    seeds: tuple[int, ...]


def parse_search(body: Mapping[str, Any], where: str, data: Path | None = None, out: Path | None = None) -> Search:
    """A search from a config's mapping.

    Args:
        body: as YAML reads it, with `search`.
        where: the beginning of a message, such as the file's name.
        data: in place of the mapping's.
        out: likewise.

    Raises:
        SsrlError: it is no such config; the message names the place, key and value.
    """
    if "arms" in body:
        raise SsrlError(f"{where}: a config has `arms` or `search`, not both")
    settings = dict(mapping(body["search"], f"{where}: search"))
    share = settings.pop("validation", 0.2)
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
        raise SsrlError(f"{where}: search: validation must be a share between 0 and 1, got {share!r}")
    evolution = filled(Evolution, settings, f"{where}: search")
    seeds = parse_seeds(body.get("seeds", [0, 1, 2]), f"{where}: seeds")
    shared = {key: value for key, value in body.items() if key not in ("search", "seeds")}
    config = parse(shared, where, data, out)
    last = next((stage for stage in reversed(config.stages) if isinstance(stage, Grpo)), None)
    if last is None:
        raise SsrlError(f"{where}: a search wants a grpo stage, whose mixture it looks for")
    if last.curriculum is not None:
        raise SsrlError(f"{where}: the search sets the curriculum of the last grpo stage: leave it out there")
    return Search(config, evolution, float(share), seeds)


def run_search(search: Search, say: Say = print) -> Arms:
    """Search, or go on searching; what it costs is said first.

    Returns:
        The winner and the uniform mixture, to be compared by `arms.run_arms`.

    Raises:
        SsrlError: too few tasks or source records, or a fault of a run.
    """
    config, out = search.config, search.config.out
    data = built(config.data, out, say)
    train = load_rows(data, "train", config.modality)
    tasks = sorted(set(column(train, "task")) & set(_last(config).tasks or column(train, "task")))
    if len(tasks) < 2:
        raise SsrlError(f"{data}: a mixture is of at least two tasks, and there is {', '.join(tasks) or 'none'}")
    cut = out / "search" / "dataset"
    once(lambda: split_off(data, cut, search.validation, config.seed, config.modality))
    count, finals = search.evolution.candidates, 2 * len(search.seeds)
    steps = [
        stage.grpo["max_steps"] for stage in config.stages if isinstance(stage, Grpo) and "max_steps" in stage.grpo
    ]
    each = f" of {sum(steps)} GRPO steps" if all(steps) else ""
    say(f"the search takes {count} runs{each} over {', '.join(tasks)}, the comparison after it {finals} more")
    spent: list[float] = []

    def fitness(generation: int, place: int, shares: Shares) -> float:
        folder = out / "search" / f"generation-{generation}" / str(place)
        mixture = ", ".join(f"{task} {share:.2f}" for task, share in shares.items())
        number = generation * search.evolution.population + place + 1
        say(f"candidate {number}/{count}: {mixture}")
        known, start = (folder / "result.json").is_file(), time.monotonic()
        judged = dataclasses.replace(config.eval or Eval(), split=VALIDATION)
        result = run(_mixed(dataclasses.replace(config, data=cut, out=folder, eval=judged), shares), say)
        if not known:
            spent.append(time.monotonic() - start)
            left = count - number + finals
            say(f"accuracy {result['after']:.3f}; {left} runs more, about {left * sum(spent) / len(spent):.0f} s")
        return float(result["after"])

    tried = evolve(tasks, fitness, search.evolution, config.seed)
    once(lambda: write_json(out / "search.json", [dataclasses.asdict(one) for one in tried]))
    best = tried[0]
    say(f"the best of {count}: {', '.join(f'{task} {share:.2f}' for task, share in best.shares.items())}")
    return _final(search, data, best)


def split_off(data: Path, out: Path, share: float, seed: int, modality: str | None) -> None:
    """Write a dataset whose training rows are cut into `train` and `validation`; nothing to do where it is there.

    Args:
        data: the dataset's folder; its other splits are left out.
        out: the new one's.
        share: of the source records, rounded up, that are for validation.
        seed: of the draw.
        modality: of the rows; all where None.

    Raises:
        SsrlError: there are too few source records, or the folder holds another cut.
    """
    made = {"dataset": data_fingerprint(data), "validation": share, "seed": seed, "modality": modality}
    fingerprint = digest(json.dumps(made, sort_keys=True))
    if out.is_dir():
        if data_fingerprint(out) != fingerprint:
            raise SsrlError(f"{out} was cut from other rows, or in another way: choose another out folder or remove it")
        return
    source = sources(load_rows(data, "train", modality))
    count = int(source.max()) + 1
    if count < LEAST_SOURCES:
        raise SsrlError(
            f"{data}: a validation split wants at least {LEAST_SOURCES} source records, and there is {count}"
        )
    groups = column(load_rows(data, "train", modality), "group_id")
    names = {int(number): name for number, name in zip(source[::-1], groups[::-1], strict=True)}
    order = sorted(names, key=lambda number: digest("validation", str(seed), names[number]))
    held = np.isin(source, order[: min(count - 1, int(np.ceil(share * count)))])
    partial, start = out.with_name(out.name + ".partial"), 0
    shutil.rmtree(partial, ignore_errors=True)
    for file in _train_files(data, modality):
        rows = pq.read_table(file)
        mask = held[start : start + len(rows)]
        start += len(rows)
        folder = partial / file.parent.relative_to(data)
        folder.mkdir(parents=True, exist_ok=True)
        for split, keep in (("train", ~mask), (VALIDATION, mask)):
            if keep.any():
                pq.write_table(rows.filter(pa.array(keep)), folder / file.name.replace("train", split, 1))
    write_json(partial / "manifest.json", {"fingerprint": fingerprint})
    partial.rename(out)


def _train_files(data: Path, modality: str | None) -> Sequence[Path]:
    """The shards that `load_rows` reads, in its order."""
    folders = sorted(path for path in data.glob("data/*") if modality in (None, path.name))
    return [file for folder in folders for file in sorted(folder.glob("train-*.parquet"))]


def _last(config: Config) -> Grpo:
    return next(stage for stage in reversed(config.stages) if isinstance(stage, Grpo))


def _mixed(config: Config, shares: Shares) -> Config:
    """A config with these shares in its last grpo stage."""
    last = _last(config)
    stage = dataclasses.replace(last, curriculum=Weights(dict(shares)))
    return dataclasses.replace(config, stages=tuple(stage if one is last else one for one in config.stages))


def _final(search: Search, data: Path, best: Tried) -> Arms:
    even = dict.fromkeys(best.shares, 1.0)
    runs = {
        name: {seed: dataclasses.replace(_mixed(search.config, shares), seed=seed) for seed in search.seeds}
        for name, shares in (("uniform", even), ("winner", best.shares))
    }
    return arranged(runs, {"winner": "uniform"}, data, search.config.out, str(search.config.out))
