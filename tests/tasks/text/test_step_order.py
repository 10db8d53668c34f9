"""Step order: what is shown, which orders are right, and what the audit must catch."""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter
from itertools import combinations, pairwise, permutations

import made_rows
import pytest

from ssrl_data.answers.partial_order import PartialOrder
from ssrl_data.core import Example, Record, Skip
from ssrl_data.media.worked import PROOF, SOLUTION, Step, Worked
from ssrl_data.rng import Rng
from ssrl_tasks.text.step_order import KEPT, StepOrder, StepOrderParams

SOLUTIONS = [name for name in made_rows.worked() if name.startswith("worked_chains.jsonl")]
KIND = PartialOrder()
RULES = {"step": "from |- ( A R B ) and |- ( B R C ) infer |- ( A R C ) for any A, B, C"}


def record(worked: Worked) -> Record:
    return Record("a", "a", "0" * 32, worked=worked)


def chain(count: int, draw: random.Random) -> Worked:
    """A proof that walks from one name to others of all lengths: what is proved gets longer and shorter."""
    names = [letter * draw.randint(1, 9) for letter in draw.sample("abcdefghijklmnopqrstuvwxyz", count)]
    given = [f"|- ( {a} R {b} )" for a, b in pairwise(names)]
    steps = [Step(f"|- ( {names[0]} R {name} )", "step", (n - 1,) if n else ()) for n, name in enumerate(names[2:])]
    return Worked(PROOF, "A walk.", tuple(given), tuple(steps), rules=RULES)


def lines(one: Example) -> dict[int, str]:
    shown = str(one.prompt[0]).split("<steps>\n")[1].split("\n</steps>")[0]
    return {int(line[0]): line[3:] for line in shown.split("\n")}


def some(params: StepOrderParams, names: list[str], count: int) -> list[tuple[str, Example]]:
    out = []
    for k in range(8 * count):
        name = names[k % len(names)]
        try:
            out.append((name, made_rows.example(StepOrder(params), name, k, 0)))
        except Skip:
            continue
    return out[:count]


@pytest.mark.parametrize("level", StepOrder.levels)
def test_the_answer_is_the_order_of_the_source(level: str) -> None:
    for name, one in some(StepOrder.levels[level], SOLUTIONS, 12):
        worked = made_rows.record(name).worked
        assert worked is not None
        shown = lines(one)
        order = one.answer.value["answer"]
        assert len(shown) in range(StepOrder.levels[level].steps[0], StepOrder.levels[level].steps[1] + 1)
        assert order != sorted(order)
        for number, source in zip(order, one.meta["chosen"], strict=True):
            text = worked.steps[source].text
            assert text.lower().endswith(shown[number][1:].lower()) or "therefore" in text
        assert one.meta["chosen"][-1] < len(worked.steps) - 1


def test_a_row_of_a_proof_states_all_that_it_needs() -> None:
    made = 0
    for k in range(60):
        worked = chain(21, random.Random(k))
        try:
            (one,) = StepOrder(StepOrderParams()).make([record(worked)], Rng(k), 0)
        except Skip:
            continue
        made += 1
        text = str(one.prompt[0])
        assert f"step: {RULES['step']}" in text
        assert all(premise in text for premise in worked.given)
        # By hand: what a step joins, or what is known, must be there before it.
        numbers = [worked.steps[n].text for n in one.meta["chosen"]]
        assert sorted(re.sub(r" \[step\]$", "", line) for line in lines(one).values()) == sorted(numbers)
        known = {*worked.given, *(worked.steps[n].text for n in one.meta["known"])}
        pairs = {tuple(p[5:-2].split(" R ")) for p in known}
        for number in one.answer.value["answer"]:
            a, c = re.sub(r" \[step\]$", "", lines(one)[number])[5:-2].split(" R ")
            assert any((a, b) in pairs and (b, c) in pairs for b in {b for _, b in pairs}), (text, number)
            pairs.add((a, c))
    assert made > 10


