"""Groups and neighbours from hashes, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ssrl_data.curate import pdq, thumbnail
from ssrl_data.curate.alike import CLEAR, NEIGHBOURS, Groups, Look, look_at, near_pairs, neighbours
from ssrl_data.curate.pdq import NEAR, QUALITY, packed
from ssrl_data.curate.thumbnail import SIDE
from ssrl_data.media.image import decode, encode


def hashes(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 32), dtype=np.uint8)


def differing(hash: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """The hash as it stands with its first bits turned."""
    flat = np.unpackbits(hash[0])
    flat[:bits] ^= 1
    return np.packbits(flat)


def looks(bits: NDArray[np.uint8], flat: frozenset[int] = frozenset()) -> list[Look]:
    """Pictures of given hashes and of one thumbnail; some flat, the others not."""
    grey = np.random.default_rng(1).integers(0, 256, SIDE * SIDE * 3, dtype=np.uint8).tobytes()
    return [Look(tuple(turn.tobytes() for turn in hash), QUALITY - (i in flat), grey) for i, hash in enumerate(bits)]


def pairs(these: list[Look], those: list[Look]) -> list[tuple[int, int]]:
    return sorted((i, j) for i, j, _ in near_pairs(these, those))


def test_pairs_are_those_within_the_limit_under_any_turn() -> None:
    bits = hashes(40)
    bits[7, 3] = differing(bits[30], NEAR)
    bits[9, 0] = differing(bits[31], NEAR + 1)
    assert pairs(looks(bits[:20]), looks(bits[20:])) == [(7, 10)]


def test_a_flat_picture_is_compared_with_all_by_thumbnail() -> None:
    some, others = looks(hashes(5), frozenset({2})), looks(hashes(4, seed=9), frozenset({1}))
    assert pairs(some, others) == sorted([*((2, j) for j in range(4)), *((i, 1) for i in (0, 1, 3, 4))])


def night(seed: int, light: float = 40) -> NDArray[np.uint8]:
    """A dark picture of two soft lights, 240 x 360."""
    x, y = np.meshgrid(np.linspace(0, 3, 360), np.linspace(0, 2, 240))
    rng = np.random.default_rng(seed)
    lights = np.zeros((240, 360, 3))
    for a, b in rng.random((2, 2)):
        lights += np.exp(-2 * ((x - 3 * a) ** 2 + (y - 2 * b) ** 2))[..., None] * rng.random(3)
    return np.rint(light * lights + 3).astype(np.uint8)


def test_flat_pictures_are_told_from_one_another_and_their_copies_are_not() -> None:
    originals = [night(seed) for seed in range(12)]
    copies = [decode(encode(np.ascontiguousarray(np.rot90(p[::2, ::2])[:, ::-1]))) for p in originals]
    assert all(look_at(p).flat for p in originals)
    assert pairs([look_at(p) for p in originals], [look_at(p) for p in copies]) == [(i, i) for i in range(12)]


@pytest.mark.parametrize(("away", "found"), [(2, True), (4, False)])
def test_thumbnails_are_one_when_they_differ_by_few_levels(away: int, found: bool) -> None:
    picture = night(0, 100)
    assert bool(pairs([look_at(picture)], [look_at(picture + np.uint8(away))])) == found


def test_all_but_black_pictures_are_one_only_within_a_level() -> None:
    looks = [look_at(np.full((64, 64, 3), level, np.uint8)) for level in (3, 4, 5)]
    assert pairs(looks[:1], looks) == [(0, 0), (0, 1)]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bits = hashes(90)
    bits[80, 5] = bits[3, 0]
    names = [str(i % 60) for i in range(90)]
    rng = np.random.default_rng(4)
    thumbnails = rng.integers(0, 256, (90, SIDE, SIDE, 3), dtype=np.uint8)
    thumbnails[80] = thumbnails[3, :, ::-1]
    flat = [Look(look.hashes, 0, one.tobytes()) for look, one in zip(looks(bits), thumbnails, strict=True)]

    def found() -> list[object]:
        return [pairs(looks(bits), looks(bits)), pairs(flat, flat), neighbours(bits, names)]

    before, selves = found(), [(i, i) for i in range(90)]
    assert before[0] == sorted([*selves, (80, 3)])
    assert before[1] == sorted([*selves, (3, 80), (80, 3)])
    for module in (pdq, thumbnail):
        monkeypatch.setattr(module, "ROWS", 7)
        monkeypatch.setattr(module, "COLUMNS", 11)
    assert found() == before


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
