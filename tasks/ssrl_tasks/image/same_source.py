"""Are two views parts of one photograph?

The contrastive question of SSL4RL: two crops, each with its colours changed, of one picture or of two. Unlike there,
two views of one picture share a stated least part of it, the other picture is never the same one nor nearly so, and
both classes are drawn alike: where each view lies, how it is changed, which comes first and whether the views are fit
to be asked about are settled before it matters from which picture the second view is cut.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ssrl_data.answers.choice import Choice
from ssrl_data.core import Example, Fault, Json, Mark, Pixels, Record, Row, Skip, Task
from ssrl_data.gates import similarity, twins
from ssrl_data.media.image import MARGIN, SCALES, Box, Picture, least_extent
from ssrl_data.rng import Rng

Grey: TypeAlias = "NDArray[np.float32]"

OPTIONS = ("yes", "no")

EACH = 1 / 16
"""Least share of either view that the other shows too: at 224 pixels, two by two patches of a vision model."""

ALIKE = 2.0
"""Most by which one picture may be finer than the other (ratio of the sides of squares of equal area): beyond it one
view would be soft from enlargement in its camera and the other not, only when the pictures are two."""

HUE = 1 / 4
"""Largest turn of the hue, of a full one, at `jitter` 1; brightness, contrast and saturation change by `jitter`."""

BLUR = (0.1, 2.0)
"""Standard deviation in pixels of a view of 224, as in SimCLR; in proportion at other sides."""

COLOURED = 6.0
"""Mean spread of the channels, in grey levels, above which a picture has colour. Greyscale files measure 0 to 2."""

CONTRAST, SHARED_CONTRAST = 10.0, 6.0
"""Least mean absolute deviation from the mean, in grey levels, of a view as shown and of what two views share."""

CORRELATED = 0.8
"""Least correlation of what two views share, on thumbnails of the luminance as shown."""

FOUND, POINTS = 0.8, 7
"""Correlation of a view with some place of the other picture, and points that the pictures have in common, from which
on the two may be one scene. Of different photographs 6% have the first (plain ones) and none the second (400 pairs: at
most 6); of crops of one picture, mirrored, resized and encoded again, 80% the first and all the second."""

TRIES = 100
"""Draws of a pair of places before this variant is given up."""

LUMA = np.array([0.299, 0.587, 0.114])
_YIQ = np.array([LUMA, [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])

_PATCH = 12

# Audit. SAME: mean absolute difference, in grey levels on a thumbnail, between a view as shown and its source under
# the recorded changes. MATCHES: feature points of a view found in the other picture in one consistent arrangement: at
# most 3 in 1,172 views of photographs that have nothing in common.
SAME = 2.5
LIKE = 0.7
_GRID = 16
_SEEN = 384
_POINTS = 300
_ZOOM = 5.0
MATCHES = 10


@dataclass(frozen=True)
class SameSourceParams:
    """Parameters of `image/same_source`.

    Attributes:
        side: side of each view in pixels, 64 to 1344, a multiple of 8.
        scale: least and largest share of its picture's area that a view shows, in (0, 1].
        ratio: most by which a view's frame is wider than high, or higher than wide, before it is made square: 1 to 2.
        overlap: least share of the smaller view's area that the other shows too, in (0, 1].
        jitter: strength of the change of colours, 0 to 1: brightness, contrast and saturation by a factor of up to
            1 +- jitter, hue by up to jitter / 4 of a turn.
        grey: probability that a view loses its colours.
        blur: probability that a view is blurred.
        flip: whether a view may be mirrored, left to right; half of the views are.
    """

    side: int = 224
    scale: tuple[float, ...] = (0.4, 1.0)
    ratio: float = 1.0
    overlap: float = 0.6
    jitter: float = 0.2
    grey: float = 0.0
    blur: float = 0.0
    flip: bool = False

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 64 <= self.side <= 1344 or self.side % 8:
            raise ValueError(f"side is {self.side}: it must lie in 64..1344 and be a multiple of 8")
        numbers = all(isinstance(share, (int, float)) for share in self.scale)
        if len(self.scale) != 2 or not numbers or not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ValueError(f"scale is {list(self.scale)}: it must be two rising shares in (0, 1]")
        if not 1 <= self.ratio <= 2:
            raise ValueError(f"ratio is {self.ratio}: it must lie in 1..2")
        if not 0 < self.overlap <= 1:
            raise ValueError(f"overlap is {self.overlap}: it must lie in (0, 1]")
        for name, value in (("jitter", self.jitter), ("grey", self.grey), ("blur", self.blur)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} is {value}: it must lie in [0, 1]")


class SameSource(Task[SameSourceParams]):
    """Two views of one photograph or of two; the answer is yes or no."""

    levels: ClassVar = {
        "easy": SameSourceParams(),
        "medium": SameSourceParams(scale=(0.2, 1.0), overlap=0.4, jitter=0.4, grey=0.1, blur=0.3, flip=True),
        "hard": SameSourceParams(scale=(0.08, 0.5), overlap=0.25, jitter=0.6, grey=0.2, blur=0.5, flip=True),
        "ssl4rl": SameSourceParams(
            scale=(0.08, 1.0), ratio=4 / 3, overlap=0.25, jitter=0.8, grey=0.2, blur=0.5, flip=True
        ),
    }

    # How much texture there is, and with it the size of the file, is alike in two views of one picture.
    signal: ClassVar = frozenset({"bytes", "residuals"})

    def classes(self) -> int:
        """Yes and no."""
        return 2

    def chance(self) -> float:
        """A coin."""
        return 0.5

    def donors(self) -> int:
        """The other picture; also asked for when the answer is yes, so that both classes pass the same gates."""
        return 1

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Cut two overlapping views of the picture, and the second one from the other picture too; show two of them."""
        p = self.params
        picture, other = _pair(records, p)
        first, second, elsewhere = _places(p, picture.size, other.size, rng)
        size = (p.side, p.side)
        outer = [picture.view(first, size), other.view(elsewhere, size)]
        if _coloured(outer[0]) != _coloured(outer[1]):
            raise Skip("only one picture has colour")
        looks = [_look(p, rng) for _ in range(2)]
        # The second view last, since one of each picture tells most of what is refused.
        (one, change), (two, other_change) = (_shown(*each) for each in zip(outer, looks, strict=True))
        middle = picture.view(second, size)
        same, same_change = _shown(middle, looks[1])
        plain = [outer[0], middle, outer[1]]
        shown, changes = [one, same, two], [change, same_change, other_change]
        parts = [
            _part(box, _common(first, second), p.side, change["flip"])
            for box, change in zip((first, second), changes, strict=False)
        ]
        patches = [_patch(pixels, part) for pixels, part in zip(shown, parts, strict=False)]
        if not _alike(patches[0], patches[1][:, ::-1] if changes[0]["flip"] != changes[1]["flip"] else patches[1]):
            raise Skip("what is shared is not to be seen")
        if aim == 1 and _one_scene([plain[0], plain[2]], [first, elsewhere], [picture, other]):
            raise Skip("the pictures may be one")

        chosen = rng.shuffled([0, 1 + aim])
        boxes = (first, second, elsewhere)
        yield Example(
            prompt=_prompt(p, [shown[i] for i in chosen]),
            answer=Choice().answer(OPTIONS[aim], OPTIONS),
            meta={"views": [{"of": int(i == 2), "box": list(boxes[i]), **changes[i]} for i in chosen]},
            marks=() if aim else tuple(Mark(n, parts[i], "shared") for n, i in enumerate(chosen)),
            used=1 + aim,
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Undo nothing, look twice: each view against its source, then the views against each other.

        With the records: each view is what the recorded changes make of the recorded place. For "yes" both places lie
        in one picture and overlap as stated, and the part shared looks alike in both views. For "no" they lie in two
        pictures with other content and group, and feature points of neither view are found in the other picture.
        Without: two pictures of the right size, not both the same.
        """
        params, views = row.meta["params"], row.meta["make"]["views"]
        side, stated = params["side"], row.answer.value["answer"]
        if len(row.images) != 2 or len(views) != 2 or any(image.shape != (side, side, 3) for image in row.images):
            yield Fault("true", f"expected two pictures of {side} x {side} pixels")
            return
        homes = {view["of"] for view in views}
        if (len(homes) == 1) != (stated == "yes"):
            yield Fault("true", f"stated {stated}, the views come from {len(homes)} picture(s)")
            return
        if not records:
            if float(cv2.absdiff(row.images[0], row.images[1]).mean()) < 1:
                yield Fault("one answer", "the two pictures are the same pixels")
            return
        pictures = [record.image for record in records]
        if max(homes) >= len(pictures) or any(pictures[home] is None for home in homes):
            yield Fault("true", "a picture is missing from the sources")
            return
        for image, view in zip(row.images, views, strict=True):
            if _misfit(image, view, pictures[view["of"]]) > SAME:
                yield Fault("true", "a view is not what its source shows at the recorded place")
                return
        if stated == "yes":
            yield from _audit_yes(row, params["overlap"])
        elif records[0].source_id == records[1].source_id or records[0].group == records[1].group:
            yield Fault("true", "stated no, and both views come from one source or group")
        else:
            for image, view in zip(row.images, views, strict=True):
                matches = _matches(image, pictures[1 - view["of"]])
                if matches >= MATCHES:
                    yield Fault("one answer", f"{matches} feature points of a view are found in the other picture")


def _pair(records: Sequence[Record], p: SameSourceParams) -> tuple[Picture, Picture]:
    """The picture and the other one, both large enough and neither much finer."""
    picture, need = records[0].image, _need(p)
    if picture is None:
        raise Skip("no picture", final=True)
    width, height = picture.size
    if min(width, height) < need or p.scale[1] * width * height < need**2:
        raise Skip("picture too small", final=True)
    if len(records) < 2 or records[1].image is None:
        raise Skip("no other picture", final=True)
    other = records[1].image
    if records[1].source_id == records[0].source_id:
        raise Skip("the other picture is the same")
    if records[1].group == records[0].group:
        raise Skip("the other picture is of the same group")
    if min(other.size) < need or p.scale[1] * math.prod(other.size) < need**2:
        raise Skip("other picture too small")
    finer = math.sqrt(math.prod(picture.size) / math.prod(other.size))
    if not 1 / ALIKE <= finer <= ALIKE:
        raise Skip("one picture is much finer")
    return picture, other


def _need(p: SameSourceParams) -> int:
    """Least extent of a view in native pixels."""
    return math.ceil(MARGIN * p.side)


def _places(p: SameSourceParams, size: tuple[int, int], other: tuple[int, int], rng: Rng) -> tuple[Box, Box, Box]:
    """Two places of a picture that share enough, and the second one's like in the other picture."""
    for _ in range(TRIES):
        frames = [(rng.uniform(*p.scale), p.ratio ** rng.uniform(-1, 1)) for _ in range(2)]
        extents = [_extent(of, *frame) for of, frame in zip((size, size, other), (*frames, frames[1]), strict=True)]
        spot = [rng.uniform() for _ in range(4)]
        if min(min(extent) for extent in extents) < _need(p):
            continue
        if _scale(p, extents[0]) != _scale(p, extents[1]):
            continue
        if any(w > of[0] or h > of[1] for (w, h), of in zip(extents, (size, size, other), strict=True)):
            continue
        first = _placed(size, extents[0], spot[:2])
        # Only places that meet the first are tried for the second.
        near = []
        for axis in (0, 1):
            room = size[axis] - extents[1][axis]
            low = min(room, max(0, first[axis] - extents[1][axis] + 1))
            high = min(room, first[axis + 2] - 1)
            near.append((low + spot[2 + axis] * (high - low)) / room if room else 0.0)
        second = _placed(size, extents[1], near)
        x0, y0, x1, y1 = _common(first, second)
        shared = max(0, x1 - x0) * max(0, y1 - y0)
        areas = sorted(math.prod(extent) for extent in extents[:2])
        if shared >= p.overlap * areas[0] and shared >= EACH * areas[1] and first != second:
            return first, second, _placed(other, extents[2], near)
    raise Skip("no two places share enough")


def _scale(p: SameSourceParams, extent: tuple[int, int]) -> int:
    """The scale of its JPEG at which a place is seen: one for both views, since decoding costs more than all else."""
    return next((scale for scale in SCALES if min(extent) >= least_extent(p.side, scale)), 1)


def _extent(size: tuple[int, int], share: float, aspect: float) -> tuple[int, int]:
    area = share * math.prod(size)
    return round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))


