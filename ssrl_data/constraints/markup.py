"""Marks inside a text: titles, emphasis, code, quotations, places left open, postscripts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from ssrl_data.constraints.keywords import usable
from ssrl_data.constraints.structure import worded
from ssrl_data.instruct.bounds import several
from ssrl_data.instruct.constraint import Conflict, Constraint, within
from ssrl_data.instruct.draft import Draft
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply, form, words
from ssrl_data.rng import Rng

# Each stops at the first mark of its own kind, so that all are linear.
_TITLE = re.compile(r"<<([^<>\n]+)>>")
_EMPHASIS = re.compile(r"\*\*(?![\s*])([^*\n]+)(?<!\s)\*\*|\*(?![\s*])([^*\n]+)(?<!\s)\*")
_PLACEHOLDER = re.compile(r"\[([^\[\]\n]+)\](?!\()")


def emphasised(reply: Reply) -> tuple[int, int]:
    """How many parts stand between two asterisks each side, and between one; outside code, marks of lists left out."""
    bold = single = 0
    for line in Reply("\n".join(reply.fenced[0])).items:
        for found in _EMPHASIS.finditer(line):
            bold += bool(found[1]) and worded(found[1])
            single += bool(found[2]) and worded(found[2])
    return bold, single


@dataclass(frozen=True)
class Title(Constraint):
    """A title in angle brackets."""

    name: ClassVar[str] = "title"
    grade: ClassVar[int] = 1

    def tell(self) -> str:
        """The sentence that asks for it."""
        return "Give your answer a title in double angle brackets, like <<...>> with the title in place of the dots."

    def holds(self, reply: Reply) -> bool:
        """Whether there is one that holds a word."""
        return any(map(worded, _TITLE.findall(reply.text)))

    def shape(self, draft: Draft) -> None:
        """A first line."""
        draft.top.append("<<A short note>>")

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Title:
        """It has no parameters."""
        return cls()


@dataclass(frozen=True)
class Heading(Constraint):
    """A title as Markdown writes it."""

    name: ClassVar[str] = "heading"
    grade: ClassVar[int] = 1

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            'Begin your answer with a Markdown title, a first line of "#", a space and a text; no other line is a '
            "heading of that level."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether the first line is one, and no other is."""
        found = [line for line in reply.fenced[0] if line.strip().startswith("# ")]
        return len(found) == 1 and reply.text.startswith(found[0].strip()) and worded(found[0]) and len(reply.lines) > 1

    def shape(self, draft: Draft) -> None:
        """A first line."""
        draft.top.insert(0, "# A short note")

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Heading:
        """It has no parameters."""
        return cls()


@dataclass(frozen=True)
class Bold(Constraint):
    """So many parts in bold."""

    name: ClassVar[str] = "bold"
    number: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("number", self.number, 1, 30)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Put exactly {several(self.number, 'word')} or phrase{'s'[: self.number > 1]} in bold: between two "
            "asterisks before and two behind, like **...** with the text in place of the dots."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many."""
        return emphasised(reply)[0] == self.number

    def shape(self, draft: Draft) -> None:
        """So many words."""
        draft.wrap("**", "**", self.number, self.number)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Bold:
        """Two to six."""
        return cls(rng.integer(2, 6))


@dataclass(frozen=True)
class Highlighted(Constraint):
    """So many parts with asterisks around them, one or two on each side."""

    name: ClassVar[str] = "highlighted"
    grade: ClassVar[int] = 1
    least: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("least", self.least, 1, 30)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Highlight at least {several(self.least, 'part')} of your answer with asterisks, like *...* or **...** "
            "with the text in place of the dots; a highlighted part stays in one line."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many."""
        return sum(emphasised(reply)) >= self.least

    def shape(self, draft: Draft) -> None:
        """So many words, unless enough are bold."""
        if draft.wraps.get(("**", "**")) is None or draft.wraps["**", "**"].low < self.least:
            draft.wrap("*", "*", self.least)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Highlighted:
        """One to four."""
        return cls(rng.integer(1, 4))


