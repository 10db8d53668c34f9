"""A model's judged responses to rows, as a table that survives a kill, and the pass rates of that table.

FOLDER/rollouts.json             what was asked, of which model and how; another question in the same folder is refused
FOLDER/rollouts-00000.parquet    the responses to the first `batch` rows, and so on

| column | meaning |
| --- | --- |
| `id` | the row |
| `sample` | which of its responses, from 0 |
| `response` | text, without special tokens |
| `tokens` | how many were written, the one that ends the response included |
| `stopped` | whether it ended by itself; false where it was cut off |
| `score` | in [0, 1]; null where nothing can be said |
| `exact` | whether it is right |
| `reason` | the verdict's, in a word or two |
| `read` | whether an answer could be read |

A chunk is there whole or not at all, and its draws follow from the seed and the ids of its rows alone: a run that was
killed ends with the same table as one that was not, whatever the number of processes.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from datasets import Dataset

from ssrl_data.build.commit import replace, replace_json
from ssrl_data.core import SsrlError
from ssrl_data.grade import grade
from ssrl_data.pass_rates import BAND, pass_rates
from ssrl_data.rng import Rng
from ssrl_data.row import digest
from ssrl_train.controls import Control, View, view
from ssrl_train.generate import Engine, Sampling, engine_for, load_engine
from ssrl_train.models import adapter_base, load_model_config
from ssrl_train.processes import barrier, once, rank, world
from ssrl_train.rows import column

__all__ = ["ROLLOUTS", "Sampling", "sample_arms", "sample_rollouts", "write_rates"]

Say: TypeAlias = Callable[[str], None]

ROLLOUTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("sample", pa.int32(), nullable=False),
        pa.field("response", pa.string(), nullable=False),
        pa.field("tokens", pa.int32(), nullable=False),
        pa.field("stopped", pa.bool_(), nullable=False),
        pa.field("score", pa.float64()),
        pa.field("exact", pa.bool_(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("read", pa.bool_(), nullable=False),
    ]
)

NOTE, SCRATCH = "rollouts.json", ".partial"

WEIGHTS = ("*.safetensors", "*.bin", "*config.json", "tokenizer*", "*.jinja", "vocab.*", "merges.txt")
"""Files of a model folder that decide what it answers."""


def sample_rollouts(
    model: str,
    processor: Any,
    rows: Dataset,
    folder: Path,
    sampling: Sampling,
    forbidden: Sequence[int],
    say: Say,
    control: Control = None,
    engine: str = "auto",
) -> pa.Table:
    """Ask a model every row, or go on asking, and judge what it answers.

    Called in each of several processes, they take the chunks in turn and all return the whole table.

    Args:
        model: a folder or hub name.
        processor: its processor, or its tokenizer.
        rows: from `rows.load_rows`.
        folder: where the table is kept, of this question alone.
        sampling: how responses are drawn.
        forbidden: ids of tokens that are never written (`models.vision_tokens`).
        say: takes lines of progress.
        control: what the model is shown in place of the pictures (`controls.view`).
        engine: one of `generate.ENGINES`.

    Returns:
        Columns as `ROLLOUTS`, `sampling.k` lines a row, in the order of the rows.

    Raises:
        SsrlError: the folder holds the answers to another question, the model does not load, or the control cannot be
            shown.
    """
    return sample_arms(model, processor, rows, {control: folder}, sampling, forbidden, say, engine)[control]


def sample_arms(
    model: str,
    processor: Any,
    rows: Dataset,
    folders: Mapping[Control, Path],
    sampling: Sampling,
    forbidden: Sequence[int],
    say: Say,
    engine: str = "auto",
) -> dict[Control, pa.Table]:
    """`sample_rollouts` under several controls, each with its folder, with one loading of the model."""
    name = engine_for(engine, model)
    views = {control: view(rows, control) for control in folders}
    about = {"rows": f"{len(rows)} rows {digest(*column(rows, 'id'))[:12]}", "engine": name}
    about |= dataclasses.asdict(sampling)
    once(lambda: _claim_all(folders, {"model": _identity(model), **about}))
    loaded: list[Engine] = []

    def answerer() -> Engine:
        if not loaded:
            pictures = max(_pictures(prompt) for prompt in column(rows, "prompt"))
            loaded.append(load_engine(name, model, processor, sampling, forbidden, pictures))
        return loaded[0]

    for control, folder in folders.items():
        _answer(views[control], folder, sampling, answerer, say if control is None else _named(say, control))
    loaded.clear()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    barrier()  # until every chunk is there
    once(lambda: _swept(folders.values()))
    return {control: _read(folder, len(_chunks(views[control], sampling))) for control, folder in folders.items()}


def _answer(shown: View, folder: Path, sampling: Sampling, answerer: Callable[[], Engine], say: Say) -> None:
    """Answer this process's share of the chunks that are not there."""
    chunks = _chunks(shown, sampling)
    mine = [(i, places) for i, places in enumerate(chunks) if i % world() == rank() and not _file(folder, i).is_file()]
    total, done, start = sum(len(places) for _, places in mine), 0, time.monotonic()
    if 0 < len(mine) < len(chunks) and world() == 1:
        say(f"going on in {folder}: {len(shown.places) - total} of {len(shown.places)} rows are answered")
    for i, places in mine:
        net = answerer()
        if not done:
            start = time.monotonic()
        asked = [shown.row(place) for place in places]
        seed = Rng("rollouts", sampling.seed, *(row["id"] for row in asked)).below(1 << 63)
        table = _judged(asked, net.respond(asked, seed))
        _write(table, _file(folder, i))
        tenth, done = 10 * done // total, done + len(places)
        if 10 * done // total > tenth and rank() == 0:
            speed = done / max(time.monotonic() - start, 1e-9)
            say(f"{done} of {total} rows answered, {speed:.3g} a second")


