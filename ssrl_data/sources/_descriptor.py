"""Reading `corpus.yaml`: what a folder of files cannot say of itself.

    root: photographs          # relative to this file; default: the folder it lies in
    unlisted: leave out        # files that no rule matches: `use` (default) or `leave out`
    files:                     # the first rule that matches decides
      - match: "stereo/*.png"  # one glob or a list, over the path below root; `*` also matches `/`
        license: CC-BY-4.0     # SPDX expression; default `unknown`
        attribution: Jane Doe
        origin: https://example.org/stereo
        group: stereo          # never split between train and test; default: each file for itself
        facts: {upright: false}  # nothing in these pictures tells which way is up
      - match: ["scans/*", "logo.png"]
        use: false
        why: not photographs   # for people

`root` may also be `{package: NAME, path: FOLDER}`: a folder inside an installed package, which is not imported.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ssrl_data.core import SsrlError
from ssrl_data.registry import suggest
from ssrl_data.yaml_file import read_yaml

NAME = "corpus.yaml"

FACTS = {"upright": bool}
"""What may be declared of a file beside its licence and group, and of which type."""

_USE = {"use": True, "leave out": False}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a descriptor says of the files that match; fields as in the module's text."""

    match: tuple[str, ...] = ("*",)
    license: str = "unknown"
    attribution: str = ""
    origin: str = ""
    group: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    use: bool = True
    why: str = ""

    def matches(self, key: str) -> bool:
        """Whether one of the globs matches the whole key, case and all."""
        return any(fnmatch.fnmatchcase(key, glob) for glob in self.match)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A corpus folder and its rules; the last rule matches everything."""

    root: Path
    rules: tuple[Rule, ...]

    def rule(self, key: str) -> Rule:
        """The first rule that matches."""
        return next(rule for rule in self.rules if rule.matches(key))


def read_descriptor(path: Path) -> Descriptor:
    """The descriptor in a file.

    Raises:
        SsrlError: the file cannot be read or says something else than the schema; the message names the place.
    """
    data = _mapping(read_yaml(path), ("root", "unlisted", "files"), str(path))
    unlisted = data.get("unlisted", "use")
    if not isinstance(unlisted, str) or unlisted not in _USE:
        raise SsrlError(f"{path}: unlisted is {unlisted!r}: write `use` or `leave out`")
    listed = data.get("files", [])
    if not isinstance(listed, list):
        raise SsrlError(f"{path}: files must be a list of rules, got {listed!r}")
    rules = [_rule(item, f"{path}: files, rule {i}") for i, item in enumerate(listed, 1)]
    return Descriptor(_root(data.get("root", "."), path), (*rules, Rule(use=_USE[unlisted])))


def _mapping(data: Any, keys: tuple[str, ...], where: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise SsrlError(f"{where}: expected a mapping of {', '.join(keys)}, got {data!r}")
    for key in data:
        if key not in keys:
            raise SsrlError(f"{where}: unknown key {key!r}: {suggest(str(key), list(keys))}")
    return data


def _rule(item: Any, where: str) -> Rule:
    data = dict(_mapping(item, tuple(Rule.__slots__), where))
    globs = data.pop("match", None)
    globs = [globs] if isinstance(globs, str) else globs
    if not (isinstance(globs, list) and globs and all(isinstance(glob, str) for glob in globs)):
        raise SsrlError(f"{where}: match must be a glob or a list of globs, got {globs!r}")
    for key, value in _mapping(data.get("facts", {}), tuple(FACTS), f"{where}: facts").items():
        if not isinstance(value, FACTS[key]):
            raise SsrlError(f"{where}: facts: {key} must be {FACTS[key].__name__}, got {value!r}")
    for key, value in data.items():
        if key == "facts":
            continue
        kind = bool if key == "use" else str
        if not isinstance(value, kind) or value == "":
            expected = "true or false" if kind is bool else "a text"
            raise SsrlError(f"{where}: {key} must be {expected}, got {value!r}")
    return Rule(match=tuple(globs), **data)


def _root(value: Any, path: Path) -> Path:
    if isinstance(value, str):
        root = path.parent / value
    else:
        where = f"{path}: root"
        parts = _mapping(value, ("package", "path"), where)
        package, inside = parts.get("package"), parts.get("path", ".")
        if not (isinstance(package, str) and package.isidentifier() and isinstance(inside, str)):
            raise SsrlError(f"{where}: package must be the name of a top-level package and path a text, got {value!r}")
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise SsrlError(f"{where}: package {package!r} is not installed: install it, or give --source a folder")
        root = Path(spec.submodule_search_locations[0]) / inside
    if not root.is_dir():
        raise SsrlError(f"{path}: root {os.fspath(root)!r} is not a folder")
    return root
