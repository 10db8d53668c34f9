"""A build's speed against the floor of decoding and encoding, its gain from a second worker, and its peak memory.

`python -m benchmarks.build image/jigsaw` measures one task alone.
"""

from __future__ import annotations

import dataclasses
import io
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from benchmarks.floor import cpu_ms, decoders, in_turn_ms, make_photographs, shrink
from ssrl_data.build.plan import Shard, make_plan
from ssrl_data.build.shard import ShardMaker, write_shard
from ssrl_data.gates import regions
from ssrl_data.media.depth import Depth, DepthRule, _array
from ssrl_data.media.image import Box, Picture, decode, encode
from ssrl_data.recipe import Recipe, part
from ssrl_data.registry import source_at, task_class, task_names
from ssrl_data.rng import Rng
from ssrl_data.row import schema

RECORDS = 24
"""Photographs, or scenes with depth, of which one shard is made."""
CORPUS = 128
"""Photographs of whole builds: enough for shards of one size."""
ROUNDS = 3
VARIANTS = (1, 8)
SAMPLE = 8
"""Attempts whose floor is measured, at least."""
RENDERED = Path(__file__).parents[1] / "tests/rendered.py"


@dataclass
class Attempt:
    """A successful call of `Task.make`: its rows, the views of pictures it asked for, the depth maps it looked at."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    views: list[tuple[Picture, Box, tuple[int, int]]] = field(default_factory=list)
    maps: list[Depth] = field(default_factory=list)

    def decoding(self) -> list[Sequence[Callable[[], object]]]:
        """For each file it is made of, what decodes it at the coarsest size that all of its views allow."""
        shrinks: dict[int, tuple[Picture, float]] = {}
        for picture, box, size in self.views:
            _, least = shrinks.get(id(picture), (picture, math.inf))
            shrinks[id(picture)] = (picture, min(least, shrink(box, size)))
        pictures = [list(decoders(picture._data, least).values()) for picture, least in shrinks.values()]
        maps = {id(depth): depth for depth in self.maps}.values()
        return [*pictures, *([partial(_array, depth._data, depth.rule.dataset)] for depth in maps)]

    def encoding(self) -> list[Callable[[], object]]:
        """What encodes each picture of the rows."""
        return [partial(encode, decode(picture["bytes"])) for row in self.rows for picture in row["images"]]


class Observed(ShardMaker):
    """A maker that keeps what each successful attempt looked at."""

    def __init__(self, shard: Shard, source: Any) -> None:
        super().__init__(shard, [source], frozenset(), lambda key, n: None)
        self.attempts: list[Attempt] = []

    def _attempt(self, *given: Any) -> list[dict[str, Any]] | None:
        attempt, view, distances = Attempt(), Picture.view, Depth.distances

        def viewed(picture: Picture, box: Box, size: tuple[int, int]) -> Any:
            attempt.views.append((picture, box, size))
            return view(picture, box, size)

        def read(depth: Depth) -> Any:
            attempt.maps.append(depth)
            return distances.__get__(depth)

        Picture.view, Depth.distances = viewed, property(read)  # type: ignore[method-assign, assignment]
        try:
            rows = super()._attempt(*given)
        finally:
            Picture.view, Depth.distances = view, distances  # type: ignore[method-assign]
        if rows:
            attempt.rows = rows
            self.attempts.append(attempt)
        return rows


def made(folder: Path, task: str, level: str, rows: int, out: Path) -> tuple[float, Observed]:
    """CPU seconds to make and write the only shard of a build of one task at one level, and its maker."""
    source = source_at(str(folder))
    plan = make_plan(Recipe((part(task, [level], {}),), (str(folder),), rows=rows, shard_rows=rows), [source])
    maker = Observed(plan.shards[0], source)
    start = time.process_time()
    write_shard(maker, out, schema(True), "", out / "side", out)
    return time.process_time() - start, maker


def floor_seconds(maker: Observed) -> float:
    """CPU seconds of the least that any maker of these rows does.

    For each successful attempt: decoding, at the size that the rows need, each picture that they are made of, reading
    each depth map, and encoding the rows' pictures. For each record that was opened and gave no row: decoding once,
    since nobody can refuse a picture unseen. Not in it: further openings of a record, refused attempts, and all that is
    neither decoding nor encoding.
    """
    sample = maker.attempts[:: max(1, len(maker.attempts) // SAMPLE)]
    files = [ways for attempt in sample for ways in attempt.decoding()]
    times = iter(in_turn_ms([way for ways in files for way in ways]))
    decoding = sum(min(next(times) for _ in ways) for ways in files) / len(sample)
    encoding = sum(in_turn_ms([call for attempt in sample for call in attempt.encoding()])) / len(sample)
    barren = maker.opened - len({row["source_id"] for attempt in maker.attempts for row in attempt.rows})
    return ((len(maker.attempts) + barren) * decoding + len(maker.attempts) * encoding) / 1e3


def speed(task: str, photographs: Path, scenes: Path) -> Iterator[str]:
    """Of every level made from pictures, at one and several rows a record: speed, ratio to the floor, refusals."""
    for level, params in task_class(task).levels.items():
        needs = task_class(task)(params).needs
        if "clip" in needs:  # benchmarks.clips
            continue
        folder = photographs if needs <= {"image"} else scenes
        for variants in VARIANTS:
            name, ratios, rates = f"build.{task}.{level}.{variants}_rows_a_record", [], []
            for _ in range(ROUNDS):
                with tempfile.TemporaryDirectory() as scratch:
                    seconds, maker = made(folder, task, level, RECORDS * variants, Path(scratch))
                if maker.made:
                    ratios.append(seconds / floor_seconds(maker))
                rates.append(maker.made / seconds)
            refused = sum(maker.works[0].skips.values())
            yield f"{name}.rate {statistics.median(rates):.0f} rows/s/core"
            if ratios:
                yield f"{name}.time_over_floor {statistics.median(ratios):.2f} ratio"
            yield f"{name}.attempts_refused {refused / max(1, refused + maker.made):.2f} share"


def region_search(folder: Path) -> Iterator[str]:
    """The search for markable spots over a depth map of a megapixel, in a view as tasks show and at its full size."""
    source = source_at(str(folder))
    record = source.open(next(iter(source.entries())))
    if record.depth is None:
        raise ValueError(f"{record.key} carries no depth map")
    whole = (1152, 864)
    kept = io.BytesIO()
    np.save(kept, cv2.resize(record.depth.distances, whole, interpolation=cv2.INTER_NEAREST))
    large = dataclasses.replace(record, depth=Depth(kept.getvalue(), DepthRule(), whole))

    def search(size: tuple[int, int]) -> None:
        spots = regions.flat(large, (0, 0, *whole), size, 0.1)
        regions.draw(spots, np.array_split(np.arange(len(spots.nearest)), 3), Rng("benchmark"))

    for size in ((400, 304), whole):
        name = f"regions.search_{whole[0]}x{whole[1]}_seen_at_{size[0]}x{size[1]}"
        yield f"{name} {cpu_ms(lambda size=size: search(size)):.1f} ms"  # type: ignore[misc]


PICTURES = ("image/jigsaw", "image/rotation", "--level", "easy")


def command(folder: Path, out: Path, rows: int, workers: int, asked: Sequence[str] = PICTURES) -> tuple[float, float]:
    """Wall seconds and peak resident megabytes (largest process) of a whole `ssrl build`."""
    code = (
        "import resource, subprocess, sys, time; t = time.monotonic();"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL);"
        "print(time.monotonic() - t, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    ssrl = str(Path(sys.executable).parent / "ssrl")
    arguments = [ssrl, "build", *asked, "--source", str(folder)]
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


def main(tasks: Sequence[str] = ()) -> None:
    """Print all figures, or those of some tasks alone; `time_over_floor` aims at 1.5 at most, of depth tasks at 2.5."""
    cv2.setNumThreads(1)
    pa.set_cpu_count(1)
    schema(True)  # the import behind it is no row's cost
    with tempfile.TemporaryDirectory() as scratch:
        photographs, scenes = Path(scratch) / "photographs", Path(scratch) / "scenes"
        photographs.mkdir()
        make_photographs(photographs, RECORDS)
        subprocess.run([sys.executable, str(RENDERED), str(scenes), str(RECORDS)], check=True)
        for task in tasks or task_names():
            for line in speed(task, photographs, scenes):
                print(line, flush=True)
        if tasks:
            return
        for line in region_search(scenes):
            print(line, flush=True)
        make_photographs(photographs, CORPUS)
        for line in scaling(photographs):
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
