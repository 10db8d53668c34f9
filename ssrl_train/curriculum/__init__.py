"""Which rows a GRPO stage draws when: settings by kind, and the policies that carry them out."""

from ssrl_train.curriculum.settings import (
    KINDS,
    Curriculum,
    Frontier,
    Levels,
    Progress,
    Ucb,
    Uniform,
    Weights,
)

__all__ = ["KINDS", "Curriculum", "Frontier", "Levels", "Progress", "Ucb", "Uniform", "Weights"]
