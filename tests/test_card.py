"""The card must load with `datasets`, state the manifest's figures, and let no stranger's text become markup."""

from __future__ import annotations

import copy
import json
import resource
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import get_dataset_config_names, load_dataset

from ssrl_data.card import cards_folder, front_matter, media, read_check, recipe_yaml, render_card, write_card
from ssrl_data.core import SsrlError
from ssrl_data.row import schema
from ssrl_data.untrusted import fenced, markdown, markdown_origin, visible

MANIFEST: dict[str, Any] = {
    "format": 1,
    "fingerprint": "ab" * 16,
    "recipe": {
        "tasks": [
            {"task": "image/strange", "version": 1, "weight": 2.0, "levels": {"hard": {"n": 3}, "easy": {"n": 2}}},
            {"task": "text/stranger", "version": 4, "weight": 1.0, "levels": {"easy+custom": {"n": 9}}},
        ],
        "rows": 7,
        "seed": 5,
        "split": {"test": 0.2},
        "license": None,
        "shard_rows": 500,
        "max_rejects": 0.5,
        "sources": 1,
    },
    "versions": {"ssrl": "0.1.0", "numpy": "2.4.6"},
    "modalities": {
        "image": {"test": {"rows": 1, "shards": []}, "train": {"rows": 2, "shards": []}},
        "text": {"train": {"rows": 4, "shards": []}},
    },
    "counts": {
        "image/strange/easy": {"rows": 3, "short": 0, "chance": 1 / 23, "skips": {"tiles too alike": 1234}},
        "text/stranger/easy+custom": {"rows": 4, "short": 6, "chance": None, "skips": {}},
    },
    "rejects": {"truncated": 2},
    "records": 12,
    "corpus_records": 14,
    "licenses": {"CC0-1.0": 4, "CC-BY-4.0": 3},
    "attributions": [
        {"license": "CC-BY-4.0", "attribution": "Ann | [x](http://y)", "origin": "https://a.org/b_c", "key": "a*b.jpg"}
    ],
}


def front(card: str) -> Any:
    return yaml.safe_load(card.split("---\n")[1])


def row(i: int, pictures: bool) -> dict[str, Any]:
    content = [{"type": "image", "text": None}, {"type": "text", "text": f"q{i}"}] if pictures else f"q{i}"
    named = dict.fromkeys(("source_id", "group_id", "set_id", "license"), "x")
    out = {
        "prompt": [{"role": "user", "content": content}],
        "answer": "{}",
        "task": "image/strange" if pictures else "text/stranger",
        "task_version": 1,
        "level": "easy",
        "chance": i / 4 if pictures else None,
        "id": str(i),
        "meta": "{}",
    }
    return out | named | ({"images": [{"bytes": PNG, "path": None}]} if pictures else {})


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    manifest = copy.deepcopy(MANIFEST)
    for modality, splits in manifest["modalities"].items():
        for split, body in splits.items():
            rows = [row(i, modality == "image") for i in range(body["rows"])]
            name = f"data/{modality}/{split}-00000-of-00001.parquet"
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(rows, schema(modality == "image")), tmp_path / name)
            body["shards"] = [{"file": name, "rows": len(rows), "bytes": 0, "blake2b": ""}]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path


