"""Running checkers in CPython, behind bubblewrap. Off unless the operator names it; see `ssrl_data.programs`.

A run is a process of its own: namespaces without network, other processes or any file but the interpreter's and the
system's libraries, read only; no environment variables; a filter that knows only the system calls of reading, computing
and ending, so that it cannot fork, start threads, open sockets, trace or mount; limits of memory, processor time and
open files; and a deadline. What holds here is the kernel, which is far more than an interpreter made to be a sandbox,
and clock and randomness are real. The standard library alone can be imported. Linux on x86-64.
"""

from __future__ import annotations

import json
import os
import platform
import select
import shutil
import struct
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path

from ssrl_data.core import Json
from ssrl_data.programs import BROKEN, BUBBLEWRAP, CRASH, ERROR, GRACE, MEMORY, NOT_BOOL, OUTPUT, SYNTAX, TIMEOUT

STARTUP = 2.0
"""Seconds for bubblewrap and the interpreter to start, on top of the limit."""

ADDRESSES = 64 << 20
"""Bytes of address space of an interpreter that has done nothing yet; what a run may allocate comes on top."""

_ARCHITECTURE = 0xC000003E
"""AUDIT_ARCH_X86_64."""

_CALLS = (
    *(0, 1, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 25, 28, 32, 35, 39, 59, 60, 61, 63, 72, 79),
    *(89, 96, 97, 99, 102, 104, 107, 108, 131, 158, 160, 186, 202, 217, 218, 228, 229, 230, 231, 257, 262, 267, 273),
    *(302, 318, 332, 334, 439),
)
"""System calls of x86-64 that a run may make: read, write, close, stat, mmap, brk, signals' handlers, ioctl, pread,
readv, writev, access, mremap, madvise, dup, sleep, getpid, execve and wait4 (bubblewrap starts the interpreter, waits),
exit, uname, fcntl, getcwd, readlink, time, limits, sysinfo, who it is, arch_prctl, futex, getdents, clocks, openat,
random bytes, restartable sequences."""

_BOOT = """
import json, resource, sys
source, response, memory, seconds, recursion = json.loads(sys.stdin.buffer.read())
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
    resource.setrlimit(kind, (0, 0))
resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
sys.setrecursionlimit(recursion + 50)
names = {"__name__": "checker"}
try:
    exec(compile(source, "checker", "exec"), names)
    said = names["evaluate"](response)
    said = [said, ""] if said is True or said is False else [None, "not a bool"]
except MemoryError:
    said = [None, "memory"]
except SyntaxError:
    said = [None, "syntax"]
except BaseException:
    said = [None, "error"]
sys.__stdout__.write("\\n" + json.dumps(said))
sys.__stdout__.flush()
"""


def fault() -> str:
    """Why this engine cannot run here, in one sentence; empty where it can."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return f"the engine {BUBBLEWRAP} filters the system calls of Linux on x86-64 alone: use pydantic-monty here"
    program = shutil.which("bwrap")
    if program is None:
        return f"the engine {BUBBLEWRAP} needs the program bwrap: install your system's package bubblewrap"
    if not _works(program):
        return f"the engine {BUBBLEWRAP} cannot run: the kernel refuses {program} namespaces of its own; allow them"
    return ""


@lru_cache(maxsize=1)
def _works(program: str) -> bool:
    limits = {"seconds": 5.0, "memory": 64 << 20, "recursion": 100, "output": 100}
    return _run(program, "def evaluate(response): return True", "", limits) == (True, "")


@lru_cache(maxsize=1)
def version(program: str) -> str:
    """Those of bubblewrap and of Python: `0.8.0-3.11.7`."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
    return f"{said.split()[-1]}-{platform.python_version()}"


def judge(request: Json) -> Json:
    """The outcome of each run asked for, `[accepted or None, reason]`; the request is that of the other engine."""
    program = shutil.which("bwrap")
    if program is None:
        return [[None, BROKEN]] * len(request["runs"])
    sources, responses, limits = request["sources"], request["responses"], request["limits"]
    return [_run(program, sources[i], responses[j], limits) for i, j in request["runs"]]


def _command(program: str, filter_at: int) -> list[str]:
    folders = dict.fromkeys(["/usr/lib", "/usr/lib64", sys.base_prefix])
    shown = [part for folder in folders if Path(folder).exists() for part in ("--ro-bind", folder, folder)]
    for name in ("lib", "lib64"):
        if Path("/", name).is_symlink():
            shown += ["--symlink", f"usr/{name}", f"/{name}"]
        elif Path("/", name).exists():
            shown += ["--ro-bind", f"/{name}", f"/{name}"]
    return [
        *(program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"),
        *("--setenv", "PYTHONHASHSEED", "0", *shown, "--remount-ro", "/", "--seccomp", str(filter_at)),
        *("--", os.path.realpath(sys.executable), "-P", "-S", "-s", "-B", "-c", _BOOT),
    ]


def _filter() -> bytes:
    """The program of the kernel's filter: any other architecture ends the process, any other call is not permitted."""
    load, equal, give = 0x20, 0x15, 0x06
    most = len(_CALLS)
    lines = [(load, 0, 0, 4), (equal, 1, 0, _ARCHITECTURE), (give, 0, 0, 0), (load, 0, 0, 0)]
    lines += [(equal, most - n, 0, number) for n, number in enumerate(_CALLS)]
    lines += [(give, 0, 0, 0x00050001), (give, 0, 0, 0x7FFF0000)]  # EPERM; allowed
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def _run(program: str, source: str, response: str, limits: dict[str, Json]) -> tuple[bool | None, str]:
    into, out = os.pipe()
    os.write(out, _filter())
    os.close(out)
    seconds = int(limits["seconds"]) + 2
    asked = [source, response, limits["memory"] + ADDRESSES, seconds, limits["recursion"]]
    until = time.monotonic() + limits["seconds"] + GRACE + STARTUP
    process = subprocess.Popen(
        _command(program, into),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[into],
        env={},
    )
    os.close(into)
    try:
        said = _exchange(process, json.dumps(asked).encode(), limits["output"] + 100, until)
    except TimeoutError:
        return None, TIMEOUT
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
    if said is None:
        return None, OUTPUT
    try:
        accepted, reason = json.loads(said.rpartition(b"\n")[2])
    except (ValueError, RecursionError, TypeError):
        return None, CRASH
    known = accepted is None and reason in (MEMORY, SYNTAX, ERROR, NOT_BOOL)
    return (accepted, reason) if known or (isinstance(accepted, bool) and reason == "") else (None, CRASH)


def _exchange(process: subprocess.Popen[bytes], request: bytes, most: int, until: float) -> bytes | None:
    """What the process says up to its end; None where that is more than it may."""
    into, out = process.stdin, process.stdout
    if into is None or out is None:
        raise RuntimeError("a process was started without pipes")
    os.set_blocking(into.fileno(), False)
    waiting = select.poll()
    waiting.register(into, select.POLLOUT)
    waiting.register(out, select.POLLIN | select.POLLHUP)
    said = b""
    while len(said) <= most:
        left = until - time.monotonic()
        ready = dict(waiting.poll(1000 * left)) if left > 0 else {}
        if not ready:
            raise TimeoutError
        if request and into.fileno() in ready:
            try:
                request = request[os.write(into.fileno(), request) :]
            except BrokenPipeError:
                request = b""
            if not request:
                waiting.unregister(into)
                into.close()
        if out.fileno() in ready:
            piece = os.read(out.fileno(), 1 << 16)
            if not piece:
                return said
            said += piece
    return None
