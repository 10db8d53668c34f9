"""Checkers: programs written by a model that say whether a response follows an instruction.

A checker is Python source that defines `evaluate(response) -> bool`. It is data that nobody has read, and so is the
response, which is handed over as a value and never becomes part of a source. Neither runs in this process: an *engine*
runs them, in a process that `ssrl_data.sandbox` starts, bounds and kills.

- `pydantic-monty`: an interpreter of a part of Python, without files, environment, network, clock or randomness, whose
  own limits of time, memory, recursion and output hold in a further process. Each pair of checker and response has a
  session of its own, so no checker can remember anything.
- `bubblewrap`: CPython behind the kernel's namespaces and a filter of system calls, for checkers that need its library.
  Far more of the machine stands behind it, so it runs only where the environment variable `SSRL_ENGINES` names it.

A checker that raises, dies or goes beyond a limit has said nothing, and nothing is not False: `Outcome.accepted` is
None. The same pair gives the same outcome in each run, but near the limit of time.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from threading import Lock
from typing import NamedTuple

from ssrl_data.core import Json, SsrlError
from ssrl_data.sandbox import Pool

MONTY, BUBBLEWRAP = "pydantic-monty", "bubblewrap"
ENGINES = {MONTY: "ssrl_data.programs.monty:judge", BUBBLEWRAP: "ssrl_data.programs.bubblewrap:judge"}
"""Name of an engine to the function that runs in the sandbox."""

SWITCH = "SSRL_ENGINES"
"""Environment variable: engines, parted by commas, that may run besides the default one."""

LONGEST_SOURCE, LONGEST_RESPONSE = 1 << 15, 1 << 16
"""Characters of the longest checker and of the longest response that are run."""

TIMEOUT, MEMORY, OUTPUT, CRASH, ERROR = "timeout", "memory", "output", "crash", "error"
NOT_BOOL, SYNTAX, UNREADABLE, BROKEN = "not a bool", "syntax", "unreadable", "broken"
"""Why a run has no outcome: beyond its time, memory or output; its process died; it raised; it returned something
else; it is no Python of this engine; its text is too long or no Unicode; the engine does not run, whatever the
checker."""

GRACE = 0.5
"""Seconds beyond its limit of time after which a run's process is killed."""

MOST_SECONDS, MOST_RUNS, MOST_CHARACTERS = 16.0, 64, 1 << 18
"""Of one call into the sandbox: seconds that it may take, runs, and characters that it carries. A thread that waits
for a worker gives up after `ssrl_data.sandbox.PATIENCE`, so no call may hold one as long."""

START = 10.0
"""Seconds for the engine to start, on top of those of the runs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run.

    Attributes:
        seconds: wall time of the checker, its reading included, 0.01 to 10.
        memory: bytes of its objects, 1 MiB to 512 MiB.
        recursion: nested calls, 10 to 1,000.
        output: characters that it prints, 0 to 1,000,000. What it prints is dropped.

    Raises:
        ValueError: a limit is not a number in its range.
    """

    seconds: float = 1.0
    memory: int = 64 << 20
    recursion: int = 200
    output: int = 10_000

    def __post_init__(self) -> None:
        ranges = {"seconds": (0.01, 10), "memory": (1 << 20, 1 << 29), "recursion": (10, 1000), "output": (0, 10**6)}
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            wanted = (int, float) if name == "seconds" else int
            if isinstance(value, bool) or not isinstance(value, wanted) or not low <= value <= high:
                raise ValueError(f"limit {name} is {value!r:.40}: it must be a number from {low} to {high}")


class Outcome(NamedTuple):
    """What a checker says of a response: True, False, or None and the reason why it says nothing."""

    accepted: bool | None
    reason: str = ""


_POOL = Pool(longest=1 << 23, most_calls=50_000)
_COUNTED = Lock()
_FAILURES: Counter[str] = Counter()


def run(source: str, response: str, limits: Limits | None = None, engine: str = MONTY) -> Outcome:
    """Run a checker on a response.

    Args:
        source: Python that defines `evaluate(response) -> bool`.
        response: what is judged.
        limits: of this run; `Limits()` by default.
        engine: its name, with or without a version; the version that is installed runs.
    """
    return run_all(source, [response], limits, engine)[0]


def run_all(source: str, responses: Sequence[str], limits: Limits | None = None, engine: str = MONTY) -> list[Outcome]:
    """Run a checker on each of several responses; no run can tell that there are others."""
    return run_matrix([source], responses, limits, engine)[0]


