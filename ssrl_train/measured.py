"""Measures as files: JSON for programs, Markdown for people, a plot for the eye."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from ssrl_data.core import Json
from ssrl_train.artefacts import write_json
from ssrl_train.measure import Contrast, Measures
from ssrl_train.sources import FEWEST, Estimate

JSON, MARKDOWN, PLOT = "measures.json", "measures.md", "measures.png"


def write_measures(
    folder: Path, measures: Measures, controls: Mapping[str, Contrast] | None = None, title: str = ""
) -> None:
    """Write `measures.json`, `measures.md` and `measures.png` to a folder.

    Args:
        folder: is made where it is not there.
        measures: of the rows as they are.
        controls: the model on altered pictures, by name (`blind`, `shuffled`).
        title: what was measured: a model and a split, say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / JSON, as_json(measures, controls or {}))
    write_text(folder / MARKDOWN, markdown(measures, controls or {}, title))
    plot(measures, folder / PLOT, title)


def as_json(measures: Measures, controls: Mapping[str, Contrast]) -> dict[str, Json]:
    """Measures as JSON: `overall`, `tasks` with their `levels`, `unjudged`, `controls`."""
    tasks = {
        task: dataclasses.asdict(found)
        | {"levels": {level: dataclasses.asdict(m) for (name, level), m in measures.levels.items() if name == task}}
        for task, found in measures.tasks.items()
    }
    return {
        "overall": dataclasses.asdict(measures.overall),
        "tasks": tasks,
        "unjudged": dict(measures.unjudged),
        "controls": {name: dataclasses.asdict(found) for name, found in controls.items()},
    }


def markdown(measures: Measures, controls: Mapping[str, Contrast], title: str = "") -> str:
    """Measures as two tables, accuracy and responses, with a line for each task and level."""
    lines = [("all", measures.overall)]
    lines += [("/".join(key), found) for key, found in measures.levels.items()]
    many = [k for k in measures.overall.passes if k > 1]
    accuracy = [
        [
            name,
            str(m.rows),
            str(m.sources),
            str(m.accuracy),
            *(str(m.passes[k]) if k in m.passes else "" for k in many),
            f"{m.chance:.3f}",
            "" if m.corrected is None else str(m.corrected),
        ]
        for name, m in lines
    ]
    first = "accuracy" if measures.overall.samples == 1 else f"avg@{measures.overall.samples}"
    heads = ["task and level", "rows", "sources", first, *(f"pass@{k}" for k in many), "chance", "above chance"]
    written = [
        [name, f"{m.score:.3f}", f"{m.tokens:.1f}", f"{m.longest:.0f}", f"{m.truncated:.1%}", f"{m.unreadable:.1%}"]
        for name, m in lines
    ]
    parts = [f"# {title}\n"] if title else []
    parts += [table(heads, accuracy)]
    parts += [
        f"Intervals are 95%, over source records; none is claimed of fewer than {FEWEST}. Above chance is (accuracy - "
        "chance) / (1 - chance): 0 is blind guessing, 1 always right.\n"
    ]
    if controls:
        shown = [
            [name, str(c.rows), str(c.sources), str(c.accuracy), str(c.altered), str(c.difference)]
            for name, c in controls.items()
        ]
        parts += [table(["pictures", "rows", "sources", "as they are", "altered", "difference"], shown)]
    if measures.unjudged:
        told = ", ".join(f"{count} of {task}" for task, count in measures.unjudged.items())
        parts += [f"Left out, for a response could not be judged: {told}.\n"]
    parts += [table(["task and level", "mean score", "tokens", "95% up to", "cut off", "unreadable"], written)]
    return "\n".join(parts)


def plot(measures: Measures, path: Path, title: str = "") -> None:
    """Write a PNG: accuracy of each task and level with its interval, and a mark at chance."""
    bars([("/".join(key), found.accuracy, found.chance) for key, found in measures.levels.items()], path, title)


def bars(figures: Sequence[tuple[str, Estimate, float | None]], path: Path, title: str = "") -> None:
    """Write a PNG of accuracies, one line each, from the top.

    Args:
        figures: name, accuracy, chance.
        path: file to write.
        title: over the plot.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 1.1 + 0.32 * len(figures)), layout="constrained")
    axes = figure.subplots()
    for place, (_, found, chance) in enumerate(figures):
        if found.low is not None and found.high is not None:
            axes.plot([found.low, found.high], [place, place], color="tab:blue", linewidth=2, solid_capstyle="butt")
        axes.plot(found.value, place, "o", color="tab:blue", markersize=6)
        if chance is not None:
            axes.plot(chance, place, "|", color="tab:red", markersize=14, markeredgewidth=2)
    axes.plot([], [], "o-", color="tab:blue", linewidth=2, label="accuracy, 95% interval")
    axes.plot([], [], "|", color="tab:red", markersize=12, markeredgewidth=2, linestyle="none", label="chance")
    axes.set(xlim=(-0.02, 1.02), ylim=(len(figures) - 0.4, -0.6), xlabel="accuracy", title=title)
    axes.set_yticks(range(len(figures)), [name for name, _, _ in figures])
    axes.grid(axis="x", alpha=0.25)
    figure.legend(loc="outside lower right", ncols=2, frameon=False, fontsize="small")
    figure.savefig(path, format="png", dpi=120)


def table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose source reads well too: the first column to the left, the others to the right."""
    cells = [[cell.replace("|", r"\|") for cell in line] for line in [heads, *lines]]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    rows = [
        "| "
        + " | ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in cells
    ]
    rule = "|" + "|".join(":" + "-" * (w + 1) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|"
    return "\n".join([rows[0], rule, *rows[1:]]) + "\n"


def write_text(file: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    partial = file.with_name(file.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, file)
