"""What a config may say of an export. The exports themselves are beside this, one a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ssrl_data.registry import suggest
from ssrl_train.about import About

SFT, DPO = "sft", "dpo"

FORMS = ("unclosed", "unopened", "beside", "twice", "before", "inside", "untagged")
"""Ways in which the form of an answer is broken (`exports.specs`)."""

SHAPES = ("retry", "verify", "backtrack")
"""Shapes of a trace (`exports.skills`)."""

FILES = " Or `ssrl export` and `data: FILE.parquet`."


@dataclass(frozen=True, slots=True)
class Export:
    """Examples of a stage, made from responses and verdicts.

    Class attributes:
        about: what the methods page says of it.
        method: of the stage that learns from it.
        wants: what a row must have to give an example.
    """

    about: ClassVar[About]
    method: ClassVar[str]
    wants: ClassVar[str]


@dataclass(frozen=True, slots=True)
class Rejection(Export):
    """Right responses as completions: what an sft stage with `responses` learns by default."""

    method: ClassVar[str] = SFT
    wants: ClassVar[str] = "a right response"
    about: ClassVar[About] = About(
        title="Rejection sampling",
        source="OpenVLThinker (arXiv 2503.17352)",
        claim="Rounds of learning one's own verified responses, then of reinforcement, each start from a better model.",
        needs="A `sample` stage whose model is right now and then." + FILES,
        trl=("trl.SFTTrainer",),
        stable=True,
        measured="Nothing on its own.",
        avoid="When nothing is right yet: there is nothing to learn, and the stage says so. Guessed answers of few "
        "choices are right by luck, and are learnt as if they were not.",
    )


@dataclass(frozen=True, slots=True)
class Pairs(Export):
    """A right and a wrong response of one row: what a dpo stage with `responses` learns by default."""

    method: ClassVar[str] = DPO
    wants: ClassVar[str] = "a right and a wrong response"
    about: ClassVar[About] = About(
        title="Right and wrong pairs",
        source="Direct preference optimisation (arXiv 2305.18290), AutoIF (arXiv 2406.13542)",
        claim="A model learns from pairs of a better and a worse response without a reward model or sampling.",
        differs="The verifier says which is better.",
        needs="A `sample` stage with several responses of a row, of which some are right." + FILES,
        trl=("trl.DPOTrainer",),
        stable=True,
        measured="Nothing on its own.",
        avoid="When responses of one row are nearly all right or nearly all wrong: few rows give pairs.",
    )


@dataclass(frozen=True, slots=True)
class Specs(Export):
    """A well-formed response preferred to itself with its form broken.

    Attributes:
        forms: ways to break it, some of `FORMS`; a pair draws one of those that the row's reader does not forgive.
    """

    method: ClassVar[str] = DPO
    wants: ClassVar[str] = "a well-formed response"
    about: ClassVar[About] = About(
        title="Preference cold start on form",
        source="SPECS (arXiv 2510.25801)",
        claim="A cold start by preference on form, not by imitation, leaves reasoning to reinforcement: 4.1 points "
        "more on MEGA-Bench and 12.2 on MathVista.",
        differs="Each pair is proven with the row's own reader: the chosen response reads, the rejected one has the "
        "same content and does not. The ways and their grades are ours; the paper's judge of chosen responses is left "
        "out, so a chosen response may be wrong. Its format-clean model is any `format` or `grpo` stage before.",
        needs="A `sample` stage whose model sometimes answers in `<answer></answer>` and stops. The supervised term is "
        "TRL's: `dpo: {loss_type: [sigmoid, sft], loss_weights: [1.0, 0.5]}`." + FILES,
        trl=("trl.DPOTrainer",),
        stable=False,
        measured="Tiny models that seldom have the form, three seeds (`make prove SLICE=starts`): in GRPO's first "
        "tenth 0.68 to 0.83 of the groups have a difference, without a start 0.13 to 0.30; after 50 steps 0.25, 0.47 "
        "and 0.37 are right, without 0.25, 0.25 and 0.26: +0.108 (-0.167 to 0.382), no evidence.",
        avoid="When the form is right already, or when no response has it: `format` is what teaches it from nothing.",
    )

    forms: tuple[str, ...] = FORMS

    def __post_init__(self) -> None:
        """Refuse what there is not."""
        _some("forms", self.forms, FORMS)


@dataclass(frozen=True, slots=True)
class Skills(Export):
    """Traces of tries and reflections that end in a right answer.

    Attributes:
        shapes: some of `SHAPES`: wrong tries, then a right one; a right one that is confirmed; a wrong one from whose
            beginning the right one goes on. A trace draws one of those that the row's responses allow.
        tries: the most responses in one trace, at least 2.
    """

    method: ClassVar[str] = SFT
    wants: ClassVar[str] = "the responses for a trace (well formed, the last one right)"
    about: ClassVar[About] = About(
        title="Traces that try, look back and try again",
        source="SkillFactory (arXiv 2512.04072)",
        claim="A model that has seen its own responses put together with reflections starts reinforcement with the "
        "skill to check and to retry, and keeps it on harder tasks.",
        differs="The verdict of a reflection is the verifier's, so none is wrong; its words are templates, which the "
        "column `reflection` says of every example. The paper has the model write both and keeps those that agree.",
        needs="A `sample` stage with several well-formed responses of a row; room for all tries in one response: a "
        "`max_completion_length` of that of `tries` responses and more." + FILES,
        trl=("trl.SFTTrainer",),
        stable=False,
        measured="Tiny models that seldom have the form, three seeds (`make prove SLICE=starts`): in GRPO's first "
        "tenth 0.88 to 0.90 of the groups have a difference, without a start 0.13 to 0.30; after 50 steps accuracy is "
        "at chance with it and without: -0.001 (-0.057 to 0.054), no evidence.",
        avoid="When a response has no room for a second try, or when a model reflects by itself in better words.",
    )

    shapes: tuple[str, ...] = SHAPES
    tries: int = 3

    def __post_init__(self) -> None:
        """Refuse what there is not."""
        _some("shapes", self.shapes, SHAPES)
        if self.tries < 2:
            raise ValueError(f"tries is {self.tries}: it must be at least 2")


@dataclass(frozen=True, slots=True)
class Engrave(Export):
    """Right responses that were sampled under a `preamble`, without it.

    Attributes:
        words: as many words in a row of the preamble make a response one that quotes it, at least 1.
        previewed: whether only responses are taken that preview the task and check themselves, as Light-IF's cold start
            (arXiv 2508.03178): `<think><preview>...</preview> a draft <check>...</check></think> the answer`.
    """

    method: ClassVar[str] = SFT
    wants: ClassVar[str] = "a right response that quotes no rule"
    about: ClassVar[About] = About(
        title="Rules engraved",
        source="SELF-ALIGN (arXiv 2305.03047)",
        claim="A model that answers under written principles and then learns these answers without them keeps to the "
        "principles unasked, from fewer than 300 lines of human text.",
        differs="The verifier decides what is kept, in place of lists of forbidden words; rules that no verifier knows "
        "are not checked. Topic-guided prompts and the last stage, for longer answers, are left out.",
        needs="A `sample` stage with `preamble: TEXT`." + FILES,
        trl=("trl.SFTTrainer",),
        stable=False,
        measured="Nothing of what it is worth. That no rule is left: `pytest tests/train/test_exports.py`.",
        avoid="For a model too small to follow rules that it is told.",
    )

    words: int = 6
    previewed: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.words < 1:
            raise ValueError(f"words is {self.words}: it must be at least 1")


@dataclass(frozen=True, slots=True)
class Degree(Export):
    """Pairs of the best, a middle and the worst response, with the difference of their scores in the column `margin`.

    Attributes:
        least: difference of scores below which two responses are equally good, in (0, 1].
    """

    method: ClassVar[str] = DPO
    wants: ClassVar[str] = "two responses whose scores differ enough"
    about: ClassVar[About] = About(
        title="Degrees of preference",
        source="SPO (arXiv 2409.17791)",
        claim="Knowing how much a response is preferred helps beside knowing which.",
        differs="Degrees are the verifier's scores; the paper deletes growing parts of a good response and adds a loss "
        "on how much is gone, whose code is not published. TRL's DPOTrainer passes the margin over; its RewardTrainer "
        "adds it to its loss.",
        needs="A `sample` stage on tasks with partial credit; `each: 3` for all pairs of the three." + FILES,
        trl=("trl.DPOTrainer", "trl.RewardTrainer"),
        stable=False,
        measured="Nothing of what it is worth. That margins add up: `pytest tests/train/test_exports.py`.",
        avoid="Where scores are 0 or 1 alone: every margin is 1, and `pairs` is the same.",
    )

    least: float = 0.05

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not 0 < self.least <= 1:
            raise ValueError(f"least is {self.least:g}: it must be above 0 and at most 1")


@dataclass(frozen=True, slots=True)
class Spin(Export):
    """The worked solution preferred to a wrong sample of the model at hand."""

    method: ClassVar[str] = DPO
    wants: ClassVar[str] = "a wrong response"
    about: ClassVar[About] = About(
        title="Self-play against the gold",
        source="SPIN (arXiv 2401.01335), SPIN-Diffusion (arXiv 2402.10210)",
        claim="A model that tells good texts from its own samples, round after round, gets as good as those texts, "
        "without new data.",
        differs="Samples that the verifier accepts are not rejected, and the rounds end when nearly all are such; "
        "the paper rejects every sample and fixes the number of rounds.",
        needs="A loop `{repeat: N, until: 0.95, stages: [a sample stage, a dpo stage with export: spin]}`; `until` "
        "is the pass rate of own samples that counts as that of the gold, which always passes." + FILES,
        trl=("trl.DPOTrainer",),
        stable=False,
        measured="Nothing of what it is worth. That rounds end and resume: `pytest tests/train/test_exports.py`.",
        avoid="With a solution much unlike what the model writes: DPO then lowers both, and an sft stage on solutions "
        "is what helps.",
    )


def _some(name: str, given: tuple[str, ...], known: tuple[str, ...]) -> None:
    for one in given:
        if one not in known:
            raise ValueError(f"{name} has {one!r}: {suggest(one, known)}")
    if not given or len(set(given)) < len(given):
        raise ValueError(f"{name} is {list(given)}: name one or more of {', '.join(known)}, each once")


EXPORTS: dict[str, type[Export]] = {
    "rejection": Rejection,
    "pairs": Pairs,
    "specs": Specs,
    "skills": Skills,
    "engrave": Engrave,
    "degree": Degree,
    "spin": Spin,
}
"""By the kind that a config names."""
