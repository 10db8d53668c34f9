"""Counts of a corpus: against counting by hand, their size, and what they guess."""

from __future__ import annotations

import math
import zlib
from collections import Counter

import numpy as np

from ssrl_data.gates.ngrams import Counts, counts, fill
from ssrl_data.rng import Rng

Fills = list[tuple[int, int, str]]


def counted(*paragraphs: tuple[str, Fills]) -> Counts:
    gathered = Counts()
    for text, found in paragraphs:
        gathered.add(text.split(), found)
    gathered.close()
    read = counts(gathered.to_bytes())
    assert read is not None
    return read


def test_words_are_counted_with_their_capitals() -> None:
    read = counted(("A b B c b", []), ("b", []))
    assert [read.count(word) for word in ("a", "A", "b", "B", "c", "d")] == [0, 1, 3, 1, 1, 0]
    assert read.total == 6
    assert read.rarity(["b", "c"]) == 1


def test_entropy_is_that_of_what_followed() -> None:
    rng, vocabulary = Rng("entropy"), [f"w{n}" for n in range(6)]
    stream = [rng.choice(vocabulary[: 1 + k % 6]) for k in range(3000)]
    # In pieces and at once: where a batch ends must not matter.
    read = counted(*[(" ".join(stream), [])])
    for last, before in (("w0", "w0"), ("w1", "w2"), ("w3", "w1")):
        after = Counter(c for a, b, c in zip(stream, stream[1:], stream[2:], strict=False) if (a, b) == (last, before))
        total = sum(after.values())
        assert total >= 8
        by_hand = -sum(n / total * math.log(n / total) for n in after.values())
        assert read.entropy([last, before]) == np.float32(by_hand) or abs(read.entropy([last, before]) - by_hand) < 0.01


def test_a_word_seldom_met_leaves_all_open() -> None:
    read = counted(("a b c", []))
    assert read.entropy(["never"]) == math.log(3)


def test_batches_do_not_matter() -> None:
    rng = Rng("batches")
    stream = [f"w{rng.below(50)}" for _ in range(70_000)]
    whole, parts = Counts(), Counts()
    whole.add(stream, [])
    for at in range(0, len(stream), 70_000 // 7):
        parts.add(stream[at : at + 10_000], [])
    whole.close()
    parts.close()
    one, two = counts(whole.to_bytes()), counts(parts.to_bytes())
    assert one is not None
    assert two is not None
    assert one.count("w3") == two.count("w3") == stream.count("w3")


def test_ties_are_words_met_near_a_fill_in_several_places() -> None:
    near = ("the iron bridge by Telford crosses it", [(4, 5, "name")])
    far = (" ".join(f"x{n}" for n in range(400)), [])
    read = counted(near, near, *[far] * 20)
    assert read.ties(["Telford"], ["iron", "bridge", "unheard"]) == 2
    assert read.ties(["Stephenson"], ["iron", "bridge"]) == 0
    once = counted(near, *[far] * 20)
    assert once.ties(["Telford"], ["iron", "bridge"]) == 0
    # A word that stands near everything says nothing.
    assert counted(*[near] * 20).ties(["Telford"], ["iron"]) == 0


def test_the_guess_is_the_fill_that_the_neighbours_make_likeliest() -> None:
    lines = [("drawn by Jones in spring", [(2, 3, "name")])] * 10 + [("seen with Baker at noon", [(2, 3, "name")])] * 6
    read = counted(*lines)
    assert read.guess("name", ["drawn", "by"], ["in"]) == "Jones"
    assert read.guess("name", ["seen", "with"], ["at"]) == "Baker"
    assert read.guess("name", [], []) == "Jones"
    assert read.guess("number", ["drawn"], []) is None
    assert read.share("name", "Baker") == 3 / 8
    assert read.share("name", "nobody") == 0


def test_fills_of_several_words_have_one_name() -> None:
    read = counted(("by Thomas Telford", [(1, 3, "name")]))
    assert read.fills["name"] == [("Thomas Telford", 1)]
    assert fill(["Thomas", "Telford"]) == "Thomas Telford"


def test_bytes_are_the_same_again_and_of_one_size() -> None:
    def written(words: int) -> bytes:
        gathered = Counts()
        gathered.add([f"w{n * n % 997}" for n in range(words)], [(0, 1, "name")])
        gathered.close()
        return gathered.to_bytes()

    assert written(5000) == written(5000)
    tables = [zlib.decompress(written(words).partition(b"\n")[2]) for words in (10, 100_000)]
    assert len(tables[0]) == len(tables[1]) < 30_000_000
    assert counts(b"") is None
