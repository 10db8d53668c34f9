"""Proposed masks: which are taken, what they earn, and that a stage of them trains, resumes and runs in processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import made_voyages
import pytest
from command import ROOT
from datasets import Dataset

from ssrl_data.build.run import build
from ssrl_data.core import SsrlError
from ssrl_data.grade import grade
from ssrl_data.recipe import Recipe, part
from ssrl_data.rng import Rng
from ssrl_data.row import unpack_answer
from ssrl_train.active import Propose
from ssrl_train.active.form import example
from ssrl_train.active.masks import REFUSALS, Mask, Passage, mask, passage_of, possible, predictor, proposal
from ssrl_train.active.proposing import Proposing, pay
from ssrl_train.config import parse
from ssrl_train.grpo import make_args, train_grpo
from ssrl_train.rewards import verify
from ssrl_train.rows import load_rows, of_tasks
from ssrl_train.run import run
from ssrl_train.stages import Grpo
from ssrl_train.tiny import load_processor

ANY = Propose()
FERRY = Passage(
    "For ten years the ferry Freya was the pride of the river Elbe and its crew knew Freya's engine by heart, although "
    "Kirsten Holm had to mend the Hamburger valves every winter. In 1911 the yard of Hamburg bought her from Holm, and "
    "nobody on the Elbe saw the old ferry again.",
    0.1,
)
SMALL = {
    "max_steps": 4,
    "save_steps": 2,
    "per_device_train_batch_size": 12,
    "num_generations": 2,
    "max_completion_length": 4,
    "learning_rate": 1e-2,
    "gradient_checkpointing": False,
    "disable_tqdm": True,
}
TIMES = {"step_time", "train_runtime", "train_samples_per_second", "train_steps_per_second", "train_loss"}


def built(folder: Path, source: str | Path, rows: int, *tasks: str) -> Path:
    parts = tuple(part(task, ["easy"], {}) for task in tasks)
    build(Recipe(parts, (str(source),), rows=rows, split={"test": 0.2}), folder, 1, say=lambda line: None)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("active")
    made_voyages.write(folder / "voyages", 30, 0)
    return built(folder / "dataset", folder / "voyages", 80, "text/masked_span")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of real prose, and of a task that shows no passage."""
    folder = tmp_path_factory.mktemp("mixed") / "dataset"
    return built(folder, ROOT / "tests/texts", 60, "text/masked_span", "text/masked_steps")


@pytest.fixture(scope="module")
def rows(data: Path) -> Dataset:
    return load_rows(data, "train")


