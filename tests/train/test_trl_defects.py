"""Defects of the installed TRL that `ssrl train` works round or refuses.

Each is shown on TRL itself, so that the test fails when TRL mends it and names what can then go; next to it stands what
ours does instead. Defects of resuming are in `test_resume`, that of vLLM's
pictures in `test_vllm_images`, refusals of rows in `test_preflight`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset, Features, Image, List, Value, load_dataset
from transformers import CLIPImageProcessorPil
from trl import GRPOTrainer
from trl.trainer import base_trainer

from ssrl_train import preflight
from ssrl_train.format import train_format
from ssrl_train.generate import Sampling, Transformers
from ssrl_train.grpo import make_args
from ssrl_train.memo import decoded_once, processed_once
from ssrl_train.models import load_model, load_model_config, vision_tokens
from ssrl_train.rows import encode
from ssrl_train.stages import Format, Grpo
from ssrl_train.tiny import Tiny, build_model, build_processor, load_processor, texts_of

pytest_plugins = ("train_rows",)
OPTIONS = {
    "max_steps": 1,
    "per_device_train_batch_size": 16,
    "num_generations": 4,
    "max_completion_length": 4,
    "gradient_checkpointing": False,
    "save_strategy": "no",
    "disable_tqdm": True,
}
MENDED = "TRL has mended it: "


def zero(completions: list[Any], **columns: Any) -> list[float]:
    return [0.0] * len(completions)


def trainer(model: Path, rows: Dataset, out: Path, processor: Any = None, **options: Any) -> Any:
    """TRL's own, on a reward that is always 0."""
    args = make_args(Grpo({**OPTIONS, **options}), 0, out, [])
    return GRPOTrainer(str(model), zero, args, rows, processing_class=processor or load_processor(model))


def with_text_rows(rows: Dataset) -> Dataset:
    """A few rows, every second one without a picture."""
    text = [{"role": "user", "content": [{"type": "text", "text": "no picture"}]}]
    some = [dict(row) for row in rows.select(range(8))]
    mixed = [row if i % 2 else {**row, "images": [], "prompt": text} for i, row in enumerate(some)]
    return Dataset.from_list(mixed, features=rows.features)


