"""Presets of what TRL has, and mixtures of experts: what a stage gets, what it is told, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from curriculum_run import ROWS, made_rows
from transformers import AutoTokenizer
from trl import GRPOConfig

from ssrl_data.core import SsrlError
from ssrl_train.config import parse
from ssrl_train.curriculum import Uniform
from ssrl_train.experts import Routing
from ssrl_train.grpo import Trainer, make_args
from ssrl_train.presets import PRESETS, told
from ssrl_train.rewards import form
from ssrl_train.run import run
from ssrl_train.stages import Grpo
from ssrl_train.tiny import CHOSEN, EXPERTS, Tiny, build_model, build_processor

pytest_plugins = ("train_rows",)
SMALL: dict[str, Any] = {
    "gradient_checkpointing": False,
    "per_device_train_batch_size": 8,
    "num_generations": 4,
    "max_completion_length": 4,
    "max_steps": 1,
    "save_strategy": "no",
    "disable_tqdm": True,
}


def stage(**body: Any) -> Grpo:
    stages = [{"method": "grpo", **body}]
    (one,) = parse({"data": "d", "out": "o", "model": {"tiny": "llava"}, "stages": stages}, "test").stages
    assert isinstance(one, Grpo)
    return one


@pytest.mark.parametrize("name", PRESETS)
def test_trl_takes_what_a_preset_sets(name: str, tmp_path: Path) -> None:
    fields = PRESETS[name].fields
    assert stage(preset=name).grpo == fields
    args = make_args(stage(preset=name), 0, tmp_path, [])
    usual = GRPOConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False)
    assert {key: getattr(args, key) for key in fields} == fields
    assert any(getattr(usual, key) != value for key, value in fields.items()), "a preset that changes nothing"


def test_the_stages_own_options_go_before_a_preset_and_a_later_one_before_an_earlier() -> None:
    one = stage(preset=["dapo", "dr_grpo", "top_entropy"], grpo={"epsilon_high": 0.3, "num_generations": 4})
    assert one.preset == ("dapo", "dr_grpo", "top_entropy")
    assert one.grpo == {
        "loss_type": "dr_grpo",
        "scale_rewards": "none",
        "beta": 0.0,
        "epsilon": 0.2,
        "epsilon_high": 0.3,
        "mask_truncated_completions": True,
        "top_entropy_quantile": 0.2,
        "num_generations": 4,
    }
    sets, goes_before = told(one.preset, one.grpo)
    assert sets == (
        "preset dapo and dr_grpo and top_entropy sets loss_type: dr_grpo, epsilon: 0.2, beta: 0.0, scale_rewards: none,"
        " mask_truncated_completions: true, top_entropy_quantile: 0.2"
    )
    assert goes_before == "the stage's own epsilon_high: 0.3 goes before its preset"
    assert not list(told((), {"beta": 0.1}))


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        ("dpao", "test: stage 1: preset is 'dpao': did you mean 'dapo'"),
        (["dapo", "gpso"], "test: stage 1: preset is 'gpso': did you mean 'gspo'"),
        ({"dapo": 1}, "preset is {'dapo': 1}: known: cispo, dapo"),
        (3, "preset is 3: known: cispo, dapo"),
    ],
)
def test_an_unknown_preset_is_named(preset: Any, message: str) -> None:
    with pytest.raises(SsrlError) as caught:
        stage(preset=preset)
    assert message in str(caught.value)


def test_a_run_says_what_its_presets_set_and_refuses_experts_of_a_dense_model(dataset: Path, tmp_path: Path) -> None:
    body: dict[str, Any] = {"data": str(dataset), "out": str(tmp_path / "run"), "model": {"tiny": "llava"}}
    body |= {"track": "none", "eval": None}
    body["stages"] = [{"method": "grpo", "preset": ["gspo", "router_loss"], "grpo": {**SMALL, "epsilon": 0.1}}]
    said: list[str] = []
    message = "stage 1: router_aux_loss_coef is 0.001 and qwen3 is no mixture of experts .* leave it out, or the preset"
    with pytest.raises(SsrlError, match=message):
        run(parse(body, "test"), said.append)
    assert (
        "note: preset gspo and router_loss sets importance_sampling_level: sequence, loss_type: grpo, "
        "epsilon_high: 0.0004, beta: 0.0, router_aux_loss_coef: 0.001"
    ) in said
    assert "note: the stage's own epsilon: 0.1 goes before its preset" in said


@pytest.fixture
def mixture(tmp_path: Path) -> Path:
    """A tiny mixture of experts, saved."""
    tiny, folder = Tiny("qwen3_moe", spread=0.2), tmp_path / "mixture"
    processor = build_processor(tiny, [f"row {i}" for i in range(ROWS)])
    build_model(tiny, processor, 0).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def test_experts_are_counted_without_padding_and_once(mixture: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(mixture)
    model = build_model(Tiny("qwen3_moe"), tokenizer, 0)
    routing = Routing(model)
    reduced = type("One", (), {"reduce": staticmethod(lambda counts, reduction: counts)})
    ids = torch.tensor([[5, 6, 7, 0], [8, 9, 0, 0]])
    mask = (ids != 0).long()
    with routing.counted(mask):
        logits = model(input_ids=ids, attention_mask=mask, output_router_logits=True).router_logits
    seen = [layer[mask.flatten().bool()].topk(CHOSEN).indices.flatten() for layer in logits]
    shares = [torch.bincount(chosen, minlength=EXPERTS) / (5 * CHOSEN) for chosen in seen]
    found = routing.told(reduced)
    assert found["experts/max_share"] == pytest.approx(sum(float(share.max()) for share in shares) / len(shares))
    entropy = [-sum(p * math.log(p) for p in share.tolist() if p) / math.log(EXPERTS) for share in shares]
    assert found["experts/entropy"] == pytest.approx(sum(entropy) / len(entropy))
    model(input_ids=ids, attention_mask=mask)  # as a backward pass that computes again
    assert routing.told(reduced) == found
    for part in model.modules():
        if type(part).__name__ == "Qwen3MoeTopKRouter":
            torch.nn.init.zeros_(part.weight)  # ties: every token to the same two of four
    with routing.counted(mask):
        model(input_ids=ids, attention_mask=mask)
    assert routing.told(reduced) == pytest.approx({"experts/max_share": 0.5, "experts/entropy": 0.5})
    dense = Routing(torch.nn.Linear(2, 2))
    with dense.counted(mask):
        assert dense.told(reduced) == {}


def test_a_mixture_of_experts_is_trained_with_its_router_loss(mixture: Path, tmp_path: Path) -> None:
    given = {**SMALL, "max_steps": 2, "learning_rate": 1e-2, "router_aux_loss_coef": 0.5}
    args = make_args(stage(preset="router_loss", grpo=given), 0, tmp_path, [])
    rows = made_rows().add_column("meta", ["{}"] * ROWS)
    trainer = Trainer(str(mixture), AutoTokenizer.from_pretrained(mixture), rows, form, args, Uniform())
    routers = {name: part.detach().clone() for name, part in trainer.model.named_parameters() if "gate.weight" in name}
    trainer.train()
    steps = [entry for entry in trainer.state.log_history if "aux_loss" in entry]
    assert len(steps) == 2
    for entry in steps:
        assert 1 / EXPERTS <= entry["experts/max_share"] <= 1 / CHOSEN
        assert 0 < entry["experts/entropy"] <= 1
        assert entry["reward"] == 0  # so the router's loss is all there is
        assert entry["loss"] == pytest.approx(0.5 * entry["aux_loss"], rel=1e-4)
    assert len(routers) == 2
    assert all(not torch.equal(trainer.model.get_parameter(name), before) for name, before in routers.items())
