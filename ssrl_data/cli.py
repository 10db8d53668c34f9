"""The command `ssrl`: each sub-command parses, calls one function and prints; others come in by entry point."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from ssrl_data.core import SsrlError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Verifiable self-supervised problems from raw corpora, as Hugging Face datasets.",
)


@app.command("list")
def list_tasks() -> None:
    """Show the installed tasks: what each asks, its levels, and what a blind guesser earns at each."""
    from ssrl_data.registry import task_class, task_names

    for name in task_names():
        cls = task_class(name)
        levels = [f"{level} ({_chance(cls(params))})" for level, params in cls.levels.items()]
        typer.echo(f"{name}  {_module(cls).partition(chr(10))[0]}\n    {', '.join(levels)}")
    typer.echo("\nIn brackets: chance, the expected score of the best blind guesser.")


@app.command()
def show(
    task: Annotated[str, typer.Argument(help="a task of `ssrl list`")],
    source: Annotated[str | None, typer.Option(help="a corpus to make one example of each level from")] = None,
) -> None:
    """Show one task: levels, parameters, chance, and examples when there is a corpus."""
    from ssrl_data.preview import first_example, learned
    from ssrl_data.recipe import plain
    from ssrl_data.registry import source_at, task_class

    cls = task_class(task)
    corpus = None if source is None else source_at(source)
    if corpus is not None and next(iter(corpus.entries()), None) is None:
        raise SsrlError(f"{source} holds no record that can be used: check the folder and its corpus.yaml")
    typer.echo(f"{task}, version {cls.version}\n\n{_module(cls)}\n")
    prepared = b"" if corpus is None else learned(cls, corpus)
    for level, params in cls.levels.items():
        maker = cls(params, prepared)
        typer.echo(f"{level}: chance {_chance(maker)}")
        typer.echo("".join(f"  {key}: {json.dumps(value)}\n" for key, value in plain(params).items()))
        if corpus is not None:
            typer.echo(textwrap.indent(first_example(maker, corpus), "  | ", lambda line: True) + "\n")


def _module(cls: type[Any]) -> str:
    """The docstring of the module that defines a task."""
    return (sys.modules[cls.__module__].__doc__ or "").strip()


def _chance(task: Any) -> str:
    chance = task.chance()
    return "stated in each row" if chance is None else f"{chance:.4f}"


@app.command()
def build(
    what: Annotated[list[str], typer.Argument(help="a recipe file, or names of tasks")],
    out: Annotated[Path, typer.Option(help="folder for the dataset; a build begun there is resumed")],
    source: Annotated[list[str] | None, typer.Option(help="folder, file or other corpus; may be given again")] = None,
    rows: Annotated[int | None, typer.Option(help="rows in all [default: 1000]")] = None,
    seed: Annotated[int | None, typer.Option(help="any integer [default: 0]")] = None,
    level: Annotated[list[str] | None, typer.Option(help="level to make; all when not given")] = None,
    param: Annotated[list[str] | None, typer.Option("-p", help="key=value: a parameter in every level")] = None,
    split: Annotated[list[str] | None, typer.Option(help="name=fraction of the groups, like test=0.2")] = None,
    only: Annotated[str | None, typer.Option(help="the one split to build: a benchmark is `test` alone")] = None,
    license: Annotated[str | None, typer.Option(help="SPDX licence of records that state none")] = None,
    curated: Annotated[Path | None, typer.Option(help="table of `ssrl curate`: groups, neighbours, repeats")] = None,
    pass_rates: Annotated[Path | None, typer.Option(help="table of `ssrl grade`: rows not to make again")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="processes [default: cores]")] = None,
    engine: Annotated[str, typer.Option(help="local, or ray: a cluster makes the shards")] = "local",
    address: Annotated[
        str | None, typer.Option(help="of a Ray cluster, like auto [default: one of this machine's own]")
    ] = None,
    shard_range: Annotated[
        str | None, typer.Option(help="i/n: every n-th shard from the i-th on, or all [default: all]")
    ] = None,
) -> None:
    """Build a dataset, or resume one."""
    from ssrl_data.build.run import build as run_build
    from ssrl_data.recipe import Recipe

    given: dict[str, Any] = {"rows": rows, "seed": seed, "license": license, "only": only}
    given["split"] = _fractions(split) if split else None
    fields = _fields(what, level, _pairs(param, "-p"))
    fields |= {key: value for key, value in given.items() if value is not None}
    if curated:
        fields["curated"] = str(curated)
    if pass_rates:
        fields["pass_rates"] = str(pass_rates)
    if source:
        fields["sources"] = tuple(source)
    try:
        made_by, part = _engine(engine, address), _range(shard_range)
        built = run_build(Recipe(**{"sources": (), **fields}), out, workers, _note, made_by, part)
    except KeyboardInterrupt:
        _note(f"interrupted: run the same command again to go on from the last finished shard in {out}")
        raise typer.Exit(130) from None
    if built.manifest is None:
        typer.echo(f"{out}: {built.fresh} rows in {built.seconds:.1f} s; the dataset is whole when every range is made")
        return
    _report(built, out)


def _engine(name: str, address: str | None) -> Any:
    """What makes the shards; None for this machine's processes."""
    from ssrl_data.registry import suggest

    if name == "ray":
        from ssrl_data.build.cluster import on_ray

        return on_ray(address)
    if name != "local":
        raise SsrlError(f"--engine {name}: {suggest(name, ['local', 'ray'])}")
    if address is not None:
        raise SsrlError("--address is of a Ray cluster: add --engine ray")
    return None