def _judged(rows: Sequence[Mapping[str, Any]], responses: Iterable[Iterable[Any]]) -> pa.Table:
    lines = []
    for row, written in zip(rows, responses, strict=True):
        for sample, response in enumerate(written):
            verdict = grade(row["answer"], response.text)
            line = {"id": row["id"], "sample": sample, "response": response.text, "tokens": response.tokens}
            line |= {"stopped": response.stopped, "score": verdict.score, "exact": verdict.exact}
            lines.append(line | {"reason": verdict.reason, "read": verdict.read is not None})
    return pa.Table.from_pylist(lines, ROLLOUTS)


def _chunks(shown: View, sampling: Sampling) -> list[Sequence[int]]:
    places, size = shown.places, sampling.batch
    return [places[i : i + size] for i in range(0, len(places), size)]


def _file(folder: Path, chunk: int) -> Path:
    return folder / f"rollouts-{chunk:05d}.parquet"


def _read(folder: Path, chunks: int) -> pa.Table:
    return pa.concat_tables([pq.read_table(_file(folder, i), schema=ROLLOUTS) for i in range(chunks)])


def _pictures(prompt: Sequence[Mapping[str, Any]]) -> int:
    parts = [message["content"] for message in prompt if not isinstance(message["content"], str)]
    return sum(part["type"] == "image" for content in parts for part in content)


def _swept(folders: Iterable[Path]) -> None:
    """What a killed run began to write is of no use to anyone."""
    for folder in folders:
        shutil.rmtree(folder / SCRATCH, ignore_errors=True)


def _named(say: Say, control: str) -> Say:
    return lambda line: say(f"{control}: {line}")


def _claim_all(folders: Mapping[Control, Path], about: Mapping[str, Any]) -> None:
    for control, folder in folders.items():
        _claim(folder, {**about, "control": control})


def _claim(folder: Path, about: dict[str, Any]) -> None:
    """Note down what is asked, or refuse a folder with answers to something else."""
    file = folder / NOTE
    try:
        (folder / SCRATCH).mkdir(parents=True, exist_ok=True)
        if not file.is_file():
            replace_json(file, about, folder / SCRATCH)
            return
        then = json.loads(file.read_text(encoding="utf-8"))
    except (FileExistsError, NotADirectoryError) as error:
        raise SsrlError(f"{folder} cannot be a folder: a file is in its place; choose another one") from error
    except ValueError as error:
        raise SsrlError(f"{file} is not what it was written as: choose another folder or remove this one") from error
    differ = [key for key in {**then, **about} if then.get(key) != about.get(key)]
    if differ:
        said = "; ".join(f"{key} {then.get(key)} there, {about.get(key)} now" for key in differ)
        raise SsrlError(f"{folder} holds another evaluation: {said}; choose another folder or remove this one")


def _identity(model: str) -> str:
    """Which model it is, wherever it lies: a folder by its content, a hub name by its commit."""
    folder = Path(model)
    if not folder.is_dir():
        return f"{model}@{getattr(load_model_config(model), '_commit_hash', None)}"
    found = blake2b(digest_size=8)
    for file in sorted({path for pattern in WEIGHTS for path in folder.glob(pattern)}):
        found.update(file.name.encode() + b"\0")
        with file.open("rb") as data:
            while block := data.read(1 << 22):
                found.update(block)
    base = adapter_base(model)
    return found.hexdigest() + (f" on {_identity(base)}" if base else "")


def write_rates(
    rollouts: pa.Table,
    file: Path,
    band: tuple[float, float] = BAND,
    blind: pa.Table | None = None,
    needless: Collection[str] = (),
) -> None:
    """Write the table of `ssrl_data.pass_rates` of some responses, with what they were like in further columns.

    Args:
        rollouts: as `sample_rollouts` gives them.
        file: the Parquet file.
        band: the rates between which a row is kept, both left out.
        blind: responses to the same rows without their pictures.
        needless: ids of rows that are answered without looking (`needless.needless`); they are not kept.

    Raises:
        SsrlError: the band is empty or not inside 0 to 1.
    """
    lines = rollouts.to_pylist()
    table = pass_rates(lines, band)
    ids = table["id"].to_pylist()
    said: dict[str, list[dict[str, Any]]] = {id: [] for id in ids}
    for line in lines:
        said[line["id"]].append(line)
    more = {name: [_mean(line[name] for line in said[id]) for id in ids] for name in ("tokens", "stopped", "read")}
    columns: dict[str, Any] = dict(zip(table.column_names, table.columns, strict=True)) | more
    columns["distinct"] = [len({line["response"] for line in said[id]}) for id in ids]
    if blind is not None:
        rates = pass_rates(blind.to_pylist())
        rate = dict(zip(rates["id"].to_pylist(), rates["pass_rate"].to_pylist(), strict=True))
        columns["blind"] = pa.array([rate.get(id) for id in ids], pa.float64())
        columns["needless"] = [id in needless for id in ids]
        columns["keep"] = [kept and id not in needless for kept, id in zip(table["keep"].to_pylist(), ids, strict=True)]
    table = pa.table(columns)
    (file.parent / SCRATCH).mkdir(parents=True, exist_ok=True)
    _write(table, file)
    _swept([file.parent])


def _write(table: pa.Table, file: Path) -> None:
    replace(file, lambda out: pq.write_table(table, out), file.parent / SCRATCH, (None, None, None))


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)
