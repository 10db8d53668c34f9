"""Traces that try, look back and try again, put together from a model's own responses (SkillFactory, arXiv 2512.04072).

    <think>TRY
    <reflect>WORDS <verdict>incorrect</verdict></reflect>
    WORDS
    TRY
    <reflect>WORDS <verdict>correct</verdict></reflect></think><answer>ANSWER</answer>

A try is one response without its tags. The tries of a trace are in reasoning, which no reader looks into, so it has one
answer, the last try's, and that is right. Verdicts are the verifier's. Reflections are templates and know nothing of
the row, so they cannot tell its answer; one that has the answer's own text as a word is not used for that row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ssrl_data.answers.reading import OPEN, tagged
from ssrl_data.grade import grade
from ssrl_data.rng import Rng
from ssrl_train.exports.examples import Asked, Example, Response
from ssrl_train.exports.form import THINK, THOUGHT, parts, reasoning
from ssrl_train.exports.settings import Skills

INCORRECT = (
    "Let me check this against the question. It does not hold.",
    "Does this fit everything that is asked? It does not.",
    "Looking back over these steps, something went wrong.",
    "Checking again, this answer cannot be kept.",
)
CORRECT = (
    "Let me check this against the question. It holds.",
    "Does this fit everything that is asked? It does.",
    "Looking back over these steps, each follows from what came before.",
    "Checking again, this answer can be kept.",
)
AGAIN = ("Let me try again.", "Start over, with more care.", "Another attempt.", "Try a different way.")
BACK = (
    "Go back to where it still held and go on from there.",
    "Keep the beginning and take another way from there.",
    "Up to here it held. From here, do it differently.",
)
REFLECTED = {False: (INCORRECT, "incorrect"), True: (CORRECT, "correct")}
"""Whether a try is right to the words after it and their verdict."""

TAGS = "<think>\nAnswer: <reflect> <verdict>incorrect</verdict><verdict>correct</verdict></reflect></think>"
WORDS = (*INCORRECT, *CORRECT, *AGAIN, *BACK, TAGS)
"""All text that a trace has beside responses, for tokenizers made of words."""

_SENTENCE = re.compile(r".*?(?:\.(?!\d)|\n|\Z)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Try:
    """A response as a part of a trace: what it reasons, what it answers, and whether that is right."""

    thought: str
    answer: str
    right: bool

    @property
    def text(self) -> str:
        """Reasoning and answer in plain words."""
        return "\n".join(filter(None, (self.thought, f"Answer: {self.answer}")))


def skills(asked: Asked, each: int, settings: Skills) -> list[Example]:
    """Traces that end in a right answer, at most `each`, of shapes drawn from those that the responses allow."""
    right, wrong = _tries(asked.right), _tries(asked.wrong)
    if not right:
        return []
    found: dict[str, Example] = {}
    for n in range(each):
        rng = Rng("skills", asked.seed, asked.id, n)
        last, before = rng.choice(right), rng.shuffled(wrong)
        begun = next(((one, common) for one in before if (common := _common(one.thought, last.thought))), None)
        allowed = {"retry": bool(wrong), "verify": True, "backtrack": begun is not None}
        shapes = [shape for shape in settings.shapes if allowed[shape]]
        if not shapes:
            continue
        shape = rng.choice(shapes)
        if shape == "backtrack" and begun is not None:
            one, common = begun
            tries = [one, Try(last.thought[len(common) :].strip(), last.answer, True)]
        else:
            count = rng.integer(1, min(settings.tries - 1, len(before))) if shape == "retry" else 0
            tries = [*before[:count], last]
        text = _trace(tries, BACK if shape == "backtrack" else AGAIN, rng)
        if text is not None and grade(asked.answer, text).exact and text.count(OPEN) == 1:
            more: dict[str, str | int | float] = {"shape": shape, "tries": len(tries), "reflection": "template"}
            found.setdefault(text, Example({"completion": text}, shows=True, more=more))
    return list(found.values())


def _tries(responses: Sequence[Response]) -> list[Try]:
    """Well-formed responses that give a readable answer, as tries."""
    cut = [(parts(response.text), response.exact) for response in responses if response.read and response.stopped]
    return [Try(reasoning(found), found.answer.strip(), exact) for found, exact in cut if found is not None]


def _common(a: str, b: str) -> str:
    """The sentences with which both begin, all of neither."""
    common = ""
    for first, second in zip(_SENTENCE.findall(a)[:-1], _SENTENCE.findall(b)[:-1], strict=False):
        if first != second:
            break
        common += first
    return common if len(common) < min(len(a), len(b)) else ""


def _trace(tries: Sequence[Try], links: Sequence[str], rng: Rng) -> str | None:
    """The whole response; None where every wording of a part has the answer as a word."""
    lines: list[str] = []
    for i, one in enumerate(tries):
        words, verdict = REFLECTED[one.right]
        said = _silent([f"<reflect>{text} <verdict>{verdict}</verdict></reflect>" for text in words], tries[-1].answer)
        link = _silent(links, tries[-1].answer)
        if not said or (i and not link):
            return None
        if i:
            lines.append(rng.choice(link))
        lines += [one.text, rng.choice(said)]
    return THINK + "\n".join(lines) + THOUGHT + tagged(tries[-1].answer)


def _silent(texts: Sequence[str], answer: str) -> list[str]:
    """The texts in which an answer is no word."""
    told = re.compile(rf"(?<!\w){re.escape(answer)}(?!\w)", re.IGNORECASE)
    return [text for text in texts if not told.search(text)]
