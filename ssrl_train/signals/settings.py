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
    """

    about: ClassVar[About]


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


SIGNALS: dict[str, type[Signal]] = {"preview": Preview}
"""By the kind that a config names."""
