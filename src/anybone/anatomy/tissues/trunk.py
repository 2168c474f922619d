"""What only the trunk has: the spinal canal with cord or roots, and what lies before the spine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.anatomy.scene import MusclePath, Scene
from anybone.anatomy.tissue import Tissue
from anybone.anatomy.tissues.field import Array, Field, Mask

CORD_SHARE = 0.5  # of the canal's radius; roots fill more of it, sparsely
ROOTS_SHARE = 0.75
GREAT_VESSELS_MM = ((-12.0, (7.0, 11.0)), (14.0, (8.0, 12.0)))  # right of the midline, and range of radii: aorta, cava
BEFORE_SPINE_MM = 44.0  # from the canal to the middle of the great vessels
WAIST_MM = 110.0  # half of the width of what holds organs
WITH_ROOTS = ("lumbar-spine", "sacroiliac-joints", "pelvis")
WITH_LUNGS = ("thoracic-spine", "chest", "shoulder")


def fill_trunk(field: Field, scene: Scene, tissue: NDArray[np.uint8]) -> None:
    """Writes canal, great vessels, organs and lungs into `tissue`, where the scene has spine."""
    if scene.canal is None:
        return
    x, y, beside = _frame(field, scene.canal)
    outside = ~field.inside & (tissue != Tissue.AIR)
    _viscera(field, tissue, outside & (y > BEFORE_SPINE_MM - 8) & (np.abs(x) < WAIST_MM), scene.region in WITH_LUNGS)
    for right_mm, radius in GREAT_VESSELS_MM:
        wide = field.rng.uniform(*radius)
        tissue[outside & (np.hypot(x - right_mm, y - BEFORE_SPINE_MM) < wide)] = Tissue.VESSEL
    middle, radius_mm = np.hypot(x, y), scene.canal.radius_mm
    tissue[outside & (middle < radius_mm + 1.0) & beside] = Tissue.LIGAMENT
    canal = outside & (middle < radius_mm) & beside
    tissue[canal] = Tissue.CSF
    if scene.region in WITH_ROOTS:
        cord = canal & (middle < ROOTS_SHARE * radius_mm) & (field.noise(2.2, (1, 1, 8)) > 0.8)
    else:
        cord = canal & (middle < CORD_SHARE * radius_mm)
    tissue[cord] = Tissue.CORD


def _frame(field: Field, canal: MusclePath) -> tuple[Array, Array, Mask]:
    """How far to the right and to the front of the canal's middle voxels lie, mm, and whether beside its length."""
    line = canal.points_mm[np.argsort(canal.points_mm[:, 2])]
    z = field.axis_mm(2)
    x = field.axis_mm(0) - np.interp(z, line[:, 2], line[:, 0])
    y = field.axis_mm(1) - np.interp(z, line[:, 2], line[:, 1])
    return x.astype(np.float32), y.astype(np.float32), np.asarray((z >= line[0, 2]) & (z <= line[-1, 2]))


def _viscera(field: Field, tissue: NDArray[np.uint8], where: Mask, lungs: bool) -> None:
    blobs = field.noise(28)
    if lungs:
        where = where & (field.away_mm > 3.0)
        kinds = np.where(np.abs(blobs) < 1.2, Tissue.LUNG, Tissue.ORGAN)
    else:
        where = where & (field.away_mm > 6.0)
        kinds = np.where(blobs > 0.5, Tissue.ORGAN, np.where(blobs < -0.2, Tissue.BOWEL, Tissue.FAT))
        kinds[(blobs < -0.6) & (field.noise(22) > 1.2)] = Tissue.BOWEL_GAS
        kinds[field.noise(16) > 1.0] = Tissue.FAT
    tissue[where] = kinds[where]
