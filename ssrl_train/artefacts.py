"""What a run leaves behind: folders that are there whole or not at all, each with what it was made from.

A stage's folder holds `stage.json`: its inputs and their fingerprint, which later stages have among their own inputs.
So a folder stands for everything that led to it, a stage that is done is never done again, and one that was made from
other inputs is refused by name.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ssrl_data.core import SsrlError
from ssrl_train.processes import barrier, is_main, once, told

NOTE = "stage.json"
VERSIONED = ("torch", "transformers", "trl", "peft", "ssrl")


def fingerprint(inputs: Mapping[str, Any]) -> str:
    """A hash of a JSON mapping."""
    text = json.dumps(inputs, sort_keys=True, default=str)
    return blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


def file_hash(file: Path) -> str:
    """A hash of a file's content.

    Raises:
        SsrlError: it cannot be read.
    """
    try:
        return blake2b(file.read_bytes(), digest_size=16).hexdigest()
    except OSError as error:
        raise SsrlError(f"{file}: cannot be read: {error.strerror}") from error


def committed(folder: Path, inputs: Mapping[str, Any], make: Callable[[Path], None]) -> None:
    """Make a folder under another name and rename it when whole; nothing to do where it is there.

    Every process calls `make`; the main one makes the folder ready and renames it.

    Args:
        folder: what to make.
        inputs: all that its content follows from, as JSON.
        make: fills the folder that it is given.

    Raises:
        SsrlError: the folder is there and was made from other inputs; the message names the first that differs.
    """
    if told(folder.is_dir()):
        refuse_other(folder, inputs)
        return
    partial = folder.with_name(folder.name + ".partial")
    once(lambda: _emptied(partial))
    make(partial)
    barrier()
    once(lambda: _finished(partial, folder, inputs))


def _emptied(partial: Path) -> None:
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)


def _finished(partial: Path, folder: Path, inputs: Mapping[str, Any]) -> None:
    note_inputs(partial, inputs)
    os.replace(partial, folder)


def note_inputs(folder: Path, inputs: Mapping[str, Any]) -> None:
    """Write down in a folder what it is made from, and by which versions, which are told and not compared."""
    if is_main():
        folder.mkdir(parents=True, exist_ok=True)
        versions = {name: _version(name) for name in VERSIONED}
        write_json(folder / NOTE, {"fingerprint": fingerprint(inputs), "inputs": inputs, "versions": versions})


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def refuse_other(folder: Path, inputs: Mapping[str, Any]) -> None:
    """Stop when a folder was made from other inputs; one without a note is taken for another run's.

    Raises:
        SsrlError: the message names the first input that differs, then and now.
    """
    try:
        then = json.loads((folder / NOTE).read_text(encoding="utf-8"))["inputs"]
    except (OSError, ValueError, KeyError) as error:
        raise SsrlError(f"{folder} is no stage of this run: choose another out folder or remove it") from error
    for key, before, after in _differences(then, json.loads(json.dumps(inputs, default=str))):
        raise SsrlError(
            f"{folder} was made with another {key}: {before!r} there, {after!r} now; choose another out folder, or "
            "remove this one and those made from it to make them again"
        )


def _differences(then: Any, now: Any, key: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(key, then, now) of what differs, mappings looked into."""
    if isinstance(then, dict) and isinstance(now, dict):
        for name in sorted({*then, *now}):
            yield from _differences(then.get(name), now.get(name), f"{key}.{name}" if key else name)
    elif then != now:
        yield key, then, now


def fingerprint_of(folder: Path) -> str:
    """The fingerprint that a folder's note has."""
    return str(json.loads((folder / NOTE).read_text(encoding="utf-8"))["fingerprint"])


def write_json(file: Path, value: Any) -> None:
    """Write a JSON file whole or not at all."""
    partial = file.with_name(file.name + ".partial")
    partial.write_text(json.dumps(value, indent=2, default=str) + "\n", encoding="utf-8")
    os.replace(partial, file)


def link(name: Path, target: Path) -> None:
    """Let a name stand for a folder below the name's own; an older link is replaced.

    Raises:
        SsrlError: a folder has that name.
    """
    if name.is_dir() and not name.is_symlink():
        raise SsrlError(f"{name} is a folder and the run wants that name for its model: move it away")
    partial = name.with_name(name.name + ".partial")
    partial.unlink(missing_ok=True)
    partial.symlink_to(target.relative_to(name.parent), target_is_directory=True)
    os.replace(partial, name)
