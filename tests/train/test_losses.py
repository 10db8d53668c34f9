"""Losses that TRL does not have: hand-worked numbers, and limits in which they are a known loss."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from curriculum_run import made_rows
from datasets import Dataset
from torch import Tensor
from train_rows import GROUP, SMALL
from transformers import AutoProcessor

from ssrl_train.curriculum import Uniform
from ssrl_train.grpo import Trainer, make_args
from ssrl_train.losses import Loss, Nft, Srft, Supervised
from ssrl_train.losses.demonstrations import encoded
from ssrl_train.losses.nft import NftObjective
from ssrl_train.losses.srft import augmented_advantages, example
from ssrl_train.memo import decoded_once
from ssrl_train.rewards import coin
from ssrl_train.rows import column, encode
from ssrl_train.sft import examples, responses
from ssrl_train.stages import Grpo
from ssrl_train.tiny import IMAGE_SLOT, Tiny, build_model, build_processor, texts_of

pytest_plugins = ("train_rows",)
NAN = math.nan
PARTS = {"per_device_train_batch_size": GROUP, "steps_per_generation": 4, "gradient_accumulation_steps": 4}


@pytest.fixture
def made(llava: Path, rows: Dataset, tmp_path: Path) -> Callable[..., Trainer]:
    """A trainer on rows with pictures, paid by a coin, so that groups are mixed."""

    def make(loss: Loss | None, learnt: Dataset | None = None, **options: Any) -> Trainer:
        args = make_args(Grpo(grpo={**SMALL, **options}, loss=loss), 0, tmp_path / "work", [])
        processor = AutoProcessor.from_pretrained(llava)
        taken = decoded_once(rows.select(range(12)))
        return Trainer(str(llava), processor, taken, coin, args, Uniform(), loss=loss, examples=learnt)

    return make


def begun(trainer: Trainer) -> list[dict[str, Any]]:
    """The batches that a trainer makes of its first generation batch."""
    torch.manual_seed(0)
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = 1
    trainer._prepare_inputs(next(iter(trainer.get_train_dataloader())))
    return list(trainer._buffered_inputs)


def gradient(trainer: Trainer, batch: dict[str, Any]) -> Tensor:
    trainer.model.zero_grad()
    trainer._compute_loss(trainer.model, batch).backward()
    return flat(trainer)


def flat(trainer: Trainer) -> Tensor:
    return torch.cat([p.grad.flatten() for p in trainer.model.parameters() if p.grad is not None])


def close(one: Tensor, other: Tensor) -> bool:
    """Equal but for rounding, of gradients that are not 0."""
    return bool((one - other).norm() < 1e-4 * other.norm()) and bool(other.norm() > 1e-3)


# Advantages of groups with 1 and 3 of 4 right: rewards less their mean, and these over the root of q (1 - q).
QUARTER, MOST = [1.0, 0, 0, 0], [1.0, 1, 1, 0]
ROOT = math.sqrt(3)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Nft(), [0.75, -0.25, -0.25, -0.25, 0.25, 0.25, 0.25, -0.75]),
        (
            Nft(prompt_weight="grpo"),
            [ROOT, -1 / ROOT, -1 / ROOT, -1 / ROOT, 1 / ROOT, 1 / ROOT, 1 / ROOT, -ROOT],
        ),
        (Nft(prompt_weight="even"), [1, -1 / 3, -1 / 3, -1 / 3, 1, 1, 1, -3]),
        (Nft(negative_weight=0), [0.75, 0, 0, 0, 0.25, 0.25, 0.25, 0]),
        (Nft(negative_weight=2), [0.75, -0.5, -0.5, -0.5, 0.25, 0.25, 0.25, -1.5]),
    ],
)
def test_nft_on_policy_in_numbers(settings: Nft, expected: list[float]) -> None:
    objective, _ = nft(settings)
    batch = objective.scored([{}] * 8, {}, torch.tensor(QUARTER + MOST))
    known = objective.advantages(batch, torch.zeros(8, 1), torch.zeros(8, 1))
    assert known.flatten().tolist() == pytest.approx(expected, rel=1e-6)


def nft(settings: Nft) -> tuple[NftObjective, dict[str, list[float]]]:
    """NFT of one process, and what it logs."""
    logged: dict[str, list[float]] = {"nft/unanimous": []}
    trainer = SimpleNamespace(
        num_generations=GROUP, accelerator=SimpleNamespace(process_index=0), _metrics={"train": logged}
    )
    return NftObjective(settings, trainer), logged


def test_nft_skips_unanimous_groups_and_what_was_not_judged() -> None:
    objective, logged = nft(Nft(threshold=0.5))
    rewards = [1.0, 1, 1, 1, 0, 0, 0, 0, NAN, NAN, NAN, NAN, 0.6, 0.4, NAN, 0.1]
    batch = objective.scored([{}] * 16, {}, torch.tensor(rewards))
    known = objective.advantages(batch, torch.zeros(16, 1), torch.zeros(16, 1)).flatten()
    assert known[:12].tolist() == [0] * 12
    assert known[12:].tolist() == pytest.approx([2 / 3, -1 / 3, 0, -1 / 3])  # of three that were judged one is right
    assert logged["nft/unanimous"] == [pytest.approx(0.75)]


def test_nft_off_policy_has_the_gradient_of_its_loss() -> None:
    objective, _ = nft(Nft())
    batch = objective.scored([{}] * 4, {}, torch.tensor(QUARTER))
    ratio = torch.tensor([[2.0, 0.5]] * 4)
    batch["old_per_token_logps"] = torch.zeros(4, 2)
    new = ratio.log().requires_grad_()
    known = objective.advantages(batch, new.detach(), torch.zeros(4, 2))
    # Right: 3/4 over R. Wrong: -1/4 where the floor holds, else by what is left, (1 - 1/8) / (3/4) = 7/6, less.
    assert known[0].tolist() == pytest.approx([0.375, 1.5])
    assert known[1].tolist() == pytest.approx([-0.25, -0.25 * 6 / 7])
    (-new.exp() * known).sum().backward()
    surrogate, new.grad = new.grad, None
    left = (1 - 0.25 * new.exp()) / 0.75
    through = left + (left.clamp(min=1) - left).detach()
    (0.75 * (-new[0].sum() - through[1:].log().sum())).backward()
    assert surrogate is not None
    assert new.grad is not None
    assert torch.allclose(surrogate, new.grad, rtol=1e-5)


@pytest.mark.parametrize(("scale", "weight", "factor"), [("none", "dr_grpo", 1.0), ("group", "grpo", ROOT / 2)])
def test_nft_on_policy_has_the_gradient_of_grpo(
    made: Callable[..., Trainer], scale: str, weight: str, factor: float
) -> None:
    """But for TRL's spread of a sample, which is the root of 4/3 wider, and 1e-4 that it adds."""
    plain, own = made(None, scale_rewards=scale), made(Nft(prompt_weight=weight))
    (batch,), (same,) = begun(plain), begun(own)
    assert torch.equal(batch["completion_ids"], same["completion_ids"])
    expected, found = gradient(plain, batch), gradient(own, same)
    assert (expected - factor * found).norm() < 1e-3 * expected.norm()
    assert expected.norm() > 1e-3


