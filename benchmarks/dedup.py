"""A million paragraphs with planted repeats: time and memory of `ssrl curate`, and how many repeats it finds.

The paragraphs are sentences of Python's own reference texts, with one word in four replaced, so that each is new. Of
them 55% are exact repeats of an earlier one, a tenth of all one and the same, and 10% are near repeats: one word in
twenty replaced. Those of them that are below the threshold then are not counted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np

from ssrl_data.core import Record
from ssrl_data.curate import repeats
from ssrl_data.curate.alike import Groups
from ssrl_data.curate.texts import Wanted, curate_texts
from ssrl_data.listing import list_items
from ssrl_data.media.text import Text, canonical, sentences
from ssrl_data.sources.base import Entry, Source

PER_DOCUMENT = 100
FRESH, REPEAT, BOILERPLATE, NEAR, CHANGED = range(5)
SHARES = (0.35, 0.45, 0.10, 0.10)


_WORD = re.compile(r"[a-z]{2,}")


@dataclass(frozen=True)
class Lines(Source):
    """Documents of a paragraph a line: what reading prose costs is no part of this benchmark."""

    root: Path

    @classmethod
    def claims(cls, address: str) -> bool:
        return False

    @classmethod
    def at(cls, address: str, license: str | None = None) -> Lines:
        return cls(Path(address))

    def entries(self) -> Iterator[Entry]:
        for path in sorted(self.root.glob("*.txt")):
            yield Entry(path.name, path.name, media="text")

    def open(self, entry: Entry) -> Record:
        text = Text(tuple((self.root / entry.key).read_text().splitlines()))
        return Record(entry.key, entry.group, entry.key, text=text)


def write_documents(folder: Path, count: int) -> None:
    """Write `count` paragraphs in documents, and what each of them is in `kinds.npy`."""
    rng = np.random.default_rng(0)
    prose = [_WORD.findall(sentence) for text in topics.values() for sentence in sentences(canonical(text))]
    prose = [sentence for sentence in prose if 10 <= len(sentence) <= 40]
    vocabulary = sorted({word for sentence in prose for word in sentence})
    kinds = rng.choice(4, count, p=SHARES).astype(np.uint8)
    kinds[:PER_DOCUMENT] = FRESH
    fresh: list[list[str]] = []

    def altered(found: list[str], share: float) -> list[str]:
        replaced = rng.random(len(found)) < share
        others = rng.integers(len(vocabulary), size=len(found))
        return [vocabulary[other] if new else word for word, new, other in zip(found, replaced, others, strict=True)]

    for start in range(0, count, PER_DOCUMENT):
        paragraphs = []
        for kind in kinds[start : start + PER_DOCUMENT].tolist():
            if kind == FRESH:
                drawn = rng.integers(len(prose), size=3).tolist()
                fresh.append(altered([word for i in drawn for word in prose[i]], 0.25))
                paragraphs.append(fresh[-1])
            elif kind == BOILERPLATE:
                paragraphs.append(fresh[0])
            else:
                earlier = fresh[int(rng.integers(len(fresh)))]
                paragraphs.append(earlier if kind == REPEAT else altered(earlier, 0.05))
                if kind == NEAR and similarity(earlier, paragraphs[-1]) < repeats.NEAR:
                    kinds[start + len(paragraphs) - 1] = CHANGED
        (folder / f"{start // PER_DOCUMENT:06}.txt").write_text("\n".join(map(" ".join, paragraphs)))
    np.save(folder / "kinds.npy", kinds)


def similarity(one: list[str], other: list[str]) -> float:
    """Jaccard similarity of the sets of three words in a row."""
    these, those = (set(zip(found, found[1:], found[2:], strict=False)) for found in (one, other))
    return len(these & those) / len(these | those)


def main() -> None:
    """Print time, memory and what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paragraphs", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "documents"
        folder.mkdir()
        # In a process of its own, so that its memory is not counted.
        process = multiprocessing.get_context("spawn").Process(target=write_documents, args=(folder, asked.paragraphs))
        process.start()
        process.join()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.monotonic()
        items = list_items([Lines(folder)])
        groups = Groups(item.entry.group for item in items)
        curation = curate_texts(
            dict(enumerate(items)), [Lines(folder)], groups, Wanted(), asked.workers, Path(name), lambda: None
        )
        seconds = time.monotonic() - started
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        kinds = np.load(folder / "kinds.npy")
        found = np.zeros(len(kinds), bool)
        for document, dropped in curation.dropped.items():
            found[[document * PER_DOCUMENT + number for number, _ in dropped]] = True
        print(f"paragraphs {len(kinds):,} count")
        print(f"time {seconds:.0f} s with {asked.workers} workers")
        print(f"speed {len(kinds) / seconds:.0f} paragraphs/s")
        print(f"peak_memory {after / 1024:.0f} MiB, {(after - before) / 1024:.0f} of them above the start")
        exact, near = (kinds == REPEAT) | (kinds == BOILERPLATE), kinds == NEAR
        print(f"exact_recall {found[exact].mean():.5f} share")
        print(f"near_recall {found[near].mean():.5f} share")
        print(f"fresh_dropped {found[kinds == FRESH].mean():.6f} share")


if __name__ == "__main__":
    main()
