"""Scenes rendered by casting rays: exact depth, exact camera moves, surfaces with the texture of real photographs.

What no small package carries is many RGB-D scenes whose truth is known to the last bit. A scene is a floor, a far wall
and upright boards in between, all pieces of photographs; a camera sees it through a pinhole. Distances are along the
camera's axis, in metres.

`python tests/rendered.py FOLDER 40` writes a corpus: pictures, depth maps, second views, corpus.yaml.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from ssrl_data.core import Pixels, Record
from ssrl_data.media.camera import Camera, Pair
from ssrl_data.media.depth import Depth, DepthRule
from ssrl_data.media.image import Picture
from ssrl_data.rng import Rng
from ssrl_data.row import digest

WIDTH, HEIGHT = 640, 480
FOCAL = 560.0
EYE = 1.5
"""Height of the camera above the floor, in metres."""

MOVES = ((0.2, 0.0, 0.0), (0.0, -0.2, 0.0), (0.0, 0.0, 0.5))
"""Of the second view, by turns: to the right, up, forward."""

TEXTURES = (
    "astronaut.png",
    "coffee.png",
    "chelsea.png",
    "rocket.jpg",
    "hubble_deep_field.jpg",
    "ihc.png",
    "retina.jpg",
)


@dataclass(frozen=True)
class Surface:
    """A textured rectangle: a corner, two edges from it, and what is painted on it."""

    corner: NDArray[np.float64]
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    texture: Pixels


@cache
def texture(name: str) -> Pixels:
    import skimage.data

    picture = Picture((Path(skimage.data.__file__).parent / name).read_bytes())
    return picture.view((0, 0, *picture.size), (384, 384))


def surfaces(number: int) -> list[Surface]:
    """The surfaces of a scene: floor, wall, and five to eight boards from 1.6 to 7 metres away."""
    rng = Rng("scene", number)

    def painted() -> Pixels:
        whole = texture(rng.choice(TEXTURES))
        side = rng.integer(160, 384)
        x, y = rng.integer(0, 384 - side), rng.integer(0, 384 - side)
        return whole[y : y + side, x : x + side]

    def vector(*parts: float) -> NDArray[np.float64]:
        return np.array(parts, np.float64)

    out = [
        Surface(vector(-8, EYE, 1), vector(16, 0, 0), vector(0, 0, 8), painted()),
        Surface(vector(-8, -4.5, 9), vector(16, 0, 0), vector(0, 6, 0), painted()),
    ]
    for _ in range(rng.integer(5, 8)):
        z = rng.uniform(1.6, 7)
        wide, high = rng.uniform(0.25, 0.6) * z**0.7, rng.uniform(0.3, 0.7) * z**0.7
        x, lift = rng.uniform(-0.5, 0.5) * z, rng.uniform(0, 1.2)
        turned = rng.uniform(-0.5, 0.5)
        across = vector(wide * np.cos(turned), 0, wide * np.sin(turned))
        out.append(Surface(vector(x, EYE - lift - high, z) - across / 2, across, vector(0, high, 0), painted()))
    return out


def view(scene: list[Surface], at: tuple[float, float, float]) -> tuple[Pixels, NDArray[np.float32]]:
    """What a camera at a place sees, looking along z: pixels, and distances along its axis (NaN: nothing there)."""
    v, u = np.mgrid[0:HEIGHT, 0:WIDTH]
    rays = np.stack([(u + 0.5 - WIDTH / 2) / FOCAL, (v + 0.5 - HEIGHT / 2) / FOCAL, np.ones_like(u, float)], axis=-1)
    pixels = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    depth = np.full((HEIGHT, WIDTH), np.inf)
    for surface in scene:
        # The ray at * corner + a across + b down = t ray: solved for a, b and t by Cramer's rule.
        normal = np.cross(surface.across, surface.down)
        to = surface.corner - np.array(at)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (to @ normal) / (rays @ normal)
            hit = rays * t[..., None] - to
        a = np.einsum("hwc,c->hw", hit, surface.across) / (surface.across @ surface.across)
        b = np.einsum("hwc,c->hw", hit, surface.down) / (surface.down @ surface.down)
        seen = (t > 0.05) & (t < depth) & (a >= 0) & (a < 1) & (b >= 0) & (b < 1)
        high, wide = surface.texture.shape[:2]
        x, y = np.where(seen, a * wide - 0.5, 0), np.where(seen, b * high - 0.5, 0)
        painted = cv2.remap(
            surface.texture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        pixels[seen], depth[seen] = painted[seen], t[seen]
    depth[~np.isfinite(depth)] = np.nan
    return pixels, depth.astype(np.float32)


@cache
def files(number: int) -> tuple[bytes, bytes, bytes, tuple[float, float, float]]:
    """A scene's picture (PNG), depth map (npy, metres), second view (PNG) and the move between the two."""
    scene, move = surfaces(number), MOVES[number % len(MOVES)]
    pixels, depth = view(scene, (0, 0, 0))
    second, _ = view(scene, move)
    header = b"\x93NUMPY\x01\x00"
    words = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {depth.shape}, }}"
    words = words.ljust(117) + "\n"
    stored = header + len(words).to_bytes(2, "little") + words.encode() + depth.astype("<f4").tobytes()
    return _png(pixels), stored, _png(second), move


def _png(pixels: Pixels) -> bytes:
    return bytes(cv2.imencode(".png", pixels[..., ::-1])[1])


@cache
def record(number: int) -> Record:
    """A scene as a corpus reader would open it."""
    picture, depth, second, move = files(number)
    return Record(
        key=f"scenes/{number:03d}.png",
        group=f"scene {number}",
        source_id=digest(picture),
        license="CC0-1.0",
        image=Picture(picture),
        depth=Depth(depth, DepthRule(), (WIDTH, HEIGHT)),
        camera=Camera(FOCAL, (WIDTH / 2, HEIGHT / 2)),
        pair=Pair(Picture(second), move),
    )


def write_corpus(folder: Path, count: int) -> None:
    """Write scenes 0 to count - 1 as a corpus."""
    rules = []
    for kind in ("color", "depth", "second"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture, depth, second, move = files(number)
        (folder / f"color/{number:03d}.png").write_bytes(picture)
        (folder / f"depth/{number:03d}.npy").write_bytes(depth)
        (folder / f"second/{number:03d}.png").write_bytes(second)
    for turn, move in enumerate(MOVES):
        rules.append(
            {
                "match": [f"color/{number:03d}.png" for number in range(turn, count, len(MOVES))],
                "license": "CC0-1.0",
                "depth": {"file": "depth/{stem}.npy"},
                "camera": {"focal": FOCAL, "centre": [WIDTH / 2, HEIGHT / 2]},
                "pair": {"file": "second/{stem}.png", "move": list(move)},
            }
        )
    (folder / "corpus.yaml").write_text(yaml.safe_dump({"files": [rule for rule in rules if rule["match"]]}))


if __name__ == "__main__":
    write_corpus(Path(sys.argv[1]), int(sys.argv[2]))
