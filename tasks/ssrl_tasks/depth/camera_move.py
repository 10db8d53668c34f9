"""Which way did the camera move between two views of a scene?

What is near shifts more than what is far, against the camera's move. The move is known since the corpus declares it:
from one eye of a stereo rig to the other, or between two places of a calibrated camera. Half of all pairs are shown
mirrored, which swaps left and right: what tells one camera of a rig from the other (tint, exposure, vignetting) then
says nothing of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.answers.choice import Choice
from ssrl_data.core import Example, Fault, Pixels, Record, Row, Skip, Task
from ssrl_data.gates import crop, motion
from ssrl_data.rng import Rng

_MOVES: dict[str, motion.Move] = {
    "left": (-1, 0, 0),
    "right": (1, 0, 0),
    "up": (0, -1, 0),
    "down": (0, 1, 0),
    "backwards": (0, 0, -1),
    "forwards": (0, 0, 1),
}
DIRECTIONS = tuple(_MOVES)
"""Against, then along each of the first camera's axes: right, down, forward."""

QUESTIONS = {"eye": 2, "sideways": 2, "any": 6}
"""What may be asked, and the number of answers."""

ALONG = 3.0
"""Least factor by which a move must exceed what it has across its axis: within 18 degrees of it."""

MIDDLE = (0.25, 0.75)
"""Where the point that a camera heads for must lie in the view, when it may have moved ahead: off the middle, a move
ahead and one aside look alike."""

FOCAL = 1.0
"""Focal length, in long sides of the picture, where the corpus tells none: a phone has 0.75, a portrait's lens 1.5."""

BLACK = 16
"""A side of a view whose pixels are all below this is what rectifying left empty."""

_SHIFT = (0.01, 0.15)

# Audit: blocks of a thumbnail of picture 1 are searched for in picture 2.
_THUMBNAIL, _BLOCK, _REACH, _STEP = 96, 16, 28, 8
_CONTRAST = 6.0  # least standard deviation of a block, in grey levels
_PEAK, _RUNNER_UP = 0.8, 0.1  # least correlation, and by how much the next best place must fall short
_BLOCKS = 5  # least number of blocks found, beyond which they say something
# Least mean cosine between the blocks' shifts and those of the stated move, and its lead over any other move's.
# Measured on 2,400 rows: 0.81 and 0.17.
_COSINE, _LEAD = 0.6, 0.05
_MISFIT = 4.0  # largest mean difference from the source, in grey levels


@dataclass(frozen=True)
class CameraMoveParams:
    """Parameters of `depth/camera_move`.

    Attributes:
        question: `eye` (which picture is the left eye's), `sideways` (did the camera move to its left or right) or
            `any` (which of the six ways).
        side: side of each picture in pixels, 64 to 1344.
        shift: least median shift between the views, as a share of the side, 0.01 to 0.15.
    """

    question: str = "eye"
    side: int = 224
    shift: float = 0.04

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.question not in QUESTIONS:
            raise ValueError(f"question is {self.question!r}: it must be one of {', '.join(QUESTIONS)}")
        if not 64 <= self.side <= 1344:
            raise ValueError(f"side is {self.side}: it must lie in 64..1344")
        if not _SHIFT[0] <= self.shift <= _SHIFT[1]:
            raise ValueError(f"shift is {self.shift}: it must lie in {_SHIFT[0]}..{_SHIFT[1]}")


