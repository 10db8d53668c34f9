"""The command `ssrl export`: responses and verdicts as a file of examples, to train on here or elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ssrl_data.core import SsrlError
from ssrl_train.cli import _note, _quiet


def export(
    kind: Annotated[str, typer.Argument(help="rejection, pairs, specs, skills, engrave, degree or spin")],
    directory: Annotated[Path, typer.Argument(help="the built dataset that was asked")],
    rollouts: Annotated[Path, typer.Argument(help="rollouts.parquet of a sample stage, or a folder of `ssrl eval`")],
    out: Annotated[Path, typer.Option(help="the file to write, .parquet")],
    split: Annotated[str, typer.Option(help="which rows")] = "train",
    modality: Annotated[str | None, typer.Option(help="which part of the dataset [default: all]")] = None,
    task: Annotated[list[str] | None, typer.Option(help="of these tasks alone; may be given again")] = None,
    keep: Annotated[
        tuple[float, float], typer.Option(help="the lowest and the highest pass rate of a row that is taken")
    ] = (0.0, 1.0),
    each: Annotated[int, typer.Option(min=1, help="examples of a row at most")] = 1,
    rows: Annotated[int, typer.Option(min=0, help="rows at most; 0 is all")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="of what is drawn")] = 0,
    param: Annotated[list[str] | None, typer.Option("-p", help="key=value: a setting of the kind")] = None,
) -> None:
    """Make judged responses into examples for SFT or DPO: what a stage with `export` learns, as a file."""
    _quiet()
    from ssrl_data.cli import _pairs
    from ssrl_data.registry import suggest
    from ssrl_train.exports import EXPORTS
    from ssrl_train.fields import filled
    from ssrl_train.responses import exported, read, write
    from ssrl_train.rows import load_rows, of_tasks

    if kind not in EXPORTS:
        raise SsrlError(f"no export is called {kind!r}: {suggest(kind, list(EXPORTS))}")
    if out.suffix != ".parquet":
        raise SsrlError(f"--out {out}: a stage reads a file whose name ends with .parquet")
    low, high = keep
    if not 0 <= low <= high <= 1:
        raise SsrlError(f"--keep {low:g} {high:g}: name two rising shares from 0 to 1")
    settings: Any = filled(EXPORTS[kind], _pairs(param, "-p"), kind)
    asked = of_tasks(load_rows(directory, split, modality), tuple(task or ()))
    made = exported(asked, read(rollouts), settings, keep, each, rows, seed)
    write(made.table, out)
    for name, count in made.counts.items():
        _note(f"{name}: {count}")
    typer.echo(f"{out}: {len(made.table)} examples for a stage of method {settings.method}")
