"""A cold start on form alone (SPECS, arXiv 2510.25801): a well-formed response is preferred to itself, badly formed.

The ways to break a form are proven where they are used: the row's own reader reads an answer in the chosen response and
none in the rejected one, and both have the same content (`form.content`). A way that a row's reader forgives gives no
example. The grade of a way says how little is left of the form:

1  one tag of the answer is missing
2  both are there, around the wrong thing or in the wrong place
3  no tag is left, the answer stands in the prose
"""

from __future__ import annotations

from collections.abc import Callable

from ssrl_data.answers.reading import CLOSE, OPEN, tagged
from ssrl_data.rng import Rng
from ssrl_data.row import unpack_answer
from ssrl_train.exports.examples import Asked, Example
from ssrl_train.exports.form import THINK, THOUGHT, Parts, content, joined, parts
from ssrl_train.exports.settings import Specs


def _inside(p: Parts) -> str:
    """The answer at the end of the reasoning; one without tags gets some."""
    thought, closed, said = p.head.partition(THOUGHT)
    if closed:
        return thought + tagged(p.answer) + THOUGHT + joined(said, p.tail)
    return THINK + p.head + tagged(p.answer) + THOUGHT + p.tail


BROKEN: dict[str, tuple[int, Callable[[Parts], str]]] = {
    "unclosed": (1, lambda p: p.head + OPEN + joined(p.answer, p.tail)),
    "unopened": (1, lambda p: joined(p.head, p.answer) + CLOSE + p.tail),
    "beside": (2, lambda p: p.head + tagged("") + joined(p.answer, p.tail)),
    "twice": (2, lambda p: p.head + tagged(f"{p.answer} {p.answer}") + p.tail),
    "before": (2, lambda p: tagged(p.answer) + joined(p.head, p.tail)),
    "inside": (2, _inside),
    "untagged": (3, lambda p: joined(p.head, p.answer, p.tail)),
}
"""Name of each way to its grade and what it makes of a response."""


def specs(asked: Asked, each: int, settings: Specs) -> list[Example]:
    """Pairs of one response, as it is and with its form broken, at most `each`.

    The response may be wrong: form is what is taught.
    """
    kind, value, _ = unpack_answer(asked.answer)
    found = []
    for response in asked.responses:
        cut = parts(response.text)
        if cut is None or not response.stopped or kind.read(response.text, value).given is None:
            continue
        for form in settings.forms:
            grade, broken = BROKEN[form]
            rejected = broken(cut)
            if kind.read(rejected, value).given is None and content(rejected) == content(response.text):
                says = {"chosen": response.text, "rejected": rejected}
                found.append(Example(says, response.exact, {"form": form, "grade": grade}))
    return Rng("specs", asked.seed, asked.id).shuffled(found)[:each]
