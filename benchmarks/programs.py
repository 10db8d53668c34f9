"""Runs of checkers per second, and verdicts that rest on them.

Prints lines of "name value unit", medians over the rounds; the ways of one round follow each other, so that other work
on the machine slows all of them. `per_core` counts processor time, of this process and of those that it has checkers
run in; `calls` is the clock, for one thread that waits. A run has a session of its own: what that costs is told by
`kept_session`, where one session judges all responses, so that a checker could remember them.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import psutil
from pydantic_monty import Monty

from ssrl_data import programs
from ssrl_data.answers.program import Program
from ssrl_data.grade import grade
from ssrl_data.row import pack_answer

RUNS, ROUNDS = 1200, 7
SENTENCES = """
import re

def sentences(text):
    return [part for part in re.split(r"[.!?]\\s*", text) if part.strip()]

def evaluate(response):
    return len(sentences(response)) == 2
"""
CAPITALS = """
def evaluate(response):
    words = [word for word in response.split() if word.isalpha()]
    return bool(words) and sum(word.isupper() for word in words) >= 1
"""
ENDS = """
def evaluate(response):
    return response.strip().endswith(("harbour.", "HARBOUR."))
"""
SOURCES = (SENTENCES, CAPITALS, ENDS)
RIGHT = "The TIDE comes twice a day. All boats wait for it in the harbour."
WRONG = "The tide comes twice a day, and the boats wait in the harbour for it, all of them."
LENGTHS = {"short": 1, "of_4_KiB": 64}


def processor() -> float:
    """Seconds of processor time of this process and all that it has started and that live."""
    found = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(process.cpu_times().user + process.cpu_times().system for process in found)


def measured(way: Callable[[list[str]], int], texts: list[str]) -> tuple[float, float]:
    """Runs per second of the clock, and per second of processor time."""
    spent, start = processor(), time.perf_counter()
    count = way(texts)
    return count / (time.perf_counter() - start), count / (processor() - spent)


def one_by_one(texts: list[str]) -> int:
    """Each run in a call of its own."""
    for n, text in enumerate(texts):
        programs.run(SOURCES[n % 3], text)
    return len(texts)


def rows(texts: list[str]) -> int:
    """The three checkers of a row in a call, as grading has them run."""
    for text in texts[: len(texts) // 3]:
        programs.run_matrix(SOURCES, [text])
    return len(texts) // 3 * 3


def many(texts: list[str]) -> int:
    """A checker on many responses, as validation has it run."""
    for n, source in enumerate(SOURCES):
        programs.run_all(source, texts[n::3])
    return len(texts)


def kept_session(texts: list[str]) -> int:
    """One session for many responses, which is not how it is done."""
    sys.modules["opentelemetry"] = None  # type: ignore[assignment]  # as in the sandbox: no search for it at each run
    with Monty(min_processes=1, max_processes=1) as pool:
        for n, source in enumerate(SOURCES):
            with pool.checkout() as session:
                session.feed_run(source)
                for text in texts[n::3]:
                    session.feed_run("evaluate(response)", inputs={"response": text})
    return len(texts)


def compared(name: str, texts: list[str]) -> None:
    """Measure all ways on the same responses, and print."""
    ways = (one_by_one, rows, many, kept_session)
    found: dict[str, list[tuple[float, float]]] = {way.__name__: [] for way in ways}
    for way in ways:
        way(texts[:30])
    for _ in range(ROUNDS):
        for way in ways:
            found[way.__name__].append(measured(way, texts))
    for way in ways:
        clock, core = (statistics.median(column) for column in zip(*found[way.__name__], strict=True))
        print(f"programs/{name}/{way.__name__}/calls {clock:.0f} runs/s")
        if way is not kept_session:
            print(f"programs/{name}/{way.__name__}/per_core {core:.0f} runs/s")
            pairs = zip(found[way.__name__], found["kept_session"], strict=True)
            ratio = statistics.median(a[0] / b[0] for a, b in pairs)
            print(f"programs/{name}/{way.__name__}/over_kept_session {ratio:.2f}")


def main() -> None:
    """Measure and print."""
    for name, times in LENGTHS.items():
        compared(name, [" ".join([text] * times) for text in (RIGHT, WRONG)] * (RUNS // 2))
    column = pack_answer(Program().answer(RIGHT, [WRONG], SOURCES, chance=0.0))
    rates = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for n in range(RUNS // 3):
            grade(column, WRONG if n % 2 else RIGHT)
        rates.append(RUNS // 3 / (time.perf_counter() - start))
    print(f"programs/verdicts {statistics.median(rates):.0f} verdicts/s (3 checkers each)")
    programs.close()


if __name__ == "__main__":
    main()
