"""Models that write: any server that speaks OpenAI's chat completions, or a transformers model in this process.

A call that fails in a way that can pass (too many requests, a fault of the server, a reply that is late, cut off or no
JSON) is made again after a pause that doubles, or that the server names, within bounds; any other failure ends the run
with one sentence. What was stored before stays. The key comes from the environment, goes into one header, and is never
stored or shown.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from ssrl_data.core import SsrlError
from ssrl_data.registry import suggest
from ssrl_data.untrusted import visible
from ssrl_train.autoif.calls import Ask, Recorded
from ssrl_train.autoif.config import Writer

PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before the first of a call's repetitions, and the most before any, whatever the server says."""

LARGEST = 8 << 20
"""Bytes of a reply that are read."""

PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Statuses after which a call is made again."""

_GENERATION = {"max_tokens": "max_new_tokens", "temperature": "temperature", "top_p": "top_p", "top_k": "top_k"}
"""Parameters of a local model, and what transformers calls them."""


def writer_of(settings: Writer, say: Callable[[str], None]) -> tuple[Callable[[Ask, str, int], str], int]:
    """What answers a run's calls, and how many at once.

    Raises:
        SsrlError: the recorded calls are not there, or a local model has no such parameter.
    """
    if settings.recorded is not None:
        return Recorded(settings.recorded), 1
    if settings.local is not None:
        return Local(settings.local, settings.parameters), 1
    return Server(settings, say), settings.parallel


class Server:
    """A server that speaks `POST /chat/completions`: vLLM, llama.cpp, Ollama, or one far away.

    Redirections are refused: the key would go where nobody said.

    Args:
        settings: with `server`.
        say: takes a line for each call that is made again.
    """

    def __init__(self, settings: Writer, say: Callable[[str], None]) -> None:
        self.url = f"{(settings.server or '').rstrip('/')}/chat/completions"
        self._settings, self._say = settings, say
        self._opener = urllib.request.build_opener(_NoRedirection)
        self._answered = threading.Event()

    def __call__(self, ask: Ask, key: str, seed: int) -> str:
        """The model's reply to a prompt; empty where it says nothing.

        Raises:
            SsrlError: the key is not in the environment, or the server refuses, cannot be reached, or failed too often.
        """
        secret = self._secret()
        body = {"model": self._settings.name, "messages": [{"role": "user", "content": ask.prompt}], "seed": seed}
        data = json.dumps(body | dict(self._settings.parameters)).encode()
        for attempt in range(self._settings.retries + 1):
            try:
                output = self._once(data, secret)
            except _Passing as passing:
                why, pause = str(passing), passing.pause
            else:
                self._answered.set()
                return output
            if attempt < self._settings.retries:
                pause = min(LONGEST_PAUSE, PAUSE * 2**attempt if pause is None else pause)
                self._say(f"{ask.purpose}: {why}; again in {pause:g} s ({attempt + 1} of {self._settings.retries})")
                time.sleep(pause)
        raise SsrlError(
            f"{self.url} failed {self._settings.retries + 1} times for {ask.purpose}, the last time with: {why}; see "
            "to the server and run the same command again: what was answered is kept"
        )

    def _secret(self) -> str:
        """The key: read when a call is made, since a run whose calls are stored needs none."""
        name = self._settings.key
        if name is None:
            return ""
        secret = os.environ.get(name, "").strip()
        if not secret:
            raise SsrlError(f"the environment variable {name} is not set: `export {name}=...` with the server's key")
        if not (secret.isascii() and secret.isprintable()):
            raise SsrlError(f"the environment variable {name} holds no key: only printable ASCII can be one")
        return secret

    def _once(self, data: bytes, secret: str) -> str:
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "ssrl"}
        if secret:
            headers["Authorization"] = f"Bearer {secret}"
        # The address is http or https: the config refuses any other scheme.
        request = urllib.request.Request(self.url, data, headers, method="POST")  # noqa: S310
        end = time.monotonic() + self._settings.timeout
        try:
            with self._opener.open(request, timeout=self._settings.timeout) as reply:
                text = _whole(reply, end)
        except urllib.error.HTTPError as error:
            raise self._refused(error, secret) from error
        except ssl.SSLError as error:
            raise SsrlError(
                f"{self.url}: no safe connection ({error.reason}): check address and certificate"
            ) from error
        except TimeoutError as error:
            raise _Passing(f"no whole reply in {self._settings.timeout:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise self._unreached(error) from error
        return _content(text)

    def _unreached(self, error: Exception) -> Exception:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return _Passing(f"no whole reply in {self._settings.timeout:g} s")
        if isinstance(reason, ssl.SSLError):
            return SsrlError(f"{self.url}: no safe connection ({reason.reason}): check address and certificate")
        why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        if isinstance(error, urllib.error.URLError) and not self._answered.is_set():
            # Nobody was ever there: waiting for somebody who does not exist helps nobody.
            return SsrlError(
                f"no server answers at {self.url} ({why}): start one there, or mend `server` in the config"
            )
        return _Passing(f"the connection broke ({why})")

    def _refused(self, error: urllib.error.HTTPError, secret: str) -> Exception:
        try:
            said = _message(error.read(LARGEST))
        except (OSError, http.client.HTTPException):
            said = ""
        said = _shown(said or str(error.reason), secret)
        if error.code in PASSING:
            return _Passing(f"status {error.code}: {said}", _seconds(error.headers.get("Retry-After")))
        if error.code in (401, 403):
            name = self._settings.key
            what = f"check the key in {name}" if name else "name the environment variable of its key under `key`"
            return SsrlError(f"{self.url} refuses the key (status {error.code}: {said}): {what}")
        if 300 <= error.code < 400:
            return SsrlError(f"{self.url} sends calls elsewhere (status {error.code}): put that address under `server`")
        if error.code == 404:
            return SsrlError(
                f"{self.url} knows no such path or no model {self._settings.name!r} (status 404: {said}): check "
                "`server` (mostly it ends in /v1) and `model`"
            )
        return SsrlError(f"{self.url} refuses the call (status {error.code}: {said}): check `model` and `parameters`")


class Local:
    """A causal language model of transformers, with its chat template; one call at a time, seeded.

    Args:
        model: a folder or hub name; loaded at the first call, so that a run whose calls are stored needs none.
        parameters: `temperature` (0 is greedy), `top_p`, `top_k`, `max_tokens`.

    Raises:
        SsrlError: a parameter is another.
    """

    def __init__(self, model: str, parameters: Any) -> None:
        for name in parameters:
            if name not in _GENERATION:
                raise SsrlError(f"writer: a local model has no parameter {name!r}: {suggest(name, _GENERATION)}")
        self.model = model
        self._parameters = {_GENERATION[name]: value for name, value in parameters.items()}
        if self._parameters.get("temperature") == 0:
            del self._parameters["temperature"]
            self._parameters["do_sample"] = False
        else:
            self._parameters["do_sample"] = True
        self._loaded: tuple[Any, Any] | None = None

    def __call__(self, ask: Ask, key: str, seed: int) -> str:
        """The model's reply to a prompt.

        Raises:
            SsrlError: it does not load, has no chat template, or the prompt does not fit.
        """
        import torch

        model, tokenizer = self._load()
        ids = tokenizer.apply_chat_template(
            [{"role": "user", "content": ask.prompt}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        ).to(model.device)
        length = ids["input_ids"].shape[1]
        limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        wanted = self._parameters.get("max_new_tokens", 4096)
        if limit is not None and length + wanted > limit:
            raise SsrlError(
                f"{self.model}: {ask.purpose} takes {length} tokens and max_tokens is {wanted}, but the model reads "
                f"{limit}: lower `max_tokens`, or take another model"
            )
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(seed)
            out = model.generate(**ids, **{"max_new_tokens": wanted} | self._parameters)
        text: str = tokenizer.decode(out[0, length:], skip_special_tokens=True)
        return text

    def _load(self) -> tuple[Any, Any]:
        if self._loaded is None:
            try:
                from transformers import AutoTokenizer

                from ssrl_train.models import load_model
            except ImportError as missing:
                raise SsrlError('a local writer needs more packages: pip install "ssrl[train]"') from missing
            model = load_model(self.model).eval()
            tokenizer = AutoTokenizer.from_pretrained(self.model)
            if not tokenizer.chat_template:
                raise SsrlError(
                    f"{self.model} has no chat template: take a model that was tuned to follow instructions"
                )
            self._loaded = model, tokenizer
        return self._loaded


class _Passing(Exception):
    """A failure that can pass, with the pause in seconds that the server asks for."""

    def __init__(self, why: str, pause: float | None = None) -> None:
        super().__init__(why)
        self.pause = pause


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow nothing; the redirection is then an error with its status."""


