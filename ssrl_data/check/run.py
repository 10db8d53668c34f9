"""A whole check: one pass over the shards, then the checks over many rows, then `check.json` and the card."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

from ssrl_data.build.commit import replace_json
from ssrl_data.check.facts import Facts
from ssrl_data.check.guess import judge_level
from ssrl_data.check.passages import contaminated, near_rows
from ssrl_data.check.probe import probe, signal
from ssrl_data.check.report import FAILED, NOT_RECHECKED, NOT_RUN, PASSED, CheckReport, Faults, Part, part
from ssrl_data.check.rows import count_faults, read_manifest, stray_files
from ssrl_data.check.scan import Job, Scan, scan_shard
from ssrl_data.check.seen import by_split, duplicates, near_pairs, overlaps
from ssrl_data.check.truth import find_sources
from ssrl_data.core import Json, SsrlError
from ssrl_data.curate.contamination import NGRAM
from ssrl_data.registry import modules, task_class


def check_dataset(
    directory: Path, sources: Sequence[str] | None = None, workers: int = 1, against: Sequence[Path] = ()
) -> CheckReport:
    """Check every row of a dataset, write `check.json` and put the outcome on the card.

    Args:
        directory: a finished build.
        sources: addresses of its corpora in the recipe's order; None: where the build found them, if they are still
            there. Without them truth is `not rechecked`.
        workers: processes; the report does not depend on it.
        against: files of benchmarks that rows without pictures may share no run of words with.

    Raises:
        SsrlError: the folder holds no dataset or cannot be written, or a named corpus or benchmark cannot be used.
    """
    manifest = read_manifest(directory)
    recipe = {task["task"]: task for task in manifest["recipe"]["tasks"]}
    jobs = list(_jobs(directory, manifest, recipe, sources))
    scan = Scan()
    if workers > 1 and len(jobs) > 1:
        with ProcessPoolExecutor(min(workers, len(jobs)), get_context("spawn")) as pool:
            for found in pool.map(scan_shard, jobs):
                scan.extend(found)
    else:
        for job in jobs:
            scan.extend(scan_shard(job))
    by_level: defaultdict[str, list[Facts]] = defaultdict(list)
    for row in scan.facts:
        by_level[row.name].append(row)
    levels = dict(sorted(by_level.items()))
    parts = [
        _rows(directory, manifest, scan, [job.stated["file"] for job in jobs]),
        _truth(scan),
        part("judge", scan.faults, PASSED, "gold answers score 1; near misses, the prompt and silence less"),
        _guess(levels, scan.faults),
        _leak(levels, scan.faults),
        _probe(levels, scan.faults),
        _seen(scan, against),
        _near(scan, bool(jobs and jobs[0].sources)),
    ]
    order = [p.name for p in parts]
    findings = sorted(scan.faults.kept, key=lambda finding: order.index(finding.part))
    report = CheckReport(manifest["fingerprint"], scan.rows, parts, findings)
    _write(directory, report)
    return report


def _jobs(
    directory: Path, manifest: Json, recipe: Mapping[str, Json], addresses: Sequence[str] | None
) -> Iterator[Job]:
    from ssrl_data.row import WRITTEN, schema

    sources = find_sources(directory, addresses, manifest["recipe"].get("sources", 1))
    for modality, splits in sorted(manifest["modalities"].items()):
        expected = schema(modality not in WRITTEN).serialize().to_pybytes()
        for split, body in sorted(splits.items()):
            for stated in body["shards"]:
                yield Job(directory, split, stated, expected, recipe, sources)


def _write(directory: Path, report: CheckReport) -> None:
    from ssrl_data.card import write_card

    state = directory / ".ssrl"
    file = directory / "check.json"
    try:
        state.mkdir(exist_ok=True)
        replace_json(file, report.to_json(), state)
    except OSError as error:
        raise SsrlError(f"{file} cannot be written ({error.strerror}): check a copy of the dataset") from error
    if (directory / "README.md").exists():
        write_card(directory)


def _rows(directory: Path, manifest: Json, scan: Scan, files: Sequence[str]) -> Part:
    found = Counter(row.name for row in scan.facts)
    licenses = Counter(row.license for row in scan.facts)
    # Rows that could not be decoded have their fault already; counts would only repeat it.
    if sum(found.values()) == scan.rows:
        for message in count_faults(manifest, found, licenses):
            scan.faults.add("rows", "manifest", "manifest.json", "", message)
    for file in stray_files(directory, files):
        scan.faults.add("rows", "stray file", file, "", "not in the manifest, and loading the dataset would read it")
    if scan.rows == 0:
        scan.faults.add("rows", "no rows", "manifest.json", "", "the dataset has no row")
    return part("rows", scan.faults, PASSED, f"{scan.rows:,} rows in {len(files)} shards are what the manifest says")


def _truth(scan: Scan) -> Part:
    left = sum(scan.unaudited.values())
    done = len(scan.facts) - left
    reasons = ", ".join(f"{reason} ({count:,})" for reason, count in sorted(scan.unaudited.items()))
    summary = f"{done:,} answers recomputed from the corpus" + (f"; not rechecked: {reasons}" if left else "")
    details = {"rechecked": done, "not rechecked": dict(sorted(scan.unaudited.items()))}
    return part("truth", scan.faults, NOT_RECHECKED if left or not done else PASSED, summary, details)


def _guess(levels: Mapping[str, Sequence[Facts]], faults: Faults) -> Part:
    details: dict[str, Json] = {}
    short: list[str] = []
    judged = 0
    for name, rows in levels.items():
        level = judge_level(rows)
        if level is None:
            details[name] = {"status": NOT_RUN, "reason": "no answer is judged"}
            continue
        judged += 1
        details[name] = dataclasses.asdict(level)
        if level.status == NOT_RUN:
            short.append(f"{name} has {level.rows} rows, {level.needed} needed")
        for guess in level.guesses:
            if guess.beats:
                message = (
                    f"the guesser `{guess.name}` scores {guess.mean:.3f} over {guess.rows} rows, at least "
                    f"{guess.lower:.3f}; chance is stated as {guess.chance:.3f}"
                )
                faults.add("guess", "guessable", "", name, message)
    summary = f"no guesser beats chance, levels judged: {judged}"
    if short:
        summary = f"too few rows on {len(short)} of {judged} levels: {short[0]}"
    return part("guess", faults, NOT_RUN if short or not judged else PASSED, summary, details)


def _leak(levels: Mapping[str, Sequence[Facts]], faults: Faults) -> Part:
    pictured = [row for rows in levels.values() for row in rows if row.encodings]
    norm = Counter(encoding for row in pictured for encoding in row.encodings).most_common(1)
    for row in pictured:
        for encoding in row.encodings:
            if encoding != norm[0][0]:
                faults.add("leak", "encoding", row.id, row.name, f"a picture is {encoding}; most are {norm[0][0]}")
    for name, rows in levels.items():
        if "sizes" in signal(_task(name)):
            continue
        # Frames have the shape of their clip, so only rows of one clip can be held against each other.
        clips = _shows_clips(name)
        kin: dict[str, list[Facts]] = {}
        for row in rows:
            kin.setdefault(row.sources[0] if clips and row.sources else "", []).append(row)
        for alike in kin.values():
            sizes = Counter(row.sizes for row in alike).most_common(1)[0][0]
            for row in alike:
                if row.sizes != sizes:
                    others = "rows of the clip" if clips else "rows of the level"
                    message = f"pictures of {_sizes(row.sizes)}; most {others} have {_sizes(sizes)}"
                    faults.add("leak", "sizes", row.id, name, message)
    summary = "no metadata; pictures encoded alike and of one size in each level or clip"
    return part("leak", faults, PASSED, summary if pictured else "rows are text alone: no file goes along with them")


def _shows_clips(name: str) -> bool:
    """Whether the rows of a level show frames of clips, as far as its task is installed."""
    task = _task(name)
    if task not in modules("ssrl.tasks"):
        return False
    cls = task_class(task)
    level = name.rpartition("/")[2].removesuffix("+custom")
    params = cls.levels.get(level, next(iter(cls.levels.values())))
    return "clip" in cls(params).needs


def _task(name: str) -> str:
    return name.rpartition("/")[0]


def _sizes(sizes: Sequence[tuple[int, int]]) -> str:
    runs = [(size, len(list(run))) for size, run in groupby(sizes)]
    texts = [f"{count} x {w}x{h}" if count > 1 else f"{w}x{h}" for (w, h), count in runs]
    return ", ".join(texts) or "no size"


def _probe(levels: Mapping[str, Sequence[Facts]], faults: Faults) -> Part:
    details: dict[str, Json] = {}
    reasons: dict[str, str] = {}
    ran = left = 0
    for name, rows in levels.items():
        found = probe(rows, signal(_task(name)))
        details[name] = {family: dataclasses.asdict(outcome) for family, outcome in found.items()}
        for family, outcome in found.items():
            ran += outcome.status in (PASSED, FAILED)
            if outcome.status == NOT_RUN:
                left += 1
                reasons.setdefault(name, outcome.reason)
            if outcome.status == FAILED:
                message = (
                    f"{family} alone tell the answer in {outcome.accuracy:.3f} of {outcome.rows} rows from "
                    f"{outcome.sources} sources, at least {outcome.lower:.3f}; blind guessing in {outcome.blind:.3f}"
                )
                faults.add("probe", "shortcut", "", name, message)
    summary = f"no shortcut in {ran} probes"
    if reasons:
        first, *more = (f"{name}: {reason}" for name, reason in reasons.items())
        where = f"{len(reasons)} of {len(levels)} levels"
        summary = f"{ran} probes ran, {left} not, on {where}: {first}{'; ...' if more else ''}"
    return part("probe", faults, NOT_RUN if reasons or not ran else PASSED, summary, details)


def _seen(scan: Scan, against: Sequence[Path]) -> Part:
    for rule, row, message in (*duplicates(scan.facts), *overlaps(scan.facts)):
        scan.faults.add("seen", rule, row.id, row.name, message)
    splits = Counter(row.split for row in scan.facts)
    summary = f"no row twice, nothing shared between splits ({len(splits)})"
    if not against:
        return part("seen", scan.faults, PASSED, summary)
    for row in contaminated([row for row in scan.facts if row.text], against):
        scan.faults.add("seen", "benchmark", row.id, row.name, "it shares a run of words with an item of a benchmark")
    names = [path.name for path in against]
    summary += f", nor {NGRAM} words in a row with {' and '.join(names)}"
    return part("seen", scan.faults, PASSED, summary, {"against": names})


def _near(scan: Scan, corpus: bool) -> Part:
    written = [row for row in scan.facts if row.text]
    pictured = _near_pictures(scan, corpus) if len(written) < len(scan.facts) or not written else None
    if pictured is not None and not written:
        return pictured
    if find_spec("rensa") is None:
        return part("near", scan.faults, NOT_RUN, 'pip install "ssrl[text]"')
    for row, other, similarity in near_rows(written):
        message = f"shows nearly what row {other.id} ({other.split}) does (similarity {similarity:.2f})"
        scan.faults.add("near", "near duplicate", row.id, row.name, f"{row.split}: {message}")
    summary = f"no passage of a split looks like one of another: {len(written):,} rows compared"
    if pictured is None:
        return part("near", scan.faults, PASSED, summary, {"rows": len(written)})
    details = {**pictured.details, "rows": len(written)} if pictured.details else None
    return part("near", scan.faults, pictured.status, f"{pictured.summary}; {summary}", details)


def _near_pictures(scan: Scan, corpus: bool) -> Part:
    if find_spec("pdqhash") is None:
        return part("near", scan.faults, NOT_RUN, 'pip install "ssrl[check]"')
    looks = by_split(scan.facts, scan.looks)
    for pair in near_pairs(looks):
        message = f"{pair.name} ({pair.split}) and {pair.other} ({pair.other_split}) differ by {pair.difference}"
        scan.faults.add("near", "near duplicate", pair.name, "", message)
    count = {split: len(found) for split, found in sorted(looks.items())}
    clips = " and clips" if any(len(record) > 1 for found in looks.values() for record in found.values()) else ""
    what = f"source pictures{clips}" if corpus else "rows' first pictures"
    flat = sum(any(look.flat for look in record) for found in looks.values() for record in found.values())
    summary = f"no picture of a split looks like one of another: {sum(count.values())} {what} compared"
    if flat:
        summary += f", {flat} flat ones by thumbnail"
    unseen = {id for row in scan.facts if row.sizes for id in row.sources} - scan.looks.keys() if corpus else set()
    if scan.looks and not corpus:
        summary = f"the corpus's pictures were not compared (no corpus at hand: name it with --source); {summary}"
    if unseen:
        summary += f", {len(unseen)} not found in the corpus"
    status = NOT_RUN if unseen or (scan.looks and not corpus) else PASSED
    return part("near", scan.faults, status, summary, {"compared": count, "flat": flat})
