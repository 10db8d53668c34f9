from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pytest
import torch
from datasets import Dataset, Image, List
from PIL import Image as PilImage

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.core import SsrlError
from ssrl_data.row import pack_answer
from ssrl_train.controls import constants, shuffle, view
from ssrl_train.memo import decoded_once
from ssrl_train.rows import encode
from ssrl_train.tiny import Tiny, build_processor, load_processor, texts_of

pytest_plugins = ("train_rows",)


def png(width: int, height: int, grey: int = 0) -> dict[str, object]:
    data = io.BytesIO()
    PilImage.new("RGB", (width, height), (grey,) * 3).save(data, "png")
    return {"bytes": data.getvalue(), "path": None}


def made(sources: str, levels: str = "", sizes: list[list[tuple[int, int]]] | None = None) -> Dataset:
    """Rows of one task: a letter a row for its source, and for its level."""
    count = len(sources)
    columns = {
        "id": [f"row {i}" for i in range(count)],
        "task": ["t"] * count,
        "level": list(levels or "e" * count),
        "source_id": list(sources),
        "group_id": [f"group {s}" for s in sources],
        "images": [[png(*size, i % 250) for size in (sizes[i] if sizes else [(8, 8)])] for i in range(count)],
    }
    return Dataset.from_dict(columns).cast_column("images", List(Image(decode=False)))


def test_blind_rows_differ_in_nothing_but_the_pictures(rows: Dataset, llava: Path) -> None:
    blind, plain, shown = view(rows, "blind"), view(rows, None), decoded_once(rows)
    assert list(blind.places) == list(plain.places) == list(range(len(rows)))
    for place in (0, 5):
        row, grey = plain.row(place), blind.row(place)
        assert row == shown[place]
        assert {key: value for key, value in grey.items() if key != "images"} == {
            key: value for key, value in row.items() if key != "images"
        }
        assert [picture.size for picture in grey["images"]] == [picture.size for picture in row["images"]]
        assert all(len(picture.getcolors()) == 1 for picture in grey["images"])
    for processor in (load_processor(llava), build_processor(Tiny("qwen3_vl"), texts_of(rows))):
        here, there = (encode(processor, [shown.row(i) for i in range(3)]) for shown in (plain, blind))
        assert torch.equal(here["input_ids"], there["input_ids"])
        assert here["pixel_values"].shape == there["pixel_values"].shape
        assert not torch.equal(here["pixel_values"], there["pixel_values"])


@pytest.mark.parametrize("sources", ["ab", "aab", "aabbcc", "aaabc", "abcdefgh" * 5, "aaaabbbcdd" * 3])
def test_shuffled_rows_borrow_from_another_source_and_none_lends_twice(sources: str) -> None:
    rows = made(sources)
    partners = shuffle(rows)
    lent = [partner for partner in partners if partner is not None]
    assert len(set(lent)) == len(lent)
    assert all(partner is None or sources[i] != sources[partner] for i, partner in enumerate(partners))
    largest = max(Counter(sources).values())
    assert len(lent) == min(len(sources), 2 * (len(sources) - largest)), "as many as can be"
    shown = view(rows, "shuffled")
    assert list(shown.places) == [i for i, partner in enumerate(partners) if partner is not None]
    for place in shown.places:
        partner = partners[place]
        assert partner is not None
        assert shown.row(place)["images"] == decoded_once(rows)[partner]["images"]
        assert shown.row(place)["id"] == f"row {place}"


def test_a_partner_is_of_the_same_task_level_and_sizes_and_the_same_wherever_rows_stand(rows: Dataset) -> None:
    small, tall, two = [(8, 8)], [(8, 12)], [(8, 8), (8, 8)]
    sizes = [small, tall, two] * 8
    mixed = made("abcdefghijkl" * 2, "eeh" * 8, sizes)
    partners = shuffle(mixed)
    assert None not in partners
    for place, partner in enumerate(partners):
        assert partner is not None
        assert sizes[place] == sizes[partner]
        assert mixed[place]["level"] == mixed[partner]["level"]
    turned = shuffle(mixed.select(range(23, -1, -1)))
    assert [None if p is None else 23 - p for p in reversed(turned)] == partners
    real = shuffle(rows)
    assert sum(partner is not None for partner in real) > 0.9 * len(rows)


def test_where_there_is_nothing_to_take_away_or_to_lend_it_is_said(rows: Dataset) -> None:
    with pytest.raises(SsrlError, match="no row has another one of its task and level, from another source"):
        view(made("aaa"), "shuffled")
    words = rows.remove_columns("images")
    for control in ("blind", "shuffled"):
        with pytest.raises(SsrlError, match=f"image/tile_anomaly show no pictures, so there is no {control} control"):
            view(words, control)  # type: ignore[arg-type]
    assert len(view(words, None).places) == len(words)


def labelled(answers: str, level: str = "e") -> dict[str, list[str]]:
    count = len(answers)
    columns = {
        "answer": [pack_answer(Choice().answer(one, "ABCD")) for one in answers],
        "task": ["t"] * count,
        "level": [level] * count,
    }
    return columns | {name: [f"{level} {i}" for i in range(count)] for name in ("source_id", "group_id")}


def test_the_best_constant_is_chosen_and_judged_on_different_sources() -> None:
    often = labelled("A" * 60 + "BCD" * 20)
    even = labelled("ABCD" * 20, "h")
    none = {"answer": [pack_answer(Unlabelled().answer())] * 4, "task": ["t"] * 4, "level": ["u"] * 4}
    none |= {name: [f"u {i}" for i in range(4)] for name in ("source_id", "group_id")}
    one = labelled("AAAA", "o") | {"source_id": ["o"] * 4}
    rows = Dataset.from_dict({name: often[name] + even[name] + none[name] + one[name] for name in often})
    first, second = constants(rows)
    assert (first.level, first.response, first.rows) == ("e", "<answer>A</answer>", 120)
    assert first.accuracy == 0.5
    assert (second.level, second.rows) == ("h", 80)
    assert 0.1 < second.accuracy <= 0.25, "no better for having been chosen"
