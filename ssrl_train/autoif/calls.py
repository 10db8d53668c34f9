"""Every call of a model as a file, so that a run goes on, or is done again, without asking anything twice.

    calls/3f/3fa9....json    {"model", "parameters", "prompt", "k", "output"}

A call's name is the BLAKE2b of all but the output; `k` tells repeated calls of one prompt apart. Where a model is
reached, and with which key, is no part of it.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from ssrl_data.build.commit import replace_json
from ssrl_data.core import Json, SsrlError
from ssrl_data.row import canonical, digest

AHEAD = 4
"""Calls that are prepared for each one under way, so that memory does not grow with their number."""


_KEYS = ("model", "parameters", "prompt", "k", "output")


class Ask(NamedTuple):
    """One call: a prompt, its number among calls of the same prompt, and what it is for, in words for messages."""

    prompt: str
    k: int
    purpose: str


class Calls:
    """The calls of one model with one set of parameters.

    Args:
        folder: where they are kept.
        model: its name.
        parameters: of each call.
        writer: asked for what is not there: prompt, seed, and what it is for, to the output.
        parallel: calls under way at once.
    """

    def __init__(
        self,
        folder: Path,
        model: str,
        parameters: Mapping[str, Any],
        writer: Callable[[Ask, str, int], str],
        parallel: int = 1,
    ) -> None:
        self.folder, self.model, self.parameters = folder, model, dict(parameters)
        self._writer, self._parallel, self._scratch = writer, parallel, folder / ".tmp"
        shutil.rmtree(self._scratch, ignore_errors=True)  # what a killed process was writing
        self.asked = 0
        """Calls that the writer was asked, and not taken from the folder."""
        self._counting = threading.Lock()

    def key(self, ask: Ask) -> str:
        """32 hexadecimal digits that name a call."""
        return call_key(self.model, self.parameters, ask.prompt, ask.k)

    def output(self, ask: Ask) -> str:
        """The output of one call, stored when it was asked for now.

        Raises:
            SsrlError: the stored call is damaged, or the writer gives nothing.
        """
        key = self.key(ask)
        path = self.folder / key[:2] / f"{key}.json"
        if path.is_file():
            return stored(path)
        # Not all of the 64 bits: servers take a signed number of 32.
        output = self._writer(ask, key, int(key[:8], 16) >> 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        call = {"model": self.model, "parameters": self.parameters, "prompt": ask.prompt, "k": ask.k, "output": output}
        self._scratch.mkdir(exist_ok=True)
        replace_json(path, call, self._scratch)
        with self._counting:
            self.asked += 1
        return output

    def outputs(self, asks: Iterable[Ask]) -> Iterator[str]:
        """The outputs of calls, in their order; several are under way at once."""
        pool, whole = ThreadPoolExecutor(self._parallel), True
        window: deque[tuple[str, Future[str]]] = deque()
        try:
            for ask in asks:
                key = self.key(ask)
                # One call that is asked for twice, as checkers with one meaning are judged, is made once.
                same = next((future for other, future in window if other == key), None)
                window.append((key, same or pool.submit(self.output, ask)))
                if len(window) >= AHEAD * self._parallel:
                    yield window.popleft()[1].result()
            while window:
                yield window.popleft()[1].result()
        except KeyboardInterrupt:
            whole = False
            raise
        finally:
            # What has begun ends and is stored, unless a person waits; what has not is left.
            pool.shutdown(wait=whole, cancel_futures=True)


class Recorded:
    """A writer that knows what was said once, and nothing else.

    Args:
        address: a folder of calls, or JSON lines of them.

    Raises:
        SsrlError: there is no such file, or it holds something else.
    """

    def __init__(self, address: str) -> None:
        self.address, path = address, Path(address)
        if path.is_dir():
            self._known: Mapping[str, str] | None = None
        elif path.is_file():
            self._known = dict(_lines(path))
        else:
            raise SsrlError(f"{address}: no recorded calls are there: name a folder `calls` or a file of JSON lines")

    def __call__(self, ask: Ask, key: str, seed: int) -> str:
        """The recorded output.

        Raises:
            SsrlError: there is none.
        """
        if self._known is not None:
            found = self._known.get(key)
        else:
            path = Path(self.address) / key[:2] / f"{key}.json"
            found = stored(path) if path.is_file() else None
        if found is None:
            raise SsrlError(
                f"{self.address} holds no recorded call for {ask.purpose} (call {key}): record it with the model, or "
                "set model, parameters and counts back to those of the recording"
            )
        return found


def call_key(model: str, parameters: Mapping[str, Any], prompt: str, k: int) -> str:
    """32 hexadecimal digits (BLAKE2b) that name a call."""
    return digest(canonical([model, dict(parameters), prompt, k]))


def stored(path: Path) -> str:
    """The output of a stored call.

    Raises:
        SsrlError: the file was changed or damaged.
    """
    try:
        key, output = _read(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError) as error:
        raise SsrlError(f"{path}: is no call that was stored here: remove it, and it is asked again") from error
    if key != path.stem:
        raise SsrlError(f"{path}: was changed after it was stored: remove it, and it is asked again")
    return output


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8", errors="surrogatepass") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield _read(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise SsrlError(f"{path}: line {number} is no recorded call: it wants {', '.join(_KEYS)}") from error


def _read(call: Json) -> tuple[str, str]:
    """The key and the output of a call."""
    if not isinstance(call, dict) or call.keys() != set(_KEYS):
        raise ValueError("no call")
    model, parameters, prompt, k, output = (call[key] for key in _KEYS)
    if not (isinstance(model, str) and isinstance(parameters, dict) and isinstance(prompt, str)):
        raise ValueError("no call")
    if type(k) is not int or not isinstance(output, str):
        raise ValueError("no call")
    return call_key(model, parameters, prompt, k), output
