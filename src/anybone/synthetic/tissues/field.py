"""The field of view in voxels: which bone is where, how far away, and how wide the joints between bones are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anybone.core.geometry import Geometry
from anybone.synthetic.bones import label_bones
from anybone.synthetic.scene import Scene
from anybone.synthetic.splines import volume

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

_KNOT_SHARE = 0.7  # of a bump, between control values: splines are wider than what they run through


@dataclass(frozen=True, eq=False)
class Field:
    """Bones on a grid, and their distances.

    Attributes:
        geometry: Axes along R, A, S; voxels as long as they are wide.
        bone: uint16 "i j k", 0 for no bone.
        names: Bone number -> name.
        rng: Draws everything.
    """

    geometry: Geometry
    bone: NDArray[np.uint16]
    names: dict[int, str]
    rng: np.random.Generator

    @property
    def spacing_mm(self) -> float:
        """Edge of a voxel."""
        return self.geometry.spacing_mm[0]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along R, A and S."""
        return self.geometry.shape_ijk

    @cached_property
    def inside(self) -> Mask:
        """Mask of bone."""
        return self.bone > 0

    @cached_property
    def _outer(self) -> tuple[Array, NDArray[np.uint16]]:
        from scipy import ndimage

        if not self.inside.any():
            return np.full(self.shape, 1e3, dtype=np.float32), self.bone
        away, index = ndimage.distance_transform_edt(~self.inside, sampling=self.spacing_mm, return_indices=True)
        return away.astype(np.float32), self.bone[tuple(index)]

    @property
    def away_mm(self) -> Array:
        """Distance to the nearest bone; 0 inside."""
        return self._outer[0]

    @property
    def nearest(self) -> NDArray[np.uint16]:
        """Number of the nearest bone."""
        return self._outer[1]

    @cached_property
    def depth_mm(self) -> Array:
        """Distance to the surface, inside bone; 0 outside."""
        from scipy import ndimage

        return np.asarray(ndimage.distance_transform_edt(self.inside, sampling=self.spacing_mm), dtype=np.float32)

    @cached_property
    def seam_mm(self) -> Array:
        """Distance to the seam, where the nearest bone changes."""
        from scipy import ndimage

        seam = np.zeros(self.shape, dtype=bool)
        for axis in range(3):
            here = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
            seam[here] |= np.diff(self.nearest, axis=axis) != 0
        if not seam.any():
            return np.full(self.shape, 1e3, dtype=np.float32)
        return np.asarray(ndimage.distance_transform_edt(~seam, sampling=self.spacing_mm), dtype=np.float32)

    @cached_property
    def gap_mm(self) -> Array:
        """Width of the joint, along the way from bone to bone: twice the distance from the seam to bone."""
        return np.asarray(2 * (self.away_mm + self.seam_mm), dtype=np.float32)

    @cached_property
    def across(self) -> NDArray[np.uint16]:
        """Number of the bone on the other side of the nearest part of the seam, 0 far from it."""
        from scipy import ndimage

        reach = max(3, int(2 * 6.0 / self.spacing_mm) | 1)
        highest = ndimage.maximum_filter(self.nearest, size=reach)
        lowest = ndimage.minimum_filter(self.nearest, size=reach)
        return np.where(highest != self.nearest, highest, np.where(lowest != self.nearest, lowest, 0)).astype(np.uint16)

    def noise(self, length_mm: float, aniso: tuple[float, float, float] = (1, 1, 1)) -> Array:
        """Smooth noise of mean 0 and deviation 1 whose bumps are of this size, stretched along the axes by `aniso`."""
        return noise(self.rng, self.shape, self.spacing_mm, length_mm, aniso)

    def axis_mm(self, axis: int) -> Array:
        """World coordinates along one axis, shaped to broadcast."""
        values = self.geometry.affine_ras_mm[axis, 3] + self.spacing_mm * np.arange(self.shape[axis])
        return np.asarray(values.reshape([-1 if a == axis else 1 for a in range(3)]), dtype=np.float32)

    def points_mm(self, where: Mask) -> NDArray[np.float64]:
        """World coordinates "n 3" of the voxels of a mask."""
        return self.geometry.to_world(np.argwhere(where))


def noise(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    spacing_mm: float,
    length_mm: float,
    aniso: tuple[float, float, float] = (1, 1, 1),
) -> Array:
    """Return `Field.noise` on any grid."""
    steps_mm = [_KNOT_SHARE * length_mm * a for a in aniso]
    knots = [max(4, round(n * spacing_mm / mm) + 3) for n, mm in zip(shape, steps_mm, strict=True)]
    field = volume(rng.normal(size=knots).astype(np.float32), shape)
    return np.asarray((field - field.mean()) / max(float(field.std()), 1e-6), dtype=np.float32)


def field_of(scene: Scene, spacing_mm: float, rng: np.random.Generator) -> Field:
    """Return a scene's field of view on a grid, with the bones that reach into it."""
    shape = tuple(max(8, round(e / spacing_mm)) for e in scene.extent_mm)
    affine = np.diag([spacing_mm] * 3 + [1.0])
    corner_mm = scene.center_mm - (np.array(shape) - 1) / 2 * spacing_mm
    affine[:3, 3] = corner_mm.round(3)  # sums end in other digits with other numbers of threads
    geometry = Geometry((shape[0], shape[1], shape[2]), affine)
    bone, names = label_bones(scene.bones, geometry)
    return Field(geometry, bone, names, rng)
