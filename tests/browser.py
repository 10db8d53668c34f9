"""Pages in a real Chromium without a window, driven over a pipe by its DevTools protocol: no package, no port.

with chromium(tmp_path) as browser:
    page = browser.open(file, width=390)
    assert page.complaints == []
    assert page.evaluate("document.querySelectorAll('svg').length") > 0
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass
class Page:
    """An open page.

    Attributes:
        complaints: what the browser wrote on its console, and exceptions.
        requests: addresses that the page asked for, its own first.
    """

    browser: Browser
    session: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.browser.call("Runtime.evaluate", self.session, expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            options = {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code}
            self.browser.call("Input.dispatchKeyEvent", self.session, **options, **({"text": text} if text else {}))

    def shoot(self, file: Path) -> None:
        """Write the whole page as a picture."""
        found = self.browser.call("Page.captureScreenshot", self.session, captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(found["data"]))


class Browser:
    """A running browser."""

    def __init__(self, to: int, back: int) -> None:
        self.to, self.back = to, back
        self.last, self.rest = 0, b""
        self.pages: dict[str, Page] = {}
        self.events: list[tuple[str | None, str]] = []

    def open(self, file: Path, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        """Open a page of a width in pixels and wait until all of it is there."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable", session)
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", session, **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", session, features=scheme)
        self.call("Page.navigate", session, url=file.resolve().as_uri())
        while (session, "Page.loadEventFired") not in self.events:
            self._take()
        return page

    def call(self, method: str, session: str | None = None, **options: Any) -> dict[str, Any]:
        """Ask something and wait for the answer."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": options}
        os.write(self.to, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        while True:
            found = self._take()
            if found.get("id") == self.last:
                assert "error" not in found, (method, found)
                return dict(found["result"])

    def _take(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            more = os.read(self.back, 1 << 16)
            assert more, "the browser ended"
            self.rest += more
        text, _, self.rest = self.rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        session, method, told = message.get("sessionId"), message["method"], message["params"]
        self.events.append((session, method))
        page = self.pages.get(session or "")
        if page is None:
            return
        if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            page.complaints.append(json.dumps(told)[:500])
        elif method == "Network.requestWillBeSent":
            page.requests.append(told["request"]["url"])


def _high(end: int) -> int:
    moved = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(end)
    return moved


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in a folder; the test is skipped where there is no Chromium."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("this machine has no Chromium")
    # What the browser reads is its descriptor 3, what it writes its descriptor 4; ours lie out of their way.
    theirs_in, to = map(_high, os.pipe())
    back, theirs_out = map(_high, os.pipe())
    quiet = os.open(os.devnull, os.O_RDWR)
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--hide-scrollbars"]
    options += ["--no-first-run", "--disable-background-networking", f"--user-data-dir={folder / 'profile'}"]
    child = os.posix_spawn(
        program,
        [program, *options],
        os.environ,
        file_actions=[
            (os.POSIX_SPAWN_DUP2, theirs_in, 3),
            (os.POSIX_SPAWN_DUP2, theirs_out, 4),
            (os.POSIX_SPAWN_DUP2, quiet, 2),
        ],
        setpgroup=0,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(to, back)
    finally:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for end in (to, back, quiet):
            os.close(end)
