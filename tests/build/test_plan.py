from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from ssrl_data.build.plan import DONOR_POOL, SHARD_RECORDS, Shard, make_plan, shares, split_groups
from ssrl_data.core import Record, SsrlError
from ssrl_data.listing import list_items
from ssrl_data.recipe import Recipe, part
from ssrl_data.rng import Rng
from ssrl_data.sources.base import Entry, Source


class Listing(Source):
    """A corpus of a given listing; planning never opens anything."""

    def __init__(self, entries: list[Entry]) -> None:
        self.listed = entries

    @classmethod
    def claims(cls, address: str) -> bool:
        return False

    @classmethod
    def at(cls, address: str, license: str | None = None) -> Source:
        raise SsrlError("made by hand")

    def entries(self) -> Iterator[Entry]:
        yield from self.listed

    def open(self, entry: Entry) -> Record:
        raise AssertionError("planning opened a record")


def corpus(n: int, per_group: int = 1) -> Listing:
    return Listing([Entry(f"{i:05}.jpg", f"g{i // per_group}") for i in range(n)])


BASE = Recipe((part("image/tile_anomaly", ["easy"], {}), part("image/rotation", None, {}, 2.0)), ("x",), rows=1000)


@pytest.mark.parametrize("seed", range(5))
def test_splits_share_no_group_and_take_the_first_ceil(seed: int) -> None:
    plan = make_plan(replace(BASE, seed=seed, split={"test": 0.25, "validation": 0.1}), [corpus(30, per_group=3)])
    groups: dict[str, set[str]] = {}
    lenders: dict[str, set[str]] = {}
    for shard in plan.shards:
        split = shard.file.rpartition("/")[2].partition("-")[0]
        groups.setdefault(split, set()).update(item.entry.group for item in shard.items)
        for i in range(len(shard.items)):
            lenders.setdefault(split, set()).update(item.entry.group for item in shard.lenders(i))
    assert all(lenders[split] <= groups[split] for split in groups)
    assert {split: len(found) for split, found in groups.items()} == {"train": 6, "test": 3, "validation": 1}
    assert not groups["train"] & groups["test"]


def test_a_benchmark_is_the_test_split_that_training_leaves_out() -> None:
    split = {"test": 0.25}
    whole = make_plan(replace(BASE, split=split), [corpus(40)])
    benchmark = make_plan(replace(BASE, split=split, only="test", rows=300), [corpus(40)])

    def groups(shards: Iterable[Shard]) -> set[str]:
        return {item.entry.group for shard in shards for item in shard.items}

    held_out = groups(shard for shard in whole.shards if "/test-" in shard.file)
    assert groups(benchmark.shards) == held_out
    assert sum(shard.quota for shard in benchmark.shards) == 300
    assert all("/test-" in shard.file for shard in benchmark.shards)
    assert benchmark.fingerprint != whole.fingerprint


def test_seeds_hold_out_different_groups() -> None:
    names = [f"g{i}" for i in range(12)]
    held = {
        frozenset(g for g, s in split_groups(names, {"test": 0.2}, seed).items() if s == "test") for seed in range(8)
    }
    assert len(held) > 4


def test_many_groups_split_by_threshold_so_that_growth_moves_none() -> None:
    names = [f"g{i}" for i in range(4000)]
    before = split_groups(names[:3000], {"test": 0.2}, 1)
    after = split_groups(names, {"test": 0.2}, 1)
    assert all(after[name] == home for name, home in before.items())
    assert 500 < sum(home == "test" for home in before.values()) < 700


def test_too_few_groups_for_the_split_is_said() -> None:
    with pytest.raises(SsrlError, match="1 group"):
        make_plan(replace(BASE, split={"test": 0.2}), [corpus(5, per_group=5)])


def test_an_empty_corpus_is_said() -> None:
    with pytest.raises(SsrlError, match="no record"):
        make_plan(BASE, [corpus(0)])


def test_every_record_has_one_shard_and_quotas_add_up() -> None:
    plan = make_plan(replace(BASE, shard_rows=100), [corpus(83)])
    assert len(plan.shards) == 10
    keys = Counter(item.key for shard in plan.shards for item in shard.items)
    assert set(keys.values()) == {1}
    assert len(keys) == 83
    assert min(len(shard.items) for shard in plan.shards) >= SHARD_RECORDS
    assert sum(shard.quota for shard in plan.shards) == 1000
    wanted: Counter[str] = Counter()
    for shard in plan.shards:
        assert abs(shard.quota - 100) <= len(shard.cells)
        wanted.update({cell.task: cell.quota for cell in shard.cells if cell.task == "image/tile_anomaly"})
    assert wanted["image/tile_anomaly"] == 333


def test_two_corpora_with_equal_names_keep_their_records_apart() -> None:
    plan = make_plan(BASE, [corpus(4), corpus(4)])
    assert len({item.key for shard in plan.shards for item in shard.items}) == 8


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"rows": 1001}, {"shard_rows": 100}, {"license": "MIT"}, {"split": {"test": 0.1}}]
)
def test_fingerprint_changes_with_what_changes_the_bytes(other: dict[str, object]) -> None:
    plan = make_plan(BASE, [corpus(9)])
    assert make_plan(replace(BASE, **other), [corpus(9)]).fingerprint != plan.fingerprint  # type: ignore[arg-type]
    assert make_plan(replace(BASE, sources=("elsewhere",)), [corpus(9)]).fingerprint == plan.fingerprint
    assert make_plan(BASE, [corpus(10)]).fingerprint != plan.fingerprint


def test_shares_lose_nothing_and_stay_within_one_of_the_weight() -> None:
    for total in range(40):
        out = shares(total, [1, 1, 2.5], Rng("shares", total))
        assert sum(out) == total
        assert all(abs(n - total * w / 4.5) < 1 for n, w in zip(out, [1, 1, 2.5], strict=True))


def test_a_record_lends_as_often_as_it_is_asked_about() -> None:
    (shard,) = make_plan(replace(BASE, rows=100), [corpus(12)]).shards
    lent = Counter(item.key for i in range(12) for item in shard.lenders(i))
    assert set(lent.values()) == {DONOR_POOL}
    assert len(lent) == 12
    # Those of the turns just before, so that nothing is read again.
    assert shard.lenders(6) == tuple(shard.items[i] for i in (5, 4, 3, 2))


def test_no_record_lends_to_its_own_group() -> None:
    (shard,) = make_plan(replace(BASE, rows=100), [corpus(12, per_group=4)]).shards
    for i, item in enumerate(shard.items):
        assert len(shard.lenders(i)) == DONOR_POOL
        assert all(lender.entry.group != item.entry.group for lender in shard.lenders(i))
    (alone,) = make_plan(replace(BASE, rows=100), [corpus(5, per_group=5)]).shards
    assert [alone.lenders(i) for i in range(5)] == [()] * 5


def test_files_of_one_name_in_two_corpora_are_not_one_group() -> None:
    alone, named = Entry("a.jpg", "a.jpg"), Entry("b.jpg", "scene")
    corpora = [Listing([alone, named]), Listing([alone, named])]
    assert [item.entry.group for item in list_items(corpora)] == ["0/a.jpg", "scene", "1/a.jpg", "scene"]
    assert [item.entry.group for item in list_items(corpora[:1])] == ["a.jpg", "scene"]
