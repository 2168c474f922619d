"""One slice as a picture: gray, with its bones outlined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anybone.core.orientation import Upright, upright
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.export.outline import draw_outline

if TYPE_CHECKING:
    from PIL import Image

_LINE_PX = 1.8
_WINDOW_PERCENTILES = (1.0, 99.0)  # the few brightest voxels (vessels, coil) would darken everything else
_WINDOW_SAMPLES = 2_000_000


def gray_window(data: NDArray[np.float32]) -> tuple[float, float]:
    """Return the values displayed as black and as white."""
    samples = data.ravel()[:: max(1, data.size // _WINDOW_SAMPLES)]
    low, high = np.percentile(samples, _WINDOW_PERCENTILES)
    if high <= low:  # a volume that is empty but for a little: show that little
        low, high = float(data.min()), float(data.max())
    return float(low), float(max(high, low + 1e-6))


def draw_slice(
    volume: Volume,
    segmentation: Segmentation,
    view: Upright,
    index: int,
    window: tuple[float, float],
    size: tuple[int, int],
) -> Image.Image:
    """Slice `index` of a volume, upright, bones outlined.

    Args:
        volume: What is shown.
        segmentation: On the same grid.
        view: How its slices are turned.
        index: Along the view's axis.
        window: From `gray_window`.
        size: Of the picture: width, height in pixels.
    """
    from PIL import Image

    low, high = window
    gray = ((view.picture(volume.data, index) - low) / (high - low)).clip(0, 1).astype(np.float32)
    gray = np.asarray(Image.fromarray(np.ascontiguousarray(gray)).resize(size, Image.Resampling.BICUBIC))
    picture = np.repeat(gray.clip(0, 1)[..., None] * 255, 3, axis=2)
    labels = view.picture(segmentation.labels, index)
    for label in np.unique(labels[labels > 0]).tolist():
        draw_outline(picture, labels == label, segmentation.color(label), _LINE_PX)
    return Image.fromarray(picture.round().clip(0, 255).astype(np.uint8))


def thumbnail(volume: Volume, segmentation: Segmentation, width: int) -> Image.Image:
    """Return a picture of the acquired slice with most bone, in true proportions, at most `width` pixels wide."""
    view = upright(volume.geometry, volume.geometry.slice_axis)
    bone = segmentation.mask.sum(axis=tuple(a for a in range(3) if a != view.axis))
    index = int(bone.argmax()) if bone.any() else len(bone) // 2
    rows, columns = view.picture(volume.data, index).shape
    height_mm, width_mm = rows * view.pixel_mm[0], columns * view.pixel_mm[1]
    scale = width / max(height_mm, width_mm)
    size = (max(1, round(width_mm * scale)), max(1, round(height_mm * scale)))
    return draw_slice(volume, segmentation, view, index, gray_window(volume.data), size)