def _range(text: str | None) -> Any:
    from ssrl_data.build.locks import Range

    if text in (None, "all"):
        return None
    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal()):
        raise SsrlError(f"--shard-range {text}: expected i/n like 1/4, or all")
    try:
        return Range(int(index), int(count))
    except ValueError as error:
        raise SsrlError(f"--shard-range {error}") from error


def _fields(what: list[str], level: list[str] | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe's fields from a recipe file or task names, with levels and parameters of the command line."""
    from ssrl_data.recipe import load_recipe, part
    from ssrl_data.registry import task_class

    recipes = [name for name in what if name.endswith((".yaml", ".yml"))]
    if recipes and len(what) > 1:
        raise SsrlError(f"{recipes[0]} is a recipe and stands alone: write the other tasks into it, or name tasks only")
    if recipes:
        if level or changes:
            raise SsrlError("--level and -p go with task names: write levels and params into the recipe instead")
        return load_recipe(Path(what[0]))
    known = {name: set(vars(next(iter(task_class(name).levels.values())))) for name in what}
    for key in changes:
        if not any(key in fields for fields in known.values()):
            from ssrl_data.registry import suggest

            every = sorted(set().union(*known.values()))
            raise SsrlError(f"-p {key}: no task named here has that parameter: {suggest(key, every)}")
    return {
        "parts": tuple(
            part(name, level, {key: value for key, value in changes.items() if key in known[name]})
            for name in dict.fromkeys(what)
        )
    }


def _pairs(texts: list[str] | None, option: str) -> dict[str, Any]:
    """key=value arguments, values read as YAML."""
    out: dict[str, Any] = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not equals:
            raise SsrlError(f"{option} {text}: expected key=value")
        try:
            out[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise SsrlError(f"{option} {text}: the value is not valid YAML") from error
    return out


def _fractions(texts: list[str]) -> dict[str, float]:
    out: dict[str, float] = {}
    for key, value in _pairs(texts, "--split").items():
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise SsrlError(f"--split {key}={value}: expected a fraction like {key}=0.2")
        out[key] = float(value)
    return out


def _report(built: Any, out: Path) -> None:
    """The closing lines of a build."""
    manifest = built.manifest
    rows = sum(count["rows"] for count in manifest["counts"].values())
    if built.fresh:
        speed = f" in {built.seconds:.1f} s ({built.fresh / built.seconds:.0f} rows/s)"
    else:
        speed = ": already complete"
    typer.echo(f"{out}: {rows} rows from {manifest['records']} records{speed}")
    for name, count in manifest["counts"].items():
        skips = ", ".join(f"{reason} {n}" for reason, n in count["skips"].items())
        short = f", {count['short']} short of the quota" if count["short"] else ""
        typer.echo(f"  {name}: {count['rows']} rows{short}" + (f" (skipped attempts: {skips})" if skips else ""))
    if built.rejects:
        reasons = ", ".join(f"{reason} {n}" for reason, n in manifest["rejects"].items())
        typer.echo(f"  {len(built.rejects)} unreadable records, listed in {out / '.ssrl' / 'rejects.jsonl'}: {reasons}")


@app.command()
def curate(
    source: Annotated[
        list[str], typer.Argument(help="folders, files or corpus.yaml, in the order in which a build names them")
    ],
    out: Annotated[Path, typer.Option(help="the table to write, a Parquet file")],
    against: Annotated[
        list[Path] | None,
        typer.Option(help="benchmark to keep out of texts (.jsonl, .parquet, text); may be given again"),
    ] = None,
    ngram: Annotated[int, typer.Option(help="words in a row that a text may not share with a benchmark")] = 13,
    language: Annotated[str | None, typer.Option(help="languages of texts to keep, like en,de [default: all]")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="processes [default: cores]")] = None,
) -> None:
    """Find repeats and near duplicates, which no split may divide, and neighbours, for `ssrl build --curated`."""
    from ssrl_data.curate.run import curate as run_curate
    from ssrl_data.curate.texts import Wanted

    languages = [code.strip() for code in language.split(",")] if language else []
    wanted = Wanted(against or (), ngram, languages)
    found = run_curate(source, out, workers or os.cpu_count() or 1, say=_note, wanted=wanted)
    flat = f", {found.flat} are so flat that thumbnails were compared" if found.looked else ""
    typer.echo(
        f"{out}: {found.records} records in {found.groups} groups; {found.joined} records are in groups joined by near "
        f"duplicates{flat}"
    )
    for medium, (count, dropped) in found.passages.items():
        names = {"text": "paragraphs", "worked": "worked records", "instruction": "instructions and queries"}
        name = names[medium]
        columns = {name: count, "kept": count - sum(dropped.values()), **dropped}
        widths = [max(len(title), len(f"{value:,}")) for title, value in columns.items()]
        typer.echo("  " + "  ".join(f"{title:>{width}}" for title, width in zip(columns, widths, strict=True)))
        typer.echo("  " + "  ".join(f"{value:>{w},}" for value, w in zip(columns.values(), widths, strict=True)))
    if found.unreadable:
        reasons = ", ".join(f"{reason} {n}" for reason, n in found.unreadable.items())
        typer.echo(f"  {sum(found.unreadable.values())} unreadable records, listed under `reason`: {reasons}")


@app.command()
def check(
    directory: Annotated[Path, typer.Argument(help="a built dataset")],
    source: Annotated[list[str] | None, typer.Option(help="its corpus, when it has moved")] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="benchmark that rows may share no 13 words in a row with; repeatable")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the findings as JSON")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="processes [default: cores]")] = None,
) -> None:
    """Check every row: true, one answer, not guessable, no leak, not seen, judged fairly. Exits 1 on a fault."""
    from ssrl_data.check import check_dataset, render_text
    from ssrl_data.check.truth import lost_sources

    found = check_dataset(directory, source or None, workers or os.cpu_count() or 1, against or ())
    for why in () if source else lost_sources(directory):
        _note(f"without its corpus ({why}): name with --source where it is now")
    typer.echo(json.dumps(found.to_json(), indent=2, sort_keys=True) if as_json else render_text(found))
    if not found.passed:
        raise typer.Exit(1)


