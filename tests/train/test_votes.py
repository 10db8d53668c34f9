"""Rewards by vote: worked by hand on made tables of responses, on one process and on two, killed and resumed."""

from __future__ import annotations

import json
import math
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import made_sums
import numpy as np
import pytest
from datasets import Dataset
from safetensors.numpy import load_file
from test_processes import ended, script, two
from test_resume import history, weights

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.constraints import Constraints
from ssrl_data.answers.number import Number
from ssrl_data.answers.reading import tagged
from ssrl_data.answers.supposed import suppose
from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.build.run import build
from ssrl_data.constraints.length import SentencesExactly
from ssrl_data.core import SsrlError
from ssrl_data.recipe import Recipe, part
from ssrl_data.row import pack_answer
from ssrl_train.config import parse
from ssrl_train.curriculum import Frontier, Uniform
from ssrl_train.format import train_format
from ssrl_train.grpo import make_args, train_grpo
from ssrl_train.memo import decoded_once
from ssrl_train.rows import column
from ssrl_train.run import run
from ssrl_train.signals import SIGNALS, judge
from ssrl_train.signals.base import Batch, Paid
from ssrl_train.signals.check import vote_faults
from ssrl_train.signals.entropy import answer_entropy
from ssrl_train.signals.settings import CoVote, Majority, TeacherVote
from ssrl_train.signals.teacher import FILE, decay
from ssrl_train.signals.votes import vote
from ssrl_train.stage_rows import StageRows
from ssrl_train.stages import Format, Grpo
from ssrl_train.tiny import load_processor

pytest_plugins = ("train_rows",)

SEVEN = pack_answer(Number().answer(7, form="any", chance=0.1))
NONE = pack_answer(Unlabelled().answer())


def row(id: str, answer: str, set: str = "", **made: Any) -> dict[str, Any]:
    """A row as a signal sees it; `made` says how its question is worded."""
    return {"id": id, "answer": answer, "set_id": set or id, "meta": json.dumps({"make": made} if made else {})}


def batch(*groups: tuple[Mapping[str, Any], Sequence[str]]) -> Batch:
    """Groups of as many responses each, which answer with the texts given; `?` says nothing."""
    said = [text for _, texts in groups for text in texts]
    rows = [row for row, texts in groups for _ in texts]
    return Batch(rows, ["I wonder" if text == "?" else tagged(text) for text in said], len(groups[0][1]), 0)


def letter(right: str) -> str:
    return pack_answer(Choice().answer(right, ["A", "B", "C"]))


def lead(texts: Sequence[str], margin: float = 0.0) -> tuple[str | None, float]:
    won = vote([None if text == "?" else suppose(SEVEN, tagged(text)) for text in texts], margin)
    return None if won.winner is None else won.winner.value["answer"], won.lead


def test_a_vote_counts_answers_by_type_and_never_ties() -> None:
    assert lead(["1/2", "3", "0.5", "3", r"\frac12", "?", "?", "9"]) == ("1/2", 1 / 8)
    assert lead(["1/2", "3", "0.5", "3"]) == (None, 0.0)
    assert lead(["3", "3", "3", "3"]) == ("3", 1.0)
    assert lead(["?", "?", "?", "3"]) == ("3", 0.25)
    assert lead(["?", "?"]) == (None, 0.0)
    assert lead(["3", "3", "5", "?"], margin=0.25) == (None, 0.25), "more than the margin, not as much"
    assert lead(["3", "3", "5", "?"], margin=0.24) == ("3", 0.25)


def test_the_order_of_responses_plays_no_part() -> None:
    near = pack_answer(Number().answer("0.5", form="decimal", tolerance="0.01", chance=0.1))
    said = [suppose(near, text) for text in ("0.5", "0.51", "0.52", "0.9", "0.9", "0.8")]
    forwards = vote(said)
    assert forwards == vote(said[::-1]) == vote([*said[3:], *said[:3]])
    # 0.51 accepts 0.5, 0.51 and 0.52, which is one more than 0.9 has.
    assert forwards.winner is not None
    assert forwards.winner.value["answer"] == "51/100"
    assert forwards.lead == pytest.approx(1 / 6)


