"""A model against its own samples (SPIN, arXiv 2401.01335; of pictures arXiv 2402.10210).

In each round of a loop the worked solution is preferred to what the model of that round says itself. The model has
caught up when its samples pass as the gold does, which always passes: the loop's `until` ends the rounds there.
"""

from __future__ import annotations

from ssrl_train.exports.examples import Asked, Example
from ssrl_train.exports.settings import Spin
from ssrl_train.sft import response


def spin(asked: Asked, each: int, settings: Spin) -> list[Example]:
    """The worked solution as `chosen` and a wrong sample as `rejected`, at most `each` times."""
    gold = response(asked.answer, asked.meta)
    return [Example({"chosen": gold, "rejected": wrong.text}, shows=True) for wrong in asked.wrong[:each]]
