"""A training run as one YAML file: which rows, which model, which stages, where to.

    data: out/demo/dataset          # a folder that `ssrl build` made
    out: out/demo/training
    seed: 0
    model: Qwen/Qwen2.5-VL-3B-Instruct      # a hub name, a folder, or {tiny: llava, side: 16}
    stages:
      - method: format              # the form of an answer, on random answers: no information about the right one
        steps: 60
      - method: sft                 # a cold start on worked solutions of rows that grpo then leaves out
        rows: 3600
        sft: {num_train_epochs: 5}  # any field of trl.SFTConfig
        lora: {r: 128}
      - method: grpo
        tasks: [image/jigsaw]       # rows of these tasks alone, here or in an sft stage; default: all
        grpo: {num_generations: 8}  # any field of trl.GRPOConfig
        lora: {r: 32}               # any field of peft.LoraConfig
    pass_rates: rates.parquet       # of `ssrl grade --pass-rates`: rows outside its band are not trained on
    eval: {split: test}

A key that nothing knows is an error that names the closest one, before anything is loaded.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any, TypeAlias

from ssrl_data.core import SsrlError
from ssrl_data.registry import suggest
from ssrl_data.yaml_file import read_yaml
from ssrl_train.fields import filled, is_union, mapping, only_known
from ssrl_train.tiny import Tiny

# Fields of TRL's configs that the run sets itself, and what to use instead.
OWNED = {
    "output_dir": "`out`",
    "seed": "`seed`",
    "do_eval": "`eval`",
    "eval_strategy": "`eval`",
    "resume_from_checkpoint": "nothing: a run resumes by itself",
}
OWNED_GRPO = OWNED | {"remove_unused_columns": "nothing: the reward reads the `answer` column"}
OWNED_SFT = OWNED | {
    **dict.fromkeys(("assistant_only_loss", "completion_only_loss"), "nothing: the loss is on the response alone"),
    **dict.fromkeys(("packing", "padding_free"), "nothing: rows with pictures cannot be packed"),
    **dict.fromkeys(("dataset_text_field", "dataset_kwargs"), "nothing: the rows are ours"),
}


@dataclass(frozen=True, slots=True)
class Format:
    """A short supervised warm-up on the form of an answer.

    Its targets are answers drawn at random from each row's answer space, so it carries no information about the right
    one: held-out accuracy stays at chance. A pretrained model that already answers in the asked form needs none.

    Attributes:
        steps: updates.
        batch: rows an update.
        learning_rate: of AdamW, constant.
    """

    steps: int = 60
    batch: int = 32
    learning_rate: float = 3e-3

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        for name in ("steps", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least 1")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate is {self.learning_rate}: it must be above 0")


@dataclass(frozen=True, slots=True)
class Sft:
    """A cold start: a stage of TRL's SFTTrainer on worked solutions.

    Attributes:
        rows: how many training rows it takes, drawn by the seed. No other stage but `format` sees them: what was
            learnt by heart would be rewarded without being solved.
        sft: fields of `trl.SFTConfig`.
        lora: fields of `peft.LoraConfig`, merged into the weights at the end; None trains every weight.
        tasks: names of the tasks whose rows it takes; empty for all.
    """

    rows: int = 3600
    sft: Mapping[str, Any] = field(default_factory=dict)
    lora: Mapping[str, Any] | None = None
    tasks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if self.rows < 1:
            raise ValueError(f"rows is {self.rows}: it must be at least 1")


@dataclass(frozen=True, slots=True)
class Grpo:
    """A stage of TRL's GRPOTrainer, as it is.

    Attributes:
        grpo: fields of `trl.GRPOConfig`.
        lora: fields of `peft.LoraConfig`; None trains every weight.
        tasks: names of the tasks whose rows it takes; empty for all.
    """

    grpo: Mapping[str, Any] = field(default_factory=dict)
    lora: Mapping[str, Any] | None = None
    tasks: tuple[str, ...] = ()


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


Stage: TypeAlias = Format | Sft | Grpo
METHODS: dict[str, type[Format] | type[Sft] | type[Grpo]] = {"format": Format, "sft": Sft, "grpo": Grpo}


@dataclass(frozen=True, slots=True)
class Config:
    """A resolved training run.

    Attributes:
        data: a dataset folder.
        out: where checkpoints, the model, `result.json` and `reward.png` go.
        model: a hub name or folder, or a tiny model.
        stages: what to do, in order.
        seed: of the weights, the order of rows and sampling.
        modality: which part of the dataset; None takes all of one with pictures throughout, or without.
        pass_rates: a table of `ssrl grade --pass-rates`; rows that it says not to keep are not trained on.
        eval: held-out accuracy; None leaves it out.
    """

    data: Path
    out: Path
    model: str | Tiny
    stages: tuple[Stage, ...]
    seed: int = 0
    modality: str | None = None
    pass_rates: Path | None = None
    eval: Eval | None = field(default_factory=Eval)

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if not self.stages:
            raise SsrlError("the config has no stage: add one under `stages`, like {method: grpo}")
        for stage in self.stages[:-1]:
            if isinstance(stage, Grpo) and stage.lora is not None:
                raise SsrlError(
                    "`lora` of a grpo stage is for the last stage: what it trains is an adapter, not a model to go on "
                    "from"
                )

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


def load_config(path: Path, data: Path | None = None, out: Path | None = None, seed: int | None = None) -> Config:
    """A config file, with what the command line replaces.

    Raises:
        SsrlError: the file is not a training config; the message names file, key and value.
    """
    where = str(path)
    body = mapping(read_yaml(path), where)
    only_known(body, [f.name for f in dataclasses.fields(Config)], where)
    data = data or _path(body, "data", where)
    out = out or _path(body, "out", where)
    fields: dict[str, Any] = {"data": data, "out": out, "model": _model(body.get("model"), where)}
    stages = body.get("stages")
    if not isinstance(stages, list):
        raise SsrlError(f"{where}: stages must be a list of mappings like {{method: grpo}}, got {stages!r}")
    fields["stages"] = tuple(_stage(item, f"{where}: stage {i}") for i, item in enumerate(stages, 1))
    if "eval" in body:
        fields["eval"] = None if body["eval"] is None else filled(Eval, body["eval"], f"{where}: eval")
    fields["seed"] = body.get("seed", 0) if seed is None else seed
    if type(fields["seed"]) is not int or not 0 <= fields["seed"] < 1 << 32:
        raise SsrlError(f"{where}: seed must be an integer from 0 to 2**32 - 1, got {fields['seed']!r}")
    if body.get("modality") is not None:
        fields["modality"] = str(body["modality"])
    if body.get("pass_rates") is not None:
        fields["pass_rates"] = _path(body, "pass_rates", where)
    return Config(**fields)


def _stage(item: Any, where: str) -> Stage:
    body = dict(mapping(item, where))
    method = body.pop("method", None)
    if not isinstance(method, str) or method not in METHODS:
        raise SsrlError(f"{where}: method is {method!r}: {suggest(str(method), list(METHODS))}")
    cls = METHODS[method]
    if cls is not Format:
        from trl import GRPOConfig, SFTConfig

        known, owned = (GRPOConfig, OWNED_GRPO) if cls is Grpo else (SFTConfig, OWNED_SFT)
        only_known(body, list(typing.get_type_hints(cls)), where)
        if body.get(method) is not None:
            body[method] = _options(body[method], known, owned, f"{where}: {method}")
        else:
            body.pop(method, None)
        if body.get("lora") is not None:
            body["lora"] = _lora(mapping(body["lora"], f"{where}: lora"), f"{where}: lora")
    stage: Stage = filled(cls, body, where)
    return stage


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
