"""Fill what is hidden in the steps of a worked solution or a proof.

The masked-then-fill task of MR-RLVR (Wang et al., 2025), without a model that cleans or annotates. Unlike there, every
gap is determined by what is left, checked by exact evaluation or by the proof's own rules, nothing hidden stands
elsewhere, and a filling is judged by what kind of thing it is: a number exactly, an expression up to equality.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, TypeAlias

from ssrl_data.answers.blanks import Blanks
from ssrl_data.answers.choice import Choice
from ssrl_data.answers.expression import Expression
from ssrl_data.answers.number import Number
from ssrl_data.answers.span import Span
from ssrl_data.core import Answer, Example, Fault, Json, Record, Row, Skip, Task
from ssrl_data.gates import elsewhere
from ssrl_data.gates.blanks import EXPRESSION, NAME, NUMBER, OPERATOR, OPERATORS, Blank, Solution
from ssrl_data.gates.derived import derivable, needs_premises, shown_elsewhere, told_apart
from ssrl_data.media.text import block, quotable
from ssrl_data.media.worked import PROOF, SOLUTION, Inference, Worked
from ssrl_data.rng import Rng

STEP = "step"
KINDS = (NUMBER, OPERATOR, NAME, EXPRESSION, STEP)
CREDITS = ("exact", "partial")

MOST_STEPS = 40
MOST_CHARACTERS = 8000
"""Of a solution or proof that is shown; longer ones are left alone."""

MOST_BLANKS = 12

COUNTED = 5000
"""Records of the train split whose gaps are counted for chances: shares above one in a hundred are known by then."""

# Chance of the best constant where no train split has been counted: above all that was measured.
UNCOUNTED = {NUMBER: 0.1, OPERATOR: 0.5, NAME: 0.5, EXPRESSION: 0.01, STEP: 0.001}

_MARK = re.compile(r"\[MASK(?: ([0-9]+))?\]")
_ARITHMETIC = re.compile(r"[0-9]+(?:\.[0-9]+)?|[-+*/()]")
_SIGN_OF = {"plus": "+", "minus": "-", "times": "*", "divided by": "/"}
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "$": " ", ",": ""})


@dataclass(frozen=True)
class MaskedStepsParams:
    """Parameters of `text/masked_steps`.

    Attributes:
        kinds: what may be hidden, some of `number`, `operator`, `name`, `expression` and `step`.
        blanks: fewest and most gaps, 1 to 12; equal numbers are one gap in several places.
        credit: what an answer with some gaps right earns: nothing (`exact`), or half of the chance-corrected share of
            right gaps (`partial`). A single gap is right or wrong.
    """

    kinds: tuple[str, ...] = (NUMBER, OPERATOR)
    blanks: tuple[int, int] = (1, 1)
    credit: str = "exact"

    def __post_init__(self) -> None:
        """Check ranges."""
        if not self.kinds or len(set(self.kinds)) != len(self.kinds) or not set(self.kinds) <= set(KINDS):
            raise ValueError(f"kinds is {self.kinds}: it must be some of {', '.join(KINDS)}, each once")
        if (
            len(self.blanks) != 2
            or not all(type(n) is int for n in self.blanks)
            or not 1 <= self.blanks[0] <= self.blanks[1] <= MOST_BLANKS
        ):
            raise ValueError(f"blanks is {self.blanks}: it must be two rising numbers in 1..{MOST_BLANKS}")
        if self.credit not in CREDITS:
            raise ValueError(f"credit is {self.credit!r}: it must be one of {', '.join(CREDITS)}")


class MaskedSteps(Task[MaskedStepsParams]):
    """A solution or proof with gaps; the answer is what stood there."""

    version = 2
    needs = frozenset({"worked"})
    pictures: ClassVar[bool] = False
    levels: ClassVar = {
        "easy": MaskedStepsParams(),
        "medium": MaskedStepsParams((NUMBER, OPERATOR, NAME, EXPRESSION), (2, 3)),
        "step": MaskedStepsParams((STEP,), (1, 2)),
        "hard": MaskedStepsParams(KINDS, (4, 6), "partial"),
    }

    @classmethod
    def prepare(cls, records: Iterator[Record]) -> bytes:
        """Of each kind of gap in the train split how often the best constant is right, and which operators there are.

        Records count alike, however many gaps they offer, as they do in a build. Behind that line of JSON stand the
        hashes of the train split's statements.
        """
        shares: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
        first = last = 0.0
        gathered = elsewhere.Gathered()
        for number, record in enumerate(records):
            worked = record.worked
            if worked is None:
                continue
            gathered.add(record.group, _statements(worked))
            if number >= COUNTED or not _fits(worked):
                continue
            if worked.form == PROOF:
                texts = [worked.steps[number].text.encode() for number in _hideable(worked)]
                found = [(STEP, hashlib.blake2b(text, digest_size=8).hexdigest()) for text in texts]  # it is shorter
            else:
                blanks = _solution(worked).blanks
                found = [(blank.kind, _same(blank)) for blank in blanks]
                names = [blank for blank in blanks if blank.kind == NAME]
                first += sum(blank.right == blank.options[0] for blank in names) / max(1, len(names))
                last += sum(blank.right == blank.options[-1] for blank in names) / max(1, len(names))
            total = Counter(kind for kind, _ in found)
            for kind, text in found:
                shares[kind][text] += 1 / total[kind]  # type: ignore[assignment]
        operators = {name: shares[OPERATOR][name] for name in OPERATORS}
        kept = {name: count * _kept(operators, name) for name, count in operators.items()}
        best = {kind: _bound(max(count.values()), sum(count.values()), 10) for kind, count in shares.items() if count}
        if shares[OPERATOR]:
            best[OPERATOR] = _bound(max(kept.values()), sum(kept.values()), 2)
        if shares[NAME]:
            best[NAME] = _bound(max(first, last, *shares[NAME].values()), sum(shares[NAME].values()), 2)
        counted = json.dumps({"best": best, "operators": operators}, sort_keys=True)
        return counted.encode() + b"\n" + gathered.to_bytes()

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Hide some of what can be hidden together."""
        worked = records[0].worked
        if worked is None or not worked.steps:
            raise Skip("no steps", final=True)
        if not _fits(worked):
            raise Skip("too long or not quotable", final=True)
        if not elsewhere.fresh(_prepared(self.prepared)[1], records[0].group, _statements(worked)):
            raise Skip("steps that the train split has too", final=True)
        wanted = rng.integer(*self.params.blanks)
        if worked.form == PROOF:
            yield self._of_proof(worked, rng, wanted)
        else:
            yield self._of_solution(worked, rng, wanted)

    def _of_solution(self, worked: Worked, rng: Rng, wanted: int) -> Example:
        solution = _solution(worked)
        usable = [
            blank for blank in solution.blanks if blank.kind in self.params.kinds and self._part(blank) is not None
        ]
        if len(usable) < self.params.blanks[0]:
            raise Skip("too little that its equations determine", final=True)
        kinds = sorted({blank.kind for blank in usable})
        first = rng.choice(kinds)  # so that what is rare is not drowned
        order = [b for b in rng.shuffled(usable) if b.kind == first]
        order += [b for b in rng.shuffled(usable) if b.kind != first]
        chosen: list[Blank] = []
        operators, drawn, thinned = self._found("operators"), rng.uniform(), False
        for blank in order:
            if len(chosen) == wanted:
                break
            if blank.kind == OPERATOR:
                # One draw a row, after which no other operator of the record is asked in this one's place: whoever
                # tries again until something is left asks for the frequent one as often as before.
                thinned = thinned or drawn >= _kept(operators, blank.right)
                if thinned:
                    continue
            if solution.determined([*chosen, blank]):
                chosen.append(blank)
        if len(chosen) < self.params.blanks[0]:
            raise Skip("too little that can be hidden together", final=thinned)
        chosen.sort(key=lambda blank: blank.places)
        parts = [part for blank in chosen if (part := self._part(blank)) is not None]
        marks = _marks(len(chosen))
        steps = solution.hidden(chosen, marks.__getitem__)
        equations = [
            [worked.steps[step].text[a:b] for step, a, b in blank.equations if blank.kind != EXPRESSION]
            for blank in chosen
        ]
        several = [marks[i] for i, blank in enumerate(chosen) if len(blank.places) > 1]
        return Example(
            prompt=(_prompt(_problem(worked), "\n".join(steps), "", _asked(chosen, several)),),
            answer=self._answer(parts),
            meta={
                "kinds": [blank.kind for blank in chosen],
                "places": [[list(place) for place in blank.places] for blank in chosen],
                "equations": equations,
            },
            solution=_because(chosen, marks, equations),
        )

    def _of_proof(self, worked: Worked, rng: Rng, wanted: int) -> Example:
        usable = _hideable(worked) if STEP in self.params.kinds else []
        if len(usable) < self.params.blanks[0]:
            raise Skip("too few steps that their rules determine", final=True)
        chosen: set[int] = set()
        for number in rng.shuffled(usable):
            if len(chosen) < wanted and not shown_elsewhere(worked, {*chosen, number}):
                chosen.add(number)
        if len(chosen) < self.params.blanks[0]:
            raise Skip("too few steps that can be hidden together")
        numbers = sorted(chosen)
        marks = dict(zip(numbers, _marks(len(numbers)), strict=True))
        lines = [_line(worked, number, marks.get(number, step.text)) for number, step in enumerate(worked.steps)]
        reasons = sorted({worked.steps[number].reason for number in numbers})
        rules = "\n".join(f"{reason}: {worked.rules[reason]}" for reason in reasons)
        chance = self._chance(STEP)
        try:
            answer = self._answer([Span().answer(worked.steps[number].text, chance=chance) for number in numbers])
        except ValueError:
            raise Skip("a step that cannot be answered with") from None
        asked = "a whole formula is" if len(numbers) == 1 else f"{len(numbers)} whole formulas are"
        text = (
            f"Here is a proof in which {asked} hidden. Each step names the rule that it applies and the steps that it "
            "rests on; the rules of the hidden steps are stated, and what a rule is `for any` may be replaced by any "
            "formula, the same one throughout. Which formula stands in the gap? Write it from `|-` on, token by token, "
            "with a space between any two tokens."
        )
        return Example(
            prompt=(_prompt(_problem(worked), "\n".join(lines), rules, text.replace("the gap", _gaps(len(numbers)))),),
            answer=answer,
            meta={"kinds": [STEP] * len(numbers), "steps": numbers},
            solution=" ".join(
                f"{marks[number]} is {_line(worked, number, worked.steps[number].text).partition('. ')[2]}."
                for number in numbers
            ),
        )

    def _chance(self, kind: str) -> float:
        return self._found("best").get(kind, UNCOUNTED[kind])

    def _found(self, what: str) -> Mapping[str, float]:
        """What was counted in the train split."""
        return _prepared(self.prepared)[0].get(what, {})

    def _part(self, blank: Blank) -> Answer | None:
        """The truth of one gap; None when its kind cannot judge it."""
        chance = self._chance(blank.kind)
        try:
            if blank.kind == NUMBER:
                return Number().answer(blank.right, form="decimal" if "." in blank.right else "integer", chance=chance)
            if blank.kind == EXPRESSION:
                # Another side of the equation, copied, would be as equal: so it must be multiplied out, and they not.
                names = sorted(set(re.findall("[ei]", blank.right)))
                return Expression().answer(blank.right, form="expanded", symbols=names, chance=chance)
            part = Choice().answer(blank.right, blank.options)
        except ValueError:
            return None
        most = max(chance, part.chance or 0.0) if self.prepared else part.chance
        return dataclasses.replace(part, chance=most, credit=dataclasses.replace(part.credit, c=most or 0.0))

    def _answer(self, parts: Sequence[Answer]) -> Answer:
        return parts[0] if len(parts) == 1 else Blanks().answer(parts, self.params.credit)

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Fill the gaps of the prompt, and see that it is the solution and that its equations hold.

        With the record: the filled text is that of the record, word for word. With it or without: each equation named
        in the metadata stands in the filled text and is true, and no longer is with another number in the gap; each
        hidden step follows by its rule, stated in the prompt, from the steps that it names.
        """
        made = row.meta["make"]
        parts = _given(row)
        shown = _between(row.prompt, "steps")
        gaps = [int(number or 1) for number in _MARK.findall(shown)]
        if shown == "" or set(gaps) != set(range(1, len(parts) + 1)) or len(made["kinds"]) != len(parts):
            yield Fault("true", "the gaps of the prompt are not those of the answer")
            return
        filled = _MARK.sub(lambda gap: _filling(parts[int(gap[1] or 1) - 1]), shown)
        if made["kinds"][0] == STEP:
            yield from _faults_of_proof(row, filled, made["steps"])
        else:
            yield from _faults_of_solution(made, filled)
        worked = records[0].worked if records else None
        if worked is not None:
            yield from _differences(row, filled, worked)


@lru_cache(maxsize=4)
def _prepared(prepared: bytes) -> tuple[Mapping[str, Mapping[str, float]], elsewhere.Known]:
    """What `prepare` found."""
    counted, _, hashes = prepared.partition(b"\n")
    return json.loads(counted or b"{}"), elsewhere.known(hashes)


def _statements(worked: Worked) -> list[str]:
    return [*worked.given, *(step.text for step in worked.steps)]


def _fits(worked: Worked) -> bool:
    texts = [worked.problem, *worked.given, *(step.text for step in worked.steps), *worked.rules.values()]
    shown = sum(map(len, texts)) - sum(map(len, worked.rules.values()))
    return (
        worked.form in (SOLUTION, PROOF)
        and 2 <= len(worked.steps) <= MOST_STEPS
        and shown <= MOST_CHARACTERS
        and all(map(quotable, texts))
    )


def _solution(worked: Worked) -> Solution:
    return _read((worked.problem, *worked.given), tuple(step.text for step in worked.steps))


@lru_cache(maxsize=16)  # levels and variants of one record follow one another
def _read(shown: tuple[str, ...], steps: tuple[str, ...]) -> Solution:
    return Solution(shown, steps)


def _same(blank: Blank) -> str:
    return str(Fraction(blank.right)) if blank.kind == NUMBER else blank.right


def _bound(count: float, total: float, doubt: int) -> float:
    """A share, as if one in `doubt` more had been counted for it: of few, little is known."""
    return round(min(0.9, (count + 1) / (total + doubt)), 6)


def _kept(operators: Mapping[str, float], name: str) -> float:
    """The share of an operator's gaps that are asked: the most frequent one is asked as often as the second."""
    counts = sorted(operators.values())
    return counts[-2] / counts[-1] if counts and operators[name] == counts[-1] and counts[-2] else 1.0


