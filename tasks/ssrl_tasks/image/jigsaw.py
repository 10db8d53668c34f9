"""Put the tiles of a picture back in place.

The picture jigsaw of Spatial-SSRL (CVPR 2026), Visual Jigsaw (3x3, tiles as separate pictures) and Jigsaw-R1 (whole
order, multiple choice, relation of two tiles; no numbers drawn into the picture). Unlike there, two tiles are never
alike, the direction of the answer is shown by an example, and all tiles are whole blocks of the encoder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.permutation import Permutation
from ssrl_data.core import Answer, Example, Fault, Json, Mark, Pixels, Record, Row, Skip, Task
from ssrl_data.gates import crop, seams, similarity
from ssrl_data.rng import Rng

Tiles: TypeAlias = "NDArray[np.float32]"
Orders: TypeAlias = "NDArray[np.int64]"

BLOCK = 8
"""Side of an encoder's block: tiles and gutters are whole blocks, so none straddles a tile's border."""

GUTTER = BLOCK
"""Width in pixels of the white line between tiles of a composite picture."""

MID = 128
"""Grey of the blanked tile."""

FORMS = ("order", "choice", "relation")
LAYOUTS = ("composite", "separate")
LETTERS = "ABCD"
RELATIONS = ("left", "right", "above", "below")

APART = 4.5
"""Least difference, in grey levels on thumbnails, between two tiles: below it people cannot tell which goes where.
At full size two such tiles of 77 pictures differ by 6 or more; the encoder alone changes a tile by up to 3.5."""

CONTRAST = 4.0
"""Least mean absolute deviation of a tile's thumbnail from its mean colour; a flatter one shows nothing to join."""

SWAPPED = 5.0
"""Where two tiles change places, least excess in grey levels of the mean mismatch at the borders made over that at the
borders lost. Of 900 crops of 77 pictures whose tiles are unlike none lies below 5.7; a wall of framed pictures does."""

AWAY = 1.5, 8.0
"""The same where the blank lies elsewhere: the borders made mismatch at least this many times as much as those lost,
and so many grey levels more. Of 325 such crops 9% fail: a shore, leaves or a wall goes on so well in the blank's place
that people take the wrong order for the right one, most often in a corner, where only two borders speak."""

# Audit, mean absolute differences in grey levels at full size: at most SAME from a tile to its source (the encoder
# alone makes up to 3.5 on tiles of 16 pixels), CLEAR more to any other; two tiles within TWINS are one tile twice.
SAME = 5.0
CLEAR = 3.0
TWINS = 2.0

# The four rows of the Klein four-group's table: any two of them differ at every place, and seen from any row the other
# three look alike, so no option stands out among the four.
_KLEIN = ((0, 1, 2, 3), (1, 0, 3, 2), (2, 3, 0, 1), (3, 2, 1, 0))


@dataclass(frozen=True)
class JigsawParams:
    """Parameters of `image/jigsaw`.

    Attributes:
        side: side in pixels of the picture that is cut, 16 to 1344, a multiple of 8 x grid. A composite is wider by
            its gutters: 8 pixels between neighbouring tiles.
        grid: tiles a side, 2 to 4.
        blank: whether one random tile is grey, so that its place is found from the others.
        layout: `composite` (all tiles in one picture) or `separate` (one picture a tile).
        form: what is asked. `order`: the tile for each place; `choice`: which of four orders; `relation`: on which
            side of one tile its neighbour was.
    """

    side: int = 224
    grid: int = 2
    blank: bool = False
    layout: str = "composite"
    form: str = "order"

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 2 <= self.grid <= 4:
            raise ValueError(f"grid is {self.grid}: it must lie in 2..4")
        if not 16 <= self.side <= 1344 or self.side % (BLOCK * self.grid):
            raise ValueError(f"side is {self.side}: it must lie in 16..1344 and be a multiple of {BLOCK * self.grid}")
        if self.layout not in LAYOUTS:
            raise ValueError(f"layout is {self.layout!r}: it must be one of {', '.join(LAYOUTS)}")
        if self.form not in FORMS:
            raise ValueError(f"form is {self.form!r}: it must be one of {', '.join(FORMS)}")
        if self.blank and self.form == "relation":
            raise ValueError("blank is true with form 'relation': it must be false there, a grey tile has no neighbour")


