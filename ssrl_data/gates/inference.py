"""Could a step of a proof have been inferred in another way than the one recorded?

A step names its rule; its rule's premises are matched against the statements at hand. Formulas are compared as tokens:
a variable of a rule stands for any run of tokens with balanced brackets, so that nothing must be known of how the
database builds its formulas. This allows more than the database does: what is called forced is, and some of what is
forced is not called so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from ssrl_data.media.worked import Inference, Worked

MOST_TRIES = 20_000
"""Comparisons after which a question is given up, some 20 ms; then nothing is called forced or determined."""

MOST_TOKENS = 2_000
"""Tokens of a premise and a statement together, above which the question is given up as well."""

_OPENING = frozenset(["(", "{", "[", "<.", "[_", "[.", "(.", '<"'])
_CLOSING = frozenset([")", "}", "]", ">.", "]_", "].", ").", '">'])

Tokens: TypeAlias = tuple[str, ...]
Bound: TypeAlias = Mapping[str, Tokens]
"""What is put for each variable."""


class _TooManyTries(Exception):
    pass


def loose(worked: Worked, steps: Collection[int], known: Iterable[int] = ()) -> list[tuple[int, int]]:
    """Recorded dependencies without which a step follows by its rule all the same.

    Where there are none, the recorded dependencies are the only order of these steps: a proof in another order would
    have a first step that rests on another statement than the recorded ones; that is not one proved from it, as these
    come later still, so one of the dependencies would be found here.

    Args:
        worked: a proof whose steps name rules that `Inference.read` reads.
        steps: numbers of the steps to be put in order.
        known: numbers of steps that may be used from the start, beside the premises of the theorem.

    Returns:
        Pairs of a step and one that it uses, both of `steps`. A pair is also there when its rule cannot be read, too
        much would have to be tried, or the recorded inference is not understood.
    """
    chosen = sorted(steps)
    used = {number: set(worked.steps[number].uses or ()).intersection(chosen) for number in chosen}
    ancestors: dict[int, set[int]] = {}
    for number in chosen:
        ancestors[number] = used[number].union(*(ancestors[use] for use in used[number]))
    base = [*worked.given, *(worked.steps[number].text for number in known)]
    found = []
    for number in chosen:
        others = [other for other in chosen if other != number and number not in ancestors[other]]
        recorded = [*worked.given, *(worked.steps[use].text for use in worked.steps[number].uses or ())]
        # Where formulas are not what this takes them for, not even the recorded way is found.
        readable = not used[number] or follows(worked, number, recorded)
        for use in sorted(used[number]):
            at_hand = [*base, *(worked.steps[other].text for other in others if other != use)]
            if not readable or follows(worked, number, at_hand) is not False:
                found.append((number, use))
    return found


def follows(worked: Worked, number: int, statements: Iterable[str]) -> bool | None:
    """Whether a step follows by its rule from some of these statements; None when that cannot be said."""
    rule = _rule(worked, number)
    if rule is None:
        return None
    tries = [MOST_TRIES]
    conclusion = _tokens(worked.steps[number].text)
    at_hand = list(dict.fromkeys(map(_tokens, statements)))
    try:
        for bound in _matches(_tokens(rule.conclusion), conclusion, {}, frozenset(rule.variables), tries):
            if next(_assigned(rule, at_hand, bound, tries), None) is not None:
                return True
    except _TooManyTries:
        return None
    return False


def results(worked: Worked, number: int, statements: Iterable[str]) -> frozenset[str] | None:
    """All that a step's rule lets one infer from these statements.

    Args:
        worked: a proof whose steps name rules that `Inference.read` reads.
        number: number of the step.
        statements: what may be used; the step is determined when the result is the step alone.

    Returns:
        The formulas; None when the statements leave a variable of the conclusion open, the rule cannot be read, or too
        much would have to be tried.
    """
    rule = _rule(worked, number)
    if rule is None:
        return None
    tries = [MOST_TRIES]
    conclusion = _tokens(rule.conclusion)
    at_hand = list(dict.fromkeys(map(_tokens, statements)))
    found = set()
    try:
        for bound in _assigned(rule, at_hand, {}, tries):
            if any(token in rule.variables and token not in bound for token in conclusion):
                return None
            found.add(" ".join(_put(conclusion, bound)))
    except _TooManyTries:
        return None
    return frozenset(found)


def _rule(worked: Worked, number: int) -> Inference | None:
    return Inference.read(worked.rules.get(worked.steps[number].reason, ""))


def _tokens(statement: str) -> Tokens:
    return tuple(statement.split())


def _put(pattern: Tokens, bound: Bound) -> Tokens:
    return tuple(out for token in pattern for out in bound.get(token, (token,)))


def _assigned(rule: Inference, statements: Sequence[Tokens], bound: Bound, tries: list[int]) -> Iterator[Bound]:
    """What can be put for the variables so that every premise of the rule is one of the statements."""
    variables = frozenset(rule.variables)
    stack = [(tuple(map(_tokens, rule.premises)), bound)]
    among = frozenset(statements)
    while stack:
        premises, bound = stack.pop()
        if not premises:
            yield bound
            continue

        # First what is settled, then the premise that says most: the fewest statements match it.
        settled = {premise: all(token not in variables or token in bound for token in premise) for premise in premises}
        first = max(premises, key=lambda premise: (settled[premise], sum(token not in variables for token in premise)))
        rest = tuple(premise for premise in premises if premise is not first)
        if settled[first]:
            _count(tries)
            if _put(first, bound) in among:
                stack.append((rest, bound))
            continue
        for statement in statements:
            stack.extend((rest, more) for more in _matches(first, statement, bound, variables, tries))


def _matches(
    pattern: Tokens, text: Tokens, bound: Bound, variables: frozenset[str], tries: list[int]
) -> Iterator[Bound]:
    """Ways to put something for the variables that are still open so that the pattern is the text."""
    if len(pattern) + len(text) > MOST_TOKENS:
        raise _TooManyTries
    stack = [(0, 0, bound)]
    while stack:
        _count(tries)
        at, start, bound = stack.pop()
        while at < len(pattern) and (pattern[at] not in variables or pattern[at] in bound):
            expected = bound.get(pattern[at], (pattern[at],))
            if text[start : start + len(expected)] != expected:
                break
            at, start = at + 1, start + len(expected)
        else:
            if at == len(pattern):
                if start == len(text):
                    yield bound
                continue
            after = pattern[at + 1] if at + 1 < len(pattern) else None
            literal = after is not None and after not in variables
            for end in _balanced(text, start, len(pattern) - at - 1):
                _count(tries)
                if end == len(text) if after is None else not literal or text[end] == after:
                    stack.append((at + 1, end, {**bound, pattern[at]: text[start:end]}))


def _balanced(text: Tokens, start: int, left: int) -> Iterator[int]:
    """Ends of the runs from here on whose brackets are balanced and behind which so many tokens are left, at least."""
    depth = 0
    for at in range(start, len(text) - left):
        depth += (text[at] in _OPENING) - (text[at] in _CLOSING)
        if depth < 0:
            return
        if not depth:
            yield at + 1


def _count(tries: list[int]) -> None:
    tries[0] -= 1
    if tries[0] < 0:
        raise _TooManyTries
