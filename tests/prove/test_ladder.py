"""Five thousand rungs over real documents: all sound, and every witness counted again by other means."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import corpora
import pyarrow.parquet as pq
import pytest
from command import ssrl
from recounted import recounted

ROWS, ASKED = 5000, 5400
"""Rows that must be made, and rows asked for: a ladder of the hardest level is not always found."""

PARTS = {"rows", "truth", "judge", "guess", "leak", "seen", "near"}


@pytest.mark.prove
def test_ladder(tmp_path: Path) -> None:
    documents, table, out = tmp_path / "documents", tmp_path / "curated.parquet", tmp_path / "out"
    corpora.documents(documents)
    curated = ssrl("curate", documents, "--out", table)
    assert curated.returncode == 0, curated.stderr
    built = ssrl(
        *("build", "instruction/constraints", "--source", documents, "--curated", table, "--out", out),
        *("--rows", str(ASKED), "--split", "test=0.1"),
    )
    assert built.returncode == 0, built.stderr
    print(built.stderr[-3000:])
    checked = ssrl("check", out)
    print(checked.stdout[:6000])
    assert checked.returncode == 0, checked.stdout[-3000:]
    parts = {part["name"]: part for part in json.loads((out / "check.json").read_text())["parts"]}
    assert {parts[name]["status"] for name in PARTS} == {"passed"}, parts
    rows = [row for path in sorted(out.glob("data/instruction/*.parquet")) for row in pq.read_table(path).to_pylist()]
    assert len(rows) >= ROWS
    kinds, wrong = Counter[str](), []
    sets = defaultdict(list)
    for row in rows:
        value, meta = json.loads(row["answer"])["value"], json.loads(row["meta"])
        sets[row["set_id"]].append((meta["make"]["rung"], value["constraints"], row["prompt"][0]["content"]))
        for told in (*value["ground"], *value["constraints"]):
            kinds[told["id"]] += 1
            if not recounted(value["answer"], told):
                wrong.append((told, value["answer"]))
    print(kinds.most_common())
    assert wrong == []
    assert len(kinds) > 100
    for rungs in sets.values():
        rungs.sort(key=lambda rung: rung[0])
        asked = [constraints for _, constraints, _ in rungs]
        assert all(more[: len(less)] == less and len(more) > len(less) for less, more in pairwise(asked))
        assert len({prompt.partition("</passage>")[0] for _, _, prompt in rungs}) == 1
    assert Counter(len(rungs) for rungs in sets.values()).keys() == {3, 4, 6}
