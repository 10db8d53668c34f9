"""Which of four pictures was cut out of this one?

The Cropped Patch Inpainting of Spatial-SSRL (CVPR 2026), whose wrong candidates are the patch turned, its inner half
enlarged, or a wider piece squeezed into it. There the truth alone is never resampled, and wide pieces are squeezed at
the picture's edges. Here the four candidates are the same views for every truth: two scales by two orientations, or
one scale by four. Each of the four is the truth as often as any other: only the picture with the hole tells which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.answers.choice import Choice
from ssrl_data.core import Example, Fault, Mark, Pixels, Record, Row, Skip, Task
from ssrl_data.gates import crop, similarity
from ssrl_data.rng import Rng

Floats: TypeAlias = "NDArray[np.float32]"

BLOCK = 8
"""Side of an encoder's block: the hole is whole blocks, so that none straddles its border."""

RIM = 16
"""Least distance in pixels from the hole to the picture's edge: all four seams can be seen."""

MID = 128
"""Grey of the hole."""

SOFTEN = 1.1
"""Standard deviation in pixels of the blur over 5 x 5 of them that every picture gets, at its own scale. What a camera
resolves no finer looks softer at the nearer scale: without the blur, the candidates whose sharpness is nearest to that
of the picture round the hole are at the right scale in 60% of rows; at 0.8 in 55%, at 1.1 in 51%, a coin's share."""

LETTERS = "ABCD"
ZOOMS = (1.0, 1.5, 2.0)

APART = 6.0
THUMBNAIL = 8
"""Least difference in grey levels, on thumbnails of this side, between any two candidates; plain ones differ by 0."""

SEAM, REACH = 4, 2
"""Length and depth in pixels of the spots along the hole's border whose mean colours are compared across it."""

WORSE, CLEAR = 1.5, 6.0
"""Along the hole's border the misfit of every wrong candidate is at least this many times the truth's, and so many grey
levels more. On photographs the truth's is 0.5 to 20, median 5; what this refuses are flat borders and fine texture."""

# Audit, mean absolute differences in grey levels at full size. SAME: most from what the source shows (measured over 77
# pictures: 1.9). OTHER: least excess over that of any other candidate (5.8). STEP: the same for the step across the
# hole's border (6.7). TWINS: two candidates within it are one (6.4). GREY: of the hole (0.0).
SAME, OTHER, STEP, TWINS, GREY = 4.0, 3.0, 3.0, 3.0, 1.0


@dataclass(frozen=True)
class InpaintParams:
    """Parameters of `image/inpaint`.

    Attributes:
        side: side in pixels of the picture with the hole, 64 to 672, a multiple of 8.
        hole: side in pixels of the hole and of each candidate, a multiple of 8, 16 to `side` - 32.
        zooms: ratios of the two scales at which candidates are shown, of which each row draws one: 1.5, 2, or 1 for one
            scale and four orientations.
    """

    side: int = 224
    hole: int = 112
    zooms: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 64 <= self.side <= 672 or self.side % BLOCK:
            raise ValueError(f"side is {self.side}: it must lie in 64..672 and be a multiple of {BLOCK}")
        if not 16 <= self.hole <= self.side - 2 * RIM or self.hole % BLOCK:
            raise ValueError(f"hole is {self.hole}: it must lie in 16..{self.side - 2 * RIM}, a multiple of {BLOCK}")
        if not self.zooms or len(set(self.zooms)) < len(self.zooms) or not set(self.zooms) <= set(ZOOMS):
            raise ValueError(f"zooms is {list(self.zooms)}: it must list one or more of 1, 1.5 and 2, each once")


