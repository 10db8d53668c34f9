"""Questions and their answers: forms, views, balance, and that rows without gold hold none."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import made_rows
import pytest

from ssrl_data.core import Example, Record, Row, Skip
from ssrl_data.media.worked import Step, Worked
from ssrl_data.registry import answer_kind
from ssrl_data.rng import Rng
from ssrl_data.row import canonical, pack_answer
from ssrl_tasks.text.final_answer import COUNTED, FREQUENT, VIEWS, FinalAnswer, FinalAnswerParams

ALL = FinalAnswerParams(("choice", "number", "expression"), VIEWS)
CHOICES = Worked("question", "Which gas?", options=("oxygen", "nitrogen", "argon", "helium"), answer="argon")
SUM = Worked("solution", "Let x + 3 = 10. What is x?", steps=(Step("x is 10 - 3."), Step("So x = 7.")), answer="7")


def record(worked: Worked) -> Record:
    return Record("key", "group", "0" * 32, worked=worked)


def make(
    worked: Worked, params: FinalAnswerParams, seed: int = 0, aim: int = 0, prepared: bytes = b""
) -> list[Example]:
    return list(FinalAnswer(params, prepared).make([record(worked)], Rng(seed), aim))


def row(one: Example, params: FinalAnswerParams) -> Row:
    return made_rows.row(FinalAnswer(params), "level", one)


def shown_options(one: Example) -> dict[str, str]:
    assert isinstance(one.prompt[0], str)
    return dict(re.findall(r"^([A-J])\. (.*)$", one.prompt[0], re.MULTILINE))


def test_the_letter_follows_the_option_in_every_view() -> None:
    for seed in range(40):
        first, second = make(CHOICES, ALL, seed)
        assert [first.meta["view"], second.meta["view"]] == ["original", "permuted"]
        assert shown_options(first) != shown_options(second)
        for one in (first, second):
            assert shown_options(one)[one.answer.value["answer"]] == "argon"
            assert [CHOICES.options[n] for n in one.meta["options"]] == list(shown_options(one).values())
            assert one.answer.chance == 0.25


@pytest.mark.parametrize("params", [FinalAnswerParams(), ALL])
def test_no_letter_is_right_more_often_than_another(params: FinalAnswerParams) -> None:
    task = FinalAnswer(params)
    letters = Counter[tuple[int, str]]()
    for seed in range(1200):
        for number, one in enumerate(make(CHOICES, params, seed, seed % task.classes())):
            letters[number, one.answer.value["answer"]] += 1
    assert len(letters) == 4 * (1 + (params == ALL))
    assert max(letters.values()) / 1200 < 0.3


def test_yes_and_no_are_made_as_the_build_asks_for_them_and_only_there() -> None:
    worked = Worked("question", "Is 7 a prime?", answer="yes")
    (one,) = make(worked, FinalAnswerParams(), aim=0)
    assert one.answer.value == {"answer": "yes", "options": ["yes", "no"]}
    with pytest.raises(Skip, match="other word"):
        make(worked, FinalAnswerParams(), aim=1)
    with pytest.raises(Skip, match="balanced"):
        make(worked, ALL)


def test_all_views_of_a_question_are_one_set_and_have_one_truth() -> None:
    worked = Worked(
        "question",
        "Let p = 2q + 3. What is p in terms of t?",
        given=("q = 4t", "t > 0", "q > 0"),
        answer="8t + 3",
        paraphrases=("For p = 2q + 3, state p by t.",),
    )
    made = make(worked, ALL, 3)
    assert [one.meta["view"] for one in made] == ["original", "renamed", "reordered", "paraphrase"]
    for one in made:
        assert answer_kind("expression").name == one.answer.kind
        assert list(FinalAnswer.audit(row(one, ALL), [record(worked)])) == []
        assert list(FinalAnswer.audit(row(one, ALL), [])) == []
    letters = made[1].meta["letters"]
    assert made[1].answer.value["answer"] == f"8{letters['t']} + 3"
    assert made[1].prompt != made[0].prompt != made[2].prompt
    assert made[2].meta["given"] != [0, 1, 2]
    assert "For p = 2q + 3, state p by t." in made[3].prompt[0]


def test_a_question_with_one_wording_makes_no_set() -> None:
    worked = Worked("question", "What is 3 + 4?", answer="7")
    assert len(make(worked, FinalAnswerParams(("number",)))) == 1
    with pytest.raises(Skip, match="no second view"):
        make(worked, ALL)


@pytest.mark.parametrize("change", ["answer", "problem", "options", "letters", "given"])
def test_the_audit_finds_what_is_wrong(change: str) -> None:
    worked = dataclasses.replace(CHOICES, given=("x = 3 of them float.", "4 of them burn."), problem="Which gas is x?")
    for one in make(worked, ALL, 5):
        good = row(one, ALL)
        assert list(FinalAnswer.audit(good, [record(worked)])) == []
        wrong = good
        if change == "answer":
            letter = "A" if one.answer.value["answer"] != "A" else "B"
            answer = dataclasses.replace(good.answer, value={**one.answer.value, "answer": letter})
            wrong = dataclasses.replace(good, answer=answer)
        elif change == "problem":
            wrong = dataclasses.replace(good, prompt=good.prompt.replace("Which gas", "Which metal"))
        elif change == "options":
            wrong = dataclasses.replace(good, prompt=good.prompt.replace("argon", "neon"))
        elif change == "given":
            wrong = dataclasses.replace(good, prompt=good.prompt.replace("4 of them", "5 of them"))
        else:
            meta = {**good.meta, "make": {**good.meta["make"], "letters": {"a": "x", "b": "g"}}}
            if one.meta["view"] != "renamed":
                continue
            wrong = dataclasses.replace(good, meta=meta)
        assert list(FinalAnswer.audit(wrong, [record(worked)]))


def test_numbers_and_expressions_are_audited_by_value() -> None:
    for problem, answer, other in (
        ("What is 1 - 4?", "-3", "3"),
        ("Write a half as a fraction.", "1/2", "2"),
        ("Write p in terms of t.", "8t + 3", "8t - 3"),
        ("What is 1200 + 34?", "1,234", "1"),
    ):
        params = FinalAnswerParams(("number", "expression"))
        worked = Worked("question", problem, answer=answer)
        (one,) = make(worked, params)
        good = row(one, params)
        assert list(FinalAnswer.audit(good, [record(worked)])) == []
        value = {**one.answer.value, "answer": other}
        wrong = dataclasses.replace(good, answer=dataclasses.replace(good.answer, value=value))
        assert list(FinalAnswer.audit(wrong, [record(worked)]))


def test_a_row_without_gold_holds_no_answer_anywhere() -> None:
    secret = "7340119"
    worked = Worked(
        "solution",
        "Let x + 3 = 10 and y = 2x. How many are there?",
        given=("All are green.", "None is small."),
        steps=(Step(f"There are {secret}."),),
        answer=secret,
        paraphrases=("How many are there, if x + 3 = 10 and y = 2x?",),
    )
    bare = dataclasses.replace(ALL, gold=False)
    made = make(worked, bare)
    assert len(made) == 4
    for one in made:
        stored = row(one, bare)
        everything = [stored.prompt, pack_answer(one.answer), canonical(dict(stored.meta)), one.solution, repr(stored)]
        assert not any(secret in text for text in everything)
        assert one.answer.kind == "unlabelled"
        assert one.answer.chance is None
        assert list(FinalAnswer.audit(stored, [record(worked)])) == []
        told = dataclasses.replace(stored, meta={**stored.meta, "solution": "It is so."})
        assert list(FinalAnswer.audit(told, []))
    for one in make(dataclasses.replace(CHOICES, answer=None), bare):
        assert one.answer.kind == "unlabelled"
        assert sorted(shown_options(one).values()) == sorted(CHOICES.options)


def test_the_order_of_options_without_gold_does_not_depend_on_the_answer() -> None:
    bare = dataclasses.replace(ALL, gold=False)
    orders = {answer: make(dataclasses.replace(CHOICES, answer=answer), bare) for answer in CHOICES.options}
    assert len({str([one.prompt for one in made]) for made in orders.values()}) == 1


@pytest.mark.parametrize(
    ("worked", "reason"),
    [
        (Worked("question", "What is 3 + 4?"), "no question with an answer"),
        (Worked("question", "What is 3 + 4? Answer: 7", answer="7"), "tells an answer"),
        (Worked("question", "What is <answer>?", answer="7"), "quoted"),
        (Worked("question", "Who wrote it?", answer="Jane Austen"), "no exact form"),
        (Worked("question", "Which?", options=("red", "green", "all of the above"), answer="red"), "speak of others"),
        (Worked("question", "a " * 4000, answer="7"), "too long"),
    ],
)
def test_what_cannot_be_asked_is_skipped_for_good(worked: Worked, reason: str) -> None:
    with pytest.raises(Skip, match=reason) as caught:
        make(worked, dataclasses.replace(ALL, views=("original",)))
    assert caught.value.final


def test_the_chance_of_numbers_is_that_of_the_most_frequent_one() -> None:
    def item(n: int, answer: int, start: str) -> Record:
        return record(Worked("question", f"{start} are there among {n}?", answer=str(answer)))

    rows = [item(n, 5 if n % 4 == 0 else n + 100, "How many blue ones") for n in range(2 * COUNTED)]
    rows += [item(n, n + 1000, "What number of red ones") for n in range(2 * COUNTED)]
    prepared = FinalAnswer.prepare(iter(rows))
    assert prepared == FinalAnswer.prepare(iter(rows))
    params = FinalAnswerParams(("number",))

    def chance(start: str, prepared: bytes) -> Any:
        worked = item(3, 9, start).worked
        assert worked is not None
        (one,) = make(worked, params, prepared=prepared)
        return one.answer.chance

    assert chance("How many blue ones", prepared) == 0.25
    assert chance("What number of red ones", prepared) == 0.125
    assert chance("How many blue ones", b"") == FREQUENT


def test_the_solution_is_the_source_s_and_is_never_shown() -> None:
    first, second = make(SUM, ALL)
    assert first.solution == "x is 10 - 3.\nSo x = 7."
    assert second.solution == "", "its letters are other ones"
    assert "10 - 3" not in str(first.prompt)


def test_a_problem_is_shown_as_it_stands() -> None:
    grid = "How many are 1?\n\n  0 1\n 1 1\n\nGiven:\nnothing"
    (one,) = make(Worked("question", grid, answer="3"), FinalAnswerParams(("number",)))
    assert f"<problem>\n{grid}\n</problem>" in one.prompt[0]
    assert list(FinalAnswer.audit(row(one, ALL), [record(Worked("question", grid, answer="3"))])) == []


@pytest.mark.parametrize("change", [{"answers": ("word",)}, {"views": ("original", "original")}, {"answers": ()}])
def test_parameters_are_checked(change: Mapping[str, Any]) -> None:
    with pytest.raises(ValueError, match=rf"^{next(iter(change))} is "):
        dataclasses.replace(ALL, **change)


def test_every_record_of_the_tests_makes_rows_that_json_can_hold() -> None:
    for name in made_rows.names(FinalAnswer(ALL)):
        try:
            made = list(FinalAnswer(ALL).make([made_rows.record(name)], Rng(name), 0))
        except Skip:
            continue
        assert all(json.loads(canonical(dict(one.meta))) == one.meta for one in made)
