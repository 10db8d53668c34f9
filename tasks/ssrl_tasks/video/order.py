"""In which order were frames of a clip taken?

Whether frames are in order, or shuffled (Misra et al., ECCV 2016), and sorting them (Lee et al., ICCV 2017; the clip
jigsaw of Visual Jigsaw and VideoSSR sorts whole pieces). Most clips read as well backwards, so which end comes first is
told, or nothing hangs on it, unless things travel against the scene.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise, permutations
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.permutation import Permutation
from ssrl_data.core import Answer, Example, Fault, Mark, Pixels, Record, Row, Skip, Task
from ssrl_data.gates import arrow, clock, sampling
from ssrl_data.rng import Rng

Orders: TypeAlias = "NDArray[np.int8]"
Matrix: TypeAlias = "NDArray[np.float64]"

VERIFY = ("in order", "shuffled")
DIRECTION = ("forwards", "backwards")
FORMS = ("verify", "anchored", "sort", "direction")

APART = 1.5
"""Least difference, in grey levels on thumbnails, between two frames: below it people see no change."""

CHEAPER = 0.25
"""By how much of a mean step the true order must be a shorter way through the frames than any other one, its reverse
excepted; lengths are differences on thumbnails. At the easy level this refuses four windows in five of a talking head,
and one in four of 24 rendered clips in which things cross the picture."""

# Audit, mean absolute differences in grey levels: at most SAME from a frame to its view, CLEAR more to any other shown
# (APART on thumbnails is at least as much at full size, where the encoder costs up to 3.5); two within TWINS are one.
SAME, CLEAR, TWINS = 5.0, 0.3, 0.5
_CELL = 8  # pixels a side of what the audit averages before it measures the way through the frames


@dataclass(frozen=True)
class OrderParams:
    """Parameters of `video/order`.

    Attributes:
        form: `verify` (in order or shuffled?), `anchored` (sort them, the earliest is told), `sort` (sort them) or
            `direction` (forwards or backwards?).
        frames: how many are shown, 4 to 8.
        broken: of `verify`, how many steps from one shuffled frame to the next join frames that are no neighbours in
            time, 2 to 7, below the number of frames.
        step: least and most seconds between neighbouring frames, 0.02 to 10.
        pixels: most pixels of a frame, 8,192 (a side has 64 at least) to 65,536.
    """

    form: str = "verify"
    frames: int = 5
    broken: int = 4
    step: tuple[float, float] = (0.15, 0.5)
    pixels: int = 36_864

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.form not in FORMS:
            raise ValueError(f"form is {self.form!r}: it must be one of {', '.join(FORMS)}")
        if not 4 <= self.frames <= 8:
            raise ValueError(f"frames is {self.frames}: it must lie in 4..8")
        if not 2 <= self.broken <= 7:
            raise ValueError(f"broken is {self.broken}: it must lie in 2..7")
        if self.form == "verify" and self.broken >= self.frames:
            raise ValueError(f"broken is {self.broken}: it must be below {self.frames}, the number of frames")
        if len(self.step) != 2 or not all(isinstance(s, (int, float)) for s in self.step):
            raise ValueError(f"step is {self.step!r}: it must be two numbers of seconds")
        if not 0.02 <= self.step[0] <= self.step[1] <= 10:
            raise ValueError(f"step is {self.step}: it must rise within 0.02..10")
        if not 8192 <= self.pixels <= 65_536:
            raise ValueError(f"pixels is {self.pixels}: it must lie in 8192..65536")


class Order(Task[OrderParams]):
    """Frames of a clip, in order or not; the answer says which, or sorts them."""

    needs = frozenset({"clip"})
    levels: ClassVar = {
        "easy": OrderParams(),
        "medium": OrderParams("anchored", 5),
        "verify": OrderParams("verify", 7, 2, (0.1, 0.4)),
        "direction": OrderParams("direction", 5, pixels=65_536),
        "sort": OrderParams("sort", 5, pixels=65_536),
        "hard": OrderParams("anchored", 7, step=(0.08, 0.4)),
    }

    # What there is to encode in a frame, and how grainy it is where, changes smoothly in time as all else does.
    signal: ClassVar = frozenset({"bytes", "residuals"})

    def classes(self) -> int:
        """The two options; an order is drawn uniformly, so there is nothing to balance."""
        return 2 if self.params.form in ("verify", "direction") else 1

    def chance(self) -> float | None:
        """One of two, or that of the answer, whichever order it states."""
        p = self.params
        if self.classes() == 2:
            return 0.5
        places = list(range(1, _sorted_count(p) + 1))
        return Permutation().answer(places[::-1]).chance

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Draw a window, see that its frames have one order, and show them in another."""
        p, record = self.params, records[0]
        view = sampling.window(record, p.frames, p.step, p.pixels, rng)
        if clock.has_clock(view.clip.reel):
            raise Skip("burned-in clock", final=True)
        between = _between(view.clip.reel.thumbnails[list(view.indices)])
        if between[~np.eye(p.frames, dtype=bool)].min() < APART:
            raise Skip("frames too alike")
        # Drawn, and held to the same, where the frames are shown in order too: clips tell nothing.
        shown = _shown(p, rng)
        orders = _orders(p.frames)
        lengths = between[orders[:, :-1], orders[:, 1:]].sum(1)
        step = lengths[0] / (p.frames - 1)
        if lengths[1:].min() < lengths[0] + CHEAPER * step:
            raise Skip("another order runs as smoothly")
        if p.form in ("sort", "direction"):
            arrow.require_arrow(record, view.indices[0], view.indices[-1])
        if p.form == "verify" and aim == 0:
            shown = list(range(p.frames))
        if p.form == "direction":
            shown = list(range(p.frames))[:: 1 if aim == 0 else -1]
        frames = [view.frame(at) for at in shown]
        width, height = view.size
        yield Example(
            prompt=_prompt(p, frames),
            answer=_answer(p, shown, aim),
            meta={"indices": [view.indices[at] for at in shown], "box": list(view.box), "size": [width, height]},
            marks=tuple(Mark(i, (0, 0, width, height), f"{at + 1} in time") for i, at in enumerate(shown)),
            solution=_solution(p, shown, aim),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Find each shown frame among the source's, and read its time there.

        Without the records: as many pictures of the stated size as there should be, no two the same; and where an
        order is stated, no two frames of it can change places and make the way through the frames shorter.
        """
        made, form = row.meta["make"], row.meta["params"]["form"]
        width, height = made["size"]
        count = row.meta["params"]["frames"]
        if len(row.images) != count or any(image.shape != (height, width, 3) for image in row.images):
            yield Fault("true", f"expected {count} pictures of {width} x {height} pixels")
            return
        images = [image.astype(np.float32) for image in row.images]
        if min(float(np.abs(a - b).mean()) for a, b in combinations(images, 2)) <= TWINS:
            yield Fault("one answer", "two frames look the same")
            return
        stated = _stated(row)
        if stated is not None and _shortened(images, stated):
            yield Fault("one answer", "another order runs more smoothly than the stated one")
        if not records or records[0].clip is None:
            return
        clip = records[0].clip
        views = [clip.view(index, tuple(made["box"]), (width, height)).astype(np.float32) for index in made["indices"]]
        misfit = np.array([[np.abs(image - view).mean() for view in views] for image in images])
        own = misfit.diagonal()
        others = np.where(np.eye(count, dtype=bool), np.inf, misfit).min(1)
        if (own > SAME).any() or (others < own + CLEAR).any():
            yield Fault("true", "the frames shown are not each like the source's as stated and like no other")
            return
        times = [clip.reel.times[index] for index in made["indices"]]
        rising = all(a < b for a, b in pairwise(times))
        falling = all(a > b for a, b in pairwise(times))
        answer = row.answer.value["answer"]
        if form == "verify":
            right = rising if answer == VERIFY[0] else not (rising or falling)
        elif form == "direction":
            right = rising if answer == DIRECTION[0] else falling
        else:
            right = stated is not None and [times[at] for at in stated] == sorted(times)
        if not right:
            yield Fault("true", f"the source's times do not give the stated {answer}")


def _sorted_count(p: OrderParams) -> int:
    """How many frames are to be sorted."""
    return p.frames - (p.form == "anchored")


def _between(seen: NDArray[np.float32]) -> Matrix:
    """Mean absolute differences of thumbnails, count x count."""
    rows = seen.reshape(len(seen), -1)
    return np.array([np.abs(rows - row).mean(1) for row in rows], np.float64)


@cache
def _orders(count: int) -> Orders:
    """All orders of so many frames, of each and its reverse one; the rising one first."""
    return np.array([order for order in permutations(range(count)) if order[0] < order[-1]], np.int8)


@cache
def _shuffles(count: int, broken: int) -> Orders:
    """All orders in which so many steps join frames that are no neighbours in time."""
    orders = np.array(list(permutations(range(count))), np.int8)
    chosen: Orders = orders[(np.abs(np.diff(orders, axis=1)) > 1).sum(1) == broken]
    return chosen


def _shown(p: OrderParams, rng: Rng) -> list[int]:
    """For each picture of the prompt its place in time, from 0; an order to be found is never that shown."""
    count = _sorted_count(p)
    if p.form == "verify":
        shuffles = _shuffles(p.frames, p.broken)
        return [int(at) for at in shuffles[rng.below(len(shuffles))]]
    places = list(range(p.frames - count, p.frames))
    shown = rng.shuffled(places)
    while shown == places:
        shown = rng.shuffled(places)
    return shown + list(range(p.frames - count))


def _answer(p: OrderParams, shown: Sequence[int], aim: int) -> Answer:
    if p.form == "verify":
        return Choice().answer(VERIFY[aim], VERIFY)
    if p.form == "direction":
        return Choice().answer(DIRECTION[aim], DIRECTION)
    return Permutation().answer(_numbers(p, shown))


def _numbers(p: OrderParams, shown: Sequence[int]) -> list[int]:
    """The numbers of the pictures to be sorted, earliest first."""
    return sorted(range(1, _sorted_count(p) + 1), key=lambda number: shown[number - 1])


def _prompt(p: OrderParams, frames: Sequence[Pixels]) -> tuple[str | Pixels, ...]:
    parts: list[str | Pixels] = []
    for number, frame in enumerate(frames, 1):
        parts += [f"{chr(10) if number > 1 else ''}Picture {number}: ", frame]
    count = len(frames)
    taken = f"\nPictures 1 to {count} are frames of one video, taken at equal intervals"
    if p.form == "verify":
        text = (
            f"{taken}. Either they are shown in the order in which they were taken, or they are shuffled, so that the "
            "motion jumps back and forth. Are they in order or shuffled?"
        )
    elif p.form == "direction":
        text = (
            f"{taken}. They are shown either in the order in which they were taken or in the opposite one. Does the "
            "video run forwards or backwards from picture to picture?"
        )
    elif p.form == "anchored":
        text = (
            f"{taken} and shown in random order, but for picture {count}: it was taken first. In which order were "
            f"pictures 1 to {count - 1} taken after it? Give their numbers, the earliest first."
        )
    else:
        text = (
            f"{taken} and shown in random order. In which order were they taken? Give their numbers, "
            "the earliest first."
        )
    return (*parts, text)


def _solution(p: OrderParams, shown: Sequence[int], aim: int) -> str:
    if p.form == "direction":
        way = ("forwards", "backwards")[aim]
        return f"From picture to picture, what moves goes the way it would with time running {way}."
    if p.form == "verify" and aim == 0:
        return "From each picture to the next the motion goes on by one step in the same sense: they are in order."
    chain = ", ".join(str(shown.index(at) + 1) for at in range(p.frames))
    if p.form == "verify":
        at = next(k for k in range(p.frames - 1) if abs(shown[k + 1] - shown[k]) > 1)
        return (
            f"The motion runs on smoothly through pictures {chain}. From picture {at + 1} to picture {at + 2} it "
            "jumps, so they are shuffled."
        )
    return f"The motion runs on smoothly through pictures {chain}, in order of time."


def _stated(row: Row) -> list[int] | None:
    """The places in the prompt of the frames in the stated order of time, from 0; None where none is stated."""
    params, answer = row.meta["params"], row.answer.value["answer"]
    count = params["frames"]
    if params["form"] == "direction" or answer == VERIFY[0]:
        return list(range(count))
    if params["form"] == "verify":
        return None
    first = [count - 1] if params["form"] == "anchored" else []
    return first + [number - 1 for number in answer]


def _shortened(images: Sequence[NDArray[np.float32]], order: Sequence[int]) -> bool:
    """Whether two frames of the order can change places and make the way through all of them shorter."""
    height, width = images[0].shape[:2]
    cells = [images[at].reshape(height // _CELL, _CELL, width // _CELL, _CELL, 3).mean((1, 3)).ravel() for at in order]
    apart = np.array([[np.abs(a - b).mean() for b in cells] for a in cells])
    count = len(cells)

    def length(way: Sequence[int]) -> float:
        return float(sum(apart[a, b] for a, b in pairwise(way)))

    straight = length(range(count))
    for i, j in combinations(range(count), 2):
        way = list(range(count))
        way[i], way[j] = way[j], way[i]
        if length(way) < straight:
            return True
    return False
