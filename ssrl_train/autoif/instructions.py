"""Instructions: read from files and out of what a model said, with those left out that are of no use.

Self-Instruct (arXiv 2212.10560) leaves out what is nearly an instruction that is there already; AutoIF (arXiv
2406.13542) asks for 50 at a time. What is left out is left out for a reason that is counted.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from ssrl_data.core import Json, SsrlError
from ssrl_data.curate.words import words
from ssrl_data.media.instruction import LONGEST_INSTRUCTION, said

SHORTEST, LONGEST = 15, 400
"""Characters of an instruction that a model wrote; what is shorter says nothing, what is longer is no one demand."""

ALIKE = 0.6
"""Share of all the different words of two instructions that both have, from which on the newer one is left out. Of
4,278 pairs of 93 instructions that demand different things, the greatest share was 0.5; of 8 that were written again
with another number or a "your reply must", four had more than this."""

_ROUNDING = 1e-9  # of products with `ALIKE`, so that a share of exactly that is one

MOST_LINES = 1_000
"""Lines of one output that are read."""

NEEDS = {
    "needs the request": (r"(?:the|my|your|this) (?:question|request|prompt|query|instruction|user(?:'s)?)",),
    "needs how words sound": (
        r"rhym\w*|syllables?|haikus?|limericks?|sonnets?|onomatopoe\w*|pronounc\w*|iambic|pentameter",
        r"homophones?|tongue[- ]twisters?",
    ),
    "needs what words mean": (
        r"synonyms?|antonyms?|metaphors?|similes?|analog(?:y|ies)|idioms?|proverbs?|puns?|jokes?|counter-?arguments?",
        r"tone|humou?r\w*|funny|witty|sarcas\w*|formal|informal|polite\w*|friendly|emotion\w*|persuasive\w*",
        r"enthusias\w*|optimis\w*|pessimis\w*|sentiment|creative\w*|concise\w*|clear(?:ly)?|simple words|personif\w*",
        r"in the style of|as if you|from the perspective|relevant|related to|summar(?:y|ise|ize)",
    ),
    "needs a grammar": (
        r"verbs?|nouns?|adjectives?|adverbs?|conjugat\w*|tense|passive|imperative|gerunds?|grammatical\w*",
        r"parts? of speech|clauses?|subjunctive|(?:first|second|third) person",
    ),
    "needs knowledge of the world": (
        r"translat\w*|in (?:french|spanish|german|chinese|latin|italian|japanese|arabic|hindi)|dictionary",
        r"real[- ](?:world|life)|famous|celebrit\w*|historical|scientific|facts?|factual\w*|true|accurate\w*",
        r"cit(?:e|es|ation|ations)|sources?|countr(?:y|ies)|cities|animals?|fruits?|prime ministers?|presidents?",
        r"cultur\w*",
    ),
    "needs the world outside": (
        r"today(?:'s)?|current (?:date|time|year)|weather|news|internet|web ?sites?|working links?",
        r"look(?:ed)? up|search",
    ),
    "needs more than text": (r"images?|pictures?|photos?|audio|videos?|fonts?|colou?red|sing|spoken|aloud",),
}
"""What a checker cannot have, and the words by which an instruction gives away that it needs it."""

_NEEDS = {reason: re.compile(rf"\b(?:{'|'.join(parts)})(?!\w)", re.IGNORECASE) for reason, parts in NEEDS.items()}
_LEAD = re.compile(r"^\s{0,20}(?:[-*•]|\d{1,4}[.):])\s{1,20}")
_BLANK = re.compile(
    r"_{3,}|\{[^{}\n]{1,40}\}|\[(?:insert|your|word|keyword|number|letter|topic|name|phrase|x|n)\b[^\]\n]{0,40}\]",
    re.IGNORECASE,
)
_QUOTES = "\"'`*“”"


class Pool:
    """Instructions that differ: a new one is told whether it is nearly one that is there."""

    def __init__(self) -> None:
        self._words: list[frozenset[str]] = []
        self._having: defaultdict[str, list[int]] = defaultdict(list)
        self._exact: set[str] = set()

    def add(self, text: str, near: bool = True) -> str:
        """Add an instruction, or say why not: `repeats another`, or with `near` also `nearly another`."""
        ordered = words(text)
        found, exact = frozenset(ordered), " ".join(ordered) or text
        if exact in self._exact:
            return "repeats another"
        if near and self._near(found):
            return "nearly another"
        self._exact.add(exact)
        for word in _rare(found):
            self._having[word].append(len(self._words))
        self._words.append(found)
        return ""

    def _near(self, found: frozenset[str]) -> bool:
        places = {place for word in _rare(found) for place in self._having.get(word, ())}
        return any(
            len(found & self._words[place]) >= ALIKE * len(found | self._words[place]) - _ROUNDING for place in places
        )


def _rare(found: frozenset[str]) -> list[str]:
    """Words of which two instructions that are nearly one share at least one: all but as many as they may differ in.

    The longest ones, which are mostly the rarest (prefix filtering; Chaudhuri, Ganti and Kaushik, 2006).
    """
    needed = math.ceil(ALIKE * len(found) - _ROUNDING)
    return sorted(found, key=lambda word: (-len(word), word))[: len(found) - needed + 1]


def fault(text: str) -> str:
    """Why an instruction that a model wrote is of no use to a checker, in fixed words; empty where nothing is seen.

    A rule of thumb: it knows words that give such instructions away. Of 48 that can be checked and 45 that cannot, all
    written for this measurement, it leaves out none of the former and 41 of the latter; validation sees to the rest,
    since checkers of what cannot be checked do not agree.
    """
    if len(text) < SHORTEST or len(words(text)) < 3:
        return "too short"
    if len(text) > LONGEST:
        return "too long"
    if _BLANK.search(text):
        return "has a blank to fill in"
    return next((reason for reason, pattern in _NEEDS.items() if pattern.search(text)), "")


def instructions_in(output: str) -> list[str]:
    """The instructions in an output, one a line, without bullets, numbers and quotes; a line that ends in : is talk."""
    found = []
    for line in output.splitlines()[:MOST_LINES]:
        text = said(_LEAD.sub("", line[: 4 * LONGEST_INSTRUCTION])).strip(_QUOTES).strip()
        if text and not text.endswith(":") and not text.startswith(("#", "<", "```")):
            found.append(text)
    return found


def read_instructions(path: Path) -> list[str]:
    """The instructions of a file: JSON lines with `instruction` where its name ends in `.jsonl`, else one a line.

    In text, blank lines and lines that begin with `#` are passed over.

    Raises:
        SsrlError: it cannot be read, holds none, or a line is too long or of another form.
    """
    found = [text for line in _lines(path) if (text := _instruction(line, path))]
    if not found:
        raise SsrlError(f"{path}: holds no instruction: write one a line, or JSON lines with `instruction`")
    return found


def records(path: Path) -> Iterator[tuple[int, dict[str, Json]]]:
    """The objects of a file of JSON lines, with the numbers of their lines.

    Raises:
        SsrlError: it cannot be read, or a line is no object.
    """
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SsrlError(f"{path}: line {number} is not JSON: mend or remove it") from error
        if not isinstance(found, dict):
            raise SsrlError(f"{path}: line {number} is no object with names: mend or remove it")
        yield number, found


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8-sig") as lines:
            yield from enumerate(lines, 1)
    except OSError as error:
        raise SsrlError(f"{path}: cannot be read ({error.strerror}): name a file that is there") from error
    except UnicodeDecodeError as error:
        raise SsrlError(f"{path}: is no text in UTF-8: save it as such") from error


def _instruction(line: tuple[int, str], path: Path) -> str:
    number, text = line
    if path.suffix == ".jsonl":
        if not text.strip():
            return ""
        try:
            text = json.loads(text)["instruction"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise SsrlError(f"{path}: line {number} is no JSON object with `instruction`: mend or remove it") from error
        if not isinstance(text, str):
            raise SsrlError(f"{path}: line {number}: `instruction` must be a text")
    elif text.startswith("#"):
        return ""
    text = said(text)
    if len(text) > LONGEST_INSTRUCTION:
        raise SsrlError(
            f"{path}: line {number}: {len(text)} characters, an instruction has at most {LONGEST_INSTRUCTION}"
        )
    return text
