"""Tissues of the abdomen: liver, spleen, stomach, kidneys and colon around the bowel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.bowel import GUT_WALL_MM, fill_bowel, winding
from anybone.synthetic.tissues.field import Array, Field, Mask

COLON_MM, COLON_GAS = (15.0, 24.0), 0.7  # radius; deviations of noise above which there is gas
FOLDS_MM = 3.0  # by which the colon's wall swings in and out
VESSEL_WIDTH, VESSELS_FROM_MM = 0.09, 4.0  # of the liver's vessels, as of `winding`; from its surface
PERIRENAL_SHARE = (1.12, 1.35)  # of a kidney, that its fat is larger


@dataclass(frozen=True)
class Organ:
    """An ellipsoid.

    Attributes:
        tissue: Tissue of the organ.
        at_mm: Its middle: to the right and to the front of the spinal canal, and above the second lumbar vertebra.
        radii_mm: Along the same axes.
        wall_mm: Thickness of muscle around it; 0 for a homogeneous organ.
    """

    tissue: Tissue
    at_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    wall_mm: float = 0.0


STOMACH = Organ(Tissue.BOWEL, (-52.0, 110.0, 58.0), (48.0, 42.0, 46.0), 4.0)
SPLEEN = Organ(Tissue.ORGAN, (-105.0, 30.0, 62.0), (30.0, 48.0, 58.0))
LIVER = Organ(Tissue.ORGAN, (78.0, 82.0, 70.0), (100.0, 88.0, 82.0))
KIDNEYS = tuple(Organ(Tissue.ORGAN, (side * 60.0, 26.0, z), (27.0, 24.0, 54.0)) for side, z in ((1, -6.0), (-1, 6.0)))
SINUS_MM, SINUS_SHARE = 17.0, 0.5  # of a kidney: how far to its inner side, and how large against it
POLE_TILT = 0.22  # the upper poles lean to the spine
COLON_PATH_MM = (  # to the right, to the front, above; caecum, flexures, sigmoid
    ((88.0, 72.0, -115.0), (98.0, 52.0, -50.0), (92.0, 70.0, 0.0)),
    ((92.0, 70.0, 0.0), (40.0, 128.0, -28.0), (-30.0, 128.0, -22.0), (-88.0, 60.0, 24.0)),
    ((-88.0, 60.0, 24.0), (-104.0, 45.0, -50.0), (-92.0, 62.0, -120.0), (-40.0, 70.0, -160.0)),
)


def fill_abdomen(field: Field, where: Mask, xyz: Sequence[Array], tissue: NDArray[np.uint8]) -> None:
    """Write the organs of an abdomen into `tissue`.

    Args:
        field: Where.
        where: The cavity, and what lies behind it beside the spine.
        xyz: mm to the right and to the front of the spinal canal, and above the second lumbar vertebra.
        tissue: Label map of tissues, modified in place.
    """
    tissue[where] = Tissue.FAT
    inner = where & (xyz[1] > 40)
    fill_bowel(field, inner, tissue)
    _colon(field, where, xyz, tissue)
    for organ in (STOMACH, SPLEEN):
        _lay(field, where, xyz, organ, tissue)
    liver = where & (_lay(field, where, xyz, LIVER, tissue) > VESSELS_FROM_MM)
    tissue[liver & winding(field, 26, VESSEL_WIDTH)] = Tissue.VESSEL
    for kidney in KIDNEYS:
        _kidney(field, where, xyz, kidney, tissue)


def _depth(
    field: Field, xyz: Sequence[Array], organ: Organ, shift_mm: NDArray[np.float64], size: float, uneven_mm: float = 2.0
) -> Array:
    """About how deep in an organ voxels lie, mm; negative outside."""
    parts = zip(xyz, organ.at_mm, shift_mm, organ.radii_mm, strict=True)
    away = np.sqrt(sum(((c - m - s) / (size * r)) ** 2 for c, m, s, r in parts))
    return np.asarray((1 - away) * size * min(organ.radii_mm) + uneven_mm * field.noise(35), dtype=np.float32)


def _lay(field: Field, where: Mask, xyz: Sequence[Array], organ: Organ, tissue: NDArray[np.uint8]) -> Array:
    """Write an organ in thin fat into `tissue` and return the depth of voxels in it, in mm."""
    depth = _depth(field, xyz, organ, field.rng.normal(0, 6, 3), field.rng.uniform(0.85, 1.15), 3.0)
    tissue[where & (depth > -3.0)] = Tissue.FAT
    tissue[where & (depth > 0)] = Tissue.MUSCLE if organ.wall_mm else organ.tissue
    if organ.wall_mm:
        tissue[where & (depth > organ.wall_mm)] = organ.tissue
        tissue[where & (depth > organ.wall_mm) & (xyz[1] > organ.at_mm[1] + 8 * field.rng.normal())] = Tissue.BOWEL_GAS
    return depth


def _kidney(field: Field, where: Mask, xyz: Sequence[Array], kidney: Organ, tissue: NDArray[np.uint8]) -> None:
    """In its own fat, with fat where its vessels enter."""
    rng, side = field.rng, np.sign(kidney.at_mm[0])
    x, y, z = xyz
    leaning = (x + side * POLE_TILT * (z - kidney.at_mm[2]), y, z)
    shift, size = rng.normal(0, 5, 3), rng.uniform(0.85, 1.1)
    cover = _depth(field, leaning, kidney, shift, size * rng.uniform(*PERIRENAL_SHARE))
    tissue[where & (cover > 0)] = Tissue.FAT
    depth = _depth(field, leaning, kidney, shift, size, 1.0)
    tissue[where & (depth > 0)] = kidney.tissue
    inner = shift - np.array([side * SINUS_MM, 0.0, 0.0])
    sinus = _depth(field, leaning, kidney, inner, SINUS_SHARE * size, 2.0)
    tissue[where & (sinus > 0)] = Tissue.FAT


def _colon(field: Field, where: Mask, xyz: Sequence[Array], tissue: NDArray[np.uint8]) -> None:
    """Around the bowel: up on the right, across, down on the left."""
    from scipy.spatial import cKDTree

    rng = field.rng
    radius = rng.uniform(*COLON_MM)
    turns = [np.array(part) + rng.normal(0, 5, 3) for part in COLON_PATH_MM]
    line = np.concatenate([_through(part) for part in turns])
    low, high = line.min(axis=0) - 30, line.max(axis=0) + 30
    box = where.copy()
    for axis, c in enumerate(xyz):
        box &= (c > low[axis]) & (c < high[axis])
    points = np.stack([np.broadcast_to(c, field.shape)[box] for c in xyz], axis=1)
    away, _ = cKDTree(line).query(points, distance_upper_bound=40.0, workers=1)
    outside = np.minimum(away, 40.0) - radius + FOLDS_MM * field.noise(16)[box]
    kinds = tissue[box]
    kinds[outside < 2.0] = Tissue.FAT
    kinds[outside < 0] = Tissue.MUSCLE
    inside = outside < -GUT_WALL_MM
    kinds[inside] = np.where(field.noise(45)[box] > COLON_GAS, Tissue.BOWEL_GAS, Tissue.BOWEL)[inside]
    tissue[box] = kinds


def _through(corners_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points on a smooth line from corner to corner, 3 mm apart or less."""
    from scipy.interpolate import CubicSpline

    steps = np.linalg.norm(np.diff(corners_mm, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(CubicSpline(length, corners_mm)(np.linspace(0, length[-1], max(2, int(length[-1] / 2)))))
