"""The page: figures from the manifest, distributions, and rows as a model sees them beside their answers."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import jinja2
from markupsafe import Markup, escape

from ssrl_data.card import media, ordered_levels, probe_table, read_check, recipe_yaml, write_page
from ssrl_data.check.pictures import anatomy
from ssrl_data.check.rows import parse_row, read_manifest
from ssrl_data.core import Json
from ssrl_data.report.gather import Bar, Level, bars, read_rows, shards, survey
from ssrl_data.row import unpack_answer
from ssrl_data.untrusted import visible

Box: TypeAlias = tuple[float, float, float, float]

LETTER = 0.6
"""Width of a letter over its size, about; bold letters without serifs."""

READABLE = 0.035
"""Least size of letters over the longer side of their picture: 14 pixels of 400."""

FILM = 6
"""Least number of pictures in a row, each with a few words before it, that are shown small and side by side."""

CAPTION = 60
"""Most characters before a picture that make its caption."""

_MIME = ((b"\xff\xd8", "image/jpeg"), (b"\x89PNG", "image/png"))


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the page. Its bytes stand in the page once; the answer draws over a reference to it."""

    id: str
    number: int
    width: int
    height: int
    uri: str


@dataclass(frozen=True, slots=True)
class Film:
    """Pictures that follow each other, each with the words before it: the frames of a clip, say."""

    frames: list[tuple[str, Picture]]


@dataclass(frozen=True, slots=True)
class Shape:
    """A mark over a picture, in its pixels.

    Attributes:
        x: of the box, as are `y`, `width` and `height`.
        label: what is written.
        letters: size of its letters.
        left: where it begins.
        line: the line that it stands on.
    """

    x: float
    y: float
    width: float
    height: float
    label: str
    letters: float
    left: float
    line: float


@dataclass(frozen=True, slots=True)
class Shown:
    """One row of the page.

    Attributes:
        parts: text, pictures and filmstrips of the prompt in order.
        drawn: pictures that the answer marks, with their marks.
        gold: a response that scores 1.
        whole: whether it is one of many that do.
    """

    id: str
    split: str
    parts: list[str | Picture | Film]
    drawn: list[tuple[Picture, list[Shape]]]
    gold: str
    license: str
    keys: list[str]
    fault: str = ""
    whole: bool = False

    @property
    def film(self) -> bool:
        """Whether it needs the whole width of the page."""
        return any(isinstance(part, Film) for part in self.parts)


def write_report(directory: Path, out: Path, per_task: int = 4) -> None:
    """Write one self-contained HTML page about a dataset: no script, no request, every picture inline.

    Args:
        directory: a finished build.
        out: the page to write.
        per_task: rows shown of each task and level.

    Raises:
        SsrlError: the folder holds no dataset, or a shard is damaged, or the page cannot be written.
    """
    manifest = read_manifest(directory)
    levels = survey(directory, manifest, per_task)
    chosen = read_rows(directory, [place for level in levels.values() for place in level.chosen])
    split_of = {file: split for split, file in shards(manifest)}
    tasks = [
        {"name": task, "levels": [_level(task, level, manifest, levels, chosen, split_of) for level in names]}
        for task, names in _names(manifest).items()
    ]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Everything printed passes through here: strangers' control characters cannot reach the page.
        finalize=lambda value: value if isinstance(value, Markup) else visible(str(value)),
    )
    environment.filters |= {"thousands": lambda n: f"{n:,}", "chart": chart}
    check = read_check(directory, manifest)
    page = environment.get_template("page.html.jinja").render(
        manifest=manifest,
        rows=sum(body["rows"] for splits in manifest["modalities"].values() for body in splits.values()),
        splits=_splits(manifest),
        media=media(manifest["modalities"], [task["task"] for task in manifest["recipe"]["tasks"]]),
        tasks=tasks,
        skips=_skips(manifest),
        check=check,
        probe=probe_table(check) if check else ([], []),
        recipe=recipe_yaml(manifest["recipe"]),
    )
    write_page(out, page)


