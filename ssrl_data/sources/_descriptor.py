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
      - match: "*.mp4"
        facts: {reversible: true}  # these clips read as well backwards
        parts: 12              # each clip is cut into as many records, equal in time; one group
      - match: "scene*/left.png"
        depth:                   # the map of each picture, as in `DepthRule`
          file: "scene{1}/disparity.npy"  # {1}, {2}, ...: what the glob's wildcards stand for; {stem}: the file's
          kind: disparity        # metric (default), disparity or relative
          scale: 1.0             # a unit in metres or pixels
          offset: 31.1
          invalid: [0]
          error: 0.02
          dataset: depth         # the array, where the file holds several
          by: a model's name and licence, when the map was not measured
        camera: {focal: 995.0, centre: [311.2, 254.9]}   # in pixels of the picture
        pair: {file: "scene{1}/right.png", move: [1, 0, 0]}  # a second view; the move right, down and forward
      - match: "*.parquet"
        columns: {text: body, document: url}  # of a table: what its columns are, as in `_columns`
      - match: ["scans/*", "logo.png"]
        use: false
        why: not photographs   # for people

What a folder may hold is listed in `folder`. A file that another names as its depth or its second view is no record of
its own. Of what a rule matches, `depth`, `camera` and `pair` speak of the pictures, `parts` of the clips, `columns` of
the tables. A `group` holds for every record of a file of many; without it these are grouped as the file says.

`root` may also be `{package: NAME, path: FOLDER}`: a folder inside an installed package, which is not imported.
"""

from __future__ import annotations

import fnmatch
import importlib.util
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ssrl_data.core import SsrlError
from ssrl_data.media.camera import Camera
from ssrl_data.media.depth import DepthRule
from ssrl_data.registry import suggest
from ssrl_data.sources._columns import KINDS, ROLES
from ssrl_data.sources.base import DepthFile, PairFile
from ssrl_data.yaml_file import read_yaml

NAME = "corpus.yaml"

FACTS = {"upright": bool, "reversible": bool}
"""What may be declared of a file beside its licence and group, and of which type."""

MOST_PARTS = 10_000
"""Records that one clip may be cut into."""

_WILDCARD = re.compile(r"\*|\?|\[!?\]?[^\]]*\]")
_HOLE = re.compile(r"\{(\w*)\}")
_USE = {"use": True, "leave out": False}


@dataclass(frozen=True, slots=True)
class Rule:
    """What a descriptor says of the files that match; fields as in the module's text, files still with their holes."""

    match: tuple[str, ...] = ("*",)
    license: str = "unknown"
    attribution: str = ""
    origin: str = ""
    group: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    depth: DepthFile | None = None
    camera: Camera | None = None
    pair: PairFile | None = None
    parts: int = 1
    columns: Mapping[str, str] = field(default_factory=dict)
    use: bool = True
    why: str = ""

    def matches(self, key: str) -> bool:
        """Whether one of the globs matches the whole key, case and all."""
        return any(fnmatch.fnmatchcase(key, glob) for glob in self.match)

    def beside(self, key: str) -> tuple[str | None, str | None]:
        """Keys of the depth map and of the second view that belong to a file that matches."""
        glob = next(glob for glob in self.match if fnmatch.fnmatchcase(key, glob))
        found = _captures(glob).fullmatch(key)
        holes = {str(i): text for i, text in enumerate(found.groups() if found else (), 1)}
        holes["stem"] = key.rpartition("/")[2].rpartition(".")[0]
        files = [beside.file if beside else None for beside in (self.depth, self.pair)]
        depth, pair = (None if file is None else _HOLE.sub(lambda hole: holes[hole[1]], file) for file in files)
        return depth, pair


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
    read: dict[str, Callable[[Any, tuple[str, ...], str], object]] = {
        "depth": _depth,
        "camera": _camera,
        "pair": _pair,
        "columns": lambda value, globs, where: stated_columns(value, where),
    }
    for key, value in data.items():
        if key in read:
            data[key] = read[key](value, tuple(globs), f"{where}: {key}")
        elif key == "parts":
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_PARTS:
                raise SsrlError(f"{where}: parts must be a whole number from 1 to {MOST_PARTS}, got {value!r}")
        elif key != "facts":
            kind = bool if key == "use" else str
            if not isinstance(value, kind) or value == "":
                expected = "true or false" if kind is bool else "a text"
                raise SsrlError(f"{where}: {key} must be {expected}, got {value!r}")
    return Rule(match=tuple(globs), **data)


