"""What a config may say of a loss. The losses themselves are beside this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from ssrl_data.registry import suggest
from ssrl_data.rng import Rng
from ssrl_train.about import About

CLIPPED = ("grpo", "bnpo", "dr_grpo", "dapo", "luspo")
"""Losses of TRL that are the ratio times the advantage, but for their clip."""

WEIGHTS = ("dr_grpo", "grpo", "even")


@dataclass(frozen=True, slots=True)
class Loss:
    """A loss in place of TRL's, or beside it.

    Class attributes:
        about: what the methods page says of it.
    """

    about: ClassVar[About]

    def faults(self, args: Any, reward: object) -> Iterator[str]:
        """Why it cannot go with a stage's options.

        Args:
            args: a `trl.GRPOConfig`.
            reward: the stage's.
        """
        yield from ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nft(Loss):
    """Likelihood of right responses, and of what is left of the policy when wrong ones are taken out of it.

    With q the share of right responses in a group and R a token's ratio of new to old probability, a right response
    costs -log R, and a wrong one -log max((1 - q R) / (1 - q), floor), whose gradient passes the floor.

    Attributes:
        negative_weight: of wrong responses; 0 learns from right ones alone.
        prompt_weight: of a group: `dr_grpo` is 1 - q and `grpo` the root of (1 - q) / q, on policy the gradients of
            Dr. GRPO and GRPO; `even` is 1.
        threshold: the reward from which a response counts as right.
        floor: of the share that is left of the policy, relative to what was left when it was sampled.
    """

    about: ClassVar[About] = About(
        title="Negative-aware fine-tuning (NFT)",
        source="Bridging Supervised Learning and Reinforcement Learning in Math Reasoning (arXiv 2505.18116)",
        claim="A supervised loss that learns from wrong responses too matches or passes GRPO and DAPO on mathematics, "
        "and has GRPO's gradient on policy.",
        needs="Rewards that are 0 or 1, or a threshold; some groups that are neither all right nor all wrong.",
        trl=("trl.GRPOTrainer",),
        stable=True,
        measured="From a pass rate of 0.30 on the demo's task, 60 updates, two a generation, one seed: held-out "
        "accuracy 0.767, and 0.797 with GRPO. One seed is no evidence (`make prove SLICE=losses`).",
        avoid="Rewards whose degrees matter: a threshold throws them away. With one update a generation it is GRPO "
        "and nothing is gained.",
        differs="Unanimous groups weigh nothing. The gradient is NFT's and the logged loss is not: TRL's own loss is "
        "given, for each token, the advantage that makes its gradient NFT's, so its means over tokens, KL and entropy "
        "terms stay as the stage has them.",
    )

    negative_weight: float = 1.0
    prompt_weight: str = "dr_grpo"
    threshold: float = 1.0
    floor: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if self.negative_weight < 0:
            raise ValueError(f"negative_weight is {self.negative_weight:g}: it must be at least 0")
        if self.prompt_weight not in WEIGHTS:
            raise ValueError(f"prompt_weight is {self.prompt_weight!r}: {suggest(self.prompt_weight, WEIGHTS)}")
        if self.floor <= 0:
            raise ValueError(f"floor is {self.floor:g}: it must be above 0")

    def faults(self, args: Any, reward: object) -> Iterator[str]:
        """Losses whose gradient is not the ratio times the advantage."""
        if args.loss_type not in CLIPPED:
            yield f"nft cannot go with loss_type {args.loss_type}: use one of {', '.join(CLIPPED)}"
        if args.importance_sampling_level != "token":
            yield f"nft weighs tokens: leave importance_sampling_level {args.importance_sampling_level} out"
        if args.delta is not None:
            yield "nft does not clip ratios: leave delta out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Srft(Loss):
    """Demonstrations learnt and reinforced in one stage, weighed by the policy's entropy H.

    A row's demonstration is its right answer, with the worked solution where its maker wrote one. It joins the row's
    group with a reward of 1. The loss is the sum of

    - sft_scale exp(-H) times the demonstration's negative log-likelihood,
    - reinforcement of the demonstration, its ratio taken to a behaviour of probability 1 and not clipped,
    - reinforcement of the responses by the stage's loss, the positive advantages times rl_scale exp(H).

    No gradient passes the weights. Rows without a demonstration are reinforced as the stage has it.

    Attributes:
        sft_scale: of the supervised term.
        rl_scale: of the positive advantages.
        share: of the rows, drawn by the seed, which have a demonstration; above 0.
        reinforcement: weight of both terms of reinforcement; 0 leaves the supervised one.
    """

    about: ClassVar[About] = About(
        title="Supervised reinforcement fine-tuning in one stage (SRFT)",
        source="SRFT: A Single-Stage Method with Supervised and Reinforcement Fine-Tuning for Reasoning "
        "(arXiv 2506.19767)",
        claim="One stage on demonstrations and own responses, weighed by entropy, passes reinforcement alone on "
        "mathematics: by 9.0 points within the domain and 10.9 outside it, from Qwen2.5-Math-7B.",
        needs="Rows whose right answer is known; worked solutions teach more than bare answers.",
        trl=("trl.GRPOTrainer",),
        stable=False,
        measured="From a pass rate of 0.30 on the demo's task, 60 updates, one seed: held-out accuracy 0.843, and "
        "0.797 with GRPO, from demonstrations that are bare answers. One seed is no evidence "
        "(`make prove SLICE=losses`).",
        avoid="Where the stage's own reward is to be evidence: it pays rows whose right answer it shows, as the paper "
        "does, so what it earns on them may be memory. Held-out accuracy is not touched. Not before another stage on "
        "the same rows: stages after it leave out the rows that it showed.",
        differs="Demonstrations are what the rows' makers wrote, not traces of a stronger model. Responses keep the "
        "advantages of the stage's scale_rewards, over the group with its demonstration, where the paper has rewards "
        "of 1 and -1.",
    )

    sft_scale: float = 0.5
    rl_scale: float = 0.1
    share: float = 1.0
    reinforcement: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        for name in ("sft_scale", "rl_scale", "reinforcement"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name):g}: it must be at least 0")
        if not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share:g}: it must be above 0 and at most 1")

    def shows(self, id: str, seed: int) -> bool:
        """Whether a row's right answer is demonstrated in a stage."""
        return Rng("demonstrated", seed, id).uniform() < self.share

    def faults(self, args: Any, reward: object) -> Iterator[str]:
        """Rewards under which a demonstration is not known to be worth 1."""
        if reward != "verify":
            yield "srft rewards a right answer that it shows: leave reward out, which verifies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervised(Loss):
    """Beside reinforcement, the likelihood of right answers to rows of its own, which are never rewarded.

    A target is what a stage of sft on worked solutions has. The rows are drawn by the run's seed and no other stage but
    `format` sees them.

    Attributes:
        weight: of the mean negative log-likelihood of the targets' tokens; 0 leaves reinforcement as it is, to the bit.
        rows: how many rows it has.
        batch: how many of them stand beside each batch of `per_device_train_batch_size` responses.
    """

    about: ClassVar[About] = About(
        title="An auxiliary supervised term",
        source="Predictive auxiliary objectives in deep RL mimic learning in the brain (arXiv 2310.06089), whose "
        "agents predict beside their reward",
        claim="An auxiliary objective of prediction makes what a small agent learns from reward steadier.",
        needs="Rows to spare, with right answers that are worth imitating.",
        trl=("trl.GRPOTrainer", "trl.SFTTrainer"),
        stable=True,
        measured="From a pass rate of 0.28 on the demo's task, 60 updates, one seed, with 200 rows of its own: "
        "held-out accuracy 0.810, and 0.797 with GRPO. One seed is no evidence (`make prove SLICE=losses`).",
        avoid="Where the answers are the whole of what is to be found out: it shows some of them, and a plain sft "
        "stage before grpo is simpler.",
        differs="The term is the likelihood of right answers in words, not a prediction of hidden features, and is "
        "of the policy as it samples, at the stage's temperature.",
    )

    weight: float = 0.1
    rows: int = 1000
    batch: int = 8

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if self.weight < 0:
            raise ValueError(f"weight is {self.weight:g}: it must be at least 0")
        for name in ("rows", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be at least 1")
        if self.batch > self.rows:
            raise ValueError(f"batch is {self.batch}: it must be at most rows = {self.rows}")


LOSSES: dict[str, type[Loss]] = {"nft": Nft, "srft": Srft, "supervised": Supervised}
"""By the kind that a config names."""
