"""What does the camera do: does it pan, tilt, zoom or stay still?

Of photographs the truth is exact: the frames are windows cut along a straight path, or growing or shrinking. Of clips
it is the motion that most of the picture shares, where that is beyond doubt. Clips are mirrored and played backwards
too: what a camera does is turned round with them, so a clip shows the motion that is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.answers.choice import Choice
from ssrl_data.core import Example, Fault, Json, Mark, Pixels, Record, Row, Skip, Task
from ssrl_data.gates import crop, global_motion, sampling
from ssrl_data.media import blocks
from ssrl_data.media.image import SCALES, Box, least_extent
from ssrl_data.rng import Rng

MOVES = {"pan": 5, "all": 7}
"""What may be asked, and the number of answers."""

MATERIAL = {"photographs": "image", "clips": "clip"}
"""What is shown, and the field of a record that it takes."""

SAID = {
    "left": "it pans or moves left, so the scene shifts right in the picture",
    "right": "it pans or moves right, so the scene shifts left",
    "up": "it tilts or moves up, so the scene shifts down",
    "down": "it tilts or moves down, so the scene shifts up",
    "still": "it is static, so the scene stays in place",
    "in": "it zooms in or moves forward, so things grow",
    "out": "it zooms out or moves back, so things shrink",
}
"""The answers, and what each means. A pan and a sideways move are not told apart: few scenes show which it was."""

FASTEST = 2.0
"""The longest path, in shortest ones."""

DRIFT = 0.1
"""Most that a path goes along another axis, as a share of its length."""

SHIVER = 1 / 6
"""Most that the hand shakes, place and size, as a share of the least step; so that no frames are equal."""

FLOOR = 0.6
"""Least window, as a share of the largest that fits."""

ERROR = 0.2
"""Most by which the motion measured may differ from the true one at any frame, as a share of the least motion."""

PIECE = (0.3, 0.45)
"""Diameter of the piece in front, as a share of the side: at most a sixth of the picture."""

PIECE_PATH = (0.2, 0.4)
"""How far the piece goes, as a share of the side."""

STEP = (0.1, 0.6)
"""Seconds between frames of a clip."""

SEARCHED = 40
"""Windows of a clip that are looked at."""

# Audit, in least motions: what a motion reaches, what stillness stays within, and most of a motion that goes aside;
# then the mean difference in grey levels of a frame from its source.
_REACHED, _STILL, _ASIDE = 0.6, 0.35, 0.5
_SAME = 4.0


@dataclass(frozen=True)
class CameraPanParams:
    """Parameters of `video/camera_pan`.

    Attributes:
        frames: how many are shown, 4 to 16.
        side: of a frame cut from a photograph, in pixels; a clip's has as many pixels at most. 64 to 448, a multiple
            of 8.
        moves: `pan` (left, right, up, down, still) or `all` (in and out too).
        material: `photographs` or `clips`.
        least: shortest path from the first frame to the last, as a share of the short side, 0.05 to 0.2; a zoom is as
            long where what lies a third of the side from the middle moves by half as much.
        piece: whether a piece of another photograph moves in front; of photographs only.
    """

    frames: int = 4
    side: int = 224
    moves: str = "pan"
    material: str = "photographs"
    least: float = 0.2
    piece: bool = False

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 4 <= self.frames <= 16:
            raise ValueError(f"frames is {self.frames}: it must lie in 4..16")
        if not 64 <= self.side <= 448 or self.side % 8:
            raise ValueError(f"side is {self.side}: it must lie in 64..448 and be a multiple of 8")
        if self.moves not in MOVES:
            raise ValueError(f"moves is {self.moves!r}: it must be one of {', '.join(MOVES)}")
        if self.material not in MATERIAL:
            raise ValueError(f"material is {self.material!r}: it must be one of {', '.join(MATERIAL)}")
        if not 0.05 <= self.least <= 0.2:
            raise ValueError(f"least is {self.least}: it must lie in 0.05..0.2")
        if self.piece and self.material == "clips":
            raise ValueError("piece is true with material 'clips': it must be false there, clips move by themselves")


class CameraPan(Task[CameraPanParams]):
    """Frames seen by a camera that may move; the answer is how it does."""

    levels: ClassVar = {
        "easy": CameraPanParams(),
        "medium": CameraPanParams(8, 192, "all", least=0.15),
        "hard": CameraPanParams(8, 192, "all", least=0.1, piece=True),
        "real": CameraPanParams(8, 256, "pan", "clips", 0.1),
    }

    def __init__(self, params: CameraPanParams, prepared: bytes = b"") -> None:
        super().__init__(params, prepared)
        self.needs = frozenset({MATERIAL[params.material]})

    def classes(self) -> int:
        """The answers."""
        return MOVES[self.params.moves]

    def chance(self) -> float:
        """One of the answers."""
        return 1 / self.classes()

    def donors(self) -> int:
        """The photograph that the piece in front is cut from."""
        return int(self.params.piece)

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Cut the frames from a photograph, or look for a window of the clip, so that the camera does what is asked."""
        p = self.params
        options = list(global_motion.WAYS)[: self.classes()]
        if p.material == "photographs":
            frames, end, meta = _cut(p, records, rng, options[aim])
        else:
            frames, end, meta = _found(p, records[0], rng, options[aim])
        yield Example(
            prompt=_prompt(p, frames, options),
            answer=Choice().answer(options[aim], options),
            meta=meta,
            marks=_marks(end, frames),
            solution=_solution(options[aim], end, len(frames)),
            used=1 + self.donors(),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Look for blocks of each frame in the next: what most of them share must be the stated motion, clearly.

        With the records the frames must be the source's as stated; of a photograph the truth then follows from where
        they were cut, and the frames must not be those of the opposite motion.
        """
        params, made = row.meta["params"], row.meta["make"]
        stated = row.answer.value["answer"]
        width, height = made.get("size", [params["side"]] * 2)
        if len(row.images) != params["frames"] or any(image.shape != (height, width, 3) for image in row.images):
            yield Fault("true", f"expected {params['frames']} pictures of {width} x {height} pixels")
            return
        if "boxes" in made:
            boxes = np.array(made["boxes"], np.float64)
            middles, sides = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2] - boxes[:, 0]
            ahead = np.log(sides[0] / sides)[:, None]
            told = _told(np.hstack([(middles - middles[0]) / sides[:, None], ahead]), params["least"])
            if told != stated:
                yield Fault("true", f"stated {stated}, the windows say {told}")
                return
        if records:
            source = _source(row, records)
            if source is None or max(_apart(*pair) for pair in zip(source, row.images, strict=True)) > _SAME:
                yield Fault("true", "a picture is not the source's")
                return
            if stated != "still" and _apart(source[-1], row.images[0]) < 2 * _apart(source[0], row.images[0]):
                yield Fault("one answer", "the first picture and the last look the same")
        path = blocks.camera_path(row.images, _reach(params), made.get("piece"))
        told = None if path is None else _told(path, params["least"])
        if told is None:
            yield Fault("one answer", "the pictures do not show one motion")
        elif told != stated:
            yield Fault("true", f"stated {stated}, the pictures say {told}")


def _cut(
    p: CameraPanParams, records: Sequence[Record], rng: Rng, way: str
) -> tuple[list[Pixels], NDArray[np.float64], dict[str, Json]]:
    """Frames cut from a photograph, where the camera is at the last of them, and what the audit needs."""
    picture = records[0].image
    if picture is None:
        raise Skip("no picture", final=True)
    boxes = _windows(p, picture.size, rng, way)
    meta: dict[str, Json] = {"boxes": [list(box) for box in boxes]}
    places = None
    if p.piece:
        if len(records) < 2 or records[1].image is None:
            raise Skip("no other picture")
        across = rng.integer(*(round(share * p.side) for share in PIECE))
        places = _places(p, across, rng)
        box, piece = crop.square(records[1], across, rng)
        meta["piece"] = {"box": list(box), "across": across, "places": [list(place) for place in places]}
    frames = [picture.view(box, (p.side, p.side)) for box in boxes]
    if places is not None:
        frames = [_covered(frame, piece, place) for frame, place in zip(frames, places, strict=True)]
    path, track = _path(boxes), global_motion.track(frames)
    if not track.sure(0, p.frames - 1):
        raise Skip("too little to follow")
    if np.abs(track.path(range(p.frames)) - path).max() > ERROR * p.least:
        raise Skip("another motion looks the same")
    return frames, path[-1], meta


def _windows(p: CameraPanParams, size: tuple[int, int], rng: Rng, way: str) -> list[Box]:
    """Boxes in native pixels. All that is drawn, and where they may lie, is the same whatever the camera does."""
    shake = SHIVER * p.least / (p.frames - 1)
    most = FASTEST * p.least
    grown = math.exp(global_motion.ZOOM * most / 2) if p.moves == "all" else 1.0
    room = max(grown, 1 + most) + 4 * shake
    side = rng.integer(*_sides(p.side, (min(size) - 2) / room, grown * (1 + shake)))
    middle = [rng.uniform(side * room / 2 + 1, extent - side * room / 2 - 1) for extent in size]
    length = rng.uniform(p.least, most)
    axes = np.array(global_motion.WAYS[way], np.float64)
    moves = (axes != 0).any()
    drift = np.array([rng.uniform(-DRIFT, DRIFT), rng.uniform(-DRIFT, DRIFT), 0.0]) * (axes == 0) * moves
    boxes = []
    for number in range(p.frames):
        at = (axes + drift) * length * (number / (p.frames - 1) - 0.5)
        x, y, grow = (rng.uniform(-shake, shake) for _ in range(3))
        extent = round(side * math.exp(-global_motion.ZOOM * at[2]) * (1 + grow))
        x0, y0 = (round(middle[i] + side * (at[i] + (x, y)[i]) - extent / 2) for i in (0, 1))
        boxes.append((x0, y0, x0 + extent, y0 + extent))
    return boxes


def _sides(shown: int, fits: float, grown: float) -> tuple[int, int]:
    """Least and largest side of the middle window: the photograph is decoded at one scale for all windows of a row.

    Args:
        shown: side of the frames in pixels.
        fits: largest side for which all windows lie in the picture.
        grown: the largest window's side over the middle one's, and the middle one's over the smallest one's.

    Raises:
        Skip: the picture is too small.
    """
    coarser = None
    for scale in (*SCALES, 1):
        low = math.ceil(least_extent(shown, scale) * grown)
        if low <= fits:
            high = int(fits if coarser is None else min(fits, (coarser - 1) / grown))
            return max(low, int(FLOOR * high)), high
        coarser = least_extent(shown, scale)
    raise Skip("picture too small", final=True)


def _path(boxes: Sequence[Box]) -> global_motion.Path:
    """What `global_motion` should find."""
    out, first = [], boxes[0]
    for box in boxes:
        side = box[2] - box[0]
        aside = [(box[i] + box[i + 2] - first[i] - first[i + 2]) / 2 / side for i in (0, 1)]
        out.append([*aside, math.log((first[2] - first[0]) / side) / global_motion.ZOOM])
    return np.array(out)


def _places(p: CameraPanParams, across: int, rng: Rng) -> list[tuple[int, int]]:
    """Left upper corners of the piece: a straight way inside the frame, in any direction."""
    angle, length = rng.uniform(0, 2 * math.pi), rng.uniform(*PIECE_PATH) * p.side
    way = (length * math.cos(angle), length * math.sin(angle))
    start = [rng.uniform(max(0.0, -go), p.side - across - max(0.0, go)) for go in way]
    shares = [number / (p.frames - 1) for number in range(p.frames)]
    return [(round(start[0] + share * way[0]), round(start[1] + share * way[1])) for share in shares]


def _covered(frame: Pixels, piece: Pixels, place: tuple[int, int]) -> Pixels:
    """The frame with the disc in the piece laid over it."""
    across, (x, y) = len(piece), place
    line = np.arange(across) - (across - 1) / 2
    mask = np.clip(across / 2 - np.hypot(line[:, None], line), 0, 1)[..., None]
    out = frame.copy()
    under = out[y : y + across, x : x + across]
    under[:] = (piece * mask + under * (1 - mask)).round().astype(np.uint8)
    return out


def _found(
    p: CameraPanParams, record: Record, rng: Rng, way: str
) -> tuple[list[Pixels], NDArray[np.float64], dict[str, Json]]:
    """Frames of a clip, where the camera is at the last of them, and what the audit needs.

    One of the two ways to turn a motion round is drawn and the other does the rest, where there are two: so neither a
    mirrored clip nor one played backwards says which way it goes.
    """
    directions = global_motion.WAYS
    axis = np.abs(directions[way])
    clear = False
    for _ in range(SEARCHED):
        try:
            window = sampling.window(record, p.frames, STEP, p.side**2, rng)
        except Skip as skip:
            if skip.final:
                raise
            continue
        coin = rng.below(2) == 1
        track = global_motion.track_of(window.clip.reel)
        if not track.sure(window.indices[0], window.indices[-1]):
            continue
        path = track.path(window.indices)
        own = global_motion.way(path, p.least)
        clear |= own is not None
        if own is None or (np.abs(directions[own]) != axis).any():
            continue
        other = own != way
        if axis[0]:
            backwards, mirrored = coin, coin != other
        elif axis.any():
            backwards, mirrored = other, coin
        else:
            backwards, mirrored = coin, rng.below(2) == 1
        frames = [np.ascontiguousarray(frame[:, ::-1]) if mirrored else frame for frame in window.frames()]
        end = path[-1] * (-1 if backwards else 1) * ([-1, 1, 1] if mirrored else [1, 1, 1])
        meta = {
            "indices": list(window.indices),
            "box": list(window.box),
            "size": list(window.size),
            "backwards": backwards,
            "mirrored": mirrored,
        }
        return frames[::-1] if backwards else frames, end, meta
    # Where not one window was clear, others hardly are, and each try would read the clip again.
    raise Skip("camera does something else" if clear else "nothing clear of the camera", final=not clear)


def _prompt(p: CameraPanParams, frames: Sequence[Pixels], options: Sequence[str]) -> tuple[str | Pixels, ...]:
    parts: list[str | Pixels] = []
    for number, frame in enumerate(frames, 1):
        parts += [f"{chr(10) if number > 1 else ''}Picture {number}: ", frame]
    turned = (
        " The footage may be mirrored or played backwards; take it as it is shown." if p.material == "clips" else ""
    )
    answers = "".join(f"\n{option}: {SAID[option]}" for option in options)
    text = (
        f"\nPictures 1 to {len(frames)} are frames from one camera, in the order in which they are "
        f"shown.{turned} Things in front may move by themselves, and the hand may shake a little. What does the camera "
        f"do from the first picture to the last, judged by the scene as a whole?{answers}"
    )
    return (*parts, text)


def _marks(end: NDArray[np.float64], frames: Sequence[Pixels]) -> tuple[Mark, ...]:
    """What the first and the last frame both show, in each of them."""
    height, width = frames[0].shape[:2]
    out = []
    for image, sense in ((0, 1), (len(frames) - 1, -1)):
        shrunk = math.exp(-sense * global_motion.ZOOM * end[2])
        box = []
        for extent, move in ((width, end[0]), (height, end[1])):
            middle = extent / 2 + sense * move * min(width, height)
            box.append([round(min(max(middle + s * extent * shrunk / 2, 0), extent)) for s in (-1, 1)])
        (x0, x1), (y0, y1) = box
        out.append(Mark(image, (x0, y0, x1, y1), "shared"))
    return tuple(out)


def _solution(way: str, end: NDArray[np.float64], count: int) -> str:
    """How the answer follows."""
    if way == "still":
        return f"From picture 1 to picture {count} the scene as a whole stays in place, so the camera is static: still."
    if way in ("in", "out"):
        factor = math.exp(global_motion.ZOOM * abs(float(end[2])))
        moves = "spreads from the middle and things grow" if way == "in" else "draws in to the middle and things shrink"
        return (
            f"From picture 1 to picture {count} the scene as a whole {moves} by a factor of about {factor:.1f}, so the "
            f"camera zooms {way}."
        )
    length = float(np.abs(end[:2]).max())
    against = {"left": "right", "right": "left", "up": "down", "down": "up"}[way]
    return (
        f"From picture 1 to picture {count} the scene as a whole shifts {against} by about {length:.0%} of the frame's "
        f"short side. It shifts against the camera's motion, so the camera goes {way}."
    )


def _source(row: Row, records: Sequence[Record]) -> list[Pixels] | None:
    """The frames as the records give them; None where a record is missing."""
    params, made = row.meta["params"], row.meta["make"]
    if "boxes" not in made:
        clip = records[0].clip
        if clip is None:
            return None
        size = (made["size"][0], made["size"][1])
        views = [clip.view(index, tuple(made["box"]), size) for index in made["indices"]]
        views = [view[:, ::-1] if made["mirrored"] else view for view in views]
        return views[::-1] if made["backwards"] else views
    side, picture = params["side"], records[0].image
    if picture is None:
        return None
    frames = [picture.view(tuple(box), (side, side)) for box in made["boxes"]]
    if "piece" in made:
        if len(records) < 2 or records[1].image is None:
            return None
        box, across = made["piece"]["box"], made["piece"]["across"]
        piece = records[1].image.view(tuple(box), (across, across))
        down, right = np.indices((across, across)) - (across - 1) / 2
        disc = down**2 + right**2 < across**2 / 4
        for frame, (x, y) in zip(frames, made["piece"]["places"], strict=True):
            frame[y : y + across, x : x + across][disc] = piece[disc]
    return frames


def _apart(one: Pixels, other: Pixels) -> float:
    """Mean difference in grey levels."""
    return float(cv2.absdiff(np.ascontiguousarray(one), other).mean())


def _told(path: NDArray[np.float64], least: float) -> str | None:
    """The answer that a camera's path gives: count x 3, right, down and the logarithm of the magnification."""
    path = path / [1, 1, global_motion.ZOOM] / least
    if np.abs(path).max() <= _STILL:
        return "still"
    rest, length = np.sort(np.abs(path[-1]))[1:]
    if length < _REACHED or rest > _ASIDE * length:
        return None
    axis = int(np.abs(path[-1]).argmax())
    return (("left", "right"), ("up", "down"), ("out", "in"))[axis][int(path[-1, axis] > 0)]


def _reach(params: Json) -> int:
    """How far blocks are searched for: as far as the fastest camera goes in a step, and a little further.

    A clip's may go by jerks; of a photograph, what is alike further off, as bricks are, need not be looked at.
    """
    steps = 2 if params["material"] == "clips" else params["frames"] - 1
    fastest: float = FASTEST * params["least"] / steps
    return math.ceil(1.3 * fastest * blocks.SHORT) + 3
