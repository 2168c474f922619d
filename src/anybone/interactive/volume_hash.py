"""A hash of a volume: what tells whether something that was kept belongs to it."""

from __future__ import annotations

import hashlib

import numpy as np

from anybone.core.volume import Volume


def volume_hash(volume: Volume) -> str:
    """A hash of a volume's voxels and grid: what tells whether a saved session belongs to it."""
    found = hashlib.blake2b(digest_size=16)
    found.update(np.array(volume.geometry.shape_ijk, dtype="<i8").tobytes())
    found.update(volume.geometry.affine_ras_mm.astype("<f8").tobytes())
    for k in range(volume.data.shape[2]):
        found.update(np.asarray(volume.data[:, :, k], dtype="<f4", order="F").tobytes(order="F"))
    return found.hexdigest()
