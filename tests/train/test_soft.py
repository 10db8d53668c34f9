"""Constraints judged by a classifier that ladders label: its labels, its fit, its worth, and a run that it pays."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from command import ROOT
from datasets import Dataset

from ssrl_data.build.run import build
from ssrl_data.core import SsrlError
from ssrl_data.instruct.constraint import constraint
from ssrl_data.recipe import Recipe, part
from ssrl_train.artefacts import file_hash
from ssrl_train.config import Config, parse
from ssrl_train.models import load_model
from ssrl_train.rows import column, load_rows
from ssrl_train.run import run
from ssrl_train.signals.base import Batch
from ssrl_train.signals.settings import Soft
from ssrl_train.signals.soft import Head, Reader, Softly, fit, fitted_head
from ssrl_train.signals.soft_labels import Item, figures, items_of, ladder_faults, rung, split_off
from ssrl_train.tiny import Tiny, build_model, build_processor, texts_of

pytest_plugins = ("train_rows",)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rungs one to three over the documents of the tests."""
    out = tmp_path_factory.mktemp("soft") / "dataset"
    recipe = Recipe(
        (part("instruction/constraints", ["easy"], {}),), (str(ROOT / "tests/texts"),), rows=60, split={"test": 0.1}
    )
    build(recipe, out, 1, lambda line: None)
    return out


@pytest.fixture(scope="module")
def ladders(data: Path) -> Dataset:
    """Its training rows."""
    return load_rows(data, "train")


@pytest.fixture(scope="module")
def reader(ladders: Dataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Reader]:
    """A tiny text model, saved, and what reads with it."""
    folder = tmp_path_factory.mktemp("soft") / "model"
    processor = build_processor(Tiny("qwen3"), texts_of(ladders))
    build_model(Tiny("qwen3"), processor, 0).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder, Reader(load_model(str(folder)), processor)


def answered(rows: Dataset, responses: dict[str, list[str]]) -> pa.Table:
    lines = [(id, text) for id in column(rows, "id") for text in responses.get(id, ())]
    return pa.table({"id": [id for id, _ in lines], "response": [text for _, text in lines]})


def witnesses(rows: Dataset) -> dict[str, list[str]]:
    """A text for each rung that keeps to all of it, after some reasoning."""
    values = [json.loads(answer)["value"] for answer in column(rows, "answer")]
    return {id: [f"<think>so</think>{v['answer']}"] for id, v in zip(column(rows, "id"), values, strict=True)}


def test_neighbouring_rungs_label_the_constraint_between_them(ladders: Dataset) -> None:
    said = witnesses(ladders)
    items = items_of(ladders, answered(ladders, said))
    rungs = {id: rung(row) for id, row in zip(column(ladders, "id"), ladders, strict=True)}
    sets: dict[str, dict[int, tuple[str, dict[str, Any]]]] = {}
    for id, found in rungs.items():
        assert found is not None
        sets.setdefault(found.set_id, {})[found.number] = (id, found.value)
    expected = set()
    for set_id, steps in sets.items():
        for number in steps:
            if number - 1 in steps:
                added = constraint(steps[number][1]["constraints"][number - 1])
                for label, source in ((True, number), (False, number - 1)):
                    text = said[steps[source][0]][0].partition("</think>")[2].strip()
                    expected.add((set_id, added.tell(), text, label))
    assert {(item.set_id, item.asked, item.text, item.label) for item in items} == expected
    assert len(items) == len(expected)
    # A witness keeps to its rung, so what is labelled kept is; of what is labelled not some may be kept by luck.
    assert all(item.kept for item in items if item.label)
    assert sum(not item.kept for item in items if not item.label) > len(items) / 4
    # Nothing is learnt from rungs without a neighbour.
    alone = {id: texts for id, texts in said.items() if (found := rungs[id]) is not None and found.number != 2}
    with pytest.raises(
        SsrlError, match="finds 0 ladders with responses to two neighbouring rungs and wants at least 8"
    ):
        items_of(ladders, answered(ladders, alone))


def test_no_ladder_is_learnt_from_and_judged_on(ladders: Dataset) -> None:
    items = items_of(ladders, answered(ladders, witnesses(ladders)))
    learnt, held = split_off(items, 0.25, 0)
    sets = [{item.set_id for item in part} for part in (learnt, held)]
    assert not sets[0] & sets[1]
    assert len(sets[1]) == round(0.25 * len(sets[0] | sets[1]))
    assert sorted([*learnt, *held]) == sorted(items)
    assert {item.set_id for item in split_off(items, 0.25, 1)[1]} != sets[1]


