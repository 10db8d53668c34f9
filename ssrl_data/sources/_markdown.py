"""Markdown, parsed by markdown-it: the paragraphs, without emphasis, links, pictures, code, tables and HTML."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType

from ssrl_data.media.text import LONGEST
from ssrl_data.sources._lines import running

_FRONT = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
# Marks of admonitions, tabs, containers and templates that sites put around blocks.
_MARKS = re.compile(r"^[ \t]*(?:!!!|\?\?\?|===|:::|@@@|\[!|> \[!|\{%|\{\{|<!--.*-->[ \t]*$).*$", re.MULTILINE)
_MARKUP = re.compile(r"[][\\`*_<&!]")
_NOTE = re.compile(r"(?: ?\[\^[^\]\s]{1,40}\])+:?")

# Entries of a list of parameters or fields: `size {number} Bytes to read.`
_TYPED = re.compile(r"(?:\[(?:in|out)[^\]]{0,20}\] |(?:\S{1,80} ){0,2}\S{0,80}\{[\w|.<>\[\]]{2,80}\})")


def read(text: str) -> list[str]:
    """Paragraphs of a document, of its list items and of its quotations."""
    text = _NOTE.sub("", _MARKS.sub("", _FRONT.sub("", text, count=1)))
    parser = MarkdownIt("commonmark", {"maxNesting": 20}).enable("table")
    blocks, out, inside = StateCore(text, parser, {}), [], False
    for rule in ("normalize", "block"):
        parser.core.ruler.enableOnly([rule])
        parser.core.process(blocks)
    for token in blocks.tokens:
        if token.type in ("paragraph_open", "paragraph_close"):
            inside = token.type == "paragraph_open"
        # What stands inside lines is looked at in paragraphs alone, and these are no longer than a document's may be:
        # unclosed brackets take the parser time that grows with the square of their number.
        elif inside and token.type == "inline" and len(token.content) <= LONGEST:
            paragraph = " ".join(_spoken(parser, token.content, blocks.env).split())
            if running(paragraph) and not _TYPED.match(paragraph):
                out.append(paragraph)
    return out


def _spoken(parser: MarkdownIt, content: str, references: EnvType) -> str:
    """What a reader sees of inline markup."""
    if not _MARKUP.search(content):
        return content
    said: list[str] = []
    tokens: list[Token] = []
    parser.inline.parse(content, parser, references, tokens)
    for token in tokens:
        if token.type in ("text", "code_inline", "text_special"):
            said.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            said.append(" ")
    return "".join(said)