@app.command()
def report(
    directory: Annotated[Path, typer.Argument(help="a built dataset")],
    out: Annotated[Path, typer.Option(help="the page to write")] = Path("report.html"),
    per_task: Annotated[int, typer.Option(min=1, help="examples of each task and level")] = 4,
) -> None:
    """Write one self-contained HTML page with examples, distributions, chance and skips."""
    from ssrl_data.report import write_report

    write_report(directory, out, per_task)
    typer.echo(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


@app.command()
def grade(
    directory: Annotated[Path, typer.Argument(help="a built dataset")],
    responses: Annotated[Path, typer.Option(help="JSON lines of {id, response}")],
    pass_rates: Annotated[Path | None, typer.Option(help="write pass rates by row to this Parquet file")] = None,
    band: Annotated[
        tuple[float, float], typer.Option(help="rates between which that file says to keep a row, both left out")
    ] = (0.0, 1.0),
) -> None:
    """Print a verdict for each response, and at the end, as a note, the scores of each task and level beside chance."""
    from ssrl_data.grade import grade_file
    from ssrl_data.pass_rates import pass_rates as rates
    from ssrl_data.scores import scores, table

    rates([], band)  # a wrong band is said before, not after, a long file
    verdicts: list[dict[str, Any]] = []
    for verdict in grade_file(directory, responses):
        typer.echo(json.dumps(verdict))
        verdicts.append({key: verdict[key] for key in ("id", "score", "exact", "measures", "error") if key in verdict})
    if pass_rates is not None:
        import pyarrow.parquet as pq

        pq.write_table(rates(verdicts, band), pass_rates)
    _note(table(scores(directory, verdicts)))


@app.command("import-ifeval")
def import_ifeval(
    file: Annotated[Path, typer.Argument(help="IFEval's JSON lines: key, prompt, instruction_id_list, kwargs")],
    out: Annotated[Path, typer.Option(help="a new folder for the dataset")],
    mode: Annotated[
        str, typer.Option(help="strict, or loose: also without the first or last line or asterisks")
    ] = "strict",
    license: Annotated[str, typer.Option(help="SPDX licence of the file")] = "unknown",
) -> None:
    """Import a file of IFEval prompts as rows to evaluate on, judged by the constraints of this package."""
    from ssrl_data.instruct.ifeval import write

    count, left = write(file, out, mode, license)
    typer.echo(f"{out}: {count} rows")
    if left:
        _note(f"  left out, as no answer was found that keeps to all that is asked: {', '.join(left)}")


def _note(line: str) -> None:
    typer.echo(line, err=True)


def main() -> None:
    """Entry point of the command: a user's mistake is one sentence on standard error and exit code 2."""
    asked = sys.argv[1] if len(sys.argv) > 1 else "--help"
    for point in entry_points(group="ssrl.commands"):
        if asked in (point.name, "--help"):  # another package's command is imported only when it is asked for
            app.command(point.name)(point.load())
    try:
        app(standalone_mode=True)
    except SsrlError as error:
        typer.echo(f"ssrl: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        if error.filename is None:
            raise
        typer.echo(f"ssrl: {error.filename}: {error.strerror}: name a path that can be used", err=True)
        sys.exit(2)
