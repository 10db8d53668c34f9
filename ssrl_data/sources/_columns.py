r"""What the columns of a table mean, and one of its rows as a document, a worked solution or an instruction.

A column is known by its name (`ROLES`), in tables of all formats alike:

- `text`, `content` or `document`: a document;
- `problem`, `question`, `prompt` or `query`: a problem, with `solution` (or `rationale`, `cot`) in prose or `steps`,
  and `answer` (or `final_answer`, `target`, `label`, `answerKey`, `correct`). Without a column for it the answer is
  what follows `####` in the last line of the solution, as in GSM8K, or what its last `\boxed{...}` holds, as in MATH.
- `options` or `choices`: texts, `{A: text, ...}` or `{label: [...], text: [...]}`; the answer is the text of one, its
  letter, or its number from 0 where that is a whole number;
- `given` or `premises`, `paraphrases`: texts;
- `messages`: one turn of a user and one of an assistant, where no column is a problem or a text;
- `checkers` (Python sources): an instruction, with `instruction`, `gold` and `misses`, and, where they are stated,
  `queries`, `engine`, `limits` and `need`, as in `Instruction`.

A table of other names is read with a rule of corpus.yaml that says which is which:

    files:
      - match: "*.parquet"
        columns: {problem: q, solution: how, answer: a, options: choices, document: url}

or `columns: {text: body}`; rows of one `document` share a group.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ssrl_data.core import Json, Reject, SsrlError
from ssrl_data.media.instruction import Instruction, said
from ssrl_data.media.text import Text, canonical
from ssrl_data.media.worked import QUESTION, SOLUTION, Step, Worked, steps_of
from ssrl_data.sources._prose import plain
from ssrl_data.sources.base import Written

ROLES: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "content", "document"),
    "problem": ("problem", "question", "prompt", "query"),
    "solution": ("solution", "rationale", "cot"),
    "steps": ("steps",),
    "answer": ("answer", "final_answer", "target", "label", "answerKey", "correct"),
    "options": ("options", "choices"),
    "given": ("given", "premises"),
    "paraphrases": ("paraphrases",),
    "messages": ("messages",),
    "instruction": ("instruction",),
    "checkers": ("checkers",),
    "gold": ("gold",),
    "misses": ("misses",),
    "queries": ("queries",),
    "engine": ("engine",),
    "limits": ("limits",),
    "need": ("need",),
    "document": (),
}
"""Role to the columns that may fill it; the first of them that a row fills counts."""

KINDS = ("checkers", "problem", "text", "messages")
"""The roles that make a row what it is, the strongest first."""

_CHECKED = ("instruction", "checkers", "gold", "misses", "queries", "engine", "limits", "need")
"""The roles of an instruction, which rows of other kinds do not have."""

_MARK = re.compile(r"\(?([A-Z])[).:]\s+(?=\S)")
_CALCULATOR = re.compile(r"<<[^<>\n]*>>")
_BRACES = re.compile(r"\\boxed ?\{|\\[{}]|[{}]")
_BREAKS = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Columns:
    """How a table's rows are read.

    Attributes:
        media: what a row is: `text`, `worked` or `instruction`.
        names: role to the columns that may fill it.
    """

    media: str
    names: Mapping[str, tuple[str, ...]]

    @property
    def wanted(self) -> frozenset[str]:
        """All columns that are looked at."""
        return frozenset(name for names in self.names.values() for name in names)

    def group(self, row: Mapping[str, Json]) -> str:
        """The document that a row is of; empty where nothing says."""
        value = next((row.get(name) for name in self.names.get("document", ())), None)
        return canonical(str(value))[:200] if isinstance(value, (str, int)) else ""

    def read(self, row: Mapping[str, Json]) -> tuple[Written, bytes]:
        """A row as what it is, and the bytes of what was read.

        Raises:
            Reject: what is needed is missing, of a wrong type, nested, or contradicts itself.
        """
        found: dict[str, Json] = {}
        for role, names in self.names.items():
            for name in names:
                value = row.get(name)
                if value is None or value == "" or (name == "label" and _is_class(value, row)):
                    continue
                found[role] = value
                break
        found.pop("document", None)
        content = json.dumps([self.media, found], sort_keys=True).encode()
        return _READ[self.media](found), content


def columns_of(names: Collection[str], stated: Mapping[str, str], where: str) -> Columns | None:
    """How a table with columns of these names is read; None when they say nothing.

    Args:
        names: the table's columns.
        stated: role to column, as a descriptor says it.
        where: the table, for a message.

    Raises:
        SsrlError: a stated column is not there.
    """
    for role in KINDS:
        if role in stated and stated[role] not in names:
            held = ", ".join(sorted(names)[:20])
            raise SsrlError(f"{where}: no column {stated[role]!r} for the {role}, as its rule says: it has {held}")
    taken = set(stated.values())
    roles = {
        role: (stated[role],) if role in stated else tuple(name for name in known if name not in taken)
        for role, known in ROLES.items()
    }
    said = [role for role in KINDS if role in stated] or KINDS
    kind = next((role for role in said if any(name in names for name in roles[role])), None)
    if kind is None:
        return None
    if kind == "checkers":
        return Columns("instruction", {role: roles[role] for role in (*_CHECKED, "document")})
    if kind == "text":
        return Columns("text", {role: roles[role] for role in ("text", "document")})
    dropped = {*KINDS, *_CHECKED} - {kind}
    return Columns("worked", {role: roles[role] for role in ROLES if role not in dropped})


def _is_class(value: Json, row: Mapping[str, Json]) -> bool:
    """Whether a `label` is the number of a class and answers nothing: without options it says nothing to a reader."""
    return not isinstance(value, str) and not any(row.get(name) for name in ROLES["options"])


def _text(row: Mapping[str, Json]) -> Text:
    found = plain(_string(row.get("text", ""), "text"))
    if not found.paragraphs:
        raise Reject("no running text")
    return found


def _worked(row: Mapping[str, Json]) -> Worked:
    if "messages" in row:
        problem, solution = _turns(row["messages"])
    else:
        problem, solution = _string(row.get("problem", ""), "problem"), _string(row.get("solution", ""), "solution")
    said = row.get("answer")
    if not solution and isinstance(said, str) and _tail(said)[1] is not None:  # GSM8K keeps its solutions there
        solution, said = said, None
    solution, tail = _tail(solution)
    solution, boxed = unboxed(solution)
    if "steps" in row:
        steps = tuple(Step(text) for step in _strings(row["steps"], "steps") if (text := canonical(unboxed(step)[0])))
    else:
        steps = steps_of(solution)
    problem = lined(problem)
    if not problem:
        raise Reject("no problem")
    labels, options = _options(row.get("options"))
    answer: str | None
    if said is None:
        answer = canonical(tail or boxed or "") or None
        answer = _chosen(answer, labels, options) if answer and options else answer
    else:
        answer = _chosen(said, labels, options) if options else _answer(said)
    return Worked(
        SOLUTION if steps else QUESTION,
        problem,
        given=tuple(filter(None, map(canonical, _strings(row.get("given", []), "given")))),
        steps=steps,
        answer=answer,
        options=options,
        paraphrases=tuple(filter(None, map(lined, _strings(row.get("paraphrases", []), "paraphrases")))),
    )


def _instruction(row: Mapping[str, Json]) -> Instruction:
    limits, need = row.get("limits", {}), row.get("need", 0.5)
    limits = {name: value for name, value in limits.items() if value is not None} if isinstance(limits, dict) else None
    if limits is None or not all(map(_is_number, limits.values())) or not _is_number(need):
        raise Reject("limits or need are no numbers")
    try:
        return Instruction(
            said(_string(row.get("instruction", ""), "instruction")),
            tuple(_listed(row.get("checkers"), "checkers")),
            _string(row.get("gold", ""), "gold"),
            tuple(_listed(row.get("misses"), "misses")),
            tuple(dict.fromkeys(filter(None, map(said, _listed(row.get("queries"), "queries"))))),
            canonical(_string(row.get("engine", "pydantic-monty"), "engine")),
            limits,
            float(need),
        )
    except ValueError as error:
        raise Reject(str(error)) from error


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _listed(value: Json, what: str) -> list[str]:
    """A list of texts, each once; none where there is no list."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise Reject(f"{what} is no list of texts")
    return list(dict.fromkeys(_string(item, what) for item in value))


