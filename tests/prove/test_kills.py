"""A hundred kills at random instants, a third of them during a resume: byte-equal each time."""

from __future__ import annotations

from pathlib import Path

import made_clips
import pytest
from command import published
from harness import duration, kill_and_resume

KILLS = 100
CLIP_KILLS = 20


@pytest.mark.prove
def test_kills(photos: Path, tmp_path: Path) -> None:
    seconds = duration(photos, tmp_path / "unbroken")
    whole = published(tmp_path / "unbroken")
    assert kill_and_resume(photos, tmp_path, KILLS, whole, seconds) >= KILLS // 2


@pytest.mark.prove
def test_kills_while_clips_are_decoded(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    made_clips.write_corpus(clips, 12)
    seconds = duration(clips, tmp_path / "unbroken")
    whole = published(tmp_path / "unbroken")
    assert kill_and_resume(clips, tmp_path, CLIP_KILLS, whole, seconds) >= CLIP_KILLS // 2
