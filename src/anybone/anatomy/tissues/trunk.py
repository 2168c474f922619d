"""What only the trunk has: the spinal canal with cord or roots, what lies before the spine and in the pelvis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.anatomy.scene import MusclePath, Scene
from anybone.anatomy.tissue import Tissue
from anybone.anatomy.tissues.back import fill_back
from anybone.anatomy.tissues.belly import fill_belly
from anybone.anatomy.tissues.chest import fill_chest
from anybone.anatomy.tissues.field import Array, Field, Mask
from anybone.anatomy.tissues.head import fill_neck
from anybone.anatomy.tissues.hull import WITH_CHEST, WITH_NECK
from anybone.anatomy.tissues.pelvis import before_sacrum, fill_pelvis, fill_presacral
from anybone.anatomy.tissues.soft import Flesh

CORD_SHARE = 0.5  # of the canal's radius; roots fill more of it, sparsely
ROOTS_SHARE = 0.75
GREAT_VESSELS_MM = ((-12.0, (7.0, 11.0)), (14.0, (8.0, 12.0)))  # right of the midline, and range of radii: aorta, cava
FORK_MM, FORK_SLOPE, FORK_SHARE = -65.0, 0.55, 0.7  # above the second lumbar vertebra: where they part; aside; width
BEFORE_SPINE_MM = 44.0  # from the canal to the middle of the great vessels
WALL_MM = (6.0, 16.0)  # muscles of the belly, and the wall of the chest
SPINE_HALF_MM, BESIDE_MM = 28.0, 50.0  # to where what holds organs begins to reach back beside the spine; how gently
LUNGS_BACK_MM, KIDNEYS_BACK_MM = 58.0, 36.0  # how far it does
PELVIC_MM = 7.0  # from bone and from muscles to what fills a pelvis
FROM_RIBS_MM = 3.0
SECOND_LUMBAR_SHARE = 0.55  # of the canal from the sacrum to T10, from its foot on
SHEET_LINE, RECTUS_MM, LINEA_MM = (0.03, 0.09), (60.0, 72.0), 3.5  # of the belly's wall: share of it; mm aside
WITH_ROOTS = ("lumbar-spine", "sacroiliac-joints", "pelvis")


def fill_trunk(field: Field, scene: Scene, flesh: Flesh, tissue: NDArray[np.uint8]) -> None:
    """Writes canal, great vessels, organs and lungs into `tissue`, where the scene has spine or pelvis."""
    if not flesh.trunk.any():
        return
    wall_mm = field.rng.uniform(*WALL_MM)
    free = ~field.inside & (flesh.surface_mm < -wall_mm) & flesh.trunk
    if scene.canal is None:
        _pelvis(field, flesh, free, tissue)
        return
    x, y, beside = _frame(field, scene.canal)
    outside = ~field.inside & (tissue != Tissue.AIR)
    fill_back(field, scene.region, x, y, flesh.surface_mm, tissue, outside & beside)
    _before(field, scene, flesh, (x, y), free, wall_mm, tissue)
    middle, radius_mm = np.hypot(x, y), scene.canal.radius_mm
    tissue[outside & (middle < radius_mm + 1.0) & beside] = Tissue.LIGAMENT
    canal = outside & (middle < radius_mm) & beside
    tissue[canal] = Tissue.CSF
    if scene.region in WITH_ROOTS:
        cord = canal & (middle < ROOTS_SHARE * radius_mm) & (field.noise(2.2, (1, 1, 8)) > 0.8)
    else:
        cord = canal & (middle < CORD_SHARE * radius_mm)
    tissue[cord] = Tissue.CORD


def _before(
    field: Field,
    scene: Scene,
    flesh: Flesh,
    xy: tuple[Array, Array],
    free: Mask,
    wall_mm: float,
    tissue: NDArray[np.uint8],
) -> None:
    """Writes what lies before the spine: a neck's vessels and glands, the organs of a chest, or those of a belly."""
    x, y = xy
    assert scene.canal is not None
    if scene.region in WITH_NECK:
        fill_neck(field, free, x, y, tissue)
        return
    chest = scene.region in WITH_CHEST
    back_mm = LUNGS_BACK_MM if chest else KIDNEYS_BACK_MM
    beside_spine = np.clip((np.abs(x) - SPINE_HALF_MM) / BESIDE_MM, 0, 1) * back_mm
    cavity = free & (y > BEFORE_SPINE_MM - 8 - beside_spine + 3 * field.noise(30))
    if chest:
        tissue[cavity & (field.away_mm > FROM_RIBS_MM)] = Tissue.LUNG
    else:
        ends = scene.canal.points_mm[:, 2]
        level = float(ends.min() + SECOND_LUMBAR_SHARE * (ends.max() - ends.min()))
        front = flesh.trunk & ~field.inside & (y > 0) & (flesh.surface_mm < 0)
        _belly_wall(field, front & (flesh.surface_mm >= -wall_mm), x, flesh.surface_mm / wall_mm, tissue)
        kept = free & (field.away_mm > PELVIC_MM) & (flesh.lean_mm > 1)
        below, before = field.axis_mm(2) < ends.min(), before_sacrum(field)
        if before is not None:
            cavity = np.where(below, free & (before > 0), cavity)
        fill_belly(field, cavity & kept, (x, y, field.axis_mm(2) - level), tissue)
        fill_presacral(field, kept & below, before, tissue)
    low = np.zeros(1, np.float32) if chest else np.clip(level + FORK_MM - field.axis_mm(2), 0, None)
    for right_mm, radius in GREAT_VESSELS_MM:
        wide = field.rng.uniform(*radius)
        fork = np.abs(x - right_mm) - FORK_SLOPE * low
        size = np.where(low > 0, FORK_SHARE * wide, wide)
        tissue[free & (np.hypot(fork, y - BEFORE_SPINE_MM) < size)] = Tissue.VESSEL
    if chest:
        fill_chest(field, scene.canal, x, y, tissue)


