"""Reading what a writer model said: the function and the test cases of each raw output.

An output ought to hold one JSON object, `{"func": SOURCE, "cases": [{"input": TEXT, "output": BOOL}, ...]}`, the form
that AutoIF (arXiv 2406.13542) asks for. Models wrap it in prose and code fences, write the booleans as words, and
escape line breaks twice; all that is read. What cannot be read is listed with its reason, never guessed at. Source is
parsed here, and never run.

Reading is total and linear: bounded numbers of objects, of characters and of cases are looked at.
"""

from __future__ import annotations

import ast
import copy
import json
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ssrl_data.answers.reading import conclusion
from ssrl_data.core import Json, SsrlError

LONGEST_OUTPUT, LONGEST_SOURCE, LONGEST_CASE = 65_536, 8_000, 8_000
"""Characters of an output, of a function's source and of a case's text; a longer one is a fault."""

MOST_OBJECTS, MOST_CASES = 16, 32
"""Objects of an output that are tried, from its start, and cases of an output that are read."""

MOST_FUNCTIONS, MOST_STORED = 32, 128
"""Different functions and different cases of an instruction; what comes after them is a fault."""

DEEPEST = 100
"""Levels of a function's syntax tree, so that what walks it by recursion ends well within Python's own limit."""

_OPENING = re.compile(r'\{\s{0,99}"')
_WORDS = {"true": True, "false": False}

# A checker has no use for these, and each lets a text run as code or reach past the response.
_UNSAFE = frozenset({"eval", "exec", "compile", "globals", "open", "breakpoint", "__import__"})
# What these give differs from run to run, or from one interpreter to the next.
_IMPURE_MODULES = frozenset({"random", "secrets", "uuid", "time", "os", "sys", "socket", "subprocess", "threading"})
_IMPURE_NAMES = frozenset({"hash", "id", "input"})
_CLOCKS = frozenset({"now", "utcnow", "today"})


@dataclass(frozen=True, slots=True)
class Function:
    """A checker as it was written, and the number of the output it came in, from 0."""

    source: str
    output: int


@dataclass(frozen=True, slots=True)
class Case:
    """A text, whether it is said to follow the instruction, and the number of the output it came in, from 0."""

    text: str
    right: bool
    output: int


@dataclass(frozen=True, slots=True)
class Fault:
    """What was left out: an `output`, a `function` or a `case`, the number of its output, and why in fixed words."""

    what: str
    output: int
    reason: str


@dataclass(frozen=True, slots=True)
class Written:
    """What a list of outputs says, each function and each case once."""

    functions: tuple[Function, ...]
    cases: tuple[Case, ...]
    faults: tuple[Fault, ...]


def read_record(record: Mapping[str, Json]) -> tuple[str, list[str]]:
    """The instruction and the raw outputs of one line of `written.jsonl`, or of a file of QwenLM/AutoIF.

    Args:
        record: `instruction`, and the outputs as a list (or one of them as a string) in `outputs` or `gpt-answer`.

    Raises:
        SsrlError: it has another form.
    """
    instruction = record.get("instruction")
    outputs = record.get("outputs", record.get("gpt-answer"))
    if isinstance(outputs, str):
        outputs = [outputs]
    if not isinstance(instruction, str) or not isinstance(outputs, list):
        raise SsrlError("a line of written outputs needs a text `instruction` and a list `outputs` (or `gpt-answer`)")
    return instruction, [output if isinstance(output, str) else "" for output in outputs]


def read_outputs(outputs: Sequence[str]) -> Written:
    """All functions and cases of the outputs of one instruction; duplicates and what cannot be read are faults.

    Functions are the same when they differ in names, layout, comments, docstrings or annotations alone. A case whose
    text is said to be right by one output and wrong by another tells nothing: all of them are left out.
    """
    functions: dict[str, Function] = {}
    cases: dict[str, list[Case]] = {}
    faults: list[Fault] = []
    for n, output in enumerate(outputs):
        found = _object(output)
        if isinstance(found, str):
            faults.append(Fault("output", n, found))
            continue
        try:
            source, tree = _function(found.get("func"))
        except _Unread as unread:
            faults.append(Fault("function", n, str(unread)))
        else:
            key = normalised(tree)
            if key in functions:
                faults.append(Fault("function", n, "duplicate"))
            functions.setdefault(key, Function(source, n))
        listed = found.get("cases")
        if not isinstance(listed, list):
            faults.append(Fault("output", n, "no list of cases"))
            continue
        for place, item in enumerate(listed):
            try:
                case = _case(item, n, place)
            except _Unread as unread:
                faults.append(Fault("case", n, str(unread)))
            else:
                cases.setdefault(case.text, []).append(case)
    kept = []
    for same in cases.values():
        agreed = len({case.right for case in same}) == 1
        faults += [Fault("case", case.output, "duplicate" if agreed else "contradicted") for case in same[agreed:]]
        kept += same[:agreed]
    different = list(functions.values())
    faults += [Fault("function", function.output, "beyond the most") for function in different[MOST_FUNCTIONS:]]
    faults += [Fault("case", case.output, "beyond the most") for case in kept[MOST_STORED:]]
    return Written(tuple(different[:MOST_FUNCTIONS]), tuple(kept[:MOST_STORED]), tuple(faults))


