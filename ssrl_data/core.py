"""All that a task author meets, on one page.

A *corpus* yields *records*; a *task* (a kind of problem) makes *examples* from records; an example is stored as a
*row*. A task only makes; an answer kind (`ssrl_data.answers`) judges.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ssrl_data.media.camera import Camera, Pair
    from ssrl_data.media.clip import Clip
    from ssrl_data.media.depth import Depth
    from ssrl_data.media.image import Picture
    from ssrl_data.media.instruction import Instruction
    from ssrl_data.media.text import Text
    from ssrl_data.media.worked import Worked
    from ssrl_data.rng import Rng

Json: TypeAlias = Any
"""A value that JSON can hold: None, bool, int, float, str, list, dict with str keys."""

Pixels: TypeAlias = "NDArray[np.uint8]"
"""A canonical picture: height x width x 3, uint8, RGB, C-contiguous."""


class SsrlError(Exception):
    """A mistake the user can mend: one sentence that says what, where and what to do. Shown without a traceback."""


class Skip(Exception):
    """Raised by `Task.make`: this attempt cannot carry the problem. Counted by reason, never a failure.

    Args:
        reason: a few fixed words ("tiles too alike"), no numbers or names, since skips are counted by it.
        final: true when no other variant of the same record could do either, so that none is tried.
    """

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final


class Reject(Exception):
    """Raised on opening a record that cannot be read. The record is listed with its reason and costs only itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Record:
    """One opened item of a corpus.

    Attributes:
        key: address inside the corpus (a relative path, say); it orders the plan and keys the draws.
        group: what must never be split between train and test (a clip, a stereo pair, a near-duplicate cluster).
        source_id: content hash: the first 32 digits of the file's SHA-256 where the record is one file.
        license: SPDX expression, or `unknown`.
        attribution: whom the licence asks to name; may be empty.
        origin: where the item comes from, for people; may be empty.
        facts: what the corpus declares of the item and its pixels do not show; `upright: false` says that nothing in
            the picture tells which way is up.
        image: the picture, when the record carries one.
        depth: the distance of what the picture shows, when the record carries it.
        camera: how the camera saw it; what is not known of it is None.
        pair: a second view of the same scene, when the record carries one.
        clip: the clip, when the record carries one.
        text: the document, when the record is one of prose.
        worked: the worked solution, the proof or the bare question with its answer, when the record is one.
        instruction: the instruction with the programs that check it, when the record is one.
    """

    key: str
    group: str
    source_id: str
    license: str = "unknown"
    attribution: str = ""
    origin: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)
    image: Picture | None = None
    depth: Depth | None = None
    camera: Camera | None = None
    pair: Pair | None = None
    clip: Clip | None = None
    text: Text | None = None
    worked: Worked | None = None
    instruction: Instruction | None = None

    def lacks(self, needs: Iterable[str]) -> str:
        """Why a task that needs these fields cannot use the record, as a skip's reason; empty where it can."""
        named = {"image": "picture", "worked": "worked solution or proof"}
        missing = [named.get(need, need) for need in sorted(needs) if getattr(self, need) is None]
        return f"no {' and no '.join(missing)}" if missing else ""


@dataclass(frozen=True, slots=True)
class Credit:
    """How a raw score becomes the final one; stored in the row, so grading needs nothing else.

    Attributes:
        rule: `exact` (all or nothing), `partial` (half of the chance-corrected raw score for an inexact answer),
            `overlap` (chance-corrected raw score as it is), or a rule of the answer kind's own.
        c: expected raw score of the best blind guesser, in [0, 1), before the rule.
    """

    rule: str = "exact"
    c: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The truth of one example: all that grading needs, plus the stated chance level.

    Attributes:
        kind: name of the answer kind.
        value: the kind's own JSON: the right answer and the space it is drawn from.
        credit: how raw scores are credited.
        chance: expected final score of the best blind guesser, constants included; None for `unlabelled`.
    """

    kind: str
    value: Json
    credit: Credit
    chance: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something the report draws over a picture of the prompt so that a person sees the answer.

    Attributes:
        image: index of the picture in the prompt, from 0.
        box: x0, y0, x1, y1 in pixels of that picture, half-open.
        label: a short text.
    """

    image: int
    box: tuple[int, int, int, int]
    label: str


