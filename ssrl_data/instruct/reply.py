"""A written answer as constraints count it. Each rule here is the one that prompts print.

- A *word* is what stands between spaces and holds a letter or digit: `don't`, `state-of-the-art`, `3.14` and an
  address are one each; a list's `-` or `2.` is none. In scripts without spaces each character is one.
- A *sentence* ends with `.`, `!` or `?` before a space, closing quotes or brackets, or the end of its line; the rest
  of a line is one too.
- A *paragraph* is what stands between empty lines; a *line* is one that is not empty.
- A *character* is a Unicode code point of the trimmed text, spaces and line breaks included; a *letter* is one that
  Unicode calls so, in either case.

All of it is linear in the length, and computed once, on first use.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cached_property
from string import punctuation

LONGEST = 1 << 16
"""Characters of the longest text that is judged."""

# Controls, invisible and reordering characters; not the joiners that some scripts and emoji need.
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]"
    r"|[\ud800-\udfff]"
)
_BREAK = re.compile(r"\r\n|[\r\u2028\u2029\x85]")
_QUOTES = str.maketrans(dict.fromkeys("‘’‚‛", "'") | dict.fromkeys("“”„‟", '"') | {"\u00a0": " "})
# The marks of other scripts that do the same.
_MARKS = str.maketrans("，、،；؛：！？؟。．।۔（）［］", ",,,;;:!??....()[]") | _QUOTES
_CLOSERS = "\"')]*_»」』“”„‟‘’‚‛）］"
# Scripts that put no spaces between words: Han, kana, Thai, Lao, Khmer, Myanmar.
_SOLID = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_HAS_SOLID = re.compile(f"[{_SOLID}]")
_TOKEN = re.compile(rf"[{_SOLID}]|[^\s{_SOLID}]+")
_MARKER = re.compile(r"^(?:(?:[-*+•]|[0-9]{1,3}[.)]|#{1,6})[ \t]+|>[ \t]?)")
_END = re.compile(r"[.!?]+[…\"')\]*_»”’]*(?=\s|$)|[。！？।۔؟]+[」』）]*")
_EDGE = re.compile(r"^[\W_]+|[\W_]+$")
_HEAD = 200
_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


class Reply:
    r"""A text and what is counted of it.

    Args:
        text: any string; characters that no reader sees are dropped, line breaks become `\n`, quotes are kept.
    """

    def __init__(self, text: str) -> None:
        if not text.isascii() or not text.replace("\n", " ").isprintable():  # else there is nothing to change
            text = _HIDDEN.sub("", unicodedata.normalize("NFC", _BREAK.sub("\n", text)))
        self.text = text.strip()

    @cached_property
    def folded(self) -> str:
        """The text without the difference of case and of quote styles, to find words and phrases in."""
        return _fold(self.text)

    @cached_property
    def squeezed(self) -> str:
        """`folded` with single spaces."""
        return " ".join(self.folded.split())

    @cached_property
    def marked(self) -> str:
        """The text with plain quotes and the marks of all scripts as those of English, to count them in."""
        return self.text if self.text.isascii() else self.text.translate(_MARKS)

    @cached_property
    def lines(self) -> list[str]:
        """The lines that are not empty, without the spaces around them."""
        return [line for line in map(str.strip, self.text.split("\n")) if line]

    @cached_property
    def fenced(self) -> tuple[list[str], list[str]]:
        """The lines outside code blocks, as they are written, and the code blocks that are closed.

        A code block lies between lines of three backticks or more, the first with the name of a language or without.
        """
        outside, blocks, block, fence = list[str](), list[str](), list[str](), ""
        for line in self.text.split("\n"):
            bare = line.strip()
            ticks = len(bare) - len(bare.lstrip("`"))
            if fence and ticks >= len(fence) and ticks == len(bare):
                blocks.append("\n".join(block))
                fence, block = "", []
            elif fence:
                block.append(line)
            elif ticks >= 3 and "`" not in bare[ticks:]:
                fence = bare[:ticks]
            else:
                outside.append(line)
        return outside, blocks

    @cached_property
    def items(self) -> list[str]:
        """The lines without the marks of lists, headings and quotations before them."""
        return [_MARKER.sub("", line, count=1) for line in self.lines]

    @cached_property
    def paragraphs(self) -> list[str]:
        """What stands between empty lines."""
        return [part.strip() for part in _BLANK.split(self.text) if part.strip()]

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences, line by line; each holds a word."""
        return [sentence for item in self.items for sentence in sentences(item)]

    @cached_property
    def words(self) -> list[str]:
        """The words as they are written, without the marks around them."""
        return [word for item in self.items for word in words(item)]

    @cached_property
    def sentence_words(self) -> list[list[str]]:
        """The words of each sentence, as they are written."""
        return list(map(words, self.sentences))

    @cached_property
    def openers(self) -> list[str]:
        """The first word of each sentence, whatever its case and quotes."""
        return [_fold(found[0]) for found in self.sentence_words]

    @cached_property
    def closers(self) -> list[str]:
        """The last word of each sentence, whatever its case and quotes."""
        return [_fold(found[-1]) for found in self.sentence_words]

    @cached_property
    def ends(self) -> list[str]:
        """The last character of each sentence, behind which only closing quotes, brackets or asterisks stand."""
        return [sentence.rstrip(_CLOSERS)[-1].translate(_MARKS) for sentence in self.sentences]

    @cached_property
    def counts(self) -> Counter[str]:
        """How often each word stands there, whatever its case and quotes."""
        return Counter(map(str.lower if self.text.isascii() else _fold, self.words))

    @cached_property
    def letters(self) -> Counter[str]:
        """How often each letter stands there, whatever its case."""
        counts = Counter(self.text.casefold())
        return Counter({letter: n for letter, n in counts.items() if letter.isalpha()})

    @cached_property
    def distinct(self) -> int:
        """How many different words there are."""
        return len(self.counts)

    @cached_property
    def soon_distinct(self) -> int:
        """How many different words there are at the beginning of the text; of a short text, in all of it."""
        # The last word of the beginning may be cut, and be no word of the text.
        return Reply(self.text[:_HEAD]).distinct - 1 if len(self.text) > 2 * _HEAD else self.distinct

    def varied(self, least: int) -> bool:
        """Whether there are so many different words; all of them are counted only if the first few do not tell."""
        return self.soon_distinct >= least or self.distinct >= least

    def occurrences(self, phrase: str) -> int:
        """How often a word or phrase stands there, as `positions` finds it."""
        return len(self.positions(phrase))

    def positions(self, phrase: str) -> list[int]:
        """Where a word or phrase stands in `squeezed`, between characters that are no letters or digits, of any case.

        Args:
            phrase: words with single spaces; the text's own spaces and line breaks between them may differ.
        """
        found, start, wanted = list[int](), 0, " ".join(phrase.translate(_QUOTES).casefold().split())
        text, size = self.squeezed, len(wanted)
        if not size:
            return found
        while (at := text.find(wanted, start)) >= 0:
            before, after = text[at - 1 : at], text[at + size : at + size + 1]
            whole = not (before.isalnum() and wanted[0].isalnum()) and not (after.isalnum() and wanted[-1].isalnum())
            if whole:
                found.append(at)
            start = at + (size if whole else 1)
        return found


def _fold(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_QUOTES).casefold()


def form(text: str) -> str:
    """A phrase, or a part of a reply, in the form of `squeezed`."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_QUOTES)
    return " ".join(text.casefold().split())


def words(text: str) -> list[str]:
    """The words of a line, without the marks around them."""
    if text.isascii():
        tokens = text.split()
        return [word for token in tokens if (word := token if token.isalnum() else token.strip(punctuation))]
    tokens = _TOKEN.findall(text) if _HAS_SOLID.search(text) else text.split()
    return [word for token in tokens if (word := token if token.isalnum() else _EDGE.sub("", token))]


def sentences(text: str) -> list[str]:
    """The sentences of a line; each holds a word."""
    out, start = [], 0
    for end in _END.finditer(text):
        out.append(text[start : end.end()].strip())
        start = end.end()
    out.append(text[start:].strip())
    return [sentence for sentence in out if any(map(str.isalnum, sentence))]
