"""A model behind `POST /v1/chat/completions` on this machine, that says what a function says, and can misbehave."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Model:
    """What it says, what it was asked, and how it fails.

    Attributes:
        say: prompt and seed to reply.
        name: the one model that it knows.
        key: the key that it asks for; None asks for none.
        troubles: what happens to the next calls, one each: a status as `429` or `429 after 0.2`, `slow`, `trickle`,
            `cut`, `junk`, `empty`, `thought`, `elsewhere`, `gone`.
        asked: bodies of the calls that came through to an answer, in order.
        calls: all calls.
        wait: seconds that every answer takes.
    """

    say: Callable[[str, int], str]
    name: str = "scribe"
    key: str | None = None
    troubles: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0
    wait: float = 0.0
    url: str = ""

    def __post_init__(self) -> None:
        self.lock = threading.Lock()

    def next_trouble(self) -> str:
        with self.lock:
            self.calls += 1
            return self.troubles.pop(0) if self.troubles else ""


@contextmanager
def served(model: Model) -> Iterator[str]:
    """The address of the model, up to `/v1`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            trouble = model.next_trouble()
            if self.path != "/v1/chat/completions":
                return self.refuse(404, "no such path")
            given = self.headers["Authorization"]
            if model.key is not None and given != f"Bearer {model.key}":
                return self.refuse(401, f"Incorrect API key provided: {given}")
            if body["model"] != model.name:
                return self.refuse(404, f"The model `{body['model']}` does not exist")
            if trouble[:3].isdigit():
                status, _, after = trouble.partition(" after ")
                return self.refuse(int(status), "busy\x1b[31m", {"Retry-After": after} if after else {})
            if trouble == "elsewhere":
                return self.refuse(307, "moved", {"Location": "http://127.0.0.1:9/v1/chat/completions"})
            if trouble == "gone":
                return self.connection.close()
            time.sleep(model.wait)
            content: str | None = (
                None if trouble == "thought" else model.say(body["messages"][0]["content"], body["seed"])
            )
            reply = {"choices": [{"message": {"role": "assistant", "content": content}}]}
            data = {"junk": b'{"choices": [', "empty": b"{}"}.get(trouble, json.dumps(reply).encode())
            with model.lock:
                if trouble in ("", "thought"):
                    model.asked.append(body)
            return self.send(200, data, {}, trouble)

        def refuse(self, status: int, why: str, headers: dict[str, str] | None = None) -> None:
            self.send(status, json.dumps({"error": {"message": why}}).encode(), headers or {}, "")

        def send(self, status: int, data: bytes, headers: dict[str, str], trouble: str) -> None:
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data) + 10 * (trouble == "cut")))
                self.end_headers()
                if trouble == "slow":
                    time.sleep(3)
                if trouble == "trickle":
                    for byte in data:
                        self.wfile.write(bytes([byte]))
                        time.sleep(0.1)
                self.wfile.write(data)
            except OSError:  # the client has hung up
                pass
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield model.url
    finally:
        server.shutdown()
        server.server_close()
