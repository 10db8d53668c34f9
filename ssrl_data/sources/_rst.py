"""reStructuredText, by its indentation: paragraphs out of sections, directives, lists and block quotes.

A full parser (docutils, 0.2 MB/s) knows no directive or role of Sphinx, in which most documents are written; this reads
their lines once. What a directive holds is text for most (notes, descriptions of functions) and not for some (code,
tables, lists of contents).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ssrl_data.sources._lines import BULLET, indent, paragraphs

# Their first line begins their text.
_ADMONITIONS = frozenset(
    {
        *("note", "warning", "tip", "hint", "important", "caution", "danger", "attention", "error", "seealso"),
        *("versionadded", "versionchanged", "versionremoved", "deprecated", "impl-detail"),
    }
)
# Nothing in them is running text.
_DROPPED = frozenset(
    {
        *("code", "code-block", "sourcecode", "highlight", "literalinclude", "parsed-literal", "ipython", "prompt"),
        *("doctest", "testcode", "testoutput", "testsetup", "testcleanup", "console", "raw", "include", "replace"),
        *("math", "image", "figure", "plot", "graphviz", "digraph", "inheritance-diagram", "mermaid", "unicode"),
        *("table", "csv-table", "list-table", "tabularcolumns", "productionlist", "grammar-snippet", "hlist"),
        *("toctree", "contents", "index", "autosummary", "bibliography", "centered", "rubric", "meta", "date"),
        *("sectionauthor", "codeauthor", "moduleauthor", "module", "currentmodule", "py:module", "py:currentmodule"),
        *("default-role", "role", "audit-event", "availability"),
    }
)
_PREFIXES = {":pep:": "PEP ", ":rfc:": "RFC ", ":issue:": "issue ", ":gh:": "issue ", ":bpo:": "issue "}

_DIRECTIVE = re.compile(r" *\.\. +(?:\|[^|]{1,80}\| +)?([\w:.+-]{1,40}) ?::(?: +(.*))?$")
_EXPLICIT = re.compile(r" *(?:\.\.|__)(?: |$)")
_FIELD = re.compile(r" *:[^:`\s][^:`]{0,80}:(?: |$)")
_LINE_OF_SIGNS = re.compile(r" *([^\w\s])\1{2,}$")
_TABLE = re.compile(r" *=+(?: +=+)+$")
_DRAWN = re.compile(r" *(?:\+[-=]|\|(?: |$))")
_VERSION = re.compile(r"[0-9.]+(?: |$)")

_INLINE = re.compile(
    r"``(?P<code>.+?)``"
    r"|(?P<role>:[\w:+.-]{1,40}:)?`(?P<text>[^`]+)`_{0,2}"
    r"|\s?\[[^\]\s]{1,40}\]_(?!\w)"
    r"|\|(?P<name>[^|\s][^|]{0,80})\|_{0,2}"
    r"|(?<![\w*])(?P<star>\*{1,2})(?=[^\s*])(?P<emphasis>[^*]+)(?P=star)(?![\w*])"
    r"|(?<=\w)_{1,2}(?=[\s.,;:)!?]|$)"
    r"|\\(?P<escaped>.?)"
)


def read(text: str) -> list[str]:
    """Paragraphs of a document; titles, code, tables, fields, comments and markup are left out."""
    return list(running_text(text.expandtabs(8).split("\n")))


def running_text(lines: list[str]) -> Iterator[str]:
    """The paragraphs among lines of reStructuredText."""
    return paragraphs(_text(lines), _spoken)


def _text(lines: list[str]) -> Iterable[str]:
    """The lines that hold text; empty ones stand for what does not."""
    bound = -1  # lines indented deeper than this are dropped; -1: none
    rules = 0  # of the table that we are in
    waiting = doctest = False
    for number, raw in enumerate(lines):
        line = raw.rstrip()
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        if not line:
            yield ""
            waiting = doctest = False
            continue
        column = indent(line)
        if 0 <= bound < column:
            continue
        bound = -1
        if _TABLE.match(line):
            rules = 0 if rules and not following else rules + 1
            yield ""
        elif rules or doctest or waiting or _DRAWN.match(line) or _LINE_OF_SIGNS.match(line):
            yield ""
        elif line.lstrip().startswith(">>>"):
            doctest = True
            yield ""
        elif _LINE_OF_SIGNS.match(following) and len(following) >= 3 and not (number and lines[number - 1].strip()):
            yield ""  # a title, underlined
        elif directive := _DIRECTIVE.match(line):
            name, first = directive[1].lower(), directive[2] or ""
            yield ""
            if name in _ADMONITIONS:
                yield " " * (column + 3) + _VERSION.sub("", first)
            elif name in _DROPPED:
                bound = column
            else:
                waiting = bool(first or following)  # for the end of its arguments and options
        elif _EXPLICIT.match(line) or _FIELD.match(line):
            bound = column
            yield ""
        elif line.endswith("::"):
            bullet = BULLET.match(line)
            bound = bullet.end() if bullet else column
            yield line[:-1] if line[:-2].strip() and not line[:-2].endswith(" ") else line[:-2].rstrip()
            yield ""
        else:
            yield line


def _spoken(text: str) -> str:
    """The text without the marks of inline markup, and what stands for roles and references."""
    return (
        _INLINE.sub(_said, text) if "`" in text or "*" in text or "_" in text or "\\" in text or "|" in text else text
    )


def _said(found: re.Match[str]) -> str:
    code, role, text, name, emphasis, escaped = found.group("code", "role", "text", "name", "emphasis", "escaped")
    if text is not None:
        said = text.partition(" <")[0] if text.endswith(">") else text
        said = said.rpartition(".")[2] if said.startswith("~") else said.lstrip("!")
        return _PREFIXES.get(role, "") + said
    if escaped is not None:  # docstrings write `\\n` for what it is
        return escaped.strip() if escaped in " *`|_\\" else found[0]
    return code or name or emphasis or ""
