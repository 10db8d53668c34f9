"""CPython behind bubblewrap: off by default; where it runs, the same attacks get as little."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import corpora
import hostile_programs
import pytest
from hostile_programs import ESCAPES, GREEDY, RESPONSES

from ssrl_data import programs
from ssrl_data.answers.program import Program
from ssrl_data.programs import Limits, Outcome, run, run_all

SHORT = Limits(seconds=0.5)
LIBRARY = """
import string, textwrap, unicodedata

def evaluate(response):
    return len(textwrap.wrap(response.strip(string.punctuation), 10)) == 2
"""
# What the other interpreter refuses and CPython does within one process that sees nothing and ends; no shell starts.
HARMLESS = {
    "set a variable",
    "who is asked",
    "signal",
    "C library",
    "garbage collector",
    "mmap",
    "subclasses",
    "classes by their order",
    "globals of a function",
    "code of a function",
    "closure",
    "format walks to the class",
    "attrgetter",
    "getattr by parts",
    "recursion limit",
    "trace",
    "exit handler",
    "system's randomness",
    "loader",
    "spec",
    "pickle",
    "import the builtins",
    "builtins of a method",
    "compile",
    "eval",
    "eval of the response",
    "exec",
    "frames",
    "frames of an error",
    "frames of inspect",
    "import by name",
    "importlib",
    "list a folder",
    "main module",
    "shell",
    "walk the root",
}


@pytest.fixture(scope="module", autouse=True)
def switched_on() -> Iterator[None]:
    """The engine from Debian's package where it is not installed; skips where the kernel refuses it."""
    before = {name: os.environ.get(name) for name in ("PATH", programs.SWITCH)}
    os.environ[programs.SWITCH] = "bubblewrap"
    if "bwrap" in programs.fault("bubblewrap"):
        os.environ["PATH"] += f":{corpora.debian('bubblewrap') / 'usr/bin'}"
    os.environ["SSRL_PLANTED"] = hostile_programs.SECRET
    Path(hostile_programs.FILE).write_text(hostile_programs.SECRET)
    programs.close()
    if reason := programs.fault("bubblewrap"):
        pytest.skip(reason)
    yield
    programs.close()
    Path(hostile_programs.FILE).unlink(missing_ok=True)
    del os.environ["SSRL_PLANTED"]
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value


def test_checkers_may_use_the_standard_library() -> None:
    assert run_all(LIBRARY, ["five words of a text!", "x"], engine="bubblewrap") == [Outcome(True), Outcome(False)]
    assert run(LIBRARY, "words and a text.", engine="bubblewrap") == Outcome(True)
    assert run(LIBRARY, "words and a text.") == Outcome(None, "error")
    answer = Program().answer("words and a text.", ["x"], [LIBRARY], chance=0.1, engine="bubblewrap")
    assert answer.value["engine"].startswith("bubblewrap ")
    assert Program().grade("words and a text.", answer.value, answer.credit).score == 1.0


@pytest.mark.parametrize("name", sorted(set(ESCAPES) - HARMLESS)[::3])
def test_no_escape(name: str) -> None:
    start = time.monotonic()
    for response in ("x", RESPONSES["a call of the system"]):
        outcome = run(ESCAPES[name], response, SHORT, "bubblewrap")
        assert outcome.accepted is not True
        assert outcome.reason != "broken"
    assert time.monotonic() - start < 12.0
    assert Path(hostile_programs.FILE).read_text() == hostile_programs.SECRET
    assert os.listdir(hostile_programs.FOLDER) == [Path(hostile_programs.FILE).name]


@pytest.mark.parametrize("name", sorted(GREEDY)[::7])
def test_each_ends_within_its_budget(name: str) -> None:
    start = time.monotonic()
    outcome = run(GREEDY[name], "x", SHORT, "bubblewrap")
    assert time.monotonic() - start < 6.0
    assert outcome.reason != "broken"


SEES = """
import os
def evaluate(response):
    found = []
    for top in os.listdir("/"):
        for folder, _, files in os.walk(os.path.realpath("/" + top)):
            if not folder.startswith(("/usr/lib", response)):
                found += files
    return found == [] and sorted(os.environ) in (["PWD", "PYTHONHASHSEED"], ["LC_CTYPE", "PWD", "PYTHONHASHSEED"])
"""


def test_only_the_interpreter_s_own_files_are_seen() -> None:
    assert run(SEES, sys.base_prefix, Limits(seconds=10), "bubblewrap") == Outcome(True)


@pytest.mark.parametrize(
    "call",
    [
        "os.fork()",
        "os.forkpty()",
        "os.pipe()",
        "os.kill(1, 9)",
        "os.mkdir('/a')",
        "os.symlink('a', '/b')",
        "os.chmod('/usr', 0o777)",
        "os.memfd_create('x')",
        "socket.socketpair()",
        "os.setuid(0)",
        "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
        "libc_call('unshare', 0x10000000)",
        "libc_call('ptrace', 0, 0, 0, 0)",
        "libc_call('mount', b'a', b'/', b'tmpfs', 0, 0)",
        "libc_call('syscall', 425, 1, 0)",  # io_uring_setup
        "libc_call('syscall', 0x40000000 + 39)",  # getpid, as the other set of calls of this processor
    ],
)
def test_the_kernel_refuses(call: str) -> None:
    source = (
        "import os, socket, resource, ctypes\n"
        "def libc_call(name, *arguments):\n"
        "    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) < 0:\n"
        "        raise OSError(ctypes.get_errno(), name)\n"
        "def evaluate(response):\n"
        "    try:\n"
        f"        {call}\n"
        "    except (OSError, ValueError):\n"
        "        return True\n"
        "    return False\n"
    )
    assert run(source, "x", SHORT, "bubblewrap") == Outcome(True)
