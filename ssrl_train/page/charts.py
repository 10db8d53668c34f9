"""Curves over a stage's steps as SVG, drawn in the page's colours, without a script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from ssrl_data.untrusted import visible
from ssrl_train.curve import WINDOW, smoothed
from ssrl_train.page.gather import Stage

Point = tuple[int, float]

POINTS = 500
"""Most points of a drawn line."""
LINES = 8
"""Most lines of a chart; as many colours are in the page's style."""
WIDTH, HEIGHT = 380, 176
LEFT, RIGHT, TOP, BOTTOM = 50, 10, 10, 24
"""Margins of the plotted area, in the units of `WIDTH` and `HEIGHT`."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What a chart shows.

    Attributes:
        title: what it is called.
        unit: of its values.
        keys: what the trainer logs them under; one that ends in `/` stands for all that begin with it, a line each.
        low: where the axis begins at the latest, if anywhere.
        high: where it ends at the earliest.
        smooth: whether a running mean is drawn over the values.
    """

    title: str
    unit: str
    keys: tuple[str, ...]
    low: float | None = None
    high: float | None = None
    smooth: bool = True


LEARNING = (
    Chart("Reward", "mean score of a step's completions", ("reward",), 0, 1),
    Chart("Exact answers", "share of a step's completions", ("exact",), 0, 1),
    Chart("Right votes", "share of the answers that won a vote", ("vote_right",), 0, 1),
    Chart("Margin of votes", "by which share of its group the winner leads", ("vote_margin",), 0, 1),
    Chart("Not paid", "share of completions without a reward", ("abstained",), 0, 1),
    Chart("Answers to different prompts", "entropy, share of the greatest", ("answer_entropy",), 0, 1),
    Chart("Preference accuracy", "share of pairs whose right response is rated higher", ("rewards/accuracies",), 0, 1),
    Chart("Preference margin", "implicit reward, right minus wrong response", ("rewards/margins",)),
    Chart("Token accuracy", "share of target tokens that are likeliest", ("mean_token_accuracy",), 0, 1),
    Chart("Entropy", "nats a token", ("entropy",), 0),
    Chart("Completion length", "tokens, mean", ("completions/mean_length",), 0),
    Chart("Clipped completions", "share that reached the greatest length", ("completions/clipped_ratio",), 0, 1),
    Chart("Dead groups", "share whose rewards are all equal: no gradient", ("frac_reward_zero_std",), 0, 1),
)
LOSS = Chart("Loss", "as the trainer logs it", ("loss",))
TASKS = (
    Chart("Shares of tasks", "share of a step's prompts", ("share/",), 0, 1),
    Chart("Pass rates of tasks", "share of completions", ("pass_rate/",), 0, 1),
)
OPTIMISATION = (
    LOSS,
    Chart("KL", "nats a token, from the reference", ("kl",), 0),
    Chart("Gradient norm", "before clipping", ("grad_norm",), 0),
    Chart("Learning rate", "of the optimiser", ("learning_rate",), 0, smooth=False),
    Chart("Time of a step", "seconds", ("step_time",), 0),
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart: its name, its values and their running mean."""

    name: str
    points: Sequence[Point]
    smooth: Sequence[Point]

    @property
    def last(self) -> float:
        """Where the running mean ends."""
        return self.smooth[-1][1]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart with its values: the picture, and what stands around it."""

    chart: Chart
    lines: Sequence[Line]
    svg: Markup
    left_out: int


def learning(stage: Stage) -> tuple[Chart, ...]:
    """The charts that tell whether a stage learns: of a supervised one its loss is among them."""
    return LEARNING if stage.points("reward") else (LOSS, *LEARNING)


def optimisation(stage: Stage) -> tuple[Chart, ...]:
    """The charts of how it learns."""
    return tuple(chart for chart in OPTIMISATION if chart not in learning(stage))


def drawn(charts: Sequence[Chart], stage: Stage, chance: float | None = None) -> list[Drawn]:
    """The charts that a stage logged anything for, and of those with a line a task the ones with several.

    Args:
        charts: which.
        stage: whose log.
        chance: expected reward of the best blind guesser, for a line in the chart of rewards.
    """
    out = []
    for chart in charts:
        lines = _lines(chart, stage)
        if len(lines) > chart.keys[0].endswith("/"):
            shown = lines[:LINES]
            level = chance if chart.keys == ("reward",) else None
            last = max(stage.of, max(line.points[-1][0] for line in shown))
            out.append(Drawn(chart, shown, _svg(chart, shown, last, level), len(lines) - len(shown)))
    return out


def _lines(chart: Chart, stage: Stage) -> list[Line]:
    logged = {key for entry in stage.history for key in entry}
    out = []
    for key in chart.keys:
        names = sorted(name for name in logged if name.startswith(key)) if key.endswith("/") else [key]
        for name in names:
            points = stage.points(name)
            if points:
                planned = len(points) * max(1.0, stage.of / max(1, points[-1][0]))
                window = max(1, round(WINDOW * planned)) if chart.smooth else 1
                means = smoothed([value for _, value in points], window)
                smooth = [(step, mean) for (step, _), mean in zip(points, means, strict=True)]
                out.append(Line(name.removeprefix(key) if key.endswith("/") else chart.title, points, smooth))
    # Of more lines than colours those are shown that lie highest in the end.
    return sorted(out, key=lambda line: -line.last) if len(out) > LINES else out


def _svg(chart: Chart, lines: Sequence[Line], last: int, chance: float | None) -> Markup:
    raw = len(lines) == 1 and chart.smooth
    values = [value for line in lines for _, value in (line.points if raw else line.smooth)]
    low, high = min([*values, *_given(chart.low, chance)]), max([*values, *_given(chart.high, chance)])
    ticks = nice(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])
    first = min(line.points[0][0] for line in lines)

    def x(step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (step - first) / max(1, last - first)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    def line(points: Sequence[Point], kind: str) -> str:
        if len(points) == 1:
            return f'<circle class="{kind} dot" cx="{x(points[0][0]):.1f}" cy="{y(points[0][1]):.1f}" r="2.5"/>'
        return f'<polyline class="{kind}" points="{" ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in thinned(points))}"/>'

    out = []
    for tick in ticks:
        out.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y(tick) + 3.5:.1f}" text-anchor="end">{number(tick)}</text>'
        )
    for step in [tick for tick in nice(first, last) if tick == int(tick) and first <= tick <= last]:
        out.append(f'<text x="{x(step):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{int(step):,}</text>')
    out.append(f'<text x="{LEFT - 6}" y="{HEIGHT - 8}" text-anchor="end">step</text>')
    if chance is not None:
        out.append(
            f'<line class="chance" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(chance):.1f}" y2="{y(chance):.1f}"/>'
            f'<text class="chance" x="{WIDTH - RIGHT}" y="{y(chance) - 4:.1f}" text-anchor="end">chance '
            f"{number(chance)}</text>"
        )
    if raw:
        out.append(line(lines[0].points, "raw"))
    out += [line(one.smooth, f"mean c{i}") for i, one in enumerate(lines)]
    told = "; ".join(f"{visible(one.name)} from {number(one.smooth[0][1])} to {number(one.last)}" for one in lines)
    body = "".join(out)
    return Markup(  # noqa: S704 (what is not a number of ours is escaped)
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(f"{told}, steps {first:,} to {lines[0].points[-1][0]:,}")}">{body}</svg>'
    )


