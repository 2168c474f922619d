"""Outlines: thin smooth lines around masks, drawn over an image that stays visible."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_FINENESS = 2  # the line is computed on a grid at least this much finer than the picture: its edges come out smooth
_SHADOW_PX = 1.6  # a dark rim on both sides of a line keeps it legible on bright marrow
_SHADOW_OPACITY = 0.45


def draw_outline(
    picture: NDArray[np.float32], mask: NDArray[np.bool_], color_rgb: tuple[int, int, int], width_px: float
) -> None:
    """Draw the border of a mask into a picture, in place.

    Args:
        picture: "h w 3", 0..255.
        mask: The same field of view as the picture, any number of rows and columns.
        color_rgb: Of the line.
        width_px: Of the line, in pixels of the picture.
    """
    height, width = picture.shape[:2]
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return
    fine = [max(2, math.ceil(_FINENESS * size / n)) for size, n in zip((height, width), mask.shape, strict=True)]
    canvas_shape = (mask.shape[0] * fine[0], mask.shape[1] * fine[1])
    part = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    distance = _distance_px(mask[part], fine, (canvas_shape[0] / height, canvas_shape[1] / width))
    where = (rows[0] * fine[0], columns[0] * fine[1])
    for half_width, opacity, color in (
        (width_px / 2 + _SHADOW_PX, _SHADOW_OPACITY, (0, 0, 0)),
        (width_px / 2, 1.0, color_rgb),
    ):
        line = np.asarray((half_width + 0.5 - distance).clip(0, 1) * opacity, dtype=np.float32)
        alpha = _placed(line, where, fine, canvas_shape, (width, height))[..., None]
        picture *= 1 - alpha
        picture += alpha * np.asarray(color, dtype=np.float32)


def _distance_px(mask: NDArray[np.bool_], fine: list[int], fine_per_px: tuple[float, float]) -> NDArray[np.float32]:
    """Distance to the mask's border in picture pixels, near that border, on the fine grid of the mask padded by one.

    The mask, interpolated linearly, crosses one half at its border; how fast it rises there gives the distance.
    """
    from PIL import Image

    padded = np.pad(mask, 1).astype(np.float32)
    size = (padded.shape[1] * fine[1], padded.shape[0] * fine[0])
    field = np.asarray(Image.fromarray(padded).resize(size, Image.Resampling.BILINEAR))
    down, right = np.gradient(field)
    slope = np.hypot(down * fine_per_px[0], right * fine_per_px[1])
    return np.asarray(np.abs(field - 0.5) / np.maximum(slope, 1e-6), dtype=np.float32)


def _placed(
    line: NDArray[np.float32],
    where: tuple[int, int],
    fine: list[int],
    canvas_shape: tuple[int, int],
    size: tuple[int, int],
) -> NDArray[np.float32]:
    """Return the line in the whole field of view, reduced to `size` (width, height)."""
    from PIL import Image

    canvas = np.zeros((canvas_shape[0] + 2 * fine[0], canvas_shape[1] + 2 * fine[1]), dtype=np.float32)
    canvas[where[0] : where[0] + line.shape[0], where[1] : where[1] + line.shape[1]] = line
    inner = np.ascontiguousarray(canvas[fine[0] : -fine[0], fine[1] : -fine[1]])
    return np.asarray(Image.fromarray(inner).resize(size, Image.Resampling.BOX))
