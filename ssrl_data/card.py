"""The dataset card, `README.md`: prose from `cards/`, every figure from the manifest.

The front matter is what `datasets` and the Hub read: one configuration for each modality, exactly one of them default.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import jinja2
import yaml
from markupsafe import Markup

from ssrl_data.build.commit import replace
from ssrl_data.core import Json, SsrlError
from ssrl_data.row import WRITTEN
from ssrl_data.untrusted import fenced, markdown, markdown_origin

LISTED = 500
"""Attributions named in the card; the manifest has all."""

MEDIA = {
    "depth": "pictures with depth or a second view",
    "image": "pictures",
    "instruction": "instructions with checkers",
    "text": "documents",
    "video": "clips",
    "worked": "worked problems",
}
CATEGORIES = {
    "depth": ["visual-question-answering"],
    "image": ["visual-question-answering"],
    "instruction": ["text-generation"],
    "text": ["text-generation"],
    "video": ["video-text-to-text", "visual-question-answering"],
}
SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"))

# SPDX identifiers that the Hub knows; it spells them in lower case and puts all others under `other`.
HUB_LICENSES = frozenset(
    {
        *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "gpl-3.0"),
        *("cc0-1.0", "odbl-1.0", "unlicense", "unknown"),
        *("cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0"),
        *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0"),
        *("cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0"),
    }
)


def media(modalities: Iterable[str], tasks: Sequence[str] = ()) -> str:
    """What a corpus consists of, in words: records with depth are pictures too, and named so beside others.

    Args:
        modalities: first parts of the names of tasks.
        tasks: the tasks, which tell what their texts are: documents, worked solutions, instructions.
    """
    named = set(modalities)
    written = {medium for task in tasks for medium in _needs(task) & {"text", "worked", "instruction"}}
    if written:
        named = (named - {"text", "instruction"}) | written
    *rest, last = (MEDIA[m] for m in MEDIA if m in named and (m != "depth" or "image" not in named))
    return f"{', '.join(rest)} and {last}" if rest else last


def _needs(task: str) -> frozenset[str]:
    """What records must carry for some level of a task; where it is not installed, what its name says."""
    from ssrl_data.registry import modules, task_class

    if task not in modules("ssrl.tasks"):
        return frozenset({task.partition("/")[0]})
    cls = task_class(task)
    return frozenset().union(*(cls(params).needs for params in cls.levels.values()))


def cards_folder() -> Path:
    """Where the cards' prose lies: in the installed package, else in the repository."""
    packaged = Path(__file__).parent / "cards"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "cards"


def prose(task: str) -> str:
    """What a task's own card says, its title dropped and its headings put below this card's.

    A task from another distribution has no file in our folder; its class's docstring stands in.
    """
    path = cards_folder() / f"{task}.md"
    if not path.is_file():
        from ssrl_data.registry import modules, task_class

        text = inspect.getdoc(task_class(task)) if task in modules("ssrl.tasks") else ""
        return text or "The maker of this task is not installed here."
    text = path.read_text("utf-8").strip()
    text = re.sub(r"\A# .*\n*", "", text)
    return re.sub(r"^(#{2,4}) ", r"##\1 ", text, flags=re.MULTILINE)


def write_card(directory: Path) -> None:
    """Write `README.md` of a built dataset from its manifest and, when there, its `check.json`.

    Raises:
        SsrlError: the card cannot be written; the one that was there is left as it was.
    """
    manifest = json.loads((directory / "manifest.json").read_text("utf-8"))
    write_page(directory / "README.md", render_card(manifest, read_check(directory, manifest)))


@dataclass(frozen=True, slots=True)
class ProbeCell:
    """What the shortcut probe found in one level with one family.

    Attributes:
        status: `passed`, `failed`, `declared`, `not run`; empty when the rows have nothing of the family.
        text: the accuracy and its lower bound, or why there are none.
    """

    status: str = ""
    text: str = "—"


@dataclass(frozen=True, slots=True)
class ProbeLine:
    """One level in the table of the shortcut probe: its cells are in the order of `probe_table`'s families."""

    task: str
    level: str
    sources: int
    blind: float
    cells: tuple[ProbeCell, ...]


def probe_table(check: Mapping[str, Json]) -> tuple[list[str], list[ProbeLine]]:
    """The families that were probed, and a line for each level, from a decoded `check.json`."""
    found: Mapping[str, Mapping[str, Json]] = next((p["details"] for p in check["parts"] if p["name"] == "probe"), {})
    families = sorted({family for outcomes in found.values() for family in outcomes})
    lines = []
    for name in _ordered(found):
        task, _, level = name.rpartition("/")
        outcomes = found[name]
        one, *_ = outcomes.values()  # all families of a level are tested on the same rows
        cells = tuple(_probe_cell(outcomes[family]) if family in outcomes else ProbeCell() for family in families)
        lines.append(ProbeLine(task, level, int(one["sources"]), float(one["blind"]), cells))
    return families, lines


