"""From a place of the body and a number to a label map: the first three stages of synthetic MRI in one call."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from anybone.core.errors import UsageError
from anybone.core.segmentation import Segmentation
from anybone.synthetic.label_map import LabelMap
from anybone.synthetic.own_shapes import scene_from
from anybone.synthetic.pose import pose
from anybone.synthetic.regions import REGIONS
from anybone.synthetic.tissues import build

OWN_SPACING_MM = 0.8
"""Edge of a voxel of people like a case of one's own."""


def draw(region: str, seed: int, *, spacing_mm: float | None = None, shapes: Path | None = None) -> LabelMap:
    """Draw a random person's part of the body with all its tissues; deterministic for the arguments.

    Args:
        region: A key of `REGIONS`.
        seed: Another number, another person.
        spacing_mm: Edge of a voxel; None: the region's own.
        shapes: Folder of the Visible Human's leg, for finer tibiae and feet.

    Raises:
        UsageError: There is no such region.
        MissingExtraError: The shapes of bones are not installed.
        ReadError: `shapes` is not such a folder.
    """
    if region not in REGIONS:
        raise UsageError(f"There is no region {region!r}. Choose from {', '.join(REGIONS)}.")
    rng = np.random.default_rng([seed, list(REGIONS).index(region)])
    return build(pose(region, rng, shapes=shapes), spacing_mm or REGIONS[region].spacing_mm, rng, seed)


def draw_like(segmentation: Segmentation, seed: int, credit: str, *, spacing_mm: float = OWN_SPACING_MM) -> LabelMap:
    """Somebody with bones like those of a case of one's own, in the same pose, with all tissues.

    Args:
        segmentation: The case's bones, named as in `anybone.core.labels`.
        seed: Another number, another person.
        credit: Whose bones these are, for the record.
        spacing_mm: Edge of a voxel.

    Raises:
        UsageError: A label is not named as a bone, or there is no bone.
    """
    rng = np.random.default_rng(seed)
    return build(scene_from(segmentation, rng, credit), spacing_mm, rng, seed)
