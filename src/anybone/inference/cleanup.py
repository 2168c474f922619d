"""Step 8, clean: speckle and small holes of a 3-D mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def clean(
    mask: NDArray[np.bool_], voxel_volume_mm3: float, *, min_component_mm3: float, max_hole_mm3: float
) -> NDArray[np.bool_]:
    """The mask "i j k" without small pieces and with small closed holes filled.

    Args:
        mask: Bone.
        voxel_volume_mm3: Volume of a voxel.
        min_component_mm3: Pieces (26-connected) below this volume are dropped; 0 keeps all.
        max_hole_mm3: Holes (6-connected background that does not touch the border of the array) up to this volume are
            filled; 0 fills none.
    """
    if min_component_mm3 > 0:
        mask = mask & ~_small(mask, np.ones((3, 3, 3)), min_component_mm3 / voxel_volume_mm3)
    if max_hole_mm3 > 0:
        mask = mask | _small(~mask, None, np.nextafter(max_hole_mm3 / voxel_volume_mm3, np.inf), inner=True)
    return mask


def _small(
    mask: NDArray[np.bool_], structure: NDArray[np.float64] | None, voxels: float, *, inner: bool = False
) -> NDArray[np.bool_]:
    """The components of fewer than `voxels` voxels; with `inner`, only those away from the array's border."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, structure)
    small = np.bincount(labels.ravel(), minlength=count + 1) < voxels
    small[0] = False
    if inner:
        for axis in range(3):
            for side in (0, -1):
                small[np.unique(np.take(labels, side, axis))] = False
    return small[labels]  # type: ignore[no-any-return]
