"""A supervised term beside reinforcement, on rows that are never rewarded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datasets import Dataset
from torch import Tensor

from ssrl_data.rng import Rng
from ssrl_train.losses.base import Objective
from ssrl_train.losses.demonstrations import log_probs
from ssrl_train.losses.settings import Supervised


class SupervisedObjective(Objective):
    """The supervised term at work.

    Which rows stand beside a batch follows from the seed and the number of batches before it in the stage, so a resumed
    run goes on as the unbroken one: all rows in a random order, then in another one.

    Args:
        settings: what the config says.
        trainer: `grpo.Trainer`.
        examples: prompts and completions, pictures decoded on access.
    """

    def __init__(self, settings: Supervised, trainer: Any, examples: Dataset) -> None:
        super().__init__(trainer)
        self.settings, self.examples = settings, examples
        self._round, self._order = -1, list[int]()

    def beside(self, model: Any, batch: Mapping[str, Any]) -> Tensor | None:
        """The weighed mean negative log-likelihood of the completions' tokens."""
        if self.settings.weight == 0:
            return None
        found, mask = log_probs(self.trainer, model, [self.examples[place] for place in self.drawn()])
        nll = -(found * mask).sum() / mask.sum()
        self.log("supervised_loss", self.mean(nll.detach() * mask.sum(), mask.sum()))
        return self.settings.weight * nll

    def drawn(self) -> list[int]:
        """Places of the rows beside the batch that is being trained on."""
        trainer, size = self.trainer, self.settings.batch
        parts = trainer.args.gradient_accumulation_steps
        before = trainer.state.global_step * parts + trainer._step % parts
        first = (before * trainer.accelerator.num_processes + trainer.accelerator.process_index) * size
        return [self._place(i) for i in range(first, first + size)]

    def _place(self, i: int) -> int:
        lap, place = divmod(i, len(self.examples))
        if lap != self._round:
            order = Rng("supervised", self.trainer.args.seed, lap).shuffled(range(len(self.examples)))
            self._round, self._order = lap, order
        return self._order[place]
