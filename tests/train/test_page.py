"""The run page in a real browser: it tells what a run holds at any moment, and what a model wrote stays text."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import PIL.Image
import pyarrow.parquet as pq
import pytest
from browser import Browser, Page, chromium
from datasets import Dataset
from transformers import TrainerState
from trl import GRPOConfig, GRPOTrainer

from ssrl_data.row import digest
from ssrl_train.artefacts import write_json
from ssrl_train.config import Config, Eval
from ssrl_train.memo import decoded_once
from ssrl_train.page import PageCallback, write_page
from ssrl_train.page.charts import POINTS, nice, number, thinned
from ssrl_train.page.gather import gather
from ssrl_train.rewards import response_text
from ssrl_train.run import run
from ssrl_train.samples import GROUPS, KEPT, TEXT, Samples, advantages, shortened, watched
from ssrl_train.stages import Format, Grpo, Sample, Sft
from ssrl_train.tiny import Tiny, load_processor
from ssrl_train.tracking import trackio_in

pytest_plugins = ("train_rows",)

STEPS, GROUP = 4, 4
HOSTILE = '</pre></script><script>document.title="taken"</script><img src=x onerror=alert(1)>\u202e \x07 & "quoted" \''
OPTIONS = {
    "per_device_train_batch_size": 16,
    "num_generations": GROUP,
    "max_completion_length": 4,
    "gradient_checkpointing": False,
    "save_steps": 1,
}


def varied(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
    """Rewards that differ inside a group, as those of an untrained model's answers seldom do."""
    return [int(digest("reward", response_text(completion))[:4], 16) / 0xFFFF for completion in completions]


@pytest.fixture(scope="module")
def trained(
    dataset: Path, rows: Dataset, llava: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, GRPOTrainer, Page]:
    """A run's folder as it is in its second stage of three, its trainer, and the page that the first save left."""
    out = tmp_path_factory.mktemp("page") / "run"
    (out / "stages" / "1-format").mkdir(parents=True)
    config = Config(dataset, out, Tiny(), (Format(), Grpo({"max_steps": STEPS}), Sft(name="cold")), eval=None)
    write_json(out / "config.json", asdict(config))
    work = out / "checkpoints" / "2-grpo"
    args = GRPOConfig(
        output_dir=str(work),
        per_device_train_batch_size=4 * GROUP,
        num_generations=GROUP,
        max_completion_length=4,
        max_steps=STEPS,
        save_steps=2,
        logging_steps=1,
        use_cpu=True,
        bf16=False,
        report_to="none",
        disable_tqdm=True,
    )
    trainer = GRPOTrainer(
        model=str(llava),
        reward_funcs=watched(varied, Samples(work / "samples", GROUP)),
        args=args,
        train_dataset=decoded_once(rows),
        processing_class=load_processor(llava),
        callbacks=[PageCallback(out, dataset, print)],
    )
    trainer.train()
    return out, trainer, out / "run.html"


@pytest.fixture
def begun(trained: tuple[Path, GRPOTrainer, Path], tmp_path: Path) -> Path:
    """A copy of the folder in its second stage."""
    return Path(shutil.copytree(trained[0], tmp_path / "run"))


