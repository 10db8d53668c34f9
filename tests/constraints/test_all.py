"""What holds of every constraint there is, whichever family it comes from."""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ssrl_data.answers.constraints import Constraints
from ssrl_data.instruct.compose import witness
from ssrl_data.instruct.constraint import Conflict, Constraint, constraint, constraint_types, families
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import LONGEST, Reply
from ssrl_data.rng import Rng

TYPES = sorted(constraint_types())
TEXTS = Path(__file__).parent.parent / "texts"
PASSAGES = ("bread", "bridges", "lighthouses", "telescopes", "tides")
DRAWS = 30
LOOSE = {"ifeval/capitals_at_most"}
"""Upper bounds that no witness comes near: texts of other constraints go beyond some of them."""


EMPTY = ("", ".", "ok", " " * 500, "\n\n\n", "...", "word " * 50, "1", "I cannot help with that.", "<answer></answer>")
HOSTILE = (
    "a " * (LONGEST // 2),
    "((((" * (LONGEST // 4),
    '"' * LONGEST,
    ". " * (LONGEST // 2),
    "a.\n\n" * (LONGEST // 4),
    "- [ ] *a* | b |\n" * (LONGEST // 16),
    "".join(f"a{n} " for n in range(9000)),
    " ".join(f"word{n % 4000}" for n in range(7000)),
    "{[" * (LONGEST // 2),
    "a\u0301\u200d" * (LONGEST // 3),
    "语" * LONGEST,
    "```\n" * (LONGEST // 4),
)


def passage(name: str) -> str:
    """The prose of a document, its headings left out."""
    parts = (TEXTS / f"{name}.md").read_text(encoding="utf-8").split("\n\n")
    prose = [" ".join(part.split()) for part in parts if len(part.split()) > 30 and part[0] not in "#-|`>"]
    return "\n\n".join(prose[:2])


@cache
def materials() -> tuple[Material, ...]:
    found = list(map(passage, PASSAGES))
    return tuple(Material(text, found[at - 1]) for at, text in enumerate(found))


@cache
def drawn(name: str) -> tuple[tuple[Constraint, str], ...]:
    """Constraints of a type, each with a witness."""
    cls, out = constraint_types()[name], []
    for number in range(DRAWS):
        material, rng = materials()[number % len(PASSAGES)], Rng("all", name, number)
        try:
            item = cls.draw(material, rng)
        except Conflict:
            continue
        out.append((item, witness([item], material, rng)))
    return tuple(out)


def test_there_are_sixty_or_more() -> None:
    assert len(TYPES) >= 60
    assert all(item.grade in (1, 2, 3) for item in constraint_types().values())
    assert len({cls.__name__ + name for name, classes in families().items() for cls in classes}) == len(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_draws_have_witnesses(name: str) -> None:
    found = drawn(name)
    assert len(found) >= DRAWS // 3, "most passages must give one"
    for item, text in found:
        if not item.lacks():
            assert item.met(Reply(text)), (item, text)
            assert item.met(Reply(text.replace("\n", "\r\n"))), "whatever ends the lines"


@pytest.mark.parametrize("name", TYPES)
def test_what_is_no_answer_meets_none(name: str) -> None:
    for item, text in drawn(name)[:6]:
        asked = Constraints().ask({"answer": text, "constraints": [item.plain()], "ground": [], "mode": "strict"})
        for given in (*EMPTY, asked, item.tell(), item.tell().upper(), f"Sure! {item.tell()}"):
            assert not item.met(Reply(given)), (item, given)


@pytest.mark.parametrize("name", [name for name in TYPES if fields(constraint_types()[name])])
def test_parameters_decide(name: str) -> None:
    """A witness for other parameters is rejected."""
    found = dict(drawn(name))
    assert len(found) > 1, "draws must differ"
    if any(item.lacks() for item in found):
        return
    pairs = list(itertools.permutations(found, 2))
    if name in LOOSE:
        texts = [Reply(drawn(other)[0][1]) for other in TYPES]
        assert any(one.met(text) and not other.met(text) for one, other in pairs for text in texts)
    else:
        assert any(not one.met(Reply(found[other])) for one, other in pairs)


@pytest.mark.parametrize("name", TYPES)
def test_it_comes_back_from_its_json(name: str) -> None:
    for item, _ in drawn(name):
        back = constraint(json.loads(json.dumps(item.plain())))
        assert back == item
        assert back.tell() == item.tell()


@pytest.mark.parametrize("name", TYPES)
def test_what_it_says_is_plain(name: str) -> None:
    for item, _ in drawn(name):
        told = item.tell()
        assert told.endswith(".")
        assert "\n" not in told
        assert told == " ".join(told.split())
        assert told[0].isupper() or not told[0].isalpha()


@pytest.mark.parametrize("name", TYPES)
def test_bad_parameters_raise(name: str) -> None:
    plain = drawn(name)[0][0].plain()
    with pytest.raises(ValueError, match=name):
        constraint({**plain, "unknown": 1})
    for field in fields(constraint_types()[name]):
        wrong: dict[str, tuple[Any, ...]] = {
            "int": (-(10**9), 10**9, "3", 3.0, True, None, [3]),
            "str": ("", "x" * (LONGEST + 1), 3, None, ["x"]),
            "bool": (1, "true", None),
            "tuple[str, ...]": ([], "word", [1], [""], None),
        }
        for value in wrong[str(field.type)]:
            with pytest.raises(ValueError, match=r"."):
                constraint({**plain, field.name: value})
        with pytest.raises(ValueError, match=name):
            constraint({key: value for key, value in plain.items() if key != field.name})


@pytest.mark.parametrize("name", TYPES)
def test_odd_material_gives_one_or_none(name: str) -> None:
    for text, foreign in (
        ("", ""),
        ("语言模型。天气很好。" * 20, "ok"),
        ("x=1\n{a}[b]", "y"),
        ("ÉTÉ éclair œuvre. " * 30, "été"),
    ):
        material, rng = Material(text, foreign), Rng("odd", name)
        try:
            item = constraint_types()[name].draw(material, rng)
            assert item.lacks() or item.met(Reply(witness([item], material, rng)))
        except Conflict:
            continue


@cache
def hostile() -> tuple[Reply, ...]:
    return tuple(Reply(text[:LONGEST]) for text in HOSTILE)


@pytest.mark.parametrize("name", TYPES)
def test_hostile_texts_take_linear_time(name: str) -> None:
    item = drawn(name)[0][0]
    if item.lacks():
        return
    start = time.process_time()
    for reply in hostile():
        item.holds(reply)
        item.met(reply)
    # All twelve take 0.3 s or less, and the first constraint pays for what the replies count once; a quadratic one
    # takes minutes.
    assert time.process_time() - start < 5
