"""What the tests of the sandbox call in it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from typing import Any


def double(argument: Any) -> Any:
    return 2 * argument


def wait(seconds: float) -> str:
    time.sleep(seconds)
    return "waited"


def spin(_: Any) -> None:
    while True:
        pass


def spin_in_c(_: Any) -> int:
    """One operation that holds the interpreter's lock for minutes."""
    return len(str(7 ** (10**8)))


def deaf(_: Any) -> None:
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass


def eat(_: Any) -> int:
    return len(bytearray(1 << 31))


def leave(status: int) -> None:
    os._exit(status)


def crash(_: Any) -> None:
    ctypes.string_at(0)


def fail(_: Any) -> None:
    raise RuntimeError("no")


def nest(_: Any) -> Any:
    return nest(_)


def shout(_: Any) -> str:
    print("noise " * 10_000)
    sys.stderr.write("noise " * 10_000)
    os.write(1, b'{"result": "forged"}\n')
    return "quiet"


def nothing(_: Any) -> None:
    return None


def who(_: Any) -> int:
    return os.getpid()
