"""The command `ssrl eval`: what a model answers on a built dataset, kept as a table, and what that says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ssrl_data.core import SsrlError
from ssrl_train.cli import _note, _one_thread, _quiet

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

    from ssrl_train.controls import Control
    from ssrl_train.measure import Measures
    from ssrl_train.rollouts import Sampling


def evaluate(
    model: Annotated[str, typer.Argument(help="a model folder or hub name")],
    directory: Annotated[Path, typer.Argument(help="a built dataset")],
    split: Annotated[str, typer.Option(help="which rows")] = "test",
    modality: Annotated[str | None, typer.Option(help="which part of the dataset [default: all]")] = None,
    rows: Annotated[int, typer.Option(min=0, help="at most so many rows, a fixed random sample; 0 is all")] = 0,
    k: Annotated[int, typer.Option("-k", min=1, help="responses a row")] = 1,
    temperature: Annotated[float | None, typer.Option(help="0 is greedy [default: 0, or 1 where k is above 1]")] = None,
    batch: Annotated[int, typer.Option(min=1, help="rows at once, each k times")] = 32,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="tokens of a response")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="of sampling")] = 0,
    out: Annotated[Path | None, typer.Option(help="folder for the responses [default: in DIRECTORY.eval]")] = None,
    per_row: Annotated[bool, typer.Option("--per-row", help="write each row's pass rate to rates.parquet")] = False,
    band: Annotated[
        tuple[float, float], typer.Option(help="rates between which that file says to keep a row, both left out")
    ] = (0.0, 1.0),
    blind: Annotated[
        bool, typer.Option("--blind", help="ask once more with grey pictures: what needs no looking?")
    ] = False,
    shuffled: Annotated[bool, typer.Option("--shuffled", help="ask once more with other rows' pictures")] = False,
    engine: Annotated[str, typer.Option(help="auto, transformers or vllm")] = "auto",
) -> None:
    """Measure what a model answers on a built dataset, or go on measuring."""
    _quiet()
    _one_thread()
    from ssrl_data.pass_rates import pass_rates
    from ssrl_train.models import load_model_config, vision_tokens
    from ssrl_train.needless import needless
    from ssrl_train.processes import is_main, leave, one_voice, told
    from ssrl_train.rollouts import Sampling, sample_arms, write_rates
    from ssrl_train.rows import load_rows, sample
    from ssrl_train.tiny import load_processor

    pass_rates([], band)  # a wrong band is said before, not after, a long evaluation
    try:
        warmth = temperature if temperature is not None else float(k > 1)
        sampling = Sampling(k, warmth, max_new_tokens=max_new_tokens, batch=batch, seed=seed)
    except ValueError as error:
        raise SsrlError(str(error)) from error
    with one_voice():
        held = sample(load_rows(directory, split, modality), rows)
        processor = load_processor(model)
        forbidden = vision_tokens(processor, load_model_config(model))
        folder = out or _folder(model, directory, split, modality, rows, sampling)
        folders: dict[Control, Path] = {None: folder}
        wanted: dict[Control, bool] = {"blind": blind, "shuffled": shuffled}
        for control, asked in wanted.items():
            place = folder / str(control)
            if asked or told(place.is_dir()):  # what an earlier command asked for stays in the tables
                folders[control] = place
        tables = sample_arms(model, processor, held, folders, sampling, forbidden, _note, engine)
    leave()
    if not is_main():
        return
    named = needless(held, tables["blind"]) if "blind" in tables else []
    if per_row:
        away = {id for level in named for id in level.ids}
        write_rates(tables[None], folder / "rates.parquet", band, tables.get("blind"), away)
    for line in _report(held, tables):
        typer.echo(line)
    for level in named:
        _note(
            f"{level.task}/{level.level} is answered blind above chance: {level.rate:.3f}, at least {level.lower:.3f}, "
            f"chance {level.chance:.3f}; {len(level.ids)} of its {level.rows} rows need no looking, of which at most "
            f"about {level.lucky:.0f} are so by luck"
        )
    _note(f"{folder}: the responses" + (", their pass rates in rates.parquet" if per_row else ""))
    overall = _measures(held, tables[None]).overall
    typer.echo(
        f"accuracy {overall.accuracy}, chance {overall.chance:.3f}, "
        f"{overall.rows} rows of {overall.sources} source records"
    )


def _folder(model: str, directory: Path, split: str, modality: str | None, rows: int, sampling: Sampling) -> Path:
    """Where the responses are kept by default: beside the dataset, under a name that says what they are to."""
    from ssrl_train.rollouts import Sampling

    name = "-".join(part for part in Path(model).parts[-2:] if part not in (".", "..", "/"))
    parts = [re.sub(r"[^\w.]+", "-", name).strip("-"), split, *([modality] if modality else [])]
    parts += [f"rows{rows}"] if rows else []
    parts += [f"k{sampling.k}"] if sampling.k > 1 else []
    usual = Sampling(sampling.k, float(sampling.k > 1))
    for field, short in (("temperature", "t"), ("max_new_tokens", "tokens"), ("batch", "batch"), ("seed", "seed")):
        value = getattr(sampling, field)
        parts += [f"{short}{value:g}"] if value != getattr(usual, field) else []
    place = directory.resolve()
    return place.with_name(f"{place.name}.eval") / "-".join(parts)


def _report(rows: Dataset, tables: Mapping[Control, pa.Table]) -> Iterator[str]:
    """A table of each task and level, with a column for each control, then what the pictures are worth."""
    from ssrl_train.controls import constants
    from ssrl_train.measure import contrast

    shown, constant = _measures(rows, tables[None]), {(c.task, c.level): c for c in constants(rows)}
    controls = {name: _measures(rows, table) for name, table in tables.items() if name}
    lines = [("task and level", "rows", "accuracy", "chance", "constant", *controls)]
    for key, found in shown.levels.items():
        best = constant.get(key)
        others = [control.levels.get(key) for control in controls.values()]
        lines.append(
            (
                "/".join(key),
                str(found.rows),
                str(found.accuracy),
                f"{found.chance:.3f}",
                "-" if best is None else f"{best.accuracy:.3f}",
                *("-" if other is None else str(other.accuracy) for other in others),
            )
        )
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
    for name in controls:
        gap = contrast(rows, tables[None], tables[name])
        left = f"; {len(rows) - gap.rows} rows are left out" if gap.rows < len(rows) else ""
        yield f"{name}: {gap.altered}, so the right pictures add {gap.difference}{left}"


def _measures(rows: Dataset, table: pa.Table) -> Measures:
    from ssrl_train.measure import measure

    return measure(_answered(rows, table), table)


def _answered(rows: Dataset, table: pa.Table) -> Dataset:
    from ssrl_train.rows import column

    ids = set(table["id"].to_pylist())
    return rows.select([i for i, id in enumerate(column(rows, "id")) if id in ids])