def _probe_cell(outcome: Mapping[str, Json]) -> ProbeCell:
    status, reason, accuracy, lower = (outcome[key] for key in ("status", "reason", "accuracy", "lower"))
    if accuracy is None or status == "not run":  # an accuracy on too few rows says nothing
        return ProbeCell(str(status), str(reason))
    return ProbeCell(str(status), f"{accuracy:.3f} (≥ {lower:.3f})")


def read_check(directory: Path, manifest: Mapping[str, Json]) -> Json:
    """The decoded `check.json`; None when there is none, or one that is damaged or of another build."""
    try:
        check = json.loads((directory / "check.json").read_text("utf-8"))
        parts = [(p["name"], p["status"], p["summary"], dict(p["faults"])) for p in check["parts"]]
        flags = {type(check["passed"]), type(check["complete"])} == {bool} and isinstance(check["findings"], list)
        probe_table(check)
        whole = bool(parts) and flags and check["fingerprint"] == manifest["fingerprint"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return check if whole else None


def write_page(path: Path, text: str) -> None:
    """Write a text for people so that under its name it is whole, or what was there before.

    Raises:
        SsrlError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, lambda file: cast(None, file.write(text.encode())), path.parent, (None, None, None))
    except OSError as error:
        raise SsrlError(f"{path} cannot be written ({error.strerror}): mend that or write elsewhere") from error


def render_card(manifest: Mapping[str, Json], check: Mapping[str, Json] | None = None) -> str:
    """The card's text; holds no time, host or path.

    Args:
        manifest: the decoded `manifest.json`.
        check: the decoded `check.json`, when the dataset was checked.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(cards_folder()),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {"md": markdown, "origin": markdown_origin, "thousands": lambda n: f"{n:,}"}
    front = front_matter(manifest)
    tasks = [task["task"] for task in manifest["recipe"]["tasks"]]
    listed = [a for a in manifest["attributions"] if a["attribution"] or a["origin"] or a["license"] != "unknown"]
    template = environment.get_template("_base.md.jinja")
    body = template.render(
        title=_title(tasks, manifest["modalities"]),
        manifest=manifest,
        rows=_rows(manifest),
        media=media(manifest["modalities"], tasks),
        labelled=any(_needs(task) & {"worked", "instruction"} for task in tasks),
        has_texts=any(modality in WRITTEN for modality in manifest["modalities"]),
        has_pictures=any(modality not in WRITTEN for modality in manifest["modalities"]),
        levels=list(_levels(manifest)),
        tasks=[{"name": task, "prose": Markup(prose(task))} for task in tasks],  # noqa: S704 (our own files)
        configs=front["configs"],
        recipe=fenced(f"# recipe.yaml\n{recipe_yaml(manifest['recipe'])}", "yaml"),
        skips=list(_skips(manifest)),
        short=[(name, counts["short"]) for name, counts in sorted(manifest["counts"].items()) if counts["short"]],
        outcome=_outcome(check),
        probe=probe_table(check) if check else ([], []),
        attributions=listed[:LISTED],
        more=max(0, len(listed) - LISTED),
    )
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n\n{body.rstrip()}\n"


def front_matter(manifest: Mapping[str, Json]) -> dict[str, Any]:
    """The card's metadata: licence, size, categories, tags and configurations, for the Hub and `load_dataset`."""
    modalities = manifest["modalities"]
    rows = _rows(manifest)
    count = {m: sum(split["rows"] for split in splits.values()) for m, splits in modalities.items()}
    order = sorted((m for m in modalities if count[m]), key=lambda m: (-count[m], m))
    groups = {m: [m] for m in order}
    pictured = [m for m in order if m not in WRITTEN]
    if len(pictured) > 1:
        groups = {"pictures": pictured} | groups  # rows with and without pictures never share a configuration
    # The configuration with most rows comes first and is the default; ties go by name.
    ranked = sorted(groups, key=lambda name: (-sum(count[m] for m in groups[name]), list(groups).index(name)))
    configs: list[dict[str, Any]] = []
    for name in ranked:
        # `train` first: viewers open the first split.
        splits = sorted({s for m in groups[name] for s in modalities[m]}, key=lambda s: (s != "train", s))
        files = []
        for split in splits:
            paths = [f"data/{m}/{split}-*.parquet" for m in groups[name] if modalities[m].get(split, {}).get("rows")]
            if paths:
                files.append({"split": split, "path": paths if len(paths) > 1 else paths[0]})
        configs.append({"config_name": name, "data_files": files} | ({} if configs else {"default": True}))
    names = sorted({task["task"] for task in manifest["recipe"]["tasks"]})
    return {
        **_license(manifest["licenses"]),
        # The questions are in English; what language the corpus's own words are in, nobody said.
        **({} if WRITTEN & set(order) else {"language": ["en"]}),
        "task_categories": sorted({c for m in order for c in CATEGORIES[m]} | {"reinforcement-learning"}),
        "size_categories": [next((name for limit, name in SIZES if rows < limit), "n>10M")],
        "tags": ["ssrl", "self-supervised", "verifiable-rewards", "rlvr", "grpo", *names],
        "configs": configs,
    }


def recipe_yaml(recipe: Mapping[str, Json]) -> str:
    """The resolved recipe of a manifest as a recipe file; the corpus is the reader's to name."""
    tasks = {task["task"]: _recipe_task(task) for task in recipe["tasks"]}
    kept = {key: value for key, value in recipe.items() if key not in ("tasks", "sources") and value not in (None, {})}
    text: str = yaml.safe_dump({"tasks": tasks, **kept}, sort_keys=False, allow_unicode=True)
    return text


def _recipe_task(task: Mapping[str, Json]) -> dict[str, Json]:
    """One task of a recipe file: a level named `easy+custom` becomes `easy` with the parameters that were changed."""
    levels: dict[str, Any] = {name.removesuffix("+custom"): params for name, params in task["levels"].items()}
    out = {"levels": ordered_levels(task["task"], levels), "weight": task["weight"]}
    if levels.keys() != task["levels"].keys():
        from ssrl_data.recipe import plain

        known = _known_levels(task["task"])
        out["params"] = {
            key: value
            for name, params in levels.items()
            for key, value in params.items()
            if name not in known or plain(known[name]).get(key) != value
        }
    return out


def _known_levels(task: str) -> Mapping[str, Any]:
    from ssrl_data.registry import modules, task_class

    return task_class(task).levels if task in modules("ssrl.tasks") else {}


def ordered_levels(task: str, levels: Iterable[str]) -> list[str]:
    """Levels in the task's order, easiest first; those it does not know after them, by name."""
    known = list(_known_levels(task))
    rank = {name: i for i, name in enumerate(known)}
    return sorted(levels, key=lambda level: (rank.get(level.removesuffix("+custom"), len(known)), level))


def _rows(manifest: Mapping[str, Json]) -> int:
    return sum(split["rows"] for splits in manifest["modalities"].values() for split in splits.values())


def _title(tasks: Sequence[str], modalities: Mapping[str, Json]) -> str:
    names = [task.rpartition("/")[2].replace("_", " ") for task in tasks]
    what = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f"{what[:1].upper()}{what[1:]}: verifiable problems from raw {media(modalities, tasks)}"


def _license(licenses: Mapping[str, int]) -> dict[str, str]:
    names = sorted(licenses)
    if len(names) == 1 and names[0].lower() in HUB_LICENSES:
        return {"license": names[0].lower()}
    # The Hub asks for a lower-case identifier beside `other`.
    slug = re.sub(r"[^a-z0-9.]+", "-", "-and-".join(names).lower()).strip("-") or "unknown"
    return {"license": "other", "license_name": slug if len(slug) <= 80 else "mixed", "license_link": "README.md"}


def _levels(manifest: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    for name in _ordered(manifest["counts"]):
        task, _, level = name.rpartition("/")
        counts = manifest["counts"][name]
        value = counts["chance"]
        text = "—" if value is None else f"{value:.4f}"
        yield {"task": task, "level": level, "rows": counts["rows"], "chance": text}


def _skips(manifest: Mapping[str, Json]) -> Iterator[dict[str, Json]]:
    for name in _ordered(manifest["counts"]):
        task, _, level = name.rpartition("/")
        for reason, attempts in sorted(manifest["counts"][name]["skips"].items(), key=lambda item: (-item[1], item[0])):
            yield {"task": task, "level": level, "reason": reason, "attempts": attempts}


def _ordered(names: Iterable[str]) -> list[str]:
    """`task/level` names by task, levels easiest first."""
    levels: dict[str, list[str]] = {}
    for name in sorted(names):
        task, _, level = name.rpartition("/")
        levels.setdefault(task, []).append(level)
    return [f"{task}/{level}" for task, found in levels.items() for level in ordered_levels(task, found)]


def _outcome(check: Mapping[str, Json] | None) -> Markup:
    if check is None:
        return Markup("Not checked: `ssrl check DATASET --source CORPUS` recomputes every answer and guesses at it.")
    verdict = "`ssrl check` found no fault." if check["passed"] else "**`ssrl check` found faults.**"
    lines = [verdict, ""]
    for part in check["parts"]:
        faults = ", ".join(f"{rule} ({count:,})" for rule, count in part["faults"].items())
        lines.append(f"- {markdown(part['name'])}: {markdown(part['status'])}; {markdown(faults or part['summary'])}")
    return Markup("\n".join(lines))  # noqa: S704 (escaped line by line)
