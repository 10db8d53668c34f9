"""How often do drawn shapes, or cut-outs of other clips, occur in the frames of a clip?

Object counting of VideoSSR. Unlike there, nothing drawn is covered, cut off or lost before its background, what the
clip itself shows cannot be meant, a shape may be missing altogether, and no constant answer earns anything: all places
are found before the counts are drawn, each uniformly, so that no count is rarer for being harder to place.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.answers.counts import Counts
from ssrl_data.core import Answer, Example, Fault, Mark, Pixels, Record, Row, Skip, Task
from ssrl_data.gates import placing, sampling
from ssrl_data.media import shapes
from ssrl_data.media.image import MARGIN
from ssrl_data.rng import Rng

FORMS = ("shapes", "cutouts")

ASKED = ("circle", "square", "triangle")
OTHERS = ("star", "cross", "oval", "bar")
"""Drawn, too, where not everything counts; as are the ones of `ASKED` that a row does not ask for."""

LETTERS = ("object a", "object b", "object c")
OTHER_OBJECT = "another object"

CUT = ("circle", "tile")
"""Outlines of cut-outs; all of a row have the same."""

STEP = (0.02, 2.0)
"""Seconds between frames: nothing depends on it, so cuts may lie between them, too."""

CROWD = 3
"""Most shapes that a frame may hold: more of the largest size hardly find room."""

SIZE = (0.15, 0.35)
"""Diameter of the disc of a shape's area, as a share of the frame's short side."""

CUT_SIZE = (0.2, 0.4)
"""The same of a cut-out, which shows more."""

SMALLEST = {"shapes": 18, "cutouts": 30}
"""The same in pixels, at least."""

TURN = 25.0
"""Degrees by which a cut-out may be turned, either way. Shapes are turned any way."""

TEXTURE = 88
"""Side in pixels of the picture that a cut-out is cut from."""

REFERENCE = 112
"""Side in pixels of the picture that shows an object; whole blocks of the encoder."""

TEXTURED = 24.0
"""Least standard deviation of a cut-out's thumbnail, in grey levels: a flat one shows no object."""

_TRIES = 60  # places that are tried for one shape
_CUTS = 24  # pieces that are tried for one object

# Audit. A pixel was drawn over when a channel is off by more than DRAWN; areas over the smallest rectangle around
# them are 1, 0.79 and 0.5 for a square, a disc and a triangle.
_DRAWN = 20
_SPECK = 40  # pixels of an area that is none
_CONVEX, _LONG, _SQUARE, _DISC = 0.88, 1.5, 0.9, 0.68
_FLAT = 24  # grey levels by which what is flat may be off its colour
_SAME, _CLEAR = 22.0, 4.0  # grey levels: a cut-out and its object; by how much less than any other object

Blob: TypeAlias = "NDArray[np.int32]"
"""Contour of a blob: n x 1 x 2."""


@dataclass(frozen=True)
class CountParams:
    """Parameters of `video/count`.

    Attributes:
        form: `shapes` (circles, squares, triangles) or `cutouts` (pieces of other clips, shown before the frames).
        frames: frames shown, 8 to 64.
        asked: how many kinds are counted, 1 to 3.
        high: largest count of each, 1 to 12; `asked` x `high`, with `distractors` one more, must not exceed 2 a frame.
        distractors: whether others are drawn that do not count.
        pixels: most pixels of a frame, 8,192 to 86,700.
        square: whether the middle square of each frame is shown, or all of it.
    """

    form: str = "shapes"
    frames: int = 8
    asked: int = 2
    high: int = 4
    distractors: bool = False
    pixels: int = 50_176
    square: bool = False

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.form not in FORMS:
            raise ValueError(f"form is {self.form!r}: it must be one of {', '.join(FORMS)}")
        if not 8 <= self.frames <= 64:
            raise ValueError(f"frames is {self.frames}: it must lie in 8..64")
        if not 1 <= self.asked <= 3:
            raise ValueError(f"asked is {self.asked}: it must lie in 1..3")
        most = 2 * self.frames // (self.asked + self.distractors)
        if not 1 <= self.high <= min(12, most):
            raise ValueError(f"high is {self.high}: it must lie in 1..{min(12, most)} with these frames and kinds")
        if not 8192 <= self.pixels <= 86_700:
            raise ValueError(f"pixels is {self.pixels}: it must lie in 8192..86700")