@pytest.fixture(scope="module")
def finished(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a whole run."""
    out = tmp_path_factory.mktemp("page") / "whole"
    stages = (Format(steps=30, batch=16), Sample(name="probe", rows=12, k=4), Grpo({**OPTIONS, "max_steps": 2}))
    run(Config(dataset, out, Tiny(), stages, eval=Eval(rows=12, batch=6), track="trackio"), lambda line: None)
    return out


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


def texts(page: Page) -> str:
    """All of the page's text, what is folded up too."""
    return str(page.evaluate("document.body.textContent"))


def test_a_save_leaves_a_page_of_the_run_so_far(
    trained: tuple[Path, GRPOTrainer, Path], browser: Browser, tmp_path: Path
) -> None:
    file = trained[2]
    page = browser.open(file)
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("data:")] == [file.as_uri()]
    said = texts(page)
    for expected in (
        "1 of 3 stages",
        "tiny llava",
        "Reward",
        "Entropy",
        "Dead groups",
        "Completion length",
        "chance 0.25",
    ):
        assert expected in said
    states = page.evaluate("[...document.querySelectorAll('tbody .badge')].map(b => b.textContent)")
    assert states == ["done", "begun", "to come"]
    lines = page.evaluate("[...document.querySelectorAll('polyline')].map(line => line.getAttribute('points'))")
    for line in lines:
        points = [tuple(map(float, pair.split(","))) for pair in line.split()]
        assert len(points) == STEPS
        assert all(0 <= x <= 380 and 0 <= y <= 176 for x, y in points)
    assert len(lines) >= 12
    wide = page.evaluate(
        "[...document.querySelectorAll('svg')].filter(s => s.checkVisibility()).map(s => s.clientWidth)"
    )
    assert min(wide) > 200
    shown = page.evaluate("[...document.images].map(i => [i.naturalWidth, i.checkVisibility()])")
    assert all(width > 0 for width, _ in shown)
    assert sum(visible for _, visible in shown) == GROUPS  # of the latest step, which is unfolded
    page.shoot(tmp_path / "page.png")
    with PIL.Image.open(tmp_path / "page.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 100


def test_completions_stand_with_what_the_model_saw(
    trained: tuple[Path, GRPOTrainer, Path], rows: Dataset, browser: Browser
) -> None:
    out, trainer, file = trained
    by_id = {row["id"]: row for row in rows}
    files = sorted((out / "checkpoints" / "2-grpo" / "samples").iterdir())
    assert [pq.read_table(file)["step"][0].as_py() for file in files] == [1, 2, 3, 4]
    last = pq.read_table(files[-1]).to_pylist()
    assert len(last) == GROUPS
    # TRL's own record of its last generation says the same of the same groups.
    for i, group in enumerate(last):
        these = slice(i * GROUP, (i + 1) * GROUP)
        assert group["responses"] == [turns[0]["content"] for turns in list(trainer._logs["completion"])[these]]
        assert group["rewards"] == pytest.approx(list(trainer._logs["rewards"]["varied"])[these])
        assert len(set(group["rewards"])) > 1
        assert group["advantages"] == pytest.approx(list(trainer._logs["advantages"])[these], abs=1e-4)
        row = by_id[group["id"]]
        parts = [part["text"] for message in row["prompt"] for part in message["content"]]
        assert json.loads(group["prompt"]) == parts
        assert len(group["pictures"]) == len(row["images"])
    said = texts(browser.open(file))
    for group in last:
        assert group["gold"] in said
        assert f"row {group['id']}" in said
        assert all(f"advantage {value:+.2f}" in said for value in group["advantages"])


def test_a_finished_run_states_its_result(finished: Path, dataset: Path, browser: Browser) -> None:
    page = browser.open(finished / "run.html")
    assert page.complaints == []
    said = " ".join(texts(page).split())
    result = json.loads((finished / "result.json").read_text())
    low, high = result["interval"]
    for expected in ("complete", f"{result['after']:.3f}", f"{low:.3f} to {high:.3f}", "12 rows of", "2 steps"):
        assert expected in said
    cells = page.evaluate("[...document.querySelectorAll('tbody tr')].map(r => [...r.cells].map(c => c.textContent))")
    assert [line[1:4] for line in cells] == [
        ["format", "format", "done"],
        ["probe", "sample", "done"],
        ["grpo", "grpo", "done"],
    ]
    assert "48 responses" in said
    assert "Rows by pass rate" in said
    tall = page.evaluate("[...document.querySelectorAll('.rates rect')].map(r => r.getBoundingClientRect().height)")
    assert len(tall) > 0
    assert max(tall) > 20
    left, right = page.evaluate(
        "(b => [b.left, b.right])(document.querySelectorAll('.result .interval')[1].getBoundingClientRect())"
    )
    at = page.evaluate(
        "(b => (b.left + b.right) / 2)(document.querySelectorAll('.result .dot')[1].getBoundingClientRect())"
    )
    assert left <= at <= right
    assert "What the model wrote at step 2" in said
    assert json.loads((dataset / "manifest.json").read_text())["fingerprint"] in said
    (tracked,) = trackio_in((finished / "trackio").resolve()).Api().runs("ssrl-whole")
    assert tracked.name == "3-grpo"


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_telephone_and_a_dark_room(finished: Path, browser: Browser, dark: bool) -> None:
    page = browser.open(finished / "run.html", width=360, dark=dark)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    paper, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        ".map(c => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0))"
    )
    assert (paper < 150 and ink > 600) if dark else (paper > 600 and ink < 150)


