"""The cage of the ribs: how far within it voxels lie, and the muscles of its wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.scene import Scene
from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.coarse import coarse_points, fine
from anybone.synthetic.tissues.field import Array, Field
from anybone.synthetic.tissues.soft_tissue import SoftTissue
from anybone.synthetic.voxelize import voxelize

_SIDES, _STEP_MM = 72, 6.0  # cells around the cage, and their height
_SMOOTH_CELLS, _LITTLE = (24.0, 8.0, 3.0, 1.2), 0.05  # from what is known far away to what is known here
_MIDLINE_MM = 16.0  # from the heads of one side's ribs
_APEX_SHARE, _APEX_MM = 0.7, 8.0  # of the height below the top: how fast lungs widen; above the highest ribs' plane
_WALL_MM = 5.0  # beneath the fat under the skin, where there are no ribs
_SPINE_HALF_MM = 28.0  # to where there is spine and not wall
_PLEURA_MM, _LINE_MM = (0.5, 2.5), (0.2, 0.6)  # fat within the wall; half of that between its muscles
_COVER_MM, _BARE = (3.0, 14.0), 0.6  # muscles on the ribs; how uneven, of that


@dataclass(frozen=True, eq=False)
class Cage:
    """The inner face of the ribs and what lies between them.

    Attributes:
        inside_mm: Depth of voxels within that face, negative outside.
        thick_mm: Distance from that face to the outer one.
        lateral_mm: Distance from the middle plane.
    """

    inside_mm: Array
    thick_mm: Array
    lateral_mm: Array


def cage_of(field: Field, scene: Scene, soft_tissue: SoftTissue) -> Cage | None:
    """Return the cage of the scene's ribs, within its soft tissue; None without ribs.

    Those of one side stand for the other's too. Above, it ends at the plane of the highest ribs.
    """
    sides = {side: [m.vertices_mm for n, m in scene.bones.items() if f"{side} rib" in n] for side in ("left", "right")}
    known = [np.concatenate(points) for points in sides.values() if points]
    if not known:
        return None
    ribs = known[0]
    if len(known) == 1:
        inner = ribs[:, 0].max() + _MIDLINE_MM if sides["left"] else ribs[:, 0].min() - _MIDLINE_MM
        known.append(ribs * [-1, 1, 1] + [2 * inner, 0, 0])
    breast = [m.vertices_mm for n, m in scene.bones.items() if n in ("manubrium", "sternum")]
    points = np.concatenate([*known, *breast])
    middle = (points.min(axis=0) + points.max(axis=0))[:2] / 2
    low = points[:, 2].min()
    inner_mm, outer_mm = _faces(points - [*middle, low])
    shape, voxels = coarse_points(field)
    turn, radius, height = _about(voxels - [*middle, low])

    def there(face_mm: NDArray[np.float64]) -> Array:
        from scipy.ndimage import map_coordinates

        cells = np.stack([turn - 0.5, np.clip(height, 0, face_mm.shape[1] - 1)])
        return fine(field, map_coordinates(face_mm, cells, order=1, mode="grid-wrap").reshape(shape))

    inside = there(inner_mm) - fine(field, radius.reshape(shape))
    numbers = {n: int(n.split()[-1]) for n in scene.bones if " rib " in n}
    highest = [scene.bones[n].vertices_mm for n, number in numbers.items() if number == min(numbers.values())]
    _, front, up = np.concatenate(highest).T
    slope, height_mm = np.polyfit(front, up, 1)
    below_top = _APEX_SHARE * (slope * field.axis_mm(1) + height_mm + _APEX_MM - field.axis_mm(2))
    within = np.minimum(np.minimum(inside, below_top), -soft_tissue.surface_mm - _WALL_MM)
    sideways = np.abs(field.axis_mm(0) - np.float32(middle[0]))
    return Cage(within.astype(np.float32), there(outer_mm - inner_mm), sideways)


def fill_wall(field: Field, scene: Scene, soft_tissue: SoftTissue, cage: Cage, tissue: NDArray[np.uint8]) -> None:
    """Write muscles between the ribs and on them, fat within them, and their cartilage into `tissue`.

    Args:
        field: Where.
        scene: May have the surface "rib cartilage".
        soft_tissue: Geometry of the soft tissue.
        cage: Cage of the scene.
        tissue: Label map of tissues, modified in place.
    """
    rng = field.rng
    outside = ~field.inside & (soft_tissue.surface_mm < -1.0) & (cage.lateral_mm > _SPINE_HALF_MM)
    beyond = -cage.inside_mm - cage.thick_mm
    cover = rng.uniform(*_COVER_MM) * (1 + _BARE * field.noise(40))
    tissue[outside & (tissue == Tissue.FAT) & (beyond > 0) & (beyond < cover)] = Tissue.MUSCLE
    between = outside & (beyond < 0) & (cage.inside_mm < 0)
    tissue[between] = Tissue.MUSCLE
    thin = rng.uniform(*_LINE_MM) * np.clip(1 + field.noise(18), 0, None)
    within = np.abs(cage.inside_mm + cage.thick_mm * (0.5 + 0.2 * field.noise(40))) < thin
    tissue[(between & within) | (outside & (np.abs(beyond) < 1.5 * thin))] = Tissue.FAT
    pleura = rng.uniform(*_PLEURA_MM) * np.clip(1 + field.noise(25), 0, None)
    tissue[outside & (cage.inside_mm >= 0) & (cage.inside_mm < pleura)] = Tissue.FAT
    if "rib cartilage" in scene.surfaces:
        tissue[voxelize(scene.surfaces["rib cartilage"], field.geometry) & ~field.inside] = Tissue.CARTILAGE


def _about(points_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Cells around the middle, mm from it, and cells above the foot."""
    turn = (np.arctan2(points_mm[:, 1], points_mm[:, 0]) / (2 * np.pi) % 1) * _SIDES
    return turn, np.hypot(points_mm[:, 0], points_mm[:, 1]), points_mm[:, 2] / _STEP_MM


def _faces(points_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance of the inner and the outer face from the middle in every cell "around up", smooth between the ribs."""
    turn, radius, height = _about(points_mm)
    cells = turn.astype(int) % _SIDES, height.round().astype(int)
    shape = (_SIDES, int(cells[1].max()) + 1)
    inner, outer = np.full(shape, np.inf), np.zeros(shape)
    np.minimum.at(inner, cells, radius)
    np.maximum.at(outer, cells, radius)
    known = outer > 0
    return _spread(np.where(known, inner, 0), known), _spread(outer, known)


def _spread(values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Values where they are known, and smoothly between; the first axis is a circle."""
    from scipy.ndimage import gaussian_filter

    found = np.full(values.shape, values[known].mean())
    for cells in _SMOOTH_CELLS:
        near = gaussian_filter(known.astype(float), cells, mode=("wrap", "constant"))
        total = gaussian_filter(values * known, cells, mode=("wrap", "constant"))
        little = _LITTLE * near.max()
        found = (total + little * found) / (near + little)
    return found
