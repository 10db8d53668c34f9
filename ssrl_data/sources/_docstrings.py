"""The docstrings of a Python file, read from its syntax tree: nothing of it is run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from ssrl_data.core import Reject
from ssrl_data.sources._lines import indent
from ssrl_data.sources._rst import running_text

MAX_CHARACTERS = 1 << 24
"""Longest source that is parsed: a syntax tree takes some hundred times as much memory."""

_NUMPY = re.compile(
    r"(?:(?:Other )?Parameters|Returns|Yields|Receives|Raises|Warns|Attributes|Methods|See Also|References|Examples?)$"
)
_GOOGLE = re.compile(
    r" *(?:Args|Arguments|Parameters|Params|Keyword Args|Keyword Arguments|Returns?|Yields?|Raises|Attributes|Shape|"
    r"Examples?|Usage|References|See Also|Input|Inputs|Output|Outputs)::?$"
)
_UNDERLINE = re.compile(r" *-{3,} *$")
_EPYDOC = re.compile(r" *@[a-z]+(?: [^:]{0,80})?:")


def read(text: str) -> list[str]:
    """Paragraphs of the docstrings in the file's order; doctests and tables of parameters are left out.

    Raises:
        Reject: `not Python`, `too large for Python`.
    """
    if len(text) > MAX_CHARACTERS:
        raise Reject("too large for Python")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Reject("not Python") from error
    return [paragraph for docstring in _docstrings(tree) for paragraph in running_text(_text(docstring))]


def _docstrings(tree: ast.Module) -> Iterator[str]:
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            docstring = ast.get_docstring(node)
            if docstring is not None:
                yield docstring
        # Statements alone can hold definitions; expressions may be nested without bound.
        stack.extend(child for child in reversed(list(ast.iter_child_nodes(node))) if isinstance(child, _HOLDERS))


_HOLDERS = (ast.stmt, ast.excepthandler, ast.match_case)


def _text(docstring: str) -> list[str]:
    """The docstring's lines without its sections of parameters, results and examples."""
    lines, out = docstring.expandtabs(8).split("\n"), list[str]()
    bound, section = -1, False
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _UNDERLINE.match(following) and line.strip():
            section = _NUMPY.match(line.strip()) is not None
        if section or (line.strip() and 0 <= bound < indent(line)):
            continue
        if line.strip():
            bound = indent(line) if _GOOGLE.match(line) or _EPYDOC.match(line) else -1
            if bound >= 0:
                out.append("")
                continue
        out.append(line)
    return out
