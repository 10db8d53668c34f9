"""A folder as a corpus: what is listed, in which order, under which keys, and what opening it can say."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import bad_pictures
import pytest

from ssrl_data.core import Reject, SsrlError
from ssrl_data.registry import source_at
from ssrl_data.sources.base import Entry
from ssrl_data.sources.folder import Folder


@pytest.fixture(scope="module")
def data() -> bytes:
    return bad_pictures.encoded(bad_pictures.photograph(), "PNG")


@pytest.fixture
def seen_by_all() -> Iterator[Path]:
    """A folder that every user can reach, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def keys(folder: Path) -> list[str]:
    return [entry.key for entry in source_at(str(folder)).entries()]


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def reason(folder: Path, key: str) -> str:
    with pytest.raises(Reject) as caught:
        Folder.at(str(folder)).open(Entry(key, key))
    return caught.value.reason


def test_every_bad_picture_is_listed_and_opens_or_is_rejected(tmp_path: Path) -> None:
    expected = bad_pictures.write(tmp_path)
    source, found = source_at(str(tmp_path)), {}
    for entry in source.entries():
        json.dumps(entry.key).encode()
        entry.key.encode()
        try:
            picture = source.open(entry).image
            assert picture is not None
            picture.view((0, 0, *picture.size), picture.size)
            found[entry.key] = bad_pictures.OPENS
        except Reject as reject:
            found[entry.key] = reject.reason
    assert found == expected


def test_the_order_is_that_of_the_bytes_of_the_paths(tmp_path: Path, data: bytes) -> None:
    names = ["a/b.jpg", "a.jpg", "a0.jpg", "B.jpg", "a/Z/c.png", "é.png", "a/z.PNG", "z.tiff", "a-b/1.webp"]
    for name in names:
        put(tmp_path / name, data)
    assert keys(tmp_path) == sorted(names, key=lambda name: name.encode())


def test_what_is_not_a_picture_file_or_hidden_is_passed_over(tmp_path: Path, data: bytes) -> None:
    for name in ("notes.doc", "jpg", ".hidden.jpg", ".git/a.jpg", "a.jpg.part", "sound.mp3"):
        put(tmp_path / name, data)
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    put(tmp_path / "kept.JPEG", data)
    (tmp_path / "corpus.yaml").write_text("unlisted: use\n")
    assert keys(tmp_path) == ["kept.JPEG"]


def test_links_give_each_file_once(tmp_path: Path, data: bytes) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    put(root / "m/real.jpg", data)
    put(outside / "blob", data)
    put(outside / "more/other.jpg", data)
    (root / "a.jpg").symlink_to(root / "m/real.jpg")
    (root / "b.jpg").symlink_to(outside / "blob")
    (root / "c.jpg").symlink_to(outside / "blob")
    (root / "loop").symlink_to(root)
    (root / "more").symlink_to(outside / "more")
    assert keys(root) == ["b.jpg", "m/real.jpg"]


def test_a_key_leads_back_to_its_file(tmp_path: Path, data: bytes) -> None:
    names = [
        b"caf\xe9.png",
        b"caf\xc3\xa9.png",
        b"\xff\xfe/\x80.png",
        b"caf//e9.png".replace(b"//", b"%2f"),
        b"a\nb.png",
    ]
    for i, name in enumerate(names):
        path = os.path.join(os.fsencode(tmp_path), name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data + bytes([i]))
    source = source_at(str(tmp_path))
    records = [source.open(entry) for entry in source.entries()]
    assert len({record.key for record in records}) == len({record.source_id for record in records}) == len(names)
    assert {record.key for record in records} >= {"caf//e9.png", "café.png", "//ff//fe///80.png"}


