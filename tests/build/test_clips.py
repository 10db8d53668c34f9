"""Building from folders of clips, good and bad, and of clips and pictures together."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import bad_clips
import pyarrow.parquet as pq
import pytest
from command import published, ssrl
from made_clips import write_corpus

CLIP_TASK, PICTURE_TASK = "video/jigsaw", "image/rotation"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    write_corpus(folder, 10, 72, (160, 120))
    return folder


def rows(folder: Path, split: str = "*") -> list[dict[str, object]]:
    files = sorted(folder.glob(f"data/*/{split}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def keys(row: dict[str, object]) -> list[str]:
    return [source["key"] for source in json.loads(str(row["meta"]))["sources"]]


def test_bad_clips_cost_themselves_and_are_listed(made: Path, tmp_path: Path) -> None:
    corpus, out, scratch = tmp_path / "corpus", tmp_path / "out", tmp_path / "scratch"
    shutil.copytree(made, corpus)
    (corpus / "bad").mkdir()
    scratch.mkdir()
    bad = {f"bad/{name}": reason for name, reason in bad_clips.write(corpus / "bad", scratch).items() if reason}
    before = {path: path.stat().st_mtime_ns for path in corpus.rglob("*")}
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"tasks: {{{CLIP_TASK}: {{levels: [easy]}}}}\nsources: [corpus]\nrows: {3 * len(bad)}\nmax_rejects: 1\n"
    )
    done = ssrl("build", recipe, "--out", out, "--workers", "1")
    assert done.returncode == 0, done.stderr
    rejects = [json.loads(line) for line in (out / ".ssrl" / "rejects.jsonl").read_text().splitlines()]
    assert {reject["key"]: reject["reason"] for reject in rejects} == bad
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["rejects"] == dict(sorted(Counter(bad.values()).items()))
    assert len(rows(out)) == 3 * len(bad)
    assert {path: path.stat().st_mtime_ns for path in corpus.rglob("*")} == before

    again = tmp_path / "again"
    assert ssrl("build", recipe, "--out", again, "--workers", "2", PYTHONHASHSEED="7").returncode == 0
    assert published(again) == published(out)


@pytest.fixture(scope="module")
def mixed(made: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mixed") / "corpus"
    shutil.copytree(made, folder)
    shutil.copytree(photos, folder, dirs_exist_ok=True)
    return folder


def test_each_task_takes_its_own_medium_and_the_test_split_holds_both(mixed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = ssrl("build", CLIP_TASK, PICTURE_TASK, "--level", "easy", "--source", mixed, "--out", out, "--rows", "60",
                "--split", "test=0.3")  # fmt: skip
    assert done.returncode == 0, done.stderr
    for split in ("train", "test"):
        media = {(row["task"], key.endswith(".mp4")) for row in rows(out, split) for key in keys(row)}
        assert media == {(CLIP_TASK, True), (PICTURE_TASK, False)}
    of = {split: {row["group_id"] for row in rows(out, split)} for split in ("train", "test")}
    assert not of["train"] & of["test"]
    manifest = json.loads((out / "manifest.json").read_text())
    assert sorted(manifest["modalities"]) == ["image", "video"]
    assert all(not count["skips"] or "no clip" not in count["skips"] for count in manifest["counts"].values())

    checked = ssrl("check", out)
    assert "truth  passed" in checked.stdout, checked.stdout
    assert "near   " in checked.stdout
    assert "source pictures and clips compared" in checked.stdout


def test_a_task_without_its_medium_says_so(made: Path, photos: Path, tmp_path: Path) -> None:
    for task, corpus, words in (
        (CLIP_TASK, photos, f"{CLIP_TASK} needs clips and the corpus holds pictures alone"),
        (PICTURE_TASK, made, f"{PICTURE_TASK} needs pictures and the corpus holds clips alone"),
    ):
        done = ssrl("build", task, "--source", corpus, "--out", tmp_path / "out")
        assert done.returncode == 2
        assert words in done.stderr


def test_parts_of_a_clip_stay_in_one_split(made: Path, tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    shutil.copytree(made, corpus)
    (corpus / "corpus.yaml").write_text("files: [{match: '*', parts: 2}]")
    done = ssrl("build", CLIP_TASK, "--level", "easy", "--source", corpus, "--out", out, "--rows", "40",
                "--split", "test=0.3")  # fmt: skip
    assert done.returncode == 0, done.stderr
    whole = {split: {key.partition("//")[0] for row in rows(out, split) for key in keys(row)} for split in
             ("train", "test")}  # fmt: skip
    assert not whole["train"] & whole["test"]
    assert any("//part 2 of 2" in key for row in rows(out) for key in keys(row))
    assert "truth  passed" in ssrl("check", out).stdout
