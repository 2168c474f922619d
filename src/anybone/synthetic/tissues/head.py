"""Tissues of head and neck: brain, airway, vessels and glands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.scene import Scene
from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.field import Array, Field, Mask
from anybone.synthetic.voxelize import voxelize

AIR_WALL_MM = (1.0, 3.5)  # lining of nose, sinuses, throat and windpipe
BRAIN_COVER_MM = (1.0, 3.0)  # fluid around the brain
SULCI_MM = 18.0  # how far they reach in
SHEATHS_MM = ((25.0, 34.0, (2.8, 4.0)), (33.0, 30.0, (3.0, 7.5)))  # beside and before the canal: carotid, jugular
GLAND_MM = (17.0, 42.0, 9.0)  # beside and before the canal, and radius: thyroid; higher up, glands of the jaw


def fill_neck(field: Field, free: Mask, x: Array, y: Array, tissue: NDArray[np.uint8]) -> None:
    """Write vessels and glands of the neck into `tissue`.

    Args:
        field: Where.
        free: Mask without bone and the wall of the body.
        x: mm to the right of the spinal canal.
        y: mm to its front.
        tissue: Label map of tissues, modified in place.
    """
    beside, before, radius = GLAND_MM
    gland = np.hypot(np.abs(x) - beside, y - before) < radius * np.clip(0.6 + 0.5 * field.noise(30), 0, 1.3)
    tissue[free & gland] = Tissue.ORGAN
    for side in (-1, 1):
        for beside, before, radii in SHEATHS_MM:
            wide = field.rng.uniform(*radii)
            away = np.hypot(x - side * beside - field.noise(60), y - before)
            tissue[free & (away < wide + 1.5)] = Tissue.FAT
            tissue[free & (away < wide)] = Tissue.VESSEL


def fill_head(field: Field, scene: Scene, tissue: NDArray[np.uint8]) -> None:
    """Write the airway, and brain in its fluid, into `tissue`, where the scene has their surfaces."""
    from scipy.ndimage import distance_transform_edt

    def depth(name: str) -> Array:
        there = voxelize(scene.surfaces[name], field.geometry) & ~field.inside
        return np.asarray(distance_transform_edt(there, sampling=field.spacing_mm), dtype=np.float32)

    if "airway" in scene.surfaces:
        deep = depth("airway")
        tissue[deep > 0] = Tissue.MUSCLE
        swollen = np.clip(1 + 0.6 * field.noise(12), 0.3, None)
        tissue[deep > field.rng.uniform(*AIR_WALL_MM) * swollen] = Tissue.AIR
    if "cranial cavity" in scene.surfaces:
        deep = depth("cranial cavity")
        tissue[deep > 0] = Tissue.CSF
        folds = np.abs(field.noise(11)) < 0.16 * np.clip(1 - deep / SULCI_MM, 0, 1)
        tissue[(deep > field.rng.uniform(*BRAIN_COVER_MM)) & ~folds] = Tissue.BRAIN
