"""Where the trunk is: what its bones surround, and the belly and the chest before its spine."""

from __future__ import annotations

import numpy as np

from anybone.anatomy.scene import MusclePath, Scene
from anybone.anatomy.tissues.coarse import COARSE
from anybone.anatomy.tissues.field import Field, Mask

TRUNK = (
    "vertebra",
    "rib",
    "sternum",
    "manubrium",
    "xiphoid",
    "sacrum",
    "coccyx",
    "hip bone",
    "hyoid",
    "mandible",
    "skull",
)
SLAB_MM = 12.0  # height of the pieces of bone that one hull is drawn around
BELLY_MM = ((120.0, 175.0), (85.0, 125.0))  # half of its width and of its depth
CHEST_MM = ((115.0, 150.0), (85.0, 110.0))
NECK_MM = ((44.0, 60.0), (46.0, 60.0))
BEHIND_MM, NAPE_MM = 30.0, 46.0  # of the canal's middle, to where that ellipse ends
SHOULDERS_MM = 70.0  # height in which a chest narrows to nothing, below the highest rib
_FEWEST = 8  # points that have a hull worth drawing
WITH_BELLY = ("lumbar-spine", "sacroiliac-joints")
WITH_CHEST = ("thoracic-spine", "chest", "shoulder")
WITH_NECK = ("neck", "skull-base")


def trunk_of(field: Field, scene: Scene) -> Mask:
    """What is trunk, on the coarse grid: whatever its bones surround at one height, and what lies before its spine."""
    bone = field.bone[::COARSE, ::COARSE, ::COARSE]
    numbers = [n for n, name in field.names.items() if any(word in name for word in TRUNK)]
    found = _surrounded(np.isin(bone, numbers), max(1, round(SLAB_MM / 2 / (field.spacing_mm * COARSE))))
    if scene.canal is not None and scene.region in (*WITH_BELLY, *WITH_CHEST, *WITH_NECK):
        found |= _before_spine(field, scene, scene.canal)
    return found


def _surrounded(bone: Mask, reach: int) -> Mask:
    """Every axial slice of the convex hull of the bone that lies within some slices of it."""
    from scipy.spatial import ConvexHull, QhullError

    found = np.zeros_like(bone)
    grid = np.stack(np.meshgrid(np.arange(bone.shape[0]), np.arange(bone.shape[1]), indexing="ij"), -1)
    for k in range(bone.shape[2]):
        points = np.argwhere(bone[:, :, max(0, k - reach) : k + reach + 1].any(axis=2))
        if len(points) < _FEWEST:
            continue
        try:
            sides = ConvexHull(points).equations
        except QhullError:  # all in one line
            continue
        found[:, :, k] = (grid @ sides[:, :2].T + sides[:, 2] <= 1e-9).all(axis=-1)
    return found


def _before_spine(field: Field, scene: Scene, canal: MusclePath) -> Mask:
    """A belly, a neck, or a chest that narrows towards the neck: ellipses about a middle before the canal."""
    rng = field.rng
    line = canal.points_mm[np.argsort(canal.points_mm[:, 2])]
    x, y, z = (axis[tuple(slice(None, None, COARSE) for _ in range(3))] for axis in map(field.axis_mm, range(3)))
    chest, neck = scene.region in WITH_CHEST, scene.region in WITH_NECK
    wide, deep = (rng.uniform(*bounds) for bounds in (CHEST_MM if chest else NECK_MM if neck else BELLY_MM))
    ribs = [
        field.geometry.to_world(np.argwhere(field.bone == n))[:, 2].max() for n, m in field.names.items() if "rib" in m
    ]
    narrow = np.sqrt(np.clip((max(ribs, default=np.inf) - z) / SHOULDERS_MM, 0, 1)) if chest else np.ones_like(z)
    middle_x = np.interp(z, line[:, 2], line[:, 0])
    middle_y = np.interp(z, line[:, 2], line[:, 1]) + deep * narrow - (NAPE_MM if neck else BEHIND_MM)
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.hypot((x - middle_x) / (wide * narrow), (y - middle_y) / (deep * narrow))
    return np.asarray((away < 1) & (narrow > 0))
