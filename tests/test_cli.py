"""The command as a user meets it: what it prints, and that a mistake is one sentence and exit code 2."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from command import ROOT, ssrl
from PIL import Image

from ssrl_data.preview import first_example
from ssrl_data.registry import source_at, task_class

TEXTS = ROOT / "tests/texts"


def test_list_and_show_name_tasks_levels_and_parameters() -> None:
    listed = ssrl("list")
    assert listed.returncode == 0
    for task in ("image/jigsaw", "image/rotation", "image/tile_anomaly"):
        assert task in listed.stdout
    shown = ssrl("show", "image/jigsaw")
    assert shown.returncode == 0
    assert "easy:" in shown.stdout
    assert "grid: " in shown.stdout
    assert "easy: chance 0.0435" in shown.stdout  # one of 23 orders that are not the identity


def test_show_makes_an_example_from_a_corpus(photos: Path) -> None:
    shown = ssrl("show", "image/tile_anomaly", "--source", photos)
    assert shown.returncode == 0, shown.stderr
    assert "<image 224x224>" in shown.stdout
    assert shown.stdout.count("<answer>") >= 6  # each level asks for it and shows one


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "image/jigsav"], "did you mean 'image/jigsaw'"),
        (["build", "image/jigsav", "--source", ".", "--out", "x"], "did you mean 'image/jigsaw'"),
        (["build", "image/jigsaw", "--out", "x"], "--source"),
        (["build", "image/jigsaw", "--source", "no-such-folder", "--out", "x"], "no corpus at 'no-such-folder'"),
        (["build", "image/jigsaw", "--source", ".", "--out", "x", "--level", "eazy"], "did you mean 'easy'"),
        (["build", "image/jigsaw", "--source", ".", "--out", "x", "-p", "gird=3"], "did you mean 'grid'"),
        (["build", "image/jigsaw", "--source", ".", "--out", "x", "-p", "grid"], "expected key=value"),
        (["build", "image/jigsaw", "--source", ".", "--out", "x", "-p", "grid=9"], "grid"),
        (["build", "image/jigsaw", "--source", ".", "--out", "x", "--split", "test=lots"], "expected a fraction"),
        (["build", "image/jigsaw", "--source", ".", "--out", "x", "--rows", "0"], "rows is 0"),
        (["build", "r.yaml", "image/jigsaw", "--source", ".", "--out", "x"], "r.yaml is a recipe and stands alone"),
        (["build", "missing.yaml", "--out", "x"], "missing.yaml: cannot be read"),
        (["check", "no-such-dataset"], "no-such-dataset"),
        (["report", "no-such-dataset"], "no-such-dataset"),
        (["grade", "no-such-dataset", "--responses", "none.jsonl"], "no-such-dataset"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = ssrl(*[str(tmp_path / "x") if a == "x" else a for a in arguments])
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert done.stderr.startswith("ssrl: ")
    assert done.stderr.count("\n") == 1


def test_show_varies_the_class_of_the_answer(photos: Path) -> None:
    found = source_at(str(photos))
    task = task_class("image/crop_position")
    shown = [first_example(task(replace(params, side=side)), found) for params in task.levels.values()
             for side in range(64, 128, 8)]  # fmt: skip
    assert len({text.rpartition("<answer>")[2] for text in shown}) >= 4


def test_show_looks_for_a_donor_that_fits(photos: Path, tmp_path: Path) -> None:
    """Neither the record before it, which is too small to lend, nor one of its own group."""
    for name, file in (("a.jpg", "china.jpg"), ("c1.jpg", "flower.jpg"), ("c2.png", "coffee.png")):
        shutil.copy(photos / file, tmp_path / name)
    Image.new("RGB", (64, 64), "red").save(tmp_path / "b.png")
    (tmp_path / "corpus.yaml").write_text("files:\n  - {match: 'c*', group: one}\n")
    maker = task_class("image/same_source")
    assert "c1.jpg: <answer>" in first_example(maker(maker.levels["easy"]), source_at(str(tmp_path)))


def test_show_of_nothing_says_so(tmp_path: Path) -> None:
    shown = ssrl("show", "image/rotation", "--source", tmp_path)
    assert shown.returncode == 2
    assert "holds no record that can be used" in shown.stderr


@pytest.mark.parametrize(
    ("task", "name", "content", "words"),
    [
        ("final_answer", "a.jsonl", "hello\nworld\n", "a.jsonl"),
        ("final_answer", "a.docx", "hello", "is a file of no kind that is read"),
        ("masked_span", "a.jsonl", '{"body": "No column of that name is known."}\n', "no known columns (1)"),
        (
            "masked_span",
            "a.jsonl",
            '{"question": "1 + 1?", "answer": "2"}\n',
            "needs texts and the corpus holds worked",
        ),
        ("final_answer", "a.md", "Tides come twice a day.\n", "needs worked solutions or proofs and the corpus holds"),
    ],
)
def test_a_file_that_is_no_corpus_is_one_sentence(
    task: str, name: str, content: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(content)
    done = ssrl("build", f"text/{task}", "--source", tmp_path / name, "--out", tmp_path / "out", "--rows", "8")
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert done.stderr.splitlines()[-1].startswith("ssrl: ")
    assert "Traceback" not in done.stderr


def test_show_says_in_words_what_records_lack() -> None:
    shown = ssrl("show", "text/step_order", "--source", TEXTS / "bread.md")
    assert "no example from this corpus: no worked solution or proof (1)" in shown.stdout


def test_show_learns_of_the_corpus_what_a_build_learns() -> None:
    """Levels that choose by counts of words have an example, too."""
    shown = ssrl("show", "text/masked_span", "--source", TEXTS)
    assert shown.returncode == 0, shown.stderr
    assert "no counts of the corpus" not in shown.stdout
    assert shown.stdout.count("<answer></answer>") >= 6


def test_check_finds_single_files_and_generated_questions_again(tmp_path: Path) -> None:
    """Also a file that is a link to one of another name, as those in a cache of downloads are."""
    shutil.copy(TEXTS / "worked_questions.jsonl", tmp_path / "blob")
    (tmp_path / "questions.jsonl").symlink_to("blob")
    sources = ("--source", tmp_path / "questions.jsonl", "--source", "reasoning-gym:gcd?size=20")
    built = ssrl("build", "text/final_answer", *sources, "--level", "medium", "--out", tmp_path / "set", "--rows", "8")
    assert built.returncode == 0, built.stderr
    checked = ssrl("check", tmp_path / "set")
    assert "8 answers recomputed from the corpus" in checked.stdout, checked.stdout + checked.stderr
    assert "rows are text alone" in checked.stdout
    assert checked.stderr == ""


@pytest.mark.parametrize("guarded", [False, True])
def test_a_program_whose_workers_cannot_start_is_told_how(guarded: bool, tmp_path: Path) -> None:
    """One on standard input leaves workers nothing to import; one without a guard builds in each worker again."""
    text = f"""
