"""`text/masked_steps`: what is hidden, how it is judged, and what its audit finds."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction

import made_rows
import pytest

from ssrl_data.answers.number import Number
from ssrl_data.core import Example, Record, Skip
from ssrl_data.gates.visible import visible
from ssrl_data.media.worked import PROOF, SOLUTION, Step, Worked, steps_of
from ssrl_data.registry import answer_kind
from ssrl_data.rng import Rng
from ssrl_tasks.text.masked_steps import KINDS, MaskedSteps, MaskedStepsParams


def record(problem: str, solution: str) -> Record:
    return Record("r", "r", "0" * 32, worked=Worked(SOLUTION, problem, steps=steps_of(solution)))


def make(params: MaskedStepsParams, item: Record, k: int = 0, prepared: bytes = b"") -> Example:
    (one,) = MaskedSteps(params, prepared).make([item], Rng(0, k), 0)
    return one


def all_made(params: MaskedStepsParams) -> list[tuple[Record, Example]]:
    task = MaskedSteps(params)
    return [(made_rows.record(name), one) for name, _, _, one in made_rows.made(task, 40)]


def between(one: Example, name: str) -> str:
    (prompt,) = one.prompt
    assert isinstance(prompt, str)
    return prompt.partition(f"<{name}>\n")[2].partition(f"\n</{name}>")[0]


def truths(one: Example) -> list[dict[str, object]]:
    value = one.answer.value
    return [part["value"] for part in value["answer"]] if one.answer.kind == "blanks" else [value]


@pytest.mark.parametrize("level", ["easy", "medium"])
def test_no_hidden_number_can_be_read_in_the_prompt(level: str) -> None:
    numbers = 0
    for _, one in all_made(MaskedSteps.levels[level]):
        shown = [between(one, "problem"), between(one, "steps").replace("[MASK", "[")]
        for kind, truth in zip(one.meta["kinds"], truths(one), strict=True):
            if kind == "number":
                numbers += 1
                plain = [text.replace("[ 1]", "").replace("[ 2]", "").replace("[ 3]", "") for text in shown]
                assert not visible(Number().right(truth), plain), one.prompt
    assert numbers > 5


def test_a_number_is_judged_exactly_and_in_its_form() -> None:
    item = record("How much is it?", "It costs 12 * 15 = 180 cents.\nThat is 180 / 8 = 22.5 each.\nSo it is.")
    forms = {}
    for k in range(30):
        one = make(MaskedStepsParams(("number",)), item, k)
        forms[one.answer.value["answer"]] = one.answer.value["form"]
        assert one.answer.value["tolerance"] == "0"
    assert forms["180"] == "integer"
    assert forms[str(Fraction("22.5"))] == "decimal"


def test_an_expression_copied_from_the_other_side_is_wrong() -> None:
    item = record("Expand it.", "We expand.\nIt is (x + 3)(x - 5) = x^2 - 2x - 15.\nThat is all.")
    one = make(MaskedStepsParams(("expression",)), item)
    kind = answer_kind(one.answer.kind)
    graded = {
        text: kind.grade(f"<answer>{text}</answer>", one.answer.value, one.answer.credit).score
        for text in ("x^2 - 2x - 15", "-15 - 2x + x²", "(x + 3)(x - 5)", "x^2 - 2x + 15")
    }
    assert list(graded.values()) == [1.0, 1.0, 0.0, 0.0]


def test_gaps_are_numbered_in_the_order_of_the_text_and_equal_numbers_share_one() -> None:
    item = made_rows.record("worked.jsonl//line 1")
    one = make(MaskedStepsParams(("number",), (3, 3)), item)
    assert between(one, "steps").split("\n")[:2] == [
        "In the afternoon it makes 3 * 240 = [MASK 1] rolls.",
        "So the day gives 240 + [MASK 1] = [MASK 2] rolls.",
    ]
    assert [truth["answer"] for truth in truths(one)] == ["720", "960", "60"]


def test_hidden_steps_of_a_proof_are_given_by_their_rules() -> None:
    made = [pair for pair in all_made(MaskedStepsParams(("step",), (1, 4))) if pair[0].worked is not None]
    assert made
    for item, one in made:
        assert item.worked is not None
        assert item.worked.form == PROOF
        for truth in truths(one):
            assert str(truth["answer"]) not in str(one.prompt[0])
        assert "infer" in between(one, "rules")


def test_partial_credit_counts_gaps() -> None:
    item = made_rows.record("worked.jsonl//line 1")
    one = make(MaskedStepsParams(("number",), (3, 3), "partial"), item)
    kind = answer_kind("blanks")
    scores = [
        kind.grade(f"<answer>{text}</answer>", one.answer.value, one.answer.credit).score or 0.0
        for text in ("720; 960; 60", "720; 960; 61", "720; 961; 61", "721; 961; 61")
    ]
    assert scores[0] == 1.0 > scores[1] > scores[2] > scores[3] == 0.0


def test_chances_are_counted_in_the_train_split() -> None:
    items = [made_rows.record(name) for name in made_rows.worked()]
    prepared = MaskedSteps.prepare(iter(items))
    assert prepared == MaskedSteps.prepare(iter(items))
    found = json.loads(prepared.partition(b"\n")[0])
    assert set(found["best"]) <= set(KINDS)
    assert all(0 < share < 1 for share in found["best"].values())
    one = make(MaskedStepsParams(("number",)), items[made_rows.worked().index("worked.jsonl//line 1")], 0, prepared)
    assert one.answer.chance == found["best"]["number"]


def test_a_held_out_record_whose_steps_the_train_split_has_too_is_not_asked() -> None:
    train = made_rows.record("worked.jsonl//line 1")
    held = dataclasses.replace(train, group="held out")
    params = MaskedStepsParams(("number",))
    learnt = MaskedSteps.prepare(iter([train]))
    others = MaskedSteps.prepare(made_rows.record(name) for name in made_rows.worked() if name != train.key)
    assert make(params, train, 0, learnt).prompt == make(params, train).prompt
    assert make(params, held, 0, others).prompt == make(params, held).prompt
    with pytest.raises(Skip, match="steps that the train split has too") as caught:
        make(params, held, 0, learnt)
    assert caught.value.final


def test_an_operator_that_is_everywhere_is_asked_less_often() -> None:
    sums = [record(f"Sum {n}?", f"We add.\nSo {40 + n} + 7 = {47 + n}.\nThat is it.") for n in range(9)]
    sums += [record(f"Product {n}?", f"We multiply.\nSo {40 + n} * 7 = {7 * (40 + n)}.\nThat is it.") for n in range(3)]
    prepared = MaskedSteps.prepare(iter(sums))
    assert json.loads(prepared.partition(b"\n")[0])["operators"] == {"plus": 9, "times": 3, "minus": 0, "divided by": 0}
    asked = []
    for k in range(40):
        for item in sums:
            try:
                asked.append(make(MaskedStepsParams(("operator",)), item, k, prepared).answer)
            except Skip:
                continue
    share = sum(answer.value["answer"] == "plus" for answer in asked) / len(asked)
    assert 0.4 < share < 0.6
    assert (asked[0].chance or 0) >= share - 0.05


def test_an_operator_stays_rare_when_records_that_offer_no_other_are_tried_again() -> None:
    """As a build does it: each record is tried again until it gives a row, or says that it never will."""
    signs = [("*", 7 * (40 + n)) if n % 3 == 0 else ("+", 47 + n) for n in range(240)]
    mixed = [
        record(f"What is {n}?", f"We go on.\nSo {40 + n} {sign} 7 = {is_}.\nThat is it.")
        for n, (sign, is_) in enumerate(signs)
    ]
    prepared = MaskedSteps.prepare(iter(mixed))
    asked = []
    task = MaskedSteps(MaskedStepsParams(("operator",)), prepared)
    for n, item in enumerate(mixed):
        for k in range(8):
            try:
                asked += [example.answer for example in task.make([item], Rng("record", n, k), 0)]
            except Skip as skip:
                if not skip.final:
                    continue
            break
    share = sum(answer.value["answer"] == "plus" for answer in asked) / len(asked)
    assert len(asked) > 120
    assert 0.4 < share < 0.6


@pytest.mark.parametrize("meta", [{"equations": [["3 * 240 = 721"]]}, {"equations": [["3 * 241 = 720"]]}])
def test_audit_evaluates_the_equations_without_the_record(meta: dict[str, object]) -> None:
    item = made_rows.record("worked.jsonl//line 1")
    params = MaskedStepsParams(("number",), (3, 3))
    one = make(params, item)
    row = made_rows.row(MaskedSteps(params), "medium", one)
    assert not list(MaskedSteps.audit(row, []))
    changed = dataclasses.replace(row, meta={**row.meta, "make": {**row.meta["make"], **meta}})
    assert list(MaskedSteps.audit(changed, []))
    wrong = dataclasses.replace(
        one,
        answer=dataclasses.replace(one.answer, value=json.loads(json.dumps(one.answer.value).replace("720", "721"))),
    )
    assert list(MaskedSteps.audit(made_rows.row(MaskedSteps(params), "medium", wrong), []))


def test_audit_reads_a_problem_of_several_lines() -> None:
    item = record("It costs 15 a month.\nHow much is a year?", "A year has 12 months.\nSo 12 * 15 = 180.\nThat is all.")
    task = MaskedSteps(MaskedStepsParams(("number",)))
    row = made_rows.row(task, "easy", make(task.params, item))
    assert not list(MaskedSteps.audit(row, [item]))
    other = dataclasses.replace(row, prompt=row.prompt.replace("15 a month.\n", "15 a month. "))
    assert list(MaskedSteps.audit(other, [item]))


def test_audit_finds_a_step_that_does_not_follow() -> None:
    steps = (
        Step("|- ( a -> b )", "ab", ()),
        Step("|- ( b -> c )", "bc", ()),
        Step("|- ( a -> c )", "syl", (0, 1)),
    )
    rules = {"syl": "from |- ( ph -> ps ) and |- ( ps -> ch ) infer |- ( ph -> ch ) for any ph, ps, ch"}
    item = Record("r", "r", "0" * 32, worked=Worked(PROOF, "To prove: |- d", (), steps, rules=rules))
    params = MaskedStepsParams(("step",))
    one = make(params, item)
    assert not list(MaskedSteps.audit(made_rows.row(MaskedSteps(params), "step", one), []))
    value = {**one.answer.value, "answer": "|- ( a -> b )"}
    wrong = dataclasses.replace(one, answer=dataclasses.replace(one.answer, value=value))
    assert list(MaskedSteps.audit(made_rows.row(MaskedSteps(params), "step", wrong), []))


def test_no_formula_is_hidden_that_reading_an_answer_would_cut() -> None:
    rules = {"mp": "from |- ph and |- ( ph -> ps ) infer |- ps for any ph, ps"}

    def hidden(last: str) -> list[str]:
        steps = (
            Step("|- x = y", "ax", ()),
            Step(f"|- ( x = y -> ( z = y -> z e. {last} ) )", "ax", ()),
            Step(f"|- ( z = y -> z e. {last} )", "mp", (0, 1)),
            Step("|- t e. t", "ax", (2,)),
        )
        item = Record("r", "r", "0" * 32, worked=Worked(PROOF, "To prove: |- t e. t", (), steps, rules=rules))
        try:
            return [example.solution for example in MaskedSteps(MaskedStepsParams(("step",))).make([item], Rng(1), 0)]
        except Skip:
            return []

    assert len(hidden("RR")) == 1
    assert hidden("RR*") == []