def test_nft_is_not_clipped_and_aligned_over_updates(made: Callable[..., Trainer]) -> None:
    trainer = made(Nft(), steps_per_generation=2, gradient_accumulation_steps=1, loss_type="grpo")
    first, second = begun(trainer)
    assert torch.equal(first["nft_weight"] > 0, first["advantages"] != 0), "of the same completions, after the shuffle"
    second["old_per_token_logps"] = second["old_per_token_logps"] - math.log(3)  # ratios of 3, beyond any clip
    found = gradient(trainer, second)
    right, rate, weight = (second[f"nft_{name}"][:, None] for name in ("right", "rate", "weight"))
    # The derivatives of NFT at R = 3: -1 where right, else 3 q / (1 - q), since less is left than the floor of 1.
    slope = weight * torch.where(right, -1.0, 3 * rate / (1 - rate))
    mask, tokens = second["completion_mask"], second["completion_ids"].size(1)
    trainer.model.zero_grad()
    said, _, _ = trainer._get_per_token_logps_and_entropies(
        trainer.model,
        torch.cat([second["prompt_ids"], second["completion_ids"]], 1),
        torch.cat([second["prompt_mask"], mask], 1),
        tokens,
        pixel_values=second["pixel_values"],
        num_images=second["num_images"],
    )
    ((slope * said * mask).sum(1) / mask.sum(1)).mean().backward()
    assert close(found, flat(trainer))