@dataclass(frozen=True)
class Drawn:
    """Something drawn into a frame.

    Attributes:
        frame: its number in the window, from 0.
        kind: what it counts as.
        shape: of its outline.
        centre: x and y in pixels of the frame.
        size: diameter of the disc of its area, in pixels.
        angle: by which it is turned clockwise, in degrees.
        colour: that it is filled with; white for a cut-out, which has its texture and a white edge.
    """

    frame: int
    kind: str
    shape: str
    centre: tuple[float, float]
    size: float
    angle: float
    colour: shapes.Colour


class Count(Task[CountParams]):
    """Things drawn into some frames of a clip, each in one frame only; the answer counts them by kind."""

    needs = frozenset({"clip"})
    levels: ClassVar = {
        "easy": CountParams(square=True),
        "medium": CountParams(frames=16, asked=3, high=5),
        "cutouts": CountParams("cutouts", frames=16, asked=2, high=5, distractors=True),
        "hard": CountParams(frames=32, asked=3, high=9, distractors=True),
        "videossr": CountParams(frames=48, asked=3, high=9, pixels=65_536),
    }

    # A flat shape hides texture: a frame's bytes say whether one was drawn into it, as a look at the frame does.
    signal: ClassVar = frozenset({"bytes"})

    def donors(self) -> int:
        """One clip for each object."""
        return self.params.asked + self.params.distractors if self.params.form == "cutouts" else 0

    def chance(self) -> float | None:
        """Each count is uniform, independently of the others."""
        return self._answer([0] * self.params.asked, ASKED[: self.params.asked]).chance

    def _answer(self, counts: Sequence[int], names: Sequence[str]) -> Answer:
        """Three counts earn partial credit: all three at once are too rare to begin learning from."""
        credit = "exact" if len(names) < 3 else "partial"
        return Counts().answer(dict(zip(names, counts, strict=True)), 0, self.params.high, credit)

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Find places for as many as there may be, draw as many as the counts say, and ask."""
        p = self.params
        shown = sampling.window(records[0], p.frames, STEP, p.pixels, rng, one_shot=False, square=p.square)
        textures, cuts = _textures(p, records[1:], rng)
        names = list(LETTERS[: p.asked]) if textures else rng.sample(ASKED, p.asked)
        places = _places(p, shown, names, rng)
        counts = [rng.integer(0, p.high) for _ in names]
        room = dict(zip(names, counts, strict=True))
        others = rng.integer(0, p.high)
        drawn = []
        for place in places:
            if place.kind in room:
                room[place.kind] -= 1
                take = room[place.kind] >= 0
            else:
                others -= 1
                take = others >= 0
            if take:
                drawn.append(place)
        drawn.sort(key=lambda one: (one.frame, one.kind, one.centre))
        frames = shown.frames()
        for number in {one.frame for one in drawn}:
            frames[number] = frames[number].copy()
        for one in drawn:
            _draw(frames[one.frame], one, textures)
        references = [_reference(texture, places[0].shape) for texture in textures[: p.asked]]
        first = len(references) + 1
        yield Example(
            prompt=(
                *_shown_objects(references),
                *sampling.numbered(shown.times, frames, first),
                _question(p, names, first),
            ),
            answer=self._answer(counts, names),
            meta={
                "indices": list(shown.indices),
                "box": list(shown.box),
                "size": list(shown.size),
                "shapes": [_listed(one) for one in drawn],
                "cuts": cuts,
            },
            marks=tuple(_mark(one, first - 1, shown.size) for one in drawn if one.kind in names),
            solution=_solution(drawn, names, counts, first),
            used=1 + max((cut["donor"] for cut in cuts), default=0),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Find by itself what was drawn, say of each blob what it is, and count.

        With the record: a frame's difference from the untouched view shows blobs; each is told by its area, its
        convex hull and the smallest rectangle around it, a cut-out by the reference picture that it is like, turned.
        Without: as many as stated are listed and marked, and what is listed stands in its place.
        """
        params, made = row.meta["params"], row.meta["make"]
        names, stated = row.answer.value["names"], row.answer.value["answer"]
        shown = params["asked"] if params["form"] == "cutouts" else 0
        width, height = made["size"]
        sizes = [(REFERENCE, REFERENCE, 3)] * shown + [(height, width, 3)] * params["frames"]
        if [image.shape for image in row.images] != sizes:
            yield Fault("true", f"expected {shown} objects and {params['frames']} frames of {width} x {height} pixels")
            return
        listed = Counter(one["kind"] for one in made["shapes"])
        marked = Counter(mark["label"] for mark in row.meta["marks"])
        if any(not listed[name] == marked[name] == count for name, count in zip(names, stated, strict=True)):
            yield Fault("true", "the counts are not those of the shapes that are listed and marked")
        objects, frames = row.images[:shown], row.images[shown:]
        for number, image in enumerate(frames):
            here = [one for one in made["shapes"] if one["frame"] == number]
            if not all(_stands(image, one, objects, names) for one in here):
                yield Fault("true", "a shape that is listed is not where it should be")
                return
        if not records or records[0].clip is None:
            return
        counts: Counter[str] = Counter()
        for number, (index, image) in enumerate(zip(made["indices"], frames, strict=True)):
            source = records[0].clip.view(index, tuple(made["box"]), (width, height))
            blobs = [_middle(blob) for blob in _drawn_over(image, source)]
            here = [one for one in made["shapes"] if one["frame"] == number]
            if len(blobs) != len(here):
                yield Fault("true", "a frame does not show the clip and as many shapes as are listed, each apart")
                return
            for centre, area in blobs:
                size = (2 * math.sqrt(area / math.pi) - 1.5) / 1.06  # the edge is drawn half outside
                counts[_like(image, centre, size, objects, names) if shown else _named(image, centre)] += 1
        if [counts[name] for name in names] != stated:
            yield Fault("true", f"stated {stated}, the pictures show {[counts[name] for name in names]}")


