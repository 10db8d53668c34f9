"""Which tile of a picture was altered, and how?

The picture counterpart of anomaly grounding in VideoSSR (CVPR 2026), where a stretch of a clip is perturbed. Unlike
there, the alteration can be left unnamed in the question or asked for, and it must stand out on this very picture.
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
from ssrl_data.gates import crop, outlier, similarity
from ssrl_data.media.image import Box
from ssrl_data.rng import Rng

BLOCK = 8
"""Side of an encoder's block: tiles are whole blocks, so none straddles a tile's border."""

MID = 128
NOISE = 64
"""Largest change by noise, in grey levels; uniform, each pixel and channel for itself."""

# What each alteration is called in a question, and the statistic by which it must stand out (`gates.outlier`).
KINDS = {
    "blank": ("is plain grey", "blank"),
    "invert": ("has its colours inverted", "seam"),
    "greyscale": ("has lost its colours", "grey"),
    "noise": ("is noisy", "noise"),
    "blur": ("is blurred", "blur"),
    "swap": ("has red and blue swapped", "seam"),
    "foreign": ("is from another picture", "seam"),
}

BLUR = 0.05
"""Standard deviation of the blur as a share of the tile's side; at least one pixel."""

VISIBLE = 10.0
"""Least mean absolute difference, in grey levels, between an altered tile and itself untouched."""

CONTRAST = 4.0
"""Least mean absolute deviation from its mean colour, in grey levels, of a tile that is inverted, swapped or foreign:
on a flatter one nobody can tell these apart."""

# Audit, mean absolute differences in grey levels. The encoder alone changes a tile by up to 3.4 (tiles of 16 pixels;
# 1.9 at 100 pixels), measured over photographs; what is altered changes by `VISIBLE` at least.
UNTOUCHED = 5.0
EXPLAINED = 5.0


@dataclass(frozen=True)
class TileAnomalyParams:
    """Parameters of `image/tile_anomaly`.

    Attributes:
        side: side of the picture in pixels, 16 to 1344, a multiple of 8 x grid.
        grid: tiles a side, 2 to 4.
        kinds: the alterations to draw from, each at most once: keys of `KINDS`. `foreign` needs a second picture.
        name_kind: whether the answer names the alteration too; needs at least two kinds.
    """

    side: int = 224
    grid: int = 2
    kinds: tuple[str, ...] = ("blank",)
    name_kind: bool = False

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 2 <= self.grid <= 4:
            raise ValueError(f"grid is {self.grid}: it must lie in 2..4")
        if not 16 <= self.side <= 1344 or self.side % (BLOCK * self.grid):
            raise ValueError(f"side is {self.side}: it must lie in 16..1344 and be a multiple of {BLOCK * self.grid}")
        if not self.kinds or len(set(self.kinds)) < len(self.kinds) or not set(self.kinds) <= set(KINDS):
            raise ValueError(f"kinds is {list(self.kinds)}: it must list one or more of {', '.join(KINDS)}, each once")
        if self.name_kind and len(self.kinds) < 2:
            raise ValueError(f"name_kind is true with kinds {list(self.kinds)}: it needs at least two kinds")


