"""The shortcut probe: can a small classifier tell the answer from what should not show it?

One family of features at a time, a forest (extremely randomised trees; Geurts, Ernst and Wehenkel 2006) learns the
answer on half of the source groups and is tested on the other half, and the other way round. Tasks name in `signal` the
families that an honest solution may use; all others must stay within the tolerance of blind guessing. The declared ones
are probed too, so that a reader sees how much they tell.

What is predicted is the answer's class: the answer itself, its first element when it has several, the quarter of the
line that an interval begins in, its quartile when it is a number of many values.
"""

from __future__ import annotations

import dataclasses
import math
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ssrl_data.check.bounds import LEVEL, TOLERANCE, rows_needed
from ssrl_data.core import Json, Pixels, Row
from ssrl_data.media.text import without_blocks
from ssrl_data.registry import answer_kind, modules, task_class
from ssrl_data.rng import Rng
from ssrl_data.row import digest, unpack_answer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ssrl_data.check.facts import Facts

FAMILIES = ("borders", "sizes", "bytes", "residuals", "prompt", "times", "marks")

PICTURES = 16
"""Pictures of a row that are looked at, spread over all of them."""

SOURCES = 20
"""Least number of source records that are tested: an interval over fewer says nothing."""

ROWS = 20_000
"""Rows of a level that the probe takes, chosen by hash."""

DRAWS = 4000
_WORDS = 128
_CELLS = 4
_SEAMS = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4)
_MANY = 16
_REGIONS = 8
_MOMENT = re.compile(r"(?<![\w.])([0-9]{1,6}(?:\.[0-9]{1,3})?) s\b")
_MOMENTS = 128


def signal(task: str) -> frozenset[str]:
    """The families that a task declares; none when it is not installed."""
    return task_class(task).signal if task in modules("ssrl.tasks") else frozenset()


