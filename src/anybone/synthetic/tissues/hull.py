"""Extent of the trunk: the surroundings of its bones, with abdomen and chest in front of the spine."""

from __future__ import annotations

import numpy as np

from anybone.synthetic.scene import MusclePath, Scene
from anybone.synthetic.tissues.coarse import COARSE
from anybone.synthetic.tissues.field import Array, Field, Mask

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
# On either side of the canal and behind it, the middle of the muscles there, and half of their breadth and depth.
LUMBAR_COLUMN_MM, CHEST_COLUMN_MM = (27.0, 24.0, 34.0, 29.0), (23.0, 20.0, 27.0, 20.0)
_FEWEST = 8  # points that have a hull worth drawing
WITH_BELLY = ("lumbar-spine", "sacroiliac-joints")
WITH_CHEST = ("thoracic-spine", "chest", "shoulder")
WITH_NECK = ("neck", "skull-base")


def trunk_of(field: Field, scene: Scene) -> Mask:
    """Return the trunk on the coarse grid: the hull of its bones at each height, and the front of its spine."""
    bone = field.bone[::COARSE, ::COARSE, ::COARSE]
    numbers = [n for n, name in field.names.items() if any(word in name for word in TRUNK)]
    found = _surrounded(np.isin(bone, numbers), max(1, round(SLAB_MM / 2 / (field.spacing_mm * COARSE))))
    if scene.canal is not None and scene.region in (*WITH_BELLY, *WITH_CHEST, *WITH_NECK):
        found |= _before_spine(field, scene, scene.canal)
    if scene.canal is not None and scene.region in (*WITH_BELLY, *WITH_CHEST):
        found |= _columns(field, scene.canal, LUMBAR_COLUMN_MM if scene.region in WITH_BELLY else CHEST_COLUMN_MM)
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
    """Return an abdomen, a neck, or a chest that narrows toward the neck: ellipses in front of the canal."""
    rng = field.rng
    x, y, z = _about(field, canal)
    chest, neck = scene.region in WITH_CHEST, scene.region in WITH_NECK
    wide, deep = (rng.uniform(*bounds) for bounds in (CHEST_MM if chest else NECK_MM if neck else BELLY_MM))
    ribs = [
        field.geometry.to_world(np.argwhere(field.bone == n))[:, 2].max() for n, m in field.names.items() if "rib" in m
    ]
    narrow = np.sqrt(np.clip((max(ribs, default=np.inf) - z) / SHOULDERS_MM, 0, 1)) if chest else np.ones_like(z)
    middle_y = deep * narrow - (NAPE_MM if neck else BEHIND_MM)
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.hypot(x / (wide * narrow), (y - middle_y) / (deep * narrow))
    return np.asarray((away < 1) & (narrow > 0))


def _columns(field: Field, canal: MusclePath, usual_mm: tuple[float, float, float, float]) -> Mask:
    """Return the muscles on both sides of a spine, which protrude further than its spinous processes."""
    x, y, z = _about(field, canal)
    sideways, behind, wide, deep = np.array(usual_mm) * field.rng.uniform(0.85, 1.15)
    heights = canal.points_mm[:, 2]
    beside = (z > heights.min() - deep) & (z < heights.max() + deep)
    return np.asarray((np.hypot((np.abs(x) - sideways) / wide, (y + behind) / deep) < 1) & beside)


def _about(field: Field, canal: MusclePath) -> tuple[Array, Array, Array]:
    """On the coarse grid, mm to the right and to the front of the middle of the canal, and height."""
    line = canal.points_mm[np.argsort(canal.points_mm[:, 2])]
    x, y, z = (axis[tuple(slice(None, None, COARSE) for _ in range(3))] for axis in map(field.axis_mm, range(3)))
    middle_x, middle_y = (np.interp(z, line[:, 2], line[:, axis]).astype(np.float32) for axis in (0, 1))
    return x - middle_x, y - middle_y, z