def test_how_steps_look_does_not_tell_their_order() -> None:
    """Of proofs whose steps only ever get longer none is asked; of mixed ones the longer is last as often as first."""
    grows = Worked(
        PROOF,
        "",
        tuple(f"|- ( {'a' * n} R {'a' * (n + 1)} )" for n in range(1, 12)),
        tuple(Step(f"|- ( a R {'a' * n} )", "step", (n - 4,) if n > 3 else ()) for n in range(3, 12)),
        rules=RULES,
    )
    for k in range(20):
        with pytest.raises(Skip, match="the look of steps tells their order"):
            list(StepOrder(StepOrderParams()).make([record(grows)], Rng(k), 0))
    rising = total = 0
    for k in range(150):
        try:
            (one,) = StepOrder(StepOrderParams((4, 4))).make([record(chain(24, random.Random(k)))], Rng(k), 0)
        except Skip:
            continue
        shown = [lines(one)[number] for number in one.answer.value["answer"]]
        rising += sum(len(a) < len(b) for a, b in combinations(shown, 2))
        total += sum(len(a) != len(b) for a, b in combinations(shown, 2))
    assert total > 200
    assert abs(rising / total - 0.5) < 0.12


def walk(rising: bool, k: int) -> Worked:
    """A solution of three steps that get longer or shorter, and its answer."""
    order = sorted((1, 10, 18), reverse=not rising)
    first, second, third = ("".join(f"Cow{i} " for i in range(n)) for n in order)
    return solution(
        f"Let n be {first}big, {k} * 24 = {24 * k}.",
        f"The {second}half is m = n / 2.",
        f"A {third}small part is 3 * m.",
    )


def test_solutions_that_look_one_way_come_no_more_often_than_those_that_look_the_other() -> None:
    records = [record(walk(k % 10 > 0, k)) for k in range(20, 220)]
    made = Counter[tuple[bool, bool]]()
    for learnt in (b"", StepOrder.prepare(iter(records))):
        for one in records:
            for k in range(6):  # asking again changes nothing
                try:
                    (example,) = StepOrder(StepOrderParams(), learnt).make([one], Rng(k), 0)
                except Skip:
                    continue
                shown = [len(lines(example)[number]) for number in example.answer.value["answer"]]
                made[bool(learnt), shown == sorted(shown)] += 1
    assert made[False, True] == 6 * 180
    assert made[False, False] == made[True, False] == 6 * 20
    assert 6 * 8 < made[True, True] < 6 * 40


def test_of_a_held_out_record_nothing_is_asked_that_the_train_split_has_too() -> None:
    """A record of the train split is asked as if nothing were known of it."""

    def asked(of: Record, learnt: bytes = b"") -> list[Example | str]:
        out: list[Example | str] = []
        for k in range(30):
            try:
                out += StepOrder(StepOrderParams(), learnt).make([of], Rng(k), 0)
            except Skip as skip:
                out.append(skip.reason)
        return out

    refused = "steps that the train split has too"
    proof = chain(24, random.Random(1))
    half = tuple(dataclasses.replace(step, uses=None) for step in proof.steps[::2])
    prose = solution("Let n be 3 * 24 = 72.", "The half is m = n / 2 = 36.", "A third of m is k = 12.")
    for worked, part in ((proof, half), (prose, prose.steps[1:2])):
        train = record(worked)
        held = dataclasses.replace(train, group="held out")
        free, learnt = asked(train), StepOrder.prepare(iter([train]))
        assert sum(isinstance(one, Example) for one in free) > 5
        assert refused not in asked(train, learnt)
        assert worked is prose or asked(train, learnt) == free
        assert not any(isinstance(one, Example) for one in asked(held, learnt))
        assert refused in asked(held, learnt)
        some = asked(held, StepOrder.prepare(iter([record(dataclasses.replace(worked, given=(), steps=part))])))
        left = [one.meta for one in some if isinstance(one, Example)]
        assert bool(left) == (worked is proof)
        for made in left:  # by hand: all statements have six words
            shown = [worked.steps[n].text for n in (*made["chosen"], *made["known"])]
            both = sum(text in {step.text for step in part} for text in shown)
            assert both <= 0.1 * (len(shown) + len(worked.given))


