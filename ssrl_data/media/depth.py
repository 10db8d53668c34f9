"""Depth maps: opened safely, turned into distances, seen through the same boxes as the picture they belong to.

Read are PNG, TIFF and PFM (Pillow), npy and npz (numpy), HDF5 (h5py) and OpenEXR; content decides which, never a file's
name. Nothing is interpolated: across an edge that would invent a surface.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ssrl_data.core import Reject
from ssrl_data.media.image import Box
from ssrl_data.media.opening import MAX_PIXELS

Distances: TypeAlias = "NDArray[np.float32]"
Indices: TypeAlias = "NDArray[np.int64]"

KINDS = ("metric", "disparity", "relative")
TAILS = (0.5, 99.5)
"""Percentiles of a relative map that become 0 and 1, as in Spatial-SSRL: beyond lie a network's outliers."""

_MODES = ("L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_OURS = (MemoryError, ImportError)


@dataclass(frozen=True, slots=True)
class DepthRule:
    """What a corpus declares of a depth file's numbers.

    Attributes:
        kind: `metric` (distance along the camera's axis), `disparity` (of a rectified stereo pair: nearer is larger)
            or `relative` (only the order is known: nearer is larger, as most monocular networks have it).
        scale: what a unit of the file is worth: metres (0.001 for millimetres), or pixels of the picture. Negative for
            a relative map in which farther is larger.
        offset: added to the scaled disparity: the two principal points' distance in pixels.
        invalid: values in the file that mean "not known"; so do NaN, infinity and what gives no positive distance.
        error: one standard deviation of a distance, where the maker of the map states one: relative to the distance,
            or, of a relative map, in its range of 0 to 1.
        dataset: which array of an npz or HDF5 file, or which channel of an OpenEXR file; by default the only one.
        by: what made the map when it was not measured: a model and its licence.
    """

    kind: str = "metric"
    scale: float = 1.0
    offset: float = 0.0
    invalid: tuple[float, ...] = ()
    error: float = 0.0
    dataset: str = ""
    by: str = ""

    def __post_init__(self) -> None:
        """Check ranges."""
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}: it must be one of {', '.join(KINDS)}")
        if not np.isfinite(self.scale) or self.scale == 0 or (self.scale < 0 and self.kind != "relative"):
            raise ValueError(f"scale is {self.scale:g}: it must be above 0, or below it for a relative map")
        if not np.isfinite(self.offset) or (self.offset and self.kind != "disparity"):
            raise ValueError(f"offset is {self.offset:g}: it goes with kind disparity alone")
        if not 0 <= self.error < 1:
            raise ValueError(f"error is {self.error:g}: it must lie in [0, 1)")


class Depth:
    """The depth map of a picture, in a file's bytes; read when it is first looked at.

    Args:
        data: the whole file.
        rule: what its numbers mean.
        size: width and height of the picture it belongs to, in pixels. The map may be coarser or finer.
    """

    __slots__ = ("_data", "_map", "rule", "size")

    def __init__(self, data: bytes, rule: DepthRule, size: tuple[int, int]) -> None:
        self._data = data
        self._map: Distances | None = None
        self.rule = rule
        self.size = size

    @property
    def measured(self) -> bool:
        """Whether distances are known up to one common factor, so that their ratios mean something."""
        return self.rule.kind != "relative"

    @property
    def distances(self) -> Distances:
        """The whole map, height x width at its own resolution, larger is farther, NaN where nothing is known.

        Metres for a metric map; the inverse of a disparity (true up to a factor); 0 (nearest) to 1 (farthest) between
        the `TAILS` of a relative map, which is also clipped to that.

        Raises:
            Reject: the file is broken, or no map of the picture's shape.
        """
        if self._map is None:
            self._map = self._read()
        return self._map

    def view(self, box: Box, size: tuple[int, int]) -> tuple[Distances, Distances]:
        """The nearest and the farthest distance behind each pixel of a view.

        Of every value of the map that a pixel of the view covers, however little of it; NaN where one of them is not
        known. So what is flat, valid and apart in the view is so in the map.

        Args:
            box: x0, y0, x1, y1 in pixels of the picture, half-open, inside it.
            size: width and height of the view in pixels.

        Returns:
            Two arrays of height x width.

        Raises:
            Reject: as in `distances`.
            ValueError: the box is empty or not inside the picture.
        """
        x0, y0, x1, y1 = box
        if not (0 <= x0 < x1 <= self.size[0] and 0 <= y0 < y1 <= self.size[1]):
            raise ValueError(f"box {box} is empty or not inside a picture of {self.size[0]} x {self.size[1]} pixels")
        whole = self.distances
        columns = _covered(x0, x1, size[0], whole.shape[1] / self.size[0], whole.shape[1])
        rows = _covered(y0, y1, size[1], whole.shape[0] / self.size[1], whole.shape[0])
        left = int(columns[0][0])
        reached = whole[:, left : int(columns[1][-1]) + 1]
        columns = (columns[0] - left, columns[1] - left)
        nearest, farthest = (
            _reduced(least, _reduced(least, reached, *rows), *columns) for least in (np.minimum, np.maximum)
        )
        return nearest, farthest

    def _read(self) -> Distances:
        rule = self.rule
        raw = _array(self._data, rule.dataset)
        if raw.ndim != 2 or not raw.size or raw.dtype.kind not in "uif":
            raise Reject("depth is no map of one number a pixel")
        height, width = raw.shape
        if abs(width * self.size[1] - height * self.size[0]) > max(*self.size, width, height):
            raise Reject("depth of another shape than its picture")
        unknown = np.isin(raw, rule.invalid) | ~np.isfinite(raw)
        values = raw.astype(np.float32) * np.float32(rule.scale)
        np.copyto(values, np.nan, where=unknown)
        if rule.kind == "relative":
            known = values[~unknown]
            if not known.size:
                raise Reject("depth known nowhere")
            low, high = np.percentile(known, TAILS)
            if not high > low:
                raise Reject("depth the same everywhere")
            return np.asarray(1 - np.clip((values - low) / (high - low), 0, 1), np.float32)
        values += np.float32(rule.offset)
        with np.errstate(invalid="ignore"):
            np.copyto(values, np.nan, where=~(values > 0))
        if np.isnan(values).all():
            raise Reject("depth known nowhere")
        return values if rule.kind == "metric" else np.asarray(1 / values, np.float32)


