"""What every installed task must hold at every level, on real photographs, scenes of known depth, clips and texts."""

from __future__ import annotations

import ast
import atexit
import dataclasses
import hashlib
import inspect
import io
import json
import math
import random
import re
import shutil
import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import made_clips
import made_rows
import numpy as np
import pytest

from ssrl_data.core import Answer, Example, Record, Row, Skip, Task
from ssrl_data.media.camera import Pair
from ssrl_data.media.clip import Clip
from ssrl_data.media.depth import Depth, DepthRule
from ssrl_data.media.image import Picture, encode
from ssrl_data.media.text import Text
from ssrl_data.media.worked import Worked
from ssrl_data.registry import answer_kind, answer_names, task_class, task_names
from ssrl_data.row import digest

TABLES = Path(__file__).parents[1] / "tasks"
LEVELS = [(name, level) for name in task_names() for level in task_class(name).levels]
ROWS = 8
OPEN = {"span", "number", "expression", "constraints", "program", "unlabelled"}
"""Answer kinds without a list of all answers."""
OURS = ("ssrl_data", "ssrl_tasks")
SHARED = {
    "ssrl_data.core",
    *(f"ssrl_data.media.{name}" for name in ("image", "depth", "camera", "clip", "text", "worked", "instruction")),
    *(f"ssrl_data.answers.{name}" for name in answer_names()),
}


