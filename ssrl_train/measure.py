"""What a table of judged responses says of a model: accuracy, pass@k and chance, with intervals over source records.

    measures = measure(rows, rollouts)
    measures.overall.accuracy            # Estimate(value, low, high)
    measures.tasks["image/jigsaw"].passes[4]
    measures.levels["image/jigsaw", "easy"].corrected

A response counts as right where its verdict is `exact`, whatever partial credit it earned.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset

from ssrl_data.core import SsrlError
from ssrl_data.row import unpack_answer
from ssrl_train.rows import column
from ssrl_train.sources import FEWEST, Estimate, Floats, Ints, bounds, means, renumbered, sources, unseen


@dataclass(frozen=True, slots=True)
class Measure:
    """Figures of some rows.

    Attributes:
        rows: rows judged.
        sources: source records behind them; read every interval beside this number.
        samples: responses a row, the fewest over the rows.
        accuracy: share of responses that are right, averaged over rows: avg@k where k responses a row were sampled,
            greedy accuracy where there is one at temperature 0.
        passes: pass@k by k: the probability that at least one of k responses is right, k = 1, 2, 4, ... and `samples`.
        chance: mean over rows of the probability that the best blind guess is right, or an upper bound of it.
        corrected: (accuracy - chance) / (1 - chance): 0 is blind guessing, 1 is always right; None where chance is 1.
        score: mean final score, partial credit included.
        tokens: mean length of a response, in tokens.
        longest: the 95th percentile of that length.
        truncated: share of responses that were cut off before they ended.
        unreadable: share of responses in which no answer could be read.
    """

    rows: int
    sources: int
    samples: int
    accuracy: Estimate
    passes: Mapping[int, Estimate]
    chance: float
    corrected: Estimate | None
    score: float
    tokens: float
    longest: float
    truncated: float
    unreadable: float


@dataclass(frozen=True, slots=True)
class Measures:
    """Figures of a whole table.

    Attributes:
        overall: of all rows that were judged.
        tasks: of each task.
        levels: of each task and level.
        unjudged: rows that were left out because a response got no score (no known truth, a broken judge), by task.
    """

    overall: Measure
    tasks: Mapping[str, Measure]
    levels: Mapping[tuple[str, str], Measure]
    unjudged: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contrast:
    """The accuracy of one model on the same rows, as they are and altered.

    Attributes:
        rows: rows judged both ways.
        sources: source records behind them.
        accuracy: on the rows as they are.
        altered: with other pictures or none.
        difference: the first less the second.
    """

    rows: int
    sources: int
    accuracy: Estimate
    altered: Estimate
    difference: Estimate


def measure(rows: Dataset, rollouts: pa.Table) -> Measures:
    """Sum a table of judged responses up.

    Args:
        rows: the rows that were asked: columns `id`, `task`, `level`, `answer`, `chance`, `source_id`, `group_id`.
        rollouts: at least one response to each of them: columns `id`, `exact`, `score`, `tokens`, `stopped`, `read`.

    Raises:
        SsrlError: the table and the rows do not belong together, or no row could be judged.
    """
    table = _Table(rows, rollouts)
    judged = np.flatnonzero(table.judged)
    if not len(judged):
        raise SsrlError("no row has a known truth, so there is no accuracy: evaluate on rows of labelled tasks")
    task, level = (np.array(column(rows, name)) for name in ("task", "level"))
    tasks = {str(name): judged[task[judged] == name] for name in np.unique(task[judged])}
    levels = {
        (name, str(step)): places[level[places] == step]
        for name, places in tasks.items()
        for step in dict.fromkeys(level[places])  # as they come: the builder writes the easiest first
    }
    lost = task[~table.judged]
    return Measures(
        table.measure(judged),
        {name: table.measure(places) for name, places in tasks.items()},
        {name: table.measure(places) for name, places in levels.items()},
        {str(name): int((lost == name).sum()) for name in np.unique(lost)},
    )


def accuracies(rows: Dataset, rollouts: pa.Table) -> Floats:
    """The share of right responses of each row, in the order of the rows; NaN where a response got no score.

    Raises:
        SsrlError: the table and the rows do not belong together.
    """
    table = _Table(rows, rollouts)
    return np.where(table.judged, table.right / table.samples, np.nan)


def contrast(rows: Dataset, rollouts: pa.Table, altered: pa.Table) -> Contrast:
    """How a model fares when its pictures are altered, paired by row.

    Intervals are over the sources alone: they speak of this model, not of the training that led to it.

    Args:
        rows: the rows that were asked.
        rollouts: responses to all of them.
        altered: responses of the same model to some of them, with other pictures or none.

    Raises:
        SsrlError: a table and the rows do not belong together, or no row was judged both ways.
    """
    asked = set(altered["id"].to_pylist())
    rows = rows.select([i for i, id in enumerate(column(rows, "id")) if id in asked])
    figures, source = _paired(rows, rollouts.filter(pc.is_in(rollouts["id"], altered["id"])), altered)
    (plain, other), _ = _estimates(figures, source, 0)
    [gap], _ = _estimates(figures[:, :1] - figures[:, 1:], source, -1)
    return Contrast(len(figures), int(source.max()) + 1, plain, other, gap)


def _paired(rows: Dataset, one: pa.Table, other: pa.Table) -> tuple[Floats, Ints]:
    """Accuracies of the rows judged in both tables, rows x 2, and the source record of each."""
    figures = np.stack([accuracies(rows, one), accuracies(rows, other)], axis=1)
    both = ~np.isnan(figures).any(axis=1)
    if not both.any():
        raise SsrlError("no row was judged in both tables, so there is no difference: evaluate on labelled tasks")
    return figures[both], renumbered(sources(rows)[both])


def pass_at(k: int, n: int, right: int) -> float:
    """The unbiased estimate of pass@k from n >= k responses of which some are right: 1 - C(n - c, k) / C(n, k).

    One less the probability that k of the n, drawn without replacement, are all wrong (Chen et al., "Evaluating large
    language models trained on code", 2021).
    """
    return 1 - math.comb(n - right, k) / math.comb(n, k)


def powers(n: int) -> list[int]:
    """1, 2, 4, ... up to n, and n itself."""
    return sorted({1 << i for i in range(n.bit_length())} | {n})


def luck(answer: str, chance: float | None) -> float:
    """The chance that a blind answer to a row is exactly right, or an upper bound.

    Args:
        answer: the row's `answer` column.
        chance: its `chance`, the expected score of the best blind guess: the same where an answer is right or wrong,
            and more than it where partial credit is given.
    """
    kind, value, credit = unpack_answer(answer)
    if credit.rule == "exact" and chance is not None:
        return chance
    known: float | None = kind.luck(value)
    return known if known is not None else 1.0 if chance is None else chance


class _Table:
    """Rows and responses as arrays: one entry a row, and for the responses the row of each."""

    def __init__(self, rows: Dataset, rollouts: pa.Table) -> None:
        ids = column(rows, "id")
        place = {id: i for i, id in enumerate(ids)}
        if len(place) < len(ids):
            raise SsrlError(f"{len(ids) - len(place)} rows repeat the id of another: build the dataset again")
        answered = rollouts["id"].to_pylist()
        strange = next((id for id in answered if id not in place), None)
        if strange is not None:
            raise SsrlError(f"the responses are to other rows: none has the id {strange!r}; sample this split again")
        self.row = np.array([place[id] for id in answered], np.int64)
        self.samples: Ints = np.bincount(self.row, minlength=len(ids))
        missing = int((self.samples == 0).sum())
        if missing:
            raise SsrlError(f"{missing} of {len(ids)} rows have no response: let the sampling end first")
        scores = rollouts["score"].to_numpy().astype(np.float64)
        self.score = np.nan_to_num(scores)
        self.right: Ints = np.bincount(self.row, rollouts["exact"].to_numpy(), len(ids)).astype(np.int64)
        self.judged = np.bincount(self.row, np.isnan(scores), len(ids)) == 0
        self.tokens = rollouts["tokens"].to_numpy()
        self.cut, self.blank = (~rollouts[name].to_numpy().astype(bool) for name in ("stopped", "read"))
        self.source = sources(rows)
        chances = zip(column(rows, "answer"), column(rows, "chance"), self.judged, strict=True)
        self.luck = np.array([luck(answer, chance) if known else 1.0 for answer, chance, known in chances])

    def measure(self, places: Ints) -> Measure:
        """Figures of the rows at some places."""
        samples, right, chance = self.samples[places], self.right[places], self.luck[places]
        ks = powers(int(samples.min()))
        passed = [[_pass_at(k, int(n), int(c)) for n, c in zip(samples, right, strict=True)] for k in ks]
        source = renumbered(self.source[places])
        figures = np.array([right / samples, *passed, chance]).T
        (accuracy, *passes, _), replicates = _estimates(figures, source, 0)
        count, mean_chance = int(source.max()) + 1, float(chance.mean())
        inside = np.zeros(len(self.samples), bool)
        inside[places] = True
        responses = inside[self.row]
        tokens = self.tokens[responses]
        return Measure(
            rows=len(places),
            sources=count,
            samples=int(samples.min()),
            accuracy=accuracy,
            passes=dict(zip(ks, passes, strict=True)),
            chance=mean_chance,
            corrected=_corrected(accuracy, mean_chance, replicates[:, 0], replicates[:, -1], count),
            score=float((np.bincount(self.row, self.score, len(self.samples)) / self.samples)[places].mean()),
            tokens=float(tokens.mean()),
            longest=float(np.quantile(tokens, 0.95)),
            truncated=float(self.cut[responses].mean()),
            unreadable=float(self.blank[responses].mean()),
        )


_pass_at = lru_cache(maxsize=None)(pass_at)


def _estimates(figures: Floats, source: Ints, lowest: float) -> tuple[list[Estimate], Floats]:
    """The mean over rows of each figure (rows x figures, values from `lowest` to 1), and its replicates."""
    count, values = int(source.max()) + 1, figures.mean(axis=0).tolist()
    replicates = np.concatenate(list(means(figures, source, "measure")))
    if count < FEWEST:
        return [Estimate(value) for value in values], replicates
    # Where all sources agree, drawing them again changes nothing.
    rest = unseen(count)
    return [
        Estimate(value, max(lowest, value - rest), min(1.0, value + rest)) if same else Estimate(value, *pair)
        for value, pair, same in zip(
            values, bounds(replicates, count).tolist(), np.ptp(replicates, axis=0) < 1e-12, strict=True
        )
    ], replicates


def _corrected(accuracy: Estimate, chance: float, right: Floats, lucky: Floats, count: int) -> Estimate | None:
    """Chance-corrected accuracy; `right` and `lucky` are replicates of accuracy and chance."""
    if chance >= 1:
        return None
    value = (accuracy.value - chance) / (1 - chance)
    if accuracy.low is None or accuracy.high is None:
        return Estimate(value)
    if np.ptp(right) < 1e-12:
        return Estimate(value, (accuracy.low - chance) / (1 - chance), (accuracy.high - chance) / (1 - chance))
    known = lucky < 1
    low, high = bounds(((right - lucky)[known] / (1 - lucky[known]))[:, None], count)[0].tolist()
    return Estimate(value, low, high)
