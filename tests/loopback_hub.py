"""A read-only Hub on this machine for tests: the routes that listing and reading a dataset use, ranges included."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = re.compile(r"/api/datasets/([^/]+/[^/]+)/(revision|tree)/([^/?]+)/?")
FILE = re.compile(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


class Hub:
    """Datasets by name, each of one or more commits.

    Attributes:
        commits: dataset to commit hash to path to content.
        refs: dataset to branch or tag to commit hash.
        gated: datasets whose files and information are refused.
        sent: bytes of content that were sent, by path.
        deaf: paths of which nothing but the footer is given.
    """

    def __init__(self) -> None:
        self.commits: dict[str, dict[str, dict[str, bytes]]] = {}
        self.refs: dict[str, dict[str, str]] = {}
        self.gated: set[str] = set()
        self.sent: Counter[str] = Counter()
        self.deaf: set[str] = set()
        self.url = ""

    def push(self, repo: str, files: dict[str, bytes], branch: str = "main") -> str:
        """A further commit of these files alone, and the branch at it."""
        content = json.dumps([(path, hashlib.sha1(data).hexdigest()) for path, data in sorted(files.items())])
        commit = hashlib.sha1(content.encode()).hexdigest()
        self.commits.setdefault(repo, {})[commit] = files
        self.refs.setdefault(repo, {})[branch] = commit
        return commit

    def answer(self, url: str, asked: str | None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a URL and a Range header."""
        path = unquote(urlsplit(url).path.replace("%2F", "\0")).replace("\0", "/")
        found = FILE.fullmatch(urlsplit(url).path)
        listed = COMMIT.match(urlsplit(url).path) or re.fullmatch(r"/api/datasets/([^/]+/[^/]+)", path)
        if not found and not listed:
            return 404, {}, b""
        repo = (found or listed)[1]  # type: ignore[index]
        if repo not in self.commits:
            return 401, {"X-Error-Code": "RepoNotFound"}, b""
        if repo in self.gated:
            return 403, {"X-Error-Code": "GatedRepo"}, b""
        revision = unquote(found[2] if found else listed[3] if listed and listed.lastindex == 3 else "main")
        commit = self.refs[repo].get(revision, revision)
        if commit not in self.commits[repo]:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b""
        files = self.commits[repo][commit]
        if found:
            return self._content(unquote(found[3]), files, asked)
        if listed and listed.lastindex == 3 and listed[2] == "tree":
            tree = [
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in files.items()
            ]
            return 200, {"Content-Type": "application/json"}, json.dumps(tree).encode()
        card = re.match(rb"---\nlicense: (.*)\n---", files.get("README.md", b""))
        info = {
            "id": repo,
            "sha": commit,
            "private": False,
            "gated": False,
            "disabled": False,
            "tags": [],
            "downloads": 0,
            "likes": 0,
            "siblings": [{"rfilename": name} for name in files],
            "cardData": {"license": card[1].decode()} if card else None,
        }
        return 200, {"Content-Type": "application/json"}, json.dumps(info).encode()

    def _content(self, name: str, files: dict[str, bytes], asked: str | None) -> tuple[int, dict[str, str], bytes]:
        if name not in files:
            return 404, {"X-Error-Code": "EntryNotFound"}, b""
        data, status = files[name], 200
        headers: dict[str, str] = {}
        if asked:
            start, end = map(int, asked.removeprefix("bytes=").split("-"))
            if name in self.deaf and end < len(data) - 1:
                return 403, {}, b""
            headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            data, status = data[start : end + 1], 206
        self.sent[name] += len(data)
        return status, headers, data


@contextmanager
def served(hub: Hub) -> Iterator[str]:
    """The address at which the hub answers on the loopback, for HF_ENDPOINT."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = hub.answer(self.path, self.headers["Range"])
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
