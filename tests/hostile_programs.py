"""Checkers and responses that try to get out, to take all there is, or to be judged otherwise than others are."""

from __future__ import annotations

import atexit
import base64
import pickle
import shutil
import tempfile

SECRET = "canary-7f3a9c51e2"
"""Planted in the environment, in a file and in a global of the process that asks for runs; no run may see it."""

# A folder of this process alone: the tests of two engines may run beside each other.
FOLDER = tempfile.mkdtemp(prefix="ssrl-hostile-")
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
FILE, ESCAPED = f"{FOLDER}/secret.txt", f"{FOLDER}/escaped"
"""Where the secret lies, and what no run may make."""


def says(expression: str, before: str = "") -> str:
    """A checker that raises what it found, so that a test could read it, and accepts where the secret is in it."""
    return f"{before}\ndef evaluate(response):\n    found = str({expression})\n    return {SECRET[:6]!r} in found\n"


def does(*lines: str, before: str = "") -> str:
    """A checker that accepts once it has done what it must not be able to do."""
    body = "\n".join(f"    {line}" for line in lines)
    return f"{before}\ndef evaluate(response):\n{body}\n    return True\n"


# Every one of these accepts only where it got what it wanted.
ESCAPES = {
    "open a file": says(f"open({FILE!r}).read()"),
    "open by path": says(f"Path({FILE!r}).read_text()", "from pathlib import Path"),
    "open as bytes": says(f"open({FILE!r}, 'rb').read()"),
    "open a descriptor": says("open(0).read()"),
    "open by os": says(f"os.read(os.open({FILE!r}, 0), 100)", "import os"),
    "open by io": says(f"io.open({FILE!r}).read()", "import io"),
    "open while it is read": f"found = open({FILE!r}).read()\ndef evaluate(response):\n    return True\n",
    "list a folder": does("os.listdir('/')", before="import os"),
    "walk the root": does("list(Path('/').iterdir())", before="from pathlib import Path"),
    "climb out of the folder": says(f"open('../../../../../..{FILE}').read()"),
    "environment of the parent": says("open('/proc/self/environ').read()"),
    "memory of the process": does("open('/proc/self/mem', 'rb').read(1)"),
    "standard input": does("open('/dev/stdin').read(1)"),
    "write a file": does(f"open({ESCAPED!r}, 'w').write('x')"),
    "write by path": does(f"Path({ESCAPED!r}).write_text('x')", before="from pathlib import Path"),
    "make a folder": does(f"os.mkdir({ESCAPED!r})", before="import os"),
    "remove a file": does(f"os.remove({FILE!r})", before="import os"),
    "temporary file": does("tempfile.mkstemp()", before="import tempfile"),
    "whole environment": says("dict(os.environ)", "import os"),
    "one variable": says("os.environ['SSRL_PLANTED']", "import os"),
    "getenv": says("os.getenv('SSRL_PLANTED')", "import os"),
    "set a variable": does("os.environ['PATH'] = ''", before="import os"),
    "socket": does("socket.socket()", before="import socket"),
    "connect": does("socket.create_connection(('127.0.0.1', 80), 1)", before="import socket"),
    "fetch": does("urllib.request.urlopen('http://127.0.0.1/')", before="import urllib.request"),
    "http client": does("http.client.HTTPConnection('127.0.0.1').connect()", before="import http.client"),
    "name service": does("socket.gethostbyname('localhost')", before="import socket"),
    "shell": does("os.system('id')", before="import os"),
    "popen": does("os.popen('id').read()", before="import os"),
    "subprocess": does("subprocess.run(['id'])", before="import subprocess"),
    "spawn": does("os.posix_spawn('/bin/id', ['id'], {})", before="import os"),
    "exec a program": does("os.execv('/bin/id', ['id'])", before="import os"),
    "fork": does("os.fork()", before="import os"),
    "fork bomb": does("while True:", "    os.fork()", before="import os"),
    "multiprocessing": does("multiprocessing.Process(target=print).start()", before="import multiprocessing"),
    "thread": does("threading.Thread(target=print).start()", before="import threading"),
    "thread pool": does(
        "list(ThreadPoolExecutor(2).map(print, [1]))", before="from concurrent.futures import ThreadPoolExecutor"
    ),
    "kill the parent": does("os.kill(os.getppid(), 9)", before="import os"),
    "who is asked": does("os.getpid()", before="import os"),
    "signal": does("signal.alarm(0)", before="import signal"),
    "C library": does("ctypes.CDLL(None)", before="import ctypes"),
    "null pointer": does("ctypes.string_at(0)", before="import ctypes"),
    "mmap": does("mmap.mmap(-1, 10)", before="import mmap"),
    "garbage collector": says("gc.get_objects()", "import gc"),
    "frames": says("sys._getframe().f_back.f_globals", "import sys"),
    "frames of inspect": says("inspect.stack()[-1].frame.f_globals", "import inspect"),
    "frames of an error": "def evaluate(response):\n    try:\n        1 / 0\n    except Exception as error:\n"
    "        return 'host' in str(error.__traceback__.tb_frame.f_back.f_globals)\n",
    "main module": says("sys.modules['__main__'].__dict__", "import sys"),
    "import main": says("__main__.SECRET", "import __main__"),
    "import the host": says("hostile_programs.SECRET", "import hostile_programs"),
    "import ssrl": does("ssrl_data.programs.run('', '')", before="import ssrl_data.programs"),
    "import by name": does("__import__('os').system('id')"),
    "importlib": does("importlib.import_module('os').system('id')", before="import importlib"),
    "import from a path": does("sys.path.insert(0, '/tmp')", "import escaped", before="import sys"),
    "import the builtins": does("builtins.open('/etc/passwd')", before="import builtins"),
    "subclasses": says("().__class__.__bases__[0].__subclasses__()") + "    # object and all that derives of it\n",
    "classes by their order": does("().__class__.__mro__[-1].__subclasses__()"),
    "globals of a function": does("evaluate.__globals__['__builtins__']"),
    "code of a function": does("evaluate.__code__ = (lambda: 0).__code__"),
    "closure": does("(lambda: response).__closure__[0].cell_contents.__class__.__mro__[-1].__subclasses__()"),
    "builtins of a method": does("print.__self__.open('/etc/passwd')"),
    "loader": does("__loader__.load_module('os').system('id')"),
    "spec": does("__spec__.loader.get_data('/etc/passwd')"),
    "format walks to the globals": says("'{0.__init__.__globals__}'.format(ValueError())"),
    "format walks to the class": does("assert '{0.__class__.__mro__}'.format('') != ''"),
    "percent format": says("'%(a.__class__)s' % {'a': 1}"),
    "attrgetter": does("operator.attrgetter('__class__.__mro__')(1)[-1].__subclasses__()", before="import operator"),
    "getattr by parts": does("getattr(getattr((), '__cl' + 'ass__'), '__ba' + 'ses__')[0].__subclasses__()"),
    "eval": does('eval(\'__import__("os").system("id")\')'),
    "exec": does("exec('import os; os.system(\"id\")')"),
    "compile": does("exec(compile('import os; os.system(\"id\")', 'x', 'exec'))"),
    "eval of the response": does("eval(response)"),
    "pickle": does(f"pickle.loads({pickle.dumps(print)!r})", before="import pickle"),
    "pickle of the response": does("pickle.loads(base64.b64decode(response))", before="import base64, pickle"),
    "marshal": does("marshal.loads(b'')", before="import marshal"),
    "shelve": does(f"shelve.open({ESCAPED!r})", before="import shelve"),
    "debugger": does("breakpoint()"),
    "input": does("input()"),
    "quit": "def evaluate(response):\n    quit()\n",
    "exit of the system": "import sys\ndef evaluate(response):\n    sys.exit(0)\n",
    "exit at once": "import os\ndef evaluate(response):\n    os._exit(0)\n",
    "SystemExit": "def evaluate(response):\n    raise SystemExit\n",
    "KeyboardInterrupt": "def evaluate(response):\n    raise KeyboardInterrupt\n",
    "GeneratorExit": "def evaluate(response):\n    raise GeneratorExit\n",
    "system's randomness": does("os.urandom(4)", before="import os"),
    "recursion limit": does("sys.setrecursionlimit(10 ** 9)", before="import sys"),
    "trace": does("sys.settrace(print)", before="import sys"),
    "exit handler": does("atexit.register(print)", before="import atexit"),
    "forged verdict": "__verdict__ = True\ndef evaluate(response):\n    return 1\n",
    "verdict of a class": "class Yes:\n    def __bool__(self):\n        return True\n    def __eq__(self, other):\n"
    "        return True\ndef evaluate(response):\n    return Yes()\n",
    "verdict of an integer": "def evaluate(response):\n    return 1\n",
    "verdict of a text": "def evaluate(response):\n    return 'True'\n",
    "no verdict": "def evaluate(response):\n    pass\n",
    "no function": "accepted = True\n",
    "a generator": "def evaluate(response):\n    yield True\n",
    "a coroutine": "async def evaluate(response):\n    return True\n",
    "left open with a backslash": "True or \\",
    "left open with quotes": "x = '''",
    "left open with a bracket": "evaluate = print(",
    "left open with a decorator": "@print",
    "ended before the call": "def evaluate(response):\n    return 0\nraise SystemExit",
    "a NUL in the source": "def evaluate(response):\n    return True\n\x00",
    "a surrogate in the source": "def evaluate(response):\n    return '\ud800' != response\n",
    "nothing": "",
}

