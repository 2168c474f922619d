"""Surfaces of bones: closed, smooth, as large as the mask, in the patient's millimeters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import MissingExtraError
from anybone.core.geometry import Geometry

_PASSES = 10  # of Taubin's filter: stairs of voxels go, edges of some voxels stay
_SHRINK, _GROW = 0.5, -0.53  # shares of a step toward the neighbors' mean, and back a little more (Taubin 1995)
_MOST_FINER = 8  # times that slices are made finer than they were cut
_MOST_VOXELS = 40_000_000  # of a field; a bone that would need more is not made finer
_OFF_LEVEL = 1e-3  # of a voxel: where the field is exactly 0 the surface would have slivers
_VOLUME_STEPS = 3  # Newton's steps to the mask's volume
_MOST_MOVED = 0.5  # voxels by which these move the surface


@dataclass(frozen=True, eq=False)
class Surface:
    """A closed surface.

    Attributes:
        vertices_ras_mm: "n 3".
        faces: Three vertices each, "m 3", counter-clockwise seen from outside.
    """

    vertices_ras_mm: NDArray[np.float64]
    faces: NDArray[np.int64]

    @property
    def volume_mm3(self) -> float:
        """Enclosed volume in mm3."""
        a, b, c = (self.vertices_ras_mm[self.faces[:, n]] for n in range(3))
        return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6)


def surface_of(mask: NDArray[np.bool_], geometry: Geometry) -> Surface:
    """Return the surface of a nonempty mask "i j k".

    Marching cubes (Lewiner 2003) find the border half-way between voxels, in a field of signed distances that is made
    finer along thick slices. Taubin's filter smooths without shrinking thick parts; at last all of the surface moves
    evenly outwards or inwards, until it encloses the mask's volume.

    Raises:
        MissingExtraError: scikit-image is not installed.
    """
    try:
        from skimage.measure import marching_cubes
    except ImportError as error:
        raise MissingExtraError("Making surfaces", "mesh") from error

    hit = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    low = np.array([h[0] for h in hit])
    inner = mask[tuple(slice(h[0], h[-1] + 1) for h in hit)]
    field, factors = _field(np.pad(inner, 1), geometry.spacing_mm)
    level = _OFF_LEVEL * min(geometry.spacing_mm)
    vertices, faces, _, _ = marching_cubes(field, level=level, allow_degenerate=False)
    ijk = vertices.astype(np.float64) / factors + low - 1  # less the padding
    found = _outwards(Surface(geometry.to_world(ijk), faces.astype(np.int64)))
    smooth = Surface(_taubin(found), found.faces)
    volume = int(inner.sum()) * geometry.voxel_volume_mm3
    return _as_large(smooth, volume, _MOST_MOVED * min(geometry.spacing_mm))


def _signed_mm(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> NDArray[np.float32]:
    """Distance to the border in mm, positive inside.

    Distances are measured between voxel centers; less half of the smallest spacing, they are 0 half-way.
    """
    from scipy import ndimage

    half = min(spacing_mm) / 2
    inside = ndimage.distance_transform_edt(mask, sampling=spacing_mm)
    outside = ndimage.distance_transform_edt(~mask, sampling=spacing_mm)
    signed: NDArray[np.float32] = np.where(mask, inside - half, half - outside).astype(np.float32)
    return signed


def _field(
    mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return a field above 0 inside, thick axes subdivided to near-cubic voxels, and the factor of each axis."""
    wanted = np.array([min(round(s / min(spacing_mm)), _MOST_FINER) for s in spacing_mm])
    shape = (np.array(mask.shape) - 1) * wanted + 1
    if wanted.max() == 1 or shape.prod() > _MOST_VOXELS:  # the border lies half-way without any distances
        return np.where(mask, np.float32(1), np.float32(-1)) * np.float32(min(spacing_mm) / 2), np.ones(3)
    field = _signed_mm(mask, spacing_mm)
    for axis in np.flatnonzero(wanted > 1).tolist():
        places = np.arange(shape[axis]) / wanted[axis]
        below = np.minimum(places.astype(int), field.shape[axis] - 2)
        share = (places - below).astype(np.float32)
        weight = share.reshape([-1 if a == axis else 1 for a in range(3)])
        field = np.take(field, below, axis) * (1 - weight) + np.take(field, below + 1, axis) * weight
    return field, wanted.astype(np.float64)


def _outwards(surface: Surface) -> Surface:
    """Return the surface with outward faces for any handedness of the affine."""
    return surface if surface.volume_mm3 > 0 else Surface(surface.vertices_ras_mm, surface.faces[:, ::-1].copy())


def _taubin(surface: Surface) -> NDArray[np.float64]:
    """Vertices that were moved toward the mean of their neighbors and back, by turns."""
    from scipy import sparse

    faces, count = surface.faces, len(surface.vertices_ras_mm)
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ones = np.ones(2 * len(ends))
    links = sparse.coo_matrix((ones, (ends.T.ravel(), ends[:, ::-1].T.ravel())), shape=(count, count)).tocsr()
    links.data[:] = 1
    mean = sparse.diags(1 / links.sum(axis=1).A1) @ links
    vertices = surface.vertices_ras_mm
    for _ in range(_PASSES):
        for share in (_SHRINK, _GROW):
            vertices = vertices + share * (mean @ vertices - vertices)
    return np.asarray(vertices)


def _as_large(surface: Surface, volume_mm3: float, most_mm: float) -> Surface:
    """Move the surface along its normals, up to a limit, until it encloses a volume."""
    moved = 0.0
    for _ in range(_VOLUME_STEPS):
        normals, area = _normals(surface)
        step = float(np.clip((volume_mm3 - surface.volume_mm3) / area, -most_mm - moved, most_mm - moved))
        moved += step
        surface = Surface(surface.vertices_ras_mm + step * normals, surface.faces)
    return surface


def _normals(surface: Surface) -> tuple[NDArray[np.float64], float]:
    """Return unit normals of the vertices and the area of the surface."""
    a, b, c = (surface.vertices_ras_mm[surface.faces[:, n]] for n in range(3))
    twice = np.cross(b - a, c - a)
    normals = np.zeros_like(surface.vertices_ras_mm)
    for n in range(3):
        np.add.at(normals, surface.faces[:, n], twice)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.where(length > 0, length, 1), float(np.linalg.norm(twice, axis=1).sum() / 2)