class Inpaint(Task[InpaintParams]):
    """A square is cut out of a picture; the answer is the one of four candidates that fills the hole."""

    levels: ClassVar = {
        "easy": InpaintParams(),
        "medium": InpaintParams(side=168, hole=56, zooms=(2.0,)),
        "spatial_ssrl": InpaintParams(side=208, hole=104, zooms=(1.5, 2.0)),
        "hard": InpaintParams(side=256, hole=64, zooms=(1.5,)),
    }
    # The candidate is found by what meets at the hole's border.
    signal: ClassVar = frozenset({"borders"})

    def classes(self) -> int:
        """The letters."""
        return len(LETTERS)

    def chance(self) -> float:
        """One of the letters."""
        return 1 / len(LETTERS)

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """See a square at two scales, cut one hole and four candidates."""
        p = self.params
        zoom = rng.choice(p.zooms)
        box, near = crop.square(records[0], round(zoom * p.side), rng)
        planes = [np.asarray(cv2.GaussianBlur(near, (5, 5), SOFTEN), np.uint8)] * 2
        if zoom > 1:
            far = cv2.resize(near, (p.side, p.side), interpolation=cv2.INTER_AREA)
            planes[1] = np.asarray(cv2.GaussianBlur(far, (5, 5), SOFTEN), np.uint8)
        spots = (p.side - 2 * RIM - p.hole) // BLOCK
        x, y = (RIM + BLOCK * rng.integer(0, spots) for _ in range(2))
        # The near piece lies in the middle of the far one; both holes lie at the same place of their pictures.
        shift = [round((zoom - 1) * (at + p.hole / 2)) for at in (x, y)]

        turn, other = rng.below(4), rng.integer(1, 3)
        is_far = zoom == 1 or rng.below(2) == 1
        corner = (0, 0) if is_far else (shift[0], shift[1])
        picture = np.ascontiguousarray(np.rot90(_cut(planes[is_far], corner, p.side), turn))
        pieces = [_cut(planes[0], (shift[0] + x, shift[1] + y), p.hole), _cut(planes[1], (x, y), p.hole)]
        x, y = _turned(x, y, p.side - p.hole, turn)
        # The truth first; each by its scale and its quarter turns against the truth.
        if zoom == 1:
            shown = [(is_far, quarters) for quarters in range(4)]
        else:
            shown = [(scale, quarters) for quarters in (0, other) for scale in (is_far, not is_far)]
        shown = [(scale, (turn + quarters) % 4) for scale, quarters in shown]
        if _least_difference(pieces, shown) < APART:
            raise Skip("candidates too alike")
        truth, *others = _misfits(picture, x, y, pieces, shown)
        if min(others) < WORSE * truth + CLEAR:
            raise Skip("another candidate fits nearly as well")

        views = [np.ascontiguousarray(np.rot90(pieces[scale], quarters)) for scale, quarters in shown]
        picture[y : y + p.hole, x : x + p.hole] = MID
        order = rng.shuffled([1, 2, 3])
        order.insert(aim, 0)
        yield Example(
            prompt=_prompt(picture, [views[k] for k in order], zoom),
            answer=Choice().answer(LETTERS[aim], LETTERS),
            meta={
                "box": list(box),
                "zoom": zoom,
                "corner": list(corner),
                "far": is_far,
                "turn": turn,
                "hole": [x, y],
            },
            marks=(
                Mark(0, (x, y, x + p.hole, y + p.hole), LETTERS[aim]),
                Mark(1 + aim, (0, 0, p.hole, p.hole), LETTERS[aim]),
            ),
            solution=(
                f"At the four sides of the grey square lines and colours end. Only those of piece {LETTERS[aim]} go "
                "on at every side, as large and the same way up; the others break off at one side or more."
            ),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Fill the hole with the source's own pixels and see which candidate they are.

        With the records: round the hole the picture is the source's, and what the source shows in the hole is like the
        stated candidate and like no other. Without: the hole is grey, no two candidates are alike, and the stated one
        fits the hole's border clearly best.
        """
        side, hole = row.meta["params"]["side"], row.meta["params"]["hole"]
        made, stated = row.meta["make"], LETTERS.index(row.answer.value["answer"])
        shapes = [image.shape for image in row.images]
        if shapes != [(side, side, 3)] + [(hole, hole, 3)] * len(LETTERS):
            yield Fault("true", f"expected a picture of {side} pixels a side and four of {hole}")
            return
        picture, *views = (image.astype(np.float32) for image in row.images)
        x, y = made["hole"]
        if np.abs(picture[y : y + hole, x : x + hole] - MID).mean() > GREY:
            yield Fault("true", f"the square of {hole} pixels at {x}, {y} is not grey")
            return
        if min(float(np.abs(one - other).mean()) for one, other in combinations(views, 2)) <= TWINS:
            yield Fault("one answer", "two candidates look the same")
        steps = [_step(picture, x, y, view) for view in views]
        best, second = (int(k) for k in np.argsort(steps)[:2])
        if best != stated:
            yield Fault("true", f"stated {LETTERS[stated]}, {LETTERS[best]} fits the hole's border best")
        elif steps[second] < steps[best] + STEP:
            yield Fault("one answer", f"{LETTERS[second]} fits the hole's border nearly as well")
        if records and records[0].image is not None:
            near = round(made["zoom"] * side)
            whole = records[0].image.view(tuple(made["box"]), (near, near)).astype(np.float32)
            if made["far"]:
                # By repeating pixels, since zooms are multiples of a half, and averaging whole blocks.
                whole = whole.repeat(2, 0).repeat(2, 1).reshape(side, 2 * near // side, side, -1, 3).mean((1, 3))
            left, top = made["corner"]
            soft = cv2.GaussianBlur(whole, (0, 0), SOFTEN)[top : top + side, left : left + side]
            source = np.rot90(soft, made["turn"])
            removed = source[y : y + hole, x : x + hole]
            outside = np.abs(picture - source).mean(2)
            outside[y : y + hole, x : x + hole] = 0
            unlike = [float(np.abs(removed - view).mean()) for view in views]
            others = min(value for k, value in enumerate(unlike) if k != stated)
            if outside.sum() > SAME * (side**2 - hole**2):
                yield Fault("true", "round the hole the picture is not the source's")
            elif unlike[stated] > SAME or others < unlike[stated] + OTHER:
                yield Fault("true", f"the removed square is not candidate {LETTERS[stated]} and no other")


def _cut(plane: Pixels, corner: tuple[int, int], side: int) -> Pixels:
    return plane[corner[1] : corner[1] + side, corner[0] : corner[0] + side]


def _turned(x: int, y: int, room: int, quarters: int) -> tuple[int, int]:
    """Where a square's corner comes to lie when the picture is turned counter-clockwise by quarters."""
    for _ in range(quarters):
        x, y = y, room - x
    return x, y


def _least_difference(pieces: Sequence[Pixels], shown: Sequence[tuple[bool, int]]) -> float:
    """The difference of the two most alike, place by place: they are offered side by side and never moved."""
    thumbnails = [similarity.thumbnail(piece, THUMBNAIL) for piece in pieces]
    small = [np.rot90(thumbnails[scale], quarters) for scale, quarters in shown]
    return min(float(np.abs(one - other).mean()) for one, other in combinations(small, 2))


def _misfits(
    picture: Pixels, x: int, y: int, pieces: Sequence[Pixels], shown: Sequence[tuple[bool, int]]
) -> list[float]:
    """For each candidate the mean absolute difference between spots just inside and just outside the hole's border."""
    end = len(pieces[0])
    around = picture[y - REACH : y + end + REACH, x - REACH : x + end + REACH]
    outside = _spots(around[:, REACH:-REACH], around[REACH:-REACH])
    inside = [_spots(piece, piece) for piece in pieces]
    # A quarter turn counter-clockwise brings each side to the place before it.
    return [float(np.abs(outside - np.roll(inside[scale], -quarters, 0)).mean()) for scale, quarters in shown]


def _spots(upright: Pixels, level: Pixels) -> Floats:
    """Mean colours of spots along four sides, clockwise from the top left corner: 4 x spots x 3.

    Args:
        upright: its first and last rows are the top and the bottom side.
        level: its first and last columns are the left and the right side.
    """
    top, right = upright[:REACH], level[:, -REACH:].transpose(1, 0, 2)
    bottom, left = upright[-REACH:, ::-1], level[::-1, :REACH].transpose(1, 0, 2)
    sides = np.stack([top, right, bottom, left])
    spots: Floats = sides.reshape(4, REACH, -1, SEAM, 3).mean((1, 3), dtype=np.float32)
    return spots


def _step(picture: Floats, x: int, y: int, view: Floats) -> float:
    """Mean absolute difference, in grey levels, between the lines of pixels that meet at the hole's border."""
    end = len(view)
    pairs = (
        (picture[y - 1, x : x + end], view[0]),
        (picture[y + end, x : x + end], view[-1]),
        (picture[y : y + end, x - 1], view[:, 0]),
        (picture[y : y + end, x + end], view[:, -1]),
    )
    return float(np.mean([np.abs(outer - inner).mean() for outer, inner in pairs]))


def _prompt(picture: Pixels, views: Sequence[Pixels], zoom: float) -> tuple[str | Pixels, ...]:
    parts: list[str | Pixels] = ["Picture 1: ", picture]
    for number, (letter, view) in enumerate(zip(LETTERS, views, strict=True), 2):
        parts += [f"\nPicture {number}, {letter}: ", view]
    others = "turned" if zoom == 1 else "turned, shown at another scale, or both"
    text = (
        "\nA square was cut out of picture 1; its place is grey. Which of A, B, C and D is the piece that was cut out, "
        f"in the same size and position? The other three are {others}."
    )
    return (*parts, text)
