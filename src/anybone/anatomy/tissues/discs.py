"""Discs between vertebral bodies, as broad as these are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anybone.anatomy.scene import MusclePath
from anybone.anatomy.tissue import Tissue
from anybone.anatomy.tissues.field import Field, Mask

WIDEST_MM, THICK_MM, DEEP_MM = 20.0, 12.0, 9.0  # between bones; from one; from one and from the seam together
BREADTH = (1.2, 1.45)  # of a body's depth, from a neck's to a loin's
NECK_MM, LOIN_MM = 8.0, 17.0  # half of the depth of a body there
BULGE_MM = 1.5  # beyond the bodies
NUCLEUS_SHARE = 0.58  # of a disc's half depth
WITHOUT = "C1 vertebra"  # no disc is at it


def fill_discs(field: Field, canal: MusclePath, tissue: NDArray[np.uint8], free: Mask) -> Mask:
    """Writes discs in front of the canal into `tissue`; says where gaps of the spine lie that are no joints.

    Args:
        field: Where.
        canal: The spinal canal.
        tissue: What is there; changed.
        free: Where there is neither bone nor air.
    """
    named = {n: name for n, name in field.names.items() if "vertebra" in name or "sacrum" in name}
    between = free & (field.gap_mm < WIDEST_MM) & np.isin(field.nearest, list(named)) & (field.away_mm < THICK_MM)
    at = np.nonzero(between)
    half_of = np.zeros(max(field.names, default=0) + 1, dtype=np.float32)
    for number in (n for n, name in named.items() if name != WITHOUT):
        half_of[number] = _half_depth(field, canal, number) + BULGE_MM
    half = np.minimum(half_of[field.nearest[at]], half_of[field.across[at]])
    x, y = _about(canal, field.points_mm(between)).T
    share = np.clip((half - NECK_MM) / (LOIN_MM - NECK_MM), 0, 1)
    radius = np.hypot(x / (BREADTH[0] + share * (BREADTH[1] - BREADTH[0])), y - canal.radius_mm - half + BULGE_MM)
    disc = (radius < half) & (y > 0.9 * canal.radius_mm)
    disc &= field.away_mm[at] + field.seam_mm[at] < DEEP_MM
    nucleus = disc & (radius < NUCLEUS_SHARE * half + 1.5 * field.noise(20)[at])
    kinds = np.where(nucleus & ~_worn(field, at), Tissue.DISC_NUCLEUS, Tissue.DISC_ANNULUS)
    tissue[tuple(axis[disc] for axis in at)] = kinds[disc]
    return np.asarray(between & (tissue != Tissue.FAT))


def _half_depth(field: Field, canal: MusclePath, number: int) -> float:
    """Half of how deep a vertebra's body is, from the canal to its front; 0 where that is not in the field."""
    points = _about(canal, field.points_mm(field.bone == number))
    middle = points[(np.abs(points[:, 0]) < NECK_MM / 2) & (points[:, 1] > canal.radius_mm)]
    return float(np.quantile(middle[:, 1], 0.95) - canal.radius_mm) / 2 if len(middle) else 0.0


def _about(canal: MusclePath, points_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far points lie to the right of the canal's middle and to its front, "n 2"."""
    line = canal.points_mm[np.argsort(canal.points_mm[:, 2])]
    middle = [np.interp(points_mm[:, 2], line[:, 2], line[:, axis]) for axis in (0, 1)]
    return np.asarray(points_mm[:, :2] - np.stack(middle, axis=1))


def _worn(field: Field, at: tuple[NDArray[np.intp], ...]) -> NDArray[np.bool_]:
    """Whether voxels lie in a disc that has lost its nucleus: each may, in some people most."""
    vertebrae = np.stack([field.nearest[at], field.across[at]], axis=1)
    _, disc = np.unique(np.sort(vertebrae, axis=1), axis=0, return_inverse=True)
    share = field.rng.beta(0.8, 1.6)
    return np.asarray((field.rng.random(disc.max(initial=0) + 1) < share)[disc.ravel()])
