"""Depth maps: every format, what their numbers mean, views that miss nothing, and files that are none."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import h5py
import numpy as np
import OpenEXR
import pytest
from made_rows import motorcycle
from PIL import Image

from ssrl_data.core import Reject
from ssrl_data.media.depth import Depth, DepthRule

METRES = (np.arange(60, dtype=np.float32).reshape(6, 10) + 1) / 8


def npy(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def png(values: np.ndarray) -> bytes:
    return bytes(cv2.imencode(".png", values)[1])


def tiff(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF")
    return file.getvalue()


def pfm(values: np.ndarray) -> bytes:
    return f"Pf\n{values.shape[1]} {values.shape[0]}\n-1.0\n".encode() + values[::-1].astype("<f4").tobytes()


def hdf5(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    with h5py.File(file, "w") as inside:
        for name, values in arrays.items():
            inside[name] = values
    return file.getvalue()


def exr(tmp_path: object, **channels: np.ndarray) -> bytes:
    path = f"{tmp_path}/map.exr"
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(header, channels).write(path)
    with open(path, "rb") as file:
        return file.read()


def depth(data: bytes, rule: DepthRule | None = None, size: tuple[int, int] = (10, 6)) -> Depth:
    return Depth(data, rule or DepthRule(), size)


FORMATS: dict[str, Callable[[], bytes]] = {
    "npy": lambda: npy(METRES),
    "npz": lambda: npz(depth=METRES),
    "hdf5": lambda: hdf5(depth=METRES),
    "tiff": lambda: tiff(METRES),
    "pfm": lambda: pfm(METRES),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_holds_the_same_map(name: str) -> None:
    np.testing.assert_array_equal(depth(FORMATS[name]()).distances, METRES)


def test_openexr_holds_the_same_map_in_the_channel_named(tmp_path: object) -> None:
    np.testing.assert_array_equal(depth(exr(tmp_path, Z=METRES)).distances, METRES)
    two = exr(tmp_path, Z=METRES, Y=METRES * 0)
    np.testing.assert_array_equal(depth(two, DepthRule(dataset="Z")).distances, METRES)


def test_sixteen_bits_are_scaled_and_zero_is_not_known_distance() -> None:
    stored = (METRES * 1000).astype(np.uint16)
    stored[2, 3] = 0
    found = depth(png(stored), DepthRule(scale=0.001)).distances
    assert np.isnan(found[2, 3])
    assert np.isnan(found).sum() == 1
    np.testing.assert_allclose(found[0], METRES[0], rtol=1e-6)


def test_values_that_mean_not_known_are_matched_before_scaling() -> None:
    stored = METRES.copy()
    stored[0, :4] = (7.5, np.inf, np.nan, -1)
    found = depth(npy(stored), DepthRule(scale=2, invalid=(7.5,))).distances
    assert np.isnan(found[0, :4]).all()
    # The map holds a second 7.5, which means nothing either.
    assert np.isnan(found).sum() == 4 + (METRES == 7.5).sum()


def test_disparity_turns_over_and_takes_its_offset() -> None:
    stored = np.array([[10.0, 20.0, 0.0]], np.float32)
    found = depth(npy(stored), DepthRule("disparity", invalid=(0.0,)), (3, 1)).distances
    assert found[0, 0] / found[0, 1] == pytest.approx(2)
    assert np.isnan(found[0, 2])
    found = depth(npy(stored), DepthRule("disparity", offset=10.0), (3, 1)).distances
    assert found[0, 0] / found[0, 1] == pytest.approx(1.5)
    assert found[0, 2] == pytest.approx(0.1)  # with the offset, none is far and known


def test_measured_disparity_gives_the_distances_that_its_makers_state() -> None:
    known = motorcycle().depth
    assert known is not None
    metres = known.distances * 994.978 * 0.193001
    assert np.nanmin(metres) == pytest.approx(2.11, abs=0.01)
    assert np.nanmax(metres) == pytest.approx(5.02, abs=0.01)
    assert known.measured


def test_a_relative_map_is_nearest_at_its_largest_unless_scaled_down() -> None:
    found = depth(npy(METRES), DepthRule("relative"))
    assert not found.measured
    assert found.distances[0, 0] == 1
    assert found.distances[-1, -1] == 0
    assert (np.diff(found.distances.ravel()) <= 0).all()
    np.testing.assert_allclose(
        depth(npy(METRES), DepthRule("relative", scale=-3)).distances, 1 - found.distances, atol=1e-6
    )


@pytest.mark.parametrize(("wide", "high"), [(640, 480), (320, 240), (1280, 960), (333, 250)])
def test_a_view_bounds_every_value_that_its_pixels_cover(wide: int, high: int) -> None:
    """Against a plain loop, at map resolutions finer and coarser than the picture's."""
    values = np.random.default_rng(0).uniform(1, 9, (high, wide)).astype(np.float32)
    values[high // 3, wide // 3] = np.nan
    box, size = (13, 7, 613, 407), (30, 20)
    nearest, farthest = Depth(npy(values), DepthRule(), (640, 480)).view(box, size)
    assert nearest.shape == farthest.shape == (20, 30)
    for row in range(20):
        for column in range(30):
            x = [(box[0] + 20 * c) * wide / 640 for c in (column, column + 1)]
            y = [(box[1] + 20 * r) * high / 480 for r in (row, row + 1)]
            covered = values[
                int(np.floor(y[0])) : int(np.ceil(round(y[1], 6))), int(np.floor(x[0])) : int(np.ceil(round(x[1], 6)))
            ]
            np.testing.assert_array_equal(nearest[row, column], covered.min())
            np.testing.assert_array_equal(farthest[row, column], covered.max())
    assert np.isnan(nearest).any()


def test_a_box_outside_the_picture_is_an_error() -> None:
    with pytest.raises(ValueError, match="not inside a picture of 10 x 6"):
        depth(npy(METRES)).view((0, 0, 11, 6), (4, 4))


NONE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "depth corrupt"),
    "text": (lambda: b"not a map", "depth corrupt"),
    "cut npy": (lambda: npy(METRES)[:-9], "depth corrupt"),
    "cut npz": (lambda: npz(depth=METRES)[:-30], "depth corrupt"),
    "cut hdf5": (lambda: hdf5(depth=METRES)[:300], "depth corrupt"),
    "cut png": (lambda: png(np.random.default_rng(0).integers(0, 9999, (90, 90), np.uint16))[:400], "depth corrupt"),
    "exr magic": (lambda: b"v/1\x01" + bytes(200), "depth corrupt"),
    "pickle": (lambda: npy(np.array([[{}, None]], object)), "depth corrupt"),
    "colours": (lambda: png(np.zeros((6, 10, 3), np.uint8)), "depth is no map"),
    "three axes": (lambda: npy(np.ones((6, 10, 1), np.float32)), "depth is no map"),
    "complex": (lambda: npy(np.ones((6, 10), np.complex64)), "depth is no map"),
    "another shape": (lambda: npy(np.ones((10, 6), np.float32)), "depth of another shape"),
    "nothing known": (lambda: npy(np.zeros((6, 10), np.float32)), "depth known nowhere"),
    "two arrays": (lambda: npz(a=METRES, b=METRES), "depth array not found"),
    "two datasets": (lambda: hdf5(a=METRES, b=METRES), "depth array not found"),
    "huge header": (
        lambda: npy(METRES)[:10] + npy(METRES)[10:128].replace(b"(6, 10)", b"(60000, 10000)")[:118] + bytes(60),
        "too many pixels",
    ),
}


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_map_is_rejected_in_fixed_words(name: str) -> None:
    data, reason = NONE[name]
    with pytest.raises(Reject, match=reason):
        _ = depth(data()).distances


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "inverse"}, "kind is 'inverse': it must be one of metric, disparity, relative"),
        ({"scale": 0.0}, "scale is 0"),
        ({"scale": -1.0}, "scale is -1"),
        ({"scale": float("nan")}, "scale is nan"),
        ({"offset": 3.0}, "offset is 3: it goes with kind disparity"),
        ({"error": 1.5}, "error is 1.5"),
    ],
)
def test_rules_out_of_range_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DepthRule(**fields)  # type: ignore[arg-type]


def test_the_size_is_known_before_anything_is_unpacked(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    files = [build() for build in FORMATS.values()] + [exr(tmp_path, Z=METRES)]
    monkeypatch.setattr("ssrl_data.media.depth.MAX_PIXELS", 40)
    for data in files:
        with pytest.raises(Reject, match="too many pixels"):
            _ = depth(data).distances
