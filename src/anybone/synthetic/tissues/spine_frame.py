"""Coordinates of voxels around a spinal canal, and the great vessels in front of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.scene import MusclePath
from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.field import Array, Field, Mask

GREAT_VESSELS_MM = ((-12.0, (7.0, 11.0)), (14.0, (8.0, 12.0)))  # right of the midline, and range of radii: aorta, cava
BEFORE_SPINE_MM = 44.0  # from the canal to the middle of the great vessels
FORK_SLOPE, FORK_SHARE = 0.55, 0.7  # below where they part: sideways; width


@dataclass(frozen=True, eq=False)
class SpineFrame:
    """A field about the canal of a spine.

    Attributes:
        field: The field.
        canal: The canal.
        x_mm: To the right of its middle.
        y_mm: To its front.
        beside: Mask at the height of the canal.
    """

    field: Field
    canal: MusclePath
    x_mm: Array
    y_mm: Array
    beside: Mask


def frame_of(field: Field, canal: MusclePath) -> SpineFrame:
    """Return the frame of a canal."""
    line = canal.points_mm[np.argsort(canal.points_mm[:, 2])]
    z = field.axis_mm(2)
    x = field.axis_mm(0) - np.interp(z, line[:, 2], line[:, 0])
    y = field.axis_mm(1) - np.interp(z, line[:, 2], line[:, 1])
    beside = np.asarray((z >= line[0, 2]) & (z <= line[-1, 2]))
    return SpineFrame(field, canal, x.astype(np.float32), y.astype(np.float32), beside)


def before_spine(frame: SpineFrame, back_mm: float, first_mm: float, last_mm: float) -> Mask:
    """Return the mask in front of the spine; lateral of `first_mm` it reaches back, from `last_mm` on by `back_mm`."""
    back = np.clip((np.abs(frame.x_mm) - first_mm) / (last_mm - first_mm), 0, 1) * back_mm
    return np.asarray(frame.y_mm > BEFORE_SPINE_MM - 8 - back + 3 * frame.field.noise(30))


def lay_great_vessels(
    frame: SpineFrame, where: Mask, tissue: NDArray[np.uint8], below_fork_mm: Array | float = 0.0
) -> Mask:
    """Write aorta and vena cava into `tissue` and return their mask.

    Args:
        frame: Where.
        where: Mask of voxels that may become vessel.
        tissue: Label map of tissues, modified in place.
        below_fork_mm: Distance below the bifurcation; 0 above it.
    """
    found = np.zeros(frame.field.shape, dtype=bool)
    for right_mm, radius in GREAT_VESSELS_MM:
        wide = frame.field.rng.uniform(*radius)
        sideways = np.abs(frame.x_mm - right_mm) - FORK_SLOPE * below_fork_mm
        size = np.where(np.asarray(below_fork_mm) > 0, FORK_SHARE * wide, wide)
        found |= where & (np.hypot(sideways, frame.y_mm - BEFORE_SPINE_MM) < size)
    tissue[found] = Tissue.VESSEL
    return found
