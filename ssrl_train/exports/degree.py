"""How much better, by graded scores: the best, a middle and the worst response of a row (after SPO, arXiv 2409.17791).

The margin of a pair is the difference of its scores, so margins of one row add up: best over worst is best over middle
and middle over worst.
"""

from __future__ import annotations

from ssrl_train.exports.examples import Asked, Example, Response
from ssrl_train.exports.settings import Degree


def degree(asked: Asked, each: int, settings: Degree) -> list[Example]:
    """Best over worst, best over middle and middle over worst, the first `each` of those that there are."""
    found = sorted(asked.responses, key=lambda response: -response.score)  # stable: equal ones stay in drawn order
    if not found:
        return []
    best, worst = found[0], next(response for response in found if response.score == found[-1].score)
    between = [
        response
        for response in found
        if best.score - response.score >= settings.least and response.score - worst.score >= settings.least
    ]
    steps = {"best over worst": (best, worst)}
    if between:
        middle = min(between, key=lambda response: abs(best.score + worst.score - 2 * response.score))
        steps |= {"best over middle": (best, middle), "middle over worst": (middle, worst)}
    pairs = [_pair(name, *pair) for name, pair in steps.items() if pair[0].score - pair[1].score >= settings.least]
    return pairs[:each]


def _pair(order: str, better: Response, worse: Response) -> Example:
    says = {"chosen": better.text, "rejected": worse.text}
    return Example(says, better.exact, {"order": order, "margin": better.score - worse.score})
