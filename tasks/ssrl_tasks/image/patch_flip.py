"""Which tile of a picture is flipped, and along which axis?

The flipped patch of Spatial-SSRL (CVPR 2026), there on a 2x2 grid. Unlike there, a flip that changes nothing to be
seen is not asked, the borders around the flipped tile tell it from every other one, both axes come up in one build, and
no number is painted over the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.answers.blanks import Blanks
from ssrl_data.answers.choice import Choice
from ssrl_data.core import Answer, Example, Fault, Mark, Pixels, Record, Row, Skip, Task
from ssrl_data.gates import crop, seams, similarity
from ssrl_data.rng import Rng

BLOCK = 8
"""Side of an encoder's block: tiles are whole blocks, so a flip moves blocks and none straddles a tile's border."""

# What each flip does, in words: "upside-down" alone could mean a half turn.
AXES = {"left-right": "left and right swapped", "upside-down": "top and bottom swapped"}

THUMBNAIL = 8
"""Side of the tile's thumbnail on which a flip must show: what is finer, like gravel, people do not see flipped."""

VISIBLE = 8.0
"""Least difference, in grey levels on thumbnails, between the tile, its two flips and its half turn: over 250 crops of
photographs and drawings, a quarter to two fifths of all tiles are too plain or too symmetric."""

GAIN = 8.0
"""Least fall, in grey levels, of the mismatch along the tile's borders when it is flipped back. Of 16,000 untouched
tiles of 250 crops flipped either way, the most gained 4.6 (a wall of bricks), 99.9% at most 1.3; at half the size
the same wall gained 18, all else 6."""

RIVAL = 0.5
"""Most that any other tile or axis may gain, as a share of that."""

CROPS = 3
"""Crops of a picture that are tried before the next picture: reading a file is what takes time."""

# Audit, in grey levels: at most SAME from a tile to what it was made from (the encoder alone makes up to 3.5); most
# that another flip may gain, as a share of what the stated one gains.
SAME = 5.0
CLOSE = 0.75


@dataclass(frozen=True)
class PatchFlipParams:
    """Parameters of `image/patch_flip`.

    Attributes:
        side: side of the picture in pixels, 16 to 1344, a multiple of 8 x grid.
        grid: tiles a side, 2 to 4.
        axes: the flips to draw from: `left-right`, `upside-down` or both.
        name_axis: whether the answer names the axis too; needs both axes.
    """

    side: int = 224
    grid: int = 2
    axes: tuple[str, ...] = tuple(AXES)
    name_axis: bool = False

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 2 <= self.grid <= 4:
            raise ValueError(f"grid is {self.grid}: it must lie in 2..4")
        if not 16 <= self.side <= 1344 or self.side % (BLOCK * self.grid):
            raise ValueError(f"side is {self.side}: it must lie in 16..1344 and be a multiple of {BLOCK * self.grid}")
        if not self.axes or len(set(self.axes)) < len(self.axes) or not set(self.axes) <= set(AXES):
            raise ValueError(f"axes is {list(self.axes)}: it must list one or both of {', '.join(AXES)}, each once")
        if self.name_axis and len(self.axes) < 2:
            raise ValueError(f"name_axis is true with axes {list(self.axes)}: it needs both axes")


class PatchFlip(Task[PatchFlipParams]):
    """One tile of a grid is flipped; the answer is its number, at `name_axis` also the axis."""

    levels: ClassVar = {
        "easy": PatchFlipParams(axes=("left-right",)),
        "spatial_ssrl": PatchFlipParams(side=336, name_axis=True),
        "medium": PatchFlipParams(side=336, grid=3),
        "hard": PatchFlipParams(side=384, grid=4, name_axis=True),
    }
    # The flipped tile is found by its broken borders, and upside-down by fine texture above where its neighbour has it
    # below (a probe of residuals away from all seams names 46% of the tiles flipped so, 26% of those flipped sideways).
    signal: ClassVar = frozenset({"borders", "residuals"})

    def classes(self) -> int:
        """A class is a tile, or a tile and an axis where both are asked."""
        tiles = self.params.grid**2
        return tiles * len(self.params.axes) if self.params.name_axis else tiles

    def chance(self) -> float | None:
        """That of the answer, whichever tile and axis it names."""
        return _answer(self.params, 0, self.params.axes[0]).chance

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Flip one tile of a square crop."""
        p = self.params
        tile = aim % p.grid**2
        axis = p.axes[aim // p.grid**2] if p.name_axis else rng.choice(p.axes)
        size = p.side // p.grid
        y, x = tile // p.grid * size, tile % p.grid * size
        for _ in range(CROPS):
            box, pixels = crop.square(records[0], p.side, rng)
            patch = pixels[y : y + size, x : x + size]
            if _least_change(patch) < VISIBLE:
                refusal = "flip invisible"
                continue
            patch[:] = patch[:, ::-1].copy() if axis == "left-right" else patch[::-1].copy()
            if _told(pixels, p.grid, tile, axis):
                break
            refusal = "borders do not tell the flip"
        else:
            raise Skip(refusal)
        yield Example(
            prompt=(pixels, _question(p)),
            answer=_answer(p, tile, axis),
            meta={"box": list(box), "tile": tile, "axis": axis},
            marks=(Mark(0, (x, y, x + size, y + size), axis),),
            solution=(
                f"Along the borders of tile {tile + 1} lines and colours break off, and all other tiles fit together. "
                f"They go on when tile {tile + 1} is flipped {axis}, so that is what was done to it."
            ),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Undo every flip there could be, and see which leaves a whole picture; then lay the row beside the source.

        Always: undoing the stated flip smooths the seams of the grid, and undoing any other does so far less. With the
        records also: the stated tile alone differs from the source, and of its two flips and its half turn only the
        stated flip makes it the source's.
        """
        params, made = row.meta["params"], row.meta["make"]
        side, grid = params["side"], params["grid"]
        stated = row.answer.value["answer"]
        if params["name_axis"]:
            number, axis = int(stated[0]["value"]["answer"]), stated[1]["value"]["answer"]
        else:
            number, axis = int(stated), made["axis"]
        if len(row.images) != 1 or row.images[0].shape != (side, side, 3):
            yield Fault("true", f"expected one picture of {side} x {side} pixels")
            return
        if not 1 <= number <= grid**2 or axis not in params["axes"]:
            yield Fault("true", f"no tile {number} or no axis {axis!r} in a {grid}x{grid} grid")
            return
        shown = _in_tiles(row.images[0], grid)
        if records and records[0].image is not None:
            source = _in_tiles(records[0].image.view(tuple(made["box"]), (side, side)), grid)
            found = [k + 1 for k in range(grid**2) if np.abs(shown[k] - source[k]).mean() > SAME]
            if found != [number]:
                yield Fault("true", f"tiles that differ from the source: {found}, stated {number}")
                return
            whole = source[number - 1]
            views = {"left-right": whole[:, ::-1], "upside-down": whole[::-1], "a half turn": whole[::-1, ::-1]}
            ways = [name for name, view in views.items() if np.abs(shown[number - 1] - view).mean() <= SAME]
            if ways != [axis]:
                yield Fault("true", f"ways in which tile {number} was moved: {ways}, stated {axis}")
                return
        gained = _smoothed(shown, grid)
        gain = gained.pop((number, axis))
        if gain <= 0:
            yield Fault("true", f"the picture is no smoother with tile {number} flipped {axis}")
        elif max(gained.values()) > CLOSE * gain:
            yield Fault("one answer", "with another flip undone the picture is as smooth")


