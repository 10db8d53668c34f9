"""Checkers are run and bounded: none gets out, each ends, none remembers, and the pool is well afterwards."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import hostile_programs
import psutil
import pytest
from hostile_programs import ESCAPES, GREEDY, RESPONSES, UNREADABLE, UNSTEADY
from killed_programs import CALL, LONG, killed, workers

from ssrl_data import programs
from ssrl_data.core import SsrlError
from ssrl_data.programs import Limits, Outcome, run, run_all, run_matrix

SHORT = Limits(seconds=0.5)
SLACK = 2.0
"""Seconds that a busy machine may add to a run."""

TWICE = """
import re

def words(text):
    return re.findall(r"[a-z']+", text.lower())

def evaluate(response):
    return words(response).count("tide") == 2
"""


@pytest.fixture(scope="module", autouse=True)
def planted() -> Iterator[None]:
    """The secret where a checker would look for it, before any engine starts."""
    programs.close()
    os.environ["SSRL_PLANTED"] = hostile_programs.SECRET
    Path(hostile_programs.FILE).write_text(hostile_programs.SECRET)
    yield
    Path(hostile_programs.FILE).unlink(missing_ok=True)
    del os.environ["SSRL_PLANTED"]
    programs.close()


def well() -> None:
    """The pool judges, and rightly."""
    assert run_all(TWICE, ["Tide by tide.", "tide"]) == [Outcome(True), Outcome(False)]
    assert len(workers()) <= 8  # two, each with an interpreter; and what another test's pool may hold


def test_what_a_checker_says() -> None:
    assert run(TWICE, "The tide's not the tide. Tide!") == Outcome(True)
    assert run(TWICE, "The tide's not the tide, nor a tide. Tide!") == Outcome(False)
    assert run_all(LONG, ["a", "long", ""]) == [Outcome(False), Outcome(True), Outcome(False)]
    assert run_matrix([LONG, TWICE], ["tide", "tide tide", "a"]) == [
        [Outcome(True), Outcome(True), Outcome(False)],
        [Outcome(False), Outcome(True), Outcome(False)],
    ]
    assert run_matrix([], ["a"]) == []
    assert run_matrix([LONG, TWICE], []) == [[], []]
    assert run_all(LONG, ["a" * (n % 7) for n in range(200)]) == [Outcome(n % 7 > 3) for n in range(200)]


@pytest.mark.parametrize("engine", ["pydantic-monty", "pydantic-monty 1.4.0", "pydantic-monty 99"])
def test_the_installed_version_of_the_engine_runs(engine: str) -> None:
    assert run(LONG, "long", engine=engine) == Outcome(True)
    assert re.fullmatch(r"pydantic-monty \d+\.\d+\.\S+", programs.engine_version(engine))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def evaluate(response): return response.no", "error"),
        ("def evaluate(response): return 1", "not a bool"),
        ("def evaluate(response: return 1", "syntax"),
        ("", "error"),
        ("def evaluate(): return True", "error"),
        ("def evaluate(response):\n while True: pass", "timeout"),
        ("def evaluate(response): return len('x' * 10 ** 9) > 1", "memory"),
        ("def evaluate(response): return evaluate(response)", "error"),
        ("def evaluate(response):\n print('x' * 20_000)\n return True", "output"),
        ("#" + "x" * (1 << 15), "unreadable"),
        ("'\ud800'", "unreadable"),
    ],
)
def test_a_run_without_an_outcome_is_none_and_counted(source: str, reason: str) -> None:
    before = programs.failures().get(reason, 0)
    assert run(source, "x", SHORT) == Outcome(None, reason)
    assert programs.failures()[reason] == before + 1


def test_limits_hold_where_they_are_set() -> None:
    spin = "def evaluate(response):\n n = 0\n while n < 10 ** 9: n += 1\n return True"
    start = time.monotonic()
    assert run(spin, "", Limits(seconds=0.1)).reason == "timeout"
    assert time.monotonic() - start < 1.5
    ten = "def evaluate(response): return len('x' * 10_000_000) > 0"
    assert run(ten, "", Limits(memory=8 << 20)).reason == "memory"
    assert run(ten, "", Limits(memory=16 << 20)) == Outcome(True)
    deep = "def f(n): return n if n == 0 else f(n - 1)\ndef evaluate(response): return f(150) == 0"
    assert run(deep, "", Limits(recursion=100)).reason == "error"
    assert run(deep, "") == Outcome(True)
    prints = "def evaluate(response):\n print('x' * 99)\n return True"  # and the end of the line
    assert run(prints, "", Limits(output=99)).reason == "output"
    assert run(prints, "", Limits(output=100)) == Outcome(True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seconds", 0),
        ("seconds", 11),
        ("seconds", float("nan")),
        ("seconds", True),
        ("memory", 1 << 40),
        ("memory", 1.5),
        ("recursion", 10_000),
        ("output", -1),
        ("output", "9"),
    ],
)
def test_a_limit_out_of_range_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"limit {name} is .*: it must be a number from"):
        Limits(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(ESCAPES))
def test_no_escape(name: str) -> None:
    start = time.monotonic()
    for response in ("x", RESPONSES["a call of the system"], RESPONSES["a pickle"]):
        assert run(ESCAPES[name], response, SHORT).accepted is not True
    assert time.monotonic() - start < 3 * (0.5 + programs.GRACE) + SLACK
    assert Path(hostile_programs.FILE).read_text() == hostile_programs.SECRET
    assert os.listdir(hostile_programs.FOLDER) == [Path(hostile_programs.FILE).name]


@pytest.mark.parametrize("name", list(GREEDY))
def test_each_ends_within_its_budget(name: str) -> None:
    run(LONG, "x")
    start = time.monotonic()
    outcome = run(GREEDY[name], RESPONSES["a pattern"], SHORT)
    assert time.monotonic() - start < 0.5 + programs.GRACE + SLACK
    assert outcome.accepted is not True
    assert outcome.reason != "broken"


def test_a_checker_that_kills_the_interpreter_costs_its_own_runs_alone() -> None:
    fatal = GREEDY["class and object handed to a name that is not there"]
    found = run_matrix([LONG, fatal, TWICE], ["tide tide", "x"], SHORT)
    assert [row[0] for row in found] == [Outcome(True), found[1][0], Outcome(True)]
    assert [row[1] for row in found] == [Outcome(False), found[1][1], Outcome(False)]
    assert {outcome.accepted for outcome in found[1]} <= {None, False}
    assert "broken" not in {outcome.reason for outcome in found[1]}
    well()


def test_there_are_many_and_the_pool_is_well_after_all_of_them() -> None:
    assert len(ESCAPES) + len(GREEDY) + len(RESPONSES) + len(UNREADABLE) + len(UNSTEADY) >= 200
    well()


def test_the_interpreter_knows_nothing_of_its_parents() -> None:
    run(LONG, "x")
    found = [process for process in workers() if process.name() == "monty"]
    assert found
    for process in found:
        assert process.environ() == {}
        opened = [os.readlink(path) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
        assert all(path.startswith(("pipe:", "/dev/null")) or path in _inherited() for path in opened)
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        assert re.search(r"Max file size +0 ", limits)
        assert re.search(r"Max address space +1073741824 ", limits)
        assert re.search(r"Max cpu time +unlimited", limits)


def _inherited() -> set[str]:
    """What this process was itself given open, which has nothing to do with checkers."""
    return {os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.exists()}


@pytest.mark.parametrize("name", list(RESPONSES))
def test_a_response_is_data(name: str) -> None:
    """The checker is handed the very text, whatever it is."""
    text = RESPONSES[name]
    codes = "def evaluate(response):\n    return (len(response), sum(map(ord, response))) == ({}, {})\n"
    assert run(codes.format(len(text), sum(map(ord, text))), text) == Outcome(True)
    assert run(codes.format(len(text), sum(map(ord, text)) + 1), text) == Outcome(False)


@pytest.mark.parametrize("name", list(UNREADABLE))
def test_what_is_no_text_or_too_long_is_not_judged(name: str) -> None:
    assert run("def evaluate(response): return True", UNREADABLE[name]) == Outcome(None, "unreadable")
    assert run_all(LONG, ["long", UNREADABLE[name], "x"])[::2] == [Outcome(True), Outcome(False)]


@pytest.mark.parametrize("name", list(UNSTEADY))
def test_no_run_leaves_anything_for_the_next(name: str) -> None:
    source = UNSTEADY[name]
    first = run(source, "response")
    assert set(run_all(source, ["response"] * 20)) == {first}
    assert {row[0] for row in run_matrix([source] * 5, ["response"])} == {first}
    assert run_all(source, ["other", "response"])[1] == first
    with ThreadPoolExecutor(2) as threads:
        assert set(threads.map(lambda _: run(source, "response"), range(6))) == {first}
    programs.close()  # and in processes that are new
    assert run(source, "response") == first


def test_nothing_of_a_response_is_left_for_the_next() -> None:
    """Whether a name, a builtin or a module's state was tampered with, the next run finds a fresh one."""
    tamper = (
        "import re, json, math\n"
        "len = print = str = lambda *a: True\n"
        "def evaluate(response):\n"
        "    global planted\n"
        "    planted = response\n"
        "    for module in (re, json, math):\n"
        "        try:\n"
        "            module.planted = response\n"
        "        except Exception:\n"
        "            pass\n"
        "    return True\n"
    )
    look = (
        "import re, json, math\n"
        "def evaluate(response):\n"
        "    try:\n"
        "        return planted == response\n"
        "    except NameError:\n"
        "        pass\n"
        "    return any(hasattr(module, 'planted') for module in (re, json, math)) or len('ab') != 2\n"
    )
    for _ in range(3):
        assert [row[0] for row in run_matrix([tamper, look, tamper, look], ["x"])] == [
            Outcome(True),
            Outcome(False),
            Outcome(True),
            Outcome(False),
        ]


