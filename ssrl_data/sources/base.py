"""What a corpus reader is: it lists entries without reading content, and opens one entry as a record."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from ssrl_data.core import Json, Record
from ssrl_data.media.camera import Camera, Vector
from ssrl_data.media.depth import DepthRule
from ssrl_data.media.instruction import Instruction
from ssrl_data.media.text import Text
from ssrl_data.media.worked import Worked

Written: TypeAlias = Text | Worked | Instruction
"""What a record of text alone is."""


@dataclass(frozen=True, slots=True)
class DepthFile:
    """A depth map beside a picture: the key of its file, and what its numbers mean."""

    file: str
    rule: DepthRule


@dataclass(frozen=True, slots=True)
class PairFile:
    """A second view beside a picture: the key of its file, and the camera's move as in `Pair`."""

    file: str
    move: Vector


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a corpus as listed, before it is opened. Fields as in `Record`."""

    key: str
    group: str
    license: str = "unknown"
    attribution: str = ""
    origin: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)
    depth: DepthFile | None = None
    camera: Camera | None = None
    pair: PairFile | None = None
    media: str = "image"
    """What it is: `image`, `clip`, `text`, `worked` or `instruction`, the field of the record that it fills."""
    part: tuple[int, int] = (0, 1)
    """Which part of how many of a clip it is, counted from 0; of a file of many records, where in it: the reader's own
    two numbers (offset and length; row group and row)."""
    dropped: tuple[int, ...] = ()
    """Numbers of the passages that a curation leaves out: paragraphs of a text, from 0; queries of an instruction, from
    1."""
    stamp: str = field(default="", compare=False)
    """Differs when the content does, as far as listing can tell (the files' sizes)."""


def written_record(entry: Entry, found: Written, content: bytes) -> Record:
    """The record of an entry that is text alone, without the passages that a curation leaves out.

    Args:
        entry: as listed.
        found: what it says.
        content: what it was read from; its hash is the record's `source_id`.
    """
    return Record(
        key=entry.key,
        group=entry.group,
        source_id=hashlib.sha256(content).hexdigest()[:32],
        license=entry.license,
        attribution=entry.attribution,
        origin=entry.origin,
        facts=entry.facts,
        text=Text(found.paragraphs, frozenset(entry.dropped)) if isinstance(found, Text) else None,
        worked=found if isinstance(found, Worked) else None,
        instruction=_without(found, entry.dropped) if isinstance(found, Instruction) else None,
    )


def _without(found: Instruction, dropped: Collection[int]) -> Instruction:
    """An instruction without the queries of these numbers, from 1."""
    return replace(found, queries=tuple(q for number, q in enumerate(found.queries, 1) if number not in dropped))


@dataclass(frozen=True, slots=True)
class Inside:
    """A record inside a file of many: a line of a JSONL, a row of a Parquet, a theorem of a database.

    Attributes:
        name: what tells it from the others of the file; it stands behind `//` in the key (`line 17`, `row 3`).
        media: `text`, `worked` or `instruction`.
        part: where in the file it is, as in `Entry.part`.
        group: which of the file's own groups it is of (a document, a chapter); empty: a group for itself.
    """

    name: str
    media: str
    part: tuple[int, int]
    group: str = ""


class Source(ABC):
    """A corpus. Picklable, since workers are spawned; holds addresses and rules, never content."""

    @classmethod
    @abstractmethod
    def claims(cls, address: str) -> bool:
        """Whether this reader takes the address; exactly one installed reader should."""

    @classmethod
    @abstractmethod
    def at(cls, address: str, license: str | None = None) -> Source:
        """The corpus at an address; `license` replaces `unknown` licences.

        Raises:
            SsrlError: there is no such corpus, or its descriptor is wrong.
        """

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """Every entry once, in an order that depends on the corpus alone."""

    @abstractmethod
    def open(self, entry: Entry) -> Record:
        """Read one entry's content.

        Raises:
            Reject: it cannot be read; the reason is a few fixed words.
        """
