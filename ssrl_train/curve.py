"""The reward curve of a run as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

WINDOW = 0.05  # of the run, over which the smooth line averages


def smoothed(values: Sequence[float], window: int) -> list[float]:
    """The mean of each value and the `window - 1` before it; fewer at the start."""
    sums = [0.0, *accumulate(values)]
    return [(sums[end] - sums[max(0, end - window)]) / min(end, window) for end in range(1, len(sums))]


def draw(steps: Sequence[int], rewards: Sequence[float], chance: float | None, path: Path) -> None:
    """Write reward against step as a PNG, with the chance line.

    Args:
        steps: training steps.
        rewards: mean reward of the completions sampled at each.
        chance: expected reward of the best blind guesser; None draws no line.
        path: file to write.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    window = max(1, round(WINDOW * len(rewards)))
    axes.plot(steps, rewards, color="tab:blue", alpha=0.3, linewidth=1, label="each step")
    axes.plot(steps, smoothed(rewards, window), color="tab:blue", linewidth=2, label=f"mean of the last {window} steps")
    if chance is not None:
        axes.axhline(chance, color="tab:gray", linestyle="--", label=f"chance {chance:.3g}")
    axes.set(xlabel="step", ylabel="reward of sampled answers", ylim=(0, 1.02))
    axes.legend(loc="upper left")
    axes.grid(alpha=0.2)
    figure.savefig(path, format="png", dpi=120)