@pytest.fixture(scope="module")
def warm(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that knows the form of answers and of proposals, a little."""
    out = tmp_path_factory.mktemp("warm") / "run"
    stages = [{"method": "format", "steps": 50, "batch": 16, "propose": {}}]
    body = {"data": str(data), "out": str(out), "model": {"tiny": "qwen3", "spread": 0.1}, "track": "none"}
    run(parse({**body, "stages": stages, "eval": None}, "test"), lambda line: None)
    return out / "stages" / "1-format"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Paris", "absent"),
        ("elbe", "absent"),
        ("urg", "part_of_word"),
        ("Elbe and its crew knew Freya's engine by heart", "long"),
        ("river", "kind"),
        ("the Elbe", "kind"),
        ("1911", "kind"),  # behind "In", a year that nothing tells
        ("Kirsten Holm", "shown"),  # as Holm
        ("Hamburg", "shown"),  # as Hamburger
    ],
)
def test_what_no_mask_may_be_made_of_is_refused_for_its_reason(text: str, reason: str) -> None:
    assert mask(FERRY, text, ANY) == reason
    assert reason in REFUSALS


def test_a_span_is_hidden_wherever_it_stands() -> None:
    made = mask(FERRY, "Freya", ANY)
    assert isinstance(made, Mask)
    assert "Freya".join(made.shown) == FERRY.text
    assert [piece[-6:] for piece in made.shown[:2]] == ["ferry ", " knew "]
    assert made.question == "In this passage a name of one word is hidden behind [MASK], 2 times. What is hidden?"
    assert mask(FERRY, "Freya", Propose(times=2)) == "often"
    assert mask(FERRY, "Freya", Propose(times=3)) == made
    assert possible(FERRY, ANY) == ("Freya", "Elbe", "Holm")
    short = Passage("At ten the ferry Freya left the river Elbe.", 0.1)
    assert mask(short, "Freya", ANY) == "shown"


def test_a_span_of_more_words_than_asked_for_is_too_long() -> None:
    passage = Passage(FERRY.text.replace("from Holm", "from him"), 0.1)
    assert isinstance(mask(passage, "Kirsten Holm", ANY), Mask)
    assert mask(passage, "Kirsten Holm", Propose(words=1)) == "long"


@pytest.mark.parametrize(
    ("response", "span"),
    [
        ("<answer>Freya</answer>", "Freya"),
        ("<think>Elbe? <answer>Elbe</answer></think>The ship. <answer> 'Freya'. </answer>", "Freya"),
        ("<answer>Freya</answer><answer>Elbe</answer>", None),
        ("<answer></answer>", None),
        ("", None),
        ("Freya", "Freya"),
    ],
)
def test_a_proposal_is_read_as_answers_are(response: str, span: str | None) -> None:
    assert proposal(response) == span


def test_a_built_mask_that_is_proposed_gives_the_built_row(mixed: Path) -> None:
    for row in of_tasks(load_rows(mixed, "train"), ["text/masked_span"]):
        passage = passage_of(row)
        assert passage is not None
        right = unpack_answer(row["answer"])[1]["answer"]
        made = mask(passage, right, ANY)
        assert isinstance(made, Mask), (right, made)
        again = predictor(row, passage, made)
        assert again["prompt"] == row["prompt"]
        assert grade(again["answer"], f"<answer>{right}</answer>").exact


def said(*texts: str) -> list[list[dict[str, str]]]:
    return [[{"role": "assistant", "content": f"<answer>{text}</answer>"}] for text in texts]


def generated(completions: list[Any]) -> Any:
    """As TRL's `_generate` gives them: lists, what there is none of, and what is the same for all."""
    count = len(completions)
    return [[1]] * count, [[2]] * count, None, completions, None, {}, None, []


def under_way(rows: Dataset, folder: Path) -> tuple[Proposing, list[dict[str, Any]], list[dict[str, Any]], list[Any]]:
    """A batch of seven prompts with two answers each: two passages, five slots.

    The first passage's proposals name one span, the second's a span and nothing that stands there.
    """
    drawn = [row for row in rows.select(range(7)).to_list() for _ in range(2)]
    first, second = (passage_of(drawn[place]) for place in (0, 2))
    assert first is not None
    assert second is not None
    one, other = possible(first, ANY)[0], possible(second, ANY)[-1]
    proposing, told = Proposing(ANY, 2, folder), said(one, one, other, "Atlantis")
    made = proposing.rows(drawn, lambda prompts: generated(told))
    return proposing, drawn, made, told


def test_proposals_take_the_place_of_rows(rows: Dataset, tmp_path: Path) -> None:
    proposing, drawn, made, told = under_way(rows, tmp_path)
    assert [row["id"] for row in made] == [row["id"] for row in drawn]
    assert made[8:] == drawn[8:], "a slot that no proposal fills asks what was built"
    for place, passage in ((0, 0), (2, 2)):
        body = made[place]["prompt"][0]["content"]
        shown = passage_of(drawn[passage])
        assert shown is not None
        assert body.startswith("Choose what to hide")
        assert f"<passage>\n{shown.text}\n</passage>" in body
    for slot, of, span in ((4, 0, told[0]), (6, 2, told[2])):
        shown = passage_of(drawn[of])
        assert shown is not None
        assert made[slot] == made[slot + 1] != drawn[slot]
        text = unpack_answer(made[slot]["answer"])[1]["answer"]
        assert f"<answer>{text}</answer>" == span[0]["content"]
        assert passage_of(made[slot]) == shown
    assert proposing.built(14) == [False] * 8 + [True] * 6

    rest = said(*"abcdefghij")
    asked = [row["prompt"] for row in made]
    seen: list[Any] = []

    def generate(prompts: list[Any]) -> Any:
        seen.extend(prompts)
        return generated(rest)

    out = proposing.generate(asked, generate)
    assert seen == asked[4:]
    assert (out[3], len(out[0]), out[2], out[4], out[5], out[7]) == ([*told, *rest], 14, None, None, {}, [])
    assert proposing.generate(asked, lambda prompts: generated(rest))[3] == rest, "they were handed out once"


@pytest.mark.parametrize(
    ("right", "rewards", "metrics"),
    [
        # For each slot how many of its two answers are right; the last three are built masks.
        ((1, 0, 0, 0, 0), (0.5, 0.5, 0, 0), {"reward": 0.25, "pass_rate": 0.25, "unsolved": 0.5, "solved": 0}),
        ((2, 2, 2, 0, 0), (0, 0, 0, 0), {"reward": 0, "pass_rate": 1, "solved": 1, "built_pass_rate": 1 / 3}),
        ((0, 1, 0, 2, 2), (0, 0, 0.5, 0), {"reward": 0.125, "unsolved": 0.5, "built_pass_rate": 2 / 3}),
        ((0, 0, 1, 1, 1), (0, 0, 0, 0), {"reward": 0, "pass_rate": 0, "unsolved": 1, "built_pass_rate": 0.5}),
    ],
)
def test_a_proposer_earns_what_its_predictors_fail(
    right: tuple[int, ...], rewards: tuple[float, ...], metrics: dict[str, float], rows: Dataset, tmp_path: Path
) -> None:
    proposing, _, made, told = under_way(rows, tmp_path)
    gold = [unpack_answer(row["answer"])[1]["answer"] for row in made[4:]]
    answers = [text if place % 2 < right[place // 2] else "Atlantis" for place, text in enumerate(gold)]
    seen: dict[str, float] = {}
    state = type("State", (), {"global_step": 4})()
    columns: dict[str, Any] = {name: [row[name] for row in made] for name in ("id", "answer")}
    columns |= {"trainer_state": state, "log_metric": seen.__setitem__}
    prompts = [row["prompt"] for row in made]
    paid = proposing.paid(verify)(prompts=prompts, completions=[*told, *said(*answers)], **columns)
    assert paid[:4] == list(rewards)
    assert paid[4:] == [float(text != "Atlantis") for text in answers]
    assert seen["exact"] == sum(right) / 10, "of predictors alone"
    found = {name.removeprefix("propose/"): value for name, value in seen.items()}
    assert {name: found[name] for name in metrics} == pytest.approx(metrics)
    assert (found["taken"], found["refused/absent"], found["refused/kind"]) == (0.75, 0.25, 0)
    assert found["distinct"] == found["first"] == pytest.approx(2 / 3)
    lines = [json.loads(line) for line in (tmp_path / "00000.jsonl").read_text("utf-8").splitlines()]
    assert [line["reward"] for line in lines] == list(rewards)
    assert [line["refused"] for line in lines] == ["", "", "", "absent"]
    assert [line.get("pass_rate") for line in lines] == [right[0] / 2, right[0] / 2, right[1] / 2, None]
    assert lines[2]["answers"] == [f"<answer>{text}</answer>" for text in answers[2:4]]
    assert lines[2]["asked"] == made[6]["prompt"][-1]["content"]
    assert {line["step"] for line in lines} == {5}


def test_what_a_proposal_earns() -> None:
    assert [pay(rate) for rate in (0, 1 / 8, 0.5, 7 / 8, 1)] == [0, 7 / 8, 0.5, 1 / 8, 0]


def test_the_form_of_a_proposal_tells_no_answer(rows: Dataset) -> None:
    drawn: dict[str, int] = {}
    for place, row in enumerate(rows.select(range(40))):
        made = example(row, ANY, Rng("form", place))
        assert made is not None
        asked, response = made
        passage = passage_of(row)
        assert passage is not None
        found = possible(passage, ANY)
        assert len(found) == 4
        assert "[MASK]" not in asked["prompt"][-1]["content"]
        drawn[str(found.index(str(proposal(response))))] = drawn.get(str(found.index(str(proposal(response)))), 0) + 1
    assert min(drawn[str(place)] for place in range(4)) >= 4, "every span is drawn, none by far most often"


def trained(model: Path, rows: Dataset, out: Path, **options: Any) -> Path:
    stage = Grpo({**SMALL, **options}, propose=ANY)
    args = make_args(stage, 0, out / "work", [])
    train_grpo(str(model), load_processor(model), rows, stage, args, out, lambda line: None)
    return out


def history(folder: Path) -> list[dict[str, Any]]:
    entries = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    return [{key: value for key, value in entry.items() if key not in TIMES} for entry in entries]


def proposed(folder: Path) -> list[dict[str, Any]]:
    files = sorted((folder / "work" / "proposed").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def test_a_stage_trains_both_and_a_resumed_one_ends_with_the_same_bits(
    warm: Path, rows: Dataset, tmp_path: Path
) -> None:
    options = {"per_device_train_batch_size": 24}  # 12 prompts: 4 passages, 8 proposals
    whole = trained(warm, rows, tmp_path / "whole", **options)
    shutil.copytree(whole / "work" / "checkpoint-2", tmp_path / "killed" / "work" / "checkpoint-2")
    (tmp_path / "killed" / "work" / "proposed").mkdir()
    lines = (whole / "work" / "proposed" / "00000.jsonl").read_text("utf-8")
    # The killed run had gone on to the third step, and died within a line.
    cut = lines[: lines.index('{"step": 4') + 30]
    (tmp_path / "killed" / "work" / "proposed" / "00000.jsonl").write_text(cut, "utf-8")
    resumed = trained(warm, rows, tmp_path / "killed", **options)
    assert history(resumed) == history(whole)
    assert proposed(resumed) == proposed(whole)
    assert (resumed / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()

    told = proposed(whole)
    assert [line["step"] for line in told] == [step for step in (1, 2, 3, 4) for _ in range(8)]
    taken = [line for line in told if not line["refused"]]
    assert taken, "a warm model proposes something that stands there"
    for line in taken:
        assert line["reward"] == pay(line["pass_rate"])
        assert line["asked"].count("[MASK]") == 2, "in the question and the passage"
        assert len(line["answers"]) == 2
    for entry in history(whole)[:-1]:
        step = [line for line in told if line["step"] == entry["step"]]
        assert entry["propose/reward"] == pytest.approx(sum(line["reward"] for line in step) / 8)
        assert entry["propose/taken"] == sum(not line["refused"] for line in step) / 8
    samples = (whole / "work" / "samples").glob("*.parquet")
    assert not any(row["prompt"].startswith('["Choose') for file in samples for row in Dataset.from_parquet(str(file)))


SCRIPT = """
import sys
from pathlib import Path
from ssrl_train.active import Propose
from ssrl_train.grpo import make_args, train_grpo
from ssrl_train.processes import join, leave
from ssrl_train.rows import load_rows
from ssrl_train.run import TIMEOUT
from ssrl_train.stages import Grpo
from ssrl_train.tiny import load_processor

join(TIMEOUT)
model, data, out, options = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), eval(sys.argv[4])
stage = Grpo(options, propose=Propose())
args = make_args(stage, 0, out / "work", [])
train_grpo(model, load_processor(model), load_rows(data, "train"), stage, args, out, lambda line: None)
leave()
"""


def test_each_of_two_processes_pays_its_own_proposers(warm: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT, "utf-8")
    options = {**SMALL, "max_steps": 2, "save_strategy": "no", "per_device_train_batch_size": 6}
    torchrun = Path(sys.executable).parent / "torchrun"
    done = subprocess.run(
        [
            torchrun,
            "--standalone",
            "--nproc-per-node",
            "2",
            tmp_path / "script.py",
            warm,
            data,
            tmp_path,
            repr(options),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = proposed(tmp_path)
    files = sorted(file.name for file in (tmp_path / "work" / "proposed").iterdir())
    assert files == ["00000.jsonl", "00001.jsonl"]
    assert [line["step"] for line in told] == [1, 1, 2, 2, 1, 1, 2, 2]
    assert len({line["id"] for line in told if line["step"] == 1}) == 2, "each has a passage of its own"
    for entry in history(tmp_path)[:-1]:
        step = [line for line in told if line["step"] == entry["step"]]
        assert entry["propose/reward"] == pytest.approx(sum(line["reward"] for line in step) / 4)
        # Of twelve completions four propose, and the reward is the mean over all of both processes.
        assert entry["reward"] == pytest.approx((4 * entry["propose/reward"] + 8 * entry["exact"]) / 12)


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"propose": {"word": 3}}, "propose: unknown key 'word': did you mean 'words'"),
        ({"propose": {"words": 9}}, r"words is 9: it must lie in 1\.\.8"),
        ({"propose": {"times": 1}}, "times is 1: it must be at least 2"),
        ({"propose": 3}, "propose: expected a mapping"),
        ({"propose": {}, "reward": "random"}, "propose pays predictors by the verifier: leave reward out"),
    ],
)
def test_wrong_keys_are_refused(stage: dict[str, Any], message: str) -> None:
    body = {"data": "d", "out": "o", "model": "m", "stages": [{"method": "grpo", "grpo": SMALL, **stage}]}
    with pytest.raises(SsrlError, match=message):
        parse(body, "run.yaml")


@pytest.mark.parametrize(("options", "least"), [({"num_generations": 3}, 12), ({"per_device_train_batch_size": 4}, 6)])
def test_a_batch_without_room_for_proposals_is_refused(
    options: dict[str, int], least: int, data: Path, tmp_path: Path
) -> None:
    stage = {"method": "grpo", "grpo": {**SMALL, "per_device_train_batch_size": 9, **options}, "propose": {}}
    body = {"data": str(data), "out": str(tmp_path), "model": {"tiny": "qwen3"}, "stages": [stage], "eval": None}
    with pytest.raises(SsrlError, match=f"a multiple of num_generations = .*, at least {least}"):
        run(parse(body, "test"), lambda line: None)


def test_rows_without_passages_are_refused(mixed: Path, tmp_path: Path) -> None:
    stage = {"method": "grpo", "grpo": SMALL, "propose": {}}
    body = {"data": str(mixed), "out": str(tmp_path / "run"), "model": {"tiny": "qwen3"}, "eval": None}
    with pytest.raises(SsrlError, match=r"row \w+ of text/masked_steps is none: name the tasks of the stage"):
        run(parse({**body, "stages": [stage]}, "test"), lambda line: None)
