"""Each silent fault, planted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, Features, Image, List, Value
from trl import GRPOConfig

from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.core import SsrlError
from ssrl_data.row import pack_answer
from ssrl_train import preflight
from ssrl_train.memo import decoded_once
from ssrl_train.tiny import IMAGE_SLOT, Tiny, build_processor, load_processor, texts_of

pytest_plugins = ("train_rows",)
ENOUGH = 8


def changed(rows: Dataset, index: int, **columns: Any) -> Dataset:
    """The rows with one of them changed; same features."""
    table = [dict(row) for row in rows]
    table[index].update(columns)
    return Dataset.from_list(table, features=rows.features)


def faults(rows: Dataset, prompts: int = ENOUGH) -> list[str]:
    return list(preflight.row_faults(rows, [(prompts, ())]))


def only(found: list[str], words: str) -> None:
    assert len(found) == 1, found
    assert words in found[0]


def test_built_rows_have_no_fault(rows: Dataset) -> None:
    assert faults(rows) == []


@pytest.mark.parametrize("name", sorted(preflight.RESERVED))
def test_reserved_column(name: str, rows: Dataset) -> None:
    only(faults(rows.add_column(name, ["x"] * len(rows))), f"column '{name}'")


@pytest.mark.parametrize("name", ["prompt", "answer"])
def test_missing_column(name: str, rows: Dataset) -> None:
    only(faults(rows.remove_columns(name)), f"no column '{name}'")


def test_fewer_rows_than_a_generation_batch(rows: Dataset) -> None:
    only(faults(rows, len(rows) + 1), "zero steps")
    assert faults(rows, len(rows)) == []


def test_rows_with_and_without_pictures(rows: Dataset) -> None:
    text = [{"role": "user", "content": [{"type": "text", "text": "no picture"}]}]
    only(faults(changed(rows, 3, images=[], prompt=text)), "mixed (up to row 3)")
    assert any("mixed" in fault for fault in faults(changed(rows, 3, images=None, prompt=text)))


def test_more_places_than_pictures(rows: Dataset) -> None:
    prompt = json.loads(json.dumps(rows[5]["prompt"]))
    prompt[0]["content"].insert(0, {"type": "image", "text": None})
    only(faults(changed(rows, 5, prompt=prompt)), "row 5 has 1 pictures and 2 places")


def test_a_part_with_a_key_for_the_picture(rows: Dataset) -> None:
    part = {"type": Value("string"), "text": Value("string"), "image": Value("string")}
    features = Features({**rows.features, "prompt": List({"role": Value("string"), "content": List(part)})})
    table = [
        {**row, "prompt": [{**m, "content": [{**p, "image": None} for p in m["content"]]} for m in row["prompt"]]}
        for row in rows.select(range(10))
    ]
    only(faults(Dataset.from_list(table, features=features)), "keys image, text, type")


@pytest.mark.parametrize(
    ("prompt", "feature", "words"),
    [
        ("which?", Value("string"), "conversational"),
        (
            [{"role": "user", "content": "which?"}],
            List({"role": Value("string"), "content": Value("string")}),
            "made of parts",
        ),
    ],
)
def test_picture_rows_with_a_text_for_a_prompt(prompt: Any, feature: Any, words: str, rows: Dataset) -> None:
    table = [{**row, "prompt": prompt} for row in rows.select(range(10))]
    only(faults(Dataset.from_list(table, features=Features({**rows.features, "prompt": feature}))), words)


@pytest.mark.parametrize("name", ["prompt", "answer"])
def test_null_where_the_reward_reads(name: str, rows: Dataset) -> None:
    only(faults(changed(rows, 2, **{name: None})), f"row 2 has null in '{name}'")


def test_an_answer_that_nothing_grades(rows: Dataset) -> None:
    only(faults(changed(rows, 4, answer='{"kind": "choise"}')), "row 4 cannot be graded")
    newer = json.dumps({**json.loads(rows[4]["answer"]), "v": 99})
    only(faults(changed(rows, 4, answer=newer)), "version 99")
    only(faults(changed(rows, 4, answer=pack_answer(Unlabelled().answer()))), "no truth")


def test_a_fault_of_every_row_is_said_once(rows: Dataset) -> None:
    table = [{**row, "images": row["images"] * 2} for row in rows.select(range(20))]
    only(faults(Dataset.from_list(table, features=rows.features)), "row 0 has 2 pictures and 1 places")


def test_groups_on_both_sides_of_the_split(rows: Dataset) -> None:
    half = [i for i, group in enumerate(rows["group_id"]) if group == rows[0]["group_id"]]
    rest = rows.select([i for i in range(len(rows)) if i not in half])
    assert list(preflight.split_faults(rest, rows.select(half), "test")) == []
    only(list(preflight.split_faults(rows, rows.select(half), "test")), "1 groups are both in the train and the test")


def options(tmp_path: Path, **given: Any) -> GRPOConfig:
    base: dict[str, Any] = {"output_dir": str(tmp_path), "report_to": "none", "use_cpu": True, "bf16": False}
    return GRPOConfig(**(base | given))


def test_sixteen_bits_without_a_gpu(tmp_path: Path) -> None:
    args = options(tmp_path, bf16=True)
    only(list(preflight.setup_faults(args, gpu=False)), "bf16 is true and there is no GPU")
    assert list(preflight.setup_faults(args, gpu=True)) == []


def test_vllm_without_a_gpu_or_vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    args = options(tmp_path, use_vllm=True)
    assert any("no GPU" in fault for fault in preflight.setup_faults(args, gpu=False))
    monkeypatch.setattr(preflight.importlib.util, "find_spec", lambda name: None)
    only(list(preflight.setup_faults(args, gpu=True)), "vllm is not installed")


def test_checkpoints_inside_a_generation_window(tmp_path: Path) -> None:
    window = {"gradient_accumulation_steps": 1, "steps_per_generation": 4}
    only(list(preflight.setup_faults(options(tmp_path, save_steps=50, **window), gpu=True)), "a multiple of 4")
    assert list(preflight.setup_faults(options(tmp_path, save_steps=48, **window), gpu=True)) == []
    assert list(preflight.setup_faults(options(tmp_path, save_steps=50, save_strategy="no", **window), gpu=True)) == []


def processor_faults(processor: Any, rows: Dataset, context: int = 2048, completion: int = 8) -> list[str]:
    return list(preflight.processor_faults(processor, decoded_once(rows), context, completion))


@pytest.mark.parametrize("family", sorted(IMAGE_SLOT))
def test_a_tiny_processor_has_no_fault(family: str, rows: Dataset) -> None:
    assert processor_faults(build_processor(Tiny(family), texts_of(rows)), rows) == []


def test_right_padding(llava: Path, rows: Dataset) -> None:
    processor = load_processor(llava)
    processor.tokenizer.padding_side = "right"
    only(processor_faults(processor, rows), "pads on the right")


def test_no_pad_token(llava: Path, rows: Dataset) -> None:
    processor = load_processor(llava)
    processor.tokenizer.pad_token = None
    only(processor_faults(processor, rows), "no pad token")


def test_no_chat_template(llava: Path, rows: Dataset) -> None:
    processor = load_processor(llava)
    processor.chat_template = processor.tokenizer.chat_template = None
    only(processor_faults(processor, rows), "no chat template")


def test_a_template_that_drops_pictures(llava: Path, rows: Dataset) -> None:
    processor = load_processor(llava)
    processor.chat_template = processor.chat_template.replace("<image>", "")
    only(processor_faults(processor, rows), "shows 0 of the 1 pictures of row 0")


def test_a_template_that_drops_text(llava: Path, rows: Dataset) -> None:
    processor = load_processor(llava)
    processor.chat_template = processor.chat_template.replace("{{ part['text'] }}", "")
    only(processor_faults(processor, rows), "drops the text of row 0")


def test_a_model_that_reads_no_pictures(llava: Path, rows: Dataset) -> None:
    processor = load_processor(llava)
    processor.tokenizer.chat_template = processor.chat_template
    only(processor_faults(processor.tokenizer, rows), "reads text only")


def test_a_prompt_longer_than_the_context(llava: Path, rows: Dataset) -> None:
    found = processor_faults(load_processor(llava), rows, context=40)
    assert found
    assert all("passes the context of 40" in fault for fault in found)


def test_an_answer_longer_than_a_completion(llava: Path, rows: Dataset) -> None:
    found = processor_faults(load_processor(llava), rows, completion=3)
    assert found
    assert all("takes 4 tokens and max_completion_length is 3" in fault for fault in found)
    assert processor_faults(load_processor(llava), rows, completion=4) == []


def test_the_longest_rows_are_the_ones_tried(rows: Dataset) -> None:
    prompt = json.loads(json.dumps(rows[7]["prompt"]))
    prompt[0]["content"].append({"type": "text", "text": "long " * 50})
    heavy = changed(changed(rows, 7, prompt=prompt), 9, images=rows[9]["images"] * 3)
    assert {0, 7, 9} <= set(preflight.extremes(heavy))


def test_cautions(tmp_path: Path) -> None:
    assert list(preflight.cautions(options(tmp_path), full=True)) == []
    half = options(tmp_path, model_init_kwargs={"dtype": "bfloat16"}, learning_rate=1e-6)
    only(list(preflight.cautions(half, full=True)), "would be lost")
    assert list(preflight.cautions(half, full=False)) == []


def test_all_faults_are_said_at_once() -> None:
    preflight.require([])
    with pytest.raises(SsrlError, match="one\ntwo"):
        preflight.require(["one", "two"])


def test_image_feature_is_the_stored_one(rows: Dataset) -> None:
    assert rows.features["images"] == List(Image(decode=False))
