"""What a config may say of a curriculum: which rows a GRPO stage draws when. The policies themselves are beside this.

A generation batch takes some number of distinct rows. A *group* is the completions of one row in one batch, and the
*pass rate* of a row, a level or a task is the share of scored completions whose reward is exactly 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ssrl_train.about import About

ARMS = ("task", "level")


@dataclass(frozen=True, slots=True)
class Uniform:
    """Every row equally often, in passes: no row a second time before each had its turn.

    Attributes:
        whole_sets: whether rows of one set (`set_id`) are always drawn together, into one generation batch.
    """

    about: ClassVar[About] = About(
        title="Every row in turn",
        source="Usual practice: shuffled passes over the rows",
        claim="A pass meets every row once, so nothing is forgotten and nothing preferred.",
        needs="Any rows.",
        trl=("trl.GRPOTrainer",),
        stable=True,
        measured="What the others are held against: 200 to 211 updates of a simulated learner to a set accuracy, "
        "three seeds (`pytest -s tests/train/test_curriculum.py -k simulated_learner`).",
        avoid="When most rows are always or never passed: their groups have no difference and teach nothing, at full "
        "price.",
    )

    whole_sets: bool = False


@dataclass(frozen=True, slots=True)
class Weights:
    """Fixed shares of the tasks, each in passes over its own rows.

    Attributes:
        shares: of every task, relative to each other.
        whole_sets: as in `uniform`.
    """

    about: ClassVar[About] = About(
        title="Fixed shares of tasks",
        source="Usual practice: mixtures set by hand",
        claim="A task that matters more, or is learnt more slowly, gets more of the rows.",
        needs="Several tasks. `search:` in place of the stages looks for the shares by trial.",
        trl=("trl.GRPOTrainer",),
        stable=True,
        measured="Nothing of what it is worth: it does what it is told. That shares are kept: `pytest "
        "tests/train/test_curriculum.py`.",
        avoid="When it is not known which task wants more: `progress` finds that out.",
    )

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
        whole_sets: as in `uniform`.
    """

    about: ClassVar[About] = About(
        title="Levels from easy to hard",
        source="Beyond the Trade-off (arXiv 2508.02150): ladders of one constraint to five",
        claim="Training on fewer constraints before more gives 71.7 on IFEval where training without the ladder gives "
        "67.7.",
        differs="A task goes on when it passes its level, measured as it trains, not after a fixed number of steps; "
        "some rows of the levels before are kept.",
        needs="Rows of several levels in each task, ordered from easy to hard.",
        trl=("trl.GRPOTrainer",),
        stable=True,
        measured="A simulated learner needs 116 to 120 updates where every row in turn takes 200 to 211, three seeds "
        "(`pytest -s tests/train/test_curriculum.py -k simulated_learner`). On a real model nothing.",
        avoid="When levels are not in order of difficulty for the model at hand, or the first is out of its reach.",
    )

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
        whole_sets: as in `uniform`; a set's estimate is that of its rows together.
    """

    about: ClassVar[About] = About(
        title="Rows at the edge",
        source="DAPO (arXiv 2503.14476), dynamic sampling; AdA (arXiv 2301.07608), tasks neither too easy nor too hard",
        claim="Groups that are all right or all wrong have no gradient; training without them needs fewer updates for "
        "the same accuracy.",
        differs="DAPO samples first and throws such groups away; here earlier groups say beforehand where a "
        "difference is likely. Every right answer of a level keeps its share.",
        needs="Any rows; a table of pass rates (`pass_rates`) where there is one to begin with.",
        trl=("trl.GRPOTrainer",),
        stable=True,
        measured="A simulated learner needs 143 to 183 updates where every row in turn takes 200 to 211, three seeds "
        "(`pytest -s tests/train/test_curriculum.py -k simulated_learner`). On a tiny real model, that it is no "
        "worse: `make prove SLICE=curriculum`.",
        avoid="When a task is luck alone: it looks like the edge for ever, and a simulated learner then took 100 to "
        "249 updates for 93 to 102 (same file, `-k what_moves`). `progress` and `ucb` leave such a task.",
    )

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
        whole_sets: as in `uniform`.
    """

    about: ClassVar[About] = About(
        title="Learning progress",
        source="Multi-task curriculum learning in Minecraft (Kanitscheider et al., 2021, arXiv 2106.14876)",
        claim="Tasks in proportion to how fast their success changes are learnt in an order that uniform sampling "
        "never finds.",
        differs="The pass rates are those of the rows drawn for training, without further probes.",
        needs="Several tasks, or tasks of several levels.",
        trl=("trl.GRPOTrainer",),
        stable=True,
        measured="A simulated learner needs 142 to 156 updates where every row in turn takes 200 to 211, and 50 to 60 "
        "for 93 to 102 where some tasks teach nothing, three seeds (`pytest -s tests/train/test_curriculum.py -k "
        '"simulated_learner or what_moves"`). On a real model nothing.',
        avoid="For one task of one level, where there is nothing to choose; with few rows in a batch, where change is "
        "mostly noise.",
    )

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
        whole_sets: as in `uniform`.
    """

    about: ClassVar[About] = About(
        title="Optimism about progress",
        source="Contrastive UCB (arXiv 2207.14800); discounted bounds: Garivier and Moulines, 2011",
        claim="Optimism about what was seldom tried makes contrastive learning in reinforcement learning provably "
        "efficient.",
        differs="Only the optimism carries over. The theorem is about low-rank decision processes and features learnt "
        "by contrast; it says nothing of this sampler, whose arms are tasks or levels and whose reward is the change "
        "of their pass rate.",
        needs="Several tasks, or tasks of several levels.",
        trl=("trl.GRPOTrainer",),
        stable=True,
        measured="A simulated learner needs 177 to 184 updates where every row in turn takes 200 to 211, and 64 to 72 "
        "for 93 to 102 where some tasks teach nothing, three seeds (`pytest -s tests/train/test_curriculum.py -k "
        '"simulated_learner or what_moves"`). On a real model nothing.',
        avoid="Where `progress` will do: it was faster in both simulations.",
    )

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
