"""Info files, as Texinfo writes them: nodes between unit separators, with menus, cross references and examples."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ssrl_data.sources._lines import paragraphs

_TABLES = ("tag table:", "indirect:", "local variables:", "end tag table")
_LEGAL = re.compile(r"\bNode: *(?:GNU )?(?:Free Documentation|General Public|FDL|Copying|GPL)\b[^,\n]*", re.IGNORECASE)
# *note Label: (file)Node.  *note Node::  with the word before it that reads on without a `see`.
_NOTE = re.compile(
    r"(?:\b(see|also|in|and|or|of|to|from|under)\s+)?\*([Nn])ote(\s+)([^:*]{1,200}):"
    r"(?::|\s(?:\([^)\n]{1,80}\))?[^.,:*]{0,200}(?=[.,]))",
    re.IGNORECASE,
)
_WITH_FOOTNOTES = re.compile(r"Node: ([^,\n]{1,200})-Footnotes?\b")
_NAME = re.compile(r"Node: ([^,\n]*)")
_FILE = re.compile(r"^\([^)]*\)")
_EMPHASIS = re.compile(r"(?<![\w_*])([_*])(?=[^\s_*])([^_*]{1,200})(?<!\s)\1(?![\w_*])")
_FOOTNOTE = re.compile(r"(?<=[\w.,;:!?’\"])\([0-9]{1,2}\)(?=[\s.,;:]|$)")
_DEFINITION = re.compile(r"^ +-- [A-Z].*$", re.MULTILINE)


def read(text: str) -> list[str]:
    """Paragraphs of the nodes' text; headers, menus, headings, definitions' first lines and examples are left out."""
    footnoted = set(_WITH_FOOTNOTES.findall(text))
    return [paragraph for node in text.split("\x1f")[1:] for paragraph in _node(node, footnoted)]


def _node(node: str, footnoted: set[str]) -> Iterator[str]:
    header, _, body = node.lstrip("\n\f").partition("\n")
    name = _NAME.search(header)
    if header.lower().startswith(_TABLES) or name is None or _LEGAL.search(header):
        return
    body = _DEFINITION.sub("", body.partition("\n* Menu:")[0])
    marked = "- Footnotes -" in body or name[1] in footnoted
    yield from paragraphs(body.split("\n"), _without_marks if marked else _unmarked)


def _unmarked(text: str) -> str:
    return _EMPHASIS.sub(r"\2", _NOTE.sub(_sentence, text) if "note" in text.lower() else text)


def _without_marks(text: str) -> str:
    return _FOOTNOTE.sub("", _unmarked(text))


def _sentence(note: re.Match[str]) -> str:
    """A cross reference as a reader sees it, `see Label`."""
    before = f"{note[1]}{note[3]}" if note[1] else ("See" if note[2] == "N" else "see") + note[3]
    return before + _FILE.sub("", note[4])
