"""How a camera saw a scene, and a second view of it; declared by the corpus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssrl_data.media.image import Picture

Vector = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera, in pixels of the picture as it is shown (orientation applied).

    Attributes:
        focal: focal length; None when it is not known.
        centre: principal point, x and y; None when it is not known, and then taken to be the picture's centre.
    """

    focal: float | None = None
    centre: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A second view of the record's scene.

    Attributes:
        image: the second view, as large as the first.
        move: from the first camera's place to the second's, along the first camera's axes (right, down, forward), in
            any unit; (1, 0, 0) for the right eye of a stereo pair beside the left one.
    """

    image: Picture
    move: Vector
