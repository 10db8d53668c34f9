"""One example of a task from a corpus, as text, before anything is built."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

from ssrl_data.core import Record, Reject, Skip, Task
from ssrl_data.registry import answer_kind
from ssrl_data.rng import Rng
from ssrl_data.sources.base import Source

RECORDS = 200
"""Records opened at most to find one that carries an example."""


def first_example(task: Task[Any], corpus: Source) -> str:
    """The prompt, `<image 224x224>` where a picture stands, and the right answer; or why no record carried one."""
    reasons: Counter[str] = Counter()
    opened: list[Record] = []
    for entry in itertools.islice(corpus.entries(), RECORDS):
        try:
            record = corpus.open(entry)
            missing = sorted(need for need in task.needs if getattr(record, need) is None)
            if missing:
                reasons[f"no {' and no '.join(missing)}"] += 1
                continue
            opened = [record, *opened][: 1 + task.donors()]
            example = next(task.make(opened, Rng("show", entry.key), 0))
        except (Reject, Skip) as no:
            reasons[no.reason] += 1
            continue
        kind, value = answer_kind(example.answer.kind), example.answer.value
        parts = [p if isinstance(p, str) else f"<image {p.shape[1]}x{p.shape[0]}>" for p in example.prompt]
        return f"{''.join(parts)}\n\n{kind.ask(value)}\n\n{entry.key}: {kind.gold(value)}"
    return "no example from this corpus: " + ", ".join(f"{reason} ({n})" for reason, n in reasons.most_common())
