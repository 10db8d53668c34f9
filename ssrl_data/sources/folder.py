"""A folder of files, the descriptor of one, or a single file as a corpus.

What a folder may hold, told by the suffixes of the files' names; all others are passed over:

- pictures (`SUFFIXES`), one record each;
- clips (`CLIPS`), one record each or as many as a descriptor says;
- documents of prose, one record each: plain text (.txt, .text), Markdown (.md, .markdown), reStructuredText (.rst,
  .rst.txt), Info (.info; .info-1, .info-2, ... of one manual share a group), manual pages (.1 to .8, .3pm and the
  like), each also compressed with .gz behind; and Python source (.py), for its docstrings;
- files of many records, texts or worked solutions and proofs: tables (.jsonl, .ndjson, .jsonl.gz, .parquet), and
  Metamath databases (.mm).
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path
from typing import Protocol

from ssrl_data.core import Record, Reject, SsrlError
from ssrl_data.media.camera import Pair
from ssrl_data.media.clip import Clip
from ssrl_data.media.depth import Depth
from ssrl_data.media.image import Picture
from ssrl_data.media.text import Text
from ssrl_data.media.worked import Worked
from ssrl_data.sources._descriptor import NAME, Descriptor, Rule, read_descriptor
from ssrl_data.sources.base import DepthFile, Entry, Inside, PairFile, Source

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
_PART = re.compile(r"//part [0-9]+ of [0-9]+$")
_INSIDE = re.compile(r"(.*)//(?![0-9a-f]{2})([^/]+)", re.DOTALL)
_SPLIT_MANUAL = re.compile(r"(\.info)-[0-9]+(?=(?:\.gz)?$)", re.IGNORECASE)


class ManyReader(Protocol):
    """A module that reads files of many records."""

    def listed(self, path: bytes, rule: Rule) -> Iterator[Inside]:
        """The records of a file in its order; Reject when the file as a whole cannot be read.

        Their names hold no `/` and do not begin with two hexadecimal digits, so that a key tells file and name.
        """

    def opened(self, path: bytes, name: str, part: tuple[int, int], rule: Rule) -> tuple[Text | Worked, bytes]:
        """One record and the bytes that are its content; Reject when it cannot be read."""


@dataclass(frozen=True)
class Folder(Source):
    """The files below a folder, in the byte order of their paths; or one file of these.

    Folders that are links are not followed, hidden files and folders (`.name`) are passed over, and of several links
    to one file one is kept. A key is the path below the root with `/` between its parts; a byte of a name that is not
    UTF-8 is written `//` and two hexadecimal digits, which no path contains, so keys stay unique and reversible; so is
    `//part 2 of 12` behind the path of a clip that is cut into parts, and `//line 17` behind that of a file of many
    records.

    Attributes:
        descriptor: the root and what is known of its files.
        license: what to put for files of unknown licence, if anything.
        only: the key of the one file meant, if not all are.
    """

    descriptor: Descriptor
    license: str | None = None
    only: str | None = None

    @classmethod
    def claims(cls, address: str) -> bool:
        """An existing folder, or an existing file: one that ends in .yaml or .yml, or one that a folder may hold."""
        path = Path(address)
        described = path.suffix.lower() in (".yaml", ".yml")
        return path.is_dir() or ((described or bool(_medium(os.fsencode(path.name)))) and path.is_file())

    @classmethod
    def at(cls, address: str, license: str | None = None) -> Folder:
        """The folder, with the rules of its corpus.yaml when it has one, or the folder that a descriptor names.

        A file alone keeps to the rules of the corpus.yaml beside it, if that one speaks of this folder.

        Raises:
            SsrlError: the descriptor is wrong.
        """
        path = Path(address).absolute()
        alone = not path.is_dir() and bool(_medium(os.fsencode(path.name)))
        folder = path.parent if alone else path
        described = folder / NAME if folder.is_dir() else folder
        plain = Descriptor(folder, (Rule(),))
        descriptor = read_descriptor(described) if described.exists() else plain
        if not alone:
            return cls(descriptor, license)
        descriptor = descriptor if descriptor.root.samefile(folder) else plain
        return cls(descriptor, license, _key(os.fsencode(path.name)))

    def entries(self) -> Iterator[Entry]:
        """Every record that the rules use, in the byte order of its file's path, then in the file's own order.

        Raises:
            SsrlError: a folder cannot be listed.
        """
        beside: set[str] = set()
        if any(rule.depth or rule.pair for rule in self.descriptor.rules):
            pictures = (key for key in self._keys() if _medium(key.encode()) == "image")
            beside = {file for key in pictures for file in self.descriptor.rule(key).beside(key) if file}
        for key in self._keys():
            rule = self.descriptor.rule(key)
            if not rule.use or key in beside:
                continue
            medium = _medium(key.encode())
            if medium == "image":
                depth, pair = rule.beside(key)
                yield replace(
                    self._entry(key, key, rule, "image"),
                    depth=DepthFile(depth, rule.depth.rule) if depth and rule.depth else None,
                    camera=rule.camera,
                    pair=PairFile(pair, rule.pair.move) if pair and rule.pair else None,
                    stamp=" ".join(_size(self._file(file)) for file in (key, depth, pair) if file),
                )
            elif medium == "clip":
                for number in range(rule.parts):
                    name = key if rule.parts == 1 else f"{key}//part {number + 1} of {rule.parts}"
                    yield replace(self._entry(name, key, rule, "clip"), part=(number, rule.parts))
            elif medium == "text":
                yield self._entry(key, key, rule, "text", group=_SPLIT_MANUAL.sub(r"\1", key))
            else:
                yield from self._inside(key, rule)

    def _entry(self, key: str, file: str, rule: Rule, medium: str, group: str | None = None) -> Entry:
        return Entry(
            key=key,
            group=rule.group or group or file,
            media=medium,
            license=self.license if self.license and rule.license == "unknown" else rule.license,
            attribution=rule.attribution,
            origin=rule.origin,
            facts=rule.facts,
            stamp=_size(self._file(file)),
        )

    def _inside(self, file: str, rule: Rule) -> Iterator[Entry]:
        """The records of a file of many; one that cannot be listed to its end is a record itself, which says why."""
        reader = _many(file.encode())
        whole = self._entry(file, file, rule, "worked" if MANY[_suffix(file.encode())] == METAMATH else "text")
        try:
            with _reading():
                for inside in reader.listed(self._file(file), rule):
                    key = f"{file}//{inside.name}"
                    group = rule.group or (f"{file}//{inside.group}" if inside.group else key)
                    yield replace(whole, key=key, group=group, media=inside.media, part=inside.part)
        except Reject:
            yield whole

    def open(self, entry: Entry) -> Record:
        """The picture of one entry, and what lies beside it; or the clip, the text, the worked solution.

        Raises:
            Reject: `not found`, `not permitted`, `not a file`, `file too large`, `unreadable`, or as in `Picture`; the
                same of its depth map or second view; or these do not fit the picture; or as in the reader of its text.
        """
        if entry.media in ("text", "worked"):
            return self._prose(entry)
        if entry.media == "clip":
            path = self._file(_PART.sub("", entry.key))
            content = _digest(path)
            number, parts = entry.part
            if parts > 1:
                content = hashlib.sha256(f"{content} part {number} of {parts}".encode()).hexdigest()
            return Record(
                key=entry.key,
                group=entry.group,
                source_id=content[:32],
                license=entry.license,
                attribution=entry.attribution,
                origin=entry.origin,
                facts=entry.facts,
                clip=Clip(path, entry.part),
            )
        data = _read(self._file(entry.key))
        picture = Picture(data)
        hashes = [hashlib.sha256(data).hexdigest()]
        depth = pair = None
        if (entry.depth or entry.pair) and picture.turned:
            # Maps are written for the stored pixels by some and for the upright ones by others: no telling.
            raise Reject("turned by EXIF beside a depth map or a second view")
        if entry.depth:
            data = self._beside(entry.depth.file, "depth")
            hashes.append(hashlib.sha256(data).hexdigest())
            depth = Depth(data, entry.depth.rule, picture.size)
        if entry.pair:
            data = self._beside(entry.pair.file, "second view")
            hashes.append(hashlib.sha256(data).hexdigest())
            pair = Pair(Picture(data), entry.pair.move)
            if pair.image.size != picture.size or pair.image.turned:
                raise Reject("views of two sizes")
        return Record(
            key=entry.key,
            group=entry.group,
            source_id=(hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest())[:32],
            license=entry.license,
            attribution=entry.attribution,
            origin=entry.origin,
            facts=entry.facts,
            image=picture,
            depth=depth,
            camera=entry.camera,
            pair=pair,
        )

    def _prose(self, entry: Entry) -> Record:
        """A document, or a record inside a file of many."""
        inside = _INSIDE.fullmatch(entry.key)
        file, name = inside.groups() if inside else (entry.key, "")
        path = self._file(file)
        found: Text | Worked
        if _medium(file.encode()) == "text":
            from ssrl_data.sources._prose import read_prose

            content = _read(path)
            found = read_prose(file, content)
        else:
            rule, reader = self.descriptor.rule(file), _many(file.encode())
            with _reading():
                if inside is None:
                    for _ in reader.listed(path, rule):
                        pass
                    raise Reject("changed since it was listed")
                found, content = reader.opened(path, name, entry.part, rule)
        text, worked = (found, None) if isinstance(found, Text) else (None, found)
        return Record(
            key=entry.key,
            group=entry.group,
            source_id=hashlib.sha256(content).hexdigest()[:32],
            license=entry.license,
            attribution=entry.attribution,
            origin=entry.origin,
            facts=entry.facts,
            text=text and Text(text.paragraphs, frozenset(entry.dropped)),
            worked=worked,
        )

    def _keys(self) -> Iterator[str]:
        if self.only is not None:
            return iter((self.only,))
        return (_key(path) for path in _walk(os.fsencode(self.descriptor.root)))

    def _file(self, key: str) -> bytes:
        return os.path.join(os.fsencode(self.descriptor.root), _path(key))

    def _beside(self, key: str, what: str) -> bytes:
        try:
            return _read(self._file(key))
        except Reject as reject:
            raise Reject(f"{what}: {reject.reason}") from reject


def _size(path: bytes) -> str:
    try:
        return str(os.stat(path).st_size)
    except OSError:  # opening it will say why
        return ""


def _key(path: bytes) -> str:
    text = path.decode("utf-8", "surrogateescape")
    return "".join(f"//{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in text)


def _path(key: str) -> bytes:
    return _NOT_UTF8.sub(lambda m: chr(0xDC00 + int(m[1], 16)), key).encode("utf-8", "surrogateescape")


def _suffix(name: bytes) -> bytes:
    """The suffix that tells how to read a file, with the one before a final `.gz`."""
    stem, suffix = os.path.splitext(name.lower())
    return os.path.splitext(stem)[1] + suffix if suffix == b".gz" else suffix


def _medium(name: bytes) -> str:
    """What a file is by its name: `image`, `clip`, `text`, `many` records; empty when it is none of these."""
    suffix = _suffix(name)
    if suffix in SUFFIXES:
        return "image"
    if suffix in CLIPS:
        return "clip"
    if suffix in MANY:
        return "many"
    return "text" if PROSE.search(name) else ""


def _is_text(name: bytes) -> bool:
    return _medium(name) in ("text", "many")


def _many(name: bytes) -> ManyReader:
    return importlib.import_module(f"{__package__}.{MANY[_suffix(name)]}")


def _walk(root: bytes) -> Iterator[bytes]:
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
                    and (item.is_dir(follow_symlinks=False) or (_medium(item.name) and _file_or_dangling(item)))
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
    shown = bool(_medium(below[-1])) and _is_text(below[-1]) == _is_text(link)
    own = below[0] != b".." and not any(part.startswith(b".") for part in below) and shown
    mark = (b"text " if _is_text(link) else b"") + target
    if mark in targets or (own and os.path.exists(target)):
        return False
    targets.add(mark)
    return True


def _read(path: bytes) -> bytes:
    with _opened(path) as file:
        if os.fstat(file.fileno()).st_size > MAX_BYTES:
            raise Reject("file too large")
        return file.read()


def _digest(path: bytes) -> str:
    """The SHA-256 of a file of any size."""
    with _opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _opened(path: bytes) -> Iterator[BufferedReader]:
    """An open file; what goes wrong with it is a reason to reject it."""
    with _reading(), open(path, "rb") as file:
        yield file


@contextmanager
def _reading() -> Iterator[None]:
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