def _hideable(worked: Worked) -> list[int]:
    """Steps of a proof that may be hidden alone."""
    if not told_apart(worked):
        return []
    return [n for n in derivable(worked) if _told_whole(worked.steps[n].text) and not shown_elsewhere(worked, {n})]


def _told_whole(formula: str) -> bool:
    """Whether reading an answer cuts no token at its end, as it would `RR*` in `( A e. RR* )`, which is not `RR`."""
    read = (Span().parse(formula, {"answer": formula, "aliases": []}) or "").split()
    return read == formula.lower().split()[: len(read)]


def _marks(count: int) -> list[str]:
    return ["[MASK]"] if count == 1 else [f"[MASK {number}]" for number in range(1, count + 1)]


def _gaps(count: int) -> str:
    return "the gap" if count == 1 else "each gap"


def _problem(worked: Worked) -> str:
    return "\n".join([worked.problem, *(f"Premise: {premise}" for premise in worked.given)])


def _line(worked: Worked, number: int, text: str) -> str:
    step = worked.steps[number]
    uses = [use + 1 for use in step.uses or ()]
    sources = [f"{'step' if len(uses) == 1 else 'steps'} {_listed(uses)}"] if uses else []
    sources += ["the premises"] if needs_premises(worked, number) else []
    return f"{number + 1}. {text} (by {step.reason}{', from ' if sources else ''}{' and '.join(sources)})"


