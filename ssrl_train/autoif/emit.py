"""The steps from the corpus of checkers to what models are trained on: rl, answer, sft, dpo.

    rl/               the dataset of `instruction/autoif`, built as `ssrl build` does
    answers.jsonl     {"id", "split", "prompt", "answers": [{"text", "right", "accepted", "relevance", "chosen"}]}:
                      responses to its prompts, each with the row's verdict, the share of its checkers that accept it,
                      and how well it does what is asked beside its form, as the model says of right ones
    sft/SPLIT.parquet {prompt, completion, id}: for trl.SFTTrainer
    dpo/SPLIT.parquet {prompt, chosen, rejected, id}: for trl.DPOTrainer

All three have the same prompts, and a row's split is that of its instructions, so nothing that is held out for
reinforcement is trained on before it. As in the paper (arXiv 2406.13542), a response is taken that more than half of
the checkers accept, which is what makes it right, and that scores 8 of 10 or more for relevance, since programs do not
see whether it speaks of the query at all; one is rejected that no checker accepts; what lies between is neither.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ssrl_data import programs
from ssrl_data.answers.reading import conclusion
from ssrl_data.build.run import build
from ssrl_data.core import Json, SsrlError
from ssrl_data.recipe import Recipe, part
from ssrl_data.rng import Rng
from ssrl_data.row import canonical, digest, unpack_answer
from ssrl_train.autoif import prompts
from ssrl_train.autoif.calls import Ask
from ssrl_train.autoif.config import Config
from ssrl_train.autoif.instructions import records
from ssrl_train.autoif.steps import content, writer_settings
from ssrl_train.autoif.work import Dropped, Made, Step, Work

TASK = "instruction/autoif"

BATCH = 1_000
"""Rows that are written at once."""


def _rl_settings(work: Work) -> Json:
    return {**dataclasses.asdict(work.config.rl), "seed": work.config.seed}


def _rl(work: Work) -> Made:
    """Build the dataset, or go on with one that an earlier process began of the same checkers."""
    rl, out = work.config.rl, work.path("rl")
    checkers = list(work.rows("attach"))
    if not checkers:
        raise SsrlError(
            f"{work.path('attach')} holds no instruction: `ssrl autoif ... --status` says where all were lost"
        )
    rows = rl.rows or max(len(checkers), sum(len(row["queries"]) for row in checkers))
    recipe = Recipe(
        parts=(part(TASK, rl.levels or None, {}),),
        sources=(str(work.path("attach")),),
        rows=rows,
        seed=work.config.seed,
        split=rl.split,
        license=rl.license,
    )
    begun = work.journal("rl")
    what = digest(canonical([_rl_settings(work), work.state(work.steps["attach"]).record["output"]]))
    if not begun.is_file() or begun.read_text() != what:
        shutil.rmtree(out, ignore_errors=True)
        begun.write_text(what)
    built = build(recipe, out, work.workers, work.say)
    counts = built.manifest["counts"]
    skips = {name: count["skips"] for name, count in counts.items() if count["skips"]}
    work.notes = {"skipped": skips} if skips else {}
    for name, count in counts.items():
        yield from ({"level": name} for _ in range(count["rows"]))
        yield from (Dropped("", "fewer rows than asked for", name) for _ in range(count["short"]))


def _answer_off(config: Config) -> str:
    return "" if config.answer is not None else "the config has no `answer`"


def _answer_settings(work: Work) -> Json:
    answer = work.config.answer
    if answer is None:
        return {}
    found: dict[str, Json] = {"relevance": answer.relevance}
    if answer.relevance:
        found |= {"prompt": digest(prompts.RELEVANCE), **writer_settings(work.config)}
    if answer.recorded is not None:
        return found | {"recorded": content(Path(answer.recorded))}
    return found | {"answers": answer.answers, **writer_settings(work.config)}


def _answer(work: Work) -> Made:
    """Let the model respond to each prompt, or take what is recorded, and run the row's checkers on it."""
    answer, rows = work.config.answer, list(_rl_rows(work.path("rl")))
    if answer is None:
        return
    if answer.recorded is not None:
        there = _responses(Path(answer.recorded), {row["id"] for _, row in rows})
        given = iter([there.get(row["id"], []) for _, row in rows])
    else:
        asks = (
            Ask(row["prompt"][0]["content"], k, f"a response to row {row['id']}, {k + 1} of {answer.answers}")
            for _, row in rows
            for k in range(answer.answers)
        )
        said = work.calls.outputs(asks)
        given = ([next(said) for _ in range(answer.answers)] for _ in rows)
    counts = dict.fromkeys(("right", "chosen", "accepted by none"), 0)
    for (split, row), outputs in zip(rows, given, strict=True):
        texts = [conclusion(output).strip() for output in outputs]
        yield from (Dropped("", "a response that says nothing", row["id"]) for text in texts if not text)
        judged = _judged(row["answer"], list(dict.fromkeys(filter(None, texts))))
        _choose(work, row, judged, answer.relevance)
        counts["right"] += sum(item["right"] for item in judged)
        counts["chosen"] += sum(item["chosen"] for item in judged)
        counts["accepted by none"] += sum(item["accepted"] == 0 for item in judged)
        yield {"id": row["id"], "split": split, "prompt": row["prompt"], "answers": judged}
    work.notes = {"different responses": counts}


