"""Options of TRL's GRPOTrainer that a paper states, by name: `preset` of a grpo stage, one or several.

A later one goes before an earlier one, and what the stage's own `grpo` says before all. So a stage with a preset is the
same as one with its fields written out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ssrl_train.about import About

GRPO = ("trl.GRPOTrainer", "trl.GRPOConfig")
UNMEASURED = "Not measured here."


@dataclass(frozen=True, slots=True)
class Preset:
    """Options by name.

    Attributes:
        fields: of `trl.GRPOConfig`.
        about: what the methods page says of it.
    """

    fields: Mapping[str, Any]
    about: About


PRESETS: dict[str, Preset] = {
    "dapo": Preset(
        {
            "loss_type": "dapo",
            "epsilon": 0.2,
            "epsilon_high": 0.28,
            "beta": 0.0,
            "scale_rewards": "group",
            "mask_truncated_completions": True,
        },
        About(
            title="DAPO",
            source="DAPO: An Open-Source LLM Reinforcement Learning System at Scale, arXiv 2503.14476",
            claim="A higher upper clip keeps entropy, a mean over tokens keeps long responses from being diluted, and "
            "cut-off responses are noise when they are rewarded: 50 points on AIME 2024 from Qwen2.5-32B.",
            needs="max_completion_length at which most responses end: those that are cut off teach nothing.",
            trl=GRPO,
            stable=True,
            measured=UNMEASURED,
            avoid="Where most responses are cut off, as from a model that does not yet end its answers.",
            differs="No dynamic sampling and no graded penalty of length, which TRL does not have; `curriculum: "
            "{kind: frontier}` or a band of `pass_rates` keeps out most groups that are all right or all wrong.",
        ),
    ),
    "dr_grpo": Preset(
        {"loss_type": "dr_grpo", "scale_rewards": "none", "beta": 0.0},
        About(
            title="Dr. GRPO",
            source="Understanding R1-Zero-Like Training: A Critical Perspective, arXiv 2503.20783",
            claim="Dividing by the response's length favours long wrong responses, and by the group's spread very hard "
            "and very easy questions; without either, responses stay shorter at the same accuracy.",
            needs="Nothing more.",
            trl=GRPO,
            stable=True,
            measured=UNMEASURED,
            avoid="A learning rate tuned for GRPO: without the division by the spread, updates are smaller.",
        ),
    ),
    "gspo": Preset(
        {
            "importance_sampling_level": "sequence",
            "loss_type": "grpo",
            "epsilon": 3e-4,
            "epsilon_high": 4e-4,
            "beta": 0.0,
        },
        About(
            title="GSPO",
            source="Group Sequence Policy Optimization, arXiv 2507.18071",
            claim="One ratio for a whole response, the mean over its tokens, is clipped far more often than those of "
            "tokens and yet learns more, and keeps mixtures of experts steady.",
            needs="Several updates a generation (steps_per_generation or num_iterations): the paper makes 4, and with "
            "one nothing is clipped.",
            trl=GRPO,
            stable=True,
            measured=UNMEASURED,
            avoid="Short responses: the bounds are for means over hundreds of tokens.",
        ),
    ),
    "cispo": Preset(
        {"loss_type": "cispo", "epsilon_high": 5.0, "beta": 0.0},
        About(
            title="CISPO",
            source="MiniMax-M1, arXiv 2506.13585; the bound of 5 from The Art of Scaling Reinforcement Learning "
            "Compute for LLMs, arXiv 2510.13786",
            claim="Clipping the ratio's weight and not the update keeps the gradient of rare tokens, and reaches "
            "DAPO's result in half the updates.",
            needs="Several updates a generation; with one all ratios are 1 and nothing is clipped.",
            trl=GRPO,
            stable=True,
            measured=UNMEASURED,
            avoid="With the loss nft, which needs a loss of the ratio.",
        ),
    ),
    "entropy_bonus": Preset(
        {"use_adaptive_entropy": True, "entropy_target": 0.2, "entropy_coef_delta": 0.005},
        About(
            title="Entropy bonus with a target",
            source="Skywork Open Reasoner 1 Technical Report, arXiv 2505.22312",
            claim="A bonus that comes in when entropy falls below a target, and goes when it is above, keeps a long "
            "run from collapsing early.",
            needs="A look at the logged entropy: 0.2 nats a token is the paper's target for long reasoning.",
            trl=GRPO,
            stable=True,
            measured=UNMEASURED,
            avoid="Answers of a few tokens, where a fixed entropy_coef is simpler to reason about.",
        ),
    ),
    "top_entropy": Preset(
        {"top_entropy_quantile": 0.2},
        About(
            title="Gradient of the high-entropy tokens",
            source="Beyond the 80/20 Rule: High-Entropy Minority Tokens Drive Effective Reinforcement Learning for LLM "
            "Reasoning, arXiv 2506.01939",
            claim="The fifth of the tokens with the highest entropy carries the whole gain of large models; the paper "
            "adds the mask to DAPO.",
            needs="Responses with reasoning, in which most tokens are settled by those before; `preset: [dapo, "
            "top_entropy]` is the paper's.",
            trl=GRPO,
            stable=True,
            measured=UNMEASURED,
            avoid="Bare answers: with a few tokens each, most responses would keep none.",
        ),
    ),
    "router_loss": Preset(
        {"router_aux_loss_coef": 0.001},
        About(
            title="Load-balancing loss of a mixture of experts",
            source="Switch Transformers, arXiv 2101.03961; the weight is that of the published Qwen3 mixtures",
            claim="Experts are used evenly, so that none is left untrained and none is overfull.",
            needs="A mixture of experts; the load of its experts is logged as experts/max_share and experts/entropy.",
            trl=GRPO,
            stable=True,
            measured=UNMEASURED,
            avoid="Dense models, which are refused. TRL takes the weight of the model's own config where none is "
            "given, so most published mixtures have the loss already.",
        ),
    ),
}
"""By the name that a config has for each."""


def fields_of(names: Sequence[str]) -> dict[str, Any]:
    """What presets set together."""
    return {key: value for name in names for key, value in PRESETS[name].fields.items()}


def told(names: Sequence[str], options: Mapping[str, Any]) -> Iterator[str]:
    """What presets set in a stage, as lines.

    Args:
        names: of the stage's presets.
        options: of the stage, its own among them.
    """
    fields = fields_of(names)
    if names:
        kept = [f"{key}: {_plain(value)}" for key, value in fields.items() if options[key] == value]
        yield f"preset {' and '.join(names)} sets {', '.join(kept) or 'nothing'}"
        own = [f"{key}: {_plain(options[key])}" for key, value in fields.items() if options[key] != value]
        if own:
            yield f"the stage's own {', '.join(own)} goes before its preset"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
