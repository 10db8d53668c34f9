"""Markdown, parsed by markdown-it: the paragraphs, without emphasis, links, pictures, code, tables and HTML."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ssrl_data.sources._lines import running

_FRONT = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
# Marks of admonitions, tabs, containers and templates that sites put around blocks.
_MARKS = re.compile(r"^[ \t]*(?:!!!|\?\?\?|===|:::|@@@|\[!|> \[!|\{%|\{\{|<!--.*-->[ \t]*$).*$", re.MULTILINE)
_NOTE = re.compile(r"\[\^[^\]\s]{1,40}\]:?")

# Entries of a list of parameters or fields: `size {number} Bytes to read.`
_TYPED = re.compile(r"(?:\[(?:in|out)[^\]]{0,20}\] |(?:\S{1,80} ){0,2}\S{0,80}\{[\w|.<>\[\]]{2,80}\})")


def read(text: str) -> list[str]:
    """Paragraphs of a document, of its list items and of its quotations."""
    text = _NOTE.sub("", _MARKS.sub("", _FRONT.sub("", text, count=1)))
    parser = MarkdownIt("commonmark", {"maxNesting": 20}).enable("table")
    out, inside = [], False
    for token in parser.parse(text):
        if token.type in ("paragraph_open", "paragraph_close"):
            inside = token.type == "paragraph_open"
        elif inside and token.type == "inline":
            paragraph = " ".join(_spoken(token.children or []).split())
            if running(paragraph) and not _TYPED.match(paragraph):
                out.append(paragraph)
    return out


def _spoken(children: list[Token]) -> str:
    """What a reader sees of inline markup."""
    said = []
    for token in children:
        if token.type in ("text", "code_inline", "text_special"):
            said.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            said.append(" ")
    return "".join(said)
