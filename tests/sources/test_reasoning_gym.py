"""Questions of reasoning-gym: the answers hold, an item is known by its number, and unfit tasks are refused by name."""

from __future__ import annotations

import hashlib
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import pytest

from ssrl_data.core import Reject, SsrlError
from ssrl_data.registry import source_at
from ssrl_data.sources import reasoning_gym as reader
from ssrl_data.sources.reasoning_gym import REFUSED, TASKS, YES_NO

gym = pytest.importorskip("reasoning_gym", reason="reasoning-gym is not installed")

from recomputed import RECOMPUTED, agrees  # noqa: E402


@pytest.mark.parametrize("task", sorted(TASKS))
def test_the_answers_hold(task: str) -> None:
    count = 25 if task == "game_of_life_halting" else 150
    source = source_at(f"reasoning-gym:{task}?size={count}&seed=90001")
    entries = list(source.entries())
    assert len({entry.group for entry in entries}) == len(entries) > 0.6 * count
    for entry in entries:
        try:
            worked = source.open(entry).worked
        except Reject as reject:
            assert (task, reject.reason) == ("base_conversion", "its own answer is not right")  # noqa: PT017
            continue
        assert worked is not None
        assert worked.answer is not None
        assert agrees(RECOMPUTED[task](worked.problem), worked.answer), worked
        assert worked.options == (("True", "False") if task in YES_NO else ())


def test_no_task_is_read_and_refused_and_all_exist() -> None:
    assert not TASKS & REFUSED.keys()
    assert set(RECOMPUTED) == TASKS
    assert YES_NO < TASKS
    assert set(gym.factory.DATASETS) >= TASKS | REFUSED.keys()


def test_what_is_refused_is_wrong() -> None:
    """Some of the reasons, seen in the package; when one is gone, the task may be read."""

    def items(task: str, count: int) -> list[dict[str, Any]]:
        made = gym.create_dataset(task, size=count, seed=1)
        return [made[i] for i in range(count)]

    counted = [
        item["question"].split('"')[3].count(item["question"].split('"')[1]) for item in items("letter_counting", 200)
    ]
    assert sum(str(n) != item["answer"] for n, item in zip(counted, items("letter_counting", 200), strict=True)) > 10
    assert any(item["question"].endswith("0 = 0") for item in items("simple_equations", 1500))
    assert all(item["answer"] is None for task in ("boxnet", "graph_color", "rush_hour") for item in items(task, 3))
    assert max(len(item["answer"]) for item in items("power_function", 20)) > len("-1.23e-45")
    made = gym.create_dataset("list_functions", size=20, seed=1)
    assert [made[i]["question"] for i in range(20)] != [made[i]["question"] for i in range(20)]


def test_items_are_known_by_their_number_whatever_the_seed() -> None:
    first, later = (source_at(f"reasoning-gym:gcd?size=60&seed={seed}") for seed in (7, 8))
    ours, theirs = ({entry.key: first.open(entry).source_id for entry in source.entries()} for source in (first, later))
    assert len(ours.keys() & theirs.keys()) >= 58
    assert all(ours[key] == theirs[key] for key in ours.keys() & theirs.keys())
    assert set(ours) <= {f"gcd//item {number}" for number in range(7, 67)}
    made = gym.create_dataset("gcd", size=10, seed=40)
    entry = next(entry for entry in first.entries() if entry.key == "gcd//item 43")
    worked = first.open(entry).worked
    assert worked is not None
    assert (worked.problem, worked.answer) == (made[3]["question"], made[3]["answer"])


def test_a_question_is_listed_once_and_what_a_record_tells() -> None:
    source = source_at("reasoning-gym:self_reference,chain_sum?size=300")
    entries = list(source.entries())
    assert [entry.key.partition("//")[0] for entry in (entries[0], entries[-1])] == ["chain_sum", "self_reference"]
    problems = [source.open(entry).worked.problem for entry in entries]  # type: ignore[union-attr]
    assert len(set(problems)) == len(problems) < 590
    record = pickle.loads(pickle.dumps(source)).open(pickle.loads(pickle.dumps(entries[0])))
    assert record.license == "Apache-2.0"
    assert record.origin == f"reasoning-gym {version('reasoning-gym')}, chain_sum"
    assert record.source_id == source.open(entries[0]).source_id


def test_a_hash_seed_changes_nothing() -> None:
    tasks = ",".join(sorted(TASKS - {"game_of_life_halting"}))
    code = (
        "from ssrl_data.registry import source_at\n"
        f"source = source_at('reasoning-gym:{tasks}?size=20&seed=3')\n"
        "print(*(f'{entry.key} {source.open(entry).source_id}' for entry in source.entries()), sep='\\n')"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    assert said[0].count(b"\n") > 15 * (len(TASKS) - 1)


def test_an_item_is_checked_when_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_at("reasoning-gym:gcd?size=3")
    entry = replace(next(iter(source.entries())), group="as a curation joined it")
    assert source.open(entry).group == entry.group
    made = reader._tasks("gcd")
    monkeypatch.setattr(type(made), "score_answer", lambda *_: 0.5)
    with pytest.raises(Reject, match="its own answer is not right"):
        source.open(entry)
    monkeypatch.setattr(reader, "_group", lambda question: hashlib.sha256(question.encode()).hexdigest())
    with pytest.raises(Reject, match="another item than the listed one"):
        source.open(entry)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("reasoning-gym:", "write reasoning-gym:TASK,TASK"),
        ("reasoning-gym:?size=3", "write reasoning-gym:TASK,TASK"),
        ("reasoning-gym:sentence_reordering", "not used: where a word is repeated"),
        ("reasoning-gym:gcd,countdown", "not used: a question has several right answers"),
        ("reasoning-gym:gdc", "no task 'gdc' whose answers were checked: did you mean 'gcd'"),
        ("reasoning-gym:gcd?sise=3", "unknown key 'sise': did you mean 'size'"),
        ("reasoning-gym:gcd?size=0", "size is '0': it must be a whole number from 1 to 100000"),
        ("reasoning-gym:gcd?size=" + "9" * 200, "size is '9999"),
        ("reasoning-gym:gcd?seed=-1", "seed is '-1': it must be a whole number from 0"),
        ("reasoning-gym:gcd?seed=", "seed is ''"),
    ],
)
def test_addresses_that_say_nothing_readable(address: str, message: str) -> None:
    with pytest.raises(SsrlError, match=message):
        source_at(address)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "find_spec", lambda name: None)
    with pytest.raises(SsrlError, match=r'pip install "ssrl\[reasoning-gym\]"'):
        source_at("reasoning-gym:gcd")
