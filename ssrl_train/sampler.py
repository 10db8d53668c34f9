"""The rows of each generation batch, as TRL wants them, from a curriculum that learns from the batches' rewards.

    loader:   ... asks the sampler for rows, one generation batch ahead of training or more; drawn ones are pending
    trainer:  scores the oldest pending batch; its rewards move the policy, which draws the next

Every process runs an identical copy: draws are keyed, rewards are gathered from all processes before they are told. The
state goes into the checkpoint with the pending batches, so a resumed run draws what the unbroken one would have.

All rows of a run are of one modality, text or pictures: TRL cannot batch both, and `rows.load_rows` refuses them
together. A mixture of modalities is trained in stages.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, repeat
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset
from torch.utils.data import Sampler

from ssrl_data.core import Json, SsrlError
from ssrl_data.row import digest, unpack_answer
from ssrl_train.curriculum import Curriculum, Frontier, Units, begin
from ssrl_train.curriculum.policy import Floats, Ints, packed, unpacked

MANY = 32
"""Different right answers of a level up to which a curriculum keeps their shares; of more, guessing one pays little."""

FEW = 12
"""Levels of all tasks up to which their pass rates are logged one by one."""


class RowSampler(Sampler[int]):
    """Indices of rows: each generation batch has its distinct rows `generations` times each, `repeats` times over.

    Args:
        rows: the training rows, with the columns that every built dataset has.
        curriculum: which rows are drawn when.
        prompts: distinct rows of a generation batch.
        generations: completions of each.
        repeats: how often the loader asks for each generation batch.
        batches: how many the loader asks for in the whole run, repeats counted.
        seed: of the run.
        rates: pass rates of some rows by id, known beforehand.
        answers: whether the rows' right answers may be looked up, whose shares the frontier keeps.

    Raises:
        SsrlError: rows and curriculum do not go together.
    """

    def __init__(
        self,
        rows: Dataset,
        curriculum: Curriculum,
        prompts: int,
        generations: int,
        repeats: int,
        batches: int,
        seed: int,
        rates: Mapping[str, float] | None = None,
        answers: bool = True,
    ) -> None:
        self.prompts, self.generations, self.repeats, self.batches = prompts, generations, repeats, batches
        columns = rows.select_columns(["id", "task", "level", "set_id"]).with_format("arrow")[:]
        self._ids = columns["id"].combine_chunks()
        self._digest = digest(*self._ids.to_pylist())
        known = np.full(len(rows), np.nan)
        if rates:
            known = np.array([rates.get(id, np.nan) for id in self._ids.to_pylist()])
        try:
            self._labels = _labels(columns)
            self._units, self._rows, self._starts = _units(
                self._labels, columns["set_id"] if curriculum.whole_sets else None, known
            )
            if answers and isinstance(curriculum, Frontier) and not curriculum.whole_sets:
                self._units = dataclasses.replace(self._units, answer=_answers(rows, self._labels.cell))
            self._policy = begin(curriculum, self._units, prompts, seed)
        except ValueError as error:
            raise SsrlError(f"the curriculum cannot run on these rows: {error}") from error
        self._pending: deque[list[int]] = deque()  # units of the batches that were drawn and not scored
        self._done = 0  # loader batches of an earlier process, which a resumed loader passes over
        self._seen = np.zeros(len(rows), bool)

    def __len__(self) -> int:
        """Indices of the whole run, on all processes."""
        return self.batches * self.prompts * self.generations

    def __iter__(self) -> Iterator[int]:
        """From the beginning of the run: what an earlier process did is placeholders, which are never loaded."""
        size = self.prompts * self.generations
        yield from repeat(0, self._done * size)
        drawn = chain(list(self._pending), iter(self._draw, None))
        indices = (
            index
            for units in drawn
            for row in [self._rows_of(units).tolist()]
            for _ in range(self.repeats)
            for index in row
            for _ in range(self.generations)
        )
        yield from islice(indices, (self.batches - self._done) * size)

    def _draw(self) -> list[int]:
        units = self._policy.draw()
        self._pending.append(units)
        return units

    def _rows_of(self, units: Sequence[int]) -> Ints:
        return np.concatenate([self._rows[self._starts[unit] : self._starts[unit + 1]] for unit in units])

    def score(self, ids: Sequence[str], first: int, rewards: Floats) -> dict[str, float]:
        """Tell the policy the rewards of the oldest pending batch.

        Args:
            ids: of the rows that this process generated from, one for each completion.
            first: place of the first of them among the completions of all processes.
            rewards: of all of those, shape (prompts * generations,); NaN has no score, exactly 1 is a pass.

        Returns:
            What to log: share and pass rate of each task, and how many rows were seen so far.

        Raises:
            SsrlError: the loader brought another batch than the one that was drawn.
        """
        if not self._pending:
            raise SsrlError("a generation batch is scored that this process did not draw: leave dispatch_batches out")
        units = np.array(self._pending.popleft())
        rows = self._rows_of(units.tolist())
        places = np.repeat(rows, self.generations)[first : first + len(ids)]
        if len(rewards) != len(rows) * self.generations or self._ids.take(places).to_pylist() != list(ids):
            raise SsrlError("the generation batch scored is not the next one drawn: leave dataloader_in_order true")
        groups = rewards.reshape(len(rows), self.generations)
        passed, scored = (groups == 1).sum(1), (~np.isnan(groups)).sum(1)
        sizes = self._units.sizes[units]
        ends = np.cumsum(sizes) - sizes
        self._policy.learn(units, np.add.reduceat(passed, ends), np.add.reduceat(scored, ends))
        self._seen[rows] = True
        return self._metrics(rows, passed, scored)

    def _metrics(self, rows: Ints, passed: Ints, scored: Ints) -> dict[str, float]:
        labels, out = self._labels, dict[str, float]()
        parts = [(labels.task[rows], labels.tasks)]
        if len(labels.tasks) < len(labels.cells) <= FEW:
            parts.append((labels.cell[rows], tuple("/".join(cell) for cell in labels.cells)))
        for label, names in parts:
            for i, name in enumerate(names):
                here = label == i
                if names is labels.tasks:
                    out[f"share/{name}"] = float(here.mean())
                if scored[here].any():
                    out[f"pass_rate/{name}"] = float(passed[here].sum() / scored[here].sum())
        return {**out, "rows_seen": float(self._seen.sum()), **self._policy.report()}

    def state(self) -> dict[str, Json]:
        """All that changes, as JSON."""
        pending: list[Json] = [list(units) for units in self._pending]
        state = {"pending": pending, "seen": packed(np.packbits(self._seen)), "policy": self._policy.state()}
        return {"rows": self._digest, "prompts": self.prompts, **state}

    def restore(self, state: Mapping[str, Any], done: int) -> None:
        """Go on from a checkpoint.

        A generation batch of which the checkpoint saw some repeats and not all is over: the trainer's buffer of its
        completions is gone, and the next pending one is generated in its place.

        Args:
            state: of `state`.
            done: loader batches that were trained on before it, repeats counted.

        Raises:
            SsrlError: it is of other rows, or of generation batches of another size.
        """
        for name, now in (("rows", self._digest), ("prompts", self.prompts)):
            if state[name] != now:
                raise SsrlError(
                    f"the checkpoint's curriculum has other {name} than this run: choose another out folder"
                )
        self._policy.restore(state["policy"])
        self._pending = deque(list(units) for units in state["pending"])
        packed_seen = np.packbits(self._seen)
        self._seen = np.unpackbits(unpacked(state["seen"], packed_seen), count=len(self._seen)).astype(bool)
        self._done = done


class _Labels(NamedTuple):
    """Task and level of each row, as places in `tasks` and `cells`, shape (rows,) each."""

    task: Ints
    cell: Ints
    tasks: tuple[str, ...]
    cells: tuple[tuple[str, str], ...]


def _labels(columns: pa.Table) -> _Labels:
    tasks, task = _coded(columns["task"])
    levels, level = _coded(columns["level"])
    pairs, cell = np.unique(task * len(levels) + level, return_inverse=True)
    cells = tuple((tasks[pair // len(levels)], levels[pair % len(levels)]) for pair in pairs.tolist())
    return _Labels(task, cell, tasks, cells)


def _coded(column: pa.ChunkedArray) -> tuple[tuple[str, ...], Ints]:
    """The sorted distinct values of a column, and which of them each row has."""
    names = sorted(pc.unique(column).to_pylist())
    return tuple(names), pc.index_in(column, pa.array(names, column.type)).to_numpy().astype(np.int64)


def _answers(rows: Dataset, cell: Ints) -> Ints:
    """Number of each row's right answer in its cell; 0 for all rows of a cell that has more than `MANY`."""
    stored = pc.dictionary_encode(rows.select_columns(["answer"]).with_format("arrow")[:]["answer"].combine_chunks())
    golds = {}
    for number, text in enumerate(stored.dictionary.to_pylist()):
        kind, value, _ = unpack_answer(text)
        golds[number] = kind.gold(value)
    numbers = {gold: i for i, gold in enumerate(sorted(set(golds.values())))}
    answer = np.array([numbers[gold] for gold in golds.values()], np.int64)[stored.indices.to_numpy()]
    pairs = np.unique(np.stack([cell, answer]), axis=1)
    many = np.bincount(pairs[0], minlength=int(cell.max()) + 1) > MANY
    return np.where(many[cell], 0, answer)


