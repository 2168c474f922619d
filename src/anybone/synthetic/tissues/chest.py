"""Tissues of the chest: lungs, a heart with its vessels between them, and the diaphragm with organs below it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.bowel import winding
from anybone.synthetic.tissues.cage import Cage
from anybone.synthetic.tissues.field import Field, Mask
from anybone.synthetic.tissues.spine_frame import SpineFrame, before_spine, lay_great_vessels

FOOT_SHARE = 0.66  # of the spine from C6 to L2, head to foot, to where the breastbone ends
HEART_MM, HEART_RADII_MM = (-20.0, 78.0, 38.0), (52.0, 40.0, 50.0)  # right and front of the canal, above that foot
CHAMBERS_MM = ((-30.0, 72.0, 30.0, 24.0), (6.0, 86.0, 40.0, 24.0))  # likewise, and radius
WALL_MM = 11.0  # of the heart
ROOTS_MM = ((14.0, 72.0, 14.0), (-12.0, 80.0, 12.0), (24.0, 66.0, 9.0))  # vessels above it, and radius
BETWEEN_MM = 13.0  # half of what lies between the lungs
DOMES_MM, DOME_RADIUS_MM, DOME_HEIGHT_MM = (62.0, 60.0), 85.0, 45.0  # to either side and before the canal
DIAPHRAGM_MM = 3.5
LUNGS_MM = (58.0, 21.0, 36.0)  # how far lungs reach back, and from where to where beside the spine ever more
PLEURA_MM = 1.0  # from the ribs
LUNG_VESSELS = ((34.0, 0.09), (18.0, 0.05))  # length of their bends and width, as of `winding`


def fill_chest(frame: SpineFrame, cage: Cage, tissue: NDArray[np.uint8]) -> None:
    """Write lungs, heart, vessels and diaphragm into `tissue`, within the ribs.

    Args:
        frame: Where.
        cage: The ribs.
        tissue: Label map of tissues, modified in place.
    """
    field, x, y, rng = frame.field, frame.x_mm, frame.y_mm, frame.field.rng
    within = (cage.inside_mm > PLEURA_MM) & ~field.inside
    lung = within & before_spine(frame, *LUNGS_MM) & ~lay_great_vessels(frame, within, tissue)
    fill_lungs(field, lung, tissue)
    top, foot = frame.canal.points_mm[:, 2].max(), frame.canal.points_mm[:, 2].min()
    z = field.axis_mm(2) - (top - FOOT_SHARE * (top - foot) + float(rng.normal(0, 8)))
    size = rng.uniform(0.85, 1.15)
    scaled = [((c - m) / (size * r)) ** 2 for c, m, r in zip((x, y, z), HEART_MM, HEART_RADII_MM, strict=True)]
    heart = (1 - np.sqrt(scaled[0] + scaled[1] + scaled[2])) * size * min(HEART_RADII_MM) + 2.0 * field.noise(30)
    tissue[lung & (np.abs(x) < BETWEEN_MM + 5 * field.noise(30))] = Tissue.FAT
    for beside, before, radius in ROOTS_MM:
        wide = radius * rng.uniform(0.8, 1.2)
        tissue[lung & (np.hypot(x - beside, y - before) < wide) & (z > HEART_MM[2])] = Tissue.VESSEL
    tissue[lung & (heart > -3.0)] = Tissue.FAT
    tissue[lung & (heart > 0)] = Tissue.MUSCLE
    for beside, before, above, radius in CHAMBERS_MM:
        away = np.sqrt((x - beside) ** 2 + (y - before) ** 2 + (z - above) ** 2)
        tissue[lung & (heart > WALL_MM / 2) & (away < radius * size)] = Tissue.VESSEL
    sideways, before = DOMES_MM
    flat = np.hypot(np.abs(x) - sideways, y - before) / DOME_RADIUS_MM
    below = DOME_HEIGHT_MM * np.clip(1 - flat**2, -2, None) - 15.0 - z + 2.0 * field.noise(40)
    tissue[lung & (below > 0)] = Tissue.MUSCLE
    organs = np.where((x > -10) | (field.noise(35) > 0.3), Tissue.ORGAN, Tissue.BOWEL)
    deep = lung & (below > DIAPHRAGM_MM)
    tissue[deep] = organs[deep]
    tissue[deep & (field.noise(40) > 1.2) & (x < -10)] = Tissue.BOWEL_GAS


def fill_lungs(field: Field, where: Mask, tissue: NDArray[np.uint8]) -> None:
    """Write lungs with their vessels into `tissue`."""
    tissue[where] = Tissue.LUNG
    for length_mm, width in LUNG_VESSELS:
        tissue[where & winding(field, length_mm, width)] = Tissue.VESSEL
