"""The bones of a scene on a grid: which voxel belongs to which bone, with a seam between any two."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from anybone.core.geometry import Geometry
from anybone.synthetic.scene import Mesh
from anybone.synthetic.voxelize import voxelized_part


def label_bones(bones: Mapping[str, Mesh], geometry: Geometry) -> tuple[NDArray[np.uint16], dict[int, str]]:
    """Return the number of the bone at each voxel "i j k" (0: none), and the name of each bone with any voxel.

    A voxel inside two bones is the earlier one's. Where bones would share a face of a voxel, the later one gives way,
    so that no two bones touch.
    """
    labels = np.zeros(geometry.shape_ijk, dtype=np.uint16)
    names: dict[int, str] = {}
    for name, mesh in bones.items():
        window, part = voxelized_part(mesh, geometry)
        if not part.any():
            continue
        around = tuple(slice(max(w.start - 1, 0), w.stop + 1) for w in window)
        taken = labels[around] > 0
        beside = taken.copy()
        for axis in range(3):
            ahead, behind = [slice(None)] * 3, [slice(None)] * 3
            ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
            beside[tuple(ahead)] |= taken[tuple(behind)]
            beside[tuple(behind)] |= taken[tuple(ahead)]
        inner = tuple(
            slice(w.start - a.start, w.start - a.start + n) for w, a, n in zip(window, around, part.shape, strict=True)
        )
        free = part & ~beside[inner]
        if free.any():
            number = len(names) + 1
            labels[window][free] = number
            names[number] = name
    return labels, names
