"""Rims: cortex that is too thin to be seen, and muscles in dark fascia."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.tissue import Tissue

_MARROW = (Tissue.YELLOW_MARROW, Tissue.RED_MARROW)
_THINNED_MM = (0.9, 2.2)
_OUTLINED = 0.6  # fraction of the variants whose muscles are outlined
_WALL_MM = 1.0


def vary_rims(label_map: LabelMap, seed: int) -> LabelMap:
    """Return the label map with thinner cortex and, in some, with fascia around its muscles.

    Marrow takes the cortex within 0.9 to 2.2 mm of it: ends of bones lose their dark rim, shafts keep a thinner one.
    The cortex of the ends of bones is 0.2 to 0.5 mm thick, which a voxel cannot hold and an image does not show.
    """
    rng = np.random.default_rng(seed)
    tissue = _thinned(label_map, rng.uniform(*_THINNED_MM))
    if rng.random() < _OUTLINED:
        tissue = _outlined(tissue, label_map.spacing_mm)
    return replace(label_map, tissue=tissue)


def _thinned(label_map: LabelMap, depth_mm: float) -> NDArray[np.uint8]:
    """Return the tissues with marrow grown into the cortex, one voxel at a time."""
    tissue = label_map.tissue.copy()
    cortex = (tissue == Tissue.CORTEX) & (label_map.bone > 0)
    for _ in range(max(1, round(depth_mm / label_map.spacing_mm))):
        marrow = np.where(np.isin(tissue, _MARROW), tissue, 0)
        beside = np.zeros_like(tissue)
        for to, start in _neighbors():
            np.maximum(beside[to], marrow[start], out=beside[to])
        grown = cortex & (tissue == Tissue.CORTEX) & (beside > 0)
        tissue[grown] = beside[grown]
    return tissue


def _outlined(tissue: NDArray[np.uint8], spacing_mm: float) -> NDArray[np.uint8]:
    """Return the tissues with the outermost layer of each muscle as dark as tendon."""
    inner = tissue == Tissue.MUSCLE
    for _ in range(max(1, round(_WALL_MM / spacing_mm))):
        eroded = inner.copy()
        for to, start in _neighbors():
            eroded[to] &= inner[start]
        inner = eroded
    return np.where((tissue == Tissue.MUSCLE) & ~inner, np.uint8(Tissue.TENDON), tissue)


def _neighbors() -> list[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Return voxels and their neighbors along each axis, as indices of the same shape."""
    pairs = []
    for axis in range(3):
        for one, other in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
            to, start = [slice(None)] * 3, [slice(None)] * 3
            to[axis], start[axis] = one, other
            pairs.append((tuple(to), tuple(start)))
    return pairs
