"""Text as hashes of its words and of runs of words, in which case, spacing and punctuation make no difference."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint64]

# Scripts that put no spaces between words: each character counts as one.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_ASCII = re.compile(r"[0-9a-z]+")
_TOKEN = re.compile(r"[^\W_]+(?:[.,][0-9]+)*|[^\s\w.,;:?\"'’“”…]|_")
_DIGITS = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_QUOTED = re.compile(r'["“”][^"“”\n]{1,80}["“”]|(?<!\w)[\'‘’][^\'‘’\n]{1,80}[\'‘’](?!\w)|`[^`\n]{1,80}`')
_SLIGHT = frozenset(
    {
        *("a", "an", "and", "any", "are", "as", "at", "be", "by", "can", "contain", "containing", "contains", "do"),
        *(
            "does",
            "each",
            "every",
            "for",
            "from",
            "has",
            "have",
            "if",
            "in",
            "include",
            "includes",
            "including",
            "into",
        ),
        *(
            "including",
            "is",
            "it",
            "its",
            "make",
            "must",
            "of",
            "on",
            "or",
            "please",
            "should",
            "so",
            "t",
            "that",
            "the",
            "their",
        ),
        *("them", "there", "this", "to", "use", "using", "when", "which", "with", "write", "written", "you", "your"),
        *("answer", "output", "provide", "reply", "respond", "response", "text"),
    }
)
_ALIKE = {
    **dict.fromkeys(("not", "without", "avoid", "never", "don", "free"), "no"),
    **dict.fromkeys(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve"), "0"),
    **dict.fromkeys(("start", "begins", "beginning", "starting"), "begin"),
    **dict.fromkeys(("finish", "ends", "ending", "finishing", "close"), "end"),
}

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_KNOWN = 1 << 17
"""Words whose hashes a process keeps, some 25 MB."""


def words(text: str) -> list[str]:
    """The words of a text in Unicode's form KC, case folded; punctuation and spacing are left out."""
    if text.isascii():  # the same, in a third of the time
        return _ASCII.findall(text.lower())
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def tokens(text: str) -> list[str]:
    """The words and signs of a problem, of which case tells only variables apart: `x + 1` is not `x - 1` or `X + 1`."""
    found = _TOKEN.findall(unicodedata.normalize("NFKC", text))
    return [token if len(token) == 1 else token.casefold() for token in found]


def template(found: Sequence[str]) -> list[str]:
    """The tokens with one number in the place of every number."""
    return [_DIGITS.sub("0", token) for token in found]


def demands(text: str) -> list[str]:
    """What an instruction asks for, as its words but for those that any may hold, each once in alphabetical order.

    Numbers are one word, and so are quoted texts. Of a text of slight words alone all are kept.
    """
    found = words(_QUOTED.sub(" quoted ", text))
    said = (_DIGITS.sub("0", word.removesuffix("s") or word) for word in found if word not in _SLIGHT)
    return sorted({_ALIKE.get(word, word) for word in said} or set(found)) or [text]


def hashed(found: Iterable[str]) -> Hashes:
    """64 bits for each word, the same in every process."""
    return np.fromiter(map(_hash, found), np.uint64)


@lru_cache(_KNOWN)
def _hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def runs(hashes: Hashes, length: int) -> Hashes:
    """A hash for each run of so many words, in order; none when there are fewer words. Runs of two lengths differ."""
    count = max(0, len(hashes) - length + 1)
    out = np.full(count, length, np.uint64)
    for offset in range(length):
        out *= _FACTOR
        out += hashes[offset : offset + count]
    return mixed(out)


def mixed(values: Hashes) -> Hashes:
    """The values with every bit depending on all higher and lower ones."""
    for _ in range(2):
        values = (values ^ (values >> _HALF)) * _MIX
    return np.asarray(values ^ (values >> _HALF), np.uint64)