def features(row: Row, pictures: Sequence[bytes]) -> dict[str, NDArray[np.float32]]:
    """The feature vectors of a row, one for each family; their lengths follow the number of pictures and of marks.

    A family that the row has nothing of (no picture, no mark drawn) is left out.
    """
    out: dict[str, list[float]] = {family: [] for family in FAMILIES}
    count = min(len(row.images), len(pictures))
    for number in sorted({i * count // PICTURES for i in range(PICTURES)} if count > PICTURES else range(count)):
        pixels, data = row.images[number], pictures[number]
        height, width, _ = pixels.shape
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        out["borders"] += _borders(grey.astype(np.float32))
        out["sizes"] += [width, height, width / height]
        out["bytes"] += [math.log(len(data)), len(data) / (width * height)]
        out["residuals"] += _residuals(grey.astype(np.uint8))
    said = row.prompt
    if not row.images:
        # What a row without pictures quotes is what it asks about, and how to answer depends on the answer's space
        # alone: it is the other words, the task's own, that must tell nothing.
        asked: str = answer_kind(row.answer.kind).ask(row.answer.value)
        said = without_blocks(row.prompt.removesuffix(asked))
    words = Counter(zlib.crc32(word.encode()) % _WORDS for word in said.split())
    out["prompt"] = [len(said), *(words[i] for i in range(_WORDS))]
    out["times"] = _times(row.prompt)
    out["marks"] = _marks(row.meta.get("make"))
    return {family: np.array(values, np.float32) for family, values in out.items() if values}


def _borders(grey: NDArray[np.float32]) -> list[float]:
    """How steep the outermost steps of each side are against the next ones, and steps at likely seams."""
    out: list[float] = []
    for plane in (grey, grey.T):
        steps = np.abs(np.diff(plane, axis=0)).mean(axis=1) + 1
        if len(steps) < 12:
            out += [0.0] * (4 + len(_SEAMS))
            continue
        out += [math.log(steps[0] / steps[1]), math.log(steps[-1] / steps[-2])]
        out += [math.log(steps[1] / steps[2]), math.log(steps[-2] / steps[-3])]
        for at in (round(len(plane) * share) - 1 for share in _SEAMS):
            out.append(math.log(2 * steps[at] / (steps[at - 1] + steps[at + 1])))
    return out


def _residuals(grey: Pixels) -> list[float]:
    """Noise left by a median filter, by cell and whole, and how strongly steps follow a grid of 8 pixels."""
    residual = grey.astype(np.float32) - cv2.medianBlur(grey, 3)
    cells = (_CELLS, _CELLS)
    mean = cv2.resize(residual, cells, interpolation=cv2.INTER_AREA)
    power = cv2.resize(residual * residual, cells, interpolation=cv2.INTER_AREA)
    spread = np.sqrt(np.maximum(power - mean * mean, 0)) + 0.1
    whole = float(residual.std()) + 0.1
    out = [math.log(whole), *np.log(spread / whole).ravel().tolist()]
    for axis in (0, 1):
        steps = np.abs(np.diff(residual, axis=axis)).mean(axis=1 - axis)
        phase = np.arange(len(steps)) % 8
        phases = np.bincount(phase, weights=steps, minlength=8) / np.maximum(np.bincount(phase, minlength=8), 1)
        out += (phases / (phases.mean() + 0.01)).tolist()
    return out


def _times(prompt: str) -> list[float]:
    """The moments that a prompt names (`1.20 s`): how many, when they begin and end, how far apart they lie.

    Further, where the steps are longest and shortest: those of a clip are even, so one that stands out says something.
    """
    moments = np.array([float(text) for text in _MOMENT.findall(prompt)[:_MOMENTS]], np.float64)
    if not len(moments):
        return []
    steps = np.diff(moments) if len(moments) > 1 else np.zeros(1)
    usual = float(np.median(steps))
    where = [float(steps.argmax()) / len(steps), float(steps.argmin()) / len(steps)]
    return [len(moments), moments[0], moments[-1], usual, *(steps.max() - usual, steps.min() - usual), *where]


def _marks(make: Json) -> list[float]:
    """Where the marks drawn in the picture lie, how large they are, and how they lie to each other.

    Tasks that draw marks record them as `regions`: [x0, y0, x1, y1] in pixels, in the order of the names drawn.
    """
    regions = make.get("regions") if isinstance(make, dict) else None
    if not isinstance(regions, list) or not all(_is_box(region) for region in regions):
        return []
    boxes = np.array(regions[:_REGIONS], np.float64).reshape(-1, 4)
    placed = np.hstack([boxes[:, :2] + boxes[:, 2:], boxes[:, 2:] - boxes[:, :2]]) / [2, 2, 1, 1]
    first, second = np.triu_indices(len(placed), 1)
    out: list[float] = np.concatenate([placed.ravel(), (placed[second] - placed[first]).ravel()]).tolist()
    return out


def _is_box(value: Json) -> bool:
    numbers = isinstance(value, list) and len(value) == 4 and all(type(v) in (int, float) for v in value)
    return numbers and all(math.isfinite(v) for v in value)


def answer_class(answer: str) -> Json:
    """The class of an `answer` column: a text, a number or a bool."""
    kind, value, _ = unpack_answer(answer)
    return kind.label(value)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the probe found in one level with one family.

    Attributes:
        status: `passed`, `failed`, `not run`, or `declared` when the task lets an honest solution use the family.
        reason: why there are no figures, or why they are not a pass.
        accuracy: of the probe on rows of the half it did not learn from; None where it was not run.
        blind: accuracy of the best constant, or the stated chance when that is higher.
        lower: 99% lower bound on the accuracy over resampled source records, corrected for the number of families
            that must pass; None with the accuracy.
        rows: tested.
        sources: source records tested.
    """

    status: str
    reason: str
    accuracy: float | None
    blind: float
    lower: float | None
    rows: int
    sources: int


def probe(rows: Sequence[Facts], declared: frozenset[str]) -> dict[str, Outcome]:
    """Probe one level of one task, family by family; the declared ones are measured and never fail."""
    rows = sorted(rows, key=lambda row: digest("probe", row.id))[:ROWS]
    halves, labels = _halves(rows), _labels(rows)
    shown = [family for family in FAMILIES if any(family in row.features for row in rows)]
    tested = max(1, sum(family not in declared for family in shown))
    found = {family: _probe(rows, family, labels, halves, tested) for family in shown}
    return {
        family: dataclasses.replace(outcome, status="declared") if family in declared else outcome
        for family, outcome in found.items()
    }


def _halves(rows: Sequence[Facts]) -> NDArray[np.bool_]:
    """True for one half of the groups: every second in keyed order."""
    groups = sorted({row.group_id for row in rows}, key=lambda group: digest("half", group))
    one = set(groups[1::2])
    return np.array([row.group_id in one for row in rows])


def _labels(rows: Sequence[Facts]) -> NDArray[np.int64]:
    """Class numbers; numbers of many values by quartiles."""
    found = [answer_class(row.answer) for row in rows]
    numeric = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in found)
    if numeric and len(set(found)) > _MANY:
        values = np.array(found, np.float64)
        return np.searchsorted(np.quantile(values, [0.25, 0.5, 0.75]), values).astype(np.int64)
    names = {name: i for i, name in enumerate(sorted(set(found), key=repr))}
    return np.array([names[v] for v in found], np.int64)


def _probe(
    rows: Sequence[Facts], family: str, labels: NDArray[np.int64], halves: NDArray[np.bool_], families: int
) -> Outcome:
    sources, owner = np.unique([row.sources[0] for row in rows], return_inverse=True)
    chances = [row.chance for row in rows if row.chance is not None]
    blind = max(float(np.bincount(labels).max()) / len(rows), sum(chances) / len(chances) if chances else 0.0)

    def without(status: str, reason: str) -> Outcome:
        return Outcome(status, reason, None, blind, None, len(rows), len(sources))

    width = max(len(row.features[family]) for row in rows if family in row.features)
    table = np.zeros((len(rows), width), np.float32)
    for i, row in enumerate(rows):
        found = row.features.get(family, table[i, :0])
        table[i, : len(found)] = found
    if (table == table[0]).all():
        return without("passed", "constant")
    if len(sources) < SOURCES:
        return without("not run", f"{len(sources)} source records, {SOURCES} needed")
    if min(len(set(labels[half].tolist())) for half in (halves, ~halves)) < 2:
        return without("not run", "one answer class")
    try:
        from sklearn.ensemble import ExtraTreesClassifier
    except ImportError:
        return without("not run", 'pip install "ssrl[check]"')
    right = np.zeros(len(rows), np.bool_)
    for tested in (halves, ~halves):
        forest: Any = ExtraTreesClassifier(64, min_samples_leaf=3, random_state=0, n_jobs=1)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The number of unique classes")  # as it is where texts are the answers
            forest.fit(table[~tested], labels[~tested])
        right[tested] = forest.predict(table[tested]) == labels[tested]
    lower = _resampled(owner, right, families, Rng("probe", family, str(sources[0]), len(sources)))
    needed = rows_needed(blind, families)
    failed = lower > blind + TOLERANCE
    status = "failed" if failed else "passed" if len(rows) >= needed else "not run"
    reason = f"{len(rows)} rows, {needed} needed" if status == "not run" else ""
    return Outcome(status, reason, float(right.mean()), blind, lower, len(rows), len(sources))


def _resampled(owner: NDArray[np.int64], right: NDArray[np.bool_], families: int, rng: Rng) -> float:
    """The lower bound of an accuracy: a low percentile over resamples of source records, rows going with theirs."""
    count = int(owner.max()) + 1
    total = np.bincount(owner, minlength=count).astype(np.float64)
    hits = np.bincount(owner, weights=right, minlength=count)
    accuracies = []
    step = max(1, 4_000_000 // count)
    for start in range(0, DRAWS, step):
        draws = min(step, DRAWS - start)
        chosen = np.frombuffer(rng.bytes(8 * draws * count), "<u8").reshape(draws, count) % np.uint64(count)
        accuracies.append(hits[chosen].sum(axis=1) / total[chosen].sum(axis=1))
    return float(np.quantile(np.concatenate(accuracies), LEVEL / families))
