"""Killing workers while checkers run in them."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Event, Thread
from typing import NamedTuple

import psutil

from ssrl_data.programs import run_all

CALL = 8
"""Runs of a call. It is tried twice, so no fewer than two kills lose them."""

LONG = "def evaluate(response):\n    return len(response) > 3\n"


class Kills(NamedTuple):
    """Runs that were done, those of them without an outcome and with a wrong one, and processes killed."""

    runs: int
    lost: int
    wrong: int
    kills: int


def workers() -> list[psutil.Process]:
    """The interpreters' processes and those that speak with them."""
    found = psutil.Process().children(recursive=True)
    return [process for process in found if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def killed(times: int, seconds: float) -> Kills:
    """Send SIGKILL to a worker at a time while two threads have checkers run, until so many or so long.

    Every other one is an interpreter, where there is one; between two kills something is judged.
    """
    stop = Event()
    counts = {"runs": 0, "lost": 0, "wrong": 0}

    def judge() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            texts = ["x" * (n % 8)] * CALL
            for outcome in run_all(LONG, texts):
                counts["runs"] += 1
                counts["lost"] += outcome.accepted is None
                counts["wrong"] += outcome.accepted is not None and outcome.accepted != (n % 8 > 3)

    threads = [Thread(target=judge) for _ in range(2)]
    for thread in threads:
        thread.start()
    kills, until = 0, time.monotonic() + seconds
    while kills < times and time.monotonic() < until:
        judged = counts["runs"]
        while counts["runs"] == judged and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(0.001 * (kills % 13))
        with suppress(psutil.NoSuchProcess):  # one that ended by itself in between
            found = sorted(workers(), key=lambda process: (process.name() == "monty") != bool(kills % 2))
            if not found:
                continue
            found[0].kill()
            kills += 1
    stop.set()
    for thread in threads:
        thread.join()
    return Kills(**counts, kills=kills)