def _placed(size: tuple[int, int], extent: tuple[int, int], spot: Sequence[float]) -> Box:
    """A box by its place in [0, 1] along each axis."""
    x, y = (round(at * (whole - part)) for at, whole, part in zip(spot, size, extent, strict=True))
    return x, y, x + extent[0], y + extent[1]


def _common(one: Box, other: Box) -> Box:
    """What two boxes share; not a box when they share nothing."""
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _coloured(pixels: Pixels) -> bool:
    small = similarity.thumbnail(pixels, 16)
    return float(np.ptp(small, axis=2).mean()) > COLOURED


def _look(p: SameSourceParams, rng: Rng) -> dict[str, Any]:
    """How a view is changed, drawn before any view is seen."""
    factors = [1 + p.jitter * rng.uniform(-1, 1) for _ in range(3)]
    turn = 2 * math.pi * HUE * p.jitter * rng.uniform(-1, 1)
    grey, blurred, mirrored = rng.uniform() < p.grey, rng.uniform() < p.blur, rng.below(2) == 1
    sigma = rng.uniform(*BLUR) * p.side / 224
    return {
        "factors": factors,
        "turn": turn,
        "grey": grey,
        "blur": round(sigma, 3) if blurred else 0.0,
        "flip": p.flip and mirrored,
    }


