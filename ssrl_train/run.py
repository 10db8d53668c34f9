"""A training run: stages one after another, each committed when it is whole, so a run that died goes on where it was.

OUT/config.json            what is run; another config in the same folder is refused
OUT/stages/0-start/        the random model, where one was built
OUT/stages/1-sft/ ...      the model after each stage; the folder appears when the stage is done
OUT/model/                 the model after the last stage
OUT/checkpoints/2-grpo/    the trainer's own checkpoints
OUT/before.json            held-out accuracy before the first stage that is told what is right: sft or grpo
OUT/result.json            written last: accuracy before and after, its chance and interval, the reward's, speed
OUT/reward.png             reward against step
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
from datasets import Dataset

from ssrl_data.core import SsrlError
from ssrl_train import preflight
from ssrl_train.config import METHODS, Config, Format, Grpo, Sft, Stage
from ssrl_train.curve import draw
from ssrl_train.evaluate import Accuracy, accuracy, answers
from ssrl_train.format import train_format
from ssrl_train.grpo import make_args, prompts_a_batch, train_grpo
from ssrl_train.memo import decoded_once, processed_once
from ssrl_train.models import device, load_model, load_model_config, vision_tokens
from ssrl_train.rows import column, divided, kept, load_rows, mean_chance, of_tasks, sample
from ssrl_train.sft import make_sft_args, responses, train_sft
from ssrl_train.tiny import Tiny, build_model, build_processor, load_processor, texts_of

Say = Callable[[str], None]


def run(config: Config, say: Say = print) -> dict[str, Any]:
    """Train, or go on training, or say what a finished run found.

    Args:
        config: what to do.
        say: takes lines of progress.

    Returns:
        The content of `result.json`.

    Raises:
        SsrlError: a fault that preflight found, or another run's folder.
    """
    done = config.out / "result.json"
    _same_run(config)
    if done.is_file():
        say(f"{config.out}: already complete")
        return dict(json.loads(done.read_text(encoding="utf-8")))
    return _Run(config, say).go()


class _Run:
    """What the stages of one run share: rows, start model, processor, forbidden tokens.

    Training rows are divided once: each sft stage has its own, by the stage's number, and grpo has the rest.
    """

    def __init__(self, config: Config, say: Say) -> None:
        self.config, self.say = config, say
        train = load_rows(config.data, "train", config.modality)
        if config.pass_rates is not None:
            before, train = len(train), kept(train, config.pass_rates)
            say(f"{len(train)} of {before} rows lie in the band of {config.pass_rates}")
        held = load_rows(config.data, config.eval.split, config.modality) if config.eval else None
        self._check_rows(train, held)
        supervised = {
            i: (stage.rows, stage.tasks) for i, stage in enumerate(config.stages, 1) if isinstance(stage, Sft)
        }
        *parts, rest = divided(train, list(supervised.values()), config.seed)
        self.supervised = dict(zip(supervised, parts, strict=True))
        self.start = self._start(train)
        self.processor = load_processor(self.start)
        settings = load_model_config(self.start)
        self.forbidden = vision_tokens(self.processor, settings)
        self.train, self.rest = decoded_once(train), decoded_once(rest)
        self.held = None if held is None or config.eval is None else decoded_once(sample(held, config.eval.rows))
        self._check_processor(settings)
        if "images" in train.column_names and not processed_once(self.processor):
            say("note: this model's pictures depend on their batch, so repeats of one are each processed again")

    def _check_rows(self, train: Dataset, held: Dataset | None) -> None:
        config, gpu, faults = self.config, torch.cuda.is_available(), list[str]()
        supervised = [(stage.rows, stage.tasks) for stage in config.stages if isinstance(stage, Sft)]
        prompts: list[preflight.Share] = []
        for stage in config.stages:
            if isinstance(stage, Sft):
                faults += preflight.precision_faults(make_sft_args(stage, config.seed, config.out), gpu)
            elif isinstance(stage, Grpo):
                args = make_args(stage, config.seed, config.out, [])
                prompts.append((prompts_a_batch(args), stage.tasks))
                faults += preflight.setup_faults(args, gpu)
                for caution in preflight.cautions(args, "images" in train.column_names, stage.lora is None):
                    self.say(f"note: {caution}")
        faults = [*preflight.row_faults(train, prompts, supervised), *faults]
        if held is not None and config.eval is not None:
            faults += preflight.split_faults(train, held, config.eval.split)
        preflight.require(dict.fromkeys(faults))

    def _check_processor(self, settings: Any) -> None:
        config, limit = self.config, settings.get_text_config().max_position_embeddings
        for i, stage in enumerate(config.stages, 1):
            args = make_args(stage, config.seed, config.out, []) if isinstance(stage, Grpo) else None
            context = args.vllm_max_model_length if args and args.use_vllm and args.vllm_max_model_length else limit
            completion = args.max_completion_length if args else None
            preflight.require(preflight.processor_faults(self.processor, self.train, context, completion))
            if isinstance(stage, Sft):
                rows, cut = self.supervised[i], make_sft_args(stage, config.seed, config.out).max_length
                said = responses(rows)
                preflight.require(preflight.solution_faults(self.processor, decoded_once(rows), said, limit, cut))

    def _start(self, train: Dataset) -> str:
        """The model that the first stage starts from."""
        if not isinstance(self.config.model, Tiny):
            return self.config.model
        folder, tiny, seed = self.config.out / "stages" / "0-start", self.config.model, self.config.seed

        def build(partial: Path) -> None:
            said = [text for rows in self.supervised.values() for text in responses(rows)]
            processor = build_processor(tiny, texts_of(train, said))
            build_model(tiny, processor, seed).save_pretrained(partial)
            processor.save_pretrained(partial)

        _commit(folder, build)
        return str(folder)

    def go(self) -> dict[str, Any]:
        """Run the stages that are not done and write the result."""
        config, model, before = self.config, self.start, None
        states: dict[type[Stage], list[dict[str, Any]]] = {Sft: [], Grpo: []}
        for i, stage in enumerate(config.stages, 1):
            method = next(name for name, cls in METHODS.items() if isinstance(stage, cls))
            last = i == len(config.stages)
            folder = config.out / "model" if last else config.out / "stages" / f"{i}-{method}"
            if before is None and not isinstance(stage, Format):
                before = self._before(model)
            self._stage(i, stage, model, folder, method)
            if not isinstance(stage, Format):
                state = json.loads((folder / "trainer_state.json").read_text(encoding="utf-8"))
                states[type(stage)].append(state)
            model = str(folder)
        after = self._accuracy(model)
        result = _result(config, self.train, self.rest, before, after, states)
        rewards = [entry["reward"] for entry in _logs(states[Grpo], "reward")]
        if rewards:
            draw(range(1, len(rewards) + 1), rewards, result["reward_chance"], config.out / "reward.png")
        _write_json(config.out / "result.json", result)
        return result

    def _stage(self, number: int, stage: Stage, model: str, folder: Path, method: str) -> None:
        config, checkpoints = self.config, self.config.out / "checkpoints" / f"{number}-{method}"

        def make(partial: Path) -> None:
            self.say(f"stage {number}/{len(config.stages)} {method}")
            if isinstance(stage, Format):
                train_format(model, self.processor, self.train, stage, config.seed, partial)
            elif isinstance(stage, Sft):
                options = make_sft_args(stage, config.seed, checkpoints)
                train_sft(model, self.processor, self.supervised[number], stage, options, partial, self.say)
            else:
                args = make_args(stage, config.seed, checkpoints, self.forbidden)
                train_grpo(model, self.processor, of_tasks(self.rest, stage.tasks), stage, args, partial, self.say)
            _free()

        _commit(folder, make)

    def _before(self, model: str) -> Accuracy | None:
        file = self.config.out / "before.json"
        if self.held is None:
            return None
        if file.is_file():
            return Accuracy(**json.loads(file.read_text(encoding="utf-8")))
        found = self._accuracy(model)
        if found is not None:
            _write_json(file, dataclasses.asdict(found))
        return found

    def _accuracy(self, model: str) -> Accuracy | None:
        setting = self.config.eval
        if self.held is None or setting is None:
            return None
        net = load_model(model)
        tokens = self.config.response_tokens()
        judged = answers(net, self.processor, self.held, setting.batch, tokens, self.forbidden)
        found = accuracy(self.held, [verdict for _, _, verdict in judged])
        del net
        _free()
        return found


def _result(
    config: Config,
    train: Dataset,
    rest: Dataset,
    before: Accuracy | None,
    after: Accuracy | None,
    states: Mapping[type[Stage], list[dict[str, Any]]],
) -> dict[str, Any]:
    logs = _logs(states[Grpo], "reward")
    rewards, times = [entry["reward"] for entry in logs], [entry["step_time"] for entry in logs if "step_time" in entry]
    losses = [entry["loss"] for entry in _logs(states[Sft], "loss")]
    return {
        "before": before and before.value,
        "after": after and after.value,
        "chance": after and after.chance,
        "reward_chance": mean_chance(rest),
        "interval": after and list(after.interval),
        "interval_before": before and list(before.interval),
        "rows": after and after.rows,
        "photographs": after and after.photographs,
        "train_rows": len(train),
        "train_photographs": len(set(column(train, "source_id"))),
        "sft_rows": len(train) - len(rest),
        "sft_steps": sum(state["global_step"] for state in states[Sft]),
        "sft_loss_first": _mean(losses[: _tenth(losses)]),
        "sft_loss_last": _mean(losses[-_tenth(losses) :]),
        "steps": sum(state["global_step"] for state in states[Grpo]),
        "seconds_per_step": median(times) if times else None,
        "reward_first": _mean(rewards[: _tenth(rewards)]),
        "reward_last": _mean(rewards[-_tenth(rewards) :]),
        "seed": config.seed,
        "device": torch.cuda.get_device_name() if device().type == "cuda" else "cpu",
    }


def _logs(states: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """The log entries of some stages that have a key, in order."""
    return [entry for state in states for entry in state["log_history"] if key in entry]


def _tenth(values: Sequence[float]) -> int:
    return max(1, len(values) // 10)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _same_run(config: Config) -> None:
    """Note down what is run, or refuse a folder that another run began.

    Raises:
        SsrlError: the folder is another run's; the message names the first key that differs.
    """
    now = json.loads(json.dumps(dataclasses.asdict(config), default=str))
    manifest = config.data / "manifest.json"
    if manifest.is_file():
        now["dataset"] = json.loads(manifest.read_text(encoding="utf-8"))["fingerprint"]
    # Where things lie is not what is run: a dataset may move, and the folder is this one.
    now = {key: value for key, value in now.items() if key not in ("data", "out")}
    file = config.out / "config.json"
    if file.is_file():
        then: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        for key in sorted({*now, *then}):
            if now.get(key) != then.get(key):
                raise SsrlError(
                    f"{config.out} holds a run with another {key}: {then.get(key)!r} there, {now.get(key)!r} now; "
                    "choose another out folder or remove this one"
                )
        return
    try:
        config.out.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise SsrlError(
            f"{config.out} cannot be a folder: a file is in its place; choose another out folder"
        ) from error
    _write_json(file, now)


def _commit(folder: Path, make: Callable[[Path], None]) -> None:
    """Make a folder under another name and rename it when whole; nothing to do where it is there."""
    if folder.is_dir():
        return
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    make(partial)
    os.replace(partial, folder)


def _write_json(file: Path, value: Any) -> None:
    partial = file.with_name(file.name + ".partial")
    partial.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, file)


def _free() -> None:
    """Give the memory of a dropped model back before the next one is loaded."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
