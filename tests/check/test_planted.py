"""One planted fault of each kind: each makes the check fail and name the rule, an untouched dataset passes."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from planting import Rows, identify, plant, read, settle

from ssrl_data.check import CheckReport, check_dataset, render_text
from ssrl_data.core import SsrlError
from ssrl_data.media.image import decode, encode
from ssrl_data.registry import task_class
from ssrl_data.row import unpack_answer


def statuses(report: CheckReport) -> dict[str, str]:
    return {part.name: part.status for part in report.parts}


def rules(report: CheckReport) -> set[tuple[str, str]]:
    """Every rule found broken, with its part."""
    return {(part.name, rule) for part in report.parts for rule in part.faults}


def answered(row: dict[str, Any], right: str) -> dict[str, Any]:
    """The row with another stated answer, chosen among its options."""
    answer = json.loads(row["answer"])
    answer["value"]["answer"] = right
    return identify(row | {"answer": json.dumps(answer, sort_keys=True, separators=(",", ":"))})


def right(row: dict[str, Any]) -> Any:
    return unpack_answer(row["answer"])[1]["answer"]


def of(rows: Rows, task: str) -> list[int]:
    return [i for i, row in enumerate(rows) if row["task"] == task]


def change_one(task: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Rows], Rows]:
    def changed(rows: Rows) -> Rows:
        i = of(rows, task)[0]
        return [*rows[:i], change(rows[i]), *rows[i + 1 :]]

    return changed


def picture(row: dict[str, Any], data: bytes) -> dict[str, Any]:
    return identify(row | {"images": [{"bytes": data, "path": None}]})


def test_untouched(built: Path, tmp_path: Path) -> None:
    dataset = Path(shutil.copytree(built, tmp_path / "dataset"))
    report = check_dataset(dataset)
    assert rules(report) == set()
    assert report.passed
    assert report.rows == 96
    found = statuses(report)
    assert {name for name, status in found.items() if status == "passed"} == {
        *("rows", "truth", "judge", "leak", "seen", "near")
    }
    # Eight photographs and 96 rows are too few to say these hold: that must not read as passed.
    assert found["guess"] == found["probe"] == "not run"
    assert not report.complete
    assert json.loads((dataset / "check.json").read_text()) == json.loads(json.dumps(report.to_json()))
    assert "`ssrl check` found no fault" in (dataset / "README.md").read_text()
    assert "not everything was checked: guess not run, probe not run" in render_text(report)


def test_same_report_whatever_the_workers(bare: Path) -> None:
    plant(bare, lambda rows: [*rows, rows[0]])
    one = check_dataset(bare, workers=1).to_json()
    first = (bare / "check.json").read_bytes()
    two = check_dataset(bare, workers=2).to_json()
    assert one == two
    assert (bare / "check.json").read_bytes() == first
    assert str(bare).encode() not in first


def test_wrong_answer(dataset: Path) -> None:
    plant(dataset, change_one("image/tile_anomaly", lambda row: answered(row, "1" if right(row) != "1" else "2")))
    report = check_dataset(dataset)
    assert rules(report) == {("truth", "true")}
    assert report.parts[1].faults == {"true": 1}
    assert report.findings[0].task == "image/tile_anomaly/easy"


def test_wrong_answer_is_not_passed_without_the_corpus(dataset: Path) -> None:
    shutil.rmtree(dataset / ".ssrl")
    report = check_dataset(dataset)
    truth = report.parts[1]
    assert (truth.name, truth.status) == ("truth", "not rechecked")
    assert truth.details == {"rechecked": 0, "not rechecked": {"no corpus at hand": 96}}


def test_near_duplicate_tiles(dataset: Path) -> None:
    def twins(row: dict[str, Any]) -> dict[str, Any]:
        pixels = decode(row["images"][0]["bytes"]).copy()
        size = (len(pixels) - 8) // 2
        pixels[:size, -size:] = pixels[:size, :size]
        return picture(row, encode(pixels))

    plant(dataset, change_one("image/jigsaw", twins))
    assert ("truth", "one answer") in rules(check_dataset(dataset))


def test_skewed_answers(bare: Path) -> None:
    def skewed(rows: Rows) -> Rows:
        tiles = of(rows, "image/tile_anomaly")
        kept = {i for i in tiles if right(rows[i]) == "3"} | {i for n, i in enumerate(tiles) if n % 12 == 0}
        return [row for i, row in enumerate(rows) if i in kept or i not in tiles]

    plant(bare, skewed)
    plant(bare, skewed, "test")
    report = check_dataset(bare)
    assert rules(report) == {("guess", "guessable")}
    assert any("`always <answer>3</answer>` scores" in finding.message for finding in report.findings)


def exif(row: dict[str, Any]) -> bytes:
    kept = io.BytesIO()
    tags = Image.Exif()
    tags[0x010E] = f"answer {right(row)}"
    Image.fromarray(decode(row["images"][0]["bytes"])).save(kept, "JPEG", quality=95, subsampling=0, exif=tags)
    return kept.getvalue()


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (exif, "EXIF"),
        (lambda row: row["images"][0]["bytes"] + b"answer 3", "bytes after the picture"),
        (lambda row: row["images"][0]["bytes"][:2] + b"\xff\xfe\x00\x033" + row["images"][0]["bytes"][2:], "comment"),
        (lambda row: row["images"][0]["bytes"][:2] + b"\xff\xe7\x00\x033" + row["images"][0]["bytes"][2:], "APP7"),
    ],
    ids=["exif", "tail", "comment", "segment"],
)
def test_leaked_metadata(bare: Path, data: Callable[[dict[str, Any]], bytes], named: str) -> None:
    plant(bare, change_one("image/tile_anomaly", lambda row: picture(row, data(row))))
    report = check_dataset(bare)
    assert ("leak", "metadata") in rules(report)
    assert any(named in finding.message for finding in report.findings)


def test_file_name_beside_the_picture(bare: Path) -> None:
    def named(row: dict[str, Any]) -> dict[str, Any]:
        return row | {"images": [{"bytes": row["images"][0]["bytes"], "path": "answer-3.jpg"}]}

    plant(bare, change_one("image/tile_anomaly", named))
    assert rules(check_dataset(bare)) == {("leak", "file path")}


def test_another_encoding(bare: Path) -> None:
    def coarser(row: dict[str, Any]) -> dict[str, Any]:
        kept = io.BytesIO()
        Image.fromarray(decode(row["images"][0]["bytes"])).save(kept, "JPEG", quality=93, subsampling=0)
        return picture(row, kept.getvalue())

    plant(bare, change_one("image/tile_anomaly", coarser))
    assert rules(check_dataset(bare)) == {("leak", "encoding")}


def test_another_size(bare: Path) -> None:
    def smaller(row: dict[str, Any]) -> dict[str, Any]:
        return picture(row, encode(np.ascontiguousarray(decode(row["images"][0]["bytes"])[:-8])))

    plant(bare, change_one("image/tile_anomaly", smaller))
    assert ("leak", "sizes") in rules(check_dataset(bare))


def test_duplicate_row(bare: Path) -> None:
    plant(bare, lambda rows: [*rows, rows[3]])
    assert rules(check_dataset(bare)) == {("seen", "duplicate row")}


def test_same_question_with_another_answer(dataset: Path) -> None:
    plant(
        dataset,
        lambda rows: [
            *rows,
            answered(rows[i := of(rows, "image/tile_anomaly")[0]], "1" if right(rows[i]) != "1" else "2"),
        ],
    )
    assert {("truth", "true"), ("seen", "two answers")} == rules(check_dataset(dataset))


@pytest.mark.parametrize("column", ["group_id", "set_id"])
def test_split_overlap(bare: Path, column: str) -> None:
    taken = read(bare, "test")[0][column]
    plant(bare, lambda rows: [rows[0] | {column: taken}, *rows[1:]])
    assert rules(check_dataset(bare)) == {("seen", "split overlap")}


def test_record_in_two_splits(bare: Path) -> None:
    moved = read(bare, "test")[0] | {"group_id": "moved", "set_id": "moved"}
    plant(bare, lambda rows: [*rows, moved])
    assert ("seen", "split overlap") in rules(check_dataset(bare))


def test_near_duplicate_records_in_two_splits(photos: Path, tmp_path: Path) -> None:
    from ssrl_data.build.run import build
    from ssrl_data.recipe import Recipe, part

    # The same photograph mirrored and saved again: other bytes, another key, another group.
    for name in ("china", "flower", "coffee"):
        source = Image.open(next(photos.glob(f"{name}.*"))).convert("RGB")
        source.save(tmp_path / f"{name}-a.png")
        source.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / f"{name}-b.jpg", quality=80)
    recipe = Recipe((part("image/tile_anomaly", ["easy"], {}),), (str(tmp_path),), rows=24, split={"test": 0.5})
    build(recipe, tmp_path / "dataset", 1, lambda line: None)
    assert ("near", "near duplicate") in rules(check_dataset(tmp_path / "dataset"))


def test_tampered_file(bare: Path) -> None:
    path = bare / "data/image/train-00000-of-00001.parquet"
    path.write_bytes(path.read_bytes()[:-12] + b"\0" + path.read_bytes()[-11:])
    assert ("rows", "file hash") in rules(check_dataset(bare))


def test_missing_and_stray_files(bare: Path) -> None:
    path = bare / "data/image/train-00000-of-00001.parquet"
    path.rename(path.with_name("train-00000-of-00009.parquet"))
    assert {("rows", "missing file"), ("rows", "stray file")} <= rules(check_dataset(bare))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda row: identify(row | {"images": row["images"] * 2}), "part counts"),
        (lambda row: identify(row | {"answer": "{}"}), "answer"),
        (lambda row: row | {"id": "0" * 32}, "id"),
        (lambda row: row | {"chance": 1.5}, "chance"),
        (lambda row: row | {"chance": None}, "chance"),
        (lambda row: row | {"license": ""}, "license"),
        (lambda row: row | {"license": "MIT"}, "license"),
        (lambda row: row | {"source_id": "0" * 32}, "source"),
        (lambda row: row | {"meta": "[]"}, "meta"),
        (lambda row: row | {"prompt": None}, "empty column"),
        (lambda row: identify(row | {"level": "harder"}), "level"),
        (lambda row: identify(row | {"task_version": 99}), "task"),
        (lambda row: picture(row, b"\xff\xd8\xff"), "picture"),
        (lambda row: picture(row, row["images"][0]["bytes"][:900] + b"\xff\xd9"), "picture"),
    ],
)
def test_structure(bare: Path, change: Callable[[dict[str, Any]], dict[str, Any]], rule: str) -> None:
    plant(bare, change_one("image/tile_anomaly", change))
    report = check_dataset(bare)
    assert ("rows", rule) in rules(report)
    assert not report.passed


def test_prompt_that_does_not_say_how_to_answer(bare: Path) -> None:
    def cut(row: dict[str, Any]) -> dict[str, Any]:
        content = row["prompt"][0]["content"][:-1]
        return identify(row | {"prompt": [{"role": "user", "content": content}]})

    plant(bare, change_one("image/tile_anomaly", cut))
    assert ("rows", "prompt") in rules(check_dataset(bare))


def test_manifest_that_counts_otherwise(bare: Path) -> None:
    manifest = json.loads((bare / "manifest.json").read_text())
    manifest["counts"]["image/jigsaw/easy"]["rows"] += 1
    (bare / "manifest.json").write_text(json.dumps(manifest))
    assert rules(check_dataset(bare)) == {("rows", "manifest")}


def test_reserved_column(bare: Path) -> None:
    import pyarrow.parquet as pq

    path = bare / "data/image/train-00000-of-00001.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("completion", table["answer"]), path)
    settle(bare)
    report = check_dataset(bare)
    assert ("rows", "columns") in rules(report)
    assert "trainers reserve completion" in report.findings[0].message


def test_corpus_that_changed_is_said(dataset: Path, photos: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(photos, moved)
    assert check_dataset(dataset, [str(moved)]).parts[1].status == "passed"
    Image.new("RGB", (900, 900), "red").save(moved / "china.jpg")
    (moved / "flower.jpg").unlink()
    truth = check_dataset(dataset, [str(moved)]).parts[1]
    assert truth.status == "not rechecked"
    assert set(truth.details["not rechecked"]) == {"record changed since the build", "record not in the corpus"}


def test_another_corpus_leaves_truth_and_near_open(dataset: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (300, 300), "red").save(other / "red.png")
    report = check_dataset(dataset, [str(other)])
    found = statuses(report)
    assert (found["truth"], found["near"]) == ("not rechecked", "not run")
    probe = next(part.summary for part in report.parts if part.name == "probe")
    assert "on 1 of 2 levels: image/jigsaw/easy: 8 source records, 20 needed" in probe
    assert "8 not found in the corpus" in report.parts[-1].summary


def test_recorded_corpus_that_was_emptied_is_not_at_hand(dataset: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    recorded = dataset / ".ssrl" / "corpus.json"
    recorded.write_text(json.dumps(json.loads(recorded.read_text()) | {"sources": [str(empty)]}))
    report = check_dataset(dataset)
    assert report.parts[1].details == {"rechecked": 0, "not rechecked": {"no corpus at hand": 96}}
    with pytest.raises(SsrlError, match="holds no record"):
        check_dataset(dataset, [str(empty)])


def test_licence_that_offers_a_choice_is_bracketed(bare: Path) -> None:
    def two(row: dict[str, Any]) -> dict[str, Any]:
        meta = json.loads(row["meta"])
        (source,) = meta["sources"]
        meta["sources"] = [source | {"license": "MIT OR CC0-1.0"}, source | {"license": "CC-BY-4.0"}]
        return row | {"meta": json.dumps(meta), "license": "CC-BY-4.0 AND (MIT OR CC0-1.0)"}

    plant(bare, change_one("image/jigsaw", two))
    assert ("rows", "license") not in rules(check_dataset(bare))


def test_audit_that_returns_nothing_is_told_to_yield(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cls = task_class("image/jigsaw")
    monkeypatch.setattr(cls, "audit", staticmethod(lambda row, records: None))
    report = check_dataset(dataset)
    (finding,) = {finding.message for finding in report.findings}
    assert finding == "audit returned None: write it as a generator, or return an iterator of faults"


@pytest.mark.parametrize("name", ["check.json", "README.md"])
def test_outcome_that_cannot_be_written_is_one_sentence(bare: Path, name: str) -> None:
    (bare / name).unlink(missing_ok=True)
    (bare / name).mkdir()
    with pytest.raises(SsrlError, match=rf"{name} cannot be written \(Is a directory\)"):
        check_dataset(bare)
    assert not list(bare.rglob(f"{name}.*"))


def test_what_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match=r"holds no manifest\.json"):
        check_dataset(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(SsrlError, match="damaged"):
        check_dataset(tmp_path)


def test_manifest_that_points_elsewhere(dataset: Path) -> None:
    text = (dataset / "manifest.json").read_text()
    (dataset / "manifest.json").write_text(text.replace("data/image/train", "data/image/../../train"))
    with pytest.raises(SsrlError, match="names the shard"):
        check_dataset(dataset)
