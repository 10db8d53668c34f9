from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ssrl_data.core import SsrlError
from ssrl_data.scores import scores, table


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    path = tmp_path / "data/video/test-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    rows = {
        "id": ["a", "b", "c", "d", "e"],
        "task": ["video/count"] * 3 + ["video/order", "text/prose"],
        "level": ["easy"] * 3 + ["hard", "easy"],
        "chance": [0.25, 0.25, 0.25, 0.5, None],
    }
    pq.write_table(pa.table(rows), path)
    return tmp_path


def said(row: str, score: float | None, exact: bool = False) -> dict[str, object]:
    return {"line": 1, "id": row, "score": score, "exact": exact, "read": None, "reason": ""}


def test_rows_count_once_however_many_responses_they_have(dataset: Path) -> None:
    verdicts = [said("a", 1.0, True), said("a", 0.0), said("b", 1.0, True), said("e", None), {"line": 9, "error": "no"}]
    prose, count, order = scores(dataset, verdicts)
    assert (count.name, count.rows, count.answered) == ("video/count/easy", 3, 2)
    assert (count.score, count.exact, count.chance) == (0.75, 0.75, 0.25)
    assert count.above_chance == pytest.approx(2 / 3)
    assert (order.name, order.answered, order.score, order.above_chance) == ("video/order/hard", 0, None, None)
    assert (prose.answered, prose.chance) == (0, None)
    lines = table([prose, count, order]).splitlines()
    assert lines[2].split() == ["video/count/easy", "3", "2", "0.750", "0.250", "0.667", "0.750"]
    assert len({len(line) for line in lines}) == 1


def test_measures_have_a_line_of_their_own(dataset: Path) -> None:
    near = said("d", 0.2) | {"measures": {"pairs": [0.8, 0.5]}}
    far = said("d", 0.0) | {"measures": {"pairs": [0.4, 0.5]}}
    found = scores(dataset, [near, far, said("a", 0.0)])
    assert found[2].measures["pairs"] == pytest.approx((0.6, 0.5))
    assert found[1].measures == {}
    assert table(found).splitlines()[-1].split() == ["pairs", "0.600", "0.500", "0.200"]


def test_a_blind_guesser_is_at_zero(dataset: Path) -> None:
    verdicts = [said("a", 0.25), said("b", 0.25), said("c", 0.25)]
    assert scores(dataset, verdicts)[1].above_chance == pytest.approx(0)


def test_a_broken_shard_is_named(dataset: Path) -> None:
    next(dataset.rglob("*.parquet")).write_bytes(b"nothing")
    with pytest.raises(SsrlError, match="not a readable shard"):
        scores(dataset, [])
