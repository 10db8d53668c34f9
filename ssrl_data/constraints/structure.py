"""The form of the whole text: an object or list in JSON, a table, points, parts, labelled lines."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from ssrl_data.constraints.keywords import listed, stranger, usable
from ssrl_data.core import Json as Data
from ssrl_data.instruct.bounds import several
from ssrl_data.instruct.constraint import Constraint, within
from ssrl_data.instruct.draft import Draft
from ssrl_data.instruct.material import Material
from ssrl_data.instruct.reply import Reply, form, words
from ssrl_data.rng import Rng

JSON_RULE = "Write nothing before or after it; a code fence around it is allowed."
_BULLET = re.compile(r"[-*] +(?=\S)")
_NUMBER = re.compile(r"([0-9]{1,3})[.)] +(?=\S)")
_TASK = re.compile(r"[-*+] +\[[ xX]\] +(?=\S)")
_HEADING = re.compile(r"(#{1,6}) +(?=\S)")
_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")


def worded(text: str) -> bool:
    """Whether a text holds a letter or a digit."""
    return any(map(str.isalnum, text))


def read_json(reply: Reply) -> Data:
    """The JSON that a text is, with or without a fence; None where it is none, or repeats a key."""
    outside, blocks = reply.fenced
    text = blocks[0] if len(blocks) == 1 and not worded("".join(outside)) else reply.text
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Data]]) -> dict[str, Data]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is repeated")
    return dict(pairs)


@dataclass(frozen=True)
class Json(Constraint):
    """Any object or list in JSON that says something."""

    name: ClassVar[str] = "json"
    grade: ClassVar[int] = 1

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Write your whole answer as one JSON object or list that is not empty. {JSON_RULE}"

    def holds(self, reply: Reply) -> bool:
        """Whether it is one."""
        found = read_json(reply)
        return isinstance(found, (dict, list)) and bool(found)

    def shape(self, draft: Draft) -> None:
        """A list of the paragraphs under one key."""
        draft.put_layout("json", lambda items: json.dumps({"answer": list(items)}, indent=1, ensure_ascii=False), 1)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Json:
        """It has no parameters."""
        return cls()


@dataclass(frozen=True)
class JsonObject(Constraint):
    """A JSON object with these keys, and a text for each."""

    name: ClassVar[str] = "json_object"
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the keys."""
        usable("keys", self.keys)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write your whole answer as one JSON object with exactly the key{'s'[: len(self.keys) > 1]} "
            f"{listed(self.keys)}, and a text that is not empty as the value of each. {JSON_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether it is one."""
        found = read_json(reply)
        return (
            isinstance(found, dict)
            and set(found) == set(self.keys)
            and all(isinstance(value, str) and worded(value) for value in found.values())
        )

    def shape(self, draft: Draft) -> None:
        """As many paragraphs, as values."""
        draft.items.exactly(len(self.keys))
        draft.put_layout(
            f"json object {self.keys}",
            lambda items: json.dumps(dict(zip(self.keys, items, strict=True)), indent=1, ensure_ascii=False),
            sum(len(words(key)) for key in self.keys),
        )

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> JsonObject:
        """Two to four of some usual keys."""
        usual = ("title", "topic", "summary", "reason", "detail", "example", "warning", "audience", "source", "result")
        return cls(tuple(rng.sample(usual, rng.integer(2, 4))))


@dataclass(frozen=True)
class JsonList(Constraint):
    """A JSON list of so many texts."""

    name: ClassVar[str] = "json_list"
    number: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("number", self.number, 2, 50)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write your whole answer as one JSON list of exactly {self.number} texts, none of them empty and no two "
            f"alike. {JSON_RULE}"
        )

    def holds(self, reply: Reply) -> bool:
        """Whether it is one."""
        found = read_json(reply)
        return (
            isinstance(found, list)
            and len(found) == self.number
            and all(isinstance(item, str) and worded(item) for item in found)
            and len({form(item) for item in found}) == self.number
        )

    def shape(self, draft: Draft) -> None:
        """As many paragraphs, as texts."""
        draft.items.exactly(self.number)
        draft.put_layout(
            f"json list {self.number}", lambda items: json.dumps(list(items), indent=1, ensure_ascii=False)
        )

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> JsonList:
        """Three to seven."""
        return cls(rng.integer(3, 7))


def _points(reply: Reply, marker: re.Pattern[str]) -> list[re.Match[str]]:
    """The marks of the points of a list outside code."""
    return [mark for line in reply.fenced[0] if (mark := marker.match(line.strip()))]


