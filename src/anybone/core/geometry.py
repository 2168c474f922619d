"""Geometry: where the voxels of an array lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anybone.core.errors import GeometryError

_AXIS_NAMES = (("L", "R"), ("P", "A"), ("I", "S"))
UNKNOWN_ORIENTATION = "???"
_SAME_SPACING_RTOL = 1e-3  # spacings closer than this are one spacing: headers round


@dataclass(frozen=True, eq=False)
class Geometry:
    """Maps voxel indices (i, j, k) of a 3-D array to RAS+ world coordinates in mm.

    Args:
        shape_ijk: Number of voxels along each array axis, each at least 1.
        affine_ras_mm: float64 4 x 4; `affine @ (i, j, k, 1)` is the center of that voxel in mm,
            x grows to the patient's right, y to the front, z to the head.
        is_oriented: False if the source states voxel spacing only, so that directions in the patient are unknown.

    Raises:
        GeometryError: The shape is empty or the affine is not a finite, invertible 4 x 4 map.
    """

    shape_ijk: tuple[int, int, int]
    affine_ras_mm: NDArray[np.float64]
    is_oriented: bool = True

    def __post_init__(self) -> None:
        shape = tuple(int(n) for n in self.shape_ijk)
        if len(shape) != 3 or min(shape) < 1:
            raise GeometryError(f"A volume needs three axes of at least one voxel; found shape {shape}.")
        affine = np.array(self.affine_ras_mm, dtype=np.float64)
        if affine.shape != (4, 4):
            raise GeometryError(f"An affine is a 4 x 4 matrix; found shape {affine.shape}.")
        if not np.isfinite(affine).all():
            raise GeometryError("The affine holds NaN or infinite numbers: the header is damaged. Re-export the file.")
        if not np.array_equal(affine[3], (0, 0, 0, 1)):
            raise GeometryError(f"The last row of an affine is 0 0 0 1; found {affine[3].tolist()}.")
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        if spacing.min() <= 0 or abs(np.linalg.det(affine[:3, :3] / np.where(spacing > 0, spacing, 1))) < 1e-4:
            raise GeometryError(
                f"The affine cannot be inverted (voxel spacing {spacing.tolist()} mm): the header is damaged. "
                "Re-export the file."
            )
        affine.flags.writeable = False
        object.__setattr__(self, "shape_ijk", shape)
        object.__setattr__(self, "affine_ras_mm", affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighboring voxel centers along each array axis, in mm."""
        return tuple(float(x) for x in np.linalg.norm(self.affine_ras_mm[:3, :3], axis=0))  # type: ignore[return-value]

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel in mm3; right for sheared grids too."""
        return float(abs(np.linalg.det(self.affine_ras_mm[:3, :3])))

    @property
    def orientation(self) -> str:
        """Direction of each array axis: "RAS", "LPS", "PIR", ... (nearest for an oblique grid), "???" if unknown."""
        if not self.is_oriented:
            return UNKNOWN_ORIENTATION
        return "".join(_AXIS_NAMES[world][int(sign > 0)] for world, sign in _nearest_axes(self.affine_ras_mm[:3, :3]))

    @property
    def is_placed(self) -> bool:
        """True if the affine states the position of the array in the patient.

        An affine that only scales and starts at the origin is a default, written for files that give nothing but voxel
        sizes and by programs that stack pictures.
        """
        return self.is_oriented and not np.array_equal(self.affine_ras_mm, np.diag([*self.spacing_mm, 1.0]))

    @property
    def slice_axis(self) -> int:
        """Array axis that slices are stacked along: one of length 1, else that of largest spacing (last on a tie)."""
        if 1 in self.shape_ijk:
            return max(axis for axis, n in enumerate(self.shape_ijk) if n == 1)
        spacing = np.asarray(self.spacing_mm)
        widest = spacing >= spacing.max() * (1 - _SAME_SPACING_RTOL)
        return int(np.flatnonzero(widest)[-1])

    def plane(self, axis: int) -> str:
        """Return the plane of slices stacked along `axis`: "sagittal", "coronal", "axial", or "" if unknown."""
        if not self.is_oriented:
            return ""
        world, _ = _nearest_axes(self.affine_ras_mm[:3, :3])[axis]
        return ("sagittal", "coronal", "axial")[world]

    def to_world(self, ijk: ArrayLike) -> NDArray[np.float64]:
        """World RAS+ coordinates in mm, shape (..., 3), of voxel indices of shape (..., 3)."""
        return np.asarray(ijk, dtype=np.float64) @ self.affine_ras_mm[:3, :3].T + self.affine_ras_mm[:3, 3]

    def to_voxel(self, ras_mm: ArrayLike) -> NDArray[np.float64]:
        """Fractional voxel indices, shape (..., 3), of world RAS+ coordinates in mm of shape (..., 3)."""
        shifted = np.asarray(ras_mm, dtype=np.float64) - self.affine_ras_mm[:3, 3]
        return np.asarray(np.linalg.solve(self.affine_ras_mm[:3, :3], shifted[..., None])[..., 0], dtype=np.float64)

    def contains(self, ijk: ArrayLike) -> bool:
        """Return True if a voxel index, fractional or not, is inside the grid."""
        index = np.asarray(ijk, dtype=np.float64)
        return bool(((index > -0.5) & (index < np.asarray(self.shape_ijk) - 0.5)).all())

    def matches(self, other: Geometry, tolerance_mm: float = 1e-3) -> bool:
        """Return True if shapes agree and no voxel position differs by more than `tolerance_mm`."""
        if self.shape_ijk != other.shape_ijk:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape_ijk], indexing="ij")).reshape(3, -1).T
        return bool(np.abs(self.to_world(corners) - other.to_world(corners)).max() <= tolerance_mm)

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, Geometry):
            return NotImplemented
        return self.shape_ijk == other.shape_ijk and np.array_equal(self.affine_ras_mm, other.affine_ras_mm)

    def __hash__(self) -> int:
        return hash((self.shape_ijk, self.affine_ras_mm.tobytes()))


def _nearest_axes(matrix: NDArray[np.float64]) -> list[tuple[int, float]]:
    """For each array axis, the world axis it follows most closely and the sign; each world axis is used once."""
    cosines = matrix / np.linalg.norm(matrix, axis=0)
    result: list[tuple[int, float]] = [(0, 1.0)] * 3
    free = np.abs(cosines)
    for _ in range(3):
        world, array = np.unravel_index(int(np.argmax(free)), (3, 3))
        result[int(array)] = (int(world), float(np.sign(cosines[world, array])))
        free[world, :] = -1
        free[:, array] = -1
    return result
