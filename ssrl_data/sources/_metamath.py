"""Metamath databases (`.mm`) as corpora: each theorem with its proof is a record; no file may include others.

Of a proof only what is proved is told: how formulas are built is left out. Theorems of one section of the database are
of one group, since neighbours there are often variants of each other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

from ssrl_data.core import Reject
from ssrl_data.media.text import canonical, quotable, sentences
from ssrl_data.media.worked import PROOF, Inference, Worked
from ssrl_data.sources._descriptor import Rule
from ssrl_data.sources._metamath_database import Database, Frame, indexed
from ssrl_data.sources._metamath_proof import PROVABLE, proved
from ssrl_data.sources.base import Inside

MAX_BYTES = 1 << 28
"""Largest database that is read, 256 MiB; that of set theory has 41 MB."""

MOST_PROSE = 600
"""Characters of a comment that a problem holds."""

_NAME = "theorem "
_CREDIT = re.compile(
    r"\( ?(?:Contributed|Revised|Proof (?:shortened|revised|modification)|New usage|Shortened)\b"
    r"[^()]*(?:\([^()]*\)[^()]*)*\)"
)
_MARKUP = re.compile(r"(?<!\S)~ |(?<!\w)_(?=\w)|(?<=\w)_(?!\w)| (?=[.,;:)])")


def listed(path: bytes, rule: Rule) -> Iterator[Inside]:
    """Every theorem with a proof, in the database's order; its name is `theorem` and its label.

    Raises:
        Reject: the file cannot be read, or as in `indexed`.
    """
    database = _database(path)
    for label, statement in database.statements.items():
        if statement.keyword != "p":
            continue
        start, (proof, end) = statement.formula[0], statement.proof
        if _head(database.text, start) == PROVABLE and _head(database.text, proof) != "?":
            yield Inside(_NAME + label, "worked", (start, end - start), statement.section)


def _head(text: str, at: int) -> str:
    """The first token from here on, or its first characters."""
    return (text[at : at + 80].split(None, 1) or [""])[0]


def opened(path: bytes, name: str, part: tuple[int, int], rule: Rule) -> tuple[Worked, bytes]:
    """A theorem with its proof, checked; and all that it is made from, as bytes.

    Raises:
        Reject: `not found`, or as in `listed` and `proved`.
    """
    database = _database(path)
    label = name.removeprefix(_NAME)
    statement = database.statements.get(label)
    if statement is None or statement.keyword != "p":
        raise Reject("not found")
    frame = database.frame(label)
    if frame.type != PROVABLE:
        raise Reject("not a theorem")
    steps = proved(database, label)
    rules = {step.reason: str(_inference(database.frame(step.reason))) for step in steps}
    own = _inference(frame)
    comment = database.text[slice(*statement.comment)]
    problem = canonical(f"{_prose(comment)} To prove: {own.conclusion}")
    worked = Worked(PROOF, problem, own.premises, steps, rules=rules)
    proof = database.text[slice(*statement.proof)]
    return worked, "\n".join((label, comment, str(own), proof, *rules.values())).encode()


def _inference(frame: Frame) -> Inference:
    """What a statement lets one infer.

    Raises:
        Reject: its symbols do not stand apart from the words around them.
    """
    made = Inference(
        tuple(" ".join((premise.type, *premise.tokens)) for premise in frame.essential),
        " ".join((frame.type, *frame.tokens)),
        tuple(hypothesis.variable for hypothesis in frame.floating),
        frame.apart,
    )
    if Inference.read(str(made)) != made:
        raise Reject("symbols that are words")
    return made


def _prose(comment: str) -> str:
    """The first sentences of a comment as plain prose; nothing where it holds more than Metamath's light markup."""
    parts = _CREDIT.sub("", canonical(comment)).replace("``", "\0").split("`")
    for number, part in enumerate(parts):  # every second one is formula
        parts[number] = part.strip() if number % 2 else _MARKUP.sub("", part)
    prose = canonical("".join(parts).replace("\0", "`"))
    if "<HTML>" in comment or not quotable(prose):
        return ""
    lengths = accumulate(len(sentence) + 1 for sentence in sentences(prose))
    return prose[: max((length for length in lengths if length <= MOST_PROSE), default=0)]


def _database(path: bytes) -> Database:
    try:
        found = os.stat(path)
    except OSError as error:
        raise Reject("not found") from error
    if found.st_size > MAX_BYTES:
        raise Reject("file too large")
    return _read(path, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path: bytes, size: int, changed: int) -> Database:
    """The index of a database, kept for as long as the file stays the same."""
    try:
        with open(path, "rb") as file:
            return indexed(file.read().decode())
    except OSError as error:
        raise Reject("unreadable") from error
    except UnicodeDecodeError as error:
        raise Reject("not UTF-8") from error
