"""A training run as one YAML file: which rows, which model, which stages, where to.

    data: out/demo/dataset          # a folder that `ssrl build` made, or a recipe, which is then built to OUT/dataset
    out: out/demo/training
    seed: 0
    model: Qwen/Qwen2.5-VL-3B-Instruct      # a hub name, a folder, or {tiny: llava, side: 16}
    track: trackio                  # or wandb, tensorboard, none
    stages:
      - method: format              # the form of an answer, on random answers: no information about the right one
        steps: 60
      - method: sft                 # a cold start on worked solutions of rows that grpo then leaves out
        rows: 3600
        sft: {num_train_epochs: 5}  # any field of trl.SFTConfig
        lora: {r: 128}
      - method: sample              # responses of the model so far, judged: a table of pass rates
        name: probe
        k: 8
      - method: grpo
        tasks: [image/jigsaw]       # rows of these tasks alone, here or in any stage; default: all
        pass_rates: probe           # or a table of `ssrl eval --per-row`
        keep: [0.1, 0.9]
        curriculum: {kind: frontier}
        preset: dapo                # or several, [dapo, top_entropy]: fields of trl.GRPOConfig that a paper states
        grpo: {num_generations: 8}  # any field of trl.GRPOConfig, before those of the preset
        lora: {r: 32}               # any field of peft.LoraConfig
        until: {metric: exact, above: 0.9}
      - repeat: 2                   # a loop
        until: 0.95                 # it ends when a sample stage in it finds this pass rate
        stages: [...]
    eval: {split: test}

A key that nothing knows is an error that names the closest one, before anything is loaded. The fields of each stage
are those of its class in `ssrl_train.stages`.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any

from ssrl_data.core import SsrlError
from ssrl_data.registry import suggest
from ssrl_data.yaml_file import read_yaml
from ssrl_train.active import Propose
from ssrl_train.exports.settings import Engrave
from ssrl_train.fields import filled, is_union, mapping, only_known
from ssrl_train.guard import Guard
from ssrl_train.presets import PRESETS, fields_of
from ssrl_train.signals.settings import Soft
from ssrl_train.stages import (
    KEYED,
    METHODS,
    NONE,
    PREVIOUS,
    REWARDS,
    START,
    Dpo,
    Grpo,
    Loop,
    Sample,
    Sft,
    Stage,
    Until,
    name_of,
)
from ssrl_train.tiny import Tiny
from ssrl_train.tokens import Tokens

TRACKERS = ("trackio", "wandb", "tensorboard", "none")
MAX_LOOP = 1000

# Fields of TRL's configs that the run sets itself, and what to use instead.
OWNED = {
    "output_dir": "`out`",
    "seed": "`seed`",
    "report_to": "`track`",
    "do_eval": "`eval`",
    "eval_strategy": "`eval`",
    "resume_from_checkpoint": "nothing: a run resumes by itself",
    **dict.fromkeys(("deepspeed", "fsdp", "fsdp_config"), "`accelerate launch --config_file`"),
}
OWNED_BY_METHOD = {
    "grpo": OWNED
    | {
        "remove_unused_columns": "nothing: the reward reads the `answer` column",
        "shuffle_dataset": "`curriculum`",
        "ignore_data_skip": "nothing: a run resumes by itself",
    },
    "sft": OWNED
    | {
        **dict.fromkeys(("assistant_only_loss", "completion_only_loss"), "nothing: the loss is on the response alone"),
        **dict.fromkeys(("packing", "padding_free"), "nothing: rows with pictures cannot be packed"),
        **dict.fromkeys(("dataset_text_field", "dataset_kwargs"), "nothing: the rows are ours"),
    },
    "dpo": OWNED | {"padding_free": "nothing: rows with pictures cannot be packed"},
}


@dataclass(frozen=True, slots=True)
class Eval:
    """Greedy accuracy on rows whose pictures were never trained on.

    Attributes:
        split: which split of the dataset.
        rows: at most so many rows, a fixed random sample (`rows.sample`); 0 takes all.
        batch: rows at once.
        max_new_tokens: of a response; by default the completion length of the last `grpo` stage.
    """

    split: str = "test"
    rows: int = 0
    batch: int = 32
    max_new_tokens: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if self.rows < 0:
            raise ValueError(f"rows is {self.rows}: it must be at least 0")
        if self.batch < 1:
            raise ValueError(f"batch is {self.batch}: it must be at least 1")
        if self.max_new_tokens is not None and self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens is {self.max_new_tokens}: it must be at least 1")


@dataclass(frozen=True, slots=True)
class Config:
    """A resolved training run.

    Attributes:
        data: a dataset folder, or the recipe of one.
        out: where stages, checkpoints, the model, `result.json` and `run.html` go.
        model: a hub name or folder, or a tiny model.
        stages: what to do, in order; none only measures.
        seed: of the weights, the order of rows and sampling.
        modality: which part of the dataset; None takes all of one with pictures throughout, or without.
        eval: held-out accuracy; None leaves it out.
        track: where metrics are logged to.
        loops: those of the stages that may end early.
    """

    data: Path
    out: Path
    model: str | Tiny
    stages: tuple[Stage, ...]
    seed: int = 0
    modality: str | None = None
    eval: Eval | None = field(default_factory=Eval)
    track: str = "none"
    loops: tuple[Loop, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if not self.stages and self.eval is None:
            raise SsrlError("the config has no stage and no eval: add a stage under `stages`, like {method: grpo}")
        if self.track not in TRACKERS:
            raise SsrlError(f"track is {self.track!r}: {suggest(self.track, TRACKERS)}")
        for i, stage in enumerate(self.stages):
            self.origin(i)
            for name in self.sources(stage):
                source = self.stages[self.sampled(i, name)]
                rules = isinstance(source, Sample) and source.preamble
                if isinstance(stage, Sft) and isinstance(stage.export, Engrave) and not rules:
                    raise SsrlError(f"stage {i + 1} engraves rules and {name!r} has none: give that one a `preamble`")

    def origin(self, i: int) -> int | None:
        """Which stage a stage goes on from: the place of one that makes a model; None is the run's start.

        Raises:
            SsrlError: there is no such stage.
        """
        start = self.stages[i].start
        if start == START:
            return None
        makers = [j for j in range(i) if not isinstance(self.stages[j], Sample)]
        if start == PREVIOUS:
            return makers[-1] if makers else None
        named = [j for j in makers if name_of(self.stages[j]) == start]
        if not named:
            known = [name_of(self.stages[j]) for j in makers]
            raise SsrlError(
                f"stage {i + 1} goes on from {start!r} and no stage before it makes a model of that name: "
                f"{suggest(start, [PREVIOUS, START, *known])}"
            )
        return named[-1]

    @staticmethod
    def sources(stage: Stage) -> list[str]:
        """Names of the sample stages that a stage reads."""
        if isinstance(stage, Grpo):
            rates = [stage.pass_rates] if stage.pass_rates and not is_file(stage.pass_rates) else []
            return [*rates, stage.reward.responses] if isinstance(stage.reward, Soft) else rates
        return [stage.responses] if isinstance(stage, (Sft, Dpo)) and stage.responses else []

    def sampled(self, i: int, name: str) -> int:
        """The place of the latest sample stage of a name before stage `i`.

        Raises:
            SsrlError: there is none.
        """
        known = {name_of(stage): j for j, stage in enumerate(self.stages[:i]) if isinstance(stage, Sample)}
        if name not in known:
            hint = suggest(name, list(known)) if known else "add {method: sample} before it"
            raise SsrlError(f"stage {i + 1} reads the sample stage {name!r}, and there is none before it: {hint}")
        return known[name]

    def response_tokens(self) -> int:
        """Tokens that a held-out response may take."""
        if self.eval is not None and self.eval.max_new_tokens is not None:
            return self.eval.max_new_tokens
        lengths = [
            s.grpo["max_completion_length"]
            for s in self.stages
            if isinstance(s, Grpo) and "max_completion_length" in s.grpo
        ]
        return int(lengths[-1]) if lengths else 256


def is_file(name: str) -> bool:
    """Whether a stage's `pass_rates` is a table's file, not the name of a stage."""
    return name.endswith(".parquet")


def load_config(path: Path, data: Path | None = None, out: Path | None = None, seed: int | None = None) -> Config:
    """A config file, with what the command line replaces.

    Raises:
        SsrlError: the file is not a training config; the message names file, key and value.
    """
    return parse(mapping(read_yaml(path), str(path)), str(path), data, out, seed)


def parse(
    body: Mapping[str, Any], where: str, data: Path | None = None, out: Path | None = None, seed: int | None = None
) -> Config:
    """A config from a mapping of its keys.

    Args:
        body: as YAML reads it.
        where: the beginning of a message, such as the file's name.
        data: in place of the mapping's.
        out: likewise.
        seed: likewise.

    Raises:
        SsrlError: it is no training config; the message names the place, key and value.
    """
    only_known(body, [f.name for f in dataclasses.fields(Config) if f.name != "loops"], where)
    data = data or _path(body, "data", where)
    out = out or _path(body, "out", where)
    fields: dict[str, Any] = {"data": data, "out": out, "model": _model(body.get("model"), where)}
    stages, loops = _unrolled(body.get("stages"), where)
    fields |= {"stages": tuple(stages), "loops": tuple(loops)}
    if "eval" in body:
        fields["eval"] = None if body["eval"] is None else filled(Eval, body["eval"], f"{where}: eval")
    fields["seed"] = body.get("seed", 0) if seed is None else seed
    if type(fields["seed"]) is not int or not 0 <= fields["seed"] < 1 << 32:
        raise SsrlError(f"{where}: seed must be an integer from 0 to 2**32 - 1, got {fields['seed']!r}")
    if body.get("modality") is not None:
        fields["modality"] = str(body["modality"])
    fields["track"] = str(body.get("track", TRACKERS[0]))
    return Config(**fields)


def _unrolled(items: Any, where: str) -> tuple[list[Stage], list[Loop]]:
    """The stages of a list, loops written out, and those loops that may end early."""
    if not isinstance(items, list):
        raise SsrlError(f"{where}: stages must be a list of mappings like {{method: grpo}}, got {items!r}")
    stages: list[Stage] = []
    loops: list[Loop] = []
    for i, item in enumerate(items, 1):
        place = f"{where}: stage {i}"
        body = mapping(item, place)
        if "repeat" not in body:
            stages.append(_stage(body, place))
            continue
        only_known(body, ["repeat", "until", "stages"], place)
        times = body["repeat"]
        if type(times) is not int or not 1 <= times <= MAX_LOOP:
            raise SsrlError(f"{place}: repeat must be an integer from 1 to {MAX_LOOP}, got {times!r}")
        inner, within = _unrolled(body.get("stages"), place)
        first, until = len(stages), body.get("until")
        for _ in range(times):
            loops += [Loop(len(stages) + loop.first, len(stages) + loop.end, loop.until) for loop in within]
            stages += inner
        if until is not None:
            if type(until) not in (int, float) or not 0 < until <= 1:
                raise SsrlError(f"{place}: until must be a pass rate above 0 and at most 1, got {until!r}")
            if not any(isinstance(stage, Sample) for stage in inner):
                raise SsrlError(f"{place}: until wants a sample stage in the loop, whose pass rate it goes by")
            loops.append(Loop(first, len(stages), float(until)))
    return stages, loops


def _stage(item: Mapping[str, Any], where: str) -> Stage:
    body = dict(item)
    method = body.pop("method", None)
    if not isinstance(method, str) or method not in METHODS:
        raise SsrlError(f"{where}: method is {method!r}: {suggest(str(method), list(METHODS))}")
    cls = METHODS[method]
    known = [{"start": "from"}.get(f.name, f.name) for f in dataclasses.fields(cls)]
    only_known(body, known, where)
    if method in OWNED_BY_METHOD:
        _of_libraries(body, method, where)
    if body.get("preset") is not None:
        body |= _preset(body["preset"], body.get("grpo") or {}, where)
    if body.get("data") is not None:
        body["data"] = _path(body, "data", where)
    if body.get("propose") is not None:
        body["propose"] = filled(Propose, body["propose"], f"{where}: propose")
    if body.get("until") is not None:
        body["until"] = filled(Until, body["until"], f"{where}: until")
    if body.get("tokens") is not None:
        body["tokens"] = filled(Tokens, body["tokens"], f"{where}: tokens")
    if "guard" in body:
        body["guard"] = _guard(body["guard"], f"{where}: guard")
    for key, kinds in KEYED.items():
        if body.get(key) is not None:
            body[key] = _kind(body[key], kinds, REWARDS if key == "reward" else (), f"{where}: {key}")
    fields = {{"from": "start"}.get(key, key): value for key, value in body.items() if value is not None}
    stage: Stage = filled(cls, fields, where)
    return stage


def _guard(body: Any, where: str) -> Any:
    """A guard from its fields, or a word for one; nothing means none, as the key was written."""
    return NONE if body is None else body if isinstance(body, str) else filled(Guard, body, where)


def _of_libraries(body: dict[str, Any], method: str, where: str) -> None:
    """Check the fields of TRL's and peft's classes, in place."""
    from trl import DPOConfig, GRPOConfig, SFTConfig

    cls = {"grpo": GRPOConfig, "sft": SFTConfig, "dpo": DPOConfig}[method]
    if body.get(method) is not None:
        body[method] = _options(body[method], cls, OWNED_BY_METHOD[method], f"{where}: {method}")
    if body.get("lora") is not None:
        body["lora"] = _lora(mapping(body["lora"], f"{where}: lora"), f"{where}: lora")


def _preset(names: Any, own: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A stage's presets, and its options with what these set."""
    names = [names] if isinstance(names, str) else names
    for name in names if isinstance(names, list) else [names]:
        if not isinstance(name, str) or name not in PRESETS:
            raise SsrlError(f"{where}: preset is {name!r}: {suggest(str(name), list(PRESETS))}")
    return {"preset": names, "grpo": {**fields_of(names), **own}}


