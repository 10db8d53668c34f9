"""Rewards that come from a whole group of responses, or from no verifier at all: what `reward` may be beside a name.

A signal takes the place of the verifier's score and is never mixed with it; the score is still logged, so a run says
what its signal is worth wherever the truth is known. The exception is `preview`, which only takes off what it scores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ssrl_train.signals.settings import SIGNALS, CoVote, Majority, Preview, Signal, TeacherVote

__all__ = ["SIGNALS", "Signal", "judge"]


def _previews(settings: Preview) -> Any:
    from ssrl_train.signals.preview import Previews

    return Previews(settings)


def _majority(settings: Majority) -> Any:
    from ssrl_train.signals.votes import MajorityJudge

    return MajorityJudge(settings)


def _co_vote(settings: CoVote) -> Any:
    from ssrl_train.signals.votes import CoVoteJudge

    return CoVoteJudge(settings)


def _teacher_vote(settings: TeacherVote) -> Any:
    from ssrl_train.signals.teacher import TeacherJudge

    return TeacherJudge(settings)


_JUDGES: dict[type[Signal], Callable[[Any], Any]] = {
    Majority: _majority,
    CoVote: _co_vote,
    TeacherVote: _teacher_vote,
    Preview: _previews,
}


def judge(settings: Signal) -> Any:
    """A signal at work, before its first batch.

    Args:
        settings: its kind and what the config says of it.
    """
    return _JUDGES[type(settings)](settings)
