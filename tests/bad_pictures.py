"""Pictures nobody would choose, made from a photograph: each opens as pixels or is rejected for a known reason."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from ssrl_data.core import Pixels
from ssrl_data.rng import Rng

OPENS = ""
WIDTH, HEIGHT = 121, 86
ORIENTATIONS = range(1, 9)
_BOMB_WIDTH, _BOMB_HEIGHT = 20_000, 10_000

# The visual side on which the stored row 0 and the stored column 0 lie (Exif 2.3, table 6, tag 274).
SIDES = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


def photographs() -> Path:
    """The folder of photographs in the scikit-image package."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("scikit-image is needed: install the dev extra")
    return Path(spec.origin).parent / "data"


def photograph() -> Image.Image:
    """A colour photograph, no side of which is like another; its sides are no multiples of 8."""
    return Image.open(photographs() / "coffee.png").convert("RGB").resize((WIDTH, HEIGHT))


def encoded(picture: Image.Image, format: str, **options: object) -> bytes:
    """The file's bytes as Pillow writes them."""
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def oriented(format: str, orientation: int) -> bytes:
    """A picture whose EXIF says how it lies; lossless unless JPEG."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, object] = {"exif": exif.tobytes()}
    if format == "JPEG":
        options |= {"quality": 95, "subsampling": 0}
    if format == "WEBP":
        options |= {"lossless": True}
    return encoded(photograph(), format, **options)


def upright(stored: Pixels, orientation: int) -> Pixels:
    """Stored pixels laid out pixel by pixel as the sides of the standard say."""
    rows, columns = np.indices(stored.shape[:2])
    height, width = stored.shape[:2]
    row_side, column_side = SIDES[orientation]
    place = {
        "top": ("y", rows if row_side == "top" else columns),
        "left": ("x", rows if row_side == "left" else columns),
        "bottom": ("y", height - 1 - rows if row_side == "bottom" else width - 1 - columns),
        "right": ("x", height - 1 - rows if row_side == "right" else width - 1 - columns),
    }
    at = dict(place[side] for side in (row_side, column_side))
    out = np.zeros((height, width, 3) if row_side in ("top", "bottom") else (width, height, 3), np.uint8)
    out[at["y"], at["x"]] = stored
    return out


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG from its compressed rows and further chunks before them."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", head), *extra, (b"IDAT", rows), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def bomb() -> bytes:
    """200 megapixels in a file of about 25 kB."""
    packer = zlib.compressobj(9)
    row = bytes(1 + _BOMB_WIDTH // 8)
    rows = b"".join(packer.compress(row * 100) for _ in range(_BOMB_HEIGHT // 100)) + packer.flush()
    return png(_BOMB_WIDTH, _BOMB_HEIGHT, 1, 0, rows)


def jpeg_bomb() -> bytes:
    """A small JPEG whose header claims 200 megapixels."""
    data = bytearray(encoded(photograph(), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", _BOMB_HEIGHT, _BOMB_WIDTH)
    return bytes(data)


def many_scans() -> bytes:
    """A progressive JPEG that repeats its last scan a thousand times."""
    data = encoded(photograph(), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * 1000 + data[-2:]


def heavy_text() -> bytes:
    """A sound picture with 5 MB of text, compressed to 5 kB."""
    rows = zlib.compress(b"".join(b"\0" + row.tobytes() for row in np.asarray(photograph())))
    return png(WIDTH, HEIGHT, 8, 2, rows, (b"zTXt", b"Comment\0\0" + zlib.compress(b" " * 5_000_000)))


def grey16() -> tuple[bytes, Pixels]:
    """A 16-bit grey PNG over the whole range, and its values rounded to 8 bits."""
    values = np.linspace(0, 65535, WIDTH * HEIGHT).round().astype(np.uint16).reshape(HEIGHT, WIDTH)
    rows = zlib.compress(b"".join(b"\0" + row.astype(">u2").tobytes() for row in values))
    return png(WIDTH, HEIGHT, 16, 0, rows), np.rint(values / 257).astype(np.uint8)


def flipped(data: bytes, start: int, key: str) -> bytes:
    """The file with 64 keyed bytes changed behind `start`."""
    out, rng = bytearray(data), Rng("flipped", key)
    for _ in range(64):
        out[rng.integer(start, len(out) - 3)] ^= rng.integer(1, 255)
    return bytes(out)


def animated(format: str) -> bytes:
    """Two frames."""
    frame = photograph()
    options: dict[str, object] = {"save_all": True, "append_images": [frame.rotate(180)], "duration": 100}
    return encoded(frame, format, **options)


def palette_alpha() -> tuple[bytes, Pixels]:
    """A palette PNG whose left half is transparent, and what is seen over white."""
    picture = photograph().quantize(255)
    seen = np.array(picture.convert("RGB"))
    indices = np.array(picture)
    indices[:, : WIDTH // 2] = 255
    seen[:, : WIDTH // 2] = 255
    paletted = Image.fromarray(indices, "L")
    paletted.putpalette([*(picture.getpalette() or [])[: 255 * 3], 9, 9, 9])
    return encoded(paletted, "PNG", transparency=255), seen


def cases() -> Iterator[tuple[str, bytes, str]]:
    """Name, bytes, and the reason of the reject or `OPENS`."""
    picture = photograph()
    whole = {
        "jpg": encoded(picture, "JPEG"),
        "progressive.jpg": encoded(picture, "JPEG", progressive=True),
        "png": encoded(picture, "PNG"),
        "webp": encoded(picture, "WEBP"),
        "gif": encoded(picture, "GIF"),
    }
    for suffix, data in whole.items():
        for tenth in range(1, 10):
            reason = "corrupt" if suffix == "webp" else "truncated"
            yield f"truncated {tenth}0 %.{suffix}", data[: len(data) * tenth // 10], reason
    for k in range(4):
        jpeg, still = whole["jpg"], whole["png"]
        yield f"flipped {k}.jpg", flipped(jpeg, jpeg.index(b"\xff\xda") + 14, f"jpg {k}"), "corrupt"
        yield f"flipped {k}.png", flipped(still, still.index(b"IDAT") + 4, f"png {k}"), "corrupt"
    yield "zero bytes.jpg", b"", "empty file"
    yield "words.jpg", b"This is not a picture.\n" * 100, "not a picture"
    yield "bomb.png", bomb(), "too many pixels"
    yield "bomb.jpg", jpeg_bomb(), "too many pixels"
    yield "scans.jpg", many_scans(), "too many scans"
    yield "heavy text.png", heavy_text(), "metadata too large"
    yield "animated.gif", animated("GIF"), "animated"
    yield "animated.webp", animated("WEBP"), "animated"
    yield "animated.png", animated("PNG"), "animated"
    yield "pages.tif", animated("TIFF"), "several pages"
    yield "float.tif", encoded(Image.fromarray(np.full((9, 9), 300, np.float32)), "TIFF"), "unknown value range"

    yield "png inside.jpg", whole["png"], OPENS
    yield "jpeg inside.PNG", whole["jpg"], OPENS
    yield "cmyk.jpg", encoded(picture.convert("CMYK"), "JPEG"), OPENS
    yield "grey 16.png", grey16()[0], OPENS
    yield "palette alpha.png", palette_alpha()[0], OPENS
    yield "strip.png", encoded(picture.resize((1, 5000)), "PNG"), OPENS
    yield "one pixel.png", encoded(picture.resize((1, 1)), "PNG"), OPENS
    yield 'it\'s "quoted", `ticked` & $HOME;.jpg', whole["jpg"], OPENS
    yield "Ёж 写真 صورة 📷.jpg", encoded(picture, "JPEG", quality=80), OPENS
    for format, suffix in (("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")):
        for orientation in ORIENTATIONS:
            yield f"orientation {orientation}.{suffix}", oriented(format, orientation), OPENS


def write(folder: Path) -> dict[str, str]:
    """Write all cases below a folder; key to the reason of the reject, or `OPENS`.

    Also a link to nothing and a name that is not UTF-8. Unreadable permissions are left to a test that can give up
    root's rights.
    """
    expected: dict[str, str] = {}
    for name, data, reason in cases():
        (folder / name).write_bytes(data)
        expected[name] = reason
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    expected["gone.png"] = "not found"
    with open(os.path.join(os.fsencode(folder), b"caf\xe9.png"), "wb") as file:
        file.write(encoded(photograph(), "PNG"))
    expected["caf//e9.png"] = OPENS
    return expected