def intervals(shown: Sequence[tuple[str, float, Sequence[float]]], chance: float | None) -> Markup:
    """Shares with their intervals one under another, from 0 to 1.

    Args:
        shown: name, value and both ends of the interval.
        chance: where the dashed line stands; None draws none.
    """
    width, left, step = 700, 64, 26
    height = step * len(shown) + 26

    def x(value: float) -> float:
        return left + (width - left - 20) * value

    out = []
    for tick in (0, 0.25, 0.5, 0.75, 1):
        out.append(
            f'<line class="grid" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="4" y2="{height - 20}"/>'
            f'<text x="{x(tick):.1f}" y="{height - 5}" text-anchor="middle">{tick:g}</text>'
        )
    if chance is not None:
        out.append(f'<line class="chance" x1="{x(chance):.1f}" x2="{x(chance):.1f}" y1="4" y2="{height - 20}"/>')
    for i, (name, value, (low, high)) in enumerate(shown):
        y = 4 + step * (i + 0.5)
        out.append(
            f'<text class="name" x="{left - 10}" y="{y + 3.5:.1f}" text-anchor="end">{escape(visible(name))}</text>'
            f'<line class="interval" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}"/>'
            f'<circle class="dot" cx="{x(value):.1f}" cy="{y}" r="4.5"/>'
        )
    told = "; ".join(f"{name} {number(value)}, {number(ends[0])} to {number(ends[1])}" for name, value, ends in shown)
    body = "".join(out)
    return Markup(  # noqa: S704 (names are escaped)
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(told)}">{body}</svg>'
    )


def _given(*values: float | None) -> list[float]:
    return [value for value in values if value is not None]


def nice(low: float, high: float) -> list[float]:
    """Three to six round numbers that span a range."""
    if high <= low:
        room = abs(low) / 2 or 0.5
        low, high = low - room, high + room
    rough = (high - low) / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    begin, end = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [i * step for i in range(begin, end + 1)]


def thinned(points: Sequence[Point]) -> list[Point]:
    """At most `POINTS` of the points, with the extremes of each stretch: no spike is lost."""
    if len(points) <= POINTS:
        return list(points)
    stretches = POINTS // 2
    out: list[Point] = []
    for i in range(stretches):
        stretch = points[i * len(points) // stretches : (i + 1) * len(points) // stretches]
        out += sorted({min(stretch, key=lambda p: p[1]), max(stretch, key=lambda p: p[1])})
    return out


def number(value: float) -> str:
    """A number in about three digits."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < 1e6 else f"{value:.2g}".replace("e+0", "e")
    return f"{value:.3g}".replace("e-0", "e-")
