"""The preflight of a run: every check of `preflight` on every stage, before a model is loaded."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
from datasets import Dataset

from ssrl_train import preflight
from ssrl_train.active import proposing
from ssrl_train.config import Config
from ssrl_train.dpo import make_dpo_args
from ssrl_train.experts import router_fault
from ssrl_train.grpo import make_args, prompts_a_batch
from ssrl_train.memo import decoded_once
from ssrl_train.pixels import length_faults, resized
from ssrl_train.presets import told
from ssrl_train.rows import of_tasks, preceded
from ssrl_train.sft import make_sft_args, responses
from ssrl_train.sharding import save_faults
from ssrl_train.signals import Signal
from ssrl_train.signals.check import preview_faults, vote_faults
from ssrl_train.signals.settings import Soft
from ssrl_train.signals.soft_labels import ladder_faults
from ssrl_train.stage_rows import Key, StageRows
from ssrl_train.stages import Dpo, Format, Grpo, Sample, Sft, method_of
from ssrl_train.vllm_images import family_faults


def check_rows(config: Config, rows: StageRows, held: Dataset | None, say: Callable[[str], None]) -> None:
    """Check rows and options.

    Args:
        config: the run.
        rows: its rows, not yet divided.
        held: its held-out rows.
        say: takes what may go wrong and cannot be settled here.

    Raises:
        SsrlError: all faults, a line each.
    """
    gpu, faults = torch.cuda.is_available(), list(save_faults(os.environ))
    prompts: dict[Key, list[preflight.Share]] = {key: [] for key in rows.datasets}
    for stage in config.stages:
        key = rows.key(stage)
        if isinstance(stage, (Format, Grpo)) and stage.propose and key is not None:
            faults += proposing.row_faults(of_tasks(rows.datasets[key], stage.tasks))
        if isinstance(stage, Sft):
            faults += preflight.precision_faults(make_sft_args(stage, config.seed, config.out), gpu)
        elif isinstance(stage, Dpo):
            faults += preflight.precision_faults(make_dpo_args(stage, config.seed, config.out), gpu)
        elif isinstance(stage, Grpo) and key is not None:
            args = make_args(stage, config.seed, config.out, [])
            faults += preflight.setup_faults(args, gpu)
            if isinstance(stage.reward, Signal):
                faults += vote_faults(stage.reward, of_tasks(rows.datasets[key], stage.tasks), args, os.environ)
                faults += preview_faults(stage.reward, of_tasks(rows.datasets[key], stage.tasks))
            faults += proposing.batch_faults(args) if stage.propose else ()
            prompts[key].append((prompts_a_batch(args), stage.tasks))
            for line in told(stage.preset, stage.grpo):
                say(f"note: {line}")
            for caution in preflight.cautions(args, stage.lora is None):
                say(f"note: {caution}")
            if isinstance(stage.reward, Soft):
                faults += ladder_faults(of_tasks(rows.datasets[key], stage.tasks))
    voted = [s for s in config.stages if isinstance(s, Grpo) and isinstance(s.reward, Signal) and not s.reward.truth]
    truth = {rows.key(stage) for stage in config.stages if stage not in voted}
    of_rows: list[str] = []
    for key, train in rows.datasets.items():
        of_rows += preflight.row_faults(train, prompts[key], list(rows.shares(key).values()), key in truth)
        if held is not None and config.eval is not None:
            faults += preflight.split_faults(train, held, config.eval.split)
    preflight.require(dict.fromkeys([*of_rows, *faults]))


def check_processor(config: Config, rows: StageRows, processor: Any, settings: Any, say: Callable[[str], None]) -> None:
    """Check what the model makes of the rows.

    Args:
        config: the run.
        rows: its rows, divided.
        processor: the start model's.
        settings: its config.
        say: takes what may go wrong and cannot be settled here.

    Raises:
        SsrlError: the faults of the first stage that has any.
    """
    for train in rows.datasets.values():
        if "images" in train.column_names and getattr(processor, "image_processor", None) is not None:
            for caution in resized(processor, train):
                say(f"note: {caution}")
    limit = settings.get_text_config().max_position_embeddings
    for i, stage in enumerate(config.stages):
        fault = router_fault(getattr(stage, method_of(stage), {}), settings)
        preflight.require([] if fault is None else [f"stage {i + 1}: {fault}"])
        if rows.key(stage) is None:
            continue
        context, completion = limit, None
        if isinstance(stage, Grpo):
            args = make_args(stage, config.seed, config.out, [])
            completion = args.max_completion_length
            if args.use_vllm and args.vllm_max_model_length:
                context = args.vllm_max_model_length
        elif isinstance(stage, Sample):
            completion = stage.max_new_tokens or config.response_tokens()
        preamble = stage.preamble if isinstance(stage, Sample) else ""
        train = decoded_once(preceded(rows.pool(i).train, preamble))
        if isinstance(stage, Grpo) and "images" in train.column_names:
            preflight.require(family_faults(args, settings.model_type))
        preflight.require(preflight.processor_faults(processor, train, context, completion))
        if isinstance(stage, Grpo) and stage.propose and completion is not None:
            asked = proposing.proposers(of_tasks(train, stage.tasks), stage.propose)
            preflight.require(length_faults(processor, asked, context, completion))
        own = rows.taught(i)
        if own is not None:
            cut = make_sft_args(stage, config.seed, config.out).max_length if isinstance(stage, Sft) else None
            preflight.require(preflight.solution_faults(processor, decoded_once(own), responses(own), limit, cut))
