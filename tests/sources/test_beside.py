"""What lies beside a picture: depth maps, cameras and second views, as a corpus.yaml declares them."""

from __future__ import annotations

from pathlib import Path

import bad_pictures
import numpy as np
import pytest

from ssrl_data.core import Reject, SsrlError
from ssrl_data.media.camera import Camera
from ssrl_data.registry import source_at
from ssrl_data.sources.base import Entry

RULES = """
files:
  - match: "scene*/left_?.png"
    group: scene
    depth: {file: "scene{1}/depth_{2}.npy", kind: metric, scale: 0.001, invalid: [0, 65535], error: 0.02, by: a model}
    camera: {focal: 500, centre: [29.5, 20]}
    pair: {file: "scene{1}/right_{2}.png", move: [1, 0, 0.5]}
"""


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    picture = bad_pictures.photograph()
    for scene in ("a", "b/c"):
        folder = tmp_path / f"scene{scene}"
        folder.mkdir(parents=True)
        for name in ("left_1", "right_1"):
            (folder / f"{name}.png").write_bytes(bad_pictures.encoded(picture, "PNG"))
        np.save(folder / "depth_1.npy", np.full(picture.size[::-1], 1500, np.uint16))
    (tmp_path / "alone.png").write_bytes(bad_pictures.encoded(picture, "PNG"))
    (tmp_path / "corpus.yaml").write_text(RULES)
    return tmp_path


def listed(folder: Path) -> dict[str, Entry]:
    return {entry.key: entry for entry in source_at(str(folder)).entries()}


def test_what_lies_beside_a_picture_comes_with_it_and_not_for_itself(corpus: Path) -> None:
    entries = listed(corpus)
    assert sorted(entries) == ["alone.png", "scenea/left_1.png", "sceneb/c/left_1.png"]
    record = source_at(str(corpus)).open(entries["sceneb/c/left_1.png"])
    assert record.depth is not None
    np.testing.assert_allclose(record.depth.distances, 1.5, rtol=1e-6)
    assert (record.depth.rule.error, record.depth.rule.by) == (0.02, "a model")
    assert record.camera == Camera(500, (29.5, 20))
    assert record.pair is not None
    assert record.pair.move == (1, 0, 0.5)
    assert record.image is not None
    assert record.pair.image.size == record.image.size
    alone = source_at(str(corpus)).open(entries["alone.png"])
    assert (alone.depth, alone.camera, alone.pair) == (None, None, None)


def test_the_content_of_every_file_counts(corpus: Path) -> None:
    def opened() -> tuple[str, str]:
        entry = listed(corpus)["scenea/left_1.png"]
        return source_at(str(corpus)).open(entry).source_id, entry.stamp

    before, stamp = opened()
    (corpus / "scenea/right_1.png").write_bytes(
        bad_pictures.encoded(bad_pictures.photograph(), "PNG", compress_level=1)
    )
    after, later = opened()
    assert before != after
    assert stamp != later
    np.save(corpus / "scenea/depth_1.npy", np.load(corpus / "scenea/depth_1.npy") + 1)
    assert opened()[0] not in (before, after)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("depth_1.npy", None, "depth: not found"),
        ("right_1.png", None, "second view: not found"),
        ("right_1.png", b"no picture", "not a picture"),
    ],
)
def test_what_is_missing_or_broken_costs_its_record(
    corpus: Path, name: str, content: bytes | None, reason: str
) -> None:
    path = corpus / "scenea" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    entries = listed(corpus)
    with pytest.raises(Reject, match=reason):
        source_at(str(corpus)).open(entries["scenea/left_1.png"])
    assert source_at(str(corpus)).open(entries["sceneb/c/left_1.png"]).depth


def test_views_of_two_sizes_and_turned_pictures_are_rejected(corpus: Path) -> None:
    (corpus / "scenea/left_1.png").write_bytes(bad_pictures.oriented("PNG", 6))
    with pytest.raises(Reject, match="turned by EXIF"):
        source_at(str(corpus)).open(listed(corpus)["scenea/left_1.png"])
    small = bad_pictures.photograph().resize((31, 20))
    (corpus / "sceneb/c/right_1.png").write_bytes(bad_pictures.encoded(small, "PNG"))
    with pytest.raises(Reject, match="views of two sizes"):
        source_at(str(corpus)).open(listed(corpus)["sceneb/c/left_1.png"])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("depth: d.npy", "rule 1: depth: expected a mapping"),
        ("depth: {kind: metric}", "rule 1: depth: file must be a path below root"),
        ("depth: {file: /etc/passwd}", "rule 1: depth: file must be a path below root"),
        ("depth: {file: '../{stem}.npy'}", "rule 1: depth: file must be a path below root"),
        ("depth: {file: '{3}.npy'}", r"names \{3\}: the rule's globs give stem, 1"),
        ("depth: {file: d.npy, kind: inverse}", "kind is 'inverse': it must be one of metric, disparity, relative"),
        ("depth: {file: d.npy, scale: 0}", "scale is 0"),
        ("depth: {file: d.npy, scale: big}", "scale must be a number, got 'big'"),
        ("depth: {file: d.npy, scale: 1e-3}", "write 1.0e-3"),
        ("depth: {file: d.npy, invalid: 0}", "invalid must be a list of any number of numbers, got 0"),
        ("depth: {file: d.npy, unit: mm}", "unknown key 'unit'"),
        ("camera: {focal: -3}", "focal is -3: it must be above 0"),
        ("camera: {centre: [1]}", "centre must be a list of 2 numbers"),
        ("camera: {center: [1, 2]}", "did you mean 'centre'"),
        ("pair: {file: r.png}", "move must be a list of 3 numbers, got None"),
        ("pair: {file: r.png, move: [0, 0, 0]}", r"move is \[0, 0, 0\]"),
    ],
)
def test_a_wrong_rule_is_one_sentence(tmp_path: Path, rule: str, message: str) -> None:
    (tmp_path / "corpus.yaml").write_text(f"files: [{{match: '*.png', {rule}}}]\n")
    with pytest.raises(SsrlError, match=message):
        source_at(str(tmp_path))
