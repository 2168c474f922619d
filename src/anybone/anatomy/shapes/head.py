"""Skull and hyoid: the articulated skeleton's skull is solid; here it gets a cavity, sinuses and its large opening."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from anybone.anatomy.mesh import grid_around, remeshed
from anybone.anatomy.scene import Mesh
from anybone.anatomy.shapes.skeleton import articulated
from anybone.anatomy.shapes.solids import Field, Space, bar, ellipsoid, united, without
from anybone.anatomy.voxelise import voxelise

_SPACING_MM = 2.0
_WALL_MM, _ROUNDEST_MM = 5.5, 20.0  # thickness of vault and base; no corner of the brain is sharper than this radius
# Middle and radii in mm of what is air, from the middle of the skull's front (x right, y front, z head).
_AIR = (
    ((24, -28, 35), (11, 15, 15)),  # maxillary sinus, both sides
    ((0, -33, 41), (12, 33, 20)),  # nasal cavity
    ((7, -36, 58), (5, 18, 9)),  # ethmoid cells
    ((0, -66, 53), (12, 11, 9)),  # sphenoid sinus
    ((0, -8, 79), (17, 4, 9)),  # frontal sinus
)


@lru_cache(maxsize=1)
def skull_mesh() -> Mesh:
    """The skull where the skeleton at rest has it, in RAS mm, hollow."""
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    solid = articulated(["skull"]).bones["skull"]
    grid = grid_around(solid, _SPACING_MM)
    deep = distance_transform_edt(voxelise(solid, grid)) * _SPACING_MM
    # What a ball can reach inside the wall: the brain without the crevices of the face.
    core = deep > _WALL_MM + _ROUNDEST_MM
    brain = _ROUNDEST_MM - distance_transform_edt(~core) * _SPACING_MM
    low, high = solid.bounds_mm
    space = _space_of(grid.shape_ijk, [float(c) for c in grid.affine_ras_mm[:3, 3] - (0, high[1], low[2])])
    hollow = np.maximum(brain, _openings(space, high[1] - low[1]))
    outside = distance_transform_edt(deep == 0) * _SPACING_MM
    field = gaussian_filter(without(deep - outside, hollow).astype(np.float32), 0.7)
    return space.mesh(field).moved(np.eye(3), np.array([0, high[1], low[2]]))


def _space_of(shape: tuple[int, int, int], low_mm: Sequence[float]) -> Space:
    """The space of exactly `shape` places from a corner on."""
    high = [low + (count - 1.01) * _SPACING_MM for low, count in zip(low_mm, shape, strict=True)]
    return Space.box(low_mm, high, _SPACING_MM)


def _openings(space: Space, depth_mm: float) -> Field:
    """Air, and the way of the spinal cord out of the skull."""
    halves = Space(space.geometry, np.abs(space.x), space.y, space.z)
    found = bar(halves, (0, -0.62 * depth_mm, 0), (0, -0.66 * depth_mm, 50), (15, 15), (1, 1.15, 1))
    for middle, radii in _AIR:
        found = np.maximum(found, ellipsoid(halves, middle, radii))
    return found


@lru_cache(maxsize=1)
def hyoid_mesh() -> Mesh:
    """The hyoid bone in its own frame, in mm: 0 is the middle of its body."""
    space = Space.box((-26, -42, -10), (26, 8, 16), 0.9)
    halves = Space(space.geometry, np.abs(space.x), space.y, space.z)
    body = bar(halves, (0, 0, 0), (10, -4, 0), (3.2, 2.8), (1, 0.9, 1.5))
    body = united(body, bar(halves, (10, -4, 0), (20, -34, 6), (2.3, 2.2)), 1.5)
    return space.mesh(united(body, bar(halves, (11, -5, 1), (13, -9, 8), (1.8, 1.2)), 1.0))


@lru_cache(maxsize=1)
def mandible_mesh() -> Mesh:
    """The mandible where the skeleton at rest has it, in RAS mm."""
    return remeshed(articulated(["mandible"]).bones["mandible"], 1.5)
