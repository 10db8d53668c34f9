"""Rows of clips against the least they can cost: decoding the frames they show and encoding them.

The floor reads each clip once with decord, scaled to the size at which frames are shown, skips what no row shows, and
encodes every frame of every row. There are two: one reads on to the clip's end, since only there a truncated file is
known, and one stops after the last frame that some row shows. Ours is a whole shard: hashing the files, decoding in the
other process and handing the frames over, gates, refused attempts, changes, rows, Parquet. All in CPU time of all
processes, in one run.

`python -m benchmarks.clips video/jigsaw` measures one task alone.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import decord
import numpy as np
import psutil
import pyarrow as pa

from benchmarks.build import command
from ssrl_data.build.plan import Shard, make_plan
from ssrl_data.build.shard import ShardMaker, write_shard
from ssrl_data.media.clip import Clip
from ssrl_data.media.image import Box, decode, encode
from ssrl_data.recipe import Recipe, part
from ssrl_data.registry import source_at, task_class, task_names
from ssrl_data.row import schema

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import made_clips

CLIPS = 6
FRAMES = 240
SIZE = (1280, 720)
ROUNDS = 3
VARIANTS = (1, 8)
LEVELS = ("easy", "hard", "videossr", "real")

Looks = dict[Path, dict[int, tuple[int, int]]]
"""Clip to number of a frame in its reel to the largest size at which it is shown."""


class Observed(ShardMaker):
    """A maker that keeps its rows, what they were made from, and how often each clip was decoded."""

    def __init__(self, shard: Shard, source: Any) -> None:
        super().__init__(shard, [source], frozenset(), lambda key, n: None)
        self.shown: Looks = {}
        self.reels: dict[Path, tuple[float, ...]] = {}
        self.decoded: Counter[Path] = Counter()
        self.pictures: list[bytes] = []

    def _attempt(self, *given: Any) -> list[dict[str, Any]] | None:
        seen: list[tuple[Path, int, tuple[int, int], Clip]] = []
        view = Clip.view

        def viewed(clip: Clip, index: int, box: Box, size: tuple[int, int]) -> Any:
            seen.append((_path(clip), index, size, clip))
            return view(clip, index, box, size)

        Clip.view = viewed  # type: ignore[method-assign]
        try:
            rows = super()._attempt(*given)
        finally:
            Clip.view = view  # type: ignore[method-assign]
        for path, index, size, clip in seen if rows else ():
            held = self.shown.setdefault(path, {})
            held[index] = max(size, held.get(index, size))
            self.reels[path] = clip.reel.times
        self.pictures += [picture["bytes"] for row in rows or () for picture in row["images"]]
        return rows

    def _open(self, item: Any) -> Any:
        record = super()._open(item)
        if record is not None and record.clip is not None:
            self.decoded[_path(record.clip)] += 1
        return record


def _path(clip: Clip) -> Path:
    path = clip._path
    return Path(path.decode() if isinstance(path, bytes) else path)


def cpu_seconds() -> float:
    """Of this process and of those it has started, as long as they live."""
    children = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return time.process_time() + sum(child.user + child.system for child in children)


def made(folder: Path, task: str, level: str, rows: int, out: Path) -> tuple[float, Observed]:
    """CPU seconds to make and write the only shard of a build of one task at one level, and its maker."""
    source = source_at(str(folder))
    plan = make_plan(Recipe((part(task, [level], {}),), (str(folder),), rows=rows, shard_rows=rows), [source])
    maker = Observed(plan.shards[0], source)
    start = cpu_seconds()
    write_shard(maker, out, schema(True), "", out / "side", out)
    return cpu_seconds() - start, maker


def floor_seconds(maker: Observed) -> tuple[float, float]:
    """CPU seconds of the two floors: reading every clip to its end, or to the last frame shown."""
    pixels = [decode(picture) for picture in maker.pictures]
    start, rest = time.process_time(), 0.0
    for path, shown in maker.shown.items():
        width, height = max(shown.values())
        reader = decord.VideoReader(str(path), ctx=decord.cpu(0), num_threads=1, width=width, height=height)
        starts = np.asarray(reader.get_frame_timestamp(np.arange(len(reader))))[:, 0]
        at = 0
        for moment in sorted(maker.reels[path][index] for index in shown):
            number = int(np.abs(starts - moment).argmin())
            if number > at:
                reader.skip_frames(number - at)
            reader.next().asnumpy()
            at = number + 1
        there = time.process_time()
        left = len(reader) - at
        if left > 1:
            reader.skip_frames(left - 1)
        if left:
            reader.next()
        rest += time.process_time() - there
    for picture in pixels:
        encode(picture)
    whole = time.process_time() - start
    return whole, whole - rest


def speed(task: str, folder: Path) -> Iterator[str]:
    """Of `LEVELS` where clips are needed for them, at one and at several rows a clip."""
    for level, params in task_class(task).levels.items():
        if "clip" not in task_class(task)(params).needs or level not in LEVELS:
            continue
        for variants in VARIANTS:
            name = f"clips.{task}.{level}.{variants}_rows_a_clip"
            ratios, shorter, rates, opened = [], [], [], []
            for _ in range(ROUNDS):
                with tempfile.TemporaryDirectory() as scratch:
                    seconds, maker = made(folder, task, level, CLIPS * variants, Path(scratch))
                if maker.made:
                    whole, part = floor_seconds(maker)
                    ratios.append(seconds / whole)
                    shorter.append(seconds / part)
                    rates.append(len(maker.pictures) / seconds)
                    opened.append(sum(maker.decoded.values()) / len(maker.decoded))
            refused = sum(maker.works[0].skips.values())
            if ratios:
                yield f"{name}.frames {statistics.median(rates):.0f} frames/s/core"
                yield f"{name}.time_over_floor {statistics.median(ratios):.2f} ratio"
                yield f"{name}.time_over_floor_to_last_frame {statistics.median(shorter):.2f} ratio"
                yield f"{name}.decoded {statistics.median(opened):.2f} times a clip"
            yield f"{name}.attempts_refused {refused / max(1, refused + maker.made):.2f} share"


def memory(folder: Path) -> Iterator[str]:
    """Peak memory of builds from few clips and from all of them, as many rows a clip."""
    asked = ("video/jigsaw", "--level", "medium")
    with tempfile.TemporaryDirectory() as scratch:
        few = Path(scratch) / "few"
        few.mkdir()
        for path in sorted(folder.iterdir())[: CLIPS // 4]:
            (few / path.name).symlink_to(path)
        small = command(few, Path(scratch) / "small", 2 * len(list(few.iterdir())), 1, asked)[1]
        large = command(folder, Path(scratch) / "large", 2 * CLIPS, 1, asked)[1]
    yield f"clips.peak_memory_{CLIPS // 4}_clips {small:.0f} MB"
    yield f"clips.peak_memory_{CLIPS}_clips {large:.0f} MB"


def main(tasks: Sequence[str] = ()) -> None:
    """Print all figures, or those of some tasks alone; `time_over_floor` aims at 1.4 at most."""
    cv2.setNumThreads(1)
    pa.set_cpu_count(1)
    schema(True)  # the import behind it is no row's cost
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "clips"
        made_clips.write_corpus(folder, CLIPS, FRAMES, SIZE)
        warm = next(iter(source_at(str(folder)).entries()))
        record = source_at(str(folder)).open(warm)
        _ = record.clip is not None and record.clip.reel  # starts the decoding process, once for a build
        for task in tasks or [name for name in task_names() if name.startswith("video/")]:
            for line in speed(task, folder):
                print(line, flush=True)
        for line in () if tasks else memory(folder):
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