def test_what_can_be_inferred_in_another_way_is_not_asked() -> None:
    worked = chain(21, random.Random(3))
    asked = 0
    for k in range(30):
        short = dataclasses.replace(worked, given=(*worked.given, *(step.text for step in worked.steps)))
        for of, want in ((worked, True), (short, False)):
            try:
                list(StepOrder(StepOrderParams()).make([record(of)], Rng(k), 0))
                made = True
            except Skip:
                made = False
            assert want or not made
            asked += made
    assert asked


def test_reasons_and_order_words_are_shown_as_the_parameters_say() -> None:
    worked = chain(24, random.Random(1))
    for reasons in (True, False):
        made = []
        for k in range(40):
            try:
                made += StepOrder(StepOrderParams(reasons=reasons)).make([record(worked)], Rng(k), 0)
            except Skip:
                continue
        assert made
        assert all(line.endswith(" [step]") == reasons for one in made for line in lines(one).values())
    cues = re.compile(r"^(?:First|Then|So|Hence|Next|Altogether)\b")
    kept = [one for _, one in some(StepOrder.levels["cued"], SOLUTIONS, 40)]
    stripped = [one for _, one in some(StepOrder.levels["easy"], SOLUTIONS, 40)]
    assert any(cues.match(line) for one in kept for line in lines(one).values())
    assert not any(cues.match(line) for one in stripped for line in lines(one).values())


def solution(*texts: str) -> Worked:
    return Worked(SOLUTION, "How many?", (), tuple(Step(text) for text in (*texts, "The answer is 7.")))


CUED = StepOrderParams(words=KEPT)


def test_order_words_that_tell_the_order_are_not_asked_and_others_raise_the_chance() -> None:
    bare = ("Let n be 3 * 24 = 72.", "The half is m = n / 2 = 36.", "A third of m is k = 12.")
    (one,) = StepOrder(CUED).make([record(solution(*bare))], Rng(0), 0)
    assert one.answer.chance == pytest.approx(0.2)
    first = ("First, let n be 3 * 24 = 72.", *bare[1:])
    (one,) = StepOrder(CUED).make([record(solution(*first))], Rng(0), 0)
    # Of the five numberings, two put the later two in rising order.
    assert one.answer.chance == pytest.approx(0.6)
    (one,) = StepOrder(StepOrderParams()).make([record(solution(*first))], Rng(0), 0)
    assert one.answer.chance == pytest.approx(0.2)
    told = (first[0], bare[1], f"Finally, {bare[2].lower()}")
    with pytest.raises(Skip, match="order words alone"):
        list(StepOrder(CUED).make([record(solution(*told))], Rng(0), 0))


def test_the_raised_chance_is_what_the_sorter_scores() -> None:
    """By enumeration over all numberings that may be asked, with the best way of breaking ties."""
    words = ["First, let n be 3 * 24 = 72.", "The half is m = n / 2 = 36.", "So a third of m is k = 12."]
    ranks, right = [0, 1, 2], [0, 1, 2]
    assert ranks == right
    with pytest.raises(Skip):
        list(StepOrder(CUED).make([record(solution(*words))], Rng(0), 0))
    ranks = [1, 1, 2]
    (one,) = StepOrder(CUED).make([record(solution(words[0][7:].capitalize(), *words[1:]))], Rng(0), 0)
    best = 0.0
    for falling in (True, False):
        hits = []
        for numbers in permutations((1, 2, 3)):
            if list(numbers) != [1, 2, 3]:
                tie = [-n if falling else n for n in numbers]
                guess = sorted(range(3), key=lambda i: (ranks[i], tie[i]))
                hits.append(guess == right)
        best = max(best, sum(hits) / len(hits))
    assert one.answer.chance == pytest.approx(best)


def test_identical_steps_may_change_places() -> None:
    worked = solution("Let n be 3 * 24 = 72.", "Add n to it.", "Add n to it.", "Let m be n + 19 = 91.", "Now m is odd.")
    seen = Counter[bool]()
    for k in range(40):
        try:
            (one,) = StepOrder(StepOrderParams((5, 5), loose=0.5)).make([record(worked)], Rng(k), 0)
        except Skip:
            continue
        a, b = next(iter(one.answer.value["same"]))
        order = one.answer.value["answer"]
        swapped = [{a: b, b: a}.get(number, number) for number in order]
        assert KIND.score(swapped, one.answer.value, one.answer.credit).exact
        assert lines(one)[a] == lines(one)[b]
        seen[order.index(a) < order.index(b)] += 1
    assert seen


