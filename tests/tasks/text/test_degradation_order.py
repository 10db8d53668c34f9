"""Versions of a passage: their order, what no count tells, and what the audit must catch."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from itertools import pairwise
from typing import Any

import made_rows
import pytest

from ssrl_data.core import Example, Record, Row, Skip
from ssrl_data.media.text import Text, sentences
from ssrl_data.rng import Rng
from ssrl_tasks.text.degradation_order import DegradationOrder, DegradationOrderParams

LEVELS = list(DegradationOrder.levels)


def some(level: str, count: int, prepared: bytes = b"") -> list[tuple[str, Example]]:
    task, out = DegradationOrder(DegradationOrder.levels[level], prepared), []
    for k in range(20 * count):
        name = made_rows.DOCUMENTS[k % len(made_rows.DOCUMENTS)]
        try:
            out += [(name, one) for one in task.make(made_rows.records(name, task), Rng(k), 0)]
        except Skip:
            continue
        if len(out) == count:
            return out
    raise AssertionError(f"only {len(out)} rows of {level}")


def shown(one: Example) -> list[str]:
    (prompt,) = one.prompt
    assert isinstance(prompt, str)
    return re.findall(r"^Version [0-9]: (.*)$", prompt, re.MULTILINE)


def passage(name: str, one: Example) -> str:
    text = made_rows.record(name).text
    assert text is not None
    first, end = one.meta["paragraphs"]
    parts = [part for paragraph in text.paragraphs[first:end] for part in sentences(paragraph)]
    return " ".join(parts[: len(one.meta["parts"])])


def row(level: str, one: Example) -> Row:
    return made_rows.row(DegradationOrder(DegradationOrder.levels[level]), level, one)


@pytest.mark.parametrize("level", LEVELS)
def test_the_order_is_that_of_the_words_kept(level: str) -> None:
    params = DegradationOrder.levels[level]
    for name, one in some(level, 12):
        origin, versions = passage(name, one), shown(one)
        assert len(versions) == params.versions
        if level == "easy":
            kept = [sum(len(s.split()) for s in sentences(origin) if s in version) for version in versions]
        else:
            kept = [sum(map(str.__eq__, origin.split(" "), version.split(" "))) for version in versions]
        total = len(origin.split(" "))
        assert [total - n for n in kept] == one.meta["replaced"]
        order = sorted(range(1, params.versions + 1), key=lambda n: -kept[n - 1])
        assert one.answer.value["answer"] == order != sorted(order)
        rising = sorted(kept)
        assert all(b - a >= params.margin * total for a, b in pairwise(rising))
        assert f"Version {order[0]}" not in one.prompt[0].split("</versions>")[1]


def test_the_passage_is_shown_where_it_is_the_reference_and_is_a_version_where_it_is_not() -> None:
    for level in ("easy", "medium"):
        for name, one in some(level, 4):
            assert f"<passage>\n{passage(name, one)}\n</passage>" in one.prompt[0]
            assert passage(name, one) not in shown(one)
    for name, one in some("hard", 4):
        assert "<passage>" not in one.prompt[0]
        assert shown(one)[one.answer.value["answer"][0] - 1] == passage(name, one)


def test_without_a_reference_each_version_has_all_the_replacements_of_those_before() -> None:
    for _, one in some("hard", 8):
        rising = [shown(one)[number - 1].split(" ") for number in one.answer.value["answer"]]
        for words in zip(*rising, strict=True):
            assert len(set(words)) <= 2
            assert list(words) == sorted(words, key=lambda word: word != words[0])


def test_no_count_differs_between_versions_of_the_hard_level() -> None:
    for _, one in some("hard", 8):
        shapes = set()
        for version in shown(one):
            words = Counter(re.findall(r"[^\W\d_]+", version.lower()))
            marks = tuple(sum(version.count(m) for m in group) for group in (".,;:()", "0123456789"))
            capitals = sum(c.isupper() for c in version)
            shapes.add((len(version), version.count(" "), len(words), marks, capitals))
        assert len(shapes) == 1


def test_what_the_train_split_says_decides_which_words_are_as_frequent() -> None:
    records = [made_rows.record(name) for name in made_rows.DOCUMENTS]
    prepared = DegradationOrder.prepare(iter(records))
    assert prepared == DegradationOrder.prepare(iter(records))
    counts = Counter(
        word for r in records if r.text for p in r.text.paragraphs for word in re.findall(r"\b[a-z]{3,20}\b", p)
    )
    for name, one in some("hard", 6, prepared):
        put = {b for v in shown(one) for a, b in zip(passage(name, one).split(), v.split(), strict=True) if a != b}
        cores = {core[0] for word in put if (core := re.search(r"[a-z]{3,20}", word))}
        assert cores
        assert all(counts[core] > 1 for core in cores), "a word that stands once in the corpus is in no table"


@pytest.mark.parametrize("level", LEVELS)
def test_the_audit_finds_what_is_wrong(level: str) -> None:
    task = DegradationOrder(DegradationOrder.levels[level])
    for name, one in some(level, 4):
        good, records = row(level, one), made_rows.records(name, task)
        assert list(task.audit(good, records)) == list(task.audit(good, [])) == []
        order = one.answer.value["answer"]
        reverse = dataclasses.replace(good, answer=dataclasses.replace(good.answer, value={"answer": order[::-1]}))
        assert list(task.audit(reverse, records))
        swapped = [order[1], order[0], *order[2:]]
        swapped_row = dataclasses.replace(good, answer=dataclasses.replace(good.answer, value={"answer": swapped}))
        assert list(task.audit(swapped_row, []))
        longest = max(passage(name, one).split(" "), key=len)
        changed = dataclasses.replace(good, prompt=good.prompt.replace(longest, "otherwise", 1))
        assert list(task.audit(changed, records))
        least = shown(one)[order[0] - 1]
        restored = dataclasses.replace(good, prompt=good.prompt.replace(shown(one)[order[-1] - 1], least))
        assert list(task.audit(restored, records))
        assert list(task.audit(restored, []))
        lost = dataclasses.replace(good, prompt=good.prompt.replace("Version 2: ", "Version 3: "))
        assert list(task.audit(lost, []))


def test_what_cannot_be_asked_is_skipped() -> None:
    task = DegradationOrder(DegradationOrder.levels["easy"])
    good = made_rows.records("tides.md", task)
    with pytest.raises(Skip, match="borrow") as caught:
        list(task.make(good[:1], Rng(0), 0))
    assert caught.value.final
    for paragraph, why in (
        (" ".join(["--all=x, -h 12"] * 34) + ".", "few plain words"),
        ("We said <answer> and more of it. " * 30, "quoted"),
        ("The same words come again and again. " * 30, "repeated"),
        ("So it goes and goes on and on today. Yes. " * 20, "short sentence"),
    ):
        odd = Record("odd", "odd", "0" * 32, text=Text((paragraph.strip(),)))
        with pytest.raises(Skip, match=why):
            list(task.make([odd, *good[1:]], Rng(0), 0))


def test_a_paragraph_that_is_left_out_is_never_shown() -> None:
    task = DegradationOrder(DegradationOrder.levels["medium"])
    record = made_rows.record("tides.md")
    assert record.text is not None
    kept = {2, 3}
    dropped = frozenset(range(len(record.text.paragraphs))) - kept
    part = dataclasses.replace(record, text=dataclasses.replace(record.text, dropped=dropped))
    done = 0
    for k in range(40):
        try:
            (one,) = task.make([part, *made_rows.records("tides.md", task)[1:]], Rng(k), 0)
        except Skip:
            continue
        assert set(range(*one.meta["paragraphs"])) <= kept
        done += 1
    assert done


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"versions": 2}, r"versions is 2: it must lie in 3\.\.6"),
        ({"unit": "letter"}, "unit is 'letter'"),
        ({"reference": False}, "nested is False"),
        ({"words": (160, 80)}, "words is"),
        ({"margin": 0.5}, "margin is 0.5"),
        ({"credit": "half"}, "credit is 'half'"),
    ],
)
def test_parameters_are_checked(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(DegradationOrderParams(nested=False), **change)