def _change(pixels: Pixels, look: dict[str, Any]) -> dict[str, Json]:
    """A look at work on one view: brightness, contrast about the mean, saturation, hue and greyscale in one matrix.

    One matrix rounds and clips once; the published chain does so after each step. Hue turns in YIQ, which keeps the
    luminance.
    """
    bright, contrast, saturation = look["factors"]
    cosine, sine = math.cos(look["turn"]), math.sin(look["turn"])
    turned = np.linalg.inv(_YIQ) @ np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]) @ _YIQ
    luma = np.tile(LUMA, (3, 1))
    colour = luma if look["grey"] else turned @ (saturation * np.eye(3) + (1 - saturation) * luma)
    mean = float(np.dot(cv2.mean(pixels)[:3], LUMA))
    offset = np.full((3, 1), (1 - contrast) * bright * mean)
    matrix = np.hstack([contrast * bright * colour, offset]).round(4)
    return {"matrix": matrix.tolist(), "blur": look["blur"], "flip": look["flip"]}


def _changed(pixels: Pixels, change: dict[str, Json]) -> Pixels:
    out: NDArray[Any] = cv2.transform(pixels, np.array(change["matrix"]))
    if change["blur"]:
        out = cv2.GaussianBlur(out, (0, 0), change["blur"])
    return np.ascontiguousarray(out[:, ::-1] if change["flip"] else out, np.uint8)