def test_figures_are_worked_by_hand() -> None:
    def item(family: str, label: bool, kept: bool | None) -> Item:
        return Item("s", family, "", "", label, kept)

    items = [
        item("length", True, True),
        item("length", True, False),
        item("length", False, False),
        item("casing", False, False),
        item("casing", False, True),
        item("casing", True, None),  # what decides on it is not installed
    ]
    found = figures(items, [True, True, False, True, False, True])
    assert found["all"] == {
        "items": 5,
        "violated": 3,
        "agreement": 2 / 5,
        "false_accept": 2 / 3,
        "false_reject": 1 / 2,
        "true_positives": 1 / 2,
        "true_negatives": 2 / 3,
    }
    assert found["families"]["length"] == {
        "items": 3,
        "violated": 2,
        "agreement": 2 / 3,
        "false_accept": 1 / 2,
        "false_reject": 0.0,
        "true_positives": 1 / 2,
        "true_negatives": 1.0,
    }
    assert found["families"]["casing"]["true_positives"] is None
    assert found["ladders"] == 1


def test_the_fit_is_the_minimum_and_the_same_each_time() -> None:
    torch.manual_seed(0)
    states = torch.randn(60, 5, dtype=torch.float64) * torch.tensor([1.0, 10, 100, 1, 1]) + 3
    labels = (states[:, 0] + 0.02 * states[:, 2] + torch.randn(60) > 5).long()
    head = fitted_head(states, labels, 0.1)
    assert torch.equal(head.weight, fitted_head(states, labels, 0.1).weight)
    weight, bias = head.weight.clone().requires_grad_(), head.bias.clone().requires_grad_()
    likely = dataclasses.replace(head, weight=weight, bias=bias).probabilities(states)
    loss = torch.nn.functional.binary_cross_entropy(likely, labels.double()) + 0.05 * weight.square().sum()
    slopes = torch.autograd.grad(loss, (weight, bias))
    assert max(float(slope.abs().max()) for slope in slopes) < 1e-4
    assert ((head.probabilities(states) > 0.5) == labels).double().mean() > 0.8
    assert fitted_head(states, labels, 10.0).weight.norm() < head.weight.norm()


def test_a_text_is_read_alone_whatever_stands_beside_it(reader: tuple[Path, Reader]) -> None:
    _, read = reader
    asked = ["Use no commas.", "Write at most 9 words.", "Use no commas."]
    texts = ["It is about the passage, and more of it.", "", "word " * 5000]
    together = read.states(asked, texts)
    alone = torch.cat([read.states([sentence], [text]) for sentence, text in zip(asked, texts, strict=True)])
    assert together.shape == (3, read.model.config.hidden_size)
    assert torch.allclose(together, alone, atol=1e-5)
    assert not torch.allclose(read.states([asked[1]], [texts[0]]), together[:1], atol=1e-3), "what is asked is read too"


def test_responses_are_paid_the_mean_over_their_constraints(
    ladders: Dataset, reader: tuple[Path, Reader], tmp_path: Path
) -> None:
    folder, read = reader
    said = witnesses(ladders)
    fit(str(folder), read.tokenizer, ladders, answered(ladders, said), Soft("probe"), 0, tmp_path)
    report = json.loads((tmp_path / "soft.json").read_text())
    assert report["classifier"] == file_hash(tmp_path / "soft.safetensors")
    assert report["all"]["true_positives"] == 1.0
    judge = Softly.of(str(folder), read.tokenizer, tmp_path)
    rows = [dict(row) for row in ladders.select(range(4))]
    texts = [said[row["id"]][0] for row in rows[:3]] + ["<think>nothing</think>"]
    paid = judge.pay(Batch(rows, texts, 1, 0))
    head = Head.load(tmp_path / "soft.safetensors")
    for row, text, reward in zip(rows[:3], texts, paid.rewards, strict=False):
        asked = [constraint(item).tell() for item in json.loads(row["answer"])["value"]["constraints"]]
        answer = text.partition("</think>")[2].strip()
        likely = head.probabilities(read.states(asked, [answer] * len(asked)))
        assert reward == pytest.approx(float(likely.mean()), abs=1e-5)
    assert paid.rewards[3] == 0.0
    assert set(paid.metrics) == {"soft/agreement", "soft/false_accept"}
    with pytest.raises(SsrlError, match="wants rungs of ladders, and row r is none"):
        judge.pay(Batch([{**rows[0], "id": "r", "meta": "{}"}], texts[:1], 1, 0))


