"""What a config may say of a curriculum: which rows a GRPO stage draws when. The policies themselves are beside this.

A generation batch takes some number of distinct rows. A *group* is the completions of one row in one batch, and the
*pass rate* of a row, a level or a task is the share of scored completions whose reward is exactly 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ARMS = ("task", "level")


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every row equally often, in passes: no row a second time before each had its turn.

    Attributes:
        whole_sets: whether rows of one set (`set_id`) are always drawn together, into one generation batch.
    """

    whole_sets: bool = False


@dataclass(frozen=True, slots=True)
class Weights:
    """Fixed shares of the tasks, each in passes over its own rows.

    Attributes:
        shares: of every task, relative to each other.
        whole_sets: as in `Uniform`.
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    whole_sets: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if not isinstance(self.shares, Mapping) or not self.shares:
            raise ValueError("shares must name each task's share, such as {image/jigsaw: 2, image/rotation: 1}")
        for task, share in self.shares.items():
            if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < float("inf"):
                raise ValueError(f"shares of {task} is {share!r}: it must be a number above 0")


@dataclass(frozen=True, slots=True)
class Levels:
    """Levels from easy to hard: each task goes on to its next level once it passes the one it is at.

    Tasks keep the shares that their rows have.

    Attributes:
        threshold: pass rate of the present level at which its task goes on.
        window: groups of the present level over which that rate is taken; fewer do not count.
        review: share of a task's rows that are of levels it has passed, evenly.
        order: names of levels, easiest first; empty takes the order that each task gives its own.
        whole_sets: as in `Uniform`.
    """

    threshold: float = 0.8
    window: int = 64
    review: float = 0.2
    order: tuple[str, ...] = ()
    whole_sets: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        _above(self, "threshold", 1)
        _count(self, "window")
        _share(self, "review", below=1)


@dataclass(frozen=True, slots=True)
class Frontier:
    """Rows that are passed sometimes: what is always or never passed has a group without a difference, and no gradient.

    A row's pass rate is estimated from its own groups, recent ones weighing more. An estimate grows stale, and the row
    is tried again: what was out of reach may have come within it. Every right answer of a level keeps its share of the
    level's rows, or a model that can only guess would be taught the answer that it favours.

    Attributes:
        low: least estimated pass rate of the band, itself included.
        high: greatest one, itself included.
        stale: generation batches after which an estimate outside the band no longer counts.
        explore: share of the rows drawn that were never tried or whose estimate is stale.
        least: least share of every task, as a part of an even share among the tasks.
        whole_sets: as in `Uniform`; a set's estimate is that of its rows together.
    """

    low: float = 0.1
    high: float = 0.9
    stale: int = 100
    explore: float = 0.1
    least: float = 0.2
    whole_sets: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if not 0 <= self.low < self.high <= 1:
            raise ValueError(f"low {self.low:g} and high {self.high:g} must be two rising shares from 0 to 1")
        _count(self, "stale")
        _above(self, "explore", 1)
        _share(self, "least")


@dataclass(frozen=True, slots=True)
class Progress:
    """Where something is being learnt: tasks in proportion to how fast their pass rate changes.

    The change is the distance between a fast and a slow running mean of the pass rate.

    Attributes:
        over: `task`, or `level` for each level of each task apart.
        fast: weight of the newest batch in the fast mean.
        slow: weight of the newest batch in the slow mean.
        explore: share of the rows that is spread evenly, whatever is learnt.
        whole_sets: as in `Uniform`.
    """

    over: str = "level"
    fast: float = 0.3
    slow: float = 0.05
    explore: float = 0.2
    whole_sets: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        _arms(self)
        _above(self, "explore", 1)
        if not 0 < self.slow < self.fast <= 1:
            raise ValueError(f"slow {self.slow:g} and fast {self.fast:g} must be two rising weights above 0, up to 1")


@dataclass(frozen=True, slots=True)
class Ucb:
    """Optimism about where something is learnt: an upper confidence bound on the change of each task's pass rate.

    Attributes:
        over: `task`, or `level` for each level of each task apart.
        bonus: weight of the bonus for what was seldom tried.
        discount: weight of what was seen a generation batch ago, relative to now.
        whole_sets: as in `Uniform`.
    """

    over: str = "level"
    bonus: float = 0.1
    discount: float = 0.95
    whole_sets: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        _arms(self)
        if not 0 < self.bonus < float("inf"):
            raise ValueError(f"bonus is {self.bonus:g}: it must be above 0")
        _above(self, "discount", 1)


Curriculum = Uniform | Weights | Levels | Frontier | Progress | Ucb
KINDS: dict[str, type[Curriculum]] = {
    "uniform": Uniform,
    "weights": Weights,
    "levels": Levels,
    "frontier": Frontier,
    "progress": Progress,
    "ucb": Ucb,
}


def _above(settings: Levels | Frontier | Progress | Ucb, name: str, most: float) -> None:
    value = getattr(settings, name)
    if not 0 < value <= most:
        raise ValueError(f"{name} is {value:g}: it must be above 0 and at most {most:g}")


def _share(settings: Levels | Frontier, name: str, below: float = float("inf")) -> None:
    value = getattr(settings, name)
    if not 0 <= value <= 1 or value >= below:
        raise ValueError(f"{name} is {value:g}: it must be a share from 0 {'below' if below == 1 else 'to'} 1")


def _count(settings: Levels | Frontier, name: str) -> None:
    value = getattr(settings, name)
    if value < 1:
        raise ValueError(f"{name} is {value}: it must be at least 1")


def _arms(settings: Progress | Ucb) -> None:
    if settings.over not in ARMS:
        raise ValueError(f"over is {settings.over!r}: it must be {' or '.join(ARMS)}")
