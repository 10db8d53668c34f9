"""Write about a passage, and keep to one to six constraints that a program can check.

The ladder of verl-if over the constraints of IFEval (arXiv 2311.07911) and IFBench (arXiv 2507.02833): each rung keeps
the constraints of the one before it and adds one. Unlike there, a text that keeps to all of them is found for every
rung before it is asked, no constraint follows from the others, and an answer that is not about the passage earns
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ssrl_data.answers.constraints import Constraints
from ssrl_data.constraints.keywords import SomeOf
from ssrl_data.core import Example, Fault, Record, Row, Skip, Task
from ssrl_data.gates import ladder
from ssrl_data.gates.degrade import PROSE, plain_share
from ssrl_data.instruct.constraint import Conflict
from ssrl_data.instruct.material import Material
from ssrl_data.media.text import Text, block, quotable, sentences
from ssrl_data.media.worked import QUESTION
from ssrl_data.rng import Rng

PASSAGE, QUERY = "passage", "query"
RULES = ("fraction", "all")

TRAIN = ("length", "keywords", "casing", "punctuation", "structure", "markup")
TRANSFER = ("letters", "position", "repetition", "combination")
"""Families of constraints to train on, and those kept for evaluation; disjoint. In neither is the language of an
answer, since one in another language does not hold the passage's words, nor what only IFEval's own prompts ask for."""

WORDS = (50, 200)
"""Least and most words of a passage."""

TERMS, MENTIONED = 6, 3
"""Terms of a passage that are named to the writer, and how many of them an answer must mention."""

TERMS_OF_QUERY, MENTIONED_OF_QUERY = 4, 2
"""The same of a query, which is short."""

REQUESTS = (
    "Summarise this passage for someone who has not read it.",
    "Explain what this passage says to a reader who is new to its subject.",
    "Write a note that tells a colleague what this passage says.",
    "Say in your own words what this passage is about and why that matters.",
    "Write what a student should remember of this passage.",
    "Write an announcement that makes the content of this passage known.",
    "Tell a friend what you learnt from this passage.",
    "Write a text for a web page that presents what this passage describes.",
    "Comment on this passage: what is it about, and whom does it serve?",
    "Write the beginning of an article on the subject of this passage.",
)
"""What is asked for beside the constraints; each can be written in any length and form."""

QUERIES = (
    "Answer this question for someone who asks it for the first time.",
    "Write a reply to this question.",
    "Explain to a beginner how this question can be answered.",
    "Write a note that discusses this question.",
)

CHANCE = 0.03
"""What the best guesser scores that strings together all words in quotes and adds three paragraphs of the passage, and
something above: 0.023 (`easy`), 0.019 (`medium`), 0.013 (`hard`) and 0.013 (`transfer`) over 5,302 rows of 840 manuals.
No text that a row's credit was measured with scores anything."""


@dataclass(frozen=True)
class ConstraintsParams:
    """Parameters of `instruction/constraints`.

    Attributes:
        families: families of constraints that are drawn from.
        grades: lowest and highest grade of a constraint: 1 can be kept to at a glance, 2 with care, 3 only by counting
            or planning.
        rungs: first and last rung that is asked, 1 to 6.
        prompts: whether the answer is about a `passage` of a document or answers a `query`.
        credit: `fraction` credits the chance-corrected share of the constraints that are met, `all` nothing less than
            all of them.
    """

    families: tuple[str, ...] = TRAIN
    grades: tuple[int, int] = (1, 1)
    rungs: tuple[int, int] = (1, 3)
    prompts: str = PASSAGE
    credit: str = "fraction"

    def __post_init__(self) -> None:
        """Check ranges."""
        for name, (low, high) in {"grades": (1, 3), "rungs": (1, 6)}.items():
            value = getattr(self, name)
            if len(value) != 2 or not low <= value[0] <= value[1] <= high:
                raise ValueError(f"{name} is {value}: it must be two numbers in {low}..{high}, the second no smaller")
        try:
            found = sum(map(len, ladder.pool(self.families, self.grades)))
        except ValueError as error:
            raise ValueError(f"families is {self.families}: {error}") from error
        if len(set(self.families)) < len(self.families) or found < self.rungs[1]:
            raise ValueError(
                f"families is {self.families}: they must differ and hold {self.rungs[1]} constraints of these grades"
            )
        if self.prompts not in (PASSAGE, QUERY):
            raise ValueError(f"prompts is {self.prompts!r}: it must be {PASSAGE} or {QUERY}")
        if self.credit not in RULES:
            raise ValueError(f"credit is {self.credit!r}: it must be one of {', '.join(RULES)}")


