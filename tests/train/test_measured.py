from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from test_measure import responses, rows_of

from ssrl_train.measure import Measures, contrast, measure
from ssrl_train.measured import JSON, MARKDOWN, PLOT, as_json, bars, markdown, table, write_measures
from ssrl_train.sources import Estimate


def measures(share: float = 0.7, k: int = 4) -> Measures:
    draw = np.random.default_rng(0)
    rows = rows_of(
        [i // 4 for i in range(80)],
        ["image/jigsaw"] * 40 + ["image/rotation"] * 30 + ["text/free"] * 10,
        ["easy"] * 20 + ["hard"] * 20 + ["easy"] * 30 + ["easy"] * 10,
    )
    right: list[list[bool | None]] = (draw.random((70, k)) < share).tolist()
    return measure(rows, responses([*right, *[[None] * k] * 10]))


def test_files_hold_every_figure(tmp_path: Path) -> None:
    found = measures()
    rows = rows_of([i // 4 for i in range(80)])
    plain, blind = responses([[i % 4 > 0] for i in range(80)]), responses([[i % 4 == 0] for i in range(80)])
    write_measures(tmp_path / "new", found, {"blind": contrast(rows, plain, blind)}, "m on test")
    body = json.loads((tmp_path / "new" / JSON).read_text())
    assert body["overall"]["rows"] == 70
    assert body["overall"]["accuracy"]["value"] == found.overall.accuracy.value
    assert body["overall"]["passes"]["4"]["low"] == found.overall.passes[4].low
    assert body["tasks"]["image/jigsaw"]["levels"]["hard"]["sources"] == 5
    assert body["unjudged"] == {"text/free": 10}
    assert body["controls"]["blind"]["difference"]["value"] == 0.5
    text = (tmp_path / "new" / MARKDOWN).read_text()
    assert text.startswith("# m on test\n")
    assert "| image/jigsaw/hard   |   20 |       5 | " in text
    assert str(found.levels["image/jigsaw", "hard"].accuracy) in text
    assert "avg@4 |" in text
    assert "pass@2 |" in text
    assert "Left out, for a response could not be judged: 10 of text/free." in text
    assert "| blind    |   80 |      20 | 0.750 (0.589 to 0.911) | 0.250 " in text
    assert (tmp_path / "new" / PLOT).read_bytes().startswith(b"\x89PNG")


def test_a_greedy_table_speaks_of_accuracy() -> None:
    text = markdown(measures(k=1), {})
    assert " accuracy |" in text.splitlines()[0]
    assert "pass@" not in text
    assert as_json(measures(k=1), {})["controls"] == {}


def test_the_plot_shows_value_interval_and_chance(tmp_path: Path) -> None:
    def columns(colour: tuple[int, int, int], *figures: tuple[str, Estimate, float | None]) -> np.ndarray:
        bars(figures, tmp_path / "plot.png")
        with Image.open(tmp_path / "plot.png") as picture:
            pixels = np.asarray(picture.convert("RGB"), np.int64)[: picture.height // 2]
        return np.flatnonzero((np.abs(pixels - colour).max(axis=2) < 20).any(axis=0))

    blue, red = (31, 119, 180), (214, 39, 40)
    low, high = columns(blue, ("a", Estimate(0.2), None)), columns(blue, ("a", Estimate(0.8), None))
    assert low.max() < high.min()
    wide = columns(blue, ("a", Estimate(0.5, 0.2, 0.8), None))
    assert np.ptp(wide) > 0.9 * (high.mean() - low.mean())
    assert len(columns(red, ("a", Estimate(0.5), None))) == 0
    assert len(columns(red, ("a", Estimate(0.5), 0.25))) > 0


def test_a_table_lines_up() -> None:
    lines = table(["name", "n"], [["a|b", "1"], ["c", "1000"]]).splitlines()
    assert lines == ["| name |    n |", "|:-----|-----:|", r"| a\|b |    1 |", "| c    | 1000 |"]
