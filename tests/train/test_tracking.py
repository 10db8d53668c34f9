"""Trackers get what the trainer logs, each step once, and what is local stays here."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from huggingface_hub import constants
from transformers import TrainerState
from trl import GRPOConfig, GRPOTrainer

from ssrl_data.core import SsrlError
from ssrl_train.memo import decoded_once
from ssrl_train.rewards import verify
from ssrl_train.tiny import load_processor
from ssrl_train.tracking import TensorBoard, Trackio, numbers, tracking, trackio_in

pytest_plugins = ("train_rows",)

WATCHERS: list[list[Any]] = []


def _note(event: str, arguments: Any) -> None:
    if event in ("socket.connect", "socket.getaddrinfo"):
        for seen in WATCHERS:
            seen.append((event, arguments))


@contextmanager
def asked() -> Iterator[list[Any]]:
    """The addresses that this process asks for or connects to."""
    if not WATCHERS:
        sys.addaudithook(_note)
    seen: list[Any] = []
    WATCHERS.append(seen)
    yield seen
    WATCHERS.remove(seen)


@pytest.fixture(scope="module")
def trained(rows: Dataset, llava: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A run's folder, and the trainer's log: four steps tracked, of which the last two were trained twice."""
    out = tmp_path_factory.mktemp("tracked") / "run_1"

    def train(steps: int, begun: Path | None) -> GRPOTrainer:
        args = GRPOConfig(
            output_dir=str(out / "checkpoints" / "1-grpo"),
            per_device_train_batch_size=8,
            num_generations=4,
            max_completion_length=4,
            max_steps=steps,
            save_steps=2,
            logging_steps=1,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            report_to="none",
            disable_tqdm=True,
        )
        trainer = GRPOTrainer(
            model=str(llava),
            reward_funcs=verify,
            args=args,
            train_dataset=decoded_once(rows),
            processing_class=load_processor(llava),
            callbacks=[call for name in ("trackio", "tensorboard") for call in tracking(name, out, "1-grpo")],
        )
        trainer.train(resume_from_checkpoint=str(begun) if begun else None)
        return trainer

    train(4, None)
    trainer = train(4, out / "checkpoints" / "1-grpo" / "checkpoint-2")
    return out, [entry for entry in trainer.state.log_history if "reward" in entry]


def test_trackio_has_every_step_of_a_resumed_stage_once(trained: tuple[Path, list[dict[str, Any]]]) -> None:
    out, history = trained
    trackio = trackio_in((out / "trackio").resolve())
    (run,) = trackio.Api().runs("ssrl-run-1")
    assert (run.name, run.config["per_device_train_batch_size"]) == ("1-grpo", 8)
    from trackio.sqlite_storage import SQLiteStorage

    stored = [entry for entry in SQLiteStorage.get_logs("ssrl-run-1", run.name, run_id=run.id) if "reward" in entry]
    assert [entry["step"] for entry in stored] == [1, 2, 3, 4]
    for found, logged in zip(stored, history, strict=True):
        assert {key: found[key] for key in numbers(logged)} == pytest.approx(numbers(logged), nan_ok=True)
    assert {"exact", "entropy", "completions/mean_length"} <= numbers(history[0]).keys()


def test_tensorboard_has_every_step_of_a_resumed_stage_once(trained: tuple[Path, list[dict[str, Any]]]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    out, history = trained
    found = EventAccumulator(str(out / "tensorboard" / "1-grpo"))
    found.Reload()
    for key in ("reward", "loss", "entropy"):
        events = found.Scalars(key)
        assert [event.step for event in events] == [1, 2, 3, 4]
        assert [event.value for event in events] == pytest.approx([entry[key] for entry in history], rel=1e-5)


def test_each_run_has_its_own_store_and_each_stage_its_own_run(tmp_path: Path) -> None:
    for folder, name in (("a", "1-sft"), ("b", "1-sft"), ("b", "2-grpo")):
        book = Trackio(tmp_path / folder, name)
        book.open([], 0, {})
        book.write(1, {"loss": 0.5})
        book.close()
    for folder, names in (("a", ["1-sft"]), ("b", ["1-sft", "2-grpo"])):
        runs = trackio_in((tmp_path / folder / "trackio").resolve()).Api().runs(f"ssrl-{folder}")
        assert sorted(run.name for run in runs) == names


def test_nothing_leaves_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", "hf_" + "a" * 34)
    with asked() as seen:
        for tracker in (Trackio, TensorBoard):
            book = tracker(tmp_path, "1-sft")
            book.open([{"step": 1, "loss": 0.75}], 1, {"seed": 0})
            book.write(2, {"loss": 0.5})
            book.close()
    assert seen == []
    assert constants.HF_HUB_OFFLINE is False
    assert capsys.readouterr().out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tensorboard", "trackio"]


def test_other_processes_than_the_main_one_track_nothing(tmp_path: Path) -> None:
    for track in ("trackio", "tensorboard"):
        (callback,) = tracking(track, tmp_path, "1-sft")
        state = TrainerState(is_world_process_zero=False)
        callback.on_train_begin(None, state, None)
        callback.on_log(None, state, None, logs={"loss": 1.0})
        callback.on_train_end(None, state, None)
    assert tracking("none", tmp_path, "1-sft") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("variable", ["TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL"])
def test_settings_that_send_are_refused(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "someone/somewhere")
    with pytest.raises(SsrlError, match=f"{variable} is set, which would have trackio send .*unset it"):
        tracking("trackio", tmp_path, "1-sft")
    assert len(tracking("tensorboard", tmp_path, "1-sft")) == 1


@pytest.mark.skipif(importlib.util.find_spec("wandb") is not None, reason="wandb is installed")
def test_a_tracker_that_is_not_installed_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        SsrlError, match="track is 'wandb' and wandb is not installed: run `pip install wandb`"
    ) as caught:
        tracking("wandb", tmp_path, "1-sft")
    assert "\n" not in str(caught.value)


def test_numbers_are_what_an_entry_measures() -> None:
    assert numbers({"loss": 0.5, "step": 3, "epoch": 1, "note": "x", "flag": True}) == {"loss": 0.5, "epoch": 1}
