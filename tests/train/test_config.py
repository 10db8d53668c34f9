from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import yaml
from command import ROOT

from ssrl_data.core import SsrlError
from ssrl_train.config import Config, load_config
from ssrl_train.grpo import make_args, prompts_a_batch
from ssrl_train.preflight import setup_faults
from ssrl_train.sft import make_sft_args
from ssrl_train.stages import Format, Grpo, Sample, Sft
from ssrl_train.tiny import Tiny

SHIPPED = sorted((ROOT / "tasks/recipes/train").glob("*.yaml"))
TOKENS = {
    "demo": 4,
    "step_order": 9,
    "spatial_ssrl": 2048,
    **dict.fromkeys(("mr_rlvr", "co_reward"), 3072),
    **dict.fromkeys(("pretrainzero", "pretrainzero_active", "light_if"), 4096),
    "specs_grpo": 1024,
    "ladder": 3072,
    "autoif": 2048,
    **dict.fromkeys(("qwen3-1.7b-full", "qwen3-4b-lora", "qwen3-8b-full"), 2048),
    "openvlthinker": 1024,
    "curriculum": 4,
    "smollm2": 12,
}
GRPO = {"method": "grpo", "grpo": {"max_steps": 2}}
SAMPLE = {"method": "sample", "name": "probe"}
BASE = {"data": "d", "out": "o", "model": "m", "stages": [GRPO]}


def write(folder: Path, body: object) -> Path:
    path = folder / "run.yaml"
    path.write_text(body if isinstance(body, str) else yaml.safe_dump(json.loads(json.dumps(body))), encoding="utf-8")
    return path


def test_reads_every_part(tmp_path: Path) -> None:
    body = {
        "data": "d",
        "out": "o",
        "seed": 3,
        "model": {"tiny": "qwen3_vl", "side": 32},
        "modality": "image",
        "stages": [
            {"method": "format", "steps": 5},
            {"method": "sft", "rows": 9, "sft": {"num_train_epochs": 5}, "lora": {"r": 2}},
            {**GRPO, "lora": {"r": 4}},
        ],
        "eval": {"split": "val", "rows": 10, "max_new_tokens": 7},
    }
    config = load_config(write(tmp_path, body))
    assert (config.data, config.out, config.seed, config.modality) == (Path("d"), Path("o"), 3, "image")
    assert config.model == Tiny("qwen3_vl", side=32)
    assert config.stages == (
        Format(steps=5),
        Sft(9, {"num_train_epochs": 5}, {"r": 2}),
        Grpo({"max_steps": 2}, {"r": 4}),
    )
    assert config.eval is not None
    assert (config.eval.split, config.eval.rows, config.response_tokens()) == ("val", 10, 7)


def test_a_loop_is_written_out_and_names_mean_the_latest(tmp_path: Path) -> None:
    inner = [SAMPLE, {"method": "sft", "responses": "probe", "keep": [0.5, 1]}, {**GRPO, "from": "sft"}]
    stages = [
        {"method": "format"},
        {"repeat": 2, "stages": inner},
        {**GRPO, "from": "format"},
        {**GRPO, "from": "start"},
    ]
    config = load_config(write(tmp_path, {**BASE, "stages": stages}))
    assert [type(stage) for stage in config.stages] == [Format, *2 * [Sample, Sft, Grpo], Grpo, Grpo]
    # Place of the stage that each goes on from: a sample stage makes no model, and a name means the latest.
    assert [config.origin(i) for i in range(9)] == [None, 0, 0, 2, 3, 3, 5, 0, None]
    assert [config.sampled(i, "probe") for i in (2, 5)] == [1, 4]


def test_the_command_line_comes_first(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, BASE), Path("x"), Path("y"), 0)
    assert (config.data, config.out, config.seed) == (Path("x"), Path("y"), 0)
    without = {key: value for key, value in BASE.items() if key not in ("data", "out")}
    assert load_config(write(tmp_path, without), Path("x"), Path("y")).data == Path("x")


