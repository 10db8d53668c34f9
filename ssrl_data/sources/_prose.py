"""Documents of prose: from a file's bytes to its paragraphs of running text."""

from __future__ import annotations

import importlib
import re
import zlib
from functools import lru_cache

from ssrl_data.core import Reject
from ssrl_data.media.text import Text, document
from ssrl_data.sources._lines import paragraphs

MAX_BYTES = 1 << 29
"""Most bytes that a compressed document may unpack to, 512 MiB."""

_CHUNK = 1 << 20
_KEPT, _SMALL = 128, 1 << 20  # documents that stay parsed, since a build opens one once a turn, and their most bytes
_OVERSTRUCK = re.compile(r".\x08")  # bold and underlined letters, as nroff prints them
_NEWLINE = re.compile(r"\r\n?")
_INFO_MARK = re.compile(rb"\0\x08\[[^\]\n]{0,200}\0\x08\]")  # announces an index or a picture in Info files

# The pattern of the name, in lower case and without .gz, and the module whose `read` takes its text to paragraphs; a
# name that none fits is of plain text. Imported on first use, since a syntax tree and a parser take long to load.
_READERS = (
    (re.compile(r"\.info(?:-[0-9]+)?$"), "_info"),
    (re.compile(r"\.rst(?:\.txt)?$"), "_rst"),
    (re.compile(r"\.py$"), "_docstrings"),
    (re.compile(r"\.(?:md|markdown)$"), "_markdown"),
    (re.compile(r"\.[1-8][a-z]*$"), "_man"),
)


def read_prose(key: str, data: bytes) -> Text:
    """The document in a file.

    Args:
        key: the file's path, whose suffix says which format it is.
        data: the file's content.

    Raises:
        Reject: `not text`, `truncated`, `broken gzip`, `too large unpacked`.
    """
    return _kept(key.lower(), data) if len(data) <= _SMALL else _read(key.lower(), data)


def _read(name: str, data: bytes) -> Text:
    """The document in a file of a name in lower case."""
    if name.endswith(".gz"):
        name, data = name.removesuffix(".gz"), unpacked(data)
    data = _INFO_MARK.sub(b"", data)
    text = decoded(data)
    module = next((module for pattern, module in _READERS if pattern.search(name)), None)
    if module is None:
        return plain(text)
    found: list[str] = importlib.import_module(f"{__package__}.{module}").read(_NEWLINE.sub("\n", text))
    return document(found)


@lru_cache(maxsize=_KEPT)
def _kept(name: str, data: bytes) -> Text:
    return _read(name, data)


def plain(text: str) -> Text:
    """Plain text: what stands between blank lines, with hard-wrapped lines joined."""
    text = _OVERSTRUCK.sub("", _NEWLINE.sub("\n", text)).replace("\f", "\n\n")
    return document(list(paragraphs(text.split("\n"))))


def unpacked(data: bytes) -> bytes:
    """The content of a gzip file of one or more members, never more than `MAX_BYTES`.

    Raises:
        Reject: `truncated`, `broken gzip`, `too large unpacked`.
    """
    out, size = [], 0
    while data:
        unpacker = zlib.decompressobj(wbits=31)
        while not unpacker.eof:
            try:
                piece = unpacker.decompress(data, _CHUNK)
            except zlib.error as error:
                raise Reject("broken gzip") from error
            if not piece and not unpacker.eof and not unpacker.unconsumed_tail:
                raise Reject("truncated")
            size += len(piece)
            if size > MAX_BYTES:
                raise Reject("too large unpacked")
            out.append(piece)
            data = unpacker.unconsumed_tail
        data = unpacker.unused_data.lstrip(b"\0")  # members may be padded
    return b"".join(out)


def decoded(data: bytes) -> str:
    """The text in bytes: UTF-8, UTF-16 with its byte order mark, or else Latin-1 where that gives sane text.

    Raises:
        Reject: `not text`.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise Reject("not text") from error
    if b"\0" in data:
        raise Reject("not text")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    # Latin-1 gives every byte a meaning; text in it has no control characters, and letters for the most part.
    text = data.decode("latin-1")
    odd = sum(map(text.count, map(chr, (*range(0x01, 0x09), *range(0x0E, 0x20), *range(0x7F, 0xA0)))))
    if odd:
        raise Reject("not text")
    return text
