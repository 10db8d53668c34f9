"""A comparison as one YAML file: arms that differ in what they say, over seeds, held against a control.

    data: out/demo/dataset
    out: out/arms
    model: {tiny: llava, side: 16}
    stages: [{method: grpo}]
    eval: {split: test}
    seeds: [0, 1, 2]
    control: base
    arms:
      base: {stages: []}
      trained: {}
      random: {change: {grpo: {reward: random}}}
      again: {seeds: [3, 4, 5], control: trained}       # must end in "no evidence"

What stands above `arms` holds for all of them. An arm replaces whole keys, or changes some fields of a stage by name,
and may be held against another arm than the rest. All answer the same held-out rows and may write as many tokens.

OUT/dataset/                    the rows, where `data` names a recipe; built once
OUT/arms/trained/seed-0/ ...    each a run as any other: done runs are not run again, and one that died is gone on with
OUT/comparison.json, .md, .png  which arms are better than their controls, and on what evidence
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from datasets import Dataset

from ssrl_data.build.run import build
from ssrl_data.core import SsrlError
from ssrl_data.recipe import Recipe, load_recipe
from ssrl_data.registry import suggest
from ssrl_train.artefacts import write_json
from ssrl_train.compare import Comparison, compare
from ssrl_train.config import Config, Eval, parse
from ssrl_train.fields import mapping, only_known
from ssrl_train.measure import measure
from ssrl_train.measured import bars, table, write_text
from ssrl_train.processes import once
from ssrl_train.rollouts import ROLLOUTS
from ssrl_train.rows import load_rows, sample
from ssrl_train.run import run
from ssrl_train.sources import FEWEST, Estimate
from ssrl_train.stages import Grpo, Sample, name_of

Say = Callable[[str], None]

PLAN = ("arms", "seeds", "control")
OF_AN_ARM = ("model", "stages", "change", "seeds", "control")
"""What an arm may replace: all else must be alike, or the arms are not compared on the same rows."""


@dataclass(frozen=True, slots=True)
class Arms:
    """Runs to compare.

    Attributes:
        runs: the config of each seed of each arm.
        against: the arm that each is held against, but for the first control.
        data: the dataset's folder or recipe.
        out: the folder of the whole comparison.
    """

    runs: Mapping[str, Mapping[int, Config]]
    against: Mapping[str, str]
    data: Path
    out: Path

    @property
    def count(self) -> int:
        """How many runs there are."""
        return sum(map(len, self.runs.values()))


def parse_arms(body: Mapping[str, Any], where: str, data: Path | None = None, out: Path | None = None) -> Arms:
    """Arms from a config's mapping.

    Args:
        body: as YAML reads it, with `arms`.
        where: the beginning of a message, such as the file's name.
        data: in place of the mapping's.
        out: likewise.

    Raises:
        SsrlError: it is no such config; the message names the place, key and value.
    """
    shared = {key: value for key, value in body.items() if key not in PLAN}
    if "seed" in shared:
        raise SsrlError(f"{where}: a comparison runs every arm from several seeds: give `seeds` in place of `seed`")
    arms, seeds = mapping(body["arms"], f"{where}: arms"), parse_seeds(body.get("seeds", [0, 1, 2]), f"{where}: seeds")
    if len(arms) < 2:
        raise SsrlError(f"{where}: arms must name at least two arms, got {', '.join(arms) or 'none'}")
    control = body.get("control")
    runs: dict[str, dict[int, Config]] = {}
    against: dict[str, str] = {}
    for name, item in arms.items():
        place = f"{where}: arm {name}"
        if not name or "/" in name or name.startswith("."):
            raise SsrlError(f"{place}: an arm's name is that of its folder: choose one without a slash or a first dot")
        own = dict(mapping(item, place))
        only_known(own, OF_AN_ARM, place)
        mine, held = parse_seeds(own.pop("seeds", list(seeds)), f"{place}: seeds"), own.pop("control", control)
        if held not in arms or (held == name and name != control):
            others = [other for other in arms if other != name]
            raise SsrlError(f"{place}: control is {held!r}: {suggest(str(held), others)}")
        if name != control:
            against[name] = held
        own["stages"] = _changed(own.get("stages", shared.get("stages")), own.pop("change", {}), place)
        runs[name] = {seed: parse({**shared, **own}, place, data, out, seed) for seed in mine}
    first = next(iter(next(iter(runs.values())).values()))
    return arranged(runs, against, first.data, first.out, where)


def _changed(stages: Any, change: Any, where: str) -> Any:
    """Stages as YAML reads them, with some fields of some of them replaced."""
    fields = {name: mapping(body, f"{where}: change {name}") for name, body in mapping(change, where).items()}
    if not fields:
        return stages
    names = [item.get("name", item.get("method")) for item in stages if isinstance(item, dict)]
    for name in fields:
        if name not in names:
            raise SsrlError(f"{where}: change names the stage {name!r}, and there is none: {suggest(name, names)}")
    return [{**item, **fields.get(item.get("name", item.get("method")), {})} for item in stages]


def arranged(
    runs: Mapping[str, Mapping[int, Config]], against: Mapping[str, str], data: Path, out: Path, where: str
) -> Arms:
    """Arms with a folder for each run and as many tokens for each response.

    Raises:
        SsrlError: nothing is held out.
    """
    configs = [config for seeds in runs.values() for config in seeds.values()]
    setting = configs[0].eval
    if setting is None:
        raise SsrlError(f"{where}: eval is null, and arms are compared on held-out rows: give it a split")
    trained = [config.response_tokens() for config in configs if any(isinstance(s, Grpo) for s in config.stages)]
    tokens = setting.max_new_tokens or max(trained or [config.response_tokens() for config in configs])
    setting = dataclasses.replace(setting, max_new_tokens=tokens)
    placed = {
        name: {
            seed: dataclasses.replace(config, out=out / "arms" / name / f"seed-{seed}", eval=setting)
            for seed, config in seeds.items()
        }
        for name, seeds in runs.items()
    }
    return Arms(placed, against, data, out)


def run_arms(arms: Arms, say: Say = print) -> dict[str, Comparison]:
    """Run what is not done, compare, and write `comparison.json`, `comparison.md` and `comparison.png`.

    Started in several processes, each calls this with the same arms.

    Raises:
        SsrlError: a fault of a run, named with its arm and seed.
    """
    data = built(arms.data, arms.out, say)
    say(f"{arms.count} runs: {', '.join(f'{name} x {len(seeds)}' for name, seeds in arms.runs.items())}")
    tables: dict[str, list[pa.Table]] = {name: [] for name in arms.runs}
    todo = [(name, seed, config) for name, seeds in arms.runs.items() for seed, config in seeds.items()]
    for number, (name, seed, config) in enumerate(todo, 1):
        say(f"run {number}/{arms.count}: {name}, seed {seed}")
        try:
            run(dataclasses.replace(config, data=data), say)
        except SsrlError as error:
            raise SsrlError(f"arm {name}, seed {seed}: {error}") from error
        tables[name].append(answers_of(config))
    held = held_out(dataclasses.replace(todo[0][2], data=data))
    found = compare(held, tables, arms.against)
    measured = {name: [measure(held, one).overall for one in some] for name, some in tables.items()}
    each = {
        name: {seed: m.accuracy.value for seed, m in zip(seeds, measured[name], strict=True)}
        for name, seeds in arms.runs.items()
    }
    chance = measured[todo[0][0]][0].chance
    once(lambda: write_comparison(arms, found, chance, each))
    return found


def held_out(config: Config) -> Dataset:
    """The rows that a run's last model answered."""
    setting = config.eval or Eval()
    return sample(load_rows(config.data, setting.split, config.modality), setting.rows)