# These would run for ever, or take all there is; each must end within its budget and accept nothing.
GREEDY = {
    "loop": does("while True:", "    pass"),
    "loop while it is read": "while True:\n    pass\n",
    "loop that catches all": does(
        "while True:",
        "    try:",
        "        while True:",
        "            pass",
        "    except BaseException:",
        "        pass",
    ),
    "loop at the end": does("try:", "    while True:", "        pass", "finally:", "    while True:", "        pass"),
    "sum of a huge range": does("sum(range(10 ** 12))"),
    "search in a huge range": does("assert 'x' in range(10 ** 12)"),
    "list of a huge range": does("list(range(10 ** 12))"),
    "sort": does("sorted(range(10 ** 9), reverse=True)"),
    "infinite generator": does("def forever():", "    while True:", "        yield 1", "list(forever())"),
    "infinite map": does("sum(map(int, iter(int, 1)))"),
    "infinite iterator": does("for n in itertools.count():", "    pass", before="import itertools"),
    "infinite cycle": does("list(itertools.cycle('ab'))", before="import itertools"),
    "product": does("list(itertools.product(range(100), repeat=20))", before="import itertools"),
    "tower of powers": does("9 ** 9 ** 9"),
    "power with a loop": does("n = 3", "while True:", "    n = n * n"),
    "factorial": does("math.factorial(10 ** 8)", before="import math"),
    "shift": does("1 << (1 << 40)"),
    "digits of a power": does("str(7 ** (10 ** 7))"),
    "digits parsed": does("int('9' * 10 ** 7)"),
    "huge text": does("'x' * (10 ** 10)"),
    "huge text in steps": does("text = 'x'", "while True:", "    text += text"),
    "huge bytes": does("bytes(10 ** 10)"),
    "huge byte array": does("bytearray(10 ** 10)"),
    "huge list": does("[0] * (10 ** 10)"),
    "huge dictionary": does("{n: n for n in range(10 ** 9)}"),
    "many small lists": does("kept = []", "while True:", "    kept.append([])"),
    "many small texts": does("kept = set()", "while True:", "    kept.add(str(len(kept)))"),
    "memory that is caught": does(
        "kept = []",
        "while True:",
        "    try:",
        "        kept.append('x' * 1000)",
        "    except BaseException:",
        "        pass",
    ),
    "padding": does("'x'.ljust(10 ** 10)"),
    "padding by format": does("f'{1:>10000000000}'"),
    "padding by percent": does("'%10000000000d' % 1"),
    "join": does("('x' * 10 ** 6).join(['y'] * 10 ** 6)"),
    "replace": does("('x' * 10 ** 6).replace('x', 'y' * 10 ** 6)"),
    "zip of zips": does("x = []", "for _ in range(10 ** 9):", "    x = [x]"),
    "deep recursion": does("evaluate(response)"),
    "deep recursion by turns": "def other(response):\n    return evaluate(response)\n"
    "def evaluate(response):\n    return other(response)\n",
    "deep recursion of lambdas": does("f = lambda g: g(g)", "f(f)"),
    "deep recursion of a property": "class A:\n    @property\n    def a(self):\n        return self.a\n"
    "def evaluate(response):\n    return A().a\n",
    "deep recursion of a representation": does(
        "x = []", "for _ in range(10 ** 5):", "    x = [x]", "assert len(repr(x)) == 2 * 10 ** 5 + 2"
    ),
    "deep comparison": does("x, y = [], []", "for _ in range(10 ** 5):", "    x, y = [x], [y]", "assert x != y"),
    "deep hash": does("x = ()", "for _ in range(10 ** 5):", "    x = (x,)", "assert hash(x) is None"),
    "deep brackets in the source": "x = " + "[" * 10_000 + "]" * 10_000,
    "deep signs in the source": "x = " + "-" * 30_000 + "1",
    "deep sum in the source": "x = " + "1+" * 16_000 + "1\nwhile True: pass",
    "deep blocks in the source": "".join(" " * n + "if 1:\n" for n in range(240)) + " " * 240 + "pass",
    "exponential pattern": does("assert re.match('(a+)+$', 'a' * 60 + 'b')", before="import re"),
    "exponential alternatives": does("assert re.match('(a|a)*$', 'a' * 60 + 'b')", before="import re"),
    "exponential back reference": does(r"assert re.match(r'(a*)*\1$', 'a' * 60 + 'b')", before="import re"),
    "exponential pattern of the response": does("assert re.match(response, 'a' * 60 + 'b')", before="import re"),
    "repeated pattern": does(
        "re.compile('(((a{1,999}){1,999}){1,999}){1,999}')", "while True: pass", before="import re"
    ),
    "output": does("while True:", "    print('x' * 1000)"),
    "output without line ends": does("while True:", "    print('x', end='')"),
    "output in one piece": does("print('x' * 10 ** 7)"),
    "output of errors": does("while True:", "    print('x', file=sys.stderr)", before="import sys"),
    "sleep in a loop": does("while True:", "    time.sleep(100)", before="import time"),
    "wait for a clock": does(
        "start = time.time()", "while time.time() < start + 60:", "    pass", before="import time"
    ),
    "names that are not there": does(
        "while True:", "    try:", "        missing", "    except NameError:", "        pass"
    ),
    "refused calls": does("while True:", "    try:", "        open('/x')", "    except Exception:", "        pass"),
    "error with a huge message": "def evaluate(response):\n    raise ValueError('x' * 10 ** 7)\n",
    "error after error": does(
        "for _ in range(10 ** 9):",
        "    try:",
        "        raise ValueError('x' * 1000)",
        "    except ValueError as error:",
        "        pass",
    ),
    "chain of errors": does(
        "error = None",
        "while True:",
        "    try:",
        "        raise ValueError from error",
        "    except ValueError as new:",
        "        error = new",
    ),
    "huge verdict": "def evaluate(response):\n    return 'x' * 10 ** 7\n",
    "nested verdict": "def evaluate(response):\n    x = []\n    for _ in range(10 ** 5):\n        x = [x]\n"
    "    return x\n",
    "cyclic verdict": "def evaluate(response):\n    x = []\n    x.append(x)\n    return x\n",
    "class with a slow end": "class A:\n    def __del__(self):\n        while True:\n            pass\n"
    "def evaluate(response):\n    a = A()\n    del a\n    while True:\n        pass\n",
    "class with a slow truth": "class A:\n    def __bool__(self):\n        while True:\n            pass\n"
    "def evaluate(response):\n    return not A()\n",
    "metaclass": "class M(type):\n    def __instancecheck__(cls, other):\n        while True:\n            pass\n"
    "class A(metaclass=M):\n    pass\ndef evaluate(response):\n    return isinstance(1, A)\n",
    "decorator": "def again(f):\n    while True:\n        pass\n@again\ndef evaluate(response):\n    return True\n",
    "subclass of str": "class Text(str):\n    def __eq__(self, other):\n        while True:\n            pass\n"
    "def evaluate(response):\n    return Text('a') == 'a'\n",
    "sorting key": does("sorted([1, 2], key=lambda n: evaluate(response))"),
    "comprehension of comprehensions": does("[[0 for _ in range(10 ** 6)] for _ in range(10 ** 6)]"),
    "matching": does("while True:", "    x = {n: [n] * 100 for n in range(1000)}"),
    "tasks": does(
        "async def more():",
        "    await asyncio.gather(more(), more())",
        "asyncio.run(more())",
        before="import asyncio",
    ),
    "decimal": does("decimal.Decimal(10) ** (10 ** 12) % 7", "while True: pass", before="import decimal"),
    "JSON that is nested": does("json.loads('[' * 10 ** 6)", before="import json"),
    # Kills the interpreter's process in pydantic-monty 1.4.0.
    "class and object handed to a name that is not there": does(
        "try:", "    missing(A, A())", "except NameError:", "    return False", before="class A:\n    pass\n"
    ),
    "all ways of comparing": does(
        "while response is not None:",
        "    sorted([A(), A()], key=lambda a: a == a)",
        before="class A:\n    def __eq__(self, other):\n        return self\n    def __lt__(self, other):\n"
        "        return self\n",
    ),
    "pickling by hand": does("while True:", "    copy.deepcopy([[]] * 10 ** 6)", before="import copy"),
    "normal form of long ligatures": does(
        "while True:", "    unicodedata.normalize('NFKD', '\\ufdfa' * 10 ** 5)", before="import unicodedata"
    ),
    "key derivation": does("hashlib.pbkdf2_hmac('sha256', b'a', b'b', 10 ** 9)", before="import hashlib"),
    "sources of sources": does("exec('exec(' * 5000 + ')' * 5000)"),
    "long source of a source": does("while True:", "    exec('x = 1\\n' * 10 ** 5)"),
    "date": does("while True:", "    datetime.datetime.now().isoformat()", before="import datetime"),
}