SAMPLE = {"method": "sample", "name": "probe", "k": 2, "batch": 64, "max_new_tokens": 160}
GRPO = {
    "max_steps": 2,
    "per_device_train_batch_size": 8,
    "num_generations": 4,
    "max_completion_length": 160,
    "gradient_checkpointing": False,
    "save_steps": 1,
}


def config(data: Path, out: Path, **stage: Any) -> Config:
    stages = [SAMPLE, {"method": "grpo", "reward": {"kind": "soft", "responses": "probe"}, "grpo": GRPO, **stage}]
    body = {"data": str(data), "out": str(out), "model": {"tiny": "qwen3"}, "track": "none", "stages": stages}
    return parse({**body, "eval": None}, "test")


def test_a_run_learns_its_classifier_once_and_is_paid_by_it(data: Path, tmp_path: Path) -> None:
    whole, said = config(data, tmp_path / "whole"), list[str]()
    run(whole, said.append)
    (line,) = [line for line in said if line.startswith("soft constraints: ")]
    stage = whole.out / "stages" / "2-grpo"
    report = json.loads((stage / "soft.json").read_text())
    assert f"accepts {report['all']['false_accept']:.3f} of the violated ones" in line
    assert report["all"]["violated"] > 0
    assert file_hash(stage / "soft.safetensors") == report["classifier"]
    history = json.loads((stage / "trainer_state.json").read_text())["log_history"]
    logged = [entry for entry in history if "reward" in entry]
    assert all(0 < entry["reward"] < 1 for entry in logged)
    assert all(0 <= entry["soft/false_accept"] <= 1 for entry in logged)
    assert all("exact" in entry for entry in logged), "the rules are told, and not paid"
    note = json.loads((stage / "stage.json").read_text())
    probe = json.loads((whole.out / "stages" / "1-probe" / "stage.json").read_text())["fingerprint"]
    assert note["inputs"]["read"] == [probe]

    # Killed in the middle it goes on with the classifier that it has, and ends the same.
    broken = config(data, tmp_path / "broken")
    shutil.copytree(whole.out, broken.out, symlinks=True)
    for gone in ("stages/2-grpo", "checkpoints/2-grpo/checkpoint-2"):
        shutil.rmtree(broken.out / gone)
    (broken.out / "result.json").unlink()
    made = (broken.out / "checkpoints/2-grpo/soft/soft.safetensors").stat().st_mtime_ns
    run(broken, lambda line: None)
    assert (broken.out / "checkpoints/2-grpo/soft/soft.safetensors").stat().st_mtime_ns == made
    weights = "model.safetensors"
    assert file_hash(broken.out / "stages/2-grpo" / weights) == file_hash(stage / weights)


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        ({"kind": "soft"}, "reward: responses is missing"),
        ({"kind": "soft", "responses": "prob"}, "reads the sample stage 'prob', and there is none before it"),
        ({"kind": "soft", "responses": "probe", "held": 1}, "reward: held is 1: it must be above 0 and below 1"),
        ({"kind": "soft", "responses": "probe", "penalty": 0}, "reward: penalty is 0: it must be above 0"),
        ({"kind": "soft", "responses": "probe", "hold": 0.5}, "reward: unknown key 'hold': did you mean 'held'?"),
    ],
)
def test_what_it_may_be(reward: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match=message):
        config(tmp_path, tmp_path, reward=reward)


def test_rows_that_are_no_ladders_are_refused_at_once(dataset: Path, rows: Dataset, tmp_path: Path) -> None:
    (fault,) = ladder_faults(rows)
    assert fault.startswith("the reward `soft` wants rungs of ladders, and a row of image/tile_anomaly is none")
    with pytest.raises(SsrlError, match="wants rungs of ladders"):
        run(config(dataset, tmp_path / "run"), lambda line: None)
    assert not (tmp_path / "run" / "stages").exists()
