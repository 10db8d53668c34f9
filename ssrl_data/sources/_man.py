"""Manual pages, in the languages man(7) and mdoc(7): the paragraphs of their sections.

Synopses, tags, tables, displays and code are left out, and so are the sections that every page of a project repeats.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ssrl_data.core import Reject
from ssrl_data.sources._lines import running
from ssrl_data.sources._mdoc import BLOCKS, HIDDEN, Sentence
from ssrl_data.sources._roff import Page, arguments

_NO_TEXT = re.compile(
    r"(?:NAME|SYNOPSIS|SYNTAX|SEE ALSO|AUTHORS?|(?:COPYRIGHT AND )?LICEN[SC]E|COPYRIGHT|COLOPHON|REPORTING BUGS)$",
    re.IGNORECASE,
)
_HEADER = re.compile(r"^[.'][ \t]*(TH|Dd|Dt|so)\b", re.MULTILINE)
_ALTERNATING = frozenset({"BR", "RB", "BI", "IB", "IR", "RI"})
_FONTS = frozenset({"B", "I", "R", "SM", "SB"})
_BREAKS = frozenset({"PP", "P", "LP", "HP", "IP", "RS", "RE", "Sp", "sp", "br", "bp", "in", "ti", "ce"})
# What begins and what ends a part that is no running text.
_CLOSED = {
    "nf": "fi",
    "EX": "EE",
    "Vb": "Ve",
    "TS": "TE",
    "EQ": "EN",
    "PS": "PE",
    "SY": "YS",
    "CS": "CE",
    "vS": "vE",
    "DS": "DE",
    "BS": "BE",
}


def read(text: str) -> list[str]:
    """Paragraphs of a page.

    Raises:
        Reject: `not a manual page`.
    """
    header = next((found for found in _HEADER.finditer(text) if found[1] != "so"), None)
    if header is None:
        if _HEADER.search(text):  # another name of a page
            return []
        raise Reject("not a manual page")
    collector = _Mdoc if header[1] != "TH" else _Man
    page = Page(text)
    out = collector(page.text)
    started = False
    for name, rest in page.lines():
        started = started or name == header[1]
        if started:
            out.line(name, rest)
    out.end()
    return out.paragraphs


class _Collector:
    """Paragraphs as they come together from lines."""

    def __init__(self, text: Callable[[str], str]) -> None:
        self.paragraphs: list[str] = []
        self._text = text
        self._words: list[str] = []
        self._hidden = True  # in a section without running text, or before the first
        self._until = ""  # the request that ends what is being left out

    def end(self) -> None:
        """End the paragraph."""
        paragraph = " ".join("".join(self._words).split())
        if paragraph and not self._hidden and running(paragraph):
            self.paragraphs.append(paragraph)
        self._words.clear()

    def _section(self, title: str) -> None:
        self.end()
        self._hidden = _NO_TEXT.match(" ".join(self._text(title).replace('"', "").split())) is not None

    def _say(self, text: str, *, glued: bool = False) -> None:
        self._words.append(text)
        if not glued:
            self._words.append(" ")

    def _plain(self, raw: str) -> None:
        """A line of text; a blank one ends the paragraph, and so does one that is indented."""
        if not raw.strip() or raw[0] in " \t":
            self.end()
        self._say(self._text(raw), glued=raw.endswith("\\c"))


class _Man(_Collector):
    """man(7)."""

    def __init__(self, text: Callable[[str], str]) -> None:
        super().__init__(text)
        self._tag = False  # the next line is the tag of a paragraph
        self._link = ""

    def line(self, name: str, rest: str) -> None:
        """Take the next line of the page."""
        if self._until:
            self._until = "" if name == self._until else self._until
        elif name in _CLOSED:
            self.end()
            self._until = _CLOSED[name]
        elif name == "SH":
            self._section(rest)
        elif name in ("SS", "TP", "TQ") or name in _BREAKS:
            self.end()
            self._tag = name in ("TP", "TQ")
        elif name in ("UR", "MT"):
            self._link = rest.strip()
        elif name in ("UE", "ME"):
            self._linked(rest.strip())
        elif not name or name in _FONTS or name in _ALTERNATING:
            if self._tag:
                self._tag = False
            elif not name:
                self._link = ""
                self._plain(rest)
            else:
                said = ("" if name in _ALTERNATING else " ").join(arguments(rest))
                self._say(self._text(said), glued=rest.endswith("\\c"))

    def _linked(self, sign: str) -> None:
        """The end of a link: its address, if it had no text, and the sign that follows it."""
        if self._link:
            self._say(self._text(self._link))
        if sign and self._words:
            self._words.pop()
            self._say(self._text(sign))
        self._link = ""


class _Mdoc(_Collector):
    """mdoc(7)."""

    def __init__(self, text: Callable[[str], str]) -> None:
        super().__init__(text)
        self._sentence = Sentence(text)

    def end(self) -> None:
        """End the paragraph."""
        said = self._sentence.take()
        if said:
            self._words.append(said)
        super().end()

    def line(self, name: str, rest: str) -> None:
        """Take the next line of the page."""
        if self._until:
            self._until = "" if name == self._until else self._until
        elif name == "Sh":
            self._section(rest)
        elif name == "Bd" and ("-literal" in rest or "-unfilled" in rest):
            self.end()
            self._until = "Ed"
        elif name in HIDDEN:
            self.end()
            self._until = HIDDEN[name]
        elif name in BLOCKS or name in _BREAKS:
            self.end()
            self._until = "Xc" if name == "It" and "Xo" in rest.split() else ""
        elif name:
            if name == "Nm" or not self._hidden:
                self._sentence.call(name, arguments(rest))
        elif not rest.strip() or rest[0] in " \t":
            self.end()
            self._sentence.put(self._text(rest.strip()))
        else:
            self._sentence.put(self._text(rest))
