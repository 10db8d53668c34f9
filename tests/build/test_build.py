from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import bad_pictures
import pyarrow.parquet as pq
import pytest
from command import published, ssrl

TASKS = ("image/tile_anomaly", "image/rotation")


def build(photos: Path, out: Path, *more: str | Path, **environment: str) -> str:
    done = ssrl(
        "build", *TASKS, "--source", photos, "--out", out, "--rows", "90", "-p", "side=64", "--split", "test=0.3",
        "--level", "easy", *more, **environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("builds") / "whole"
    build(photos, out, "--workers", "1")
    return out


def rows(folder: Path) -> list[dict[str, object]]:
    return [row for file in sorted(folder.glob("data/*/*.parquet")) for row in pq.read_table(file).to_pylist()]


def test_bytes_do_not_depend_on_workers_hash_seed_locale_or_place(photos: Path, whole: Path, tmp_path: Path) -> None:
    moved = tmp_path / "other place's ünïcode"
    shutil.copytree(photos, moved)
    out = tmp_path / "again"
    build(moved, out, "--workers", "2", PYTHONHASHSEED="1", LC_ALL="C", TZ="Asia/Tokyo")
    assert published(out) == published(whole)


def test_the_quota_is_met_balanced_and_never_repeated(whole: Path) -> None:
    made = rows(whole)
    assert len(made) == 90
    assert len({row["id"] for row in made}) == 90
    for split, n in (("train", 63), ("test", 27)):
        files = sorted(whole.glob(f"data/image/{split}-*.parquet"))
        found = [row for file in files for row in pq.read_table(file).to_pylist()]
        assert len(found) == n
        for task in TASKS:
            answers = Counter(json.loads(r["answer"])["value"]["answer"] for r in found if r["task"] == task)
            assert len(answers) == 4
            assert max(answers.values()) - min(answers.values()) <= len(files)


def test_train_and_test_share_no_photograph(whole: Path) -> None:
    of = {
        split: {r["group_id"] for f in whole.glob(f"data/image/{split}-*") for r in pq.read_table(f).to_pylist()}
        for split in ("train", "test")
    }
    assert of["train"]
    assert of["test"]
    assert not of["train"] & of["test"]


def test_it_loads_as_a_hub_dataset_with_pictures_and_splits(whole: Path) -> None:
    from datasets import load_dataset

    loaded = load_dataset(str(whole))
    assert {name: len(part) for name, part in loaded.items()} == {"train": 63, "test": 27}
    row = loaded["train"][0]
    parts = row["prompt"][0]["content"]
    assert sum(part["type"] == "image" for part in parts) == len(row["images"])
    assert row["images"][0].mode == "RGB"
    assert all(set(part) == {"type", "text"} for part in parts)


def test_nothing_published_tells_time_host_or_path(photos: Path, whole: Path) -> None:
    for name in published(whole):
        data = (whole / name).read_bytes()
        for secret in (str(photos), str(whole), str(Path.home()) + "/"):
            assert secret.encode() not in data, (name, secret)


def test_a_second_run_makes_nothing_and_changes_nothing(photos: Path, whole: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.glob("data/**/*.parquet")}
    assert "already complete" in build(photos, whole)
    assert before == {path: path.stat().st_mtime_ns for path in whole.glob("data/**/*.parquet")}


def test_another_recipe_in_the_same_folder_is_refused_with_the_difference(photos: Path, whole: Path) -> None:
    done = ssrl("build", *TASKS, "--source", photos, "--out", whole, "--rows", "91", "-p", "side=64",
                "--split", "test=0.3", "--level", "easy")  # fmt: skip
    assert done.returncode == 2
    assert "recipe.rows: 90 then, 91 now" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_of_other_things_is_refused(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    done = ssrl("build", *TASKS, "--source", photos, "--out", tmp_path)
    assert done.returncode == 2
    assert "not a build of ssrl" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_lost_or_changed_shard_is_made_again(photos: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "hurt"
    shutil.copytree(whole, out)
    first, second = sorted(out.glob("data/image/*.parquet"))[:2]
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1] + b"x")
    (out / "manifest.json").unlink()
    build(photos, out)
    assert published(out) == published(whole)


def test_different_seeds_share_no_row_and_hold_out_other_photographs(photos: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "seed"
    build(photos, out, "--seed", "1")
    assert not {row["id"] for row in rows(out)} & {row["id"] for row in rows(whole)}


def test_bad_files_cost_themselves_and_are_listed(photos: Path, tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    shutil.copytree(photos, corpus)
    (corpus / "empty.jpg").write_bytes(b"")
    (corpus / "page.png").write_text("<html>not found</html>")
    whole_jpeg = (corpus / "rocket.jpg").read_bytes()
    (corpus / "cut.jpg").write_bytes(whole_jpeg[: len(whole_jpeg) // 2])
    done = ssrl("build", "image/rotation", "--source", corpus, "--out", out, "--rows", "60", "-p", "side=64")
    assert done.returncode == 0, done.stderr
    rejects = [json.loads(line) for line in (out / ".ssrl" / "rejects.jsonl").read_text().splitlines()]
    assert {reject["key"] for reject in rejects} == {"empty.jpg", "page.png", "cut.jpg"}
    assert sum(json.loads((out / "manifest.json").read_text())["rejects"].values()) == 3
    assert "3 unreadable records" in done.stdout
    assert len(rows(out)) == 60


def test_too_many_bad_files_fail_the_build(photos: Path, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    shutil.copy(photos / "coffee.png", corpus)
    for i in range(5):
        (corpus / f"{i}.jpg").write_bytes(b"no picture")
    done = ssrl("build", "image/rotation", "--source", corpus, "--out", tmp_path / "out", "--rows", "12",
                "-p", "side=64")  # fmt: skip
    assert done.returncode == 2
    assert "could not be read" in done.stderr
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_corpus_that_can_carry_nothing_says_why(tmp_path: Path) -> None:
    import cv2
    import numpy as np

    corpus = tmp_path / "flat"
    corpus.mkdir()
    cv2.imwrite(str(corpus / "grey.png"), np.full((300, 300, 3), 90, np.uint8))
    done = ssrl("build", "image/rotation", "--source", corpus, "--out", tmp_path / "out", "--rows", "12",
                "-p", "side=64")  # fmt: skip
    assert done.returncode == 2
    assert "no row could be made" in done.stderr


def test_records_without_what_a_task_needs_are_counted(photos: Path, tmp_path: Path) -> None:
    failed = ssrl("build", "depth/order", "--source", photos, "--out", tmp_path / "alone", "--rows", "8")
    assert failed.returncode == 2
    assert "no row could be made from this corpus: no depth (32)" in failed.stderr  # 8 photographs at 4 levels
    tasks = ["depth/camera_move", "image/rotation", "--level", "easy"]
    out = tmp_path / "mixed"
    assert ssrl("build", *tasks, "--source", photos, "--out", out, "--rows", "8").returncode == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["counts"]["depth/camera_move/easy"]["skips"] == {"no pair": 8}
    assert manifest["records"] == 8


def test_a_folder_of_every_kind_of_bad_picture_still_builds(photos: Path, tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    shutil.copytree(photos, corpus)
    (corpus / "bad").mkdir()
    expected = {f"bad/{key}": reason for key, reason in bad_pictures.write(corpus / "bad").items()}
    del expected["bad/float.tif"]  # 9 x 9 pixels: too small for the task, so its content is never looked at
    bad = sum(reason != "" for reason in expected.values())
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"tasks: {{image/rotation: {{levels: [easy], params: {{side: 16}}}}}}\nsources: [corpus]\nrows: {20 * bad}\n"
        "max_rejects: 1\n"
    )
    done = ssrl("build", recipe, "--out", out)
    assert done.returncode == 0, done.stderr
    rejects = [json.loads(line) for line in (out / ".ssrl" / "rejects.jsonl").read_text().splitlines()]
    found = {reject["key"]: reject["reason"] for reject in rejects}
    assert found == {key: reason for key, reason in expected.items() if reason}
    assert len(rows(out)) == 20 * bad
    checked = ssrl("check", out)
    assert "truth  passed" in checked.stdout, checked.stdout


def test_a_broken_donor_is_not_blamed_on_the_borrower(photos: Path, tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    corpus.mkdir()
    for name in ("astronaut.png", "coffee.png"):
        shutil.copy(photos / name, corpus)
    whole_png = (photos / "chelsea.png").read_bytes()
    (corpus / "cut.png").write_bytes(whole_png[: len(whole_png) // 2])
    recipe = tmp_path / "recipe.yaml"
    params = "{side: 128, grid: 2, kinds: [invert, foreign]}"
    recipe.write_text(
        f"tasks: {{image/tile_anomaly: {{levels: [hard], params: {params}}}}}\nsources: [corpus]\nrows: 40\n"
    )
    done = ssrl("build", recipe, "--out", out)
    assert done.returncode == 0, done.stderr
    rejects = [json.loads(line) for line in (out / ".ssrl" / "rejects.jsonl").read_text().splitlines()]
    assert [(reject["key"], reject["reason"]) for reject in rejects] == [("cut.png", "truncated")]
    sources = {row["source_id"] for row in rows(out)}
    assert len(sources) == 2


def test_another_licence_with_a_choice_is_bracketed(photos: Path, tmp_path: Path) -> None:
    from ssrl_data.row import join_licenses

    assert join_licenses(["GPL-3.0-only", "CC-BY-4.0 OR MIT"]) == "(CC-BY-4.0 OR MIT) AND GPL-3.0-only"
    assert join_licenses(["CC-BY-4.0 OR MIT", "CC-BY-4.0 OR MIT"]) == "CC-BY-4.0 OR MIT"


def test_a_picture_changed_under_its_name_is_noticed(photos: Path, tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    shutil.copytree(photos, corpus)
    command = ("build", "image/rotation", "--level", "easy", "-p", "side=64", "--source", corpus, "--out", out,
               "--rows", "12")  # fmt: skip
    assert ssrl(*command).returncode == 0
    shutil.copy(corpus / "coffee.png", corpus / "rocket.jpg")
    again = ssrl(*command)
    assert again.returncode == 2
    assert "the corpus's files changed" in again.stderr


def test_a_damaged_state_is_said_or_passed_over(photos: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "damaged"
    shutil.copytree(whole, out)
    (out / "check.json").write_text("{")
    assert "already complete" in build(photos, out)
    (out / ".ssrl" / "plan.json").write_text("[]")
    done = ssrl("build", *TASKS, "--source", photos, "--out", out, "--rows", "90", "-p", "side=64", "--split",
                "test=0.3", "--level", "easy")  # fmt: skip
    assert done.returncode == 2
    assert "is damaged" in done.stderr
