"""Head and neck: the skeleton's solid skull gets a cavity, sinuses and its large opening; the hyoid; the airway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.mesh import grid_around, remeshed
from anybone.synthetic.scene import Mesh
from anybone.synthetic.shapes.skeleton import articulated
from anybone.synthetic.shapes.solids import Field, Space, bar, ellipsoid, united, without
from anybone.synthetic.shapes.vertebra import LEVELS
from anybone.synthetic.voxelize import voxelize

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
_CHOANA_MM = (0, -62, 40)  # where the nose ends and the throat begins
_THROAT_MM = {"C1": 24.0, "C2": 22.0, "C3": 22.0, "C4": 24.0}  # from the middle of a vertebra's body; wide, not deep
_WINDPIPE_MM = 30.0
_AIRWAY_MM = 8.0  # radius


def skull_mesh() -> Mesh:
    """Return the hollow skull, positioned as in the skeleton at rest, in RAS mm."""
    return _head()[0]


def cranial_cavity_mesh() -> Mesh:
    """Return the contents of the skull at rest: brain, its fluid, and the stem down to the spinal canal."""
    return _head()[1]


@lru_cache(maxsize=1)
def _head() -> tuple[Mesh, Mesh]:
    from scipy.ndimage import distance_transform_edt, gaussian_filter

    solid = articulated(["skull"]).bones["skull"]
    grid = grid_around(solid, _SPACING_MM)
    deep = distance_transform_edt(voxelize(solid, grid)) * _SPACING_MM
    # What a ball can reach inside the wall: the brain without the crevices of the face.
    core = deep > _WALL_MM + _ROUNDEST_MM
    brain = _ROUNDEST_MM - distance_transform_edt(~core) * _SPACING_MM
    low, high = solid.bounds_mm
    space = _space_of(grid.shape_ijk, [float(c) for c in grid.affine_ras_mm[:3, 3] - (0, high[1], low[2])])
    stem = _stem(space, high[1] - low[1])
    hollow = np.maximum(np.maximum(brain, stem), _air(space))
    outside = distance_transform_edt(deep == 0) * _SPACING_MM
    place = np.array([0, high[1], low[2]])
    found = (without(deep - outside, hollow), np.maximum(brain, stem))
    skull, cavity = (space.mesh(gaussian_filter(f.astype(np.float32), 0.7)).moved(np.eye(3), place) for f in found)
    return skull, cavity


def airway_mesh(bodies_mm: Mapping[str, NDArray[np.float64]]) -> Mesh:
    """Sinuses, nose, throat and windpipe, in RAS mm of the skeleton at rest.

    Args:
        bodies_mm: The middle of each vertebra's body, "C1" to at least "T1".
    """
    low, high = articulated(["skull"]).bones["skull"].bounds_mm
    place = np.array([0, high[1], low[2]])
    levels = sorted(bodies_mm, key=LEVELS.index)
    before = [bodies_mm[level] + (0, _THROAT_MM.get(level, _WINDPIPE_MM), 0) for level in levels]
    line = np.stack([place + _CHOANA_MM, *before]) - place
    space = Space.box((-40, min(-70.0, line[:, 1].min() - 20), line[-1, 2]), (40, 5, 95), _SPACING_MM)
    field = _air(space)
    for level, start, end in zip(levels, line[:-1], line[1:], strict=True):
        wide = 1.7 if level in _THROAT_MM else 1.0
        field = np.maximum(field, bar(space, start, end, (_AIRWAY_MM, _AIRWAY_MM), (wide, 1.0, 1.0)))
    return space.mesh(field).moved(np.eye(3), place)


def _space_of(shape: tuple[int, int, int], low_mm: Sequence[float]) -> Space:
    """Return the space of exactly `shape` places from a corner on."""
    high = [low + (count - 1.01) * _SPACING_MM for low, count in zip(low_mm, shape, strict=True)]
    return Space.box(low_mm, high, _SPACING_MM)


def _stem(space: Space, depth_mm: float) -> Field:
    """Return the course of the spinal cord out of the skull."""
    return bar(space, (0, -0.62 * depth_mm, 0), (0, -0.66 * depth_mm, 50), (15, 15), (1, 1.15, 1))


def _air(space: Space) -> Field:
    """Sinuses and nose."""
    halves = Space(space.geometry, np.abs(space.x), space.y, space.z)
    found = ellipsoid(halves, *_AIR[0])
    for middle, radii in _AIR[1:]:
        found = np.maximum(found, ellipsoid(halves, middle, radii))
    return found


@lru_cache(maxsize=1)
def hyoid_mesh() -> Mesh:
    """Return the hyoid bone in its own frame, in mm: 0 is the middle of its body."""
    space = Space.box((-26, -42, -10), (26, 8, 16), 0.9)
    halves = Space(space.geometry, np.abs(space.x), space.y, space.z)
    body = bar(halves, (0, 0, 0), (10, -4, 0), (3.2, 2.8), (1, 0.9, 1.5))
    body = united(body, bar(halves, (10, -4, 0), (20, -34, 6), (2.3, 2.2)), 1.5)
    return space.mesh(united(body, bar(halves, (11, -5, 1), (13, -9, 8), (1.8, 1.2)), 1.0))


@lru_cache(maxsize=1)
def mandible_mesh() -> Mesh:
    """Return the mandible, positioned as in the skeleton at rest, in RAS mm."""
    return remeshed(articulated(["mandible"]).bones["mandible"], 1.5)
