"""A limb as a label map, from formulas: two shafts with cortex and marrow, muscles, fat, skin; air around it."""

import numpy as np

from anybone.core.geometry import Geometry
from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.tissue import Tissue


def limb_map(shape=(150, 150, 120), spacing_mm=0.8, metal=False, capped=False) -> LabelMap:
    grid = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * spacing_mm for n in shape], indexing="ij")
    x, y, z = (a.astype(np.float32) for a in grid)
    around = np.hypot(x, y)
    wobble = 2 * np.sin(x / 9 + z / 25) + 2 * np.cos(y / 11 - z / 31)
    tissue = np.full(shape, Tissue.AIR, dtype=np.uint8)
    tissue[around < 52] = Tissue.SKIN
    tissue[around < 50] = Tissue.FAT
    inside = around < 42 + wobble
    tissue[inside] = Tissue.MUSCLE
    sectors = np.abs(np.sin(2.5 * np.arctan2(y, x + 3) + wobble / 6)) * around
    tissue[inside & (sectors < 1.2)] = Tissue.FAT
    bone = np.zeros(shape, dtype=np.uint16)
    shafts = ((-8 + z / 20, 10 + 0 * z, 13 + 5 * (z / 40) ** 2, 3.5), (20 - z / 30, 2 + z / 40, 6.5, 2.0))
    for number, (cx, cy, radius, cortex) in enumerate(shafts, start=1):
        away = np.hypot(x - cx, y - cy)
        if capped:  # rounded ends inside the grid
            away = np.hypot(away, 1.5 * np.clip(np.abs(z) - 15, 0, None))
        bone[away < radius] = number
        tissue[away < radius] = Tissue.CORTEX
        tissue[away < radius - cortex] = Tissue.YELLOW_MARROW
        tissue[(away < radius - cortex) & (z > 25)] = Tissue.RED_MARROW
    for cx, cy in ((-20, -15), (10, -22), (-30, 12)):
        tissue[np.hypot(x - cx - z / 15, y - cy) < 2.5] = Tissue.VESSEL
    if metal:
        tissue[(np.hypot(x + 8, z) < 2.5) & (y > -10) & (y < 30)] = Tissue.METAL
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = [-(n - 1) / 2 * spacing_mm for n in shape]
    return LabelMap(
        tissue, bone, Geometry(shape, affine), {1: "left tibia", 2: "left fibula"}, "lower leg", 0, ("code",)
    )