def _judged(answer: str, texts: Sequence[str]) -> list[dict[str, Json]]:
    """Each response, whether the row takes it for right, and the share of the row's checkers that accept it."""
    kind, value, credit = unpack_answer(answer)
    sources = [checker["source"] for checker in value["checkers"]]
    outcomes = programs.run_matrix(sources, texts, programs.Limits(**value["limits"]), value["engine"])
    found = []
    for text, *votes in zip(texts, *outcomes, strict=True):
        verdict = kind.grade(text, value, credit)
        if verdict.score is None:
            raise SsrlError(f"responses cannot be judged: {verdict.reason}: mend the sandbox and run the command again")
        share = sum(vote.accepted is True for vote in votes) / len(votes)
        found.append({"text": text, "right": verdict.exact, "accepted": share})
    return found


def _choose(work: Work, row: dict[str, Any], judged: list[dict[str, Json]], least: int) -> None:
    """Say of each response what the model says of its relevance, where it is right, and whether it is chosen."""
    right = [item for item in judged if item["right"]]
    asks = [
        Ask(
            prompts.relevance(row["prompt"][0]["content"], item["text"]),
            0,
            f"the relevance of a response to {row['id']}",
        )
        for item in right
        if least
    ]
    scores = iter([prompts.score(conclusion(output)) for output in work.calls.outputs(asks)] if asks else ())
    for item in judged:
        item["relevance"] = next(scores) if least and item["right"] else None
        item["chosen"] = item["right"] and (not least or (item["relevance"] or 0) >= least)


def _sft(work: Work) -> Made:
    """Each chosen response to its prompt."""

    def rows() -> Iterator[tuple[str, dict[str, Json]]]:
        for row in work.rows("answer"):
            for item in row["answers"]:
                if item["chosen"]:
                    yield row["split"], {"prompt": row["prompt"], "completion": _said(item["text"]), "id": row["id"]}

    return _tables(work, "sft", ("prompt", "completion"), rows())


def _dpo(work: Work) -> Made:
    """Chosen responses beside ones that no checker accepts, each of them once."""

    def rows() -> Iterator[tuple[str, dict[str, Json]]]:
        for row in work.rows("answer"):
            right = [item["text"] for item in row["answers"] if item["chosen"]]
            wrong = [item["text"] for item in row["answers"] if item["accepted"] == 0]
            rng = Rng("autoif/dpo", work.config.seed, row["id"])
            for chosen, rejected in zip(rng.shuffled(right), rng.shuffled(wrong), strict=False):
                pair = {"chosen": _said(chosen), "rejected": _said(rejected)}
                yield row["split"], {"prompt": row["prompt"], **pair, "id": row["id"]}

    return _tables(work, "dpo", ("prompt", "chosen", "rejected"), rows())


def _tables(work: Work, step: str, turns: Sequence[str], rows: Iterator[tuple[str, dict[str, Json]]]) -> Iterator[Json]:
    """Write rows to one Parquet file for each split; the folder appears when all are whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets import Features, List, Value

    said = List({"role": Value("string"), "content": Value("string")})
    schema = Features({**dict.fromkeys(turns, said), "id": Value("string")}).arrow_schema
    partial, folder = work.scratch / f"{step}.partial", work.path(step)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    with ExitStack() as open_files:
        files: dict[str, Any] = {}
        waiting: dict[str, list[Json]] = {}

        def flush(split: str) -> None:
            if split not in files:
                files[split] = open_files.enter_context(pq.ParquetWriter(partial / f"{split}.parquet", schema))
            files[split].write_table(pa.Table.from_pylist(waiting.pop(split), schema))

        for split, row in rows:
            waiting.setdefault(split, []).append(row)
            if len(waiting[split]) == BATCH:
                flush(split)
            yield {"id": row["id"]}
        for split in list(waiting):
            flush(split)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


STEPS = (
    Step("rl", ("attach",), "rl", _rl_settings, _rl),
    Step("answer", ("rl",), "answers.jsonl", _answer_settings, _answer, _answer_off),
    Step("sft", ("answer",), "sft", lambda work: {}, _sft, _answer_off),
    Step("dpo", ("answer",), "dpo", lambda work: {"seed": work.config.seed}, _dpo, _answer_off),
)


def _said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def _rl_rows(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a built dataset with the names of their splits, train first."""
    import pyarrow.parquet as pq

    shards = sorted(
        folder.glob("data/*/*.parquet"), key=lambda path: (path.name.partition("-")[0] != "train", path.name)
    )
    for shard in shards:
        table = pq.ParquetFile(shard).read(columns=["id", "prompt", "answer"])
        yield from ((shard.name.partition("-")[0], row) for row in table.to_pylist())


def _responses(path: Path, known: set[str]) -> dict[str, list[str]]:
    """The responses of a file by row."""
    found: dict[str, list[str]] = {}
    for number, record in records(path):
        row, text = record.get("id"), record.get("response")
        if not isinstance(row, str) or not isinstance(text, str):
            raise SsrlError(f"{path}: line {number} is no object with the texts id and response: mend or remove it")
        if row not in known:
            raise SsrlError(f"{path}: line {number} answers the row {row!r:.80}, which was not built: record it anew")
        found.setdefault(row, []).append(text)
    if not found:
        raise SsrlError(f"{path}: holds no response: it wants JSON lines of id and response")
    return found
