"""Answers given under rules, learnt without them (SELF-ALIGN, arXiv 2305.03047).

The responses come from a sample stage with a `preamble`, which the saved prompts do not have. A response that quotes it
would teach the quoting, so it is left out.
"""

from __future__ import annotations

import re

from ssrl_data.core import SsrlError
from ssrl_train.exports.examples import Asked, Example
from ssrl_train.exports.settings import Engrave
from ssrl_train.signals.previewed import previewed


def engrave(asked: Asked, each: int, settings: Engrave) -> list[Example]:
    """Right responses that quote no rule as completions, at most `each`.

    Raises:
        SsrlError: the responses were not sampled under a preamble.
    """
    if not asked.preamble:
        raise SsrlError("engrave wants responses that were sampled under rules: give the sample stage a `preamble`")
    rules = _runs(asked.preamble, settings.words)
    kept = [response for response in asked.right if not rules & _runs(response.text, settings.words)]
    if settings.previewed:
        kept = [response for response in kept if previewed(response.text)]
    return [Example({"completion": response.text}, shows=True) for response in kept[:each]]


def _runs(text: str, length: int) -> set[tuple[str, ...]]:
    """The runs of so many words of a text, whatever their case and the marks between them; a shorter text is none."""
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}
