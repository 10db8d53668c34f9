"""A folder of pictures and clips, or the descriptor of one, as a corpus."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from ssrl_data.core import Record, Reject, SsrlError
from ssrl_data.media.camera import Pair
from ssrl_data.media.clip import Clip
from ssrl_data.media.depth import Depth
from ssrl_data.media.image import Picture
from ssrl_data.sources._descriptor import NAME, Descriptor, Rule, read_descriptor
from ssrl_data.sources.base import DepthFile, Entry, PairFile, Source

SUFFIXES = frozenset(
    b".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .gif .bmp .dib .tif .tiff .pbm .pgm .ppm .pnm .avif".split()
)
"""Suffixes of pictures. Which of these a file has does not matter: its content decides."""

CLIPS = frozenset(b".mp4 .m4v .mov .mkv .webm .avi .mpg .mpeg .m2ts .mts .ogv .flv .wmv .3gp .y4m".split())
"""Suffixes of clips; the content decides again. Files with other suffixes than these two sets have are passed over."""

MAX_BYTES = 1 << 29
"""Largest file that is read, 512 MiB: above what MAX_PIXELS pixels take uncompressed."""

_NOT_UTF8 = re.compile(r"//([0-9a-f]{2})")
_PART = re.compile(r"//part [0-9]+ of [0-9]+$")


@dataclass(frozen=True)
class Folder(Source):
    """The pictures and clips below a folder, in the byte order of their paths.

    Folders that are links are not followed, hidden files and folders (`.name`) are passed over, and of several links
    to one file one is kept. A key is the path below the root with `/` between its parts; a byte of a name that is not
    UTF-8 is written `//` and two hexadecimal digits, which no path contains, so keys stay unique and reversible; so is
    `//part 2 of 12` behind the path of a clip that is cut into parts.

    Attributes:
        descriptor: the root and what is known of its files.
        license: what to put for files of unknown licence, if anything.
    """

    descriptor: Descriptor
    license: str | None = None

    @classmethod
    def claims(cls, address: str) -> bool:
        """An existing folder, or an existing file that ends in .yaml or .yml."""
        path = Path(address)
        return path.is_dir() or (path.suffix.lower() in (".yaml", ".yml") and path.is_file())

    @classmethod
    def at(cls, address: str, license: str | None = None) -> Folder:
        """The folder, with the rules of its corpus.yaml when it has one, or the folder that a descriptor names.

        Raises:
            SsrlError: the descriptor is wrong.
        """
        path = Path(address).absolute()
        described = path / NAME if path.is_dir() else path
        descriptor = read_descriptor(described) if described.exists() else Descriptor(path, (Rule(),))
        return cls(descriptor, license)

    def entries(self) -> Iterator[Entry]:
        """Every picture and clip that the rules use, in the byte order of its path.

        Raises:
            SsrlError: a folder cannot be listed.
        """
        beside: set[str] = set()
        if any(rule.depth or rule.pair for rule in self.descriptor.rules):
            pictures = (key for key in self._keys() if not _is_clip(key.encode()))
            beside = {file for key in pictures for file in self.descriptor.rule(key).beside(key) if file}
        for key in self._keys():
            rule = self.descriptor.rule(key)
            if not rule.use or key in beside:
                continue
            if _is_clip(key.encode()):
                yield from self._clip(key, rule)
                continue
            depth, pair = rule.beside(key)
            yield Entry(
                key=key,
                group=rule.group or key,
                license=self.license if self.license and rule.license == "unknown" else rule.license,
                attribution=rule.attribution,
                origin=rule.origin,
                facts=rule.facts,
                depth=DepthFile(depth, rule.depth.rule) if depth and rule.depth else None,
                camera=rule.camera,
                pair=PairFile(pair, rule.pair.move) if pair and rule.pair else None,
                stamp=" ".join(_size(self._file(file)) for file in (key, depth, pair) if file),
            )

    def _clip(self, key: str, rule: Rule) -> Iterator[Entry]:
        """A clip, or its parts; they share a group."""
        for number in range(rule.parts):
            yield Entry(
                key=key if rule.parts == 1 else f"{key}//part {number + 1} of {rule.parts}",
                group=rule.group or key,
                media="clip",
                part=(number, rule.parts),
                license=self.license if self.license and rule.license == "unknown" else rule.license,
                attribution=rule.attribution,
                origin=rule.origin,
                facts=rule.facts,
                stamp=_size(self._file(key)),
            )

    def open(self, entry: Entry) -> Record:
        """The picture of one entry, and what lies beside it; or the clip.

        Raises:
            Reject: `not found`, `not permitted`, `not a file`, `file too large`, `unreadable`, or as in `Picture`; the
                same of its depth map or second view; or these do not fit the picture.
        """
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

    def _keys(self) -> Iterator[str]:
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


def _listed(name: bytes) -> bool:
    return not name.startswith(b".") and os.path.splitext(name)[1].lower() in SUFFIXES | CLIPS


def _is_clip(name: bytes) -> bool:
    return os.path.splitext(name)[1].lower() in CLIPS


def _walk(root: bytes) -> Iterator[bytes]:
    """Paths of pictures and clips below a root, in byte order, one folder in memory at a time."""
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
                    and (item.is_dir(follow_symlinks=False) or (_listed(item.name) and _file_or_dangling(item)))
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
    own = below[0] != b".." and not any(part.startswith(b".") for part in below) and _listed(below[-1])
    if target in targets or (own and os.path.exists(target)):
        return False
    targets.add(target)
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
    try:
        with open(path, "rb") as file:
            yield file
    except PermissionError as error:
        raise Reject("not permitted") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Reject("not found") from error
    except IsADirectoryError as error:
        raise Reject("not a file") from error
    except OSError as error:
        raise Reject("unreadable") from error
