"""Structure: every row is what `ssrl_data.row` says a row is, and the manifest speaks of these files."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ssrl_data.core import Json, Reject, Row, SsrlError
from ssrl_data.row import decode_row, join_licenses, prompt_text, row_id, unpack_answer

RESERVED = frozenset(
    {
        *("completion", "completions", "prompts", "messages", "chosen", "rejected", "label", "image"),
        *("environment", "tools", "chat_template_kwargs", "reward", "rewards", "advantages"),
    }
)
"""Columns to which trainers give a meaning of their own, so that a row must not carry them."""

_FILE = re.compile(r"data/([a-z0-9_]+)/([A-Za-z0-9_]+)-\d{5}-of-\d{5}\.parquet")


def read_manifest(directory: Path) -> Json:
    """The manifest of a dataset.

    Raises:
        SsrlError: there is none, or it cannot be read or is damaged.
    """
    path = directory / "manifest.json"
    try:
        manifest = json.loads(path.read_text("utf-8"))
        for key in ("fingerprint", "recipe", "modalities", "counts", "licenses"):
            manifest[key]
        files = [s["file"] for splits in manifest["modalities"].values() for v in splits.values() for s in v["shards"]]
    except (FileNotFoundError, NotADirectoryError) as error:
        raise SsrlError(f"{directory} holds no manifest.json: name the folder of a finished build") from error
    except OSError as error:
        raise SsrlError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SsrlError(f"{path} is damaged: build the dataset again") from error
    for file in files:
        # A manifest from elsewhere must not make a check read other files.
        if _FILE.fullmatch(file) is None:
            raise SsrlError(f"{path} names the shard {file!r}: expected data/MODALITY/SPLIT-00000-of-00001.parquet")
    return manifest


def columns_fault(found: Any, expected: Any) -> str | None:
    """How an Arrow schema differs from the one rows must have, metadata included; None when it does not."""
    names, wanted = set(found.names), set(expected.names)
    if extra := sorted(names - wanted):
        reserved = [name for name in extra if name in RESERVED]
        more = f"; trainers reserve {', '.join(reserved)}" if reserved else ""
        return f"columns that rows do not have: {', '.join(extra)}{more}"
    if missing := sorted(wanted - names):
        return f"missing columns: {', '.join(missing)}"
    for name in expected.names:
        if not found.field(name).type.equals(expected.field(name).type):
            return f"column {name} is {found.field(name).type}, expected {expected.field(name).type}"
    if (found.metadata or {}).get(b"huggingface") != expected.metadata[b"huggingface"]:
        return "the schema's metadata lacks the `datasets` features"
    return None


def parse_row(columns: Mapping[str, Any]) -> tuple[Row | None, str, str]:
    """A row decoded; or None with the rule that stands in the way and what is wrong."""
    empty = [name for name, value in columns.items() if value is None and name != "chance"]
    if empty:
        return None, "empty column", f"null in {', '.join(empty)}"
    try:
        unpack_answer(columns["answer"])
    except ValueError as error:
        return None, "answer", str(error)
    try:
        meta = json.loads(columns["meta"])
        sources = [(s["key"], s["source_id"], s["license"]) for s in meta["sources"]]
        if not sources or not all(isinstance(text, str) for source in sources for text in source):
            return None, "meta", "meta.sources names no source, or not by texts"
        for mark in meta["marks"]:
            if [type(v) for v in (mark["image"], *mark["box"])] != [int] * 5 or not isinstance(mark["label"], str):
                return None, "meta", "a mark is not a picture's number, four pixels and a label"
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return None, "meta", f"meta is not what a build writes ({type(error).__name__})"
    if fault := _prompt_fault(columns["prompt"], len(columns.get("images") or ())):
        return None, *fault
    if any(picture is None or picture["bytes"] is None for picture in columns.get("images") or ()):
        return None, "picture", "a picture has no bytes in the row"
    try:
        return decode_row(columns), "", ""
    except (Reject, ValueError) as error:
        return None, "picture", f"a picture cannot be decoded: {error}"


def row_faults(columns: Mapping[str, Any], row: Row, recipe: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """What is wrong with a row that could be decoded, as (rule, message).

    Args:
        columns: as stored.
        row: decoded.
        recipe: task name to its entry in the manifest's recipe.
    """
    part = recipe.get(row.task)
    if part is None:
        yield "task", f"task {row.task!r} is not in the manifest's recipe"
    elif row.task_version != part["version"]:
        yield "task", f"task_version is {row.task_version}, the manifest says {part['version']}"
    elif row.level not in part["levels"]:
        yield "level", f"level {row.level!r} is not in the manifest's recipe"
    elif row.meta.get("params") != part["levels"][row.level]:
        yield "level", "meta.params differ from the level's parameters in the manifest"
    kind, value, credit = unpack_answer(columns["answer"])
    if not row.prompt.endswith(kind.ask(value)):
        yield "prompt", "the prompt does not end by saying how to answer"
    if not 0 <= credit.c < 1:
        yield "chance", f"credit c is {credit.c}: it must lie in [0, 1)"
    chance = row.answer.chance
    labelled = kind.grade(kind.gold(value), value, credit).score is not None
    if (chance is not None) != labelled:
        yield "chance", "chance is null for an answer that is judged, or given for one that is not"
    elif chance is not None and not (0 <= chance < 1 and math.isfinite(chance)):
        yield "chance", f"chance is {chance}: it must lie in [0, 1)"
    data = [picture["bytes"] for picture in columns.get("images") or ()]
    if row.id != row_id(row.task, row.task_version, prompt_text(columns["prompt"]), data, columns["answer"]):
        yield "id", "the id is not the hash of what is asked and what is right"
    sources = row.meta["sources"]
    if row.source_id != sources[0]["source_id"]:
        yield "source", "source_id is not that of the first source in meta"
    licenses = join_licenses(source["license"] for source in sources)
    if not row.license.strip():
        yield "license", "no licence"
    elif row.license != licenses:
        yield "license", f"license is {row.license!r}, its sources say {licenses!r}"
    if not (row.group_id and row.set_id):
        yield "group", "group_id or set_id is empty"
    for mark in row.meta["marks"]:
        if not 0 <= mark["image"] < len(row.images):
            yield "mark", f"a mark lies on picture {mark['image']} of {len(row.images)}"


def _prompt_fault(prompt: Any, pictures: int) -> tuple[str, str] | None:
    if len(prompt) != 1 or prompt[0] is None or prompt[0]["role"] != "user" or prompt[0]["content"] is None:
        return "prompt", "the prompt is not one message of the user"
    body = prompt[0]["content"]
    if isinstance(body, str):
        return None if body.strip() else ("prompt", "the prompt is empty")
    if any(not isinstance(part, dict) or part.keys() != {"type", "text"} for part in body):
        return "prompt", "a part of the prompt has not exactly the keys type and text"
    for part in body:
        if part["type"] not in ("text", "image") or (part["type"] == "text") != isinstance(part["text"], str):
            return "prompt", f"a part of type {part['type']!r} has text {part['text']!r:.40}"
    count = sum(part["type"] == "image" for part in body)
    if count != pictures:
        return "part counts", f"{count} image parts and {pictures} pictures"
    return None


def count_faults(manifest: Json, found: Mapping[str, int], licenses: Mapping[str, int]) -> Iterator[str]:
    """Where the manifest's counts differ from the rows.

    Args:
        manifest: decoded.
        found: rows read of each `task/level`.
        licenses: rows read of each licence.
    """
    stated = {name: counts["rows"] for name, counts in manifest["counts"].items() if counts["rows"]}
    for name in sorted(stated.keys() | found.keys()):
        if stated.get(name, 0) != found.get(name, 0):
            yield f"{name}: {found.get(name, 0)} rows, the manifest says {stated.get(name, 0)}"
    if dict(manifest["licenses"]) != dict(licenses):
        yield "the licences of the rows are not those of the manifest"
    for modality, splits in manifest["modalities"].items():
        for split, body in splits.items():
            if body["rows"] != sum(shard["rows"] for shard in body["shards"]):
                yield f"{modality}/{split}: the shards' rows do not add up to {body['rows']}"


def stray_files(directory: Path, files: Sequence[str]) -> list[str]:
    """Parquet files under `data/` that the manifest does not name: loading the dataset would read them."""
    found = (str(path.relative_to(directory).as_posix()) for path in (directory / "data").rglob("*.parquet"))
    return sorted(set(found) - set(files))