@dataclass(frozen=True, slots=True)
class Example:
    """One problem as a task made it.

    Attributes:
        prompt: text and pictures in the order a person would read them. The sentence that says how to answer is not
            part of it: the answer kind writes that one. Pictures are numbered in the text, since some chat templates
            move all pictures to the front.
        answer: the truth, from the answer kind's `answer(...)`.
        meta: what was done, in plain JSON: all that `audit` needs beside the records.
        marks: what the report draws.
        solution: how the answer follows, in a few sentences from what the maker knows; a cold start is trained on it.
            Stored in `meta`, never shown in the prompt; empty when there is nothing to say beyond the answer.
        used: how many of the records it was made from, counted from the first; licences and sources follow.
    """

    prompt: tuple[str | Pixels, ...]
    answer: Answer
    meta: Mapping[str, Json] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    solution: str = ""
    used: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """A published row, decoded: what `audit` and the report see. Columns as in `ssrl_data.row`."""

    id: str
    task: str
    task_version: int
    level: str
    prompt: str
    images: tuple[Pixels, ...]
    answer: Answer
    license: str
    source_id: str
    group_id: str
    set_id: str
    meta: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row. `rule` is the name of the rule broken: `true`, `one answer`, `no leak`, ..."""

    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer kind says of one response.

    Attributes:
        score: in [0, 1], or None when nothing can be said (no truth; the judge itself is broken).
        exact: the answer is right, whatever the credit rule. Accuracy counts these.
        read: the answer as read out of the response, or None.
        reason: a few fixed words: `exact`, `inexact`, `no answer`, `two answers`, `malformed`, ...
    """

    score: float | None
    exact: bool
    read: Json = None
    reason: str = ""


P = TypeVar("P")


class Task(ABC, Generic[P]):
    """A kind of problem: parameters, levels, maker, wording and audit in one module.

    The module's path under its package is the task's name: `ssrl_tasks/image/jigsaw.py` is `image/jigsaw`. `P` is a
    frozen dataclass whose `__post_init__` raises ValueError with the field, the value and the allowed range.

    Class attributes:
        version: raise it when any made row could change.
        needs: fields of `Record` that must not be None; set on the instance where they depend on the parameters.
        pictures: whether its prompts show pictures (text rows and picture rows never share one config).
        levels: named difficulties, easiest first; at least easy, medium, hard.
        signal: feature families of the shortcut probe that an honest solution may use; the card says why.
    """

    version: ClassVar[int] = 1
    needs: frozenset[str] = frozenset({"image"})
    pictures: ClassVar[bool] = True
    levels: ClassVar[Mapping[str, Any]]
    signal: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, params: P, prepared: bytes = b"") -> None:
        self.params = params
        self.prepared = prepared

    def classes(self) -> int:
        """Number of answer classes at these parameters; a build asks for each equally often. 1: nothing to balance."""
        return 1

    def chance(self) -> float | None:
        """Expected score of the best blind guesser, where one number holds for all rows made at these parameters."""
        return None

    def donors(self) -> int:
        """Number of further records `make` wants at these parameters, from other groups of the same split."""
        return 0

    @classmethod
    def prepare(cls, records: Iterator[Record]) -> bytes:
        """What `make` wants to know of the corpus as a whole (counts, an index): read in `self.prepared`.

        Called once per build, in one process, for all levels, where a task overrides it.

        Args:
            records: those of the train split that carry what some level needs, opened one after another in keyed order,
                at most `PREPARED` of them; the same whatever the split that is built, so nothing of another gets in.

        Returns:
            Bytes that depend on the records alone, of bounded size.
        """
        return b""

    @abstractmethod
    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Make one set of examples; pure in its arguments.

        Args:
            records: the record, then up to `donors()` further ones: fewer when the split has too few groups.
            rng: keyed by seed, task, version, parameters, record key and variant: the only source of chance.
            aim: the answer class to show, in `range(classes())`. Skip when this record cannot show it.

        Raises:
            Skip: the record, or this variant of it, cannot carry the problem.
        """

    @classmethod
    @abstractmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Recompute the truth of a published row by another way than `make`, and yield what is wrong.

        Calls nothing that `make` calls except `ssrl_data.media` and the answer kinds. `records` is empty when the
        corpus is not at hand: then only what the row itself shows is checked.
        """
