"""The demo's closing table: `python -m ssrl_train.summary DATASET TRAINING`, from what both runs left."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def table(dataset: Path, training: Path) -> list[tuple[str, str]]:
    """Rows of the table: what, and how much."""
    manifest, timing, result = (
        _read(path) for path in (dataset / "manifest.json", dataset / ".ssrl" / "timing.json", training / "result.json")
    )
    rows = sum(count["rows"] for count in manifest["counts"].values())
    low, high = result["interval"]
    return [
        ("rows", f"{rows:,}"),
        ("source records", f"{manifest['records']} ({result['photographs']} of them held out)"),
        ("rejected", f"{sum(manifest['rejects'].values())} pictures"),
        ("build speed", f"{timing['rows'] / timing['seconds']:.0f} rows/s on {timing['workers']} worker(s)"),
        ("held-out accuracy before training", f"{result['before']:.3f}"),
        ("held-out accuracy after training", f"{result['after']:.3f}"),
        ("95% interval", f"{low:.3f} to {high:.3f}, over {result['rows']} rows"),
        ("chance", f"{result['chance']:.3f}"),
    ]


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    lines = table(Path(sys.argv[1]), Path(sys.argv[2]))
    width = max(len(name) for name, _ in lines)
    print("\n".join(f"{name:{width}}  {value}" for name, value in lines))