class TileAnomaly(Task[TileAnomalyParams]):
    """One tile of a grid is altered; the answer is its number, at `name_kind` also the alteration."""

    levels: ClassVar = {
        "easy": TileAnomalyParams(),
        "medium": TileAnomalyParams(side=336, grid=3, kinds=("invert", "greyscale", "noise", "blur", "swap")),
        "hard": TileAnomalyParams(side=384, grid=4, kinds=tuple(KINDS), name_kind=True),
    }
    # The altered tile is found by its borders and its texture, and its texture weighs in the file.
    signal: ClassVar = frozenset({"borders", "residuals", "bytes"})

    def classes(self) -> int:
        """A class is a tile, or a tile and an alteration where both are asked."""
        tiles = self.params.grid**2
        return tiles * len(self.params.kinds) if self.params.name_kind else tiles

    def chance(self) -> float | None:
        """That of the answer, whichever tile and alteration it names."""
        return _answer(self.params, 0, self.params.kinds[0]).chance

    def donors(self) -> int:
        """A foreign tile needs a picture to come from."""
        return int("foreign" in self.params.kinds)

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Alter one tile of a square crop."""
        p = self.params
        if p.name_kind:
            tile, kind = aim % p.grid**2, p.kinds[aim // p.grid**2]
        else:
            tile, kind = aim, rng.choice(p.kinds)
        box, pixels = crop.square(records[0], p.side, rng)
        size = p.side // p.grid
        y, x = tile // p.grid * size, tile % p.grid * size
        before = pixels[y : y + size, x : x + size].copy()

        donor_box: Box | None = None
        if kind == "foreign":
            if len(records) < 2:
                raise Skip("no other picture")
            try:
                donor_box, other = crop.square(records[1], p.side, rng)
            except Skip as skip:  # not final: the record itself can show any other alteration
                raise Skip("other picture too small") from skip
            after = other[y : y + size, x : x + size]
        else:
            after = _altered(before, kind, rng)
        if float(cv2.absdiff(before, after).mean()) < VISIBLE:
            raise Skip("alteration invisible")
        if p.name_kind and any(
            float(cv2.absdiff(after, _altered(before, other, rng)).mean()) < VISIBLE
            for other in p.kinds
            if other not in (kind, "noise", "foreign")
        ):
            raise Skip("another alteration looks the same")
        if KINDS[kind][1] == "seam" and similarity.least_contrast(similarity.tile_thumbnails(after, 1)) < CONTRAST:
            raise Skip("flat tile")
        pixels[y : y + size, x : x + size] = after
        if not outlier.singled_out(pixels, p.grid, tile, KINDS[kind][1]):
            raise Skip("altered tile does not stand out")

        yield Example(
            prompt=(pixels, _question(p)),
            answer=_answer(p, tile, kind),
            meta={"box": list(box), "tile": tile, "kind": kind, "donor_box": donor_box and list(donor_box)},
            marks=(Mark(0, (x, y, x + size, y + size), kind),),
            used=1 + (kind == "foreign"),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Find the tile and the alteration again, from the source where it is at hand.

        With the records: only the stated tile differs from the source, and of all alterations only the stated one
        turns the source's tile into the row's. Without: a blank or greyscale tile shows itself, and no other does.
        """
        params, made = row.meta["params"], row.meta["make"]
        side, grid = params["side"], params["grid"]
        stated = row.answer.value["answer"]
        if params["name_kind"]:
            number, kind = int(stated[0]["value"]["answer"]), stated[1]["value"]["answer"]
        else:
            number, kind = int(stated), made["kind"]
        if len(row.images) != 1 or row.images[0].shape != (side, side, 3):
            yield Fault("true", f"expected one picture of {side} x {side} pixels")
            return
        if not 1 <= number <= grid**2 or kind not in KINDS:
            yield Fault("true", f"no tile {number} or no alteration {kind!r} in a {grid}x{grid} grid")
            return
        shown = _in_tiles(row.images[0], grid)
        if not records:
            plain = {"blank": lambda t: np.abs(t - MID).mean(), "greyscale": lambda t: np.ptp(t, axis=2).mean()}
            if kind in plain:
                found = [k + 1 for k, t in enumerate(shown) if plain[kind](t) <= UNTOUCHED]
                if found != [number]:
                    yield Fault("true", f"tiles that look altered by {kind}: {found}, stated {number}")
            return

        picture = records[0].image
        if picture is None:
            yield Fault("true", "the source carries no picture")
            return
        source = _in_tiles(picture.view(tuple(made["box"]), (side, side)), grid)
        found = [k + 1 for k in range(grid**2) if np.abs(shown[k] - source[k]).mean() > UNTOUCHED]
        if found != [number]:
            yield Fault("true", f"tiles that differ from the source: {found}, stated {number}")
            return
        donor = records[1].image if len(records) > 1 else None
        lent = None
        if donor is not None and made["donor_box"]:
            lent = _in_tiles(donor.view(tuple(made["donor_box"]), (side, side)), grid)[number - 1]
        explained = _explained(shown[number - 1], source[number - 1], lent)
        kinds = [found for found in explained if found in params["kinds"]]
        if kinds != [kind]:
            yield Fault("true", f"alterations that explain tile {number}: {kinds}, stated {kind}")


