"""Whether every prompt fits, its pictures counted in the tokens that the model's processor makes of their sizes.

TRL cuts no prompt, and one beyond the context would be read wrong or refused in the middle of a run. How many tokens a
picture takes follows from its width and height alone, so the processor is asked once for each distinct size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from io import BytesIO
from typing import Any, NamedTuple, TypeAlias

from datasets import Dataset
from PIL import Image

from ssrl_data.row import prompt_text
from ssrl_train.rows import conversation, tokenizer_of

Size: TypeAlias = tuple[int, int]
"""Width and height in pixels."""


class Seen(NamedTuple):
    """What a processor makes of a picture: tokens, and the size that it resizes it to; None where it does not tell."""

    tokens: int
    size: Size | None


class Eye:
    """A processor's rule for the sizes of pictures, tried on blank ones; each size once.

    Args:
        processor: of a vision-language model.
    """

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        # What a template writes for a picture; where it has a token of its own for that, the processor adds the rest.
        self._slot = getattr(processor, "boi_token", None) or processor.image_token
        self._alone = len(self._ids(self._slot))
        self.seen = cache(self._seen)

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = tokenizer_of(self._processor)(text, add_special_tokens=False)["input_ids"]
        return ids

    def _seen(self, size: Size) -> Seen:
        blank = Image.new("RGB", size)
        made = self._processor(images=[[blank]], text=[self._slot], add_special_tokens=False, return_tensors="pt")
        pixels, image = made.get("pixel_values"), self._processor.image_processor
        shown = None
        if "image_grid_thw" in made:
            _, high, wide = made["image_grid_thw"][0].tolist()
            shown = (wide * image.patch_size, high * image.patch_size)
        elif pixels is not None and pixels.ndim == 4 and len(pixels) == 1:
            shown = (pixels.shape[3], pixels.shape[2])
        return Seen(made["input_ids"].shape[1] - self._alone + 1, shown)

    def largest(self, size: Size, tokens: int) -> Size | None:
        """The largest smaller size of about the same shape that takes at most so many tokens; None where none does."""
        low, high = 0, max(size)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._fits(_scaled(size, middle), tokens) else (low, middle)
        return _scaled(size, low) if low and self._fits(_scaled(size, low), tokens) else None

    def _fits(self, size: Size, tokens: int) -> bool:
        try:
            return self.seen(size).tokens <= tokens
        except ValueError:  # a shape that the processor refuses, like one far from a square
            return False


def _scaled(size: Size, side: int) -> Size:
    """The size whose longer side is `side`."""
    long = max(size)
    return max(1, round(size[0] * side / long)), max(1, round(size[1] * side / long))


def sizes(rows: Dataset) -> list[tuple[Size, ...]]:
    """The sizes of each row's pictures, read from the heads of their files.

    Args:
        rows: rows whose pictures are stored encoded.
    """
    if "images" not in rows.column_names:
        return [()] * len(rows)
    plain, found = rows.with_format("arrow"), list[tuple[Size, ...]]()
    for start in range(0, len(rows), 1000):
        for pictures in plain[start : start + 1000].column("images").to_pylist():
            found.append(tuple(_size(picture["bytes"]) for picture in pictures or ()))
    return found


def _size(data: bytes) -> Size:
    with Image.open(BytesIO(data)) as picture:
        return picture.size


def length_faults(processor: Any, rows: Dataset, context: int, completion: int) -> Iterator[str]:
    """The row whose prompt leaves least room for a completion, if that is too little.

    Every row is bounded by the tokens of its pictures and the bytes of its text, since no token is shorter than a byte;
    those whose bound is too high are counted.

    Args:
        processor: the model's processor, or its tokenizer for text rows.
        rows: rows, pictures decoded on access.
        context: tokens that the model can hold.
        completion: tokens that a completion may take.
    """
    shown, room = sizes(rows), context - completion
    eye = Eye(processor) if any(shown) else None

    def written(row: Mapping[str, Any]) -> str:
        text: str = processor.apply_chat_template(conversation(row), tokenize=False, add_generation_prompt=True)
        return text

    def count(i: int) -> int:
        text = written(rows[i])
        return len(tokenizer_of(processor)(text, add_special_tokens=False)["input_ids"]) + (
            sum(eye.seen(size).tokens - 1 for size in shown[i]) if eye else 0
        )

    around = len(written(rows[0]).encode()) - len(prompt_text(rows[0]["prompt"]).encode())  # of one message or more
    plain, worst = rows.with_format("arrow"), (room, -1)
    for start in range(0, len(rows), 1000):
        for i, prompt in enumerate(plain[start : start + 1000].column("prompt").to_pylist(), start):
            patches = sum(eye.seen(size).tokens for size in shown[i]) if eye else 0
            if (
                len(prompt_text(prompt).encode()) + around * len(prompt) + patches > worst[0]
                and (tokens := count(i)) > worst[0]
            ):
                worst = tokens, i
    tokens, i = worst
    if i >= 0:
        over = (
            f"row {rows[i]['id']} has a prompt of {tokens} tokens, and with a completion of {completion} that passes "
            f"the context of {context}"
        )
        less = _less(eye, shown[i], room - tokens) if eye and shown[i] else ": leave long texts out"
        yield f"{over}{less} or lower max_completion_length"


def _less(eye: Eye, shown: Sequence[Size], room: int) -> str:
    """What the pictures of a row take, and the size at which it would have no less room than 0."""
    patches = sum(eye.seen(size).tokens for size in shown)
    size = max(shown, key=lambda size: eye.seen(size).tokens)
    fits = eye.largest(size, (patches + room) // len(shown))
    pictures = f"{len(shown)} pictures" if len(shown) > 1 else "picture"
    of = "up to " if len(set(shown)) > 1 else ""
    advice = f"use pictures of at most {fits[0]}x{fits[1]} pixels" if fits else "use fewer pictures"
    return f", {patches} of them for its {pictures} of {of}{size[0]}x{size[1]} pixels: {advice}"


def resized(processor: Any, rows: Dataset) -> Iterator[str]:
    """What the model sees at another size than the rows have it.

    Args:
        processor: of a vision-language model.
        rows: rows, pictures decoded on access.
    """
    shown = sizes(rows)
    if not any(shown):
        return
    eye = Eye(processor)
    changed = Counter(size for row in shown for size in set(row) if eye.seen(size).size not in (None, size))
    if changed:
        touched = sum(not changed.keys().isdisjoint(row) for row in shown)
        size = min(changed, key=lambda size: (-changed[size], size))
        seen = eye.seen(size).size or size
        yield (
            f"the processor resizes pictures of {touched} of {len(rows)} rows before the model sees them, like "
            f"{size[0]}x{size[1]} to {seen[0]}x{seen[1]} pixels: where the answer hangs on single pixels "
            "or places, build them at a size that it leaves as it is"
        )
