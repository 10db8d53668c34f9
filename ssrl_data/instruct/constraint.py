"""What a constraint on a written answer is, and how one is read from its JSON."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from ssrl_data.core import Json, SsrlError
from ssrl_data.registry import modules, suggest

if TYPE_CHECKING:
    from ssrl_data.instruct.draft import Draft
    from ssrl_data.instruct.material import Material
    from ssrl_data.instruct.reply import Reply
    from ssrl_data.rng import Rng

SUBSTANCE = 5
"""Different words that a text must hold for most constraints to be met; "." would hold no comma, and pass."""


class Conflict(Exception):
    """Raised while a draft is narrowed: no text can meet this constraint beside those before it."""


@dataclass(frozen=True)
class Constraint(ABC):
    """One thing that can be asked of a text, with its parameters as the fields of a frozen dataclass.

    Fields are int, str, bool or tuples of str, and `__post_init__` raises ValueError with the field, the value and the
    allowed range. Instances hold nothing else, so that a row's JSON says all of it.

    Class attributes:
        name: its name in the family, which is the module: `words_at_most` of `length`.
        grade: how hard it is to keep to while writing: 1 at a glance, 2 with care, 3 only by counting or planning.
        substance: different words that a text must hold for this to be met.
    """

    name: ClassVar[str]
    grade: ClassVar[int] = 2
    substance: ClassVar[int] = SUBSTANCE

    @abstractmethod
    def tell(self) -> str:
        """The sentence that asks for it, with the counting rule where sane people count otherwise. Ends with a stop."""

    @abstractmethod
    def holds(self, reply: Reply) -> bool:
        """Whether a text keeps to it; linear, never raises. What holds of all parts of nothing is not kept to."""

    @abstractmethod
    def shape(self, draft: Draft) -> None:
        """Narrow what a witness may look like, so that it keeps to this.

        Raises:
            Conflict: it cannot, beside what the draft already demands.
        """

    @classmethod
    @abstractmethod
    def draw(cls, material: Material, rng: Rng) -> Constraint:
        """One with parameters that make sense for the material.

        Raises:
            Conflict: the material gives none.
        """

    def lacks(self) -> str:
        """What is not installed here and decides on it, as the reason of a verdict; empty where nothing is missing."""
        return ""

    @cached_property
    def told(self) -> str:
        """`tell()` in the form in which it is looked for in a reply."""
        from ssrl_data.instruct.reply import Reply

        return Reply(self.tell()).squeezed

    def met(self, reply: Reply) -> bool:
        """Whether a text keeps to it, is more than a few words, and does not repeat the very sentence that asks for it.

        Without the last rule, a copy of the prompt would hold every keyword that the prompt asks for.
        """
        return reply.varied(self.substance) and self.holds(reply) and self.told not in reply.squeezed

    def plain(self) -> dict[str, Json]:
        """The JSON that a row stores: `id` and the parameters."""
        return {"id": self.id(), **{key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}}

    @classmethod
    def id(cls) -> str:
        """Family and name: `length/words_at_most`."""
        return f"{cls.__module__.rpartition('.')[2]}/{cls.name}"


@cache
def families() -> dict[str, tuple[type[Constraint], ...]]:
    """Family to its constraints in the order in which the module defines them, over all installed families.

    Raises:
        SsrlError: a module cannot be imported.
    """
    import importlib

    found = {}
    for family, module in sorted(modules("ssrl.constraints").items()):
        try:
            loaded = importlib.import_module(module)
        except Exception as error:  # a stranger's module may raise anything
            raise SsrlError(f"{module} cannot be imported ({error}): repair or uninstall it") from error
        found[family] = tuple(
            item
            for item in vars(loaded).values()
            if inspect.isclass(item)
            and issubclass(item, Constraint)
            and item.__module__ == module
            and not inspect.isabstract(item)
        )
    return found


@cache
def constraint_types() -> dict[str, type[Constraint]]:
    """Every installed constraint by its id."""
    return {cls.id(): cls for classes in families().values() for cls in classes}


def constraint(data: Json) -> Constraint:
    """The constraint that a row's JSON names.

    Raises:
        ValueError: there is none of that id, a parameter is missing, unknown or of a wrong type, or out of its range.
    """
    if not isinstance(data, dict) or not isinstance(data.get("id"), str):
        raise ValueError(f"a constraint is an object with an id, got {data!r:.80}")
    known = constraint_types()
    cls = known.get(data["id"])
    if cls is None:
        raise ValueError(f"no constraint {data['id']!r:.80}: {suggest(data['id'], known)}")
    return cls(**_arguments(cls, {key: value for key, value in data.items() if key != "id"}))


def _arguments(cls: type[Constraint], given: Mapping[str, Json]) -> dict[str, Any]:
    wanted = {field.name: str(field.type) for field in fields(cls)}
    if set(given) != set(wanted):
        raise ValueError(f"{cls.id()} takes {', '.join(wanted) or 'no parameters'}, got {', '.join(given) or 'none'}")
    out: dict[str, Any] = {}
    for name, kind in wanted.items():
        value = given[name]
        if kind == "tuple[str, ...]":
            right = isinstance(value, list) and all(isinstance(item, str) for item in value)
            value = tuple(value) if right else value
        else:
            right = type(value) is {"int": int, "str": str, "bool": bool}[kind]
        if not right:
            raise ValueError(f"{cls.id()}: {name} must be {kind}, got {value!r:.80}")
        out[name] = value
    return out


def within(name: str, value: int, low: int, high: int) -> None:
    """Raise ValueError unless a parameter lies in its range."""
    if not low <= value <= high:
        raise ValueError(f"{name} is {value}: it must be {low} to {high}")
