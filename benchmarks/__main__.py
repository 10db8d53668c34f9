"""All benchmarks, one after another; each line is `name value unit`."""

import importlib

for name in (
    "floor",
    "verdicts",
    "constraints",
    "programs",
    "build",
    "clips",
    "spans",
    "dedup",
    "curriculum",
    "train_overhead",
):
    print(f"# {name}", flush=True)
    importlib.import_module(f"benchmarks.{name}").main()