def test_datasets_loads_every_configuration_and_split(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    write_card(dataset)
    cache = str(dataset / ".cache")
    default = load_dataset(str(dataset), cache_dir=cache)
    assert {split: len(rows) for split, rows in default.items()} == {"train": 4}
    assert set(get_dataset_config_names(str(dataset))) == {"image", "text"}
    pictures = load_dataset(str(dataset), "image", cache_dir=cache)
    assert {split: len(rows) for split, rows in pictures.items()} == {"train": 2, "test": 1}
    assert pictures["train"][0]["images"][0].size == (1, 1)
    assert pictures["train"][0]["prompt"][0]["content"][0] == {"type": "image", "text": None}


def test_exactly_one_default_and_only_splits_with_rows() -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["modalities"]["image"]["validation"] = {"rows": 0, "shards": []}
    configs = front(render_card(manifest))["configs"]
    assert [config.get("default") for config in configs] == [True, None]
    assert configs[0]["config_name"] == "text"  # the one with most rows
    assert [f["split"] for f in configs[1]["data_files"]] == ["train", "test"]


@pytest.mark.parametrize(
    ("licenses", "expected"),
    [
        ({"CC0-1.0": 1}, {"license": "cc0-1.0"}),
        ({"unknown": 1}, {"license": "unknown"}),
        ({"LicenseRef-x": 1}, {"license": "other", "license_name": "licenseref-x"}),
        ({"CC0-1.0": 4, "CC-BY-4.0": 3}, {"license": "other", "license_name": "cc-by-4.0-and-cc0-1.0"}),
    ],
)
def test_licence_is_one_the_hub_accepts(licenses: dict[str, int], expected: dict[str, str]) -> None:
    found = front_matter(MANIFEST | {"licenses": licenses})
    assert {key: found[key] for key in expected} == expected
    assert ("license_name" in found) == (found["license"] == "other")


def test_states_the_figures_of_the_manifest() -> None:
    card = render_card(MANIFEST)
    assert "| image/strange | easy | 3 | 0.0435 |" in card
    assert "| text/stranger | easy+custom | 4 | — |" in card
    assert "| image/strange | easy | tiles too alike | 1,234 |" in card
    assert "text/stranger/easy+custom lacks 6" in card
    assert "truncated (2)." in card
    assert "Not checked" in card
    assert front(card)["size_categories"] == ["n<1K"]


def test_says_what_the_check_found() -> None:
    check = {
        "passed": False,
        "parts": [{"name": "truth", "status": "not rechecked", "summary": "no corpus | at hand", "faults": {}}],
    }
    card = render_card(MANIFEST, check)
    assert "**`ssrl check` found faults.**" in card
    assert "- truth: not rechecked; no corpus \\| at hand" in card


PROBE = {
    "image/strange/hard": {
        "bytes": {"status": "passed", "reason": "", "accuracy": 0.27, "blind": 0.25, "lower": 0.2, "sources": 31},
        "marks": {"status": "not run", "reason": "6 rows", "accuracy": 0.1, "blind": 0.25, "lower": 0, "sources": 31},
        "sizes": {"status": "declared", "reason": "", "accuracy": 0.9, "blind": 0.25, "lower": 0.8, "sources": 31},
    },
    "image/strange/easy": {
        "bytes": {"status": "not run", "reason": "few", "accuracy": None, "blind": 0.5, "lower": None, "sources": 3},
    },
}


def probed(details: Any) -> dict[str, Any]:
    part = {"name": "probe", "status": "passed", "summary": "", "faults": {}, "details": details}
    return {"fingerprint": "ab" * 16, "passed": True, "complete": True, "parts": [part], "findings": []}


def test_records_with_depth_are_not_counted_beside_pictures() -> None:
    assert media(["depth"]) == "pictures with depth or a second view"
    assert media(["depth", "image"]) == "pictures"
    assert media(["text", "image"]) == "pictures and documents"
    assert media(["text"], ["text/masked_span"]) == "documents"
    assert media(["image", "text", "video"]) == "pictures, documents and clips"
    assert media(["text"], ["text/step_order"]) == "worked problems"
    assert media(["text"], ["text/masked_span", "text/final_answer"]) == "documents and worked problems"


def test_a_card_of_texts_speaks_of_texts() -> None:
    """No pictures, no language that nobody stated, and no word that solved problems came without their answers."""
    recipe = MANIFEST["recipe"] | {"tasks": [MANIFEST["recipe"]["tasks"][1] | {"task": "text/final_answer"}]}
    counts = {"text/final_answer/easy": next(iter(MANIFEST["counts"].values()))}
    texts = {"text": MANIFEST["modalities"]["text"]}
    card = render_card(MANIFEST | {"recipe": recipe, "modalities": texts, "counts": counts})
    assert "language" not in front(card)
    assert "what they quote is in the language of the corpus" in card
    assert "raw worked problems to which no label was added" in card
    assert "nobody labelled" not in card
    assert "pictures" not in card


def test_probe_table_is_one_line_a_level_easiest_first() -> None:
    lines = render_card(MANIFEST, probed(PROBE)).split("### Shortcut probe\n\n")[1].splitlines()
    assert lines[:5] == [
        "| task | level | sources | blind | bytes | marks | sizes |",
        "| --- | --- | ---: | ---: | --- | --- | --- |",
        "| image/strange | easy | 3 | 0.500 | not run: few | — | — |",
        "| image/strange | hard | 31 | 0.250 | passed: 0.270 (≥ 0.200) | not run: 6 rows | declared: 0.900 (≥ 0.800) |",
        "",
    ]
    assert "Shortcut probe" not in render_card(MANIFEST, probed({}))


@pytest.mark.parametrize("details", [None, [1], {"a/b": {}}, {"a/b": {"bytes": {"status": "passed"}}}, {"a/b": None}])
def test_damaged_probe_table_counts_as_not_checked(tmp_path: Path, details: Any) -> None:
    (tmp_path / "check.json").write_text(json.dumps(probed(PROBE)))
    assert read_check(tmp_path, MANIFEST) == probed(PROBE)
    (tmp_path / "check.json").write_text(json.dumps(probed(details)))
    assert read_check(tmp_path, MANIFEST) is None


def test_prose_stands_under_the_task_and_below_our_headings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "strange.md").write_text("# image/strange\n\nWhich one?\n\n## Levels\n\nThree.\n")
    (tmp_path / "_base.md.jinja").write_text((cards_folder() / "_base.md.jinja").read_text())
    monkeypatch.setattr("ssrl_data.card.cards_folder", lambda: tmp_path)
    card = render_card(MANIFEST)
    assert "### image/strange\n\nWhich one?\n\n#### Levels\n\nThree.\n" in card


