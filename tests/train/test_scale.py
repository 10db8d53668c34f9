"""Configs for GPUs, on a machine without one: they resolve, agree and fit by arithmetic. None of them is run here."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser
from accelerate.utils.launch import prepare_deepspeed_cmd_env, prepare_multi_gpu_env
from command import ROOT
from trl.scripts.vllm_serve import ScriptArguments, build_command

from ssrl_data.core import SsrlError
from ssrl_train.config import load_config
from ssrl_train.sharding import save_faults
from ssrl_train.stages import Grpo, Sft

ACCELERATE = sorted((ROOT / "tasks/recipes/accelerate").glob("*.yaml"))
GPU = [
    path
    for path in sorted((ROOT / "tasks/recipes/train").glob("*.yaml"))
    if isinstance((body := yaml.safe_load(path.read_text(encoding="utf-8")))["model"], str)
    and "use_vllm" in path.read_text(encoding="utf-8")
]
CARD = 80e9
BILLIONS = {
    "Qwen/Qwen3-1.7B": 1.72,
    "Qwen/Qwen3-4B": 4.02,
    "Qwen/Qwen3-4B-Base": 4.02,
    "Qwen/Qwen3-4B-Instruct-2507": 4.02,
    "Qwen/Qwen3-8B": 8.19,
    "Qwen/Qwen2.5-3B-Instruct": 3.09,
    "Qwen/Qwen2.5-VL-3B-Instruct": 3.75,
    "Qwen/Qwen2.5-VL-7B-Instruct": 8.29,
    "Qwen/Qwen2.5-VL-32B-Instruct": 33.5,
    "Qwen/Qwen3-VL-2B-Instruct": 2.13,
    "Qwen/Qwen3-VL-8B-Instruct": 8.77,
}


def commands(path: Path) -> list[list[str]]:
    """The commands in the comment at the head of a config, as a shell would split them."""
    lines = path.read_text(encoding="utf-8").split("\n")
    head = [line[1:].strip() for line in lines[: next(i for i, line in enumerate(lines) if line[:1] != "#")]]
    text = re.sub(r"\\\n", " ", "\n".join(head))
    found = [
        shlex.split(line) for line in text.split("\n") if re.match(r"(\w+=\S+ )*(accelerate launch|vllm serve)", line)
    ]
    return [[word for i, word in enumerate(words) if not re.match(r"[A-Z_]+=", word)] for words in found]


def launched(words: list[str]) -> tuple[Any, Mapping[str, str]]:
    """The arguments that `accelerate launch` makes of a command, and the environment that it starts processes in."""
    assert words[:2] == ["accelerate", "launch"]
    given = [{"RANK": "0", "ADDRESS_OF_0": "127.0.0.1"}.get(word, word) for word in words[2:]]
    args, _, _ = _validate_launch_command(launch_command_parser().parse_args(given))
    assert args.no_python
    assert [args.training_script, *args.training_script_args[:1]] == ["ssrl", "train"]
    if args.use_deepspeed:
        args.deepspeed_fields_from_accelerate_config = ""
        return args, prepare_deepspeed_cmd_env(args)[1]
    return args, prepare_multi_gpu_env(args)


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_there_are_configs_for_many_gpus() -> None:
    assert {path.stem for path in ACCELERATE} == {"fsdp2", "fsdp2-2nodes", "zero3"}
    assert {"qwen3-8b-full", "qwen2.5-vl-7b-full", "qwen2.5-vl-32b-full"} <= {path.stem for path in GPU}


@pytest.mark.parametrize("path", ACCELERATE, ids=lambda path: path.stem)
def test_accelerate_reads_its_config_and_saves_whole_models(path: Path) -> None:
    config = load_config_from_file(str(path))
    (words,) = commands(path)
    args, environment = launched(words)
    assert args.config_file == str(path.relative_to(ROOT))
    machines = 2 if path.stem.endswith("2nodes") else 1
    assert (config.num_machines, config.num_processes, config.mixed_precision) == (machines, 8 * machines, "bf16")
    assert not list(save_faults(environment))
    if path.stem == "zero3":
        assert config.deepspeed_config["zero_stage"] == 3
        assert environment["ACCELERATE_DEEPSPEED_ZERO_STAGE"] == "3"
    else:
        assert config.fsdp_config["fsdp_version"] == 2
        assert (environment["ACCELERATE_USE_FSDP"], environment["FSDP_VERSION"]) == ("true", "2")
    # What TRL's preset says too, the number of machines and processes apart.
    preset = yaml.safe_load((files("trl.accelerate_configs") / f"{path.stem.partition('-')[0]}.yaml").read_text())
    ours = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key in ours.keys() - {"num_machines", "num_processes"}:
        assert ours[key] == preset[key], key


def test_settings_that_save_no_whole_model_are_refused(tmp_path: Path) -> None:
    (words,) = commands(ROOT / "tasks/recipes/accelerate/fsdp2.yaml")
    body = yaml.safe_load((ROOT / "tasks/recipes/accelerate/fsdp2.yaml").read_text(encoding="utf-8"))
    body["fsdp_config"]["fsdp_state_dict_type"] = "SHARDED_STATE_DICT"
    (tmp_path / "fsdp.yaml").write_text(yaml.safe_dump(body), encoding="utf-8")
    words[words.index("--config_file") + 1] = str(tmp_path / "fsdp.yaml")
    (fault,) = save_faults(launched(words)[1])
    assert "SHARDED_STATE_DICT" in fault
    (fault,) = save_faults({"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"})
    assert "set it to FULL_STATE_DICT" in fault
    assert not list(save_faults({"ACCELERATE_USE_FSDP": "true"}))

    zero = {"ACCELERATE_USE_DEEPSPEED": "true", "ACCELERATE_DEEPSPEED_ZERO_STAGE": "3"}
    (fault,) = save_faults(zero)
    assert "zero3_save_16bit_model" in fault
    assert not list(save_faults(zero | {"ACCELERATE_DEEPSPEED_ZERO_STAGE": "2"}))
    file = tmp_path / "ds.json"
    file.write_text(json.dumps({"zero_optimization": {"stage": 3}}), encoding="utf-8")
    (fault,) = save_faults(zero | {"ACCELERATE_DEEPSPEED_CONFIG_FILE": str(file)})
    assert f"stage3_gather_16bit_weights_on_model_save to true under zero_optimization in {file}" in fault
    assert not list(save_faults({}))


def test_how_a_model_is_spread_is_said_to_accelerate_alone(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("{data: d, out: o, model: m, stages: [{method: grpo, grpo: {fsdp: full_shard}}]}")
    with pytest.raises(SsrlError, match="fsdp is set by the run: use `accelerate launch --config_file`"):
        load_config(path)


@pytest.mark.parametrize("path", GPU, ids=lambda path: path.stem)
def test_a_config_fits_the_gpus_that_it_is_for(path: Path) -> None:
    config, said = load_config(path), commands(path)
    weights = 1e9 * BILLIONS[str(config.model)]
    launches = [words for words in said if words[0] == "accelerate"]
    processes = launched(launches[0])[0].num_processes if launches else 1
    if launches:
        assert [word for word in launches[0] if word.endswith(".yaml")][-1] == str(path.relative_to(ROOT))
    for stage in config.stages:
        if not isinstance(stage, (Grpo, Sft)):
            continue
        options = stage.grpo if isinstance(stage, Grpo) else stage.sft
        assert options["gradient_checkpointing_kwargs"] == {"use_reentrant": False}
        assert not {"bf16", "fp16"} & options.keys(), "TRL's own default, bf16, is accelerate's too"
        wide = 4 if options["model_init_kwargs"]["dtype"] == "float32" else 2
        assert wide == 4 or stage.lora is not None
        # Weights; and where all are trained, their gradients and the two moments of Adam.
        held = weights * wide * (4 if stage.lora is None else 1) / processes
        if isinstance(stage, Grpo):
            _fits(stage.grpo, said, held, weights, processes)


def _fits(options: Mapping[str, Any], said: list[list[str]], held: float, weights: float, processes: int) -> None:
    together = options["per_device_train_batch_size"] * options["gradient_accumulation_steps"] * processes
    assert together % options["num_generations"] == 0
    assert options["vllm_max_model_length"] > options["max_completion_length"]
    servers = [words for words in said if words[:2] == ["vllm", "serve"]]
    if options["vllm_mode"] == "colocate":
        share = options["vllm_gpu_memory_utilization"] * CARD
        assert not servers
        assert share > 2 * weights, "vLLM's own copy, in bfloat16"
        assert held + share < 0.95 * CARD
        return
    ((_, _, model, *flags),) = servers
    value = dict(pairwise(flags))
    assert held < 0.5 * CARD, "half of it is for activations, and for gathering what is spread"
    parallel = int(value["--tensor-parallel-size"])
    assert 2 * weights / parallel < 0.5 * CARD
    assert int(value["--max-model-len"]) == options["vllm_max_model_length"]
    # What TRL's own, deprecated command would start: every flag of it that ours leaves out has vLLM's default.
    theirs = build_command(ScriptArguments(model, tensor_parallel_size=parallel, max_model_len=2048))
    wanted = theirs[theirs.index("--weight-transfer-config") :]
    assert dict(zip(wanted[::2], wanted[1::2], strict=True)).items() <= value.items()
    assert value["--port"] == options["vllm_server_base_url"].rpartition(":")[2]
