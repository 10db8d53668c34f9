"""What a config may say of proposed masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ssrl_data.gates.spans import LONGEST
from ssrl_train.about import About


@dataclass(frozen=True, slots=True)
class Propose:
    """Which proposals of a span to hide are taken: the key `propose` of a `grpo` stage, and of the `format` before it.

    Attributes:
        words: words of the longest span, 1 to 8.
        times: a span that stands in its passage so often or more is not taken, 2 or more.
    """

    about: ClassVar[About] = About(
        title="Active masking",
        source="PretrainZero, arXiv 2512.03442",
        claim="A model that proposes which spans of raw text to hide, paid 1 - the pass rate of its own predictions, "
        "learns more from them than from spans hidden at random: Qwen3-4B-Base reaches 60.4 in MMLU-Pro instead of "
        "55.2.",
        differs="A proposal must pass the gates of the masks that ssrl builds: a number, a name or a term that nothing "
        "else shown gives away, with its other right forms as aliases. One span that several proposals of a passage "
        "name is asked once. Slots of the batch that no proposal fills keep their own built mask, so a model that "
        "cannot propose yet trains on static masks.",
        needs="Rows of text/masked_span, and a model that answers in tags: a pretrained one, or `format` with the same "
        "key.",
        trl=("trl.GRPOTrainer",),
        stable=False,
        measured="On made passages in which half of the names follow from the rest and half from nothing, a tiny model "
        "(160 updates, 12,800 responses, one seed) ends at 0.223 of the held-out static masks, and at 0.280 with "
        "random masks; where the name follows, at 0.487 and 0.512. Its proposer learns what can be found (taken: 65% "
        "in the first quarter, 92% in the last) and then names the first name of every passage (97%), which is always "
        "found (88%) and earns nothing. `make prove SLICE=active`.",
        avoid="Do not use it where the passages are few or known by heart, or on a model that says the same each time "
        "it is asked: once all proposals of a passage are one span they earn the same, and nothing is learnt from "
        "them (`propose/distinct` falls to 1 in `num_generations`, `propose/solved` rises). Such a stage can end by "
        "`until: {metric: propose/solved, above: 0.8}`; what was asked is in `proposed/*.jsonl` beside its "
        "checkpoints.",
    )

    words: int = LONGEST
    times: int = 8

    def __post_init__(self) -> None:
        """Refuse what takes no proposal."""
        if not 1 <= self.words <= LONGEST:
            raise ValueError(f"words is {self.words}: it must lie in 1..{LONGEST}")
        if self.times < 2:
            raise ValueError(f"times is {self.times}: it must be at least 2, which takes spans that stand there once")