def _units(labels: _Labels, sets: pa.ChunkedArray | None, known: Floats) -> tuple[Units, Ints, Ints]:
    """Units, then the rows of all of them one after another, then where each unit's begin and the last one's end.

    Args:
        labels: of each row.
        sets: the set of each row, where sets are units; None where rows are.
        known: pass rate of each row, or NaN.

    Raises:
        ValueError: a set has rows of several tasks.
    """
    unit = np.arange(len(labels.task)) if sets is None else _coded(sets)[1]
    order, sizes = np.argsort(unit, kind="stable"), np.bincount(unit)
    starts = np.concatenate([[0], np.cumsum(sizes)])
    first = order[starts[:-1]]
    task, cell = labels.task[first], labels.cell[first]
    if (task[unit] != labels.task).any():
        raise ValueError(
            "a set has rows of several tasks, so whole_sets cannot keep it together: build the dataset again"
        )
    one_level = bool((cell[unit] == labels.cell).all())
    with np.errstate(invalid="ignore"):  # where nothing is known of a unit, 0 / 0 is the NaN that says so
        rates = np.bincount(unit, np.nan_to_num(known)) / np.bincount(unit, ~np.isnan(known))
    return Units(sizes, task, cell, labels.tasks, labels.cells, rates, one_level), order, starts