@dataclass(frozen=True)
class Bullets(Constraint):
    """A list of so many points."""

    name: ClassVar[str] = "bullets"
    grade: ClassVar[int] = 1
    number: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("number", self.number, 1, 50)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write exactly {several(self.number, 'bullet point')}: lines that begin with an asterisk or a hyphen and "
            "a space."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, at any depth."""
        return len(_points(reply, _BULLET)) == self.number

    def shape(self, draft: Draft) -> None:
        """As many items, as points."""
        draft.items.exactly(self.number)
        draft.put_layout(f"bullets {self.number}", lambda items: "\n".join(f"- {item}" for item in items))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Bullets:
        """Two to seven."""
        return cls(rng.integer(2, 7))


@dataclass(frozen=True)
class Numbered(Constraint):
    """A list with numbers from 1 on."""

    name: ClassVar[str] = "numbered"
    grade: ClassVar[int] = 1
    number: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("number", self.number, 2, 50)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Write a numbered list of exactly {self.number} points: lines that begin with "1.", "2." and so on up to '
            f'"{self.number}.", in this order, and a space.'
        )

    def holds(self, reply: Reply) -> bool:
        """Whether the numbers are these."""
        return [int(mark[1]) for mark in _points(reply, _NUMBER)] == list(range(1, self.number + 1))

    def shape(self, draft: Draft) -> None:
        """As many items, as points."""
        draft.items.exactly(self.number)
        draft.put_layout(
            f"numbered {self.number}",
            lambda items: "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1)),
        )

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Numbered:
        """Three to seven."""
        return cls(rng.integer(3, 7))


@dataclass(frozen=True)
class Checklist(Constraint):
    """A list of so many boxes to tick."""

    name: ClassVar[str] = "checklist"
    number: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("number", self.number, 2, 50)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write a checklist of exactly {self.number} lines that begin with a box, open or ticked: "
            '"- [ ]" or "- [x]", then a space and a text.'
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many."""
        return len(_points(reply, _TASK)) == self.number

    def shape(self, draft: Draft) -> None:
        """As many items, as lines."""
        draft.items.exactly(self.number)
        draft.put_layout(f"checklist {self.number}", lambda items: "\n".join(f"- [ ] {item}" for item in items))

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Checklist:
        """Two to six."""
        return cls(rng.integer(2, 6))


