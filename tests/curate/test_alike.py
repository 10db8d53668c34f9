"""Groups and neighbours from hashes, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ssrl_data.curate import pdq
from ssrl_data.curate.alike import CLEAR, NEIGHBOURS, Groups, near_pairs, neighbours
from ssrl_data.curate.pdq import NEAR, packed


def hashes(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 32), dtype=np.uint8)


def differing(hash: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """The hash as it stands with its first bits turned."""
    flat = np.unpackbits(hash[0])
    flat[:bits] ^= 1
    return np.packbits(flat)


def test_pairs_are_those_within_the_limit_under_any_turn() -> None:
    bits = hashes(40)
    bits[7, 3] = differing(bits[30], NEAR)
    bits[9, 0] = differing(bits[31], NEAR + 1)
    assert list(near_pairs(bits)) == [(7, 30)]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = hashes(90)
    bits[80, 5] = bits[3, 0]
    names = [str(i % 60) for i in range(90)]
    before = list(near_pairs(bits)), neighbours(bits, names)
    monkeypatch.setattr(pdq, "ROWS", 7)
    monkeypatch.setattr(pdq, "COLUMNS", 11)
    assert (list(near_pairs(bits)), neighbours(bits, names)) == before


def test_neighbours_are_the_nearest_of_other_groups_that_are_clearly_different() -> None:
    bits = hashes(30)
    for other, away in ((1, CLEAR + 1), (2, CLEAR), (3, CLEAR - 1), (4, NEAR + 1), (5, CLEAR)):
        bits[other] = np.stack([differing(bits[0], away)] * 8)
    names = [str(i) for i in range(30)]
    names[5] = names[0]
    found = neighbours(bits, names)[0]
    assert found[:2] == [2, 1]
    assert len(found) == NEIGHBOURS
    assert not {0, 3, 4, 5} & set(found)
    brute = [
        (min(int((np.unpackbits(turn) != np.unpackbits(bits[j, 0])).sum()) for turn in bits[0]), j) for j in range(30)
    ]
    assert found == [j for away, j in sorted(brute) if away >= CLEAR and names[j] != names[0]][:NEIGHBOURS]


def test_few_pictures_have_few_neighbours() -> None:
    assert neighbours(hashes(0), []) == []
    assert neighbours(hashes(1), ["a"]) == [[]]
    assert neighbours(hashes(3), ["a", "a", "b"]) == [[2], [2], sorted([0, 1], key=lambda i: distance(hashes(3), 2, i))]


def distance(bits: NDArray[np.uint8], one: int, other: int) -> int:
    return min(int((np.unpackbits(turn) != np.unpackbits(bits[other, 0])).sum()) for turn in bits[one])


def test_joined_groups_take_the_least_name() -> None:
    groups = Groups(["d", "c", "b", "a", "e"])
    groups.join("d", "c")
    groups.join("b", "a")
    assert [groups.find(name) for name in "dcbae"] == ["c", "c", "a", "a", "e"]
    groups.join("d", "b")
    groups.join("c", "a")
    assert [groups.find(name) for name in "dcbae"] == ["a", "a", "a", "a", "e"]


def test_hashes_are_packed_in_order() -> None:
    bits = hashes(3)
    assert (packed([tuple(turn.tobytes() for turn in hash) for hash in bits]) == bits).all()
    assert packed([]).shape == (0, 8, 32)