def _kind(body: Any, kinds: Mapping[str, type[Any]], names: Sequence[str], where: str) -> Any:
    """One of several dataclasses from its kind and fields, or from its kind alone; `names` stand for themselves."""
    if isinstance(body, str):
        if body in names:
            return body
        if body not in kinds:
            raise SsrlError(f"{where} is {body!r}: {suggest(body, [*names, *kinds])}")
        body = {"kind": body}
    fields = dict(mapping(body, where))
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in kinds:
        raise SsrlError(f"{where}: kind is {kind!r}: {suggest(str(kind), list(kinds))}")
    return filled(kinds[kind], fields, where)


def _options(body: Any, cls: type[Any], owned: Mapping[str, str], where: str) -> dict[str, Any]:
    """Fields of one of TRL's configs, with numbers that YAML read as text."""
    known = typing.get_type_hints(cls)
    out: dict[str, Any] = {}
    for key, value in mapping(body, where).items():
        if key in owned:
            raise SsrlError(f"{where}: {key} is set by the run: use {owned[key]}")
        if key not in known:
            raise SsrlError(f"{where}: TRL has no option {key!r} in {cls.__name__}: {suggest(key, list(known))}")
        out[key] = _number(value, known[key], f"{where}: {key}")
    return out


def _number(value: Any, hint: Any, where: str) -> Any:
    # YAML reads 1e-5 as text (it wants 1.0e-5); where the field takes no text, that can only mean the number.
    kinds = set(typing.get_args(hint)) if is_union(hint) else {hint}
    if isinstance(value, str) and str not in kinds and kinds & {int, float}:
        try:
            return float(value)
        except ValueError as error:
            raise SsrlError(f"{where} must be a number, got {value!r}") from error
    if kinds <= {int, float, NoneType} and not (value is None or type(value) in (int, float)):
        raise SsrlError(f"{where} must be a number, got {value!r}")
    if kinds == {bool} and not isinstance(value, bool):
        raise SsrlError(f"{where} must be true or false, got {value!r}")
    return value