def _string(value: Json, what: str) -> str:
    if isinstance(value, (dict, list)):
        raise Reject(f"{what} is nested")
    if not isinstance(value, str):
        raise Reject(f"{what} is no text")
    return value


def _strings(value: Json, what: str) -> list[str]:
    """A list of texts; one text is a list of its lines."""
    if isinstance(value, str):
        return _BREAKS.split(value)
    if not isinstance(value, list):
        raise Reject(f"{what} is no list of texts")
    return [_string(item, what) for item in value]


def lined(text: str) -> str:
    """A text that keeps its lines, each canonical: tables and boards in problems are read by them."""
    return "\n".join(line for part in _BREAKS.split(text) if (line := canonical(part)))


def _answer(value: Json) -> str | None:
    if isinstance(value, str):
        return canonical(value) or None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Reject("answer is nested" if isinstance(value, (dict, list)) else "answer is no text")
    if isinstance(value, float) and not math.isfinite(value):
        raise Reject("answer is no number")
    return str(value) if isinstance(value, int) else f"{Decimal(repr(value)).normalize():f}"


def _turns(value: Json) -> tuple[str, str]:
    """What the user and the assistant say; what a system message says is left out."""
    if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
        raise Reject("messages are no list of turns")
    turns = [turn for turn in value if turn.get("role") != "system"]
    if [turn.get("role") for turn in turns] != ["user", "assistant"]:
        raise Reject("not one turn each")
    return _string(turns[0].get("content"), "problem"), _string(turns[1].get("content"), "solution")


