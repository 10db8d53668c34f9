"""What comes out: checkers, and RL, SFT and DPO rows that `datasets` reads, TRL trains on and checkers agree with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
from autoif_runs import refusal, run, write_config
from command import published
from datasets import load_dataset
from made_autoif import LIKE, QUARREL, QUERIES, SEEDS, TWISTED, WRITTEN, output, write_records

from ssrl_data import programs
from ssrl_data.grade import grade
from ssrl_data.row import unpack_answer
from ssrl_train.tiny import Tiny, build_model, build_processor

pytest_plugins = ("autoif_runs",)
KEPT = {*SEEDS, *LIKE}


def rows(out: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / name).read_text().splitlines()]


def dropped(out: Path, step: str) -> dict[str, str]:
    return {row["instruction"]: row["reason"] for row in rows(out, f"dropped/{step}.jsonl")}


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache for these tests alone: `datasets` knows a folder with a card by its name, wherever it lies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that knows no folder yet."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def built(finished: Path) -> Any:
    return load_dataset(str(finished / "rl"))


def test_each_step_keeps_and_drops_what_it_should(finished: Path) -> None:
    assert [row["from"] for row in rows(finished, "instructions.jsonl")] == ["seed"] * 3 + ["expanded"] * 4
    assert dropped(finished, "expand") == {
        "Write a haiku about it.": "needs how words sound",
        "Write exactly three lines!": "repeats another",
        "Short one.": "too short",
    }
    written = rows(finished, "written.jsonl")
    assert {row["instruction"] for row in written} == set(WRITTEN)
    assert all(len(row["outputs"]) == 6 for row in written)
    assert set(dropped(finished, "validate")) == {QUARREL}
    assert dropped(finished, "backtranslate") == {TWISTED: "a checker contradicts it"}
    checkers = rows(finished, "checkers.jsonl")
    assert {row["instruction"] for row in checkers} == KEPT
    for row in checkers:
        assert len(row["meanings"]) == len(row["checkers"])
        assert row["agrees"] is True
        assert len(row["queries"]) == len(set(row["queries"]) & set(QUERIES)) == 4


def test_the_checkers_are_as_they_were_written(finished: Path) -> None:
    for row in rows(finished, "checkers.jsonl"):
        functions, right, wrong = WRITTEN[row["instruction"]]
        assert {source.strip() for source in row["checkers"]} <= {source.strip() for source in functions}
        assert row["gold"] in right
        assert set(row["misses"]) <= set(wrong)


def test_rl_rows_ask_what_was_attached(finished: Path, built: Any) -> None:
    assert set(built) == {"train", "test"}
    queries = {row["instruction"]: row["queries"] for row in rows(finished, "checkers.jsonl")}
    shown: dict[str, set[str]] = {}
    for split, found in built.items():
        for row in found:
            text = row["prompt"][0]["content"]
            (instruction,) = (one for one in KEPT if one in text)
            assert any(query in text for query in queries[instruction])
            shown.setdefault(split, set()).add(instruction)
    assert not shown["train"] & shown["test"]


@pytest.mark.parametrize("name", ["sft", "dpo"])
def test_tables_have_the_columns_and_splits_of_the_rows(name: str, finished: Path, built: Any) -> None:
    found = load_dataset(str(finished / name))
    turns = {"sft": ["prompt", "completion"], "dpo": ["prompt", "chosen", "rejected"]}[name]
    assert set(found) == {"train", "test"}
    for split in found:
        assert found[split].column_names == [*turns, "id"]
        prompts = dict(zip(built[split]["id"], built[split]["prompt"], strict=True))
        assert len(found[split]) > 1
        for row in found[split]:
            assert row["prompt"] == prompts[row["id"]]
            assert all([turn["role"] for turn in row[name]] == ["assistant"] for name in turns[1:])


def test_supervised_answers_are_right_and_without_their_reasoning(finished: Path, built: Any) -> None:
    for split, found in load_dataset(str(finished / "sft")).items():
        answers = dict(zip(built[split]["id"], built[split]["answer"], strict=True))
        said = [(row["id"], row["completion"][0]["content"]) for row in found]
        assert not {text for _, text in said} & {made[1][1] for made in WRITTEN.values()}  # of no relevance
        assert len(set(said)) == len(said)
        for row, text in said:
            assert grade(answers[row], text).exact
            assert "<think>" not in text


def test_of_a_pair_one_is_right_and_no_checker_accepts_the_other(finished: Path, built: Any) -> None:
    for split, found in load_dataset(str(finished / "dpo")).items():
        answers = dict(zip(built[split]["id"], built[split]["answer"], strict=True))
        for row in found:
            chosen, rejected = row["chosen"][0]["content"], row["rejected"][0]["content"]
            assert grade(answers[row["id"]], chosen).exact
            sources = [checker["source"] for checker in unpack_answer(answers[row["id"]])[1]["checkers"]]
            assert not any(programs.run(source, rejected).accepted for source in sources)


def test_the_share_of_checkers_that_accept_is_stored(finished: Path) -> None:
    answers = [answer for row in rows(finished, "answers.jsonl") for answer in row["answers"]]
    assert {answer["accepted"] for answer in answers} == {0.0, 1.0}
    assert all(answer["right"] == (answer["accepted"] > 0.5) for answer in answers)
    irrelevant = {made[1][1] for made in WRITTEN.values()}
    assert {answer["text"] in irrelevant for answer in answers if answer["right"]} == {True, False}
    for answer in answers:
        assert answer["relevance"] == (None if not answer["right"] else 3 if answer["text"] in irrelevant else 8)
        assert answer["chosen"] == (answer["relevance"] == 8)
    silent = rows(finished, "dropped/answer.jsonl")
    assert {row["reason"] for row in silent} == {"a response that says nothing"}


def test_recorded_calls_make_the_same_bytes_without_a_model(finished: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path, f"recorded: '{finished / 'calls'}'")
    run(config, tmp_path / "out", workers=2)

    def files(out: Path) -> dict[str, str]:
        own = (".lock", "rl/.ssrl")
        return {name: digest for name, digest in published(out).items() if not name.startswith(own)}

    assert files(tmp_path / "out") == files(finished)


@pytest.mark.usefixtures("fresh")
def test_recorded_responses_stand_for_the_model(finished: Path, tmp_path: Path, built: Any) -> None:
    lines = []
    for split in built.values():
        for row in split:
            (instruction,) = (one for one in KEPT if one in row["prompt"][0]["content"])
            _, right, wrong = WRITTEN[instruction]
            lines += [{"id": row["id"], "response": text} for text in (right[0], wrong[0], "")]
    (tmp_path / "responses.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    config = write_config(tmp_path, f"recorded: '{finished / 'calls'}'")
    recorded = "answer: {recorded: responses.jsonl, relevance: 0}"
    config.write_text(config.read_text().replace("answer: {answers: 8}", recorded))
    run(config, tmp_path / "out")
    for name in ("sft", "dpo"):
        found = load_dataset(str(tmp_path / "out" / name))
        assert sum(map(len, found.values())) == sum(map(len, built.values()))
    (tmp_path / "responses.jsonl").write_text('{"id": "nobody", "response": "x"}')
    assert "answers the row 'nobody', which was not built" in refusal(config, tmp_path / "out", "answer")


@pytest.mark.usefixtures("fresh")
def test_written_checkers_are_imported_as_they_are_and_need_no_model(tmp_path: Path) -> None:
    write_records(tmp_path / "theirs.jsonl", [*KEPT, QUARREL])
    ours = {"instruction": SEEDS[0], "outputs": [output(SEEDS[0], 1)]}  # more of one that is there
    with (tmp_path / "theirs.jsonl").open("a") as file:
        file.write(json.dumps(ours) + "\n")
    config = tmp_path / "autoif.yaml"
    config.write_text("import: theirs.jsonl\nbacktranslate: false\nrl: {rows: 10, levels: [easy]}")
    run(config, tmp_path / "out")
    assert not (tmp_path / "out/calls").exists()
    written = {row["instruction"]: row["outputs"] for row in rows(tmp_path / "out", "written.jsonl")}
    assert set(written) == {*KEPT, QUARREL}
    assert len(written[SEEDS[0]]) == 4
    checkers = rows(tmp_path / "out", "checkers.jsonl")
    assert {row["instruction"] for row in checkers} == KEPT
    assert {(row["agrees"], *row["meanings"], *row["queries"]) for row in checkers} == {(None,)}
    assert len(load_dataset(str(tmp_path / "out/rl"), split="train")) == 10
    assert not (tmp_path / "out/sft").exists()


@pytest.fixture(scope="module")
def tiny(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("autoif") / "tiny"
    texts = [
        text
        for row in rows(finished, "answers.jsonl")
        for text in (row["prompt"][0]["content"], *map(str, row["answers"]))
    ]
    processor = build_processor(Tiny("qwen3"), texts)
    build_model(Tiny("qwen3"), processor, 0).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", ["sft", "dpo"])
def test_trl_trains_on_the_tables(name: str, finished: Path, tiny: Path, tmp_path: Path) -> None:
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    made = {"sft": (SFTConfig, SFTTrainer), "dpo": (DPOConfig, DPOTrainer)}[name]
    args = made[0](
        output_dir=str(tmp_path),
        max_steps=2,
        per_device_train_batch_size=2,
        report_to=[],
        use_cpu=True,
        bf16=False,
        logging_steps=1,
    )
    found = load_dataset(str(finished / name), split="train")
    trainer = made[1](model=str(tiny), args=args, train_dataset=found)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == 2
    assert all(loss > 0 for loss in losses)