def _listed(numbers: Sequence[int]) -> str:
    return " and ".join(filter(None, [", ".join(map(str, numbers[:-1])), str(numbers[-1])])) if numbers else ""


def _asked(chosen: Sequence[Blank], several: Sequence[str]) -> str:
    signs = ", ".join(OPERATORS.values())
    words = {
        NUMBER: ("a number", "numbers"),
        OPERATOR: (f"one of the signs {signs}", f"some of the signs {signs}"),
        NAME: ("the name of a quantity", "names of quantities"),
        EXPRESSION: (
            "an expression, multiplied out and with like terms collected,",
            "expressions, multiplied out and with like terms collected",
        ),
    }
    kinds = [words[kind][len(chosen) > 1] for kind in words if any(blank.kind == kind for blank in chosen)]
    asked = f"{kinds[0]} is hidden" if len(chosen) == 1 else f"{len(chosen)} things are hidden: {'; '.join(kinds)}"
    twice = " Gaps with the same mark hide the same number." if several else ""
    return (
        f"Here is a problem with a worked solution in which {asked}. What stands in {_gaps(len(chosen))}?{twice} The "
        "equations with gaps hold exactly."
    )


def _prompt(problem: str, steps: str, rules: str, asked: str) -> str:
    blocks = [block("problem", problem), block("steps", steps), *([block("rules", rules)] if rules else []), asked]
    return "\n\n".join(blocks)


