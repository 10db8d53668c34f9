from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from datasets import Dataset

from ssrl_data.answers.choice import Choice
from ssrl_data.grade import grade
from ssrl_data.rng import Rng
from ssrl_data.row import pack_answer, unpack_answer
from ssrl_train.memo import decoded_once, processed_once
from ssrl_train.models import load_model_config, vision_tokens
from ssrl_train.needless import needless
from ssrl_train.rollouts import ROLLOUTS, Sampling, sample_rollouts
from ssrl_train.rows import column, encode
from ssrl_train.tiny import Tiny, build_model, build_processor, load_processor, texts_of

pytest_plugins = ("train_rows",)

K = 8


def lettered(count: int, seed: int) -> Dataset:
    """Rows of two levels with four options, each of its own source."""
    rng = Rng("lettered", seed)
    columns = {
        "id": [f"row {seed} {i}" for i in range(count)],
        "task": ["t"] * count,
        "level": ["eh"[i % 2] for i in range(count)],
        "answer": [pack_answer(Choice().answer(rng.choice("ABCD"), "ABCD")) for _ in range(count)],
        "chance": [0.25] * count,
    }
    return Dataset.from_dict(columns | {name: [f"s {i}" for i in range(count)] for name in ("source_id", "group_id")})


def right(row: dict[str, Any]) -> str:
    return str(unpack_answer(row["answer"])[1]["answer"])


def blindly(rows: Dataset, said: Sequence[Sequence[str]]) -> pa.Table:
    lines = []
    for row, letters in zip(rows, said, strict=True):
        for i, letter in enumerate(letters):
            response = f"<answer>{letter}</answer>"
            verdict = grade(row["answer"], response)
            line = {"id": row["id"], "sample": i, "response": response, "tokens": 4, "stopped": True, "reason": ""}
            lines.append(line | {"score": verdict.score, "exact": verdict.exact, "read": True})
    return pa.Table.from_pylist(lines, ROLLOUTS)


def test_guessers_of_any_sureness_name_nothing() -> None:
    """Blind answers that have nothing to do with their rows: the same everywhere, the same within a row, or mixed."""
    for seed in range(30):
        rows, rng = lettered(80, seed), Rng("guess", seed)
        sure = [[rng.choice("ABCD")] * K for _ in rows]
        loose = [[rng.choice("AABCD") for _ in range(K)] for _ in rows]
        for said in (sure, loose, [["B"] * K for _ in rows]):
            assert needless(rows, blindly(rows, said)) == []


def test_one_answer_that_is_often_right_names_no_row() -> None:
    rows = lettered(400, 1).filter(lambda row: right(row) in "AB")
    (first, second) = needless(rows, blindly(rows, [["A"] * K for _ in rows]))
    assert first.lower > 0.27
    assert first.ids == second.ids == []
    assert first.lucky == second.lucky == 0


def test_rows_that_leak_are_named_and_luck_is_told() -> None:
    """At one level 60% of the rows leak, at the other none does; where none leaks, the model is sure of a guess."""
    rows, rng = lettered(400, 2), Rng("leak")
    leaks = [row["level"] == "h" and rng.below(10) < 6 for row in rows]
    said = [[right(row) if leak else rng.choice("ABCD")] * K for row, leak in zip(rows, leaks, strict=True)]
    (found,) = needless(rows, blindly(rows, said))
    assert (found.task, found.level, found.rows) == ("t", "h", 200)
    leaking = {row["id"] for row, leak in zip(rows, leaks, strict=True) if leak}
    assert leaking <= set(found.ids)
    lucky = len(set(found.ids) - leaking)
    assert 0 < lucky <= found.lucky
    assert found.lucky == pytest.approx(50, rel=0.3), "a quarter of the rows, if none leaked"
    greedy = blindly(rows, [letters[:1] for letters in said])
    assert [len(level.ids) for level in needless(rows, greedy)] == [0], "one response proves nothing of one row"


def test_few_sources_prove_nothing() -> None:
    rows = lettered(80, 3)
    few = rows.map(lambda row, i: {"source_id": f"s {i % 3}", "group_id": f"s {i % 3}"}, with_indices=True)
    said = blindly(rows, [[right(row)] * K for row in rows])
    assert [len(level.ids) for level in needless(rows, said)] == [40, 40]
    assert needless(few, said) == []


@pytest.fixture(scope="module")
def reader(rows: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that has learnt to repeat a hint, and to guess where there is none."""
    folder, hinted = tmp_path_factory.mktemp("needless") / "reader", planted(rows, 8)
    processor = build_processor(Tiny(side=8), texts_of(hinted))
    processed_once(processor)
    model = build_model(Tiny(side=8), processor, 0).train()
    shown, optimizer, rng = decoded_once(hinted), torch.optim.AdamW(model.parameters(), lr=1e-3), Rng("reader")
    for _ in range(150):
        picked = [shown[rng.below(len(shown))] for _ in range(32)]
        targets = [hint(row) or rng.choice("1234") for row in picked]
        texts = [f"<answer>{target}</answer>" + processor.tokenizer.eos_token for target in targets]
        inputs = encode(processor, picked, texts)
        labels = inputs["input_ids"].clone()
        labels[:, :-4] = -100
        model(**inputs, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def planted(rows: Dataset, tenths: int) -> Dataset:
    """The rows, as if of a photograph each; so many of ten say the right answer after the question."""
    rng = Rng("planted")
    leaks = [rng.below(10) < tenths for _ in range(len(rows))]

    def change(row: dict[str, Any], i: int) -> dict[str, Any]:
        *rest, last = row["prompt"][-1]["content"]
        text = f"{last['text']} Note {right(row)}" if leaks[i] else last["text"]
        prompt = [*row["prompt"][:-1], {**row["prompt"][-1], "content": [*rest, {**last, "text": text}]}]
        return {"prompt": prompt, "source_id": str(i), "group_id": str(i)}

    return rows.map(change, with_indices=True)


def hint(row: dict[str, Any]) -> str:
    return str(row["prompt"][-1]["content"][-1]["text"].partition(" Note ")[2])


@pytest.mark.parametrize("tenths", [0, 5])
def test_a_model_that_reads_the_answer_is_found_out(tenths: int, rows: Dataset, reader: Path, tmp_path: Path) -> None:
    asked, processor = planted(rows, tenths), load_processor(reader)
    forbidden = vision_tokens(processor, load_model_config(str(reader)))
    sampling = Sampling(K, 1.0, max_new_tokens=4)
    blind = sample_rollouts(
        str(reader), processor, asked, tmp_path, sampling, forbidden, lambda line: None, control="blind"
    )
    found = needless(asked, blind)
    if not tenths:
        assert found == []
        return
    leaking = {row["id"] for row in asked if hint(row)}
    (level,) = found
    assert 0.3 * len(asked) < len(leaking) < 0.7 * len(asked)
    assert len(leaking & set(level.ids)) > 0.9 * len(leaking)
    assert len(set(level.ids) - leaking) < 0.1 * (len(asked) - len(leaking)), "this model is unsure where it guesses"
    assert set(column(asked, "id")) >= set(level.ids)
