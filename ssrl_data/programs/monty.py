"""Running checkers in pydantic-monty. Imported in processes of the sandbox alone, one engine in each.

The interpreter runs in a process of its own, without environment variables, which the engine replaces after it died;
it ends with this one. What a run can do is written down here: nothing is mounted, no call is answered, the clock stands
still, sleeping takes no time, and chance begins with the same seed.
"""

from __future__ import annotations

import resource
import sys
from datetime import UTC, datetime
from typing import Literal

from pydantic_monty import Monty, MontyCrashedError, MontyError, MontySession, MontySyntaxError, OSPolicy

from ssrl_data.core import Json
from ssrl_data.programs import CRASH, ERROR, GRACE, MEMORY, NOT_BOOL, OUTPUT, SYNTAX, TIMEOUT

SUSPENSIONS = 100
"""Names that a checker may look for in vain, and calls of the system that it may see refused."""

SLOWEST = 10 + 2 * GRACE
"""Seconds of any step, among them of the longest run there may be, after which the interpreter's process is killed."""

TRIES = 3
"""Processes that may be lost in one run by a signal that no checker raises before the checker is blamed."""

# The empty line ends what a source leaves open; the verdict alone comes back, whatever `evaluate` returns.
_CALL = """

__verdict__ = evaluate(__response__)
__verdict__ if __verdict__ is True or __verdict__ is False else None
"""

_POLICY: OSPolicy = {
    "datetime": datetime(2000, 1, 1, tzinfo=UTC),
    "timezone": "utc",
    "sleep": "zero",
    "process_time": "zero",
    "random_start": {"seed": 0},
}


class _Flood(Exception):
    """More was printed than may be."""


class _Printed:
    """Counts what a checker prints, and keeps none of it."""

    def __init__(self, most: int) -> None:
        self.left = most

    def __call__(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        self.left -= len(text)
        if self.left < 0:
            raise _Flood


class _Engine:
    """The interpreter's process, started on first use."""

    def __init__(self) -> None:
        self._pool: Monty | None = None
        self._known: int | None = None

    def run(self, source: str, response: str, limits: dict[str, Json]) -> tuple[bool | None, str]:
        for _ in range(TRIES):
            outcome = self._attempt(source, response, limits)
            if outcome is not None:
                return outcome
        raise RuntimeError("the interpreter's process is killed again and again")

    def _attempt(self, source: str, response: str, limits: dict[str, Json]) -> tuple[bool | None, str] | None:
        """The outcome, or None where the process was killed by somebody else."""
        printed, begun = _Printed(limits["output"]), False
        try:
            with self._session(limits) as session:
                self._bound(session.worker_pid)
                begun = True
                verdict = session.feed_run(source + _CALL, inputs={"__response__": response}, print_callback=printed)
        except MontySyntaxError:
            return None, SYNTAX
        except MontyCrashedError as error:
            if not begun or "SIGKILL" in str(error):
                return None
            return None, TIMEOUT if error.timed_out else CRASH
        except MontyError as error:
            return None, OUTPUT if printed.left < 0 else _reason(error.exception())
        return (verdict, "") if isinstance(verdict, bool) else (None, NOT_BOOL)

    def _session(self, limits: dict[str, Json]) -> MontySession:
        if self._pool is None:
            # At each run the engine looks for this optional package, where it is missing through all of sys.path, which
            # takes half of the time. Nothing in this process needs it.
            sys.modules["opentelemetry"] = None  # type: ignore[assignment]
            self._pool = Monty(
                min_processes=1,
                max_processes=1,
                checkout_timeout=SLOWEST,
                request_timeout=SLOWEST,
                feed_duration_limit_grace=GRACE,
            ).__enter__()
        return self._pool.checkout(
            limits={
                "max_feed_duration_secs": limits["seconds"],
                "max_memory": limits["memory"],
                "max_recursion_depth": limits["recursion"],
                "max_suspensions": SUSPENSIONS,
            },
            os_policy=_POLICY,
            assert_message_annotations=False,
        )

    def _bound(self, pid: int | None) -> None:
        """Take from a new process the limit of processor time that belongs to single calls, and files and children.

        Its address space stays bounded as that of this process is, should the engine's own count of memory fail.
        """
        if pid is None or pid == self._known:
            return
        self._known = pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_CPU)
        resource.prlimit(pid, resource.RLIMIT_CPU, (hard, hard))
        for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
            resource.prlimit(pid, kind, (0, 0))


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return TIMEOUT
    return MEMORY if isinstance(error, MemoryError) else ERROR


_ENGINE = _Engine()


def judge(request: Json) -> Json:
    """The outcome of each run asked for, `[accepted or None, reason]`.

    Args:
        request: {"sources", "responses", "runs": [[index of a source, index of a response], ...], "limits"}.
    """
    sources, responses, limits = request["sources"], request["responses"], request["limits"]
    return [_ENGINE.run(sources[i], responses[j], limits) for i, j in request["runs"]]
