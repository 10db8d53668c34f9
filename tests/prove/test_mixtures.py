"""The published mixtures, two thousand rows each from real photographs and depth: built, checked, every row true."""

from __future__ import annotations

import json
from pathlib import Path

import corpora
import pytest
import rendered
from command import ROOT, ssrl

ROWS = 2000
SCENES = 60


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("corpora")
    corpora.photographs(folder / "photographs")
    corpora.real_depth(folder / "depth")
    rendered.write_corpus(folder / "scenes", SCENES)
    return [f"--source={folder / name}" for name in ("photographs", "depth", "scenes")]


@pytest.mark.prove
@pytest.mark.parametrize("name", ["spatial_ssrl", "ssl4rl"])
def test_mixtures(name: str, sources: list[str], tmp_path: Path) -> None:
    if name == "ssl4rl":
        sources = sources[:2]  # rendered scenes are papered with the same few photographs: none is without another
    table, out = tmp_path / "curated.parquet", tmp_path / "out"
    curated = ssrl("curate", *(source.removeprefix("--source=") for source in sources), "--out", table)
    assert curated.returncode == 0, curated.stderr
    recipe = ROOT / f"tasks/recipes/{name}.yaml"
    built = ssrl("build", recipe, *sources, "--curated", table, "--out", out, "--rows", str(ROWS))
    assert built.returncode == 0, built.stderr
    checked = ssrl("check", out)
    assert checked.returncode == 0, checked.stdout[-3000:] + checked.stderr
    found = json.loads((out / "check.json").read_text())
    manifest = json.loads((out / "manifest.json").read_text())
    rows = sum(count["rows"] for count in manifest["counts"].values())
    assert rows >= 0.98 * ROWS, manifest["counts"]
    status = {part["name"]: part["status"] for part in found["parts"]}
    assert {status[part] for part in ("rows", "truth", "judge", "leak", "seen", "near")} == {"passed"}, status
    # What has too few rows or sources to mean something says so; nothing fails.
    assert {status["guess"], status["probe"]} <= {"passed", "not run"}, status
    probed = next(part for part in found["parts"] if part["name"] == "probe")["details"]
    assert all(level for level in probed.values())
    report = tmp_path / "report.html"
    assert ssrl("report", out, "--out", report).returncode == 0
    shown = report.read_text().partition("Shortcut probe")[2].partition("</table>")[0]
    assert shown.count("<tr>") == 1 + len(probed)
