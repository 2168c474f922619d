"""Between the world of this package (RAS+ mm) and the world of ITK and DICOM (LPS+ mm)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anybone.core.errors import GeometryError


def flip_lps_ras(affine: ArrayLike) -> NDArray[np.float64]:
    """Negate x and y of the world: LPS to RAS, and RAS to LPS.

    DICOM, NRRD's default space and MetaImage count x to the patient's left and y to the back; NIfTI and this package
    to the right and to the front. Only readers and writers call this.
    """
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ np.asarray(affine, dtype=np.float64)


def compose(columns: ArrayLike, origin_mm: ArrayLike) -> NDArray[np.float64]:
    """Return the 4 x 4 affine with the steps in mm along i, j, k as columns and voxel (0, 0, 0) at the origin."""
    affine = np.eye(4)
    affine[:3, :3] = columns
    affine[:3, 3] = origin_mm
    return affine


def complete(steps_mm: NDArray[np.float64], thickness_mm: float = 1.0) -> NDArray[np.float64]:
    """Return the 3 x 3 steps of a single slice: two in-plane columns and their normal, `thickness_mm` long.

    Raises:
        GeometryError: The two columns are zero or parallel.
    """
    normal = np.cross(steps_mm[:, 0], steps_mm[:, 1])
    length = float(np.linalg.norm(normal))
    if not np.isfinite(length) or length == 0:
        raise GeometryError(f"The two in-plane axes {steps_mm.T.tolist()} span no plane: the header is damaged.")
    return np.column_stack([steps_mm, normal / length * thickness_mm])


def nearest_rigid(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the 4 x 4 affine with orthonormal directions closest to `affine`, same spacing and origin.

    The directions are the orthogonal factor of the polar decomposition, which minimizes the Frobenius distance.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine[:3, :3] / spacing)
    return compose((left @ right) * spacing, affine[:3, 3])