def run_matrix(
    sources: Sequence[str], responses: Sequence[str], limits: Limits | None = None, engine: str = MONTY
) -> list[list[Outcome]]:
    """Run each of several checkers on each of several responses; faster than one by one.

    Returns:
        Outcomes, checkers x responses.
    """
    limits = limits or Limits()
    found: dict[tuple[int, int], Outcome] = {}
    cells = [(i, j) for i in range(len(sources)) for j in range(len(responses))]
    if fault(engine):
        found = dict.fromkeys(cells, Outcome(None, BROKEN))
    else:
        able = [_readable(text, LONGEST_SOURCE) for text in sources]
        fits = [_readable(text, LONGEST_RESPONSE) for text in responses]
        todo = [cell for cell in cells if able[cell[0]] and fits[cell[1]]]
        found = dict.fromkeys(set(cells).difference(todo), Outcome(None, UNREADABLE))
        for batch in _batches(todo, sources, responses, limits):
            found |= zip(batch, _judged(batch, sources, responses, limits, _name(engine)), strict=True)
    with _COUNTED:
        _FAILURES.update(outcome.reason for outcome in found.values() if outcome.accepted is None)
    return [[found[i, j] for j in range(len(responses))] for i in range(len(sources))]


def failures() -> dict[str, int]:
    """How many runs of this process had no outcome, by reason."""
    with _COUNTED:
        return dict(_FAILURES)


def close() -> None:
    """Kill the processes of the engines; a later run starts new ones."""
    _POOL.close()


def engine_version(engine: str = MONTY) -> str:
    """The engine with the version that is installed, as a row names it: `pydantic-monty 1.4.0`.

    Raises:
        SsrlError: the engine cannot run here.
    """
    reason = fault(engine)
    if reason:
        raise SsrlError(reason)
    name = _name(engine)
    return f"{name} {_monty_version() if name == MONTY else _bubblewrap_version()}"


def fault(engine: str) -> str:
    """Why an engine cannot run here, in one sentence that says what to do; empty where it can, as far as one sees."""
    name = _name(engine)
    if name not in ENGINES:
        return f"the engine {name!r:.40} is unknown: use {MONTY}, or install the release of ssrl that wrote the row"
    if name == MONTY:
        return "" if _monty_version() else f'checkers run in {MONTY}, which is missing: pip install "ssrl[instruct]"'
    if BUBBLEWRAP not in os.environ.get(SWITCH, "").split(","):
        return f"the engine {BUBBLEWRAP} is off: set {SWITCH}={BUBBLEWRAP} where CPython may run checkers"
    from ssrl_data.programs.bubblewrap import fault as refusal  # which needs this module

    return refusal()


def _name(engine: str) -> str:
    return engine.partition(" ")[0]


@lru_cache(maxsize=1)
def _monty_version() -> str:
    try:
        return version(MONTY) if importlib.util.find_spec("pydantic_monty") else ""
    except PackageNotFoundError:
        return ""


def _bubblewrap_version() -> str:
    from ssrl_data.programs.bubblewrap import version as installed

    return installed(shutil.which("bwrap") or "")


def _readable(text: str, longest: int) -> bool:
    """Whether a text can be handed over: a lone surrogate is no character."""
    if len(text) > longest:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _batches(
    cells: Sequence[tuple[int, int]], sources: Sequence[str], responses: Sequence[str], limits: Limits
) -> Iterator[list[tuple[int, int]]]:
    """Runs that go in one call each, in order."""
    most = max(1, min(MOST_RUNS, int(MOST_SECONDS / (limits.seconds + GRACE))))
    batch: list[tuple[int, int]] = []
    characters = 0
    for i, j in cells:
        size = len(sources[i]) + len(responses[j])
        if batch and (len(batch) == most or characters + size > MOST_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append((i, j))
        characters += size
    if batch:
        yield batch


def _judged(
    batch: Sequence[tuple[int, int]], sources: Sequence[str], responses: Sequence[str], limits: Limits, name: str
) -> list[Outcome]:
    """One call; a second one where its process was lost, since that tells nothing of the checkers."""
    rows, columns = ({index: n for n, index in enumerate(dict.fromkeys(cell[k] for cell in batch))} for k in (0, 1))
    request: Json = {
        "sources": [sources[i] for i in rows],
        "responses": [responses[j] for j in columns],
        "runs": [[rows[i], columns[j]] for i, j in batch],
        "limits": asdict(limits),
    }
    seconds = START + len(batch) * (limits.seconds + 2 * GRACE)
    said = _POOL.call(ENGINES[name], request, seconds) or _POOL.call(ENGINES[name], request, seconds)
    if said is None:
        return [Outcome(None, BROKEN)] * len(batch)
    return [Outcome(accepted, reason) for accepted, reason in said]