@dataclass(frozen=True)
class _Passage:
    """What is asked about: the first sentences of the paragraphs [first, end), or a query."""

    text: str
    first: int = 0
    end: int = 0


class ConstraintLadder(Task[ConstraintsParams]):
    """A passage or a query, and a ladder of constraints on what is written about it; a row for each rung."""

    pictures: ClassVar[bool] = False
    signal: ClassVar[frozenset[str]] = frozenset({"prompt"})
    levels: ClassVar = {
        "easy": ConstraintsParams(TRAIN, (1, 1), (1, 3)),
        "medium": ConstraintsParams(TRAIN, (1, 2), (1, 6)),
        "hard": ConstraintsParams(TRAIN, (2, 3), (3, 6)),
        "transfer": ConstraintsParams(TRANSFER, (1, 3), (1, 6)),
    }

    def __init__(self, params: ConstraintsParams, prepared: bytes = b"") -> None:
        super().__init__(params, prepared)
        self.needs = frozenset({"text" if params.prompts == PASSAGE else "worked"})
        self.pool = ladder.pool(params.families, params.grades)

    def chance(self) -> float | None:
        """That of every row, as measured."""
        return CHANCE

    def donors(self) -> int:
        """Those that lend words which the passage does not hold: a document, or several questions, which are short."""
        return 1 if self.params.prompts == PASSAGE else 4

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Choose a passage, climb a ladder of constraints over it, and ask each rung."""
        p = self.params
        shown = _passage(records[0].text, rng) if p.prompts == PASSAGE else _query(records[0])
        if len(records) < 2:
            raise Skip("no other text to borrow words from", final=True)
        material = Material(shown.text, " ".join(map(_words_of, records[1:])))
        named, mentioned = (TERMS, MENTIONED) if p.prompts == PASSAGE else (TERMS_OF_QUERY, MENTIONED_OF_QUERY)
        if len(material.terms) < named:
            raise Skip("too few terms", final=p.prompts == QUERY)
        # A third of the most frequent ones, so that others are left for constraints to speak of.
        terms = material.terms[: 3 * named]
        ground = (SomeOf(tuple(sorted(rng.sample(terms, named))), mentioned),)
        request = rng.choice(REQUESTS if p.prompts == PASSAGE else QUERIES)
        asked = f"{request}\n\n{block(p.prompts, shown.text)}"
        blind = (asked, *ladder.guesses(material, rng))
        try:
            rungs = ladder.climb(self.pool, ground, material, p.rungs[1], blind, rng)
        except Conflict as conflict:
            raise Skip("no ladder of constraints") from conflict
        whole = [item.plain() for item in rungs[-1].constraints]
        for number, rung in enumerate(rungs, 1):
            if number >= p.rungs[0]:
                yield Example(
                    prompt=(asked,),
                    answer=Constraints().answer(
                        rung.witness, rung.constraints, ground, blind=rung.blind, chance=CHANCE, rule=p.credit
                    ),
                    meta={"paragraphs": [shown.first, shown.end], "rung": number, "ladder": whole},
                )

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Count the witness anew, and hold the rung against its ladder, the passage and the record.

        With the record: the passage shown is the document's, or the query the record's.
        """
        params, made, value = row.meta["params"], row.meta["make"], row.answer.value
        name = params["prompts"]
        head, opened, rest = row.prompt.partition(f"\n\n<{name}>\n")
        shown, closed, tail = rest.partition(f"\n</{name}>\n\n")
        if not (opened and closed) or head not in (REQUESTS if name == PASSAGE else QUERIES):
            yield Fault("true", f"the prompt is not a request and a {name}")
            return
        try:
            Constraints().check(value)
        except ValueError as error:
            yield Fault("true", str(error))
            return
        if tail != Constraints().ask(value):
            yield Fault("true", "the prompt does not ask for the constraints of the answer")
        asked, ladder_ids = value["constraints"], [item["id"] for item in made["ladder"]]
        if asked != made["ladder"][: made["rung"]] or len(made["ladder"]) != params["rungs"][1]:
            yield Fault("true", f"the constraints are not the first {made['rung']} of the ladder")
        if len(set(ladder_ids)) < len(ladder_ids):
            yield Fault("one answer", "two constraints of one kind")
        if any(found.partition("/")[0] not in params["families"] for found in ladder_ids):
            yield Fault("true", "a constraint is of none of the level's families")
        folded = shown.casefold()
        if len(value["ground"]) != 1 or not all(word in folded for word in value["ground"][0]["words"]):
            yield Fault("true", "what an answer must mention does not stand in what is shown")
        for text in (shown, f"{head}\n\n<{name}>\n{shown}\n</{name}>", row.prompt):
            verdict = Constraints().grade(text, value, row.answer.credit)
            if verdict.score:
                yield Fault("not guessable", f"a copy of what is shown scores {verdict.score:g}")
        if records and shown != _source(records[0], made["paragraphs"], shown):
            yield Fault("true", f"the {name} shown is not the record's")


