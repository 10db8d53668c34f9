"""Respond to a query while following instructions that programs check.

After AutoIF (arXiv 2406.13542): a model wrote the instructions and the functions that check them, and those that agree
with each other remain. A record holds one instruction with its functions, a response that they accept and some that
they reject; `ssrl autoif` makes such a corpus.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

from ssrl_data.answers.program import Program
from ssrl_data.core import Answer, Example, Fault, Record, Row, Skip, Task
from ssrl_data.gates import checkers
from ssrl_data.gates.checkers import Combined, Judge
from ssrl_data.media.instruction import Instruction
from ssrl_data.media.text import block, quotable
from ssrl_data.rng import Rng

PARTNERS = 4
"""Other instructions that are tried with one."""

MISSES = 8
"""Rejected responses that a row keeps at most."""

SUBJECTS = (
    *("bread", "bridges", "the sea", "a lighthouse", "the moon", "a market", "winter", "a river", "gardens", "clocks"),
    *("trains", "a letter", "birds", "rain", "tea", "mountains", "maps", "islands", "a library", "bees", "forests"),
    *("a harbour", "wool", "glass", "chess", "a village", "stars", "salt", "horses", "paper", "music", "windmills"),
    *("a bakery", "snow", "deserts", "a school", "colours", "cheese", "ships", "apples"),
)
"""What is asked about where an instruction has no query of its own."""

REQUEST = "Write about {}."

_TAG = re.compile(r"</?(?:query|instruction)\b", re.IGNORECASE)
_BLOCK = re.compile(r"<(query|instruction)>\n(.*?)\n</\1>", re.DOTALL)


@dataclass(frozen=True)
class AutoifParams:
    """Parameters of `instruction/autoif`.

    Attributes:
        instructions: how many instructions one response must follow, 1 to 3. Several are put together only where some
            response is known to follow them all, and where each rejects a response that follows the others.
    """

    instructions: int = 1

    def __post_init__(self) -> None:
        """Check ranges."""
        if not 1 <= self.instructions <= checkers.MOST:
            raise ValueError(f"instructions is {self.instructions}: it must lie in 1..{checkers.MOST}")


class Autoif(Task[AutoifParams]):
    """A query and one to three instructions; right is a response that their checkers accept."""

    needs = frozenset({"instruction"})
    pictures: ClassVar[bool] = False
    levels: ClassVar = {"easy": AutoifParams(), "medium": AutoifParams(2), "hard": AutoifParams(3)}

    def chance(self) -> float | None:
        """What the best of many fixed replies earns on the train split, as `checkers.measured` says."""
        return checkers.earned(self.prepared, self.params.instructions) if self.prepared else None

    def donors(self) -> int:
        """The instructions that may stand beside the record's."""
        return PARTNERS if self.params.instructions > 1 else 0

    @classmethod
    def prepare(cls, records: Iterator[Record]) -> bytes:
        """How often the best of many fixed replies is accepted."""
        return checkers.measured(record.instruction for record in records if record.instruction is not None)

    def make(self, records: Sequence[Record], rng: Rng, aim: int) -> Iterator[Example]:
        """Choose the instructions and the query, and run the checkers on all that must and must not be accepted."""
        if records[0].instruction is None:
            raise Skip("no instruction", final=True)
        if reason := _unfit(records[0].instruction):
            raise Skip(reason, final=True)
        numbers, found, together = self._chosen(records)
        judge = together.judge
        query = rng.choice(found[0].queries) if found[0].queries else REQUEST.format(rng.choice(SUBJECTS))
        prompt = _prompt(query, [item.text for item in found])
        if any(map(judge.accepts, checkers.STOCK)):
            raise Skip("accepts a stock reply", final=len(found) == 1)
        try:
            answer = Program().answer(
                together.gold,
                together.misses[:MISSES],
                judge.checkers,
                engine=judge.engine,
                limits=dict(judge.limits),
                need=judge.need,
                chance=checkers.earned(self.prepared or checkers.measured(found), len(found)),
            )
        except ValueError as error:
            raise Skip("no answer of this kind", final=True) from error
        if not _graded(answer):
            raise Skip("gold that is graded otherwise", final=len(found) == 1)
        asked = f"{prompt}\n\n{Program().ask(answer.value)}"
        if any(map(judge.accepts, (query, prompt, asked, *(item.text for item in found)))):
            raise Skip("accepts its own question")
        yield Example(
            prompt=(prompt,),
            answer=answer,
            meta={
                "records": numbers,
                "checkers": [len(item.checkers) for item in found],
                "enough": judge.enough,
                "query": query,
            },
            used=numbers[-1] + 1,
        )

    def _chosen(self, records: Sequence[Record]) -> tuple[list[int], list[Instruction], Combined]:
        """The places of the records whose instructions are shown, these, and what is known to follow them.

        Raises:
            Skip: none of the others goes with the first.
        """
        fit = {
            place: record.instruction
            for place, record in enumerate(records)
            if record.instruction is not None and not (place and _unfit(record.instruction))
        }
        others = combinations([place for place in fit if place], self.params.instructions - 1)
        why = Skip("no other instructions")
        for beside in sorted(others, key=lambda places: places[-1:]):  # the fewer records are used, the better
            numbers = [0, *beside]
            found = [fit[place] for place in numbers]
            try:
                return numbers, found, checkers.combined(found)
            except Skip as skip:
                why = skip
        raise why

    @classmethod
    def audit(cls, row: Row, records: Sequence[Record]) -> Iterator[Fault]:
        """Hash the sources, let them judge the stored responses again, and compare the prompt with the record.

        Without the record: the row's own gold is accepted, its misses, its prompt and silence are not.
        """
        value, made, kind = row.answer.value, row.meta["make"], Program()
        sources = [checker["source"] for checker in value["checkers"]]
        if any(hashlib.sha256(c["source"].encode()).hexdigest() != c["sha256"] for c in value["checkers"]):
            yield Fault("true", "a checker is not the one that its hash names")
        if made["checkers"] and sum(made["checkers"]) != len(sources):
            yield Fault("true", f"{len(sources)} checkers, of which meta counts {made['checkers']}")
        for text, right in ((value["answer"], True), *((miss, False) for miss in value["misses"])):
            if kind.grade(text, value, row.answer.credit).exact != right:
                yield Fault("true", f"the response {text[:60]!r} is {'not ' if right else ''}accepted")
        for text in ("", row.prompt, *(shown for _, shown in _BLOCK.findall(row.prompt))):
            if kind.grade(text, value, row.answer.credit).score != 0:
                yield Fault("no leak", f"the text {text[:60]!r} is accepted, which answers nothing")
        shown = _BLOCK.findall(row.prompt)
        if [name for name, _ in shown] != ["query", *["instruction"] * len(made["checkers"])]:
            yield Fault("true", "the prompt does not show one query and the instructions behind it")
        elif shown[0][1] != made["query"]:
            yield Fault("true", "the query shown is not the one that was chosen")
        elif records:
            yield from _unlike(row, [text for _, text in shown], sources, [records[n] for n in made["records"]])


