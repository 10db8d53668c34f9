"""`ssrl curate` on documents and worked records: repeats, benchmarks, languages, and a build that reads its table."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from ssrl_data.build.plan import make_plan
from ssrl_data.check.facts import Facts
from ssrl_data.check.passages import contaminated, near_rows
from ssrl_data.core import Record, SsrlError
from ssrl_data.curate.alike import Groups
from ssrl_data.curate.contamination import read_benchmarks
from ssrl_data.curate.repeats import NEAR
from ssrl_data.curate.run import curate
from ssrl_data.curate.table import read_table, write_table
from ssrl_data.curate.texts import Curation, Wanted, curate_texts
from ssrl_data.curate.words import hashed, runs, tokens, words
from ssrl_data.listing import Item, list_items
from ssrl_data.media.text import Text
from ssrl_data.media.worked import Worked
from ssrl_data.recipe import Recipe, part
from ssrl_data.registry import source_at
from ssrl_data.sources.base import Entry, Source

WORDS = [f"{a}{b}{c}" for a in ("ba", "do", "ri", "lu") for b in ("ka", "mo", "ti", "se") for c in ("n", "r", "l", "s")]
GERMAN = "Der alte Leuchtturm steht seit vielen Jahren am Rand der Klippe und weist den Schiffen nachts den Weg."
ENGLISH = "The old lighthouse has stood at the edge of the cliff for many years and shows the ships their way at night."


def prose(seed: int, count: int = 40) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=count))


def altered(text: str, changes: int) -> str:
    found = text.split()
    for i in range(changes):
        found[len(found) * (2 * i + 1) // (2 * changes)] = f"new{i}"
    return " ".join(found)


@dataclass(frozen=True)
class Held(Source):
    """Records that are given."""

    held: tuple[tuple[str, Text | Worked], ...]

    @classmethod
    def claims(cls, address: str) -> bool:
        return False

    @classmethod
    def at(cls, address: str, license: str | None = None) -> Held:
        return cls(())

    def entries(self) -> Iterator[Entry]:
        for key, content in self.held:
            yield Entry(key, key, media="text" if isinstance(content, Text) else "worked")

    def open(self, entry: Entry) -> Record:
        content = dict(self.held)[entry.key]
        if isinstance(content, Text):
            return Record(entry.key, entry.group, entry.key, text=content)
        return Record(entry.key, entry.group, entry.key, worked=content)


def curated(
    held: dict[str, Sequence[str] | Worked], folder: Path, wanted: Wanted | None = None, workers: int = 1
) -> tuple[Curation, Groups, list[Item]]:
    made = tuple((k, v if isinstance(v, Worked) else Text(tuple(v))) for k, v in held.items())
    sources = [Held(made)]
    items = list_items(sources)
    groups = Groups(item.entry.group for item in items)
    found = curate_texts(dict(enumerate(items)), sources, groups, wanted or Wanted(), workers, folder, lambda: None)
    return found, groups, items


def test_the_later_of_two_exact_or_near_repeats_is_left_out(tmp_path: Path) -> None:
    held = {
        "a": [prose(1), prose(2), prose(3), prose(4), prose(5)],
        "b": [prose(6), f"  {prose(1).upper()}!", altered(prose(2), 2), altered(prose(3), 12), prose(7), prose(8)],
        "c": [prose(9), prose(9), prose(6), *(prose(i) for i in range(10, 14))],
    }
    found, groups, _ = curated(held, tmp_path)
    assert found.dropped == {1: [(1, "repeated"), (2, "near repeat")], 2: [(1, "repeated"), (2, "repeated")]}
    assert found.counts == {"text": (18, {"repeated": 3, "near repeat": 1})}
    assert {groups.find(key) for key in "abc"} == set("abc")
    assert not list(tmp_path.iterdir())


def test_nothing_depends_on_the_number_of_workers(tmp_path: Path) -> None:
    held = {f"{i:03}": [prose(i % 90), altered(prose(1000 + i // 2), i % 3)] for i in range(200)}
    one, two = (curated(held, tmp_path, workers=workers) for workers in (1, 2))
    assert one[0].dropped == two[0].dropped
    assert list(one[0].dropped.items())  # and something was found
    assert [one[1].find(f"{i:03}") for i in range(200)] == [two[1].find(f"{i:03}") for i in range(200)]


def test_documents_that_are_mostly_one_another_share_a_group_and_boilerplate_joins_none(tmp_path: Path) -> None:
    licence = [prose(100), prose(101)]
    held = {f"own{i}": [*(prose(10 * i + j) for j in range(3)), *licence] for i in range(1, 9)}
    held["copy"] = [prose(10), altered(prose(11), 1), prose(999), *licence]
    found, groups, _ = curated(held, tmp_path)
    assert groups.find("copy") == groups.find("own1")
    assert len({groups.find(f"own{i}") for i in range(1, 9)}) == 8
    assert sum(len(dropped) for dropped in found.dropped.values()) == 2 * 7 + 4


def test_no_two_kept_paragraphs_are_near_where_many_variants_are_planted(tmp_path: Path) -> None:
    held = {f"{i:03}": [altered(prose(i % 7), i % 12), prose(500 + i)] for i in range(150)}
    found, _, items = curated(held, tmp_path)
    kept = []
    for number, item in enumerate(items):
        out = {place for place, _ in found.dropped.get(number, ())}
        kept += [set(runs(hashed(p.split()), 3).tolist()) for i, p in enumerate(held[item.key]) if i not in out]
    assert 150 < len(kept) < 250
    assert all(len(a & b) / len(a | b) < NEAR for i, a in enumerate(kept) for b in kept[:i])


def test_one_boilerplate_everywhere_costs_no_more_than_others(tmp_path: Path) -> None:
    """A thousand variants of one text: each is compared with few earlier ones, though all agree in some band."""
    held = {f"{i:04}": [f"{prose(0)} {i} {prose(1)}"] for i in range(1000)}
    found, _, _ = curated(held, tmp_path)
    assert found.counts["text"] == (1000, {"near repeat": 999})


def test_problems_repeat_exactly_or_share_a_group_with_their_like(tmp_path: Path) -> None:
    story = "{} has {} apples and buys {} more at the market near the old mill. How many apples are there now?"

    def question(problem: str) -> Worked:
        return Worked("question", problem, answer="7")

    held: dict[str, Sequence[str] | Worked] = {
        "a": question(story.format("Tom", 3, 4)),
        "b": question(story.format("Tom", 3, 4).replace("  ", " ") + " "),
        "c": question(story.format("Tom", 12, 9)),
        "d": question("Solve x + 1 = 2."),
        "e": question("Solve x - 1 = 2."),
        "f": question("What is the capital of the smallest country that borders the longest river?"),
    }
    found, groups, _ = curated(held, tmp_path)
    assert found.dropped == {1: [(0, "repeated")]}
    assert groups.find("c") == groups.find("a") != groups.find("f")
    assert groups.find("d") != groups.find("a")


def test_what_stands_in_a_benchmark_is_left_out(tmp_path: Path) -> None:
    item, short, tiny = prose(70, 30), prose(71, 9), "seven times eight"
    (tmp_path / "held.jsonl").write_text(json.dumps({"question": item}) + "\n" + json.dumps({"problem": tiny}) + "\n")
    (tmp_path / "lines.txt").write_text(f"{short}\nanother item of a few words\n")
    inside = " ".join(item.split()[5:18])
    almost = " ".join(item.split()[5:17])
    held = {
        "a": [f"{prose(1)} {inside.upper()}, {prose(2)}", f"{prose(3)} {almost} {prose(4)}"],
        "b": [f"{prose(5)} {short}", f"{prose(6)} {tiny} {prose(7)}", "Seven times eight?"],
    }
    against = (tmp_path / "held.jsonl", tmp_path / "lines.txt")
    (tmp_path / "scratch").mkdir()
    found, _, _ = curated(held, tmp_path / "scratch", Wanted(against))
    assert found.dropped == {0: [(0, "benchmark")], 1: [(0, "benchmark"), (2, "benchmark")]}
    assert [(one["name"], one["items"], one["ngram"]) for one in found.against] == [
        ("held.jsonl", 2, 13),
        ("lines.txt", 2, 13),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.jsonl", "{", "line 1 is not JSON"),
        ("x.jsonl", '{"a": "b"}', "line 1 has no text, prompt, question or problem"),
        ("x.parquet", "no table", "cannot be read as a benchmark"),
        ("x.txt", "\n\n", "holds no item"),
        ("none.txt", None, "cannot be read as a benchmark"),
    ],
)
def test_a_benchmark_that_cannot_be_used_is_refused(
    tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(SsrlError, match=message):
        read_benchmarks([tmp_path / name], 13, tmp_path / "out.npy")
    with pytest.raises(SsrlError, match="--ngram is 3"):
        read_benchmarks([tmp_path / name], 3, tmp_path / "out.npy")


def test_paragraphs_of_other_languages_are_left_out(tmp_path: Path) -> None:
    held = {"a": [f"{ENGLISH} Nobody lives there.", GERMAN, "Oh no."], "b": [GERMAN, "Ach so."], "c": ["x + y = z"]}
    found, _, _ = curated(held, tmp_path, Wanted(languages=("en",)))
    assert found.dropped == {0: [(1, "language")], 1: [(0, "language"), (1, "language")]}
    with pytest.raises(SsrlError, match="--language english: use codes"):
        curated(held, tmp_path, Wanted(languages=("english",)))


def test_words_fold_what_does_not_count_and_tokens_keep_what_does() -> None:
    assert words("Don't  SHOUT — ﬁne, naïve!") == ["don", "t", "shout", "fine", "naïve"]
    assert words("plain ASCII_text 3.14") == words("plain ASCII_text 3.14 ​—")
    assert words("我们 go") == ["我", "们", "go"]
    assert tokens("Solve X+1=2.5 for X.") == ["solve", "X", "+", "1", "=", "2.5", "for", "X"]


def test_a_table_says_what_a_build_leaves_out(tmp_path: Path) -> None:
    row = {"group": "g", "neighbours": [], "quality": None, "stamp": "1", "reason": None}
    rows = [
        row | {"key": "a", "passages": 3, "dropped": [0, 2], "why": ["repeated", "benchmark"]},
        row | {"key": "b", "passages": 1, "dropped": [0], "why": ["repeated"]},
    ]
    write_table(rows, tmp_path / "t.parquet", [{"name": "held.jsonl", "digest": "d", "items": 2, "ngram": 13}])
    table = read_table(tmp_path / "t.parquet")
    assert table.dropped == {"a": (0, 2), "b": (0,)}
    assert table.empty == {"b"}
    assert table.against == [{"name": "held.jsonl", "digest": "d", "items": 2, "ngram": 13}]


def facts(i: int, split: str, text: str) -> Facts:
    prompt = f"Below is a passage in which a word is hidden. Say which one it is.\n<passage>\n{text}\n</passage>"
    shown: dict[str, np.ndarray] = {}
    return Facts(
        str(i), "text/x/easy", split, "", 0.0, str(i), str(i), "", (str(i),), "", "", (), (), 0.0, shown, text=prompt
    )


def test_rows_of_two_splits_that_show_one_passage_are_found(tmp_path: Path) -> None:
    rows = [facts(i, "train" if i < 80 else "test", prose(i)) for i in range(100)]
    assert list(near_rows(rows)) == []
    hidden = prose(5).split()
    leaked = facts(100, "test", " ".join([*hidden[:10], "[MASK]", *hidden[11:]]))
    same_split = facts(101, "train", prose(6))
    found = [(row.id, other.id) for row, other, _ in near_rows([*rows, leaked, same_split])]
    assert found == [("100", "5")]
    (tmp_path / "held.txt").write_text(prose(9) + "\n")
    assert [row.id for row in contaminated(rows, [tmp_path / "held.txt"])] == ["9"]


def test_a_build_leaves_out_what_the_table_does(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    shutil.copytree(Path(__file__).parents[1] / "texts", corpus)
    tides = (corpus / "tides.md").read_text()
    (corpus / "twin.md").write_text(f"{tides}\n")
    (corpus / "zmix.md").write_text(f"{tides}\nNobody had looked behind the old mill since the flood, {ENGLISH}\n")
    curate([str(corpus)], tmp_path / "t.parquet", 1, say=lambda line: None)
    table = read_table(tmp_path / "t.parquet")
    assert "twin.md" in table.empty
    parts = (part("text/degradation_order", ["easy"], {}),)
    recipe = Recipe(parts, (str(corpus),), rows=10, curated=str(tmp_path / "t.parquet"))
    items = {item.key: item for item in make_plan(recipe, [source_at(str(corpus))]).train}
    assert "twin.md" not in items
    assert items["tides.md"].entry.dropped == ()
    source = source_at(str(corpus))
    text = source.open(items["zmix.md"].entry).text
    assert text is not None
    assert [text.paragraphs[number][:6] for number in text.kept] == ["Nobody"]
