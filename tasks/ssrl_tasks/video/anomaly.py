"""Say when a clip is altered, or how.

The anomaly grounding of VideoSSR (CVPR 2026): of evenly spaced frames a stretch is altered, and the answer is when, in
seconds. Unlike there, the alteration must show on the clip at hand, nothing else in the clip may look like it, its
strength is one for the whole stretch, all frames go through one encoder, the clip's own timestamps count, a quarter
turn keeps the frame's size, the kind need not be named, it may be asked for instead, and a clip may be untouched.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, ClassVar

import cv2
import numpy as np

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.interval import Interval, best_constant
from ssrl_data.core import Answer, Example, Fault, Json, Mark, Pixels, Record, Row, Task
from ssrl_data.gates import change, sampling
from ssrl_data.gates.alteration import EVEN, MOVING, PLAIN, QUARTER, alter
from ssrl_data.rng import Rng

KINDS = {
    "greyscale": "shown without colour",
    "inverted": "shown as a negative, dark for bright and every colour for its opposite",
    "channels swapped": "shown with red and blue exchanged",
    "turned by 90": "turned clockwise by 90 degrees",
    "turned by 180": "turned by 180 degrees",
    "turned by 270": "turned clockwise by 270 degrees",
    "noise": "covered with noise",
    "shuffled": "shown in another order",
    "swapped": "replaced by frames of another clip",
    "zoom in": "enlarged, so that only their middle is seen",
    "zoom out": "shrunk, with a black border around them",
    "mirrored": "mirrored, left for right",
    "blurred": "blurred",
    "saturated": "shown in much stronger colours",
    "stutter": "held for a while each, so that what is seen lags behind",
    "reversed": "shown backwards",
    "part frozen": "partly frozen: one rectangle stands still while the rest goes on",
    "halves swapped": "cut into a left and a right half, which have changed places",
}
FORMS = ("when", "named", "kind")

_MEASURES = {"greyscale": "colour", "inverted": "colour", "channels swapped": "colour", "saturated": "colour"}
_MEASURES |= {"blurred": "detail", "noise": "grain"}

# Audit, grey levels by which the 2% of the 8 x 8 blocks differ most that differ most: the encoder makes 1.0. Texture:
# mean absolute differences at full size in the 5% of the blocks that differ most, the encoder makes 3.4.
ALTERED = 3.5
TEXTURE = 5.0
SAME = 3.0


@dataclass(frozen=True)
class AnomalyParams:
    """Parameters of `video/anomaly`.

    Attributes:
        frames: shown, 8 to 64.
        pixels: most pixels of a frame, 4,096 to 65,536.
        kinds: of alteration, two or more names of `KINDS` without repeats; one is drawn. Quarter turns need `square`.
        form: what is asked. `when`: the time, the kind not named; `named`: the time, the kind named; `kind`: the kind.
        stretch: least and most altered frames, 2 or more; `shuffled` needs 4. Two frames or more stay untouched. Odd
            numbers are left out where `stutter` or `reversed` is among the kinds, so that the kind tells nothing.
        step: least and most seconds from frame to frame.
        square: whether the middle square of the frames is shown, or all of them.
        untouched: share of clips in which nothing is altered, so that the answer is `none`: 0, or 1/n for n in 2..10.
    """

    frames: int = 8
    pixels: int = 50_176
    kinds: tuple[str, ...] = tuple(KINDS)
    form: str = "when"
    stretch: tuple[int, int] = (2, 4)
    step: tuple[float, float] = (0.08, 0.8)
    square: bool = True
    untouched: float = 0.0

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 8 <= self.frames <= 64:
            raise ValueError(f"frames is {self.frames}: it must lie in 8..64")
        if not 4096 <= self.pixels <= 65_536:
            raise ValueError(f"pixels is {self.pixels}: it must lie in 4096..65536")
        if len(self.kinds) < 2 or len(set(self.kinds)) < len(self.kinds) or not set(self.kinds) <= set(KINDS):
            raise ValueError(f"kinds is {self.kinds!r}: it must hold two or more of {', '.join(KINDS)}, each once")
        if not self.square and (quarter := set(self.kinds) & set(QUARTER)):
            raise ValueError(f"kinds is {self.kinds!r}: {min(quarter)} must come with square frames, which keep size")
        if self.form not in FORMS:
            raise ValueError(f"form is {self.form!r}: it must be one of {', '.join(FORMS)}")
        least = 4 if "shuffled" in self.kinds else 2
        most = self.frames - 2
        if len(self.stretch) != 2 or not (
            all(type(n) is int for n in self.stretch) and least <= self.stretch[0] <= self.stretch[1] <= most
        ):
            raise ValueError(f"stretch is {self.stretch!r}: it must be two numbers in {least}..{most}, rising")
        if len(_support(self)) < 2:
            raise ValueError(f"stretch is {self.stretch!r}: it must leave two or more answers")
        if len(self.step) != 2 or not (
            all(isinstance(s, (int, float)) for s in self.step) and 0.02 <= self.step[0] <= self.step[1] <= 60
        ):
            raise ValueError(f"step is {self.step!r}: it must be two numbers of seconds in 0.02..60, rising")
        if self.untouched and self.untouched not in [1 / n for n in range(2, 11)]:
            raise ValueError(f"untouched is {self.untouched}: it must be 0 or 1/n for n in 2..10")
        if self.untouched and self.form == "kind":
            raise ValueError(f"untouched is {self.untouched}: it must be 0 with form 'kind', which asks what was done")


def _support(p: AnomalyParams) -> list[tuple[int, int]]:
    """First altered frame and first frame after, for all stretches: equally likely."""
    even = not set(p.kinds).isdisjoint(EVEN)
    lengths = [n for n in range(p.stretch[0], p.stretch[1] + 1) if not (even and n % 2)]
    return [(first, first + n) for n in lengths for first in range(1, p.frames - n)]


_VISUAL = tuple(kind for kind in KINDS if kind not in MOVING)


class Anomaly(Task[AnomalyParams]):
    """Frames of a clip, a stretch of them altered; the answer says when, or how."""

    version = 1
    needs = frozenset({"clip"})
    levels: ClassVar = {
        "easy": AnomalyParams(
            kinds=("greyscale", "inverted", "turned by 90", "turned by 180", "turned by 270", "noise", "zoom out"),
            step=(0.08, 1.0),
        ),
        "kind": AnomalyParams(
            frames=16,
            pixels=36_864,
            kinds=(*_VISUAL[:7], "zoom out", "mirrored", "blurred", "stutter", "reversed", "halves swapped"),
            form="kind",
            stretch=(4, 8),
        ),
        "medium": AnomalyParams(frames=16, pixels=36_864, kinds=_VISUAL, stretch=(3, 6)),
        "maybe": AnomalyParams(frames=16, pixels=36_864, kinds=_VISUAL, stretch=(3, 6), untouched=1 / 4),
        "hard": AnomalyParams(frames=32, pixels=28_224, stretch=(4, 8), step=(0.04, 0.8)),
        "videossr": AnomalyParams(
            frames=48,
            pixels=65_536,
            kinds=("channels swapped", "mirrored", "zoom out", "turned by 180"),
            form="named",
            stretch=(8, 16),
            step=(0.03, 1.6),
            square=False,
        ),
    }
    # An alteration shows in all of these: noise and blur in residuals and bytes, a turn or a zoom at the borders.
    signal: ClassVar = frozenset({"borders", "bytes", "residuals"})

    def classes(self) -> int:
        """The kinds, where they are asked for; where a clip may be untouched, the first of 1/share classes is."""
        p = self.params
        return len(p.kinds) if p.form == "kind" else round(1 / p.untouched) if p.untouched else 1

    def chance(self) -> float | None:
        """One of the kinds; or the best constant, by number of frame: a window's times are those times its step."""
        return 1 / len(self.params.kinds) if self.params.form == "kind" else _chance(self.params)[1]

    def donors(self) -> int:
        """The clip whose frames are shown instead."""
        return int("swapped" in self.params.kinds)

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Take a window of the clip, alter a stretch of it, and ask."""
        p = self.params
        kind = p.kinds[aim] if p.form == "kind" else rng.choice(p.kinds)
        places = _support(p)
        at = rng.below(len(places))
        if p.form != "kind":  # the same odds for each place, and other ones for the other classes
            at = (at + aim * len(places) // self.classes()) % len(places)
        first, end = places[at]
        window = sampling.window(records[0], p.frames, p.step, p.pixels, rng, square=p.square)
        plain = window.frames()
        shown, note = alter(kind, window, range(first, end), records[1:], p.step, rng)
        _check(p, kind, change.Change(plain, shown, range(first, end)), note.get("part"))
        times = window.times
        if untouched := bool(p.untouched) and aim == 0:
            # Past the same gates as the others, so that the kind of clip tells nothing.
            shown, note = plain, {}
        yield Example(
            prompt=(*sampling.numbered(times, shown), _question(p, kind)),
            answer=_answer(p, kind, None if untouched else (times[first], times[end]), (times[0], times[-1])),
            meta={
                "indices": list(window.indices),
                "box": list(window.box),
                "size": list(window.size),
                "kind": None if untouched else kind,
                "stretch": None if untouched else [first, end],
                **note,
            },
            marks=tuple(
                Mark(number, (0, 0, *window.size), "untouched" if untouched else kind)
                for number in (range(1) if untouched else range(first, end))
            ),
            solution=_solution(p, None if untouched else kind, first, end, times),
            used=2 if "donor" in note else 1,
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Compare each frame with the one it stands for, see which are altered and how, and answer from that.

        With the records: the altered frames are one stretch between untouched ones, each is what the stated kind makes
        of the clip, and the answer is the times of that stretch, or the kind. Without: number and size of the frames
        are those stated, the prompt states a rising time for each, and the answer lies on these.
        """
        params, made = row.meta["params"], row.meta["make"]
        width, height = made["size"]
        if len(row.images) != params["frames"] or any(image.shape != (height, width, 3) for image in row.images):
            yield Fault("true", f"the pictures are not {params['frames']} frames of {width} x {height}")
            return
        stated = row.answer.value["answer"]
        printed = [float(time) for _, time in re.findall(r"Picture (\d+), (\d+\.\d\d) s: ", row.prompt)]
        if len(printed) != params["frames"] or any(b <= a for a, b in pairwise(printed)):
            yield Fault("true", "the prompt does not state a rising time for each frame")
            return
        if params["form"] != "kind" and stated is not None and not set(stated) <= set(printed[1:]):
            yield Fault("true", f"stated {stated}, which are not times of frames")
            return
        if params["form"] == "named" and KINDS.get(made["kind"] or "", "shown") not in row.prompt:
            yield Fault("true", "the prompt names another kind than the metadata")
        if not records or records[0].clip is None:
            return
        reel, size = records[0].clip.reel, (width, height)
        if printed != [round(reel.times[index], 2) for index in made["indices"]]:
            yield Fault("true", "the times in the prompt are not those of the frames")
            return
        before = [records[0].clip.view(index, tuple(made["box"]), size) for index in made["indices"]]
        found = [i for i, (a, b) in enumerate(zip(before, row.images, strict=True)) if _differs(a, b)]
        if not found:
            if params["form"] == "kind" or stated is not None:
                yield Fault("true", f"stated {stated}, and no frame is altered")
            return
        stretch = range(found[0], found[-1] + 1)
        if list(stretch) != found or stretch.start < 1 or stretch.stop >= len(before):
            yield Fault("one answer", f"the frames that differ from the clip's are {found}, no stretch within")
            return
        right: Json = made["kind"]
        if not _as_stated(right, before, row.images, stretch, made, records):
            yield Fault("true", f"the altered frames are not {right} ones")
        if params["form"] != "kind":
            right = [printed[stretch.start], printed[stretch.stop]]
        if stated != right:
            yield Fault("true", f"stated {stated}, the frames say {right}")


