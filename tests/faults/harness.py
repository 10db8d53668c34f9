"""Builds that are killed for real, and the one they must end equal to."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from command import ROOT, published

from ssrl_data.rng import Rng

SSRL = str(Path(sys.executable).parent / "ssrl")


def command(corpus: Path, out: Path, workers: int = 2) -> list[str]:
    """A build of small rows: of clips or of texts where the corpus holds some, else of pictures."""
    asked = ["image/tile_anomaly", "image/jigsaw", "-p", "side=64", "--rows", "120"]
    if any(corpus.glob("*.mp4")):
        asked = ["video/count", "video/jigsaw", "-p", "pixels=9216", "--rows", "48"]
    if any(corpus.glob("*.md")):
        asked = ["text/masked_span", "text/degradation_order", "text/masked_steps", "--rows", "60"]
    return [
        SSRL, "build", *asked, "--source", str(corpus), "--out", str(out),
        "--level", "easy", "--split", "test=0.3", "--workers", str(workers),
    ]  # fmt: skip


def start(photos: Path, out: Path, workers: int = 2, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(photos, out, workers),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | environment,
        cwd=ROOT,
    )


def finish(photos: Path, out: Path, **environment: str) -> None:
    process = start(photos, out, **environment)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors


def kill_after(process: subprocess.Popen[str], seconds: float) -> bool:
    """Kill the build with all its workers after a while; false when it had ended by then."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    process.communicate()
    return False


def kill_and_resume(photos: Path, folder: Path, instants: int, whole: dict[str, str], seconds: float) -> int:
    """Builds killed at `instants` keyed random instants of an unbroken build's `seconds`, each resumed and compared.

    Every third one is killed again while it resumes. Returns how many builds were really killed.
    """
    rng = Rng("instants", instants)
    killed = 0
    for i in range(instants):
        out = folder / f"{i}"
        killed += kill_after(start(photos, out), rng.uniform(0.25, 1.0) * seconds)
        assert_no_partial_file(out, whole)
        if i % 3 == 2:
            kill_after(start(photos, out), rng.uniform(0.25, 1.0) * seconds)
            assert_no_partial_file(out, whole)
        finish(photos, out)
        assert_whole(out, whole)
        shutil.rmtree(out)
    return killed


def duration(photos: Path, out: Path) -> float:
    """Wall seconds of one unbroken build."""
    started = time.monotonic()
    finish(photos, out)
    return time.monotonic() - started


def assert_whole(out: Path, reference: dict[str, str]) -> None:
    """Nothing lost, nothing twice, nothing partial: byte-equal to the unbroken build."""
    assert published(out) == reference
    assert not (out / ".ssrl" / "tmp").exists()


def assert_no_partial_file(out: Path, reference: dict[str, str]) -> None:
    """Whatever stands under a final name is whole, at any instant."""
    for name, digest in published(out).items():
        assert reference[name] == digest, name
