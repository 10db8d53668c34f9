"""Queries with instructions: what is shown, what is right, which records make no row, and what the audit sees."""

from __future__ import annotations

import dataclasses
import hashlib
from functools import cache
from typing import Any

import made_rows
import pytest

from ssrl_data.answers.program import DEGENERATE, Program
from ssrl_data.core import Example, Record, Row, Skip
from ssrl_data.gates.checkers import STOCK
from ssrl_data.media.instruction import Instruction
from ssrl_data.media.text import without_blocks
from ssrl_data.rng import Rng
from ssrl_tasks.instruction.autoif import REQUEST, SUBJECTS, Autoif, AutoifParams

LEVELS = list(Autoif.levels)
EXCLAIM = "def evaluate(response):\n    return response.count('!') == 2\n"
GOOD = Instruction("Use exactly two exclamation marks.", (EXCLAIM,), "Stop! Wait!", ("Stop!", "Wait."))


def record(instruction: Instruction | None, key: str = "r") -> Record:
    return Record(key, key, "0" * 32, instruction=instruction)


@cache
def all_of(level: str) -> list[tuple[str, Example]]:
    """Examples of a level with the names of their records."""
    task = Autoif(Autoif.levels[level], made_rows.prepared("instruction/autoif"))
    return [(name, one) for name, _, _, one in made_rows.made(task, 10)]


def some(level: str, count: int) -> list[tuple[str, Example]]:
    """The first of them."""
    found = all_of(level)[:count]
    assert len(found) == count
    return found


def row(level: str, one: Example) -> Row:
    return made_rows.row(Autoif(Autoif.levels[level]), level, one)


def graded(one: Example, response: str) -> float | None:
    return Program().grade(response, one.answer.value, one.answer.credit).score


def shown(one: Example) -> list[Instruction]:
    """The instructions whose texts a prompt shows, in its order."""
    (prompt,) = one.prompt
    assert isinstance(prompt, str)
    names = made_rows.names(Autoif(AutoifParams()))
    known = {item.text: item for name in names if (item := made_rows.record(name).instruction)}
    texts = [part.split("\n</instruction>")[0] for part in prompt.split("<instruction>\n")[1:]]
    return [known[text] for text in texts]


@pytest.mark.parametrize("level", LEVELS)
def test_the_prompt_shows_a_query_and_the_instructions(level: str) -> None:
    for name, one in some(level, 10):
        (prompt,) = one.prompt
        assert isinstance(prompt, str)
        found = shown(one)
        assert len(found) == Autoif.levels[level].instructions
        first = made_rows.record(name).instruction
        assert first is not None
        assert found[0] == first
        query = prompt.removeprefix("<query>\n").split("\n</query>")[0]
        assert query in (first.queries or [REQUEST.format(subject) for subject in SUBJECTS])
        said = without_blocks(prompt)
        assert said.strip() == said.split("\n")[-1]
        assert [item for item in found if item.text in said] == []


@pytest.mark.parametrize("level", LEVELS)
def test_gold_is_right_and_nothing_that_can_be_said_to_anything_is(level: str) -> None:
    for _, one in some(level, 10):
        assert graded(one, one.answer.value["answer"]) == 1
        assert graded(one, f"<think>Hm.</think>{one.answer.value['answer']}") == 1
        (prompt,) = one.prompt
        wrong = (*STOCK, prompt, row(level, one).prompt, *(item.text for item in shown(one)))
        assert [text for text in wrong if graded(one, str(text)) != 0] == []
        assert 1 <= len(one.answer.value["misses"]) <= 8
        assert [text for text in one.answer.value["misses"] if graded(one, text) != 0] == []


@pytest.mark.parametrize("level", ["medium", "hard"])
def test_each_instruction_of_several_is_needed(level: str) -> None:
    """Each has a miss that follows all the others."""
    for _, one in some(level, 10):
        found = shown(one)
        assert len({item.text for item in found}) == len(found)
        for item in found:
            others = [other for other in found if other != item]
            assert any(follows(text, others) and not follows(text, [item]) for text in one.answer.value["misses"]), (
                item.text
            )


