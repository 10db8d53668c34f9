"""The reward of every dataset that `ssrl build` makes: a row is graded from its own `answer` column alone.

Works with the stock trainer, `trl grpo --dataset_name DIR --reward_funcs ssrl_train.rewards.verify`, and holds no
state, so any number of processes may call it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ssrl_data.grade import grade


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
    verdicts = [grade(truth, response_text(completion)) for truth, completion in zip(answer, completions, strict=True)]
    log_metric = columns.get("log_metric")
    if log_metric is not None and verdicts:
        log_metric("exact", sum(verdict.exact for verdict in verdicts) / len(verdicts))
    return [verdict.score for verdict in verdicts]


def response_text(completion: Any) -> str:
    """The text of a completion: itself, or the content of its last message."""
    content = completion if isinstance(completion, str) else completion[-1]["content"]
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content)
