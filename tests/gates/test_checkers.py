"""What instructions accept, alone and together, and what a fixed reply earns on them."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from itertools import product

import made_rows
import pytest

from ssrl_data.core import Skip, SsrlError
from ssrl_data.gates import checkers
from ssrl_data.gates.checkers import Judge, combined, earned, measured
from ssrl_data.media.instruction import Instruction


def having(word: str, *more: str, need: float = 0.5) -> Instruction:
    """An instruction to use a word; further checkers ask for other words."""
    sources = tuple(f"def evaluate(response):\n    return {w!r} in response.split()\n" for w in (word, *more))
    return Instruction(f"Use the word {word}.", sources, " ".join((word, *more)), ("nothing",), need=need)


LOOP = "def evaluate(response):\n    while True:\n        pass\n"
CRASH = "def evaluate(response):\n    return 1 / 0\n"
FAST = {"seconds": 0.1}


def test_more_than_the_share_must_accept_and_a_failure_is_against() -> None:
    for count, need in product((1, 2, 3, 4, 5), (0.0, 0.2, 0.25, 0.5, 0.6, 0.75, 0.99)):
        words = [f"w{n}" for n in range(count)]
        judge = Judge.of(having(words[0], *words[1:], need=need))
        for said in range(count + 1):
            assert judge.accepts(" ".join(words[:said])) == (said > need * count), (count, need, said)
    good = having("sea").checkers[0]
    for bad in (CRASH, LOOP, "def evaluate(response):\n    return 'yes'\n", "def other(): pass\n", "def evaluate(:\n"):
        judge = Judge((good, bad, good), 0.5, tuple(FAST.items()), "pydantic-monty")
        assert judge.accepts("sea")
        assert not dataclasses.replace(judge, need=0.7).accepts("sea")
        assert not dataclasses.replace(judge, checkers=(good, bad, bad)).accepts("sea")


def test_what_several_accept_each_of_them_accepts() -> None:
    """Over all ways in which the checkers can be for and against."""
    for sizes in ((1, 1), (2, 3), (3, 3), (3, 4), (1, 3, 5), (3, 3, 3)):
        names = [[f"i{n}c{m}" for m in range(size)] for n, size in enumerate(sizes)]
        found = [having(words[0], *words[1:]) for words in names]
        judges = [Judge.of(item) for item in found]
        judge = combined(found).judge
        flat = [word for words in names for word in words]
        accepted = 0
        for mask in range(1 << len(flat)):
            text = " ".join(word for bit, word in enumerate(flat) if mask >> bit & 1)
            if judge.accepts(text):
                assert all(one.accepts(text) for one in judges), text
                accepted += 1
        assert judge.accepts(" ".join(flat))
        assert accepted >= (1 if min(sizes) < 3 else 2), "one may be against where each instruction would stand it"


def test_the_misses_of_several_are_first_those_that_follow_all_but_one() -> None:
    found = [having("sea"), having("moon"), having("salt")]
    together = combined(found)
    assert set(together.gold.split()) == {"sea", "moon", "salt"}
    lacking = [{"sea", "moon", "salt"} - set(text.split()) for text in together.misses]
    assert [len(words) for words in lacking[:6]] == [1] * 6
    assert {next(iter(words)) for words in lacking[:3]} == {"sea", "moon", "salt"}
    assert all(lacking)
    assert combined(found[:1]).misses == ("nothing",)


def test_instructions_that_do_not_go_together_are_refused() -> None:
    sea = having("sea")
    never = Instruction("No sea.", ("def evaluate(response):\n    return 'sea' not in response\n",), "land", ("sea",))
    with pytest.raises(Skip, match="no response follows all"):
        combined([sea, never])
    with pytest.raises(Skip, match="adds nothing"):
        combined([sea, dataclasses.replace(sea, text="Let the word sea be there.")])
    with pytest.raises(Skip, match="several engines or limits"):
        combined([sea, dataclasses.replace(having("moon"), limits=FAST)])


@pytest.mark.parametrize(
    "source",
    [
        "import random\n\ndef evaluate(response):\n    return random.random() < 2\n",
        "from time import time\n\ndef evaluate(response):\n    return time() > 0\n",
        "import math, random\n\ndef evaluate(response):\n    return True\n",
        "def evaluate(response):\n    import random\n    return True\n",
        "def evaluate(response):\n    return hash(response) != 7\n",
        "def evaluate(response):\n    return id(response) != 7\n",
        "import datetime\n\ndef evaluate(response):\n    return datetime.datetime.now().year > 2000\n",
    ],
)
def test_a_checker_that_asks_for_chance_or_time_is_not_steady(source: str) -> None:
    assert not Judge((source,), 0.5, (), "pydantic-monty").steady([])


@pytest.mark.parametrize(
    "source",
    [
        "import re\n\ndef evaluate(response):\n    return 'random time hash' in response\n",
        "def evaluate(response):\n    time = response.count('hash')\n    return time == 1\n",
        "def evaluate(response):\n    return valid(response)\n\ndef valid(text):\n    return bool(text)\n",
        "import datetime\n\ndef evaluate(response):\n    return bool(datetime.date(2000, 1, 1))\n",
    ],
)
def test_words_that_look_like_it_are_no_reason(source: str) -> None:
    judge = Judge((source,), 0.5, (), "pydantic-monty")
    assert judge.steady(["a", "", "random time hash"])


def test_outcomes_that_differ_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    flips = iter([True, False] * 8)
    real = checkers.programs.run
    monkeypatch.setattr(checkers.programs, "run", lambda *args: real(*args)._replace(accepted=next(flips)))
    source = "def evaluate(response):\n    return len(response) > 41\n"
    assert not Judge((source,), 0.5, (), "pydantic-monty").steady(["a text that no other test has asked about"])


def test_what_a_fixed_reply_earns_is_the_best_of_the_golds() -> None:
    """Of ten instructions three ask for the same word; one more never makes a row."""
    same = [dataclasses.replace(having("sea"), text=f"Say sea {n}.") for n in range(3)]
    others = [having(f"w{n}") for n in range(7)]
    broken = dataclasses.replace(having("sun"), gold="moon")
    shares = [Fraction(share).limit_denominator(1000) for share in json.loads(measured([*same, broken, *others]))]
    assert shares[0] == Fraction(3 + 1, 10 + 2)
    # A gold holds one word, so none follows two that differ; those that ask for the same are no combination.
    assert shares[1] == Fraction(1, 45 - 3 + 2)
    assert shares[2] == Fraction(1, 35 + 3 * 21 + 2)
    loose = [having(f"w{n}") for n in range(4)]
    loose[0] = dataclasses.replace(loose[0], gold="w0 w1 w2")
    prepared = measured(loose)
    assert earned(prepared, 1) == pytest.approx(4 / 6)
    assert 0 < earned(prepared, 2) < 1
    assert 0 < earned(measured([]), 3) < 1


def test_golds_that_run_out_of_time_are_asked_once() -> None:
    slow = Instruction("Wait.", (LOOP,), "gold", ("miss",), limits=FAST)
    assert json.loads(measured([slow] * 3)) == json.loads(measured([]))


def test_stock_replies_are_accepted_by_no_instruction_of_the_corpus() -> None:
    found = [
        made_rows.record(name).instruction for name, (_, e) in made_rows.texts().items() if e.media == "instruction"
    ]
    assert len(found) > 10
    for item in found:
        assert item is not None
        judge = Judge.of(item)
        assert judge.accepts(item.gold)
        for text in (*checkers.STOCK, *item.misses, item.text):
            assert not judge.accepts(text), (item.text, text)
        # Each checker by itself, so that none is carried by the others.
        for source in item.checkers:
            one = dataclasses.replace(judge, checkers=(source,))
            assert one.accepts(item.gold), source
            assert not any(map(one.accepts, (*checkers.STOCK, *item.misses))), source


def test_an_engine_that_does_not_start_is_the_users_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = checkers.programs.Outcome(None, checkers.programs.BROKEN)
    monkeypatch.setattr(checkers.programs, "run", lambda *args: broken)
    with pytest.raises(SsrlError, match="checkers cannot be run: the engine pydantic-monty does not start"):
        Judge.of(having("a word that is asked for here alone")).accepts("anything")