def test_yaml_reads_1e_5_as_text_and_we_as_a_number(tmp_path: Path) -> None:
    path = write(tmp_path, "data: d\nout: o\nmodel: m\nstages:\n- {method: grpo, grpo: {learning_rate: 1e-5}}\n")
    (stage,) = load_config(path).stages
    assert isinstance(stage, Grpo)
    assert stage.grpo["learning_rate"] == 1e-5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stage": []}, r"unknown key 'stage': did you mean 'stages'"),
        ({"stages": [], "eval": None}, "no stage and no eval"),
        ({"stages": [{"repeat": 0, "stages": [GRPO]}]}, "stage 1: repeat must be an integer from 1"),
        ({"stages": [{"repeat": 2, "stage": [GRPO]}]}, "unknown key 'stage': did you mean 'stages'"),
        ({"stages": [{"repeat": 2, "stages": [{"method": "gpro"}]}]}, "stage 1: stage 1: method is 'gpro'"),
        ({"stages": [{**GRPO, "from": "warm"}]}, "stage 1 goes on from 'warm' and no stage before it"),
        ({"stages": [SAMPLE, {**GRPO, "from": "probe"}]}, "stage 2 goes on from 'probe' and no stage before it"),
        ({"stages": [{**GRPO, "start": "previous"}]}, "unknown key 'start'"),
        ({"stages": [{**GRPO, "name": "start"}]}, "name is 'start': choose another one"),
        ({"stages": [{**GRPO, "name": "a/b"}]}, "name is 'a/b': choose another one"),
        ({"stages": [{**GRPO, "pass_rates": "probe"}]}, "add {method: sample} before it"),
        ({"stages": [SAMPLE, {**GRPO, "pass_rates": "prob"}]}, "did you mean 'probe'"),
        ({"stages": [{**GRPO, "keep": [0.1, 0.9]}]}, "keep wants pass_rates"),
        ({"stages": [SAMPLE, {**GRPO, "pass_rates": "probe", "keep": [0.9, 0.1]}]}, "two rising shares"),
        ({"stages": [SAMPLE, {**GRPO, "pass_rates": "probe", "keep": [0.9]}]}, "two rising shares"),
        ({"stages": [SAMPLE, {"method": "sft", "keep": [0.5, 1]}]}, "keep wants responses"),
        ({"stages": [SAMPLE, {"method": "sft", "responses": "probe", "each": 0}]}, "each is 0"),
        ({"stages": [{**SAMPLE, "temperature": 0}]}, "stage 1: k is 8 at temperature 0"),
        ({"stages": [{**SAMPLE, "top_p": 1.5}]}, "stage 1: top_p is 1.5"),
        ({"stages": [{"method": "dpo"}]}, "dpo wants pairs"),
        ({"stages": [{"method": "dpo", "data": "folder"}]}, "dpo wants pairs"),
        ({"stages": [{**GRPO, "until": {"metric": "reward"}}]}, "exactly one of above and below"),
        ({"stages": [{**GRPO, "until": {"abov": 1.0}}]}, "did you mean 'above'"),
        ({"stages": [{**GRPO, "reward": "verfy"}]}, "reward is 'verfy': did you mean 'verify'"),
        ({"stages": [{**GRPO, "curriculum": {"kind": "fronter"}}]}, "kind is 'fronter': did you mean 'frontier'"),
        ({"stages": [{**GRPO, "grpo": {"report_to": "wandb"}}]}, "report_to is set by the run: use `track`"),
        ({"track": "trakio"}, "track is 'trakio': did you mean 'trackio'"),
        ({"stages": {"method": "grpo"}}, "stages must be a list"),
        ({"stages": [{"method": "gpro"}]}, r"stage 1: method is 'gpro': did you mean 'grpo'"),
        ({"stages": [{"method": "grpo", "grpo": {"num_generation": 8}}]}, "did you mean 'num_generations'"),
        ({"stages": [{"method": "grpo", "grpo": {"output_dir": "x"}}]}, "output_dir is set by the run: use `out`"),
        ({"stages": [{"method": "grpo", "grpo": {"learning_rate": "fast"}}]}, "learning_rate must be a number"),
        ({"stages": [{"method": "grpo", "grpo": {"log_completions": "yes"}}]}, "must be true or false"),
        ({"stages": [{"method": "grpo", "lora": {"rank": 8}}]}, "peft has no LoRA option 'rank'"),
        ({"stages": [{"method": "grpo", "lora": {"r": 0}}]}, "lora: r must be an integer of at least 1"),
        ({"stages": [{"method": ["grpo"]}]}, r"stage 1: method is \['grpo'\]"),
        (
            {"stages": [{"method": "grpo", "grpo": {"learning_rate": [1]}}]},
            r"learning_rate must be a number, got \[1\]",
        ),
        ({"stages": [{"method": "grpo", "grpo": {"max_steps": True}}]}, "max_steps must be a number, got True"),
        ({"stages": [{"method": "format", "learning_rate": [1]}]}, "learning_rate must be float"),
        ({"stages": [{"method": "format", "step": 5}]}, "did you mean 'steps'"),
        ({"stages": [{"method": "format", "steps": 0}]}, "steps is 0"),
        ({"stages": [{"method": "format", "steps": "many"}]}, "steps must be int"),
        ({"stages": [{"method": "sft", "rows": 0}]}, "rows is 0: it must be at least 1"),
        ({"stages": [{"method": "sft", "rows": "all"}]}, "rows must be int"),
        ({"stages": [{"method": "sft", "grpo": {}}]}, "unknown key 'grpo'"),
        ({"stages": [{"method": "sft", "sft": {"num_epochs": 5}}]}, "no option 'num_epochs' in SFTConfig"),
        ({"stages": [{"method": "sft", "sft": {"packing": True}}]}, "packing is set by the run: use nothing: rows"),
        ({"stages": [{"method": "sft", "sft": [1]}]}, "expected a mapping"),
        ({"stages": [{"method": "sft", "lora": {"rank": 8}}]}, "peft has no LoRA option 'rank'"),
        ({"eval": {"spilt": "test"}}, "did you mean 'split'"),
        ({"eval": {"batch": 0}}, "batch is 0"),
        ({"model": {"tiny": "lava"}}, "did you mean 'llava'"),
        ({"model": {"side": 16}}, "model must be a hub name"),
        ({"model": {"tiny": "llava", "sid": 16}}, "did you mean 'side'"),
        ({"seed": -1}, "seed must be an integer"),
        ({"seed": True}, "seed must be an integer"),
        ({"data": 3}, "data must be a folder"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_it(change: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match=message) as caught:
        load_config(write(tmp_path, {**BASE, **change}))
    assert "\n" not in str(caught.value)


def test_what_trl_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    stage = Grpo({"num_generations": 3, "per_device_train_batch_size": 8})
    with pytest.raises(SsrlError, match="TRL refuses"):
        make_args(stage, 0, tmp_path, [])


def test_there_are_configs_for_the_demo_and_for_one_gpu() -> None:
    assert {path.stem for path in SHIPPED} >= {
        "demo",
        "qwen2.5-vl-3b-lora",
        "qwen2.5-vl-3b-full",
        "qwen2.5-vl-7b-lora",
        "qwen3-vl-8b-lora",
        "qwen3-vl-2b-full",
    }


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_config_becomes_trls_options(path: Path, tmp_path: Path) -> None:
    config = load_config(path)
    for stage in config.stages:
        if isinstance(stage, Sft):
            options = make_sft_args(stage, config.seed, tmp_path)
            assert {key: getattr(options, key) for key in stage.sft} == dict(stage.sft)
            assert options.max_length is None
        if isinstance(stage, Grpo):
            args = make_args(stage, config.seed, tmp_path, [7])
            assert {key: getattr(args, key) for key in stage.grpo} == dict(stage.grpo)
            assert prompts_a_batch(args) >= 8
            assert args.use_vllm or args.generation_kwargs == {"suppress_tokens": [7]}
    assert config.response_tokens() == TOKENS.get(path.stem, 512)


def test_the_published_training_begins_with_a_cold_start(tmp_path: Path) -> None:
    cold, grpo = load_config(ROOT / "tasks/recipes/train/spatial_ssrl.yaml").stages
    assert isinstance(cold, Sft)
    assert (cold.rows, cold.lora and cold.lora["r"], cold.sft["num_train_epochs"]) == (3600, 128, 5)
    assert isinstance(grpo, Grpo)
    args = make_args(grpo, 0, tmp_path, [])
    assert (prompts_a_batch(args), args.num_generations, args.beta, args.learning_rate) == (256, 5, 0.01, 1e-6)
    updates = args.generation_batch_size // (args.per_device_train_batch_size * args.gradient_accumulation_steps)
    assert updates == 2
    assert not [fault for fault in setup_faults(args, gpu=True) if "not installed" not in fault]


def test_tokens_that_the_user_forbids_stay_forbidden(tmp_path: Path) -> None:
    stage = Grpo({"generation_kwargs": {"suppress_tokens": [2, 9], "num_beams": 1}})
    assert make_args(stage, 0, tmp_path, [7, 9]).generation_kwargs == {"suppress_tokens": [2, 7, 9], "num_beams": 1}


def test_config_is_frozen(tmp_path: Path) -> None:
    config: Config = load_config(write(tmp_path, BASE))
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.seed = 1  # type: ignore[misc]
