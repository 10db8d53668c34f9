"""Rows that a model always or never answers right are not made again, and others take their places."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
from command import published, ssrl

from ssrl_data.grade import answers
from ssrl_data.row import unpack_answer


def test_rows_outside_the_band_make_way_for_others(photos: Path, tmp_path: Path) -> None:
    first, second, rates = tmp_path / "first", tmp_path / "second", tmp_path / "rates.parquet"
    command = ("build", "image/rotation", "--level", "easy", "--source", photos, "--rows", "24")
    assert ssrl(*command, "--out", first).returncode == 0
    known = answers(first)
    right = {id: _gold(answer) for id, answer in known.items()}
    never, always, sometimes = sorted(known)[:8], sorted(known)[8:16], sorted(known)[16:]
    said = [(id, text) for id in (*always, *sometimes) for text in (right[id], right[id])]
    said += [(id, "no idea") for id in (*never, *sometimes) for _ in range(2)]
    responses = tmp_path / "responses.jsonl"
    responses.write_text("".join(json.dumps({"id": id, "response": text}) + "\n" for id, text in said))
    graded = ssrl("grade", first, "--responses", responses, "--pass-rates", rates)
    assert graded.returncode == 0, graded.stderr
    table = {row["id"]: (row["bucket"], row["keep"]) for row in pq.read_table(rates).to_pylist()}
    assert {table[id] for id in never} == {("never", False)}
    assert {table[id] for id in always} == {("pass", False)}
    assert {table[id] for id in sometimes} == {("easy", True)}

    built = ssrl(*command, "--out", second, "--pass-rates", rates)
    assert built.returncode == 0, built.stderr
    assert set(sometimes) <= set(answers(second))
    assert len(answers(second)) == 24
    assert not {*never, *always} & set(answers(second))
    skips = json.loads((second / "manifest.json").read_text())["counts"]["image/rotation/easy"]["skips"]
    assert skips["outside the band of pass rates"] == 16

    again = tmp_path / "again"
    assert ssrl(*command, "--out", again, "--pass-rates", rates, "--workers", "1").returncode == 0
    assert published(again) == published(second)
    other = ssrl(*command, "--out", second)
    assert other.returncode == 2
    assert "pass_rates" in other.stderr


def _gold(answer: str) -> str:
    kind, value, _ = unpack_answer(answer)
    return str(kind.gold(value))
