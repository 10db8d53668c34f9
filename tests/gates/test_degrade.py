"""What stands in for parts of a passage must have their size and shape, and must not be them."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import made_rows
import pytest

from ssrl_data.gates import degrade
from ssrl_data.gates.degrade import Vocabulary, applied, by_phrase, by_sentence, by_word, counted, plain_share
from ssrl_data.media.text import Text, sentences
from ssrl_data.rng import Rng

WORD = re.compile(r"[^\W\d_]+")


def document(name: str) -> Text:
    text = made_rows.record(name).text
    assert text is not None
    return text


def passage(name: str = "tides.md") -> list[str]:
    return sentences(" ".join(document(name).paragraphs[:2]))


def foreign(*names: str) -> list[str]:
    return [text for name in names or ("bread.md", "paper.md", "bridges.md") for text in document(name).paragraphs]


def different(text: str) -> int:
    return len(set(WORD.findall(text.lower())))


@pytest.mark.parametrize("seed", range(5))
def test_sentences_give_way_to_foreign_ones_of_their_length(seed: int) -> None:
    parts = passage()
    places = by_sentence(parts, foreign(), Rng(seed))
    assert len(places) > len(parts) / 2
    whole = {one for text in foreign() for one in sentences(text)}
    for place in places:
        ((number, put),) = place.put.items()
        assert put in whole
        assert put not in parts
        words = len(parts[number].split(" "))
        assert place.words == words
        assert abs(len(put.split(" ")) - words) <= max(2, words / 4)
    numbers = [number for place in places for number in place.put]
    assert len(set(numbers)) == len(numbers)


def test_counts_do_not_drift_with_the_number_of_sentences_replaced() -> None:
    """Where each sentence is matched by itself alone, the pool's shorter ones pull all versions down."""
    pool = [*foreign("bread.md", "paper.md", "bridges.md", "lighthouses.md", "telescopes.md")]
    drifts = []
    for seed in range(30):
        parts = passage()
        version = applied(parts, by_sentence(parts, pool, Rng(seed)))
        drifts.append(len(version) / len(" ".join(parts)) - 1)
    assert abs(sum(drifts) / len(drifts)) < 0.05


def test_no_sentence_is_put_in_that_holds_one_of_the_passage() -> None:
    parts = passage()
    containing = [f"Some people say otherwise, but {part}" for part in parts]
    assert by_sentence(parts, [*parts, *containing], Rng(0)) == []


@pytest.mark.parametrize("seed", range(5))
def test_phrases_keep_words_characters_and_marks(seed: int) -> None:
    tokens = " ".join(passage()).split(" ")
    places = by_phrase(tokens, foreign(), Rng(seed))
    assert len(places) > 3
    version = applied(tokens, places)
    assert len(version) == len(" ".join(tokens))
    assert len(version.split(" ")) == len(tokens)
    for mark in ".,;:()0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        assert version.count(mark) == " ".join(tokens).count(mark)
    assert abs(different(version) - different(" ".join(tokens))) <= 2
    for count in range(1, len(places) + 1):
        for split in (r"\S+", r"[^\W\d]\w*|[0-9]+|[^\s\w]"):
            now, was = (re.findall(split, text) for text in (applied(tokens, places[:count]), " ".join(tokens)))
            drift = len({sign if split[0] == "[" else sign.lower() for sign in now})
            assert abs(drift - len({sign if split[0] == "[" else sign.lower() for sign in was})) <= 1
    for place in places:
        assert place.words == degrade.PHRASE == len(place.put)
        was = {tokens[number] for number in place.put}
        assert not was & set(place.put.values())
    taken = sorted(number for place in places for number in place.put)
    assert len(taken) == len(set(taken))
    starts = sorted(min(place.put) for place in places)
    assert all(b - a > degrade.PHRASE for a, b in pairwise(starts)), "phrases touch"


@pytest.mark.parametrize("seed", range(5))
def test_words_keep_length_frequency_and_the_number_of_different_words(seed: int) -> None:
    tokens = " ".join(passage()).split(" ")
    counts = counted(foreign() + list(document("tides.md").paragraphs))
    places = by_word(tokens, Vocabulary(counts), Rng(seed))
    assert len(places) > 10
    version = applied(tokens, places).split(" ")
    assert list(map(len, version)) == list(map(len, tokens))
    assert sorted(Counter(WORD.findall(" ".join(version).lower())).values()) == sorted(
        Counter(WORD.findall(" ".join(tokens).lower())).values()
    )
    core = re.compile(r"[a-z]{3,}")
    for was, now in zip(tokens, version, strict=True):
        if was != now:
            a, b = core.search(was), core.search(now)
            assert a is not None
            assert b is not None
            assert was.replace(a[0], b[0]) == now
            assert b[0] not in " ".join(tokens).lower().split()
            assert max(counts[a[0]], counts[b[0]]) <= 1 + degrade.TIMES * min(counts[a[0]], counts[b[0]])
            assert 2 * sum(map(str.__eq__, a[0], b[0])) < len(a[0])


def test_a_word_that_would_stay_somewhere_is_left_alone() -> None:
    tokens = ["Harbours", "open", "late,", "but", "harbours", "close", "early"]
    counts = Counter(dict.fromkeys(["harbours", "mountain", "open", "iron", "late", "soft"], 5))
    put = [place.put for place in by_word(tokens, Vocabulary(counts), Rng(0))]
    assert put
    assert all(4 not in place for place in put)


def test_prose_is_told_from_lists_of_options() -> None:
    assert plain_share("The tide rises twice a day and falls as often, said the keeper.") > degrade.PROSE
    assert plain_share("-a, --all -h --help FILE... [x] 12 34 == ls(1)") < degrade.PROSE


def test_hostile_text_costs_little() -> None:
    long = ["a" * 200_000, "aa " * 50_000, "A. " * 50_000, "\x00\u202e " * 1000]
    for text in long:
        tokens = text.strip().split(" ")
        by_phrase(tokens[:400], [text], Rng(0))
        by_word(tokens[:400], Vocabulary(counted([text])), Rng(0))
        by_sentence([text[:400]], [text], Rng(0))
