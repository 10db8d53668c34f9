"""Where a stage's numbers go besides its own log: trackio, TensorBoard or Weights & Biases.

All three get what the trainer logs, under its own names and step numbers, one run a stage. What counts is the trainer's
log, which every checkpoint holds: a stage that died after its last checkpoint had sent steps that are trained again, so
a resumed stage takes these back, as far as the tracker can. trackio's run is written anew from the checkpoint's log;
TensorBoard is told from which step to forget; Weights & Biases is sent the steps again, in the same run.

trackio and TensorBoard keep all in the run's folder, and nothing is sent anywhere:

    OUT/trackio/        TRACKIO_DIR=OUT/trackio trackio show
    OUT/tensorboard/    tensorboard --logdir OUT/tensorboard

Weights & Biases sends where the user's own settings say; `WANDB_MODE=offline` keeps it in OUT/wandb.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from huggingface_hub import constants
from transformers import TrainerCallback

from ssrl_data.core import SsrlError

NONE = "none"
REMOTE = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")
"""Variables that would have trackio send what it gets."""


def tracking(track: str, out: Path, name: str) -> list[TrainerCallback]:
    """What a stage's trainer is given for its numbers to be tracked; the trainer's own `report_to` is `none`.

    Args:
        track: a key of `TRACKERS`, or `none`.
        out: the run's folder.
        name: of the stage, without a slash, such as `2-grpo`: its run's name.

    Raises:
        SsrlError: see `require_tracker`.
    """
    require_tracker(track)
    return [] if track == NONE else [Tracking(TRACKERS[track](out, name))]


def require_tracker(track: str) -> None:
    """Stop before anything is trained when a tracker is not there, or would send what should stay here.

    Raises:
        SsrlError: what to do about it, in one sentence.
    """
    if track != NONE and importlib.util.find_spec(track) is None:
        raise SsrlError(
            f"track is {track!r} and {track} is not installed: run `pip install {track}` or set track to none"
        )
    for variable in REMOTE if track == "trackio" else ():
        if os.environ.get(variable):
            raise SsrlError(
                f"{variable} is set, which would have trackio send a run's numbers away: unset it, or set track to none"
            )


class Tracker(Protocol):
    """One run of a tracker."""

    def open(self, history: Sequence[Mapping[str, Any]], step: int, settings: Mapping[str, Any]) -> None:
        """Begin, or go on, with the log so far, which ends at `step`."""

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        """Note down the numbers of a step."""

    def close(self) -> None:
        """End, with all written."""


class Tracking(TrainerCallback):  # type: ignore[misc]
    """Passes a trainer's log on to a tracker, from the main process alone."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Open the run; the trainer passes more by name than is used, here and below."""
        if state.is_world_process_zero:
            self.tracker.open(state.log_history, state.global_step, args.to_sanitized_dict())

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **_: Any) -> None:
        """Pass numbers on."""
        if state.is_world_process_zero and logs:
            self.tracker.write(state.global_step, numbers(logs))

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close the run."""
        if state.is_world_process_zero:
            self.tracker.close()


def numbers(entry: Mapping[str, Any]) -> dict[str, float]:
    """What a log entry measures: its numbers but the step's."""
    return {
        key: value
        for key, value in entry.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and key != "step"
    }


class Trackio:
    """A run of a trackio project that lies in the run's folder."""

    def __init__(self, out: Path, name: str) -> None:
        self.store, self.name = (out / "trackio").resolve(), name
        # Of underscores trackio makes names of its own files.
        self.project = f"ssrl-{out.resolve().name}".replace("_", "-")

    def open(self, history: Sequence[Mapping[str, Any]], step: int, settings: Mapping[str, Any]) -> None:
        """Write the run anew."""
        self.store.mkdir(parents=True, exist_ok=True)
        trackio = trackio_in(self.store)
        with _unheard(), _offline():
            with contextlib.suppress(ValueError):  # no such project yet
                for run in trackio.Api().runs(self.project):
                    if run.name == self.name:
                        run.delete()
            self.run = trackio.init(
                self.project, self.name, config=dict(settings), embed=False, auto_log_cpu=False, resume="never"
            )
        for entry in history:
            self.write(entry["step"], numbers(entry))

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        """Queue a step's numbers; a thread of trackio's stores them within a second."""
        self.run.log(dict(numbers), step=step)

    def close(self) -> None:
        """Wait until all is stored."""
        import trackio

        with _unheard():
            trackio.finish()


class TensorBoard:
    """A run of its own folder beside those of the other stages."""

    def __init__(self, out: Path, name: str) -> None:
        self.folder = out / "tensorboard" / name

    def open(self, history: Sequence[Mapping[str, Any]], step: int, settings: Mapping[str, Any]) -> None:
        """Go on after `step`; what was written of later ones is not shown any more."""
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(self.folder), purge_step=step + 1)

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        """Store a step's numbers."""
        for name, value in numbers.items():
            self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def close(self) -> None:
        """Close the file."""
        self.writer.close()


class Wandb:
    """A run of Weights & Biases as the user has set it up, known again by an id kept in the run's folder."""

    def __init__(self, out: Path, name: str) -> None:
        self.out, self.name = out, name

    def open(self, history: Sequence[Mapping[str, Any]], step: int, settings: Mapping[str, Any]) -> None:
        """Begin the run, or go on with it."""
        import wandb

        file = self.out / "wandb" / f"{self.name}.id"
        if not file.is_file():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(uuid.uuid4().hex, encoding="utf-8")
        self.run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "ssrl"),
            name=f"{self.out.resolve().name}/{self.name}",
            id=file.read_text(encoding="utf-8"),
            resume="allow",
            dir=str(self.out),
            config=dict(settings),
        )

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        """Pass a step's numbers on."""
        self.run.log(dict(numbers), step=step)

    def close(self) -> None:
        """End the run, all sent or stored."""
        self.run.finish()


TRACKERS: dict[str, type[Trackio] | type[TensorBoard] | type[Wandb]] = {
    "trackio": Trackio,
    "tensorboard": TensorBoard,
    "wandb": Wandb,
}


def trackio_in(store: Path) -> Any:
    """The module trackio, reading and writing in a folder.

    It takes its folder from a variable when it is imported, which TRL does, and one process may train into several
    folders: so the constants that it keeps are set.
    """
    import trackio

    places = {"TRACKIO_DIR": store, "MEDIA_DIR": store / "media", "ARTIFACTS_DIR": store / "artifacts"}
    for module in [module for name, module in sys.modules.items() if name.partition(".")[0] == "trackio"]:
        for constant in places.keys() & vars(module).keys():
            setattr(module, constant, places[constant])
    return trackio


@contextlib.contextmanager
def _offline() -> Iterator[None]:
    # With a Hugging Face token at hand trackio asks the hub for the user's name, to note it down.
    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _unheard() -> contextlib.redirect_stdout[io.StringIO]:
    # trackio prints of projects, runs and uploads, though it uploads nothing.
    return contextlib.redirect_stdout(io.StringIO())
