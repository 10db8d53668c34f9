"""What one pass over the rows keeps of each, for the checks that look at many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Facts:
    """What the checks over many rows need of one.

    `prompt` and `pictures` are hashes, `sources` are source ids; `text` is the prompt of a row without pictures.
    """

    id: str
    name: str
    split: str
    answer: str
    chance: float | None
    group_id: str
    set_id: str
    license: str
    sources: tuple[str, ...]
    prompt: str
    pictures: str
    sizes: tuple[tuple[int, int], ...]
    encodings: tuple[str, ...]
    echo: float | None
    features: Mapping[str, NDArray[np.float32]]
    text: str = ""
