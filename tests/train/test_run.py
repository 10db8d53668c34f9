from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from command import ROOT, ssrl
from datasets import Dataset

from ssrl_data.core import SsrlError
from ssrl_train.config import Config, Eval, load_config
from ssrl_train.rows import column, load_rows, mean_chance, sample
from ssrl_train.run import run
from ssrl_train.stages import Format, Grpo
from ssrl_train.tiny import Tiny
from ssrl_train.trainer import last_checkpoint

pytest_plugins = ("train_rows",)
OPTIONS = {
    "max_steps": 4,
    "per_device_train_batch_size": 16,
    "num_generations": 4,
    "max_completion_length": 4,
    "learning_rate": 1e-3,
    "gradient_checkpointing": False,
    "save_steps": 2,
}


@pytest.fixture
def config(dataset: Path, tmp_path: Path) -> Config:
    stages = (Format(steps=30, batch=16), Grpo(OPTIONS))
    return Config(dataset, tmp_path / "run", Tiny(), stages, eval=Eval(rows=12, batch=6))


def test_a_run_leaves_a_model_a_curve_and_a_result_and_is_done_once(config: Config) -> None:
    said: list[str] = []
    result = run(config, said.append)
    assert result == json.loads((config.out / "result.json").read_text())
    assert (result["steps"], result["rows"], result["train_rows"]) == (4, 12, 96)
    assert result["photographs"] == len(set(sample(load_rows(config.data, "test"), 12)["source_id"]))
    assert (result["chance"], result["reward_chance"]) == (0.25, 0.25)
    assert result["interval"][0] <= result["after"] <= result["interval"][1]
    assert result["reward_last"] is not None
    assert (config.out / "reward.png").read_bytes().startswith(b"\x89PNG")
    assert (config.out / "model" / "model.safetensors").is_file()
    history = json.loads((config.out / "model" / "trainer_state.json").read_text())["log_history"]
    assert [entry["step"] for entry in history if "reward" in entry] == [1, 2, 3, 4]
    assert all("exact" in entry for entry in history if "reward" in entry)
    assert any("step 4/4" in line for line in said)

    stamp = (config.out / "model" / "model.safetensors").stat().st_mtime_ns
    said.clear()
    assert run(config, said.append) == result
    assert not [line for line in said if line.startswith("stage")]
    assert (config.out / "model" / "model.safetensors").stat().st_mtime_ns == stamp

    with pytest.raises(SsrlError, match="0-start was made with another seed: 0 there, 1 now"):
        run(replace(config, seed=1))
    with pytest.raises(
        SsrlError, match=r"2-grpo was made with another stage\.grpo\.learning_rate: 0\.001 there, 0\.1 now"
    ):
        run(replace(config, stages=(config.stages[0], Grpo({**OPTIONS, "learning_rate": 0.1}))))

    kept = pq.read_table(sorted((config.out / "eval" / "2-grpo").glob("rollouts-*.parquet")))
    assert kept["id"].to_pylist() == column(sample(load_rows(config.data, "test"), 12), "id")
    assert sum(kept["exact"].to_pylist()) / 12 == pytest.approx(result["after"])

    # A stage more goes on from what is there.
    model = (config.out / "stages" / "2-grpo" / "model.safetensors").stat().st_mtime_ns
    longer = replace(config, stages=(*config.stages, Grpo({**OPTIONS, "max_steps": 2}, name="more")))
    assert run(longer, said.append)["steps"] == 6
    assert (config.out / "stages" / "2-grpo" / "model.safetensors").stat().st_mtime_ns == model
    assert (config.out / "model").resolve().name == "3-more"


def test_killed_in_a_stage_it_goes_on_from_the_last_checkpoint(config: Config, tmp_path: Path) -> None:
    body = {
        "data": str(config.data),
        "out": str(config.out),
        "model": {"tiny": "llava"},
        "stages": [
            {"method": "format", "steps": 30, "batch": 16},
            {"method": "grpo", "grpo": {**OPTIONS, "max_steps": 40}},
        ],
        "eval": {"rows": 12},
    }
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(body), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "ssrl"), "train", str(path)]
    victim = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    work = config.out / "checkpoints" / "2-grpo"
    deadline = time.monotonic() + 240
    while last_checkpoint(work) is None:
        assert victim.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    assert not (config.out / "model").exists()
    begun = last_checkpoint(work)
    assert begun is not None
    stamp = (config.out / "stages" / "1-format" / "model.safetensors").stat().st_mtime_ns

    said: list[str] = []
    settings = load_config(path)
    result = run(settings, said.append)
    assert any(line == f"resuming from {begun}" for line in said), said
    assert result["steps"] == 40
    assert (config.out / "stages" / "1-format" / "model.safetensors").stat().st_mtime_ns == stamp
    history = json.loads((config.out / "model" / "trainer_state.json").read_text())["log_history"]
    assert [entry["step"] for entry in history if "reward" in entry] == list(range(1, 41))


