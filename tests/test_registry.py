"""Other people's packages: what they break is one sentence that names the module and the error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ssrl_data.core import SsrlError
from ssrl_data.registry import modules, suggest, task_class, task_names

Install = Callable[[str, dict[str, str]], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Lays out an installed distribution: an entry point of `ssrl.tasks`, and files."""

    def laid(package: str, files: dict[str, str]) -> None:
        info = tmp_path / "stranger-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[ssrl.tasks]\nstranger = {package}\n")
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        modules.cache_clear()

    yield laid
    modules.cache_clear()


def test_module_that_cannot_be_imported(install: Install) -> None:
    install("stranger_a", {"stranger_a/__init__.py": "", "stranger_a/odd.py": "raise RuntimeError('two\\nlines')"})
    assert "odd" in task_names()
    with pytest.raises(SsrlError) as caught:
        task_class("odd")
    assert str(caught.value).startswith("stranger_a.odd cannot be imported (RuntimeError: two lines): ")


@pytest.mark.parametrize(
    ("package", "files", "words"),
    [
        ("nopkg.tasks", {}, "nopkg.tasks cannot be imported (ModuleNotFoundError: No module named 'nopkg')"),
        (
            "stranger_b.tasks",
            {"stranger_b/__init__.py": "1 / 0", "stranger_b/tasks/__init__.py": ""},
            "stranger_b.tasks cannot be imported (ZeroDivisionError: division by zero)",
        ),
        (
            "stranger_c",
            {"stranger_c/__init__.py": "", "stranger_c/inner/__init__.py": "import no_such_module"},
            "stranger_c.inner cannot be imported (ModuleNotFoundError: No module named 'no_such_module')",
        ),
    ],
)
def test_package_that_cannot_be_imported(install: Install, package: str, files: dict[str, str], words: str) -> None:
    install(package, files)
    with pytest.raises(SsrlError) as caught:
        task_names()
    assert str(caught.value).startswith(words)


def test_suggestion_takes_any_name() -> None:
    assert suggest(3, ["rows", "seed"]) == "known: rows, seed"
    assert suggest("rowz", ["rows", "seed"]) == "did you mean 'rows'?"
    assert suggest(30, [300, "seed"]) == "did you mean '300'?"