def _unlike(row: Row, shown: Sequence[str], sources: Sequence[str], records: Sequence[Record]) -> Iterator[Fault]:
    """How what a row shows and judges by differs from its records."""
    found = [record.instruction for record in records if record.instruction is not None]
    if shown[1:] != [item.text for item in found]:
        yield Fault("true", "the instructions shown are not those of the records")
        return
    if shown[0] not in (*found[0].queries, *map(REQUEST.format, SUBJECTS)):
        yield Fault("true", "the query shown is not the record's")
    if list(sources) != [source for item in found for source in item.checkers]:
        yield Fault("true", "the checkers are not those of the records")
    # Where all but this many accept, more than each record's own share of its checkers do.
    need, count = row.answer.value["need"], len(sources)
    against = max(n for n in range(count) if count - n > need * count)
    for item in found:
        if len(item.checkers) - min(against, len(item.checkers)) <= item.need * len(item.checkers):
            yield Fault("true", f"fewer checkers than its record asks for may accept {item.text[:60]!r}")


def _unfit(found: Instruction) -> str:
    """Why no row can be made of an instruction, as a skip's reason; empty where one can."""
    judge = Judge.of(found)
    if not judge.runs:
        return "checkers of an engine that does not run here"
    if not all(quotable(text) and not _TAG.search(text) for text in (found.text, *found.queries)):
        return "instruction or query that cannot be quoted"
    if not judge.accepts(found.gold):
        return "gold that its checkers reject"
    if any(map(judge.accepts, found.misses)):
        return "miss that its checkers accept"
    if not judge.steady((found.gold, *found.misses)):
        return "checkers that do not always say the same"
    return ""


def _graded(answer: Answer) -> bool:
    """Whether the answer kind says of all that the answer holds what was found here."""
    kind, value = Program(), answer.value
    if kind.grade(kind.gold(value), value, answer.credit).score != 1.0:
        return False
    return all(kind.grade(text, value, answer.credit).score == 0.0 for text in kind.near_misses(value))


def _prompt(query: str, texts: Sequence[str]) -> str:
    """The query, the instructions, and what to do with them."""
    shown = [block("query", query), *(block("instruction", text) for text in texts)]
    what = {1: "the instruction", 2: "both instructions", 3: "all three instructions"}[len(texts)]
    return "\n\n".join(shown) + f"\n\nRespond to the query, and follow {what} in doing so."
