"""What a signal sees and what it must answer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from accelerate.utils import gather_object

from ssrl_train.rewards import response_text

PICTURES = ("image", "images")


@dataclass(frozen=True, slots=True)
class Batch:
    """The responses of one generation batch, of all processes, in the order in which the sampler drew their rows.

    A group is the responses to one row, which stand together; a prompt's group and the rows of a set may come from
    several processes, so nothing here is of one process alone.

    Attributes:
        rows: the row of each response without its pictures, `prompts * generations` of them.
        texts: the responses.
        generations: responses of each row.
        step: updates that were made before.
    """

    rows: Sequence[Mapping[str, Any]]
    texts: Sequence[str]
    generations: int
    step: int


class Paid(NamedTuple):
    """What a signal says of a batch.

    Attributes:
        rewards: of each response; None abstains, which TRL leaves out of the gradient.
        metrics: to log.
    """

    rewards: Sequence[float | None]
    metrics: Mapping[str, float]


class Judge(ABC):
    """A signal at work. Every process runs an identical one on the same gathered batches.

    A signal that learns or generates beside the model has more to do than to pay; by default that is nothing.
    """

    @abstractmethod
    def pay(self, batch: Batch) -> Paid:
        """The rewards of a batch."""

    def attach(self, trainer: Any) -> None:  # noqa: B027
        """Meet the trainer, once, before its first step."""

    def before(self, inputs: Sequence[Mapping[str, Any]]) -> None:  # noqa: B027
        """See this process's slice of a batch, pictures included, before all of it is paid; in every process."""

    def save(self, folder: Path) -> None:  # noqa: B027
        """Write what changes into a checkpoint; called in every process."""

    def load(self, folder: Path) -> None:  # noqa: B027
        """Go on from a checkpoint."""


def gathered(inputs: Sequence[Mapping[str, Any]], completions: Sequence[Any], generations: int, step: int) -> Batch:
    """The batch of all processes from each one's slice; every process calls it, and all get the same.

    Args:
        inputs: this process's rows, one for each response.
        completions: as TRL passes them to rewards.
        generations: responses of each row.
        step: updates that were made before.
    """
    mine = [
        ({name: value for name, value in row.items() if name not in PICTURES}, response_text(said))
        for row, said in zip(inputs, completions, strict=True)
    ]
    every = gather_object(mine)
    return Batch([row for row, _ in every], [text for _, text in every], generations, step)