def test_a_record_carries_picture_and_content_hash(tmp_path: Path, data: bytes) -> None:
    put(tmp_path / "a.png", data)
    put(tmp_path / "sub/b.jpg", data)
    put(tmp_path / "c.png", data[:-4] + b"\0\0\0\0")
    source = source_at(str(tmp_path))
    first, other, same = (source.open(entry) for entry in source.entries())
    assert first.source_id == same.source_id != other.source_id
    assert len(first.source_id) == 32
    assert int(first.source_id, 16) >= 0
    assert (first.group, same.group, first.license) == ("a.png", "sub/b.jpg", "unknown")
    assert first.image is not None
    assert first.image.size == (bad_pictures.WIDTH, bad_pictures.HEIGHT)


def test_a_source_travels_to_spawned_workers(tmp_path: Path, data: bytes) -> None:
    put(tmp_path / "a.png", data)
    source = source_at(str(tmp_path))
    again = pickle.loads(pickle.dumps(source))
    assert list(again.entries()) == list(source.entries())


def test_a_relative_address_survives_a_change_of_folder(
    tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "photos/a.png", data)
    monkeypatch.chdir(tmp_path)
    source = source_at("photos")
    monkeypatch.chdir("/")
    assert [source.open(entry).key for entry in source.entries()] == ["a.png"]


def test_a_file_that_vanishes_or_changes_is_a_reject(tmp_path: Path, data: bytes) -> None:
    put(tmp_path / "sub/a.png", data)
    put(tmp_path / "b.png", data)
    assert keys(tmp_path) == ["b.png", "sub/a.png"]
    (tmp_path / "sub/a.png").unlink()
    assert reason(tmp_path, "sub/a.png") == "not found"
    (tmp_path / "sub").rmdir()
    (tmp_path / "sub").write_text("a file now")
    assert reason(tmp_path, "sub/a.png") == "not found"
    (tmp_path / "b.png").unlink()
    (tmp_path / "b.png").mkdir()
    assert reason(tmp_path, "b.png") == "not a file"


def test_a_huge_file_is_not_read(tmp_path: Path, data: bytes) -> None:
    put(tmp_path / "a.png", data)
    os.truncate(tmp_path / "a.png", 10 << 30)  # sparse
    assert reason(tmp_path, "a.png") == "file too large"


def test_permissions_are_a_reject_for_a_file_and_an_error_for_a_folder(seen_by_all: Path, data: bytes) -> None:
    put(seen_by_all / "open.png", data)
    put(seen_by_all / "shut.png", data)
    os.chmod(seen_by_all / "shut.png", 0)
    put(seen_by_all / "sub" / "a.png", data)
    # Permissions do not bind root: the child imports all it needs by opening one picture, then becomes nobody.
    code = (
        "import os, sys\n"
        "from ssrl_data.core import Reject, SsrlError\n"
        "from ssrl_data.registry import source_at\n"
        "source = source_at(sys.argv[1])\n"
        "entries = list(source.entries())\n"
        "source.open(entries[0])\n"
        "if os.geteuid() == 0:\n"
        "    os.chmod(sys.argv[1] + '/sub', 0o700); os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "else:\n"
        "    os.chmod(sys.argv[1] + '/sub', 0)\n"
        "for entry in entries:\n"
        "    try: print(source.open(entry).key)\n"
        "    except Reject as reject: print(reject.reason)\n"
        "try: list(source.entries())\n"
        "except SsrlError as error: print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(seen_by_all)], capture_output=True, check=True, encoding="utf-8"
    )
    os.chmod(seen_by_all / "sub", 0o755)
    opened, shut, inside, listing = run.stdout.splitlines()
    assert (opened, shut, inside) == ("open.png", "not permitted", "not permitted")
    assert listing == f"{seen_by_all}/sub/: cannot be listed (Permission denied): make it readable or move it out"


def test_an_address_that_is_no_corpus_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"")
    for address in (tmp_path / "a.zip", tmp_path / "nowhere", tmp_path / "missing.yaml"):
        with pytest.raises(SsrlError, match="give a folder, a file of a kind that a folder may hold, or a"):
            source_at(str(address))