class CameraMove(Task[CameraMoveParams]):
    """The same square of two views of a scene; the answer is the move of the camera between them."""

    needs = frozenset({"image", "pair"})
    levels: ClassVar = {
        "easy": CameraMoveParams(),
        "medium": CameraMoveParams("sideways", 336, 0.02),
        "hard": CameraMoveParams("any", 336, 0.02),
    }

    def classes(self) -> int:
        """The moves."""
        return QUESTIONS[self.params.question]

    def chance(self) -> float:
        """One of the moves."""
        return 1 / self.classes()

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Show the two views in the order, and mirrored or not, that makes the move the one asked for."""
        p, record = self.params, records[0]
        if record.image is None or record.pair is None:
            raise Skip("no second view", final=True)
        axis, sign = _axis(record.pair.move)
        if p.question != "any" and axis != 0:
            raise Skip("not moved sideways", final=True)
        if axis != aim // 2:
            raise Skip("moved along another axis")
        box, first = crop.square(record, p.side, rng)
        mirrored = rng.below(2) == 1
        centre, focal = _lens(record, box)
        if p.question == "any" and not all(MIDDLE[0] <= at <= MIDDLE[1] for at in centre):
            raise Skip("heading out of the middle")
        views = [first, record.pair.image.view(box, (p.side, p.side))]
        if mirrored:
            views = [np.ascontiguousarray(view[:, ::-1]) for view in views]
            centre = (1 - centre[0], centre[1])
            sign = -sign if axis == 0 else sign
        wanted = 2 * (aim % 2) - 1
        if swapped := sign != wanted:
            views.reverse()
        if any(line.max() < BLACK for view in views for line in (view[0], view[-1], view[:, 0], view[:, -1])):
            raise Skip("black border")
        moves = [_MOVES[way] for way in DIRECTIONS[: self.classes()]]
        move = moves.pop(aim)
        shift = motion.require_move(views[0], views[1], move, moves, centre, focal, p.shift)
        options = ["1", "2"] if p.question == "eye" else list(DIRECTIONS[: self.classes()])
        right = options[1 - aim] if p.question == "eye" else options[aim]
        yield Example(
            prompt=("Picture 1: ", views[0], "\nPicture 2: ", views[1], "\n" + _question(p.question, options)),
            answer=Choice().answer(right, options),
            meta={
                "box": list(box),
                "mirrored": mirrored,
                "swapped": swapped,
                "centre": [round(at, 4) for at in centre],
            },
            solution=_solution(p.question, aim, right, shift),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Look for blocks of picture 1 in picture 2: their shifts must fit the stated move, and better than any other.

        With the records, the pictures must be the source's views as stated, and the declared move must say the same.
        """
        params, made = row.meta["params"], row.meta["make"]
        side = params["side"]
        if len(row.images) != 2 or any(image.shape != (side, side, 3) for image in row.images):
            yield Fault("true", f"expected 2 pictures of {side} x {side} pixels")
            return
        options, stated = row.answer.value["options"], row.answer.value["answer"]
        if params["question"] == "eye":
            options, stated = DIRECTIONS[:2], {"1": "right", "2": "left"}[stated]
        if records and records[0].image is not None and records[0].pair is not None:
            pair = records[0].pair
            views = [picture.view(tuple(made["box"]), (side, side)) for picture in (records[0].image, pair.image)]
            shown = row.images[::-1] if made["swapped"] else row.images
            for view, image in zip(views, shown, strict=True):
                turned = view[:, ::-1] if made["mirrored"] else view
                if np.abs(turned.astype(np.int16) - image).mean() > _MISFIT:
                    yield Fault("true", "a picture is not the source's")
                    return
            along = np.array(pair.move) * (-1 if made["swapped"] else 1)
            along[0] *= -1 if made["mirrored"] else 1
            strongest = int(np.abs(along).argmax())
            if DIRECTIONS[2 * strongest + int(along[strongest] > 0)] != stated:
                yield Fault("true", f"stated {stated}, the corpus declares another move")
                return
        places, shifts = _matched(*row.images)
        if len(places) < _BLOCKS:
            yield Fault("one answer", "too little of picture 1 is found in picture 2")
            return
        cosines = {}
        for option in options:
            axis, ahead = divmod(DIRECTIONS.index(option), 2)
            # Against a move aside all shifts alike; on a move ahead each away from the point that the camera heads for.
            pattern = places - made["centre"] if axis == 2 else np.tile(-np.eye(2)[axis], (len(places), 1))
            sizes = np.maximum(np.hypot(*pattern.T) * np.hypot(*shifts.T), 1e-9)
            cosines[option] = float(((shifts * pattern).sum(1) / sizes).mean()) * (1 if ahead else -1)
        best, next_best = sorted(cosines, key=cosines.__getitem__, reverse=True)[:2]
        if best != stated:
            yield Fault("true", f"stated {stated}, the pictures say {best}")
        elif cosines[best] < _COSINE or cosines[best] < cosines[next_best] + _LEAD:
            yield Fault("one answer", "the pictures do not show one move")


