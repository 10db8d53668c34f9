"""The stages of a training run, as data: what each does, on which rows, and what it goes on from.

Every stage has a `name` (by default its method) and goes on from the model of another one: the `previous` that made a
model, the run's `start`, or an earlier stage by name. Of stages with one name, as in a loop, the latest is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ssrl_data.registry import suggest
from ssrl_train.active import Propose
from ssrl_train.curriculum import KINDS, Curriculum, Uniform
from ssrl_train.exports import EXPORTS, Export
from ssrl_train.guard import Guard
from ssrl_train.losses import LOSSES, Loss, Srft, Supervised
from ssrl_train.signals import SIGNALS, Signal
from ssrl_train.tokens import Tokens

PREVIOUS, START = "previous", "start"

REWARDS = ("verify", "random", "form")

AUTO, NONE = "auto", "none"

KEYED: dict[str, Mapping[str, type[Any]]] = {
    "curriculum": KINDS,
    "reward": SIGNALS,
    "loss": LOSSES,
    "export": EXPORTS,
}
"""Keys of stages that hold `{kind: NAME, ...}`, or NAME alone, and what each name stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What every stage has.

    Attributes:
        name: what later stages call it; its method where empty.
        start: the key `from`: `previous`, `start`, or the name of an earlier stage that makes a model.
        data: a dataset folder; the run's where None.
        modality: which part of it; the run's where None.
        tasks: names of the tasks whose rows it takes; empty for all.
    """

    name: str = ""
    start: str = PREVIOUS
    data: Path | None = None
    modality: str | None = None
    tasks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse names that mean something else."""
        if self.name in (PREVIOUS, START) or "/" in self.name or self.name.startswith("."):
            raise ValueError(f"name is {self.name!r}: choose another one, without a slash or a dot before it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """When a stage ends before its last step: a logged metric's mean over some steps passes a bound.

    Attributes:
        metric: as the trainer logs it, like `reward`, `exact` or `loss`.
        above: it ends when the mean is at least this; exactly one of `above` and `below` is given.
        below: it ends when the mean is at most this.
        over: logged steps that the mean is of.
    """

    metric: str = "reward"
    above: float | None = None
    below: float | None = None
    over: int = 20

    def __post_init__(self) -> None:
        """Refuse what never or always holds."""
        if (self.above is None) == (self.below is None):
            raise ValueError("until wants exactly one of above and below")
        if self.over < 1:
            raise ValueError(f"over is {self.over}: it must be at least 1")


@dataclass(frozen=True, slots=True)
class Format(Common):
    """A short supervised warm-up on the form of an answer.

    Its targets are answers drawn at random from each row's answer space, so it carries no information about the right
    one: held-out accuracy stays at chance. A pretrained model that already answers in the asked form needs none.

    Attributes:
        steps: updates.
        batch: rows an update.
        learning_rate: of AdamW, constant.
        propose: half of the rows teach the form of a proposal instead, with spans drawn at random; see `Grpo`.
    """

    steps: int = 60
    batch: int = 32
    learning_rate: float = 3e-3
    propose: Propose | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        Common.__post_init__(self)
        for name in ("steps", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least 1")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate is {self.learning_rate}: it must be above 0")


@dataclass(frozen=True, slots=True)
class Sample(Common):
    """Responses of a model to training rows, judged: pass rates, and right and wrong responses for later stages.

    It makes no model: the next stage goes on from the one before it.

    Attributes:
        rows: at most so many rows, a fixed random sample; 0 takes all.
        k: responses to each.
        temperature: 0 is greedy.
        top_p: the share of probability that is sampled from.
        max_new_tokens: of a response; by default that of held-out responses.
        batch: rows at once.
        preamble: text before every prompt, as rules to answer by; the rows of later stages do not have it.
    """

    rows: int = 0
    k: int = 8
    temperature: float = 1.0
    top_p: float = 1.0
    max_new_tokens: int | None = None
    batch: int = 32
    preamble: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        from ssrl_train.generate import Sampling

        Common.__post_init__(self)
        _at_least("rows", self.rows, 0)
        tokens = {} if self.max_new_tokens is None else {"max_new_tokens": self.max_new_tokens}
        Sampling(self.k, self.temperature, self.top_p, batch=self.batch, **tokens)


@dataclass(frozen=True, slots=True)
class Sft(Common):
    """A stage of TRL's SFTTrainer.

    By default on worked solutions: of `rows` training rows, drawn by the seed, which no other stage but `format` sees,
    since what was learnt by heart would be rewarded without being solved. With `responses` on what a model wrote itself
    and got right (rejection sampling), with a Parquet file of TRL's own columns as `data` on that.

    Attributes:
        rows: how many training rows it takes; with `responses` at most so many, and 0 takes all that have any.
        sft: fields of `trl.SFTConfig`.
        lora: fields of `peft.LoraConfig`, merged into the weights at the end; None trains every weight.
        responses: name of a `sample` stage, whose right responses are the targets.
        keep: with `responses`, the lowest and the highest pass rate of a row that is taken.
        each: with `responses`, at most so many examples of a row, no two alike.
        export: with `responses`, what they are made into (`ssrl_train.exports`); None takes right ones as they are.
        tokens: which tokens of its targets are learnt from; None takes all.
        until: when it ends before its last step.
    """

    rows: int = 3600
    sft: Mapping[str, Any] = field(default_factory=dict)
    lora: Mapping[str, Any] | None = None
    responses: str | None = None
    keep: tuple[float, ...] | None = None
    each: int = 1
    export: Export | None = None
    tokens: Tokens | None = None
    until: Until | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        Common.__post_init__(self)
        _at_least("rows", self.rows, 1 if self.responses is None else 0)
        _sampled("sft", self.responses, self.keep, self.each, self.export)
        if self.tokens is not None and self.sft.get("label_smoothing_factor"):
            raise ValueError("tokens and label_smoothing_factor exclude each other: leave one of them out")


@dataclass(frozen=True, slots=True)
class Dpo(Common):
    """A stage of TRL's DPOTrainer on pairs of a right and a wrong response to one row, or on a file of pairs.

    Attributes:
        rows: how many rows at most give pairs; 0 takes all that can.
        dpo: fields of `trl.DPOConfig`.
        lora: fields of `peft.LoraConfig`, merged into the weights at the end; None trains every weight.
        responses: name of a `sample` stage; `data` is a Parquet file with TRL's columns where None.
        keep: with `responses`, the lowest and the highest pass rate of a row that is taken.
        each: with `responses`, at most so many pairs of a row; without `export` no response is in two of them.
        export: with `responses`, what they are made into (`ssrl_train.exports`); None pairs a right and a wrong one.
        until: when it ends before its last step.
    """

    rows: int = 0
    dpo: Mapping[str, Any] = field(default_factory=dict)
    lora: Mapping[str, Any] | None = None
    responses: str | None = None
    keep: tuple[float, ...] | None = None
    each: int = 1
    export: Export | None = None
    until: Until | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        Common.__post_init__(self)
        _at_least("rows", self.rows, 0)
        if self.responses is None and (self.data is None or self.data.suffix != PARQUET):
            raise ValueError(
                "dpo wants pairs: responses (the name of a sample stage), or data (a Parquet file of pairs)"
            )
        _sampled("dpo", self.responses, self.keep, self.each, self.export)


@dataclass(frozen=True, slots=True)
class Grpo(Common):
    """A stage of TRL's GRPOTrainer.

    Attributes:
        grpo: fields of `trl.GRPOConfig`.
        lora: fields of `peft.LoraConfig`; None trains every weight.
        pass_rates: name of a `sample` stage, or a table of `ssrl eval --per-row` or `ssrl grade --pass-rates`. Rows
            that it does not hold are not trained on.
        keep: the lowest and the highest pass rate of a row that is trained on; by default what the table says.
        curriculum: which rows come when; None takes all in turn.
        reward: `verify`, or a control: `random`, which tells nothing of the answer, or `form`, which pays for its form;
            or a signal that no verifier gives (`ssrl_train.signals`).
        loss: in place of TRL's, or beside it (`ssrl_train.losses`); None is TRL's.
        propose: the model proposes masks too, in the same batch (`ssrl_train.active`); None takes the rows as built.
        augment: strength in [0, 1] of a change of light and colour, drawn anew at each visit of a row; 0 is none.
        guard: what stops it at a collapse; `auto` is the usual guard where the reward is a signal that wants no
            truth, and none elsewhere.
        until: when it ends before its last step.
        preset: names of sets of fields of `grpo` (`ssrl_train.presets`), before which its own go.
    """

    grpo: Mapping[str, Any] = field(default_factory=dict)
    lora: Mapping[str, Any] | None = None
    pass_rates: str | None = None
    keep: tuple[float, ...] | None = None
    curriculum: Curriculum | None = None
    reward: str | Signal = "verify"
    loss: Loss | None = None
    propose: Propose | None = None
    augment: float = 0.0
    guard: str | Guard = AUTO
    until: Until | None = None
    preset: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        Common.__post_init__(self)
        _band(self.keep)
        if self.keep is not None and self.pass_rates is None:
            raise ValueError("keep wants pass_rates: the name of a sample stage, or a table of pass rates")
        if isinstance(self.reward, str) and self.reward not in REWARDS:
            raise ValueError(f"reward is {self.reward!r}: {suggest(self.reward, [*REWARDS, *SIGNALS])}")
        if isinstance(self.reward, Signal) and self.reward.whole_sets:
            if self.curriculum is None:
                object.__setattr__(self, "curriculum", Uniform(whole_sets=True))
            elif not self.curriculum.whole_sets:
                raise ValueError("reward pays the rows of a set by each other: give curriculum whole_sets: true")
        if self.propose is not None and self.reward != "verify":
            raise ValueError("propose pays predictors by the verifier: leave reward out")
        if self.propose is not None and isinstance(self.loss, Srft):
            raise ValueError("srft shows the right answers of rows as they were built: leave propose out")
        if not 0 <= self.augment <= 1:
            raise ValueError(f"augment is {self.augment:g}: it must be from 0 to 1")
        if isinstance(self.guard, str) and self.guard not in (AUTO, NONE):
            raise ValueError(f"guard is {self.guard!r}: it must be {AUTO}, {NONE} or a mapping of its fields")


@dataclass(frozen=True, slots=True)
class Loop:
    """The stages of a loop of a config, all rounds, and when its rounds end before the last.

    Attributes:
        first: place of its first stage.
        end: place behind its last.
        until: as soon as the responses of one of its sample stages pass so often, in (0, 1], the rest of the loop is
            left out.
    """

    first: int
    end: int
    until: float


Stage: TypeAlias = Format | Sample | Sft | Dpo | Grpo
METHODS: dict[str, type[Format] | type[Sample] | type[Sft] | type[Dpo] | type[Grpo]] = {
    "format": Format,
    "sample": Sample,
    "sft": Sft,
    "dpo": Dpo,
    "grpo": Grpo,
}

PARQUET = ".parquet"


def method_of(stage: Stage) -> str:
    """The method's name."""
    return next(name for name, cls in METHODS.items() if type(stage) is cls)


def name_of(stage: Stage) -> str:
    """What other stages call it."""
    return stage.name or method_of(stage)


def guard_of(stage: Grpo) -> Guard | None:
    """What stops a stage at a collapse."""
    if isinstance(stage.guard, Guard):
        return stage.guard
    return Guard() if stage.guard == AUTO and isinstance(stage.reward, Signal) and not stage.reward.truth else None


def is_table(stage: Stage) -> bool:
    """Whether a stage reads a file of TRL's own columns, not rows of a dataset."""
    return isinstance(stage, (Sft, Dpo)) and stage.data is not None and stage.data.suffix == PARQUET


def on_solutions(stage: Stage) -> bool:
    """Whether a stage learns worked solutions, on rows of its own: sft, or a loss beside reinforcement."""
    if isinstance(stage, Grpo):
        return isinstance(stage.loss, Supervised)
    return isinstance(stage, Sft) and stage.responses is None and not is_table(stage)


def own_rows(stage: Stage) -> int:
    """How many rows a stage on worked solutions has of its own."""
    if isinstance(stage, Grpo) and isinstance(stage.loss, Supervised):
        return stage.loss.rows
    return stage.rows if isinstance(stage, Sft) else 0


def demonstrates(stage: Stage) -> bool:
    """Whether a stage shows the right answers of rows that it also rewards."""
    return isinstance(stage, Grpo) and isinstance(stage.loss, Srft)


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name} is {value}: it must be at least {least}")


def _band(keep: tuple[float, ...] | None) -> None:
    if keep is not None and not (len(keep) == 2 and 0 <= keep[0] <= keep[1] <= 1):
        raise ValueError(f"keep is {list(keep)}: name two rising shares from 0 to 1, such as [0.1, 0.9]")


def _sampled(
    method: str, responses: str | None, keep: tuple[float, ...] | None, each: int, export: Export | None
) -> None:
    _band(keep)
    for name, given in (("keep", keep), ("export", export)):
        if responses is None and given is not None:
            raise ValueError(f"{name} wants responses: the name of a sample stage")
    if export is not None and export.method != method:
        fitting = [kind for kind, cls in EXPORTS.items() if cls.method == method]
        raise ValueError(f"export makes examples for {export.method}; {method} takes {', '.join(fitting)}")
    _at_least("each", each, 1)
