"""One example of a task from a corpus, as text, before anything is built."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from ssrl_data.core import Example, Record, Reject, Skip, Task
from ssrl_data.registry import answer_kind
from ssrl_data.rng import Rng
from ssrl_data.sources.base import Source

RECORDS = 200
"""Records opened at most to find one that carries an example."""

LENDERS = 4
"""Records of different groups, the last ones opened, that are tried as donors."""


def first_example(task: Task[Any], corpus: Source) -> str:
    """The prompt, `<image 224x224>` where a picture stands, and the right answer; or why no record carried one.

    Which class the answer has is drawn by the record and the parameters, as the classes of a build are all alike.
    """
    reasons: Counter[str] = Counter()
    opened: list[Record] = []
    for entry in itertools.islice(corpus.entries(), RECORDS):
        try:
            record = corpus.open(entry)
            if missing := record.lacks(task.needs):
                reasons[missing] += 1
                continue
            others = [other for other in opened if other.group != record.group][:LENDERS]
            opened = [record, *others]
            example = _made(task, record, others if task.donors() else [])
        except (Reject, Skip) as no:
            reasons[no.reason] += 1
            continue
        kind, value = answer_kind(example.answer.kind), example.answer.value
        parts = [p if isinstance(p, str) else f"<image {p.shape[1]}x{p.shape[0]}>" for p in example.prompt]
        return f"{''.join(parts)}\n\n{kind.ask(value)}\n\n{entry.key}: {kind.gold(value)}"
    return "no example from this corpus: " + ", ".join(f"{reason} ({n})" for reason, n in reasons.most_common())


def learned(cls: type[Task[Any]], corpus: Source) -> bytes:
    """What the task learns of the first records of a corpus; a build shows it all of the train split."""

    def readable() -> Iterator[Record]:
        for entry in itertools.islice(corpus.entries(), RECORDS):
            with suppress(Reject):
                record = corpus.open(entry)
                if any(not record.lacks(cls(params).needs) for params in cls.levels.values()):
                    yield record

    return cls.prepare(readable())


def _made(task: Task[Any], record: Record, others: Sequence[Record]) -> Example:
    """An example of one record; every other record is tried as the first donor, since a donor may be what is amiss.

    Raises:
        Reject: the record or a donor cannot be read.
        Skip: with the last donor.
    """
    aim = Rng("show", record.key, repr(task.params)).below(task.classes())

    def attempt(turn: int) -> Example:
        donors = [*others[turn:], *others[:turn]][: task.donors()]
        return next(task.make([record, *donors], Rng("show", record.key, turn), aim))

    *turns, last = range(max(1, len(others)))
    for turn in turns:
        with suppress(Skip):
            return attempt(turn)
    return attempt(last)