def test_what_is_folded_up_opens_by_keyboard(finished: Path, browser: Browser) -> None:
    page = browser.open(finished / "run.html")
    opened = "[...document.querySelectorAll('details')].map(d => d.open)"
    before = page.evaluate(opened)
    for _ in range(40):
        page.press("Tab", 9)
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    page.press("Enter", 13, "\r")
    after = page.evaluate(opened)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


def hostile_row(rows: Dataset, text: str) -> dict[str, Any]:
    row = {**rows[0], "images": [PIL.Image.new("RGB", (8, 8))]}
    return {**row, "prompt": [{"role": "user", "content": [{"type": "text", "text": text}]}], "task": text}


def test_what_a_model_wrote_stays_text(begun: Path, dataset: Path, rows: Dataset, browser: Browser) -> None:
    row = hostile_row(rows, HOSTILE)
    written = [HOSTILE, "x" * 1_000_000, "\u2067" * 2000 + HOSTILE, ""]
    Samples(begun / "checkpoints" / "2-grpo" / "samples", GROUP).add(
        999, 1000, [row] * GROUP, written, [1, 0, None, 0.5]
    )
    config = json.loads((begun / "config.json").read_text())
    (begun / "config.json").write_text(json.dumps(config | {"model": HOSTILE}))
    state = begun / "checkpoints" / "2-grpo" / f"checkpoint-{STEPS}" / "trainer_state.json"
    log = json.loads(state.read_text())
    log["log_history"][-1] |= {
        f"share/{HOSTILE}": 0.5,
        f"pass_rate/{HOSTILE}": 0.5,
        "entropy": "</svg>",
        "kl": math.nan,
    }
    state.write_text(json.dumps(log))
    file = write_page(begun, dataset)
    assert file.stat().st_size < 1_000_000
    page = browser.open(file, width=360)
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("data:")] == [file.as_uri()]
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("document.querySelectorAll('script, img:not(.picture), iframe, [onerror]').length") == 0
    assert page.evaluate("document.title") != "taken"
    assert page.evaluate("[...document.querySelectorAll('.text')].every(e => e.getBoundingClientRect().right <= 361)")
    said = texts(page)
    assert "onerror=alert(1)>⟨U+202E⟩ ⟨U+0007⟩" in said
    assert "characters left out" in said
    assert not set(said) & set("\u202e\u2067\x07")


def test_a_page_at_any_moment(begun: Path, dataset: Path, tmp_path: Path, browser: Browser) -> None:
    def said(folder: Path, data: Path = dataset) -> str:
        page = browser.open(write_page(folder, data))
        assert page.complaints == []
        return texts(page)

    assert "not begun" in said(tmp_path / "nothing")
    assert "a dataset that is not at hand" in said(begun, tmp_path / "moved")
    work = begun / "checkpoints" / "2-grpo"
    newest = work / f"checkpoint-{STEPS}" / "trainer_state.json"
    newest.write_text(newest.read_text()[:100])
    assert gather(begun, dataset).stages[1].steps == STEPS - 2  # of the checkpoint before
    assert "Reward" in said(begun)
    samples = sorted((work / "samples").iterdir())
    samples[-1].write_bytes(samples[-1].read_bytes()[:50])
    samples[0].with_suffix(".partial").write_bytes(b"PAR1")
    assert "What the model wrote at step 1" in said(begun)
    shutil.rmtree(work / "checkpoint-2")
    assert "No checkpoint yet." in said(begun)
    for text in ("", "{", "[]", "null", '{"stages": 3}', '{"stages": [3, {"tasks": []}]}', '{"counts": {"a/b": {}}}'):
        for file in (begun / "config.json", begun / "result.json", newest, tmp_path / "manifest.json"):
            file.write_text(text)
        assert write_page(begun, tmp_path).is_file()


