"""Which tokens of its targets a supervised stage learns from: what `tokens` in an sft stage says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ssrl_train.about import About


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of each target with the greatest cross entropy beyond what their entropy lets expect.

    A token that the model finds improbable where it is sure of another one is to be learnt; one that it has as one of
    many possible ones is left as it is, so the model goes on exploring there.

    Attributes:
        keep: share of each target's tokens that is learnt from, the nearest number of them and at least one.
        entropy: weight of the entropy that is taken off the cross entropy before tokens are compared.
    """

    about: ClassVar[About] = About(
        title="Entropy-aware token filter",
        source="Light-IF (arXiv 2508.03178)",
        claim="A cold start that averages the loss over the 80% of the target tokens with the largest cross entropy "
        "less 0.8 times their entropy teaches the format and keeps the model's entropy for the reinforcement after it.",
        differs="The share is taken of each target, not of the tokens of a micro-batch together: how many are kept is "
        "then known from the lengths alone, so the loss is the same however a batch is split over steps of "
        "accumulation and processes.",
        needs="What any sft stage learns from: responses of a sample stage, worked solutions or a file.",
        trl=("trl.SFTTrainer",),
        stable=False,
        measured="No evidence that entropy is kept: where a tiny model learns a form around solutions that nobody can "
        "foresee, the entropy of their tokens is -0.006 nats (95% +-0.026, three seeds) above that of learning from "
        "all tokens; and the form comes more slowly: the cross entropy of its tokens is 0.39 (+-0.13) above 0.40 after "
        "60 updates (`make prove SLICE=test_tokens`). Its arithmetic is held against hand-made logits, and `keep: 1` "
        "against plain SFT bit by bit: `pytest tests/train/test_light_if.py`.",
        avoid="Targets of few tokens, such as a bare answer: dropping a fifth of them drops what is to be learnt. Not "
        "with label smoothing, which has no loss for each token.",
    )

    keep: float = 0.8
    entropy: float = 0.8

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if not 0 < self.keep <= 1:
            raise ValueError(f"keep is {self.keep:g}: it must be above 0 and at most 1")
        if not 0 <= self.entropy < float("inf"):
            raise ValueError(f"entropy is {self.entropy:g}: it must be 0 or above")
