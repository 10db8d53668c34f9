"""Answer a question whose answer has one exact form, in one or several wordings of the same truth.

The outcome stage of MR-RLVR and others, and the two views of one question that Co-Reward (arXiv 2508.00410) asks for.
There a model rewrites the question; here a view is exact: variables renamed, premises or options in another order, or a
wording that the source gives.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar

from ssrl_data.answers.choice import Choice
from ssrl_data.answers.expression import Expression
from ssrl_data.answers.number import Number
from ssrl_data.answers.reading import tagged
from ssrl_data.answers.unlabelled import Unlabelled
from ssrl_data.core import Answer, Example, Fault, Json, Record, Row, Skip, Task
from ssrl_data.gates import final, views
from ssrl_data.gates.views import Question
from ssrl_data.media.text import block, quotable
from ssrl_data.media.worked import Worked
from ssrl_data.rng import Rng

ORIGINAL, RENAMED, REORDERED, PERMUTED, PARAPHRASE = "original", "renamed", "reordered", "permuted", "paraphrase"
VIEWS = (ORIGINAL, RENAMED, REORDERED, PERMUTED, PARAPHRASE)

LONGEST = 6000
"""Characters of the longest question that is asked."""

FREQUENT = 0.5
"""Chance stated for numbers and expressions where no train split was looked at. In 11 tasks of reasoning-gym the most
frequent number is right in up to 46% of rows."""

COUNTED = 30
"""Answers of questions that begin alike from which their most frequent one is taken for what a guesser knows."""

_GIVEN, _OPTIONS = "\n\nGiven:\n", "\n\nOptions:\n"
_KINDS = (final.CHOICE, final.NUMBER, final.EXPRESSION)
_WORD = re.compile(r"[A-Za-z]+")
_ALONE = re.compile(r"(?<![A-Za-z\\])([a-z])(?![A-Za-z])")
_MINUS = re.compile(r"[-−]\s?\\?\$?\s?(?:\\[dt]?frac\{)?[0-9.]")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")


@dataclass(frozen=True)
class FinalAnswerParams:
    """Parameters of `text/final_answer`.

    Attributes:
        answers: forms of answer that are asked for: `choice` (of options, or of yes and no), `number`, `expression`.
        views: wordings of a question that make one set: `original`, `renamed` (its variables), `reordered` (its
            premises), `permuted` (its options), `paraphrase`. Where several are named a question must have two of them.
        gold: whether the right answer is stored; else rows have the kind `unlabelled` and hold no answer anywhere.
    """

    answers: tuple[str, ...] = (final.CHOICE,)
    views: tuple[str, ...] = (ORIGINAL,)
    gold: bool = True

    def __post_init__(self) -> None:
        """Check names."""
        for name, known in {"answers": _KINDS, "views": VIEWS}.items():
            value = getattr(self, name)
            if not value or len(set(value)) < len(value) or not set(value) <= set(known):
                raise ValueError(f"{name} is {value}: it must be one or more of {', '.join(known)}, each once")


@dataclass(frozen=True)
class _Shown:
    """A question as a prompt shows it."""

    problem: str
    given: tuple[str, ...]
    options: tuple[str, ...]


class FinalAnswer(Task[FinalAnswerParams]):
    """A question and its final answer, of a kind that is judged exactly."""

    needs = frozenset({"worked"})
    pictures: ClassVar[bool] = False
    levels: ClassVar = {
        "easy": FinalAnswerParams(),
        "medium": FinalAnswerParams((final.NUMBER,)),
        "hard": FinalAnswerParams((final.NUMBER, final.EXPRESSION, final.CHOICE), VIEWS),
    }

    def classes(self) -> int:
        """Two where all are choices: one or the other word, or an odd or even place of the right option."""
        return 2 if self.params.gold and self.params.answers == (final.CHOICE,) else 1

    @classmethod
    def prepare(cls, records: Iterator[Record]) -> bytes:
        """Shares of the most frequent answer: of all numbers, of all expressions, and of questions that begin alike."""
        found: dict[str, Counter[str]] = {}
        for record in records:
            typed = _typed(record.worked) if record.worked is not None else None
            if record.worked is not None and typed is not None and typed.form:
                for name in (typed.kind, _start(typed.kind, record.worked.problem)):
                    found.setdefault(name, Counter())[typed.right] += 1
        shares = {
            name: max(counts.values()) / counts.total() for name, counts in found.items() if counts.total() >= COUNTED
        }
        return zlib.compress(json.dumps(shares, sort_keys=True).encode(), 9)

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Type the answer, and show the question in every view asked for that it has."""
        worked = records[0].worked
        if worked is None or not worked.problem or (worked.answer is None and self.params.gold):
            raise Skip("no question with an answer", final=True)
        if not all(map(quotable, (worked.problem, *worked.given, *worked.options, *worked.paraphrases))):
            raise Skip("question that cannot be quoted", final=True)
        if len(worked.problem) > LONGEST:
            raise Skip("question too long", final=True)
        if final.told(worked.problem):
            raise Skip("question that tells an answer", final=True)
        typed = self._typed(worked, aim)
        right = typed.right if typed else None
        question = Question(worked.problem, worked.given, worked.options, right)
        order = list(range(len(worked.options)))
        if worked.options and (typed is None or typed.kind == final.CHOICE):
            if not views.permutable(worked.options):
                raise Skip("options that speak of others", final=True)
            parity = aim if self.classes() > 1 else rng.below(2)
            order = rng.shuffled(order) if right is None else views.placed(worked.options, right, parity, rng)
            question = replace(question, options=tuple(worked.options[n] for n in order))
        shown = list(self._views(question, order, worked, rng))
        if len(shown) < min(2, len(self.params.views)):
            raise Skip("no second view", final=True)
        for text, meta in shown:
            solution = _solution(worked) if self.params.gold and meta["view"] == ORIGINAL else ""
            yield Example(
                prompt=(_prompt(text, typed),),
                answer=self._answer(typed, text, worked),
                meta=meta,
                solution=solution,
            )

    def _typed(self, worked: Worked, aim: int) -> final.Typed | None:
        """The exact form of the answer; None where no answer is to be stored.

        Raises:
            Skip: it has none, or not the one wanted.
        """
        if not self.params.gold:
            return None
        typed = _typed(worked)
        if typed is None:
            raise Skip("answer of no exact form", final=True)
        if (final.CHOICE if typed.kind == final.WORD else typed.kind) not in self.params.answers:
            raise Skip("answer of another form", final=True)
        if typed.kind == final.WORD and self.classes() == 1:
            raise Skip("two words that are not balanced", final=True)
        if typed.kind == final.WORD and typed.right != typed.options[aim]:
            raise Skip("the other word is asked for", final=True)
        return typed

    def _views(
        self, question: Question, order: Sequence[int], worked: Worked, rng: Rng
    ) -> Iterator[tuple[Question, dict[str, Json]]]:
        """Each view that the question has, and how it was made: the order of options and premises, the new letters."""
        base: dict[str, Json] = {"options": list(order), "given": list(range(len(worked.given)))}
        for name in self.params.views:
            meta: dict[str, Json] = {**base, "view": name}
            if name == ORIGINAL:
                yield question, meta
            elif name == RENAMED and (new := views.renamed(question, rng)):
                yield new[0], {**meta, "letters": new[1]}
            elif name == REORDERED and (put := views.reordered(question, rng)):
                yield put[0], {**meta, "given": put[1]}
            elif name == PERMUTED and len(order) > 2 and (put := views.permuted(question, rng)):
                yield put[0], {**meta, "options": [order[n] for n in put[1]]}
            elif name == PARAPHRASE and worked.paraphrases:
                which = rng.below(len(worked.paraphrases))
                yield replace(question, problem=worked.paraphrases[which]), {**meta, "paraphrase": which}

    def _answer(self, typed: final.Typed | None, text: Question, worked: Worked) -> Answer:
        if typed is None or text.answer is None:
            return Unlabelled().answer()
        if typed.kind == final.WORD:
            return Choice().answer(typed.right, typed.options)
        if typed.kind == final.CHOICE:
            names = views.letters(len(text.options))
            return Choice().answer(names[text.options.index(text.answer)], list(names))
        shares = _shares(self.prepared)
        known = [shares[name] for name in (typed.kind, _start(typed.kind, worked.problem)) if name in shares]
        chance = min(max(known, default=FREQUENT), 0.99)
        if typed.kind == final.NUMBER:
            return Number().answer(text.answer, form=typed.form, chance=chance)
        return Expression().answer(text.answer, form=typed.form, chance=chance)

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Undo the view on what is shown, and hold question and answer against the record's.

        Without the record only what the row shows is checked: that options and premises are as many as the view says,
        and that the answer is among the options.
        """
        made, value = row.meta["make"], row.answer.value
        shown = _read(row.prompt, made)
        if shown is None or sorted(made["options"]) != list(range(len(made["options"]))):
            yield Fault("true", "the prompt shows no question, or the order of its options is none")
            return
        if len(shown.given) != len(made["given"]) or (shown.options and len(shown.options) != len(made["options"])):
            yield Fault("true", "premises or options are not as many as the view says")
            return
        letters = [chr(65 + n) for n in range(len(shown.options))]
        if row.answer.kind == "choice" and shown.options and value["options"] != letters:
            yield Fault("true", "the options of the answer are not those shown")
        if row.answer.kind == "unlabelled" and row.meta.get("solution"):
            yield Fault("no leak", "a row without answer holds a solution")
        worked = records[0].worked if records else None
        if worked is None:
            return
        back = {new: old for old, new in made.get("letters", {}).items()}
        problem = worked.paraphrases[made["paraphrase"]] if "paraphrase" in made else worked.problem
        if _undone(shown.problem, back) != problem:
            yield Fault("true", "the question shown is not the record's")
        elif [_undone(text, back) for text in shown.given] != [
            " ".join(worked.given[n].split()) for n in made["given"]
        ]:
            yield Fault("true", "the premises shown are not the record's")
        elif [_undone(text, back) for text in shown.options] != [
            " ".join(worked.options[n].split()) for n in made["options"] if shown.options
        ]:
            yield Fault("true", "the options shown are not the record's")
        elif row.answer.kind != "unlabelled" and not _agrees(row.answer, shown, worked, back):
            yield Fault("true", f"stated {value['answer']!r:.40}, the record says {worked.answer!r:.40}")


def _typed(worked: Worked) -> final.Typed | None:
    return final.typed(worked.problem, worked.answer, worked.options) if worked.answer is not None else None


def _start(kind: str, problem: str) -> str:
    """The first words of a question, which a guesser could learn to know a family by."""
    return f"{kind}: {' '.join(_WORD.findall(problem[:200])[:4]).lower()}"


@lru_cache(maxsize=2)
def _shares(prepared: bytes) -> Mapping[str, float]:
    found: dict[str, float] = json.loads(zlib.decompress(prepared)) if prepared else {}
    return found


def _solution(worked: Worked) -> str:
    """The source's steps; where there are options they may speak of these by letters that are other ones here."""
    return "" if worked.options else "\n".join(step.text for step in worked.steps)


