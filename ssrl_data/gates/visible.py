"""Can an answer be read off the text around its gap, in whatever form it stands there?

A span hidden at random stays readable elsewhere in its paragraph in up to 47 rows of 100 (one word; 4,161 paragraphs of
manuals), most often in another form: `grep` in `egrep`, `three` as 3, `file name` as `filename`, `IP` as `Internet
Protocol`. What is doubtful counts as readable, since the cost is another span.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

_PIECE = re.compile(r"[0-9]+|[A-Z]{2,}(?=s\b)|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\d_A-Za-z]+")
_RUN = re.compile(r"[a-z]{4,}")
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_LETTERS = re.compile(r"[^\W\d_]['’A-Za-z]*")
_HYPHENED = re.compile(r"[^\W\d_][-'’A-Za-z]*")
_FIGURE = re.compile(r"(?![0-9])\d|[\u00b2\u00b3\u00b9\u2070-\u2089\u2460-\u24ff]")
# What parts words stays as a space, what joins them goes: file-name and file_name are one word, file/name are two.
_FORM = {
    code: " " if chr(code).isspace() or chr(code) in '/|,;()<>[]{}"“”' else None
    for code in range(0x3100)
    if not chr(code).isalnum()
}
_ROMAN = re.compile(r"\b[IVX]{1,6}\b")
_UPPER = re.compile(r"[A-Z]{2,}")
_TOKEN = re.compile(r"[a-z]{3,5}")
_LONG = re.compile(r"[a-z]{4,}")
_SMALL = frozenset([
    "of", "the", "and", "de", "la", "le", "du", "des", "del", "der", "die", "das", "von", "van", "for", "in", "to",
    "a", "an", "on", "or", "at", "by", "with", "el", "und", "et", "da", "di",
])  # fmt: skip
_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_TIMES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "k": 1000, "m": 10**6, "g": 10**9}
_WORDS = {
    **{word: value for value, word in enumerate(_UNITS)},
    **{word: 10 * value for value, word in enumerate(_TENS, 2)},
    **{word + "th": value for value, word in enumerate(_UNITS)},
    "first": 1,
    "second": 2,
    "third": 3,
    "fifth": 5,
    "eighth": 8,
    "ninth": 9,
    "twelfth": 12,
    "once": 1,
    "twice": 2,
    "thrice": 3,
    "single": 1,
    "double": 2,
    "triple": 3,
    "dozen": 12,
    "half": 2,
    "pair": 2,
    "both": 2,
    "binary": 2,
    "dual": 2,
    "quarter": 4,
    "trio": 3,
    "quadruple": 4,
    "hundredth": 100,
    "couple": 2,
    "octal": 8,
    "decimal": 10,
    "hexadecimal": 16,
    "byte": 8,
    "decade": 10,
    "century": 100,
}
_ENDINGS = (
    *("ations", "ation", "ators", "ator", "ings", "ing", "ies", "ers", "ors", "ed", "er", "or", "es", "ly", "al", "ic"),
    *("s", "y", "e"),
)
_SHORT, _LEAST = 3, 4


def visible(answer: str, shown: Iterable[str]) -> bool:
    """Whether the answer, or a part that carries it, can be read in what is shown.

    Letters are compared without case, accents and inflection, joined or apart, inside longer words too (parts of three
    letters and more); numbers by value, in figures, words, ordinals and Roman figures; acronyms with the initials of
    consecutive words, and the other way round; shown words of four letters that are most of a part of the answer.

    Args:
        answer: the hidden text, at most some hundred characters.
        shown: the texts beside it; what the answer would join across two of them does not count.
    """
    sought = _Sought(_plain(answer))
    return any(sought.stands_in(_plain(text)) for text in shown if text)


class _Sought:
    """An answer, in the forms in which it is looked for."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        found = [*_PIECE.findall(answer), *_RUN.findall(answer)]
        pieces = [piece for piece in dict.fromkeys(piece.lower() for piece in found) if piece not in _SMALL]
        self.short = {piece for piece in pieces if len(piece) < _SHORT and not piece.isdigit()}
        self.stems = [_stem(piece) for piece in pieces if len(piece) >= _SHORT and not piece.isdigit()]
        whole = answer.translate(_FORM).replace(" ", "").lower()
        # The whole too: of one or two letters among the pieces, of three or four inside words, of more anywhere.
        self.short |= {whole} if len(whole) < _SHORT else set()
        self.stems += [whole] * (not whole.isdigit() and len(whole) >= _SHORT)
        self.joined = [stem for stem in self.stems if len(stem) > _LEAST] + [whole] * (len(whole) > _LEAST)
        self.values = _values(answer)
        self.acronyms = {found.lower() for found in _UPPER.findall(answer)}
        self.acronyms |= {answer} if _TOKEN.fullmatch(answer) else set()
        # ARPA in ARPANET, mode in PMODE: most of a piece, or all but one or two letters before it.
        long = [piece for piece in pieces if len(piece) > _LEAST and not piece.isdigit()]
        self.within = {piece[:size] for piece in long for size in range(max(_LEAST, len(piece) // 2 + 1), len(piece))}
        self.within |= {piece[cut:] for piece in long for cut in (1, 2) if len(piece) - cut >= _LEAST}
        self.begun = [f" {piece[:-3]}" for piece in long if len(piece) > 2 * _LEAST - 1]
        self.apart = re.compile(rf"\b{r'[^a-z0-9]*'.join(whole)}\b") if _TOKEN.fullmatch(whole) else None
        self.words = _LETTERS.findall(answer)

    def stands_in(self, plain: str) -> bool:
        """Whether a text says it."""
        spaced = plain.translate(_FORM).lower()
        if any(stem in spaced for stem in self.stems):
            return True
        if not self.within.isdisjoint(_LONG.findall(spaced)) or any(start in spaced for start in self.begun):
            return True
        if self.apart is not None and self.apart.search(plain.lower()):
            return True
        joined = spaced.replace(" ", "")
        if any(form in joined for form in self.joined):
            return True
        if self.short and not self.short.isdisjoint(piece.lower() for piece in _PIECE.findall(plain)):
            return True
        if self.values and not self.values.isdisjoint(_values(plain)):
            return True
        if self.acronyms and any(_spelt_out(self.acronyms, form.findall(plain)) for form in (_LETTERS, _HYPHENED)):
            return True
        return len(self.words) > 1 and _spelt_out({found.lower() for found in _UPPER.findall(plain)}, self.words)


def _spelt_out(acronyms: Iterable[str], words: Sequence[str]) -> bool:
    """Whether words that follow one another have an acronym for their initials."""
    for kept in (words, [word for word in words if word.lower() not in _SMALL]):
        initials = "".join([word[0] for word in kept]).lower()
        if any(acronym in initials for acronym in acronyms if len(kept) > 1):
            return True
    return False


@lru_cache(maxsize=512)
def _plain(text: str) -> str:
    """The text without accents and compatibility forms; raised and lowered digits stay apart from what they follow."""
    if text.isascii():
        return text
    if not _FIGURE.search(text):
        return unicodedata.normalize("NFKD", text)
    apart = "".join(f" {unicodedata.digit(c, 0)} " if c.isdigit() and not c.isascii() else c for c in text)
    return unicodedata.normalize("NFKD", apart)


def _stem(word: str) -> str:
    """The word without one ending, if four letters are left, and without its last two letters, if five are left."""
    short = word[: max(_LEAST + 1, len(word) - 2)]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= (_SHORT if ending == "ies" else _LEAST):
            return min(word[: -len(ending)], short, key=len)
    return short


def _values(text: str) -> set[str]:
    """The values of all numbers of a text, as plain decimals."""
    out: set[str] = set()
    for found in _NUMBER.findall(text):
        out.update(_readings(found))
    before: int | None = None
    for token in re.findall(r"[0-9]+|[A-Za-z]+", text):
        word = token.lower().removesuffix("s") if len(token) > 3 else token.lower()
        value = int(token[:18]) if token.isdigit() else _WORDS.get(token.lower(), _WORDS.get(word))
        if word in _TIMES:
            out.add(str((before or 1) * _TIMES[word]))
            out.add(str((before or 1) * 2 ** {1000: 10, 10**6: 20, 10**9: 30}.get(_TIMES[word], 0)))
            before = (before or 1) * _TIMES[word]
            continue
        if value is not None:
            out.add(str(value))
            if before is not None and before >= 20 and value < 10:
                out.add(str(before + value))
        before = value
    out.update(str(_roman(found)) for found in _ROMAN.findall(text))
    return out


def _readings(number: str) -> Iterator[str]:
    """What a numeral may mean: 1,000 and 1.000 a thousand or one, 3.0 three; and each run of its digits."""
    runs = re.split("[.,]", number)
    yield from (run.lstrip("0") or "0" for run in runs)
    if len(runs) > 1:
        if all(len(run) == 3 for run in runs[1:]):
            yield "".join(runs).lstrip("0") or "0"
        yield f"{runs[0].lstrip('0') or '0'}.{runs[1]}".rstrip("0").rstrip(".")


def _roman(figures: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10}[figure] for figure in figures]
    return sum(-a if a < b else a for a, b in pairwise([*values, 0]))
