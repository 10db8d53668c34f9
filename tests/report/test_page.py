"""The page must show what the model sees, draw the answer over it, and let nothing of a stranger's text act."""

from __future__ import annotations

import base64
import json
import re
import resource
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ssrl_data.build.run import build
from ssrl_data.card import write_card
from ssrl_data.check import check_dataset
from ssrl_data.core import SsrlError
from ssrl_data.recipe import Recipe, part
from ssrl_data.report import write_report
from ssrl_data.report.gather import bars
from ssrl_data.report.page import Film, Picture, _drawn, chart, filmed
from ssrl_data.row import schema

HOSTILE = '</script><img src=x onerror=alert(1)>\u202e \x07 & "quoted" \''


class Page(HTMLParser):
    """Elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def dataset(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report") / "dataset"
    parts = (part("image/tile_anomaly", ["easy"], {}), part("image/jigsaw", ["separate"], {}))
    build(Recipe(parts, (str(photos),), rows=24, split={"test": 0.25}), out, 1, lambda line: None)
    return out


def page(dataset: Path, out: Path, per_task: int = 2) -> tuple[str, Page]:
    write_report(dataset, out, per_task)
    html = out.read_text("utf-8")
    return html, Page(html)


def rows(dataset: Path) -> list[dict[str, Any]]:
    return [row for path in sorted(dataset.rglob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_shows_rows_as_the_model_sees_them(dataset: Path, tmp_path: Path) -> None:
    html, found = page(dataset, tmp_path / "page.html")
    assert found.open == []  # well-formed
    shown = [row for row in rows(dataset) if f"row {row['id']}" in found.text]
    assert Counter(row["task"] for row in shown) == {"image/tile_anomaly": 2, "image/jigsaw": 2}
    embedded = {image["href"] for image in found.of("image")}
    for row in shown:
        for picture in row["images"]:
            # The very bytes that a trainer gets, once.
            uri = "data:image/jpeg;base64," + base64.b64encode(picture["bytes"]).decode()
            assert uri in embedded
            assert html.count(uri) == 1
        for piece in row["prompt"][0]["content"]:
            if piece["type"] == "text":
                assert piece["text"] in found.text


def test_draws_the_answer(dataset: Path, tmp_path: Path) -> None:
    _, found = page(dataset, tmp_path / "page.html")
    shown = [row for row in rows(dataset) if f"row {row['id']}" in found.text]
    ids = {image["id"] for image in found.of("image")}
    assert {(use["href"] or "")[1:] for use in found.of("use")} <= ids
    marks = [mark for row in shown for mark in json.loads(row["meta"])["marks"]]
    boxes = Counter((r["x"], r["y"], r["width"], r["height"]) for r in found.of("rect") if r.get("class") == "mark")
    for x0, y0, x1, y1 in (mark["box"] for mark in marks):
        assert boxes[str(x0 + 2), str(y0 + 2), str(x1 - x0 - 4), str(y1 - y0 - 4)] > 0
    assert sum(boxes.values()) == len(marks)
    for row in shown:
        answer = json.loads(row["answer"])["value"]["answer"]
        gold = answer if isinstance(answer, str) else ", ".join(map(str, answer))
        assert f"<answer>{gold}</answer>" in found.text


def test_labels_lie_inside_large_marks_and_beside_small_ones() -> None:
    picture = Picture("p", 1, 400, 400, "")
    boxes = [(100, 100, 128, 128), (140, 110, 168, 138), (370, 5, 398, 33), (2, 370, 30, 398), (50, 200, 350, 350)]
    texts = ["1: nearest", "2: 2nd", "3: 3rd", "facing the camera, to the left of the picture's middle", "whole"]
    marks = [{"image": 0, "box": box, "label": text} for box, text in zip(boxes, texts, strict=True)]
    ((_, shapes),) = _drawn([picture], marks)
    names = [(s.left, s.line - s.letters, s.left + 0.6 * s.letters * len(s.label), s.line) for s in shapes]
    for x0, y0, x1, y1 in names:
        assert 0 <= x0 < x1 <= 400
        assert 0 <= y0 < y1 <= 400
    assert boxes[4][0] <= names[4][0] < names[4][2] <= boxes[4][2]
    for i, (x0, y0, x1, y1) in enumerate(names[:4]):
        for u0, v0, u1, v1 in (*boxes, *names[:i]):
            assert x1 <= u0 or u1 <= x0 or y1 <= v0 or v1 <= y0


def test_is_one_file_without_requests_or_scripts(dataset: Path, tmp_path: Path) -> None:
    html, found = page(dataset, tmp_path / "page.html")
    assert found.of("script") == found.of("link") == found.of("iframe") == []
    for _, attributes in found.elements:
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("href", "src"):
                assert (value or "").startswith(("#", "data:image/jpeg;base64,"))
    assert "default-src 'none'" in html
    assert str(dataset) not in html
    again, _ = page(dataset, tmp_path / "again.html")
    assert again == html


def test_states_figures_and_the_outcome_of_the_check(dataset: Path, tmp_path: Path) -> None:
    manifest = json.loads((dataset / "manifest.json").read_text())
    _, before = page(dataset, tmp_path / "before.html")
    assert "This dataset was not checked." in before.text
    for counts in manifest["counts"].values():
        assert f"{counts['chance']:.4f}" in before.text
        assert all(reason in before.text for reason in counts["skips"])
    check_dataset(dataset)
    _, after = page(dataset, tmp_path / "after.html")
    assert "not checked" not in after.text
    assert "answers recomputed from the corpus" in after.text
    assert "Shortcut probe" not in before.text
    assert "Shortcut probe" in after.text
    check = json.loads((dataset / "check.json").read_text())
    details = next(part["details"] for part in check["parts"] if part["name"] == "probe")
    outcomes = [outcome for found in details.values() for outcome in found.values()]
    assert all(outcome["reason"] in after.text for outcome in outcomes if outcome["status"] == "passed")
    outcomes[0] |= {"status": "declared", "accuracy": 0.91, "lower": 0.82}
    (dataset / "check.json").write_text(json.dumps(check))
    _, figures = page(dataset, tmp_path / "figures.html")
    assert "declared 0.910 (≥ 0.820)" in figures.text


@pytest.mark.parametrize("damaged", ["{", "[]", '{"parts": [{}]}', "\ud800", "[" * 100_000])
def test_damaged_outcome_counts_as_not_checked(dataset: Path, tmp_path: Path, damaged: str) -> None:
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    (copy / "check.json").write_bytes(damaged.encode("utf-8", "surrogatepass"))
    assert "This dataset was not checked." in page(copy, tmp_path / "page.html")[1].text
    write_card(copy)
    assert "Not checked: " in (copy / "README.md").read_text("utf-8")


def test_outcome_of_another_build_counts_as_not_checked(dataset: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    check_dataset(copy)
    assert "was not checked" not in page(copy, tmp_path / "page.html")[1].text
    check = json.loads((copy / "check.json").read_text()) | {"fingerprint": "0" * 32}
    (copy / "check.json").write_text(json.dumps(check))
    assert "was not checked" in page(copy, tmp_path / "page.html")[1].text


def test_page_is_whole_or_what_was_there(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    out.write_text("before")
    _, hard = limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(SsrlError, match=r"page\.html cannot be written \(File too large\)"):
            write_report(dataset, out, 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


def test_page_that_has_no_place_is_one_sentence(dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path, tmp_path / "file" / "page.html"):
        with pytest.raises(SsrlError, match="cannot be written"):
            write_report(dataset, out, 1)


def test_strangers_text_cannot_act(dataset: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile"
    manifest = json.loads((dataset / "manifest.json").read_text())
    manifest["attributions"] = [{"key": HOSTILE, "license": HOSTILE, "attribution": HOSTILE, "origin": "javascript:1"}]
    for split in manifest["modalities"]["image"].values():
        for shard in split["shards"]:
            table = pq.read_table(dataset / shard["file"]).to_pylist()
            for row in table:
                row["prompt"][0]["content"][-1]["text"] += HOSTILE
                meta = json.loads(row["meta"])
                meta["sources"][0]["key"] = HOSTILE
                meta["marks"][0]["label"] = HOSTILE
                row |= {"meta": json.dumps(meta), "license": HOSTILE}
            (hostile / shard["file"]).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(table, schema(True)), hostile / shard["file"])
    (hostile / "manifest.json").write_text(json.dumps(manifest))
    html, found = page(hostile, tmp_path / "page.html")
    assert found.of("script") == found.of("img") == []
    assert "onerror=alert(1)>⟨U+202E⟩ ⟨U+0007⟩" in found.text
    assert re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", html) is None
    assert 'href="javascript' not in html


def test_row_that_cannot_be_decoded_is_shown_with_its_fault(dataset: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    manifest = json.loads((dataset / "manifest.json").read_text())
    for split in manifest["modalities"]["image"].values():
        for shard in split["shards"]:
            table = [row | {"answer": "{}"} for row in pq.read_table(dataset / shard["file"]).to_pylist()]
            (broken / shard["file"]).parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist(table, schema(True)), broken / shard["file"])
    (broken / "manifest.json").write_text(json.dumps(manifest))
    _, found = page(broken, tmp_path / "page.html")
    assert "answer: not an answer column" in found.text


def test_bars_hold_every_row() -> None:
    numbers = Counter({i * 0.5: 1 + i % 3 for i in range(100)})
    assert sum(bar.rows for bar in bars(numbers)) == sum(numbers.values())
    assert len(bars(numbers)) == 24
    texts = Counter({f"t{i:02d}": 1 + i for i in range(40)})
    assert bars(texts)[-1].label == "16 others"
    assert sum(bar.rows for bar in bars(texts)) == sum(texts.values())
    assert [bar.label for bar in bars(Counter({"10": 1, "9": 2, "a": 1}))] == ["9", "10", "a"]


def test_chart_escapes_its_labels() -> None:
    found = Page(str(chart(bars(Counter({"<b>": 2, "x": 1})))))
    assert found.of("b") == []
    heights = [float(rect["height"] or 0) for rect in found.of("rect")]
    assert heights[0] == pytest.approx(2 * heights[1])


def test_frames_of_a_clip_stand_side_by_side() -> None:
    frames = [Picture(f"p{i}", i, 10, 10, "") for i in range(8)]
    told = [part for i, frame in enumerate(frames) for part in (f"\nPicture {i}, {i}.00 s: ", frame)]
    long = "A clip. " * 20
    film = Film([(f"\nPicture {i}, {i}.00 s: ", frame) for i, frame in enumerate(frames)])
    assert filmed([long, *told, long]) == [long, film, long]
    assert filmed([long, *told[:4], long]) == [long, *told[:4], long]
    assert filmed([*frames, "?"]) == [Film([("", frame) for frame in frames]), "?"]
    # Between two strips something is said: they stay two.
    assert filmed([*told, long, *told]) == [film, long, film]
    # A short text that no picture follows is no caption.
    assert filmed([*told, "Which?", "Now."]) == [film, "Which?", "Now."]