def _prompt(text: Question, typed: final.Typed | None) -> str:
    shown = text.problem
    if text.given:
        shown += _GIVEN + "\n".join(f"- {' '.join(one.split())}" for one in text.given)
    if text.options and (typed is None or typed.kind == final.CHOICE):
        names = views.letters(len(text.options))
        listed = [f"{name}. {' '.join(one.split())}" for name, one in zip(names, text.options, strict=True)]
        shown += _OPTIONS + "\n".join(listed)
    return f"{block('problem', shown)}\n\nWhat is the answer to this problem?"


def _read(prompt: str, made: Mapping[str, Any]) -> _Shown | None:
    """The question that a prompt shows, with as many premises and options as were put there; None where it is none."""
    _, opened, rest = prompt.partition("<problem>\n")
    shown, closed, _ = rest.partition("\n</problem>")
    if not opened or not closed:
        return None
    shown, has_options, listed = (
        shown.rpartition(_OPTIONS) if _OPTIONS in shown and made["options"] else (shown, "", "")
    )
    options = [line.partition(". ") for line in listed.split("\n")] if has_options else []
    if [letter for letter, _, _ in options] != [chr(65 + n) for n in range(len(options))]:
        return None
    problem, has_given, premises = shown.rpartition(_GIVEN) if made["given"] else (shown, "", "")
    given = [line.removeprefix("- ") for line in premises.split("\n")] if has_given else []
    return _Shown(problem, tuple(given), tuple(option for _, _, option in options))


