"""The reward of every dataset that `ssrl build` makes: a row is graded from its own `answer` column alone.

`verify` works with the stock trainer, `trl grpo --dataset_name DIR --reward_funcs ssrl_train.rewards.verify`, and holds
no state, so any number of processes may call it. `coin` and `form` are for comparisons: what a run gains with them, it
does not gain from being told what is right.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from ssrl_data.answers.base import NO_TRUTH
from ssrl_data.core import Verdict
from ssrl_data.grade import grade
from ssrl_data.rng import Rng

EVEN = 0.5
"""Rate of `coin` where a row's chance is not known, or is 0 or 1 and no coin."""


def verify(
    prompts: Sequence[Any], completions: Sequence[Any], answer: Sequence[str], **columns: Any
) -> list[float | None]:
    """Score completions.

    Args:
        prompts: unused; TRL passes it by name.
        completions: texts, or conversations whose last message is the response.
        answer: the `answer` column of each completion's row.
        columns: every other column of the rows and the trainer's own extras. TRL passes all of them by name, whatever
            the dataset holds, so a reward function must take what it does not know. Of these only `log_metric` is used.

    Returns:
        Scores in [0, 1]; None for a row that cannot be judged (the judge is broken, or there is no truth), which TRL
        leaves out of the gradient.

    Raises:
        ValueError: an `answer` that no installed answer kind reads.
    """
    return [verdict.score for verdict in _judged(completions, answer, columns)]


def coin(
    prompts: Sequence[Any],
    completions: Sequence[Any],
    answer: Sequence[str],
    id: Sequence[str],
    chance: Sequence[float | None],
    **columns: Any,
) -> list[float | None]:
    """Reward at random: 1 at the rate at which a blind guesser is right.

    Keyed by the row and the response, so the same response to the same row is always worth the same, in any process;
    whether it is right plays no part. As a control, random rewards are those of Shao et al., 2025 (Spurious Rewards).

    Args:
        prompts: unused.
        completions: as in `verify`.
        answer: as in `verify`; only for the share of exact answers, which is logged.
        id: the `id` column.
        chance: the `chance` column.
        columns: as in `verify`.

    Returns:
        0 or 1 each.
    """
    _judged(completions, answer, columns)
    return [
        float(Rng("coin", row, response_text(completion)).uniform() < (rate if rate and rate < 1 else EVEN))
        for row, completion, rate in zip(id, completions, chance, strict=True)
    ]


def form(
    prompts: Sequence[Any], completions: Sequence[Any], answer: Sequence[str], **columns: Any
) -> list[float | None]:
    """Reward the form alone: 1 where an answer can be read, right or wrong.

    Args:
        prompts: unused.
        completions: as in `verify`.
        answer: as in `verify`.
        columns: as in `verify`.

    Returns:
        0 or 1 each.

    Raises:
        ValueError: an `answer` that no installed answer kind reads.
    """
    return [float(verdict.read is not None) for verdict in _judged(completions, answer, columns)]


REWARDS: dict[str, Callable[..., list[float | None]]] = {"verify": verify, "random": coin, "form": form}
"""By the name that a config has for each."""


def unpaid(reward: Callable[..., list[float | None]]) -> Callable[..., list[float]]:
    """A reward that is only told, with 0 for what has no score: TRL warns, with all of a row, where none has."""

    @functools.wraps(reward)
    def told(**columns: Any) -> list[float]:
        return [score or 0.0 for score in reward(**columns)]

    return told


def _judged(completions: Sequence[Any], answer: Sequence[str], columns: dict[str, Any]) -> list[Verdict]:
    """The verdicts, of which the share of exact ones is told to the trainer."""
    verdicts = [grade(truth, response_text(completion)) for truth, completion in zip(answer, completions, strict=True)]
    log_metric = columns.get("log_metric")
    known = [verdict.exact for verdict in verdicts if verdict.reason != NO_TRUTH]
    if log_metric is not None and known:
        log_metric("exact", sum(known) / len(known))
    return verdicts


def response_text(completion: Any) -> str:
    """The text of a completion: itself, or the content of its last message."""
    content = completion if isinstance(completion, str) else completion[-1]["content"]
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content)
