"""Names to things: tasks, answer kinds, sources and sub-commands, all through entry points, ours included.

An entry point of the group `ssrl.tasks`, `ssrl.answers` or `ssrl.sources` names a package; each module in it is one
thing, named by its path under the package. A module is imported on first use.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from ssrl_data.core import SsrlError, Task

if TYPE_CHECKING:
    from ssrl_data.answers.base import AnswerKind
    from ssrl_data.sources.base import Source


@cache
def modules(group: str) -> dict[str, str]:
    """Name to dotted module path, over every package that the entry-point group names.

    Raises:
        SsrlError: a package cannot be imported, or two bring a thing of the same name.
    """
    found: dict[str, str] = {}
    for package in sorted({point.value for point in entry_points(group=group)}):
        try:
            spec = importlib.util.find_spec(package)
        except Exception as error:  # looking for `a.b` imports `a`, which may raise anything
            raise _broken(package, error) from error
        if spec is None or spec.submodule_search_locations is None:
            raise SsrlError(f"entry point {package!r} of {group} is not an importable package: reinstall it")
        for info in pkgutil.walk_packages(spec.submodule_search_locations, package + ".", _stop):
            if info.ispkg or info.name.rpartition(".")[2].startswith("_"):
                continue
            name = info.name.removeprefix(package + ".").replace(".", "/")
            if name in found:
                raise SsrlError(f"{name!r} of {group} is in both {found[name]} and {info.name}: uninstall one")
            found[name] = info.name
    return found


def _broken(module: str, error: BaseException | None) -> SsrlError:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return SsrlError(f"{module} cannot be imported ({text}): repair or uninstall the package that brings it")


def _stop(package: str) -> None:
    """Called by `walk_packages` while it handles the error of a package that it could not import."""
    error = sys.exception()
    raise _broken(package, error) from error


def suggest(name: object, known: Iterable[object]) -> str:
    """A tail for an error message: the closest known name, or what there is. Names need not be texts."""
    names = sorted(map(str, known))
    close = difflib.get_close_matches(str(name), names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"


def _load(group: str, noun: str, name: str, base: type) -> Any:
    known = modules(group)
    if name not in known:
        raise SsrlError(f"no {noun} {name!r}: {suggest(name, list(known))}")
    try:
        module = importlib.import_module(known[name])
    except Exception as error:  # a stranger's module may raise anything
        raise _broken(known[name], error) from error
    found = [
        item
        for item in vars(module).values()
        if inspect.isclass(item) and issubclass(item, base) and item.__module__ == module.__name__
    ]
    if len(found) != 1:
        raise SsrlError(f"{known[name]} must define one {base.__name__}, it defines {len(found)}")
    return found[0]


def task_names() -> list[str]:
    """The names of all installed tasks, sorted."""
    return sorted(modules("ssrl.tasks"))


@cache
def task_class(name: str) -> type[Task[Any]]:
    """The task of that name.

    Raises:
        SsrlError: there is none, and the message names the closest one; or its module cannot be imported.
    """
    loaded: type[Task[Any]] = _load("ssrl.tasks", "task", name, Task)
    return loaded


def answer_names() -> list[str]:
    """The names of all installed answer kinds, sorted."""
    return sorted(set(modules("ssrl.answers")) - {"base", "reading", "supposed"})


@cache
def answer_kind(name: str) -> AnswerKind:
    """The answer kind of that name.

    Raises:
        ValueError: there is none.
    """
    from ssrl_data.answers.base import AnswerKind

    if name not in answer_names():
        raise ValueError(f"no answer kind {name!r}: {suggest(name, answer_names())}")
    kind: AnswerKind = _load("ssrl.answers", "answer kind", name, AnswerKind)()
    return kind


def source_at(address: str, license: str | None = None) -> Source:
    """The corpus at an address, through the one installed reader that claims it.

    Raises:
        SsrlError: no reader claims the address, several do, or the corpus is wrong.
    """
    from ssrl_data.sources.base import Source

    names = sorted(set(modules("ssrl.sources")) - {"base"})
    readers: dict[str, type[Source]] = {name: _load("ssrl.sources", "source", name, Source) for name in names}
    claiming = [name for name, reader in readers.items() if reader.claims(address)]
    if not claiming:
        wanted = "a folder, a file of a kind that a folder may hold, or a .yaml descriptor"
        if os.path.isfile(address):
            raise SsrlError(f"{address!r} is a file of no kind that is read: give {wanted}")
        raise SsrlError(f"no corpus at {address!r}: give {wanted} that exists, hf://datasets/... or reasoning-gym:...")
    if len(claiming) > 1:
        raise SsrlError(f"{address!r} is claimed by the readers {', '.join(claiming)}: uninstall all but one")
    return readers[claiming[0]].at(address, license)
