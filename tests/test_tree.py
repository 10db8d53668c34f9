"""The shape of the repository: modules, tables and cards belong together, and imports go one way."""

from __future__ import annotations

import ast
import fnmatch
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssrl_data.registry import task_names

ROOT = Path(__file__).parents[1]
TASKS = ROOT / "tasks" / "ssrl_tasks"
HEAVY = ("torch", "transformers", "datasets", "cv2", "pandas", "polars", "pyarrow", "PIL", "trl", "numpy")


def modules(folder: Path) -> set[str]:
    found = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.py")}
    return {name for name in found if not name.rpartition("/")[2].startswith("_")}


def test_each_task_has_a_table_a_test_and_a_card_and_nothing_is_left_over() -> None:
    tasks = modules(TASKS)
    assert tasks
    tests, cards = ROOT / "tests" / "tasks", ROOT / "cards"
    assert {path.relative_to(tests).with_suffix("").as_posix() for path in tests.rglob("*.json")} == tasks
    assert {path.relative_to(cards).with_suffix("").as_posix() for path in cards.rglob("*.md")} == tasks
    assert {name.replace("/test_", "/") for name in modules(tests)} == tasks
    assert set(task_names()) >= tasks


def test_cards_say_what_a_reader_needs() -> None:
    for path in sorted((ROOT / "cards").rglob("*.md")):
        text = path.read_text("utf-8")
        name = path.relative_to(ROOT / "cards").with_suffix("").as_posix()
        assert text.startswith(f"# {name}\n"), path
        for heading in ("Why no labels", "Levels", "Judging", "Gates", "Signal", "Limits", "Source"):
            assert f"\n## {heading}\n" in text, (path, heading)


def test_every_folder_of_tests_is_run(pytestconfig: pytest.Config) -> None:
    left_out = pytestconfig.getini("norecursedirs")
    for folder in {path.parent for path in (ROOT / "tests").rglob("test_*.py")}:
        names = folder.relative_to(ROOT).parts
        assert not any(fnmatch.fnmatch(name, pattern) for name in names for pattern in left_out), folder


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Modules that a file imports, wherever in it, with the line."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            module = node.module or ""
            yield module, node.lineno
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


RULES = [
    # package, what it never imports
    ("ssrl_data", ("ssrl_train", "ssrl_tasks", "torch", "trl", "transformers", "accelerate", "peft")),
    ("ssrl_train", ("ssrl_tasks",)),
    ("tasks/ssrl_tasks", ("ssrl_train", "torch", "trl", "transformers", "datasets", "pyarrow", "random")),
]


@pytest.mark.parametrize(("package", "never"), RULES)
def test_imports_go_one_way(package: str, never: tuple[str, ...]) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    wrong = [f"{path}:{line}: {name}" for path in files for name, line in imports(path) if within(name, never)]
    assert not wrong


def test_a_task_knows_no_more_of_the_toolkit_than_it_may() -> None:
    may = tuple(f"ssrl_data.{name}" for name in ("core", "rng", "answers", "gates", "media", "instruct", "constraints"))
    for path in sorted(TASKS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and within(node.module or "", ("ssrl_data",)):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                assert all(within(name, may) for name in names), f"{path}:{node.lineno}"
            if isinstance(node, ast.Import):
                assert not any(within(alias.name, ("ssrl_data", "ssrl_tasks")) for alias in node.names), path


def test_the_toolkit_names_no_task() -> None:
    """It reaches tasks through entry points, so a third party's are first class."""
    names = task_names()
    for path in sorted((ROOT / "ssrl_data").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        prose = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                assert node.value not in names, f"{path}:{node.lineno}"


def seconds(code: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    return time.perf_counter() - start


def test_import_is_light() -> None:
    code = f"import sys, ssrl_data; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not loaded
    # Taken in turn with a bare start, so that a busy machine slows both.
    pairs = [seconds("import ssrl_data") - seconds("pass") for _ in range(5)]
    assert statistics.median(pairs) < 0.2