def _names(manifest: Mapping[str, Json]) -> dict[str, list[str]]:
    """Tasks by name, each with its levels, easiest first."""
    found: dict[str, list[str]] = {}
    for name in sorted(manifest["counts"]):
        task, _, level = name.rpartition("/")
        found.setdefault(task, []).append(level)
    return {task: ordered_levels(task, names) for task, names in found.items()}


def _level(
    task: str,
    level: str,
    manifest: Mapping[str, Json],
    levels: Mapping[str, Level],
    chosen: Mapping[tuple[str, int], Mapping[str, Any]],
    split_of: Mapping[str, str],
) -> dict[str, Any]:
    name = f"{task}/{level}"
    found = levels.get(name, Level())
    stem = name.replace("/", "-").replace("+", "-")
    return {
        "name": level,
        "anchor": stem,
        "counts": manifest["counts"][name],
        "bars": bars(found.answers),
        "first_only": found.first_only,
        "rows": [
            _shown(chosen[place], split_of[place[0]], f"{stem}-{number}") for number, place in enumerate(found.chosen)
        ],
    }


def _splits(manifest: Mapping[str, Json]) -> dict[str, int]:
    """Split to rows over all modalities, `train` first."""
    out: dict[str, int] = {}
    for splits in manifest["modalities"].values():
        for split, body in splits.items():
            out[split] = out.get(split, 0) + body["rows"]
    return dict(sorted(out.items(), key=lambda item: (item[0] != "train", item[0])))


def _skips(manifest: Mapping[str, Json]) -> list[dict[str, Any]]:
    """Skips by task and reason over its levels, most frequent first."""
    sums: dict[tuple[str, str], int] = {}
    for name, counts in manifest["counts"].items():
        for reason, attempts in counts["skips"].items():
            key = (name.rpartition("/")[0], reason)
            sums[key] = sums.get(key, 0) + attempts
    most = max(sums.values(), default=1)
    order = sorted(sums.items(), key=lambda item: (item[0][0], -item[1], item[0][1]))
    return [{"task": task, "reason": reason, "attempts": n, "share": n / most} for (task, reason), n in order]


def _shown(columns: Mapping[str, Any], split: str, stem: str) -> Shown:
    """A stored row as the page shows it; one that cannot be decoded is shown with what is wrong."""
    row, rule, message = parse_row(columns)
    if row is None:
        return Shown(str(columns["id"]), split, [], [], "", str(columns["license"]), [], f"{rule}: {message}")
    pictures = []
    for number, stored in enumerate(columns.get("images") or ()):
        height, width, _ = row.images[number].shape
        pictures.append(Picture(f"{stem}-{number}", number + 1, width, height, _uri(stored["bytes"])))
    waiting = iter(pictures)
    parts: list[str | Picture] = []
    for message_ in columns["prompt"]:
        body = message_["content"]
        texts = [{"type": "text", "text": body}] if isinstance(body, str) else body
        parts += [next(waiting) if part["type"] == "image" else part["text"] for part in texts]
    kind, value, _ = unpack_answer(columns["answer"])
    return Shown(
        id=row.id,
        split=split,
        parts=filmed(parts),
        drawn=_drawn(pictures, row.meta["marks"]),
        gold=kind.gold(value),
        license=row.license,
        keys=[source["key"] for source in row.meta["sources"]],
        whole=kind.whole,
    )


def filmed(parts: Sequence[str | Picture]) -> list[str | Picture | Film]:
    """The parts of a prompt with each long run of captioned pictures made a filmstrip."""
    out: list[str | Picture | Film] = []
    run: list[tuple[str, Picture]] = []

    def close() -> None:
        if len(run) >= FILM:
            out.append(Film(list(run)))
        else:
            out.extend(part for frame in run for part in frame if part)
        run.clear()

    for i, part in enumerate(parts):
        if isinstance(part, Picture):
            before = parts[i - 1] if i else ""
            run.append((before if isinstance(before, str) and len(before) <= CAPTION else "", part))
        elif len(part) > CAPTION or not isinstance(parts[i + 1] if i + 1 < len(parts) else "", Picture):
            close()
            out.append(part)
    close()
    return out


