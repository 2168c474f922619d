"""Arteries and veins: pairs that run along the body in the fat between muscles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.field import Array, Field, Mask

PAIRS = (2, 7)
ARTERY_MM, VEIN_SHARE = (0.6, 2.6), (1.0, 1.6)  # radius; of the artery's
SLEEVE_MM = 1.0  # of fat
WANDER_MM = 2.0  # to either side for each step
_STEP_MM = 4.0  # along the body


def lay_vessels(field: Field, within: Mask, between_mm: Array, tissue: NDArray[np.uint8]) -> None:
    """Write vessels into `tissue`.

    Args:
        field: Where.
        within: Mask of soft tissue.
        between_mm: Distance to the nearest gap between muscles, or to their edge.
        tissue: Label map of tissues, modified in place.
    """
    from scipy.spatial import cKDTree

    rng = field.rng
    free = within & ~field.inside
    cost = np.where(free, np.minimum(between_mm, 8.0), 20.0) + 0.3 * np.clip(6.0 - field.away_mm, 0, None)
    lines, widths = [], []
    for _ in range(int(rng.integers(*PAIRS))):
        line = _way(field, cost, free)
        if line is None:
            return
        artery = rng.uniform(*ARTERY_MM)
        vein = artery * rng.uniform(*VEIN_SHARE)
        angle = rng.uniform(0, 2 * np.pi)
        sideways = (artery + vein + 0.3) * np.array([np.cos(angle), np.sin(angle), 0.0])
        lines += [line, line + sideways]
        widths += [np.full(len(line), artery), np.full(len(line), vein)]
    track, width = np.concatenate(lines), np.concatenate(widths)
    where = np.argwhere(free)
    away, index = cKDTree(track).query(field.geometry.to_world(where), distance_upper_bound=6.0, workers=1)
    beyond = away - np.append(width, 0.0)[index]
    for limit, kind in ((SLEEVE_MM, Tissue.FAT), (0.0, Tissue.VESSEL)):
        tissue[tuple(where[beyond < limit].T)] = kind


def _way(field: Field, cost: Array, free: Mask) -> NDArray[np.float64] | None:
    """Points 1 mm apart along the body, from the middle of the field up and down, where it costs little."""
    rng = field.rng
    step, reach = max(1, round(_STEP_MM / field.spacing_mm)), max(1, round(WANDER_MM / field.spacing_mm))
    height = field.shape[2]
    middle = height // 2
    candidates = np.argwhere(free[:, :, middle])
    if not len(candidates):
        return None
    some = candidates[rng.integers(len(candidates), size=12)]
    start = some[np.argmin(cost[some[:, 0], some[:, 1], middle])]
    sideways = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 2, indexing="ij"), -1).reshape(-1, 2)
    points = [(*start, middle)]
    for direction in (1, -1):
        at = start
        for k in range(middle + direction * step, height if direction > 0 else -1, direction * step):
            around = np.clip(at + sideways, 0, np.array(field.shape[:2]) - 1)
            charge = (
                cost[around[:, 0], around[:, 1], k] + 0.4 * np.hypot(*sideways.T) + rng.uniform(0, 1, len(sideways))
            )
            at = around[np.argmin(charge)]
            points.append((*at, k))
    line = field.geometry.to_world(np.array(sorted(points, key=lambda p: p[2]), dtype=float))
    z = np.arange(line[0, 2], line[-1, 2] + 1e-6, 1.0)
    return np.column_stack([np.interp(z, line[:, 2], line[:, a]) for a in range(2)] + [z])