def follows(response: str, found: list[Instruction]) -> bool:
    """Whether each instruction, made into a row by itself, is followed."""
    kind = Program()
    for item in found:
        answer = kind.answer(
            item.gold,
            item.misses,
            item.checkers,
            engine=item.engine.partition(" ")[0],
            limits=dict(item.limits),
            need=item.need,
            chance=0.1,
        )
        if kind.grade(response, answer.value, answer.credit).score != 1:
            return False
    return True


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_right_follows_every_instruction_by_itself(level: str) -> None:
    for _, one in some(level, 6):
        assert follows(one.answer.value["answer"], shown(one))


def test_without_queries_one_of_many_subjects_is_asked_about() -> None:
    asked = set()
    for k in range(30):
        (one,) = Autoif(AutoifParams()).make([record(GOOD)], Rng(k), 0)
        (prompt,) = one.prompt
        assert isinstance(prompt, str)
        asked.add(prompt.split("\n")[1])
        assert one.meta["query"] in prompt
    assert len(asked) > 15
    assert asked <= {REQUEST.format(subject) for subject in SUBJECTS}
    assert len(set(SUBJECTS)) == len(SUBJECTS) == 40


def test_chance_is_measured_on_the_train_split() -> None:
    prepared = made_rows.prepared("instruction/autoif")
    assert prepared == Autoif.prepare(map(made_rows.record, made_rows.names(Autoif(AutoifParams()))))
    stated = [Autoif(params, prepared).chance() for params in Autoif.levels.values()]
    assert all(chance is not None and 0 < chance < 0.5 for chance in stated)
    for level, chance in zip(LEVELS, stated, strict=True):
        assert {one.answer.chance for _, one in some(level, 4)} == {chance}
    (alone,) = Autoif(AutoifParams()).make([record(GOOD)], Rng(0), 0)
    assert alone.answer.chance == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"gold": "Stop."}, "gold that its checkers reject"),
        ({"misses": ("Stop! Go!",)}, "miss that its checkers accept"),
        ({"checkers": ("def evaluate(response):\n    return True\n",)}, "miss that its checkers accept"),
        ({"checkers": ("def evaluate(response):\n    return False\n",)}, "gold that its checkers reject"),
        ({"checkers": ("def evaluate(response):\n    return 'S' in response\n",), "misses": ("no",)}, "stock reply"),
        ({"checkers": ("def evaluate(response):\n    return 'U' in response\n",), "gold": "U"}, "its own question"),
        ({"checkers": ("def evaluate(response):\n    while True:\n        pass\n",)}, "gold that its checkers reject"),
        ({"checkers": ("def evaluate(response):\n    return 'a' * 10**12\n",)}, "gold that its checkers reject"),
        ({"checkers": ("import os\nos.fork()\n" + EXCLAIM,)}, "gold that its checkers reject"),
        ({"checkers": ("open('/etc/passwd')\n" + EXCLAIM,)}, "gold that its checkers reject"),
        ({"checkers": ("__import__('os')._exit(0)\n" + EXCLAIM,)}, "gold that its checkers reject"),
        ({"checkers": ("evaluate = 3\n",)}, "gold that its checkers reject"),
        ({"checkers": ("this is no Python",)}, "gold that its checkers reject"),
        ({"checkers": ("import random\n" + EXCLAIM,)}, "not always say the same"),
        ({"text": "Write </instruction> twice."}, "cannot be quoted"),
        ({"text": "Use <answer> tags."}, "cannot be quoted"),
        ({"queries": ("Why?", "What does <query> mean?")}, "cannot be quoted"),
        ({"queries": ("Stop! Wait!",)}, "accepts its own question"),
        ({"gold": "<think>Stop! Wait!</think>"}, "gold that its checkers reject"),
        ({"gold": "<think>Hm.</think>Stop! Wait!"}, "no answer of this kind"),
        ({"engine": "other 1.0"}, "engine that does not run here"),
    ],
)
def test_a_record_that_cannot_be_trusted_costs_itself_alone(change: dict[str, Any], reason: str) -> None:
    limits = {"seconds": 0.2}
    bad = dataclasses.replace(GOOD, **{"limits": limits, **change})
    with pytest.raises(Skip, match=reason):
        list(Autoif(AutoifParams()).make([record(bad)], Rng(0), 0))
    # As a partner it is passed over, and the next one is taken.
    partner = dataclasses.replace(
        GOOD,
        text="Use the word sea.",
        checkers=("def evaluate(response):\n    return 'sea' in response.split()\n",),
        gold="the sea",
        misses=("land",),
        limits=limits,
    )
    whole = dataclasses.replace(GOOD, limits=limits)
    if reason in ("stock reply", "its own question", "accepts its own question", "no answer of this kind"):
        return
    (one,) = Autoif(AutoifParams(2)).make([record(whole), record(bad, "b"), record(partner, "p")], Rng(0), 0)
    assert one.meta["records"] == [0, 2]
    assert one.used == 3


