"""Doing once what the stock trainer does for every completion: decoding a picture and turning it into model inputs.

GRPO repeats each prompt `num_generations` times. The stock trainer decodes the picture of every repeat, once for each
of `steps_per_generation` passes of its loader, and runs the image processor on every repeat twice, once to generate
and once for the loss. Both helpers here plug into the stock trainer (one is the dataset's transform, the other the
processor's image processor) and change no bit of what it computes.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from datasets import Dataset, Image
from PIL import Image as PilImage
from transformers import BatchFeature
from transformers.image_utils import make_flat_list_of_images

DECODED = 256
"""Decoded pictures kept; a generation batch seldom has more distinct ones."""

CAPACITY = 512 << 20
"""Bytes of processed pictures kept."""

# Sizes that no two resizing or tiling rules treat alike: a small square, a small strip, a large strip.
_PROBES = ((64, 64), (96, 48), (700, 210))


@lru_cache(maxsize=DECODED)
def _decode(data: bytes) -> PilImage.Image:
    picture: PilImage.Image = Image().decode_example({"bytes": data, "path": None})
    return picture


def _decode_batch(batch: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    return {**batch, "images": [[_decode(picture["bytes"]) for picture in row] for row in batch["images"]]}


def decoded_once(rows: Dataset) -> Dataset:
    """The rows with pictures decoded on access through a cache, so that repeats share one PIL picture.

    Args:
        rows: from `rows.load_rows`; without an `images` column they are returned as they are.
    """
    return rows.with_transform(_decode_batch) if "images" in rows.column_names else rows


def processed_once(processor: Any, capacity: int = CAPACITY) -> bool:
    """Make a processor's image processor handle each distinct picture once, in place.

    The memo joins pictures processed one by one, which is right only where a picture's inputs do not depend on the
    others of its batch (no padding to the largest, say). That is tried on pictures of three sizes first.

    Args:
        processor: a processor with an `image_processor`.
        capacity: bytes of processed pictures kept between calls.

    Returns:
        Whether the memo is in place; False when the two ways differ in any bit, and nothing is changed.
    """
    plain = processor.image_processor
    memo = _memoised(plain, capacity)
    random = np.random.default_rng(0)
    probes = [PilImage.fromarray(random.integers(0, 256, (h, w, 3), dtype=np.uint8)) for w, h in _PROBES]
    probes.append(probes[0])
    for form in (None, "np", "pt"):
        try:
            together = plain(probes, return_tensors=form)
        except ValueError:
            continue  # this processor cannot give that form, so nobody will ask it to
        try:
            apart = memo(probes, return_tensors=form)
        except (ValueError, RuntimeError):
            return False  # shapes that do not join: padded or tiled by what else is in the batch
        if not _same(together, apart):
            return False
    processor.image_processor = memo
    return True


def _memoised(plain: Any, capacity: int) -> Any:
    """A copy of an image processor that remembers; of a subclass of the same name, so that it saves as the original."""
    cache: OrderedDict[Any, BatchFeature] = OrderedDict()
    held = 0

    def call(self: Any, images: Any, *args: Any, **options: Any) -> BatchFeature:
        nonlocal held
        flat = make_flat_list_of_images(images)
        if args or not flat or not all(isinstance(picture, PilImage.Image) for picture in flat):
            features: BatchFeature = base.__call__(self, images, *args, **options)
            return features
        setting = repr(sorted(options.items(), key=lambda item: item[0]))
        # Repeats are the same object, so each distinct picture is hashed once; the trainer's second pass has other
        # objects with the same pixels.
        keys = {
            id(picture): (setting, picture.mode, picture.size, _digest(picture))
            for picture in {id(p): p for p in flat}.values()
        }
        found: dict[Any, BatchFeature] = {}
        for picture in flat:
            key = keys[id(picture)]
            if key in found:
                continue
            if key not in cache:
                cache[key] = base.__call__(self, [picture], **options)
                held += _bytes(cache[key])
            cache.move_to_end(key)
            found[key] = cache[key]
            while held > capacity:
                held -= _bytes(cache.popitem(last=False)[1])
        return _joined([found[keys[id(picture)]] for picture in flat])

    base = type(plain)
    memo: Any = object.__new__(type(base.__name__, (base,), {"__call__": call, "__module__": base.__module__}))
    memo.__dict__.update(plain.__dict__)
    return memo


def _digest(picture: PilImage.Image) -> bytes:
    return hashlib.blake2b(picture.tobytes(), digest_size=16).digest()


def _bytes(features: BatchFeature) -> int:
    return sum(_value_bytes(value) for value in features.values())


def _value_bytes(value: Any) -> int:
    return sum(map(_value_bytes, value)) if isinstance(value, (list, tuple)) else int(getattr(value, "nbytes", 8))


def _joined(parts: Sequence[BatchFeature]) -> BatchFeature:
    return BatchFeature({key: _cat([part[key] for part in parts]) for key in parts[0]})


def _cat(values: Sequence[Any]) -> Any:
    if isinstance(values[0], torch.Tensor):
        return torch.cat(list(values))
    if isinstance(values[0], np.ndarray):
        return np.concatenate(values)
    return [item for value in values for item in value]


def _same(a: Any, b: Any) -> bool:
    """Equal to the bit, in types and shapes too."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    if isinstance(a, Mapping | BatchFeature):
        return set(a.keys()) == set(b.keys()) and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)
