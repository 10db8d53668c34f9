"""A folder of clips, alone and beside pictures: what is listed, what is declared, and how they are cut into parts."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import bad_pictures
import pytest
from command import ssrl
from numbered_clips import number, numbered

from ssrl_data.core import Reject, SsrlError
from ssrl_data.registry import source_at
from ssrl_data.sources._files import CLIPS
from ssrl_data.sources.base import Entry
from ssrl_data.sources.folder import Folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "talk.png").write_bytes(bad_pictures.encoded(bad_pictures.photograph(), "PNG"))
    numbered(folder / "talk.mp4", 48, (96, 64))
    numbered(folder / "walk.MKV", 24, (96, 64))
    (folder / "notes.doc").write_text("no clip")
    return folder


def listed(corpus: Path, text: str, license: str | None = None) -> list[Entry]:
    (corpus / "corpus.yaml").write_text(text)
    try:
        return list(source_at(str(corpus), license).entries())
    finally:
        (corpus / "corpus.yaml").unlink()


def test_clips_and_pictures_are_listed_by_their_suffix(corpus: Path) -> None:
    entries = listed(corpus, "unlisted: use", "CC0-1.0")
    assert [(entry.key, entry.media) for entry in entries] == [
        ("talk.mp4", "clip"),
        ("talk.png", "image"),
        ("walk.MKV", "clip"),
    ]
    for entry in entries:
        assert (entry.license, entry.part, entry.group) == ("CC0-1.0", (0, 1), entry.key)
        assert entry.stamp == str((corpus / entry.key).stat().st_size)


@pytest.mark.parametrize("suffix", sorted(CLIPS))
def test_every_suffix_is_listed_and_the_content_decides(suffix: bytes, tmp_path: Path) -> None:
    name = "clip" + suffix.decode().upper()
    numbered(tmp_path / "clip.mp4", 3, (96, 64)).rename(tmp_path / name)
    (entry,) = source_at(str(tmp_path)).entries()
    record = source_at(str(tmp_path)).open(entry)
    assert (entry.key, entry.media) == (name, "clip")
    assert record.clip is not None
    assert len(record.clip.reel.times) == 3
    assert record.image is None


def test_a_record_tells_what_is_declared_and_its_content(corpus: Path) -> None:
    rule = "{match: '*.mp4', license: CC0-1.0, attribution: Zoë, origin: there, group: g, facts: {reversible: true}}"
    entries = listed(corpus, f"files:\n  - {rule}\n")
    source = Folder.at(str(corpus))
    record = source.open(entries[0])
    assert (record.license, record.attribution, record.origin, record.group) == ("CC0-1.0", "Zoë", "there", "g")
    assert dict(record.facts) == {"reversible": True}
    assert dict(source.open(entries[2]).facts) == {}
    assert record.source_id != source.open(entries[2]).source_id
    again = pickle.loads(pickle.dumps(source)).open(pickle.loads(pickle.dumps(entries[0])))
    assert again.source_id == record.source_id


def test_parts_are_records_of_one_group(corpus: Path) -> None:
    entries = listed(corpus, "files: [{match: '*.mp4', parts: 4}]")
    assert [(entry.key, entry.part) for entry in entries] == [
        *((f"talk.mp4//part {i + 1} of 4", (i, 4)) for i in range(4)),
        ("talk.png", (0, 1)),
        ("walk.MKV", (0, 1)),
    ]
    assert {entry.group for entry in entries[:4]} == {"talk.mp4"}
    records = [source_at(str(corpus)).open(entry) for entry in entries[:4]]
    assert len({record.source_id for record in records}) == 4
    reels = [record.clip.reel for record in records if record.clip]
    assert [number(frame) for reel in reels for frame in reel.frames] == list(range(48))


def test_a_part_is_known_by_its_clip_and_its_place(corpus: Path, tmp_path: Path) -> None:
    def ids(parts: int) -> set[str]:
        entries = listed(corpus, f"files: [{{match: '*.mp4', parts: {parts}}}]")
        return {source_at(str(corpus)).open(entry).source_id for entry in entries if entry.media == "clip"}

    assert ids(3) == ids(3)
    assert len(ids(2) & ids(3)) == 1  # the other clip, which is not cut


def test_of_a_rule_for_both_each_takes_what_speaks_of_it(corpus: Path) -> None:
    rule = "{match: '*', parts: 3, depth: {file: '{stem}.png'}, pair: {file: '{stem}.png', move: [1, 0, 0]}}"
    clips = [entry for entry in listed(corpus, f"files: [{rule}]") if entry.media == "clip"]
    assert len(clips) == 6
    assert all(entry.depth is None and entry.pair is None and entry.camera is None for entry in clips)
    # A picture that a clip's name leads to is no depth map of the clip, and stays a record.
    entries = listed(corpus, "files: [{match: '*.mp4', depth: {file: '{stem}.png'}}]")
    assert [entry.key for entry in entries] == ["talk.mp4", "talk.png", "walk.MKV"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("parts: 0", "rule 1: parts must be a whole number from 1 to 10000, got 0"),
        ("parts: 10001", "parts must be a whole number from 1 to 10000, got 10001"),
        ("parts: true", "parts must be a whole number from 1 to 10000, got True"),
        ("parts: 2.5", "parts must be a whole number"),
        ("parts: many", "got 'many'"),
        ("part: 2", "unknown key 'part': did you mean 'parts'"),
        ("facts: {reversible: 1}", "facts: reversible must be bool, got 1"),
        ("facts: {reversible: 'yes'}", "facts: reversible must be bool, got 'yes'"),
        ("facts: {reversable: true}", "facts: unknown key 'reversable': did you mean 'reversible'"),
        ("facts: reversible", "facts: expected a mapping of upright, reversible, got 'reversible'"),
    ],
)
def test_each_mistake_is_one_clear_sentence(corpus: Path, rule: str, message: str) -> None:
    with pytest.raises(SsrlError) as caught:
        listed(corpus, f"files: [{{match: '*.mp4', {rule}}}]")
    assert message in str(caught.value)
    assert "corpus.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    numbered(tmp_path / "gone.mp4", 3, (96, 64))
    source = source_at(str(tmp_path))
    (entry,) = source.entries()
    (tmp_path / "gone.mp4").unlink()
    with pytest.raises(Reject, match=r"^not found$"):
        source.open(entry)
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Reject, match=r"^not found$"):
        source.open(entry)


def test_reading_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        numbered(tmp_path / name, 3, (96, 64))
    (tmp_path / "b.mp4").write_bytes((tmp_path / "b.mp4").read_bytes()[:900])

    def state() -> dict[str, tuple[int, int, int]]:
        found = {path: path.stat() for path in (tmp_path, *tmp_path.iterdir())}
        return {path.name: (stat.st_mode, stat.st_mtime_ns, stat.st_size) for path, stat in found.items()}

    before = state()
    source = source_at(str(tmp_path))
    good, bad = (source.open(entry).clip for entry in source.entries())
    assert good is not None
    assert bad is not None
    assert len(good.reel.times) == 3
    with pytest.raises(Reject, match="truncated"):
        _ = bad.reel
    assert state() == before


def test_without_decord_it_says_what_to_install(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['decord'] = None\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    for command in (("build", "video/jigsaw", "--rows", "4", "--source"), ("curate",)):
        done = ssrl(*command, corpus, "--out", tmp_path / "out", PYTHONPATH=path)
        assert done.returncode == 2, done.stderr
        assert 'decord, which is not installed: pip install "ssrl[video]"' in done.stderr
        assert done.stderr.count("\n") == 1