def built(data: Path, out: Path, say: Say) -> Path:
    """The dataset's folder, built to `out` first where a recipe is named."""
    if data.suffix not in (".yaml", ".yml"):
        return data
    folder = out / "dataset"

    def make() -> None:
        build(Recipe(**load_recipe(data)), folder, say=say)

    once(make)
    return folder


def answers_of(config: Config) -> pa.Table:
    """The held-out responses of a finished run's last model."""
    makers = [i for i, stage in enumerate(config.stages, 1) if not isinstance(stage, Sample)]
    name = f"{makers[-1]}-{name_of(config.stages[makers[-1] - 1])}" if makers else "0-start"
    files = sorted((config.out / "eval" / name).glob("rollouts-*.parquet"))
    return pa.concat_tables([pq.read_table(file, schema=ROLLOUTS) for file in files])


def write_comparison(
    arms: Arms, found: Mapping[str, Comparison], chance: float, each: Mapping[str, Mapping[int, float]]
) -> None:
    """Write `comparison.json`, `comparison.md` and `comparison.png` to the comparison's folder.

    Args:
        arms: what was compared.
        found: each arm that has a control.
        chance: how often a blind guess is right on these rows.
        each: accuracy of each arm by seed.
    """
    some = next(iter(found.values()))
    body: dict[str, Any] = {"rows": some.rows, "sources": some.sources, "chance": chance}
    body["arms"] = {
        name: {"against": arms.against[name], **dataclasses.asdict(comparison)} for name, comparison in found.items()
    }
    write_json(arms.out / "comparison.json", body | {"accuracy": {name: dict(seeds) for name, seeds in each.items()}})
    write_text(arms.out / "comparison.md", comparison_markdown(arms, found, chance, each))
    shown = [
        (f"{name}: {found[name].verdict}" if name in found else f"{name} (control)", _mean(arms, found, name), chance)
        for name in arms.runs
    ]
    bars(shown, arms.out / "comparison.png", f"{some.rows} held-out rows of {some.sources} source records")