def _belly_wall(field: Field, wall: Mask, x: Array, depth: Array, tissue: NDArray[np.uint8]) -> None:
    """Writes three sheets of muscle at the sides and one in front, with thin fat between, into `tissue`.

    Args:
        field: Where.
        wall: The wall.
        x: mm to the right of the spinal canal.
        depth: 0 at its outer face, -1 at its inner one.
        tissue: What is there; changed.
    """
    tissue[wall] = Tissue.MUSCLE
    thin = field.rng.uniform(*SHEET_LINE) * np.clip(1 + 0.6 * field.noise(30), 0.1, None)
    side = np.abs(x) > field.rng.uniform(*RECTUS_MM)
    for share in (-1 / 3, -2 / 3):
        tissue[wall & side & (np.abs(depth - share) < thin)] = Tissue.FAT
    tissue[wall & (np.abs(np.abs(x) - RECTUS_MM[1]) < LINEA_MM)] = Tissue.FAT
    tissue[wall & (np.abs(x) < LINEA_MM)] = Tissue.FASCIA


def _pelvis(field: Field, flesh: Flesh, free: Mask, tissue: NDArray[np.uint8]) -> None:
    """Writes what fills the space between two hip bones, or behind the one that is seen."""
    hips = np.isin(field.bone, [n for n, name in field.names.items() if "hip bone" in name or "sacrum" in name])
    if hips.any():
        fill_pelvis(field, free & (field.away_mm > PELVIC_MM) & (flesh.lean_mm > PELVIC_MM / 2), hips, tissue)


def _frame(field: Field, canal: MusclePath) -> tuple[Array, Array, Mask]:
    """How far to the right and to the front of the canal's middle voxels lie, mm, and whether beside its length."""
    line = canal.points_mm[np.argsort(canal.points_mm[:, 2])]
    z = field.axis_mm(2)
    x = field.axis_mm(0) - np.interp(z, line[:, 2], line[:, 0])
    y = field.axis_mm(1) - np.interp(z, line[:, 2], line[:, 1])
    return x.astype(np.float32), y.astype(np.float32), np.asarray((z >= line[0, 2]) & (z <= line[-1, 2]))
