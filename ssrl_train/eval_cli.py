"""The command `ssrl eval`: what a model answers on a built dataset, kept as a table, and what that says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ssrl_data.core import SsrlError
from ssrl_train.cli import _note, _one_thread, _quiet

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset

    from ssrl_train.controls import Control
    from ssrl_train.needless import Needless
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
    for line in _written(held, tables, named, folder, f"{Path(model).name} on {directory.resolve().name}, {split}"):
        typer.echo(line)
    _note(f"{folder}: the responses, measures.md" + (", each row's pass rate in rates.parquet" if per_row else ""))


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


def _written(
    rows: Dataset, tables: Mapping[Control, pa.Table], named: Sequence[Needless], folder: Path, title: str
) -> Iterator[str]:
    """Write down what the responses say of the model, and tell it: each task and level, its controls, and the whole."""
    from ssrl_train.artefacts import write_json
    from ssrl_train.controls import constants
    from ssrl_train.measure import contrast, measure
    from ssrl_train.measured import write_measures

    shown, fixed = measure(rows, tables[None]), constants(rows)
    controls = {str(name): contrast(rows, tables[None], table) for name, table in tables.items() if name}
    write_measures(folder, shown, controls, title)
    lists = {"constants": list(map(asdict, fixed)), "needless": list(map(asdict, named))}
    write_json(folder / "controls.json", lists)
    others = [measure(_answered(rows, table), table).levels for name, table in tables.items() if name]
    best = {(one.task, one.level): f"{one.accuracy:.3f}" for one in fixed}
    lines = [("task and level", "rows", "accuracy", "chance", "constant", *controls)]
    for key, found in shown.levels.items():
        altered = [str(other[key].accuracy) if key in other else "-" for other in others]
        cells = (str(found.rows), str(found.accuracy), f"{found.chance:.3f}", best.get(key, "-"))
        lines.append(("/".join(key), *cells, *altered))
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
    for name, gap in controls.items():
        left = f"; {len(rows) - gap.rows} rows are left out" if gap.rows < len(rows) else ""
        yield f"{name}: {gap.altered}, so the right pictures add {gap.difference}{left}"
    for one in named:
        yield (
            f"{one.task}/{one.level} is answered blind above chance: {one.rate:.3f}, at least {one.lower:.3f}, "
            f"chance {one.chance:.3f}; {len(one.ids)} of {one.rows} rows need no looking, at most about "
            f"{one.lucky:.0f} of them by luck"
        )
    whole = shown.overall
    yield (f"accuracy {whole.accuracy}, chance {whole.chance:.3f}, {whole.rows} rows of {whole.sources} source records")


def _answered(rows: Dataset, table: pa.Table) -> Dataset:
    """The rows that a table has responses to."""
    from ssrl_train.rows import column

    ids = set(table["id"].to_pylist())
    return rows.select([i for i, id in enumerate(column(rows, "id")) if id in ids])