def _whole(reply: Any, end: float) -> bytes:
    """The body of a reply, all of it before `end`: a server that sends a byte now and then would else never end."""
    parts, size = [], 0
    while part := reply.read1(1 << 16):
        parts.append(part)
        size += len(part)
        if size > LARGEST:
            raise _Passing(f"a reply of more than {LARGEST >> 20} MiB")
        if time.monotonic() > end:
            raise TimeoutError
    if reply.length:
        raise _Passing("the reply was cut off")
    return b"".join(parts)


def _content(data: bytes) -> str:
    """What the first choice of a reply says."""
    try:
        message = json.loads(data)["choices"][0]["message"]
        content = message["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise _Passing("a reply that is no chat completion") from error
    if content is None:  # a model that only thought, or was cut off while it did
        return ""
    if not isinstance(content, str):
        raise _Passing("a reply that is no chat completion")
    # JSON can spell halves of characters, which no file and no table holds.
    return content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _message(data: bytes) -> str:
    """What a server says of an error: OpenAI's form, FastAPI's, or its text."""
    try:
        found = json.loads(data)
        found = found.get("error", found.get("detail", found))
        found = found.get("message", found) if isinstance(found, dict) else found
        return found if isinstance(found, str) else json.dumps(found)
    except (ValueError, AttributeError, RecursionError):
        return data[:1000].decode("utf-8", "replace")


def _shown(said: str, secret: str) -> str:
    """What a server said, short, on one line, and without the key."""
    if secret:
        said = said.replace(secret, "***")
    return visible(" ".join(said.split()))[:200]


def _seconds(header: str | None) -> float | None:
    """The pause that `Retry-After` asks for, where it is a number of seconds."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
