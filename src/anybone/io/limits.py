"""Limits that keep a damaged or hostile file from filling memory or time; each says why it is where it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from anybone.core.errors import ReadError

# 2^29 float32 voxels are 2 GiB: four times a whole-body MR of 512 x 512 x 512, and what an 8 GB laptop can hold.
MAX_VOXELS = 2**29

# Text and extensions before the voxels; the largest met in practice are a few hundred kB of scanner protocol.
MAX_HEADER_BYTES = 16 * 2**20

# A day of a busy scanner is about 20 000 images.
MAX_FILES = 100_000

# One file of a zip is held in memory whole; the largest enhanced multi-frame MR files are some hundred MB.
MAX_ENTRY_BYTES = 2 * 2**30

# A whole study unpacks to a few GB. MR images compress 2 to 10 times, near-empty ones about 100 times.
MAX_ZIP_BYTES = 32 * 2**30
MAX_ZIP_RATIO = 200
# Below this size a zip may be of any ratio: it cannot hurt.
ZIP_BYTES_OF_ANY_RATIO = 256 * 2**20

# Deflate cannot compress further than this (zlib's technical notes: 1032 : 1).
MAX_DEFLATE_RATIO = 1032


def count_voxels(shape: Sequence[int], max_voxels: int = MAX_VOXELS) -> int:
    """Return the number of voxels of an array of this shape, in exact integers.

    Raises:
        ReadError: An axis is shorter than one voxel, or there are more voxels than `max_voxels`.
    """
    if not shape or min(shape) < 1:
        raise ReadError(f"The header says the image has shape {tuple(shape)}: it is empty or damaged. Re-export it.")
    count = math.prod(int(n) for n in shape)
    if count > max_voxels:
        raise ReadError(
            f"The header says the image has {' x '.join(str(n) for n in shape)} = {count} voxels; at most {max_voxels} "
            "are read, to bound memory. Crop it, or pass a larger max_voxels if the file is genuine."
        )
    return count
