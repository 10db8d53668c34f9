"""Pictures in another light at each visit: what a run gains from seeing rows anew, without more of them.

The control of "Does Self-supervised Learning Really Improve RL from Pixels": a gain of auxiliary problems has to be
held against what augmentation alone brings. The change is one affine map of brightness, contrast and saturation, alike
for all pictures of a row, so whatever holds between its pictures, or between parts of one, still does. Nothing moves.
No task that comes with ssrl asks how bright or coloured a picture is; leave rows of a task that does out with `tasks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from ssrl_data.rng import Rng

MOST = 0.4
"""Largest change of each factor at strength 1: brightness, contrast and saturation from 0.6 to 1.4."""

LUMINANCE = (0.299, 0.587, 0.114)


def augmented(rows: Sequence[Mapping[str, Any]], strength: float, seed: int, step: int) -> list[dict[str, Any]]:
    """Rows with their pictures in another light.

    Args:
        rows: with decoded `images` and an `id`; repeats of a row get the same pictures, as one object each.
        strength: in [0, 1]; 0 changes nothing.
        seed: of the run.
        step: of training; another step draws another light.
    """
    changed: dict[str, list[Image.Image]] = {}
    for row in rows:
        if row["id"] not in changed:
            rng = Rng("augment", seed, row["id"], step)
            factors = tuple(1 + MOST * strength * rng.uniform(-1, 1) for _ in range(3))
            changed[row["id"]] = [relit(picture, *factors) for picture in row["images"]]
    return [{**row, "images": list(changed[row["id"]])} for row in rows]


def relit(picture: Image.Image, brightness: float, contrast: float, saturation: float) -> Image.Image:
    """A picture in another light: every factor 1 leaves it as it is.

    Args:
        picture: of any mode; the result is RGB.
        brightness: factor of every value.
        contrast: factor of the distance from the picture's mean luminance.
        saturation: factor of the distance from each pixel's luminance.
    """
    pixels = np.asarray(picture.convert("RGB"), np.float32)
    luminance = pixels @ np.array(LUMINANCE, np.float32)
    coloured = luminance[..., None] + saturation * (pixels - luminance[..., None])
    mean = float(luminance.mean())
    lit = brightness * (mean + contrast * (coloured - mean))
    return Image.fromarray(np.clip(np.rint(lit), 0, 255).astype(np.uint8))