@dataclass(frozen=True)
class CodeBlocks(Constraint):
    """So many blocks of code."""

    name: ClassVar[str] = "code_blocks"
    grade: ClassVar[int] = 1
    number: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("number", self.number, 1, 10)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Include exactly {several(self.number, 'code block')} that {'are' if self.number > 1 else 'is'} not "
            "empty, each between two lines of three backticks; write some text outside of code, too."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, and something else."""
        outside, blocks = reply.fenced
        return len(blocks) == self.number and all(block.strip() for block in blocks) and any(map(worded, outside))

    def shape(self, draft: Draft) -> None:
        """As many blocks of a line behind the text."""
        draft.bottom += [f"```\nmake step{number}\n```" for number in range(1, self.number + 1)]

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> CodeBlocks:
        """One to three."""
        return cls(rng.integer(1, 3))


@dataclass(frozen=True)
class BlockQuote(Constraint):
    """So many lines of quotation."""

    name: ClassVar[str] = "block_quote"
    number: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("number", self.number, 1, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Include exactly {several(self.number, 'line')} of block quotation, which "
            f"begin{'s'[: self.number == 1]} with > and a space, and other text outside of it."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many with a text, and other lines."""
        lines = [line.strip() for line in reply.fenced[0] if worded(line)]
        quoted = sum(line.startswith("> ") for line in lines)
        return quoted == self.number < len(lines)

    def shape(self, draft: Draft) -> None:
        """Mark the last lines of the text."""
        draft.items.narrow(self.number + (not draft.bottom))

        def finish(text: str) -> str:
            lines = text.split("\n")
            full = [i for i, line in enumerate(lines) if worded(line)]
            if len(full) <= self.number:
                raise Conflict("too few lines")
            for i in full[-self.number :]:
                lines[i] = f"> {lines[i]}"
            return "\n".join(lines)

        draft.finishes.append(finish)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> BlockQuote:
        """One to three."""
        return cls(rng.integer(1, 3))


@dataclass(frozen=True)
class Placeholders(Constraint):
    """So many places left open, in square brackets."""

    name: ClassVar[str] = "placeholders"
    grade: ClassVar[int] = 1
    least: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("least", self.least, 1, 30)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Leave at least {several(self.least, 'placeholder')} in square brackets, like [...] with a word such as "
            "address in place of the dots; links and boxes to tick are none."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many that hold a word."""
        return sum(worded(found) and found.strip() not in ("x", "X") for found in _found(reply)) >= self.least

    def shape(self, draft: Draft) -> None:
        """So many words."""
        draft.wrap("[", "]", self.least)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Placeholders:
        """Two to five."""
        return cls(rng.integer(2, 5))


def _found(reply: Reply) -> list[str]:
    return _PLACEHOLDER.findall(reply.text)


@dataclass(frozen=True)
class Postscript(Constraint):
    """A last paragraph under a mark of its own."""

    name: ClassVar[str] = "postscript"
    grade: ClassVar[int] = 1
    mark: str

    def __post_init__(self) -> None:
        """Check the mark."""
        usable("mark", (self.mark,))

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Close your answer with a postscript: begin it on a new line with "{self.mark}", and keep it shorter than '
            "the rest."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether a line begins so, of any case; what follows the last has words, but fewer than before."""
        mark = form(self.mark)
        before = begun = 0
        for line in reply.items:
            found = form(line.lstrip("*_ "))
            if found.startswith(mark) and not found[len(mark) :][:1].isalnum():
                begun = before
            before += len(words(line))
        return 0 < before - begun - len(words(mark)) < begun

    def shape(self, draft: Draft) -> None:
        """A last paragraph."""
        draft.bottom.append(f"{self.mark} one more thing is left to say")

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Postscript:
        """One of two usual marks."""
        return cls(rng.choice(("P.S.", "P.P.S.")))
