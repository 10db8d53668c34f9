"""Going on from a checkpoint with the weights that it holds.

`transformers.Trainer` saves a model under the names of its published checkpoints and loads a checkpoint by the names
of its modules. Where the two differ (LLaVA, Qwen2.5-VL) it finds none of them, warns, and goes on from the weights
that training began with beside the optimizer's state of the checkpoint. `from_pretrained` translates the names, so
the weights are read through it first; what the trainer's own loading then finds is equal to them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ssrl_data.core import SsrlError

LOADING = ("There were missing keys in the checkpoint", "There were unexpected keys in the checkpoint")


@contextmanager
def restored(trainer: Any, checkpoint: Path | None) -> Iterator[None]:
    """Give a trainer the weights of a checkpoint, and keep its loading from warning of names that it does not know.

    Args:
        trainer: a `transformers.Trainer`, not yet trained.
        checkpoint: the folder that it is about to resume from; None for a start from the beginning.

    Raises:
        SsrlError: the checkpoint holds other weights than the model has.
    """
    sharded = trainer.is_fsdp_enabled or trainer.is_deepspeed_enabled  # their formats have the names of modules
    if checkpoint is None or sharded or not any(checkpoint.glob("model*.safetensors")):
        yield  # and an adapter has names of its own
        return
    _load(trainer.accelerator.unwrap_model(trainer.model), checkpoint)
    logger = logging.getLogger("transformers.trainer")
    logger.addFilter(_told)
    try:
        yield
    finally:
        logger.removeFilter(_told)


def _load(model: Any, checkpoint: Path) -> None:
    # In the model's own float type: a file may hold a narrower one than the model trains in.
    saved = type(model).from_pretrained(checkpoint, dtype=model.dtype)
    wrong = model.load_state_dict(saved.state_dict(), strict=False)
    if names := [*wrong.missing_keys, *wrong.unexpected_keys]:
        raise SsrlError(
            f"{checkpoint} does not hold the weights of this model ({names[0]} is in one of them alone): remove it to "
            "begin the stage again"
        )


def _told(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith(LOADING)