def _because(chosen: Sequence[Blank], marks: Sequence[str], equations: Sequence[Sequence[str]]) -> str:
    reasons = []
    for blank, mark, found in zip(chosen, marks, equations, strict=True):
        reasons.append(f"{mark} is {blank.right}" + (f", since {found[0]}" if found else ""))
    return ". ".join(reasons) + "."


def _given(row: Row) -> list[Json]:
    """Kind and value of each gap's truth."""
    answer = row.answer
    if answer.kind == "blanks":
        return [{"kind": part["kind"], "value": part["value"]} for part in answer.value["answer"]]
    return [{"kind": answer.kind, "value": answer.value}]


def _filling(part: Json) -> str:
    """What stood in a gap, up to how the record spells numbers and signs."""
    right = str(part["value"]["answer"])
    if part["kind"] == "number" and part["value"]["form"] == "decimal":
        return str(Number().right(part["value"]))
    return _SIGN_OF.get(right, right)


def _plain(text: str) -> str:
    """The text with one spelling of signs and numbers."""
    text = re.sub(r"\.0+(?![0-9])", "", text.translate(_SIGNS))
    return re.sub(r"(\.[0-9]*[1-9])0+(?![0-9])", r"\1", text)


def _between(prompt: str, name: str) -> str:
    """What stands in a block of the prompt."""
    _, found, rest = prompt.partition(f"<{name}>\n")
    return rest.partition(f"\n</{name}>")[0] if found else ""