def _tail(solution: str) -> tuple[str, str | None]:
    """A solution in GSM8K's form without its calculator notes and last line, and the answer there; else as it is."""
    before, mark, after = solution.rstrip().rpartition("####")
    if not mark or "\n" in after or not after.strip() or before.rpartition("\n")[2].strip():
        return solution, None
    return _CALCULATOR.sub("", before), after.strip()


def unboxed(text: str) -> tuple[str, str | None]:
    r"""The text with the content of each `\boxed{...}` in its place, and the content of the last one."""
    out: list[str] = []
    last, at = slice(0), 0
    stack: list[int | None] = []  # for each open brace: where its box's content begins in `out`, if it is a box's
    for found in _BRACES.finditer(text):
        out.append(text[at : found.start()])
        at = found.end()
        if found[0] == "}" and stack:
            begun = stack.pop()
            if begun is not None:
                last = slice(begun, len(out))
                continue
        elif found[0] == "{":
            stack.append(None)
        elif found[0].startswith("\\boxed"):
            stack.append(len(out))
            continue
        out.append(found[0])
    if any(begun is not None for begun in stack):  # a box that never closes: nothing is sure
        return text, None
    return "".join(out) + text[at:], "".join(out[last]) or None


def _options(value: Json) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Labels, empty where the options are just numbered, and texts of the options."""
    if value is None or value == []:
        return (), ()
    labels: list[str] = []
    if isinstance(value, dict) and {"label", "text"} <= value.keys():
        labels, value = _strings(value["label"], "options"), value["text"]
    elif isinstance(value, dict):
        kept = {label: text for label, text in value.items() if text is not None}
        labels, value = list(kept), list(kept.values())
    options = [canonical(option) for option in _strings(value, "options")]
    marks = [_MARK.match(option) for option in options]
    if [mark and mark[1] for mark in marks] == [chr(ord("A") + i) for i in range(len(marks))]:
        options = [option[mark.end() :] for option, mark in zip(options, marks, strict=True) if mark]
    if len(options) < 2 or not all(options) or len({option.casefold() for option in options}) < len(options):
        raise Reject("options are empty or alike")
    if labels and len(set(labels)) != len(options):
        raise Reject("options and labels do not agree")
    return tuple(labels), tuple(options)


def _chosen(said: Json, labels: Sequence[str], options: Sequence[str]) -> str:
    """The option that an answer means: by its text, its label or its number, where these do not contradict."""
    number = int(said) if isinstance(said, float) and said.is_integer() else said
    text = _answer(number)
    named = (text or "").strip("().: ")
    found = {option for option in options if option == text}
    if labels:
        found |= {option for label, option in zip(labels, options, strict=True) if label == named}
    elif isinstance(number, int):
        found |= {options[number]} if 0 <= number < len(options) else set()
    elif len(named) == 1 and "A" <= named.upper() <= "Z" and ord(named.upper()) - ord("A") < len(options):
        found.add(options[ord(named.upper()) - ord("A")])
    if len(found) != 1:
        raise Reject("answer could be two options" if found else "answer is no option")
    return found.pop()


_READ: Mapping[str, Callable[[Mapping[str, Json]], Written]] = {
    "text": _text,
    "worked": _worked,
    "instruction": _instruction,
}
