"""Tissues of the pelvis: rectum and bladder between bowel and bone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.bowel import GUT_WALL_MM, fill_bowel
from anybone.synthetic.tissues.field import Array, Field, Mask

BLADDER_MM = (16.0, 42.0)  # radius
BLADDER_AT_MM = (0.0, 22.0, -18.0)  # from the middle of the pelvis
BLADDER_WALL_MM = 3.0
RECTUM_MM, BEFORE_SACRUM_MM = (9.0, 19.0), 20.0  # radius; from the middle of the rectum to bone behind it
PELVIC_MM = 7.0  # from bone and from muscles to what fills a pelvis
MIDLINE_MM = 15.0  # half of the sacrum's middle


def fill_pelvis(field: Field, where: Mask, bone: Mask, tissue: NDArray[np.uint8]) -> None:
    """Write bowel, rectum and bladder into `tissue`.

    Args:
        field: Where.
        where: Mask without bone, muscle and wall.
        bone: Bone of the pelvis.
        tissue: Label map of tissues, modified in place.
    """
    rng = field.rng
    points = field.points_mm(bone)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    x, y, z = (field.axis_mm(axis) - middle[axis] for axis in range(3))
    within = where & (np.abs(x) < (points[:, 0].max() - middle[0]))
    fill_bowel(field, within & (z > BLADDER_AT_MM[2] - 8), tissue)
    fill_presacral(field, within, before_sacrum(field), tissue)
    at = np.array(BLADDER_AT_MM) + rng.normal(0, 6, 3)
    radius = rng.uniform(*BLADDER_MM) * np.array([1.15, 0.9, 0.85])
    away = np.sqrt(sum(((c - m) / r) ** 2 for c, m, r in zip((x, y, z), at, radius, strict=True)))
    depth = (1 - away) * float(radius.min())
    tissue[where & (depth > -4)] = Tissue.FAT
    tissue[where & (depth > 0)] = Tissue.MUSCLE
    tissue[where & (depth > BLADDER_WALL_MM)] = Tissue.FLUID


def before_sacrum(field: Field) -> Array | None:
    """Return the distance of voxels in front of sacrum and coccyx at their height, in mm; None without them."""
    points = field.points_mm(_sacrum(field))
    if not len(points):
        return None
    points = points[np.abs(points[:, 0] - _middle(points)) < MIDLINE_MM]
    heights, slot = np.unique(points[:, 2].round(), return_inverse=True)
    front = np.full(len(heights), -np.inf)
    np.maximum.at(front, slot, points[:, 1])
    return np.asarray(field.axis_mm(1) - np.interp(field.axis_mm(2), heights, front).astype(np.float32))


def fill_presacral(field: Field, where: Mask, before: Array | None, tissue: NDArray[np.uint8]) -> None:
    """Write the rectum in its fat into `tissue`, in front of sacrum and coccyx; see `before_sacrum`."""
    if before is None:
        return
    rng = field.rng
    within = where & (before > 0)
    middle_mm = _middle(field.points_mm(_sacrum(field)))
    across = np.hypot(field.axis_mm(0) - middle_mm - 6 * field.noise(60), before - BEFORE_SACRUM_MM)
    away = across - rng.uniform(*RECTUM_MM)
    tissue[within & (before < 2 * BEFORE_SACRUM_MM)] = Tissue.FAT
    tissue[within & (away < 0)] = Tissue.MUSCLE
    tissue[within & (away < -GUT_WALL_MM - 1)] = Tissue.BOWEL_GAS if rng.random() < 0.4 else Tissue.BOWEL


def _sacrum(field: Field) -> Mask:
    return np.isin(field.bone, [n for n, name in field.names.items() if name in ("sacrum", "coccyx")])


def _middle(points_mm: NDArray[np.float64]) -> float:
    """Between left and right."""
    return float((points_mm[:, 0].min() + points_mm[:, 0].max()) / 2)