def _textures(p: CountParams, donors: Sequence[Record], rng: Rng) -> tuple[list[Pixels], list[dict[str, Any]]]:
    """What the objects are cut from, those asked for first, and where it is from; nothing when shapes are drawn.

    Raises:
        Skip: the donors show too little.
    """
    textures: list[Pixels] = []
    cuts: list[dict[str, Any]] = []
    if p.form == "shapes":
        return textures, cuts
    if not donors:
        raise Skip("no other clip", final=True)
    for number in range(p.asked + p.distractors):
        for turn in range(_CUTS):
            donor = (number + turn) % len(donors)
            texture, cut = _piece(donors[donor], rng)
            seen = cv2.resize(texture, (12, 12), interpolation=cv2.INTER_AREA)
            if seen.std((0, 1)).max() < TEXTURED:
                continue
            if any(placing.alike(texture, other, TURN) for other in textures):
                continue
            textures.append(texture)
            cuts.append({"donor": donor + 1, **cut})
            break
        else:
            raise Skip("objects too alike or too flat")
    return textures, cuts


def _piece(donor: Record, rng: Rng) -> tuple[Pixels, dict[str, Any]]:
    """A square piece of some frame of a clip, and where it is."""
    if donor.clip is None:
        raise Skip("no clip", final=True)
    reel = donor.clip.reel
    height, width = reel.frames.shape[1:3]
    least = round(TEXTURE * MARGIN)
    if min(height, width) < least:
        raise Skip("donor too small")
    index = rng.below(len(reel.frames))
    side = rng.integer(least, max(least, min(height, width) * 2 // 3))
    x, y = rng.below(width - side + 1), rng.below(height - side + 1)
    box = (x, y, x + side, y + side)
    return donor.clip.view(index, box, (TEXTURE, TEXTURE)), {"index": index, "box": list(box)}


def _places(p: CountParams, shown: sampling.Window, names: Sequence[str], rng: Rng) -> list[Drawn]:
    """Places for the most that there may be of every kind, in random order.

    Raises:
        Skip: not all find one.
    """
    others = [OTHER_OBJECT] if p.form == "cutouts" else [*OTHERS, *(name for name in ASKED if name not in names)]
    kinds = [name for name in names for _ in range(p.high)]
    if p.distractors:
        kinds += [rng.choice(others) for _ in range(p.high)]
    # Some rows have a few crowded frames, others many with one shape each.
    fewest = min(p.frames, -(-2 * len(kinds) // CROWD))
    busy = rng.sample(range(p.frames), rng.integer(fewest, p.frames))
    boards = {number: placing.Board(shown.frame(number)) for number in busy}
    cut = rng.choice(CUT)
    least, most = (share * min(shown.size) for share in (CUT_SIZE if p.form == "cutouts" else SIZE))
    if p.form == "cutouts":
        most = min(most, TEXTURE)
    least = max(least, SMALLEST[p.form])
    most = max(least, most)
    placed = []
    for kind in rng.shuffled(kinds):
        for _ in range(_TRIES):
            number = rng.choice(busy)
            if boards[number].count == CROWD:
                continue
            one = _drawn(p, number, kind, cut, shown.size, (least, most), rng)
            if boards[number].place(_around(one), shapes.edge(one.size), one.colour):
                placed.append(one)
                break
        else:
            raise Skip("no room to be seen in")
    return placed


def _drawn(
    p: CountParams, number: int, kind: str, cut: str, size: tuple[int, int], sizes: tuple[float, float], rng: Rng
) -> Drawn:
    across = round(rng.uniform(*sizes), 1)
    x, y = (round(rng.uniform(across / 2, side - across / 2), 1) for side in size)
    if p.form == "cutouts":
        return Drawn(number, kind, cut, (x, y), across, round(rng.uniform(-TURN, TURN), 1), shapes.EDGE)
    return Drawn(number, kind, kind, (x, y), across, round(rng.uniform(0, 360), 1), _colour(rng))


def _colour(rng: Rng) -> shapes.Colour:
    """Saturated: what clips show seldom, and never with a white edge."""
    hsv = [rng.uniform(0, 180), rng.uniform(190, 256), rng.uniform(140, 240)]
    red, green, blue = cv2.cvtColor(np.array([[hsv]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0].tolist()
    return red, green, blue


def _around(one: Drawn) -> shapes.Outline:
    return shapes.outline(one.shape, one.centre, one.size, one.angle)


def _draw(frame: Pixels, one: Drawn, textures: Sequence[Pixels]) -> None:
    if not textures:
        shapes.draw(frame, _around(one), one.colour, shapes.edge(one.size))
        return
    texture = textures[LETTERS.index(one.kind) if one.kind in LETTERS else -1]
    shapes.paste(frame, texture, one.shape, one.centre, one.size, one.angle)


def _reference(texture: Pixels, shape: str) -> Pixels:
    """The object upright on grey."""
    out = np.full((REFERENCE, REFERENCE, 3), 128, np.uint8)
    middle = (REFERENCE - 1) / 2
    shapes.paste(out, texture, shape, (middle, middle), TEXTURE, 0)
    return out


def _shown_objects(references: Sequence[Pixels]) -> list[str | Pixels]:
    out: list[str | Pixels] = []
    for number, (name, picture) in enumerate(zip(LETTERS, references, strict=False), 1):
        out += [f"Picture {number}, {name}: ", picture, "\n"]
    return out


def _series(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


def _question(p: CountParams, names: Sequence[str], first: int) -> str:
    frames = f"\nPictures {first} to {first + p.frames - 1} are frames of a clip, in order. "
    if p.form == "cutouts":
        kinds = _series(names)
        return (
            f"{frames}Over some of them, objects with a white edge were laid, larger or smaller and turned a little: "
            f"{kinds}{', and others that do not count' if p.distractors else ''}. None is covered. An object may be "
            "in several frames, more than once in a frame, or in none: each time counts. Over all the frames "
            f"together, how many times does each occur: {kinds}?"
        )
    kinds = _series([f"{name}s" for name in names])
    others = ", and others that do not count, such as stars or ovals" if p.distractors else ""
    return (
        f"{frames}Over some of them, shapes were drawn, each filled with one flat colour, with a white edge, and "
        f"turned any way: {kinds}{others}. None is covered. Each is in one frame only: two that look the same in two "
        f"frames are two. What the clip itself shows does not count. Over all the frames together, how many were drawn "
        f"of each: {kinds}?"
    )


def _listed(one: Drawn) -> dict[str, Any]:
    return {
        "frame": one.frame,
        "kind": one.kind,
        "shape": one.shape,
        "centre": list(one.centre),
        "size": one.size,
        "angle": one.angle,
        "colour": list(one.colour),
    }


def _mark(one: Drawn, before: int, size: tuple[int, int]) -> Mark:
    around, width = _around(one), shapes.edge(one.size)
    x0, y0 = np.maximum(np.floor(around.min(0) - width / 2), 0).astype(int).tolist()
    x1, y1 = np.minimum(np.ceil(around.max(0) + width / 2) + 1, size).astype(int).tolist()
    return Mark(before + one.frame, (x0, y0, x1, y1), one.kind)


def _solution(drawn: Sequence[Drawn], names: Sequence[str], counts: Sequence[int], first: int) -> str:
    """What is seen where, and the sums."""
    found = []
    for number in sorted({one.frame for one in drawn if one.kind in names}):
        here = Counter(one.kind for one in drawn if one.frame == number)
        found.append(f"Picture {first + number}: {_series([_many(name, here[name]) for name in names if here[name]])}.")
    total = _series([_many(name, count) for name, count in zip(names, counts, strict=True)])
    return " ".join([*found, f"In all: {total}."])


def _many(name: str, count: int) -> str:
    """Such as "2 circles", or "object a once"."""
    if name in LETTERS:
        return f"{name} {'once' if count == 1 else 'twice' if count == 2 else f'{count} times'}"
    return f"{count} {name}{'s' * (count != 1)}"


def _drawn_over(image: Pixels, source: Pixels) -> list[Blob]:
    """Convex hulls of what was drawn over a frame; specks are left out."""
    mask = (np.abs(image.astype(np.int16) - source).max(2) > _DRAWN).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    found, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [np.asarray(cv2.convexHull(blob), np.int32) for blob in found if cv2.contourArea(blob) > _SPECK]


def _middle(blob: Blob) -> tuple[tuple[float, float], float]:
    """Centre of gravity and area of a blob."""
    moments = cv2.moments(blob)
    return (moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]), moments["m00"]


def _named(image: Pixels, centre: Sequence[float]) -> str:
    """What the flat area around a point is, by its area over that of its hull and of the smallest rectangle around."""
    mask = np.zeros((image.shape[0] + 2, image.shape[1] + 2), np.uint8)
    seed = (round(centre[0]), round(centre[1]))
    flags = 4 | 255 << 8 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY
    cv2.floodFill(image.copy(), mask, seed, 0, (_FLAT,) * 3, (_FLAT,) * 3, flags)
    found, _ = cv2.findContours(mask[1:-1, 1:-1], cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    (blob,) = found
    # A contour runs through the middles of pixels: half a pixel is missing all around.
    hull = cv2.convexHull(blob)
    areas = [cv2.contourArea(line) + cv2.arcLength(hull, True) / 2 + 1 for line in (blob, hull)]
    _, sides, _ = cv2.minAreaRect(blob)
    long, short = max(sides) + 1, min(sides) + 1
    if areas[1] < _SPECK or areas[0] < _CONVEX * areas[1]:
        return "no shape asked for"
    if long > _LONG * short:
        return "too long"
    filled = areas[1] / (long * short)
    return "square" if filled > _SQUARE else "circle" if filled > _DISC else "triangle"


def _like(image: Pixels, centre: Sequence[float], size: float, objects: Sequence[Pixels], names: Sequence[str]) -> str:
    """The object that the middle of a cut-out is like, of whichever angle; a dash when it is like none, or like two."""
    side = 24
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    inside = np.hypot(x, y) < side / 2

    def seen(picture: NDArray[Any], at: Sequence[float], extent: float, angle: float) -> NDArray[np.float32]:
        c, s = (np.cos(np.radians(angle)) * extent / side, np.sin(np.radians(angle)) * extent / side)
        middle = (side - 1) / 2
        matrix = np.array([[c, -s, at[0] - (c - s) * middle], [s, c, at[1] - (s + c) * middle]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(picture, matrix, (side, side), flags=flags), np.float32)

    shown = seen(cv2.blur(image, (3, 3)), centre, 0.75 * size, 0)[inside]
    middle = ((REFERENCE - 1) / 2,) * 2
    off = []
    for picture in objects:
        soft = cv2.blur(picture, (5, 5))
        turned = [seen(soft, middle, 0.75 * TEXTURE, angle)[inside] for angle in range(-32, 33, 4)]
        off.append(min(float(np.abs(one - shown).mean()) for one in turned))
    best = int(np.argmin(off))
    clear = all(other > off[best] + _CLEAR for i, other in enumerate(off) if i != best)
    return names[best] if off[best] < _SAME and clear else "-"


def _stands(image: Pixels, one: dict[str, Any], objects: Sequence[Pixels], names: Sequence[str]) -> bool:
    """Whether what is listed is seen in its place."""
    x, y = one["centre"]
    told = _like(image, (x, y), one["size"], objects, names) if objects else _named(image, (x, y))
    if (told if told in names else "") != (one["kind"] if one["kind"] in names else ""):
        return False
    return bool(objects) or int(np.abs(image[round(y), round(x)].astype(int) - one["colour"]).max()) <= _FLAT