def comparison_markdown(
    arms: Arms, found: Mapping[str, Comparison], chance: float, each: Mapping[str, Mapping[int, float]]
) -> str:
    """The comparison as a table with a line for each arm."""
    some = next(iter(found.values()))
    lines = []
    for name in arms.runs:
        line = [name, ", ".join(f"{value:.3f}" for value in each[name].values()), str(_mean(arms, found, name))]
        if name in found:
            one = found[name]
            p = "" if one.adjusted is None else "<0.001" if one.adjusted < 0.001 else f"{one.adjusted:.3f}"
            lines.append([*line, arms.against[name], str(one.difference), p, one.verdict])
        else:
            lines.append([*line, "", "", "", "control"])
    heads = ["arm", "accuracy by seed", "mean", "against", "difference", "p", "verdict"]
    notes = [f"- {name}: {one.note}.\n" for name, one in found.items() if one.note]
    return "\n".join(
        [
            f"# {', '.join(arms.runs)}\n",
            f"{some.rows} held-out rows of {some.sources} source records, chance {chance:.3f}.\n",
            table(heads, lines),
            "Intervals are 95%, over seeds and source records; none is claimed of fewer than "
            f"{FEWEST} source records. `p` is corrected for the number of arms (Holm). A verdict other than "
            '"no evidence" needs an interval without 0 and p below 0.05.\n',
            *notes,
        ]
    )


def _mean(arms: Arms, found: Mapping[str, Comparison], name: str) -> Estimate:
    """The mean accuracy of an arm over its seeds."""
    if name in found:
        return found[name].accuracy
    return next(found[other].control for other, control in arms.against.items() if control == name)


def parse_seeds(value: Any, where: str) -> tuple[int, ...]:
    """Seeds of a comparison.

    Raises:
        SsrlError: it is no list of different integers of at least 0.
    """
    if not isinstance(value, list) or not value or not all(type(seed) is int and seed >= 0 for seed in value):
        raise SsrlError(f"{where} must be a list of integers of at least 0, got {value!r}")
    if len(set(value)) < len(value):
        raise SsrlError(f"{where} names a seed twice: {value}")
    return tuple(value)
