"""Put the segments of a clip back in order.

The video jigsaw of VideoSSR (6 clips of 8 frames, 48 frames of at most 65,536 pixels) and Visual Jigsaw (whose
segments are trimmed at both ends). Unlike there, no two segments are alike, no other order joins as well, no cut lies
inside, and the identity is never asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ssrl_data.answers.permutation import Permutation
from ssrl_data.core import Answer, Example, Fault, Mark, Pixels, Record, Row, Skip, Task
from ssrl_data.gates import clock, sampling, segments
from ssrl_data.rng import Rng

Table: TypeAlias = "NDArray[np.float64]"

CREDITS = ("exact", "partial", "pairs", "adjacency")

SHOWN = 64
"""Most pictures of a row."""

_SEGMENTS, _FRAMES, _GAP = (3, segments.MOST), (4, 16), (0.0, 1.0)
_STEP, _PIXELS = (0.02, 2.0), (8192, 65_536)

# Audit, root mean square differences in grey levels over every third pixel. At most SAME from a picture to its source;
# a segment's pictures lie CLEAR further from any other stretch of the clip than from their own; pictures of one segment
# that differ by less than TWINS from their order in time are as good as equal.
SAME = 6.0
CLEAR = 2.0
TWINS = 0.5


@dataclass(frozen=True)
class JigsawParams:
    """Parameters of `video/jigsaw`.

    Attributes:
        segments: segments that are shown, 3 to 8.
        frames: pictures of each, 4 to 16; 64 in all at most.
        gap: what is left out between neighbouring segments, as a share of a segment, 0 to 1; rounded to whole frames.
        step: least and most seconds between neighbouring frames, 0.02 to 2.
        pixels: most pixels of a frame, 8,192 to 65,536.
        credit: what an order that is not right earns: nothing (`exact`), or half of the chance-corrected share of right
            places (`partial`), of pairs in the right relative order (`pairs`) or of neighbours that stay neighbours
            (`adjacency`).
    """

    segments: int = 3
    frames: int = 4
    gap: float = 0.25
    step: tuple[float, float] = (0.06, 0.4)
    pixels: int = 50_176
    credit: str = "exact"

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, (low, high) in {"segments": _SEGMENTS, "frames": _FRAMES, "gap": _GAP, "pixels": _PIXELS}.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}: it must lie in {low}..{high}")
        if self.segments * self.frames > SHOWN:
            raise ValueError(
                f"frames is {self.frames}: with {self.segments} segments it must lie in 4..{SHOWN // self.segments}"
            )
        if len(self.step) != 2 or not _STEP[0] <= self.step[0] <= self.step[1] <= _STEP[1]:
            raise ValueError(f"step is {self.step}: it must be two rising numbers in {_STEP[0]}..{_STEP[1]}")
        if self.credit not in CREDITS:
            raise ValueError(f"credit is {self.credit!r}: it must be one of {', '.join(CREDITS)}")

    @property
    def left_out(self) -> int:
        """Frames between one segment and the next one."""
        return round(self.gap * self.frames)


class Jigsaw(Task[JigsawParams]):
    """Segments of one shot in random order; the answer is the segment for each place in time."""

    needs = frozenset({"clip"})
    levels: ClassVar = {
        "easy": JigsawParams(),
        "medium": JigsawParams(4, 6, 0.2, (0.06, 0.4)),
        "videossr": JigsawParams(6, 8, 0.125, (0.03, 0.5), 65_536, "pairs"),
        "videossr_8": JigsawParams(8, 6, 0.2, (0.03, 0.5), 65_536, "pairs"),
        "hard": JigsawParams(8, 6, 0.5, (0.03, 0.2), 65_536, "pairs"),
    }

    def chance(self) -> float | None:
        """That of the answer, whichever order it states."""
        return self._answer([*range(2, self.params.segments + 1), 1]).chance

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Cut a window into segments, leave out what lies between them, and shuffle."""
        p = self.params
        length = p.frames + p.left_out
        window = sampling.window(records[0], length * p.segments - p.left_out, p.step, p.pixels, rng)
        if clock.has_clock(window.clip.reel):
            raise Skip("burned-in clock", final=True)
        stretches = [range(start, start + p.frames) for start in range(0, length * p.segments, length)]
        seen = window.clip.reel.thumbnails
        segments.require_order(np.array([[seen[window.indices[n]] for n in stretch] for stretch in stretches]))
        inorder = list(range(1, p.segments + 1))
        places = rng.shuffled(inorder)
        while places == inorder:
            places = rng.shuffled(inorder)
        shown = [stretches[places.index(number)] for number in inorder]
        first, *_, last = window.times
        step = (last - first) / (len(window.times) - 1)
        yield Example(
            prompt=_prompt(p, [[window.frame(n) for n in stretch] for stretch in shown], step),
            answer=self._answer(places),
            meta={
                "box": list(window.box),
                "size": list(window.size),
                "stretches": [[window.indices[n] for n in stretch] for stretch in stretches],
                "places": places,
            },
            marks=tuple(
                Mark((number - 1) * p.frames, (0, 0, *window.size), f"place {places.index(number) + 1}")
                for number in inorder
            ),
            solution=_solution(places, p.frames),
        )

    def _answer(self, places: Sequence[int]) -> Answer:
        return Permutation().answer(places, self.params.credit)

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Lay the shown segments beside stretches of the clip, see where each fits, and read the order off that.

        With the record: the pictures of each segment are those of one stretch of the clip, in the order of time, and of
        no other one, and the order that follows is the stated one. Without: there are as many pictures as the
        parameters say, all of one size, and no two segments are the same.
        """
        params, made = row.meta["params"], row.meta["make"]
        count, length = params["segments"], params["frames"]
        width, height = made["size"]
        if len(row.images) != count * length or any(image.shape != (height, width, 3) for image in row.images):
            yield Fault("true", f"expected {count * length} pictures of {width} x {height} pixels")
            return
        shown = _sparse(row.images)
        unlike = _segmentwise(_differences(shown, shown), length)
        if unlike[~np.eye(count, dtype=bool)].min() < CLEAR:
            yield Fault("one answer", "two segments look the same")
            return
        if not records or records[0].clip is None:
            return
        clip, box = records[0].clip, tuple(made["box"])
        indices = [index for stretch in made["stretches"] for index in stretch]
        if indices != sorted(set(indices)) or len(indices) != len(shown) or indices[-1] >= len(clip.reel.times):
            yield Fault("true", "the stretches in the metadata are not frames of the clip in the order of time")
            return
        apart = _differences(shown, _sparse([clip.view(index, box, (width, height)) for index in indices]))
        fits = _segmentwise(apart, length)
        home = [int(stretch) for stretch in fits.argmin(1)]
        if len(set(home)) < count:
            yield Fault("true", "two segments show the same stretch of the clip")
            return
        best, second = np.sort(fits, axis=1)[:, :2].T
        own = np.array([apart[n, home[n // length] * length + n % length] for n in range(len(shown))])
        if own.max() > SAME or (second < best + CLEAR).any():
            yield Fault("true", "the segments are not each like one stretch of the clip and like no other")
        elif (own > apart.min(1) + TWINS).any():
            yield Fault("true", "the pictures of a segment are not in the order of time")
        else:
            order = [home.index(place) + 1 for place in range(count)]
            if order != row.answer.value["answer"]:
                yield Fault("true", f"stated {row.answer.value['answer']}, the clip says {order}")


def _prompt(p: JigsawParams, shown: Sequence[Sequence[Pixels]], step: float) -> tuple[str | Pixels, ...]:
    parts: list[str | Pixels] = []
    for number, frames in enumerate(shown):
        first = number * p.frames + 1
        between = "\n" if number else ""
        parts += [f"{between}Segment {number + 1}, pictures {first} to {first + p.frames - 1}: ", *frames]
    left_out = "one picture is" if p.left_out == 1 else f"{p.left_out} pictures are"
    gap = f"; between a segment and the next one in time {left_out} left out" if p.left_out else ""
    text = (
        f"\nPictures 1 to {p.segments * p.frames} are {p.segments} segments of one clip, which are shown in random "
        f"order. A segment is {p.frames} pictures in the order of time, {step:.2f} s apart{gap}. For each place in "
        "time, from the earliest to the latest, which segment belongs there? Give the segments' numbers. "
        f"{_example(p.segments)}"
    )
    return (*parts, text)


def _example(count: int) -> str:
    """An order that is not its own inverse, so that it settles the direction, and of another length than the answer."""
    if count == 3:
        return (
            "For example, with four places, 2, 4, 1, 3 means: segment 2 came first, then segment 4, then segment 1, "
            "and segment 3 came last."
        )
    return (
        "For example, with three places, 2, 3, 1 means: segment 2 came first, then segment 3, and segment 1 came last."
    )


def _solution(places: Sequence[int], length: int) -> str:
    """What goes on in what."""
    joins = "; ".join(
        f"segment {before}, which ends with picture {before * length}, goes on in segment {after}, which begins with "
        f"picture {(after - 1) * length + 1}"
        for before, after in pairwise(places)
    )
    return f"S{joins[1:]}. In the order of time that is {', '.join(map(str, places))}."


def _sparse(images: Sequence[Pixels]) -> Table:
    """Every third pixel of each picture, as one row of numbers each."""
    return np.array([image[1::3, 1::3].ravel() for image in images], np.float64)


def _differences(these: Table, those: Table) -> Table:
    """Root mean square differences in grey levels of each with each."""
    squares = (these**2).sum(1)[:, None] + (those**2).sum(1) - 2 * these @ those.T
    out: Table = np.sqrt(np.maximum(squares, 0) / these.shape[1])
    return out


def _segmentwise(apart: Table, length: int) -> Table:
    """Mean differences of each run of so many pictures from each run, picture by picture."""
    count = len(apart) // length
    out: Table = np.diagonal(apart.reshape(count, length, count, length), axis1=1, axis2=3).mean(2)
    return out