def test_two_runs_never_work_in_one_folder(config: Config) -> None:
    config.out.mkdir()
    hold = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(1, flush=True); input()"
    command = [sys.executable, "-c", hold, str(config.out / ".lock")]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    with pytest.raises(SsrlError, match="another run is at work in") as caught:
        run(config, lambda line: None)
    assert "\n" not in str(caught.value)
    holder.kill()
    holder.wait()
    short = replace(config, stages=(Format(steps=1, batch=2),), eval=None)
    assert run(short, lambda line: None)["train_rows"] == 96


def test_a_checkpoint_that_was_cut_off_is_passed_over(tmp_path: Path) -> None:
    for name, state in (
        ("checkpoint-2", "{}"),
        ("checkpoint-10", "{}"),
        ("checkpoint-12", '{"glob'),
        ("checkpoint-14", None),
    ):
        (tmp_path / name).mkdir()
        if state is not None:
            (tmp_path / name / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"
    assert last_checkpoint(tmp_path / "none") is None


def test_another_dataset_in_the_same_place_is_another_run(config: Config, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(config.data, moved)
    short = replace(config, stages=(Format(steps=1, batch=2),), eval=None)
    run(replace(short, data=moved), lambda line: None)
    run(short, lambda line: None)  # the same rows elsewhere are the same run
    manifest = json.loads((moved / "manifest.json").read_text())
    (moved / "manifest.json").write_text(json.dumps({**manifest, "fingerprint": "other"}))
    with pytest.raises(SsrlError, match="0-start was made with another data"):
        run(replace(short, data=moved), lambda line: None)


def test_a_reference_model_needs_no_model_on_the_hub(config: Config) -> None:
    stage = Grpo({**OPTIONS, "max_steps": 1, "beta": 0.1})
    assert run(replace(config, stages=(stage,), eval=None), lambda line: None)["steps"] == 1


def test_faults_stop_the_run_before_a_model_is_there(config: Config) -> None:
    stage = Grpo({**OPTIONS, "per_device_train_batch_size": 512})
    with pytest.raises(SsrlError, match="zero steps"):
        run(replace(config, stages=(stage,)), lambda line: None)
    assert not (config.out / "stages").exists()
    short = Grpo({**OPTIONS, "max_completion_length": 3})
    with pytest.raises(SsrlError, match="never be rewarded"):
        run(replace(config, stages=(short,), out=config.out.with_name("other")), lambda line: None)


def test_a_mistake_is_one_sentence_and_exit_code_2(tmp_path: Path, rows: Dataset) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("data: nowhere\nout: o\nmodel: m\nstages: [{method: grpo}]\n", encoding="utf-8")
    found = ssrl("train", path, "--out", tmp_path / "o")
    assert found.returncode == 2
    assert found.stderr.splitlines() == [
        "ssrl: nowhere: no dataset there (data/<modality>/*.parquet): build one with `ssrl build`"
    ]


def test_an_out_folder_that_is_a_file_is_one_sentence(config: Config, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    for out in (tmp_path / "taken", tmp_path / "taken" / "deeper"):
        with pytest.raises(SsrlError, match="cannot be a folder: a file is in its place") as caught:
            run(replace(config, out=out), lambda line: None)
        assert "\n" not in str(caught.value)


def test_a_sample_is_of_the_smallest_ids_wherever_rows_lie(rows: Dataset) -> None:
    ids = column(rows, "id")
    few = column(sample(rows, 12), "id")
    assert sorted(few) == sorted(ids)[:12]
    assert few == [one for one in ids if one in few], "in the order of the rows"
    assert few != ids[:12]
    turned = rows.select(range(len(rows) - 1, -1, -1))
    assert set(column(sample(turned, 12), "id")) == set(few)
    assert column(sample(rows, 0), "id") == column(sample(rows, len(ids) + 1), "id") == ids


def test_the_rewards_chance_is_the_mean_of_its_column() -> None:
    assert mean_chance(Dataset.from_dict({"chance": [0.5, None, 0.25]})) == 0.375
    assert mean_chance(Dataset.from_dict({"chance": [None]})) is None


def test_rows_are_found_or_named(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match="no split 'validation': it has test, train"):
        load_rows(dataset, "validation")
    with pytest.raises(SsrlError, match="no modality 'video': it has image"):
        load_rows(dataset, "train", "video")


def test_parts_with_pictures_are_one_and_texts_apart(dataset: Path, tmp_path: Path) -> None:
    for name in ("depth", "image", "text"):
        shutil.copytree(dataset / "data" / "image", tmp_path / "data" / name)
    rows = load_rows(dataset, "train")
    assert column(load_rows(tmp_path, "train"), "id") == 3 * column(rows, "id")
    assert column(load_rows(tmp_path, "train", "depth"), "id") == column(rows, "id")
    for path in (tmp_path / "data" / "text").iterdir():
        table = pq.read_table(path)
        pq.write_table(table.drop_columns("images"), path)
    with pytest.raises(SsrlError, match="depth and image and text, which cannot be mixed"):
        load_rows(tmp_path, "train")
    assert len(load_rows(tmp_path, "train", "image")) == len(rows)
