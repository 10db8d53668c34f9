"""A thousand kills of workers while checkers run in them: no wrong verdict, and the pool is well afterwards."""

from __future__ import annotations

import time

import pytest
from killed_programs import CALL, LONG, killed, workers

from ssrl_data import programs
from ssrl_data.programs import Outcome

KILLS, SECONDS = 1000, 1200.0


@pytest.mark.prove
def test_programs_survive_kills() -> None:
    start = time.monotonic()
    found = killed(KILLS, SECONDS)
    print(f"{found}, {time.monotonic() - start:.0f} s, {programs.failures()}")
    assert found.kills == KILLS
    assert found.wrong == 0
    assert found.lost <= CALL * (KILLS // 2)
    assert found.runs >= 10 * KILLS
    assert programs.run_all(LONG, ["long", "x"]) == [Outcome(True), Outcome(False)]
    assert len(workers()) <= 4
    programs.close()
    assert not [process for process in workers() if process.name() != "monty"]
