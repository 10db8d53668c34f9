"""What responses score on a dataset, by task and level, beside the chance of a blind guesser: a benchmark's table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ssrl_data.core import Json, SsrlError


@dataclass(slots=True)
class Score:
    """One task at one level.

    Attributes:
        name: `task/level`.
        chance: expected score of the best blind guesser, mean over the level's judged rows; None when none is judged.
        rows: in the dataset, judged or not.
        answered: of them, those with a response that was given a score.
        score: mean over the answered rows of the mean over each one's responses; None when there are none.
        exact: share of right answers, likewise.
        measures: name of a further measure to its mean over the responses that could be read, and that of the best
            constant answer: how near the orders are in pairs, say.
    """

    name: str
    chance: float | None
    rows: int
    answered: int = 0
    score: float | None = None
    exact: float | None = None
    measures: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def above_chance(self) -> float | None:
        """The score with chance at 0 and a perfect model at 1."""
        if self.score is None or self.chance is None or self.chance >= 1:
            return None
        return (self.score - self.chance) / (1 - self.chance)


@dataclass(slots=True)
class _Row:
    name: str
    chance: float | None
    scores: list[float] = field(default_factory=list)
    exact: list[bool] = field(default_factory=list)
    measures: list[Mapping[str, tuple[float, float]]] = field(default_factory=list)


def scores(folder: Path, verdicts: Iterable[Mapping[str, Json]]) -> list[Score]:
    """The table of a dataset folder for the verdicts of `grade_file` on it, by name.

    Raises:
        SsrlError: a shard cannot be read.
    """
    rows: dict[str, _Row] = {}
    for shard in sorted((folder / "data").rglob("*.parquet")):
        try:
            table = pq.ParquetFile(shard).read(columns=["id", "task", "level", "chance"])
        except (OSError, pa.ArrowException) as error:
            raise SsrlError(
                f"{shard} is not a readable shard with id, task, level and chance: build it again"
            ) from error
        for row in table.to_pylist():
            rows[row["id"]] = _Row(f"{row['task']}/{row['level']}", row["chance"])
    for verdict in verdicts:
        if "error" not in verdict and verdict["score"] is not None:
            rows[verdict["id"]].scores.append(verdict["score"])
            rows[verdict["id"]].exact.append(verdict["exact"])
            rows[verdict["id"]].measures += [verdict["measures"]] if "measures" in verdict else []
    out = []
    for name in sorted({row.name for row in rows.values()}):
        of = [row for row in rows.values() if row.name == name]
        answered = [row for row in of if row.scores]
        out.append(
            Score(
                name,
                _mean([row.chance for row in of if row.chance is not None]),
                len(of),
                len(answered),
                _mean([sum(row.scores) / len(row.scores) for row in answered]),
                _mean([sum(row.exact) / len(row.exact) for row in answered]),
                _measured([found for row in answered for found in row.measures]),
            )
        )
    return out


def table(found: Iterable[Score]) -> str:
    """The scores as lines of text under a head."""
    lines: list[tuple[str, ...]] = [("task and level", "rows", "answered", "score", "chance", "above chance", "exact")]
    for s in found:
        numbers = map(_number, (s.score, s.chance, s.above_chance, s.exact))
        lines.append((s.name, f"{s.rows:,}", f"{s.answered:,}", *numbers))
        for name, (share, blind) in s.measures.items():
            above = (share - blind) / (1 - blind)
            lines.append((f"  {name}", "", "", *map(_number, (share, blind, above)), ""))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def _measured(found: Sequence[Mapping[str, tuple[float, float]]]) -> dict[str, tuple[float, float]]:
    """The mean of each measure and of its chance."""
    return {
        name: (sum(one[name][0] for one in found) / len(found), sum(one[name][1] for one in found) / len(found))
        for name in (found[0] if found else ())
    }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
