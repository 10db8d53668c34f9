"""The language of a text, told by its letters, by py3langid and by short words.

Of languages that share their letters, py3langid tells which one each stretch of a few sentences is in; a stretch in
Latin letters must also hold a short word of the language, which lists of names and made-up words do not. On the
sentences of the phrasebook, two or more at a time, no language is taken for another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import ClassVar

from ssrl_data.answers.base import NO_LANGUAGES
from ssrl_data.core import SsrlError
from ssrl_data.curate.language import likeliest
from ssrl_data.instruct.constraint import Conflict, Constraint
from ssrl_data.instruct.draft import Draft
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.phrasebook import LANGUAGES, PHRASES, SCRIPTS, SMALL_WORDS
from ssrl_data.instruct.reply import Reply
from ssrl_data.rng import Rng

MOST_FOREIGN = 5
"""One letter in so many may be of names and terms in another language or script."""

STRETCH, STRETCHES = 60, 40
"""Letters of the shortest stretch whose language is told alone; how many stretches a long text is cut into."""

_KANA = re.compile(r"[\u3040-\u30ff]")
_ADDRESS = re.compile(r"https?://\S+")
_WORD = re.compile(r"[^\W\d_]+")


@cache
def _pattern(script: str) -> re.Pattern[str]:
    return re.compile(f"[{SCRIPTS[script]}]")


@cache
def rivals(language: str) -> frozenset[str]:
    """The languages that are written in the same letters, this one included."""
    return frozenset(code for code, (_, script) in LANGUAGES.items() if script == LANGUAGES[language][1])


def share(reply: Reply, language: str) -> float:
    """The share of a text's letters that are of a language, in [0, 1]; code blocks and addresses are left out.

    Raises:
        SsrlError: the language is told by py3langid, which is not installed.
    """
    lines = Reply("\n".join(_ADDRESS.sub("", line) for line in reply.fenced[0]))
    pattern = _pattern(LANGUAGES[language][1])
    every = own = 0
    for text in _stretches(lines):
        letters = len(pattern.findall(text))
        every += letters + sum(letter.isalpha() and not pattern.match(letter) for letter in text)
        if letters and _told(text, language):
            own += letters
    if language == "ja" and 10 * len(_KANA.findall(lines.text)) < every:
        return 0.0
    return own / every if every else 0.0


def _told(text: str, language: str) -> bool:
    """Whether a stretch is in a language, given that its letters may be."""
    others = rivals(language)
    small = SMALL_WORDS.get(language)
    if small is not None and not small & {word.casefold() for word in _WORD.findall(text)}:
        return False
    return len(others) == 1 or likeliest(text.lower(), others) == language


def _stretches(reply: Reply) -> Iterator[str]:
    """Sentences, some at a time, so that each time there are enough letters."""
    least = max(STRETCH, len(reply.text) // STRETCHES)
    stretch, kept = "", ""
    for sentence in reply.sentences:
        stretch += f" {sentence}"
        if len(stretch) > least:
            if kept:
                yield kept
            kept, stretch = stretch, ""
    yield kept + stretch


@dataclass(frozen=True)
class Whole(Constraint):
    """All of the text in one language."""

    name: ClassVar[str] = "whole"
    grade: ClassVar[int] = 1
    language: str

    def __post_init__(self) -> None:
        """Check the language."""
        if self.language not in LANGUAGES:
            raise ValueError(f"language is {self.language!r:.80}: it must be one of {', '.join(LANGUAGES)}")

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write your whole answer in {LANGUAGES[self.language][0]}; only names, terms and code may be in another "
            f"language, up to one letter in {MOST_FOREIGN}."
        )

    def lacks(self) -> str:
        """What tells languages in the same letters apart, where it is needed and not installed."""
        return NO_LANGUAGES if len(rivals(self.language)) > 1 and find_spec("py3langid") is None else ""

    def holds(self, reply: Reply) -> bool:
        """Whether it is, but for a few words."""
        return not self.lacks() and share(reply, self.language) >= 1 - 1 / MOST_FOREIGN

    def shape(self, draft: Draft) -> None:
        """Sentences from the phrasebook."""
        bank = PHRASES.get(self.language, ())
        if draft.bank not in ((), bank) or (not bank and self.language != "en"):
            raise Conflict(f"no sentences in {self.language}")
        draft.bank = bank

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Whole:
        """A language with ten sentences or more in the phrasebook.

        Raises:
            SsrlError: `py3langid` is not installed, so that no answer could be judged.
        """
        if find_spec("py3langid") is None:
            raise SsrlError('constraints on the language need py3langid, which is missing: pip install "ssrl[text]"')
        return cls(rng.choice([code for code, bank in PHRASES.items() if len(bank) >= 10]))