def task_of(name: str, level: str) -> Task[Any]:
    cls = task_class(name)
    return cls(cls.levels[level], made_rows.prepared(name))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test runs at every level, but for those marked for tasks that show pictures, or for those that do not."""
    if "level" in metafunc.fixturenames:
        marks = {mark.name for mark in metafunc.definition.iter_markers()}
        kinds = {True, False} - ({False} if "pictured" in marks else {True} if "written" in marks else set())
        levels = [(name, level) for name, level in LEVELS if task_class(name).pictures in kinds]
        metafunc.parametrize("level", levels, ids="/".join, scope="module")


@pytest.fixture(scope="module")
def task(level: tuple[str, str]) -> Task[Any]:
    return task_of(*level)


@pytest.fixture(scope="module")
def made(task: Task[Any]) -> list[tuple[str, int, int, Example]]:
    found = list(made_rows.made(task, ROWS))
    assert len(found) == ROWS, "records that carry this level are missing"
    return found


@pytest.fixture(scope="module")
def rows(task: Task[Any], level: tuple[str, str], made: list[tuple[str, int, int, Example]]) -> list[Row]:
    return [made_rows.row(task, level[1], one) for _, _, _, one in made]


def fingerprint(one: Example) -> str:
    parts = [part if isinstance(part, str) else encode(part) for part in one.prompt]
    return digest(*parts, json.dumps([one.answer.value, dict(one.meta)]), repr(one.marks))


def test_levels_begin_with_what_every_task_has() -> None:
    for name in task_names():
        assert {"easy", "medium", "hard"} <= set(task_class(name).levels), name


def test_making_depends_on_its_arguments_alone(task: Task[Any], made: list[tuple[str, int, int, Example]]) -> None:
    again = []
    for name, k, aim, _ in reversed(made):
        # A picture opened anew: nothing an earlier view cached may matter.
        made_rows.record.cache_clear()
        again.append(fingerprint(made_rows.example(task, name, k, aim)))
    assert again[::-1] == [fingerprint(one) for _, _, _, one in made]


def test_variants_differ(task: Task[Any], made: list[tuple[str, int, int, Example]]) -> None:
    name, k, aim, one = made[0]
    seen = {fingerprint(one)}
    tried = 1
    for other in range(k + 1, k + 25):
        if task.needs & {"text", "worked", "instruction"}:  # of one short text there are few things to ask
            name = made[other % len(made)][0]
        try:
            seen.add(fingerprint(made_rows.example(task, name, other, aim)))
            tried += 1
        except Skip:
            continue
    assert tried >= 5
    # A picture hardly larger than the view has few crops, so two may meet; a build drops the second.
    few = (task.needs & {"text", "worked"} and not task.donors()) or "instruction" in task.needs
    assert len(seen) > (0.3 if few else 0.8) * tried


def test_every_row_is_graded_as_it_must_be(rows: list[Row]) -> None:
    for row in rows:
        kind, answer = answer_kind(row.answer.kind), row.answer
        kind.check(answer.value)
        assert kind.grade(kind.gold(answer.value), answer.value, answer.credit).score == 1.0
        for response in kind.near_misses(answer.value):
            score = kind.grade(response, answer.value, answer.credit).score
            assert score is not None
            assert score < 1.0, response


def test_audit_finds_no_fault_in_good_rows(
    task: Task[Any], made: list[tuple[str, int, int, Example]], rows: list[Row]
) -> None:
    for (name, k, aim, _), row in zip(made, rows, strict=True):
        used = made_rows.records(name, task)
        assert list(task.audit(row, used)) == [], (name, k, aim)
        assert list(task.audit(row, [])) == [], (name, k, aim)


def other_answers(answer: Answer, draw: random.Random) -> list[Any]:
    """Well-formed values that state something else."""
    value = answer.value
    if answer.kind == "choice":
        wrong = [option for option in value["options"] if option != value["answer"]]
        return [value | {"answer": option} for option in draw.sample(wrong, min(3, len(wrong)))]
    if answer.kind == "permutation":
        places = value["answer"]
        swapped = []
        for _ in range(3):
            i, j = draw.sample(range(len(places)), 2)
            other = list(places)
            other[i], other[j] = other[j], other[i]
            swapped.append(value | {"answer": other})
        return swapped
    if answer.kind == "partial_order":
        order = value["answer"]
        broken = [
            value | {"answer": order[:i] + order[i : i + 2][::-1] + order[i + 2 :]} for i in range(len(order) - 1)
        ]
        before = {tuple(pair) for pair in value["before"]}
        return [b for i, b in enumerate(broken) if (order[i], order[i + 1]) in before]
    if answer.kind == "span":
        return [value | {"answer": "entirely other"}]
    if answer.kind == "number":
        return [value | {"answer": str(Fraction(value["answer"]) + 1)}] if value["low"] is None else []
    if answer.kind == "expression":
        return [value | {"answer": f"({value['answer']}) + 1"}]
    if answer.kind == "constraints":
        asked = value["constraints"]
        return [value | {"answer": "No."}, value | {"constraints": asked * 2}, value | {"ground": []}]
    if answer.kind == "unlabelled":
        return []
    if answer.kind == "program":
        lax = "def evaluate(response):\n    return True\n"
        checker = {"source": lax, "sha256": hashlib.sha256(lax.encode()).hexdigest()}
        return [
            value | {"answer": value["misses"][0], "misses": value["misses"][1:]},
            value | {"misses": [*value["misses"], value["answer"]]},
            value | {"checkers": [checker] * len(value["checkers"])},
        ]
    if answer.kind == "blanks":
        out = []
        for i, part in enumerate(value["answer"]):
            inner = Answer(part["kind"], part["value"], answer.credit, answer.chance)
            for other in other_answers(inner, draw):
                out.append(
                    {"answer": [part | {"value": other} if j == i else p for j, p in enumerate(value["answer"])]}
                )
        return out
    if answer.kind == "counts":
        low, high, counts = value["low"], value["high"], value["answer"]
        i = draw.randrange(len(counts))
        others = [n for n in range(low, high + 1) if n != counts[i]]
        return [value | {"answer": [draw.choice(others) if j == i else n for j, n in enumerate(counts)]}]
    if answer.kind == "interval":
        (low, high), truth = value["bounds"], value["answer"]
        if truth is None:
            return [value | {"answer": [low, round((low + high) / 2, 2)]}]
        start, end = truth
        moved = [[low, start], [end, high], [start, round((start + end) / 2, 2)], [low, high]]
        return [value | {"answer": other} for other in moved if other[0] < other[1] and other != truth]
    raise AssertionError(f"say here how to state something else as {answer.kind}")


def test_audit_finds_a_wrong_answer(
    task: Task[Any], made: list[tuple[str, int, int, Example]], rows: list[Row]
) -> None:
    draw = random.Random(0)
    for (name, _, _, _), row in zip(made, rows, strict=True):
        for value in other_answers(row.answer, draw):
            wrong = dataclasses.replace(row, answer=dataclasses.replace(row.answer, value=value))
            assert [fault.rule for fault in task.audit(wrong, made_rows.records(name, task))], (name, value)


@pytest.mark.pictured
def test_audit_finds_a_swapped_picture(
    task: Task[Any], made: list[tuple[str, int, int, Example]], rows: list[Row]
) -> None:
    for i, (name, _, _, _) in enumerate(made):
        other = next(rows[j] for j in range(len(rows)) if made[j][0] != name)
        swapped = dataclasses.replace(rows[i], images=other.images)
        assert list(task.audit(swapped, made_rows.records(name, task))), name


@pytest.mark.written
def test_audit_finds_a_changed_prompt(
    task: Task[Any], made: list[tuple[str, int, int, Example]], rows: list[Row]
) -> None:
    """Of a text, where the prompt holds all there is: another row's, and one with words of the source lost."""
    for i, (name, _, _, _) in enumerate(made):
        used = made_rows.records(name, task)
        other = next(row for row in rows if row.prompt != rows[i].prompt)
        assert list(task.audit(dataclasses.replace(rows[i], prompt=other.prompt), used)), name
        start = rows[i].prompt.index(">\n") + 2
        end = rows[i].prompt.index(" ", start + 12)
        lost = rows[i].prompt[:start] + rows[i].prompt[end + 1 :]
        assert list(task.audit(dataclasses.replace(rows[i], prompt=lost), used)), name


