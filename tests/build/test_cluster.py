"""A cluster of real nodes of Ray makes the same bytes, also when one of them is killed at work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from command import published, ssrl

from ssrl_data.build.cluster import on_ray
from ssrl_data.build.run import build
from ssrl_data.core import SsrlError
from ssrl_data.recipe import Recipe, part

ray = pytest.importorskip("ray")

STORE = 80 * 1024**2
"""Bytes of a node's object store: no more than plans and names of sidecars go through it."""


def recipe(photos: Path) -> Recipe:
    parts = (part("image/rotation", ["easy"], {"side": 64}), part("image/tile_anomaly", ["easy"], {"side": 64}))
    return Recipe(parts=parts, sources=(str(photos),), rows=240, shard_rows=10, split={"test": 0.3})


@pytest.fixture(scope="module")
def whole(pieces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cluster") / "whole"
    build(recipe(pieces), out, 2, say=lambda line: None)
    return out


@pytest.fixture
def nodes() -> Iterator[Any]:
    """A head that makes nothing and two nodes of one processor each."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False},
    )
    for _ in range(2):
        cluster.add_node(num_cpus=1, object_store_memory=STORE)
    cluster.wait_for_nodes()
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def below(node: Any) -> list[psutil.Process]:
    """The processes of a node."""
    roots = [one.process.pid for some in node.all_processes.values() for one in some]
    return [child for pid in roots for child in psutil.Process(pid).children(recursive=True)]


def test_a_killed_node_costs_its_shards_alone(pieces: Path, whole: Path, tmp_path: Path, nodes: Any) -> None:
    out, engine = tmp_path / "out", on_ray(None)
    lost = nodes.list_all_nodes()[-1]
    at_work: list[psutil.Process] = []
    made: list[int] = []

    def killing(setting: Any, shards: Any, workers: int) -> Iterator[Any]:
        for news in engine(setting, shards, workers):
            made.append(news.shard)
            if len(made) == 2:
                at_work.extend(below(lost))
                nodes.remove_node(lost, allow_graceful=False)
            yield news

    built = build(recipe(pieces), out, 2, say=lambda line: None, engine=killing)
    assert published(out) == published(whole)
    assert len(at_work) >= 2, "the node had no process of Ray and no worker to lose"
    assert sorted(made) == list(range(len(made))), "every shard once"
    assert len(made) > 12
    assert built.fresh == 240
    deadline = time.monotonic() + 10
    while any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in at_work):
        assert time.monotonic() < deadline, "a worker outlived its node and may write on"
        time.sleep(0.2)


def test_the_command_begins_a_cluster_of_its_own(pieces: Path, whole: Path, tmp_path: Path) -> None:
    out, asked = tmp_path / "out", ("image/rotation", "image/tile_anomaly", "--source", pieces)
    more = ("--rows", "60", "--level", "easy", "-p", "side=64", "--workers", "2")
    assert ssrl("build", *asked, *more, "--out", tmp_path / "local").returncode == 0
    done = ssrl("build", *asked, *more, "--out", out, "--engine", "ray")
    assert done.returncode == 0, done.stderr
    assert published(out) == published(tmp_path / "local")
    assert "already complete" in ssrl("build", *asked, *more, "--out", out).stdout


def test_a_cluster_that_does_not_answer_is_named(pieces: Path, tmp_path: Path) -> None:
    with pytest.raises(SsrlError, match=r"no cluster answers at '127\.0\.0\.1:1': start one with `ray start --head`"):
        build(recipe(pieces), tmp_path / "out", 2, say=lambda line: None, engine=on_ray("127.0.0.1:1"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--engine", "rai"), "--engine rai: did you mean 'ray'"),
        (("--address", "auto"), "--address is of a Ray cluster: add --engine ray"),
    ],
)
def test_a_wrong_option_is_one_sentence(given: tuple[str, ...], said: str, photos: Path, tmp_path: Path) -> None:
    done = ssrl("build", "image/rotation", "--source", photos, "--out", tmp_path / "out", *given)
    assert done.returncode == 2
    assert said in done.stderr
