"""The recipes that put a paper's stages together say what it says, and their small twins have the same stages."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import ROOT

from ssrl_data.pass_rates import bucket
from ssrl_data.recipe import load_recipe
from ssrl_train.active.proposing import batch_faults
from ssrl_train.config import Config, load_config
from ssrl_train.dpo import make_dpo_args
from ssrl_train.exports.settings import Engrave, Specs
from ssrl_train.grpo import make_args, prompts_a_batch
from ssrl_train.guard import Guard
from ssrl_train.signals.previewed import TAGS
from ssrl_train.signals.settings import CoVote, Preview
from ssrl_train.stages import Dpo, Grpo, Sample, Sft, guard_of, method_of
from ssrl_train.tokens import Tokens

RECIPES = ROOT / "tasks/recipes/train"
TWINS = sorted((RECIPES / "tiny").glob("*.yaml"))


def shipped(name: str) -> Config:
    return load_config(RECIPES / f"{name}.yaml")


def test_light_if_asks_for_the_form_learns_it_without_asking_and_goes_from_easy_to_hard() -> None:
    config = shipped("light_if")
    asked, cold, pools, *reinforced = config.stages
    assert isinstance(asked, Sample)
    assert all(tag in asked.preamble for tag in (*TAGS, "<think>", "</think>"))
    assert isinstance(cold, Sft)
    assert (cold.export, cold.tokens, cold.rows) == (Engrave(previewed=True), Tokens(0.8, 0.8), 2000)
    assert isinstance(pools, Sample)
    for stage, pool in zip(reinforced, ("easy", "hard"), strict=True):
        assert isinstance(stage, Grpo)
        assert (stage.name, stage.reward, stage.pass_rates) == (pool, Preview(), "pools")
        assert stage.keep is not None
        low, high = stage.keep
        held = {passed for passed in range(pools.k + 1) if low <= passed / pools.k <= high}
        assert held == {passed for passed in range(pools.k + 1) if bucket(passed / pools.k) == pool}


def test_specs_prefers_form_and_teaches_it_to_the_first_model(tmp_path: Path) -> None:
    config = shipped("specs_grpo")
    formed, forms, specs, grpo = config.stages
    assert isinstance(formed, Grpo)
    assert formed.reward == "form"
    assert isinstance(specs, Dpo)
    assert specs.export == Specs()
    assert config.origin(1) == 0, "the chosen responses are the formed model's"
    assert config.origin(2) is None, "what learns from them is the model of the beginning"
    assert config.origin(3) == 2
    options = make_dpo_args(specs, 0, tmp_path)
    assert (options.loss_type, options.loss_weights) == (["sigmoid", "sft"], [1.0, 0.5])
    assert isinstance(forms, Sample)
    assert isinstance(grpo, Grpo)
    args = make_args(grpo, 0, tmp_path, [])
    assert (prompts_a_batch(args), args.num_generations, args.learning_rate) == (128, 8, 1e-6)


def test_co_reward_draws_views_together_under_a_guard(tmp_path: Path) -> None:
    (stage,) = shipped("co_reward").stages
    assert isinstance(stage, Grpo)
    assert (stage.reward, guard_of(stage)) == (CoVote(), Guard())
    assert stage.curriculum is not None
    assert stage.curriculum.whole_sets
    args = make_args(stage, 0, tmp_path, [])
    assert (prompts_a_batch(args), args.beta, args.max_completion_length) == (64, 0.005, 3072)
    (made,) = load_recipe(ROOT / "tasks/recipes/co_reward.yaml")["parts"]
    assert all(len(level.views) > 1 for level in made.levels.values())


def test_active_pretrainzero_has_a_slot_for_every_proposal(tmp_path: Path) -> None:
    (stage,), (static,) = shipped("pretrainzero_active").stages, shipped("pretrainzero").stages
    assert isinstance(stage, Grpo)
    assert isinstance(static, Grpo)
    args = make_args(stage, 0, tmp_path, [])
    assert not list(batch_faults(args))
    passages, slots = 4, 32  # an eighth of the paper's 32 and 256
    assert prompts_a_batch(args) == passages + slots == passages * (1 + args.num_generations)
    assert stage.propose is not None
    assert static.propose is None
    assert stage.grpo == static.grpo, "what differs is where the masks come from"


@pytest.mark.parametrize("path", TWINS, ids=lambda path: path.stem)
def test_a_twin_is_the_recipe_on_a_tiny_model_with_data_of_its_own(path: Path) -> None:
    twin, whole = load_config(path), load_config(RECIPES / path.name)
    assert twin.data.suffix == ".yaml"
    assert load_recipe(ROOT / twin.data)["sources"]
    # A random model wants the form first, which the other one brings along.
    first, *rest = twin.stages
    assert method_of(first) == "format"
    later = whole.stages[1:] if path.stem == "specs_grpo" else whole.stages
    assert [method_of(stage) for stage in rest] == [method_of(stage) for stage in later]
    for stage, original in zip(rest, later, strict=True):
        for key in ("tasks", "reward", "export", "curriculum"):
            assert getattr(stage, key, None) == getattr(original, key, None)