def _covered(low: int, high: int, count: int, scale: float, limit: int) -> tuple[Indices, Indices]:
    """First and last value behind each of `count` equal parts; neighbours may share one."""
    edges = np.linspace(low * scale, high * scale, count + 1)
    first = np.minimum(np.floor(edges[:-1] + 1e-6), limit - 1)
    last = np.clip(np.ceil(edges[1:] - 1e-6) - 1, first, limit - 1)
    return first.astype(np.int64), last.astype(np.int64)


def _reduced(least: Callable[..., Distances], values: Distances, first: Indices, last: Indices) -> Distances:
    """`np.minimum` or `np.maximum` over rows first to last, for each pair, transposed; both keep NaN.

    Row by row of the result rather than by `reduceat`, which takes ten times as long along the first axis.
    """
    out = values[first]
    for step in range(1, int((last - first).max()) + 1):
        out = least(out, values[np.minimum(first + step, last)])
    return np.asarray(cv2.transpose(out), np.float32)


def _array(data: bytes, name: str) -> NDArray[Any]:
    """The numbers in a file, as they are.

    Raises:
        Reject: not a depth file, a broken one, or one beyond the limits.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if data.startswith(b"\x93NUMPY"):
                return _npy(data)
            if data.startswith(b"PK"):
                return _npz(data, name)
            if data.startswith(b"\x89HDF"):
                return _hdf5(data, name)
            if data.startswith(b"v/1\x01"):
                return _exr(data, name)
            return _picture(data)
    except (*_OURS, Reject):
        raise
    except Exception as error:  # readers fed with hostile bytes raise nearly anything
        raise Reject("depth corrupt") from error


def _npy(data: bytes) -> NDArray[Any]:
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, _ = read(file)
    _bounded(shape)
    found: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    return found


def _npz(data: bytes, name: str) -> NDArray[Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        inside = archive.getinfo(_named([item.removesuffix(".npy") for item in archive.namelist()], name) + ".npy")
        if inside.file_size > 8 * MAX_PIXELS:
            raise Reject("too many pixels")
        return _npy(archive.read(inside))


def _hdf5(data: bytes, name: str) -> NDArray[Any]:
    import h5py

    with h5py.File(io.BytesIO(data), "r") as file:
        names = [key for key in file if isinstance(file[key], h5py.Dataset)]
        found = file[name] if name else file[_named(names, name)]
        _bounded(found.shape)
        return np.asarray(found[()])


def _exr(data: bytes, name: str) -> NDArray[Any]:
    import OpenEXR

    file = OpenEXR.File(io.BytesIO(data), separate_channels=True, header_only=True)
    low, high = file.header()["dataWindow"]
    _bounded([int(high[1]) - int(low[1]) + 1, int(high[0]) - int(low[0]) + 1])
    channels = OpenEXR.File(io.BytesIO(data), separate_channels=True).channels()
    return np.asarray(channels[_named(list(channels), name)].pixels)


def _picture(data: bytes) -> NDArray[Any]:
    picture = Image.open(io.BytesIO(data), formats=("PNG", "TIFF", "PPM"))
    if picture.width * picture.height > MAX_PIXELS:
        raise Reject("too many pixels")
    if picture.mode not in _MODES:
        raise Reject("depth is no map of one number a pixel")
    return np.asarray(picture)


def _named(names: list[str], name: str) -> str:
    """The array asked for, or the only one."""
    if name in names:
        return name
    if name or len(names) != 1:
        raise Reject("depth array not found: name one as dataset")
    return names[0]


def _bounded(shape: Any) -> None:
    if int(np.prod(shape, dtype=np.float64)) > MAX_PIXELS:
        raise Reject("too many pixels")
