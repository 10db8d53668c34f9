"""One GRPO stage: TRL's trainer with our sampler, given our rows, our reward and a processor that repeats no work."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from ssrl_data.core import SsrlError
from ssrl_train.active.proposing import Proposing
from ssrl_train.augment import augmented
from ssrl_train.curriculum import Curriculum, Uniform
from ssrl_train.experts import Routing
from ssrl_train.guarded import Guarding
from ssrl_train.losses import Loss, objective
from ssrl_train.processes import is_main
from ssrl_train.rewards import REWARDS, unpaid
from ssrl_train.sampler import RowSampler
from ssrl_train.samples import Samples, watched
from ssrl_train.signals import Signal, judge
from ssrl_train.signals.base import Judge, gathered
from ssrl_train.signals.entropy import answer_entropy
from ssrl_train.stages import Grpo, guard_of
from ssrl_train.trainer import adapter, machine_options, run_trainer
from ssrl_train.vllm_images import expanded_once


def make_args(stage: Grpo, seed: int, folder: Path, forbidden: list[int]) -> GRPOConfig:
    """The options of a stage on this machine.

    Args:
        stage: the stage.
        seed: of the run.
        folder: for checkpoints.
        forbidden: ids of tokens that must never be sampled.

    Raises:
        SsrlError: TRL refuses the options, and the message is TRL's; or the stage's loss cannot go with them.
    """
    options = machine_options(stage.grpo, seed, folder)
    if forbidden:
        given = options.get("generation_kwargs")
        options["generation_kwargs"] = _suppressing(given, forbidden, bool(options.get("use_vllm")))
    try:
        args = GRPOConfig(**options)
    except (TypeError, ValueError) as error:
        raise SsrlError(f"TRL refuses the options of the grpo stage: {error}") from error
    for fault in () if stage.loss is None else stage.loss.faults(args, stage.reward):
        raise SsrlError(fault)
    return args


def _suppressing(given: Any, forbidden: list[int], vllm: bool) -> dict[str, Any]:
    given = json.loads(given) if isinstance(given, str) else dict(given or {})
    if vllm:  # which takes a bias of at most 100 and no list; e^-100 of a token's odds are never sampled
        return {**given, "logit_bias": {**given.get("logit_bias", {}), **dict.fromkeys(forbidden, -100.0)}}
    return {**given, "suppress_tokens": sorted({*forbidden, *given.get("suppress_tokens", ())})}


def prompts_a_batch(args: GRPOConfig) -> int:
    """Distinct prompts that one generation batch takes: fewer rows than this train zero steps."""
    return int(args.generation_batch_size // args.num_generations)


def updates(args: GRPOConfig, rows: int) -> int:
    """Updates of a whole stage: `max_steps`, else as many as `num_train_epochs` passes over the rows take."""
    if args.max_steps > 0:
        return int(args.max_steps)
    repeats = args.num_iterations * args.steps_per_generation
    batches = args.num_train_epochs * rows * repeats / prompts_a_batch(args)
    steps: int = math.ceil(batches / args.gradient_accumulation_steps)
    return max(1, steps)


class Trainer(GRPOTrainer):  # type: ignore[misc]
    """TRL's trainer, whose rows come from a curriculum and whose rewards go to it.

    It always has our sampler: the stock one begins again with the order of the first epoch when a run is resumed in a
    later one. The whole run is one epoch of the loader, whatever the number of passes over the rows. What a curriculum
    counts as passed is a reward of exactly 1, whichever reward that is: under a control, too, it is told no more than
    the model.

    Args:
        model: hub name or folder to start from.
        processor: its processor.
        rows: training rows, pictures decoded on access.
        reward: scores completions; see `rewards`.
        args: options.
        curriculum: which rows are drawn when.
        rates: pass rates of some rows by id, known beforehand.
        lora: `peft.LoraConfig`; None trains every weight.
        callbacks: told what happens.
        augment: strength of a change of light at each visit of a row; see `augment.augmented`.
        signal: pays in place of `reward`, which is then only logged.
        proposing: makes rows of the model's own proposals; `reward` is then paid by it.
        loss: in place of TRL's, or beside it; None is TRL's.
        examples: what it learns beside reinforcement; see `losses.objective`.

    Raises:
        SsrlError: rows and curriculum do not go together, or rows without pictures are to be augmented.
    """

    def __init__(
        self,
        model: str,
        processor: Any,
        rows: Dataset,
        reward: Callable[..., Any],
        args: GRPOConfig,
        curriculum: Curriculum,
        rates: Mapping[str, float] | None = None,
        lora: Any = None,
        callbacks: Sequence[TrainerCallback] = (),
        augment: float = 0.0,
        signal: Judge | None = None,
        proposing: Proposing | None = None,
        loss: Loss | None = None,
        examples: Dataset | None = None,
    ) -> None:
        if augment and "images" not in rows.column_names:
            raise SsrlError("augment changes pictures and the rows have none: leave it out")
        self.augment, self.signal, self.proposing = augment, signal, proposing
        args.max_steps = updates(args, len(rows))
        self.sampler = RowSampler(
            rows,
            curriculum,
            prompts=prompts_a_batch(args),
            generations=args.num_generations,
            repeats=args.num_iterations * args.steps_per_generation,
            batches=args.max_steps * args.gradient_accumulation_steps,
            seed=args.seed,
            rates=rates,
            answers=signal is None,  # of which a run that is paid without a verifier must not know
        )
        super().__init__(
            model=model,
            reward_funcs=reward if signal is None else unpaid(reward),
            args=args,
            train_dataset=rows,
            processing_class=processor,
            peft_config=lora,
            callbacks=list(callbacks),
        )
        if args.use_vllm and args.vllm_mode == "colocate" and "images" in rows.column_names:
            self.vllm_generation.generate = expanded_once(self.vllm_generation.generate, processor.image_token_id)
        if signal is not None:
            signal.attach(self)
        self.routing = Routing(self.accelerator.unwrap_model(self.model))
        self.objective = None if loss is None else objective(loss, self, examples)
        self._learnt: dict[str, Any] | None = None  # the batch whose loss is being computed

    def _get_train_sampler(self, dataset: Dataset | None = None) -> RowSampler:
        return self.sampler

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> Any:
        if self.augment and self.model.training:
            # By step, which is the same in every process and after a resume.
            inputs = augmented(inputs, self.augment, self.args.seed, self.state.global_step)
        if self.proposing is not None and self.model.training:
            inputs = self.proposing.rows(inputs, super()._generate)
        made = super()._generate_and_score_completions(inputs)
        if self.objective is not None and self.model.training:
            made |= self.objective.scored(inputs, made, self._rewards)
        return made

    def _generate(self, prompts: list[Any]) -> Any:
        generate = super()._generate
        return generate(prompts) if self.proposing is None else self.proposing.generate(prompts, generate)

    def _calculate_rewards(self, inputs: Any, prompts: Any, completions: Any, completion_ids_list: Any) -> Any:
        rewards = super()._calculate_rewards(inputs, prompts, completions, completion_ids_list)
        if self.model.training:
            batch = gathered(inputs, completions, self.num_generations, self.state.global_step)
            spread = answer_entropy(batch)
            if spread is not None:
                self._metrics["train"]["answer_entropy"].append(spread)
            if self.signal is not None:
                self.signal.before(inputs)
                paid, told = self.signal.pay(batch)
                values = [math.nan if value is None else value for value in paid]
                rewards[:, 0] = torch.tensor(values, dtype=rewards.dtype, device=rewards.device)
                for name, value in told.items():
                    self._metrics["train"][name].append(value)
            ids, scores = [row["id"] for row in inputs], rewards[:, 0]
            if self.proposing is not None:  # a curriculum is told of rows that were asked as they are
                built = torch.tensor(self.proposing.built(len(ids)), device=scores.device)
                scores = torch.where(self.accelerator.gather(built), scores, math.nan)
            metrics = self.sampler.score(ids, self.accelerator.process_index * len(ids), scores.cpu().numpy())
            for name, value in metrics.items():
                self._metrics["train"][name].append(value)
            self._rewards = rewards[:, 0]
        return rewards

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        if not self.model.training:
            return super()._compute_loss(model, inputs)
        self._learnt = dict(inputs)  # a copy: TRL may come back to its own
        try:
            with self.routing.counted(torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1)):
                loss = super()._compute_loss(model, self._learnt)
        finally:
            self._learnt = None
        for name, value in self.routing.told(self.accelerator).items():
            self._metrics["train"][name].append(value)
        beside = None if self.objective is None else self.objective.beside(model, inputs)
        return loss if beside is None else loss + beside / self.current_gradient_accumulation_steps

    def _get_per_token_logps_and_entropies(self, *args: Any, **options: Any) -> Any:
        log_probs, entropies, router = super()._get_per_token_logps_and_entropies(*args, **options)
        if self._learnt is not None and self.objective is not None:  # before TRL's loss reads the advantages
            known = self.objective.advantages(self._learnt, log_probs.detach(), entropies.detach())
            self._learnt["advantages"] = known
        return log_probs, entropies, router

    # The sampler's state is in trainer_state.json, which is written last: a checkpoint is whole or it is none.
    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        self.state.stateful_callbacks["RowSampler"] = self.sampler.state()
        super()._save_checkpoint(model, trial)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        super()._save_optimizer_and_scheduler(output_dir)
        if self.signal is not None:
            self.signal.save(Path(output_dir))

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            if self.signal is not None:
                self.signal.load(Path(checkpoint))
            saved = self.state.stateful_callbacks.get("RowSampler")
            if saved is None:
                raise SsrlError(f"{checkpoint} says nothing of its rows: remove it to begin the stage again")
            self.sampler.restore(saved, self.state.global_step * self.args.gradient_accumulation_steps)


def train_grpo(
    model: str,
    processor: Any,
    rows: Dataset,
    stage: Grpo,
    args: GRPOConfig,
    out: Path,
    say: Callable[[str], None],
    rates: Mapping[str, float] | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    examples: Dataset | None = None,
    judged: Judge | None = None,
) -> None:
    """Train, from the last checkpoint where there is one, and save model, processor and trainer state to `out`.

    Args:
        model: hub name or folder to start from.
        processor: its processor.
        rows: training rows, pictures decoded on access.
        stage: the stage.
        args: its options, from `make_args`.
        out: folder to save to.
        say: takes lines of progress.
        rates: pass rates of some rows by id, known beforehand.
        callbacks: told what happens.
        examples: what the stage's loss learns beside reinforcement; see `losses.objective`.
        judged: the stage's signal at work, where it had to be made ready first.

    Raises:
        SsrlError: the stage's guard stops it, or stopped it before.
    """
    signal = stage.reward if isinstance(stage.reward, Signal) else None
    reward = stage.reward if isinstance(stage.reward, str) else "verify"
    guard = guard_of(stage)
    if guard is not None:
        callbacks = [*callbacks, Guarding(guard, Path(args.output_dir))]
    scored, proposing = watched(REWARDS[reward], Samples(Path(args.output_dir) / "samples", args.num_generations)), None
    if stage.propose is not None:
        proposing = Proposing(stage.propose, args.num_generations, Path(args.output_dir) / "proposed")
        scored = proposing.paid(scored)
    trainer = Trainer(
        model,
        processor,
        rows,
        scored,
        args,
        stage.curriculum or Uniform(),
        rates=rates,
        lora=adapter(stage.lora),
        callbacks=callbacks,
        augment=stage.augment,
        signal=judged if judged is not None or signal is None else judge(signal),
        loss=stage.loss,
        examples=examples,
        proposing=proposing,
    )
    run_trainer(trainer, "reward", say, stage.until)
    trainer.save_model(str(out))  # in every process: a sharded model is gathered here
    if is_main():
        processor.save_pretrained(out)
        trainer.state.save_to_json(str(out / "trainer_state.json"))
