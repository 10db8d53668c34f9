"""Models whose weights are spread over processes by FSDP or DeepSpeed ZeRO-3: what must be whole, and what saves whole.

`accelerate launch` says by environment variables how a model is to be spread. A model that each process answers with by
itself must be loaded whole all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from transformers.integrations import deepspeed

GATHERED = "stage3_gather_16bit_weights_on_model_save"


@contextmanager
def whole() -> Iterator[None]:
    """Load, and generate with, a model of this process's own.

    Otherwise what ZeRO-3's trainer has set stays in force beside and after it: weights are split as they are loaded,
    and every process must generate as often as the others. FSDP leaves a model alone until the trainer wraps it.
    """
    held = deepspeed._hf_deepspeed_config_weak_ref
    deepspeed.unset_hf_deepspeed_config()
    try:
        yield
    finally:
        if held is not None and (config := held()) is not None:
            deepspeed.set_hf_deepspeed_config(config)


def save_faults(environment: Mapping[str, str]) -> Iterator[str]:
    """Faults of how a model is spread that leave a trained one unsaved: the trainer warns or says nothing, and goes on.

    Args:
        environment: variables, as `accelerate launch` sets them from its config.
    """
    if environment.get("ACCELERATE_USE_FSDP") == "true":
        usual = "FULL" if environment.get("FSDP_VERSION", "1") == "1" else "SHARDED"
        kind = environment.get("FSDP_STATE_DICT_TYPE", f"{usual}_STATE_DICT")
        if kind != "FULL_STATE_DICT":
            yield (
                f"FSDP's fsdp_state_dict_type is {kind}, with which no whole model is saved: set it to FULL_STATE_DICT "
                "in the config of accelerate"
            )
    if environment.get("ACCELERATE_USE_DEEPSPEED") == "true":
        stage, gathered, where = _zero(environment)
        if stage == 3 and not gathered:
            yield f"ZeRO-3 would not save a whole model: set {where}"


def _zero(environment: Mapping[str, str]) -> tuple[int, bool, str]:
    """(ZeRO's stage, whether it saves whole models, what to set that it does)."""
    prefix, file = "ACCELERATE_DEEPSPEED_", environment.get("ACCELERATE_DEEPSPEED_CONFIG_FILE", "none")
    if file == "none":
        gathered = environment.get(prefix + "ZERO3_SAVE_16BIT_MODEL", "false") == "true"
        stage = int(environment.get(prefix + "ZERO_STAGE", "2"))
        return stage, gathered, "zero3_save_16bit_model to true in the config of accelerate"
    zero = json.loads(Path(file).read_text(encoding="utf-8")).get("zero_optimization", {})
    return zero.get("stage", 0), zero.get(GATHERED) is True, f"{GATHERED} to true under zero_optimization in {file}"
