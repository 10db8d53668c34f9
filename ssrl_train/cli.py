"""The commands `ssrl train` and `ssrl depth`. Nothing heavy is imported until one of them runs."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ssrl_data.core import SsrlError


def train(
    config: Annotated[Path, typer.Argument(help="a training config (YAML)")],
    data: Annotated[Path | None, typer.Option(help="dataset folder, in place of the config's")] = None,
    out: Annotated[Path | None, typer.Option(help="output folder, in place of the config's")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="seed, in place of the config's")] = None,
) -> None:
    """Train a model on a built dataset, compare arms, or go on with a run that was interrupted."""
    _quiet()
    _one_thread()
    from ssrl_data.yaml_file import read_yaml
    from ssrl_train.config import parse
    from ssrl_train.fields import mapping
    from ssrl_train.processes import is_main, leave, one_voice
    from ssrl_train.run import run

    with one_voice():
        body, where = mapping(read_yaml(config), str(config)), str(config)
        if "arms" in body or "search" in body:
            lines = _compared(body, where, data, out, seed)
        else:
            settings = parse(body, where, data, out, seed)
            lines = _report(run(settings, say=_note), settings.out)
    if is_main():
        for line in lines:
            typer.echo(line)
    leave()


def _compared(
    body: Mapping[str, Any], where: str, data: Path | None, out: Path | None, seed: int | None
) -> Iterator[str]:
    """Run a config with arms or a search, and the closing lines of it."""
    from ssrl_train.arms import parse_arms, run_arms
    from ssrl_train.search import parse_search, run_search

    if seed is not None:
        raise SsrlError(f"{where} runs from several seeds: change its `seeds` in place of --seed")
    if "search" in body:
        arms = run_search(parse_search(body, where, data, out), _note)
    else:
        arms = parse_arms(body, where, data, out)
    found = run_arms(arms, _note)
    return _verdicts(found, arms.against, arms.out)


def depth(
    model: Annotated[str, typer.Argument(help="a depth-estimation model: a folder or hub name")],
    source: Annotated[str, typer.Option(help="the pictures: a folder or corpus.yaml")],
    out: Annotated[Path, typer.Option(help="folder for the depth corpus; one begun there is gone on with")],
    license: Annotated[str, typer.Option(help="SPDX licence of the model")] = "unknown",
    error: Annotated[
        float | None, typer.Option(help="relative error of a distance that the model's makers state")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="relative or metric [default: as the model says]")] = None,
    revision: Annotated[str | None, typer.Option(help="of the model on the hub: branch, tag or commit")] = None,
) -> None:
    """Estimate the depth of pictures with a monocular model, as a corpus for depth tasks."""
    _quiet()
    try:
        from transformers.utils import logging

        from ssrl_train.depth import Estimator, write_depth
    except ImportError as missing:
        raise SsrlError('estimating depth needs more packages: pip install "ssrl[train]"') from missing
    from ssrl_data.registry import source_at

    logging.set_verbosity_error()
    corpus = source_at(source)
    done = write_depth(corpus, Estimator(model, kind, revision), out, license, error, say=_note)
    for key, reason in done.rejects.items():
        _note(f"left out: {key}: {reason}")
    typer.echo(f"{out}: {done.maps} depth maps by {done.by}, {len(done.rejects)} pictures left out")


def _quiet() -> None:
    """No usage reports, no warnings about the libraries' own calls of each other, no bars where no terminal is."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
        os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")


def _one_thread() -> None:
    """One thread for small kernels on a CPU: as fast when idle, ten times faster on a busy machine."""
    try:
        import torch
    except ImportError as error:
        raise SsrlError('training needs more packages: pip install "ssrl[train]"') from error
    if not torch.cuda.is_available() and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


def _note(line: str) -> None:
    typer.echo(line, file=sys.stderr)


def _verdicts(found: Mapping[str, Any], against: Mapping[str, str], out: Path) -> Iterator[str]:
    """The closing lines of a comparison."""
    for name, one in found.items():
        note = f" ({one.note})" if one.note else ""
        yield f"{name}: {one.verdict}, {one.difference} more than {against[name]}{note}"
    yield f"{out / 'comparison.md'}: the whole table"


def _report(result: dict[str, Any], out: Path) -> Iterator[str]:
    """The closing lines of a run."""
    speed = f", {result['seconds_per_step']:.2f} s a step" if result["seconds_per_step"] else ""
    yield f"{out}: {result['steps']} steps{speed} on {result['device']}, {result['train_rows']} rows"
    if result["after"] is None:
        return
    low, high = result["interval"]
    before = "" if result["before"] is None else f"{result['before']:.3f} before, "
    yield (
        f"held-out accuracy {before}{result['after']:.3f} after (95% {low:.3f} to {high:.3f}), chance "
        f"{result['chance']:.3f}, {result['rows']} rows of {result['photographs']} source records never trained on"
    )
