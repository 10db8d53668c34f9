"""A working folder whose steps can each be run, gone on with, and looked at.

    OUT/instructions.jsonl, written.jsonl, ...    what each step made
    OUT/dropped/STEP.jsonl                        {"instruction", "reason", "detail"}: what it left out, and why
    OUT/steps/STEP.json                           written last, so that with it a step is done: settings, inputs, counts
    OUT/calls/                                    every call of a model (`ssrl_train.autoif.calls`)

A step is done when it was made with these settings of these inputs, and its files are as it left them. One that is not
any more is never silently taken for done, nor made again unless it is named: what lies there may have been dear.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from filelock import FileLock, Timeout

from ssrl_data.build.commit import file_digest, replace, replace_json
from ssrl_data.core import Json, SsrlError
from ssrl_data.row import canonical, digest
from ssrl_train.autoif.calls import Calls
from ssrl_train.autoif.config import Config

HEARTBEAT = 10.0
"""Seconds after which it is said again how far a step is."""

DONE, STALE, BEGUN, TO_DO, OFF = "done", "stale", "begun", "to do", "off"


class Dropped(NamedTuple):
    """Something that a step left out: which instruction, why in fixed words, and what else is known."""

    instruction: str
    reason: str
    detail: Json = None


Made = Iterable["Json | Dropped"]
"""What a step gives: rows of its file, and what it left out, in the order of its inputs."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        name: as the command knows it.
        reads: the steps whose files it reads.
        makes: its file, or its folder, in the working folder.
        settings: what of the config decides on its bytes.
        make: does it. A step that makes a folder is given the folder to fill, and gives a row for each that it holds.
        off: why a config has nothing for it to do; empty where it has.
    """

    name: str
    reads: tuple[str, ...]
    makes: str
    settings: Callable[[Work], Json]
    make: Callable[[Work], Made]
    off: Callable[[Config], str] = field(default=lambda config: "")

    @property
    def folder(self) -> bool:
        """Whether it makes a folder."""
        return "." not in self.makes


class State(NamedTuple):
    """How a step stands: `done`, `stale`, `begun`, `to do` or `off`; why; and what it recorded, where it was done."""

    state: str
    why: str
    record: Mapping[str, Any]


class Work:
    """A run in its folder.

    Args:
        config: what to do.
        out: the working folder.
        steps: all steps, in order.
        calls: makes the store of calls, when a step asks a model.
        workers: processes that run checkers.
        say: takes lines of progress.
    """

    def __init__(
        self,
        config: Config,
        out: Path,
        steps: tuple[Step, ...],
        calls: Callable[[Path], Calls],
        workers: int,
        say: Callable[[str], None],
    ) -> None:
        self.config, self.out, self.workers, self.say = config, out, workers, say
        self.steps = {step.name: step for step in steps}
        self._open_calls = calls
        self._calls: Calls | None = None
        self.notes: Mapping[str, Json] = {}
        """What the running step wants to be known beside its counts."""

    @property
    def scratch(self) -> Path:
        """A folder for what is being written."""
        return self.out / ".tmp"

    @property
    def calls(self) -> Calls:
        """The calls of the config's writer."""
        if self._calls is None:
            self._calls = self._open_calls(self.out / "calls")
        return self._calls

    @property
    def asked(self) -> int:
        """Calls that were made, and not taken from the folder."""
        return 0 if self._calls is None else self._calls.asked

    def path(self, step: str) -> Path:
        """The file or folder that a step makes."""
        return self.out / self.steps[step].makes

    def rows(self, step: str) -> Iterator[dict[str, Any]]:
        """The rows of a step's file."""
        with self.path(step).open(encoding="utf-8", errors="surrogatepass") as lines:
            yield from map(json.loads, lines)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """The folder, for this process alone.

        Raises:
            SsrlError: another process works in it, it holds something else, or it is a file.
        """
        if self.out.exists() and not self.out.is_dir():
            raise SsrlError(f"{self.out} cannot be a folder: a file is in its place; choose another --out")
        if self.out.is_dir() and any(self.out.iterdir()) and not (self.out / "steps").is_dir():
            raise SsrlError(f"{self.out} holds files that are not a run of `ssrl autoif`: choose an empty or new --out")
        (self.out / "steps").mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.out / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise SsrlError(
                f"{self.out}: another process is at work here: wait for it, or choose another --out"
            ) from error
        with lock:
            shutil.rmtree(self.scratch, ignore_errors=True)
            self.scratch.mkdir()
            yield
            shutil.rmtree(self.scratch, ignore_errors=True)

    def state(self, step: Step) -> State:
        """How a step stands; reads the files that it read and made."""
        if why := step.off(self.config):
            return State(OFF, why, {})
        path = self.out / "steps" / f"{step.name}.json"
        if not path.is_file():
            journal = self.journal(step.name)
            noted = journal.read_bytes().count(b"\n") - 1 if journal.is_file() else 0
            begun = noted or self.path(step.name).exists()
            return State(BEGUN if begun else TO_DO, f"{noted} instructions are done" if noted > 0 else "", {})
        record = json.loads(path.read_bytes())
        settings = json.loads(canonical(step.settings(self)))
        for key in sorted({*settings, *record["settings"]}):
            before, now = (canonical(found.get(key)) for found in (record["settings"], settings))
            if before != now:
                return State(STALE, f"{key} was {_short(before)} and is {_short(now)}", record)
        for read, was in record["inputs"].items():
            if self._digest(self.steps[read]) != was:
                return State(STALE, f"{self.steps[read].makes} is not the one that it was made of", record)
        if self._digest(step) != record["output"]:
            return State(STALE, f"{step.makes} is missing or was changed after it was made", record)
        return State(DONE, "", record)

    def run(self, step: Step) -> State:
        """Make what a step makes, from what the steps before it made.

        Raises:
            SsrlError: a step before it is not done.
        """
        inputs = {}
        for name in step.reads:
            before = self.state(self.steps[name])
            if before.state != DONE:
                why = f" ({before.why})" if before.why else ""
                raise SsrlError(
                    f"{self.out}: step {step.name} reads what step {name} makes, and that is {before.state}{why}: run "
                    f"it with --step {name}"
                )
            inputs[name] = before.record["output"]
        (self.out / "steps" / f"{step.name}.json").unlink(missing_ok=True)
        settings = step.settings(self)
        dropped, kept, self.notes = Counter[str](), 0, {}
        lost = self.out / "dropped" / f"{step.name}.jsonl"
        lost.parent.mkdir(exist_ok=True)

        def write(rows: BinaryIO) -> None:
            def write_lost(losses: BinaryIO) -> None:
                nonlocal kept
                said = time.monotonic()
                for item in step.make(self):
                    if time.monotonic() - said > HEARTBEAT and (kept or dropped):
                        said = time.monotonic()
                        self.say(f"{step.name}: {kept} kept and {dropped.total()} dropped so far")
                    if isinstance(item, Dropped):
                        dropped[item.reason] += 1
                        losses.write(_line(item._asdict()))
                    else:
                        kept += 1
                        rows.write(_line(item))

            replace(lost, write_lost, self.scratch, (None, None, None))

        # A folder is filled by the step itself; its rows are only counted.
        target = self.scratch / step.name if step.folder else self.path(step.name)
        replace(target, write, self.scratch, (None, None, None))
        record = {
            "settings": settings,
            "inputs": inputs,
            "output": self._digest(step),
            "kept": kept,
            "dropped": dict(sorted(dropped.items())),
            "notes": json.loads(canonical(self.notes)),
        }
        replace_json(self.out / "steps" / f"{step.name}.json", record, self.scratch)
        self.journal(step.name).unlink(missing_ok=True)
        return State(DONE, "", record)

    def forget(self, step: Step) -> None:
        """Take a step, and all that read what it made, for not done; calls are kept."""
        gone = {step.name}
        for other in self.steps.values():
            if gone.intersection(other.reads):
                gone.add(other.name)
        for name in gone:
            (self.out / "steps" / f"{name}.json").unlink(missing_ok=True)

    def journal(self, step: str) -> Path:
        """Where a step that runs long notes what it has done."""
        return self.out / "steps" / f"{step}.journal"

    def gone_on(self, step: str, of: Json, done: Callable[[int], Iterator[Json]]) -> Iterator[Json]:
        """The results of a step that runs long, those first that an earlier process noted before it died.

        Args:
            step: its name.
            of: what decides on the results; the notes of something else are not used.
            done: the results from a number on, in order.
        """
        path, title = self.journal(step), _line({"of": digest(canonical(of))})
        noted = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []  # the last one may have been cut
        if not noted or noted[0] + b"\n" != title:
            noted = [title.rstrip(b"\n")]
        whole = b"\n".join(noted) + b"\n"
        replace(path, lambda file: _put(file, whole), self.scratch, (None, None, None))
        yield from map(json.loads, noted[1:])
        with path.open("ab") as notes:
            for result in done(len(noted) - 1):
                notes.write(_line(result))
                notes.flush()
                yield result

    def _digest(self, step: Step) -> str:
        """Of what a step made: a file, or all files of a folder that are published; empty where there is none."""
        path = self.out / step.makes
        if path.is_file():
            return file_digest(path)
        if not path.is_dir():
            return ""
        files = sorted(file for file in path.rglob("*") if file.is_file() and ".ssrl" not in file.parts)
        return digest(*(part for file in files for part in (file.relative_to(path).as_posix(), file_digest(file))))


def _put(file: BinaryIO, data: bytes) -> None:
    file.write(data)


def _line(value: Json) -> bytes:
    return (json.dumps(value, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