def test_what_is_kept_of_a_long_stage_is_little_and_nothing_twice(rows: Dataset, tmp_path: Path) -> None:
    row, answers = rows[0], ["a", "b"]
    row = {**row, "images": []}

    def go(samples: Samples, steps: Sequence[int]) -> None:
        for step in steps:
            samples.add(step, 1000, [row] * 8, answers * 4, [0.0, 1.0] * 4)

    go(Samples(tmp_path, 2), range(620))
    first = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    go(Samples(tmp_path, 2), range(600, 1000))  # resumed from an earlier checkpoint
    tables = {path.name: pq.read_table(path) for path in sorted(tmp_path.iterdir())}
    assert len(tables) == KEPT
    assert all(len(table) == GROUPS for table in tables.values())
    steps = [table["step"][0].as_py() for table in tables.values()]
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (1, 960)
    assert sum(first[name] != (tmp_path / name).stat().st_mtime_ns for name in first) == 1
    # A generation of fewer completions than a group, as of one process among many, leaves nothing.
    Samples(tmp_path / "few", 16).add(0, 10, [row] * 8, answers * 4, [0.0] * 8)
    assert not (tmp_path / "few").exists()


def test_a_page_of_a_long_run_is_small_and_quick(begun: Path, dataset: Path) -> None:
    state = begun / "checkpoints" / "2-grpo" / f"checkpoint-{STEPS}" / "trainer_state.json"
    log = json.loads(state.read_text())
    entry = log["log_history"][0] | {f"share/task {i}": i / 100 for i in range(30)}
    log["log_history"] = [entry | {"step": step, "reward": step % 7 / 7} for step in range(1, 20_001)]
    state.write_text(json.dumps(log | {"max_steps": 20_000}))
    begin = time.process_time()
    file = write_page(begun, dataset)
    assert time.process_time() - begin < 10
    assert file.stat().st_size < 1_000_000
    assert "and 22 lower ones" in file.read_text("utf-8")


def test_a_page_that_cannot_be_written_is_said_once(begun: Path, dataset: Path) -> None:
    (begun / "run.html").unlink()
    (begun / "run.html").mkdir()
    said: list[str] = []
    callback = PageCallback(begun, dataset, said.append)
    for _ in range(2):
        callback.on_save(None, TrainerState(is_world_process_zero=True), None)
    (line,) = said
    assert line.startswith("note: ")
    assert "run.html cannot be written" in line
    os.rmdir(begun / "run.html")
    callback.on_save(None, TrainerState(is_world_process_zero=False), None)
    assert not (begun / "run.html").exists()


def test_advantages_are_of_the_group() -> None:
    assert advantages([1, 0, 0, 1]) == pytest.approx([0.866, -0.866, -0.866, 0.866], abs=1e-3)
    assert advantages([1, None, 0]) == pytest.approx([0.707, 0, -0.707], abs=1e-3)
    assert advantages([0.5, 0.5]) == [0, 0]
    assert advantages([None, None]) == [0, 0]


def test_long_texts_keep_their_ends() -> None:
    assert shortened("abc", 3) == "abc"
    assert shortened("a" * 10 + "b" * 10, 4) == "aa\n[16 characters left out]\nbb"
    assert len(shortened("x" * 10**6, TEXT)) < TEXT + 60


def test_axes_are_round_and_spikes_stay() -> None:
    assert nice(0, 1) == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    for low, high in ((0.2, 0.2), (0, 0), (-3, 1e6), (1e-7, 3e-7), (-0.02, -0.01)):
        ticks = nice(low, high)
        assert 3 <= len(ticks) <= 7
        assert ticks[0] <= low <= high <= ticks[-1] or math.isclose(low, high)
    points = [(step, 100.0 if step == 7777 else 0.1) for step in range(20_000)]
    kept = thinned(points)
    assert len(kept) <= POINTS
    assert (7777, 100.0) in kept
    assert kept == sorted(kept)
    assert [number(value) for value in (0, 1e-6, 0.001, 0.25, 12345, 2e9)] == [
        "0",
        "1e-6",
        "0.001",
        "0.25",
        "12,345",
        "2e9",
    ]
