"""What several corpora hold, one after another, under keys that stay unique; reads listings and no content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ssrl_data.core import SsrlError
from ssrl_data.sources.base import Entry, Source


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of one of them, by its number and the key it has among all."""

    source: int
    entry: Entry
    key: str


def list_items(sources: Sequence[Source]) -> list[Item]:
    """Every entry of every corpus, with keys that stay unique over several corpora.

    Raises:
        SsrlError: the corpora hold nothing.
    """
    several = len(sources) > 1
    items = [_item(i, entry, several) for i, source in enumerate(sources) for entry in source.entries()]
    if not items:
        raise SsrlError("the corpus holds no record that can be used: check the folder and its corpus.yaml")
    return items


def _item(source: int, entry: Entry, several: bool) -> Item:
    if not several:
        return Item(source, entry, entry.key)
    key = f"{source}/{entry.key}"
    # A record that is a group for itself stays one, though another corpus may have a file of that name.
    return Item(source, replace(entry, group=key) if entry.group == entry.key else entry, key)
