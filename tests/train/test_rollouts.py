from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import ROOT
from datasets import Dataset

from ssrl_data.core import SsrlError
from ssrl_data.grade import grade
from ssrl_data.pass_rates import left_out, within
from ssrl_train import eval_cli
from ssrl_train.models import load_model_config, vision_tokens
from ssrl_train.rollouts import ROLLOUTS, Sampling, sample_rollouts, write_rates
from ssrl_train.rows import column, load_rows
from ssrl_train.tiny import Tiny, build_model, load_processor

pytest_plugins = ("train_rows",)

WARM = Sampling(k=2, temperature=1.0, max_new_tokens=5, batch=4)
COMMAND = ("-k", "2", "--max-new-tokens", "5", "--batch", "4", "--split", "train", "--per-row")


def ask(llava: Path, rows: Dataset, folder: Path, sampling: Sampling = WARM, **options: Any) -> pa.Table:
    processor = load_processor(llava)
    forbidden = vision_tokens(processor, load_model_config(str(llava)))
    said = options.pop("said", [])
    return sample_rollouts(str(llava), processor, rows, folder, sampling, forbidden, said.append, **options)


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.fixture(scope="module")
def whole(llava: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An unbroken evaluation of the training rows, in this process."""
    out = tmp_path_factory.mktemp("rollouts") / "whole"
    eval_cli.evaluate(str(llava), dataset, "train", k=2, max_new_tokens=5, batch=4, per_row=True, out=out)
    return out


def evaluate(llava: Path, dataset: Path, out: Path, **environment: str) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).parent / "ssrl"), "eval", str(llava), str(dataset), *COMMAND, "--out", str(out)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, env=os.environ | environment, **quiet)


def test_the_table_has_each_response_judged(llava: Path, rows: Dataset, whole: Path) -> None:
    table = pa.concat_tables([pq.read_table(file) for file in sorted(whole.glob("rollouts-*.parquet"))])
    assert table.schema == ROLLOUTS
    assert table["id"].to_pylist() == [id for id in column(rows, "id") for _ in range(2)]
    assert table["sample"].to_pylist() == [0, 1] * len(rows)
    answers = dict(zip(column(rows, "id"), column(rows, "answer"), strict=True))
    for line in table.to_pylist():
        verdict = grade(answers[line["id"]], line["response"])
        assert (line["score"], line["exact"], line["reason"]) == (verdict.score, verdict.exact, verdict.reason)
        assert line["read"] == (verdict.read is not None)
        assert 1 <= line["tokens"] <= 5
    assert {len(pq.read_table(file)) for file in whole.glob("rollouts-*.parquet")} == {8}
    rates = pq.read_table(whole / "rates.parquet").to_pylist()
    assert [line["id"] for line in rates] == sorted(answers)


def test_killed_and_begun_again_it_ends_with_the_same_bytes(
    llava: Path, dataset: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    victim, deadline = evaluate(llava, dataset, out), time.monotonic() + 240
    while len(list(out.glob("rollouts-*.parquet"))) < 3:
        assert victim.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    there = {name: (out / name).stat().st_mtime_ns for name in files(out) if name.startswith("rollouts-")}
    assert 3 <= len(there) < len(files(whole)) - 2
    assert evaluate(llava, dataset, out).wait() == 0
    assert files(out) == files(whole)
    assert {name: (out / name).stat().st_mtime_ns for name in there} == there, "what was there was not made again"


def test_two_processes_share_the_chunks_and_end_with_the_same_bytes(
    llava: Path, dataset: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "two"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    both = [evaluate(llava, dataset, out, **shared, RANK=str(i), LOCAL_RANK=str(i)) for i in range(2)]
    assert [process.wait(240) for process in both] == [0, 0]
    assert files(out) == files(whole)


def test_a_folder_is_of_one_question(llava: Path, rows: Dataset, tmp_path: Path) -> None:
    few, said = rows.select(range(6)), list[str]()
    first = ask(llava, few, tmp_path / "one", said=said)
    assert said[-1].startswith("6 of 6 rows answered")
    stamps = {file: file.stat().st_mtime_ns for file in (tmp_path / "one").iterdir()}
    assert ask(llava, few, tmp_path / "one") == first
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "one").iterdir()} == stamps
    with pytest.raises(SsrlError, match=r"holds another evaluation: rows 6 rows \w+ there, 5 rows \w+ now; choose"):
        ask(llava, few.select(range(5)), tmp_path / "one")
    with pytest.raises(SsrlError, match=r"evaluation: seed 0 there, 7 now; temperature 1.0 there, 0.5 now"):
        ask(llava, few, tmp_path / "one", replace(WARM, temperature=0.5, seed=7))
    with pytest.raises(SsrlError, match="control None there, blind now"):
        ask(llava, few, tmp_path / "one", control="blind")
    (tmp_path / "taken").write_text("")
    with pytest.raises(SsrlError, match="a file is in its place"):
        ask(llava, few, tmp_path / "taken")


def test_a_model_is_its_weights_and_not_its_place(llava: Path, rows: Dataset, tmp_path: Path) -> None:
    few, moved, other = rows.select(range(2)), tmp_path / "moved", tmp_path / "other"
    shutil.copytree(llava, moved)
    shutil.copytree(llava, other)
    build_model(Tiny(), load_processor(llava), 1).save_pretrained(other)
    assert ask(moved, few, tmp_path / "out") == ask(llava, few, tmp_path / "out")
    with pytest.raises(SsrlError, match=r"another evaluation: model \w+ there, \w+ now"):
        ask(other, few, tmp_path / "out")


def test_draws_of_a_chunk_follow_from_its_rows(llava: Path, rows: Dataset, tmp_path: Path) -> None:
    both = ask(llava, rows.select(range(8)), tmp_path / "both")
    second = ask(llava, rows.select(range(4, 8)), tmp_path / "second")
    assert both.slice(8) == second, "wherever the chunk stands"
    first, again = both.slice(0, 8), ask(llava, rows.select([*range(4), *range(4)]), tmp_path / "twice").slice(0, 8)
    assert first == again
    seed = ask(llava, rows.select(range(4)), tmp_path / "seed", replace(WARM, seed=1))
    assert seed["response"].to_pylist() != first["response"].to_pylist()


def lines(id: str, *verdicts: tuple[str, float | None, int]) -> list[dict[str, Any]]:
    return [
        {"id": id, "sample": i, "response": text, "tokens": tokens, "stopped": tokens < 9, "score": score}
        | {"exact": score == 1, "reason": "", "read": bool(text)}
        for i, (text, score, tokens) in enumerate(verdicts)
    ]


def test_pass_rates_come_with_what_the_responses_were_like(tmp_path: Path) -> None:
    seen = lines("b", ("x", 1.0, 2), ("y", 0.0, 4), ("x", 1.0, 9), ("", 0.0, 9)) + lines("a", ("z", 1.0, 1))
    seen += lines("c", ("z", None, 3)) + lines("d", ("z", 1.0, 3), ("y", 0.0, 3))
    table, file = pa.Table.from_pylist(seen, ROLLOUTS), tmp_path / "out" / "rates.parquet"
    write_rates(table, file)
    found = {line["id"]: line for line in pq.read_table(file).to_pylist()}
    assert list(found) == ["a", "b", "c", "d"]
    half = {"id": "b", "n": 4, "pass_rate": 0.5, "mean_score": 0.5, "bucket": "easy", "keep": True}
    assert found["b"] == half | {"tokens": 6.0, "stopped": 0.5, "read": 0.75, "distinct": 3}
    assert [found[id]["bucket"] for id in "acd"] == ["pass", None, "easy"]
    assert left_out(file) == {"a"}
    assert [path.name for path in file.parent.iterdir()] == ["rates.parquet"]

    blind = pa.Table.from_pylist(
        lines("b", ("x", 1.0, 2)) + lines("a", ("x", 0.0, 2)) + lines("d", ("x", 1.0, 1)), ROLLOUTS
    )
    other = tmp_path / "other.parquet"
    write_rates(table, other, (0.1, 0.9), blind, {"d"})
    told = pq.read_table(other)
    assert told["blind"].to_pylist() == [0.0, 1.0, None, 1.0]
    assert told["needless"].to_pylist() == [False, False, False, True]
    assert left_out(other) == {"a", "d"}
    assert within(other, (0.5, 1.0)) == {"a", "b"}, "what needs no looking is in no band"
    assert within(other, None) == {"b", "c"}
    with pytest.raises(SsrlError, match="the band 1 to 1 is empty"):
        write_rates(table, file, (1.0, 1.0))


def test_text_rows_are_asked_alike(tmp_path: Path) -> None:
    """Without pictures there is a tokenizer in the processor's place."""
    from ssrl_data.answers.choice import Choice
    from ssrl_data.row import pack_answer
    from ssrl_train.tiny import build_processor, texts_of

    answer = pack_answer(Choice().answer("b", ["a", "b"]))
    prompt = [{"role": "user", "content": "Is it a or b?"}]
    columns = {"id": list("pqr"), "prompt": [prompt] * 3, "answer": [answer] * 3, "task": ["t"] * 3}
    rows = Dataset.from_dict(columns)
    processor = build_processor(Tiny("qwen3"), texts_of(rows))
    build_model(Tiny("qwen3"), processor, 0).save_pretrained(tmp_path / "model")
    processor.save_pretrained(tmp_path / "model")
    table = sample_rollouts(str(tmp_path / "model"), processor, rows, tmp_path / "out", WARM, [], lambda line: None)
    assert table["id"].to_pylist() == ["p", "p", "q", "q", "r", "r"]
    note = json.loads((tmp_path / "out" / "rollouts.json").read_text())
    assert note == {
        "model": note["model"],
        "rows": note["rows"],
        "engine": "transformers",
        "k": 2,
        "temperature": 1.0,
        "top_p": 1.0,
        "max_new_tokens": 5,
        "batch": 4,
        "seed": 0,
        "control": None,
    }


def test_the_rows_of_a_split_are_asked_in_their_order(dataset: Path, llava: Path, tmp_path: Path) -> None:
    held = load_rows(dataset, "test")
    table = ask(llava, held, tmp_path / "out", Sampling(max_new_tokens=4, batch=7))
    assert table["id"].to_pylist() == column(held, "id")
