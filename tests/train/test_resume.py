"""A stage that is resumed ends with the bits of one that never stopped.

What was found by runs of 8 steps, killed with SIGKILL after the fifth and resumed, on the installed transformers and
TRL: a resumed run differed for two reasons. LLaVA and Qwen2.5-VL went on from the weights of the start, since the
trainer finds no name of the checkpoint in the model; and every model read the first epoch's rows again in a later one.
With `resume.restored` and our sampler rows, completions, rewards, weights and logs are equal in every bit: GRPO (LLaVA,
Qwen2.5-VL, Qwen3-VL, text; LoRA, a KL term, several steps a generation, several iterations), SFT and DPO, in the first
epoch and later ones. What still differs is a count of the process alone: `train_loss`, the mean since it began, and
`num_tokens` of SFT and DPO.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import Trainer, TrainingArguments
from trl import GRPOTrainer, SFTTrainer

from ssrl_data.core import SsrlError
from ssrl_train.grpo import make_args, train_grpo
from ssrl_train.memo import decoded_once
from ssrl_train.preflight import setup_faults
from ssrl_train.resume import restored
from ssrl_train.sft import examples, make_sft_args
from ssrl_train.stages import Grpo, Sft
from ssrl_train.tiny import IMAGE_SLOT, Tiny, build_model, build_processor, load_processor, texts_of
from ssrl_train.trainer import train_supervised

pytest_plugins = ("train_rows",)
OPTIONS = {
    "per_device_train_batch_size": 16,
    "num_generations": 4,
    "max_completion_length": 4,
    "learning_rate": 1e-3,
    "gradient_checkpointing": False,
    "entropy_coef": 0.05,  # so that the weights move although no random answer is right
    "disable_tqdm": True,
}
TIMES = {"step_time", "train_runtime", "train_samples_per_second", "train_steps_per_second", "train_loss"}
RENAMED = ("llava", "qwen2_5_vl")
MENDED = "transformers has mended it: `resume.restored` can go, see its docstring"


def history(folder: Path) -> list[dict[str, Any]]:
    """What was logged, without what is a matter of time or of the last process alone."""
    entries = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    return [{key: value for key, value in entry.items() if key not in TIMES} for entry in entries]


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def saved(family: str, rows: Dataset, folder: Path, seed: int) -> Any:
    """A random model of a family, and the same saved as its trainer would save it."""
    processor = build_processor(Tiny(family), texts_of(rows))
    model = build_model(Tiny(family), processor, seed)
    model.save_pretrained(folder)
    return model


def stock(model: Any, folder: Path) -> Trainer:
    return Trainer(model, TrainingArguments(str(folder), use_cpu=True, report_to="none"))


@pytest.mark.parametrize("family", RENAMED)
def test_the_stock_trainer_loads_nothing_of_a_checkpoint(family: str, rows: Dataset, tmp_path: Path) -> None:
    saved(family, rows, tmp_path / "checkpoint-1", 1)
    model = saved(family, rows, tmp_path / "start", 0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    stock(model, tmp_path)._load_from_checkpoint(str(tmp_path / "checkpoint-1"))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items()), MENDED


@pytest.mark.parametrize("family", sorted(IMAGE_SLOT))
def test_a_trainer_is_given_the_weights_of_the_checkpoint(
    family: str, rows: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    there = saved(family, rows, tmp_path / "checkpoint-1", 1).state_dict()
    model = saved(family, rows, tmp_path / "start", 0)
    trainer = stock(model, tmp_path)
    with restored(trainer, tmp_path / "checkpoint-1"):
        trainer._load_from_checkpoint(str(tmp_path / "checkpoint-1"))
    assert all(torch.equal(value, there[name]) for name, value in model.state_dict().items())
    assert "keys in the checkpoint" not in caplog.text
    with restored(trainer, None):
        pass
    assert all(torch.equal(value, there[name]) for name, value in model.state_dict().items())


def test_a_checkpoint_of_another_model_is_refused(rows: Dataset, tmp_path: Path) -> None:
    saved("llava", rows, tmp_path / "checkpoint-1", 1)
    processor = build_processor(Tiny(layers=3), texts_of(rows))
    trainer = stock(build_model(Tiny(layers=3), processor, 0), tmp_path)
    with (
        pytest.raises(SsrlError, match="does not hold the weights of this model"),
        restored(trainer, tmp_path / "checkpoint-1"),
    ):
        pass


def grpo(model: Path, rows: Dataset, out: Path, **options: Any) -> Path:
    stage = Grpo({**OPTIONS, **options})
    args = make_args(stage, 0, out / "work", [])
    train_grpo(str(model), load_processor(model), decoded_once(rows), stage, args, out, lambda line: None)
    return out


def test_a_grpo_stage_resumed_in_a_later_pass_ends_with_the_same_bits(
    llava: Path, rows: Dataset, tmp_path: Path
) -> None:
    few = rows.select(range(6))  # a generation batch has four, so the fourth ends the third pass
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    options = {"max_steps": 4, "save_steps": 2, "beta": 0.1}
    whole = grpo(llava, few, tmp_path / "whole", **options)
    shutil.copytree(whole / "work" / "checkpoint-2", tmp_path / "killed" / "work" / "checkpoint-2")
    resumed = grpo(llava, few, tmp_path / "killed", **options)
    assert history(resumed) == history(whole)
    assert weights(resumed) == weights(whole)
    assert weights(whole) != (whole / "work" / "checkpoint-2" / "model.safetensors").read_bytes()


def test_an_sft_stage_resumed_in_a_later_epoch_ends_with_the_same_bits(
    llava: Path, rows: Dataset, tmp_path: Path
) -> None:
    few = rows.select(range(6))
    for name in ("whole", "killed"):
        out = tmp_path / name
        (out / "work").mkdir(parents=True)
        if name == "killed":
            shutil.copytree(tmp_path / "whole" / "work" / "checkpoint-3", out / "work" / "checkpoint-3")
        options = {"max_steps": 5, "save_steps": 1, "per_device_train_batch_size": 3, "learning_rate": 1e-3}
        stage = Sft(6, sft={**options, "disable_tqdm": True})
        args = make_sft_args(stage, 0, out / "work")
        given = examples(few)
        train_supervised(SFTTrainer, str(llava), load_processor(llava), given, stage, args, out, lambda line: None)
    whole, resumed = (
        [{key: value for key, value in entry.items() if key != "num_tokens"} for entry in history(tmp_path / name)]
        for name in ("whole", "killed")
    )
    assert resumed == whole
    assert weights(tmp_path / "killed") == weights(tmp_path / "whole")


def watched(model: Path, rows: Dataset, out: Path, **options: Any) -> list[tuple[int, list[str]]]:
    """The steps at which stock TRL generated, and the rows that it generated from."""
    seen: list[tuple[int, list[str]]] = []

    def reward(completions: list[Any], id: list[str], trainer_state: Any, **columns: Any) -> list[float]:
        seen.append((trainer_state.global_step, id))
        return [0.0] * len(completions)

    args = make_args(Grpo({**OPTIONS, **options}), 0, out, [])
    trainer = GRPOTrainer(str(model), reward, args, decoded_once(rows), processing_class=load_processor(model))
    begun = max(out.glob("checkpoint-*"), default=None)
    trainer.train(resume_from_checkpoint=begun and str(begun))
    return seen


def test_stock_trl_resumed_in_a_later_epoch_reads_the_first_one_again(
    llava: Path, rows: Dataset, tmp_path: Path
) -> None:
    few, options = rows.select(range(8)), {"max_steps": 4, "save_steps": 2}
    whole = watched(llava, few, tmp_path / "whole", **options)
    shutil.copytree(tmp_path / "whole" / "checkpoint-2", tmp_path / "killed" / "checkpoint-2")
    resumed = watched(llava, few, tmp_path / "killed", **options)
    assert [step for step, _ in resumed] == [2, 3]
    assert [ids for _, ids in resumed] == [ids for _, ids in whole[:2]], (
        "TRL has mended the order of rows after a resume: our sampler is needed for the curriculum alone"
    )
    assert [ids for _, ids in resumed] != [ids for _, ids in whole[2:]]


def test_stock_trl_resumed_inside_a_window_generates_it_again(llava: Path, rows: Dataset, tmp_path: Path) -> None:
    options = {"max_steps": 4, "save_steps": 1, "per_device_train_batch_size": 8, "steps_per_generation": 2}
    whole = watched(llava, rows, tmp_path / "whole", **options)
    assert [step for step, _ in whole] == [0, 2]
    shutil.copytree(tmp_path / "whole" / "checkpoint-1", tmp_path / "killed" / "checkpoint-1")
    resumed = watched(llava, rows, tmp_path / "killed", **options)
    assert [step for step, _ in resumed] == [1, 3], (
        "TRL has mended resuming inside a window: the fault about save_steps in `preflight.setup_faults` can go"
    )


@pytest.mark.parametrize(("steps", "parts", "window"), [(2, 1, 2), (4, 2, 2), (4, 4, 1), (4, 3, 4)])
def test_saving_inside_a_window_is_refused(steps: int, parts: int, window: int, tmp_path: Path) -> None:
    options = {**OPTIONS, "steps_per_generation": steps, "gradient_accumulation_steps": parts}
    for every in range(1, 9):
        args = make_args(Grpo({**options, "save_steps": every}), 0, tmp_path, [])
        found = [fault for fault in setup_faults(args, False) if "save_steps" in fault]
        assert bool(found) == bool(every % window)
        assert not found or found[0].endswith(f"a multiple of {window}")
