"""Calls into code that may hang, crash or take all memory, in worker processes that can be killed.

A worker is a fresh interpreter, started on the first call and kept for later ones. A call has a deadline of wall time
held here, and limits of processor time and memory held by the system; whatever goes beyond them is killed and counted,
and the call gives None. Nothing here depends on signals to this process or on its main thread, only JSON crosses the
pipes, and a worker ends with the process that started it: at once when idle, within its deadline when busy.
"""

from __future__ import annotations

import atexit
import importlib
import json
import logging
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from threading import Condition
from typing import IO

from ssrl_data.core import Json

WORKERS = 2
"""Workers of one process at most; a trainer has as many processes as it has accelerators."""

MEMORY = 1 << 30
"""Bytes of address space of a worker."""

START = 60.0
"""Seconds that a worker may take to start and to import the module that is called."""

PATIENCE = 30.0
"""Seconds that a call waits for a worker while others hold them all."""

MOST_CALLS = 1000
"""Calls after which a worker is replaced, so that what libraries keep of each cannot add up."""

LONGEST = 60_000
"""Bytes of an argument as JSON."""

LONGEST_RESULT = 1_000_000
"""Bytes of a result as JSON."""

TIMEOUT, MEMORY_LIMIT, CRASH, ERROR, BUSY, BROKEN = "timeout", "memory", "crash", "error", "busy", "broken"
"""What a failed call is counted as: beyond its deadline; beyond its memory; the worker died; the function raised;
no worker was free in `PATIENCE`; no worker could be started."""

_LOG = logging.getLogger("ssrl.sandbox")
_BOOT = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from ssrl_data.sandbox import serve; serve()"


class _Failed(Exception):
    """A call without a result; its text is one of the words above."""


class Pool:
    """At most `workers` processes, shared by all threads of this one.

    Args:
        workers: processes.
        longest: bytes of an argument as JSON.
        most_calls: calls after which a worker is replaced.
    """

    def __init__(self, workers: int = WORKERS, longest: int = LONGEST, most_calls: int = MOST_CALLS) -> None:
        self._workers, self._longest, self._most_calls = workers, longest, most_calls
        self._reset()
        os.register_at_fork(after_in_child=self._abandon)
        atexit.register(self.close)

    def _reset(self) -> None:
        self._changed = Condition()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._starting = 0
        self._failures: Counter[str] = Counter()

    def call(self, function: str, argument: Json, seconds: float) -> Json | None:
        """What the function returns for the argument, or None where there is no result; `failures` counts why.

        Args:
            function: `package.module:name` of a function that takes and returns one JSON value, not None.
            argument: its argument, up to `longest` bytes as JSON.
            seconds: deadline of the call in wall time, and limit of its processor time (rounded up). Waiting for a
                worker (`PATIENCE`) and importing the module (`START`) come on top, each bounded.

        Raises:
            ValueError: the argument is too long, or is not JSON.
        """
        line = json.dumps([function, argument, seconds]).encode() + b"\n"
        if len(line) > self._longest:
            raise ValueError(f"an argument of {len(line)} bytes is too long for the sandbox: {self._longest} at most")
        try:
            worker = self._take()
            try:
                result = worker.call(function.partition(":")[0], line, seconds)
            finally:
                self._give_back(worker)
        except _Failed as failed:
            self._count(str(failed), function)
            return None
        return result

    def failures(self) -> dict[str, int]:
        """How many calls of this process had no result, by reason."""
        with self._changed:
            return dict(self._failures)

    def close(self) -> None:
        """Kill the workers; a later call starts new ones."""
        with self._changed:
            for worker in (*self._idle, *self._busy):
                worker.kill()
            self._idle.clear()

    def _abandon(self) -> None:
        """Called in a process forked from this one, which must not hold the pipes of workers that are not its own."""
        for worker in (*self._idle, *self._busy):
            worker.let_go()
        self._reset()

    def _take(self) -> _Worker:
        until = time.monotonic() + PATIENCE
        with self._changed:
            while not self._idle and len(self._busy) + self._starting >= self._workers:
                if not self._changed.wait(max(0.0, until - time.monotonic())) and time.monotonic() >= until:
                    raise _Failed(BUSY)
            if self._idle:
                worker = self._idle.pop()
                if worker.alive():
                    self._busy.add(worker)
                    return worker
                worker.kill()
            self._starting += 1
        made: _Worker | None = None
        try:
            made = _Worker(self._most_calls)
        except OSError as error:
            _LOG.warning("no worker can be started: %s", error)
        with self._changed:
            self._starting -= 1
            if made is None:
                self._changed.notify()
                raise _Failed(BROKEN)
            self._busy.add(made)
            return made

    def _give_back(self, worker: _Worker) -> None:
        with self._changed:
            self._busy.discard(worker)
            if worker.spent or not worker.alive():
                worker.kill()
            else:
                self._idle.append(worker)
            self._changed.notify()

    def _count(self, reason: str, function: str) -> None:
        with self._changed:
            self._failures[reason] += 1
            count = self._failures[reason]
        if count & (count - 1) == 0:  # the 1st, 2nd, 4th, 8th ...: loud without filling a log
            _LOG.warning("%s: no result (%s), %d so far in this process", function, reason, count)


