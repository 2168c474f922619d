"""Tissues in front of a lumbar spine: abdominal wall, organs, and the great vessels with their bifurcation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.abdomen import fill_abdomen
from anybone.synthetic.tissues.field import Array, Field, Mask
from anybone.synthetic.tissues.pelvis import PELVIC_MM, before_sacrum, fill_presacral
from anybone.synthetic.tissues.soft_tissue import SoftTissue
from anybone.synthetic.tissues.spine_frame import SpineFrame, before_spine, lay_great_vessels

FORK_MM = -65.0  # above the second lumbar vertebra: where the great vessels part
KIDNEYS_MM = (36.0, 28.0, 78.0)  # how far what holds organs reaches back, and from where to where ever more
SECOND_LUMBAR_SHARE = 0.55  # of the canal from the sacrum to T10, from its foot on
SHEET_LINE, RECTUS_MM, LINEA_MM = (0.03, 0.09), (60.0, 72.0), 3.5  # of the abdomen's wall: share of it; mm sideways


def fill_lumbar(
    frame: SpineFrame, soft_tissue: SoftTissue, free: Mask, wall_mm: float, tissue: NDArray[np.uint8]
) -> None:
    """Write the abdominal wall and organs, the presacral tissues, and the great vessels into `tissue`.

    Args:
        frame: Where.
        soft_tissue: Geometry of the soft tissue.
        free: Mask without bone and wall.
        wall_mm: Thickness of the wall.
        tissue: Label map of tissues, modified in place.
    """
    field, x, y = frame.field, frame.x_mm, frame.y_mm
    cavity = free & before_spine(frame, *KIDNEYS_MM)
    ends = frame.canal.points_mm[:, 2]
    above = field.axis_mm(2) - float(ends.min() + SECOND_LUMBAR_SHARE * (ends.max() - ends.min()))
    front = soft_tissue.trunk & ~field.inside & (y > 0) & (soft_tissue.surface_mm < 0)
    _wall(field, front & (soft_tissue.surface_mm >= -wall_mm), x, soft_tissue.surface_mm / wall_mm, tissue)
    kept = free & (field.away_mm > PELVIC_MM) & (soft_tissue.lean_mm > 1)
    below, before = field.axis_mm(2) < ends.min(), before_sacrum(field)
    if before is not None:
        cavity = np.where(below, free & (before > 0), cavity)
    fill_abdomen(field, cavity & kept, (x, y, above), tissue)
    fill_presacral(field, kept & below, before, tissue)
    lay_great_vessels(frame, free, tissue, np.clip(FORK_MM - above, 0, None))


def _wall(field: Field, wall: Mask, x: Array, depth: Array, tissue: NDArray[np.uint8]) -> None:
    """Write three sheets of lateral muscle and one anterior, with thin fat between, into `tissue`.

    Args:
        field: Where.
        wall: The wall.
        x: mm to the right of the spinal canal.
        depth: 0 at its outer face, -1 at its inner one.
        tissue: Label map of tissues, modified in place.
    """
    tissue[wall] = Tissue.MUSCLE
    thin = field.rng.uniform(*SHEET_LINE) * np.clip(1 + 0.6 * field.noise(30), 0.1, None)
    side = np.abs(x) > field.rng.uniform(*RECTUS_MM)
    for share in (-1 / 3, -2 / 3):
        tissue[wall & side & (np.abs(depth - share) < thin)] = Tissue.FAT
    tissue[wall & (np.abs(np.abs(x) - RECTUS_MM[1]) < LINEA_MM)] = Tissue.FAT
    tissue[wall & (np.abs(x) < LINEA_MM)] = Tissue.FASCIA
