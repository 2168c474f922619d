"""A user's own cases as shapes: the bones of a label map become surfaces, and other people like that one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import UsageError
from anybone.core.geometry import Geometry
from anybone.core.labels import named
from anybone.core.segmentation import Segmentation
from anybone.synthetic.body import Array, Body
from anybone.synthetic.contact import apart
from anybone.synthetic.mesh import smoothed
from anybone.synthetic.scene import Mesh, MusclePath, Scene
from anybone.synthetic.surface_nets import surface
from anybone.synthetic.variation import individual, warp

REGION = "own"
"""The region of scenes made here."""

_FINEST_MM = 0.8  # surfaces are found on a grid of this or the slices' pixels, whichever is coarser
_SIZE, _WAVES_MM, _HEIGHT_MM = 0.05, (80.0, 250.0), 2.0  # how people differ from the one that was scanned
_SHARE = 0.01  # and each bone from its neighbors
_GAP_MM = 1.0
_MUSCLES, _SOFT_TISSUE_MM = 7, (12.0, 30.0)  # how far the ring of them reaches beyond the bones
_PAD = 2  # voxels around a bone
_BEYOND_MM = 20.0  # a cut bone ends so far outside, since an end has a cortex
_ROUNDS = 6  # of smoothing: steps between slices go, edges stay


def scene_from(segmentation: Segmentation, rng: np.random.Generator, credit: str) -> Scene:
    """Somebody like the person of a label map, in the same pose: varied in size and shape, every second one mirrored.

    Args:
        segmentation: Labels whose names are those of `anybone.core.labels` ("left femur").
        rng: Draws who it is.
        credit: Whose bones these are, for the record.

    Raises:
        UsageError: A name is not that of a bone, or there is no bone.
    """
    unknown = sorted(name for name in segmentation.names.values() if named(name) is None)
    if unknown or not segmentation.mask.any():
        found = f"labels called {', '.join(unknown)}" if unknown else "no bone"
        raise UsageError(
            f"{credit} has {found}. Shapes need bones by name and side, as in anybone.core.labels: "
            '"left femur", "third lumbar vertebra".'
        )
    center, extent = _seen(segmentation.geometry)
    body = Body(surfaces_of(segmentation), places_mm={"middle": center}, credits=(credit,))
    if rng.random() < 0.5:
        body = body.other_side()
    size = float(np.exp(np.clip(rng.normal(0, _SIZE), -2 * _SIZE, 2 * _SIZE)))
    body = body.moved(warp(rng, body.places_mm["middle"], rng.uniform(0.3, 1) * _HEIGHT_MM, _WAVES_MM, size))
    bones = apart(individual(body.bones, rng, _SHARE), _GAP_MM)
    sides = {name.split()[0] for name in bones} & {"left", "right"}
    side = sides.pop() if len(sides) == 1 else "both"
    center, extent = body.places_mm["middle"], extent * size
    return Scene(bones, _soft_tissue(bones, center, extent, rng), center, extent, REGION, side, body.credits)


def surfaces_of(segmentation: Segmentation) -> dict[str, Mesh]:
    """Return the surface of each bone in RAS mm, by name; a cropped bone is extended straight."""
    labels, geometry = segmentation.labels, segmentation.geometry
    further = np.ceil(_BEYOND_MM / np.array(geometry.spacing_mm)).astype(int)
    found = {}
    for number, name in segmentation.names.items():
        at = np.argwhere(labels == number)
        if not len(at):
            continue
        low, high = at.min(axis=0), at.max(axis=0) + 1
        block = labels[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] == number
        before, after = further * (low == 0), further * (high == labels.shape)
        block = np.pad(block, np.stack([before, after], axis=1), mode="edge")
        found[name] = _surface(np.pad(block, _PAD), geometry, low - before - _PAD)
    return found


def _soft_tissue(
    bones: Mapping[str, Mesh], center_mm: Array, extent_mm: Array, rng: np.random.Generator
) -> dict[str, MusclePath]:
    """Muscles in a ring about all bones, along the longest axis of the field: their own ones are not known."""
    along = int(np.argmax(extent_mm))
    across = [axis for axis in range(3) if axis != along]
    points = np.concatenate([mesh.vertices_mm for mesh in bones.values()])
    points = points[(np.abs(points - center_mm) < extent_mm / 2).all(axis=1)]
    low, high = np.quantile(points, (0.02, 0.98), axis=0)[:, across]
    half = (high - low) / 2 + rng.uniform(*_SOFT_TISSUE_MM)
    ends = center_mm[along] + np.array([-1, 0, 1]) * extent_mm[along]
    muscles = {}
    for number, angle in enumerate(np.arange(_MUSCLES) * 2 * np.pi / _MUSCLES + rng.uniform(0, 2 * np.pi)):
        radius = 0.5 * float(half.mean()) * rng.uniform(0.7, 1.1)
        path = np.empty((3, 3))
        path[:, along] = ends
        path[:, across] = (low + high) / 2 + (half - radius) * (np.cos(angle), np.sin(angle))
        muscles[f"muscle {number + 1}"] = MusclePath(path, radius)
    return muscles


def _surface(inside: NDArray[np.bool_], geometry: Geometry, corner: NDArray[np.intp]) -> Mesh:
    """Return the surface of a bone in a block of a grid; distances are interpolated, so slices leave no steps."""
    from scipy import ndimage

    spacing = np.array(geometry.spacing_mm)
    depth = ndimage.distance_transform_edt(inside, sampling=spacing)
    depth = depth - ndimage.distance_transform_edt(~inside, sampling=spacing)
    wanted = np.maximum(spacing.min(), _FINEST_MM)
    shape = np.maximum(np.round((np.array(inside.shape) - 1) * spacing / wanted).astype(int) + 1, 2)
    step = (np.array(inside.shape) - 1) / (shape - 1)  # of the finer grid, in voxels
    at = np.meshgrid(*(np.arange(n) * s for n, s in zip(shape, step, strict=True)), indexing="ij")
    fine = ndimage.map_coordinates(depth.astype(np.float32), at, order=1)
    affine = np.array(geometry.affine_ras_mm)
    affine[:3, 3] = geometry.to_world(corner)
    affine[:3, :3] = affine[:3, :3] * step
    return smoothed(surface(fine, Geometry(tuple(shape.tolist()), affine)), _ROUNDS)


def _seen(geometry: Geometry) -> tuple[Array, Array]:
    """Middle of the volume, and its extent along R, A and S without the outermost voxels, where bones may be cut."""
    matrix, spacing = geometry.affine_ras_mm[:3, :3], np.array(geometry.spacing_mm)
    shape = np.array(geometry.shape_ijk)
    size = np.maximum(shape - 2, 1) * spacing
    along = np.argmax(np.abs(matrix / spacing), axis=1)  # the axis of the grid that lies nearest to each of R, A, S
    return np.asarray(geometry.to_world((shape - 1) / 2)), size[along]