def _altered(tile: Pixels, kind: str, rng: Rng) -> Pixels:
    """The tile after an alteration that needs no other picture."""
    if kind == "blank":
        return np.full_like(tile, MID)
    if kind == "invert":
        return np.asarray(np.bitwise_not(tile), np.uint8)
    if kind == "greyscale":
        return np.asarray(cv2.cvtColor(cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB), np.uint8)
    if kind == "noise":
        noise = np.frombuffer(rng.bytes(tile.size), np.uint8).reshape(tile.shape).astype(np.int16)
        return np.asarray(np.clip(tile + (noise - 128) * NOISE // 128, 0, 255), np.uint8)
    if kind == "blur":
        return np.asarray(cv2.GaussianBlur(tile, (0, 0), max(1.0, len(tile) * BLUR)), np.uint8)
    return tile[..., ::-1]


def _question(p: TileAnomalyParams) -> str:
    """The wording; the easiest level's has to stay short, since a tiny model pays for each word."""
    if len(p.kinds) == 1:
        return f"\nTiles 1 to {p.grid**2} form a {p.grid}x{p.grid} grid in reading order. Which {KINDS[p.kinds[0]][0]}?"
    text = (
        f"\nThe picture is a grid of {p.grid}x{p.grid} equal tiles, numbered 1 to {p.grid**2} in reading order: left "
        "to right, then top to bottom. One tile was altered. "
    )
    if not p.name_kind:
        return text + "Which one?"
    return text + "Which one, and how? " + "; ".join(f"{kind}: it {KINDS[kind][0]}" for kind in p.kinds) + "."


def _answer(p: TileAnomalyParams, tile: int, kind: str) -> Answer:
    number = Choice().answer(str(tile + 1), [str(k + 1) for k in range(p.grid**2)])
    return Blanks().answer([number, Choice().answer(kind, list(p.kinds))]) if p.name_kind else number


def _in_tiles(pixels: Pixels, grid: int) -> NDArray[np.float32]:
    """The tiles in reading order: grid**2 x size x size x 3."""
    size = len(pixels) // grid
    tiles = pixels.reshape(grid, size, grid, size, 3).transpose(0, 2, 1, 3, 4)
    return tiles.reshape(grid * grid, size, size, 3).astype(np.float32)


def _explained(shown: NDArray[np.float32], source: NDArray[np.float32], lent: NDArray[np.float32] | None) -> list[str]:
    """The alterations that turn the source's tile into the one shown, by their effect rather than by doing them."""
    reach = min(len(source) - 1, int(5 * max(1.0, len(source) * BLUR)))
    padded = np.pad(source, ((reach, reach), (reach, reach), (0, 0)), "reflect")
    frequency = np.fft.fftfreq(len(padded))
    passed = np.exp(-2 * (np.pi * max(1.0, len(source) * BLUR) * frequency) ** 2)
    spectrum = np.fft.fft2(padded, axes=(0, 1)) * passed[:, None, None] * passed[:, None]
    soft = np.fft.ifft2(spectrum, axes=(0, 1)).real[reach:-reach, reach:-reach]
    luminance = source @ np.array([0.299, 0.587, 0.114], np.float32)
    error = {
        "blank": np.abs(shown - MID).mean(),
        "invert": np.abs(shown + source - 255).mean(),
        "greyscale": np.abs(shown - luminance[..., None]).mean(),
        "blur": np.abs(shown - soft).mean(),
        "swap": np.abs(shown[..., [2, 1, 0]] - source).mean(),
        "foreign": np.inf if lent is None else np.abs(shown - lent).mean(),
    }
    found = [kind for kind in error if error[kind] <= EXPLAINED]
    # Noise is what no neighbour shares: the change at one pixel says nothing of the change at the next, once the mean
    # change is taken off that noise makes where it is cut off at black and white.
    level = np.arange(256)
    cut_off = np.clip(level[:, None] + np.arange(-NOISE, NOISE), 0, 255).mean(1) - level
    change = (shown - source - cut_off[source.astype(np.uint8)]).mean(2)
    power = float((change**2).mean())
    if not found and power > 25 and float((change[:, 1:] * change[:, :-1]).mean()) < 0.3 * power:
        found.append("noise")
    return found