def test_threads_share_the_pool() -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: run(LONG, "x" * (n % 8)), range(200)))
    assert found == [Outcome(n % 8 > 3) for n in range(200)]
    well()


def test_an_interpreter_that_is_stopped_is_killed_in_time() -> None:
    """Its own limit cannot hold then: the deadline outside does."""
    run(LONG, "x")
    stop = Thread(target=lambda: (time.sleep(0.3), [p.suspend() for p in workers() if p.name() == "monty"]))
    stop.start()
    start = time.monotonic()
    assert run(GREEDY["loop"], "x", Limits(seconds=1.0)) == Outcome(None, "timeout")
    assert time.monotonic() - start < 3.0
    stop.join()
    for process in workers():
        process.kill()  # another thread's may still be stopped
    well()


def test_a_killed_interpreter_is_replaced_and_its_run_repeated() -> None:
    def kill() -> None:
        time.sleep(0.3)
        for process in workers():
            if process.name() == "monty":
                process.kill()

    slow = "def evaluate(response):\n n = 0\n while n < 3_000_000: n += 1\n return len(response) == 2\n"
    for response, accepted in (("ab", True), ("abc", False)):
        killer = Thread(target=kill)
        killer.start()
        assert run(slow, response, Limits(seconds=10)) == Outcome(accepted)
        killer.join()
    well()


