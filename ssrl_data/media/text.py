"""Prose as tasks meet it: a document as paragraphs of running text, and where their sentences and words are."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

LONGEST = 20_000
"""Characters of the longest paragraph; a longer run is cut at the last space before it."""

# A word is letters, digits and marks, joined inside by what does not end it: don't, 3.14, x86_64, GNU/Linux.
_WORD = re.compile(r"[^\W_]+(?:[-'’./_:+@&]?[^\W_]+)*(?:\+\+|#)?")
_END = re.compile(r"[.!?…]+[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9À-ÖØ-Þ])|[。！？]+[」』）]*\s*")
_ABBREVIATIONS = frozenset(
    {
        *("mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "e.g", "i.e", "cf", "al", "fig", "figs", "eq", "eqs"),
        *("sec", "no", "vol", "pp", "ed", "eds", "inc", "ltd", "co", "jr", "sr", "dept", "approx", "resp", "ca"),
        *("jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"),
    }
)
BLOCKS = ("passage", "steps", "problem", "versions", "rules", "query", "instruction")
"""Names of the blocks in which prompts quote a corpus."""

_TAGS = re.compile(r"</?(?:answer|think|passage|steps|problem|versions|rules)\b|\\boxed|<[|]|\[MASK", re.IGNORECASE)
_GAPS = re.compile(r"\[MASK(?: [1-9][0-9]{0,2})?\]")
_SPACES = re.compile(r"\s+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u2028\u2029\ufeff]|[\ud800-\udfff]")


@dataclass(frozen=True)
class Text:
    """A document of prose.

    Attributes:
        paragraphs: running text in the document's order, each in the form of `canonical`; headings, tables, lists of
            names, code and markup are not among them.
        dropped: numbers of paragraphs that a curation leaves out: repeated elsewhere, in a benchmark, in another
            language. They keep their numbers, so that a row's paragraph is found again without the curation.
    """

    paragraphs: tuple[str, ...]
    dropped: frozenset[int] = frozenset()

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """Numbers of the paragraphs that may be asked about, from 0."""
        return tuple(number for number in range(len(self.paragraphs)) if number not in self.dropped)


def canonical(text: str) -> str:
    """The text in Unicode's form C, on one line with single spaces, without characters that no reader sees."""
    return _SPACES.sub(" ", _CONTROLS.sub("", unicodedata.normalize("NFC", text))).strip()


def document(blocks: list[str]) -> Text:
    """A document of these blocks of running text, made canonical; empty ones are left out, overlong ones are cut."""
    paragraphs = []
    for block in blocks:
        text = canonical(block)
        while len(text) > LONGEST:
            at = text.rfind(" ", 0, LONGEST)
            at = at if at > 0 else LONGEST
            paragraphs.append(text[:at])
            text = text[at:].strip()
        if text:
            paragraphs.append(text)
    return Text(tuple(paragraphs))


def words(text: str) -> list[tuple[int, int]]:
    """Where the words are: start and end of each, in order. `3.14`, `don't`, `GNU/Linux` and `C++` are one each."""
    return [found.span() for found in _WORD.finditer(text)]


def sentences(text: str) -> list[str]:
    """The sentences of a canonical paragraph, in order; joined by single spaces (none in Chinese text) they are it.

    A full stop ends a sentence when a capital or a digit follows, and not behind an initial or a usual abbreviation.
    """
    out, start = [], 0
    for end in _END.finditer(text):
        before = text[start : end.start() + 1].rpartition(" ")[2].rstrip(".").lstrip("([\"'“‘").lower()
        if text[end.start()] == "." and (before in _ABBREVIATIONS or (len(before) == 1 and before.isalpha())):
            continue
        out.append(text[start : end.end()].strip())
        start = end.end()
    return [*out, text[start:]] if text[start:] else out


def quotable(text: str) -> bool:
    """Whether a prompt may show the text.

    It may not where it holds what the prompt's own marks, a chat template or the reading of answers could take for
    theirs: `<answer>`, `</passage>`, `<|...`, a boxed LaTeX answer.
    """
    return _TAGS.search(text) is None


def block(name: str, text: str) -> str:
    """Text of a corpus as a prompt shows it: between tags of its own, so that it cannot be taken for the question.

    The gaps that a task has put there, `[MASK]` or `[MASK 2]`, may stand in it: whether the text itself is quotable is
    asked before.

    Raises:
        ValueError: the rest of the text is not `quotable`.
    """
    if not quotable(_GAPS.sub("", text)):
        raise ValueError(f"{text:.60} cannot stand in a block")
    return f"<{name}>\n{text}\n</{name}>"


def without_blocks(prompt: str, *names: str) -> str:
    """A prompt without what it quotes: without its blocks of these names, or of any name."""
    inside = "|".join(names or BLOCKS)
    return re.sub(rf"<({inside})>\n.*?\n</\1>", "", prompt, flags=re.DOTALL)
