"""Loading a model to train further or to evaluate, and the tokens that it must never write."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText

from ssrl_data.core import SsrlError
from ssrl_train.rows import tokenizer_of
from ssrl_train.sharding import whole

_VISION = re.compile(r"(image|video|vision|boi|eoi)\w*_token(_id|_ids|_index)$|^(boi|eoi)_token")


def device() -> torch.device:
    """This process's GPU, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_model_config(name: str) -> Any:
    """The config of a saved or published model; of its base model where `name` is an adapter.

    Raises:
        SsrlError: there is none; the message carries the library's reason.
    """
    try:
        return AutoConfig.from_pretrained(adapter_base(name) or name)
    except (OSError, ValueError) as error:
        raise SsrlError(f"no model loads from {name}: {str(error).strip().splitlines()[0]}") from error


def adapter_base(name: str) -> str | None:
    """The model that a folder's LoRA adapter belongs on; None when it holds no adapter."""
    file = Path(name, "adapter_config.json")
    if not file.is_file():
        return None
    base: str = json.loads(file.read_text(encoding="utf-8"))["base_model_name_or_path"]
    return base


def load_model(name: str, dtype: str | torch.dtype = "auto") -> Any:
    """A saved or published model, whole, on this process's GPU or the CPU; with its adapter merged where there is one.

    Raises:
        SsrlError: it does not load; the message carries the library's reason.
    """
    config = load_model_config(name)
    base = adapter_base(name)
    auto = AutoModelForImageTextToText if hasattr(config, "vision_config") else AutoModelForCausalLM
    try:
        with whole():
            model: Any = auto.from_pretrained(base or name, dtype=dtype)
            if base is not None:
                from peft import PeftModel

                model = PeftModel.from_pretrained(model, name).merge_and_unload()
    except (OSError, ValueError) as error:
        raise SsrlError(f"no model loads from {name}: {str(error).strip().splitlines()[0]}") from error
    return model.to(device())


def vision_tokens(processor: Any, config: Any) -> list[int]:
    """Ids of every token that stands for pictures or clips; a response that held one would ask for missing pixels.

    TRL forbids the image token alone while sampling. Under an entropy bonus the loss pushes probability onto whatever
    is never sampled, so greedy evaluation must forbid the same tokens or it will write them.
    """
    ids: set[int] = set()
    named = {**config.to_dict(), **{name: getattr(processor, name) for name in dir(processor) if _named(name)}}
    tokenizer = tokenizer_of(processor)
    for name, value in named.items():
        if not _named(name):
            continue
        for item in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(item, str):
                item = tokenizer.convert_tokens_to_ids(item)
            if isinstance(item, int) and 0 <= item < len(tokenizer):
                ids.add(item)
    return sorted(ids - {tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id})


def _named(name: str) -> bool:
    return _VISION.search(name) is not None