def test_what_carries_no_question_is_skipped() -> None:
    def reason(worked: Worked, params: StepOrderParams = StepOrderParams()) -> tuple[str, bool]:  # noqa: B008
        with pytest.raises(Skip) as caught:
            list(StepOrder(params).make([record(worked)], Rng(0), 0))
        return caught.value.reason, caught.value.final

    steps = tuple(Step(text) for text in ("One cow.", "Two cows.", "Ten cows.", "Six cows.", "Five cows."))
    assert reason(Worked(SOLUTION, "?", (), steps)) == ("too few steps that use each other", False)
    assert reason(Worked(SOLUTION, "?", (), steps[:3])) == ("too few steps", True)
    assert reason(Worked("question", "?")) == ("no steps", True)
    unruled = dataclasses.replace(chain(16, random.Random(0)), rules={})
    assert reason(unruled) == ("no rules", True)
    assert reason(chain(16, random.Random(0)), StepOrderParams(forms=(SOLUTION,))) == ("no steps", True)
    hostile = solution("Let n be 3 * 24 = 72.", "The half is m = n / 2 = 36 </steps>.", "A third of m is k = 12.")
    assert reason(hostile) == ("too few steps that use each other", False)


@pytest.mark.parametrize("level", StepOrder.levels)
def test_audit_finds_false_pairs_and_steps_of_elsewhere(level: str) -> None:
    task = StepOrder(StepOrder.levels[level])
    for name, one in some(task.params, SOLUTIONS, 4):
        row, used = made_rows.row(task, level, one), made_rows.records(name, task)
        assert list(task.audit(row, used)) == []
        chosen = one.meta["chosen"]
        moved = {**one.meta, "chosen": [n + 1 for n in chosen]}
        false = dataclasses.replace(row, meta={**row.meta, "make": moved})
        assert [fault.rule for fault in task.audit(false, used)] == ["true"]
        text = next(iter(lines(one).values()))
        changed = dataclasses.replace(row, prompt=row.prompt.replace(text, text + " Too."))
        assert [fault.rule for fault in task.audit(changed, used)] == ["true"]
        twice = dataclasses.replace(row, prompt=row.prompt.replace(f"2. {lines(one)[2]}", f"2. {lines(one)[1]}"))
        assert "one answer" in [fault.rule for fault in task.audit(twice, [])]


def test_audit_finds_a_pair_that_nothing_supports_and_one_that_is_missing() -> None:
    task = StepOrder(StepOrderParams())
    worked = solution(
        "Let n be 3 * 24 = 72.", "The half is m = n / 2 = 36.", "A third of m is k = 12.", "It is 12 cows."
    )
    (one,) = task.make([record(worked)], Rng(0), 0)
    row = made_rows.row(task, "easy", one)
    assert list(task.audit(row, [record(worked)])) == []
    other = solution("Let n be 3 * 24 = 72.", "The half is m = 36.", "A third of m is k = 12.", "It is 12 cows.")
    cut = dataclasses.replace(row, prompt=row.prompt.replace("m = n / 2 = 36", "m = 36"))
    assert next(fault.message for fault in task.audit(cut, [record(other)])).startswith("step ")
    proof = chain(21, random.Random(5))
    for k in range(40):
        try:
            (one,) = task.make([record(proof)], Rng(k), 0)
        except Skip:
            continue
        break
    row = made_rows.row(task, "easy", one)
    assert list(task.audit(row, [record(proof)])) == []
    value = dict(row.answer.value, before=row.answer.value["before"][:2])
    false = dataclasses.replace(row, answer=dataclasses.replace(row.answer, value=value))
    assert [fault.rule for fault in task.audit(false, [record(proof)])] == ["true"]
    lost = dataclasses.replace(row, prompt=row.prompt.replace(proof.given[0] + "\n", "", 1))
    assert [fault.rule for fault in task.audit(lost, [record(proof)])] == ["true"]


def test_parameters_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^steps is \(6, 8\): with order words"):
        StepOrderParams((6, 8), words=KEPT)
