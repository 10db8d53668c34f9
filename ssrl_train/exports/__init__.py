"""What a model wrote and the verifier's verdicts, made into examples to train on: `export` in an sft or a dpo stage."""

from __future__ import annotations

from ssrl_train.exports.settings import EXPORTS, Export

__all__ = ["EXPORTS", "Export"]
