"""Documents and files of many records in a folder: what is listed under which keys, in which groups, and what opens."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import bad_pictures
import pytest

from ssrl_data.build.plan import make_plan
from ssrl_data.core import Reject, SsrlError
from ssrl_data.recipe import Recipe, part
from ssrl_data.registry import source_at
from ssrl_data.sources.base import Entry

SAID = "The keeper wound the clock every evening before the lamp was lit."
OTHER = "A second paragraph says that the lamp turned by the weight of it."
TEXT = f"{SAID}\n\n{OTHER}\n"
PAGE = f".TH LAMP 1\n.SH DESCRIPTION\n{SAID}\n.PP\n{OTHER}\n"
NODE = f"\x1f\nFile: a.info,  Node: Top\n\n{TEXT}"

DOCUMENTS = {
    **dict.fromkeys(["a.txt", "B.TEXT", "a.md", "a.markdown", "a.rst", "a.rst.txt"], TEXT),
    **dict.fromkeys(["a.1", "a.2const", "a.3", "a.3pm", "a.3perl", "a.5", "a.8", "a.7ssl"], PAGE),
    **dict.fromkeys(["a.info", "a.info-1", "a.info-12"], NODE),
}


def put(path: Path, data: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def listed(address: Path, descriptor: str = "") -> list[Entry]:
    if descriptor:
        (address / "corpus.yaml").write_text(descriptor)
    return list(source_at(str(address)).entries())


def reason(address: Path, entry: Entry) -> str:
    with pytest.raises(Reject) as caught:
        source_at(str(address)).open(entry)
    return caught.value.reason


def test_every_suffix_is_a_document_with_the_hash_of_its_file(tmp_path: Path) -> None:
    for name, text in DOCUMENTS.items():
        put(tmp_path / name, text)
        put(tmp_path / f"{name}.gz", gzip.compress(text.encode()))
    put(tmp_path / "a.py", f'"""{SAID}\n\n{OTHER}\n"""\n')
    source = source_at(str(tmp_path))
    entries = list(source.entries())
    assert [entry.key for entry in entries] == sorted([*DOCUMENTS, *(f"{name}.gz" for name in DOCUMENTS), "a.py"])
    for entry in entries:
        data = (tmp_path / entry.key).read_bytes()
        record = source.open(entry)
        assert (entry.media, entry.part, entry.stamp) == ("text", (0, 1), str(len(data)))
        assert record.text is not None
        assert record.text.paragraphs == (SAID, OTHER), entry.key
        assert record.text.kept == (0, 1)
        assert record.source_id == hashlib.sha256(data).hexdigest()[:32]
        assert (record.image, record.clip, record.worked) == (None, None, None)


def test_what_is_no_document_or_hidden_is_passed_over(tmp_path: Path) -> None:
    names = ["README", "a.doc", "a.html", "a.9", "a.1st", "a.7z", "a.3gp.part", "a.gz", "a.py.gz", "a.info-x", "a.txt~"]
    for name in [*names, ".hidden.txt", ".git/a.md", "txt", "a.json", "a.csv"]:
        put(tmp_path / name, TEXT)
    (tmp_path / "folder.txt").mkdir()
    os.mkfifo(tmp_path / "pipe.txt")
    put(tmp_path / "kept.txt", TEXT)
    assert [entry.key for entry in listed(tmp_path)] == ["kept.txt"]


def test_links_give_each_document_once_and_a_picture_beside_it(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    put(root / "m/real.txt", TEXT)
    put(outside / "blob", TEXT)
    (root / "a.md").symlink_to(root / "m/real.txt")
    (root / "b.txt").symlink_to(outside / "blob")
    (root / "c.rst").symlink_to(outside / "blob")
    (root / "d.jpg").symlink_to(root / "m/real.txt")
    (root / "e.jpg").symlink_to(outside / "blob")
    (root / "gone.txt").symlink_to(outside / "nowhere")
    entries = listed(root)
    assert [(entry.key, entry.media) for entry in entries] == [
        ("b.txt", "text"),
        ("d.jpg", "image"),
        ("e.jpg", "image"),
        ("gone.txt", "text"),
        ("m/real.txt", "text"),
    ]
    assert reason(root, entries[3]) == "not found"


def test_parts_of_a_manual_share_a_group_and_a_rule_decides_before_all(tmp_path: Path) -> None:
    for name in ("m/a.info", "m/a.info-1", "m/a.info-2", "n/a.info-1", "a.txt"):
        put(tmp_path / name, NODE)
    for name in ("a.info.gz", "a.info-1.gz"):
        put(tmp_path / name, gzip.compress(NODE.encode()))
    assert {entry.key: entry.group for entry in listed(tmp_path)} == {
        "a.txt": "a.txt",
        "a.info.gz": "a.info.gz",
        "a.info-1.gz": "a.info.gz",
        "m/a.info": "m/a.info",
        "m/a.info-1": "m/a.info",
        "m/a.info-2": "m/a.info",
        "n/a.info-1": "n/a.info",
    }
    found = listed(
        tmp_path, "files:\n  - {match: 'm/*', group: manual, license: MIT, attribution: Zoë, origin: there}\n"
    )
    assert {entry.key: entry.group for entry in found if entry.key < "n"}["m/a.info-2"] == "manual"
    record = source_at(str(tmp_path)).open(next(entry for entry in found if entry.key == "m/a.info"))
    assert (record.group, record.license, record.attribution, record.origin) == ("manual", "MIT", "Zoë", "there")


def test_records_inside_a_file_have_keys_groups_and_hashes_of_their_own(tmp_path: Path) -> None:
    put(tmp_path / "a/b.jsonl", "".join(json.dumps({"text": text}) + "\n" for text in (TEXT, OTHER)))
    put(tmp_path / "c.ndjson", json.dumps({"problem": "What is 1 + 1?", "answer": "2"}) + "\n")
    source = source_at(str(tmp_path))
    entries = list(source.entries())
    assert [entry.key for entry in entries] == ["a/b.jsonl//line 1", "a/b.jsonl//line 2", "c.ndjson//line 1"]
    assert [entry.group for entry in entries] == [entry.key for entry in entries]
    records = [source.open(entry) for entry in entries]
    assert [(record.text is None, record.worked is None) for record in records] == [
        (False, True),
        (False, True),
        (True, False),
    ]
    assert len({record.source_id for record in records}) == 3
    again = pickle.loads(pickle.dumps(source))
    assert [again.open(entry).source_id for entry in entries] == [record.source_id for record in records]
    grouped = listed(tmp_path, "files: [{match: '*.jsonl', group: g, columns: {text: text}, license: CC0-1.0}]")
    assert {(entry.group, entry.license) for entry in grouped[:2]} == {("g", "CC0-1.0")}


def test_a_file_of_many_that_cannot_be_read_is_one_record_that_says_why(tmp_path: Path) -> None:
    put(tmp_path / "a.txt", TEXT)
    put(tmp_path / "b.parquet", b"no parquet at all")
    put(tmp_path / "d.mm", b"\0\0 no database")
    (tmp_path / "e.jsonl").symlink_to(tmp_path / "nowhere.jsonl")
    entries = listed(tmp_path)
    assert [(entry.key, entry.media) for entry in entries] == [
        ("a.txt", "text"),
        ("b.parquet", "text"),
        ("d.mm", "worked"),
        ("e.jsonl", "text"),
    ]
    assert all(reason(tmp_path, entry) for entry in entries[1:])
    assert reason(tmp_path, entries[3]) == "not found"
    assert source_at(str(tmp_path)).open(entries[0]).text is not None


def test_a_file_that_changes_after_it_was_listed_is_a_reject(tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", json.dumps({"text": TEXT}))
    put(tmp_path / "b.txt", TEXT)
    whole = replace(listed(tmp_path)[0], key="a.jsonl")
    assert reason(tmp_path, whole) == "changed since it was listed"
    entry = replace(whole, key="b.txt")
    (tmp_path / "b.txt").unlink()
    assert reason(tmp_path, entry) == "not found"
    (tmp_path / "b.txt").mkdir()
    assert reason(tmp_path, entry) == "not a file"
    put(tmp_path / "c.txt", b"")
    os.truncate(tmp_path / "c.txt", 10 << 30)  # sparse
    assert reason(tmp_path, replace(entry, key="c.txt")) == "file too large"


def test_curated_paragraphs_keep_their_numbers(tmp_path: Path) -> None:
    put(tmp_path / "a.txt", TEXT)
    put(tmp_path / "b.jsonl", json.dumps({"text": TEXT}) + "\n")
    for entry in listed(tmp_path):
        text = source_at(str(tmp_path)).open(replace(entry, dropped=(0,))).text
        assert text is not None
        assert (text.paragraphs, text.kept) == ((SAID, OTHER), (1,))


def test_a_single_file_is_a_corpus(tmp_path: Path) -> None:
    put(tmp_path / "a.txt", TEXT)
    put(tmp_path / "b.jsonl", json.dumps({"text": TEXT}) + "\n")
    put(tmp_path / "c.png", bad_pictures.encoded(bad_pictures.photograph(), "PNG"))
    put(tmp_path / "d.zip", b"")
    assert [entry.key for entry in listed(tmp_path / "a.txt")] == ["a.txt"]
    assert [entry.key for entry in listed(tmp_path / "b.jsonl")] == ["b.jsonl//line 1"]
    assert [entry.media for entry in listed(tmp_path / "c.png")] == ["image"]
    source = source_at(str(tmp_path / "a.txt"), "CC0-1.0")
    assert [source.open(entry).license for entry in source.entries()] == ["CC0-1.0"]
    with pytest.raises(SsrlError, match="a file of no kind that is read"):
        source_at(str(tmp_path / "d.zip"))
    (tmp_path / "corpus.yaml").write_text("files: [{match: 'a.*', license: MIT}]\nunlisted: leave out\n")
    assert [(entry.key, entry.license) for entry in listed(tmp_path / "a.txt")] == [("a.txt", "MIT")]
    assert listed(tmp_path / "c.png") == []
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "corpus.yaml").write_text("root: elsewhere\nunlisted: leave out\n")
    assert [entry.license for entry in listed(tmp_path / "a.txt")] == ["unknown"]


def test_pictures_are_planned_the_same_beside_documents(tmp_path: Path) -> None:
    for number in range(12):
        put(tmp_path / f"{number}.png", bad_pictures.encoded(bad_pictures.photograph(), "PNG") + bytes([number]))
    recipe = Recipe((part("image/jigsaw", ["easy"], {}),), (str(tmp_path),), rows=20, split={"test": 0.2})
    before = make_plan(recipe, [source_at(str(tmp_path))])
    put(tmp_path / "README.md", TEXT)
    put(tmp_path / "tables/a.jsonl", json.dumps({"text": TEXT}) + "\n")
    put(tmp_path / "0.1", PAGE)
    after = make_plan(recipe, [source_at(str(tmp_path))])
    assert len(list(source_at(str(tmp_path)).entries())) == 15
    assert (after.fingerprint, after.shards) == (before.fingerprint, before.shards)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
def test_keys_and_paragraphs_are_the_same_at_any_locale(locale: str, tmp_path: Path) -> None:
    said = "Der Leuchtturmwärter zieht die Uhr jeden Abend auf, bevor es dunkel wird."
    for name in ("é.txt", "z.txt", "Å/a.md", "日本.rst"):
        put(tmp_path / name, said)
    put(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")), said.encode("latin-1"))
    code = (
        "import json, sys\n"
        "from ssrl_data.registry import source_at\n"
        "source = source_at(sys.argv[1])\n"
        "print(json.dumps([[entry.key, source.open(entry).text.paragraphs] for entry in source.entries()]))\n"
    )
    env = {**os.environ, "LC_ALL": locale, "LANG": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    run = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, check=True, env=env, text=True)
    keys = sorted(["é.txt", "z.txt", "Å/a.md", "日本.rst"], key=str.encode)
    assert json.loads(run.stdout) == [[key, [said]] for key in ["caf//e9.txt", *keys]]
