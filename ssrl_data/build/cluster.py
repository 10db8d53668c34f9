"""The cluster engine: a shard is a task of Ray, and whoever makes it does so as on one machine.

A process of Ray keeps one worker of `local` and gives it its shards: what a damaged record does to its decoder, and how
a shard is committed, is decided there and nowhere else. What goes through Ray is a shard's plan on the way out and the
name of its sidecar on the way back; rows are written to the build's folder, which every node must see under one path.
A node that dies costs the shards it was making, which Ray gives to another one. Bytes do not depend on any of this.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ssrl_data.build.local import Engine, Pool, Progress, Setting, sidecar
from ssrl_data.build.plan import Shard
from ssrl_data.core import SsrlError

AHEAD = 2
"""Shards handed to Ray for each one that it can make at a time: one at work, one that waits."""

KNOCK = 5.0
"""Seconds in which a cluster must answer."""

RETRIES = 5
"""How often a shard may lose the node that makes it."""


def on_ray(address: str | None) -> Engine:
    """The engine of a cluster.

    Args:
        address: of a running cluster, like `auto` or `ray://head:10001`; None starts one on this machine.

    Raises:
        SsrlError: Ray is not installed.
    """
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise SsrlError('--engine ray needs Ray, which is not installed: pip install "ssrl[ray]"') from error
    return partial(_run, address)


def _run(address: str | None, setting: Setting, shards: Sequence[Shard], workers: int) -> Iterator[Progress]:
    """Make shards on a cluster; yields news as each one is done.

    Args:
        address: see `on_ray`.
        setting: of the build.
        shards: to make.
        workers: processors of a cluster that is started here; of a running one all are used.

    Raises:
        SsrlError: as `local.run`, or the cluster cannot be reached or lost a shard's node again and again.
    """
    ray: Any = importlib.import_module("ray")
    begun = not ray.is_initialized()
    if begun:
        _reach(address)
        own: dict[str, Any] = {"num_cpus": workers, "include_dashboard": False} if address is None else {}
        try:
            ray.init(address or "local", log_to_driver=False, logging_level="ERROR", **own)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise SsrlError(
                f"no cluster answers at {address!r}: start one with `ray start --head` ({error})"
            ) from error
    try:
        task, told = ray.remote(max_retries=RETRIES, num_cpus=1)(_make), ray.put(setting)
        waiting, running = list(range(len(shards)))[::-1], dict[Any, int]()
        while waiting or running:
            room = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
            while waiting and len(running) < room:
                number = waiting.pop()
                running[task.remote(told, shards[number])] = number
            ready, _ = ray.wait(list(running), timeout=1.0)
            for reference in ready:
                number = running.pop(reference)
                _hear(ray, reference, shards[number])
                side = json.loads(sidecar(setting.state, shards[number]).read_text("utf-8", errors="surrogatepass"))
                yield Progress(number, side["rows"], side)
    finally:
        if begun:
            ray.shutdown()


def _reach(address: str | None) -> None:
    """Knock where an address names host and port: Ray itself would go on knocking for minutes.

    Raises:
        SsrlError: nobody answers.
    """
    host, colon, port = (address or "").rpartition("://")[2].rpartition(":")
    if not colon or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=KNOCK).close()
    except OSError as error:
        raise _unanswered(address, error) from error


def _unanswered(address: str | None, error: Exception) -> SsrlError:
    return SsrlError(f"no cluster answers at {address!r}: start one with `ray start --head` ({error})")


def _hear(ray: Any, reference: Any, shard: Shard) -> None:
    """What a task said.

    Raises:
        SsrlError: what it met, or that it was lost.
    """
    try:
        fault = ray.get(reference)
    except ray.exceptions.RayError as error:
        raise SsrlError(
            f"the cluster lost {shard.name} {RETRIES + 1} times ({type(error).__name__}): look at its nodes, then run "
            "the same command again; finished shards are kept"
        ) from error
    if fault:
        raise SsrlError(fault)


_pools: dict[str, Pool] = {}
"""The one worker of this process of Ray, by the build that it works for."""


def _make(setting: Setting, shard: Shard) -> str:
    """Make one shard, in a process of Ray; a sentence where it cannot be made, which no other try would cure."""
    if not setting.state.is_dir():
        return f"{setting.state} is not there on node {os.uname().nodename}: choose an --out that every node sees"
    key = str(setting.scratch)
    if key not in _pools:
        _close()
        _pools[key] = Pool(setting, 1)
    try:
        for _ in _pools[key].make([shard]):
            pass
    except SsrlError as error:
        _close()
        return str(error)
    return ""


def _close() -> None:
    """An earlier build's worker is of no use."""
    for pool in _pools.values():
        pool.close()
    _pools.clear()
