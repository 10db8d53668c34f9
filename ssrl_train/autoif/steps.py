"""The steps up to the corpus of checkers: expand, write, validate, backtranslate, attach."""

from __future__ import annotations

import ast
import dataclasses
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from ssrl_data.answers.reading import conclusion
from ssrl_data.build.commit import file_digest
from ssrl_data.core import Json, SsrlError
from ssrl_data.media.instruction import LONGEST_INSTRUCTION, said
from ssrl_data.registry import source_at
from ssrl_data.rng import Rng
from ssrl_data.row import canonical, digest
from ssrl_train.autoif import prompts
from ssrl_train.autoif.attach import Sieve, drawn, read_queries, usable
from ssrl_train.autoif.calls import Ask
from ssrl_train.autoif.config import Config
from ssrl_train.autoif.instructions import Pool, fault, instructions_in, read_instructions, records
from ssrl_train.autoif.outputs import parse, plain, read_record
from ssrl_train.autoif.thresholds import Thresholds
from ssrl_train.autoif.work import Dropped, Made, Step, Work

TOGETHER = 256
"""Instructions whose checkers are described, and then judged, in one go."""

LONGEST_MEANING = 1_000
"""Characters of what is kept of a description."""

_REFUSED = {
    prompts.CONTRADICTS: "a checker contradicts it",
    prompts.OTHER: "a checker checks something else",
    None: "no verdict on a checker",
}


def _expand_settings(work: Work) -> Json:
    config = work.config
    found = {"seed": config.seed, "seeds": content(config.seeds), "import": content(config.imported)}
    if not config.expand.calls:
        return found
    return found | dataclasses.asdict(config.expand) | writer_settings(config) | {"prompt": digest(prompts.EXPAND)}


def _expand(work: Work) -> Made:
    """Seeds, then what the model wrote like them; each instruction once."""
    config, pool, seeds = work.config, Pool(), list[str]()
    given = read_instructions(config.seeds) if config.seeds else []
    for text in dict.fromkeys((*_imported(config), *given)):
        if reason := "too long" if len(text) > LONGEST_INSTRUCTION else pool.add(text, near=False):
            yield Dropped(text, reason)
        else:
            seeds.append(text)
            yield {"instruction": text, "from": "seed"}
    if not config.expand.calls:
        return
    asked = config.expand
    asks = []
    for n in range(asked.calls):
        shown = Rng("autoif/expand", config.seed, n).sample(seeds, min(asked.shown, len(seeds)))
        asks.append(Ask(prompts.expand(shown, asked.each), n, f"more instructions, {n + 1} of {asked.calls}"))
    for output in work.calls.outputs(asks):
        texts = instructions_in(conclusion(output))
        if not texts:
            yield Dropped("", "no instruction in an output", output[:LONGEST_MEANING])
        for text in texts:
            if reason := fault(text) or pool.add(text):
                yield Dropped(text, reason)
            else:
                yield {"instruction": text, "from": "expanded"}


def _write_settings(work: Work) -> Json:
    config = work.config
    found = {"import": content(config.imported)}
    if config.writer is None:
        return found
    return (
        found
        | dataclasses.asdict(config.write)
        | writer_settings(config)
        | {"prompt": digest(prompts.WRITE, prompts.PYTHON)}
    )


def _write(work: Work) -> Made:
    """Functions and cases for each instruction: those that are there, or so many calls of the model."""
    count, there = work.config.write.outputs, _imported(work.config)
    texts = [row["instruction"] for row in work.rows("expand")]
    asks = (
        Ask(prompts.write(text), k, f"a checker of {text[:80]!r}, {k + 1} of {count}")
        for text in texts
        if text not in there
        for k in range(count)
    )
    written = iter(()) if work.config.writer is None else work.calls.outputs(asks)
    for text in texts:
        if text in there:
            yield {"instruction": text, "outputs": there[text]}
        elif work.config.writer is None:
            yield Dropped(text, "nothing is written, and there is no writer")
        else:
            yield {"instruction": text, "outputs": [next(written) for _ in range(count)]}


def _validate_settings(work: Work) -> Json:
    from ssrl_data import programs
    from ssrl_train.autoif.validate import ENGINE

    limits = dataclasses.asdict(programs.Limits())
    return {**dataclasses.asdict(work.config.validate), "engine": programs.engine_version(ENGINE), "limits": limits}


def _validate(work: Work) -> Made:
    """Run checkers and cases against each other, each instruction in some process, in order."""
    written = list(work.rows("write"))
    thresholds = work.config.validate

    def results(start: int) -> Iterator[Json]:
        todo = written[start:]
        if start:
            work.say(f"validate: {start} of {len(written)} instructions are done")
        yield from _in_order(_validated, [(row, thresholds) for row in todo], work.workers)

    of = [_validate_settings(work), work.state(work.steps["write"]).record["output"]]
    for result in work.gone_on("validate", of, results):
        yield Dropped(**result["dropped"]) if "dropped" in result else result["row"]


def _validated(item: tuple[dict[str, Any], Thresholds]) -> Json:
    from ssrl_train.autoif.validate import Validated, validate

    row, thresholds = item
    found = validate(row["instruction"], row["outputs"], thresholds)
    return {"row" if isinstance(found, Validated) else "dropped": found.row()}


def _backtranslate_settings(work: Work) -> Json:
    if not work.config.backtranslate:
        return {"backtranslate": False}
    return {"backtranslate": True, **writer_settings(work.config), "prompt": digest(prompts.MEANING, prompts.JUDGE)}