def _captures(glob: str) -> re.Pattern[str]:
    """A glob as a pattern that captures what its wildcards stand for."""
    out, at = "", 0
    for wildcard in _WILDCARD.finditer(glob):
        one = {"*": ".*", "?": "."}.get(wildcard[0]) or wildcard[0].replace("\\", "\\\\").replace("[!", "[^", 1)
        out += re.escape(glob[at : wildcard.start()]) + f"({one})"
        at = wildcard.end()
    return re.compile(out + re.escape(glob[at:]), re.DOTALL)


def _file(data: Mapping[str, Any], globs: tuple[str, ...], where: str) -> str:
    """The template of a file beside the picture, checked."""
    file = data.get("file")
    if not isinstance(file, str) or not file or file.startswith("/") or ".." in file.split("/"):
        raise SsrlError(f"{where}: file must be a path below root such as 'depth/{{stem}}.png', got {file!r}")
    fewest = min(len(_WILDCARD.findall(glob)) for glob in globs)
    known = ["stem", *map(str, range(1, fewest + 1))]
    for hole in _HOLE.findall(file):
        if hole not in known:
            raise SsrlError(f"{where}: file names {{{hole}}}: the rule's globs give {', '.join(known)}")
    return file


def _numbers(value: Any, count: int | None, where: str) -> tuple[float, ...]:
    right = isinstance(value, list) and (count is None or len(value) == count)
    if not right or not all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in value):
        raise SsrlError(f"{where} must be a list of {count or 'any number of'} numbers, got {value!r}")
    return tuple(float(x) for x in value)


def _number(value: Any, where: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        hint = " (YAML reads 1e-3 as a text: write 1.0e-3)" if isinstance(value, str) and "e" in value.lower() else ""
        raise SsrlError(f"{where} must be a number, got {value!r}{hint}")
    return float(value)


def _depth(value: Any, globs: tuple[str, ...], where: str) -> DepthFile:
    data = dict(_mapping(value, ("file", *DepthRule.__slots__), where))
    file = _file(data, globs, where)
    data.pop("file")
    for key in ("kind", "dataset", "by"):
        if not isinstance(data.get(key, ""), str):
            raise SsrlError(f"{where}: {key} must be a text, got {data[key]!r}")
    for key in ("scale", "offset", "error"):
        if key in data:
            data[key] = _number(data[key], f"{where}: {key}")
    if "invalid" in data:
        data["invalid"] = _numbers(data["invalid"], None, f"{where}: invalid")
    try:
        return DepthFile(file, DepthRule(**data))
    except ValueError as error:
        raise SsrlError(f"{where}: {error}") from error


def _camera(value: Any, globs: tuple[str, ...], where: str) -> Camera:
    data = _mapping(value, tuple(Camera.__slots__), where)
    focal = _number(data["focal"], f"{where}: focal") if "focal" in data else None
    if focal is not None and focal <= 0:
        raise SsrlError(f"{where}: focal is {focal:g}: it must be above 0, in pixels of the picture")
    x, y = _numbers(data.get("centre", [0, 0]), 2, f"{where}: centre")
    return Camera(focal, (x, y) if "centre" in data else None)


def _pair(value: Any, globs: tuple[str, ...], where: str) -> PairFile:
    data = _mapping(value, tuple(PairFile.__slots__), where)
    x, y, z = _numbers(data.get("move"), 3, f"{where}: move")
    if not (x or y or z):
        raise SsrlError(f"{where}: move is [0, 0, 0]: say where the second view was taken, right, down and forward")
    return PairFile(_file(data, globs, where), (x, y, z))


def stated_columns(value: Any, where: str) -> Mapping[str, str]:
    """What columns of a table are said to be: role to column.

    Raises:
        SsrlError: a role is not known, or a row would be two things at once.
    """
    data = _mapping(value, tuple(ROLES), where)
    for role, column in data.items():
        if not isinstance(column, str) or not column:
            raise SsrlError(f"{where}: {role} must be the name of a column, got {column!r}")
    kinds = [role for role in KINDS if role in data]
    if len(kinds) > 1:
        raise SsrlError(f"{where}: a row is one of {', '.join(KINDS)}: name the column of one of them")
    return data


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
