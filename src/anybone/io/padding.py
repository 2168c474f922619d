"""Padding: voxels outside the scanned field that hold a fill value far from all measured values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fill_padding(
    data: NDArray[np.float32], candidates: NDArray[np.bool_], *, low_is_bright: bool = False
) -> tuple[str, ...]:
    """Set padding voxels to the darkest other value, in place.

    Candidates count as padding only if they are all below, or all above, every other voxel. A fill value inside
    the range of the data is indistinguishable from signal and stays.

    Args:
        data: Voxels; changed in place.
        candidates: Voxels that hold the fill value, of the same shape.
        low_is_bright: Whether small values are displayed bright (MONOCHROME1 before inversion).

    Returns:
        One note on what was replaced; empty if nothing was.
    """
    count = int(np.count_nonzero(candidates))
    if not 0 < count < data.size:
        return ()
    rest_low, rest_high = _range(data, ~candidates)
    low, high = _range(data, candidates)
    if not (high < rest_low or low > rest_high):
        return ()
    darkest = rest_high if low_is_bright else rest_low
    data[candidates] = darkest
    voxels = "1 voxel is" if count == 1 else f"{count} voxels are"
    return (f"{voxels} padding and set to the darkest other value, {darkest:g}.",)


def fill_lowest(data: NDArray[np.float32], lowest: float) -> tuple[str, ...]:
    """Set voxels that hold the lowest value of the stored type to the smallest other value, in place.

    Some programs fill the outside of an image with the lowest number of a signed integer type, such as -32768. The
    value counts as padding only if it is further below all other voxels than these differ among themselves.

    Args:
        data: Voxels; changed in place.
        lowest: The lowest number of the stored type, with the file's scale and offset applied.

    Returns:
        One note on what was replaced; empty if nothing was.
    """
    if not data.size or float(data.min()) != np.float32(lowest):
        return ()
    candidates = data == np.float32(lowest)
    if candidates.all():
        return ()
    rest_low, rest_high = _range(data, ~candidates)
    if rest_low - lowest <= rest_high - rest_low:
        return ()
    return fill_padding(data, candidates)


def _range(data: NDArray[np.float32], where: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the smallest and largest finite value among the selected voxels."""
    finite = where & np.isfinite(data)
    return float(data.min(where=finite, initial=np.inf)), float(data.max(where=finite, initial=-np.inf))
