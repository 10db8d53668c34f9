"""Put shuffled steps of a proof or of a worked solution back in order.

The step reordering of MR-RLVR (arXiv 2511.17473). Unlike there, every order that keeps to what the steps use is right,
partial credit counts only pairs whose order is set, no order words or lengths tell the order, and the identity is never
asked for.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import accumulate, combinations, permutations
from math import prod
from typing import ClassVar

from ssrl_data.answers.partial_order import FEWEST, MOST, PartialOrder
from ssrl_data.core import Answer, Example, Fault, Record, Row, Skip, Task
from ssrl_data.gates import dependency, elsewhere, inference, order_words
from ssrl_data.media.text import block, quotable
from ssrl_data.media.worked import PROOF, SOLUTION, Worked
from ssrl_data.rng import Rng

KEPT, STRIPPED = "kept", "stripped"
CREDITS = ("exact", "pairs")

LUCK = 0.25
"""How likely the best blind guess may be right: of three steps those alone are asked that have one order."""

SURVEYED = 5000
"""Records of the train split whose looks are counted."""

GRADES = 12
"""Steps of the scale of how steps look in which windows of solutions are counted."""

DRAWS = 60
"""Draws of steps of a proof, from which one is taken so that lengths do not tell the order."""

LONGEST = 6000
"""Characters of the longest prompt."""

_CUED = 5
_CHARACTERS = (40, 1000)
_LOOSE = (0.0, 0.5)

# Audit. Words that may be missing from a shown step: it is the source's but for these.
_DROPPED = re.compile(
    r"(?:step|first(?:ly)?|of|all|to|begin|start|with|initially|second(?:ly)?|third(?:ly)?|fourth(?:ly)?|next|up|then|now|so|"
    r"thus|hence|therefore|consequently|accordingly|after|that|this|afterwards?|subsequently|as|a|result|also|in|addition|"
    r"additionally|moreover|furthermore|similarly|likewise|again|and|but|however|it|follows|means|implies|which|finally|"
    r"last(?:ly)?|conclusion|the|end|total|summary|conclude|sum|altogether|overall|we|by|\d{1,2}|[-•*])",
    re.IGNORECASE,
)
_BLOCK = re.compile(r"^<(rules|passage|steps|problem)>\n(.*?)\n</\1>$", re.DOTALL | re.MULTILINE)
_LINE = re.compile(r"(\d)\. (.*?)(?: \[(\S+)\])?")
_TOKEN = re.compile(r"[A-Za-z]+(?:_\w+)?|\d[\d,]*(?:\.\d+)?|\*+")


@dataclass(frozen=True)
class StepOrderParams:
    """Parameters of `text/step_order`.

    Attributes:
        steps: least and most steps that are shown, 3 to 8.
        loose: largest share of the pairs of steps that may stand in either order, 0 to 0.5.
        words: whether order words ("first", "then", "(2)") are `kept` or `stripped`; kept only up to five steps.
        reasons: whether each step of a proof is shown with the label of its rule.
        characters: most characters of a step, 40 to 1,000.
        forms: `proof`, `solution` or both.
        credit: what an order that is not right earns: nothing (`exact`), or half of the chance-corrected share of the
            pairs in set order that it keeps (`pairs`).
    """

    steps: tuple[int, int] = (3, 3)
    loose: float = 0.34
    words: str = STRIPPED
    reasons: bool = True
    characters: int = 240
    forms: tuple[str, ...] = (PROOF, SOLUTION)
    credit: str = "exact"

    def __post_init__(self) -> None:
        """Check ranges."""
        if len(self.steps) != 2 or not FEWEST <= self.steps[0] <= self.steps[1] <= MOST:
            raise ValueError(f"steps is {self.steps}: it must be two rising numbers in {FEWEST}..{MOST}")
        if not _LOOSE[0] <= self.loose <= _LOOSE[1]:
            raise ValueError(f"loose is {self.loose}: it must lie in {_LOOSE[0]}..{_LOOSE[1]}")
        if self.words not in (KEPT, STRIPPED):
            raise ValueError(f"words is {self.words!r}: it must be one of {KEPT}, {STRIPPED}")
        if self.words == KEPT and self.steps[1] > _CUED:
            raise ValueError(
                f"steps is {self.steps}: with order words it must be two rising numbers in {FEWEST}..{_CUED}"
            )
        if not _CHARACTERS[0] <= self.characters <= _CHARACTERS[1]:
            raise ValueError(f"characters is {self.characters}: it must lie in {_CHARACTERS[0]}..{_CHARACTERS[1]}")
        if not self.forms or len(set(self.forms)) < len(self.forms) or not {*self.forms} <= {PROOF, SOLUTION}:
            raise ValueError(f"forms is {self.forms}: it must be {PROOF}, {SOLUTION} or both, once each")
        if self.credit not in CREDITS:
            raise ValueError(f"credit is {self.credit!r}: it must be one of {', '.join(CREDITS)}")


@dataclass(frozen=True)
class _Window:
    """Steps that are asked about.

    Attributes:
        chosen: their numbers in the record, rising.
        known: numbers of the steps that are given.
        texts: what is shown of each.
        pairs: places in `chosen` of which the first must stand before the second.
    """

    chosen: tuple[int, ...]
    known: tuple[int, ...]
    texts: tuple[str, ...]
    pairs: frozenset[tuple[int, int]]


class StepOrder(Task[StepOrderParams]):
    """Steps in random order; the answer is an order in which each step stands behind those it uses."""

    needs = frozenset({"worked"})
    pictures: ClassVar[bool] = False
    levels: ClassVar = {
        "cued": StepOrderParams(words=KEPT, characters=160),
        "easy": StepOrderParams(),
        "medium": StepOrderParams((4, 5), credit="pairs"),
        "hard": StepOrderParams((6, 8), reasons=False, credit="pairs"),
    }

    @classmethod
    def prepare(cls, records: Iterator[Record]) -> bytes:
        """How often steps of solutions in the train split rise and fall in their looks, and which statements it has.

        A line of JSON, then the hashes of the statements.
        """
        counts: dict[str, Counter[str]] = {}
        gathered = elsewhere.Gathered()
        for number, record in enumerate(records):
            if record.worked is None:
                continue
            gathered.add(record.group, [*record.worked.given, *(step.text for step in record.worked.steps)])
            if record.worked.form != SOLUTION or number >= SURVEYED:
                continue
            for p in cls.levels.values():
                for count in range(p.steps[0], p.steps[1] + 1):
                    for window in _windows(record.worked, count, p):
                        counts.setdefault(str(count), Counter())[_look(window.texts)[0]] += 1
        return json.dumps(counts, sort_keys=True).encode() + b"\n" + gathered.to_bytes()

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Choose steps that use each other, and shuffle them."""
        p, worked = self.params, records[0].worked
        if worked is None or worked.form not in p.forms:
            raise Skip("no steps", final=True)
        counts, known = _surveyed(self.prepared)
        fresh = partial(_fresh, worked, known, records[0].group)
        window = _of_proof(worked, p, fresh, rng) if worked.form == PROOF else _of_solution(worked, p, fresh, rng)
        if worked.form == SOLUTION and not _taken(window, counts):
            raise Skip("the look of steps tells their order")
        order = _numbering(window, rng)
        answer = _answer(window, order, p)
        prompt = _prompt(worked, window, order, p)
        if len(prompt) > LONGEST:
            raise Skip("too long to show")
        yield Example(
            prompt=(prompt,),
            answer=answer,
            meta={"form": worked.form, "chosen": list(window.chosen), "known": list(window.known)},
            solution=_solution(window, order),
        )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Follow what each step uses, and see that the stated pairs are those that follow, and the order keeps to them.

        With the record: what is shown is the record's, but for order words. In prose both steps of a stated pair that
        no other two make up hold something that neither what is shown beside them nor any step before them holds.
        Without: the stated order keeps to the stated pairs, and steps that look the same are told apart nowhere.
        """
        value, made = row.answer.value, row.meta["make"]
        order, before = value["answer"], {(a, b) for a, b in value["before"]}
        shown = {name: text.split("\n") for name, text in _BLOCK.findall(row.prompt)}
        lines = [found.groups() for line in shown.get("steps", []) if (found := _LINE.fullmatch(line)) is not None]
        if [number for number, _, _ in lines] != [str(n) for n in range(1, len(made["chosen"]) + 1)]:
            yield Fault("true", f"the prompt does not show {len(made['chosen'])} numbered steps")
            return
        if sorted(order) != list(range(1, len(lines) + 1)) or any(order.index(a) > order.index(b) for a, b in before):
            yield Fault("true", f"the stated order {order} does not keep to the stated pairs")
            return
        looks: dict[str, list[int]] = {}
        for number, text, reason in lines:
            looks.setdefault(f"{text} {reason}", []).append(int(number))
        if sorted(numbers for numbers in looks.values() if len(numbers) > 1) != value["same"]:
            yield Fault("one answer", "steps that look the same are not said to be so")
        if records and records[0].worked is not None:
            yield from _against(records[0].worked, row, shown, [(text, reason) for _, text, reason in lines])


def _fresh(worked: Worked, known: elsewhere.Known, group: str, window: _Window) -> bool:
    """Whether the train split has little of what is shown."""
    shown = (worked.steps[number].text for number in (*window.chosen, *window.known))
    return elsewhere.fresh(known, group, [*worked.given, *shown])


def _of_proof(worked: Worked, p: StepOrderParams, fresh: Callable[[_Window], bool], rng: Rng) -> _Window:
    """Steps of which each is used by another one, of a length that does not tell where they stand."""
    if any(step.uses is None or step.reason not in worked.rules for step in worked.steps):
        raise Skip("no rules", final=True)
    count = rng.integer(*p.steps)
    if len(worked.steps) <= count:
        raise Skip("too few steps", final=len(worked.steps) <= p.steps[0])
    drawn: dict[tuple[int, ...], _Window] = {}
    for _ in range(DRAWS):
        chosen = _grown(worked, count, p.characters, rng)
        if chosen is not None and chosen not in drawn and (window := _judged(worked, chosen, p)) is not None:
            drawn[chosen] = window
    if not drawn:
        raise Skip("too few steps that use each other")
    window = _plain_looking(_all_fresh(drawn.values(), fresh), rng)
    if inference.loose(worked, window.chosen, window.known) or not (p.reasons or _own_rule(worked, window)):
        raise Skip("a step follows in another way")
    return window


def _of_solution(worked: Worked, p: StepOrderParams, fresh: Callable[[_Window], bool], rng: Rng) -> _Window:
    """Neighbouring steps of which each defines what another one uses; those before them are given.

    The last step is none of them, since it is known by what the problem asks.
    """
    if len(worked.steps) <= p.steps[0]:
        raise Skip("too few steps", final=True)
    windows = list(_windows(worked, rng.integer(*p.steps), p))
    if not windows:
        raise Skip("too few steps that use each other")
    return rng.choice(_all_fresh(windows, fresh))


def _all_fresh(windows: Iterable[_Window], fresh: Callable[[_Window], bool]) -> list[_Window]:
    found = [window for window in windows if fresh(window)]
    if not found:
        raise Skip("steps that the train split has too")
    return found


def _windows(worked: Worked, count: int, p: StepOrderParams) -> Iterator[_Window]:
    """All neighbouring steps of a solution that carry the question."""
    last = next((n for n, step in enumerate(worked.steps) if order_words.answers(step.text)), len(worked.steps) - 1)
    for start in range(last - count + 1):
        window = _judged(worked, tuple(range(start, start + count)), p)
        if window is not None:
            yield window


def _taken(window: _Window, counts: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether to ask steps of a solution: no more often than those that look the opposite way come in the train split.

    It is settled for each window once and for all, so that asking again changes nothing.
    """
    look, opposite = _look(window.texts)
    seen = counts.get(str(len(window.texts)), {})
    if not seen:
        return True
    return Rng("look", *window.texts).uniform() < seen.get(opposite, 0) / max(1, seen.get(look, 0))