from pathlib import Path
from ssrl_data.build.run import build
from ssrl_data.recipe import Recipe, part
build(Recipe((part("text/masked_span", ["easy"], {{}}),), ({str(TEXTS)!r},), rows=8), Path({str(tmp_path / "set")!r}))
"""
    program = tmp_path / "program.py"
    program.write_text(text)
    command, given = ([sys.executable, program], None) if guarded else ([sys.executable, "-"], text)
    done = subprocess.run(command, input=given, capture_output=True, text=True, cwd=tmp_path, timeout=300)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1
    assert 'under `if __name__ == "__main__":`' in last
    assert ("write it to a file" in last) != guarded


def test_an_unknown_flag_is_refused_by_name() -> None:
    done = ssrl("build", "image/jigsaw", "--sorce", ".", "--out", "x")
    assert done.returncode == 2
    assert "--sorce" in done.stderr


def test_build_check_report_grade_from_the_command_line(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "set"
    assert ssrl("build", "image/rotation", "--source", photos, "--out", out, "--rows", "24", "-p", "side=112",
                "--level", "easy").returncode == 0  # fmt: skip
    checked = ssrl("check", out)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert json.loads((out / "check.json").read_text())["passed"] is True
    assert "any more" not in checked.stderr
    recorded = out / ".ssrl" / "corpus.json"
    recorded.write_text(recorded.read_text().replace(str(photos), str(tmp_path / "moved")))
    lost = ssrl("check", out)
    assert f"no corpus at {tmp_path / 'moved'} any more): name with --source" in lost.stderr
    assert "no corpus at hand: name it with --source" in lost.stdout
    recorded.write_text(recorded.read_text().replace(str(tmp_path / "moved"), str(photos)))
    assert ssrl("report", out, "--out", tmp_path / "page.html").returncode == 0
    assert (tmp_path / "page.html").read_text().count("data:image/") >= 4

    import pyarrow.parquet as pq

    rows = pq.read_table(next(out.glob("data/image/*.parquet")), columns=["id", "answer"]).to_pylist()
    answers = tmp_path / "responses.jsonl"
    lines = []
    for i, row in enumerate(rows):
        value = json.loads(row["answer"])["value"]
        wrong = next(option for option in value["options"] if option != value["answer"])
        said = value["answer"] if i % 2 else wrong
        lines.append(json.dumps({"id": row["id"], "response": f"<think>hm</think><answer>{said}</answer>"}))
    answers.write_text("\n".join(lines))
    graded = ssrl("grade", out, "--responses", answers, "--pass-rates", tmp_path / "rates.parquet")
    assert graded.returncode == 0, graded.stderr
    verdicts = [json.loads(line) for line in graded.stdout.splitlines()]
    assert [verdict["score"] for verdict in verdicts] == [float(i % 2) for i in range(len(rows))]
    rates = pq.read_table(tmp_path / "rates.parquet").to_pylist()
    assert sum(rate["pass_rate"] for rate in rates) == len(rows) // 2
