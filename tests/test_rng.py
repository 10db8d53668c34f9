from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssrl_data.rng import Rng

GOLDEN = [876, 635, 807, 156, 24, 229]
GOLDEN_BYTES = "adbfd565"
GOLDEN_ORDER = [5, 4, 2, 1, 6, 7, 0, 3]


def test_golden_draws_never_change() -> None:
    rng = Rng(7, "image/jigsaw", "photos/a.jpg", 3)
    assert [rng.below(1000) for _ in range(6)] == GOLDEN
    assert Rng(1, "x").bytes(4).hex() == GOLDEN_BYTES
    assert Rng(1, "x").shuffled(range(8)) == GOLDEN_ORDER


def test_same_draws_under_any_hash_seed() -> None:
    code = "from ssrl_data.rng import Rng; print(Rng(7, 'image/jigsaw', 'photos/a.jpg', 3).below(1000))"
    out = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1")
    }
    assert out == {f"{GOLDEN[0]}\n"}


def test_neighbouring_seeds_share_no_more_than_chance() -> None:
    a = [Rng(1, "task", f"{i}.jpg").below(10_000) for i in range(500)]
    b = [Rng(2, "task", f"{i}.jpg").below(10_000) for i in range(500)]
    assert len(set(a) & set(b)) < 60  # 500 of 10,000 twice: 24 expected
    assert sum(x == y for x, y in zip(a, b, strict=True)) < 5
    assert a[1:] != b[:-1]


def test_key_depends_on_borders_types_and_order() -> None:
    streams = [Rng("ab", "c"), Rng("a", "bc"), Rng("c", "ab"), Rng(1), Rng("1")]
    assert len({rng.word() for rng in streams}) == len(streams)


def test_below_is_uniform() -> None:
    rng = Rng("uniform")
    counts = Counter(rng.below(6) for _ in range(12_000))
    assert all(abs(counts[i] - 2000) < 5 * (12_000 * 5 / 36) ** 0.5 for i in range(6))


@given(st.integers(1, 1 << 64))
def test_below_stays_below(n: int) -> None:
    assert 0 <= Rng("below", n).below(n) < n


@pytest.mark.parametrize("n", [0, -1, (1 << 64) + 1])
def test_below_refuses(n: int) -> None:
    with pytest.raises(ValueError, match="2\\*\\*64"):
        Rng("x").below(n)


@given(st.lists(st.integers(), max_size=20), st.integers(0, 20))
def test_samples_and_shuffles_are_places_of_the_items(items: list[int], k: int) -> None:
    assert sorted(Rng("s").shuffled(items)) == sorted(items)
    if k <= len(items):
        assert not Counter(Rng("s").sample(items, k)) - Counter(items)
    else:
        with pytest.raises(ValueError, match="sample of"):
            Rng("s").sample(items, k)


def test_every_order_comes_up() -> None:
    rng = Rng("orders")
    counts = Counter(tuple(rng.shuffled("abc")) for _ in range(6000))
    assert len(counts) == 6
    assert all(abs(n - 1000) < 150 for n in counts.values())