def _lora(body: Mapping[str, Any], where: str) -> dict[str, Any]:
    from peft import LoraConfig

    known = [f.name for f in dataclasses.fields(LoraConfig)]
    for key in body:
        if key not in known:
            raise SsrlError(f"{where}: peft has no LoRA option {key!r}: {suggest(key, known)}")
    if type(body.get("r", 8)) is not int or body.get("r", 8) < 1:
        raise SsrlError(f"{where}: r must be an integer of at least 1, got {body['r']!r}")
    try:
        LoraConfig(**body)
    except (TypeError, ValueError) as error:
        raise SsrlError(f"{where}: {error}") from error
    return dict(body)


def _model(value: Any, where: str) -> str | Tiny:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and "tiny" in value:
        renamed = {"family" if key == "tiny" else key: item for key, item in value.items()}
        tiny: Tiny = filled(Tiny, renamed, f"{where}: model")
        return tiny
    raise SsrlError(f"{where}: model must be a hub name, a folder or a mapping like {{tiny: llava}}, got {value!r}")


def _path(body: Mapping[str, Any], key: str, where: str) -> Path:
    if not isinstance(body.get(key), str):
        raise SsrlError(f"{where}: {key} must be a folder, got {body.get(key)!r}; or pass --{key}")
    return Path(body[key])
