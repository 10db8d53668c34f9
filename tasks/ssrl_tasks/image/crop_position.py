"""In which part of a picture does a piece of it lie?

The position task of SSL4RL, there on quadrants. Unlike there, the piece is no exact copy to be found by comparing
pixels: it is resampled to one size, and its light and colours may be changed; and it matches one part of the picture
only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ssrl_data.answers.choice import Choice
from ssrl_data.core import Example, Fault, Mark, Pixels, Record, Row, Skip, Task
from ssrl_data.gates import crop, similarity
from ssrl_data.media.image import Box
from ssrl_data.rng import Rng

Values: TypeAlias = "NDArray[np.float32]"

BLOCK = 8
"""Side of an encoder's block; sides are whole blocks."""

# In reading order. "middle" rather than a word that is spelled in two ways.
NAMES = {
    2: ("top-left", "top-right", "bottom-left", "bottom-right"),
    3: ("top-left", "top", "top-right", "left", "middle", "right", "bottom-left", "bottom", "bottom-right"),
}


@dataclass(frozen=True)
class Change:
    """How far the light and the colours of a piece may change.

    Attributes:
        brightness: most grey levels added or taken away.
        contrast: largest factor, about mid-grey; its inverse is the least.
        saturation: most that colours lose or gain, as a share.
        tint: most that a single channel loses or gains, as a share.
        grey: share of pieces that lose all colour.
        blur: largest standard deviation as a share of the piece's side.
    """

    brightness: float
    contrast: float
    saturation: float
    tint: float
    grey: float
    blur: float


STRENGTHS = {
    "none": Change(0, 1, 0, 0, 0, 0),
    "mild": Change(brightness=20, contrast=1.2, saturation=0.3, tint=0.05, grey=0, blur=0),
    "strong": Change(brightness=40, contrast=1.6, saturation=0.8, tint=0.2, grey=0.2, blur=0.015),
}

LUMINANCE = (0.299, 0.587, 0.114)

TEMPLATE = 16
"""Side of the thumbnail of a piece that is searched for: what is finer is not needed to find it."""

CONTRAST = 8.0
"""Least mean absolute deviation of a piece's thumbnail from its mean colour, in grey levels."""

# The misfit of a piece and a place: the root of the mean squared difference in grey levels or, where light and colours
# are changed, one less the correlation of luminances. At its place it is at most `worst`, and everywhere centred in
# another cell at least twice what it is there and `margin` more. With less, on 750 crops of photographs and drawings,
# people could not tell pieces of sky, of a lawn or of stripes.
EXACT = {"worst": 8.0, "margin": 8.0}
CHANGED = {"worst": 0.15, "margin": 0.18}

CROPS, PLACES = 2, 3
"""Crops of a picture, and places in each, that are tried before the next picture: reading a file is what takes time."""

# Audit: largest mean absolute difference in grey levels from picture 1 to its source (the encoder alone makes up to
# 3.5); largest share of a piece's deviation that its place in the source does not explain once light and colours are
# fitted (measured: 0.56 where strong contrast cuts off); side of a piece's thumbnail; least excess of the misfit of all
# other cells, as mean absolute difference in grey levels and as correlation.
SAME = 5.0
FITTED = 0.75
COARSE = 12
CLEAR_EXACT, CLEAR_CHANGED = 1.5, 0.03


@dataclass(frozen=True)
class CropPositionParams:
    """Parameters of `image/crop_position`.

    Attributes:
        side: side in pixels of the whole picture, 64 to 1344, a multiple of 8.
        piece: side in pixels at which the piece is shown, 32 to 1344, a multiple of 8.
        grid: cells a side, 2 or 3.
        smallest: least side of the piece as a percentage of a cell's, 10 to 80.
        largest: largest side of the piece as a percentage of a cell's, from `smallest` to 80.
        strength: how much light and colours of the piece are changed: `none`, `mild` or `strong`.
    """

    side: int = 224
    piece: int = 112
    grid: int = 2
    smallest: int = 50
    largest: int = 80
    strength: str = "none"

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.grid not in NAMES:
            raise ValueError(f"grid is {self.grid}: it must be 2 or 3")
        for name, low in (("side", 64), ("piece", 32)):
            value = getattr(self, name)
            if not low <= value <= 1344 or value % BLOCK:
                raise ValueError(f"{name} is {value}: it must lie in {low}..1344 and be a multiple of {BLOCK}")
        if not 10 <= self.smallest <= 80:
            raise ValueError(f"smallest is {self.smallest}: it must lie in 10..80")
        if not self.smallest <= self.largest <= 80:
            raise ValueError(f"largest is {self.largest}: it must lie in {self.smallest}..80, from smallest on")
        if self.strength not in STRENGTHS:
            raise ValueError(f"strength is {self.strength!r}: it must be one of {', '.join(STRENGTHS)}")


