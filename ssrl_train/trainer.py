"""What the stages that run one of TRL's trainers share: options of this machine, checkpoints, adapters, progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback

from ssrl_train.models import load_model
from ssrl_train.processes import barrier, is_main, told
from ssrl_train.resume import restored
from ssrl_train.stages import Dpo, Sft, Until

REPORTS = 20  # lines of progress a run prints where there is no terminal


def machine_options(given: Mapping[str, Any], seed: int, folder: Path) -> dict[str, Any]:
    """A stage's options of `transformers.TrainingArguments`, completed for a run on this machine.

    Args:
        given: as the config has them.
        seed: of the run.
        folder: for checkpoints.
    """
    options: dict[str, Any] = {
        "report_to": "none",
        "logging_steps": 1,
        "disable_tqdm": not sys.stderr.isatty(),
        **given,
        "output_dir": str(folder),
        "seed": seed,
    }
    return options if torch.cuda.is_available() else {"use_cpu": True, "bf16": False} | options


def adapter(lora: Mapping[str, Any] | None) -> Any:
    """The `peft.LoraConfig` of a stage; None when every weight is trained."""
    if lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(**{"task_type": "CAUSAL_LM", **lora})


def run_trainer(trainer: Any, metric: str, say: Callable[[str], None], until: Until | None = None) -> None:
    """Train, from the last checkpoint where there is one.

    Args:
        trainer: one of TRL's.
        metric: what lines of progress tell.
        say: takes them.
        until: when to end before the last step.
    """
    if trainer.args.disable_tqdm:
        trainer.remove_callback(PrinterCallback)
        trainer.add_callback(Progress(metric, say))
    if until is not None:
        trainer.add_callback(Ending(until, say))
    begun = told(last_checkpoint(Path(trainer.args.output_dir)))
    if begun is not None:
        say(f"resuming from {begun}")
    with restored(trainer, begun):
        trainer.train(resume_from_checkpoint=str(begun) if begun else None)


def train_supervised(
    kind: Callable[..., Any],
    model: str,
    processor: Any,
    examples: Dataset,
    stage: Sft | Dpo,
    args: Any,
    out: Path,
    say: Callable[[str], None],
    callbacks: Sequence[Any] = (),
) -> None:
    """Train, from the last checkpoint where there is one, and save a whole model, processor and trainer state to `out`.

    An adapter is merged into the weights that it was trained on, so that a next stage has a model to go on from.

    Args:
        kind: makes TRL's trainer of the stage's method from its options.
        model: hub name or folder to start from.
        processor: its processor.
        examples: rows of the trainer's own columns, pictures decoded on access.
        stage: the stage.
        args: its options.
        out: folder to save to.
        say: takes lines of progress.
        callbacks: of transformers, called beside ours.
    """
    trainer = kind(
        model=model,
        args=args,
        train_dataset=examples,
        processing_class=processor,
        peft_config=adapter(stage.lora),
        callbacks=list(callbacks),
    )
    run_trainer(trainer, "loss", say, stage.until)
    save_merged(trainer, processor, out)


def save_merged(trainer: Any, processor: Any, out: Path) -> None:
    """Save a trained model, an adapter merged into the weights that it was trained on, with processor and state.

    Args:
        trainer: one of TRL's, after its training.
        processor: the model's.
        out: folder to save to.
    """
    trainer.save_model(str(out))  # in every process: a sharded model is gathered here
    barrier()
    if is_main():
        if (out / "adapter_config.json").is_file():
            merge(str(out), out)
        processor.save_pretrained(out)
        trainer.state.save_to_json(str(out / "trainer_state.json"))


def merge(adapted: str, out: Path) -> None:
    """Write the model that a folder's adapter makes of its base; files of an adapter in `out` are removed."""
    model = load_model(adapted).to("cpu")
    for file in out.glob("adapter_*"):
        file.unlink()
    model.save_pretrained(out)


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint: the trainer's state is what is written last, so one without it was cut off."""
    whole = [path.parent for path in folder.glob("checkpoint-*/trainer_state.json") if _is_json(path)]
    return max(whole, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


class Progress(TrainerCallback):  # type: ignore[misc]
    """A plain line now and then, for where there is no terminal."""

    def __init__(self, metric: str, say: Callable[[str], None]) -> None:
        self.metric, self.say = metric, say

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """Say step and metric about `REPORTS` times in a run; the trainer passes more by name than is used."""
        every = max(1, state.max_steps // REPORTS)
        if logs and self.metric in logs and state.is_world_process_zero and state.global_step % every == 0:
            value = "none" if logs[self.metric] is None else f"{logs[self.metric]:.3f}"
            self.say(f"step {state.global_step}/{state.max_steps}: {self.metric} {value}")


class Ending(TrainerCallback):  # type: ignore[misc]
    """Ends a stage when a metric has passed its bound; looks at the logged history alone, which a resumed run has."""

    def __init__(self, until: Until, say: Callable[[str], None]) -> None:
        self.until, self.say = until, say

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """Stop when the mean over the last logged steps passes the bound."""
        until = self.until
        values = [entry[until.metric] for entry in state.log_history if entry.get(until.metric) is not None]
        if not logs or until.metric not in logs or len(values) < until.over:
            return
        mean = sum(values[-until.over :]) / until.over
        above = until.above is not None and mean >= until.above
        if above or (until.below is not None and mean <= until.below):
            control.should_training_stop = True
            if state.is_world_process_zero:
                self.say(f"{until.metric} is {mean:.3f} over {until.over} steps: the stage ends at {state.global_step}")
