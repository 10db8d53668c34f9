"""The files below a folder: which of them are read, under which keys, and what can go wrong with reading one."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader

from ssrl_data.core import Reject, SsrlError

SUFFIXES = frozenset(
    b".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .dib .tif .tiff .pbm .pgm .ppm .pnm .avif".split()
)
"""Suffixes of pictures. Which of these a file has does not matter: its content decides."""

CLIPS = frozenset(b".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .m2ts .mts .ogv .flv .wmv .3gp .y4m".split())
"""Suffixes of clips; the content decides again."""

PROSE = re.compile(
    rb"\.(?:txt|text|md|markdown|rst|info(?:-[0-9]+)?|[1-8](?:p|pm|x|am|ssl|tcl|perl|posix|type|const|head|readline|"
    rb"ncurses|form|menu|curses)?)(?:\.gz)?$|\.py$",
    re.IGNORECASE,
)
"""Suffixes of documents, one record each; `_prose` tells which reader takes which."""

TABLES, METAMATH = "_tables", "_metamath"
MANY = {b".jsonl": TABLES, b".ndjson": TABLES, b".jsonl.gz": TABLES, b".parquet": TABLES, b".mm": METAMATH}
"""Suffixes of files of many records, and the module that reads them."""

MAX_BYTES = 1 << 29
"""Largest file that is read, 512 MiB: above what MAX_PIXELS pixels take uncompressed."""

_NOT_UTF8 = re.compile(r"//([0-9a-f]{2})")


def key_of(path: bytes) -> str:
    """The key of a path below the root; bytes that are not UTF-8 become `//` and two digits."""
    text = path.decode("utf-8", "surrogateescape")
    return "".join(f"//{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in text)


def path_of(key: str) -> bytes:
    """The path below the root that has a key."""
    return _NOT_UTF8.sub(lambda m: chr(0xDC00 + int(m[1], 16)), key).encode("utf-8", "surrogateescape")


def suffix_of(name: bytes) -> bytes:
    """The suffix that tells how to read a file, with the one before a final `.gz`."""
    stem, suffix = os.path.splitext(name.lower())
    return os.path.splitext(stem)[1] + suffix if suffix == b".gz" else suffix


def medium_of(name: bytes) -> str:
    """What a file is by its name: `image`, `clip`, `text`, `many` records; empty when it is none of these."""
    suffix = suffix_of(name)
    if suffix in SUFFIXES:
        return "image"
    if suffix in CLIPS:
        return "clip"
    if suffix in MANY:
        return "many"
    return "text" if PROSE.search(name) else ""


def _is_text(name: bytes) -> bool:
    return medium_of(name) in ("text", "many")


def walk(root: bytes) -> Iterator[bytes]:
    """Paths of the files to read below a root, in byte order, one folder in memory at a time."""
    real_root = os.path.realpath(root)
    targets: set[bytes] = set()
    stack = [b""]
    while stack:
        path = stack.pop()
        if path and not path.endswith(b"/"):
            if not os.path.islink(root + b"/" + path) or _sole(root + b"/" + path, real_root, targets):
                yield path
            continue
        try:
            with os.scandir(root + b"/" + path) as found:
                names = [
                    path + item.name + (b"/" if item.is_dir(follow_symlinks=False) else b"")
                    for item in found
                    if not item.name.startswith(b".")
                    and (item.is_dir(follow_symlinks=False) or (medium_of(item.name) and _file_or_dangling(item)))
                ]
        except OSError as error:
            where = os.fsdecode(os.path.join(root, path))
            raise SsrlError(f"{where}: cannot be listed ({error.strerror}): make it readable or move it out") from error
        stack.extend(sorted(names, reverse=True))


def _file_or_dangling(item: os.DirEntry[bytes]) -> bool:
    """A file, also behind a link; or a link to nothing, which is then rejected by name and not passed over."""
    return item.is_file() or (item.is_symlink() and not os.path.exists(item.path))


def _sole(link: bytes, real_root: bytes, targets: set[bytes]) -> bool:
    """Whether the target of a link is listed neither under its own name nor through an earlier link."""
    target = os.path.realpath(link)
    below = os.path.relpath(target, real_root).split(b"/")
    # One blob may be a picture under one name and a document under another: the two never stand for each other.
    shown = bool(medium_of(below[-1])) and _is_text(below[-1]) == _is_text(link)
    own = below[0] != b".." and not any(part.startswith(b".") for part in below) and shown
    mark = (b"text " if _is_text(link) else b"") + target
    if mark in targets or (own and os.path.exists(target)):
        return False
    targets.add(mark)
    return True


def size_of(path: bytes) -> str:
    """The size of a file, as a stamp of its content; empty where it cannot be told."""
    try:
        return str(os.stat(path).st_size)
    except OSError:  # opening it will say why
        return ""


def read(path: bytes) -> bytes:
    """The content of a file.

    Raises:
        Reject: `not found`, `not permitted`, `not a file`, `file too large`, `unreadable`.
    """
    with _opened(path) as file:
        if os.fstat(file.fileno()).st_size > MAX_BYTES:
            raise Reject("file too large")
        return file.read()


def digest(path: bytes) -> str:
    """The SHA-256 of a file of any size."""
    with _opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _opened(path: bytes) -> Iterator[BufferedReader]:
    """An open file; what goes wrong with it is a reason to reject it."""
    with reading(), open(path, "rb") as file:
        yield file


@contextmanager
def reading() -> Iterator[None]:
    """What goes wrong with a file inside is a reason to reject it."""
    try:
        yield
    except PermissionError as error:
        raise Reject("not permitted") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Reject("not found") from error
    except IsADirectoryError as error:
        raise Reject("not a file") from error
    except OSError as error:
        raise Reject("unreadable") from error
