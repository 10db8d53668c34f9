"""The command `ssrl eval` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command import ssrl
from datasets import Dataset

from ssrl_data.core import SsrlError
from ssrl_data.pass_rates import left_out
from ssrl_train.eval_cli import evaluate
from ssrl_train.format import train_format
from ssrl_train.memo import decoded_once
from ssrl_train.rows import column, load_rows
from ssrl_train.stages import Format
from ssrl_train.tiny import load_processor

pytest_plugins = ("train_rows",)


@pytest.fixture(scope="module")
def model(llava: Path, rows: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that answers in the asked form."""
    folder = tmp_path_factory.mktemp("eval") / "model"
    train_format(str(llava), load_processor(llava), decoded_once(rows), Format(steps=40, batch=16), 0, folder)
    return folder


def test_responses_controls_and_rates_are_kept_and_summed_up(
    model: Path, dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = (model, dataset, "-k", "4", "--max-new-tokens", "4")
    found = ssrl("eval", *asked, "--per-row", "--blind", "--shuffled", "--band", "0.1", "0.9")
    assert found.returncode == 0, found.stderr
    folder = dataset.with_name("dataset.eval") / f"{model.parent.name}-model-test-k4-tokens4"
    held = load_rows(dataset, "test")
    rollouts = pq.read_table(sorted(folder.glob("rollouts-*.parquet")))
    rates = pq.read_table(folder / "rates.parquet").to_pylist()
    assert [line["id"] for line in rates] == sorted(column(held, "id"))
    for line in rates:
        mine = [one for one in rollouts.to_pylist() if one["id"] == line["id"]]
        assert line["n"] == len(mine) == 4
        assert line["pass_rate"] == sum(one["exact"] for one in mine) / 4
        assert line["distinct"] == len({one["response"] for one in mine})
        assert line["keep"] == (0.1 < line["pass_rate"] < 0.9)
        assert not line["needless"]
    blind = pq.read_table(sorted((folder / "blind").glob("rollouts-*.parquet"))).to_pylist()
    right = {id: sum(one["exact"] for one in blind if one["id"] == id) / 4 for id in column(held, "id")}
    assert {line["id"]: line["blind"] for line in rates} == right
    assert left_out(folder / "rates.parquet") == {line["id"] for line in rates if not line["keep"]}

    head, level, *gains, last = found.stdout.splitlines()
    assert head.split() == ["task", "and", "level", "rows", "accuracy", "chance", "constant", "blind", "shuffled"]
    assert level.startswith(f"image/tile_anomaly/easy  {len(held)}")
    mean = sum(line["pass_rate"] for line in rates) / len(rates)
    sources = len(set(column(held, "source_id")))
    assert last.startswith(f"accuracy {mean:.3f}")
    assert last.endswith(f"chance 0.250, {len(held)} rows of {sources} source records")
    assert [line.partition(":")[0] for line in gains] == ["blind", "shuffled"]
    assert f"{len(held)} of {len(held)} rows answered" in found.stderr
    assert f"blind: {len(held)} of {len(held)} rows answered" in found.stderr

    measured = json.loads((folder / "measures.json").read_text())
    assert measured["overall"]["accuracy"]["value"] == pytest.approx(mean)
    assert set(measured["controls"]) == {"blind", "shuffled"}
    assert (folder / "measures.png").read_bytes().startswith(b"\x89PNG")
    (constant,) = json.loads((folder / "controls.json").read_text())["constants"]
    assert f"  {constant['accuracy']:.3f}  " in level
    assert constant["rows"] == len(held)

    # Asked again, nothing is answered again, and the controls of before stay in the table.
    evaluate(str(model), dataset, k=4, max_new_tokens=4, per_row=True, band=(0.1, 0.9))
    said = capsys.readouterr()
    assert said.out == found.stdout
    assert "rows answered" not in said.err
    assert pq.read_table(folder / "rates.parquet").to_pylist() == rates


def test_evaluations_that_differ_lie_apart_unless_one_folder_is_named_for_both(
    model: Path, dataset: Path, tmp_path: Path
) -> None:
    for options in ({}, {"rows": 4}, {"rows": 4, "seed": 3}, {"rows": 4, "k": 2, "temperature": 0.5, "batch": 2}):
        evaluate(str(model), dataset, max_new_tokens=4, **options)  # type: ignore[arg-type]
    name = f"{model.parent.name}-model-test"
    places = {path.name for path in dataset.with_name("dataset.eval").iterdir()}
    assert places >= {
        f"{name}-tokens4",
        f"{name}-rows4-tokens4",
        f"{name}-rows4-tokens4-seed3",
        f"{name}-rows4-k2-t0.5-tokens4-batch2",
    }
    evaluate(str(model), dataset, max_new_tokens=4, rows=4, out=tmp_path / "out")
    with pytest.raises(SsrlError, match="holds another evaluation: max_new_tokens 4 there, 5 now"):
        evaluate(str(model), dataset, max_new_tokens=5, rows=4, out=tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 2, "temperature": 0.0}, "k is 2 at temperature 0"),
        ({"temperature": -1.0}, "temperature is -1: it must be at least 0"),
        ({"band": (0.9, 0.1)}, "the band 0.9 to 0.1 is empty"),
        ({"split": "dev"}, "no split 'dev'"),
        ({"engine": "vlm"}, "no engine is called 'vlm'"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_answered(
    options: dict[str, object], message: str, model: Path, dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(SsrlError, match=message):
        evaluate(str(model), dataset, out=tmp_path / "out", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()
