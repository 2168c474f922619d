"""Whether pieces were found, one by one: a bone of a wrist counts as much as a femur."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.metrics.overlap import Mask, Spacing, same_grid


@dataclass(frozen=True)
class Detection:
    """Pieces found, missed and invented.

    Attributes:
        found: Pieces of the truth that a piece of the prediction overlaps by the threshold.
        missed: The other pieces of the truth.
        invented: The other pieces of the prediction.
    """

    found: int
    missed: int
    invented: int

    @property
    def f1(self) -> float | None:
        """Twice those found, over all pieces of both; None where neither mask has any."""
        total = 2 * self.found + self.missed + self.invented
        return 2 * self.found / total if total else None


def detection(prediction: Mask, truth: Mask, spacing_mm: Spacing, least_iou: float = 0.5) -> Detection:
    """How many of the truth's pieces the prediction found.

    A piece is what is connected by faces, edges or corners. Pieces are matched one to one, so that as many as can be
    have an intersection over union of at least `least_iou`.

    Args:
        prediction: "i j k".
        truth: On the same grid.
        spacing_mm: Of the grid; it does not matter here.
        least_iou: Above 0, at most 1.

    Raises:
        GeometryError: As `overlap.same_grid`.
    """
    prediction, truth = same_grid(prediction, truth, spacing_mm)
    iou = _iou_of_pieces(prediction, truth)
    found = _most_matches(iou >= least_iou)
    return Detection(found, missed=iou.shape[1] - found, invented=iou.shape[0] - found)


def _iou_of_pieces(prediction: Mask, truth: Mask) -> NDArray[np.float64]:
    """Intersection over union of each piece of the prediction (rows) with each of the truth (columns)."""
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
