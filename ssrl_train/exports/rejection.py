"""Rejection sampling: what the verifier accepts is learnt, as in OpenVLThinker's rounds (arXiv 2503.17352)."""

from __future__ import annotations

from ssrl_train.exports.examples import Asked, Example
from ssrl_train.exports.settings import Rejection


def rejection(asked: Asked, each: int, settings: Rejection) -> list[Example]:
    """Right responses as completions, at most `each`."""
    return [Example({"completion": response.text}, shows=True) for response in asked.right[:each]]