def test_advantages_over_groups_with_their_demonstrations() -> None:
    rewards = torch.tensor([0.0, 0, 0, 1, 1, 1, 1, 0, NAN])
    own, shown = augmented_advantages(rewards, 3, "none")
    assert own.tolist() == pytest.approx([-0.25, -0.25, -0.25, 0, 0, 0, 1 / 3, -2 / 3, 0])
    assert shown.tolist() == pytest.approx([0.75] * 3 + [0] * 3 + [1 / 3] * 3)
    own, shown = augmented_advantages(rewards[:6], 3, "group")  # 1 of 4: a spread of 0.5
    assert own.tolist() == pytest.approx([-0.25 / 0.5001] * 3 + [0] * 3)
    assert shown.tolist() == pytest.approx([0.75 / 0.5001] * 3 + [0] * 3)
    own, _ = augmented_advantages(rewards[:6], 3, "batch")  # 5 of 8
    assert own.tolist() == pytest.approx([-0.25 / (math.sqrt(15 / 56) + 1e-4)] * 3 + [0] * 3)


def test_srft_without_demonstrations_is_grpo(made: Callable[..., Trainer]) -> None:
    plain, own = made(None), made(Srft(share=1e-12))
    (batch,), (same,) = begun(plain), begun(own)
    assert not same["demonstrated"].any()
    assert close(gradient(own, same), gradient(plain, batch))


def test_srft_without_reinforcement_is_weighed_sft(made: Callable[..., Trainer], rows: Dataset) -> None:
    trainer = made(Srft(reinforcement=0))
    (batch,) = begun(trainer)
    found = gradient(trainer, batch)
    weight = 0.5 * math.exp(-entropy(trainer, batch))
    trainer.model.zero_grad()
    for row in plain_examples(trainer):
        (weight / 4 * likelihood(trainer, row)).backward()
    assert close(found, flat(trainer))
    assert trainer._metrics["train"]["srft/sft_weight"] == [pytest.approx(weight, rel=1e-5)]


def entropy(trainer: Trainer, batch: dict[str, Any]) -> float:
    """The mean entropy of a batch's tokens, by softmax."""
    ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1)
    mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], 1)
    with torch.no_grad():
        logits = trainer.model(input_ids=ids, attention_mask=mask, pixel_values=batch["pixel_values"]).logits
    tokens = batch["completion_ids"].size(1)
    said = logits[:, -tokens - 1 : -1].log_softmax(-1)
    each = -(said.exp() * said).sum(-1)
    return float((each * batch["completion_mask"]).sum() / batch["completion_mask"].sum())


def likelihood(trainer: Trainer, row: dict[str, Any], weigh: Callable[[Tensor], Tensor] = torch.neg) -> Tensor:
    """The mean over a demonstration's tokens of a function of their log-probabilities, from plain logits."""
    text = row["completion"][0]["content"] + trainer._tokenizer.eos_token
    inputs, tokens = encode(trainer.processing_class, [row], [text]), len(trainer._tokenizer(text)["input_ids"])
    said = trainer.model(**inputs).logits[0, -tokens - 1 : -1].log_softmax(-1)
    return weigh(said.gather(1, inputs["input_ids"][0, -tokens:, None])).mean()


