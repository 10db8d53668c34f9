"""What a worker makes of a record of text: sketches of its passages, and which are left out whatever else there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ssrl_data.core import Record, Reject
from ssrl_data.curate.contamination import Benchmarks
from ssrl_data.curate.language import languages_of
from ssrl_data.curate.sketch import SHINGLE, sketch
from ssrl_data.curate.words import Hashes, demands, hashed, template, tokens, words
from ssrl_data.listing import Item
from ssrl_data.media.instruction import Instruction
from ssrl_data.media.worked import Worked
from ssrl_data.sources.base import Source

KEEP, BENCHMARK, LANGUAGE = range(3)

_BATCH = 1 << 19
"""Words that are sketched at a time."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One record, in few bytes: arrays are those of `Sketches`, as bytes, for each passage.

    A document's passages are its paragraphs; a worked record is one passage, its problem; an instruction is one, its
    queries are the others.

    Attributes:
        source_id: the record's.
        reason: why it cannot be read, else None.
        count: passages.
        left: KEEP, BENCHMARK or LANGUAGE for each.
    """

    source_id: str = ""
    reason: str | None = None
    count: int = 0
    left: bytes = b""
    exact: bytes = b""
    sizes: bytes = b""
    shingles: bytes = b""
    signatures: bytes = b""
    bands: bytes = b""


@dataclass(frozen=True, slots=True)
class Reader:
    """Opens records of text, one after the other; done in a worker, so it is picklable.

    Attributes:
        benchmarks: what no passage may share a run with.
        languages: codes of those kept; empty: all.
    """

    benchmarks: Benchmarks | None
    languages: frozenset[str]

    def __call__(self, items: Sequence[Item], sources: Sequence[Source]) -> list[Sheet]:
        """A sheet for each item."""
        out: list[Sheet] = []
        batch: list[_Open] = []
        size = 0
        for item in items:
            batch.append(self._open(item, sources[item.source]))
            size += sum(map(len, batch[-1].passages))
            if size > _BATCH:
                out += _sheets(batch)
                batch, size = [], 0
        return out + list(_sheets(batch))

    def _open(self, item: Item, source: Source) -> _Open:
        try:
            record = source.open(item.entry)
        except Reject as reject:
            return _Open(reason=reject.reason)
        declared = item.entry.facts.get("language")
        spoken = declared if isinstance(declared, str) else None
        if record.worked is not None:
            return self._problem(record, record.worked, spoken)
        if record.instruction is not None:
            return self._instruction(record, record.instruction, spoken)
        return self._document(record, record.text.paragraphs if record.text else (), spoken)

    def _document(self, record: Record, paragraphs: Sequence[str], spoken: str | None) -> _Open:
        found = [words(paragraph) for paragraph in paragraphs]
        # Of a paragraph of signs alone nothing is left but itself.
        found = [passage or [paragraph] for passage, paragraph in zip(found, paragraphs, strict=True)]
        passages = [hashed(passage) for passage in found]
        left = np.zeros(len(passages), np.uint8)
        if self.languages:
            told = [spoken] * len(passages) if spoken else languages_of(paragraphs)
            left[[bool(language) and language not in self.languages for language in told]] = LANGUAGE
        if self.benchmarks:
            left[self.benchmarks.touches(passages)] = BENCHMARK
        return _Open(record.source_id, passages, [passage.tobytes() for passage in passages], left.tobytes())

    def _problem(self, record: Record, worked: Worked, spoken: str | None) -> _Open:
        parts = (worked.problem, *sorted(worked.given), *worked.options)
        # What nothing is asked of is known by its steps.
        parts = parts if any(parts) else tuple(step.text for step in worked.steps)
        found = [token for part in parts for token in (*tokens(part), "\n")]
        exact = "\0".join(found).encode("utf-8", "surrogatepass")
        left = KEEP
        if self.languages:
            told = spoken or languages_of([" ".join((*parts, *(step.text for step in worked.steps)))])[0]
            left = LANGUAGE if told and told not in self.languages else KEEP
        asked = (worked.problem, *worked.paraphrases)
        if self.benchmarks and any(self.benchmarks.touches([hashed(words(text)) for text in asked])):
            left = BENCHMARK
        return _Open(record.source_id, [hashed(template(found))], [exact], bytes([left]))

    def _instruction(self, record: Record, found: Instruction, spoken: str | None) -> _Open:
        """Two instructions are as alike as the sets of what they demand, two queries as their shingles."""
        texts = (found.text, *found.queries)
        said = [words(text) or [text] for text in texts]
        hashes = [hashed(passage) for passage in said]
        left = np.zeros(len(texts), np.uint8)
        if self.languages:
            # They come from several hands, so none tells of the others.
            told = [spoken or languages_of([text])[0] for text in texts]
            left[[bool(language) and language not in self.languages for language in told]] = LANGUAGE
        if self.benchmarks:
            left[self.benchmarks.touches(hashes)] = BENCHMARK
        if left[0]:
            left[:] = left[0]
        # Of an instruction case and punctuation may be what it is about, and so may each number.
        exact = [
            "\0".join(("instruction", *found.text.split())).encode(),
            *(passage.tobytes() for passage in hashes[1:]),
        ]
        alike = [hashed(demands(found.text)), *hashes[1:]]
        return _Open(record.source_id, alike, exact, left.tobytes(), lengths=[1, *[SHINGLE] * len(found.queries)])


@dataclass(frozen=True, slots=True)
class _Open:
    """A record that was read: hashes of its words, and what exact repeats agree in, for each passage."""

    source_id: str = ""
    passages: Sequence[Hashes] = ()
    exact: Sequence[bytes] = ()
    left: bytes = b""
    reason: str | None = None
    lengths: Sequence[int] = ()
    """Words of a shingle of each passage, where they are not `SHINGLE`."""


def _sheets(batch: Sequence[_Open]) -> Iterator[Sheet]:
    """Records sketched together, since a sketch of few passages costs as much as one of many."""
    passages = [passage for record in batch for passage in record.passages]
    if not passages:
        yield from (Sheet(record.source_id, record.reason) for record in batch)
        return
    lengths = [length for record in batch for length in record.lengths or [SHINGLE] * len(record.passages)]
    made = sketch(passages, [exact for record in batch for exact in record.exact], lengths)
    shingles = np.concatenate([np.zeros(1, np.int64), np.cumsum(made.sizes, dtype=np.int64)])
    start = 0
    for record in batch:
        end = start + len(record.passages)
        yield Sheet(
            record.source_id,
            record.reason,
            end - start,
            record.left,
            made.exact[start:end].tobytes(),
            made.sizes[start:end].tobytes(),
            made.shingles[shingles[start] : shingles[end]].tobytes(),
            made.signatures[start:end].tobytes(),
            made.bands[start:end].tobytes(),
        )
        start = end
