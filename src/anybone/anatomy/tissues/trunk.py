"""What only the trunk has: the spinal canal with cord or roots, what lies before the spine and in the pelvis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.anatomy.scene import MusclePath, Scene
from anybone.anatomy.tissue import Tissue
from anybone.anatomy.tissues.chest import fill_chest
from anybone.anatomy.tissues.field import Array, Field, Mask
from anybone.anatomy.tissues.head import fill_neck
from anybone.anatomy.tissues.hull import WITH_CHEST, WITH_NECK
from anybone.anatomy.tissues.soft import Flesh

CORD_SHARE = 0.5  # of the canal's radius; roots fill more of it, sparsely
ROOTS_SHARE = 0.75
GREAT_VESSELS_MM = ((-12.0, (7.0, 11.0)), (14.0, (8.0, 12.0)))  # right of the midline, and range of radii: aorta, cava
BEFORE_SPINE_MM = 44.0  # from the canal to the middle of the great vessels
WALL_MM = (6.0, 16.0)  # muscles of the belly, and the wall of the chest
SPINE_HALF_MM, BESIDE_MM = 28.0, 50.0  # to where what holds organs begins to reach back beside the spine; how gently
LUNGS_BACK_MM, KIDNEYS_BACK_MM = 58.0, 36.0  # how far it does
PELVIC_MM = 7.0  # from bone and from muscles to what fills a pelvis
BLADDER_MM = (16.0, 42.0)  # radius
BLADDER_AT_MM = (0.0, 22.0, -18.0)  # from the middle of the pelvis
BLADDER_WALL_MM = 3.0
WITH_ROOTS = ("lumbar-spine", "sacroiliac-joints", "pelvis")


def fill_trunk(field: Field, scene: Scene, flesh: Flesh, tissue: NDArray[np.uint8]) -> None:
    """Writes canal, great vessels, organs and lungs into `tissue`, where the scene has spine or pelvis."""
    if not flesh.trunk.any():
        return
    free = ~field.inside & (flesh.surface_mm < -field.rng.uniform(*WALL_MM)) & flesh.trunk
    if scene.canal is None:
        _pelvis(field, flesh, free, tissue)
        return
    x, y, beside = _frame(field, scene.canal)
    outside = ~field.inside & (tissue != Tissue.AIR)
    chest = scene.region in WITH_CHEST
    beside_spine = np.clip((np.abs(x) - SPINE_HALF_MM) / BESIDE_MM, 0, 1) * (
        LUNGS_BACK_MM if chest else KIDNEYS_BACK_MM
    )
    if scene.region in WITH_NECK:
        fill_neck(field, free, x, y, tissue)
    else:
        _viscera(field, tissue, free & (y > BEFORE_SPINE_MM - 8 - beside_spine + 3 * field.noise(30)), chest)
        for right_mm, radius in GREAT_VESSELS_MM:
            wide = field.rng.uniform(*radius)
            tissue[free & (np.hypot(x - right_mm, y - BEFORE_SPINE_MM) < wide)] = Tissue.VESSEL
    if chest:
        fill_chest(field, scene.canal, x, y, tissue)
    middle, radius_mm = np.hypot(x, y), scene.canal.radius_mm
    tissue[outside & (middle < radius_mm + 1.0) & beside] = Tissue.LIGAMENT
    canal = outside & (middle < radius_mm) & beside
    tissue[canal] = Tissue.CSF
    if scene.region in WITH_ROOTS:
        cord = canal & (middle < ROOTS_SHARE * radius_mm) & (field.noise(2.2, (1, 1, 8)) > 0.8)
    else:
        cord = canal & (middle < CORD_SHARE * radius_mm)
    tissue[cord] = Tissue.CORD


def _pelvis(field: Field, flesh: Flesh, free: Mask, tissue: NDArray[np.uint8]) -> None:
    """Writes bowel and a bladder between two hip bones, or behind the one that is seen."""
    hips = np.isin(field.bone, [n for n, name in field.names.items() if "hip bone" in name or "sacrum" in name])
    if not hips.any():
        return
    within = free & (field.away_mm > PELVIC_MM) & (flesh.lean_mm > PELVIC_MM / 2)
    _viscera(field, tissue, within, lungs=False)
    points = field.points_mm(hips)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2 + BLADDER_AT_MM + field.rng.normal(0, 6, 3)
    radius = field.rng.uniform(*BLADDER_MM) * np.array([1.15, 0.9, 0.85])
    scaled = [((field.axis_mm(a) - middle[a]) / radius[a]) ** 2 for a in range(3)]
    depth = (1 - np.sqrt(scaled[0] + scaled[1] + scaled[2])) * float(radius.min())
    tissue[within & (depth > 0)] = Tissue.MUSCLE
    tissue[within & (depth > BLADDER_WALL_MM)] = Tissue.FLUID


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
        kinds = np.where(np.abs(blobs) < 2.2, Tissue.LUNG, Tissue.ORGAN)
    else:
        where = where & (field.away_mm > 6.0)
        kinds = np.where(blobs > 0.5, Tissue.ORGAN, np.where(blobs < -0.2, Tissue.BOWEL, Tissue.FAT))
        kinds[(blobs < -0.6) & (field.noise(22) > 1.2)] = Tissue.BOWEL_GAS
        kinds[field.noise(16) > 1.0] = Tissue.FAT
    tissue[where] = kinds[where]
