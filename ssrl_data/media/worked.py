"""Worked solutions and proofs as tasks meet them: a problem, steps, what each step rests on, and the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ssrl_data.media.text import canonical, sentences

SOLUTION, PROOF, QUESTION = "solution", "proof", "question"
FORMS = frozenset({SOLUTION, PROOF, QUESTION})

_LINES = re.compile(r"\r\n|\r|\n")
_INFERENCE = re.compile(
    r"(?:from (?P<premises>\|- .*?) infer )?(?P<conclusion>\|- .*?)"
    r"(?: for any (?P<variables>\S+(?:, \S+)*))?(?: where (?P<apart>\S+, \S+(?:; \S+, \S+)*) share no variable)?"
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        text: what it says, canonical.
        reason: the rule that it applies, where the source names one (a label in `Worked.rules`); else empty.
        uses: numbers of the earlier steps that it rests on, from 0, where the source says so exactly; None where
            nobody has said, and a gate must find out.
    """

    text: str
    reason: str = ""
    uses: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Worked:
    """A problem with its solution, a theorem with its proof, or a bare question.

    Attributes:
        form: `solution`, `proof` or `question`; a question has no steps.
        problem: what is asked or claimed.
        given: premises that the source lists apart from the problem (hypotheses of a theorem); their order means
            nothing.
        steps: in the source's order; each rests on earlier ones and on the premises alone.
        answer: the final answer as the source writes it, or None where it gives none.
        options: texts of the options of a multiple-choice question, in the source's order; the answer is one of them.
        rules: label to statement of the rules that steps apply, where the source states them; of a proof, statements
            that `Inference.read` reads.
        paraphrases: other wordings of the problem that the source gives as meaning the same.
    """

    form: str
    problem: str
    given: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    answer: str | None = None
    options: tuple[str, ...] = ()
    rules: Mapping[str, str] = field(default_factory=dict)
    paraphrases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what the source promises.

        Raises:
            ValueError: the form is unknown, or a step rests on itself or on a later one.
        """
        if self.form not in FORMS:
            raise ValueError(f"form is {self.form!r}: it must be one of {', '.join(sorted(FORMS))}")
        for number, step in enumerate(self.steps):
            if step.uses is not None and not all(0 <= use < number for use in step.uses):
                raise ValueError(f"step {number} rests on {step.uses}: only steps before it can carry it")


@dataclass(frozen=True, slots=True)
class Inference:
    """A rule of inference, as text `from |- ph and |- ( ph -> ps ) infer |- ps for any ph, ps`.

    Formulas are tokens with single spaces between them, and begin with `|-`.

    Attributes:
        premises: formulas that the rule needs, in the rule's order; an axiom needs none.
        conclusion: the formula that follows.
        variables: tokens of these formulas for which any sequence of tokens may be put, the same one throughout.
        apart: pairs of them for which nothing with a common variable may be put: `where x, ph share no variable`.
    """

    premises: tuple[str, ...]
    conclusion: str
    variables: tuple[str, ...] = ()
    apart: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        text = f"from {' and '.join(self.premises)} infer " if self.premises else ""
        text += self.conclusion
        if self.variables:
            text += f" for any {', '.join(self.variables)}"
        if self.apart:
            text += f" where {'; '.join(map(', '.join, self.apart))} share no variable"
        return text

    @classmethod
    def read(cls, text: str) -> Inference | None:
        """The rule that a text states in that form; None where it states none so."""
        found = _INFERENCE.fullmatch(text)
        if found is None:
            return None
        pairs = [tuple(pair.split(", ")) for pair in found["apart"].split("; ")] if found["apart"] else []
        return cls(
            tuple(re.split(r" and (?=\|- )", found["premises"])) if found["premises"] else (),
            found["conclusion"],
            tuple(found["variables"].split(", ")) if found["variables"] else (),
            tuple((pair[0], pair[-1]) for pair in pairs),
        )


def steps_of(solution: str) -> tuple[Step, ...]:
    """The steps of a solution in prose: its lines when there are three or more with text, else its sentences."""
    lines = [text for line in _LINES.split(solution) if (text := canonical(line))]
    texts = lines if len(lines) > 2 else [sentence for line in lines for sentence in sentences(line)]
    return tuple(map(Step, texts))
