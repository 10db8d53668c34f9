"""VideoSSR's mixture from real clips, a thousand rows, all true; and a benchmark of clips it holds out, graded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import corpora
import made_clips
import pyarrow.parquet as pq
import pytest
from command import ROOT, ssrl

from ssrl_data.row import unpack_answer

ROWS = 1000
ASKED = 1300
"""Of the few clips held out some carry no jigsaw, and a split is not filled up from another."""
BENCHMARK = 240
RENDERED = 24


def built(out: Path, *arguments: str | Path) -> dict[str, Any]:
    """Build, check, and return the manifest."""
    done = ssrl("build", *arguments, "--out", out)
    assert done.returncode == 0, done.stderr
    checked = ssrl("check", out)
    assert checked.returncode == 0, checked.stdout[-3000:] + checked.stderr
    found = json.loads((out / "check.json").read_text())
    status = {part["name"]: part["status"] for part in found["parts"]}
    assert {status[part] for part in ("rows", "truth", "judge", "leak", "seen", "near")} == {"passed"}, status
    # What has too few rows or clips to mean something says so; nothing fails.
    assert {status["guess"], status["probe"]} <= {"passed", "not run"}, status
    manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text())
    truth = next(part for part in found["parts"] if part["name"] == "truth")
    rows = sum(count["rows"] for count in manifest["counts"].values())
    assert truth["summary"].startswith(f"{rows:,} answers recomputed")
    return manifest


@pytest.mark.prove
def test_clips(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    corpora.clips(clips)
    recipe = ROOT / "tasks/recipes/videossr.yaml"
    manifest = built(tmp_path / "mixture", recipe, "--source", clips, "--split", "test=0.3", "--rows", str(ASKED))
    rows = {name: count["rows"] for name, count in manifest["counts"].items()}
    assert sum(rows.values()) >= ROWS, manifest["counts"]
    assert min(rows.values()) > 0
    report = tmp_path / "report.html"
    assert ssrl("report", tmp_path / "mixture", "--out", report, "--per-task", "1").returncode == 0
    assert report.read_text().count('class="film"') >= len(rows)


@pytest.mark.prove
def test_clips_held_out(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    made_clips.write_corpus(clips, RENDERED, 144)
    split = ["--source", clips, "--split", "test=0.3"]
    out = tmp_path / "benchmark"
    bench = built(out, ROOT / "tasks/recipes/viu_bench.yaml", *split, "--rows", str(BENCHMARK))
    assert set(bench["modalities"]["video"]) == {"test"}
    training = ["video/order", "--level", "easy", *split, "--rows", "60"]
    built(tmp_path / "training", *training)
    held_out, trained = (groups(folder) for folder in (out, tmp_path / "training"))
    assert held_out["test"]
    assert not trained["train"] & held_out["test"]

    answers = [row for path in (out / "data").rglob("*.parquet") for row in pq.read_table(path).to_pylist()]
    responses = tmp_path / "responses.jsonl"
    lines = []
    for row in answers:
        kind, value, _ = unpack_answer(row["answer"])
        lines.append(json.dumps({"id": row["id"], "response": kind.gold(value)}))
    responses.write_text("\n".join(lines))
    graded = ssrl("grade", out, "--responses", responses)
    assert graded.returncode == 0, graded.stderr
    table = [line.split() for line in graded.stderr.splitlines()[1:] if not line.startswith(" ")]
    assert {line[0] for line in table} == set(bench["counts"])
    assert all(line[3] == line[5] == line[6] == "1.000" for line in table if line[2] != "0"), graded.stderr


def groups(folder: Path) -> dict[str, set[str]]:
    """Split to the groups that it holds."""
    out: dict[str, set[str]] = {}
    for path in (folder / "data").rglob("*.parquet"):
        found = pq.read_table(path, columns=["group_id"])["group_id"].to_pylist()
        out.setdefault(path.name.partition("-")[0], set()).update(found)
    return out
