"""A folder of files, the descriptor of one, or a single file as a corpus.

What a folder may hold, told by the suffixes of the names as `_files` lists them; all other files are passed over:

- pictures, one record each;
- clips, one record each or as many as a descriptor says;
- documents of prose, one record each: plain text (.txt, .text), Markdown (.md, .markdown), reStructuredText (.rst,
  .rst.txt), Info (.info; .info-1, .info-2, ... of one manual share a group), manual pages (.1 to .8, .3pm and the
  like), each also compressed with .gz behind; and Python source (.py), for its docstrings;
- files of many records, texts, worked solutions and proofs, or instructions: tables (.jsonl, .ndjson, .jsonl.gz,
  .parquet), and Metamath databases (.mm).
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from ssrl_data.core import Record, Reject
from ssrl_data.media.camera import Pair
from ssrl_data.media.clip import Clip
from ssrl_data.media.depth import Depth
from ssrl_data.media.image import Picture
from ssrl_data.sources._descriptor import NAME, Descriptor, Rule, read_descriptor
from ssrl_data.sources._files import (
    MANY,
    METAMATH,
    digest,
    key_of,
    medium_of,
    path_of,
    read,
    reading,
    size_of,
    suffix_of,
    walk,
)
from ssrl_data.sources.base import DepthFile, Entry, Inside, PairFile, Source, Written, written_record

_PART = re.compile(r"//part [0-9]+ of [0-9]+$")
_INSIDE = re.compile(r"(.*)//(?![0-9a-f]{2})([^/]+)", re.DOTALL)
_SPLIT_MANUAL = re.compile(r"(\.info)-[0-9]+(?=(?:\.gz)?$)", re.IGNORECASE)


class ManyReader(Protocol):
    """A module that reads files of many records."""

    def listed(self, path: bytes, rule: Rule) -> Iterator[Inside]:
        """The records of a file in its order; Reject when the file as a whole cannot be read.

        Their names hold no `/` and do not begin with two hexadecimal digits, so that a key tells file and name.
        """

    def opened(self, path: bytes, name: str, part: tuple[int, int], rule: Rule) -> tuple[Written, bytes]:
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
        return path.is_dir() or ((described or bool(medium_of(os.fsencode(path.name)))) and path.is_file())

    @classmethod
    def at(cls, address: str, license: str | None = None) -> Folder:
        """The folder, with the rules of its corpus.yaml when it has one, or the folder that a descriptor names.

        A file alone keeps to the rules of the corpus.yaml beside it, if that one speaks of this folder.

        Raises:
            SsrlError: the descriptor is wrong.
        """
        path = Path(address).absolute()
        alone = not path.is_dir() and bool(medium_of(os.fsencode(path.name)))
        folder = path.parent if alone else path
        described = folder / NAME if folder.is_dir() else folder
        plain = Descriptor(folder, (Rule(),))
        descriptor = read_descriptor(described) if described.exists() else plain
        if not alone:
            return cls(descriptor, license)
        descriptor = descriptor if descriptor.root.samefile(folder) else plain
        return cls(descriptor, license, key_of(os.fsencode(path.name)))

    def entries(self) -> Iterator[Entry]:
        """Every record that the rules use, in the byte order of its file's path, then in the file's own order.

        Raises:
            SsrlError: a folder cannot be listed.
        """
        beside: set[str] = set()
        if any(rule.depth or rule.pair for rule in self.descriptor.rules):
            pictures = (key for key in self._keys() if medium_of(key.encode()) == "image")
            beside = {file for key in pictures for file in self.descriptor.rule(key).beside(key) if file}
        for key in self._keys():
            rule = self.descriptor.rule(key)
            if not rule.use or key in beside:
                continue
            medium = medium_of(key.encode())
            if medium == "image":
                depth, pair = rule.beside(key)
                yield replace(
                    self._entry(key, key, rule, "image"),
                    depth=DepthFile(depth, rule.depth.rule) if depth and rule.depth else None,
                    camera=rule.camera,
                    pair=PairFile(pair, rule.pair.move) if pair and rule.pair else None,
                    stamp=" ".join(size_of(self._file(file)) for file in (key, depth, pair) if file),
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
            stamp=size_of(self._file(file)),
        )

    def _inside(self, file: str, rule: Rule) -> Iterator[Entry]:
        """The records of a file of many; one that cannot be listed to its end is a record itself, which says why."""
        reader = _many(file.encode())
        whole = self._entry(file, file, rule, "worked" if MANY[suffix_of(file.encode())] == METAMATH else "text")
        try:
            with reading():
                for inside in reader.listed(self._file(file), rule):
                    key = f"{file}//{inside.name}"
                    group = rule.group or (f"{file}//{inside.group}" if inside.group else key)
                    yield replace(whole, key=key, group=group, media=inside.media, part=inside.part)
        except Reject:
            yield whole

    def open(self, entry: Entry) -> Record:
        """The picture of one entry, and what lies beside it; or the clip, or the record of text alone.

        Raises:
            Reject: `not found`, `not permitted`, `not a file`, `file too large`, `unreadable`, or as in `Picture`; the
                same of its depth map or second view; or these do not fit the picture; or as in the reader of its text.
        """
        if entry.media in ("text", "worked", "instruction"):
            return self._prose(entry)
        if entry.media == "clip":
            path = self._file(_PART.sub("", entry.key))
            content = digest(path)
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
        data = read(self._file(entry.key))
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
        found: Written
        if medium_of(file.encode()) == "text":
            from ssrl_data.sources._prose import read_prose

            content = read(path)
            found = read_prose(file, content)
        else:
            rule, reader = self.descriptor.rule(file), _many(file.encode())
            with reading():
                if inside is None:
                    for _ in reader.listed(path, rule):
                        pass
                    raise Reject("changed since it was listed")
                found, content = reader.opened(path, name, entry.part, rule)
        return written_record(entry, found, content)

    def _keys(self) -> Iterator[str]:
        if self.only is not None:
            return iter((self.only,))
        return (key_of(path) for path in walk(os.fsencode(self.descriptor.root)))

    def _file(self, key: str) -> bytes:
        return os.path.join(os.fsencode(self.descriptor.root), path_of(key))

    def _beside(self, key: str, what: str) -> bytes:
        try:
            return read(self._file(key))
        except Reject as reject:
            raise Reject(f"{what}: {reject.reason}") from reject


def _many(name: bytes) -> ManyReader:
    return importlib.import_module(f"{__package__}.{MANY[suffix_of(name)]}")
