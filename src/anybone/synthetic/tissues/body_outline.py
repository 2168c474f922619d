"""The outline of a body: a smooth hull of bones, muscles and trunk, that fingers and toes keep to."""

from __future__ import annotations

import numpy as np

from anybone.synthetic.tissues.coarse import COARSE, fine
from anybone.synthetic.tissues.field import Array, Field, Mask

SOFT_TISSUE_MM = (0.5, 4.0)  # beyond bones and muscles that are modeled
CLOSING_SHARE, CLOSED_MM = (0.12, 0.24), 40.0  # of the field of view: hollows between bones and muscles that are filled
OUTLINE_MM = 6.0  # that it is smoothed over
DIGIT_CLOSING_MM, DIGIT_SOFT_TISSUE_MM = 1.5, 2.0


def digits_of(field: Field) -> Array:
    """1 about fingers and toes, 0 elsewhere: there is no muscle, little fat, and nothing fills the space between."""
    from scipy import ndimage

    numbers = [n for n, name in field.names.items() if "phalanx" in name]
    nearest = field.nearest[::COARSE, ::COARSE, ::COARSE]
    smooth = ndimage.gaussian_filter(np.isin(nearest, numbers).astype(np.float32), 4.0 / (field.spacing_mm * COARSE))
    return fine(field, smooth)


def outline(field: Field, solid: Mask, digits: Array, trunk: Mask, breadth_mm: float) -> Array:
    """Return the distance in mm to the outer boundary of soft tissue, negative within: a hull of trunk and solids.

    Args:
        field: Where.
        solid: Bones, muscles and what else has a place of its own.
        digits: Digits, see `digits_of`.
        trunk: On the coarse grid.
        breadth_mm: Breadth of the field of view: the larger, the larger hollows are filled.
    """
    from scipy import ndimage

    rng = field.rng
    closing_mm = min(rng.uniform(*CLOSING_SHARE) * breadth_mm, CLOSED_MM)
    step = field.spacing_mm * COARSE
    core = trunk | solid[::COARSE, ::COARSE, ::COARSE]
    margin = max(2, round(45 / step))
    padded = np.pad(core, margin, mode="edge")
    away = ndimage.distance_transform_edt(~padded, sampling=step)
    slim = np.pad(digits[::COARSE, ::COARSE, ::COARSE], margin, mode="edge")
    closing = (1 - slim) * closing_mm + slim * DIGIT_CLOSING_MM
    closed = away < closing
    depth = ndimage.distance_transform_edt(closed, sampling=step)
    signed = np.where(closed, closing - depth, away)  # back to about where the core ends, hollows filled
    smooth = ndimage.gaussian_filter(signed.astype(np.float32), OUTLINE_MM / step)
    smooth += slim * (np.minimum(away, signed) - smooth)  # so wide a brush would rub out a finger
    inner = (smooth - rng.uniform(*SOFT_TISSUE_MM) * (1 - slim) - DIGIT_SOFT_TISSUE_MM * slim)[
        margin:-margin, margin:-margin, margin:-margin
    ]
    return fine(field, inner) + (1.2 - 0.8 * digits) * field.noise(60)
