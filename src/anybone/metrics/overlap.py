"""Metrics that count voxels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import GeometryError

Mask = NDArray[np.bool_]
Spacing = Sequence[float]


def same_grid(prediction: Mask, truth: Mask, spacing_mm: Spacing) -> tuple[Mask, Mask]:
    """Both masks as bool.

    Raises:
        GeometryError: They differ in shape, or the spacing is not one positive number an axis.
    """
    if prediction.shape != truth.shape:
        raise GeometryError(
            f"Masks are compared on one grid; found shapes {prediction.shape} and {truth.shape}. "
            "Resample one onto the other's grid first."
        )
    if len(spacing_mm) != truth.ndim or min(spacing_mm) <= 0:
        raise GeometryError(f"A mask with {truth.ndim} axes needs as many spacings above 0 mm; found {spacing_mm}.")
    return np.asarray(prediction) > 0, np.asarray(truth) > 0


def dice(prediction: Mask, truth: Mask, spacing_mm: Spacing) -> float:
    """Twice the common volume over the sum of both volumes, 0..1."""
    prediction, truth = same_grid(prediction, truth, spacing_mm)
    total = int(prediction.sum()) + int(truth.sum())
    return 2 * int((prediction & truth).sum()) / total if total else 1.0


def iou(prediction: Mask, truth: Mask, spacing_mm: Spacing) -> float:
    """Return intersection over union, 0..1."""
    prediction, truth = same_grid(prediction, truth, spacing_mm)
    union = int((prediction | truth).sum())
    return int((prediction & truth).sum()) / union if union else 1.0


def volume_error(prediction: Mask, truth: Mask, spacing_mm: Spacing) -> float:
    """Return the volume difference relative to the reference: 0.1 is 10 % too much, -0.1 is 10 % too little."""
    prediction, truth = same_grid(prediction, truth, spacing_mm)
    found, true = int(prediction.sum()), int(truth.sum())
    if true:
        return (found - true) / true
    return math.inf if found else 0.0
