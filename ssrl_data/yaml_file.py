"""Reading the small YAML files that people write and share: recipes, corpus descriptors, training configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from ssrl_data.core import SsrlError

MAX_BYTES = 1 << 20
MAX_DEPTH = 20


class _Loader(yaml.SafeLoader):
    """The safe loader, less what surprises: a repeated key is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys are all different."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for i, key in enumerate(keys):
            if key in keys[:i]:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is repeated", node.start_mark)
        return super().construct_mapping(node, deep)


_OPEN = (yaml.BlockMappingStartToken, yaml.BlockSequenceStartToken, yaml.FlowMappingStartToken)
_CLOSE = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


def read_yaml(path: Path) -> Any:
    """A small YAML file without aliases (they can blow up), tags, deep nesting or repeated keys.

    Raises:
        SsrlError: it cannot be read or parsed.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise SsrlError(f"{path}: cannot be read: {error.strerror}") from error
    if len(text) > MAX_BYTES:
        raise SsrlError(f"{path}: {len(text)} bytes, at most {MAX_BYTES} are read")
    depth = 0
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.AliasToken):
                raise SsrlError(f"{path}: line {token.start_mark.line + 1} uses an alias (*): write the value out")
            depth += isinstance(token, (*_OPEN, yaml.FlowSequenceStartToken)) - isinstance(token, _CLOSE)
            if depth > MAX_DEPTH:
                raise SsrlError(f"{path}: line {token.start_mark.line + 1} is nested more than {MAX_DEPTH} deep")
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        why = f": {error.problem}" if isinstance(error, yaml.MarkedYAMLError) and error.problem else ""
        raise SsrlError(f"{path}: not valid YAML{line}{why}") from error
