"""Shape-based interpolation of masks on the slices between two others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def interpolate_masks(
    masks: Mapping[int, NDArray[np.bool_]], spacing_mm: tuple[float, float]
) -> dict[int, NDArray[np.bool_]]:
    """Return the masks of the slices between two successive known slices that both contain bone.

    Args:
        masks: Slice -> mask, for each known slice; a known slice without bone ends the bone.
        spacing_mm: Spacing of rows and columns in mm.
    """
    found: dict[int, NDArray[np.bool_]] = {}
    for below, above in pairwise(sorted(masks)):
        gap = above - below
        if gap > 1 and masks[below].any() and masks[above].any():
            fractions = [k / gap for k in range(1, gap)]
            shapes = interpolate_shape(masks[below], masks[above], fractions, spacing_mm)
            found |= dict(enumerate(shapes, below + 1))
    return found


def interpolate_shape(
    first: NDArray[np.bool_], last: NDArray[np.bool_], fractions: Sequence[float], spacing_mm: tuple[float, float]
) -> list[NDArray[np.bool_]]:
    """Return masks between those of two slices, each "rows columns".

    Signed distances to both borders are interpolated (Raya and Udupa 1990). If each mask is one connected component,
    both are first translated to the interpolated center: a bone that crosses the slices obliquely keeps its width,
    even where the two masks do not overlap.

    Args:
        first: Mask of one slice.
        last: Mask of another slice.
        fractions: Positions of the wanted slices, 0 at the first and 1 at the last.
        spacing_mm: Spacing of rows and columns in mm.
    """
    from scipy import ndimage

    centers = [_center(mask) for mask in (first, last)]
    shift = centers[1] - centers[0] if all(ndimage.label(m)[1] == 1 for m in (first, last)) else np.zeros(2)
    hits = [np.flatnonzero((first | last).any(axis=1 - axis)) for axis in range(2)]
    box = tuple(slice(h[0], h[-1] + 1) for h in hits)  # interpolated masks are inside
    margin = int(np.ceil(np.abs(shift).max())) + 1
    distances = [_signed_distance_mm(np.pad(mask[box], margin), spacing_mm) for mask in (first, last)]
    found = []
    for fraction in fractions:
        moved = [
            ndimage.shift(d, by * shift, order=1, mode="nearest")
            for d, by in zip(distances, (fraction, fraction - 1), strict=True)
        ]
        distance = (1 - fraction) * moved[0] + fraction * moved[1]
        mask = np.zeros(first.shape, dtype=bool)
        mask[box] = distance[margin : distance.shape[0] - margin, margin : distance.shape[1] - margin] > 0
        found.append(mask)
    return found


def _center(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.argwhere(mask).mean(axis=0)  # type: ignore[no-any-return]


def _signed_distance_mm(mask: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> NDArray[np.float32]:
    """Return the distance to the border in mm, positive inside.

    The border is between pixels, half a pixel from the centers that a distance transform measures between.
    """
    from scipy import ndimage

    half = min(spacing_mm) / 2
    inside = ndimage.distance_transform_edt(mask, sampling=spacing_mm) - half
    outside = ndimage.distance_transform_edt(~mask, sampling=spacing_mm) - half
    signed: NDArray[np.float32] = np.where(mask, inside, -outside).astype(np.float32)
    return signed
