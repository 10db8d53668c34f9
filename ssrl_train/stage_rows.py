"""Which rows a stage reads.

The training rows of a dataset are divided once: each stage on worked solutions has its own, and the rest is for the
stages that sample answers. Of the rest, those whose right answers a supervised stage on sampled responses has shown to
the model are left out too: what was learnt by heart would be rewarded without being solved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from datasets import Dataset

from ssrl_data.core import SsrlError
from ssrl_data.pass_rates import within
from ssrl_train.config import Config, is_file
from ssrl_train.preflight import Share
from ssrl_train.rows import column, divided, load_rows, of_tasks
from ssrl_train.signals import Signal
from ssrl_train.stages import Grpo, Stage, demonstrates, is_table, on_solutions, own_rows

Key: TypeAlias = tuple[Path, str | None]
"""A dataset folder and the modality of it that is read."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The training rows of one dataset and modality, pictures encoded.

    Attributes:
        train: all of them.
        solutions: place of a stage on worked solutions to its rows.
        rest: what these leave.
    """

    train: Dataset
    solutions: dict[int, Dataset]
    rest: Dataset


class StageRows:
    """The rows of every stage of a run."""

    def __init__(self, config: Config, data: Path) -> None:
        """Open the datasets.

        Args:
            config: of the run.
            data: the run's dataset folder.

        Raises:
            SsrlError: a folder holds no such rows, or a file that a stage reads cannot be read.
        """
        self.config, self.main = config, (data, config.modality)
        keys = dict.fromkeys([self.main, *(key for key in map(self.key, config.stages) if key is not None)])
        self.datasets = {key: load_rows(key[0], "train", key[1]) for key in keys}
        self.pools: dict[Key, Pool] = {}
        for stage in config.stages:
            self._open(stage)

    def _open(self, stage: Stage) -> None:
        """Look for what a stage reads before any stage is run."""
        key = self.key(stage)
        if key is not None:
            of_tasks(self.datasets[key], stage.tasks)
        elif stage.data is not None and not stage.data.is_file():
            raise SsrlError(f"{stage.data}: there is no such file of examples to train on")
        if isinstance(stage, Grpo) and stage.pass_rates and is_file(stage.pass_rates):
            within(Path(stage.pass_rates), stage.keep)

    def key(self, stage: Stage) -> Key | None:
        """What a stage reads; None where that is a file."""
        if is_table(stage):
            return None
        if stage.data is None:
            return self.main[0], stage.modality or self.main[1]
        return stage.data, stage.modality

    def shares(self, key: Key) -> dict[int, Share]:
        """Place of each stage on worked solutions of a dataset to how many rows it takes, and of which tasks."""
        return {
            i: (own_rows(stage), stage.tasks)
            for i, stage in enumerate(self.config.stages)
            if on_solutions(stage) and self.key(stage) == key
        }

    def divide(self) -> None:
        """Give each stage on worked solutions its rows.

        Raises:
            ValueError: there are too few, which `preflight.row_faults` says better.
        """
        for key, train in self.datasets.items():
            shares = self.shares(key)
            *parts, rest = divided(train, list(shares.values()), self.config.seed)
            self.pools[key] = Pool(train, dict(zip(shares, parts, strict=True)), rest)

    def pool(self, i: int) -> Pool:
        """The pool of a stage that reads rows."""
        key = self.key(self.config.stages[i])
        if key is None:
            raise ValueError(f"stage {i + 1} reads a file")
        return self.pools[key]

    def read(self, i: int) -> Dataset:
        """All training rows of a stage's tasks, for a stage that is not told what is right."""
        return of_tasks(self.pool(i).train, self.config.stages[i].tasks)

    def solutions(self, i: int) -> Dataset:
        """The rows of a stage on worked solutions."""
        return self.pool(i).solutions[i]

    def taught(self, i: int) -> Dataset | None:
        """Rows among which are all whose worked solutions a stage learns; None where it learns none."""
        stage = self.config.stages[i]
        if on_solutions(stage):
            return self.solutions(i)
        return of_tasks(self.pool(i).rest, stage.tasks) if demonstrates(stage) else None

    def sampled(self, i: int, shown: Set[str], rates: Path | None = None) -> Dataset:
        """The rows that a stage may sample answers to, pictures encoded.

        Where the rows of a set pay each other, none that is the last one of its set.

        Args:
            i: its place.
            shown: ids of rows whose right answers the model was shown.
            rates: a table of pass rates that says which rows to take.

        Raises:
            SsrlError: none is left.
        """
        stage = self.config.stages[i]
        rows = of_tasks(self.pool(i).rest, stage.tasks)
        ids = column(rows, "id")
        places = [place for place, id in enumerate(ids) if id not in shown]
        if rates is not None:
            kept = within(rates, stage.keep if isinstance(stage, Grpo) else None)
            places = [place for place in places if ids[place] in kept]
        if isinstance(stage, Grpo) and isinstance(stage.reward, Signal) and stage.reward.whole_sets:
            sets = column(rows, "set_id")
            left = Counter(sets[place] for place in places)  # other stages and bands take rows one by one
            places = [place for place in places if left[sets[place]] > 1]
        if not places:
            if all(id in shown for id in ids):
                raise SsrlError(
                    f"stage {i + 1} finds none of its {len(ids)} rows: the model was shown the right answers of all, "
                    "so give it other rows by `data` or `tasks`, or let the stage before it show fewer"
                )
            band = f" within the band of {rates}" if rates is not None else ""
            raise SsrlError(f"stage {i + 1} finds none of its {len(ids)} rows{band}: widen `keep`, or sample more rows")
        return rows if len(places) == len(ids) else rows.select(places)
