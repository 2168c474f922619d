"""Between: masks of the slices between two others, by their shape alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


def fill_by_shape(
    masks: Mapping[int, NDArray[np.bool_]], spacing_mm: tuple[float, float]
) -> dict[int, NDArray[np.bool_]]:
    """Slice -> mask, for the slices that lie between two neighboring ones that hold bone.

    Args:
        masks: Slice -> bone there, for each slice that is known; one without bone is an end, and known.
        spacing_mm: Of rows and columns.
    """
    found: dict[int, NDArray[np.bool_]] = {}
    for below, above in pairwise(sorted(masks)):
        gap = above - below
        if gap > 1 and masks[below].any() and masks[above].any():
            shares = [k / gap for k in range(1, gap)]
            shapes = shapes_between(masks[below], masks[above], shares, spacing_mm)
            found |= dict(enumerate(shapes, below + 1))
    return found


def shapes_between(
    first: NDArray[np.bool_], last: NDArray[np.bool_], shares: Sequence[float], spacing_mm: tuple[float, float]
) -> list[NDArray[np.bool_]]:
    """The masks on the way from one slice's to another's, each "rows columns".

    Signed distances to both borders are mixed (Raya and Udupa 1990). Where each mask is one piece, both are first
    moved so that their centers lie where the center between them would: a bone that crosses the slices slantwise
    keeps its width, though the two masks may not even overlap.

    Args:
        first: Bone on one slice.
        last: Bone on another.
        shares: Where the wanted slices lie on the way, 0 at the first and 1 at the last.
        spacing_mm: Of rows and columns: distances are in mm.
    """
    from scipy import ndimage

    centers = [_center(mask) for mask in (first, last)]
    way = centers[1] - centers[0] if all(ndimage.label(m)[1] == 1 for m in (first, last)) else np.zeros(2)
    hit = [np.flatnonzero((first | last).any(axis=1 - axis)) for axis in range(2)]
    around = tuple(slice(h[0], h[-1] + 1) for h in hit)  # only there can anything be
    margin = int(np.ceil(np.abs(way).max())) + 1
    distances = [_signed_mm(np.pad(mask[around], margin), spacing_mm) for mask in (first, last)]
    found = []
    for share in shares:
        moved = [
            ndimage.shift(d, by * way, order=1, mode="nearest")
            for d, by in zip(distances, (share, share - 1), strict=True)
        ]
        mixed = (1 - share) * moved[0] + share * moved[1]
        mask = np.zeros(first.shape, dtype=bool)
        mask[around] = mixed[margin : mixed.shape[0] - margin, margin : mixed.shape[1] - margin] > 0
        found.append(mask)
    return found


def _center(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.argwhere(mask).mean(axis=0)  # type: ignore[no-any-return]


def _signed_mm(mask: NDArray[np.bool_], spacing_mm: tuple[float, float]) -> NDArray[np.float32]:
    """Distance to the border in mm, positive inside.

    It runs between pixel edges, half a pixel beyond the centers that a distance transform measures between.
    """
    from scipy import ndimage

    half = min(spacing_mm) / 2
    inside = ndimage.distance_transform_edt(mask, sampling=spacing_mm) - half
    outside = ndimage.distance_transform_edt(~mask, sampling=spacing_mm) - half
    signed: NDArray[np.float32] = np.where(mask, inside, -outside).astype(np.float32)
    return signed