def _shown(pixels: Pixels, look: dict[str, Any]) -> tuple[Pixels, dict[str, Json]]:
    """A view as it is shown, and what was done to it; refused where that leaves it flat."""
    change = _change(pixels, look)
    shown = _changed(pixels, change)
    if similarity.least_contrast(similarity.thumbnail(shown, 16)[None]) < CONTRAST:
        raise Skip("flat view")
    return shown, change


def _part(box: Box, common: Box, side: int, flip: bool) -> Box:
    """Where a place lies in a view of `box`, in pixels of the view as shown."""
    width, height = box[2] - box[0], box[3] - box[1]
    x0, x1 = ((x - box[0]) * side / width for x in (common[0], common[2]))
    y0, y1 = ((y - box[1]) * side / height for y in (common[1], common[3]))
    if flip:
        x0, x1 = side - x1, side - x0
    return round(x0), round(y0), max(round(x1), round(x0) + 1), max(round(y1), round(y0) + 1)


def _patch(pixels: Pixels, part: Box) -> Grey:
    """A part of a view as a small grey thumbnail."""
    x0, y0, x1, y1 = part
    small = cv2.resize(pixels[y0:y1, x0:x1], (_PATCH, _PATCH), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)


def _alike(one: Grey, other: Grey) -> bool:
    """Whether two thumbnails show one thing, and show it clearly."""
    if min(float(np.abs(patch - patch.mean()).mean()) for patch in (one, other)) < SHARED_CONTRAST:
        return False
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) >= CORRELATED


def _one_scene(plain: Sequence[Pixels], boxes: Sequence[Box], pictures: Sequence[Picture]) -> bool:
    """Whether two pictures may be one scene, seen from a view of each."""
    sides = [min(box[2] - box[0], box[3] - box[1]) for box in boxes]
    wholes = [twins.overview(p, side, len(view)) for p, side, view in zip(pictures, sides, plain, strict=True)]
    if twins.common_points(*wholes) >= POINTS:
        return True
    return any(twins.best_fit(plain[i], boxes[i], pictures[i], wholes[1 - i]) >= FOUND for i in (0, 1))


def _prompt(p: SameSourceParams, shown: Sequence[Pixels]) -> tuple[str | Pixels, ...]:
    changes = ["its colours may be changed"]
    if p.blur:
        changes.append("it may be blurred")
    if p.flip:
        changes.append("it may be mirrored left to right")
    how = ", ".join(changes[:-1]) + (" and " if len(changes) > 1 else "") + changes[-1]
    text = (
        f"\nEach picture is a part of a photograph, and {how}. Are picture 1 and picture 2 parts of one and the same "
        "photograph, parts that overlap (yes), or of two different photographs (no)?"
    )
    return "Picture 1: ", shown[0], "\nPicture 2: ", shown[1], text