def _look(texts: Sequence[str]) -> tuple[str, str]:
    """The grade to which all measures but the last rise in the right order, taken together, and the opposite one."""
    most = 3 * len(texts) * (len(texts) - 1)
    grade = round(GRADES * sum(_rising(texts)[:3]) / most)
    return str(grade), str(GRADES - grade)


@lru_cache(maxsize=4)
def _surveyed(prepared: bytes) -> tuple[Mapping[str, Mapping[str, int]], elsewhere.Known]:
    """What `prepare` found."""
    counts, _, hashes = prepared.partition(b"\n")
    return json.loads(counts or b"{}"), elsewhere.known(hashes)


def _grown(worked: Worked, count: int, characters: int, rng: Rng) -> tuple[int, ...] | None:
    """A step but for the last, and steps that lead to it: mostly one that the earliest of them uses is added."""
    chosen = {rng.below(len(worked.steps) - 1)}
    while len(chosen) < count:
        used = {n: [u for u in worked.steps[n].uses or () if u not in chosen] for n in sorted(chosen)}
        from_ = [n for n in used if used[n]]
        if not from_:
            return None
        first = from_[0] if rng.below(4) else rng.choice(from_)
        chosen.add(rng.choice(used[first]))
    return tuple(sorted(chosen)) if all(len(worked.steps[n].text) <= characters for n in chosen) else None


