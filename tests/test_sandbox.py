"""The sandbox: what hangs, crashes or takes all memory costs its own call, and is counted."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest

from ssrl_data import sandbox
from ssrl_data.sandbox import Pool


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(2)
    yield made
    made.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("function", "argument", "reason"),
    [
        ("wait", 30, "timeout"),
        ("spin", None, "timeout"),
        ("spin_in_c", None, "timeout"),
        ("deaf", None, "timeout"),
        ("eat", None, "memory"),
        ("leave", 0, "crash"),
        ("leave", 3, "crash"),
        ("crash", None, "crash"),
        ("fail", None, "error"),
        ("nest", None, "error"),
        ("nothing", None, "error"),
        ("no_such_function", None, "error"),
    ],
)
def test_a_call_that_fails_is_none_counted_and_does_not_harm_the_next(
    pool: Pool, function: str, argument: object, reason: str
) -> None:
    assert pool.call("sandboxed:double", 1, 5.0) == 2  # so that the start does not count below
    start = time.monotonic()
    assert pool.call(f"sandboxed:{function}", argument, 1.0) is None
    assert time.monotonic() - start < 4.0
    assert pool.failures() == {reason: 1}
    assert pool.call("sandboxed:double", [1], 5.0) == [1, 1]
    assert pool.failures() == {reason: 1}


def test_a_module_that_is_not_there_is_an_error_and_not_an_exception(pool: Pool) -> None:
    assert pool.call("no_such_module:f", 1, 5.0) is None
    assert pool.failures() == {"error": 1}


def test_what_a_library_prints_is_no_answer(pool: Pool) -> None:
    assert pool.call("sandboxed:shout", 0, 5.0) == "quiet"


def test_a_worker_is_kept_and_replaced_after_many_calls() -> None:
    pool = Pool(2, most_calls=3)
    pids = [pool.call("sandboxed:who", 0, 5.0) for _ in range(4)]
    assert len(set(pids[:3])) == 1
    assert pids[3] != pids[0]
    assert not alive(int(pids[0] or 0))
    pool.close()


def test_many_threads_share_few_workers(pool: Pool) -> None:
    with ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda n: pool.call("sandboxed:double", n, 5.0), range(200)))
        pids = set(threads.map(lambda _: pool.call("sandboxed:who", 0, 5.0), range(50)))
    assert results == [2 * n for n in range(200)]
    assert len(pids) <= 2
    assert pool.failures() == {}


def test_waiting_for_a_worker_is_bounded(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "PATIENCE", 0.5)
    pool.call("sandboxed:double", 1, 5.0)
    busy = [Thread(target=pool.call, args=("sandboxed:wait", 4, 10.0)) for _ in range(2)]
    for thread in busy:
        thread.start()
    time.sleep(1.5)
    start = time.monotonic()
    assert pool.call("sandboxed:double", 1, 5.0) is None
    assert time.monotonic() - start < 2.0
    assert pool.failures() == {"busy": 1}
    for thread in busy:
        thread.join()
    assert pool.call("sandboxed:double", 1, 5.0) == 2


def test_no_worker_can_be_started(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.sys, "executable", "/no/such/python")
    assert pool.call("sandboxed:double", 1, 5.0) is None
    assert pool.failures() == {"broken": 1}
    monkeypatch.setattr(sandbox.sys, "executable", "/bin/false")
    assert pool.call("sandboxed:double", 1, 5.0) is None
    assert pool.failures() == {"broken": 2}


def test_an_argument_too_long_is_refused(pool: Pool) -> None:
    with pytest.raises(ValueError, match=r"too long for the sandbox"):
        pool.call("sandboxed:double", "x" * 70_000, 5.0)


def test_an_argument_longer_than_a_pipe_takes_never_blocks() -> None:
    pool = Pool(1, longest=1 << 20)
    text = "x" * 400_000
    assert pool.call("sandboxed:double", text, 5.0) == text + text
    start = time.monotonic()
    worker = int(pool.call("sandboxed:who", 0, 5.0) or 0)
    os.kill(worker, signal.SIGSTOP)
    assert pool.call("sandboxed:double", text, 1.0) is None
    assert time.monotonic() - start < 4.0
    assert pool.failures() == {"timeout": 1}
    assert not alive(worker)
    assert pool.call("sandboxed:double", text, 5.0) == text + text
    pool.close()


def _forked(pool: Pool, worker: int, out: int) -> None:
    os.write(out, f"{pool.call('sandboxed:double', 4, 5.0)} {pool.call('sandboxed:who', 0, 5.0) != worker}".encode())
    pool.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_starts_workers_of_its_own(pool: Pool) -> None:
    worker = pool.call("sandboxed:who", 0, 5.0)
    read, write = os.pipe()
    child = multiprocessing.get_context("fork").Process(target=_forked, args=(pool, worker, write))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert os.read(read, 100) == b"8 True"
    os.close(read)
    os.close(write)
    assert pool.call("sandboxed:who", 0, 5.0) == worker


@pytest.mark.parametrize("busy", [False, True])
def test_workers_end_with_a_killed_parent(tmp_path: Path, busy: bool) -> None:
    code = f"""
import sys, threading, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from ssrl_data import sandbox
print(sandbox.call("sandboxed:who", 0, 5.0), flush=True)
if {busy}:
    threading.Thread(target=sandbox.call, args=("sandboxed:spin", 0, 3.0), daemon=True).start()
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert alive(worker)
    time.sleep(0.5)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 10
    while alive(worker) and time.monotonic() < until:
        time.sleep(0.1)
    assert not alive(worker)
