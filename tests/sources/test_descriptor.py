"""corpus.yaml: rules, defaults, and one clear sentence for everything it does not understand."""

from __future__ import annotations

import sys
from pathlib import Path

import bad_pictures
import pytest

from ssrl_data.core import SsrlError
from ssrl_data.registry import source_at
from ssrl_data.sources.base import Entry

PHOTOGRAPHS = Path(__file__).parents[2] / "tasks/recipes/scikit-image.corpus.yaml"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    data = bad_pictures.encoded(bad_pictures.photograph(), "PNG")
    for name in ("left.png", "right.png", "Left.png", "scans/deep/page.png", "other.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return tmp_path


def listed(folder: Path, text: str, license: str | None = None) -> dict[str, Entry]:
    (folder / "corpus.yaml").write_text(text, encoding="utf-8")
    return {entry.key: entry for entry in source_at(str(folder), license).entries()}


def test_the_first_rule_that_matches_decides(corpus: Path) -> None:
    entries = listed(
        corpus,
        """
        files:
          - match: [left.png, right.png]
            license: CC-BY-4.0
            attribution: Zoë
            origin: https://example.org
            group: pair
          - {match: "scans/*", use: false, why: scans}
          - {match: "*.png", license: CC0-1.0}
        """,
    )
    assert sorted(entries) == ["Left.png", "left.png", "other.png", "right.png"]
    assert entries["left.png"] == Entry("left.png", "pair", "CC-BY-4.0", "Zoë", "https://example.org")
    assert entries["right.png"].group == "pair"
    assert entries["Left.png"] == Entry("Left.png", "Left.png", "CC0-1.0")


def test_unlisted_files_are_used_unless_it_says_otherwise(corpus: Path) -> None:
    rule = "files: [{match: left.png, license: MIT}]\n"
    assert len(listed(corpus, rule)) == 5
    assert list(listed(corpus, rule + "unlisted: leave out")) == ["left.png"]


def test_the_given_licence_replaces_only_unknown_ones(corpus: Path) -> None:
    entries = listed(corpus, "files: [{match: left.png, license: MIT}]", license="CC0-1.0")
    assert {entries["left.png"].license, entries["other.png"].license} == {"MIT", "CC0-1.0"}
    assert listed(corpus, "files: []")["other.png"].license == "unknown"


def test_a_descriptor_elsewhere_names_its_root(corpus: Path, tmp_path: Path) -> None:
    beside = tmp_path / "descriptors" / "mine.yml"
    beside.parent.mkdir()
    beside.write_text("root: ../scans\n")
    assert [entry.key for entry in source_at(str(beside)).entries()] == ["deep/page.png"]


def test_a_root_inside_a_package_does_not_import_it(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("root: {package: sklearn, path: datasets/images}\n")
    before = "sklearn" in sys.modules
    found = [entry.key for entry in source_at(str(path)).entries() if entry.media == "image"]
    assert found == ["china.jpg", "flower.jpg"]
    assert ("sklearn" in sys.modules) == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file: []", "unknown key 'file': did you mean 'files'"),
        ("- a", "expected a mapping of root, unlisted, files"),
        ("unlisted: skip", "unlisted is 'skip': write `use` or `leave out`"),
        ("files: {match: a}", "files must be a list of rules"),
        ("files: [{match: a}, {match: b, licence: MIT}]", "rule 2: unknown key 'licence': did you mean 'license'"),
        ("files: [{license: MIT}]", "rule 1: match must be a glob or a list of globs, got None"),
        ("files: [{match: [a, 1]}]", "match must be a glob or a list of globs"),
        ("files: [{match: a, use: 'no'}]", "use must be true or false, got 'no'"),
        ("files: [{match: a, license: 3}]", "license must be a text, got 3"),
        ("files: [{match: a, group: ''}]", "group must be a text, got ''"),
        ("root: nowhere", "nowhere' is not a folder"),
        ("root: {package: no_such_package}", "package 'no_such_package' is not installed"),
        ("root: {package: os.path}", "name of a top-level package"),
        ("root: 3", "expected a mapping of package, path, got 3"),
        ("unlisted: [a]", "unlisted is ['a']: write `use` or `leave out`"),
        ("3: a", "unknown key 3"),
        ("files: [", "not valid YAML"),
        ("a: &a [1]\nfiles: [*a]", "uses an alias"),
        ("files: " + "[" * 1_500, "nested more than"),
        ("files: !!python/object/apply:os.getcwd []", "not valid YAML"),
    ],
)
def test_what_it_does_not_understand_is_one_sentence(corpus: Path, text: str, message: str) -> None:
    with pytest.raises(SsrlError) as caught:
        listed(corpus, text)
    assert message in str(caught.value)
    assert str(corpus / "corpus.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_photographs_of_scikit_image() -> None:
    entries = {entry.key: entry for entry in source_at(str(PHOTOGRAPHS)).entries()}
    assert len(entries) >= 10
    assert not entries.keys() & {"motorcycle_left.png", "motorcycle_right.png", "logo.png", "phantom.png", "page.png"}
    source = source_at(str(PHOTOGRAPHS))
    for entry in entries.values():
        assert entry.license != "unknown"
        assert entry.origin.startswith("http")
        assert entry.attribution or entry.license == "LicenseRef-public-domain"
        picture = source.open(entry).image
        assert picture is not None
        assert min(picture.size) >= 172


def test_the_descriptor_has_a_word_on_every_picture_of_scikit_image() -> None:
    from ssrl_data.sources._descriptor import Rule, read_descriptor
    from ssrl_data.sources._files import SUFFIXES

    descriptor = read_descriptor(PHOTOGRAPHS)
    for path in bad_pictures.photographs().iterdir():
        if path.suffix.encode() in SUFFIXES:
            rule = descriptor.rule(path.name)
            assert rule != Rule(use=False), path.name
            assert rule.use or rule.why, path.name


def test_facts_reach_the_record_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (20, 20)).save(tmp_path / "a.png")
    (tmp_path / "corpus.yaml").write_text("files: [{match: a.png, facts: {upright: false}}]")
    source = source_at(str(tmp_path))
    (entry,) = source.entries()
    assert source.open(entry).facts == {"upright": False}
    for text, words in (("{uprigth: false}", "did you mean 'upright'"), ("{upright: 3}", "upright must be bool")):
        (tmp_path / "corpus.yaml").write_text(f"files: [{{match: a.png, facts: {text}}}]")
        with pytest.raises(SsrlError, match=words):
            source_at(str(tmp_path))
