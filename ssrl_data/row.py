"""The published row: columns, Arrow schema, identity, encoding and decoding. One row is graded from itself alone.

Columns (`images` only in picture datasets):

    prompt        list of {role, content}; content is a string in text datasets, a list of {type, text} in picture ones
    images        list of {bytes, path}: one picture for each part of type image, in order
    answer        JSON {kind, v, value, credit: {rule, c}}
    task, task_version, level, chance
    id, source_id, group_id, set_id, license
    meta          JSON: parameters, sources, marks, and what was done

An image part has exactly the keys `type` and `text` (null): with any further key TRL counts it as filled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ssrl_data.core import Answer, Credit, Json, Row
from ssrl_data.registry import answer_kind

WRITTEN = frozenset({"text", "instruction"})
"""Modalities whose rows show no pictures."""


def canonical(value: Json) -> str:
    """JSON with one spelling: sorted keys, no spaces, ASCII, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(*parts: str | bytes) -> str:
    """32 hexadecimal digits over the parts and their borders."""
    h = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        h.update(len(data).to_bytes(8, "little"))
        h.update(data)
    return h.hexdigest()


def pack_answer(answer: Answer) -> str:
    """The `answer` column."""
    kind = answer_kind(answer.kind)
    credit = {"rule": answer.credit.rule, "c": answer.credit.c}
    return canonical({"kind": answer.kind, "v": kind.version, "value": answer.value, "credit": credit})


@lru_cache(maxsize=4096)
def unpack_answer(text: str) -> tuple[Any, Json, Credit]:
    """The answer kind, value and credit of an `answer` column.

    Raises:
        ValueError: the text is not such a column, or a newer release than this one wrote it.
    """
    try:
        data = json.loads(text)
        name, version, value, credit = data["kind"], data["v"], data["value"], data["credit"]
        rule, c = credit["rule"], float(credit["c"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not an answer column: {text[:80]!r}") from error
    kind = answer_kind(str(name))
    if type(version) is not int or version > kind.version:
        raise ValueError(f"answer kind {name} is at version {version} in the row and {kind.version} here: update ssrl")
    kind.check(value)
    if not isinstance(rule, str) or rule not in kind.rules or not 0 <= c < 1:
        raise ValueError(f"answer kind {name} knows no credit of rule {rule!r:.40} and c {c}: c is in [0, 1)")
    return kind, value, Credit(rule, c)


def join_licenses(licenses: Iterable[str]) -> str:
    """One SPDX expression over the licences of all records used; AND binds tighter than OR, so an OR is bracketed."""
    unique = sorted(set(licenses))
    if len(unique) == 1:
        return unique[0]
    return " AND ".join(f"({text})" if " OR " in text else text for text in unique)


def content(parts: Sequence[str | bytes]) -> tuple[Json, list[bytes]]:
    """The `content` of a prompt and its encoded pictures, from text and encoded pictures in reading order."""
    pictures = [p for p in parts if isinstance(p, bytes)]
    if not pictures:
        return "".join(p for p in parts if isinstance(p, str)), []
    out = [{"type": "text", "text": p} if isinstance(p, str) else {"type": "image", "text": None} for p in parts]
    return out, pictures


def row_id(task: str, version: int, prompt: str, pictures: Sequence[bytes], answer: str) -> str:
    """The `id` column: a hash of what is asked and what is right, so equal problems have equal ids.

    Args:
        task: the task's name.
        version: the task's version.
        prompt: the prompt as `prompt_text` gives it.
        pictures: the encoded pictures in order.
        answer: the `answer` column.
    """
    return digest(task, str(version), prompt, *pictures, answer)


@lru_cache(maxsize=8)
def schema(pictures: bool) -> Any:
    """The Arrow schema of shards with or without pictures, with the `datasets` features in its metadata."""
    from datasets import Features, Image, List, Value

    string = Value("string")
    part = {"type": string, "text": string} if pictures else None
    columns: dict[str, Any] = {
        "prompt": List({"role": string, "content": List(part) if part else string}),
    }
    if pictures:
        columns["images"] = List(Image())
    columns |= dict.fromkeys(("answer", "task"), string)
    columns |= {"task_version": Value("int32"), "level": string, "chance": Value("float64")}
    columns |= dict.fromkeys(("id", "source_id", "group_id", "set_id", "license", "meta"), string)
    return Features(columns).arrow_schema


def prompt_text(prompt: Sequence[Mapping[str, Any]]) -> str:
    """The prompt as one text, `<image>` where a picture stands."""
    out: list[str] = []
    for message in prompt:
        body = message["content"]
        if isinstance(body, str):
            out.append(body)
        else:
            out.extend(part["text"] if part["type"] == "text" else "<image>" for part in body)
    return "".join(out)


def decode_row(columns: Mapping[str, Any]) -> Row:
    """A row as audit and report see it, from its stored columns (pictures as {bytes, path})."""
    from ssrl_data.media.image import decode

    kind, value, credit = unpack_answer(columns["answer"])
    return Row(
        id=columns["id"],
        task=columns["task"],
        task_version=columns["task_version"],
        level=columns["level"],
        prompt=prompt_text(columns["prompt"]),
        images=tuple(decode(picture["bytes"]) for picture in columns.get("images") or ()),
        answer=Answer(kind.name, value, credit, columns["chance"]),
        license=columns["license"],
        source_id=columns["source_id"],
        group_id=columns["group_id"],
        set_id=columns["set_id"],
        meta=json.loads(columns["meta"]),
    )
