"""Detection of connected components: a carpal bone counts as much as a femur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.metrics.overlap import Mask, Spacing, same_grid


@dataclass(frozen=True)
class Detection:
    """Counts of detected, missed and false-positive components.

    Attributes:
        found: Components of the reference that a component of the prediction overlaps by the threshold.
        missed: The other components of the reference.
        false_positives: The other components of the prediction.
    """

    found: int
    missed: int
    false_positives: int

    @property
    def f1(self) -> float | None:
        """F1 score of the components; None if neither mask has any."""
        total = 2 * self.found + self.missed + self.false_positives
        return 2 * self.found / total if total else None


def detection(prediction: Mask, truth: Mask, spacing_mm: Spacing, least_iou: float = 0.5) -> Detection:
    """Count the components of the reference that the prediction detects.

    Components are 26-connected. They are matched one to one so that as many pairs as possible have an intersection over
    union of at least `least_iou`.

    Args:
        prediction: "i j k".
        truth: Reference on the same grid.
        spacing_mm: Voxel spacing, unused.
        least_iou: Least IoU of a match, above 0, at most 1.

    Raises:
        GeometryError: As `overlap.same_grid`.
    """
    prediction, truth = same_grid(prediction, truth, spacing_mm)
    iou = _component_iou(prediction, truth)
    found = _most_matches(iou >= least_iou)
    return Detection(found, missed=iou.shape[1] - found, false_positives=iou.shape[0] - found)


def _component_iou(prediction: Mask, truth: Mask) -> NDArray[np.float64]:
    """Return the IoU of each component of the prediction (rows) with each of the reference (columns)."""
    from scipy import ndimage

    around = np.ones((3,) * truth.ndim)
    (found, rows), (true, columns) = (ndimage.label(mask, around) for mask in (prediction, truth))
    both = np.ravel_multi_index((found.ravel(), true.ravel()), (rows + 1, columns + 1))
    common = np.bincount(both, minlength=(rows + 1) * (columns + 1)).reshape(rows + 1, columns + 1)
    union = common.sum(axis=1)[1:, None] + common.sum(axis=0)[None, 1:] - common[1:, 1:]
    return np.asarray(common[1:, 1:] / union)


def _most_matches(fits: NDArray[np.bool_]) -> int:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if not fits.any():
        return 0
    return int((maximum_bipartite_matching(csr_array(fits), perm_type="column") >= 0).sum())