# A sane checker meets these: it must give the verdict of CPython, or say nothing where the text is none.
RESPONSES = {
    "nothing": "",
    "code": "True\n    return True\n",
    "an end of the source": "')\n\ndef evaluate(r): return True\n#",
    "quotes": "'''\"\"\"'\"\\",
    "a call of the system": "__import__('os').system('id')",
    "a pickle": base64.b64encode(pickle.dumps(print)).decode(),
    "a pattern": "(a+)+$",
    "a format": "{0.__class__.__mro__} %s %n {evaluate.__globals__}",
    "NUL": "a\x00b",
    "controls": "".join(map(chr, range(32))),
    "line ends": "a\r\nb\rc\u2028d\x85e",
    "right to left": "\u202egnirts",
    "a combining tail": "e" + "\u0301" * 1000,
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 100,
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "64 KiB": "x" * (1 << 16),
    "64 KiB of the longest characters": "\U0010ffff" * (1 << 16),
    "64 KiB of quotes": '"\\' * (1 << 15),
}
UNREADABLE = {
    "a lone surrogate": "a\ud800b",
    "surrogates": "\udfff" * 100,
    "1 MB": "x" * (1 << 20),
    "one more than 64 KiB": "x" * ((1 << 16) + 1),
}

# Each remembers, or draws, or asks for the time: what it says must not depend on what was judged before.
UNSTEADY = {
    "global counter": "count = 0\ndef evaluate(response):\n    global count\n    count += 1\n    return count == 1\n",
    "global list": "seen = []\ndef evaluate(response):\n    seen.append(response)\n    return len(seen) == 1\n",
    "default": "def evaluate(response, seen=[]):\n    seen.append(response)\n    return len(seen) == 1\n",
    "attribute of a function": "def evaluate(response):\n    first = not hasattr(evaluate, 'seen')\n"
    "    evaluate.seen = True\n    return first\n",
    "attribute of a class": "class A:\n    seen = 0\ndef evaluate(response):\n    A.seen += 1\n"
    "    return A.seen == 1\n",
    "attribute of a module": "import math\ndef evaluate(response):\n    first = math.pi > 3\n    math.pi = 0\n"
    "    return first\n",
    "environment variable": "import os\ndef evaluate(response):\n    first = 'SEEN' not in os.environ\n"
    "    os.environ['SEEN'] = '1'\n    return first\n",
    "folder": "import os\ndef evaluate(response):\n    first = os.getcwd() == '/'\n    os.chdir('/tmp')\n"
    "    return first\n",
    "seed": "import random\ndef evaluate(response):\n    first = random.random()\n    random.seed(1)\n"
    "    return first < 0.99 and random.random() < 0.99\n",
    "draws": "import random\ndef evaluate(response):\n    return random.random() < 0.5\n",
    "draws of a generator": "import random\ndef evaluate(response):\n    return random.Random().random() < 0.5\n",
    "shuffled": "import random\ndef evaluate(response):\n    x = list(range(9))\n    random.shuffle(x)\n"
    "    return x[0] < 4\n",
    "time": "import time\ndef evaluate(response):\n    return int(time.time() * 1e6) % 2 == 0\n",
    "time of a counter": "import time\ndef evaluate(response):\n    return int(time.perf_counter() * 1e9) % 2 == 0\n",
    "date": "import datetime\ndef evaluate(response):\n    return datetime.datetime.now().microsecond % 2 == 0\n",
    "hash of a text": "def evaluate(response):\n    return hash(response) % 2 == 0\n",
    "hash of an object": "class A:\n    pass\ndef evaluate(response):\n    return hash(A()) % 2 == 0\n",
    "identity": "class A:\n    pass\ndef evaluate(response):\n    return id(A()) % 32 < 16\n",
    "order of a set": "def evaluate(response):\n    return list({'a', 'b', 'c', 'd', 'e', response})[0] < 'c'\n",
    "representation": "class A:\n    pass\ndef evaluate(response):\n    return sum(map(ord, repr(A()))) % 2 == 0\n",
}
