"""What a config may say of a signal. The signals themselves are beside this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ssrl_train.about import About


@dataclass(frozen=True, slots=True)
class Signal:
    """A reward that no verifier gives.

    Class attributes:
        about: what the methods page says of it.
        whole_sets: whether the rows of a set must come in one generation batch.
        truth: whether it wants rows that store a right answer.
    """

    about: ClassVar[About]
    whole_sets: ClassVar[bool] = False
    truth: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Voting(Signal):
    """What a vote needs.

    Attributes:
        margin: by more than this share of a group's responses the winner must lead, or the group is not paid; at 0 ties
            alone are not.
    """

    truth: ClassVar[bool] = False

    margin: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if not 0 <= self.margin < 1:
            raise ValueError(f"margin is {self.margin:g}: it must be from 0 to below 1")


@dataclass(frozen=True, slots=True)
class Majority(Voting):
    """What most responses to a row answer is taken for right."""

    about: ClassVar[About] = About(
        title="Majority vote",
        source="TTRL (arXiv 2504.16084); the baseline of Co-rewarding (arXiv 2508.00410)",
        claim="A model that is paid for agreeing with its own majority gets better on the questions themselves, up to "
        "what it could be told by labels.",
        differs="Answers are compared by their type and not as texts, and ties abstain; in the public code of "
        "Co-rewarding 1/2, 0.5 and \\frac12 are three candidates and a tie goes to the first.",
        needs="Rows with short answers, with or without a stored truth, and a model that is right more often than it "
        "makes any one mistake.",
        trl=("trl.GRPOTrainer",),
        stable=True,
        measured="Tiny models, half of whose sampled answers to sums are right, three seeds: mean held-out accuracy "
        "goes from 0.68 to 0.53 (no evidence: seeds differ), in each of them down, as answers gather on a few "
        "favourites; a coin leaves 0.56, gold makes it 0.76: `make prove SLICE=test_votes`. In those 80 updates the "
        "usual guard stopped none.",
        avoid="Where the usual mistake is more frequent than the right answer: it is taught. Nothing outside the group "
        "holds it: a model made from nothing lost by it wherever we tried. Watch `answer_entropy` and a held-out set.",
    )


@dataclass(frozen=True, slots=True)
class CoVote(Voting):
    """Views of one question pay each other: what most responses to one answer is right for the others."""

    about: ClassVar[About] = About(
        title="Co-voting of views",
        source="Co-rewarding I (arXiv 2508.00410), first called Co-Reward",
        claim="Two wordings of a question vote for each other, which collapses less than a question that votes for "
        "itself: Qwen3-8B-Base goes from 72.4 to 81.2 on MATH500, with labels to 82.6.",
        differs="Views are exact by construction (options permuted, variables renamed, premises reordered) and answers "
        "are taken over from one to the other; the paper's are rewritten by a model of 32B, and in about a third of "
        "the released pairs the two wordings hold other numerals. Equality is typed, and ties abstain.",
        needs="Sets of two or more views whose answers map onto each other, as text/final_answer with several `views`; "
        "whole sets come in one batch.",
        trl=("trl.GRPOTrainer",),
        stable=True,
        measured="Tiny models, half of whose sampled answers to sums are right, three seeds: mean held-out accuracy "
        "goes from 0.68 to 0.57 (no evidence), by majority to 0.53, with a margin of 0.5 to 0.55, although most "
        "winners are right at first; a coin leaves 0.56, gold makes it 0.76: `make prove SLICE=test_votes`.",
        avoid="Tasks without views are refused. A mistake that all views share is taught as by majority.",
    )
    whole_sets: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class TeacherVote(Voting):
    """A moving average of the model answers too, and its majority is taken for right.

    With `first` and `last` 1 the teacher is the model that the stage began with; with both 0 it is the model itself,
    sampled again.

    Attributes:
        first: the teacher's share in its next weights at the first update.
        last: at the last one; in between it rises by half a cosine.
    """

    about: ClassVar[About] = About(
        title="Vote of a moving average",
        source="Co-rewarding II (arXiv 2508.00410)",
        claim="A teacher whose weights follow the model slowly gives labels that the model cannot bend at once; a "
        "frozen one is worse, and one that follows at once collapses.",
        differs="The teacher answers with the settings of the model, as often as it does. Answers are compared by "
        "their type, and ties abstain.",
        needs="As for majority, and the time to sample twice.",
        trl=("trl.GRPOTrainer",),
        stable=False,
        measured="Tiny models, half of whose sampled answers to sums are right, with `first` 0.9 and `last` 0.99, "
        "three seeds: mean held-out accuracy goes from 0.68 to 0.58 (no evidence), by majority to 0.53; a coin "
        "leaves 0.56, gold makes it 0.76: `make prove SLICE=test_votes`.",
        avoid="With vLLM, FSDP or DeepSpeed it is refused: the teacher generates in the model's place. Short stages: "
        "at 0.9999 the teacher hardly moves in hundreds of updates.",
    )

    first: float = 0.99
    last: float = 0.9999

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        Voting.__post_init__(self)
        if not 0 <= self.first <= self.last <= 1:
            raise ValueError(f"first {self.first:g} and last {self.last:g} must be two rising shares from 0 to 1")


@dataclass(frozen=True, slots=True)
class Preview(Signal):
    """The verifier's score, of which a response without a preview and a self-check loses a little.

    Attributes:
        form: what is lost without the form, as a share of what one of the row's constraints is worth.
        whole: share of the reward that only a response that keeps to all constraints earns.
    """

    about: ClassVar[About] = About(
        title="Preview and self-check",
        source="Light-IF (arXiv 2508.03178)",
        claim="A model that previews the constraints before it drafts and checks itself afterwards thinks less "
        "lazily: a reward of small credits for each constraint, and 1 for all, takes a 32B model to 0.938 on IFEval.",
        differs="The only signal that is mixed with the verifier's score, since it never adds to it: the form takes "
        "off less than one constraint is worth, so it makes up for none and earns nothing alone. Credits are shares of "
        "the constraints that a row has and what a guess would meet earns none; the paper's are fixed points of each "
        "type, free where it is absent. The form is tagged and checked; the paper's is learnt in the cold start alone. "
        "The reward for length is left out.",
        needs="Rows of `instruction/constraints`, and a cold start that shows the form: nothing in the prompt asks for "
        "it (tasks/recipes/train/light_if.yaml).",
        trl=("trl.GRPOTrainer",),
        stable=False,
        measured="Nothing of what it is worth for learning. That it grows with the constraints whatever the form, and "
        "reads any string in linear time: `pytest tests/train/test_light_if.py`.",
        avoid="Before the model writes the form sometimes: where no response has it, it tells nothing apart. On other "
        "rows than constraints it is refused.",
    )

    form: float = 0.5
    whole: float = 0.5

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if not 0 <= self.form < 1:
            raise ValueError(f"form is {self.form:g}: it must be from 0 to below 1, less than a whole constraint")
        if not 0 <= self.whole <= 1:
            raise ValueError(f"whole is {self.whole:g}: it must be from 0 to 1")


@dataclass(frozen=True, slots=True)
class Soft(Signal):
    """The mean probability that a row's constraints are kept to, by a classifier learnt from ladders of responses.

    Attributes:
        responses: name of a `sample` stage on rungs of ladders, from which the classifier is learnt.
        held: share of the ladders that it does not learn from and is judged on.
        penalty: half of it times the squared weights is added to the classifier's loss.
    """

    about: ClassVar[About] = About(
        title="Self-labelled soft constraints",
        source="verl-if (arXiv 2508.02150)",
        claim="A binary classifier learnt from a ladder's own answers, those to level k against those to level k-1, "
        "judges constraints that no rule checks, and its labels agree with people at a Kendall tau of 0.94.",
        differs="The classifier is linear over the mean hidden states of the frozen start model, fitted in the run. "
        "All our constraints can be checked by rule, so its false accepts are known, and logged at every step; its "
        "probabilities alone are paid, where the paper takes a rule's verdict wherever there is a rule.",
        needs="Rungs of ladders (instruction/constraints), neighbouring ones of a set, and a sample stage on them "
        "whose model keeps to constraints more often where they are asked.",
        trl=("trl.GRPOTrainer",),
        stable=False,
        measured="Read by a random tiny model, with labels of a writer who heeds all, it agrees with the rules on "
        "0.61, 0.62 and 0.56 of 200 held-out answers (three seeds) and accepts 0.42, 0.44 and 0.50 of the violated "
        "ones; where the writer overlooks 0.3 of the added constraints, 0.63, 0.55 and 0.54, and 0.38, 0.52 and 0.53: "
        "little more than a coin (`make prove SLICE=soft`). Whether a model learns from such a reward is not known.",
        avoid="Where a rule can check the constraint: `verify` is exact. Where the run says that the classifier "
        "accepts much of what is violated, as from a few hundred answers it does, or that the labels are not true: "
        "there the reward can be had without keeping to anything.",
    )

    truth: ClassVar[bool] = False

    responses: str
    held: float = 0.25
    penalty: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if not 0 < self.held < 1:
            raise ValueError(f"held is {self.held:g}: it must be above 0 and below 1")
        if self.penalty <= 0:
            raise ValueError(f"penalty is {self.penalty:g}: it must be above 0")


SIGNALS: dict[str, type[Signal]] = {
    "majority": Majority,
    "co_vote": CoVote,
    "teacher_vote": TeacherVote,
    "preview": Preview,
    "soft": Soft,
}
"""By the kind that a config names."""
