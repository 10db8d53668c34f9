"""Light-IF: which tokens a cold start learns from, and a form that makes up for no constraint."""

from __future__ import annotations

import math
import re
import shutil
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoProcessor
from trl import SFTTrainer

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.constraints import Constraints
from ssrl_data.constraints.keywords import Exclude, Include
from ssrl_data.constraints.length import SentencesExactly, WordsBetween
from ssrl_data.core import SsrlError
from ssrl_data.grade import grade
from ssrl_data.row import pack_answer
from ssrl_train.config import parse
from ssrl_train.curriculum import Uniform
from ssrl_train.exports.engrave import engrave
from ssrl_train.exports.examples import Asked, Response
from ssrl_train.exports.settings import Engrave
from ssrl_train.grpo import Trainer, make_args
from ssrl_train.rewards import verify
from ssrl_train.sft import make_sft_args
from ssrl_train.signals import judge
from ssrl_train.signals.base import Batch
from ssrl_train.signals.check import preview_faults
from ssrl_train.signals.preview import reward
from ssrl_train.signals.previewed import TAGS, previewed
from ssrl_train.signals.settings import Majority, Preview
from ssrl_train.stages import Grpo, Sft
from ssrl_train.tiny import Tiny, build_model, build_processor
from ssrl_train.token_filter import FilteredTrainer, kept, quota
from ssrl_train.tokens import Tokens
from ssrl_train.trainer import train_supervised

SPREAD, SURE = math.log(4), 0.0
"""Entropy of a token that is one of four equally probable ones, and of one that is certain."""


def test_tokens_are_kept_by_their_cross_entropy_beyond_their_entropy() -> None:
    # Hand-made distributions over four tokens: uniform (CE and entropy ln 4), and (0.7, 0.1, 0.1, 0.1).
    skewed = -(0.7 * math.log(0.7) + 0.3 * math.log(0.1))
    likely, unlikely = -math.log(0.7), -math.log(0.1)
    log_probs = -torch.tensor([[9.0, SPREAD, likely, unlikely, likely, SPREAD], [unlikely, 9.0, likely, 9.0, 9.0, 9.0]])
    entropy = torch.tensor([[SURE, SPREAD, skewed, skewed, skewed, SPREAD], [skewed, SURE, skewed, SURE, SURE, SURE]])
    targets = torch.tensor([[False, True, True, True, True, True], [True, False, True, False, False, False]])
    # CE - 0.8 entropy: 0.277 uniform, -0.396 likely, 1.55 unlikely. Of five tokens three are kept at 0.6.
    found = kept(log_probs, entropy, targets, Tokens(0.6, 0.8))
    assert found.tolist() == [[False, True, False, True, False, True], [True, False, False, False, False, False]]
    # Without the entropy the order is that of the cross entropy; of two equal tokens the earlier is kept.
    found = kept(log_probs, entropy, targets, Tokens(0.4, 0.0))
    assert found.tolist() == [[False, True, False, True, False, False], [True, False, False, False, False, False]]
    # Taken off whole, the entropy puts what is likely of a sure distribution last: -0.58, against 0 of the uniform.
    found = kept(log_probs, entropy, targets, Tokens(0.8, 1.0))
    assert found.tolist() == [[False, True, True, True, False, True], [True, False, True, False, False, False]]


@pytest.mark.parametrize(("keep", "counts"), [(0.8, [0, 1, 2, 2, 4, 8]), (0.01, [0, 1, 1, 1, 1, 1]), (1.0, None)])
def test_how_many_are_kept_follows_from_the_length(keep: float, counts: list[int] | None) -> None:
    lengths = [0, 1, 2, 3, 5, 10]
    targets = torch.arange(10)[None] < torch.tensor(lengths)[:, None]
    assert quota(targets, keep).tolist() == (counts or lengths)


