"""Guessers that read a written question without understanding it: copying, counting, places, order words, n-grams.

They are what a model learns first when a level lets it. Each gives a response for a row; `ssrl_data.check.guess` grades
them like a model and holds them to the stated chance. The n-gram guesser knows the texts of the other half of the
groups.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from ssrl_data.answers.reading import tagged
from ssrl_data.core import Json
from ssrl_data.media.text import sentences, without_blocks, words
from ssrl_data.row import digest, unpack_answer

if TYPE_CHECKING:
    from ssrl_data.check.facts import Facts

Guesser: TypeAlias = "Callable[[Facts], str]"

MOST_WORDS = 4000
"""Words of a row that the n-gram guesser learns from."""

_QUOTED = re.compile(r'"([^"\n]{1,80})"')
_GAP = re.compile(r"\[MASK(?: ([0-9]+))?\]")
_BLOCK = re.compile(r"<(passage|steps|problem|versions|rules)>\n(.*?)\n</\1>", re.DOTALL)
_ITEM = re.compile(r"^(?:[A-Z][a-z]+ )?([0-9]+)[:.)] (.*)$", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.])-?[0-9]+(?:[.,][0-9]+)*(?:/[0-9]+)?(?![\w])")
_NAME = re.compile(r"(?<![.!?] )(?<=\s)[A-Z][A-Za-z]+\b")
_SIGN = re.compile(r"[a-zA-Z]\w*|[0-9]+|[^\s\w]")

FIRST = frozenset(["first", "firstly", "start", "begin", "let", "suppose", "given", "initially", "consider", "take"])
LATER = frozenset(["then", "next", "now", "second", "secondly", "also", "after", "third", "thirdly", "this", "that"])
LAST = frozenset(["finally", "lastly", "last", "therefore", "thus", "hence", "so", "conclude", "answer", "total"])


def heuristics(rows: Sequence[Facts]) -> dict[str, Guesser]:
    """The guessers for rows of one level that share an answer kind; none where they show pictures."""
    if not rows or not rows[0].text:
        return {}
    kind, *_ = unpack_answer(rows[0].answer)
    if kind.name in ("permutation", "partial_order"):
        return {name: _ordering(key) for name, key in _ORDERS.items()}
    if kind.name == "choice":
        return {
            "the option most frequent in the text": _option(lambda text, option: text.count(option)),
            "the option last in the text": _option(lambda text, option: text.rfind(option)),
        }
    if kind.name in ("span", "number", "expression", "blanks"):
        grams = _Grams(rows)
        fills: dict[str, Callable[[Facts, int], Sequence[str]]] = {
            "the most frequent number or name of the text": lambda row, gap: _frequent(row.text),
            "the last number or name before the gap": lambda row, gap: _before(row.text, gap),
            "the first number or name behind the gap": lambda row, gap: _behind(row.text, gap),
            "the n-gram model of the other half": grams.fill,
        }
        return {name: _filling(fill) for name, fill in fills.items()}
    if kind.name == "constraints":
        return dict(_WRITINGS)
    return {}


def _named(text: str) -> str:
    """A sentence of all that a prompt puts in quotes outside of what it shows."""
    return f"This is about {', '.join(dict.fromkeys(_QUOTED.findall(without_blocks(text))))}."


def _told(text: str, count: int, between: str = " ") -> str:
    """That sentence, then the first ones of what is shown."""
    return between.join([_named(text), *sentences(_shown(text))[:count]])


_WRITINGS: Mapping[str, Guesser] = {
    "the text copied": lambda row: _shown(row.text),
    "its first sentence": lambda row: sentences(_shown(row.text))[0],
    "its first fifty words": lambda row: " ".join(_shown(row.text).split()[:50]),
    "all words in quotes": lambda row: _named(row.text),
    "all words in quotes and a sentence": lambda row: _told(row.text, 1),
    "all words in quotes and two sentences": lambda row: _told(row.text, 2),
    "all words in quotes and three paragraphs": lambda row: _told(row.text, 3, "\n\n"),
    "all words in quotes and the text": lambda row: _told(row.text, 99),
}


def _filling(fill: Callable[[Facts, int], Sequence[str]]) -> Guesser:
    """A guesser that fills each gap with the first of some texts that its answer kind can read."""

    def guess(row: Facts) -> str:
        kind, value, _ = unpack_answer(row.answer)
        if kind.name != "blanks":
            return tagged(_readable(kind, value, fill(row, 0)))
        parts = [(_part_kind(part["kind"]), part["value"]) for part in value["answer"]]
        return tagged("; ".join(_readable(part, space, fill(row, gap)) for gap, (part, space) in enumerate(parts)))

    return guess


@lru_cache(maxsize=16)
def _part_kind(name: str) -> Json:
    from ssrl_data.registry import answer_kind

    return answer_kind(name)


def _readable(kind: Json, value: Json, texts: Sequence[str]) -> str:
    options = value.get("options") if isinstance(value, dict) else None
    if options:
        found = [option for text in texts for option in options if option == text]
        return str((found or options)[0])
    space = {**value, "answer": "0", "aliases": []} if "aliases" in value else value
    return next((text for text in texts if ";" not in text and kind.parse(text, space) is not None), "1")


def _frequent(text: str) -> list[str]:
    """Numbers and names of the shown text, the most frequent first."""
    shown = _shown(text)
    return [word for word, _ in Counter(_NUMBER.findall(shown) + _NAME.findall(shown)).most_common(8)]


def _before(text: str, gap: int) -> list[str]:
    shown = _shown(text)[: _place(_shown(text), gap)[0]]
    return sorted({*_NUMBER.findall(shown), *_NAME.findall(shown)}, key=shown.rfind, reverse=True)[:8]


def _behind(text: str, gap: int) -> list[str]:
    shown = _shown(text)[_place(_shown(text), gap)[1] :]
    return sorted({*_NUMBER.findall(shown), *_NAME.findall(shown)}, key=shown.find)[:8]


def _shown(text: str) -> str:
    """What of a prompt comes from the corpus."""
    return "\n".join(found[2] for found in _BLOCK.finditer(text)) or text


def _place(shown: str, gap: int) -> tuple[int, int]:
    """Where a gap is; the end of the text where it is not found."""
    gaps = list(_GAP.finditer(shown))
    return gaps[min(gap, len(gaps) - 1)].span() if gaps else (len(shown), len(shown))


def _option(weight: Callable[[str, str], int]) -> Guesser:
    def guess(row: Facts) -> str:
        kind, value, _ = unpack_answer(row.answer)
        if not value.get("options"):  # a level may mix kinds
            return tagged("")
        shown = _shown(row.text)
        return str(kind.gold({**value, "answer": max(value["options"], key=lambda option: weight(shown, option))}))

    return guess


def _ordering(key: Callable[[str], float]) -> Guesser:
    """A guesser that sorts the shown things; things of one key stay as shown."""

    def guess(row: Facts) -> str:
        items = {int(found[1]): found[2] for found in _ITEM.finditer(_blocks(row.text)[-1])}
        return tagged(", ".join(map(str, sorted(items, key=lambda number: (key(items[number]), number)))))

    return guess


def _blocks(text: str) -> list[str]:
    return [found[2] for found in _BLOCK.finditer(text)] or [text]


def _cue(item: str) -> float:
    """Where order words put a thing: 0 to 2, 1 for the middle."""
    said = [word.lower() for word in re.findall(r"[A-Za-z]+", item)[:6]]
    if any(word in LAST for word in said):
        return 2
    if any(word in LATER for word in said):
        return 1
    return 0 if any(word in FIRST for word in said) else 1


_ORDERS: Mapping[str, Callable[[str], float]] = {
    "shortest first": len,
    "longest first": lambda item: -len(item),
    "fewest different signs first": lambda item: len(set(_SIGN.findall(item))),
    "most different signs first": lambda item: -len(set(_SIGN.findall(item))),
    "fewest different words first": lambda item: len(set(item.lower().split())),
    "most different words first": lambda item: -len(set(item.lower().split())),
    "fewest capitals and digits first": lambda item: sum(c.isupper() or c.isdigit() for c in item),
    "most capitals and digits first": lambda item: -sum(c.isupper() or c.isdigit() for c in item),
    "by order words": _cue,
}


class _Grams:
    """Which word stands between two others, or behind one, in the texts and right answers of each half of the rows."""

    def __init__(self, rows: Sequence[Facts]) -> None:
        groups = sorted({row.group_id for row in rows}, key=lambda group: digest("half", group))
        self._odd = set(groups[1::2])
        self._between: tuple[dict[tuple[str, str], Counter[str]], ...] = (defaultdict(Counter), defaultdict(Counter))
        self._after: tuple[dict[str, Counter[str]], ...] = (defaultdict(Counter), defaultdict(Counter))
        for row in rows:
            half = row.group_id in self._odd
            shown = _filled(row)
            said = [shown[start:end] for start, end in words(shown)[:MOST_WORDS]]
            for before, word, behind in zip(said, said[1:], said[2:], strict=False):
                self._between[half][before.lower(), behind.lower()][word] += 1
                self._after[half][before.lower()][word] += 1

    def fill(self, row: Facts, gap: int) -> list[str]:
        """The likeliest words for a gap."""
        other = row.group_id not in self._odd
        shown = _shown(row.text)
        start, end = _place(shown, gap)
        before = [shown[a:b].lower() for a, b in words(shown[max(0, start - 80) : start])] or [""]
        behind = [shown[end:][a:b].lower() for a, b in words(shown[end : end + 80])] or [""]
        found = Counter[str]()
        found.update({word: 1000 * n for word, n in self._between[other][before[-1], behind[0]].items()})
        found.update(self._after[other][before[-1]])
        return [word for word, _ in found.most_common(8)]


def _filled(row: Facts) -> str:
    """The shown text with its gaps filled by the right answers, where these are texts."""
    _, value, _ = unpack_answer(row.answer)
    right = value.get("answer")
    parts = [part["value"].get("answer") for part in right] if isinstance(right, list) else [right]
    fills = iter(parts)
    return _GAP.sub(lambda gap: str(next(fills, "")), _shown(row.text))