def _backtranslate(work: Work) -> Made:
    """Let the model say what each checker does, from its code alone, and then whether that is the instruction."""
    rows = list(work.rows("validate"))
    if not work.config.backtranslate:
        yield from (row | {"meanings": [], "agrees": None} for row in rows)
        return
    for start in range(0, len(rows), TOGETHER):
        yield from _judged(work, rows[start : start + TOGETHER])


def _judged(work: Work, rows: Sequence[dict[str, Any]]) -> Made:
    calls = work.calls
    pairs = [(row["instruction"], source) for row in rows for source in row["checkers"]]
    told = [
        said(conclusion(output))[:LONGEST_MEANING]
        for output in calls.outputs(
            Ask(prompts.meaning(_bare(source)), 0, f"the meaning of a checker of {text[:80]!r}")
            for text, source in pairs
        )
    ]
    verdicts = [
        prompts.verdict(conclusion(output))
        for output in calls.outputs(
            Ask(prompts.judge(text, meaning), 0, f"whether a checker of {text[:80]!r} checks it")
            for (text, _), meaning in zip(pairs, told, strict=True)
        )
    ]
    at = 0
    for row in rows:
        end = at + len(row["checkers"])
        meanings, found = told[at:end], verdicts[at:end]
        at = end
        wrong = next((verdict for verdict in found if verdict != prompts.SAME), prompts.SAME)
        if wrong == prompts.SAME:
            yield row | {"meanings": meanings, "agrees": True}
        else:
            yield Dropped(row["instruction"], _REFUSED[wrong], {"meanings": meanings, "verdicts": found})


def _bare(source: str) -> str:
    """A source without comments and docstrings, which would tell what it ought to do."""
    return ast.unparse(plain(parse(source)))


def _attach_settings(work: Work) -> Json:
    attach = work.config.attach
    if attach.queries is None and not attach.against:
        return {"queries": None}
    return {
        "seed": work.config.seed,
        "queries": None if attach.queries is None else _address(attach.queries),
        "queries_each": attach.queries_each,
        "against": [content(Path(file)) for file in attach.against],
        "ngram": attach.ngram,
    }


def _attach(work: Work) -> Made:
    """Draw requests for each instruction; what stands in a benchmark is left out, of both."""
    attach, rows = work.config.attach, list(work.rows("backtranslate"))
    sieve = Sieve(attach, work.scratch / "benchmarks.npy")
    queries: list[str] = []
    if attach.queries is not None:
        queries, left = usable(read_queries(attach.queries), sieve)
        work.notes = {"queries": {"usable": len(queries), **left}}
        if not queries:
            raise SsrlError(f"{attach.queries}: of its requests none can be used: {_counted(left)}")
    touched = sieve.touched([row["instruction"] for row in rows])
    for row, bad in zip(rows, touched, strict=True):
        if bad:
            yield Dropped(row["instruction"], "in a benchmark")
        else:
            yield row | {"queries": drawn(queries, row["instruction"], attach.queries_each, work.config.seed)}


STEPS = (
    Step("expand", (), "instructions.jsonl", _expand_settings, _expand),
    Step("write", ("expand",), "written.jsonl", _write_settings, _write),
    Step("validate", ("write",), "validated.jsonl", _validate_settings, _validate),
    Step("backtranslate", ("validate",), "backtranslated.jsonl", _backtranslate_settings, _backtranslate),
    Step("attach", ("backtranslate",), "checkers.jsonl", _attach_settings, _attach),
)


def _imported(config: Config) -> dict[str, list[str]]:
    """The instructions that come with outputs, and all outputs of each."""
    found: dict[str, list[str]] = {}
    if config.imported is not None:
        for number, record in records(config.imported):
            try:
                text, outputs = read_record(record)
            except SsrlError as error:
                raise SsrlError(f"{config.imported}: line {number}: {error}") from error
            found.setdefault(said(text), []).extend(outputs)
        if not found:
            raise SsrlError(f"{config.imported}: holds no record: it wants JSON lines of `instruction` and `outputs`")
    return found


def _in_order(do: Callable[[Any], Json], items: Sequence[Any], workers: int) -> Iterator[Json]:
    """The results for items in their order, by some processes; a bounded number is under way."""
    if workers == 1 or len(items) < 2:
        yield from map(do, items)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(items)), context, _leave_interrupts) as pool:
        window: deque[Future[Json]] = deque()
        try:
            for item in items:
                window.append(pool.submit(do, item))
                if len(window) > 4 * workers:
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()
        except BrokenProcessPool as error:
            raise SsrlError(
                "a process that ran checkers died, perhaps for want of memory: run the same command again, and it goes "
                "on; with fewer --workers it needs less"
            ) from error
        finally:
            for waiting in window:
                waiting.cancel()


def _leave_interrupts() -> None:
    """Let Ctrl-C end the parent alone, which then ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def writer_settings(config: Config) -> dict[str, Json]:
    """What a step that asks the model depends on."""
    return {} if config.writer is None else config.writer.settings()


def content(path: Path | None) -> str | None:
    """What tells a file's content."""
    if path is None:
        return None
    try:
        return file_digest(path)
    except OSError as error:
        raise SsrlError(f"{path}: cannot be read ({error.strerror}): name a file that is there") from error


def _address(address: str) -> str | None:
    """What tells the content of a file, or as far as its listing goes that of a corpus."""
    path = Path(address)
    if path.is_file() or path.suffix in (".jsonl", ".parquet", ".txt"):
        return content(path)
    return digest(canonical([[entry.key, entry.stamp] for entry in source_at(address).entries()]))


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{reason} {n}" for reason, n in counts.items()) or "there are none"
