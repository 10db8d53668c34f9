"""Mappings that people write as the dataclasses they stand for: unknown keys and wrong types are errors."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any

from ssrl_data.core import SsrlError
from ssrl_data.recipe import fitted
from ssrl_data.registry import suggest


def filled(cls: type[Any], body: Any, where: str) -> Any:
    """A dataclass from a mapping of its fields, types and ranges checked.

    Args:
        cls: whose `__post_init__` raises ValueError for a value out of range.
        body: what should be the mapping; a value that is a dataclass already is taken as it is.
        where: the beginning of a message: file and key.

    Raises:
        SsrlError: it is no mapping, or a key or a value is wrong or missing.
    """
    known = typing.get_type_hints(cls)
    hints = {field.name: known[field.name] for field in fields(cls)}  # and no attributes of the class
    body = mapping(body, where)
    only_known(body, list(hints), where)
    for field in fields(cls):
        if field.name not in body and field.default is MISSING and field.default_factory is MISSING:
            raise SsrlError(f"{where}: {field.name} is missing")
    values: dict[str, Any] = {}
    for key, value in body.items():
        hint = hints[key]
        kinds = set(typing.get_args(hint)) - {NoneType} if is_union(hint) else {hint}
        try:
            values[key] = value if is_dataclass(value) else fitted(value, kinds.pop())
        except ValueError as error:
            raise SsrlError(f"{where}: {key} {error}") from error
    try:
        return cls(**values)
    except ValueError as error:
        raise SsrlError(f"{where}: {error}") from error


def is_union(hint: Any) -> bool:
    """Whether a type is one of several."""
    return typing.get_origin(hint) in (typing.Union, UnionType)


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """The value, which must be a mapping of texts to values."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise SsrlError(f"{where}: expected a mapping of keys to values, got {value!r:.80}")
    return value


def only_known(body: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Refuse a key that is not known, and name the closest one that is."""
    for key in body:
        if key not in known:
            raise SsrlError(f"{where}: unknown key {key!r}: {suggest(key, known)}")
