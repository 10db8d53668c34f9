"""When a run has collapsed, told from its logged history alone.

A reward without a verifier pays for agreement, and what agrees best is one answer to everything, which is why
Co-rewarding (arXiv 2508.00410) takes its votes from elsewhere. Most of it shows without gold: answers to different
prompts become alike, groups stop to differ, responses end at once or never. Gold, where it is known, is only watched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ssrl_train.about import About

ENTROPY, EXACT, LENGTH = "answer_entropy", "exact", "completions/mean_length"
CUT, DEAD, REWARD = "completions/clipped_ratio", "frac_reward_zero_std", "reward"
WATCHED = (ENTROPY, EXACT, LENGTH, CUT, DEAD, REWARD)

FLAT = 0.1
"""An answer entropy that is lower from the start says nothing when it falls: the prompts have few answers."""

CAPPED = 0.9
"""Share of responses that are cut off, from which on they run to the cap."""

NOISE = 3.0
"""Standard errors that the difference of two windows of `exact` must pass beyond `fall`: a small batch is no sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """When a stage is stopped for a collapse; what is the end of a range, or beyond any value, never stops it.

    The mean over a window of logged steps is held against the first quarter of a window, since a collapse may take no
    longer, or against the best window so far.

    Attributes:
        window: logged steps of a window; nothing is judged before there are one and a quarter.
        entropy: stop below this share of the first steps' entropy of answers to different prompts; 0 never does.
        fall: stop when the share of right answers is so far below its best window, beyond noise; 1 never does.
        dead: stop when more than this share of groups have no two different rewards; 1 never does.
        longer: stop when responses are so many times as long as in the first steps, and run to the cap.
        shorter: stop when they are below this share of the first steps' length; 0 never does.
    """

    about: ClassVar[About] = About(
        title="Collapse guard",
        source="Co-rewarding (arXiv 2508.00410), where plain self-agreement collapses",
        claim="Rewards that pay a model for agreeing with itself end in one answer to everything.",
        differs="The paper shows collapses in hindsight; here a run stops by itself, and its last checkpoint is kept.",
        needs="Nothing. Where rows have a known answer, the share of right ones is watched too.",
        trl=("trl.GRPOTrainer",),
        stable=True,
        measured="On three seeds a signal that pays one answer to everything is stopped at step 25, the first at which "
        "the usual guard judges, and with a shorter window in two processes too. Runs that learn are not stopped; one "
        "from 0.43 to 0.77 right kept 0.77 of its answer entropy, fell by 0.01 and had 0.26 dead groups at most: "
        "`make prove SLICE=guard`.",
        avoid="Rows whose answers are nearly all the same: a model that learns them looks like one that collapses.",
    )

    window: int = 20
    entropy: float = 0.1
    fall: float = 0.2
    dead: float = 0.95
    longer: float = 1.5
    shorter: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.window < 2:
            raise ValueError(f"window is {self.window}: it must be at least 2")
        for name, low, high in (("entropy", 0, 1), ("fall", 0, 1), ("dead", 0, 1), ("shorter", 0, 1)):
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name):g}: it must be from {low} to {high}")
        if self.longer < 1:
            raise ValueError(f"longer is {self.longer:g}: it must be at least 1")


def alarm(guard: Guard, history: Sequence[Mapping[str, Any]]) -> str | None:
    """What has collapsed by the last logged step, with the values that say so; None while nothing has.

    Where the share of right answers has risen by `fall`, groups without differences and other lengths are the marks of
    a task that was learnt, and no alarm.

    Args:
        guard: what counts as a collapse.
        history: the trainer's, oldest first; entries may lack any metric.
    """
    n, begun = guard.window, max(1, guard.window // 4)
    values = {name: _values(history, name) for name in WATCHED}
    seen = {name: series for name, series in values.items() if len(series) >= n + begun}
    first = {name: float(series[:begun].mean()) for name, series in seen.items()}
    last = {name: float(series[-n:].mean()) for name, series in seen.items()}
    over, found = f"over the last {n} logged steps", []
    if ENTROPY in seen and first[ENTROPY] >= FLAT and last[ENTROPY] < guard.entropy * first[ENTROPY]:
        found.append(
            f"answers to different prompts are alike ({ENTROPY} is {last[ENTROPY]:.3f} {over}, it was "
            f"{first[ENTROPY]:.3f} at first)"
        )
    if EXACT in seen:
        best, noise = _best(seen[EXACT], n)
        if best - last[EXACT] > guard.fall + NOISE * noise:
            found.append(f"fewer answers are right ({EXACT} is {last[EXACT]:.3f} {over}, its best was {best:.3f})")
        if last[EXACT] - first[EXACT] >= guard.fall:
            return "; ".join(found) or None
    if {LENGTH, CUT} <= set(seen) and last[CUT] >= CAPPED and last[LENGTH] > guard.longer * first[LENGTH]:
        found.append(
            f"responses run to the cap ({CUT} is {last[CUT]:.3f} {over}, {LENGTH} is {last[LENGTH]:.1f}, it was "
            f"{first[LENGTH]:.1f} at first)"
        )
    if LENGTH in seen and last[LENGTH] < guard.shorter * first[LENGTH]:
        found.append(
            f"responses end at once ({LENGTH} is {last[LENGTH]:.1f} {over}, it was {first[LENGTH]:.1f} at first)"
        )
    if DEAD in seen and last[DEAD] > guard.dead:
        paid = f", at a reward of {last[REWARD]:.3f}" if REWARD in seen else ""
        found.append(f"no group tells better from worse ({DEAD} is {last[DEAD]:.3f} {over}{paid})")
    return "; ".join(found) or None


def _values(history: Sequence[Mapping[str, Any]], name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([entry[name] for entry in history if entry.get(name) is not None], dtype=np.float64)


def _best(values: np.ndarray[Any, np.dtype[np.float64]], n: int) -> tuple[float, float]:
    """The highest mean of `n` values that follow each other, and the standard error of the difference of two such.

    The scatter is that of neighbouring steps, over all of them: a trend does not count, and no window is too short.
    """
    sums = np.concatenate([[0.0], np.cumsum(values)])
    scatter = np.square(np.diff(values)).mean() / 2
    return float((sums[n:] - sums[:-n]).max() / n), float(np.sqrt(2 * scatter / n))
