"""Rewards that come from a whole group of responses, or from no verifier at all: what `reward` may be beside a name.

A signal takes the place of the verifier's score and is never mixed with it; the score is still logged, so a run says
what its signal is worth wherever the truth is known. The exception is `preview`, which only takes off what it scores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ssrl_train.signals.settings import SIGNALS, Preview, Signal

__all__ = ["SIGNALS", "Signal", "judge"]


def _previews(settings: Preview) -> Any:
    from ssrl_train.signals.preview import Previews

    return Previews(settings)


_JUDGES: dict[type[Signal], Callable[[Any], Any]] = {Preview: _previews}


def judge(settings: Signal) -> Any:
    """A signal at work, before its first batch.

    Args:
        settings: its kind and what the config says of it.
    """
    return _JUDGES[type(settings)](settings)
