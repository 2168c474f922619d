"""Step 8, stitch: logits of slices -> a clean mask on the volume's own grid."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

_Logits = TypeVar("_Logits", NDArray[np.float32], Tensor)

NO_BONE = -20.0  # logit of slices that were not segmented


def empty_logits(shape_ijk: tuple[int, ...]) -> NDArray[np.float32]:
    """Return logits "i j k" of a volume in which no slice was segmented."""
    return np.full(shape_ijk, NO_BONE, dtype=np.float32)


def interpolate_slices(slices: NDArray[np.float32], encoded: Sequence[int], wanted: Sequence[int]) -> None:
    """Interpolate logits of wanted slices linearly between encoded ones, in place; the ends are extended.

    Args:
        slices: Logits, "slice rows columns".
        encoded: Ascending indices of slices that have logits.
        wanted: Indices to fill.
    """
    for index in sorted(set(wanted) - set(encoded)):
        position = bisect_left(encoded, index)
        below, above = encoded[max(position - 1, 0)], encoded[min(position, len(encoded) - 1)]
        weight = 0.5 if below == above else (index - below) / (above - below)
        slices[index] = slices[below] * (1 - weight) + slices[above] * weight


def average_adjacent_slices(slices: NDArray[np.float32], wanted: Sequence[int], weight: float) -> None:
    """Average the logits of each wanted slice with those of adjacent wanted slices, in place.

    Args:
        slices: Logits, "slice rows columns".
        wanted: Ascending indices of slices that have logits.
        weight: Weight of the adjacent slices' mean.
    """
    if weight:
        for index, averaged in with_adjacent_slices(((k, slices[k].copy()) for k in wanted), weight):
            slices[index] = averaged


def with_adjacent_slices(logits: Iterable[tuple[int, _Logits]], weight: float) -> Iterator[tuple[int, _Logits]]:
    """Yield each slice with its logits averaged with those of the adjacent slices, where they exist.

    A structure that is unclear on one slice is often clear on the adjacent ones, and a bone seldom ends within a slice.

    Args:
        logits: Arrays or tensors by ascending index; the iterator reads one slice ahead.
        weight: Weight of the adjacent slices' mean.
    """
    before = now = None
    for after in chain(logits, [None]):
        if now is not None:
            index, own = now
            adjacent = [one for k, one in filter(None, (before, after)) if abs(k - index) == 1]
            mean = sum(adjacent) / len(adjacent) if adjacent else own
            yield index, (1 - weight) * own + weight * mean
        before, now = now, after


def clean(
    mask: NDArray[np.bool_], voxel_volume_mm3: float, *, min_component_mm3: float, max_hole_mm3: float
) -> NDArray[np.bool_]:
    """Return the mask "i j k" without small connected components and with small closed holes filled.

    Args:
        mask: Mask of bone.
        voxel_volume_mm3: Volume of a voxel.
        min_component_mm3: Smaller connected components (26-connected) are removed; 0 removes none.
        max_hole_mm3: Holes (6-connected background that does not touch the border of the array) up to this volume are
            filled; 0 fills none.
    """
    if min_component_mm3 > 0:
        mask = mask & ~_small_components(mask, np.ones((3, 3, 3)), min_component_mm3 / voxel_volume_mm3)
    if max_hole_mm3 > 0:
        limit = np.nextafter(max_hole_mm3 / voxel_volume_mm3, np.inf)
        mask = mask | _small_components(~mask, None, limit, inner=True)
    return mask


def _small_components(
    mask: NDArray[np.bool_], structure: NDArray[np.float64] | None, voxels: float, *, inner: bool = False
) -> NDArray[np.bool_]:
    """Return the components of fewer than `voxels` voxels; with `inner`, only those away from the array's border."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, structure)
    small = np.bincount(labels.ravel(), minlength=count + 1) < voxels
    small[0] = False
    if inner:
        for axis in range(3):
            for side in (0, -1):
                small[np.unique(np.take(labels, side, axis))] = False
    return small[labels]  # type: ignore[no-any-return]