class Jigsaw(Task[JigsawParams]):
    """The tiles of a square crop in random order; the answer says where they belong."""

    version = 3
    levels: ClassVar = {
        "relation": JigsawParams(side=336, grid=3, form="relation"),
        "easy": JigsawParams(),
        "choice": JigsawParams(side=336, grid=3, form="choice"),
        "medium": JigsawParams(side=336, grid=3),
        "separate": JigsawParams(side=336, grid=3, layout="separate"),
        "blank": JigsawParams(side=336, grid=3, blank=True),
        "hard": JigsawParams(side=384, grid=4, blank=True),
    }
    # Tiles are joined by what meets at their borders; fine texture mostly belongs below, smooth sky above.
    signal: ClassVar = frozenset({"borders", "residuals"})

    def classes(self) -> int:
        """The options, where there are four; an order is drawn uniformly, so there is nothing to balance."""
        return 1 if self.params.form == "order" else 4

    def chance(self) -> float | None:
        """That of the answer, whichever order it states."""
        return _problem(self.params, Rng("chance"), 0)[2].chance

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Cut a square crop, shuffle its tiles and ask."""
        p = self.params
        box, pixels = crop.square(records[0], p.side, rng)
        size, count = p.side // p.grid, p.grid**2
        hidden = rng.below(count) if p.blank else None
        seen = similarity.tile_thumbnails(pixels, p.grid)
        if hidden is not None:
            seen = np.delete(seen, hidden, 0)
        if similarity.least_contrast(seen) < CONTRAST:
            raise Skip("flat tile")
        if similarity.closest_pair(seen) < APART:
            raise Skip("tiles too alike")
        if _another_order(pixels, p.grid, hidden):
            raise Skip("another order joins nearly as well")
        cut = [pixels[y : y + size, x : x + size] for y in range(0, p.side, size) for x in range(0, p.side, size)]
        if hidden is not None:
            cut[hidden] = np.full_like(cut[hidden], MID)

        places, question, answer, note = _problem(p, rng, aim)
        yield Example(
            prompt=_prompt(p, [cut[places.index(number)] for number in range(1, count + 1)], question),
            answer=answer,
            meta={"box": list(box), "places": places, **note},
            marks=_marks(p, places),
            solution=_solution(p, places, answer.value["answer"], note),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Lay the shown tiles beside the source's, see where each fits, and answer the question from that.

        With the records: each shown tile is like one tile of the source and like no other, and the answer follows.
        Without: the tiles shown are as many and as large as the parameters say, no two are alike, and as many are
        grey as there should be.
        """
        params, made = row.meta["params"], row.meta["make"]
        side, grid = params["side"], params["grid"]
        shown = _shown_tiles(row.images, side, grid, params["layout"])
        if shown is None:
            yield Fault("true", f"the pictures do not show the {grid}x{grid} tiles of a picture of {side} pixels")
            return
        if _unlike(shown, shown)[~np.eye(len(shown), dtype=bool)].min() <= TWINS:
            yield Fault("one answer", "two tiles look the same")
            return
        grey = np.abs(shown - MID).mean((1, 2, 3)) <= SAME
        if grey.sum() != params["blank"]:
            yield Fault("one answer", f"{grey.sum()} tiles are grey, expected {int(params['blank'])}")
        elif records and records[0].image is not None:
            view = records[0].image.view(tuple(made["box"]), (side, side))
            source = view.reshape(grid, side // grid, grid, side // grid, 3).swapaxes(1, 2).reshape(shown.shape)
            unlike = _unlike(source.astype(np.float32), shown)
            unlike[:, grey] = np.inf
            best, second = np.sort(unlike, axis=0)[:2]
            home = unlike.argmin(0)
            home[grey] = sum(range(len(shown))) - home[~grey].sum()
            clear = (best[~grey] <= SAME).all() and (second[~grey] >= best[~grey] + CLEAR).all()
            if not clear or len(set(home)) < len(home):
                yield Fault("true", "the tiles shown are not each like one tile of the source and like no other")
            else:
                yield from _answered(row, [int(place) for place in home])


def _another_order(pixels: Pixels, grid: int, hidden: int | None) -> bool:
    """Whether the tiles could lie in another order, and nobody would see it at their borders."""
    swaps, moves = _other_orders(grid, hidden)
    broken, made = seams.rejoined(pixels, grid, swaps, hidden)
    if (made < broken + SWAPPED).any():
        return True
    broken, made = seams.rejoined(pixels, grid, moves, hidden)
    return bool((made < AWAY[0] * broken + AWAY[1]).any())


@cache
def _other_orders(grid: int, hidden: int | None) -> tuple[Orders, Orders]:
    """Orders in which two visible tiles change places, and those in which the blank lies elsewhere.

    The latter: a tile takes the blank's place, or that tile's place is taken by a third; or a row or column of tiles
    slides by one, as in the sliding puzzle.
    """
    inorder = list(range(grid**2))
    visible = [tile for tile in inorder if tile != hidden]
    swaps, moves = [], []
    for a, b in combinations(visible, 2):
        swaps.append(_moved(inorder, [a, b]))
    if hidden is not None:
        row, column = divmod(hidden, grid)
        chains = [[a] for a in visible] + [[a, b] for a, b in permutations(visible, 2)]
        for line, at in ((range(row * grid, (row + 1) * grid), column), (range(column, grid**2, grid), row)):
            chains += [list(line[at + 1 : end]) for end in range(at + 4, grid + 1)]
            chains += [list(line[start:at])[::-1] for start in range(at - 2)]
        moves = [_moved(inorder, [hidden, *chain]) for chain in chains]
    return np.array(swaps), np.array(moves, np.int64).reshape(-1, grid**2)


def _moved(order: Sequence[int], cycle: Sequence[int]) -> list[int]:
    """The order in which each tile of a cycle lies in the place of the one before it."""
    out = list(order)
    for place, tile in zip(cycle, [*cycle[1:], cycle[0]], strict=True):
        out[place] = tile
    return out


def _problem(p: JigsawParams, rng: Rng, aim: int) -> tuple[list[int], str, Answer, dict[str, Json]]:
    """The number of the tile for each place, the question, its answer, and what else the audit needs."""
    count = p.grid**2
    inorder = list(range(1, count + 1))
    places = rng.shuffled(inorder)
    if p.form == "relation":
        # No order is left out here, the identity included: then the numbers say nothing of the relation.
        down, right = rng.below(p.grid - (aim >= 2)), rng.below(p.grid - (aim < 2))
        near = down * p.grid + right
        far = near + (1 if aim < 2 else p.grid)
        one, other = (near, far) if aim % 2 == 0 else (far, near)
        pair = [places[one], places[other]]
        return places, _relation_text(pair), Choice().answer(RELATIONS[aim], RELATIONS), {"pair": pair}
    if p.form == "order":
        while places == inorder:
            places = rng.shuffled(inorder)
        return places, ORDER_TEXT + EXAMPLE_TEXT, Permutation().answer(places), {}
    orders = _four_orders(places, rng)
    while inorder in orders:
        orders = _four_orders(rng.shuffled(inorder), rng)
    places = orders[0]
    wrong = rng.shuffled(orders[1:])
    options = [*wrong[:aim], places, *wrong[aim:]]
    return places, _options_text(options), Choice().answer(LETTERS[aim], LETTERS), {"options": options}


def _four_orders(places: list[int], rng: Rng) -> list[list[int]]:
    """The order and three others, any two of the four different at the same four places."""
    spots = rng.sample(range(len(places)), len(_KLEIN))
    orders = []
    for moved in _KLEIN:
        order = list(places)
        for spot, source in zip(spots, moved, strict=True):
            order[spot] = places[spots[source]]
        orders.append(order)
    return orders


ORDER_TEXT = (
    "For each place of the original picture, in reading order, which tile belongs there? Give the tiles' numbers."
)
CHOICE_TEXT = (
    "Which list gives, for each place of the original picture in reading order, the number of the tile that belongs "
    "there?"
)
# The example's order is not its own inverse, so it settles the direction; three places are no square grid.
EXAMPLE_TEXT = (
    " For example, with three places, 2, 3, 1 means: tile 2 belongs at the first place, tile 3 at the second, tile 1 "
    "at the third."
)


def _options_text(options: Sequence[Sequence[int]]) -> str:
    lines = [f"\n{letter}: {', '.join(map(str, order))}" for letter, order in zip(LETTERS, options, strict=True)]
    return CHOICE_TEXT + EXAMPLE_TEXT + "".join(lines)


def _relation_text(pair: Sequence[int]) -> str:
    return (
        f"In the original picture, tiles {pair[0]} and {pair[1]} touched along a side. Where was tile {pair[0]}, seen "
        f"from tile {pair[1]}?"
    )


def _prompt(p: JigsawParams, shown: Sequence[Pixels], question: str) -> tuple[str | Pixels, ...]:
    count = len(shown)
    grey = " One tile is blanked out in grey." if p.blank else ""
    if p.layout == "separate":
        parts: list[str | Pixels] = []
        for number, tile in enumerate(shown, 1):
            parts += [f"{chr(10) if number > 1 else ''}Tile {number}: ", tile]
        text = (
            f"\nPictures 1 to {count} are tiles 1 to {count}: one picture was cut into a {p.grid}x{p.grid} grid of "
            f"equal tiles, which are given in random order.{grey} {question}"
        )
        return (*parts, text)
    size = len(shown[0])
    step = size + GUTTER
    composite = np.full((p.grid * step - GUTTER, p.grid * step - GUTTER, 3), 255, np.uint8)
    for number, tile in enumerate(shown):
        y, x = number // p.grid * step, number % p.grid * step
        composite[y : y + size, x : x + size] = tile
    text = (
        f"\nA picture was cut into a {p.grid}x{p.grid} grid of equal tiles, which are shown here in random order, with "
        f"white lines between them. Tiles count from 1 to {count} in reading order: left to right, then top to bottom."
        f"{grey} {question}"
    )
    return composite, text


def _solution(p: JigsawParams, places: Sequence[int], right: Json, note: dict[str, Json]) -> str:
    """Where each tile that the question needs belongs, and what follows."""
    asked = note["pair"] if p.form == "relation" else places
    spots = [divmod(places.index(number), p.grid) for number in asked]
    found = "; ".join(
        f"tile {number} belongs at row {row + 1}, column {column + 1}"
        for number, (row, column) in zip(asked, spots, strict=True)
    )
    if p.form == "relation":
        side = right + " of" if right in ("left", "right") else right
        return f"T{found[1:]}. So tile {asked[0]} was {side} tile {asked[1]}."
    letter = f" That is list {right}." if p.form == "choice" else ""
    return f"T{found[1:]}. In reading order that is {', '.join(map(str, places))}.{letter}"


def _marks(p: JigsawParams, places: Sequence[int]) -> tuple[Mark, ...]:
    """For each tile shown, the place where it belongs."""
    size = p.side // p.grid
    marks = []
    for number in range(len(places)):
        label = f"place {places.index(number + 1) + 1}"
        y, x = ((number // p.grid) * (size + GUTTER), (number % p.grid) * (size + GUTTER))
        if p.layout == "separate":
            marks.append(Mark(number, (0, 0, size, size), label))
        else:
            marks.append(Mark(0, (x, y, x + size, y + size), label))
    return tuple(marks)


def _shown_tiles(images: Sequence[Pixels], side: int, grid: int, layout: str) -> Tiles | None:
    """The tiles as the prompt numbers them, count x size x size x 3; None when the pictures have other sizes."""
    size = side // grid
    if layout == "separate":
        fits = len(images) == grid**2 and all(image.shape == (size, size, 3) for image in images)
        return np.stack(images).astype(np.float32) if fits else None
    step = size + GUTTER
    if len(images) != 1 or images[0].shape != (step * grid - GUTTER, step * grid - GUTTER, 3):
        return None
    padded = np.pad(images[0], ((0, GUTTER), (0, GUTTER), (0, 0)))
    cells = padded.reshape(grid, step, grid, step, 3)[:, :size, :, :size].swapaxes(1, 2)
    return cells.reshape(grid**2, size, size, 3).astype(np.float32)


def _unlike(these: Tiles, those: Tiles) -> Tiles:
    """Mean absolute differences of each tile with each, in grey levels."""
    return np.stack([np.abs(tile - those).mean((1, 2, 3)) for tile in these])


def _answered(row: Row, home: list[int]) -> Iterator[Fault]:
    """Whether the stated answer is the one that follows from where each shown tile belongs (places from 0)."""
    stated, form, made = row.answer.value["answer"], row.meta["params"]["form"], row.meta["make"]
    order = [home.index(place) + 1 for place in range(len(home))]
    if form == "order":
        right: Json = order
    elif form == "choice":
        listed = dict(zip(LETTERS, made["options"], strict=True))
        if any(f"\n{letter}: {', '.join(map(str, option))}" not in row.prompt for letter, option in listed.items()):
            yield Fault("true", "the options in the prompt are not those in the metadata")
        right = "".join(letter for letter, option in listed.items() if option == order)
    else:
        grid, (one, other) = row.meta["params"]["grid"], made["pair"]
        if f"Where was tile {one}, seen from tile {other}?" not in row.prompt:
            yield Fault("true", "the tiles in the prompt are not those in the metadata")
        dy, dx = np.subtract(divmod(home[one - 1], grid), divmod(home[other - 1], grid)).tolist()
        right = {(0, -1): "left", (0, 1): "right", (-1, 0): "above", (1, 0): "below"}.get((dy, dx), "no neighbours")
    if stated != right:
        yield Fault("true", f"stated {stated}, the tiles say {right}")
