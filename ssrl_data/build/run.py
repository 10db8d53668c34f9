"""A whole build: plan, resume, engine, card, manifest. The manifest is written last: with it a dataset is complete."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tqdm import tqdm

from ssrl_data.build.commit import NO_SPACE, file_digest, replace, replace_json
from ssrl_data.build.faults import reach
from ssrl_data.build.local import Engine, Setting, run, sidecar
from ssrl_data.build.locks import Access, Range
from ssrl_data.build.plan import FORMAT, Plan, Shard, make_plan
from ssrl_data.build.prepare import prepare_tasks
from ssrl_data.core import Json, SsrlError
from ssrl_data.recipe import Recipe
from ssrl_data.registry import source_at

MOST_DIFFERENCES = 5
NOT_WRITABLE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST})


@dataclass(frozen=True, slots=True)
class Built:
    """What a build left: the manifest, and how it went this time.

    Attributes:
        manifest: as published; None while shards of other ranges are missing.
        rejects: record key to reason.
        fresh: rows made by this run; the rest was there.
        seconds: wall time of this run.
    """

    manifest: Json
    rejects: Mapping[str, str]
    fresh: int
    seconds: float


def build(
    recipe: Recipe,
    out: Path,
    workers: int | None = None,
    say: Callable[[str], None] = print,
    engine: Engine | None = None,
    part: Range | None = None,
) -> Built:
    """Build a dataset into a folder, or finish one that was begun there.

    Args:
        recipe: what to build.
        out: the folder; made when absent.
        workers: processes; the number of cores when None. The bytes do not depend on it.
        say: takes the lines of progress when standard error is no terminal.
        engine: makes the shards; the processes of this machine (`local.run`) when None. Nor on this.
        part: the shards to make; all when None. Who makes the last one that is missing writes card and manifest.

    Raises:
        SsrlError: the folder holds another build, another builder is at work in it, the disk is full, the corpus or
            the recipe cannot be used, or too many records were unreadable.
    """
    started = time.monotonic()
    try:
        return _build(recipe, out, workers or os.cpu_count() or 1, say, engine or run, part, started)
    except OSError as error:
        if error.errno in NO_SPACE:
            raise SsrlError(
                f"no space left while writing in {out}: free some and run the same command again; finished shards "
                "are kept"
            ) from error
        if error.errno in NOT_WRITABLE:
            raise SsrlError(f"{error.filename or out}: {error.strerror}: choose an --out that you may write") from error
        raise


def _build(
    recipe: Recipe,
    out: Path,
    workers: int,
    say: Callable[[str], None],
    engine: Engine,
    part: Range | None,
    started: float,
) -> Built:
    sources = tuple(source_at(address, recipe.license) for address in recipe.sources)
    plan = make_plan(recipe, sources)
    state = out / ".ssrl"
    if out.is_dir() and not state.exists() and any(out.iterdir()):
        raise SsrlError(f"{out} holds files that are not a build of ssrl: choose an empty or new --out")
    state.mkdir(parents=True, exist_ok=True)
    chosen = [i for i in range(len(plan.shards)) if part is None or part.holds(i)]
    with Access(state, out, part) as access:
        with access.alone():
            _same_build(plan, state, out)
            scratch = _scratch(state, part)
            # A link keeps its name: that of what it leads to may have no suffix, and is not in the records' keys.
            addresses = [os.path.abspath(a) if Path(a).exists() else a for a in recipe.sources]
            replace_json(state / "corpus.json", {"sources": addresses, "license": recipe.license}, scratch)
            replace_json(state / "plan.json", _plan_record(plan), scratch, (None, None, "plan-written"))
            done = {i: side for i in chosen if (side := _finished(out, state, plan.shards[i], plan))}
            todo = [i for i in chosen if i not in done]
            if todo:
                prepare_tasks(plan, sources, state, scratch, say)
        kept = sum(side["rows"] for side in done.values())
        if done and todo:
            say(f"resuming: {len(done)} of {len(chosen)} shards are done")
        if todo:
            setting = Setting(out, state, scratch, sources, plan.fingerprint, recipe.pass_rates)
            done |= _make(setting, plan, chosen, todo, workers, kept, say, engine)
        reach("shards-done")
        fresh, seconds = sum(side["rows"] for side in done.values()) - kept, time.monotonic() - started
        with access.alone():
            for i, shard in enumerate(plan.shards):
                if i not in done and (side := _finished(out, state, shard, plan)):
                    done[i] = side
            rejects = {key: reason for side in done.values() for key, reason in side["rejects"].items()}
            manifest = _finish(recipe, plan, [done[i] for i in sorted(done)], rejects, out, scratch)
        if todo and part is None:
            timing = {"rows": fresh, "seconds": seconds, "workers": min(workers, len(todo))}
            replace_json(state / "timing.json", timing, scratch)
        shutil.rmtree(scratch, ignore_errors=True)
    return Built(manifest, rejects, fresh, seconds)


def _scratch(state: Path, part: Range | None) -> Path:
    """An empty folder for files that are being written; what killed builders left in theirs is removed."""
    stale = state.glob("tmp*") if part is None else [state / f"tmp-{part.file}"]
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    scratch = state / ("tmp" if part is None else f"tmp-{part.file}")
    scratch.mkdir()
    return scratch


def _finish(
    recipe: Recipe, plan: Plan, sides: Sequence[Json], rejects: Mapping[str, str], out: Path, scratch: Path
) -> Json | None:
    """Card and manifest, once every shard is there; the manifest, or None where one is missing."""
    if len(sides) < len(plan.shards):
        return None
    state = out / ".ssrl"
    manifest = _manifest(plan, sides, rejects)
    _write_rejects(state, rejects, scratch)
    _enough(recipe, manifest, rejects, state)
    _publishable(out, manifest, scratch)
    return manifest


def _plan_record(plan: Plan) -> Json:
    return {"fingerprint": plan.fingerprint, "identity": plan.identity, "shards": [s.name for s in plan.shards]}


def _same_build(plan: Plan, state: Path, out: Path) -> None:
    """Refuse to go on with another recipe, corpus or library version than the folder was begun with."""
    try:
        before = json.loads((state / "plan.json").read_text())
        fingerprint, identity = before["fingerprint"], before["identity"]
    except FileNotFoundError:
        return
    except (ValueError, KeyError, TypeError) as error:
        raise SsrlError(f"{state / 'plan.json'} is damaged: delete {out} and build again") from error
    if fingerprint == plan.fingerprint:
        return
    now = json.loads(json.dumps(plan.identity))
    found = differences(identity, now)
    changes = "; ".join(
        "the corpus's files changed" if where == "corpus" else f"{where}: {_brief(a)} then, {_brief(b)} now"
        for where, a, b in found[:MOST_DIFFERENCES]
    )
    raise SsrlError(f"{out} was begun with another build ({changes}): use another --out, or the same settings")


def _brief(value: Json) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def differences(before: Json, now: Json, where: str = "") -> list[tuple[str, Json, Json]]:
    """Where two JSON values differ: dotted path, old leaf, new leaf."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(set(before) | set(now))
        return [
            found
            for key in keys
            for found in differences(before.get(key), now.get(key), f"{where}.{key}" if where else key)
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [f for i, (a, b) in enumerate(zip(before, now, strict=True)) for f in differences(a, b, f"{where}[{i}]")]
    return [] if before == now else [(where, before, now)]


def _finished(out: Path, state: Path, shard: Shard, plan: Plan) -> Json | None:
    """The shard's sidecar, when it is whole and the file is still the one it speaks of."""
    try:
        side = json.loads(sidecar(state, shard).read_text(encoding="utf-8", errors="surrogatepass"))
    except (FileNotFoundError, ValueError):
        return None
    path = out / shard.file
    same = (
        side.get("fingerprint") == plan.fingerprint
        and path.exists()
        and path.stat().st_size == side["bytes"]
        and file_digest(path) == side["blake2b"]
    )
    return side if same else None


def _make(
    setting: Setting,
    plan: Plan,
    chosen: Sequence[int],
    todo: Sequence[int],
    workers: int,
    kept: int,
    say: Callable[[str], None],
    engine: Engine,
) -> dict[int, Json]:
    """Run the engine over the shards still to make, and show how it goes."""
    shards = [plan.shards[i] for i in todo]
    total = sum(plan.shards[i].quota for i in chosen)
    rows = [0] * len(shards)
    done: dict[int, Json] = {}
    terminal = sys.stderr.isatty()
    shown = 0
    with tqdm(total=total, initial=kept, unit="row", disable=not terminal, smoothing=0.1) as bar:
        for news in engine(setting, shards, min(workers, len(shards))):
            rows[news.shard] = max(rows[news.shard], news.rows)
            made = kept + sum(rows)
            bar.update(made - bar.n)
            if news.done is not None:
                done[todo[news.shard]] = news.done
            if not terminal and total and 10 * made // total > shown:
                shown = 10 * made // total
                say(f"{made} of {total} rows")
    return done


def _manifest(plan: Plan, sides: Sequence[Json], rejects: Mapping[str, str]) -> Json:
    """What the dataset is and how it came about; no time, host or path."""
    modalities: dict[str, Any] = {}
    counts: dict[str, Any] = {}
    for side in sides:
        _, modality, file = side["file"].split("/")
        split = modalities.setdefault(modality, {}).setdefault(file.partition("-")[0], {"rows": 0, "shards": []})
        split["rows"] += side["rows"]
        split["shards"].append({key: side[key] for key in ("file", "rows", "bytes", "blake2b")})
        for name, count in side["counts"].items():
            total = counts.setdefault(name, {"rows": 0, "short": 0, "chance": None, "skips": {}})
            total["rows"] += count["rows"]
            total["short"] += count["short"]
            if count["chance"] is not None:
                total["chance"] = (total["chance"] or 0.0) + count["chance"]
            total["skips"] = dict(sorted((Counter(total["skips"]) + Counter(count["skips"])).items()))
    for total in counts.values():
        if total["chance"] is not None:
            total["chance"] /= total["rows"]
    licenses: Counter[str] = Counter()
    named: set[tuple[str, str, str, str]] = set()
    for side in sides:
        licenses.update(side["licenses"])
        named.update(tuple(entry) for entry in side["attributions"])
    opened: Counter[str] = Counter()  # by modality: each opens the same records for itself
    for side in sides:
        opened[side["file"].split("/")[1]] += side["opened"]
    return {
        "format": FORMAT,
        "fingerprint": plan.fingerprint,
        "recipe": plan.identity["recipe"],
        **({"decontaminated": list(plan.against)} if plan.against else {}),
        "versions": plan.identity["versions"],
        "modalities": modalities,
        "counts": counts,
        "rejects": dict(sorted(Counter(rejects.values()).items())),
        "records": max(opened.values(), default=0),
        "corpus_records": plan.records,
        "licenses": dict(sorted(licenses.items())),
        "attributions": [{"license": a, "attribution": b, "origin": c, "key": d} for a, b, c, d in sorted(named)],
    }


def _write_rejects(state: Path, rejects: Mapping[str, str], scratch: Path) -> None:
    lines = [json.dumps({"key": key, "reason": reason}) + "\n" for key, reason in sorted(rejects.items())]
    replace(state / "rejects.jsonl", lambda f: f.writelines(line.encode() for line in lines), scratch, (None,) * 3)


def _enough(recipe: Recipe, manifest: Json, rejects: Mapping[str, str], state: Path) -> None:
    """Stop rather than publish next to nothing."""
    if manifest["records"] and len(rejects) > recipe.max_rejects * manifest["records"]:
        why = ", ".join(f"{reason} ({n})" for reason, n in Counter(rejects.values()).most_common(3))
        raise SsrlError(
            f"{len(rejects)} of {manifest['records']} records could not be read, more than max_rejects = "
            f"{recipe.max_rejects:g} allows: {why}: see {state / 'rejects.jsonl'}"
        )
    if not sum(count["rows"] for count in manifest["counts"].values()):
        skips = Counter({"unreadable: " + reason: n for reason, n in manifest["rejects"].items()})
        for count in manifest["counts"].values():
            skips.update(count["skips"])
        why = "; ".join(f"{reason} ({n})" for reason, n in skips.most_common(3)) or "nothing was tried"
        raise SsrlError(f"no row could be made from this corpus: {why}")


def _publishable(out: Path, manifest: Json, scratch: Path) -> None:
    """The card, then the manifest."""
    from ssrl_data.card import read_check, render_card

    verdict = read_check(out, manifest)
    if verdict is None:  # another build's, or damaged: it says nothing of this one
        (out / "check.json").unlink(missing_ok=True)
    card = render_card(manifest, verdict).encode()
    replace(out / "README.md", lambda file: cast(None, file.write(card)), scratch, (None, None, "card-renamed"))
    replace_json(out / "manifest.json", manifest, scratch, ("manifest-written", None, "manifest-renamed"))