def python(code: str, environment: dict[str, str]) -> str:
    """The last line that a fresh interpreter prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()[-1]


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_on_the_right_misplaces_pictures_in_silence(side: str, rows: Dataset, tmp_path: Path) -> None:
    tiny = Tiny("qwen2_5_vl")
    longer = [{"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": "which " * 9}]}]
    some = [{**row, "prompt": longer if i % 2 else row["prompt"]} for i, row in enumerate(rows.select(range(8)))]
    uneven = decoded_once(Dataset.from_list(some, features=rows.features))
    processor = build_processor(tiny, texts_of(uneven))
    build_model(tiny, processor, 0).save_pretrained(tmp_path / "model")
    processor.tokenizer.padding_side = side
    made = trainer(tmp_path / "model", uneven, tmp_path, processor)
    inputs = list(next(iter(made.get_train_dataloader())))
    with torch.no_grad():
        batch = made._generate_and_score_completions(inputs)
    width = batch["prompt_ids"].shape[1]
    places = batch["mm_token_type_ids"][:, :width].bool()
    right = torch.equal(places, batch["prompt_ids"] == processor.image_token_id)
    assert right == (side == "left"), MENDED + "the fault about padding in `preflight.processor_faults` can go"
    found = [
        fault for fault in preflight.processor_faults(processor, uneven, None, None) if "pads on the right" in fault
    ]
    assert bool(found) == (side == "right")


def test_the_entropy_bonus_feeds_tokens_that_are_never_sampled(llava: Path, rows: Dataset, tmp_path: Path) -> None:
    processor, few = load_processor(llava), decoded_once(rows)
    forbidden = vision_tokens(processor, load_model_config(str(llava)))
    assert processor.image_token_id in forbidden
    start = tmp_path / "start"
    train_format(str(llava), processor, few, Format(steps=40, batch=16), 0, start)

    def mass(model: Any) -> float:
        inputs = encode(processor, [few[i] for i in range(8)])
        with torch.inference_mode():
            return float(model(**inputs).logits[:, -1].softmax(-1)[:, processor.image_token_id].mean())

    args = make_args(
        Grpo({**OPTIONS, "max_steps": 12, "learning_rate": 3e-3, "entropy_coef": 0.5}), 0, tmp_path, forbidden
    )
    made = GRPOTrainer(str(start), zero, args, few, processing_class=processor)
    before = mass(made.model)
    made.train()
    assert not any(processor.image_token_id in ids for ids in made._logs["completion"] if isinstance(ids, list))
    after = mass(made.model)
    assert after > 3 * before, MENDED + "evaluation need not suppress what training did"


def test_evaluation_writes_no_token_that_training_suppresses(llava: Path, rows: Dataset) -> None:
    model, processor = load_model(str(llava)), load_processor(llava)
    forbidden = vision_tokens(processor, load_model_config(str(llava)))
    head = model.get_output_embeddings()

    def favoured(module: Any, args: Any, logits: torch.Tensor) -> torch.Tensor:
        logits = logits.clone()
        logits[..., processor.image_token_id] += 1000
        return logits

    head.register_forward_hook(favoured)
    few = [decoded_once(rows)[i] for i in range(2)]
    written = []
    plain = processor.tokenizer.batch_decode
    processor.tokenizer.batch_decode = lambda ids, **options: written.append(ids) or plain(ids, **options)
    for suppressed in ([], forbidden):
        Transformers(model, processor, Sampling(max_new_tokens=3), suppressed).respond(few, 0)
    assert (written[0] == processor.image_token_id).all()
    assert not (written[1] == processor.image_token_id).any()


@pytest.mark.parametrize("steps", [1, 2])
def test_a_groups_picture_is_decoded_and_processed_many_times(
    steps: int, dataset: Path, rows: Dataset, llava: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded, processed = list[int](), list[int]()
    decode, process = Image.decode_example, CLIPImageProcessorPil._preprocess

    def counted(self: Any, *args: Any, **options: Any) -> Any:
        decoded.append(1)
        return decode(self, *args, **options)

    def preprocess(self: Any, images: Any, *args: Any, **options: Any) -> Any:
        processed.append(len(images))
        return process(self, images, *args, **options)

    stock = load_dataset("parquet", data_files=str(dataset / "data/image/train-*.parquet"), split="train")
    counts = []
    for memo in (False, True):
        processor = load_processor(llava)
        assert not memo or processed_once(processor)
        made = trainer(
            llava,
            decoded_once(rows) if memo else stock,
            tmp_path,
            processor,
            max_steps=steps,
            per_device_train_batch_size=16 // steps,
            steps_per_generation=steps,
        )
        with monkeypatch.context() as patch:
            patch.setattr(Image, "decode_example", counted)
            patch.setattr(CLIPImageProcessorPil, "_preprocess", preprocess)
            made.train()
        counts.append((sum(decoded), sum(processed)))
        decoded.clear()
        processed.clear()
    (read, made_of), (read_once, made_of_once) = counts
    # 16 completions of 4 pictures: each read for every step, and processed to be generated from and to be learnt from.
    assert read >= 16 * steps, MENDED + "`memo.decoded_once` saves less, measure it"
    assert made_of == 32, MENDED + "`memo.processed_once` saves less, measure it"
    assert read_once <= 8  # the loader reads a batch ahead
    assert made_of_once == 2 * 4  # to be generated from and to be learnt from are two forms


def test_trl_tells_of_each_trainer_unless_told_not_to(
    llava: Path, rows: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(base_trainer, "send_telemetry", lambda **told: sent.append(told))
    trainer(llava, decoded_once(rows), tmp_path)
    assert sent, MENDED + "`ssrl train` need not set HF_HUB_DISABLE_TELEMETRY"
    # Kinds of things, no names, rows or paths; what it comes to tell beside these is to be looked at.
    assert set(sent[0]) == {"topic", "library_name", "library_version", "user_agent"}
    assert set(sent[0]["user_agent"]) == {
        *("model_arch", "peft", "dataset_source", "distributed", "world_size", "device", "gpu"),
    }


def test_ssrl_train_sends_no_telemetry(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("data: nowhere\nout: o\nmodel: m\nstages: [{method: grpo}]\n")
    code = (
        "import sys\n"
        "from ssrl_data.cli import main\n"
        f"sys.argv = ['ssrl', 'train', {str(tmp_path / 'run.yaml')!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "from huggingface_hub import constants\n"
        "assert 'trl' in sys.modules\n"
        "print(constants.HF_HUB_DISABLE_TELEMETRY)\n"
    )
    unset = ("HF_HUB_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY", "DO_NOT_TRACK", "CI")
    clean = {key: value for key, value in os.environ.items() if key not in unset}
    assert python(code, clean) == "True"


def test_a_column_named_messages_fails_by_the_hash_seed() -> None:
    first = "print({k for k in ('prompt', 'messages')}.pop())"
    seeds: dict[str, str] = {}
    for seed in map(str, range(50)):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        said = subprocess.run(
            [sys.executable, "-c", first], env=environment, capture_output=True, text=True, check=True
        )
        seeds.setdefault(said.stdout.strip(), seed)
        if len(seeds) == 2:
            break
    asked = (
        "from trl.data_utils import is_conversational\n"
        "row = {'prompt': [{'role': 'user', 'content': 'q'}], 'messages': 'a text'}\n"
        "print(is_conversational(row))\n"
    )
    said = {key: python(asked, {**os.environ, "PYTHONHASHSEED": seed}) for key, seed in seeds.items()}
    assert said == {"prompt": "True", "messages": "False"}, MENDED + "`messages` can leave `preflight.RESERVED`"
    assert {"messages", "completion", "chosen", "rejected"} <= preflight.RESERVED


def test_too_few_rows_train_zero_steps_in_silence(llava: Path, rows: Dataset, tmp_path: Path) -> None:
    few = decoded_once(rows.select(range(3)))
    made = trainer(llava, few, tmp_path)
    made.train()
    assert made.state.global_step == 0, MENDED + "the fault about zero steps in `preflight.row_faults` can go"
    assert any("zero steps" in fault for fault in preflight.row_faults(rows.select(range(3)), [(4, ())]))


def test_rows_with_and_without_pictures_do_not_mix(llava: Path, rows: Dataset, tmp_path: Path) -> None:
    mixed = with_text_rows(rows)
    with pytest.raises(TypeError, match="NoneType"):  # once it is mended, `load_rows` and `preflight` may mix them
        trainer(llava, decoded_once(mixed), tmp_path).train()
    assert any("mixed" in fault for fault in preflight.row_faults(mixed, [(4, ())]))


def test_a_part_with_a_key_for_its_picture_counts_as_filled(llava: Path, rows: Dataset, tmp_path: Path) -> None:
    part = {"type": Value("string"), "text": Value("string"), "image": Value("string")}
    features = Features({**rows.features, "prompt": List({"role": Value("string"), "content": List(part)})})
    keyed = Dataset.from_list(
        [
            {**row, "prompt": [{**m, "content": [{**p, "image": None} for p in m["content"]]} for m in row["prompt"]]}
            for row in rows.select(range(8))
        ],
        features=features,
    )
    with pytest.raises(ValueError, match="Number of images"):  # once it is mended, `preflight.PART_KEYS` can go
        trainer(llava, decoded_once(keyed), tmp_path).train()
    assert any("the keys image, text, type" in fault for fault in preflight.row_faults(keyed, [(4, ())]))
