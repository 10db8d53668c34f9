"""Building from documents and worked solutions, good and bad, and from texts and pictures together."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command import ROOT, published, ssrl

TASKS = ("text/masked_span", "text/degradation_order", "text/final_answer", "text/masked_steps")
TEXTS = ROOT / "tests/texts"
ROWS = 80
HELD_OUT = 24
SPLIT = ("--split", "test=0.3")

OWN = (
    "The harbour of Lindow was dredged in 1871 because sand had closed the western channel to all larger ships. "
    "Captain Merton Hale paid for a second pier, and the fishermen moved their boats behind it in the autumn.",
    "Ever since, the town keeps a tide table of 240 pages, which the printer Osric Vane sells for 3 shillings. "
    "Visitors who walk out to the sandbank are asked to carry it, since the water returns within 50 minutes.",
)


def write_corpus(folder: Path) -> dict[str, str]:
    """Fill a folder with documents and worked solutions, and with broken ones; returns the reason for each of these."""
    shutil.copytree(TEXTS, folder)
    bad = folder / "bad"
    bad.mkdir()
    whole = gzip.compress((TEXTS / "tides.md").read_bytes())
    (bad / "broken.md.gz").write_bytes(whole[:20] + b"\xff" * 40 + whole[60:])
    (bad / "cut.md.gz").write_bytes(whole[:-20])
    (bad / "binary.txt").write_bytes(bytes(range(256)) * 40)
    (bad / "empty.txt").touch()
    one, other, *_ = (TEXTS / "worked.jsonl").read_bytes().splitlines()
    # Two good lines that are like none elsewhere, among broken ones.
    lines = [
        one.replace(b"240", b"480").replace(b"720", b"1440").replace(b"960", b"1920").replace(b"60", b"120"),
        b'{"problem": "cut',
        b"[1, 2]",
        b'{"problem": "a", "problem": "b"}',
        b'{"problem": "\xff"}',
        b"",
        other,
    ]
    (bad / "lines.jsonl").write_bytes(b"\n".join(lines))
    return {
        "bad/binary.txt": "not text",
        "bad/broken.md.gz": "broken gzip",
        "bad/cut.md.gz": "truncated",
        "bad/lines.jsonl//line 2": "not JSON",
        "bad/lines.jsonl//line 3": "no object",
        "bad/lines.jsonl//line 4": "duplicate keys",
        "bad/lines.jsonl//line 5": "not UTF-8",
    }


def rows(folder: Path, split: str = "*") -> list[dict[str, object]]:
    files = sorted(folder.glob(f"data/*/{split}-*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def keys(row: dict[str, object]) -> list[str]:
    return [source["key"] for source in json.loads(str(row["meta"]))["sources"]]


def build(corpus: Path, out: Path, *more: str | Path, **environment: str) -> None:
    level = ("--level", "easy", "--source", corpus, "--out", out, *SPLIT)
    done = ssrl("build", *TASKS, *level, *(("--rows", str(ROWS)) if "--only" not in more else ()), *more, **environment)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("texts") / "corpus"
    return folder, write_corpus(folder)


@pytest.fixture(scope="module")
def whole(corpus: tuple[Path, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "out"
    build(corpus[0], out, "--workers", "2", PYTHONHASHSEED="1")
    return out


def test_bad_texts_cost_themselves_and_are_listed(corpus: tuple[Path, dict[str, str]], whole: Path) -> None:
    _, bad = corpus
    rejects = [json.loads(line) for line in (whole / ".ssrl" / "rejects.jsonl").read_text().splitlines()]
    assert {reject["key"]: reject["reason"] for reject in rejects} == bad
    manifest = json.loads((whole / "manifest.json").read_text())
    assert manifest["rejects"] == dict(sorted(Counter(bad.values()).items()))
    made = rows(whole)
    assert Counter(row["task"] for row in made) == dict.fromkeys(TASKS, ROWS // len(TASKS))
    assert any(key.startswith("bad/lines.jsonl") for row in made for key in keys(row))
    assert not any(key in bad or key == "bad/empty.txt" for row in made for key in keys(row))
    of = {split: {row["group_id"] for row in rows(whole, split)} for split in ("train", "test")}
    assert len(rows(whole, "test")) == HELD_OUT
    assert not of["train"] & of["test"]


def test_bytes_depend_on_neither_workers_nor_hash_seed_nor_place(
    corpus: tuple[Path, dict[str, str]], whole: Path, tmp_path: Path
) -> None:
    moved, out = tmp_path / "other place's ünïcode", tmp_path / "again"
    shutil.copytree(corpus[0], moved)
    before = {path: path.read_bytes() for path in moved.rglob("*") if path.is_file()}
    build(moved, out, "--workers", "1", PYTHONHASHSEED="7", LC_ALL="C", TZ="Asia/Tokyo")
    assert published(out) == published(whole)
    # What the tasks found in the train split is the same as well.
    assert prepared(out) == prepared(whole) != {}
    assert {path: path.read_bytes() for path in moved.rglob("*") if path.is_file()} == before


def prepared(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (out / ".ssrl/prepared").iterdir()}


def test_the_held_out_rows_alone_are_those_of_the_whole(
    corpus: tuple[Path, dict[str, str]], whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    build(corpus[0], out, "--only", "test", "--rows", str(HELD_OUT))
    assert rows(out) == rows(whole, "test") != []
    manifest = json.loads((out / "manifest.json").read_text())
    assert set(manifest["modalities"]["text"]) == {"test"}


def test_a_curated_table_is_applied(corpus: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    folder, table, out = tmp_path / "corpus", tmp_path / "curated.parquet", tmp_path / "out"
    shutil.copytree(corpus[0], folder)
    # One document repeats all but the last paragraph of another one, and says something of its own.
    repeated = (TEXTS / "tides.md").read_text().strip().split("\n\n")[:-1]
    (folder / "bays.md").write_text("\n\n".join([*repeated, *OWN]))
    curated = ssrl("curate", folder, "--out", table)
    assert curated.returncode == 0, curated.stderr
    dropped = {row["key"]: set(row["dropped"]) for row in pq.read_table(table).to_pylist() if row["dropped"]}
    assert set(dropped) >= {"tides.md"}
    assert "bays.md" not in dropped
    build(folder, out, "--curated", table)
    made = [row for row in rows(out) if row["task"] == "text/masked_span"]
    asked = {(keys(row)[0], json.loads(str(row["meta"]))["make"]["paragraph"]) for row in made}
    assert "bays.md" in {key for key, _ in asked}
    assert not any(number in dropped.get(key, ()) for key, number in asked)
    checked = ssrl("check", out)
    assert "near   passed" in checked.stdout, checked.stdout
    assert "truth  passed" in checked.stdout, checked.stdout

    (folder / "bays.md").write_text((folder / "bays.md").read_text() + "\n\nA line more.\n")
    stale = ssrl("build", *TASKS, "--source", folder, "--curated", table, "--out", tmp_path / "stale", *SPLIT)
    assert stale.returncode == 2
    assert "knew other content of 1 of the corpus's" in stale.stderr


def test_texts_and_pictures_are_planned_apart_and_built_into_one_dataset(photos: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    folder, out = tmp_path / "corpus", tmp_path / "out"
    shutil.copytree(TEXTS, folder)
    shutil.copytree(photos, folder, dirs_exist_ok=True)
    done = ssrl("build", "text/masked_span", "image/rotation", "--level", "easy", "--source", folder, "--out", out,
                "--rows", "60", *SPLIT)  # fmt: skip
    assert done.returncode == 0, done.stderr
    for split in ("train", "test"):
        media = {(row["task"], key.endswith(".md")) for row in rows(out, split) for key in keys(row)}
        assert media == {("text/masked_span", True), ("image/rotation", False)}
    manifest = json.loads((out / "manifest.json").read_text())
    counts = {name: {s: part["rows"] for s, part in found.items()} for name, found in manifest["modalities"].items()}
    assert counts == {"image": {"train": 21, "test": 9}, "text": {"train": 21, "test": 9}}
    assert not any(reason.startswith("no ") for count in manifest["counts"].values() for reason in count["skips"])
    card = (out / "README.md").read_text()
    assert card.count("config_name:") == 2
    assert card.count("default: true") == 1
    for name, of_task in counts.items():
        loaded = load_dataset(str(out), name)
        assert {split: len(part) for split, part in loaded.items()} == of_task
        assert ("images" in loaded["train"].column_names) == (name == "image")
    prompt = load_dataset(str(out), "text")["test"][0]["prompt"]
    assert [set(turn) for turn in prompt] == [{"role", "content"}]
    assert "[MASK]" in prompt[0]["content"]
