"""The installed command as a user runs it, and what it left."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def ssrl(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command in a process group of its own."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "ssrl"), *map(str, arguments)],
        capture_output=True,
        text=True,
        start_new_session=True,
        env=os.environ | environment,
        check=False,
        cwd=ROOT,
    )


def published(folder: Path) -> dict[str, str]:
    """Relative path to content hash of all that a dataset publishes."""
    return {
        str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".ssrl" not in path.parts
    }