def _judged(worked: Worked, chosen: tuple[int, ...], p: StepOrderParams) -> _Window | None:
    """These steps as they would be shown, or None where they do not carry the question."""
    known = dependency.known(worked.steps, chosen)
    if known is None:
        return None
    texts = [worked.steps[number].text for number in chosen]
    context = ""
    if worked.form == SOLUTION:
        if p.words == STRIPPED:
            texts = [order_words.stripped(text) or "" for text in texts]
        context = "\n".join([worked.problem, *worked.given, *(worked.steps[number].text for number in known)])
    if not all(texts) or max(map(len, texts)) > p.characters or not quotable("\n".join([context, *texts])):
        return None
    pairs = dependency.before_pairs(worked.steps, chosen, context)
    if not pairs or dependency.unordered(pairs, len(chosen)) > p.loose or _luck(len(chosen), pairs) > LUCK:
        return None
    return _Window(chosen, known, tuple(texts), pairs)


def _own_rule(worked: Worked, window: _Window) -> bool:
    """Whether each step follows by its own rule alone of all that are shown."""
    reasons = sorted({worked.steps[number].reason for number in window.chosen})
    for place, number in enumerate(window.chosen):
        later = {b for a, b in window.pairs if a == place}
        others = [n for at, n in enumerate(window.chosen) if at != place and at not in later]
        at_hand = [*worked.given, *(worked.steps[n].text for n in (*window.known, *others))]
        step = worked.steps[number]
        for reason in reasons:
            other = dataclasses.replace(worked, steps=(dataclasses.replace(step, reason=reason, uses=()),))
            if reason != step.reason and inference.follows(other, 0, at_hand) is not False:
                return False
    return True


