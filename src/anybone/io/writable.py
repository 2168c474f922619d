"""Voxels in the smallest type that holds them exactly."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume

_UINT8_MAX = 255


def stored_array(image: Volume | Segmentation) -> NDArray[np.generic]:
    """Return the array "i j k" to store.

    Labels become uint8 where every named label fits, else uint16. An image of whole numbers becomes int16 or uint16
    where they fit, else stays float32: scanners store whole numbers, and no value changes either way.
    """
    if isinstance(image, Segmentation):
        largest = max([int(image.labels.max()), *image.names])
        return image.labels.astype(np.uint8 if largest <= _UINT8_MAX else np.uint16)
    data = image.data
    low, high = float(data.min()), float(data.max())
    for kind in (np.int16, np.uint16):
        limits = np.iinfo(kind)
        if limits.min <= low and high <= limits.max and np.array_equal(data, np.rint(data)):
            return data.astype(kind)
    return data


def pieces(array: NDArray[np.generic]) -> Iterator[bytes]:
    """Yield the array's bytes, first axis fastest, little endian, one slice of the last axis at a time."""
    little = array.dtype.newbyteorder("<")
    for k in range(array.shape[2]):
        yield array[:, :, k].astype(little, copy=False).tobytes(order="F")