def test_the_recipe_is_one_that_a_build_reads() -> None:
    assert yaml.safe_load(recipe_yaml(MANIFEST["recipe"])) == {
        "tasks": {
            "image/strange": {"levels": ["easy", "hard"], "weight": 2.0},
            "text/stranger": {"levels": ["easy"], "weight": 1.0, "params": {"n": 9}},
        },
        "rows": 7,
        "seed": 5,
        "split": {"test": 0.2},
        "shard_rows": 500,
        "max_rejects": 0.5,
    }


def test_strangers_text_is_only_text() -> None:
    card = render_card(MANIFEST)
    assert "- a\\*b.jpg: Ann \\| \\[x\\](http\\://y), CC-BY-4.0, <https://a.org/b_c>" in card
    assert markdown("<script>\n# a & b") == "&lt;script&gt; # a &amp; b"
    assert markdown("1. www.a.b me@c") == "1\\. www\\.a.b me\\@c"
    assert markdown("# x") == "\\# x"
    assert markdown("a_b _c_") == "a_b \\_c\\_"
    assert markdown_origin("https://a.org/> [x](y)") == markdown("https://a.org/> [x](y)")
    assert fenced("a\n```\nb").startswith("````")


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\u200b", "\x1b", "\x00", "\ufeff"])
def test_hidden_characters_are_shown(character: str) -> None:
    assert visible(f"a{character}b\n") == f"a⟨U+{ord(character):04X}⟩b\n"


def test_holds_no_path_of_this_machine(dataset: Path) -> None:
    write_card(dataset)
    first = (dataset / "README.md").read_bytes()
    assert str(dataset).encode() not in first
    write_card(dataset)
    assert (dataset / "README.md").read_bytes() == first


def test_card_is_whole_or_what_was_there(dataset: Path) -> None:
    write_card(dataset)
    before = (dataset / "README.md").read_bytes()
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(SsrlError, match=r"README\.md cannot be written \(File too large\)"):
            write_card(dataset)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (dataset / "README.md").read_bytes() == before
    assert not list(dataset.glob("README.md.*"))


def test_all_modalities_with_pictures_come_as_one_configuration_too() -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["modalities"] = {
        "image": {"train": {"rows": 3, "shards": []}, "test": {"rows": 1, "shards": []}},
        "depth": {"train": {"rows": 5, "shards": []}, "test": {"rows": 0, "shards": []}},
    }
    configs = front(render_card(manifest))["configs"]
    assert [(config["config_name"], config.get("default")) for config in configs] == [
        ("pictures", True),
        ("depth", None),
        ("image", None),
    ]
    assert configs[0]["data_files"] == [
        {"split": "train", "path": ["data/depth/train-*.parquet", "data/image/train-*.parquet"]},
        {"split": "test", "path": "data/image/test-*.parquet"},
    ]


def test_a_modality_without_rows_is_no_configuration() -> None:
    manifest = copy.deepcopy(MANIFEST)
    manifest["modalities"]["depth"] = {"train": {"rows": 0, "shards": []}}
    assert "depth" not in [config["config_name"] for config in front(render_card(manifest))["configs"]]
