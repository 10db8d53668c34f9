from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image


@pytest.fixture(scope="session")
def pieces(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """128 squares of the photographs, so many that a build of them has many shards."""
    folder = tmp_path_factory.mktemp("pieces")
    for file in sorted(photos.iterdir()):
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
        for i in range(16):
            x, y = (picture.width - 96) * (i % 4) // 3, (picture.height - 96) * (i // 4) // 3
            picture.crop((x, y, x + 96, y + 96)).save(folder / f"{file.stem}-{i}.png")
    return folder