def test_srft_is_the_sum_of_its_terms_and_its_weights_have_no_gradient(made: Callable[..., Trainer]) -> None:
    trainer, plain = made(Srft()), made(None)
    (batch,), (same,) = begun(trainer), begun(plain)
    found, high = gradient(trainer, batch), entropy(trainer, batch)
    own = batch["advantages"]
    same["advantages"] = torch.where(own > 0, 0.1 * math.exp(high) * own, own)
    for name in ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "pixel_values"):
        assert torch.equal(batch[name], same[name])
    expected = gradient(plain, same)
    for place, row in enumerate(plain_examples(trainer)):
        advantage = batch["demonstration_advantage"][batch["demonstration"] == place][0]
        plain.model.zero_grad()
        nll = 0.5 * math.exp(-high) * likelihood(plain, row)
        reinforced = -advantage * likelihood(plain, row, torch.exp)
        ((nll + reinforced) / 4).backward()
        expected = expected + flat(plain)
    assert close(found, expected)


def plain_examples(trainer: Trainer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = trainer.objective._examples
    return found


def test_demonstrations_are_of_the_rows_of_their_completions(made: Callable[..., Trainer], rows: Dataset) -> None:
    trainer = made(Srft(share=0.5), **PARTS)
    batches, tokenizer = begun(trainer), trainer._tokenizer
    shown = set()
    assert len(batches) == 4
    for batch in batches:
        inputs, tokens = encoded(trainer.processing_class, plain_examples(trainer), {})
        for i, place in enumerate(batch["demonstration"].tolist()):
            prompt = batch["prompt_ids"][i][batch["prompt_mask"][i].bool()]
            mask = inputs["attention_mask"][place, :-tokens].bool()
            assert torch.equal(inputs["input_ids"][place, :-tokens][mask], prompt), "asked as the policy was"
            assert torch.equal(inputs["pixel_values"][place], batch["pixel_values"][i])
            shown.add((place, bool(batch["demonstrated"][i])))
    assert len(shown) == len(plain_examples(trainer)), "all completions of a row have its demonstration, or none has"
    seed, by_id = trainer.args.seed, dict(zip(column(rows, "id"), responses(rows), strict=True))
    settings = Srft(share=0.5)
    drawn = [id for id in by_id if settings.shows(id, seed)]
    assert 0.3 < len(drawn) / len(by_id) < 0.7
    said = tokenizer.batch_decode(inputs["input_ids"][:, -tokens:], skip_special_tokens=True)
    assert all(text in by_id.values() for text in said)


def test_equal_parts_of_a_generation_batch_sum_up(made: Callable[..., Trainer]) -> None:
    """With weights that do not depend on entropy, four small batches have the gradient of the whole."""
    trainer = made(Srft(sft_scale=0, rl_scale=0), **PARTS)
    batches = begun(trainer)
    for batch in batches:
        batch["advantages"] = torch.zeros_like(batch["advantages"])  # the demonstrations' reinforcement alone
    parts = sum(gradient(trainer, batch) for batch in batches) / 4
    whole = {name: torch.cat([batch[name] for batch in batches]) for name in SPLIT}
    whole |= {"num_images": [1] * 16, "num_items_in_batch": batches[0]["num_items_in_batch"]}
    assert close(torch.as_tensor(parts), gradient(trainer, whole))


SPLIT = (
    *("prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "pixel_values"),
    *("advantages", "demonstrated", "demonstration", "demonstration_advantage"),
)


def test_a_supervised_term_of_no_weight_leaves_grpo_as_it_is(made: Callable[..., Trainer], rows: Dataset) -> None:
    learnt = examples(rows.select(range(20, 40)))
    trained = []
    for loss in (None, Supervised(weight=0, rows=20), Supervised(rows=20)):
        trainer = made(loss, learnt, learning_rate=1e-3)  # which seeds what it samples with
        trainer.train()
        trained.append(trainer)
    plain, none, some = ([*trainer.model.parameters()] for trainer in trained)
    assert all(torch.equal(one, other) for one, other in zip(plain, none, strict=True))
    assert not all(torch.equal(one, other) for one, other in zip(plain, some, strict=True))
    logged = [entry["supervised_loss"] for entry in trained[-1].state.log_history if "supervised_loss" in entry]
    assert len(logged) == 2
    assert all(1 < value < 10 for value in logged)


def test_a_supervised_term_adds_its_likelihood(made: Callable[..., Trainer], rows: Dataset) -> None:
    learnt = examples(rows.select(range(20, 40)))
    plain, own = made(None), made(Supervised(weight=0.5, rows=20, batch=2), learnt)
    (batch,), (same,) = begun(plain), begun(own)
    expected, found = gradient(plain, batch), gradient(own, same)
    places = own.objective.drawn()
    assert len(set(places)) == 2
    plain.model.zero_grad()
    for place in places:  # of one length each, so a mean over tokens is one over rows
        (0.5 / 2 * likelihood(plain, learnt[place])).backward()
    assert close(found, expected + flat(plain))
    # A pass over the rows has each once, whichever update and process they stand beside.
    own.accelerator = SimpleNamespace(num_processes=2, process_index=0)
    laps = []
    for step in range(10):
        own.state.global_step = step
        for rank in range(2):
            own.accelerator.process_index = rank
            laps += own.objective.drawn()
    assert sorted(laps[:20]) == sorted(laps[20:]) == list(range(20))
    assert laps[:20] != laps[20:]


@pytest.mark.parametrize("family", sorted(IMAGE_SLOT))
def test_every_family_reads_demonstrations_with_their_pictures(family: str, rows: Dataset) -> None:
    tiny = Tiny(family, spread=0.1)
    processor = build_processor(tiny, texts_of(rows))
    model = build_model(tiny, processor, 0).eval()
    longer = {
        **rows[1],
        "prompt": [*rows[1]["prompt"], {"role": "user", "content": [{"type": "text", "text": " and where ?"}]}],
    }
    asked = [example(row) for row in (decoded_once(rows)[0], {**longer, "images": decoded_once(rows)[1]["images"]})]
    inputs, tokens = encoded(processor, asked, {})
    with torch.no_grad():
        together = model(**inputs).logits[:, -tokens - 1 : -1].log_softmax(-1)
        for i, one in enumerate(asked):
            text = one["completion"][0]["content"] + processor.tokenizer.eos_token
            alone = encode(processor, [one], [text])
            ids = alone["input_ids"][0, -tokens:]
            assert torch.equal(inputs["input_ids"][i, -tokens:], ids)
            expected = model(**alone).logits[0, -tokens - 1 : -1].log_softmax(-1)
            assert torch.allclose(together[i], expected, atol=1e-4)


def test_text_rows_have_demonstrations_too() -> None:
    row = {**made_rows()[0], "meta": json.dumps({"solution": "row 0 has an a"})}
    shown = example(row)
    tokenizer = build_processor(Tiny("qwen3"), ["row 0", "row 1 more", shown["completion"][0]["content"]])
    inputs, tokens = encoded(tokenizer, [shown, {**shown, "prompt": [{"role": "user", "content": "row 1 more"}]}], {})
    text = "<think>row 0 has an a</think><answer>a</answer>"
    assert shown["completion"][0]["content"] == text
    assert tokenizer.decode(inputs["input_ids"][0, -tokens:]) == text + tokenizer.eos_token
    assert inputs["attention_mask"].sum(1).diff().item() > 0
    assert set(inputs) == {"input_ids", "attention_mask"}
