"""One of a closed list of options."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ssrl_data.answers.base import ShortAnswer, verdict
from ssrl_data.answers.reading import bare, plain, tagged
from ssrl_data.core import Answer, Credit, Json, Verdict

FEW_OPTIONS = 6  # as many are listed in the prompt even where "from ... to ..." would be shorter

_INTEGER = re.compile(r"[0-9]{1,18}")
_JOINED = re.compile(r"(?<=[^\W\d_])[-_](?=[^\W\d_])")
# What models put beside an option: "Tile 3", "Option B", "90 degrees".
_NOUNS = frozenset({"answer", "choice", "image", "number", "option", "picture", "piece", "tile"})
# Signs and the words for them, where a choice has these among its options.
_SIGNS = {"+": "plus", "-": "minus", "*": "times", "x": "times", "\u00d7": "times", "\u00b7": "times"}
_SIGNS |= {"/": "divided by", "\u00f7": "divided by", "\\times": "times", "\\cdot": "times", "\\div": "divided by"}
_DEGREES = ("°", " degrees", " degree")


class Choice(ShortAnswer):
    """Value: {"answer": an option, "options": two or more texts}. Case, hyphens and surrounding marks do not matter."""

    name = "choice"

    def answer(self, right: str, options: Sequence[str]) -> Answer:
        """The truth of one example; the chance level holds when every option is right equally often.

        Args:
            right: the right option.
            options: all options in the order in which the prompt names them.

        Raises:
            ValueError: fewer than two options, two that read alike, or `right` is not among them.
        """
        value = {"answer": right, "options": list(options)}
        self.check(value)
        chance = 1 / len(options)
        return Answer(self.name, value, Credit("exact", chance), chance)

    def check(self, value: Json) -> None:
        """Raise ValueError unless the right option is one of two or more that read differently."""
        options = value.get("options") if isinstance(value, dict) else None
        if not isinstance(options, list) or len(options) < 2 or not all(isinstance(o, str) for o in options):
            raise ValueError(f"a choice has two or more texts under 'options', got {value!r:.80}")
        if value.get("answer") not in options:
            raise ValueError(f"the right answer {value.get('answer')!r:.80} is not among the options {options!r:.80}")
        fault = _fault(tuple(options))
        if fault:
            raise ValueError(fault)

    def form(self, value: Json) -> str:
        """What to answer with: all options, or their range when they are many consecutive integers."""
        options: list[str] = value["options"]
        if len(options) > FEW_OPTIONS and _INTEGER.fullmatch(options[0]):
            first = int(options[0])
            if options == list(map(str, range(first, first + len(options)))):
                return f"a number from {options[0]} to {options[-1]}"
        return f"{', '.join(options[:-1])} or {options[-1]}"

    def parse(self, text: str, value: Json) -> Json | None:
        """The option spelled, also as `b`, `B.`, `(B)`, `**B**`, `Tile 3`, `90 degrees`, `+` for `plus`."""
        options = value["options"]
        if text in options:
            return text
        index = _index(tuple(options))
        sign = _SIGNS.get(plain(text).strip("$`'\"() "))
        if sign in options:
            return sign
        text = _normal(text)
        if text in index:
            return index[text]
        noun, _, rest = text.partition(" ")
        if noun.rstrip(":") in _NOUNS:
            text = bare(rest)
        for degrees in _DEGREES:
            if text.endswith(degrees) and text[: -len(degrees)].lstrip("+-").isdigit():
                text = text[: -len(degrees)]
        return index.get(text)

    def score(self, given: Json, value: Json, credit: Credit) -> Verdict:
        """Exact when it is the right option."""
        exact = given == value["answer"]
        return verdict(float(exact), exact, given, credit)

    def luck(self, value: Json) -> float | None:
        """One of the options."""
        return 1 / len(value["options"])

    def right(self, value: Json) -> str:
        """The text of the right answer."""
        text: str = value["answer"]
        return text

    def wrong(self, value: Json) -> Iterator[str]:
        """Every other option, and all of them at once."""
        yield from (option for option in value["options"] if option != value["answer"])
        yield ", ".join(value["options"])
        yield " ".join(value["options"])


def _normal(text: str) -> str:
    text = bare(plain(text))
    text = " ".join(text.split()).lower()
    return _JOINED.sub(" ", text)


@lru_cache(maxsize=1024)
def _fault(options: tuple[str, ...]) -> str | None:
    """What is wrong with the options; kept, since a task's rows share theirs."""
    value = {"options": list(options)}
    for option in options:
        if not option.isprintable() or not _normal(option) or Choice().read(tagged(option), value).given != option:
            return f"option {option!r:.80} cannot be answered with: it needs visible text without markup"
    if len(_index(options)) != len(options):
        return f"two of the options {list(options)!r:.80} differ only in case, hyphens or surrounding marks"
    return None


@lru_cache(maxsize=1024)
def _index(options: tuple[str, ...]) -> dict[str, str]:
    return {_normal(option): option for option in options}
