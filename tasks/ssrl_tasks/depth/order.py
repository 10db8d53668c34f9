"""Which marked spot is the nearest, which the next, and so on?

Regional depth ordering of Spatial-SSRL (CVPR 2026) and the 3D jigsaw of Visual Jigsaw. Unlike there, the whole spot
under a mark is known and flat, distances differ by a stated share, marks never cover one another, and the marks' height
in the picture, by which floors give depth away, is balanced out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

from ssrl_data.answers.permutation import Permutation
from ssrl_data.core import Answer, Example, Fault, Mark, Record, Row, Skip, Task
from ssrl_data.gates import crop, regions
from ssrl_data.media import marks
from ssrl_data.media.image import Box
from ssrl_data.rng import Rng

FEWEST, MOST = 3, 6

RANKS = ("nearest", "2nd", "3rd", "4th", "5th")
"""By distance, as the marks over the picture say; the last is `farthest`."""

BANDS = ((0.0, 0.3), (0.35, 0.65), (0.7, 1.0))
"""Of the range of distances in the view, as in Spatial-SSRL: one spot from each."""

TAILS = (0.5, 99.5)
"""Percentiles of the distances in the view that the bands span."""

ROUNDS = 3
"""Times that spots are drawn from a view whose heights tell their depth, before it is refused: finding the view costs
as much as two."""

# Audit, mean absolute difference in grey levels between the picture without its marks and the source's view: the
# encoder alone makes up to 3.5, another crop of the same picture 12 at least.
SAME = 5.0


@dataclass(frozen=True)
class OrderParams:
    """Parameters of `depth/order`.

    Attributes:
        side: side of the picture in pixels, 128 to 1344, a multiple of 8.
        spots: how many are marked, 3 to 6; 3 with `bands`.
        gap: by what share of its distance each spot is nearer than the next, at least, 0.02 to 2. On a map of which
            only the order is known, by how much of its whole range.
        spread: by what share distances may differ within a spot, 0.01 to 0.5, at most `gap`; on a relative map, by how
            much of its whole range.
        bands: whether the spots are drawn from the nearest, the middle and the farthest 30% of the distances shown.
    """

    side: int = 400
    spots: int = 3
    gap: float = 0.2
    spread: float = 0.1
    bands: bool = False

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 128 <= self.side <= 1344 or self.side % 8:
            raise ValueError(f"side is {self.side}: it must lie in 128..1344 and be a multiple of 8")
        if not FEWEST <= self.spots <= MOST:
            raise ValueError(f"spots is {self.spots}: it must lie in {FEWEST}..{MOST}")
        if not 0.02 <= self.gap <= 2:
            raise ValueError(f"gap is {self.gap}: it must lie in 0.02..2")
        if not 0.01 <= self.spread <= 0.5:
            raise ValueError(f"spread is {self.spread}: it must lie in 0.01..0.5")
        if self.bands and self.spots != len(BANDS):
            raise ValueError(f"bands is true with {self.spots} spots: it goes with {len(BANDS)}, one a band")


class Order(Task[OrderParams]):
    """Spots marked with numbers; the answer lists the numbers from the nearest spot to the farthest."""

    needs = frozenset({"image", "depth"})
    levels: ClassVar = {
        "easy": OrderParams(),
        "spatial_ssrl": OrderParams(gap=0.05, spread=0.15, bands=True),
        "medium": OrderParams(spots=4, gap=0.12),
        "hard": OrderParams(spots=5, gap=0.08, spread=0.08),
    }

    def chance(self) -> float | None:
        """That of any order but the identity."""
        return _answer(list(range(self.params.spots, 0, -1))).chance

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Mark spots of a square crop at distances clearly apart."""
        p, record = self.params, records[0]
        box, size = crop.placed(record, p.side, rng), (p.side, p.side)
        if record.image is None:
            raise Skip("no picture", final=True)
        spots = regions.flat(record, box, size, p.spread)
        chosen = _chosen(spots, record, box, p, rng)

        inorder = list(range(1, p.spots + 1))
        places = rng.shuffled(inorder)
        while places == inorder:
            places = rng.shuffled(inorder)
        boxes: list[Box] = [(0, 0, 0, 0)] * p.spots
        for place, (x, y) in zip(places, spots.corners[chosen].tolist(), strict=True):
            boxes[place - 1] = (x, y, x + regions.SIDE, y + regions.SIDE)
        ranks = (*RANKS[: p.spots - 1], "farthest")
        distances = (spots.nearest[chosen] + spots.farthest[chosen]) / 2
        yield Example(
            prompt=(marks.draw(record.image.view(box, size), boxes), _question(p)),
            answer=_answer(places),
            meta={"box": list(box), "regions": [list(spot) for spot in boxes]},
            marks=tuple(
                Mark(0, boxes[place - 1], f"{place}: {rank}") for place, rank in zip(places, ranks, strict=True)
            ),
            solution=_solution(places, distances.tolist() if spots.measured else None),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Read the marks out of the picture and the distances behind them out of the depth map at its own resolution.

        With the records: beside its marks the picture is the source's, the map is known behind every spot, and the
        medians there, each farther than the last by the stated gap, make up the answer. Without: each stated spot
        carries its number, inside the picture, and none overlaps another.
        """
        params, made = row.meta["params"], row.meta["make"]
        side, spots = params["side"], made["regions"]
        if len(row.images) != 1 or row.images[0].shape != (side, side, 3):
            yield Fault("true", f"expected one picture of {side} x {side} pixels")
            return
        if len(spots) != params["spots"] or sorted(row.answer.value["answer"]) != list(range(1, len(spots) + 1)):
            yield Fault("true", f"{len(spots)} spots stated, expected {params['spots']} and an order of as many")
            return
        shown = row.images[0]
        for number, spot in enumerate(spots, 1):
            found = marks.read(shown, tuple(spot))
            if found != number:
                yield Fault("true", f"the mark at spot {number} reads {found}")
        for i, (x0, y0, x1, y1) in enumerate(spots):
            if any(x0 < u1 and u0 < x1 and y0 < v1 and v0 < y1 for u0, v0, u1, v1 in spots[:i]):
                yield Fault("one answer", f"spot {i + 1} overlaps another")
        if not records:
            return
        record = records[0]
        if record.image is None or record.depth is None:
            yield Fault("true", "the source carries no picture or no depth")
            return
        source = record.image.view(tuple(made["box"]), (side, side))
        if marks.difference(shown, source, spots) > SAME:
            yield Fault("true", "the picture is not the source's")
            return
        distances = [_median(record, made["box"], side, spot) for spot in spots]
        if np.isnan(distances).any():
            yield Fault("true", "the depth behind a spot is not known throughout")
            return
        order = [int(i) + 1 for i in np.argsort(distances)]
        if order != row.answer.value["answer"]:
            yield Fault("true", f"stated {row.answer.value['answer']}, the depth map says {order}")
        for near, far in pairwise(order):
            one, other = distances[near - 1], distances[far - 1]
            least = one * (1 + params["gap"]) if record.depth.measured else one + params["gap"]
            if other < least * (1 - 1e-5):
                yield Fault("one answer", f"spots {near} and {far} are at {one:.3g} and {other:.3g}: hardly apart")


def _chosen(spots: regions.Spots, record: Record, box: Box, p: OrderParams, rng: Rng) -> regions.Indices:
    """The spots to mark, from the nearest to the farthest: drawn again where no draw has all that is wanted."""
    pools, tuples = _pools(spots, p), np.zeros((0, p.spots), np.int64)
    for _ in range(ROUNDS):
        drawn = regions.draw(spots, pools, rng)
        tuples = np.concatenate([tuples, _apart(drawn, spots, record, box, p)])
        if not len(tuples):
            raise Skip("no flat spots apart in depth")
        one = regions.unbiased(spots.corners[tuples, 1], rng)
        if one is not None:
            return np.asarray(tuples[one])
    raise Skip("depth follows the height in the picture")


def _pools(spots: regions.Spots, p: OrderParams) -> list[regions.Indices]:
    """The spots to draw from, for each of those to mark."""
    whole = np.arange(len(spots.nearest))
    if not p.bands or not len(whole):
        return [whole] * p.spots
    low, high = np.percentile(spots.nearest, TAILS[0]), np.percentile(spots.farthest, TAILS[1])
    near, far = (spots.nearest - low) / (high - low + 1e-9), (spots.farthest - low) / (high - low + 1e-9)
    # The tails beyond 0 and 1 belong to the outer bands.
    return [whole[(np.maximum(near, 0) >= a) & (np.minimum(far, 1) <= b)] for a, b in BANDS]


def _apart(tuples: regions.Indices, spots: regions.Spots, record: Record, box: Box, p: OrderParams) -> regions.Indices:
    """The tuples whose spots are apart, each from the nearest to the farthest.

    Along the camera's axis and, where the map is measured, along the rays as well: at a picture's corner a surface is
    farther from the camera's lens than its depth. A squared length along a ray is linear in 1 / focal^2, so what holds
    for the axis (an infinite focal length) and for the shortest possible one holds in between.
    """
    rows = np.arange(len(tuples))[:, None]
    tuples = tuples[rows, spots.nearest[tuples].argsort(1)]
    tuples = tuples[spots.beyond(tuples[:, :-1], tuples[:, 1:], p.gap).all(1)]
    if not spots.measured:
        return tuples
    corners = spots.corners[tuples]
    low, high = regions.seen_at(corners, box, (p.side, p.side), regions.principal_point(record))
    nearest, farthest = np.maximum(np.maximum(low, -high), 0), np.maximum(np.abs(low), np.abs(high))
    focal, _ = regions.focal_lengths(record)
    least = spots.nearest[tuples] * np.sqrt(1 + (nearest**2).sum(2) / focal**2)
    most = spots.farthest[tuples] * np.sqrt(1 + (farthest**2).sum(2) / focal**2)
    return np.asarray(tuples[(least[:, 1:] > most[:, :-1] * (1 + p.gap)).all(1)])


def _answer(places: Sequence[int]) -> Answer:
    return Permutation().answer(places)


def _question(p: OrderParams) -> str:
    return (
        f"\nSpots 1 to {p.spots} are marked in the picture. Order the surfaces under the marks by their distance from "
        "the camera, from the nearest to the farthest, and give the marks' numbers in that order."
    )


def _solution(places: Sequence[int], distances: Sequence[float] | None) -> str:
    """In words, with distances in those of the nearest spot where they are known up to a factor."""
    if distances is None:
        steps = [f"then spot {place}" for place in places[1:]]
    else:
        steps = [
            f"spot {place} is about {distance / distances[0]:.1f} times as far"
            for place, distance in zip(places[1:], distances[1:], strict=True)
        ]
    return f"Spot {places[0]} is the nearest; {', '.join(steps)}. So the order is {', '.join(map(str, places))}."


def _median(record: Record, box: Sequence[int], side: int, spot: Sequence[int]) -> float:
    """The median distance behind a spot, from every value of the map that it touches; NaN where one is not known."""
    if record.depth is None or record.image is None:
        return math.nan
    values = record.depth.distances
    across, down = values.shape[1] / record.image.size[0], values.shape[0] / record.image.size[1]
    left, right = ((box[0] + x * (box[2] - box[0]) / side) * across for x in spot[::2])
    top, bottom = ((box[1] + y * (box[3] - box[1]) / side) * down for y in spot[1::2])
    rows = slice(math.floor(top + 1e-4), math.ceil(bottom - 1e-4))
    return float(np.median(values[rows, math.floor(left + 1e-4) : math.ceil(right - 1e-4)]))
