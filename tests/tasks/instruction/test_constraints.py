"""Ladders over real passages: rungs nest, what is asked is told, and an answer must be about what is shown."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from functools import cache
from typing import Any

import made_rows
import pytest

from ssrl_data.answers.constraints import Constraints
from ssrl_data.core import Example, Record, Row, Skip
from ssrl_data.instruct.constraint import constraint, families
from ssrl_data.media.text import Text
from ssrl_data.media.worked import Worked
from ssrl_data.rng import Rng
from ssrl_tasks.instruction import constraints as module
from ssrl_tasks.instruction.constraints import ConstraintLadder, ConstraintsParams

LEVELS = tuple(ConstraintLadder.levels)
QUERY = ConstraintsParams(("length", "keywords"), (1, 3), (1, 2), "query")
QUERIES = (
    "Why does sea water rise and fall twice each day on most coasts of the world?",
    "How could a small bakery keep sourdough alive while nobody works there for three weeks?",
    "Which arguments speak for suspension bridges over broad rivers with heavy traffic?",
    "What should visitors know before they climb the stairs of an old lighthouse?",
    "Where do telescopes with large mirrors stand, and who decides what they look at?",
)


@cache
def ladders(level: str, count: int = 3) -> tuple[tuple[str, tuple[Example, ...]], ...]:
    """Whole ladders, with the name of the record."""
    task, out, k = ConstraintLadder(ConstraintLadder.levels[level]), [], 0
    while len(out) < count:
        name = made_rows.DOCUMENTS[k % len(made_rows.DOCUMENTS)]
        with contextlib.suppress(Skip):
            out.append((name, tuple(task.make(made_rows.records(name, task), Rng("ladders", k), 0))))
        k += 1
    return tuple(out)


def row(level: str, one: Example) -> Row:
    return made_rows.row(ConstraintLadder(ConstraintLadder.levels[level]), level, one)


def questions() -> list[Record]:
    return [Record(f"q{n}", f"q{n}", f"{n:032d}", worked=Worked("question", text)) for n, text in enumerate(QUERIES)]


def test_families_to_train_on_and_to_evaluate_with_are_disjoint_and_none_is_left_out() -> None:
    train = {family for level in LEVELS if level != "transfer" for family in ConstraintLadder.levels[level].families}
    other = set(ConstraintLadder.levels["transfer"].families)
    assert not train & other
    assert train | other == set(families()) - {"language", "ifeval"}
    asked = {
        level: {item["id"].partition("/")[0] for _, made in ladders(level) for item in made[-1].meta["ladder"]}
        for level in LEVELS
    }
    assert not asked["transfer"] & (asked["easy"] | asked["medium"] | asked["hard"])


@pytest.mark.parametrize("level", LEVELS)
def test_rungs_nest_over_one_passage(level: str) -> None:
    params = ConstraintLadder.levels[level]
    for name, made in ladders(level):
        assert [one.meta["rung"] for one in made] == list(range(params.rungs[0], params.rungs[1] + 1))
        assert len({one.prompt for one in made}) == 1
        whole = made[-1].answer.value["constraints"]
        assert len({item["id"] for item in whole}) == len(whole) == params.rungs[1]
        for one in made:
            assert one.answer.value["constraints"] == whole[: one.meta["rung"]]
            assert one.meta["ladder"] == whole
            grades = {type(constraint(item)).grade for item in one.answer.value["constraints"]}
            assert grades <= set(range(params.grades[0], params.grades[1] + 1))
        document = made_rows.record(name).text
        assert document is not None
        shown = made[0].prompt[0].partition("<passage>\n")[2].removesuffix("\n</passage>")
        assert shown in " ".join(document.paragraphs)
        assert module.WORDS[0] <= len(shown.split()) <= module.WORDS[1]


@pytest.mark.parametrize("level", LEVELS)
def test_only_what_is_about_the_passage_and_keeps_to_the_constraints_is_credited(level: str) -> None:
    kind = Constraints()
    everything = ladders(level)
    for (_, made), (_, others) in zip(everything, [*everything[1:], everything[0]], strict=True):
        for one in made:
            value, credit = one.answer.value, one.answer.credit
            assert kind.grade(value["answer"], value, credit).score == 1.0
            shown = one.prompt[0].partition("<passage>\n")[2].removesuffix("\n</passage>")
            whole = f"{one.prompt[0]}\n\n{kind.ask(value)}"
            for text in (
                shown,
                shown.partition(". ")[0] + ".",
                one.prompt[0],
                whole,
                others[-1].answer.value["answer"],
            ):
                assert kind.grade(text, value, credit).score == 0.0
            about = value["ground"][0]["words"]
            assert len(about) == len(set(about)) == module.TERMS
            assert all(re.search(rf"\b{word}", shown.casefold()) for word in about)
            without = re.sub("|".join(about), "thing", value["answer"], flags=re.IGNORECASE)
            assert kind.grade(without, value, credit).score == 0.0


def test_no_constraint_names_a_word_that_another_names() -> None:
    for level in LEVELS:
        for _, made in ladders(level):
            value = made[-1].answer.value
            named = [words(item) for item in (*value["ground"], *value["constraints"])]
            assert sum(map(len, named)) == len(set().union(*named))


def words(item: dict[str, Any]) -> set[str]:
    given = [value if isinstance(value, list) else [value] for key, value in item.items() if key != "id"]
    return {text.casefold() for texts in given for text in texts if isinstance(text, str)}


def test_a_query_is_answered_as_a_passage_is_told() -> None:
    task, records = ConstraintLadder(QUERY), questions()
    assert task.needs == {"worked"}
    done = 0
    for n in range(len(records)):
        for k in range(4):
            turned = [*records[n:], *records[:n]]
            try:
                made = list(task.make(turned, Rng("query", k), 0))
            except Skip:
                continue
            assert f"\n\n<query>\n{QUERIES[n]}\n</query>" in made[0].prompt[0]
            for one in made:
                good = made_rows.row(task, "query", one)
                assert list(task.audit(good, turned)) == []
                assert list(task.audit(good, turned[1:]))
            done += 1
    assert done > 8


@pytest.mark.parametrize("level", LEVELS)
def test_the_audit_finds_what_is_wrong(level: str) -> None:
    for name, made in ladders(level):
        records = made_rows.records(name, ConstraintLadder(ConstraintLadder.levels[level]))
        one = made[-1]
        good = row(level, one)
        assert list(ConstraintLadder.audit(good, records)) == list(ConstraintLadder.audit(good, [])) == []

        def changed(row: Row = good, **value: Any) -> Row:
            answer = dataclasses.replace(row.answer, value=row.answer.value | value)
            return dataclasses.replace(row, answer=answer)

        def retold(wrong: Row, good: Row = good) -> Row:
            ask = Constraints().ask
            told = wrong.prompt.replace(ask(good.answer.value), ask(wrong.answer.value))
            return dataclasses.replace(wrong, prompt=told)

        value = one.answer.value
        less = value["constraints"][:-1]
        for wrong in (
            changed(answer=value["answer"] + "\n<think>"),
            changed(constraints=less),
            retold(changed(constraints=less)),
            retold(changed(constraints=value["constraints"][::-1])),
            retold(changed(ground=[])),
            retold(changed(ground=[value["ground"][0] | {"words": [*value["ground"][0]["words"], "zyzzyva"]}])),
            dataclasses.replace(good, prompt=good.prompt.replace("passage", "text", 1)),
            dataclasses.replace(good, prompt=good.prompt.replace("<passage>\n", "<passage>\nAnd ")),
            dataclasses.replace(good, prompt=good.prompt.removesuffix("judged.")),
        ):
            assert list(ConstraintLadder.audit(wrong, records)), wrong.prompt
        other = dataclasses.replace(good, meta={**good.meta, "make": {**good.meta["make"], "ladder": less}})
        assert list(ConstraintLadder.audit(other, []))
        params = {**good.meta["params"], "families": ["nothing"]}
        assert list(ConstraintLadder.audit(dataclasses.replace(good, meta={**good.meta, "params": params}), []))


def test_what_cannot_be_asked_is_skipped() -> None:
    task = ConstraintLadder(ConstraintLadder.levels["easy"])
    good = made_rows.records("tides.md", task)
    with pytest.raises(Skip, match="borrow") as caught:
        list(task.make(good[:1], Rng(0), 0))
    assert caught.value.final
    for paragraph, why in (
        (" ".join(["--all=x, -h 12"] * 34) + ".", "few plain words"),
        ("We said <answer> and more of it. " * 10, "quoted"),
        ("they were there before. " * 20, "too few terms"),
        ("Short.", "too short"),
    ):
        odd = Record("odd", "odd", "0" * 32, text=Text((paragraph.strip(),)))
        with pytest.raises(Skip, match=why):
            list(task.make([odd, *good[1:]], Rng(0), 0))
    asked = ConstraintLadder(QUERY)
    for worked in (
        Worked("question", QUERIES[0], options=("yes", "no")),
        Worked("proof", "|- x"),
        Worked("question", "Why?"),
    ):
        with pytest.raises(Skip) as caught:
            list(asked.make([dataclasses.replace(questions()[0], worked=worked), *questions()[1:]], Rng(0), 0))
        assert caught.value.final


def test_a_paragraph_that_is_left_out_is_never_shown() -> None:
    task = ConstraintLadder(ConstraintLadder.levels["easy"])
    record = made_rows.record("tides.md")
    assert record.text is not None
    kept = {2, 3}
    dropped = frozenset(range(len(record.text.paragraphs))) - kept
    part = dataclasses.replace(record, text=dataclasses.replace(record.text, dropped=dropped))
    done = 0
    for k in range(8):
        try:
            one, *_ = task.make([part, *made_rows.records("tides.md", task)[1:]], Rng(k), 0)
        except Skip:
            continue
        assert set(range(*one.meta["paragraphs"])) <= kept
        done += 1
    assert done


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"families": ("length", "colour")}, r"families is .*the constraints' families are .*keywords"),
        ({"families": ("length", "length")}, "families is .*they must differ"),
        ({"grades": (3, 1)}, r"grades is \(3, 1\): it must be two numbers in 1\.\.3"),
        ({"rungs": (0, 3)}, r"rungs is \(0, 3\): it must be two numbers in 1\.\.6"),
        ({"prompts": "pages"}, "prompts is 'pages': it must be passage or query"),
        ({"credit": "half"}, "credit is 'half': it must be one of fraction, all"),
    ],
)
def test_parameters_are_checked(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(ConstraintsParams(), **change)
