"""Info files, as Texinfo writes them: nodes between unit separators, with menus, cross references and examples."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ssrl_data.sources._lines import paragraphs

_TABLES = ("tag table:", "indirect:", "local variables:", "end tag table")
_LEGAL = re.compile(r"\bNode: *(?:GNU )?(?:Free Documentation|General Public|FDL|Copying|GPL)\b[^,\n]*", re.IGNORECASE)
# *note Label: (file)Node.  *note Node::  and the words that make it read as a sentence.
_NOTE = re.compile(
    r"(?:\b([Ss]ee)\s+)?\*([Nn])ote(\s+)([^:*]{1,200}):(?::|\s(?:\([^)\n]{1,80}\))?[^.,:*]{0,200}(?=[.,]))"
)
_FILE = re.compile(r"^\([^)]*\)")
_EMPHASIS = re.compile(r"(?<![\w_*])([_*])(?=[^\s_*])([^_*]{1,200})(?<!\s)\1(?![\w_*])")
_FOOTNOTE = re.compile(r"(?<=[\w.,;:!?’\"])\([0-9]{1,2}\)(?=[\s.,;:]|$)")
_DEFINITION = re.compile(r"^ +-- [A-Z].*$", re.MULTILINE)


def read(text: str) -> list[str]:
    """Paragraphs of the nodes' text; headers, menus, headings, definitions' first lines and examples are left out."""
    return [paragraph for node in text.split("\x1f")[1:] for paragraph in _node(node)]


def _node(node: str) -> Iterator[str]:
    header, _, body = node.lstrip("\n\f").partition("\n")
    if header.lower().startswith(_TABLES) or "Node:" not in header or _LEGAL.search(header):
        return
    body = body.partition("\n* Menu:")[0]
    body = _DEFINITION.sub("", body)
    footnotes = "- Footnotes -" in body
    yield from paragraphs(_NOTE.sub(_sentence, body).split("\n"), _footnoted if footnotes else _unmarked)


def _unmarked(text: str) -> str:
    return _EMPHASIS.sub(r"\2", text)


def _footnoted(text: str) -> str:
    return _FOOTNOTE.sub("", _unmarked(text))


def _sentence(note: re.Match[str]) -> str:
    """A cross reference as a reader sees it, `see Label`."""
    return (note[1] or ("See" if note[2] == "N" else "see")) + note[3] + _FILE.sub("", note[4])
