"""What the languages of manual pages share: control lines, their arguments, conditions, strings and escapes of roff.

Facts from groff(7) and groff_char(7). A page is read once, line by line; nothing is defined, repeated or included.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LONGEST_STRING = 80
"""Characters of a string that a page may define; what is longer is left out, so that no page can grow."""
NESTED = 4
"""Conditions that are read in one line, one inside the other."""

_CONTROL = re.compile(r"[.'][ \t]*([^\s\\]*)[ \t]*(.*)$", re.DOTALL)
_DEFINE = re.compile(r"[.'][ \t]*ds1?[ \t]+(\S+)[ \t]*\"?(.*)$")
_ARGUMENT = re.compile(r'"((?:[^"]|"")*)"?|((?:\\ |[^\s"]|(?<=\S)")+)')
_COMMENT = re.compile(r'(?<!\\)((?:\\\\)*)\\["#].*$', re.DOTALL)
_CONDITIONS = frozenset({"if", "ie", "el"})
_DEFINITIONS = frozenset({"de", "de1", "dei", "am", "am1", "ami", "ig"})
_BRACE = re.compile(r"\\[{}]")
_ESCAPE = re.compile(
    r"\\(?:"
    r"f(?:\[[^\]]{0,80}\]|\(..|.)"
    r"|s(?:[+-]?(?:\(..|\[[^\]]{0,80}\]|'[^']{0,80}')|[+-][0-9]|[1-3][0-9]|[0-9])?"
    r"|[hvwlLbDXoRxHSABZ]'[^']{0,200}'"
    r"|[mMFYVOkng](?:\[[^\]]{0,80}\]|\(..|[+-]?.)"
    r"|\*(?:\[(?P<string>[^\]]{0,80})\]|\((?P<string2>..)|(?P<string1>.))"
    r"|N'(?P<number>[0-9]{1,6})'"
    r"|C'(?P<named>[^']{0,80})'|\((?P<glyph2>..)|\[(?P<glyph>[^\]]{0,80})\]"
    r"|(?P<one>.?))",
    re.DOTALL,
)
_DEFINED = """lq=“ rq=” L"=“ R"=” Lq=“ Rq=” Aq=' --=— C+=C++ R=® Tm=™ PI=π q=" Le=≤ Ge=≥ Lt=< Gt=> Ne=≠ C`= C'= S= d="""
"""Strings that languages and tools define for every page."""

_NAMED = """
em— en– hy- bu• aq' dq" lq“ rq” oq‘ cq’ Fo« Fc» Bq„ bq‚ co© rg® tm™ de° mcµ mu× di÷ +-± ->→ <-← <=≤ >=≥ !=≠ ==≡ ~~≈ ~=≅
if∞ ti~ ha^ rs\\ sl/ ga` aa´ ul_ ru_ pl+ mi− eq= la⟨ ra⟩ lB[ rB] lC{ rC} ba| or| sh# Do$ Eu€ eu€ Po£ sc§ ps¶ dg† dd‡
12½ 14¼ 34¾ ssß AEÆ aeæ oeœ OEŒ /oø /OØ oaå oAÅ at@ fm′ sd″ no¬ sr√ es∅ mo∈ r!¡ *aα *bβ *pπ *mµ *W-
"""
"""Characters by name: its two letters, then the character."""

_STRINGS = {name: value for name, _, value in (item.partition("=") for item in _DEFINED.split())}
_GLYPHS = {item[:2]: item[2:] for item in _NAMED.split()}
_ONE = {"e": "\\", "~": " ", "0": " ", "t": " "}
_NOTHING = "&%:/,)|^{}cpruda"
_ACCENTS = {"'": "\u0301", "`": "\u0300", "^": "\u0302", ":": "\u0308", "~": "\u0303", ",": "\u0327"}


class Page:
    """A page's lines of text and requests, in order; its strings, where it defines any, are known to `text`."""

    def __init__(self, source: str) -> None:
        self._lines = source.split("\n")
        self._strings = dict(_STRINGS)
        self._depth = 0  # braces of a branch that is skipped
        self._taken = False  # whether the last condition held

    def lines(self) -> Iterator[tuple[str, str]]:
        """Each line as the name of its request and the rest; text has no name.

        Comments, definitions of macros, what is ignored, and branches that a terminal does not take are left out.
        """
        until = ""  # the end of a definition
        for raw in self._lines:
            if until:
                until = "" if raw.replace(" ", "").startswith(until) else until
                continue
            if self._depth:
                self._depth = max(0, self._depth + _braces(raw))
                continue
            line = _COMMENT.sub(r"\1", raw) if '\\"' in raw or "\\#" in raw else raw
            control = _CONTROL.match(line)
            for _ in range(NESTED):
                if control and control[1] in _CONDITIONS:
                    line = self._branch(control[1], control[2])
                    control = _CONTROL.match(line)
            if not control:
                if line or not raw:
                    yield "", line
            elif control[1] in _DEFINITIONS:
                end = control[2].split()[0 if control[1] == "ig" else 1 :]
                until = f".{end[0]}" if end else ".."
            elif control[1] in ("ds", "ds1"):
                self._define(line)
            elif control[1]:
                yield control[1], control[2]

    def _branch(self, name: str, rest: str) -> str:
        """What is to be read of a line that has a condition; empty where a terminal skips it, to its last brace."""
        if name == "el":
            self._taken = not self._taken
        else:
            condition = rest.partition(" ")[0].partition("\\{")[0]
            rest = rest[len(condition) :].lstrip()
            self._taken = condition in ("n", "!t", "1") or condition.startswith(("\\n(.g", "\\n[.g"))
        if not self._taken:
            self._depth = max(0, _braces(rest))
            return ""
        return rest.removeprefix("\\{").lstrip().removeprefix("\\")

    def _define(self, line: str) -> None:
        found = _DEFINE.match(line)
        if found and found[1] not in self._strings:
            self._strings[found[1]] = self.text(found[2])[:LONGEST_STRING]

    def text(self, raw: str) -> str:
        """A line as a reader sees it, without fonts, sizes and motions."""
        return _ESCAPE.sub(self._escape, raw) if "\\" in raw else raw

    def _escape(self, found: re.Match[str]) -> str:
        one: str | None = found["one"]
        if one is not None:
            return "" if one in _NOTHING else _ONE.get(one, one)
        string = found["string"] or found["string2"] or found["string1"]
        if string is not None:
            return self._strings.get(string, "")
        glyph = found["glyph"] or found["glyph2"] or found["named"]
        if glyph:
            return _glyph(glyph)
        number = found["number"]
        return _character(int(number)) if number else ""


def arguments(rest: str) -> list[str]:
    """The arguments of a request, escapes still in them; quotation marks hold spaces together."""
    return [found[1].replace('""', '"') if found[2] is None else found[2] for found in _ARGUMENT.finditer(rest)]


def _braces(line: str) -> int:
    return sum(1 if brace[0] == "\\{" else -1 for brace in _BRACE.finditer(line))


def _glyph(name: str) -> str:
    if name in _GLYPHS:
        return _GLYPHS[name]
    if len(name) == 2 and name[0] in _ACCENTS and name[1].isalpha():
        return unicodedata.normalize("NFC", name[1] + _ACCENTS[name[0]])
    codes = name[1:].split("_") if name.startswith("u") else []
    try:
        return "".join(_character(int(code, 16)) for code in codes[:8])
    except ValueError:
        return ""


def _character(code: int) -> str:
    return chr(code) if 32 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else ""