def _differences(row: Row, filled: str, worked: Worked) -> Iterator[Fault]:
    """Where the filled prompt is not the record."""
    lines = filled.split("\n")
    if worked.form == PROOF:
        found = [_STEP_LINE.fullmatch(line) for line in lines]
        told = [(line[2], line[3], sorted(map(int, re.findall("[0-9]+", line[4] or "")))) for line in found if line]
        steps = [(step.text, step.reason, sorted(use + 1 for use in step.uses or ())) for step in worked.steps]
        same = told == steps
    else:
        same = _plain(filled) == _plain("\n".join(step.text for step in worked.steps))
    if not same:
        yield Fault("true", "with its gaps filled the prompt does not show the steps of the record")
    if _between(row.prompt, "problem") != "\n".join([worked.problem, *(f"Premise: {text}" for text in worked.given)]):
        yield Fault("true", "the prompt does not show the problem of the record")


def _faults_of_solution(made: Json, filled: str) -> Iterator[Fault]:
    text = _plain(filled)
    for equations in made["equations"]:
        for equation in equations:
            if _plain(equation) not in text:
                yield Fault("true", "an equation of the metadata is not in the filled solution")
                return
            worths = [worth for side in _plain(equation).split("=") if (worth := _worth(side)) is not None]
            if len(set(worths)) > 1:
                yield Fault("true", f"the equation {equation!r:.80} does not hold")
                return


def _worth(side: str) -> Fraction | None:
    """The value of a sum of products of numbers; None when it is something else."""
    tokens = _ARITHMETIC.findall(side)
    if "".join(tokens) != side.replace(" ", "") or not tokens:
        return None
    try:
        value, rest = _sum(tokens, 0)
    except (IndexError, ValueError, ZeroDivisionError, RecursionError):
        return None
    return value if rest == len(tokens) else None