@pytest.mark.pictured
def test_audit_finds_a_lost_picture(task: Task[Any], rows: list[Row]) -> None:
    lost = dataclasses.replace(rows[0], images=rows[0].images[:-1])
    assert list(task.audit(lost, []))
    cropped = dataclasses.replace(rows[0], images=tuple(image[8:, 8:] for image in rows[0].images))
    assert list(task.audit(cropped, []))


def _parts(answer: Answer) -> list[Any]:
    return list(answer.value["answer"]) if answer.kind == "blanks" else []


def a_guess(answer: Answer, draw: random.Random) -> Any:
    """A uniform draw from the answer space, in the form that the kind's `score` takes."""
    value = answer.value
    if answer.kind == "choice":
        return draw.choice(value["options"])
    if answer.kind in ("permutation", "partial_order"):
        order = list(range(1, len(value["answer"]) + 1))
        while order == sorted(order):
            draw.shuffle(order)
        return order
    if answer.kind == "blanks":
        return [a_guess(Answer(p["kind"], p["value"], answer.credit, None), draw) for p in value["answer"]]
    if answer.kind == "counts":
        return [draw.randint(value["low"], value["high"]) for _ in value["answer"]]
    if answer.kind == "interval":
        return sorted(draw.uniform(*value["bounds"]) for _ in range(2))
    raise AssertionError(f"say here how to guess as {answer.kind}")


def test_chance_is_what_a_uniform_guesser_scores(rows: list[Row]) -> None:
    draw = random.Random(1)
    answer = rows[0].answer
    assert (answer.chance is None) == (answer.kind == "unlabelled")
    assert answer.chance is None or 0 <= answer.chance < 1
    if answer.chance is None or OPEN & {answer.kind, *(part["kind"] for part in _parts(answer))}:
        return  # no uniform guesser: what such a level states is measured on real rows
    kind = answer_kind(answer.kind)
    scores = [kind.score(a_guess(answer, draw), answer.value, answer.credit).score or 0.0 for _ in range(20_000)]
    sigma = max(float(np.std(scores)), math.sqrt(answer.chance / 20_000)) / math.sqrt(len(scores))
    off = float(np.mean(scores)) - answer.chance
    # Of intervals and of orders with several right ones a constant is the best blind guess, a uniform draw a worse one.
    best = "interval" in str(answer) or answer.kind == "partial_order"
    assert (off if best else abs(off)) <= 4 * sigma + 1 / len(scores)