TEXT = "The tide comes twice a day. The boats go out on the ebb. Nobody there asks for the hour."
WORDS = TEXT.split()
TARGETS = [" ".join(WORDS[i : i + n]) for i, n in ((0, 9), (3, 4), (5, 11), (8, 2), (2, 7), (0, 3), (9, 7), (4, 5))]
EXAMPLES = Dataset.from_dict(
    {
        "prompt": [[{"role": "user", "content": f"say {word}"}] for word in WORDS[: len(TARGETS)]],
        "completion": [[{"role": "assistant", "content": text}] for text in TARGETS],
    }
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny text model that has opinions, saved."""
    folder, tiny = tmp_path_factory.mktemp("light_if") / "model", Tiny("qwen3", spread=0.3)
    processor = build_processor(tiny, [" ".join(["say", *WORDS])])
    build_model(tiny, processor, 0).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


OPTIONS: dict[str, Any] = {
    "learning_rate": 1e-2,
    "gradient_checkpointing": False,
    "save_strategy": "no",
    "model_init_kwargs": {"dtype": "float32"},
    "disable_tqdm": True,
}


def trainer(model: Path, out: Path, kind: Any, batch: int, accumulation: int, steps: int = 1) -> Any:
    options = {
        **OPTIONS,
        "max_steps": steps,
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": accumulation,
    }
    args = make_sft_args(Sft(rows=8, sft=options), 0, out)
    return kind(
        model=str(model), args=args, train_dataset=EXAMPLES, processing_class=AutoProcessor.from_pretrained(model)
    )


def weights(model: Any) -> list[Tensor]:
    return [value.detach().clone() for value in model.parameters()]


def by_hand(model: Any, batch: dict[str, Tensor], settings: Tokens) -> tuple[float, int]:
    """The sum of the cross entropies that count and how many they are, sequence by sequence, from the logits."""
    with torch.no_grad():
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.double()
    total, count = 0.0, 0
    for scores, labels in zip(logits[:, :-1].log_softmax(-1), batch["labels"][:, 1:], strict=True):
        tokens = []
        for distribution, label in zip(scores, labels.tolist(), strict=True):
            if label != -100:
                entropy = -float((distribution.exp() * distribution).sum())
                tokens.append((-float(distribution[label]) - settings.entropy * entropy, -float(distribution[label])))
        chosen = sorted(tokens, reverse=True)[: max(1, round(settings.keep * len(tokens)))]
        total, count = total + sum(loss for _, loss in chosen), count + len(chosen)
    return total, count


def test_the_loss_is_the_mean_over_what_is_kept(model: Path, tmp_path: Path) -> None:
    settings = Tokens(0.7, 0.8)
    made = trainer(model, tmp_path, partial(FilteredTrainer, tokens=settings), 4, 1)
    batch = made._prepare_inputs(next(iter(made.get_train_dataloader())))
    total, count = by_hand(made.model, batch, settings)
    assert 0 < count < int((batch["labels"][:, 1:] != -100).sum())
    assert int(made._get_num_items_in_batch([batch, batch], made.args.device)) == 2 * count
    loss = made.compute_loss(made.model, dict(batch), num_items_in_batch=torch.tensor(2 * count))
    assert loss.item() == pytest.approx(total / (2 * count), rel=1e-4)
    # Some models take no count: then the mean is that of the micro-batch.
    assert made.compute_loss(made.model, dict(batch)).item() == pytest.approx(total / count, rel=1e-4)
    loss.backward()
    assert all(torch.isfinite(value.grad).all() for value in made.model.parameters() if value.grad is not None)


def test_accumulation_changes_nothing(model: Path, tmp_path: Path) -> None:
    kind = partial(FilteredTrainer, tokens=Tokens())
    whole = trainer(model, tmp_path / "whole", kind, 8, 1)
    before = weights(whole.model)
    split = trainer(model, tmp_path / "split", kind, 2, 4)
    for made in (whole, split):
        made.train()
    losses = [made.state.log_history[0]["loss"] for made in (whole, split)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    norms = [made.state.log_history[0]["grad_norm"] for made in (whole, split)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-4)
    assert not all(map(torch.equal, before, weights(whole.model)))


def test_to_keep_all_is_plain_supervision_bit_by_bit(model: Path, tmp_path: Path) -> None:
    plain = trainer(model, tmp_path / "plain", SFTTrainer, 2, 2, steps=3)
    every = trainer(model, tmp_path / "all", partial(FilteredTrainer, tokens=Tokens(1.0, 0.8)), 2, 2, steps=3)
    some = trainer(model, tmp_path / "some", partial(FilteredTrainer, tokens=Tokens(0.5, 0.8)), 2, 2, steps=3)
    for made in (plain, every, some):
        made.train()
    assert all(map(torch.equal, weights(plain.model), weights(every.model)))
    assert not all(map(torch.equal, weights(plain.model), weights(some.model)))
    names = ("loss", "grad_norm", "entropy", "mean_token_accuracy")
    for one, other in zip(plain.state.log_history[:3], every.state.log_history[:3], strict=True):
        assert [one[name] for name in names] == [other[name] for name in names]


FORM = "<think><preview>two points</preview>a draft<check>both hold</check></think>The text."


@pytest.mark.parametrize(
    ("response", "right"),
    [
        (FORM, True),
        (FORM.removeprefix("<think>"), True),  # which the prompt may begin
        (f"\n{FORM}", True),
        (FORM.replace("<preview>", "So.<preview>").replace("</check>", "</check> Now."), True),
        (f"Sure. {FORM}", False),
        (FORM.replace("a draft", " "), False),
        (FORM.replace("two points", "..."), False),
        (FORM.replace("both hold", "\u200b"), False),
        (FORM.replace("The text.", "\n"), False),
        (FORM.replace("The text.", "The text.<check>yes</check>"), False),
        (FORM.replace("The text.", "<think>The text."), False),
        (FORM.replace("</think>", ""), False),
        (FORM.replace("preview", "check"), False),
        (FORM.replace("a draft", "<preview>more</preview>"), False),
        (FORM.replace("a draft", "</think><think>a draft"), False),
        ("<think><check>both hold</check>a draft<preview>two points</preview></think>The text.", False),
        ("<think><preview>two<check>points</preview>a draft</check></think>The text.", False),
        (FORM.replace("<preview>", "<Preview>"), False),
        ("The text.", False),
        ("", False),
    ],
)
def test_the_form_is_preview_draft_check_answer(response: str, right: bool) -> None:
    assert previewed(response) is right


PIECES = [*TAGS, "<think>", "</think>", "x", " ", "<", ">", "/", "\u200b", "é"]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=14).map("".join)))
def test_the_form_is_one_order_of_tags_with_something_between(response: str) -> None:
    tag = re.compile(r"</?(?:think|preview|check)>")
    order, parts = tag.findall(response), tag.split(response)
    if order[:1] == ["<think>"]:
        begun, order, parts = not parts[0].strip(), order[1:], parts[1:]
    else:
        begun = True
    # Of the parts: what comes before the preview, the preview, the draft, the check, what comes after it, the answer.
    says = [any(map(str.isalnum, part)) for part in parts]
    right = begun and order == [*TAGS, "</think>"] and all((says[1], says[2], says[3], says[5]))
    assert previewed(response) is right


@pytest.mark.parametrize("piece", ["<preview>", "</think>", "<think>", "<check></preview>", "<previe", "a", "\n", "<"])
def test_the_form_is_read_in_linear_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    begun = time.process_time()
    for response in (text, FORM + text, text + FORM, FORM.replace("a draft", text)):
        previewed(response)
    assert time.process_time() - begun < 1


ASKED = (SentencesExactly(3), Include(("ebb", "boats")), Exclude(("moon",)), WordsBetween(15, 40))
ROW = {"answer": pack_answer(Constraints().answer(TEXT, ASKED, chance=0.1, blind=("ok",)))}
# Kept to: all four, three, two, one (which a blind guess keeps to as well), each of them in the form and without it.
RUNGS = [TEXT, TEXT + " No moon. ", TEXT.replace("boats", "ships") + " No moon.", "moon " * 20]


def paid(texts: list[str], settings: Preview) -> list[float]:
    batch = Batch([ROW] * len(texts), texts, len(texts), 0)
    return [value for value in judge(settings).pay(batch).rewards if value is not None]


@pytest.mark.parametrize("settings", [Preview(), Preview(0.99, 0.0), Preview(0.0, 1.0), Preview(0.99, 0.9)])
def test_more_constraints_are_worth_more_whatever_the_form(settings: Preview) -> None:
    formed = [FORM.replace("The text.", text) for text in RUNGS]
    scores = [grade(ROW["answer"], text).score or 0.0 for text in RUNGS]
    assert scores == sorted(set(scores), reverse=True)
    with_form, without = paid(formed, settings), paid(RUNGS, settings)
    assert (with_form[0], without[-1], with_form[-1]) == (1.0, 0.0, 0.0)
    for i in range(3):
        if settings.whole < 1:
            assert with_form[i + 1] < without[i]
        assert without[i] == pytest.approx(with_form[i] * (1 - settings.form / 4))


@given(
    constraints=st.integers(1, 20),
    guessed=st.floats(0, 0.95),
    form=st.floats(0, 0.999),
    whole=st.floats(0, 1),
    data=st.data(),
)
def test_no_form_makes_up_for_a_constraint(
    constraints: int, guessed: float, form: float, whole: float, data: Any
) -> None:
    fewer = data.draw(st.integers(0, constraints - 1))
    more = data.draw(st.integers(fewer + 1, constraints))
    settings = Preview(form, whole)

    def earned(met: int, formed: bool) -> float:
        score = max(0.0, (met / constraints - guessed) / (1 - guessed))
        return reward(score, met == constraints, constraints, formed, settings)

    assert earned(fewer, True) <= earned(more, False) + 1e-12
    assert earned(0, True) == 0
    for met in (fewer, more):
        assert 0 <= earned(met, False) <= earned(met, True) <= 1
        # What the form adds is never more than what the constraints earn without it.
        assert earned(met, True) - earned(met, False) <= earned(met, True) * form / constraints + 1e-12


def test_a_cold_start_takes_what_is_right_and_has_the_form() -> None:
    formed = FORM.replace("The text.", TEXT)
    quoting = formed.replace("a draft", "a preview of what each constraint comes to")
    texts = [TEXT, formed, FORM, quoting, formed.replace("a draft", "another one")]
    verdicts = [grade(ROW["answer"], text) for text in texts]
    said = [
        Response(text, verdict.score or 0.0, verdict.exact, True, True)
        for text, verdict in zip(texts, verdicts, strict=True)
    ]
    asked = Asked("row", ROW["answer"], "{}", said, "Begin with a preview of what each constraint comes to.", 0)
    found = [example.says["completion"] for example in engrave(asked, 9, Engrave(previewed=True))]
    assert found == [texts[1], texts[4]]
    assert len(engrave(asked, 9, Engrave())) == 3
    assert len(engrave(asked, 1, Engrave(previewed=True))) == 1


def test_other_rows_are_refused() -> None:
    answers = [ROW["answer"], pack_answer(Choice().answer("a", ["a", "b"]))]
    rows = Dataset.from_dict({"task": ["made/constraints", "made/choice"], "answer": answers})
    (fault,) = preview_faults(Preview(), rows)
    assert "those of made/choice are answered by a choice" in fault
    assert not list(preview_faults(Preview(), rows.select([0])))
    assert not list(preview_faults(Majority(), rows))


def test_a_batch_is_paid_and_its_previews_are_counted() -> None:
    rewards, metrics = judge(Preview()).pay(Batch([ROW] * 4, [FORM, TEXT, "", FORM], 2, 0))
    assert metrics == {"previewed": 0.5}
    assert rewards == [0.0, pytest.approx(1 - 0.5 / 4), 0.0, 0.0]


def test_grpo_takes_its_rewards_and_the_truth_is_still_logged(model: Path, tmp_path: Path) -> None:
    rows = Dataset.from_dict(
        {
            "id": [f"row{i}" for i in range(2)],
            "prompt": [[{"role": "user", "content": f"say {word}"}] for word in WORDS[:2]],
            "answer": [pack_answer(Constraints().answer(" ".join(WORDS[:6]), (WordsBetween(5, 7),), chance=0.1))] * 2,
            "meta": ["{}"] * 2,
            **{name: ["made"] * 2 for name in ("task", "level", "set_id")},
        }
    )
    options = {
        "max_steps": 1,
        "per_device_train_batch_size": 16,
        "num_generations": 8,
        "max_completion_length": 8,
        "gradient_checkpointing": False,
        "disable_tqdm": True,
    }
    args = make_args(Grpo(options), 0, tmp_path, [])
    made = Trainer(
        str(model), AutoProcessor.from_pretrained(model), rows, verify, args, Uniform(), signal=judge(Preview())
    )
    made.train()
    entry = made.state.log_history[0]
    assert entry["previewed"] == 0
    assert 0 < entry["exact"] < 1
    # Of one constraint, half is lost without the form.
    assert entry["reward"] == pytest.approx(0.5 * entry["exact"])


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"method": "sft", "tokens": {"keep": 0}}, "stage 1: tokens: keep is 0: it must be above 0"),
        ({"method": "sft", "tokens": {"entropy": -1}}, "tokens: entropy is -1: it must be 0 or above"),
        ({"method": "sft", "tokens": {"kept": 0.8}}, "tokens: unknown key 'kept': did you mean 'keep'"),
        ({"method": "sft", "tokens": {}, "sft": {"label_smoothing_factor": 0.1}}, "exclude each other"),
        ({"method": "dpo", "tokens": {}}, "unknown key 'tokens'"),
        (
            {"method": "grpo", "reward": {"kind": "preview", "form": 1}},
            "reward: form is 1: it must be from 0 to below 1",
        ),
        ({"method": "grpo", "reward": {"kind": "preview", "whole": 2}}, "reward: whole is 2"),
        ({"method": "grpo", "reward": "previw"}, "did you mean 'preview'"),
    ],
)
def test_a_mistake_is_one_sentence(stage: dict[str, Any], message: str) -> None:
    with pytest.raises(SsrlError, match=message):
        parse({"data": "d", "out": "o", "model": "m", "stages": [stage]}, "run.yaml")


def test_both_keys_are_read() -> None:
    stages = [
        {"method": "sft", "tokens": {"keep": 0.9}},
        {"method": "grpo", "reward": {"kind": "preview", "form": 0.2}},
    ]
    sft, grpo = parse({"data": "d", "out": "o", "model": "m", "stages": stages}, "run.yaml").stages
    assert isinstance(sft, Sft)
    assert sft.tokens == Tokens(0.9, 0.8)
    assert isinstance(grpo, Grpo)
    assert grpo.reward == Preview(0.2, 0.5)


def test_a_stage_goes_on_with_the_same_weights(model: Path, tmp_path: Path) -> None:
    options = {**OPTIONS, "max_steps": 4, "per_device_train_batch_size": 2, "save_strategy": "steps", "save_steps": 2}
    stage, kind = Sft(rows=8, sft=options), partial(FilteredTrainer, tokens=Tokens(0.5))

    def train(name: str) -> dict[str, Tensor]:
        args = make_sft_args(stage, 0, tmp_path / name)
        processor = AutoProcessor.from_pretrained(model)
        train_supervised(
            kind, str(model), processor, EXAMPLES, stage, args, tmp_path / f"{name}-out", lambda line: None
        )
        return dict(load_file(tmp_path / f"{name}-out" / "model.safetensors"))

    whole = train("whole")
    shutil.copytree(tmp_path / "whole" / "checkpoint-2", tmp_path / "resumed" / "checkpoint-2")
    resumed = train("resumed")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
