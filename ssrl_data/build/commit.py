"""Writing a file so that under its final name it is whole or absent, whatever happens and whenever."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ssrl_data.build.faults import Step, reach
from ssrl_data.core import Json

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def replace(path: Path, write: Callable[[BinaryIO], None], scratch: Path, steps: tuple[Step | None, ...]) -> None:
    """Write a file under a temporary name, sync it, rename it, sync its folder.

    Args:
        path: the final name; its folder exists and lies on the file system of `scratch`.
        write: writes the content.
        scratch: folder for the temporary name.
        steps: the names of the instants (written, synced, renamed) for the fault tests; None where one has no name.
    """
    written, synced, renamed = steps
    temporary = scratch / f"{path.name}.{os.getpid()}.{uuid.uuid4().hex}"
    try:
        with open(temporary, "wb") as file:
            write(file)
            if written:
                reach(written)
            file.flush()
            os.fsync(file.fileno())
        if synced:
            reach(synced)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    if renamed:
        reach(renamed)


def replace_json(path: Path, value: Json, scratch: Path, steps: tuple[Step | None, ...] = (None, None, None)) -> None:
    """`replace` for a JSON value: sorted keys, two spaces, one spelling."""
    text = json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    replace(path, lambda file: _write(file, text.encode("utf-8", "surrogatepass")), scratch, steps)


def _write(file: BinaryIO, data: bytes) -> None:
    file.write(data)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_digest(path: Path) -> str:
    """32 hexadecimal digits (BLAKE2b) over a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
