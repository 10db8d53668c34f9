"""What the keys of stages do that stand for a paper's method: the page docs/methods.md, and `ssrl methods`.

All of it is read from the settings classes: their `about`, their docstrings, their fields and defaults.
`python -m ssrl_train.methods > docs/methods.md` writes the page anew.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any

import typer

from ssrl_data.core import SsrlError
from ssrl_data.registry import suggest
from ssrl_train.about import About
from ssrl_train.active import Propose
from ssrl_train.fields import is_union
from ssrl_train.guard import Guard
from ssrl_train.presets import PRESETS, Preset
from ssrl_train.stages import KEYED, METHODS
from ssrl_train.tokens import Tokens

SINGLE: dict[str, type[Any]] = {"tokens": Tokens, "propose": Propose, "guard": Guard}
"""Keys of stages that hold the fields of one class."""

HEADINGS = {
    "curriculum": "Curricula: which rows are drawn when",
    "reward": "Signals in place of the verifier's reward",
    "loss": "Losses in place of TRL's, or beside it",
    "preset": "Presets: options of TRL's trainer that a paper states",
    "export": "Exports: what is learnt from sampled responses",
    "tokens": "The tokens that a supervised stage learns from",
    "propose": "Masks that the model proposes",
    "guard": "What stops a stage that has collapsed",
}

INTRO = """\
# Methods

What the keys of a stage do that stand for a paper's method: what the paper claims, what is done otherwise here, what
was measured here, and when not to use it. `ssrl methods` lists them and `ssrl methods NAME` shows one. An experimental
one may change its keys and its results. This page is written by `python -m ssrl_train.methods > docs/methods.md`.
"""

_ATTRIBUTE = re.compile(r"    (\w+): (.+(?:\n {8}.+)*)")
_TYPES = {float: "number", int: "whole number", bool: "true or false", str: "text"}


@dataclass(frozen=True, slots=True)
class Method:
    """One method and how a config asks for it.

    Attributes:
        key: of a stage.
        kind: the value of the key's `kind`; None where the key holds the fields of one class.
        settings: the class of its fields, or a preset, which has none of its own.
    """

    key: str
    kind: str | None
    settings: type[Any] | Preset

    @property
    def name(self) -> str:
        """What `ssrl methods` calls it."""
        return self.kind or self.key

    @property
    def about(self) -> About:
        """What must be known of it."""
        about: About = self.settings.about
        return about

    @property
    def stages(self) -> list[str]:
        """The methods of the stages that have the key; an export is of one of them."""
        one = getattr(self.settings, "method", None)
        if one is not None:
            return [one]
        return [name for name, cls in METHODS.items() if self.key in {field.name for field in dataclasses.fields(cls)}]


def methods() -> list[Method]:
    """All methods, by key."""
    found: dict[str, list[Method]] = {
        key: [Method(key, kind, cls) for kind, cls in of.items()] for key, of in KEYED.items()
    }
    found["preset"] = [Method("preset", name, preset) for name, preset in PRESETS.items()]
    found |= {key: [Method(key, None, cls)] for key, cls in SINGLE.items()}
    return [method for key in HEADINGS for method in found[key]]


def page() -> str:
    """The whole page, as Markdown."""
    parts, key = [INTRO, *_contents()], None
    for method in methods():
        if method.key != key:
            key = method.key
            parts.append(f"\n## {HEADINGS[key]}\n")
        parts.append("\n" + entry(method))
    return "".join(parts)


def _contents() -> Iterator[str]:
    yield "\n| key | method | source | state |\n| --- | --- | --- | --- |\n"
    for method in methods():
        about = method.about
        title = f"[{about.title}](#{_anchor(_heading(method))})"
        yield f"| {_asked(method)} | {title} | {_cell(about.source)} | {_state(about)} |\n"


def entry(method: Method) -> str:
    """One method, as Markdown."""
    about = method.about
    lines = [
        f"### {_heading(method)}",
        "",
        f"In a stage of {_or(method.stages)}; {_state(about)}.",
        "",
        f"- **Source**: {about.source}",
        f"- **The paper claims**: {about.claim}",
        f"- **Otherwise here**: {about.differs or 'nothing.'}",
        f"- **Needs**: {about.needs}",
        f"- **Runs on**: {', '.join(f'`{name}`' for name in about.trl)}",
        f"- **Measured**: {about.measured}",
        f"- **When not to use it**: {about.avoid}",
        "",
        *_fields(method.settings),
    ]
    return "\n".join(lines) + "\n"


def _fields(settings: type[Any] | Preset) -> Iterator[str]:
    if isinstance(settings, Preset):
        yield "| key of `grpo` | value |"
        yield "| --- | --- |"
        yield from (f"| `{name}` | {_plain(value)} |" for name, value in settings.fields.items())
        return
    fields, hints, told = dataclasses.fields(settings), typing.get_type_hints(settings), attributes(settings)
    if not fields:
        yield "It has no keys of its own."
        return
    yield "| key | type | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for field in fields:
        yield f"| `{field.name}` | {_type(hints[field.name])} | {_default(field)} | {_cell(told[field.name])} |"


def attributes(settings: type[Any]) -> Mapping[str, str]:
    """What the docstrings of a class and of those that it is made from say of each field."""
    told: dict[str, str] = {}
    for cls in reversed(settings.__mro__):
        text = inspect.cleandoc(cls.__dict__.get("__doc__") or "").partition("\nAttributes:\n")[2]
        told |= {name: " ".join(said.split()) for name, said in _ATTRIBUTE.findall(text)}
    return told


def _asked(method: Method) -> str:
    return f"`{method.key}`" if method.kind is None else f"`{method.key}: {method.kind}`"


def _heading(method: Method) -> str:
    return f"{_asked(method)}: {method.about.title}"


def _anchor(heading: str) -> str:
    """What a link to a heading says where Markdown is shown as on GitHub."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _state(about: About) -> str:
    return "stable" if about.stable else "experimental"


def _or(names: list[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _type(hint: Any) -> str:
    """The name that a person who writes YAML has for a type."""
    if is_union(hint):
        return " or ".join(_type(part) for part in typing.get_args(hint) if part is not NoneType)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return f"list of {_type(inner[0])}s"
    if origin is not None:
        return "mapping"
    return _TYPES.get(hint, "text")


def _default(field: dataclasses.Field[Any]) -> str:
    """A field's default as YAML has it."""
    value = field.default
    if value is dataclasses.MISSING:
        if field.default_factory is dataclasses.MISSING:
            return "none: it must be given"
        value = field.default_factory()
    return "none" if value is None else _plain(value)


def _plain(value: Any) -> str:
    """A value as YAML has it."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, (tuple, list)):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`" if value != "" else "empty"


def show(
    name: Annotated[str | None, typer.Argument(help="a method; all of them are listed when not given")] = None,
) -> None:
    """Show the methods of papers that a training stage can use, or all that is known of one."""
    known = methods()
    if name is None:
        for method in known:
            asked = method.key if method.kind is None else f"{method.key}: {method.kind}"
            typer.echo(f"{asked:24} {method.about.title} ({method.about.source})")
        return
    named = [method for method in known if method.name == name]
    if not named:
        raise SsrlError(f"there is no method {name!r}: {suggest(name, [method.name for method in known])}")
    typer.echo("\n".join(map(entry, named)), nl=False)


if __name__ == "__main__":
    typer.echo(page(), nl=False)
