"""Right responses that preview, draft and check as a prompt asked that is taken away (Light-IF, arXiv 2508.03178)."""

from __future__ import annotations

from ssrl_train.exports.engrave import engrave
from ssrl_train.exports.examples import Asked, Example
from ssrl_train.exports.settings import Previewed
from ssrl_train.signals.previewed import previewed


def preview(asked: Asked, each: int, settings: Previewed) -> list[Example]:
    """Right responses of the form of `signals.previewed` as completions, at most `each`.

    Raises:
        SsrlError: the responses were not sampled under a preamble.
    """
    found = engrave(asked, len(asked.right), settings)
    return [example for example in found if previewed(example.says["completion"])][:each]
