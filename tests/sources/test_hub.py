"""Datasets of a Hub: which commit is read, how much of it, that a build repeats, and what is said when it fails."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corpora
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from command import ROOT, published
from loopback_hub import Hub, served

from ssrl_data.core import SsrlError
from ssrl_data.registry import source_at
from ssrl_data.sources.hub import _license

RIVER = "The river rises in the hills above the town and runs north to the sea."
SUMS = [{"q": f"What is {i} + 1?", "problem": None, "answer": str(i + 1)} for i in range(1000)]
CARD = b"---\nlicense: cc-by-4.0\n---\n# Sums\n"

LOOK = """
import json, sys
from ssrl_data.core import SsrlError
from ssrl_data.registry import source_at
try:
    source = source_at(sys.argv[1])
    entries = list(source.entries())
    opened = [source.open(entries[int(number)]) for number in sys.argv[2:]]
except SsrlError as error:
    print(json.dumps({"error": str(error)}))
    sys.exit()
print(json.dumps({
    "commit": source.commit,
    "keys": [entry.key for entry in entries],
    "media": [entry.media for entry in entries],
    "stamps": sorted({entry.stamp for entry in entries}),
    "opened": [
        {
            "text": record.text and record.text.paragraphs,
            "problem": record.worked and record.worked.problem,
            "answer": record.worked and record.worked.answer,
            "license": record.license,
            "origin": record.origin,
            "attribution": record.attribution,
            "group": record.group,
        }
        for record in opened
    ],
}))
"""


def parquet(rows: list[dict[str, Any]], **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out, **options)
    return out.getvalue()


@pytest.fixture
def hub() -> Iterator[Hub]:
    made = Hub()
    with served(made) as made.url:
        yield made


def environment(url: str, home: Path) -> dict[str, str]:
    return {"HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(home), "HF_TOKEN": ""}


def look(url: str, home: Path, address: str, *numbers: int, **more: str) -> dict[str, Any]:
    """What a process that may use the Hub finds at an address, and of the records of these numbers."""
    ran = subprocess.run(
        [sys.executable, "-c", LOOK, address, *map(str, numbers)],
        capture_output=True,
        text=True,
        env=os.environ | environment(url, home) | more,
        cwd=ROOT,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_tables_of_a_dataset_are_records(hub: Hub, tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": f"{RIVER} It is {i} miles long."}) + "\n" for i in range(50)).encode()
    files = {"README.md": CARD, "data/b.parquet": parquet([{"problem": "1 + 1?", "answer": 2}]), "a.jsonl": lines}
    commit = hub.push("me/sums", files | {"data/notes.txt": b"no table"})
    found = look(hub.url, tmp_path, "hf://datasets/me/sums", 7, -1)
    assert found["commit"] == commit
    assert found["keys"] == [*(f"a.jsonl//line {i}" for i in range(1, 51)), "data/b.parquet//row 0"]
    assert found["media"] == ["text"] * 50 + ["worked"]
    assert len(found["stamps"]) == 2
    text, worked = found["opened"]
    assert text["text"] == [f"{RIVER} It is 7 miles long."]
    assert (worked["problem"], worked["answer"], worked["group"]) == ("1 + 1?", "2", "data/b.parquet//row 0")
    assert (worked["license"], worked["attribution"]) == ("CC-BY-4.0", "me/sums")
    assert worked["origin"] == f"https://huggingface.co/datasets/me/sums/tree/{commit}"


@pytest.mark.parametrize(
    ("tail", "keys"),
    [
        ("@v1", ["a.parquet//row 0", "sub/b.parquet//row 0", "sub/c.jsonl//line 1"]),
        ("@refs%2Fconvert%2Fparquet", ["d.parquet//row 0"]),
        ("@v1/sub", ["sub/b.parquet//row 0", "sub/c.jsonl//line 1"]),
        ("@v1/sub/c.jsonl", ["sub/c.jsonl//line 1"]),
        ("@v1/*.parquet?problem=q", ["a.parquet//row 0", "sub/b.parquet//row 0"]),
    ],
)
def test_revisions_paths_and_columns(tail: str, keys: list[str], hub: Hub, tmp_path: Path) -> None:
    one, line = parquet(SUMS[:1]), json.dumps(SUMS[0]).encode()
    hub.push("me/sums", {"a.parquet": one, "sub/b.parquet": one, "sub/c.jsonl": line}, "v1")
    hub.push("me/sums", {"d.parquet": one}, "refs/convert/parquet")
    hub.push("me/sums", {"e.parquet": one})
    address = f"hf://datasets/me/sums{tail}" + ("" if "?" in tail else "?problem=q&answer=answer")
    found = look(hub.url, tmp_path, address, 0)
    assert found["keys"] == keys
    assert found["opened"][0]["problem"] == "What is 0 + 1?"
    assert found["opened"][0]["license"] == "unknown"


def test_no_more_is_read_than_is_needed(hub: Hub, tmp_path: Path) -> None:
    noise = random.Random(1)
    rows = [{"text": f"{RIVER} It has the number {noise.getrandbits(8000):x}.", "other": "x" * 10} for _ in range(8000)]
    table = parquet(rows, row_group_size=1000, compression="none", use_dictionary=False)
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    hub.push("me/big", {"a.parquet": table, "b.jsonl": lines})
    assert len(table) > 16 << 20
    assert len(look(hub.url, tmp_path, "hf://datasets/me/big/a.parquet")["keys"]) == 8000
    assert hub.sent["a.parquet"] <= 4 << 20  # the footer, and what is read ahead of it
    hub.sent.clear()
    found = look(hub.url, tmp_path, "hf://datasets/me/big/a.parquet", 3000, 3999, 3500)
    assert [record["text"][0] for record in found["opened"]] == [rows[i]["text"] for i in (3000, 3999, 3500)]
    assert hub.sent["a.parquet"] <= 14 << 20  # and one row group in eight, with what is read ahead
    hub.sent.clear()
    found = look(hub.url, tmp_path, "hf://datasets/me/big/b.jsonl", *range(7000, 7100))
    assert [record["text"][0] for record in found["opened"]] == [row["text"] for row in rows[7000:7100]]
    assert hub.sent["b.jsonl"] <= len(lines) + (14 << 20)  # listing reads it once


def build(url: str, home: Path, address: str, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(str(Path(sys.executable).parent / "ssrl"), "build", "text/final_answer", "--source", address),
            *("--rows", "60", "--workers", "2", "--out", str(out)),
        ],
        capture_output=True,
        text=True,
        env=os.environ | environment(url, home),
        cwd=ROOT,
        check=False,
    )


def test_a_build_of_a_commit_repeats_when_the_branch_has_moved(hub: Hub, tmp_path: Path) -> None:
    commit = hub.push("me/sums", {"README.md": CARD, "a.parquet": parquet(SUMS, row_group_size=50)})
    address = "hf://datasets/me/sums{}?problem=q"
    first = build(hub.url, tmp_path, address.format(""), tmp_path / "one")
    assert first.returncode == 0, first.stderr
    hub.push("me/sums", {"a.parquet": parquet(SUMS[:500])})
    again = build(hub.url, tmp_path, address.format(f"@{commit}"), tmp_path / "two")
    assert again.returncode == 0, again.stderr
    assert published(tmp_path / "one") == published(tmp_path / "two")
    moved = build(hub.url, tmp_path, address.format(""), tmp_path / "one")
    assert moved.returncode == 2
    assert "was begun with another build" in moved.stderr


def test_a_hub_that_fails_stops_the_build_and_rejects_nothing(hub: Hub, tmp_path: Path) -> None:
    padded = [row | {"pad": random.Random(i).randbytes(8000)} for i, row in enumerate(SUMS)]
    hub.push("me/sums", {"a.parquet": parquet(padded, row_group_size=50)})
    address = "hf://datasets/me/sums?problem=q"
    hub.deaf.add("a.parquet")  # after its footer
    stopped = build(hub.url, tmp_path, address, tmp_path / "one")
    assert stopped.returncode == 2
    assert "ssrl: me/sums, a.parquet: the Hub" in stopped.stderr
    assert "a bug" not in stopped.stderr
    hub.deaf.clear()
    assert build(hub.url, tmp_path, address, tmp_path / "one").returncode == 0
    assert build(hub.url, tmp_path, address, tmp_path / "two").returncode == 0
    assert published(tmp_path / "one") == published(tmp_path / "two")


def test_what_cannot_be_had_is_one_sentence(hub: Hub, tmp_path: Path) -> None:
    hub.push("me/sums", {"a.parquet": parquet(SUMS)})
    hub.push("me/gated", {"a.parquet": parquet(SUMS)})
    hub.gated.add("me/gated")
    hub.push("me/bare", {"a.csv": b"text\n"})
    for address, more, message in (
        (
            "me/none",
            {},
            "me/none: the Hub has no such dataset for you: check the name, or sign in with `hf auth login`",
        ),
        ("me/gated", {}, "me/gated: its owner asks who reads it: accept the conditions"),
        ("me/sums@v9", {}, "me/sums: it has no such revision: name a branch"),
        ("me/sums/b.parquet", {}, "no table b.parquet that ends in .jsonl"),
        ("me/bare", {}, "no table  that ends in .jsonl"),
        ("me/sums?problem=nope", {}, "no column 'nope' for the problem, as its rule says: it has answer, problem, q"),
        ("me/sums", {"HF_HUB_OFFLINE": "1"}, "me/sums: the Hub is switched off by HF_HUB_OFFLINE"),
        ("me/sums", {"HF_ENDPOINT": "http://127.0.0.1:9"}, "me/sums: the Hub cannot be read"),
    ):
        said = look(hub.url, tmp_path, f"hf://datasets/{address}", **more)["error"]
        assert message in said
        assert "\n" not in said


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf://datasets/squad", "write hf://datasets/ORG/NAME"),
        ("hf://models/me/net", "write hf://datasets/ORG/NAME"),
        ("hf://datasets/me/sums?problm=q", "unknown key 'problm': did you mean 'problem'"),
        ("hf://datasets/me/sums?problem=", "problem must be the name of a column"),
        ("hf://datasets/me/sums?problem=q&text=t", "name the column of one of them"),
    ],
)
def test_addresses_that_are_none(address: str, message: str) -> None:
    with pytest.raises(SsrlError, match=message):
        source_at(address)


@pytest.mark.parametrize(
    ("named", "license"),
    [
        ("apache-2.0", "Apache-2.0"),
        ("odc-by", "ODC-By-1.0"),
        (["mit", "cc-by-sa-4.0"], "CC-BY-SA-4.0 AND MIT"),
        *((named, "unknown") for named in (None, "other", "unknown", "gpl", "cc", [], ["mit", "other"])),
    ],
)
def test_licences_of_cards(named: object, license: str) -> None:
    assert _license(named) == license


def test_a_foreign_server_serves_it_too(tmp_path: Path) -> None:
    """olah, a mirror of the Hub, from a git repository; it sends whole files, so ranges are seen above."""
    olah = corpora.installed("olah==0.5.4")
    folder = tmp_path / "mirrors/datasets/me/sums"
    folder.mkdir(parents=True)
    (folder / "README.md").write_bytes(CARD)
    (folder / "a.parquet").write_bytes(parquet(SUMS[:30]))
    git = shutil.which("git")
    if git is None:
        pytest.skip("olah serves git repositories and this machine has no git")
    who = ("-c", "user.name=me", "-c", "user.email=me@example.org")
    for command in (("init", "-q", "-b", "main"), ("add", "."), (*who, "commit", "-q", "-m", "Sums")):
        subprocess.run([git, *command], cwd=folder, check=True)
    head = subprocess.run([git, "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True).stdout
    config = tmp_path / "olah.toml"
    port = random.SystemRandom().randrange(20_000, 50_000)
    config.write_text(
        f'[basic]\nhost = "127.0.0.1"\nport = {port}\nrepos-path = "{tmp_path}/repos"\n'
        f'mirrors-path = ["{tmp_path}/mirrors"]\n[accessibility]\noffline = true\n'
    )
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", "from olah.server import cli; cli()", "--config", str(config)],
            env={**os.environ, "PYTHONPATH": str(olah), "HF_HUB_OFFLINE": "0"},
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
    try:
        for _ in range(240):
            with socket.socket() as knock:
                if server.poll() is not None or knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.25)
        found = look(f"http://127.0.0.1:{port}", tmp_path, "hf://datasets/me/sums?problem=q", 12)
    finally:
        server.kill()
        server.wait()
    assert "error" not in found, (found, (tmp_path / "log").read_text()[-2000:])
    assert found["commit"] == head.strip()
    assert len(found["keys"]) == 30
    assert (found["opened"][0]["answer"], found["opened"][0]["license"]) == ("13", "CC-BY-4.0")