@lru_cache(maxsize=64)
def _chance(p: AnomalyParams) -> tuple[float, float]:
    """What `best_constant` says in numbers of frames: overlaps stay the same under a change of unit."""
    there: list[tuple[float, float] | None] = [(float(first), float(end)) for first, end in _support(p)]
    if not p.untouched:
        return best_constant(there)
    return best_constant(there * (round(1 / p.untouched) - 1) + [None] * len(there))


def _answer(p: AnomalyParams, kind: str, when: tuple[float, float] | None, bounds: tuple[float, float]) -> Answer:
    if p.form == "kind":
        return Choice().answer(kind, p.kinds)
    c, chance = _chance(p)
    start, end = when or (None, None)
    return Interval().answer(start, end, bounds, c=c, chance=chance, none=bool(p.untouched))


def _check(p: AnomalyParams, kind: str, seen: change.Change, part: Json) -> None:
    """The gates.

    Raises:
        Skip: the stretch cannot be told from the rest, or its kind not from the others.
    """
    seen.has_content()
    if kind in MOVING:
        seen.all_moving(part)
        seen.displaced(part)
    if kind in ("shuffled", "reversed"):
        seen.stands_out("place", change.BREAKS, inner=False)
    elif kind not in MOVING:
        seen.stands_out(_MEASURES.get(kind, "place"))
    seen.all_altered()
    if p.form == "kind" and kind in PLAIN:
        middle = seen.stretch[len(seen.stretch) // 2]
        for other in (other for other in PLAIN if other in p.kinds and other != kind):
            change.unlike(seen.shown[middle], PLAIN[other](seen.untouched[middle]))


def _question(p: AnomalyParams, kind: str) -> str:
    """What is asked, after the frames."""
    text = f"\nPictures 1 to {p.frames} are frames of one clip in order, each with its time."
    if p.form == "kind":
        lines = [f"\n- {name}: the frames are {KINDS[name]}" for name in p.kinds]
        return f"{text} In one stretch of it the frames are altered. Which of these was done?{''.join(lines)}"
    what = f"the frames are {KINDS[kind]}" if p.form == "named" else "the frames are altered"
    stretch = "In at most one stretch of it" if p.untouched else "In one stretch of it"
    when = ", if at all" if p.untouched else ""
    return (
        f"{text} {stretch} {what}; before and after it, at least in the first and the last picture, they are as they "
        f"were. A frame counts as altered when it does not show what it showed at its time. When is that{when}? Give "
        f"the time of the first altered frame as the start, and the time of the first frame after the stretch as the "
        "end."
    )


def _solution(p: AnomalyParams, kind: str | None, first: int, end: int, times: Sequence[float]) -> str:
    if kind is None:
        return "No frame is altered: each follows from the one before it."
    seen = f"From picture {first + 1} to picture {end} the frames are {KINDS[kind]}"
    if p.form == "kind":
        return f"{seen}: {kind}."
    return (
        f"{seen}. Picture {first + 1} is at {times[first]:.2f} s, and picture {end + 1}, at {times[end]:.2f} s, is as "
        "it was."
    )


def _apart(one: Pixels, other: Pixels) -> float:
    """How far the 2% of the 8 x 8 blocks are apart that are farthest apart, in grey levels."""
    height, width = one.shape[0] // 8 * 8, one.shape[1] // 8 * 8
    difference = one[:height, :width].astype(np.float32) - other[:height, :width]
    blocks = difference.reshape(height // 8, 8, width // 8, 8, 3).mean((1, 3))
    return float(np.quantile(np.abs(blocks).mean(2), 0.98))


def _differs(before: Pixels, shown: Pixels) -> bool:
    """Whether a frame is another than the encoder would make of it."""
    if _apart(before, shown) > ALTERED:
        return True
    height, width = before.shape[:2]
    rough = np.abs(before.astype(np.float32) - shown).reshape(height // 8, 8, width // 8, 8, 3).mean((1, 3, 4))
    return float(np.quantile(rough, 0.95)) > TEXTURE


def _as_stated(
    kind: str | None,
    before: Sequence[Pixels],
    shown: Sequence[Pixels],
    stretch: range,
    made: Json,
    records: Sequence[Record],
) -> bool:
    """Whether the altered frames, with the alteration undone or done again another way, are the clip's own."""
    frames = [shown[i] for i in stretch]
    own = [before[i] for i in stretch]
    pairs: list[tuple[Any, Any]] = []
    if kind in ("turned by 90", "turned by 180", "turned by 270"):
        quarters = int(kind.rpartition(" ")[2]) // 90
        pairs = [(np.rot90(frame, quarters), was) for frame, was in zip(frames, own, strict=True)]
    elif kind == "inverted":
        pairs = [(255 - frame, was) for frame, was in zip(frames, own, strict=True)]
    elif kind == "channels swapped":
        pairs = [(frame[:, :, [2, 1, 0]], was) for frame, was in zip(frames, own, strict=True)]
    elif kind == "mirrored":
        pairs = [(np.fliplr(frame), was) for frame, was in zip(frames, own, strict=True)]
    elif kind == "halves swapped":
        half = frames[0].shape[1] // 2
        pairs = [(np.hstack([f[:, half:], f[:, :half]]), was) for f, was in zip(frames, own, strict=True)]
    elif kind == "greyscale":
        luma = [was @ np.array([0.299, 0.587, 0.114]) for was in own]
        pairs = [(frame, np.dstack([grey] * 3)) for frame, grey in zip(frames, luma, strict=True)]
    elif kind == "saturated":
        vivid = [np.array(cv2.cvtColor(was, cv2.COLOR_RGB2GRAY), np.float32)[:, :, None] for was in own]
        stretched = [grey + made["strength"] * (was - grey) for grey, was in zip(vivid, own, strict=True)]
        pairs = [(frame, np.clip(colours, 0, 255)) for frame, colours in zip(frames, stretched, strict=True)]
    elif kind == "noise":
        rough = [[float(np.abs(np.diff(f.astype(int), axis=1)).mean()) for f in fs] for fs in (frames, own)]
        return all(now > 1.5 * was for now, was in zip(*rough, strict=True))
    elif kind == "blurred":
        pairs = [(f, cv2.GaussianBlur(was, (0, 0), made["strength"])) for f, was in zip(frames, own, strict=True)]
    elif kind == "reversed":
        pairs = list(zip(frames, own[::-1], strict=True))
    elif kind == "shuffled":
        order = made["order"]
        runs = sorted(order) == list(range(len(own))) and order not in (sorted(order), sorted(order, reverse=True))
        pairs = [(frame, own[i]) for frame, i in zip(frames, order, strict=True)] if runs else []
    elif kind == "stutter":
        hold = made["hold"]
        pairs = [(shown[i], before[stretch.start - 1 + (i - stretch.start) // hold * hold]) for i in stretch]
    elif kind == "part frozen":
        x0, y0, x1, y1 = made["part"]
        inside = np.zeros((*frames[0].shape[:2], 1), np.bool_)
        inside[y0:y1, x0:x1] = True
        held = before[stretch.start - 1]
        pairs = [(frame, np.where(inside, held, was)) for frame, was in zip(frames, own, strict=True)]
    elif kind in ("swapped", "zoom in", "zoom out"):
        pairs = list(_again(kind, frames, stretch, made, records))
    return len(pairs) == len(frames) and all(_apart(one, other) <= SAME for one, other in pairs)


def _again(
    kind: str, frames: Sequence[Pixels], stretch: range, made: Json, records: Sequence[Record]
) -> Iterator[tuple[Pixels, Pixels]]:
    """Shown frames beside the same view of their clip, taken again."""
    size = (made["size"][0], made["size"][1])
    for frame, number in zip(frames, stretch, strict=True):
        clip, index = records[0].clip, made["indices"][number]
        if kind == "swapped":
            clip = records[1].clip if len(records) > 1 else None
            index = made["donor"]["indices"][number - stretch.start]
        if clip is None:
            return
        if kind == "zoom out":
            # Spread out again, the frame is a softer one of its own, and what lies outside is black.
            width, height = made["shrunk"]
            x, y = (size[0] - width) // 2, (size[1] - height) // 2
            view = clip.view(index, tuple(made["box"]), (width, height))
            yield (
                frame,
                cv2.copyMakeBorder(view, y, size[1] - height - y, x, size[0] - width - x, cv2.BORDER_CONSTANT).astype(
                    np.uint8
                ),
            )
        else:
            box = made["donor"]["box"] if kind == "swapped" else made["zoomed"]
            yield frame, clip.view(index, tuple(box), size)
