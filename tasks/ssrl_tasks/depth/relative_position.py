"""Standing at one marked spot and facing a stated way, where is the other?

Relative 3D position of Spatial-SSRL (CVPR 2026). Unlike there, left and right are decided in space, by (x - cx) Z and
never by pixels alone; the answer holds for every distance that the depth map gives inside either spot; spots are drawn
at random; and the way faced says nothing of the answer, nor does the height of the marks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ssrl_data.answers.choice import Choice
from ssrl_data.core import Example, Fault, Mark, Record, Row, Skip, Task
from ssrl_data.gates import regions
from ssrl_data.media import marks
from ssrl_data.media.image import MARGIN, Box
from ssrl_data.rng import Rng

NEARLY = 8
"""Difference in heights, in pixels of the view, that counts as none."""

# By eighths of a turn, clockwise as seen from above: as seen by one who faces ahead, and as the camera sees it.
DIRECTIONS = ("front", "front-right", "right", "back-right", "back", "back-left", "left", "front-left")
IN_VIEW = (
    "farther away",
    "farther away and to the right",
    "to the right",
    "nearer and to the right",
    "nearer",
    "nearer and to the left",
    "to the left",
    "farther away and to the left",
)

# By quarter turns, clockwise from the camera's own.
HEADINGS = (
    "the way the camera faces",
    "to the camera's right, which is the right of the picture",
    "opposite to the way the camera faces",
    "to the camera's left, which is the left of the picture",
)

# The same as a person sees them in the picture.
FACED = ("away", "right", "the camera", "left")

RELATIONS = {"pure": (0, 2, 4, 6), "combined": (1, 3, 5, 7), "all": tuple(range(8))}

# Audit, mean absolute difference in grey levels between the picture without its marks and the source's view: the
# encoder alone makes up to 3.5, another picture 12 at least.
SAME = 5.0


@dataclass(frozen=True)
class RelativePositionParams:
    """Parameters of `depth/relative_position`.

    Attributes:
        side: side of the picture in pixels, 128 to 1344, a multiple of 8.
        relations: which directions are told apart: `pure` (front, back, left, right), `combined` (front-left, ...) or
            `all` eight.
        margin: least angle in degrees to the boundary of a direction's sector, 1 to 20, or to 40 where the sectors are
            four.
        spread: by what share distances may differ within a spot, 0.01 to 0.5.
        headings: how often one faces the camera's way, to its right, opposite and to its left: four weights of 0 to
            100, not all 0.
    """

    side: int = 400
    relations: str = "pure"
    margin: float = 15
    spread: float = 0.1
    headings: tuple[int, ...] = (1, 1, 1, 1)

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 128 <= self.side <= 1344 or self.side % 8:
            raise ValueError(f"side is {self.side}: it must lie in 128..1344 and be a multiple of 8")
        if self.relations not in RELATIONS:
            raise ValueError(f"relations is {self.relations!r}: it must be one of {', '.join(RELATIONS)}")
        most = 20 if self.relations == "all" else 40
        if not 1 <= self.margin <= most:
            raise ValueError(f"margin is {self.margin}: it must lie in 1..{most} with relations {self.relations!r}")
        if not 0.01 <= self.spread <= 0.5:
            raise ValueError(f"spread is {self.spread}: it must lie in 0.01..0.5")
        weights = list(self.headings)
        if len(weights) != 4 or not all(type(w) is int and 0 <= w <= 100 for w in weights) or not any(weights):
            raise ValueError(f"headings is {weights}: it must be four weights of 0 to 100, not all 0")


class RelativePosition(Task[RelativePositionParams]):
    """Two spots marked 1 and 2 and a way to face at spot 1; the answer is the direction of spot 2."""

    needs = frozenset({"image", "depth"})
    levels: ClassVar = {
        "easy": RelativePositionParams(),
        "medium": RelativePositionParams(relations="combined"),
        "spatial_ssrl": RelativePositionParams(relations="all", margin=6, spread=0.15, headings=(10, 30, 30, 30)),
        "hard": RelativePositionParams(relations="all", margin=7),
    }
    # Which of the two marks lies farther right is half of an honest solution.
    signal: ClassVar = frozenset({"marks"})

    def classes(self) -> int:
        """The directions told apart."""
        return len(RELATIONS[self.params.relations])

    def chance(self) -> float:
        """One of the directions."""
        return 1 / self.classes()

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Mark two spots so that, for one who faces a way drawn first, the second lies where `aim` says."""
        p, record = self.params, records[0]
        box, size = _framed(record, p.side), (p.side, p.side)
        if record.image is None or record.depth is None or not record.depth.measured:
            raise Skip("distances are not measured", final=True)
        if record.facts.get("upright") is False:
            raise Skip("no way up", final=True)
        spots = regions.flat(record, box, size, p.spread)
        everywhere = np.arange(len(spots.nearest))
        pairs = regions.draw(spots, [everywhere, everywhere], rng)
        if not len(pairs):
            raise Skip("no two flat spots")
        answer = RELATIONS[p.relations][aim]
        heading = _weighted(p.headings, rng)
        pairs = np.concatenate([pairs, pairs[:, ::-1]])
        placed = regions.in_space(record, box, size, spots, pairs)
        first, second = pairs[_pair(placed, spots.corners[pairs, 1], (answer + 2 * heading) % 8, p, rng)].tolist()

        corners = spots.corners[[first, second]].tolist()
        boxes: list[Box] = [(x, y, x + regions.SIDE, y + regions.SIDE) for x, y in corners]
        directions = [DIRECTIONS[i] for i in RELATIONS[p.relations]]
        yield Example(
            prompt=(marks.draw(record.image.view(box, size), boxes), _question(heading)),
            answer=Choice().answer(DIRECTIONS[answer], directions),
            meta={"box": list(box), "regions": [list(spot) for spot in boxes], "heading": heading},
            marks=(Mark(0, boxes[0], f"1: facing {FACED[heading]}"), Mark(0, boxes[1], f"2: {DIRECTIONS[answer]}")),
            solution=_solution(answer, heading),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Read the marks out of the picture, put the medians behind them into space, and take the angle between.

        With the records: beside its marks the picture is the source's, the map is known behind both spots, and the
        angle from one to the other, less the way faced, lies in the stated direction's sector by the margin. Without:
        both spots carry their numbers and do not overlap, and the prompt states the way faced.
        """
        params, made = row.meta["params"], row.meta["make"]
        side, spots, heading = params["side"], made["regions"], made["heading"]
        if len(row.images) != 1 or row.images[0].shape != (side, side, 3) or len(spots) != 2:
            yield Fault("true", f"expected one picture of {side} x {side} pixels, and two spots")
            return
        shown = row.images[0]
        for number, spot in enumerate(spots, 1):
            found = marks.read(shown, tuple(spot))
            if found != number:
                yield Fault("true", f"the mark at spot {number} reads {found}")
        if all(spots[0][i] < spots[1][i + 2] and spots[1][i] < spots[0][i + 2] for i in (0, 1)):
            yield Fault("one answer", "the spots overlap")
        if f"spot 1 and facing {HEADINGS[heading]}." not in row.prompt:
            yield Fault("true", "the way faced in the prompt is not that in the metadata")
        if not records:
            return
        record = records[0]
        if record.image is None or record.depth is None or not record.depth.measured:
            yield Fault("true", "the source carries no picture or no measured depth")
            return
        source = record.image.view(tuple(made["box"]), (side, side))
        if marks.difference(shown, source, spots) > SAME:
            yield Fault("true", "the picture is not the source's")
            return
        stated = row.answer.value["answer"]
        sector = 45 if params["relations"] == "all" else 90
        for angle in _angles(record, made["box"], side, spots):
            if math.isnan(angle):
                yield Fault("true", "the depth behind a spot is not known throughout")
                return
            seen = angle - 90 * heading
            off = {d: abs((seen - 45 * DIRECTIONS.index(d) + 180) % 360 - 180) for d in row.answer.value["options"]}
            best = min(off, key=off.__getitem__)
            if best != stated:
                yield Fault("true", f"stated {stated}, the depth map says {best}")
            elif off[stated] > sector / 2 - params["margin"] + 0.01:
                yield Fault("one answer", f"{stated} is {off[stated]:.0f} degrees off its middle")


def _framed(record: Record, side: int) -> Box:
    """The largest square around the picture's principal point.

    Around it, so that the camera faces what is in the middle: off it, nobody could tell which way the camera faces.
    """
    if record.image is None:
        raise Skip("no picture", final=True)
    (width, height), (cx, cy) = record.image.size, regions.principal_point(record)
    half = int(min(cx, width - cx, cy, height - cy))
    if 2 * half < MARGIN * side:
        raise Skip("picture too small", final=True)
    x, y = int(cx - half), int(cy - half)
    return x, y, x + 2 * half, y + 2 * half


def _weighted(weights: Sequence[int], rng: Rng) -> int:
    return rng.choice([i for i, weight in enumerate(weights) for _ in range(weight)])


def _pair(placed: regions.Pairs, rows: regions.Indices, relation: int, p: RelativePositionParams, rng: Rng) -> int:
    """The index of a pair of which the second spot lies, in the camera's frame, in the direction of `relation`.

    All four relations of its kind must be had in this view, and where they are of depth too, both with the lower spot
    nearer and with it farther. Only then one is chosen, so neither the way faced nor which mark is lower tells more of
    the answer than it should. Two spots apart in depth lie at about the heights of a pair of the rarest sort, lest
    these should tell which one is farther.
    """
    half = (22.5 if p.relations == "all" else 45) - p.margin
    rise = rows[:, 0] - rows[:, 1]
    sorts: dict[tuple[int, bool], regions.Indices] = {}
    for other in range(relation % 2, 8, 2):
        inside = placed.in_sector(45 * other, half)
        if other in (2, 6):
            sorts[other, False] = sorts[other, True] = np.nonzero(inside)[0]
        else:
            sorts[other, False] = np.nonzero(inside & (rise < 0))[0]
            sorts[other, True] = np.nonzero(inside & (rise > 0))[0]
    if not all(len(sort) for sort in sorts.values()):
        if all(len(sorts[other, False]) + len(sorts[other, True]) for other in range(relation % 2, 8, 2)):
            raise Skip("depth follows the height in the picture")
        raise Skip("not every direction to be had")
    chosen = sorts[relation, rng.below(2) == 1]
    if relation not in (2, 6):
        rarest = min((sort for (other, _), sort in sorts.items() if other not in (2, 6)), key=len)
        misfit = np.abs(np.sort(rows[chosen], axis=1) - np.sort(rows[rng.choice(rarest.tolist())])).sum(1)
        chosen = chosen[misfit <= misfit.min() + NEARLY]
    return int(rng.choice(chosen.tolist()))


def _question(heading: int) -> str:
    return (
        "\nSpots 1 and 2 are marked in the picture. Imagine standing upright at spot 1 and facing "
        f"{HEADINGS[heading]}. In which direction is spot 2 from there? Whether it is higher or lower does not matter."
    )


def _solution(answer: int, heading: int) -> str:
    ahead, aside = DIRECTIONS[-2 * heading % 8], DIRECTIONS[(2 - 2 * heading) % 8]
    return (
        f"As the camera sees it, spot 2 is {IN_VIEW[(answer + 2 * heading) % 8]}, compared with spot 1. For one who "
        f"faces {HEADINGS[heading]}, what is farther away is {ahead} and what is to the right is {aside}. So spot 2 is "
        f"{DIRECTIONS[answer]}."
    )


def _angles(record: Record, box: Sequence[int], side: int, spots: Sequence[Sequence[int]]) -> Iterator[float]:
    """Degrees from straight away from the camera to where spot 2 is from spot 1, clockwise as seen from above.

    At the camera's focal length, or at both ends of those reckoned with where it is not known; NaN where depth is not.
    """
    if record.depth is None or record.image is None:
        return
    values, (width, height) = record.depth.distances, record.image.size
    camera = record.camera
    cx = width / 2 if camera is None or camera.centre is None else camera.centre[0]
    focals = [share * max(width, height) for share in regions.FOCALS]
    if camera is not None and camera.focal is not None:
        focals = [camera.focal]
    grid = (values.shape[1] / width, values.shape[0] / height)
    places = []
    for spot in spots:
        x0, y0, x1, y1 = (box[i % 2] + at * (box[2] - box[0]) / side for i, at in enumerate(spot))
        rows = slice(math.floor(y0 * grid[1] + 1e-4), math.ceil(y1 * grid[1] - 1e-4))
        behind = values[rows, math.floor(x0 * grid[0] + 1e-4) : math.ceil(x1 * grid[0] - 1e-4)]
        distance = float(np.median(behind))
        places.append((((x0 + x1) / 2 - cx) * distance, distance))
    (side_1, depth_1), (side_2, depth_2) = places
    for focal in focals:
        yield math.degrees(math.atan2((side_2 - side_1) / focal, depth_2 - depth_1))
