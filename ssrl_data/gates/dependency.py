"""Which steps of a proof or a worked solution must stand before which others?

Where a source says what each step uses, that is exact. In prose a step must stand behind the one that defines what it
uses: a symbol ("let n be", "n ="), an equation's label, or a number that was first computed there. Only what is sure
counts, so an order that keeps to the pairs may still read oddly, but none that reads well breaks them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from ssrl_data.answers.partial_order import closed
from ssrl_data.media.worked import Step

CONSTANTS = frozenset({"10", "12", "24", "30", "50", "52", "60", "90", "100", "180", "360", "365", "1000", "3600"})
"""Numbers that a step may use without any step that computes them: months, hours, minutes, per cent, degrees."""

_OPTION = re.compile(r"(?<![A-Za-z])\([A-Z]\)")
_LETTER = re.compile(
    r"(?<![A-Za-z_'’\\])(?<![A-Za-z]\.)(?<!\d )(?P<symbol>[A-Za-z](?:_\w+|_\{\w+\}|\d+)?)(?![A-Za-z_'’])(?!\.[A-Za-z])"
)
_BESIDE = re.compile(r"[-=+*/^<>≤≥·×÷]")
_WORDS = frozenset({"a", "A", "I", "O"})
_NAMED = re.compile(
    r"\b(?:let|denote[ds]?|call(?:ed)?|define[ds]?|suppose|where|represents?|stands? for)\b", re.IGNORECASE
)
_EQUALS = re.compile(r"\s*(?:\([^()]{1,20}\))?\s*:?=(?!=)")
_NUMBER = re.compile(r"(?<![\w.,/])\d[\d,]*(?:\.\d+)?(?:/\d+)?(?![\w/]|[.,]\d)")
_COMPUTED = re.compile(r"[\w)}]\s*(?:[-+*/×·÷^−]|\\times|\\cdot|\\div)\s*[\w($\\].*=\s*\\?\$?$")
_LABEL = re.compile(r"\((\d{1,2}|\*{1,3})\)[.;]?$")
_REFERS = re.compile(
    r"\b(?:from|by|in|into|equations?|eq\.|using|and|with|of|to)\s+\((\d{1,2}|\*{1,3})\)", re.IGNORECASE
)

Found = dict[str, set[int]]
"""Tokens, and the numbers of the steps where they are found."""


def before_pairs(steps: Sequence[Step], chosen: Sequence[int], context: str = "") -> frozenset[tuple[int, int]]:
    """Pairs of chosen steps of which the first must stand before the second, with all that follow from them.

    Args:
        steps: all steps, in the source's order.
        chosen: numbers of those that are asked about, rising.
        context: all that is shown beside them, in prose: what it holds needs no step to define it.

    Returns:
        Pairs of places in `chosen`, from 0.
    """
    place = {number: place for place, number in enumerate(chosen)}
    if all(steps[number].uses is not None for number in chosen):
        direct = {(place[use], place[n]) for n in chosen for use in steps[n].uses or () if use in place}
    else:
        direct = _by_definition([_OPTION.sub(" ", steps[number].text) for number in chosen], context)
    return frozenset(closed(direct))


def known(steps: Sequence[Step], chosen: Sequence[int]) -> tuple[int, ...] | None:
    """Other steps that the chosen ones use, rising; None when one of these rests on a chosen step.

    Such a step could not be given without giving away that the one below it needs no proof. Where nobody has said what
    steps use, they are all steps before the first chosen one.
    """
    if any(steps[number].uses is None for number in chosen):
        return tuple(range(min(chosen))) if len(chosen) == chosen[-1] - chosen[0] + 1 else None
    inside = set(chosen)
    outside = {use for number in chosen for use in steps[number].uses or ()} - inside
    below: set[int] = set()
    todo = list(outside)
    while todo:
        for use in steps[todo.pop()].uses or ():
            if use not in below:
                below.add(use)
                todo.append(use)
    return None if below & inside else tuple(sorted(outside))


def unordered(pairs: Iterable[tuple[int, int]], count: int) -> float:
    """Share of the pairs of so many steps that may stand in either order; `pairs` is closed."""
    return 1 - len(set(pairs)) / (count * (count - 1) / 2)


def _by_definition(texts: Sequence[str], context: str) -> set[tuple[int, int]]:
    out: set[tuple[int, int]] = set()
    for found in (_symbols, _values, _labels):
        free = set().union(*found([context])) if context else set()
        defining, weak, holding = found(texts)
        for token in set(defining) | set(weak):
            definers = defining.get(token) or weak.get(token, set())
            first = min(holding[token])
            if token not in free and definers == {first}:
                out |= {(first, other) for other in holding[token] - {first}}
    return out


def _symbols(texts: Sequence[str]) -> tuple[Found, Found, Found]:
    """Symbols: where they are named in words, where they stand alone before an equals sign, and where they stand."""
    named: Found = {}
    equal: Found = {}
    all_: Found = {}
    for number, text in enumerate(texts):
        word = _NAMED.search(text)
        for found in _LETTER.finditer(text):
            before, after = text[: found.start()].rstrip(" $"), text[found.end() :]
            beside = bool(_BESIDE.match(after.lstrip(" $"))) or bool(_BESIDE.match(before[-1:]))
            if found["symbol"] in _WORDS and not beside and not before.lower().endswith("let"):
                continue
            all_.setdefault(found["symbol"], set()).add(number)
            if word is not None:
                named.setdefault(found["symbol"], set()).add(number)
            if _EQUALS.match(after.lstrip("$")) and not (_BESIDE.match(before[-1:]) or before[-1:].isdigit()):
                equal.setdefault(found["symbol"], set()).add(number)
    # A step that names some symbols may use others: it names those alone that no step before it holds.
    return {s: n for s, steps in named.items() if (n := steps & {min(all_[s])})}, equal, all_


def _values(texts: Sequence[str]) -> tuple[Found, Found, Found]:
    """Numbers of two digits or more: where they are the result of a computation, and where they stand."""
    results: Found = {}
    all_: Found = {}
    for number, text in enumerate(texts):
        for found in _NUMBER.finditer(text):
            value = found[0].rstrip(",").replace(",", "")
            if value in CONSTANTS or len(value) < 2:
                continue
            all_.setdefault(value, set()).add(number)
            if _COMPUTED.search(text[max(0, found.start() - 80) : found.start()]):
                results.setdefault(value, set()).add(number)
    return results, {}, all_


def _labels(texts: Sequence[str]) -> tuple[Found, Found, Found]:
    """Labels of equations: where they stand at the end of a step, and where a step refers to them or bears them."""
    bears: Found = {}
    all_: Found = {}
    for number, text in enumerate(texts):
        if (label := _LABEL.search(text)) is not None and not _REFERS.search(text[-20:]):
            bears.setdefault(label[1], set()).add(number)
            all_.setdefault(label[1], set()).add(number)
        for name in _REFERS.findall(text):
            all_.setdefault(name, set()).add(number)
    return bears, {}, all_


_Finder = Callable[[Sequence[str]], tuple[Found, Found, Found]]