def _sum(tokens: Sequence[str], at: int) -> tuple[Fraction, int]:
    value, at = _product(tokens, at)
    while at < len(tokens) and tokens[at] in "+-":
        sign = -1 if tokens[at] == "-" else 1
        term, at = _product(tokens, at + 1)
        value += sign * term
    return value, at


def _product(tokens: Sequence[str], at: int) -> tuple[Fraction, int]:
    value, at = _factor(tokens, at)
    while at < len(tokens) and tokens[at] in "*/":
        divide = tokens[at] == "/"
        factor, at = _factor(tokens, at + 1)
        value = value / factor if divide else value * factor
    return value, at


def _factor(tokens: Sequence[str], at: int) -> tuple[Fraction, int]:
    if tokens[at] == "-":
        value, at = _factor(tokens, at + 1)
        return -value, at
    if tokens[at] == "(":
        value, at = _sum(tokens, at + 1)
        if tokens[at] != ")":
            raise ValueError
        return value, at + 1
    return Fraction(tokens[at]), at + 1


Bound: TypeAlias = Mapping[str, tuple[str, ...]]
TRIES = 50_000

_STEP_LINE = re.compile(r"([0-9]+)\. (.*) \(by (\S+?)(?:, from (?:steps? ([0-9, and]+?))?(?: and )?(the premises)?)?\)")


def _faults_of_proof(row: Row, filled: str, hidden: Sequence[int]) -> Iterator[Fault]:
    rules = dict(line.partition(": ")[::2] for line in _between(row.prompt, "rules").split("\n"))
    premises = [line[len("Premise: ") :] for line in _between(row.prompt, "problem").split("\n")[1:]]
    lines = [_STEP_LINE.fullmatch(line) for line in filled.split("\n")]
    for number in hidden:
        line = lines[number] if number < len(lines) else None
        rule = Inference.read(rules.get(line[3], "")) if line is not None else None
        if line is None or rule is None:
            yield Fault("true", f"the rule of step {number + 1} is not in the prompt")
            continue
        used = [lines[int(use) - 1] for use in re.findall("[0-9]+", line[4] or "")]
        at_hand = [*(premises if line[5] else ()), *(other[2] for other in used if other is not None)]
        wanted = [(rule.conclusion, [line[2]]), *((premise, at_hand) for premise in rule.premises)]
        if not _follows(wanted, frozenset(rule.variables)):
            yield Fault("true", f"step {number + 1} does not follow by its rule from what it rests on")


def _follows(wanted: Sequence[tuple[str, Sequence[str]]], variables: frozenset[str]) -> bool:
    """Whether each pattern is one of its texts, with the same tokens for the same variable throughout.

    Also when that is not settled within `TRIES` attempts: a doubt is no fault.
    """
    start: tuple[Bound, int, int, int] = ({}, 0, 0, -1)
    stack, patterns = [start], [(pattern.split(), [text.split() for text in texts]) for pattern, texts in wanted]
    for _ in range(TRIES):
        if not stack:
            return False
        bound, goal, at, choice = stack.pop()  # `at`: tokens of the pattern; in the text as many as they stand for
        if goal == len(patterns):
            return True
        pattern, texts = patterns[goal]
        if choice < 0:
            stack += [(bound, goal, 0, number) for number in range(len(texts))]
            continue
        text = texts[choice]
        begin = sum(len(bound.get(token, (token,))) for token in pattern[:at])
        while at < len(pattern) and (pattern[at] in bound or pattern[at] not in variables):
            expected = list(bound.get(pattern[at], (pattern[at],)))
            if text[begin : begin + len(expected)] != expected:
                break
            at, begin = at + 1, begin + len(expected)
        else:
            if at < len(pattern):
                ends = range(begin + 1, len(text) - (len(pattern) - at - 1) + 1)
                stack += [({**bound, pattern[at]: tuple(text[begin:end])}, goal, at + 1, choice) for end in ends]
            elif begin == len(text):
                stack.append((bound, goal + 1, 0, -1))
    return True
