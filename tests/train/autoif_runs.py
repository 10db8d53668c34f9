"""Runs of `ssrl autoif` that tests look at: configs, and one that was written by a scripted author behind a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_model import Model, served
from made_autoif import QUERIES, SEEDS, author

from ssrl_data.core import SsrlError
from ssrl_train.autoif.cli import autoif

CONFIG = """
seeds: seeds.txt
writer: {{{writer}, model: scribe, parameters: {{temperature: 0.8}}, parallel: 2}}
expand: {{calls: 1}}
write: {{outputs: 6}}
attach: {{queries: queries.txt, queries_each: 4}}
rl: {{rows: 12, split: {{test: 0.4}}, levels: [easy]}}
answer: {{answers: 8}}
"""


def write_config(folder: Path, writer: str, name: str = "autoif.yaml", more: str = "") -> Path:
    """A config and the files that it names."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "seeds.txt").write_text("# ours\n" + "".join(f"{text}\n" for text in SEEDS))
    (folder / "queries.txt").write_text(
        "".join(f"{text}\n" for text in (*QUERIES, "too short", "word " * 99, QUERIES[0]))
    )
    path = folder / name
    path.write_text(CONFIG.format(writer=writer) + more)
    return path


def run(config: Path, out: Path, step: str | None = None, workers: int = 1) -> None:
    """The command in this process."""
    autoif(config, out, step, False, workers)


@pytest.fixture
def scribe() -> Iterator[Model]:
    """The author behind a server of this machine."""
    model = Model(author)
    with served(model):
        yield model


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The working folder of a whole run; its server is gone."""
    folder = tmp_path_factory.mktemp("autoif")
    model = Model(author)
    with served(model) as url:
        run(write_config(folder, f"server: '{url}'"), folder / "out")
    return folder / "out"


def refusal(config: Path, out: Path, step: str | None = None) -> str:
    """What the command says when it cannot do what is asked."""
    with pytest.raises(SsrlError) as found:
        run(config, out, step)
    return str(found.value)
