"""A build's speed against the floor of decoding and encoding, its gain from a second worker, and its peak memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pyarrow as pa

from benchmarks.floor import cpu_ms, floor, make_photographs
from ssrl_data.build.plan import Shard, make_plan
from ssrl_data.build.shard import ShardMaker, write_shard
from ssrl_data.media.image import decode, encode
from ssrl_data.recipe import Recipe, part
from ssrl_data.registry import source_at, task_class, task_names
from ssrl_data.row import schema

PHOTOGRAPHS = 24
CORPUS = 128
"""Photographs of whole builds: enough for shards of one size."""
ROUNDS = 3
VARIANTS = (1, 8)


def one_shard(folder: Path, task: str, level: str, rows: int) -> tuple[Shard, Any]:
    """The only shard of a build of one task at one level."""
    source = source_at(str(folder))
    plan = make_plan(Recipe((part(task, [level], {}),), (str(folder),), rows=rows, shard_rows=rows), [source])
    return plan.shards[0], source


def made(shard: Shard, source: Any, out: Path) -> tuple[float, list[dict[str, Any]], ShardMaker]:
    """CPU seconds to make and write a shard, its rows, and its maker, which has counted."""
    rows: list[dict[str, Any]] = []

    class Keeping(ShardMaker):
        def rows(self) -> Iterator[dict[str, Any]]:
            for row in super().rows():
                rows.append(row)
                yield row

    maker = Keeping(shard, [source], frozenset(), lambda key, n: None)
    start = time.process_time()
    write_shard(maker, out, schema(True), "", out / "side", out)
    return time.process_time() - start, rows, maker


def floor_seconds(folder: Path, rows: list[dict[str, Any]], opened: int, sample: int = 8) -> float:
    """CPU seconds of the least that any maker of these rows does.

    For each row: the fastest decoder at the size that the row needs, for each picture that it is made of, and the
    encoding of the row's pictures. For each picture that was opened and gave no row: that decoder once, since nobody
    can refuse a picture unseen. Not in it: further views and openings of a picture, refused attempts, and all that is
    neither decoding nor encoding.

    Args:
        folder: holds the pictures.
        rows: all rows of a shard of one task and level.
        opened: how many different pictures were opened for them.
        sample: how many rows are timed, at least.
    """
    decoding, encoding = [], []
    for row in rows[:: max(1, len(rows) // sample)]:
        meta = json.loads(row["meta"])
        side = meta["params"]["side"]
        path = folder / meta["sources"][0]["key"]
        least = floor(path, tuple(meta["make"]["box"]), (side, side), repeats=5)
        decoding.append(min(least.decoding.values()) * len(meta["sources"]))
        pictures = [decode(picture["bytes"]) for picture in row["images"]]
        encoding.append(cpu_ms(lambda shown=pictures: [encode(one) for one in shown], repeats=5))  # type: ignore[misc]
    barren = opened - len({row["source_id"] for row in rows})
    decoded = (len(rows) + barren) * statistics.mean(decoding)
    return (decoded + len(rows) * statistics.mean(encoding)) / 1e3


def speed(folder: Path) -> Iterator[str]:
    """Of every task and level, for one and several rows a picture: speed, ratio to the floor, refused attempts."""
    cv2.setNumThreads(1)
    pa.set_cpu_count(1)
    schema(True)  # the import behind it is no row's cost
    for task in task_names():
        for level in task_class(task).levels:
            for variants in VARIANTS:
                ratios, rates = [], []
                for _ in range(ROUNDS):
                    with tempfile.TemporaryDirectory() as scratch:
                        shard, source = one_shard(folder, task, level, PHOTOGRAPHS * variants)
                        seconds, rows, maker = made(shard, source, Path(scratch))
                    ratios.append(seconds / floor_seconds(folder, rows, maker.opened))
                    rates.append(len(rows) / seconds)
                refused = sum(maker.works[0].skips.values())
                name = f"build.{task}.{level}.{variants}_rows_a_picture"
                yield f"{name}.rate {statistics.median(rates):.0f} rows/s/core"
                yield f"{name}.time_over_floor {statistics.median(ratios):.2f} ratio"
                yield f"{name}.attempts_refused {refused / (refused + len(rows)):.2f} share"


def command(folder: Path, out: Path, rows: int, workers: int) -> tuple[float, float]:
    """Wall seconds and peak resident megabytes (largest process) of a whole `ssrl build`."""
    code = (
        "import resource, subprocess, sys, time; t = time.monotonic();"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
        "print(time.monotonic() - t, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    ssrl = str(Path(sys.executable).parent / "ssrl")
    arguments = [ssrl, "build", "image/jigsaw", "image/rotation", "--level", "easy", "--source", str(folder)]
    arguments += ["--out", str(out), "--rows", str(rows), "--workers", str(workers)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def scaling(folder: Path) -> Iterator[str]:
    """A second worker's gain, start-up included, and memory against the number of rows."""
    gains = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as scratch:
            one = command(folder, Path(scratch) / "1", 8000, 1)[0]
            two = command(folder, Path(scratch) / "2", 8000, 2)[0]
            gains.append(one / two)
    yield f"build.two_workers_over_one {statistics.median(gains):.2f} ratio"
    with tempfile.TemporaryDirectory() as scratch:
        small = command(folder, Path(scratch) / "small", 1000, 1)[1]
        large = command(folder, Path(scratch) / "large", 10_000, 1)[1]
    yield f"build.peak_memory_1000_rows {small:.0f} MB"
    yield f"build.peak_memory_10000_rows {large:.0f} MB"
    yield f"build.peak_memory_10000_over_1000 {large / small:.3f} ratio"


def main() -> None:
    """Print every figure."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_photographs(folder, PHOTOGRAPHS)
        for line in speed(folder):
            print(line, flush=True)
        make_photographs(folder, CORPUS)
        for line in scaling(folder):
            print(line, flush=True)


if __name__ == "__main__":
    main()