def test_the_pool_survives_kills() -> None:
    """Two kills cost no more than the call that both meet, and none gives a wrong verdict."""
    found = killed(20, 60.0)
    assert found.kills == 20
    assert found.wrong == 0
    assert found.lost <= CALL * (found.kills // 2)
    assert found.runs > 200
    well()


def _forked(out: int) -> None:
    os.write(out, str(run(LONG, "long")).encode())
    programs.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_starts_engines_of_its_own() -> None:
    well()
    before = {process.pid for process in workers()}
    read, write = os.pipe()
    child = multiprocessing.get_context("fork").Process(target=_forked, args=(write,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert os.read(read, 100) == b"Outcome(accepted=True, reason='')"
    os.close(read)
    os.close(write)
    well()
    assert before <= {process.pid for process in workers()}


def test_engines_end_with_a_killed_parent() -> None:
    code = f"""
import threading, time, psutil
from ssrl_data import programs
programs.run({LONG!r}, "x")
threading.Thread(target=programs.run, args=({GREEDY["loop"]!r}, "x"), daemon=True).start()
time.sleep(0.3)
print(*(process.pid for process in psutil.Process().children(recursive=True)), flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) >= 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 10
    while any(map(psutil.pid_exists, pids)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any(map(psutil.pid_exists, pids))


def test_an_engine_that_is_not_there_is_told_and_nothing_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_monty_version", lambda: "")
    assert run(LONG, "long") == Outcome(None, "broken")
    with pytest.raises(SsrlError, match=r'pip install "ssrl\[instruct\]"'):
        programs.engine_version()


def test_an_engine_that_does_not_start_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    programs.close()
    monkeypatch.setenv("MONTY_BIN", "/bin/false")
    assert run_all(LONG, ["long", "x"]) == [Outcome(None, "broken")] * 2
    monkeypatch.delenv("MONTY_BIN")
    programs.close()
    well()


def test_an_unknown_engine_is_refused() -> None:
    assert run(LONG, "long", engine="cpython 3.11") == Outcome(None, "broken")
    with pytest.raises(SsrlError, match=r"engine 'cpython' is unknown"):
        programs.engine_version("cpython 3.11")


def test_the_second_engine_is_off_and_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(programs.SWITCH, raising=False)
    assert run(LONG, "long", engine="bubblewrap") == Outcome(None, "broken")
    assert "set SSRL_ENGINES=bubblewrap" in programs.fault("bubblewrap")
    monkeypatch.setenv(programs.SWITCH, "bubblewrap")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install your system's package bubblewrap" in programs.fault("bubblewrap")
    assert run(LONG, "long", engine="bubblewrap 0.8.0") == Outcome(None, "broken")
    refused = tmp_path / "bwrap"
    refused.write_text("#!/bin/sh\nexit 1\n")
    refused.chmod(0o755)
    assert "the kernel refuses" in programs.fault("bubblewrap")
