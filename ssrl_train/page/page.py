"""The page about a run: what is run, how far it is, its curves, and what the model wrote at the first and latest steps.

One file without scripts or requests. It tells what OUT holds when it is written: after each stage and at each save.
"""

from __future__ import annotations

import base64
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import PIL.Image
import yaml
from markupsafe import Markup
from transformers import TrainerCallback

from ssrl_data.card import write_page as write_whole
from ssrl_data.core import SsrlError
from ssrl_data.report.gather import Bar
from ssrl_data.report.page import chart
from ssrl_data.untrusted import visible
from ssrl_train.page.charts import TASKS, drawn, intervals, learning, optimisation
from ssrl_train.page.gather import Run, Stage, gather
from ssrl_train.samples import shortened

PAGE = "run.html"
SHOWN_STAGES = 3
"""The latest stages whose completions are shown: with three prompts of three steps each, nine to a stage."""
RESPONSES = 4
"""Most different responses shown to a prompt."""
TEXT = 6000
"""Most characters shown of a text."""
BINS = 17
"""Most different pass rates that are shown apart."""
FOLD = 500
"""Characters from which on a response is folded up."""

_MIME = {"JPEG": "image/jpeg", "PNG": "image/png"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a prompt."""

    number: int
    width: int
    height: int
    uri: str


@dataclass(frozen=True, slots=True)
class Response:
    """What the model wrote, perhaps several times."""

    text: str
    times: int
    reward: float | None
    advantage: float

    @property
    def begin(self) -> str:
        """Its beginning, for what is folded up; empty where nothing is."""
        return self.text[: FOLD // 3] if len(self.text) > FOLD else ""


@dataclass(frozen=True, slots=True)
class Group:
    """The completions of a prompt."""

    id: str
    task: str
    parts: list[str | Picture]
    pictures_left_out: int
    gold: str
    responses: list[Response]
    left_out: int
    size: int
    mean: float | None


def write_page(out: Path, data: Path) -> Path:
    """Write the page of a run: one self-contained HTML file, of what its folder holds at this moment.

    Args:
        out: the run's folder.
        data: the dataset's, for its fingerprint and chance; what is not found there is left out.

    Returns:
        The file, `OUT/run.html`.

    Raises:
        SsrlError: it cannot be written.
    """
    run = gather(out, data)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Everything printed passes through here: what a model wrote cannot reach the page as anything but text.
        finalize=lambda value: value if isinstance(value, Markup) else visible(str(value)),
    )
    environment.filters |= {"thousands": lambda n: f"{n:,}", "span": span}
    sampled = [stage.number for stage in run.stages if stage.samples][-SHOWN_STAGES:]
    text = environment.get_template("page.html.jinja").render(
        run=run,
        model=_model(run.config.get("model")),
        config=yaml.safe_dump(dict(run.config), sort_keys=False, allow_unicode=True) if run.config else "",
        stages=[_stage(stage, run, stage.number in sampled) for stage in run.stages],
        done=sum(stage.state == "done" for stage in run.stages),
        rows=sum(counts.get("rows", 0) for counts in _counts(run).values()),
        tasks=len({name.rpartition("/")[0] for name in _counts(run)}),
        accuracy=_accuracy(run.result),
        written=run.written.strftime("%Y-%m-%d %H:%M:%S UTC") if run.written else "",
    )
    write_whole(out / PAGE, text)
    return out / PAGE


class PageCallback(TrainerCallback):  # type: ignore[misc]
    """Writes the page when asked and at each save of a trainer; that it cannot be is said once and stops nothing.

    Args:
        out: the run's folder.
        data: the dataset's.
        say: takes the line that says so.
    """

    def __init__(self, out: Path, data: Path, say: Callable[[str], None]) -> None:
        self.out, self.data, self.say = out, data, say
        self.failed = False

    def write(self) -> None:
        """Write the page."""
        try:
            write_page(self.out, self.data)
        except SsrlError as error:
            if not self.failed:
                self.say(f"note: {error}")
            self.failed = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Write it, from the main process; the trainer passes more by name than is used."""
        if state.is_world_process_zero:
            self.write()


def _model(model: Any) -> str:
    if isinstance(model, Mapping):
        family = model.get("family", "")
        return f"tiny {family}, {model['hidden']} wide, {model['layers']} layers" if "hidden" in model else str(family)
    return str(model) if model else ""


def _accuracy(result: Mapping[str, Any]) -> Markup:
    """Held-out accuracy before and after with its intervals; empty where it was not measured."""
    kept = (("before", "before", "interval_before"), ("after", "after", "interval"))
    shown = [(name, result[value], result[ends]) for name, value, ends in kept if result.get(value) is not None]
    return intervals(shown, result.get("chance")) if shown else Markup("")


def _counts(run: Run) -> Mapping[str, Any]:
    counts = run.manifest.get("counts")
    return counts if isinstance(counts, Mapping) else {}


def _stage(stage: Stage, run: Run, sampled: bool) -> dict[str, Any]:
    chance = _chance(run, stage.settings)
    return {
        "stage": stage,
        "learning": drawn(learning(stage), stage, chance),
        "tasks": drawn(TASKS, stage),
        "optimisation": drawn(optimisation(stage), stage),
        "settings": yaml.safe_dump(dict(stage.settings), sort_keys=False, allow_unicode=True) if stage.settings else "",
        "rates": chart([Bar(f"{rate:.3g}", rows) for rate, rows in binned(stage.rates).items()]),
        "reward": _last(stage, "reward"),
        "loss": _last(stage, "loss"),
        "samples": {
            step: [_group(group, f"{stage.number}-{step}-{i}") for i, group in enumerate(groups)]
            for step, groups in stage.samples.items()
        }
        if sampled
        else {},
    }


def _chance(run: Run, settings: Mapping[str, Any]) -> float | None:
    """Expected reward of the best blind guesser over a stage's tasks; None for other rewards and datasets."""
    if settings.get("reward", "verify") != "verify" or settings.get("data"):
        return None
    tasks = settings.get("tasks") or ()
    found = [
        (counts["rows"], counts["chance"])
        for name, counts in _counts(run).items()
        if counts.get("chance") is not None and (not tasks or name.rpartition("/")[0] in tasks)
    ]
    rows = sum(n for n, _ in found)
    return sum(n * chance for n, chance in found) / rows if rows else None


def binned(rates: Mapping[float, int]) -> dict[float, int]:
    """Rows by pass rate, of many rates by the nearest tenth."""
    if len(rates) <= BINS:
        return dict(rates)
    out: Counter[float] = Counter()
    for rate, rows in rates.items():
        out[round(rate, 1)] += rows
    return dict(sorted(out.items()))


def _last(stage: Stage, key: str) -> float | None:
    """The mean of the last twentieth of what was logged under a key."""
    values = [value for _, value in stage.points(key)]
    latest = values[-max(1, len(values) // 20) :]
    return sum(latest) / len(latest) if latest else None


def _group(stored: Mapping[str, Any], stem: str) -> Group:
    pictures = [_picture(number, data) for number, data in enumerate(stored["pictures"], 1)]
    waiting = iter(pictures)
    parts: list[str | Picture] = []
    for part in json.loads(stored["prompt"]):
        shown = next(waiting, "[picture]") if part is None else shortened(part, TEXT)
        parts.append(shown)
    # Pictures that the prompt has no place for stand before it.
    parts = [*waiting, *parts]
    made = Counter(
        zip(
            (shortened(text, TEXT) for text in stored["responses"]),
            stored["rewards"],
            stored["advantages"],
            strict=True,
        )
    )
    order = sorted(made, key=lambda one: (-(one[1] if one[1] is not None else -1.0), -made[one], one[0]))
    judged = [reward for reward in stored["rewards"] if reward is not None]
    return Group(
        id=stored["id"],
        task=stored["task"],
        parts=parts,
        pictures_left_out=stored["pictures_left_out"],
        gold=shortened(stored["gold"], TEXT),
        responses=[Response(text, made[text, *rest], *rest) for text, *rest in _ends(order)],
        left_out=max(0, len(order) - RESPONSES),
        size=len(stored["responses"]),
        mean=sum(judged) / len(judged) if judged else None,
    )


def _ends(order: Sequence[Any]) -> list[Any]:
    """Of many the best and the worst."""
    half = RESPONSES // 2
    return list(order) if len(order) <= RESPONSES else [*order[:half], *order[-half:]]


def _picture(number: int, data: bytes) -> Picture:
    with PIL.Image.open(io.BytesIO(data)) as opened:
        mime = _MIME[str(opened.format)]
        return Picture(number, *opened.size, f"data:{mime};base64,{base64.b64encode(data).decode()}")


def span(seconds: float) -> str:
    """A length of time in words of two units."""
    if seconds < 60:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
