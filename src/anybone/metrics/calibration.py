"""Calibration of probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import GeometryError


def expected_calibration_error(
    probability: NDArray[np.floating], truth: NDArray[np.bool_], known: NDArray[np.bool_] | None = None, bins: int = 15
) -> float:
    """Return the mean distance between a probability and the fraction of bone among voxels of that probability.

    Voxels are sorted into bins of equal width; 0 is perfect, 1 is as wrong as can be. Nearly all voxels of an image are
    easy background, which makes the figure small whatever happens at borders; leave the easy ones out of `known` for a
    harder one.

    Args:
        probability: Of bone, 0..1, of any shape.
        truth: Bone, of the same shape.
        known: The voxels that count; None: all.
        bins: How many.

    Raises:
        GeometryError: Shapes differ, or no voxel counts.
    """
    if probability.shape != truth.shape or (known is not None and known.shape != truth.shape):
        raise GeometryError(
            f"Probabilities of shape {probability.shape} are compared with a truth of shape {truth.shape}. "
            "Both have to lie on one grid."
        )
    chosen = np.ones(truth.shape, dtype=bool) if known is None else known
    values, bone = probability[chosen].astype(np.float64), truth[chosen]
    if not values.size:
        raise GeometryError("There is no voxel whose truth is known, so probabilities cannot be checked.")
    place = np.minimum((values * bins).astype(np.int64), bins - 1)
    expected = np.bincount(place, values, bins)
    found = np.bincount(place, bone, bins)
    return float(np.abs(expected - found).sum() / values.size)