def test_the_task_states_the_chance_of_its_rows(task: Task[Any], rows: list[Row]) -> None:
    if task.chance() is not None:
        assert {row.answer.chance for row in rows} == {task.chance()}


def turns(task: Task[Any]) -> list[tuple[str, int]]:
    """Records in turn, each with ten variants."""
    known = made_rows.names(task)
    return [(known[turn % len(known)], 1000 + turn) for turn in range(len(known) * 10)]


def test_every_class_can_be_shown(task: Task[Any]) -> None:
    for aim in range(task.classes()):
        for name, k in turns(task):
            try:
                one = made_rows.example(task, name, k, aim)
                break
            except Skip:
                continue
        else:
            pytest.fail(f"no record shows class {aim}")
        assert isinstance(one, Example)


def test_classes_are_different_answers(task: Task[Any]) -> None:
    if task.classes() > 1:
        gold = set()
        for aim in range(task.classes()):
            for name, k in turns(task):
                try:
                    one = made_rows.example(task, name, k, aim)
                except Skip:
                    continue
                gold.add(answer_kind(one.answer.kind).gold(one.answer.value))
                break
        assert len(gold) == task.classes()


def test_pictures_have_the_sizes_and_marks_lie_inside(
    task: Task[Any], made: list[tuple[str, int, int, Example]]
) -> None:
    for _, _, _, one in made:
        pictures = [part for part in one.prompt if not isinstance(part, str)]
        assert bool(pictures) == type(task).pictures
        for picture in pictures:
            assert picture.dtype == np.uint8
            assert picture.ndim == 3
            assert picture.shape[2] == 3
        for mark in one.marks:
            x0, y0, x1, y1 = mark.box
            height, width = pictures[mark.image].shape[:2]
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            assert mark.label


def test_the_prompt_tells_nothing_of_where_it_came_from(
    task: Task[Any], made: list[tuple[str, int, int, Example]], rows: list[Row]
) -> None:
    for (name, _, _, one), row in zip(made, rows, strict=True):
        record = made_rows.record(name)
        box = ", ".join(map(str, one.meta.get("box", ())))
        # A text that is shown may hold any word, that its file is named after included; so may constraints on words.
        own = re.sub(r"<(\w+)>\n.*?\n</\1>", "", row.prompt, flags=re.DOTALL)
        if row.answer.kind == "constraints":
            own = own.removesuffix(answer_kind("constraints").ask(row.answer.value))
        for private in (record.key, Path(name).stem, record.source_id, box, "meta", "source", "aim"):
            assert not private or private not in own, private


def test_the_prompt_reads_right_with_its_pictures_moved_to_the_front(rows: list[Row]) -> None:
    for row in rows:
        count = row.prompt.count("<image>")
        if not count:
            continue
        text = row.prompt.replace("<image>", "")
        assert count == len(row.images)
        if count == 1:
            assert not re.search(r"[Pp]ictures? \d", text), "a number for the only picture"
        elif f"Pictures 1 to {count}" not in text:
            assert {int(n) for n in re.findall(r"[Pp]icture (\d+)", text)} == set(range(1, count + 1))


@cache
def a_tiny_clip() -> Clip:
    path = Path(tempfile.mkdtemp(prefix="ssrl-tiny-")) / "tiny.mp4"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    return Clip(made_clips.write_clip(path, made_clips.scene(0, 96, (48, 40))))


