"""Responses and verdicts as examples: what each export promises, and that a stage and a file give the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from command import ssrl
from datasets import Dataset, load_dataset
from judged_rows import GOLDEN, ROWS, RULES, golden, made, rollouts, rows
from safetensors.torch import load_file
from transformers import Qwen3Config, Qwen3ForSequenceClassification
from trl import RewardConfig, RewardTrainer

from ssrl_data.answers.reading import CLOSE, OPEN, tagged
from ssrl_data.core import SsrlError
from ssrl_data.grade import grade
from ssrl_data.row import digest, unpack_answer
from ssrl_train.config import Config, parse
from ssrl_train.export_cli import export
from ssrl_train.exports import EXPORTS
from ssrl_train.exports.form import content, parts
from ssrl_train.exports.settings import FORMS, SHAPES, Degree, Engrave, Pairs, Rejection, Skills, Specs, Spin
from ssrl_train.exports.skills import AGAIN, BACK, CORRECT, INCORRECT
from ssrl_train.exports.specs import BROKEN
from ssrl_train.responses import exported, read, write
from ssrl_train.rows import column, load_rows, preceded
from ssrl_train.run import run
from ssrl_train.stages import Loop
from ssrl_train.tiny import Tiny, build_processor

pytest_plugins = ("train_rows",)
MANY = 200
ANSWERS = {digest(question): answer for question, answer, _, _ in ROWS}


def said(example: dict[str, Any], name: str) -> str:
    [turn] = example[name]
    assert turn["role"] == "assistant"
    text: str = turn["content"]
    return text


@pytest.mark.parametrize("kind", EXPORTS)
def test_golden_files(kind: str) -> None:
    assert golden(kind).encode() == (GOLDEN / f"{kind}.jsonl").read_bytes()


@pytest.mark.parametrize("kind", EXPORTS)
def test_what_is_shown_is_what_the_verifier_says(kind: str) -> None:
    found = made(EXPORTS[kind](), MANY)
    assert found.counts["examples"] == len(found.table) > 0
    for example in found.table:
        best = said(example, "completion" if "completion" in example else "chosen")
        assert example["shows"] == (grade(ANSWERS[example["id"]], best).score == 1)
        assert RULES not in example["prompt"][0]["content"]
    shown = {example["id"] for example in found.table if example["shows"]}
    assert found.shown == [id for id in column(rows(), "id") if id in shown]


def test_specs_breaks_the_form_and_nothing_else() -> None:
    found = made(Specs(), MANY).table
    for example in found:
        kind, value, _ = unpack_answer(ANSWERS[example["id"]])
        chosen, rejected = said(example, "chosen"), said(example, "rejected")
        assert kind.read(chosen, value).given is not None
        assert kind.read(rejected, value).given is None
        assert content(chosen) == content(rejected)
        words = [sorted(re.findall(r"\w+", re.sub(r"<.*?>", " ", text))) for text in (chosen, rejected)]
        assert set(words[0]) == set(words[1])
        assert (words[0] == words[1]) == (example["form"] != "twice")
        assert example["grade"] == BROKEN[example["form"]][0]
        tags = rejected.count(OPEN) + rejected.count(CLOSE)
        assert (tags < 2) == (example["grade"] != 2)
        assert (tags == 0) == (example["grade"] == 3)
    assert set(found["form"]) == set(FORMS) == set(BROKEN)
    # What a reader forgives is no broken form: a bare option reads, and an answer before untagged words.
    forgiven = [said(example, "chosen") for example in found if example["form"] in ("untagged", "before")]
    assert forgiven
    assert "<answer>B</answer>" not in forgiven
    assert len(made(Specs(), 1).table) == len(ROWS)
    assert set(made(Specs(("twice",)), MANY).table["form"]) == {"twice"}


def test_content_is_neither_tags_nor_order_nor_repeats() -> None:
    assert content("<think>a b.</think><answer>c</answer>") == content("c a b. c")
    assert content("so <answer>12</answer>") != content("so <answer>1 2</answer>")
    for text in (
        "no tag",
        "<answer>a</answer><answer>a</answer>",
        "</answer>a<answer>",
        r"\boxed{a} <answer>a</answer>",
    ):
        assert parts(text) is None
    for text in (
        "<think>a<answer>b</answer></think>",
        "</think>a<think><answer>b</answer>",
        "<think>a<answer>b</answer>",
    ):
        assert parts(text) is None
    whole = parts("a</think> so <answer>b</answer>.")
    assert whole is not None
    assert (whole.head, whole.answer, whole.tail) == ("a</think> so ", "b", ".")


def test_skills_end_in_a_right_answer_and_judge_tries_as_the_verifier_does() -> None:
    found = made(Skills(), MANY)
    templates = {False: INCORRECT, True: CORRECT}
    for example in found.table:
        answer, text = ANSWERS[example["id"]], said(example, "completion")
        assert grade(answer, text).score == 1
        assert text.count(OPEN) == text.count(CLOSE) == 1
        body, gold = text.removesuffix(CLOSE).split("</think>" + OPEN)
        tries = re.split(r"<reflect>(.*?) <verdict>(\w+)</verdict></reflect>", body.removeprefix("<think>"))
        assert tries.pop() == ""
        verdicts = []
        for tried, words, verdict in zip(tries[::3], tries[1::3], tries[2::3], strict=True):
            given = tried.rstrip().rpartition("Answer: ")[2]
            right = grade(answer, tagged(given)).exact
            assert verdict == ("correct" if right else "incorrect")
            assert words in templates[right]
            assert not re.search(rf"(?<!\w){re.escape(gold)}(?!\w)", f"{words} {verdict}", re.IGNORECASE)
            verdicts.append(right)
        assert verdicts == [False] * (len(verdicts) - 1) + [True]
        assert len(verdicts) == example["tries"] <= Skills().tries
        links = [line for line in text.split("\n") if line in {*AGAIN, *BACK}]
        assert len(links) == len(verdicts) - 1
        assert example["reflection"] == "template"
    assert found.counts["shape"].keys() == set(SHAPES)
    assert sum(found.counts["tries"].values()) == found.counts["examples"]
    assert {*made(Skills(tries=2), MANY).table["tries"]} == {1, 2}
    [back, *_] = [one for one in made(Skills(("backtrack",)), MANY).table if "alike" in said(one, "completion")]
    assert said(back, "completion").count("The tiles are alike.") == 1
    assert "alike" in said(back, "completion").partition("<reflect>")[0]


def test_engrave_leaves_no_rule() -> None:
    kept = [said(example, "completion") for example in made(Engrave(), MANY).table]
    everything = [said(example, "completion") for example in made(Rejection(), MANY).table]
    quoting = [text for text in everything if RULES in text]
    assert quoting
    assert kept == [text for text in everything if text not in quoting]
    assert "It ends" not in " ".join(kept)
    with pytest.raises(SsrlError, match="give the sample stage a `preamble`"):
        exported(rows(), rollouts(), Engrave())


def test_degrees_add_up_and_are_in_order() -> None:
    found = made(Degree(), 3).table
    score = {(line["id"], line["response"]): line["score"] for line in rollouts().to_pylist()}
    triples = 0
    for id in set(found["id"]):
        pairs = {one["order"]: one for one in found if one["id"] == id}
        for one in pairs.values():
            gap = score[id, said(one, "chosen")] - score[id, said(one, "rejected")]
            assert one["margin"] == pytest.approx(gap)
            assert gap >= Degree().least
        if len(pairs) == 3:
            triples += 1
            whole, first, second = (
                pairs[name] for name in ("best over worst", "best over middle", "middle over worst")
            )
            assert whole["margin"] == pytest.approx(first["margin"] + second["margin"])
            assert said(first, "rejected") == said(second, "chosen")
            assert (said(whole, "chosen"), said(whole, "rejected")) == (said(first, "chosen"), said(second, "rejected"))
    assert triples == 1
    assert set(made(Degree(least=0.8), 3).table["order"]) == {"best over worst"}


def test_margins_reach_the_loss_of_a_reward_model(tmp_path: Path) -> None:
    write(made(Degree(), 3).table, tmp_path / "degree.parquet")
    pairs: Dataset = load_dataset("parquet", data_files=str(tmp_path / "degree.parquet"), split="train")
    texts = [turn["content"] for one in pairs for name in ("prompt", "chosen", "rejected") for turn in one[name]]
    tokenizer = build_processor(Tiny("qwen3"), texts)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "head_dim": 16, "num_labels": 1}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "pad_token_id": tokenizer.pad_token_id}
    model = Qwen3ForSequenceClassification(Qwen3Config(vocab_size=len(tokenizer), **size, **heads))
    seen: list[float] = []

    class Watched(RewardTrainer):  # type: ignore[misc]
        def compute_loss(self, model: Any, inputs: Any, **options: Any) -> Any:
            seen.extend(inputs["margin"].tolist())
            return super().compute_loss(model, inputs, **options)

    options = {**SMALL, "max_steps": 1, "per_device_train_batch_size": len(pairs), "report_to": "none"}
    args = RewardConfig(str(tmp_path / "out"), use_cpu=not torch.cuda.is_available(), bf16=False, **options)
    Watched(model=model, args=args, train_dataset=pairs, processing_class=tokenizer).train()
    assert sorted(seen) == pytest.approx(sorted(pairs["margin"]))


def test_spin_prefers_the_worked_solution_to_wrong_samples() -> None:
    verdict = {(line["id"], line["response"]): line["exact"] for line in rollouts().to_pylist()}
    for example in made(Spin(), MANY).table:
        assert grade(ANSWERS[example["id"]], said(example, "chosen")).score == 1
        assert not verdict[example["id"], said(example, "rejected")]
    [worked] = {said(one, "chosen") for one in made(Spin(), MANY).table if one["id"] == digest("Which tile is odd?")}
    assert worked == "<think>The second tile is blank.</think><answer>B</answer>"


def test_another_seed_draws_others_and_the_order_of_the_table_draws_none() -> None:
    once = exported(rows(), rollouts(), Pairs())
    table = rollouts()
    turned = table.take(list(range(len(table)))[::-1])
    assert exported(rows(), turned, Pairs()).table.to_list() == once.table.to_list()
    drawn = [exported(rows(), rollouts(), Pairs(), seed=seed).table.to_list() for seed in range(8)]
    assert any(one != drawn[0] for one in drawn)


def test_responses_to_other_rows_are_refused() -> None:
    with pytest.raises(SsrlError, match="none of the responses is to one of these 1 rows: name the dataset"):
        exported(rows().select([0]), rollouts().slice(len(ROWS[0][3])), Pairs())
    with pytest.raises(SsrlError, match=r"no row has a right and a wrong response within the pass rates 0\.9 to 1"):
        exported(rows(), rollouts(), Pairs(), (0.9, 1))


def test_a_preamble_stands_before_what_is_asked_and_nowhere_else() -> None:
    asked = preceded(rows(), RULES)
    for before, after in zip(column(rows(), "prompt"), column(asked, "prompt"), strict=True):
        assert after == [{"role": "user", "content": f"{RULES}\n\n{before[0]['content']}"}]
    assert preceded(asked, "") is asked


SMALL: dict[str, Any] = {"gradient_checkpointing": False, "save_strategy": "no", "max_steps": 2}
SMALL["per_device_train_batch_size"] = 4
FORMAT = {"method": "format", "steps": 25, "batch": 16}
SAMPLE = {"method": "sample", "name": "own", "rows": 24, "k": 4, "max_new_tokens": 4}
DPO = {**SMALL, "loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.5]}
SPECS = {"method": "dpo", "responses": "own", "each": 2, "export": {"kind": "specs", "forms": ["unclosed", "twice"]}}
ENGRAVE = {"method": "sft", "responses": "ruled", "rows": 0, "export": "engrave", "sft": SMALL}


def config(data: Path, out: Path, stages: list[dict[str, Any]], model: Any = None) -> Config:
    body = {"data": str(data), "out": str(out), "model": model or {"tiny": "llava"}, "track": "none", "stages": stages}
    return parse(body | {"eval": None}, "test")


def test_a_stage_and_a_file_give_the_same_model(dataset: Path, tmp_path: Path) -> None:
    heard: list[str] = []
    rule = "Answer with 1, 2, 3 or 4 in reading order."  # of words that the rows have, so that vocabularies are one
    stages = [FORMAT, SAMPLE, {**SPECS, "dpo": DPO}, {**SAMPLE, "name": "ruled", "preamble": rule}, ENGRAVE]
    run(config(dataset, tmp_path / "a", stages), heard.append)
    a = tmp_path / "a" / "stages"
    counts = json.loads((a / "3-dpo" / "export.json").read_text())
    assert set(counts["form"]) <= {"unclosed", "twice"}
    assert any("examples" in line for line in heard)
    file = tmp_path / "specs.parquet"
    options = ("--each", "2", "-p", "forms=[unclosed, twice]")
    done = ssrl("export", "specs", dataset, a / "2-own" / "rollouts.parquet", "--out", file, *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{file}: {counts['examples']} examples for a stage of method dpo")
    stage = {"method": "dpo", "data": str(file), "dpo": DPO}
    run(config(dataset, tmp_path / "b", [stage], str(a / "1-format")), lambda line: None)
    b = tmp_path / "b" / "stages"
    first, second = (load_file(folder / "model.safetensors") for folder in (a / "3-dpo", b / "1-dpo"))
    assert all(torch.equal(first[name], second[name]) for name in first)
    begun = load_file(a / "1-format" / "model.safetensors")
    assert not all(torch.equal(first[name], begun[name]) for name in first)
    assert (a / "3-dpo" / "shown.json").read_text() == (b / "1-dpo" / "shown.json").read_text()

    table = pq.read_table(a / "4-ruled" / "rollouts.parquet")
    assert table.schema.metadata[b"ssrl.preamble"].decode() == rule
    engraved = tmp_path / "engraved.parquet"
    write(exported(load_rows(dataset, "train"), read(a / "4-ruled"), Engrave()).table, engraved)
    learnt: Dataset = load_dataset("parquet", data_files=str(engraved), split="train")
    assert len(learnt) == json.loads((a / "5-sft" / "export.json").read_text())["examples"]
    assert rule not in json.dumps(column(learnt, "prompt"))
    assert learnt[0]["images"][0].size


def test_a_loop_ends_where_samples_are_good_enough_and_stays_ended(dataset: Path, tmp_path: Path) -> None:
    spin = {"method": "dpo", "name": "spin", "responses": "own", "export": "spin", "dpo": {**SMALL, "max_steps": 1}}
    loop = {"repeat": 2, "until": 0.01, "stages": [{**SAMPLE, "rows": 8}, spin]}
    after = {"method": "sft", "responses": "own", "rows": 4, "sft": {**SMALL, "max_steps": 1}}
    heard: list[str] = []
    out = tmp_path / "run"
    settings = config(dataset, out, [FORMAT, loop, after])
    assert settings.loops == (Loop(1, 5, 0.01),)
    found = run(settings, heard.append)
    assert found["left_out"] == ["3-spin", "4-own", "5-spin"]
    assert next(line for line in heard if "left out" in line).startswith(
        "stage 3/6 spin is left out: 2-own passes at 0."
    )
    assert found["sft_steps"] == 1
    assert (out / "model").resolve().name == "6-sft"
    # Killed here, it goes on where it was; with a loop that ends elsewhere it says what differs.
    times = {path: path.stat().st_mtime_ns for path in (out / "stages").rglob("*.json")}
    (out / "result.json").unlink()
    assert run(settings, lambda line: None) == found
    assert times == {path: path.stat().st_mtime_ns for path in (out / "stages").rglob("*.json")}
    with pytest.raises(SsrlError, match=r"3-spin was made with another left_out: '2-own passes .* there, None now"):
        run(config(dataset, out, [FORMAT, {**loop, "until": 1}, after]), lambda line: None)


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        (
            [SAMPLE, {**ENGRAVE, "responses": "own"}],
            "stage 2 engraves rules and 'own' has none: give that one a `preamble`",
        ),
        ([SAMPLE, {**ENGRAVE, "responses": "own", "export": "specs"}], "makes examples for dpo; sft takes rejection"),
        ([{"method": "dpo", "data": "x.parquet", "export": "spin"}], "export wants responses"),
        ([SAMPLE, {**SPECS, "export": "spec"}], "did you mean 'specs'"),
        ([SAMPLE, {**SPECS, "export": {"kind": "specs", "forms": ["twise"]}}], "did you mean 'twice'"),
        ([SAMPLE, {**SPECS, "export": {"kind": "specs", "forms": []}}], "name one or more of unclosed"),
        ([SAMPLE, {**SPECS, "export": {"kind": "degree", "least": 0}}], "least is 0: it must be above 0 and at most 1"),
        ([SAMPLE, {**ENGRAVE, "export": {"kind": "skills", "tries": 1}}], "tries is 1: it must be at least 2"),
        ([SAMPLE, {**ENGRAVE, "export": {"kind": "engrave", "words": 0}}], "words is 0: it must be at least 1"),
        ([{"repeat": 2, "until": 0.9, "stages": [FORMAT]}], "until wants a sample stage in the loop"),
        ([{"repeat": 2, "until": 2, "stages": [SAMPLE]}], "until must be a pass rate above 0 and at most 1, got 2"),
    ],
)
def test_what_cannot_be_is_refused(stages: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(SsrlError, match=re.escape(message)):
        config(Path("d"), Path("o"), stages)


def test_loops_in_loops_are_found_in_every_round() -> None:
    inner = {"repeat": 2, "until": 0.5, "stages": [SAMPLE, FORMAT]}
    found = config(Path("d"), Path("o"), [FORMAT, {"repeat": 2, "until": 0.9, "stages": [FORMAT, inner]}])
    assert found.loops == (Loop(2, 6, 0.5), Loop(7, 11, 0.5), Loop(1, 11, 0.9))
    assert len(found.stages) == 11


def test_the_command_says_what_is_wrong(tmp_path: Path, dataset: Path) -> None:
    for responses, out, message in [
        (tmp_path, "x.parquet", "holds no rollouts*.parquet"),
        (tmp_path / "none.parquet", "x.parquet", "is no readable table of responses"),
        (tmp_path, "x.json", "a stage reads a file whose name ends with .parquet"),
    ]:
        with pytest.raises(SsrlError, match=re.escape(message)):
            export("pairs", dataset, responses, Path(out))
    with pytest.raises(SsrlError, match="did you mean 'pairs'"):
        export("pair", dataset, tmp_path, Path("x.parquet"))
    with pytest.raises(SsrlError, match=re.escape("--keep 0.5 0.1: name two rising shares")):
        export("pairs", dataset, tmp_path, Path("x.parquet"), keep=(0.5, 0.1))
