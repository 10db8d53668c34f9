"""Truth: each task recomputes the answers of its rows from the corpus."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path

from ssrl_data.check.seen import looks_if_able
from ssrl_data.core import Fault, Record, Reject, Row, SsrlError
from ssrl_data.curate.alike import Look
from ssrl_data.listing import Item, list_items
from ssrl_data.registry import modules, source_at, task_class
from ssrl_data.sources.base import Source

RECORDS = 24
"""Opened records kept: rows of one record lie together, and its donors are the records shortly before it."""


def find_sources(directory: Path, addresses: Sequence[str] | None, number: int) -> tuple[Source, ...]:
    """The corpus of a dataset: the addresses given, else those that the build left, else nothing.

    Args:
        directory: the dataset.
        addresses: as the user named them.
        number: corpora in the recipe; keys are told apart by their order.

    Raises:
        SsrlError: an address that the user named is no corpus, or they are not as many as in the recipe.
    """
    if addresses is not None:
        if len(addresses) != number:
            raise SsrlError(f"the dataset was built from {number} source(s) and {len(addresses)} are named: name all")
        return tuple(source_at(address) for address in addresses)
    try:
        found = _recorded(directory)
        sources = tuple(source_at(address) for address in found) if len(found) == number else ()
        if sources:
            list_items(sources)  # a folder that is still there may have been emptied
    except (OSError, ValueError, KeyError, TypeError, SsrlError):
        return ()
    return sources


def lost_sources(directory: Path) -> list[str]:
    """The addresses that a build left at which no corpus with a record is found any more, each with the reason."""
    lost = []
    try:
        for address in _recorded(directory):
            try:
                why = "" if next(iter(source_at(address).entries()), None) else f"no record at {address} any more"
            except SsrlError as error:  # moved, or out of reach for now, or its descriptor is wrong
                why = str(error) if "://" in address or Path(address).exists() else f"no corpus at {address} any more"
            lost += [why] if why else []
    except (OSError, ValueError, KeyError, TypeError):  # nothing was left, or nothing that can be read
        return []
    return lost


def _recorded(directory: Path) -> list[str]:
    return [str(source) for source in json.loads((directory / ".ssrl" / "corpus.json").read_text("utf-8"))["sources"]]


class Auditor:
    """Runs the tasks' audits, each record opened once while its rows last.

    Args:
        sources: the corpora in the recipe's order; empty when they are not at hand.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = sources
        self.looks: dict[str, tuple[Look, ...]] = {}
        self._items: dict[str, Item] = {item.key: item for item in list_items(sources)} if sources else {}
        self._opened: OrderedDict[str, Record | str] = OrderedDict()
        self._tasks = modules("ssrl.tasks")

    def audit(self, row: Row) -> tuple[list[Fault], str]:
        """The faults of a row, and why its truth was not rechecked against the corpus; an empty text when it was."""
        if row.task not in self._tasks:
            return [], f"{row.task} is not installed"
        cls = task_class(row.task)
        if cls.version != row.task_version:
            return [], f"{row.task} is at version {cls.version} here, {row.task_version} in the rows"
        records, missing = self._records(row)
        faults: list[Fault] = []
        try:
            found = cls.audit(row, records)
            if not isinstance(found, Iterable):
                what = f"audit returned {found!r:.40}: write it as a generator, or return an iterator of faults"
                return [Fault("true", what)], missing
            for fault in found:
                faults.append(fault)  # one by one, so that what was found before an error counts
        except Reject as reject:
            return faults, f"record unreadable: {reject.reason}"
        except Exception as error:  # an audit meets rows that nobody made: whatever it raises is the row's fault
            faults.append(Fault("true", f"the audit stopped at {type(error).__name__}: {error}"))
        return faults, missing

    def _records(self, row: Row) -> tuple[list[Record], str]:
        """The row's records, or none and the reason."""
        if not self.sources:
            return [], "no corpus at hand"
        out = []
        for source in row.meta["sources"]:
            record = self._open(source["key"])
            if isinstance(record, str):
                return [], record
            if record.source_id != source["source_id"]:
                return [], "record changed since the build"
            out.append(record)
        return out, ""

    def _open(self, key: str) -> Record | str:
        if key in self._opened:
            self._opened.move_to_end(key)
            return self._opened[key]
        item = self._items.get(key)
        record: Record | str
        if item is None:
            record = "record not in the corpus"
        else:
            try:
                record = self.sources[item.source].open(item.entry)
                self._look(record)
            except Reject as reject:
                record = f"record unreadable: {reject.reason}"
        self._opened[key] = record
        if len(self._opened) > RECORDS:
            self._opened.popitem(last=False)
        return record

    def _look(self, record: Record) -> None:
        if record.source_id not in self.looks and (record.image is not None or record.clip is not None):
            self.looks[record.source_id] = looks_if_able(record)