def parse(source: str) -> ast.Module:
    """The tree of a source, without a warning of what its strings escape.

    Raises:
        SyntaxError: it is not Python, or nested beyond what can be parsed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error)) from error


def plain(tree: ast.Module) -> ast.Module:
    """The same tree, from which docstrings and annotations of functions were taken."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            node.body = [line for line in node.body if not _is_text(line)] or [ast.Pass()]
        elif isinstance(node, ast.arg):
            node.annotation = None
    return tree


def normalised(tree: ast.Module) -> str:
    """One spelling of functions that differ only in names, layout, comments, docstrings or annotations."""
    tree = plain(copy.deepcopy(tree))
    names = {"evaluate": "evaluate"}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.arg):
            name = node.arg if isinstance(node, ast.arg) else node.name
            names.setdefault(name, f"name{len(names)}")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.setdefault(node.id, f"name{len(names)}")
    for node in ast.walk(tree):
        for field in ("name", "arg", "id"):
            old = getattr(node, field, None)
            if isinstance(old, str) and old in names:
                setattr(node, field, names[old])
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [names.get(name, name) for name in node.names]
    return ast.unparse(tree)


class _Unread(Exception):
    """Its text is the reason of a fault."""


def _object(output: str) -> dict[str, Json] | str:
    """The last object of an output that has a function or cases, or the reason why there is none."""
    if len(output) > LONGEST_OUTPUT:
        return "too long"
    text, found, begun, at = conclusion(output), None, False, 0
    decoder = json.JSONDecoder(strict=False)  # line breaks may stand in its texts as they are
    for _ in range(MOST_OBJECTS):
        opening = _OPENING.search(text, at)
        if opening is None:
            break
        begun = True
        try:
            value, at = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            at = opening.end()
            continue
        if "func" in value or "cases" in value:
            found = value
    return found if found is not None else "broken JSON" if begun else "no JSON"


def _function(source: Json) -> tuple[str, ast.Module]:
    """The source and its tree, when it is a checker that may be run."""
    if not isinstance(source, str):
        raise _Unread("no function")
    source = _unescaped(source).strip()
    if len(source) > LONGEST_SOURCE:
        raise _Unread("too long")
    try:
        source.encode()
        tree = parse(source)
    except (SyntaxError, UnicodeEncodeError):
        raise _Unread("not Python") from None
    if _depth(tree) > DEEPEST:
        raise _Unread("nested too deep")
    if not any(_is_checker(node) for node in tree.body):
        raise _Unread("no evaluate(response)")
    if refused := _refused(tree):
        raise _Unread(refused)
    return source, tree


def _depth(tree: ast.AST) -> int:
    """Nodes from the root to the farthest leaf."""
    level, depth = [tree], 0
    while level:
        level, depth = [child for node in level for child in ast.iter_child_nodes(node)], depth + 1
    return depth


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_checker(node: ast.stmt) -> bool:
    """Whether a statement defines `evaluate`, to be called with one argument by place."""
    if not isinstance(node, ast.FunctionDef) or node.name != "evaluate" or node.decorator_list:
        return False
    places, least = len(node.args.posonlyargs + node.args.args), len(node.args.defaults)
    return places - least == 1 and all(default is not None for default in node.args.kw_defaults)


def _refused(tree: ast.Module) -> str:
    """Why a checker is not run at all, or nothing: it runs texts as code, or asks more than the response."""
    clocks = False
    for node in ast.walk(tree):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [(node.module or "").partition(".")[0]]
        elif isinstance(node, ast.Name):
            if node.id in _UNSAFE:
                return "unsafe"
            if node.id in _IMPURE_NAMES and isinstance(node.ctx, ast.Load):
                return "asks more than the response"
        elif isinstance(node, ast.Attribute):
            if node.attr.startswith("__"):
                return "unsafe"
            clocks |= node.attr in _CLOCKS
        if not _IMPURE_MODULES.isdisjoint(modules):
            return "asks more than the response"
    return "asks more than the response" if clocks else ""


def _case(item: Json, output: int, place: int) -> Case:
    if place >= MOST_CASES:
        raise _Unread("beyond the most")
    text, right = (item.get("input"), item.get("output")) if isinstance(item, dict) else (None, None)
    if isinstance(right, str):
        right = _WORDS.get(right.strip().lower())
    if not isinstance(text, str) or not isinstance(right, bool):
        raise _Unread("not a text and a boolean")
    text = _unescaped(text)
    if len(text) > LONGEST_CASE:
        raise _Unread("too long")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _Unread("not a text and a boolean") from None
    return Case(text, right, output)


def _unescaped(text: str) -> str:
    r"""A text that was escaped twice, read once more: it is one line and spells its line breaks `\n`."""
    if "\\n" not in text or "\n" in text:
        return text
    try:
        again = json.loads(f'"{text}"')
    except ValueError:
        return text
    return again if isinstance(again, str) else text
