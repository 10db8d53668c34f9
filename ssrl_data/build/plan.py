"""What a build will do, decided before any content is read: splits, shards, quotas, and who may lend a donor.

Everything here is a pure function of the recipe, of the corpora's listings and of the curated table, if there is one,
so a resumed build plans the same.
"""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ssrl_data.core import Json, Reject, SsrlError
from ssrl_data.listing import Item, list_items
from ssrl_data.recipe import Part, Recipe, plain
from ssrl_data.registry import task_class
from ssrl_data.rng import Rng
from ssrl_data.row import canonical, digest
from ssrl_data.sources.base import Source

if TYPE_CHECKING:
    from ssrl_data.curate.table import Curated

FORMAT = 1
DONOR_POOL = 4
"""Records, of its neighbours and of the others, that may lend to a record; a worker keeps as many decoded."""
SHARD_RECORDS = 8
"""Records a shard has at least, if there are so many: one that has few cannot fill what its records cannot carry."""
EXACT_GROUPS = 1000
MEDIA = {
    "image": "pictures",
    "clip": "clips",
    "text": "texts",
    "worked": "worked solutions or proofs",
    "instruction": "instructions with checkers",
}
"""Fields of a record that an entry fills by itself, and what to call such records."""
LIBRARIES = ("ssrl", "datasets", "numpy", "opencv-python-headless", "pillow", "pyarrow", "simplejpeg")
READERS = {"clip": {"decord2": "decord", "av": "av"}, "instruction": {"pydantic-monty": "pydantic_monty"}}
"""What else decides on the rows of records of a medium: distributions, and the module of each."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One task at one level inside a shard, and how many rows the shard wants of it."""

    task: str
    level: str
    params: Json
    quota: int


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard: its file, its records in the order of their first turn, its quotas, and neighbours by record key."""

    file: str
    pictures: bool
    seed: int
    cells: tuple[Cell, ...]
    items: tuple[Item, ...]
    neighbours: Mapping[str, tuple[Item, ...]]

    def lenders(self, index: int) -> tuple[Item, ...]:
        """Who may lend to a record beside its neighbours: those before it in the order of turns, round and round.

        So every record lends as often as it is asked about: one that mostly lends would give answers away. And what
        was read for its own turn need not be read again. None is of the record's own group.
        """
        group, out = self.items[index].entry.group, []
        for back in range(1, len(self.items)):
            item = self.items[index - back]
            if item.entry.group != group:
                out.append(item)
            if len(out) == DONOR_POOL:
                break
        return tuple(out)

    @property
    def name(self) -> str:
        """The shard's name for sidecars and messages: `image/train-00000-of-00002`."""
        return self.file.removeprefix("data/").removesuffix(".parquet")

    @property
    def quota(self) -> int:
        """Rows wanted in all."""
        return sum(cell.quota for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Plan:
    """All shards of a build, what its identity is made of, and the train split in keyed order, for `Task.prepare`.

    `against` says of each benchmark that a curation kept out of the corpus its name, digest, items and words of a run.
    """

    shards: tuple[Shard, ...]
    identity: Mapping[str, Json]
    records: int
    train: tuple[Item, ...] = ()
    against: Sequence[Json] = ()

    @property
    def fingerprint(self) -> str:
        """Equal for two builds exactly when they must give the same bytes."""
        return digest(canonical(self.identity))


def split_groups(groups: Sequence[str], split: Mapping[str, float], seed: int) -> dict[str, str]:
    """Group to split name.

    Below 1,000 groups the first ceil(f n) in keyed order; above, a keyed threshold, so that adding records moves few.

    Raises:
        SsrlError: too few groups for every split to get one.
    """
    unique = sorted(set(groups))
    if len(unique) < len(split) + 1:
        raise SsrlError(
            f"the corpus has {len(unique)} group(s) and the split wants {len(split) + 1}: "
            "add records, or build without `split`"
        )
    place = {group: int(digest("split", str(seed), group), 16) for group in unique}
    if len(unique) >= EXACT_GROUPS:
        bounds, total = [], 0.0
        for name, fraction in sorted(split.items()):
            total += fraction
            bounds.append((total * 2.0**128, name))
        return {group: next((n for bound, n in bounds if p < bound), "train") for group, p in place.items()}
    ordered = sorted(unique, key=lambda group: (place[group], group))
    out = dict.fromkeys(unique, "train")
    start = 0
    for name, fraction in sorted(split.items()):
        count = min(math.ceil(fraction * len(unique)), len(unique) - start - 1)
        out.update(dict.fromkeys(ordered[start : start + count], name))
        start += count
    return out


def shares(total: int, weights: Sequence[float], rng: Rng) -> list[int]:
    """`total` shared by weight in whole numbers; what rounding leaves over goes by the largest remainder."""
    scale = total / sum(weights)
    out = [math.floor(weight * scale) for weight in weights]
    ties = rng.shuffled(range(len(weights)))
    order = sorted(ties, key=lambda i: out[i] - weights[i] * scale)
    for i in order[: total - sum(out)]:
        out[i] += 1
    return out


def make_plan(recipe: Recipe, sources: Sequence[Source]) -> Plan:
    """Plan a build; reads the corpora's listings and the curated table only.

    Raises:
        SsrlError: the corpora hold nothing or too few groups for the split, or the table is of another corpus.
    """
    items = _usable(list_items(sources), recipe, sources)
    resolved, neighbours = recipe.resolved(), dict[str, tuple[Item, ...]]()
    against: Sequence[Json] = ()
    if recipe.curated is not None:
        from ssrl_data.curate.table import read_table

        table = read_table(Path(recipe.curated))
        items = _regrouped(items, table, recipe.curated)
        resolved["curated"], against = table.digest, table.against
        known = {item.key: item for item in items}
        neighbours = {key: tuple(known[k] for k in keys if k in known) for key, keys in table.neighbours.items()}
    if recipe.pass_rates is not None:
        from ssrl_data.pass_rates import left_out

        resolved["pass_rates"] = digest(*sorted(left_out(Path(recipe.pass_rates))))
    home = _home(items, recipe)
    names = ["train", *sorted(recipe.split)]
    rows = recipe.split_rows()
    modalities = sorted({part.task.partition("/")[0] for part in recipe.parts})
    order = {item.key: digest("order", str(recipe.seed), item.key) for item in items}
    shards: list[Shard] = []
    for split in names:
        members = sorted((item for item in items if home[item.entry.group] == split), key=lambda item: order[item.key])
        rng = Rng(recipe.seed, "plan", split)
        for modality in modalities:
            parts = [part for part in recipe.parts if part.task.partition("/")[0] == modality]
            share = sum(part.weight for part in parts) / sum(part.weight for part in recipe.parts)
            carrying = [item for item in members if item.entry.media in _media(parts)]
            shards += _shards(recipe, parts, modality, split, carrying, round(rows[split] * share), rng)
    shards = [replace(shard, neighbours=_of_split(shard, neighbours, home)) for shard in shards]
    listing = [[item.key, asdict(item.entry)] for item in items]
    identity = {
        "format": FORMAT,
        "recipe": resolved,
        "corpus": digest(canonical(listing)),
        "versions": {name: version(name) for name in LIBRARIES} | _readers(items),
        "processor": platform.machine(),
    }
    train = sorted((item for item in items if home[item.entry.group] == "train"), key=lambda item: order[item.key])
    return Plan(tuple(shards), identity, len(items), tuple(train), against)


def _readers(items: Sequence[Item]) -> dict[str, str]:
    """The releases of what decodes or runs these records; empty where a module is of another distribution."""
    found: dict[str, str] = {}
    for medium in READERS.keys() & {item.entry.media for item in items}:
        for name, module in READERS[medium].items():
            if find_spec(module) is not None:
                try:
                    found[name] = version(name)
                except PackageNotFoundError:
                    found[name] = ""
    return found


def _media(parts: Sequence[Part]) -> set[str]:
    """What the files of records must be that some of these tasks can use."""
    needs = [task_class(part.task)(params).needs for part in parts for params in part.levels.values()]
    return {medium for medium in MEDIA if any(medium in need for need in needs)}


def _usable(items: Sequence[Item], recipe: Recipe, sources: Sequence[Source]) -> list[Item]:
    """The items whose files are of a kind that some task can use.

    Raises:
        SsrlError: a task finds nothing, or what reads its files is not installed.
    """
    held = {item.entry.media for item in items}
    for part in recipe.parts:
        wanted = _media([part])
        if not wanted & held:
            unread = _unread(items, sources)
            raise SsrlError(
                f"{part.task} needs {' or '.join(MEDIA[medium] for medium in sorted(wanted))} and the corpus holds "
                + (unread or f"{' and '.join(MEDIA[medium] for medium in sorted(held))} alone: name another --source")
            )
        if "clip" in wanted & held and find_spec("decord") is None:
            raise SsrlError(f'{part.task} reads clips with decord, which is not installed: pip install "ssrl[video]"')
        if "instruction" in wanted & held and find_spec("pydantic_monty") is None:
            raise SsrlError(
                f'{part.task} runs checkers with pydantic-monty, which is not installed: pip install "ssrl[instruct]"'
            )
    return [item for item in items if item.entry.media in _media(recipe.parts)]


def _unread(items: Sequence[Item], sources: Sequence[Source]) -> str:
    """Which file a corpus of one file consists of, and why it cannot be read; empty where it can, or there are more."""
    if len(items) == 1:
        try:
            sources[items[0].source].open(items[0].entry)
        except Reject as reject:
            return f"only {items[0].key}, which cannot be read ({reject.reason}): mend it or name another --source"
    return ""


def _home(items: Sequence[Item], recipe: Recipe) -> dict[str, str]:
    """Group to split, decided for each medium apart, so that each split gets its share of every one."""
    media: dict[str, str] = {}
    for item in items:
        group = item.entry.group
        media[group] = min(media.get(group, item.entry.media), item.entry.media)
    out: dict[str, str] = {}
    for medium in sorted(set(media.values())):
        out |= split_groups([group for group in media if media[group] == medium], recipe.split, recipe.seed)
    return out


def _regrouped(items: Sequence[Item], table: Curated, path: str) -> list[Item]:
    """The items in the table's groups, without what the table leaves out.

    Raises:
        SsrlError: the table does not know them all, or knew other content, or it leaves nothing.
    """
    missing = [item.key for item in items if item.key not in table.groups]
    if missing:
        raise SsrlError(
            f"{path} does not list {len(missing)} of the corpus's {len(items)} records ({missing[0]!r} for one): "
            "make it with `ssrl curate` from the build's sources, as many of them and in the same order"
        )
    changed = [item.key for item in items if item.entry.stamp != table.stamps[item.key]]
    if changed:
        raise SsrlError(
            f"{path} knew other content of {len(changed)} of the corpus's {len(items)} records ({changed[0]!r} for "
            "one), so its groups may be wrong: run `ssrl curate` again, on the build's sources in the same order"
        )
    kept = [item for item in items if item.key not in table.empty]
    if not kept:
        raise SsrlError(f"{path} leaves out all of the corpus's {len(items)} records: curate it with fewer conditions")
    return [
        replace(item, entry=replace(item.entry, group=table.groups[item.key], dropped=table.dropped.get(item.key, ())))
        for item in kept
    ]


def _of_split(
    shard: Shard, neighbours: Mapping[str, Sequence[Item]], home: Mapping[str, str]
) -> dict[str, tuple[Item, ...]]:
    """The nearest neighbours of a shard's records in the same split and other groups."""
    out = {}
    for item in shard.items if neighbours else ():
        group = item.entry.group
        near = [n for n in neighbours[item.key] if n.entry.group != group and home[n.entry.group] == home[group]]
        out[item.key] = tuple(near[:DONOR_POOL])
    return out


def _shards(
    recipe: Recipe, parts: Sequence[Part], modality: str, split: str, members: Sequence[Item], rows: int, rng: Rng
) -> list[Shard]:
    """The shards of one modality and split: every record and every quota dealt out evenly."""
    if rows == 0:
        return []
    kinds = {task_class(part.task).pictures for part in parts}
    if len(kinds) > 1:
        raise SsrlError(f"the {modality} tasks named mix pictures and plain text: build them apart")
    cells = [
        (part, level, params, part.weight / len(part.levels)) for part in parts for level, params in part.levels.items()
    ]
    quotas = shares(rows, [weight for *_, weight in cells], rng)
    count = max(1, min(math.ceil(rows / recipe.shard_rows), len(members) // SHARD_RECORDS))
    dealt = [shares(quota, [1.0] * count, rng) for quota in quotas]
    blank = Shard("", kinds.pop(), recipe.seed, (), (), {})
    return [
        replace(
            blank,
            file=f"data/{modality}/{split}-{i:05d}-of-{count:05d}.parquet",
            cells=tuple(
                Cell(part.task, level, plain(params), quota[i])
                for (part, level, params, _), quota in zip(cells, dealt, strict=True)
                if quota[i]
            ),
            items=tuple(members[i::count]),
        )
        for i in range(count)
    ]
