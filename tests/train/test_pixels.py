from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, Features, Image, List
from PIL import Image as PilImage
from transformers import Qwen2VLImageProcessorPil

from ssrl_train.memo import decoded_once, processed_once
from ssrl_train.pixels import Eye, length_faults, resized, sizes
from ssrl_train.rows import encode
from ssrl_train.tiny import IMAGE_SLOT, Tiny, build_processor, load_processor, texts_of

pytest_plugins = ("train_rows",)


def picture(wide: int, high: int) -> dict[str, Any]:
    buffer = BytesIO()
    PilImage.radial_gradient("L").resize((wide, high)).convert("RGB").save(buffer, "PNG")
    return {"bytes": buffer.getvalue(), "path": None}


def shaped(rows: Dataset, *shapes: tuple[tuple[int, int], ...]) -> Dataset:
    """A row for each of `shapes`, with pictures of its sizes; pictures encoded."""
    made = []
    for i, row_sizes in enumerate(shapes):
        parts = [{"type": "image", "text": None}] * len(row_sizes) + [{"type": "text", "text": "which one? " * (i + 1)}]
        prompt = [{"role": "user", "content": parts}]
        made.append({**rows[i], "prompt": prompt, "images": [picture(*size) for size in row_sizes]})
    return Dataset.from_list(made, features=Features({**rows.features, "images": List(Image(decode=False))}))


def qwen(rows: Dataset, least: int = 28 * 28, most: int = 1 << 20) -> Any:
    """A tiny Qwen2.5-VL's processor with the published rule of sizes: multiples of 28 between two areas."""
    processor = build_processor(Tiny("qwen2_5_vl", side=28, patch=14), texts_of(rows))
    processor.image_processor = Qwen2VLImageProcessorPil(size={"shortest_edge": least, "longest_edge": most})
    return processor


MIXED = (((56, 84),), ((300, 200), (56, 84)), ((448, 448),), ((90, 300), (90, 300), (90, 300)))


@pytest.mark.parametrize("family", [*sorted(IMAGE_SLOT), "qwen"])
def test_tokens_are_counted_without_the_pictures(family: str, rows: Dataset) -> None:
    some = shaped(rows, *MIXED)
    processor = qwen(rows) if family == "qwen" else build_processor(Tiny(family), texts_of(rows))
    assert sizes(some) == list(MIXED)
    shown = decoded_once(some)
    true = [int(encode(processor, [shown[i]])["input_ids"].shape[1]) for i in range(4)]
    longest = max(range(4), key=true.__getitem__)
    assert list(length_faults(processor, shown, max(true) + 8, 8)) == []
    (fault,) = length_faults(processor, shown, max(true) + 7, 8)
    assert fault.startswith(f"row {some[longest]['id']} has a prompt of {max(true)} tokens")


def test_the_fault_names_a_size_that_fits(rows: Dataset) -> None:
    processor, some = qwen(rows), shaped(rows, ((56, 56),), ((448, 336), (448, 336)))
    shown = decoded_once(some)
    (fault,) = length_faults(processor, shown, 300, 8)
    assert "384 of them for its 2 pictures of 448x336 pixels: use pictures of at most" in fault
    wide, high = map(int, fault.partition("at most ")[2].split()[0].split("x"))
    assert wide / high == pytest.approx(4 / 3, abs=0.02)
    smaller = decoded_once(shaped(rows, ((56, 56),), ((wide, high),) * 2))
    assert list(length_faults(processor, smaller, 300, 8)) == []
    more = decoded_once(shaped(rows, ((56, 56),), ((wide + 28, high + 28),) * 2))
    assert len(list(length_faults(processor, more, 300, 8))) == 1


def test_a_model_that_sees_one_size_wants_fewer_pictures(llava: Path, rows: Dataset) -> None:
    (fault,) = length_faults(load_processor(llava), decoded_once(shaped(rows, ((40, 40),) * 4)), 60, 8)
    assert "64 of them for its 4 pictures of 40x40 pixels: use fewer pictures or lower" in fault


def test_long_texts_are_told_apart(rows: Dataset) -> None:
    processor = build_processor(Tiny("qwen3"), texts_of(rows))
    prompt = [{"role": "user", "content": "which one? " * 30}]
    text = Dataset.from_list(
        [{"id": "long", "prompt": prompt}, {"id": "short", "prompt": [{**prompt[0], "content": "1"}]}]
    )
    (fault,) = length_faults(processor, text, 64, 8)
    assert fault.startswith("row long has a prompt of ")
    assert fault.endswith(": leave long texts out or lower max_completion_length")
    assert list(length_faults(processor, text, 2048, 8)) == []


def test_a_processor_is_asked_once_a_size(rows: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    processor, asked = qwen(rows), list[tuple[int, int]]()
    plain = type(processor).__call__

    def counted(self: Any, images: Any = None, **options: Any) -> Any:
        asked.extend(image.size for row in images or () for image in row)
        return plain(self, images=images, **options)

    monkeypatch.setattr(type(processor), "__call__", counted)
    many = decoded_once(shaped(rows, *[((56, 56), (84, 84))] * 6))
    assert len(list(length_faults(processor, many, 30, 8))) == 1
    assert asked.count((56, 56)) == asked.count((84, 84)) == 1


def test_pictures_that_the_processor_resizes_are_named(rows: Dataset) -> None:
    some = shaped(rows, ((56, 84),), ((60, 84),), ((60, 84), (56, 56)))
    (caution,) = resized(qwen(rows), some)
    assert "pictures of 2 of 3 rows before the model sees them, like 60x84 to 56x84 pixels" in caution
    assert list(resized(qwen(rows), shaped(rows, ((56, 84),)))) == []
    (caution,) = resized(qwen(rows, most=40 * 28 * 28), shaped(rows, ((280, 280),)))
    assert "like 280x280 to 168x168 pixels" in caution
    assert list(resized(build_processor(Tiny(side=16), texts_of(rows)), shaped(rows, ((16, 16),)))) == []


def test_sizes_are_the_same_through_the_memo(rows: Dataset) -> None:
    plain, memo = qwen(rows), qwen(rows)
    assert processed_once(memo)
    for size in ((56, 84), (300, 200)):
        assert Eye(plain).seen(size) == Eye(memo).seen(size)