class CropPosition(Task[CropPositionParams]):
    """A square crop and a piece of it; the answer is the name of the cell in which the piece lies."""

    levels: ClassVar = {
        "easy": CropPositionParams(),
        "ssl4rl": CropPositionParams(side=336, smallest=20),
        "medium": CropPositionParams(side=336, grid=3, strength="mild"),
        "hard": CropPositionParams(side=336, grid=3, smallest=30, largest=60, strength="strong"),
    }
    # Fine texture lies where it lies: a piece without any comes from the sky, one with much from what stands below it.
    signal: ClassVar = frozenset({"residuals"})

    def classes(self) -> int:
        """The cells."""
        return self.params.grid**2

    def chance(self) -> float:
        """One of the cells."""
        return 1 / self.classes()

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Show a square crop and a piece of its cell number `aim`."""
        p = self.params
        for box, pixels, place in _candidates(p, records[0], aim, rng):
            # First as the picture shows it, so that the file is read at a finer scale only for a piece that will do.
            refusal = _refusal(p, pixels, _shown(pixels, box, place), box, place)
            if not refusal:
                piece = _changed(_seen(records[0], place, p.piece), STRENGTHS[p.strength], rng)
                refusal = _refusal(p, pixels, piece, box, place)
            if not refusal:
                break
        else:
            raise Skip(refusal)
        names = NAMES[p.grid]
        yield Example(
            prompt=("Picture 1: ", pixels, "\nPicture 2: ", piece, _question(p)),
            answer=Choice().answer(names[aim], names),
            meta={"box": list(box), "piece": list(place)},
            marks=(Mark(0, _inside(box, place, p.side), names[aim]),),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Look for the piece all over the picture, at the size at which it was cut.

        Always: the place where it correlates best lies in the stated cell, and none in another cell comes near. With
        the records also: the picture is the source's, the piece lies wholly inside the stated cell, and but for light
        and colours it is what the source shows there.
        """
        params, made = row.meta["params"], row.meta["make"]
        side, piece, grid = params["side"], params["piece"], params["grid"]
        if [image.shape for image in row.images] != [(side, side, 3), (piece, piece, 3)]:
            yield Fault("true", f"expected pictures of {side} x {side} and of {piece} x {piece} pixels")
            return
        stated = NAMES[grid].index(row.answer.value["answer"])
        (x0, y0, x1, _), (u0, v0, u1, v1) = made["box"], made["piece"]
        corners = [(v, u) for v in (v0, v1 - 1) for u in (u0, u1 - 1)]
        cells = {((v - y0) * grid // (x1 - x0), (u - x0) * grid // (x1 - x0)) for v, u in corners}
        if cells != {divmod(stated, grid)}:
            yield Fault("true", f"the piece lies in rows and columns {sorted(cells)}, stated {NAMES[grid][stated]}")
            return
        if records and records[0].image is not None:
            source = records[0].image.view((x0, y0, x1, y0 + x1 - x0), (side, side))
            if np.abs(source.astype(int) - row.images[0]).mean() > SAME:
                yield Fault("true", "picture 1 is not the source's")
                return
            if _unexplained(records[0].image.view((u0, v0, u1, v1), (piece, piece)), row.images[1]) > FITTED:
                yield Fault("true", "the piece is not what the source shows there")
                return
        exact = params["strength"] == "none"
        y, x, stop = (round(length * side / (x1 - x0)) for length in (v0 - y0, u0 - x0, u1 - x0))
        target, place = (_coarse(view, COARSE) for view in (row.images[1], row.images[0][y : y + stop - x, x:stop]))
        here = float(_misfits(place, target, exact)[0, 0])
        whole = _coarse(row.images[0], round(COARSE * (x1 - x0) / (u1 - u0)))
        misfits = _misfits(whole, target, exact)
        centres = ((np.arange(len(misfits)) + len(target) / 2) * grid / len(whole)).astype(int)
        there = np.where(centres[:, None] * grid + centres == stated, np.inf, misfits)
        if there.min() <= here:
            yield Fault("true", "the piece fits better in another cell")
        elif there.min() < here + (CLEAR_EXACT if exact else CLEAR_CHANGED):
            yield Fault("one answer", "the piece fits another cell nearly as well")


def _seen(record: Record, place: Box, side: int) -> Pixels:
    if record.image is None:
        raise Skip("no picture", final=True)
    return record.image.view(place, (side, side))


def _candidates(p: CropPositionParams, record: Record, cell: int, rng: Rng) -> Iterator[tuple[Box, Pixels, Box]]:
    """Squares of the picture, their views, and places inside the cell."""
    for _ in range(CROPS):
        box, pixels = crop.square(record, p.side, rng)
        for _ in range(PLACES):
            yield box, pixels, _place(p, box, cell, rng)


def _place(p: CropPositionParams, box: Box, cell: int, rng: Rng) -> Box:
    """A random square wholly inside a cell: its side uniform in the range, then its place."""
    extent = box[2] - box[0]
    side = rng.integer(*(max(1, extent * share // (100 * p.grid)) for share in (p.smallest, p.largest)))
    starts = []
    for corner, k in ((box[0], cell % p.grid), (box[1], cell // p.grid)):
        low, high = corner + -(-k * extent // p.grid), corner + (k + 1) * extent // p.grid
        starts.append(rng.integer(low, high - side))
    x, y = starts
    return x, y, x + side, y + side


def _inside(box: Box, place: Box, side: int) -> Box:
    """The place in pixels of a view of the box, rounded outwards."""
    scale = side / (box[2] - box[0])
    x0, y0 = (int((place[k] - box[k]) * scale) for k in (0, 1))
    x1, y1 = (min(side, math.ceil((place[k + 2] - box[k]) * scale)) for k in (0, 1))
    return x0, y0, x1, y1


def _shown(pixels: Pixels, box: Box, place: Box) -> Pixels:
    """What a view of the box shows of the place."""
    x0, y0, x1, y1 = _inside(box, place, len(pixels))
    side = min(x1 - x0, y1 - y0)
    return pixels[y0 : y0 + side, x0 : x0 + side]


def _changed(pixels: Pixels, change: Change, rng: Rng) -> Pixels:
    """The piece in another light: one affine map of its colours, then a blur."""
    brightness = rng.uniform(-change.brightness, change.brightness)
    contrast = change.contrast ** rng.uniform(-1, 1)
    saturation = 0.0 if rng.uniform() < change.grey else 1 + rng.uniform(-change.saturation, change.saturation)
    tint = [1 + rng.uniform(-change.tint, change.tint) for _ in range(3)]
    blur = rng.uniform(0, change.blur) * len(pixels)
    if change == STRENGTHS["none"]:
        return pixels
    colours = saturation * np.eye(3) + (1 - saturation) * np.array(LUMINANCE)
    matrix = contrast * (colours if saturation == 0 else np.diag(tint) @ colours)
    shift = brightness + 128 * (1 - contrast)
    out = cv2.transform(pixels, np.column_stack([matrix, np.full(3, shift)]))
    if blur >= 0.3:  # a narrower one changes no pixel
        out = cv2.GaussianBlur(out, (0, 0), blur)
    return np.asarray(out, np.uint8)


def _refusal(p: CropPositionParams, pixels: Pixels, piece: Pixels, box: Box, place: Box) -> str:
    """Why the piece cannot be asked for; empty when it can."""
    if similarity.least_contrast(similarity.tile_thumbnails(piece, 1)) < CONTRAST:
        return "flat piece"
    extent = box[2] - box[0]
    side = round(TEMPLATE * extent / (place[2] - place[0]))
    # Blurred, so that a shift by half a pixel matters little; the outermost pixels lack their neighbours.
    whole, small = (
        cv2.GaussianBlur(similarity.thumbnail(view, size), (3, 3), 0)
        for view, size in ((pixels, side), (piece, TEMPLATE))
    )
    whole, small = whole[1:-1, 1:-1], small[1:-1, 1:-1]
    limits = EXACT if p.strength == "none" else CHANGED
    if limits is EXACT:
        squares = cv2.matchTemplate(whole, small, cv2.TM_SQDIFF)
        misfits = np.sqrt(np.maximum(squares, 0) / small.size)
    else:
        grey, small_grey = (cv2.cvtColor(view, cv2.COLOR_RGB2GRAY) for view in (whole, small))
        misfits = 1 - cv2.matchTemplate(grey, small_grey, cv2.TM_CCOEFF_NORMED)
    x, y = (round((place[k] - box[k]) * side / extent) for k in (0, 1))
    here = float(misfits[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].min())
    if here > limits["worst"]:
        return "piece too fine or changed too much"
    cell = ((np.arange(len(misfits)) + TEMPLATE / 2) * p.grid / side).astype(int)
    row, column = (int((start + TEMPLATE / 2) * p.grid / side) for start in (y, x))
    elsewhere = float(misfits[(cell[:, None] != row) | (cell != column)].min())
    return "" if elsewhere >= 2 * here + limits["margin"] else "piece fits another cell"


def _question(p: CropPositionParams) -> str:
    changed = "" if p.strength == "none" else " and with its light and colours changed"
    if p.grid == 2:
        return f"\nPicture 2 is a piece of picture 1, resized{changed}. In which quarter of picture 1 does it lie?"
    return (
        f"\nPicture 1 is divided into 3x3 equal cells. Picture 2 is a piece of one cell, resized{changed}. Which cell?"
    )


def _unexplained(source: Pixels, piece: Pixels) -> float:
    """Share of the piece's deviation from its mean colour, on thumbnails, that no affine map of the source explains."""
    seen, shown = (
        cv2.resize(view, (COARSE, COARSE), interpolation=cv2.INTER_AREA).reshape(-1, 3).astype(np.float64)
        for view in (source, piece)
    )
    seen = np.column_stack([seen, np.ones(len(seen))])
    solution = np.linalg.lstsq(seen, shown, rcond=None)[0]
    deviation = np.abs(shown - shown.mean(0)).mean()
    return float(np.abs(seen @ solution - shown).mean() / max(deviation, 1e-3))


def _coarse(pixels: Pixels, side: int) -> Values:
    """A thumbnail of means over 3 x 3 pixels of one that is larger by its border: (side - 2) x (side - 2) x 3."""
    small = cv2.blur(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32), (3, 3))
    return np.asarray(small[1:-1, 1:-1], np.float32)


def _misfits(whole: Values, target: Values, exact: bool) -> Values:
    """The misfit of a thumbnail with each window of its size in a larger one, by place.

    Exact: the mean absolute difference of colours. Otherwise one less the correlation of luminances.
    """
    side = len(target)
    if exact:
        windows = sliding_window_view(whole, (side, side), (0, 1)).transpose(0, 1, 3, 4, 2)
        return np.stack([np.abs(line - target).mean((1, 2, 3), dtype=np.float32) for line in windows])
    grey, small = (view @ np.array(LUMINANCE, np.float32) for view in (whole, target))
    windows = sliding_window_view(grey, (side, side)).reshape(-1, side * side)
    centred, small = windows - windows.mean(1, keepdims=True), small.ravel() - small.mean()
    lengths = np.linalg.norm(centred, axis=1) * np.linalg.norm(small)
    correlations = (centred @ small / np.maximum(lengths, 1e-3)).reshape(len(whole) - side + 1, -1)
    return np.asarray(1 - correlations, np.float32)
