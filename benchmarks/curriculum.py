"""What a curriculum costs: drawing a generation batch, learning from it, its state, and memory, at many rows.

Prints lines of "name value unit"; times are medians over batches, the first batch apart, which lays out the first pass.
"""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from collections.abc import Callable
from statistics import median

import numpy as np

ROWS = (100_000, 1_000_000)
ROOM, GROUP, BATCHES = 64, 8, 30
TASKS, LEVELS = 4, 3


def timed(call: Callable[[], object]) -> float:
    """Milliseconds of a call."""
    begun = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - begun)


def main() -> None:
    """Measure and print."""
    from ssrl_train.curriculum import KINDS, Curriculum, Levels, Units, Weights, begin

    names = tuple(f"t{i}" for i in range(TASKS))
    order = tuple(f"l{i}" for i in range(LEVELS))
    settings: dict[str, Curriculum] = {
        kind: {"weights": Weights(dict.fromkeys(names, 1.0)), "levels": Levels(order=order)}.get(kind) or cls()
        for kind, cls in KINDS.items()
    }
    for rows in ROWS:
        place = np.arange(rows)
        task, cell = place % TASKS, place % (TASKS * LEVELS)
        cells = tuple((names[i % TASKS], order[i // TASKS]) for i in range(TASKS * LEVELS))
        ones, unknown = np.ones(rows, np.int64), np.full(rows, np.nan)
        units = Units(ones, task, cell, names, cells, unknown, True)
        for kind, curriculum in settings.items():
            luck = np.random.default_rng(0)
            policy = begin(curriculum, units, ROOM, 0)
            first = timed(policy.draw)
            draws, learns = [], []
            for _ in range(BATCHES):
                drawn: list[int] = []
                draws.append(timed(lambda drawn=drawn, policy=policy: drawn.extend(policy.draw())))
                batch, passed = np.array(drawn), luck.binomial(GROUP, 0.5, ROOM)
                learns.append(timed(lambda b=batch, p=passed, policy=policy: policy.learn(b, p, np.full(ROOM, GROUP))))
            state = json.dumps(policy.state())
            name = f"{kind} {rows:,} rows"
            print(
                f"{name}: draw {median(draws):.2f} ms, first {first:.0f} ms, learn {median(learns):.2f} ms", flush=True
            )
            print(f"{name}: state {len(state) / 1024:.0f} KiB in {timed(policy.state):.1f} ms", flush=True)
            tracemalloc.start()
            begin(curriculum, units, ROOM, 0).draw()
            print(f"{name}: memory {tracemalloc.get_traced_memory()[1] / 2**20:.0f} MiB at most", flush=True)
            tracemalloc.stop()


if __name__ == "__main__":
    sys.exit(main())