def _undone(text: str, back: Mapping[str, str]) -> str:
    """The text with the letters of a renamed view put back."""
    return _ALONE.sub(lambda found: back.get(found[1], found[1]), text) if back else text


def _agrees(answer: Answer, shown: _Shown, worked: Worked, back: Mapping[str, str]) -> bool:
    """Whether the stated answer is the record's, each read by itself."""
    said: Any = answer.value["answer"]
    gold = (worked.answer or "").strip()
    if answer.kind == "choice":
        named = gold if gold in worked.options or not worked.options else _by_letter(gold, worked.options)
        text = _undone(shown.options[ord(said) - 65], back) if shown.options else said
        return bool(" ".join(named.split()).rstrip(".").lower() == text.rstrip(".").lower())
    if answer.kind == "number" and re.search(r"[0-9][A-Za-z]", gold):  # 2x is no number
        return False
    if answer.kind == "number":
        numbers = [Fraction(n) for n in _NUMBER.findall(gold.replace(",", ""))]
        size, value = numbers[0] if len(numbers) == 1 else numbers[0] / numbers[1], Fraction(said)
        return len(numbers) < 3 and value == (-size if _MINUS.search(gold) else size)
    stated = {**answer.value, "answer": _undone(said, back), "form": "any"}
    return Expression().grade(tagged(gold.rpartition("=")[2]), stated, answer.credit).exact


def _by_letter(gold: str, options: Sequence[str]) -> str:
    """The option that a letter names; empty where it names none."""
    letter = gold.strip("().: ")
    return options[ord(letter) - 65] if len(letter) == 1 and 65 <= ord(letter) < 65 + len(options) else ""
