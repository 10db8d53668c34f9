"""The command `ssrl autoif`. Nothing heavy is imported until it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ssrl_data.core import SsrlError


def autoif(
    config: Annotated[Path, typer.Argument(help="an AutoIF config (YAML)")],
    out: Annotated[Path, typer.Option(help="working folder; a run begun there is gone on with")],
    step: Annotated[
        str | None, typer.Option(help="the one step to run, made again if it is stale [default: all]")
    ] = None,
    status: Annotated[bool, typer.Option("--status", help="say how each step stands, and run none")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="processes that run checkers [default: cores]")] = None,
) -> None:
    """Let a model write instructions, and checkers that can be trusted, and make RL, SFT and DPO rows of them."""
    from ssrl_data.registry import suggest
    from ssrl_train.autoif import emit, steps
    from ssrl_train.autoif.calls import Calls
    from ssrl_train.autoif.config import load_config
    from ssrl_train.autoif.work import DONE, OFF, STALE, Work
    from ssrl_train.autoif.writers import writer_of

    settings = load_config(config)

    def calls(folder: Path) -> Calls:
        if settings.writer is None:
            raise SsrlError(f"{config}: this step asks a model and there is no writer: add `writer:`")
        ask, parallel = writer_of(settings.writer, _note)
        return Calls(folder, settings.writer.name, settings.writer.parameters, ask, parallel)

    work = Work(settings, out, (*steps.STEPS, *emit.STEPS), calls, workers or os.cpu_count() or 1, _note)
    if step is not None and step not in work.steps:
        raise SsrlError(f"no step {step!r}: {suggest(step, work.steps)}")
    if status:
        if not (out / "steps").is_dir():
            raise SsrlError(f"{out} holds no run of `ssrl autoif`: name the --out of one")
        for one in work.steps.values():
            found = work.state(one)
            typer.echo(_line(one.name, found.state, found.why, found.record))
        return
    try:
        with work.held():
            for one in work.steps.values() if step is None else ():
                if not one.off(settings):
                    one.settings(work)  # a file that a later step lacks is said before a model is asked anything
            for one in [work.steps[step]] if step else work.steps.values():
                found = work.state(one)
                if found.state == STALE and step is None:
                    raise SsrlError(
                        f"{out}: step {one.name} is stale, since {found.why}: run it with --step {one.name}, which "
                        "makes it and what follows again, or choose another --out"
                    )
                if found.state not in (DONE, OFF):
                    before = work.asked
                    work.forget(one)
                    found = work.run(one)
                    asked = work.asked - before
                    _note(f"{one.name}: {asked} calls of the model" if asked else f"{one.name}: no call of a model")
                typer.echo(_line(one.name, found.state, found.why, found.record))
    except KeyboardInterrupt:
        _note(f"interrupted: run the same command again to go on in {out}")
        sys.stderr.flush()
        os._exit(130)  # not to wait for calls under way: every file is written whole or not at all


def _line(name: str, state: str, why: str, record: Mapping[str, Any]) -> str:
    """A step in one line: how it stands, what it kept, and what it left out for which reason."""
    if not record:
        return f"{name:<14} {state}" + (f": {why}" if why else "")
    dropped = ", ".join(f"{reason} {n}" for reason, n in record["dropped"].items())
    left = f", {sum(record['dropped'].values())} dropped ({dropped})" if dropped else ""
    notes = "".join(f"; {key}: {_flat(value)}" for key, value in record["notes"].items())
    return f"{name:<14} {state}: {record['kept']} kept{left}{notes}" + (f"; {why}" if why else "")


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(item)}" for key, item in value.items())
    return str(value)


def _note(line: str) -> None:
    typer.echo(line, file=sys.stderr)
