"""Documents of prose: from a file's bytes to its paragraphs of running text."""

from __future__ import annotations

import re
import zlib

from ssrl_data.core import Reject
from ssrl_data.media.text import Text, document

MAX_BYTES = 1 << 29
"""Most bytes that a compressed document may unpack to, 512 MiB."""

_CHUNK = 1 << 20
_BLANK = re.compile(r"\n[ \t\f\v]*\n\s*")


def read_prose(key: str, data: bytes) -> Text:
    """The document in a file.

    Args:
        key: the file's path, whose suffix says which format it is.
        data: the file's content.

    Raises:
        Reject: `not text`, `truncated`, `broken gzip`, `too large unpacked`.
    """
    name = key.lower()
    if name.endswith(".gz"):
        data = unpacked(data)
    return plain(decoded(data))


def plain(text: str) -> Text:
    """Plain text: what stands between blank lines, with its lines joined."""
    return document(_BLANK.split(text))


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