def _least_change(tile: Pixels) -> float:
    """The least difference between any two of the tile, its two flips and its half turn."""
    small = similarity.thumbnail(tile, THUMBNAIL)
    return min(float(np.abs(small - view).mean()) for view in (small[:, ::-1], small[::-1], small[::-1, ::-1]))


def _told(pixels: Pixels, grid: int, tile: int, axis: str) -> bool:
    """Whether the borders tell this flip from every other one, seen sharply and at half the size.

    A fine repeated pattern joins badly line by line yet well at half the size; a coarse one the other way round.
    """
    for seen in (pixels, np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)):
        gains = seams.flip_gains(seen, grid).reshape(2, -1)
        here = (list(AXES).index(axis), tile)
        gain = float(gains[here])
        gains[here] = -np.inf
        if gain < GAIN or gains.max() > RIVAL * gain:
            return False
    return True


def _question(p: PatchFlipParams) -> str:
    """The wording; the easiest level's has to stay short, since a tiny model pays for each word."""
    count = p.grid**2
    if p.grid == 2 and len(p.axes) == 1:
        return f"\nTiles 1 to {count} form a 2x2 grid in reading order. Which has its {AXES[p.axes[0]]}?"
    text = (
        f"\nThe picture is a grid of {p.grid}x{p.grid} equal tiles, numbered 1 to {count} in reading order: left to "
        "right, then top to bottom. One tile was flipped"
    )
    ways = " or ".join(f"{axis} ({AXES[axis]})" for axis in p.axes)
    return f"{text}, {ways}. Which one{', and how' if p.name_axis else ''}?"


def _answer(p: PatchFlipParams, tile: int, axis: str) -> Answer:
    number = Choice().answer(str(tile + 1), [str(k + 1) for k in range(p.grid**2)])
    return Blanks().answer([number, Choice().answer(axis, list(p.axes))]) if p.name_axis else number


def _in_tiles(pixels: Pixels, grid: int) -> NDArray[np.float32]:
    """The tiles in reading order: grid**2 x size x size x 3."""
    size = len(pixels) // grid
    tiles = pixels.reshape(grid, size, grid, size, 3).transpose(0, 2, 1, 3, 4)
    return tiles.reshape(grid * grid, size, size, 3).astype(np.float32)


def _smoothed(tiles: NDArray[np.float32], grid: int) -> dict[tuple[int, str], float]:
    """By how much each flip of one tile, numbers from 1, lowers the roughness of the tile's borders."""

    def roughness(k: int, tile: NDArray[np.float32]) -> float:
        """Mean step between the two outermost lines, averaged, of the tile and of each neighbour."""
        y, x = divmod(k, grid)
        steps = []
        if y > 0:
            steps.append(tile[:2].mean(0) - tiles[k - grid][-2:].mean(0))
        if y < grid - 1:
            steps.append(tile[-2:].mean(0) - tiles[k + grid][:2].mean(0))
        if x > 0:
            steps.append(tile[:, :2].mean(1) - tiles[k - 1][:, -2:].mean(1))
        if x < grid - 1:
            steps.append(tile[:, -2:].mean(1) - tiles[k + 1][:, :2].mean(1))
        return float(np.abs(steps).mean())

    out = {}
    for k, tile in enumerate(tiles):
        shown = roughness(k, tile)
        out[k + 1, "left-right"] = shown - roughness(k, tile[:, ::-1])
        out[k + 1, "upside-down"] = shown - roughness(k, tile[::-1])
    return out
