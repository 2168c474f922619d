"""Tissues of the trunk: the spinal canal with cord or roots, organs in front of the spine and in the pelvis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.scene import Scene
from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.back import fill_back
from anybone.synthetic.tissues.cage import cage_of, fill_wall
from anybone.synthetic.tissues.chest import PLEURA_MM, fill_chest, fill_lungs
from anybone.synthetic.tissues.field import Field, Mask
from anybone.synthetic.tissues.head import fill_neck
from anybone.synthetic.tissues.hull import WITH_CHEST, WITH_NECK
from anybone.synthetic.tissues.lumbar import fill_lumbar
from anybone.synthetic.tissues.pelvis import PELVIC_MM, fill_pelvis
from anybone.synthetic.tissues.soft_tissue import SoftTissue
from anybone.synthetic.tissues.spine_frame import SpineFrame, frame_of

CORD_SHARE = 0.5  # of the canal's radius; roots fill more of it, sparsely
ROOTS_SHARE = 0.75
WALL_MM = (6.0, 16.0)  # muscles of the abdomen
WITH_ROOTS = ("lumbar-spine", "sacroiliac-joints", "pelvis")


def fill_trunk(field: Field, scene: Scene, soft_tissue: SoftTissue, tissue: NDArray[np.uint8]) -> None:
    """Write canal, great vessels, organs and lungs into `tissue`, if the scene has spine, ribs or pelvis."""
    if not soft_tissue.trunk.any():
        return
    wall_mm = field.rng.uniform(*WALL_MM)
    free = ~field.inside & (soft_tissue.surface_mm < -wall_mm) & soft_tissue.trunk
    cage = cage_of(field, scene, soft_tissue) if scene.region in WITH_CHEST else None
    if cage is not None:
        fill_wall(field, scene, soft_tissue, cage, tissue)
    if scene.canal is None:
        _pelvis(field, soft_tissue, free, tissue)
        if cage is not None:
            fill_lungs(field, ~field.inside & (cage.inside_mm > PLEURA_MM), tissue)
        return
    frame = frame_of(field, scene.canal)
    outside = ~field.inside & (tissue != Tissue.AIR)
    fill_back(field, scene.region, frame.x_mm, frame.y_mm, soft_tissue.surface_mm, tissue, outside & frame.beside)
    if scene.region in WITH_NECK:
        fill_neck(field, free, frame.x_mm, frame.y_mm, tissue)
    elif cage is not None:
        fill_chest(frame, cage, tissue)
    else:
        fill_lumbar(frame, soft_tissue, free, wall_mm, tissue)
    _canal(frame, scene.region, outside, tissue)


def _canal(frame: SpineFrame, region: str, outside: Mask, tissue: NDArray[np.uint8]) -> None:
    """Write its wall, its fluid and the cord or the roots in it."""
    field, middle, radius_mm = frame.field, np.hypot(frame.x_mm, frame.y_mm), frame.canal.radius_mm
    tissue[outside & (middle < radius_mm + 1.0) & frame.beside] = Tissue.LIGAMENT
    canal = outside & (middle < radius_mm) & frame.beside
    tissue[canal] = Tissue.CSF
    if region in WITH_ROOTS:
        cord = canal & (middle < ROOTS_SHARE * radius_mm) & (field.noise(2.2, (1, 1, 8)) > 0.8)
    else:
        cord = canal & (middle < CORD_SHARE * radius_mm)
    tissue[cord] = Tissue.CORD


def _pelvis(field: Field, soft_tissue: SoftTissue, free: Mask, tissue: NDArray[np.uint8]) -> None:
    """Write the tissues between two hip bones, or behind a single visible one."""
    hips = np.isin(field.bone, [n for n, name in field.names.items() if "hip bone" in name or "sacrum" in name])
    if hips.any():
        fill_pelvis(field, free & (field.away_mm > PELVIC_MM) & (soft_tissue.lean_mm > PELVIC_MM / 2), hips, tissue)