@pytest.mark.written
def test_a_text_too_short_is_skipped_for_good(task: Task[Any]) -> None:
    tiny = Record("t", "t", "0" * 32, text=Text(("One word.",)), worked=Worked("question", "Why?"))
    empty = Record("t", "t", "0" * 32, text=Text(()), worked=Worked("proof", ""))
    for record in (tiny, empty):
        with pytest.raises(Skip) as caught:
            list(task.make([record, *[record] * task.donors()], made_rows.Rng(0), 0))
        assert caught.value.final


@pytest.mark.pictured
def test_a_picture_too_small_is_skipped_for_good(task: Task[Any]) -> None:
    picture = Picture(encode(np.random.default_rng(0).integers(0, 256, (17, 17, 3), dtype=np.uint8)))
    stored = io.BytesIO()
    np.save(stored, np.linspace(1, 2, 17 * 17, dtype=np.float32).reshape(17, 17))
    depth = Depth(stored.getvalue(), DepthRule(), (17, 17))
    tiny = Record("t", "t", "0" * 32, image=picture, depth=depth, pair=Pair(picture, (1, 0, 0)), clip=a_tiny_clip())
    with pytest.raises(Skip, match=r"(picture|clip) too small") as caught:
        list(task.make([tiny, *[tiny] * task.donors()], made_rows.Rng(0), 0))
    assert caught.value.final


@pytest.mark.parametrize("name", task_names())
def test_parameters_out_of_range_are_refused_by_name(name: str) -> None:
    params = next(iter(task_class(name).levels.values()))
    checked = 0
    for field in dataclasses.fields(params):
        value = getattr(params, field.name)
        bad: list[Any] = []
        if isinstance(value, bool):
            continue
        if isinstance(value, int):
            bad = [-1, 0, 10**6]
        elif isinstance(value, str):
            bad = ["", "nonsense"]
        elif isinstance(value, tuple):
            bad = [(), ("nonsense",), (*value, *value)]
        for wrong in bad:
            with pytest.raises(ValueError, match=rf"^{field.name} is "):
                dataclasses.replace(params, **{field.name: wrong})
            checked += 1
    assert checked


@pytest.mark.parametrize("name", task_names())
def test_made_rows_are_those_of_the_table(name: str) -> None:
    """A changed row means a new version: raise `version`, then renew the table with tests/made_rows.py."""
    table = json.loads((TABLES / f"{name}.json").read_text())
    cls = task_class(name)
    assert table["version"] == cls.version
    assert {entry["level"] for entry in table["rows"]} == set(cls.levels)
    for entry in table["rows"]:
        at = (entry["level"], entry["record"], entry["k"], entry["aim"])
        now = made_rows.line(*at, made_rows.example(task_of(name, at[0]), *at[1:]))
        colours = np.subtract(now.pop("quarters"), entry.pop("quarters"))
        assert json.loads(json.dumps(now)) == entry, at
        assert np.abs(colours).max(initial=0) <= 2, at


def calls(function: ast.AST, functions: dict[str, ast.AST], seen: set[str]) -> set[str]:
    """Names that a function calls, through the module's own functions; names of attributes come with their base."""
    out: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            out.add(name)
            if name in functions and name not in seen:
                seen.add(name)
                out |= calls(functions[name], functions, seen)
    return out


@pytest.mark.parametrize("name", task_names())
def test_audit_calls_nothing_that_make_calls(name: str) -> None:
    """Only media, answer kinds, the page every author meets, and libraries may serve both."""
    module = inspect.getmodule(task_class(name))
    assert module is not None
    tree = ast.parse(inspect.getsource(module))
    functions: dict[str, ast.AST] = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    (cls,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == task_class(name).__name__]
    methods = {n.name: n for n in cls.body if isinstance(n, ast.FunctionDef)}
    functions |= {f"{base}.{m}": n for m, n in methods.items() for base in ("cls", "self")}
    ours = set(functions)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(OURS) and node.module not in SHARED:
            ours |= {alias.asname or alias.name for alias in node.names}
    shared = calls(methods["make"], functions, set()) & calls(methods["audit"], functions, set())
    assert not {call for call in shared if call in ours or call.split(".")[0] in ours}