def _axis(move: Sequence[float]) -> tuple[int, int]:
    """The axis that a move is along, and its sense.

    Raises:
        Skip: it is along none.
    """
    size = np.abs(np.array(move, np.float64))
    axis = int(size.argmax())
    if not size[axis] > 0 or size[axis] < ALONG * float(np.hypot(*np.delete(size, axis))):
        raise Skip("move along no axis", final=True)
    return axis, 1 if move[axis] > 0 else -1


def _lens(record: Record, box: tuple[int, int, int, int]) -> tuple[tuple[float, float], float]:
    """Principal point in the box and focal length, in shares of the box's side."""
    width, height = record.image.size if record.image else (0, 0)
    camera = record.camera
    x, y = camera.centre if camera and camera.centre else (width / 2, height / 2)
    focal = camera.focal if camera and camera.focal else FOCAL * max(width, height)
    side = box[2] - box[0]
    return ((x - box[0]) / side, (y - box[1]) / side), focal / side


def _question(question: str, options: Sequence[str]) -> str:
    scene = "Both pictures show the same scene, which stood still."
    if question == "eye":
        return f"{scene} They are what two eyes side by side saw. Which picture is the left eye's?"
    ways = f"{', '.join(options[:-1])} or {options[-1]}"
    moved = "The camera moved between picture 1 and picture 2."
    return f"{scene} {moved} As seen from the camera, which way was that: {ways}?"


def _solution(question: str, aim: int, right: str, shift: float) -> str:
    """How the answer follows. `shift`: by how much what is near moves, as a share of the side."""
    if question == "eye":
        place = "left" if aim else "right"
        return (
            f"What is near lies further {place} in picture 2 than in picture 1, by about {shift:.0%} of the width, and "
            f"what is far by less. The eye of picture 2 is therefore further {DIRECTIONS[aim]}, and the left eye saw "
            f"picture {right}."
        )
    if aim < 4:
        return (
            f"From picture 1 to picture 2 things shift {DIRECTIONS[aim ^ 1]}, near ones by about {shift:.0%} of the "
            f"picture and far ones by less. Things shift against the camera's move, so it moved {right}."
        )
    spread = "outwards from the middle and grow" if aim % 2 else "inwards to the middle and shrink"
    return (
        f"From picture 1 to picture 2 things move {spread}, near ones by about {shift:.0%} of the picture and far ones "
        f"by less, so the camera moved {right}."
    )


def _matched(first: Pixels, second: Pixels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places (x, y) of blocks of the first picture found elsewhere in the second, once only, and their shifts.

    Both in shares of the side, count x 2; by normalised correlation at every place in reach. What did not move by more
    than a pixel of the thumbnail is left out.
    """
    size = (_THUMBNAIL, _THUMBNAIL)
    small = [
        cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        for image in (first, second)
    ]
    padded = cv2.copyMakeBorder(small[1], _REACH, _REACH, _REACH, _REACH, cv2.BORDER_REFLECT)
    places, shifts = [], []
    for y in range(0, _THUMBNAIL - _BLOCK + 1, _STEP):
        for x in range(0, _THUMBNAIL - _BLOCK + 1, _STEP):
            block = small[0][y : y + _BLOCK, x : x + _BLOCK]
            if block.std() < _CONTRAST:
                continue
            around = padded[y : y + _BLOCK + 2 * _REACH, x : x + _BLOCK + 2 * _REACH]
            found = cv2.matchTemplate(around, block, cv2.TM_CCOEFF_NORMED)
            row, column = (int(at) for at in np.unravel_index(found.argmax(), found.shape))
            peak = float(found[row, column])
            found[max(0, row - 3) : row + 4, max(0, column - 3) : column + 4] = -1
            if peak < _PEAK or found.max() > peak - _RUNNER_UP or max(abs(row - _REACH), abs(column - _REACH)) < 2:
                continue
            places.append((x + _BLOCK / 2, y + _BLOCK / 2))
            shifts.append((column - _REACH, row - _REACH))
    where, how_far = (np.array(found, np.float64).reshape(-1, 2) / _THUMBNAIL for found in (places, shifts))
    return where, how_far