@dataclass(frozen=True)
class Headings(Constraint):
    """So many headings of Markdown."""

    name: ClassVar[str] = "headings"
    number: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("number", self.number, 1, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Give your answer exactly {several(self.number, 'Markdown heading')} of any level (lines that begin with "
            "one to six # and a space), each with text under it."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, none followed at once by another or by nothing."""
        lines = [line.strip() for line in reply.fenced[0] if worded(line)]
        at = [i for i, line in enumerate(lines) if _HEADING.match(line)]
        return len(at) == self.number and all(i + 1 < len(lines) and i + 1 not in at for i in at)

    def shape(self, draft: Draft) -> None:
        """As many items, each under its first word."""
        draft.items.exactly(self.number)
        draft.put_layout(
            f"headings {self.number}",
            lambda items: "\n\n".join(f"## {words(item)[0]}\n{item}" for item in items),
            self.number,
            self.number,
        )

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Headings:
        """Two to five."""
        return cls(rng.integer(2, 5))


def _cells(line: str) -> list[str]:
    line = line.strip().replace("\\|", "/")
    return [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")] if "|" in line else []


def tables(reply: Reply) -> list[list[list[str]]]:
    """The cells of the rows of each Markdown table, without the line under the header."""
    lines = [_cells(line) for line in reply.fenced[0]]
    found: list[list[list[str]]] = []
    at = 1
    while at < len(lines):
        rule = lines[at]
        if rule and len(rule) == len(lines[at - 1]) and all(cell.strip(":") and not cell.strip(":-") for cell in rule):
            end = at + 1
            while end < len(lines) and lines[end]:
                end += 1
            found.append([lines[at - 1], *lines[at + 1 : end]])
            at = end
        at += 1
    return found


@dataclass(frozen=True)
class Table(Constraint):
    """One table of so many rows and columns."""

    name: ClassVar[str] = "table"
    rows: int
    columns: int

    def __post_init__(self) -> None:
        """Check the ranges."""
        within("rows", self.rows, 1, 30)
        within("columns", self.columns, 2, 8)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write one Markdown table with {self.columns} columns, a header row, the line of hyphens under it, and "
            f"exactly {self.rows} further row{'s'[: self.rows > 1]}; fill every cell."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether there is one, and it has these."""
        found = tables(reply)
        return (
            len(found) == 1
            and len(found[0]) == self.rows + 1
            and all(len(row) == self.columns and all(map(worded, row)) for row in found[0])
        )

    def shape(self, draft: Draft) -> None:
        """As many items, each cut into the cells of a row."""
        draft.items.exactly(self.rows + 1)
        draft.sentence_words.narrow(self.columns)
        draft.put_layout(f"table {self.rows} {self.columns}", self._drawn)

    def _drawn(self, items: Sequence[str]) -> str:
        rows = []
        for item in items:
            found = item.split(" ")
            bounds = [len(found) * i // self.columns for i in range(self.columns + 1)]
            rows.append([" ".join(found[a:b]) for a, b in pairwise(bounds)])
        rows.insert(1, ["---"] * self.columns)
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Table:
        """Two to five rows of two to four columns."""
        return cls(rng.integer(2, 5), rng.integer(2, 4))


@dataclass(frozen=True)
class CommaList(Constraint):
    """A line of so many things between commas."""

    name: ClassVar[str] = "comma_list"
    grade: ClassVar[int] = 1
    number: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("number", self.number, 3, 50)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write your whole answer as one line: a list of exactly {self.number} different items with a comma "
            "between them, and no comma inside an item."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether it is one line of so many, no two alike."""
        parts = [form(part.strip(" .")) for part in reply.marked.split(",")]
        return "\n" not in reply.text and len(parts) == self.number == len(set(parts)) and all(map(worded, parts))

    def shape(self, draft: Draft) -> None:
        """As many items of a few words, as parts of the line."""
        draft.items.exactly(self.number)
        draft.item_sentences.narrow(1, 1)
        draft.mark(",", 0, 0)
        draft.put_layout(
            f"comma list {self.number}", lambda items: ", ".join(item.rstrip(".!?") for item in items).lower()
        )

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> CommaList:
        """Four to eight."""
        return cls(rng.integer(4, 8))


@dataclass(frozen=True)
class Tagged(Constraint):
    """The whole between two tags."""

    name: ClassVar[str] = "tagged"
    grade: ClassVar[int] = 1
    tag: str

    def __post_init__(self) -> None:
        """Check the tag."""
        if not _LABEL.fullmatch(self.tag):
            raise ValueError(f"tag is {self.tag!r:.80}: it must be a letter and up to 30 letters, digits and _")

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Put your whole answer between <{self.tag}> and </{self.tag}>, each used once."

    def holds(self, reply: Reply) -> bool:
        """Whether it is between them, and they are nowhere else."""
        opening, closing = f"<{self.tag}>", f"</{self.tag}>"
        text = reply.text
        return (
            text.startswith(opening)
            and text.endswith(closing)
            and text.count(opening) == text.count(closing) == 1
            and worded(text[len(opening) : -len(closing)])
        )

    def shape(self, draft: Draft) -> None:
        """Put around what is written."""
        draft.finishes.append(lambda text: f"<{self.tag}>\n{text}\n</{self.tag}>")

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Tagged:
        """One of some usual names."""
        return cls(rng.choice(("note", "reply", "report", "memo", "entry", "draft", "text", "result")))


@dataclass(frozen=True)
class Quoted(Constraint):
    """The whole in quotation marks."""

    name: ClassVar[str] = "quoted"
    grade: ClassVar[int] = 1

    def tell(self) -> str:
        """The sentence that asks for it."""
        return "Put your whole answer in double quotation marks."

    def holds(self, reply: Reply) -> bool:
        """Whether it begins and ends with one, straight or curly."""
        text = reply.folded
        return len(text) > 2 and text[0] == text[-1] == '"' and worded(text)

    def shape(self, draft: Draft) -> None:
        """Put around what is written."""
        draft.finishes.append(lambda text: f'"{text}"')

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Quoted:
        """It has no parameters."""
        return cls()


@dataclass(frozen=True)
class Labelled(Constraint):
    """Lines that begin with these labels."""

    name: ClassVar[str] = "labelled"
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check the labels."""
        usable("labels", self.labels)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f"Write exactly {several(len(self.labels), 'line')} that begin with "
            f"{listed(tuple(f'{label}:' for label in self.labels))}, in this order and each followed by a text, "
            "and no other lines. Upper or lower case does not matter."
        )

    def holds(self, reply: Reply) -> bool:
        """Whether these are all lines."""
        lines = [form(line.replace("*", "")) for line in reply.items]
        wanted = [form(f"{label}:") for label in self.labels]
        return len(lines) == len(wanted) and all(
            line.startswith(label) and worded(line[len(label) :]) for line, label in zip(lines, wanted, strict=True)
        )

    def shape(self, draft: Draft) -> None:
        """As many items, as lines."""
        draft.items.exactly(len(self.labels))
        draft.put_layout(
            f"labelled {self.labels}",
            lambda items: "\n".join(f"{label}: {item}" for label, item in zip(self.labels, items, strict=True)),
            sum(len(words(label)) for label in self.labels),
        )

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Labelled:
        """Two to five of some usual ones."""
        usual = ("Claim", "Reason", "Example", "Limit", "Advice", "Question", "Context", "Risk")
        return cls(tuple(rng.sample(usual, rng.integer(2, 5))))


@dataclass(frozen=True)
class Divided(Constraint):
    """Parts with a line of asterisks between them."""

    name: ClassVar[str] = "divided"
    number: int

    def __post_init__(self) -> None:
        """Check the range."""
        within("number", self.number, 1, 50)

    def tell(self) -> str:
        """The sentence that asks for it."""
        between = "between each two of them, and no other line of this kind" if self.number > 1 else "nowhere"
        return f"Write exactly {several(self.number, 'part')}, with a line of *** alone {between}."

    def holds(self, reply: Reply) -> bool:
        """Whether there are so many, none empty."""
        parts = divided(reply.text, "***")
        return len(parts) == self.number and all(map(worded, parts))

    def shape(self, draft: Draft) -> None:
        """As many items."""
        draft.items.exactly(self.number)
        draft.put_layout(f"divided {self.number}", "\n\n***\n\n".join)

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Divided:
        """Two to five."""
        return cls(rng.integer(2, 5))


def divided(text: str, line: str) -> list[str]:
    """What stands between lines that hold nothing but this."""
    parts: list[list[str]] = [[]]
    for found in text.split("\n"):
        if found.strip() == line:
            parts.append([])
        else:
            parts[-1].append(found)
    return ["\n".join(part).strip() for part in parts]


@dataclass(frozen=True)
class Sections(Constraint):
    """Sections under a word and their numbers."""

    name: ClassVar[str] = "sections"
    label: str
    number: int

    def __post_init__(self) -> None:
        """Check the label and the number."""
        usable("label", (self.label,))
        within("number", self.number, 1, 20)

    def tell(self) -> str:
        """The sentence that asks for it."""
        return (
            f'Divide your answer into exactly {several(self.number, "section")}: begin each with a line "{self.label} '
            f'X", where X is its number from 1, and write a text under it. Upper or lower case does not matter.'
        )

    def holds(self, reply: Reply) -> bool:
        """Whether the numbers are right, and a text follows each."""
        label, found, bodies = f"{form(self.label)} ", list[str](), list[bool]()
        for line in reply.lines:
            bare = form(line.lstrip('#*_"“ '))
            rest = bare[len(label) :]
            digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
            if bare.startswith(label) and digits and not rest[len(digits) : len(digits) + 1].isalnum():
                found.append(digits)
                bodies.append(worded(rest[len(digits) :]))
            elif bodies:
                bodies[-1] |= worded(line)
        return found == [str(i) for i in range(1, self.number + 1)] and all(bodies)

    def shape(self, draft: Draft) -> None:
        """As many items, each under its number."""
        draft.items.exactly(self.number)
        draft.put_layout(
            f"sections {self.label} {self.number}",
            lambda items: "\n\n".join(f"{self.label} {number}\n{item}" for number, item in enumerate(items, 1)),
            self.number * (1 + len(words(self.label))),
            self.number,
        )

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Sections:
        """Two to five."""
        return cls(rng.choice(("Section", "Part", "Step", "Chapter", "Stage")), rng.integer(2, 5))


def _stands(phrase: str, text: str) -> bool:
    """Whether a phrase stands in a text, between characters that are no letters or digits."""
    start = 0
    while (at := text.find(phrase, start)) >= 0:
        before, after = text[at - 1 : at], text[at + len(phrase) : at + len(phrase) + 1]
        if not (before.isalnum() and phrase[0].isalnum()) and not (after.isalnum() and phrase[-1].isalnum()):
            return True
        start = at + 1
    return False


@dataclass(frozen=True)
class Option(Constraint):
    """One of some sentences or phrases, and no other of them."""

    name: ClassVar[str] = "option"
    grade: ClassVar[int] = 1
    substance: ClassVar[int] = 1  # the phrase may be the whole of the answer
    options: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check that there are two or more, of which none is part of another."""
        usable("options", self.options)
        within("number of options", len(self.options), 2, 20)
        for one in self.options:
            if any(one != other and _stands(one, other) for other in self.options):
                raise ValueError(f"options holds {one!r:.80}, which is part of another one")

    def tell(self) -> str:
        """The sentence that asks for it."""
        return f"Include one of these, word for word, and none of the others: {listed(self.options)}."

    def holds(self, reply: Reply) -> bool:
        """Whether one alone is there, in the same case."""
        text = " ".join(reply.text.split())
        return sum(_stands(option, text) for option in self.options) == 1

    def shape(self, draft: Draft) -> None:
        """The first of them, as a paragraph of its own before what must come last."""
        draft.bottom.insert(0, self.options[0])

    @classmethod
    def draw(cls, material: Material, rng: Rng) -> Option:
        """Three phrases with words that the passage does not hold."""
        return cls(tuple(f"I would choose {word}" for word in stranger(material, rng, 3)))