def _plain_looking(windows: Sequence[_Window], rng: Rng) -> _Window:
    """A window such that how steps look does not tell their order.

    Only one of which the opposite can be had as well, and as likely it as the opposite: where the one's later steps are
    longer, the other's are shorter. So sorting by a measure keeps half of the pairs, and gets all right about as often
    as in a random order.
    """
    looks: dict[tuple[int, ...], list[_Window]] = {}
    for window in windows:
        looks.setdefault(_measured(window.texts), []).append(window)
    law = _random(len(windows[0].chosen))
    pairs = len(law) - 1
    both: list[tuple[tuple[int, ...], list[tuple[int, ...]], int]] = []
    for one in looks:
        opposite = [o for o in looks if all(abs(a + b - 2 * pairs) <= pairs // 4 for a, b in zip(one, o, strict=True))]
        if opposite:
            both.append((one, opposite, prod((law[count // 2] + law[(count + 1) // 2]) for count in one)))
    if len(both) < 3:
        raise Skip("the look of steps tells their order")
    ball = rng.below(sum(weight for _, _, weight in both))
    ends = accumulate(weight for _, _, weight in both)
    look, opposite = next((one, there) for (one, there, _), end in zip(both, ends, strict=True) if ball < end)
    return rng.choice(looks[look if rng.below(2) else rng.choice(opposite)])


def _rising(texts: Sequence[str]) -> tuple[int, int, int, int]:
    """Twice the number of pairs of steps in right order of which the second has more, equal ones counting half.

    More characters, more different symbols, more capitals and digits; last, a later place in ASCII order.
    """
    return (
        _grown_pairs([len(text) for text in texts]),
        _grown_pairs([len(set(text.split(" "))) for text in texts]),
        _grown_pairs([sum(c.isupper() or c.isdigit() for c in text) for text in texts]),
        _grown_pairs(texts),
    )


def _measured(texts: Sequence[str]) -> tuple[int, ...]:
    """What must have its opposite among the steps of one proof."""
    length, symbols, _, place = _rising(texts)
    return length, symbols, place


def _grown_pairs(measure: Sequence[int] | Sequence[str]) -> int:
    return sum(2 * (a < b) + (a == b) for a, b in combinations(measure, 2))  # type: ignore[operator]


@lru_cache
def _random(count: int) -> tuple[int, ...]:
    """In how many orders of so many steps 0, 1, ... all pairs are rising."""
    law = [1]
    for size in range(2, count + 1):
        law = [sum(law[max(0, k + 1 - size) : k + 1]) for k in range(len(law) + size - 1)]
    return tuple(law)


@lru_cache(4096)
def _luck(count: int, pairs: frozenset[tuple[int, int]]) -> float:
    """How likely the best blind guess is right, 1 where it always is."""
    try:
        answer = PartialOrder().answer(range(count, 0, -1), [(count - a, count - b) for a, b in pairs])
    except ValueError:  # a guess is always right
        return 1.0
    return PartialOrder().luck(answer.value) or 0.0


def _numbering(window: _Window, rng: Rng) -> list[int]:
    """The number under which each step is shown, by its place in the right order; 1, 2, 3, ... is not right."""
    kind = PartialOrder()
    while True:
        order = rng.shuffled(range(1, len(window.chosen) + 1))
        try:
            kind.check(_value(window, order))
        except ValueError:
            continue
        return order


def _value(window: _Window, order: Sequence[int]) -> dict[str, list[list[int]] | list[int]]:
    looks: dict[str, list[int]] = {}
    for number, text in zip(order, window.texts, strict=True):
        looks.setdefault(text, []).append(number)
    return {
        "answer": list(order),
        "before": [[order[a], order[b]] for a, b in sorted(window.pairs)],
        "same": [sorted(numbers) for numbers in looks.values() if len(numbers) > 1],
    }


def _answer(window: _Window, order: Sequence[int], p: StepOrderParams) -> Answer:
    """The truth; where order words are kept, its chance is no less than what sorting by them alone scores."""
    value = _value(window, order)
    answer = PartialOrder().answer(order, value["before"], value["same"], p.credit)  # type: ignore[arg-type]
    if p.words == STRIPPED:
        return answer
    told = _by_words(window, answer)
    if told >= 1:
        raise Skip("order words alone tell the order")
    return dataclasses.replace(answer, chance=max(answer.chance or 0.0, told))


def _by_words(window: _Window, answer: Answer) -> float:
    """What sorting by order words scores, ties in falling order, over all numberings under which 1, 2, 3 is wrong."""
    kind, scores = PartialOrder(), []
    places = [order_words.place(text) for text in window.texts]
    for order in permutations(range(1, len(places) + 1)):
        value = _value(window, order)
        try:
            kind.check(value)
        except ValueError:
            continue
        guess = [number for _, _, number in sorted((place, -n, n) for place, n in zip(places, order, strict=True))]
        scores.append(kind.score(guess, value, answer.credit).score or 0.0)
    return sum(scores) / len(scores)


def _prompt(worked: Worked, window: _Window, order: Sequence[int], p: StepOrderParams) -> str:
    lines = []
    for number in range(1, len(order) + 1):
        place = order.index(number)
        reason = f" [{worked.steps[window.chosen[place]].reason}]" if worked.form == PROOF and p.reasons else ""
        lines.append(f"{number}. {window.texts[place]}{reason}")
    steps = block("steps", "\n".join(lines))
    known = [worked.steps[number].text for number in window.known]
    count = len(lines)
    if worked.form == SOLUTION:
        begins = f"A solution of it begins so:\n{block('passage', chr(10).join(known))}\nIts" if known else "The first"
        problem = block("problem", "\n".join([worked.problem, *worked.given]))
        return (
            f"Here is a problem.\n{problem}\n{begins} {'next ' if known else ''}{count} steps "
            f"{'are' if known else 'of a solution of it are'} these, shown in random order:\n{steps}\n"
            "Put these steps in an order in which each symbol, label and computed number is introduced before it is "
            "used. Give their numbers, that of the first step first."
        )
    rules = [f"{label}: {worked.rules[label]}" for label in sorted({worked.steps[n].reason for n in window.chosen})]
    given = sorted({*worked.given, *known})
    start = f"These statements are known from the start:\n{block('passage', chr(10).join(given))}\n" if given else ""
    bracketed = ", each with the rule by which it follows in brackets" if p.reasons else ""
    return (
        "In a formal proof each step follows by a rule from statements that stand before it. The rules hold with "
        "anything put for their variables, the same for the same one throughout, brackets being balanced.\n"
        f"{block('rules', chr(10).join(rules))}\n{start}"
        f"Here are {count} steps of a proof in random order{bracketed}:\n{steps}\n"
        "Put these steps in an order in which each follows by one of these rules from what is known and from steps "
        "before it. Give their numbers, that of the first step first."
    )


def _solution(window: _Window, order: Sequence[int]) -> str:
    """What each step rests on."""
    said = []
    for place, number in enumerate(order):
        below = {a for a, b in window.pairs if b == place}
        direct = sorted(order[a] for a in below if not any((a, c) in window.pairs for c in below))
        steps = f"step{'s' if len(direct) > 1 else ''} {' and '.join(map(str, direct))}"
        said.append(f"Step {number} needs {steps if direct else 'no other step'}.")
    return f"{' '.join(said)} So an order is {', '.join(map(str, order))}."


def _against(
    worked: Worked, row: Row, shown: dict[str, list[str]], lines: Sequence[tuple[str, str | None]]
) -> Iterator[Fault]:
    """What is wrong with a row beside its record."""
    made, order, params = row.meta["make"], row.answer.value["answer"], row.meta["params"]
    chosen, known = made["chosen"], made["known"]
    if chosen != sorted(set(chosen)) or not {*chosen, *known} <= set(range(len(worked.steps))) or {*chosen} & {*known}:
        yield Fault("true", "the steps in the metadata are not steps of the record in its order")
        return
    sources = [worked.steps[number] for number in chosen]
    texts = [lines[number - 1][0] for number in order]
    reasons = [lines[number - 1][1] for number in order]
    given = [worked.steps[number].text for number in known]
    proof = worked.form == PROOF
    if proof:
        wanted = {step.reason: f"{step.reason}: {worked.rules.get(step.reason)}" for step in sources}
        same = texts == [step.text for step in sources] and set(shown.get("rules", [])) == set(wanted.values())
        same &= set(shown.get("passage", [])) == {*worked.given, *given}
        same &= reasons == [step.reason if params["reasons"] else None for step in sources]
    else:
        same = all(map(_is_shortened, texts, [step.text for step in sources]))
        same &= params["words"] == STRIPPED or texts == [step.text for step in sources]
        same &= shown.get("problem") == "\n".join([worked.problem, *worked.given]).split("\n")
        same &= shown.get("passage", []) == given and known == list(range(chosen[0]))
    if not same:
        yield Fault("true", "what is shown is not what the record says")
        return
    stated = {(order.index(a), order.index(b)) for a, b in row.answer.value["before"]}
    if proof:
        found = {(below, place) for place, number in enumerate(chosen) for below in _below(worked, number, chosen)}
        if found != stated:
            yield Fault("true", f"stated {sorted(stated)}, what the steps use says {sorted(found)}")
        return
    held = [set(_TOKEN.findall(text)) for text in texts]
    free = set(_TOKEN.findall("\n".join([worked.problem, *worked.given, *given])))
    for a, b in sorted(stated):
        if any((a, c) in stated and (c, b) in stated for c in range(len(order))):
            continue
        if not (held[a] & held[b]) - free.union(*held[:a]):
            yield Fault("true", f"step {order[b]} uses nothing that step {order[a]} is the first to hold")


def _below(worked: Worked, number: int, chosen: Sequence[int]) -> set[int]:
    """Places in `chosen` of the steps that a step rests on, over chosen steps alone."""
    out: set[int] = set()
    todo = [number]
    while todo:
        for use in worked.steps[todo.pop()].uses or ():
            if use in chosen and chosen.index(use) not in out:
                out.add(chosen.index(use))
                todo.append(use)
    return out


def _is_shortened(text: str, source: str) -> bool:
    """Whether a step is the source's but for order words and a capital letter."""
    rest = iter(source.split(" "))
    for word in text.split(" "):
        for other in rest:
            if word.strip(",").lower() == other.strip(",").lower():
                break
            if not _DROPPED.fullmatch(other.strip(",:.()")):
                return False
        else:
            return False
    return all(_DROPPED.fullmatch(other.strip(",:.()")) for other in rest)