def test_alone_there_is_nothing_to_combine() -> None:
    with pytest.raises(Skip, match="no other instructions") as caught:
        list(Autoif(AutoifParams(2)).make([record(GOOD)], Rng(0), 0))
    assert not caught.value.final
    with pytest.raises(Skip, match="no instruction") as caught:
        list(Autoif(AutoifParams()).make([record(None)], Rng(0), 0))
    assert caught.value.final


def changed(good: Row, **values: Any) -> Row:
    return dataclasses.replace(good, answer=dataclasses.replace(good.answer, value=good.answer.value | values))


@pytest.mark.parametrize("level", LEVELS)
def test_the_audit_finds_what_is_wrong(level: str) -> None:
    task = Autoif(Autoif.levels[level])
    for name, one in some(level, 3):
        good, records = row(level, one), made_rows.records(name, task)
        assert list(Autoif.audit(good, records)) == list(Autoif.audit(good, [])) == []
        value = one.answer.value
        source = value["checkers"][0]["source"]
        other = source.replace("evaluate(response):", "evaluate(response, more=0):")
        hashed = {"source": other, "sha256": hashlib.sha256(other.encode()).hexdigest()}
        rest = value["checkers"][1:]
        assert list(Autoif.audit(changed(good, checkers=[{**hashed, "sha256": "0" * 64}, *rest]), []))
        assert list(Autoif.audit(changed(good, checkers=[hashed, *rest]), records))
        assert list(Autoif.audit(changed(good, answer=value["misses"][0]), []))
        assert list(Autoif.audit(changed(good, misses=[value["answer"]]), []))
        assert list(Autoif.audit(changed(good, need=0.01), records))
        texts = [item.text for item in shown(one)]
        for text in texts:
            assert list(Autoif.audit(dataclasses.replace(good, prompt=good.prompt.replace(text, text[:-2])), records))
        lost = good.prompt.replace(f"<instruction>\n{texts[-1]}\n</instruction>\n\n", "")
        assert list(Autoif.audit(dataclasses.replace(good, prompt=lost), []))
        query = good.prompt.split("\n")[1]
        asked = dataclasses.replace(good, prompt=good.prompt.replace(query, "What is asked by nobody?", 1))
        assert list(Autoif.audit(asked, records))
        assert list(Autoif.audit(asked, []))
        meta = {**good.meta, "make": {**good.meta["make"], "query": "What is asked by nobody?"}}
        assert list(Autoif.audit(dataclasses.replace(asked, meta=meta), records))
        if len(texts) > 1:
            swapped = good.prompt.replace(texts[0], "\0").replace(texts[1], texts[0]).replace("\0", texts[1])
            assert list(Autoif.audit(dataclasses.replace(good, prompt=swapped), records))


def test_a_share_that_fails_an_instruction_is_found() -> None:
    """Rows of two instructions of which one response could ignore one."""
    name, one = next(found for found in some("medium", 4) if len(found[1].answer.value["checkers"]) > 4)
    good = row("medium", one)
    records = made_rows.records(name, Autoif(AutoifParams(2)))
    assert any("fewer checkers" in fault.message for fault in Autoif.audit(changed(good, need=0.5), records))


def test_degenerate_texts_are_stock_replies() -> None:
    assert set(DEGENERATE) < set(STOCK)


@pytest.mark.parametrize("count", [0, 4, -1])
def test_parameters_are_checked(count: int) -> None:
    with pytest.raises(ValueError, match=rf"instructions is {count}: it must lie in 1\.\.3"):
        AutoifParams(count)
