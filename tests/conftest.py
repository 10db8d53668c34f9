"""What tests share: real photographs, and a way to run the command as a user does."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

ROOT = Path(__file__).parents[1]
PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "ihc.png", "retina.jpg")


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six photographs of scikit-image and two of scikit-learn."""
    import skimage.data
    import sklearn.datasets

    folder = tmp_path_factory.mktemp("photos")
    for name in PHOTOS:
        shutil.copy(Path(skimage.data.__file__).parent / name, folder)
    for name in ("china.jpg", "flower.jpg"):
        shutil.copy(Path(sklearn.datasets.__file__).parent / "images" / name, folder)
    return folder


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
