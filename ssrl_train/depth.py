"""Depth maps for pictures that have none, by a monocular network: a depth corpus that names its maker.

    OUT/corpus.yaml           # written last: what the pictures' own corpus declares, and who made the maps
    OUT/pictures/RULE/KEY     # each picture's file; one turned by EXIF is stored upright
    OUT/depth/RULE/KEY.npy    # its map, float16: metres, or 0 (farthest) to 1 (nearest) where only the order is known
    OUT/depth.json            # the model, and the pictures left out

A `RULE` is a name for what is declared of a picture (licence, attribution, origin, group, facts, camera). Maps are
estimates: `by` and `error` of the rules say whose and how good, and the tasks that are made from them repeat it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from PIL import Image
from transformers import pipeline
from transformers.utils import is_torchvision_available

from ssrl_data.build.commit import file_digest, replace, replace_json
from ssrl_data.core import Json, Pixels, Record, Reject, SsrlError
from ssrl_data.media.depth import Depth, DepthRule
from ssrl_data.media.image import encode
from ssrl_data.row import canonical
from ssrl_data.sources.base import Entry, Source

SIDE = 640
"""Longest side, in pixels, of a picture that a network is shown and of its map. Little above what most work at (384 to
518): the pipeline enlarges their output to the picture by bicubic interpolation, which invents distances at edges."""

HEARTBEAT = 10.0
"""Seconds after which the number of pictures done is said again."""

KINDS = {"dpt": "relative", "zoedepth": "metric", "glpn": "metric", "depth_pro": "metric"}
"""What the numbers of a model family mean where its configuration does not say (`depth_estimation_type`)."""

_ODD = ("", ".", "..")


@dataclass(frozen=True, slots=True)
class Done:
    """What `write_depth` did: the number of maps in the corpus, their maker, and why which pictures have none."""

    maps: int
    by: str
    rejects: dict[str, str]


class Estimator:
    """A monocular depth network behind transformers' depth-estimation pipeline, in float32, one picture at a time.

    One at a time, since the numbers of a batch depend on what else is in it, and a resumed run batches anew.

    Args:
        model: a folder or a name on the hub.
        kind: `relative` (nearer is larger) or `metric` (metres); None: as the model's configuration says.
        revision: branch, tag or commit on the hub.

    Raises:
        SsrlError: no such model, a package that it needs is missing, or nobody says what its numbers mean.
    """

    def __init__(self, model: str, kind: str | None = None, revision: str | None = None) -> None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self._run: Any = pipeline(
                "depth-estimation", model=model, revision=revision, dtype=torch.float32, device=device
            )
        except (OSError, ValueError, KeyError, ImportError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise SsrlError(f"{model}: cannot be loaded as a depth-estimation model: {reason}") from error
        config = self._run.model.config
        if config.model_type == "zoedepth" and not is_torchvision_available():
            # Loads without it, and then fails on the first picture.
            raise SsrlError(f"{model}: ZoeDepth's post-processing needs torchvision: pip install torchvision")
        kind = kind or getattr(config, "depth_estimation_type", None) or KINDS.get(config.model_type)
        if kind not in ("relative", "metric"):
            raise SsrlError(
                f"{model}: kind is {kind!r}: say --kind relative (nearer is larger) or --kind metric (metres)"
            )
        self.kind = kind
        folder = Path(model)
        self.name = folder.resolve().name if folder.is_dir() else model
        self.revision = _weights(folder) if folder.is_dir() else getattr(config, "_commit_hash", None) or revision or ""

    def __call__(self, pixels: Pixels) -> NDArray[np.float16]:
        """The map of a picture, as large as the picture.

        Raises:
            Reject: the network says nothing of it.
        """
        with torch.inference_mode(), np.errstate(invalid="ignore"):  # it also draws the map, by dividing by its range
            found = self._run(Image.fromarray(pixels))["predicted_depth"]
        values: NDArray[np.floating] = np.asarray(found.float().cpu().numpy()).reshape(pixels.shape[:2])
        known = values[np.isfinite(values)]
        if self.kind == "relative" and known.size and known.max() > known.min():
            # Known up to scale and offset alone, so nothing is lost; some networks go beyond float16's range.
            values = (values - known.min()) / (known.max() - known.min())
        with np.errstate(over="ignore"):  # to infinity, which reads as not known
            out = values.astype(np.float16)
        known = out[np.isfinite(out)]
        if not known.size or known.min() == known.max():
            raise Reject("depth the same everywhere")
        return out


def write_depth(
    corpus: Source,
    estimator: Estimator,
    out: Path,
    license: str,
    error: float | None,
    say: Callable[[str], None],
) -> Done:
    """Write the depth corpus of a corpus of pictures, or go on with one; maps and second views there are passed over.

    A map is made again only where it or its picture is missing or the picture's file has changed. The same pictures,
    model and libraries on the same machine give the same bytes.

    Args:
        corpus: the pictures.
        estimator: makes the maps.
        out: the folder of one corpus and one model.
        license: SPDX expression of the model's licence.
        error: relative error of a distance, one standard deviation; a metric model must have one stated.
        say: told how far it is.

    Raises:
        SsrlError: `out` holds maps of another model, the error is missing or out of range, or no picture can be used.
    """
    if error is None and estimator.kind == "metric":
        raise SsrlError(
            f"{estimator.name}: say --error: the relative error of a distance that the model's makers state"
        )
    by = ", ".join(part for part in (f"{estimator.name} {estimator.revision}".strip(), license) if part)
    try:
        rule = DepthRule(kind=estimator.kind, error=error or 0.0, by=by)
    except ValueError as wrong:
        raise SsrlError(f"--{wrong}") from wrong
    made = {"model": estimator.name, "revision": estimator.revision, "kind": estimator.kind, "side": SIDE}
    scratch = out / ".partial"
    shutil.rmtree(scratch, ignore_errors=True)  # of a run that was killed
    scratch.mkdir(parents=True)
    _claim(out / "depth.json", made, scratch)
    rules: dict[str, dict[str, Json]] = {}
    rejects: dict[str, str] = {}
    maps, said = 0, time.monotonic()
    for count, entry in enumerate(corpus.entries()):
        if time.monotonic() - said > HEARTBEAT:
            said = time.monotonic()
            say(f"{count} pictures")
        declared = _declared(entry)
        name = hashlib.sha256(canonical(declared).encode()).hexdigest()[:8]
        try:
            if any(part in _ODD for part in entry.key.split("/")):
                raise Reject("a name that cannot be written")
            # Without what lies beside it: a picture turned by EXIF could not be opened with that.
            record = corpus.open(dataclasses.replace(entry, depth=None, pair=None))
            _write(record, estimator, rule, out, f"{name}/{entry.key}", scratch)
        except Reject as reject:
            rejects[entry.key] = reject.reason
            continue
        maps += 1
        beside = {"file": f"depth/{name}/{{1}}.npy"} | {
            key: value for key, value in dataclasses.asdict(rule).items() if key in ("kind", "by", "error") and value
        }
        rules[name] = {"match": f"pictures/{name}/*", **declared, "depth": beside}
    if not rules:
        raise SsrlError(
            f"no picture can be used: {len(rejects)} left out, {next(iter(rejects.values()), 'none found')}"
        )
    text = yaml.safe_dump(
        {"unlisted": "leave out", "files": [rules[name] for name in sorted(rules)]}, sort_keys=False, allow_unicode=True
    )
    _put(out / "corpus.yaml", text.encode(), scratch)
    replace_json(out / "depth.json", made | {"rejects": rejects}, scratch)
    shutil.rmtree(scratch)
    return Done(maps, by, rejects)


def _claim(path: Path, made: dict[str, Json], scratch: Path) -> None:
    """Note in the folder whose maps it holds.

    Raises:
        SsrlError: another model's.
    """
    if path.exists():
        found = json.loads(path.read_text("utf-8"))
        if {key: found.get(key) for key in made} != made:
            raise SsrlError(
                f"{path}: the folder holds maps by {found.get('model')} {found.get('revision')}: choose another"
            )
    else:
        replace_json(path, made, scratch)


def _write(record: Record, estimator: Estimator, rule: DepthRule, out: Path, name: str, scratch: Path) -> None:
    """Write a picture and its map where they are not there yet, the picture last: where it lies, its map is right.

    Raises:
        Reject: the picture is broken, or the network says nothing of it.
    """
    picture = record.image
    if picture is None:
        raise Reject("no picture")
    width, height = picture.size
    whole = (0, 0, width, height)
    data = encode(picture.view(whole, (width, height))) if picture.turned else picture.data
    to, beside = out / "pictures" / name, out / "depth" / f"{name}.npy"
    if beside.exists() and to.exists() and to.read_bytes() == data:
        return
    shrink = min(1.0, SIDE / max(width, height))
    found = estimator(picture.view(whole, (max(1, round(width * shrink)), max(1, round(height * shrink)))))
    stored = io.BytesIO()
    np.save(stored, found, allow_pickle=False)
    Depth(stored.getvalue(), rule, picture.size).distances  # noqa: B018 (raises what a build would)
    to.unlink(missing_ok=True)
    _put(beside, stored.getvalue(), scratch)
    _put(to, data, scratch)


def _put(path: Path, data: bytes, scratch: Path) -> None:
    def write(file: BinaryIO) -> None:
        file.write(data)

    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, write, scratch, (None, None, None))


def _declared(entry: Entry) -> dict[str, Json]:
    """What the pictures' corpus says of one, as a rule of a corpus.yaml has it."""
    out: dict[str, Json] = {"license": entry.license, "attribution": entry.attribution, "origin": entry.origin}
    out["group"] = "" if entry.group == entry.key else entry.group
    out["facts"] = dict(entry.facts)
    if entry.camera:
        camera = {"focal": entry.camera.focal, "centre": entry.camera.centre and list(entry.camera.centre)}
        out["camera"] = {key: value for key, value in camera.items() if value}
    return {key: value for key, value in out.items() if value}


def _weights(folder: Path) -> str:
    """What tells one state of a model folder from another: a digest of its weights and configuration."""
    files = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin", ".json"))
    return hashlib.sha256(" ".join(map(file_digest, files)).encode()).hexdigest()[:12]