class _Worker:
    """One process and its pipes; used by one thread at a time."""

    def __init__(self, most_calls: int) -> None:
        # Sets of a library such as sympy iterate by hash: one seed, so that what is decided does not vary.
        environment = os.environ | {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT, json.dumps([os.path.abspath(path) for path in sys.path])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=environment,
        )
        self._loaded: set[str] = set()
        self._most_calls, self._calls = most_calls, 0
        self.spent = False
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)

    def alive(self) -> bool:
        return self._process.poll() is None

    def call(self, module: str, line: bytes, seconds: float) -> Json:
        """The result; after any failure but the function's own error the process is killed."""
        try:
            if module not in self._loaded:
                try:
                    self._ask(json.dumps([module]).encode() + b"\n", START)
                except _Failed as failed:
                    raise _Failed(ERROR if str(failed) == ERROR else BROKEN) from None
                self._loaded.add(module)
            result = self._ask(line, seconds)
        except BaseException:
            self.spent = True
            raise
        self._calls += 1
        self.spent = self._calls >= self._most_calls
        return result

    def _ask(self, line: bytes, seconds: float) -> Json:
        into, out = self._process.stdin, self._process.stdout
        if into is None or out is None:
            raise _Failed(BROKEN)
        until, said = time.monotonic() + seconds, b""
        try:
            line = line[os.write(into.fileno(), line) :]
            waiting = select.poll()
            waiting.register(out, select.POLLIN | select.POLLHUP)
            if line:  # more than a pipe takes at once
                waiting.register(into, select.POLLOUT)
            while not said.endswith(b"\n"):
                left = until - time.monotonic()
                ready = waiting.poll(1000 * left) if left > 0 else []
                if not ready:
                    raise _Failed(TIMEOUT)
                if line and into.fileno() in dict(ready):
                    line = line[os.write(into.fileno(), line) :]
                    if not line:
                        waiting.unregister(into)
                if out.fileno() not in dict(ready):
                    continue
                piece = os.read(out.fileno(), 1 << 16)
                if not piece:
                    raise _Failed(TIMEOUT if self._ended() in (-signal.SIGXCPU, -signal.SIGALRM) else CRASH)
                said += piece
                if len(said) > LONGEST_RESULT:
                    raise _Failed(ERROR)
        except (OSError, ValueError) as error:  # ValueError: closed by another thread
            raise _Failed(CRASH) from error
        answer: dict[str, Json] = json.loads(said)
        if "failed" in answer:
            raise _Failed(answer["failed"])
        if answer["result"] is None:
            raise _Failed(ERROR)
        return answer["result"]

    def _ended(self) -> int | None:
        """The exit status of a process whose pipe is closed."""
        try:
            return self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self.let_go()

    def let_go(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


_POOL = Pool()
call, failures, close = _POOL.call, _POOL.failures, _POOL.close


def serve() -> None:
    """The worker's loop: a line of JSON in, a line of JSON out, until the pipe is closed."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # what a library prints is no answer
        os.dup2(null, standard)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with requests, answers:
        for line in requests:
            _serve_one(json.loads(line), answers)


def _serve_one(request: list[Json], answers: IO[bytes]) -> None:
    out: dict[str, Json]
    try:
        if len(request) == 1:
            importlib.import_module(request[0])
            out = {"result": True}
        else:
            function, argument, seconds = request
            module, _, name = function.partition(":")
            # Both signals keep their default action, which ends the process even inside a library's C code, and
            # after the process that asked is gone.
            _, hard = resource.getrlimit(resource.RLIMIT_CPU)
            resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + seconds) + 2, hard))
            signal.setitimer(signal.ITIMER_REAL, seconds + 1)
            out = {"result": getattr(sys.modules[module], name)(argument)}
            signal.setitimer(signal.ITIMER_REAL, 0)
        said = json.dumps(out)
    except MemoryError:
        said = json.dumps({"failed": MEMORY_LIMIT})
    except Exception:  # whatever a library raises, the answer is that there is none
        said = json.dumps({"failed": ERROR})
    signal.setitimer(signal.ITIMER_REAL, 0)
    answers.write(said.encode() + b"\n")
    answers.flush()
