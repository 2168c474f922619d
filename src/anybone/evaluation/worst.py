"""The worst case as a picture: truth and answer outlined on the slice where they differ most."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anybone.core.atomic import whole_file
from anybone.core.orientation import upright
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.export.outline import draw_outline
from anybone.export.slice_picture import gray_window

TRUTH_RGB, FOUND_RGB = (0, 158, 115), (213, 94, 0)  # Okabe and Ito
_LONG_PX, _LINE_PX = 420, 1.8


@dataclass(frozen=True)
class Worst:
    """A case with what was found in it.

    Attributes:
        dsc: Its Dice.
        volume: The image.
        truth: Its bones.
        found: Those that were found, on the same grid.
    """

    dsc: float
    volume: Volume
    truth: Segmentation
    found: Segmentation


def draw_worst(worst: Worst, path: Path, ignore_label: int) -> None:
    """Write a picture: reference in green, prediction in orange.

    Raises:
        WriteError: The system refuses.
    """
    from PIL import Image

    view = upright(worst.volume.geometry, worst.volume.geometry.slice_axis)
    known = worst.truth.labels != ignore_label
    truth, found = worst.truth.mask & known, worst.found.mask & known
    wrong = (truth ^ found).sum(axis=tuple(a for a in range(3) if a != view.axis))
    index = int(wrong.argmax())
    low, high = gray_window(worst.volume.data)
    gray = ((view.picture(worst.volume.data, index) - low) / (high - low)).clip(0, 1).astype(np.float32)
    height_mm, width_mm = gray.shape[0] * view.pixel_mm[0], gray.shape[1] * view.pixel_mm[1]
    scale = _LONG_PX / max(height_mm, width_mm)
    size = (max(1, round(width_mm * scale)), max(1, round(height_mm * scale)))
    enlarged = np.asarray(Image.fromarray(np.ascontiguousarray(gray)).resize(size, Image.Resampling.BICUBIC))
    picture = np.repeat(enlarged.clip(0, 1)[..., None] * 255, 3, axis=2)
    for mask, color in ((truth, TRUTH_RGB), (found, FOUND_RGB)):
        draw_outline(picture, view.picture(mask, index), color, _LINE_PX)
    with whole_file(path, ".png") as part:
        Image.fromarray(picture.round().clip(0, 255).astype(np.uint8)).save(part, optimize=True)
