"""By how many degrees was the picture turned?

Rotation prediction (Gidaris et al., ICLR 2018) as a question, as in SSL4RL, which shows the upright picture beside the
turned one. Unlike there, neither size, shape nor sharpness depends on the angle: quarter turns are of a square crop
and exact; finer turns are shown inside a disc, and every angle, 0 included, is resampled in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.answers.choice import Choice
from ssrl_data.core import Example, Fault, Mark, Pixels, Record, Row, Skip, Task
from ssrl_data.gates import crop, similarity
from ssrl_data.rng import Rng

DIRECTIONS = ("counter-clockwise", "clockwise")
STEPS = (15, 30, 45, 90)

GROUND = 128
"""Grey around the disc."""

OVERSAMPLE = 1.25
"""Finer than shown by this factor is the view that is turned."""

SOFTEN = 1.1
"""Standard deviation, in pixels of that view, of the blur over 5 x 5 of them before it is turned. What it leaves lies
inside a circle of frequencies, so interpolation and the square pixel grid treat every angle alike."""

CHANGED_ALONE, CHANGED_BESIDE = 16.0, 6.0
"""Least difference, in grey levels on a thumbnail, that every wrong angle must make: without the upright picture beside
it the layout itself must have an up and a down, which plain texture has not. In 1,800 rows from 77 pictures, seen at
128 pixels a side, any wrong angle then differs by 6.7 grey levels or more, 7.4 times as much as the right one."""

# Audit, in grey levels on polar thumbnails: largest misfit of the stated angle (measured: 4.0 at 64 pixels), and least
# excess of all others over it (measured: 3.7).
MISFIT = 6.0
CLEAR = 2.0


@dataclass(frozen=True)
class RotationParams:
    """Parameters of `image/rotation`.

    Attributes:
        side: side of each picture in pixels, 16 to 1344.
        step: the angles are the multiples of this many degrees: 15, 30, 45 or 90. Below 90 the picture is a disc.
        upright: whether the picture as it was is shown first.
        direction: the sense in which angles count: `counter-clockwise` or `clockwise`.
    """

    side: int = 224
    step: int = 90
    upright: bool = False
    direction: str = "counter-clockwise"

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 16 <= self.side <= 1344:
            raise ValueError(f"side is {self.side}: it must lie in 16..1344")
        if self.step not in STEPS:
            raise ValueError(f"step is {self.step}: it must be one of {', '.join(map(str, STEPS))}")
        if self.direction not in DIRECTIONS:
            raise ValueError(f"direction is {self.direction!r}: it must be one of {', '.join(DIRECTIONS)}")


class Rotation(Task[RotationParams]):
    """A square crop turned by a multiple of a step; the answer is the angle."""

    levels: ClassVar = {
        "easy": RotationParams(upright=True),
        "medium": RotationParams(side=336),
        "hard": RotationParams(side=336, step=30, upright=True),
        "fine": RotationParams(side=336, step=15, upright=True),
    }
    # Sky above and ground below is what an honest solution looks at, and it shows at the picture's edges.
    signal: ClassVar = frozenset({"borders", "residuals"})

    def classes(self) -> int:
        """The angles."""
        return 360 // self.params.step

    def chance(self) -> float:
        """One of the angles."""
        return 1 / self.classes()

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Turn a square crop by `aim` steps."""
        p = self.params
        if not p.upright and records[0].facts.get("upright") is False:
            raise Skip("no way up", final=True)
        angle = aim * p.step
        seen_at = p.side if p.step == 90 else round(OVERSAMPLE * p.side)
        box, pixels = crop.square(records[0], seen_at, rng)
        if similarity.least_turn(pixels, p.step) < (CHANGED_BESIDE if p.upright else CHANGED_ALONE):
            raise Skip("looks the same when turned")
        if p.step < 90:
            pixels = np.asarray(cv2.GaussianBlur(pixels, (5, 5), SOFTEN), np.uint8)
        ccw = angle if p.direction == "counter-clockwise" else -angle
        pictures = [_turned(pixels, p, degrees) for degrees in ([0, ccw] if p.upright else [ccw])]
        options = [str(degrees) for degrees in range(0, 360, p.step)]
        label = f"{angle} degrees {p.direction}"
        yield Example(
            prompt=_prompt(p, pictures, options),
            answer=Choice().answer(options[aim], options),
            meta={"box": list(box)},
            marks=(Mark(len(pictures) - 1, (0, 0, p.side, p.side), label),),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Unroll both pictures around their centres, where a turn is a shift along the angle, and look for the shift.

        With the records the turned picture is laid over the source, without them over the upright one beside it, if
        there is one. The stated angle must fit, and every other angle must fit clearly worse.
        """
        params = row.meta["params"]
        side, step = params["side"], params["step"]
        if len(row.images) != 1 + params["upright"] or any(image.shape != (side, side, 3) for image in row.images):
            yield Fault("true", f"expected {1 + params['upright']} pictures of {side} x {side} pixels")
            return
        stated = int(row.answer.value["answer"])
        turned = _unrolled(row.images[-1])
        uprights = [_unrolled(row.images[0])] if params["upright"] else []
        if records and records[0].image is not None:
            uprights.append(_unrolled(records[0].image.view(tuple(row.meta["make"]["box"]), (side, side))))
        for upright in uprights:
            # Row k of an unrolled picture lies k degrees clockwise from the right: y points down.
            sign = -1 if params["direction"] == "counter-clockwise" else 1
            misfit = {a: float(np.abs(np.roll(upright, sign * a, 0) - turned).mean()) for a in range(0, 360, step)}
            others = min(value for angle, value in misfit.items() if angle != stated)
            best = min(misfit, key=misfit.__getitem__)
            if best != stated:
                yield Fault("true", f"stated {stated} degrees, {best} fits best")
            elif misfit[stated] > MISFIT:
                yield Fault("true", "the turned picture is not the source's")
            elif others < misfit[stated] + CLEAR:
                yield Fault("one answer", "another angle fits nearly as well")


def _turned(pixels: Pixels, p: RotationParams, degrees: int) -> Pixels:
    """The view turned counter-clockwise: exact by quarters, else resampled into a disc on grey."""
    if p.step == 90:
        return np.ascontiguousarray(np.rot90(pixels, degrees // 90 % 4))
    side, seen_at = p.side, len(pixels)
    matrix = cv2.getRotationMatrix2D(((seen_at - 1) / 2, (seen_at - 1) / 2), degrees, side / seen_at)
    matrix = np.add(matrix, [0, 0, (side - seen_at) / 2])  # from the view's centre to the picture's
    turned = cv2.warpAffine(pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # Centre and radius in half pixels, so that the disc is as symmetric as the picture.
    disc = cv2.circle(np.zeros((side, side), np.uint8), (side - 1, side - 1), side - 2, 255, cv2.FILLED, cv2.LINE_8, 1)
    return np.asarray(cv2.copyTo(turned, disc, np.full_like(turned, GROUND)), np.uint8)


def _prompt(p: RotationParams, pictures: Sequence[Pixels], options: Sequence[str]) -> tuple[str | Pixels, ...]:
    angles = "0, 90, 180 or 270" if p.step == 90 else f"a multiple of {p.step} from 0 to {options[-1]}"
    if p.upright:
        text = (
            f"\nPicture 2 is picture 1 turned {p.direction} about its centre by {angles} degrees. By how many degrees?"
        )
        return "Picture 1 (upright): ", pictures[0], "\nPicture 2 (turned): ", pictures[1], text
    text = f"\nThis picture was upright, then turned {p.direction} about its centre by {angles} degrees. By how many?"
    return pictures[0], text


def _unrolled(pixels: Pixels) -> NDArray[np.float32]:
    """The inscribed disc by angle and radius: 360 x 16 x 3, averaged along both."""
    side = len(pixels)
    soft = cv2.GaussianBlur(pixels, (0, 0), max(0.5, side / 64))
    centre = ((side - 1) / 2, (side - 1) / 2)
    size = (16, 360)
    flags = cv2.WARP_POLAR_LINEAR | cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
    return np.asarray(cv2.warpPolar(soft.astype(np.float32), size, centre, side * 0.45, flags), np.float32)