def _passage(text: Text | None, rng: Rng) -> _Passage:
    """Sentences from the start of a paragraph on, over its neighbours, as many words as are wanted.

    Raises:
        Skip: no paragraph begins such a passage, or the one drawn cannot be asked about.
    """
    kept = text.kept if text else ()
    if text is None or sum(text.paragraphs[n].count(" ") + 1 for n in kept) < WORDS[0]:
        raise Skip("text too short", final=True)
    first = rng.choice(kept)
    parts, total, end = list[str](), 0, first
    wanted = rng.integer(WORDS[0], WORDS[1] // 2)
    while end < len(text.paragraphs) and end not in text.dropped and total < wanted:
        for part in sentences(text.paragraphs[end]):
            size = part.count(" ") + 1
            if total >= wanted or total + size > WORDS[1]:
                wanted = total
                break
            parts.append(part)
            total += size
        end += 1
    passage = " ".join(parts)
    if total < WORDS[0]:
        raise Skip("no passage of that length from here")
    if not quotable(passage):
        raise Skip("passage that cannot be quoted")
    if plain_share(passage) < PROSE:
        raise Skip("passage of few plain words")
    return _Passage(passage, first, end)


def _query(record: Record) -> _Passage:
    """The question of a record, where it has no options and no premises beside it.

    Raises:
        Skip: there is none.
    """
    found = record.worked
    if found is None or found.form != QUESTION or found.options or found.given or not quotable(found.problem):
        raise Skip("no open question", final=True)
    return _Passage(found.problem)


def _words_of(record: Record) -> str:
    """Text to take words from that are not the passage's."""
    if record.text is not None:
        return " ".join(record.text.paragraphs[n] for n in record.text.kept[:20])
    return record.worked.problem if record.worked is not None else ""


def _source(record: Record, paragraphs: Sequence[int], shown: str) -> str:
    """As much of the record's own text as is shown."""
    if record.worked is not None:
        return record.worked.problem
    if record.text is None:
        return ""
    first, end = paragraphs
    parts = [part for text in record.text.paragraphs[first:end] for part in sentences(text)]
    return " ".join(parts)[: len(shown)]