def test_majority_pays_each_group_by_itself() -> None:
    paid, told = judge(Majority()).pay(
        batch(
            (row("a", SEVEN), ["7", "14/2", "7.0", "8"]),
            (row("b", SEVEN), ["5", "5", "7", "?"]),
            (row("c", SEVEN), ["5", "5", "7", "7"]),
            (row("d", NONE), ["1/2", "0.5", "?", "2"]),
        )
    )
    assert list(paid) == [1, 1, 1, 0, 1, 1, 0, 0, None, None, None, None, 1, 1, 0, 0]
    # Leads 2/4, 1/4, 0, 1/4; the winners of a and b are held against 7, that of d against nothing.
    assert told == {"vote_margin": 0.25, "abstained": 0.25, "vote_right": 0.5}
    wide = judge(Majority(margin=0.3)).pay(batch((row("b", SEVEN), ["5", "5", "7", "?"])))
    assert wide == Paid([None] * 4, {"vote_margin": 0.25, "abstained": 1.0})


def test_views_pay_each_other_and_not_themselves() -> None:
    first = row("a", letter("A"), "s", view="original", options=[0, 1, 2])
    second = row("b", letter("B"), "s", view="permuted", options=[2, 0, 1])
    # Option 0 is A of the first and B of the second; option 2 is C and A.
    paid, told = judge(CoVote()).pay(batch((first, ["A", "A", "C", "?"]), (second, ["A", "A", "B", "C"])))
    assert list(paid) == [0, 0, 1, 0, 0, 0, 1, 0]
    assert told == {"vote_margin": 0.25, "abstained": 0.0, "vote_right": 0.5}


def test_a_view_without_a_winner_pays_nobody_and_is_paid() -> None:
    first = row("a", letter("A"), "s", view="original", options=[0, 1, 2])
    second = row("b", letter("B"), "s", view="permuted", options=[2, 0, 1])
    paid, told = judge(CoVote()).pay(batch((first, ["A", "A", "A", "B"]), (second, ["A", "A", "B", "B"])))
    assert list(paid) == [None, None, None, None, 0, 0, 1, 1]
    assert told == {"vote_margin": 0.25, "abstained": 0.5, "vote_right": 1.0}


def test_of_three_views_each_is_paid_by_the_other_two() -> None:
    rows = [row(name, SEVEN, "s", view=name, options=[]) for name in ("original", "reordered", "renamed")]
    said = (["7", "7", "8", "9"], ["7", "7", "8", "9"], ["8", "8", "7", "?"])
    paid, _ = judge(CoVote()).pay(batch(*zip(rows, said, strict=True)))
    assert list(paid) == [0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    "others",
    [
        [],  # alone in its set
        [row("b", SEVEN, "s")],  # which says of no view
        [row("b", letter("A"), "s", view="original", options=[0, 1, 2])],
        [row("b", SEVEN, "s", view="renamed", options=[]), row("c", SEVEN, "s", gap=1)],
    ],
)
def test_a_set_whose_rows_are_not_views_of_one_question_abstains(others: list[dict[str, Any]]) -> None:
    first = row("a", SEVEN, "s", view="original", options=[])
    groups = [(first, ["7", "7"]), *((other, ["A", "A"]) for other in others)]
    paid, told = judge(CoVote()).pay(batch(*groups))
    assert set(paid) == {None}
    assert told["abstained"] == 1


def test_a_variable_has_its_name_of_the_other_view() -> None:
    first = row("a", NONE, "s", view="original", options=[])
    second = row("b", NONE, "s", view="renamed", options=[], letters={"x": "n"})
    paid, told = judge(CoVote()).pay(batch((first, ["x + 1", "1 + x", "n + 1"]), (second, ["1 + n", "n + 1", "x + 1"])))
    assert list(paid) == [1, 1, 0, 1, 1, 0]
    assert "vote_right" not in told, "nothing is stored as right"


