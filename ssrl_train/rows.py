"""Reading a built dataset for training, and a row as a model reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from datasets import Dataset, Features, Image, List, load_dataset

from ssrl_data.core import SsrlError
from ssrl_data.registry import suggest
from ssrl_data.row import digest


def load_rows(folder: Path, split: str, modality: str | None = None) -> Dataset:
    """One split of a folder that `ssrl build` made.

    Pictures stay encoded: `memo.decoded_once` decodes them on access.

    Args:
        folder: holds `data/<modality>/<split>-*.parquet`.
        split: `train`, `test`, ...
        modality: which part of the dataset; by default all of it, which must be all with pictures or all without.

    Raises:
        SsrlError: no such folder, modality or split, or rows with and without pictures.
    """
    present = sorted(path.name for path in folder.glob("data/*") if any(path.glob("*.parquet")))
    if not present:
        raise SsrlError(f"{folder}: no dataset there (data/<modality>/*.parquet): build one with `ssrl build`")
    if modality is not None and modality not in present:
        raise SsrlError(f"{folder} has no modality {modality!r}: it has {', '.join(present)}")
    parts = {name: sorted(folder.glob(f"data/{name}/*.parquet")) for name in present if modality in (None, name)}
    plain = [name for name, shards in parts.items() if "images" not in pq.read_schema(shards[0]).names]
    if plain and len(plain) < len(parts):
        raise SsrlError(
            f"{folder} holds {' and '.join(parts)}, which cannot be mixed in one GRPO run: set `modality` to one"
        )
    shards = [shard for part in parts.values() for shard in part]
    files = [str(path) for path in shards if path.name.partition("-")[0] == split]
    if not files:
        splits = sorted({path.name.partition("-")[0] for path in shards})
        raise SsrlError(f"{folder}/data/{'+'.join(parts)} has no split {split!r}: it has {', '.join(splits)}")
    features = Features.from_arrow_schema(pq.read_schema(files[0]))
    if "images" in features:
        features["images"] = List(Image(decode=False))
    rows: Dataset = load_dataset("parquet", data_files=files, features=features, split="train")
    return rows


def sample(rows: Dataset, limit: int) -> Dataset:
    """The rows of the `limit` smallest ids, in their order; all rows where `limit` is 0.

    Ids are hashes of the rows' contents, so this is a random sample, and the same one wherever the rows lie; the first
    rows would be those of a few photographs.
    """
    if not limit or limit >= len(rows):
        return rows
    ids = column(rows, "id")
    return rows.select(sorted(sorted(range(len(ids)), key=ids.__getitem__)[:limit]))


def divided(rows: Dataset, shares: Sequence[tuple[int, Sequence[str]]], seed: int) -> list[Dataset]:
    """Disjoint random parts, then the rest; a row's place depends on its id and the seed alone.

    Args:
        rows: the rows.
        shares: for each part, how many rows it takes and of which tasks; of all where none is named.
        seed: of the run.

    Raises:
        ValueError: there are fewer rows than the shares ask for.
    """
    if not shares:
        return [rows]
    keys = [digest("part", str(seed), id) for id in column(rows, "id")]
    task = column(rows, "task")
    free = sorted(range(len(keys)), key=keys.__getitem__)
    parts = []
    for count, tasks in shares:
        taken = [i for i in free if not tasks or task[i] in tasks][:count]
        if len(taken) < count:
            raise ValueError(f"{count} rows of {', '.join(tasks) or 'all tasks'} are asked of {len(taken)}")
        parts.append(rows.select(sorted(taken)))
        gone = set(taken)
        free = [i for i in free if i not in gone]
    return [*parts, rows.select(sorted(free))]


def of_tasks(rows: Dataset, tasks: Sequence[str]) -> Dataset:
    """The rows of some tasks, in their order; all where none is named.

    Raises:
        SsrlError: a task has no row.
    """
    if not tasks:
        return rows
    task = column(rows, "task")
    for name in tasks:
        if name not in task:
            raise SsrlError(f"a stage takes rows of {name!r} and there are none: {suggest(name, set(task))}")
    return rows.select([i for i, name in enumerate(task) if name in tasks])


def mean_chance(rows: Dataset) -> float | None:
    """The mean final score that the best blind guesser expects, from the `chance` column; None where no row has one."""
    chances = [chance for chance in column(rows, "chance") if chance is not None]
    return sum(chances) / len(chances) if chances else None


def column(rows: Dataset, name: str) -> list[Any]:
    """One column as a list, without touching the pictures."""
    values: list[Any] = rows.select_columns([name]).with_format("arrow")[:][name].to_pylist()
    return values


def preceded(rows: Dataset, preamble: str) -> Dataset:
    """The rows with a text before what the user says first; the same rows where it is empty."""
    if not preamble:
        return rows
    prompts = column(rows, "prompt")
    for prompt in prompts:
        first = next(message for message in prompt if message["role"] == "user")
        said = first["content"]
        text = preamble + "\n\n"
        first["content"] = text + said if isinstance(said, str) else [{"type": "text", "text": text}, *said]
    feature = rows.features["prompt"]
    return rows.remove_columns("prompt").add_column("prompt", prompts, feature=feature)


def conversation(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages of a row with its pictures in the image parts, in order."""
    pictures = iter(row.get("images") or ())
    return [
        {
            "role": message["role"],
            "content": message["content"]
            if isinstance(message["content"], str)
            else [
                {"type": "image", "image": next(pictures)}
                if part["type"] == "image"
                else {"type": "text", "text": part["text"]}
                for part in message["content"]
            ],
        }
        for message in row["prompt"]
    ]


def tokenizer_of(processor: Any) -> Any:
    """A processor's tokenizer; a tokenizer is its own."""
    return getattr(processor, "tokenizer", processor)


def encode(processor: Any, rows: Sequence[Mapping[str, Any]], responses: Sequence[str] | None = None) -> Any:
    """Rows as one left-padded batch of model inputs, ready to be answered or with the answers given.

    Args:
        processor: a processor, or a tokenizer for text rows.
        rows: rows with decoded pictures.
        responses: what follows each prompt; None ends with the opening of the answer.
    """
    texts = [
        processor.apply_chat_template(conversation(row), tokenize=False, add_generation_prompt=True) for row in rows
    ]
    if responses is not None:
        texts = [text + response for text, response in zip(texts, responses, strict=True)]
    images = [list(row["images"]) for row in rows] if rows[0].get("images") else None
    # The template has written every special token already, a beginning-of-text token included.
    options: dict[str, Any] = {"padding": True, "return_tensors": "pt", "add_special_tokens": False}
    return processor(text=texts, **options) if images is None else processor(images=images, text=texts, **options)
