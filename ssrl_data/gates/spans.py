"""Which spans of a paragraph may be hidden: those of closed kinds, with one right fill that a reader can infer.

Verbs, adjectives and common nouns have many right fills and are not among them. What is left are numbers, names and
technical terms, without those that nothing could tell: numbers of pages and versions, one member of a list among its
likes, placeholders.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

from ssrl_data.media.text import sentences, words

LONGEST = 8
"""Words of the longest span."""

KINDS = ("number", "name", "capitals", "identifier", "option", "file")
"""Kinds of spans: numbers; names; words in capital letters (mostly acronyms); identifiers of programs; names of long
command-line options; names of files and folders."""

TERMS = frozenset({"capitals", "identifier", "option", "file"})

SMALL = {
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
}
"""Numbers that prose writes as words."""


@dataclass(frozen=True, slots=True)
class Span:
    """A span that may be hidden.

    Attributes:
        start: first character in the paragraph.
        end: the character behind the last one.
        kind: one of `KINDS`.
        first: number of its first word in the paragraph.
        last: number behind that of its last word.
        sentence: number of its sentence in the paragraph.
        told: of a number, whether its sentence tells it to who reads on: it counts what is listed, fills a row
            (0, 1, 2, 3) or follows by arithmetic.
    """

    start: int
    end: int
    kind: str
    first: int
    last: int
    sentence: int
    told: bool = False


_DIGITS = re.compile(r"[0-9]{1,6}|[0-9]{1,3}(?:,[0-9]{3}){1,2}")
_YEAR = re.compile(r"1[0-9]{3}|20[0-4][0-9]")
_NAME = re.compile(r"[A-ZÀ-ÖØ-Þ][^\W\d_]*[a-zß-öø-ÿ][^\W\d_]*(?:[-'’][A-ZÀ-ÖØ-Þ][^\W\d_]+)*")
_ACRONYM = re.compile(r"[A-Z]{3,8}|[A-Z]{2,6}-?[0-9]{1,4}|[A-Z]{2,5}/[A-Z]{2,5}")
_IDENTIFIER = re.compile(r"[A-Za-z]+[0-9]*(?:_[A-Za-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+|[a-z]{2,}(?:\.[a-z_]{2,}){1,3}")
_OPTION = re.compile(r"[a-z]{3,}(?:-[a-z]+)*")
_FILE = re.compile(
    r"(?:/[\w.+-]+){2,6}|[A-Za-z][\w-]*\.(?:c|h|py|conf|cfg|txt|gz|tar|so|html|xml|json|sql|sh|pl|ini|log)"
)
_PATH = re.compile(r"(?<![^\s(\"'‘“`])(?:/[A-Za-z][\w+-]*(?:\.[\w+-]+)*){2,6}(?=[\s,;:)\"'’”`]|\.(?:\s|$)|$)")
_PLURAL = re.compile(r"[A-Z]{2,}s")
# A reference to literature, whose parts nobody infers, and what leads on to another text.
_CITED = re.compile(
    r"\bpp?\. ?[0-9]|\bet al\b|\b[Ee]ds?\b[.,)]|\bProc\b|\bISBN\b|\bVol\.|[\w.]@\w|\b(?:Univ|Intl|Conf|Dept)\b"
)
_SEE = re.compile(r"(?:^|[\s(\[])(?:[Ss]ee|[Cc]ompare|[Cc]f\.?|[Cc]ontrast|[Ss]ee also)\s[^.;)]{0,120}$")
# Who wrote, sent or proposed what is told in thanks, and nobody infers it.
_CREDIT = re.compile(
    r"\b(?:[Cc]ontribut|[Pp]atch|[Ss]ubmit|[Ss]uggest|[Rr]eport|[Ii]mplement|[Aa]dd|[Mm]odif|[Pp]ort|[Pp]ropos|[Ff]und"
    r"|[Ff]ix|[Rr]ewrit|[Ww]rit|[Dd]onat|[Mm]aintain|[Tt]ranslat|[Rr]eview)\w{0,6} (?:by|from)\s"
    r"|\b[Tt]hanks (?:go )?to\s|\b[Cc]ourtesy (?:of )?$|\bcredit"
)
_TICKET = re.compile(r"\b(?:[Ii]ssue|bpo|gh|[Bb]ug)[ -]?#?[0-9]{3,}")
# What is named for an example is one of many.
_EXAMPLE = re.compile(
    r"(?:\b(?:such as|including|like|say,)|\be\.g\.,?|\b[Ff]or (?:example|instance)[,:]?)\s(?:the\s|an?\s)?[\"'‘“`(]*$"
)
_CAPITAL = re.compile(r"[A-ZÀ-ÖØ-Þ]")
# A word with a capital, an underscore or a slash on the other side of a comma or an `and`.
_LIKE = r"(?=[\w/.+-]{0,40}[A-Z_/])[^\W\d][\w/.+-]{0,40}"
_BESIDE = re.compile(_LIKE + r"['’”\"`)]{0,2}(?:,| and| or|, and| or,|, or|/)\s?(?:the\s)?['‘“\"`(]{0,2}$")
_BEHIND = re.compile(r"['’”\"`)]{0,2}(?:,? (?:and|or|nor) |, |/)(?:the )?['‘“\"`(]{0,2}" + _LIKE)
_PARTICLES = r" (?:van|von|de[nlr]?|di|da|du|la|le)(?: \w{2,4})? "
_PARTICLE, _AFTER_PARTICLE = re.compile(_PARTICLES + "[A-Z]"), re.compile(_PARTICLES + "$")
_SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")

# Words before a number that make it a mere label: nothing else in the text says which section or which version.
_LABELS = frozenset(
    {
        *("section", "sections", "chapter", "chapters", "figure", "figures", "fig", "table", "tables", "page", "pages"),
        *("appendix", "part", "parts", "volume", "vol", "version", "versions", "release", "releases", "revision"),
        *("rfc", "item", "step", "example", "listing", "equation", "note", "footnote", "edition", "issue", "bug", "no"),
        *("number", "line", "lines", "column", "level", "clause", "article", "paragraph", "rule", "theorem", "lemma"),
        *("ext", "iso", "pp", "ch", "sec", "eq", "room", "day", "week", "kernel", "build", "draft", "phase", "and"),
        *("or", "to", "than", "least", "most", "about", "around", "approximately", "nearly", "only", "up", "over"),
        *("ago", "these", "those", "both", "other", "last", "first", "next", "past", "previous", "same"),
    }
)
_DATING = frozenset(
    {"in", "since", "until", "by", "of", "from", "during", "year", "early", "late", "mid", "circa", "ca"}
)
_UNIT = re.compile(r" (?:bits?|bytes?|[kmg]i?b|k?hz|[a-z]+s)\b", re.IGNORECASE)
_MONTHS = frozenset(
    {
        *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
        *("december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "monday"),
        *("tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    }
)
# Capitalised words that are no names: parts of a text, the first person, truth values, greetings.
_PLAIN = frozenset(
    {
        *("i", "section", "chapter", "figure", "table", "appendix", "page", "part", "volume", "note", "notes", "see"),
        *("example", "none", "true", "false", "null", "nil", "yes", "no", "the", "a", "an", "this", "that", "it", "if"),
        *("in", "on", "of", "for", "and", "or", "to", "however", "mr", "mrs", "ms", "dr", "prof", "version", "release"),
        *("todo", "warning", "caution", "tip", "important", "i'm", "i’m", "i've", "i’ve", "i'd", "i’d", "i'll", "i’ll"),
        *("internet", "web", "also", "there", "when", "english"),
    }
)
_PLAIN_NUMBER = re.compile(r"(?<![\w.,:/-])[0-9]{1,6}(?![\w:/]|[.,][0-9])")
_COUNTED = re.compile(
    r"(?: [^\W\d_][\w-]{0,30}){1,6}(?:: | (\())|(?: [^\W\d_][\w-]{0,30}){1,8}(?:, (?:namely|i\.e\.,?|that is,?) )"
)
_ASIDE = re.compile(r"(?:see|for|due|e\.g|i\.e|such|if|as|or|and|in|passed)\b")
_NESTED = re.compile(r"[:;()\[\]]|--|\. ")
_COMMA = re.compile(r", (?!and |or )|, (?=and |or )")
_LAST = re.compile(r"(?:^| )(?:and|or) ")
_MOST_NUMBERS = 12
# Sentences whose numbers somebody chose, and units of quantities that may be any.
_VAGUE = re.compile(
    r"\b(?:defaults?|about|roughly|approximately|e\.g|example|suppose|perhaps|maybe|typically|case)\b", re.IGNORECASE
)
_MEASURE = re.compile(
    r"[ -](?:(?:nano|micro|milli)?seconds?|minutes?|hours?|days?|weeks?|months?|years?|feet|inch(?:es)?|miles?"
    r"|met(?:er|re)s?|people|users?|rows?|files?|lines?|times)\b"
)
_LONGEST_WORD = 40
_BETWEEN = re.compile(
    r"['’”\"`)]{0,2}\s?(?:[,;/&]|,?\s(?:and|or|und|oder|et|ou|y|o)\s|,\s(?:and|or)\s)\s?(?:the\s|an?\s)?['‘“\"`(-]{0,3}"
)
_Found: TypeAlias = tuple[int, int, int, int, str]


@lru_cache(maxsize=2048)
def spans(paragraph: str) -> tuple[Span, ...]:
    """The spans of a paragraph that may be hidden, in order; one word may lie in one only.

    Not asked are the first word of a sentence, what an article that depends on it precedes ("a", "an"), and what stands
    in a list of its likes: of "Java, Perl and Python" none can be told from the others.
    """
    places = words(paragraph)
    out: list[Span] = []
    at = last = 0
    for number, sentence in enumerate(sentences(paragraph)):
        at = paragraph.index(sentence, at)
        first, end = last, at + len(sentence)
        while last < len(places) and places[last][0] < end:
            last += 1
        if first < last:
            out += _of_sentence(paragraph, places, first, last, number, at)
        at = end
    return tuple(out)


def spaceless(text: str) -> bool:
    """Whether the text is in a script that puts no spaces between words, so that the words cannot be told apart."""
    return 5 * len(_SPACELESS.findall(text)) > len(text)


def _of_sentence(
    text: str, places: Sequence[tuple[int, int]], first: int, last: int, number: int, begin: int
) -> list[Span]:
    stop = places[last - 1][1]
    paths = [found.span() for found in _PATH.finditer(text, begin, min(len(text), stop + 1))] if "/" in text else []
    found: list[_Found] = []
    for start, end in paths:
        inside = [i for i in range(first, last) if start <= places[i][0] < end]
        if inside:
            found.append((start, end, inside[0], inside[-1] + 1, "file"))
    i = first
    while i < last:
        start, end = places[i]
        word = text[start:end]
        if word.islower() and word.isalpha() and word not in SMALL and text[start - 1 : start] != "-":
            i += 1  # most words
            continue
        if paths and any(a <= start < b for a, b in paths):
            i += 1
            continue
        j, kind = _kind(text, places, i, first, last)
        if kind:
            end = places[j - 1][1]
            for tail in ("'s", "’s"):
                if text.endswith(tail, start, end):
                    end -= 2
            found.append((start, end, i, j, kind))
        i = max(j, i + 1)
    if not found or _CITED.search(text, begin, stop):
        return []
    told = _told(text, places, found, first, last)
    vague = any(kind == "number" for *_, kind in found) and _VAGUE.search(text, begin, stop)
    return [
        Span(start, end, kind, i, j, number, (start, end) in told)
        for n, (start, end, i, j, kind) in enumerate(found)
        if (kind != "number" or (start, end) in told or not (vague or _small(text, start, end)))
        and _apart(text, start, end, kind)
        and not _SEE.search(text, max(begin, start - 120), start)
        and not _EXAMPLE.search(text, max(begin, start - 24), start)
        and not (kind == "name" and _credited(text, begin, start, stop, j - i))
        and (kind == "number" or not _beside(text, begin, start, end))
        and ((start, end) in told or not any(_alike(text, *pair) for pair in pairwise(found[max(0, n - 1) : n + 2])))
    ]


def _kind(text: str, places: Sequence[tuple[int, int]], i: int, first: int, last: int) -> tuple[int, str]:
    """Where the span that begins with word i ends, and its kind: empty for none."""
    start, end = places[i]
    word = text[start:end]
    if len(word) > _LONGEST_WORD:
        return i + 1, ""
    before = text[places[i - 1][0] : places[i - 1][1]] if i > first else ""
    if text[max(0, start - 2) : start] == "--" and _OPTION.fullmatch(word):
        return i + 1, "option"
    if word[0].isdigit() or word.lower() in SMALL:
        if i == first or before.lower() in _LABELS | _MONTHS or _CAPITAL.match(before):
            return i + 1, ""
        dated = _YEAR.fullmatch(word) and (before.lower() in _DATING or not _UNIT.match(text, end))
        return i + 1, "number" if not dated and (word in SMALL or _DIGITS.fullmatch(word)) else ""
    if _FILE.fullmatch(word):
        return i + 1, "file"
    if _IDENTIFIER.fullmatch(word) and not word.startswith("www."):
        return i + 1, "identifier"
    if i == first or _opens(text, start):
        return i + 1, ""
    if "/" in word and not _ACRONYM.fullmatch(word):
        return i + 1, ""  # Tcl/Tk is Tk as well
    if _NAME.match(word) and word.lower().rstrip("s") not in _PLAIN | _MONTHS and word.lower() not in _PLAIN | _MONTHS:
        j = i + 1
        while j < min(last, i + LONGEST) and text[places[j - 1][1] : places[j][0]] == " ":
            following = text[slice(*places[j])]
            if _named(following):
                j += 1
            elif following == "of" and j + 1 < last and _named(text[slice(*places[j + 1])]):
                j += 2
            elif text.startswith("of the ", places[j][0]) and j + 2 < last and _named(text[slice(*places[j + 2])]):
                j += 3
            else:
                break
        return j, "name" if _whole(
            text, places[max(i - 1, first)], (start, places[j - 1][1])
        ) and j - i <= LONGEST else ""
    if _ACRONYM.fullmatch(word):
        return i + 1, "capitals"
    return i + 1, ""


def _named(word: str) -> bool:
    return bool(_NAME.fullmatch(word.removesuffix("'s").removesuffix("’s"))) or bool(re.fullmatch(r"[A-Z]{2,6}", word))


def _whole(text: str, before: tuple[int, int], place: tuple[int, int]) -> bool:
    """Whether nothing beside a name belongs to it, as in Dennis M. Ritchie, Mark I and Just van Rossum."""
    start, end = place
    if _CAPITAL.match(text, before[0]) and text[before[1] : start] in (" ", ". "):
        return False
    return not (
        _PLURAL.fullmatch(text[start:end])
        or re.match(r" (?:[A-Z0-9]|of [A-Z])", text[end : end + 5])
        or _PARTICLE.match(text, end)
        or _AFTER_PARTICLE.search(text, max(0, start - 12), start)
    )


def _opens(text: str, start: int) -> bool:
    """Whether what precedes may begin a sentence, so that a capital says nothing."""
    return bool(re.search(r"(?:^|[.!?:;\"“‘([*>|\])-]\s*|['`]|\s[-–—]\s)$", text[max(0, start - 4) : start]))


def _apart(text: str, start: int, end: int, kind: str) -> bool:
    """Whether the span is no part of a longer word, a range or a date, and no article before it tells how it begins."""
    before, after = text[max(0, start - 16) : start], text[end : end + 8]
    if kind == "option":
        return bool(re.search(r"(?:^|[\s\"'‘“`(])--$", before)) and not re.match(r"[-\w\[]", after)
    if not re.search(r"(?:^|[\s(\"'‘“`])$", before) or re.search(r"(?:^|[\s(\"'‘“`])[Aa]n?[\s\"'‘“`]+$", before):
        return False
    if kind == "number":
        return not re.match(r"[^\s,.;:)%'’\"”]|[.:,'’][\w]|\)|\s?(?:to|and|or|[-–—x/×+*=<>])[\s\d]|:", after) and not (
            re.search(r"[(\[=<>+*/×-]\s?$|\b(?:from|between|by)\s$", before)
        )
    return not re.match(r"[-\w@&/*=\[+<(]|[.:’'](?!s\b)\w", after) or (kind == "identifier" and after.startswith("()"))


def _credited(text: str, begin: int, start: int, stop: int, size: int) -> bool:
    """Whether a name stands in a sentence of thanks: behind its verb, if it has two words, or beside a ticket."""
    ticket = _TICKET.search(text, start, stop)
    return bool(_CREDIT.search(text, begin, start)) and (size > 1 or ticket is not None)


def _beside(text: str, begin: int, start: int, end: int) -> bool:
    """Whether a like of any form stands on the other side of a comma, a slash, `and` or `or`: GNU/Linux, X11."""
    before = _BESIDE.search(text, max(begin, start - 60), start)
    opens = before is not None and before.start() == begin  # any word has a capital there
    return (before is not None and not opens) or _BEHIND.match(text, end) is not None


def _alike(text: str, one: _Found, other: _Found) -> bool:
    """Whether two neighbours are of one kind, with no more between them than a comma, a slash, `and` or `or`."""
    between = text[one[1] : other[0]]
    return (one[4] == "number") == (other[4] == "number") and len(between) < 20 and bool(_BETWEEN.fullmatch(between))


def _told(
    text: str, places: Sequence[tuple[int, int]], found: Sequence[_Found], first: int, last: int
) -> set[tuple[int, int]]:
    """Where the numbers are that follow from the rest of their sentence."""
    numbers = [(start, end, _value(text[start:end])) for start, end, _, _, kind in found if kind == "number"]
    if not numbers:
        return set()
    begin, stop = places[first][0], places[last - 1][1]
    shown = [int(n) for n in _PLAIN_NUMBER.findall(text[begin:stop])][:_MOST_NUMBERS]
    return {
        (start, end)
        for start, end, value in numbers
        if (2 <= value <= 12 and _listed(text[end : stop + 2]) == value)
        or (text[start:end].isdigit() and (_continued(shown, value) or (value >= 10 and _computed(value, shown))))
    }


def _small(text: str, start: int, end: int) -> bool:
    """Whether a number is one of many that would do: up to six, written as a word, or of seconds, days or feet."""
    word = text[start:end]
    return word in SMALL or _value(word) <= 6 or _MEASURE.match(text, end) is not None


def _value(text: str) -> int:
    return SMALL.get(text) or int(text.replace(",", ""))


def _listed(rest: str) -> int:
    """How many things the rest of a sentence lists, right behind the noun that was counted; 0 where it lists none."""
    head = _COUNTED.match(rest)
    if head is None:
        return 0
    listed = rest[head.end() :]
    longest = 8
    if head[1] == "(":
        listed, closed, _ = listed.partition(")")
        if not closed or head[0].count(" ") > 4 or _ASIDE.match(listed):
            return 0
        longest = 4
    listed = listed.strip(" .;:!?\"'”’")
    if _NESTED.search(listed) or len(_LAST.findall(listed)) != 1:
        return 0
    parts = _COMMA.split(listed)
    final = _LAST.split(parts[-1])
    if len(final) > 1 and final[0]:
        parts[-1:] = final
    elif len(final) == 1:
        return 0
    return len(parts) if all(0 < len(part.split()) <= longest for part in parts) else 0


def _continued(shown: Sequence[int], value: int) -> bool:
    """Whether the numbers of the sentence, in order, are one row of four or more: 0, 1, 2, 3 or 8, 16, 32, 64."""
    if len(shown) < 4 or shown.count(value) != 1:
        return False
    return all(b == a + 1 for a, b in pairwise(shown)) or all(b == 2 * a > 0 for a, b in pairwise(shown))


def _computed(value: int, shown: Sequence[int]) -> bool:
    """Whether two other numbers of the sentence give this one, or one does as a power of two."""
    others = sorted({v for v in shown if v != value})
    if value > 16 and any(4 <= v <= 32 and value in (2**v, 2**v - 1) for v in others):
        return True
    pairs = [(a, b) for n, a in enumerate(others) for b in others[n + 1 :] if a > 2]
    return value > 99 and shown.count(value) == 1 and any(value in (a * b, a + b) for a, b in pairs)