def _audit_yes(row: Row, least: float) -> Iterator[Fault]:
    """The recorded places overlap as the parameters say, and what they share looks alike in the two pictures."""
    views = row.meta["make"]["views"]
    masks = []
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = (view["box"] for view in views)
    across, down = min(ax1, bx1) - max(ax0, bx0), min(ay1, by1) - max(ay0, by0)
    areas = [(ax1 - ax0) * (ay1 - ay0), (bx1 - bx0) * (by1 - by0)]
    if across <= 0 or down <= 0 or across * down < least * min(areas) or across * down < EACH * max(areas):
        yield Fault("true", "stated yes, and the places share less than they should")
        return
    # One grid of points over what both show, looked up in each picture.
    xs = np.linspace(max(ax0, bx0), min(ax1, bx1), 2 * _GRID + 1)[1::2]
    ys = np.linspace(max(ay0, by0), min(ay1, by1), 2 * _GRID + 1)[1::2]
    for image, view in zip(row.images, views, strict=True):
        x0, y0, x1, y1 = view["box"]
        u, v = (xs - x0) / (x1 - x0), (ys - y0) / (y1 - y0)
        soft = cv2.GaussianBlur(image.astype(np.float32) @ LUMA.astype(np.float32), (0, 0), len(image) / 64)
        across_ = np.float32((1 - u if view["flip"] else u) * len(image) - 0.5)
        down_ = np.float32(v * len(image) - 0.5)
        masks.append(cv2.remap(soft, *np.meshgrid(across_, down_), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    like = float(np.corrcoef(masks[0].ravel(), masks[1].ravel())[0, 1])
    if not like >= LIKE:
        yield Fault("true", f"stated yes, and what the views share looks different (correlation {like:.2f})")


def _misfit(image: Pixels, view: Json, picture: Picture) -> float:
    """Mean absolute difference on a thumbnail between a view as shown and its source under the recorded changes."""
    side = len(image)
    plain = picture.view(tuple(view["box"]), (side, side)).astype(np.float32)
    matrix = np.array(view["matrix"], np.float32)
    made = np.clip(plain @ matrix[:, :3].T + matrix[:, 3], 0, 255)
    if view["blur"]:
        made = cv2.GaussianBlur(made, (0, 0), view["blur"])
    made = made[:, ::-1] if view["flip"] else made
    cells = side // 8
    small = [pixels.reshape(cells, 8, cells, 8, 3).mean((1, 3)) for pixels in (made, image.astype(np.float32))]
    return float(np.abs(small[0] - small[1]).mean())


def _matches(image: Pixels, picture: Picture) -> int:
    """Feature points (SIFT; Lowe 2004) of a view that lie in one arrangement in a picture, mirrored or not."""
    width, height = picture.size
    shrink = min(1.0, _SEEN / max(width, height))
    whole = picture.view((0, 0, width, height), (round(width * shrink), round(height * shrink)))
    reach = len(image) / min(whole.shape[:2])
    finder: Any = cv2.SIFT.create(_POINTS)
    there, described = finder.detectAndCompute(cv2.cvtColor(whole, cv2.COLOR_RGB2GRAY), None)
    best = 0
    for turned in (image, np.ascontiguousarray(image[:, ::-1])):
        here, sought = finder.detectAndCompute(cv2.cvtColor(turned, cv2.COLOR_RGB2GRAY), None)
        if sought is None or described is None or len(there) < 2:
            continue
        pairs = cv2.BFMatcher().knnMatch(sought, described, 2)
        good = [one for one, next_ in pairs if one.distance < 0.75 * next_.distance]
        if len(good) >= MATCHES:
            start = np.array([here[match.queryIdx].pt for match in good], np.float32)
            end = np.array([there[match.trainIdx].pt for match in good], np.float32)
            move, inside = cv2.estimateAffinePartial2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=4)
            # A repeated pattern sends many points to one: then they shrink to it, or few different ones are hit.
            if move is not None and 1 / _ZOOM <= math.hypot(move[0, 0], move[1, 0]) * reach <= _ZOOM:
                best = max(best, len(np.unique(end[inside.ravel() == 1].round(), axis=0)))
    return best
