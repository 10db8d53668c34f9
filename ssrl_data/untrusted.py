"""Text from corpora, made fit to print: names and wordings come from strangers, so they are shown, never obeyed."""

from __future__ import annotations

import html
import re
import unicodedata

from markupsafe import Markup

# What can open markup inside a line, what can at its start, and the automatic links (`http:`, `a@b`, `www.`).
_SPECIAL = re.compile(r"[\\`*\[\]|~@$^]|:(?=\S)|(?<!\w)_|_(?!\w)|^[#+=-]|(?<=www)\.", re.IGNORECASE)
_NUMBERED = re.compile(r"^(\d+)\.")
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9._~%?=&+,;:#@/-]*)?")


def visible(text: str) -> str:
    """`text` with every character that reorders, hides or controls written as its code point, `⟨U+202E⟩`.

    Covers the Unicode classes Cc (but newline and tab) and Cf, so bidirectional overrides, zero-width characters and
    terminal escapes; joiners inside emoji and Indic words are shown too, a small price on a page meant for checking.
    """
    return "".join(
        f"⟨U+{ord(c):04X}⟩" if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c not in "\n\t" else c for c in text
    )


def markdown(text: object) -> Markup:
    """One line of Markdown that renders as `text` and nothing else: no markup, HTML, table border or automatic link."""
    line = " ".join(visible(str(text)).split())
    marked = _NUMBERED.sub(r"\1\.", _SPECIAL.sub(r"\\\g<0>", html.escape(line, quote=False)))
    return Markup(marked)  # noqa: S704


def markdown_origin(text: str) -> Markup:
    """Where a record comes from: a link when it is a plain web address, else as `markdown`."""
    return Markup(f"<{text}>") if _PLAIN_URL.fullmatch(text) else markdown(text)  # noqa: S704


def fenced(text: str, language: str = "") -> Markup:
    """A fenced code block whose fence is longer than any run of backticks inside."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return Markup(f"{fence}{language}\n{visible(text).rstrip()}\n{fence}")  # noqa: S704
