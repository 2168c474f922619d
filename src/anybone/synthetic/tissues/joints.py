"""Joints: cartilage on both bones, fluid between, menisci."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.scene import Scene
from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.discs import fill_discs
from anybone.synthetic.tissues.field import Field
from anybone.synthetic.tissues.spine_frame import frame_of

NARROWEST_SHARE, WIDTH_SHARE = 0.5, 0.35  # of half the thickness of the thinner bone
CARTILAGE_MM = (1.0, 3.2)
EFFUSION_SHARE = 0.15
FLUID_MM = 0.7  # half of the film between cartilages
MENISCUS_GAP_MM = (3.5, 11.0)


def fill_joints(field: Field, scene: Scene, tissue: NDArray[np.uint8]) -> None:
    """Write the tissues between bones into `tissue`; bone itself stays."""
    rng = field.rng
    free = ~field.inside & (tissue != Tissue.AIR)
    width = _widths(field) * rng.uniform(0.7, 1.2) * (1 + 0.15 * field.noise(60))
    effusion = rng.random() < EFFUSION_SHARE
    near = free & (field.gap_mm < 2.5 * width) & (field.away_mm < 12)
    if scene.canal is not None:
        near &= ~fill_discs(frame_of(field, scene.canal), tissue, free)
    joint = near & (field.gap_mm < width)
    thick = rng.uniform(*CARTILAGE_MM) * (1 + 0.15 * field.noise(10))
    tissue[joint] = Tissue.FLUID
    tissue[joint & (field.away_mm < thick) & (field.seam_mm > FLUID_MM * rng.uniform(0.3, 1.2))] = Tissue.CARTILAGE
    around = near & ~joint & (field.seam_mm < (rng.uniform(2, 4) if effusion else 1.6)) & (field.gap_mm < 1.6 * width)
    tissue[around] = Tissue.FLUID if effusion else Tissue.FAT
    capsule = near & (np.abs(field.gap_mm - 2.1 * width) < 2.0) & (field.seam_mm < 7)
    tissue[capsule & ~around] = Tissue.LIGAMENT
    _menisci(field, tissue, free)


def _widths(field: Field) -> NDArray[np.float32]:
    """Return the allowed gap of the joint at each voxel: slightly above its narrowest, more between thick bones.

    0 where no joint is near: bones that lie side by side, as fingers do, are not one.
    """
    from scipy import ndimage

    numbers = sorted(field.names)
    half = np.zeros(max(numbers, default=0) + 1, dtype=np.float32)
    half[numbers] = ndimage.maximum(field.depth_mm, field.bone, numbers)
    across = field.across
    found = np.zeros(field.shape, dtype=np.float32)
    beside = (across > 0) & ~field.inside
    if not beside.any():
        return found
    nearest, other = field.nearest[beside], across[beside]
    pair = np.minimum(nearest, other).astype(np.intp) * len(half) + np.maximum(nearest, other)
    narrowest = np.full(len(half) ** 2, np.inf, dtype=np.float32)
    np.minimum.at(narrowest, pair, field.gap_mm[beside])
    thinner = np.minimum.outer(half, half).ravel()
    found[beside] = np.where(narrowest < NARROWEST_SHARE * thinner, narrowest + WIDTH_SHARE * thinner, 0.0)[pair]
    return found


def _menisci(field: Field, tissue: NDArray[np.uint8], free: NDArray[np.bool_]) -> None:
    """Wedges at the rim of the knee, where the gap between femur and tibia widens."""
    numbers = {word: [n for n, name in field.names.items() if word in name] for word in ("femur", "tibia")}
    if not all(numbers.values()):
        return
    nearest, across = field.nearest, field.across
    either = np.concatenate([*numbers.values()])
    pair = np.isin(nearest, either) & np.isin(across, either) & (nearest != across)
    low, high = MENISCUS_GAP_MM
    wedge = (field.gap_mm - low) / (high - low)
    tissue[free & pair & (wedge > 0) & (wedge < 1) & (field.seam_mm < 0.6 + 2.6 * wedge)] = Tissue.MENISCUS
