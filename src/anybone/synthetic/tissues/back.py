"""Muscles behind the spine: two columns from the spinous processes outwards, in layers, with fat where they age."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.field import Array, Field, Mask
from anybone.synthetic.tissues.muscles import marbling

SEPTA, SEPTUM_SLOPE = (0.2, 0.6), (0.25, 0.6)  # of the breadth of a column, between its muscles; outwards, to the back
SEPTUM_MM = (0.3, 1.3)  # half of the fat between them
MIDLINE_MM = (1.0, 2.5)  # half of what lies between the spinous processes
INTERSPINOUS_MM = 7.0  # from bone, to where that is ligament
FATTY, FATTY_MM = (0.0, 2.2), 14.0  # more fat close to bone, in deviations of noise; how far that reaches
COVER_MM, COVER_LINE_MM = (4.0, 9.0), (0.3, 0.8)  # the sheet of muscle over all, and half of the fat beneath it


@dataclass(frozen=True)
class Back:
    """Width of a column of muscle on either side in mm, and whether a sheet covers it."""

    half_mm: float
    sheet: bool


BACKS = {
    "lumbar-spine": Back(62.0, sheet=False),
    "sacroiliac-joints": Back(52.0, sheet=False),
    "thoracic-spine": Back(48.0, sheet=True),
    "chest": Back(48.0, sheet=True),
    "neck": Back(38.0, sheet=True),
    "skull-base": Back(36.0, sheet=True),
}


def fill_back(
    field: Field, region: str, x: Array, y: Array, surface_mm: Array, tissue: NDArray[np.uint8], free: Mask
) -> None:
    """Write the muscles behind the spine into `tissue`.

    Args:
        field: Where.
        region: A key of `REGIONS`; those without a spine have no back.
        x: mm to the right of the spinal canal.
        y: mm to its front.
        surface_mm: Distance to where soft tissue ends, negative within.
        tissue: Label map of tissues, modified in place.
        free: Beside the length of the spine.
    """
    back, rng = BACKS.get(region), field.rng
    if back is None:
        return
    half = back.half_mm * rng.uniform(0.85, 1.15)
    sideways = np.abs(x) + 2.5 * field.noise(30)
    behind = free & ~field.inside & (y < 0) & (sideways < half) & (surface_mm < -1.0)
    tissue[behind] = Tissue.MUSCLE
    thin = rng.uniform(*SEPTUM_MM) * np.clip(1 + 0.7 * field.noise(20), 0.1, None)
    oblique = sideways + rng.uniform(*SEPTUM_SLOPE) * y + 3.5 * field.noise(22)
    for share in SEPTA:
        tissue[behind & (np.abs(oblique - share * half) < thin)] = Tissue.FAT
    tissue[behind & (sideways > half - 2 * thin)] = Tissue.FAT
    tissue[behind & marbling(field, rng.uniform(*FATTY) * np.exp(-field.away_mm / FATTY_MM))] = Tissue.FAT
    if back.sheet:
        below = surface_mm + rng.uniform(*COVER_MM)
        tissue[behind & (np.abs(below) < rng.uniform(*COVER_LINE_MM))] = Tissue.FAT
    middle = behind & (np.abs(x) < rng.uniform(*MIDLINE_MM))
    tissue[middle] = np.where(field.away_mm < INTERSPINOUS_MM, Tissue.LIGAMENT, Tissue.FAT)[middle]
