"""The verifier's score, of which a response without a preview and a self-check loses a little.

After Light-IF (arXiv 2508.03178), whose credits for each constraint these are; the form is that of `previewed`.

No other signal has the verifier's score in it: what is paid beside the truth can be earned without it. This one may,
for it pays nothing beside it: it only takes off, and less than one constraint is worth.
"""

from __future__ import annotations

from ssrl_data.grade import grade
from ssrl_data.row import unpack_answer
from ssrl_train.signals.base import Batch, Judge, Paid
from ssrl_train.signals.previewed import previewed
from ssrl_train.signals.settings import Preview


def reward(score: float, exact: bool, constraints: int, form: bool, settings: Preview) -> float:
    """What a response earns, in [0, 1].

    With n constraints, one more that is kept to is worth more than the form at any place, since the form costs less
    than an n-th of what is earned: no form makes up for a constraint, and without one it earns nothing.

    Args:
        score: the verifier's, in [0, 1], which grows with the share of the constraints that are kept to.
        exact: whether all are.
        constraints: how many the row has.
        form: whether the response is `previewed`.
        settings: what the form and the whole are worth.
    """
    earned = (1 - settings.whole) * score + settings.whole * exact
    return earned if form else earned * (1 - settings.form / constraints)


class Previews(Judge):
    """The signal at work.

    Args:
        settings: of the config.
    """

    def __init__(self, settings: Preview) -> None:
        self.settings = settings

    def pay(self, batch: Batch) -> Paid:
        """The rewards of a batch; None where the verifier cannot say."""
        rewards: list[float | None] = []
        forms = [previewed(text) for text in batch.texts]
        for row, text, form in zip(batch.rows, batch.texts, forms, strict=True):
            verdict, (_, value, _) = grade(row["answer"], text), unpack_answer(row["answer"])
            if verdict.score is None:
                rewards.append(None)
            else:
                constraints = len(value["constraints"])
                rewards.append(reward(verdict.score, verdict.exact, constraints, form, self.settings))
        return Paid(rewards, {"previewed": sum(forms) / len(forms)})
