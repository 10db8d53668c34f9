"""Frames altered one at a time: every function takes a frame, height x width x 3, and returns a new one of its size."""

from __future__ import annotations

import cv2
import numpy as np

from ssrl_data.core import Pixels
from ssrl_data.rng import Rng

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_SPREAD = 6.52  # standard deviation of the sum of the two halves of a random byte


def greyscale(frame: Pixels) -> Pixels:
    """Without colour."""
    return cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB).astype(np.uint8)


def inverted(frame: Pixels) -> Pixels:
    """The negative."""
    return ~frame


def channels_swapped(frame: Pixels) -> Pixels:
    """Red and blue exchanged."""
    return np.ascontiguousarray(frame[:, :, ::-1])


def turned(frame: Pixels, quarters: int) -> Pixels:
    """Turned clockwise by quarters; a frame that is no square keeps its size by half turns alone.

    Raises:
        ValueError: the size would change.
    """
    if quarters % 2 and frame.shape[0] != frame.shape[1]:
        raise ValueError(f"a frame of {frame.shape[1]} x {frame.shape[0]} cannot be turned by a quarter")
    return np.ascontiguousarray(np.rot90(frame, -quarters))


def mirrored(frame: Pixels) -> Pixels:
    """Left and right exchanged."""
    return np.ascontiguousarray(frame[:, ::-1])


def halves_swapped(frame: Pixels) -> Pixels:
    """The left half in the right one's place and the right one in its; the width is even."""
    return np.roll(frame, frame.shape[1] // 2, axis=1)


def blurred(frame: Pixels, sigma: float) -> Pixels:
    """Blurred by a Gaussian of so many pixels."""
    return cv2.GaussianBlur(frame, (0, 0), sigma).astype(np.uint8)


def saturated(frame: Pixels, factor: float) -> Pixels:
    """Every colour so many times as far from grey of its brightness."""
    grey = (frame @ _LUMA)[:, :, None]
    return np.clip(grey + factor * (frame - grey) + 0.5, 0, 255).astype(np.uint8)


def noisy(frame: Pixels, sigma: float, rng: Rng) -> Pixels:
    """With noise of so many grey levels added to every value; triangular, from one random byte a value."""
    byte = np.frombuffer(rng.bytes(frame.size), np.uint8).reshape(frame.shape)
    noise = ((byte >> 4) + (byte & 15)).astype(np.float32) - 15
    return np.clip(frame + noise * (sigma / _SPREAD) + 0.5, 0, 255).astype(np.uint8)


def bordered(frame: Pixels, size: tuple[int, int]) -> Pixels:
    """A small frame in the middle of a black one of the size given (width and height)."""
    width, height = size
    out = np.zeros((height, width, 3), np.uint8)
    y, x = (height - frame.shape[0]) // 2, (width - frame.shape[1]) // 2
    out[y : y + frame.shape[0], x : x + frame.shape[1]] = frame
    return out