def test_the_entropy_of_answers_to_different_questions() -> None:
    def of(*groups: tuple[Mapping[str, Any], Sequence[str]]) -> float | None:
        return answer_entropy(batch(*groups))

    rows = [row(name, SEVEN) for name in "abcd"]
    assert of(*((one, ["7", "7", "3"]) for one in rows)) == 0
    assert of(*((one, [str(i), str(i), "9"]) for i, one in enumerate(rows))) == pytest.approx(1)
    # Two and two of four: ln 2 of ln 4; three and one: 0.5623 nats of 1.3863.
    assert of(*((one, [str(i // 2), "?"]) for i, one in enumerate(rows))) == pytest.approx(0.5)
    assert of(*((one, [str(i // 3), "?"]) for i, one in enumerate(rows))) == pytest.approx(0.562335 / math.log(4))
    choices = [row(name, pack_answer(Choice().answer("yes", ["yes", "no"]))) for name in "abcd"]
    said = ["yes", "no", "no", "yes"]
    assert of(*((one, [text]) for one, text in zip(choices, said, strict=True))) == pytest.approx(1), "of two answers"
    views = [row(name, SEVEN, name[0], view="v") for name in ("a1", "a2", "b1", "b2")]
    assert of(*((one, [str(i // 2)]) for i, one in enumerate(views))) == pytest.approx(1), "of two questions"
    assert of((rows[0], ["7"]), (rows[1], ["?"])) is None


def test_the_teacher_follows_by_a_cosine() -> None:
    assert decay(0, 100, 0.99, 0.9999) == pytest.approx(0.99)
    assert decay(50, 100, 0.99, 0.9999) == pytest.approx(0.99495)
    assert decay(100, 100, 0.99, 0.9999) == decay(120, 100, 0.99, 0.9999) == pytest.approx(0.9999)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (lambda: Majority(margin=1.0), "margin is 1: it must be from 0 to below 1"),
        (lambda: CoVote(margin=-0.5), "margin is -0.5"),
        (lambda: TeacherVote(first=0.9, last=0.5), "first 0.9 and last 0.5 must be two rising shares"),
        (lambda: Grpo(reward=CoVote(), curriculum=Frontier()), "give curriculum whole_sets: true"),
    ],
)
def test_settings_that_cannot_run_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings()


def test_whole_sets_are_drawn_where_views_pay_each_other() -> None:
    assert Grpo(reward=CoVote()).curriculum == Uniform(whole_sets=True)
    assert Grpo(reward=CoVote(), curriculum=Frontier(whole_sets=True)).curriculum == Frontier(whole_sets=True)
    assert Grpo(reward=Majority()).curriculum is None


def sums(folder: Path, views: Sequence[str], count: int, **params: Any) -> Path:
    """A dataset of so many sums in some views."""
    made_sums.write(folder / "corpus", count, 0, largest=4)
    recipe = part("text/final_answer", ["medium"], {"views": list(views), **params})
    rows = count * len(views)
    out = folder / "dataset"
    build(Recipe((recipe,), (str(folder / "corpus"),), rows=rows, split={"test": 0.2}), out, 1, lambda line: None)
    return out


def faults(signal: str, rows: Dataset, **environment: str) -> list[str]:
    settings = SIGNALS[signal]()
    return list(vote_faults(settings, rows, make_args(Grpo(reward=settings), 0, Path("o"), []), environment))


def test_rows_that_cannot_vote_are_refused(rows: Dataset, tmp_path: Path) -> None:
    tasks = sorted(set(column(rows, "task")))
    found = faults("co_vote", rows)
    assert len(found) == len(tasks)
    assert f"no set of {tasks[0]} has two whose answers map onto each other" in found[0]
    assert faults("majority", rows) == []
    assert faults("teacher_vote", rows, ACCELERATE_USE_FSDP="false") == []
    assert "swaps the model's weights" in faults("teacher_vote", rows, ACCELERATE_USE_FSDP="true")[0]
    whole = Constraints().answer(
        "The sea is blue. The ebb is slow. The tide is high.", [SentencesExactly(3)], chance=0.1
    )
    texts = Dataset.from_list([{**row("a", pack_answer(whole)), "task": "instruction/x"}])
    assert "rows of instruction/x answer with whole texts (constraints)" in faults("majority", texts)[0]


def config(data: Path, out: Path, stage: Mapping[str, Any], **more: Any) -> Any:
    options = {**SMALL, **stage.get("grpo", {})}
    body = {"data": str(data), "out": str(out), "model": {"tiny": "qwen3"}, "track": "none"}
    stages = [*more.pop("before", []), {"method": "grpo", **stage, "grpo": options}]
    return parse({**body, "stages": stages, **more}, "test")


SMALL = {
    "max_steps": 2,
    "per_device_train_batch_size": 16,
    "num_generations": 4,
    "max_completion_length": 6,
    "gradient_checkpointing": False,
    "learning_rate": 1e-3,
}


def logged(folder: Path) -> list[dict[str, Any]]:
    """What each step logged."""
    entries = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    return [entry for entry in entries if "reward" in entry]


def test_rows_without_truth_vote_and_no_verifier_takes_them(tmp_path: Path) -> None:
    data = sums(tmp_path, ["original", "reordered"], 30, gold=False)
    done = run(config(data, tmp_path / "run", {"reward": "co_vote"}, eval=None), lambda line: None)
    steps = logged(tmp_path / "run" / "stages" / "1-grpo")
    assert done["steps"] == 2
    assert all("abstained" in step and "exact" not in step and "vote_right" not in step for step in steps)
    for reward in ("verify", {"kind": "preview"}):
        with pytest.raises(SsrlError, match=r"or train by votes alone \(reward: majority\)"):
            run(config(data, tmp_path / "refused", {"reward": reward}, eval=None), lambda line: None)
    with pytest.raises(SsrlError, match="no row of the test split has a known truth, so there is no accuracy"):
        run(config(data, tmp_path / "refused", {"reward": "co_vote"}), lambda line: None)
    assert not (tmp_path / "refused" / "stages").exists()


def test_rows_whose_views_another_stage_took_are_left_out(tmp_path: Path) -> None:
    data = sums(tmp_path, ["original", "reordered"], 30)
    taken = {"method": "sft", "rows": 10}
    left = {}
    for reward in ("verify", "co_vote"):
        read = StageRows(config(data, tmp_path / "run", {"reward": reward}, before=[taken]), data)
        read.divide()
        left[reward] = column(read.sampled(1, frozenset()), "set_id")
    torn = {name for name, rows in Counter(left["verify"]).items() if rows == 1}
    assert torn
    assert left["co_vote"] == [name for name in left["verify"] if name not in torn]


def test_lone_rows_are_refused_before_a_model_is_there(tmp_path: Path) -> None:
    data = sums(tmp_path, ["original"], 30)
    with pytest.raises(SsrlError, match="no set of text/final_answer has two whose answers map onto each other"):
        run(config(data, tmp_path / "run", {"reward": "co_vote"}), lambda line: None)
    assert not (tmp_path / "run" / "stages").exists()


def test_a_teacher_that_was_killed_ends_with_the_same_bits(llava: Path, rows: Dataset, tmp_path: Path) -> None:
    warm, few = tmp_path / "warm", decoded_once(rows.select(range(8)))
    processor = load_processor(llava)
    train_format(str(llava), processor, few, Format(steps=30, batch=8), 0, warm)
    processor.save_pretrained(warm)
    stage = Grpo({**SMALL, "max_steps": 4, "save_steps": 2, "disable_tqdm": True}, reward=TeacherVote(0.0, 0.5, 0.9))
    for name in ("whole", "killed"):
        out = tmp_path / name
        (out / "work").mkdir(parents=True)
        if name == "killed":
            shutil.copytree(tmp_path / "whole" / "work" / "checkpoint-2", out / "work" / "checkpoint-2")
        args = make_args(stage, 0, out / "work", [])
        train_grpo(str(warm), processor, few, stage, args, out, lambda line: None)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert history(killed) == history(whole)
    assert weights(killed) == weights(whole)
    assert all(0 < step["vote_margin"] <= 1 for step in logged(whole)), "the teacher has answers of its own"

    # After two updates the teacher is between the model that it was and the one that it follows.
    teacher = load_file(whole / "work" / "checkpoint-2" / FILE)
    assert (killed / "work" / "checkpoint-4" / FILE).read_bytes() == (
        whole / "work" / "checkpoint-4" / FILE
    ).read_bytes()
    name = next(name for name in teacher if name.endswith("embed_tokens.weight"))
    start, now = (
        next(
            value
            for key, value in load_file(folder / "model.safetensors").items()
            if key.endswith("embed_tokens.weight")
        )
        for folder in (warm, whole / "work" / "checkpoint-2")
    )
    went, followed = np.linalg.norm(now - start), np.linalg.norm(teacher[name] - start)
    assert 0 < followed < went
    (whole / "work" / "checkpoint-4" / FILE).unlink()
    with pytest.raises(SsrlError, match="does not hold the teacher of this model"):
        train_grpo(str(warm), processor, few, stage, make_args(stage, 0, whole / "work", []), whole, lambda line: None)


RUN = """
import json, sys
from pathlib import Path
from ssrl_train.config import load_config
from ssrl_train.processes import leave, rank
from ssrl_train.run import run
from ssrl_train.signals.teacher import TeacherJudge
from ssrl_train.signals.votes import CoVoteJudge

seen = []


def kept(kind):
    pay = kind.pay

    def paid(self, batch):
        taught = getattr(self, "_answers", None)
        result = pay(self, batch)
        told = {"texts": list(batch.texts), "taught": taught and list(taught.texts), "paid": list(result.rewards)}
        seen.append(told | {"rows": [dict(row) for row in batch.rows], "metrics": dict(result.metrics)})
        return result

    kind.pay = paid


kept(CoVoteJudge)
kept(TeacherJudge)
config = load_config(Path(sys.argv[1]))
run(config, lambda line: None)
(config.out / f"seen-{rank()}.json").write_text(json.dumps(seen))
leave()
"""


def test_groups_and_sets_that_straddle_two_processes_are_paid_as_by_one(tmp_path: Path) -> None:
    data, out = sums(tmp_path, ["original", "reordered", "renamed"], 30), tmp_path / "run"
    # Six responses of each process make three groups of four: one set, whose second group is of both.
    options = {**SMALL, "per_device_train_batch_size": 6}
    stages = [
        {"method": "format", "steps": 30, "batch": 16},
        {"method": "grpo", "name": "co", "reward": "co_vote", "grpo": options},
        {"method": "grpo", "name": "taught", "reward": "teacher_vote", "grpo": options},
    ]
    body = {"data": str(data), "out": str(out), "model": {"tiny": "qwen3"}, "track": "none", "eval": None}
    path = tmp_path / "run.yaml"
    path.write_text(json.dumps({**body, "stages": stages}), encoding="utf-8")
    _, errors = ended(two(script(tmp_path, RUN), path))
    assert (out / "seen-1.json").is_file(), errors
    first, second = (json.loads((out / f"seen-{rank}.json").read_text()) for rank in (0, 1))
    assert first == second
    assert len(first) == 4
    steps = [*logged(out / "stages" / "2-co"), *logged(out / "stages" / "3-taught")]
    for number, (seen, step) in enumerate(zip(first, steps, strict=True)):
        ids = [row["id"] for row in seen["rows"]]
        assert ids[4:8] == [ids[4]] * 4 != ids[:4], "the second group is of both processes"
        whole = Batch(seen["rows"], seen["texts"], 4, 0)
        if number < 2:
            assert len({row["set_id"] for row in seen["rows"]}) == 1
            alone = judge(CoVote()).pay(whole)
            assert (list(alone.rewards), dict(alone.metrics)) == (seen["paid"], seen["metrics"])
        else:
            assert seen["taught"] != seen["texts"]
            assert len(seen["taught"]) == 12
        earned = [value for value in seen["paid"] if value is not None]
        if earned:
            assert step["reward"] == pytest.approx(np.mean(earned))
        assert step["abstained"] == pytest.approx(seen["metrics"]["abstained"])
        assert step["vote_margin"] == pytest.approx(seen["metrics"]["vote_margin"])
    assert any(value is not None for seen in first[:2] for value in seen["paid"])