def _uri(data: bytes) -> str:
    """A picture's own bytes, unchanged."""
    mime = next((mime for magic, mime in _MIME if data.startswith(magic)), "application/octet-stream")
    found = anatomy(data)
    return f"data:{mime};base64,{base64.b64encode(data).decode()}" if found else ""


def _drawn(pictures: list[Picture], marks: list[Mapping[str, Json]]) -> list[tuple[Picture, list[Shape]]]:
    out = []
    for number, picture in enumerate(pictures):
        own = [mark for mark in marks if mark["image"] == number]
        taken: list[Box] = [tuple(mark["box"]) for mark in own]
        shapes = []
        for mark in own:
            shape, name = _shape(picture, tuple(mark["box"]), str(mark["label"]), taken)
            shapes.append(shape)
            taken.append(name)
        if shapes:
            out.append((picture, shapes))
    return out


def _shape(picture: Picture, box: Box, label: str, taken: Sequence[Box]) -> tuple[Shape, Box]:
    """A mark with its label inside where that is readable, else beside it; and the box of the label.

    Args:
        picture: what it is drawn over.
        box: the mark.
        label: its label.
        taken: boxes that a label beside the mark should leave free, the marks among them.
    """
    x0, y0, x1, y1 = box
    longest, count = max(picture.width, picture.height), max(4, len(label))
    letters = min(0.062 * longest, (x1 - x0 - 10) / (LETTER * count))
    if letters >= READABLE * longest and 1.5 * letters <= y1 - y0 - 4:
        left, top = x0 + 7, y0 + 5.0
    else:
        letters = max(min(0.04 * longest, (picture.width - 4) / (LETTER * count)), 1.0)
        width, height = LETTER * len(label) * letters, 1.25 * letters
        middle = (y0 + y1 - height) / 2
        places = [(x1 + 4, middle), (x0 - 4 - width, middle)]
        places += [(x, y) for y in (y1 + 2, y0 - 2 - height) for x in ((x0 + x1 - width) / 2, x0, x1 - width)]
        places = [
            (min(max(2, x), picture.width - 2 - width), min(max(2, y), picture.height - 2 - height)) for x, y in places
        ]
        left, top = min(places, key=lambda at: sum(_common((*at, at[0] + width, at[1] + height), b) for b in taken))
    name = (left, top, left + LETTER * len(label) * letters, top + 1.25 * letters)
    return Shape(x0, y0, x1 - x0, y1 - y0, label, letters, left, top + letters), name


def _common(one: Box, other: Box) -> float:
    """The area that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    return max(0.0, width) * max(0.0, min(one[3], other[3]) - max(one[1], other[1]))


def chart(found: list[Bar]) -> Markup:
    """A distribution as a small bar chart in SVG, drawn in the text's colours; each bar names itself on hover."""
    if not found:
        return Markup("")
    most = max(bar.rows for bar in found)
    labels = [visible(bar.label) for bar in found]
    # Letters of 10 units are about 6 wide: where names would touch, only every second, third, ... is written.
    widest, height = 6 * min(max(map(len, labels)), 12) + 4, 64
    step = max(10.0, min(max(40.0, widest), 480 / len(found)))
    every = math.ceil(widest / step)
    out = []
    for i, (bar, label) in enumerate(zip(found, labels, strict=True)):
        tall = height * bar.rows / most if most else 0
        name = label if len(label) <= 12 else label[:11] + "…"
        out.append(
            f'<g><title>{escape(f"{label}: {bar.rows:,} rows")}</title><rect class="bar" x="{i * step + 1:.1f}" '
            f'y="{height - tall:.1f}" width="{step - 2:.1f}" height="{max(tall, 0.5):.1f}" rx="1.5"/>'
            + (
                f'<text x="{(i + 0.5) * step:.1f}" y="{height + 13}" text-anchor="middle">{escape(name)}</text></g>'
                if i % every == 0
                else "</g>"
            )
        )
    width = step * len(found)
    body = "".join(out)
    return Markup(  # noqa: S704 (every text in it is escaped above)
        f'<svg class="chart" viewBox="0 0 {width:.1f} {height + 18}" width="{width:.0f}" height="{height + 18}" '
        f'role="img" aria-label="distribution of answers">{body}</svg>'
    )
