"""Discs between vertebral bodies, as broad as these are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anybone.synthetic.tissue import Tissue
from anybone.synthetic.tissues.field import Field, Mask
from anybone.synthetic.tissues.spine_frame import SpineFrame

WIDEST_MM, THICK_MM, DEEP_MM = 20.0, 12.0, 9.0  # between bones; from one; from one and from the seam together
BREADTH = (1.2, 1.45)  # of a body's depth, from a neck's to a lumbar spine's
NECK_MM, LUMBAR_MM = 8.0, 17.0  # half of the depth of a body there
BULGE_MM = 1.5  # beyond the bodies
NUCLEUS_SHARE = 0.58  # of a disc's half depth
WITHOUT = "C1 vertebra"  # no disc is at it


def fill_discs(frame: SpineFrame, tissue: NDArray[np.uint8], free: Mask) -> Mask:
    """Write discs in front of the canal into `tissue` and return the gaps of the spine that are not joints.

    Args:
        frame: Where.
        tissue: Label map of tissues, modified in place.
        free: Mask without bone and air.
    """
    field, canal_mm = frame.field, frame.canal.radius_mm
    named = {n: name for n, name in field.names.items() if "vertebra" in name or "sacrum" in name}
    between = free & (field.gap_mm < WIDEST_MM) & np.isin(field.nearest, list(named)) & (field.away_mm < THICK_MM)
    at = np.nonzero(between)
    half_of = _half_depths(frame, [n for n, name in named.items() if name != WITHOUT])
    half = np.minimum(half_of[field.nearest[at]], half_of[field.across[at]])
    x, y = (np.broadcast_to(away, field.shape)[at] for away in (frame.x_mm, frame.y_mm))
    share = np.clip((half - NECK_MM) / (LUMBAR_MM - NECK_MM), 0, 1)
    radius = np.hypot(x / (BREADTH[0] + share * (BREADTH[1] - BREADTH[0])), y - canal_mm - half + BULGE_MM)
    disc = (radius < half) & (y > 0.9 * canal_mm) & (field.away_mm[at] + field.seam_mm[at] < DEEP_MM)
    nucleus = disc & (radius < NUCLEUS_SHARE * half + 1.5 * field.noise(20)[at])
    kinds = np.where(nucleus & ~_worn(field, at), Tissue.DISC_NUCLEUS, Tissue.DISC_ANNULUS)
    tissue[tuple(axis[disc] for axis in at)] = kinds[disc]
    return np.asarray(between & (tissue != Tissue.FAT))


def _half_depths(frame: SpineFrame, numbers: Sequence[int]) -> NDArray[np.float32]:
    """By the bone's number, half of how deep its disc is: its body, from the canal to its front, and what bulges.

    0 for other bones, and where no body is in the field.
    """
    field = frame.field
    middle = field.inside & (np.abs(frame.x_mm) < NECK_MM / 2) & (frame.y_mm > frame.canal.radius_mm)
    bone, front = field.bone[middle], np.broadcast_to(frame.y_mm, field.shape)[middle] - frame.canal.radius_mm
    found = np.zeros(max(field.names, default=0) + 1, dtype=np.float32)
    for number in set(numbers) & set(bone.tolist()):
        found[number] = np.quantile(front[bone == number], 0.95) / 2 + BULGE_MM
    return found


def _worn(field: Field, at: tuple[NDArray[np.intp], ...]) -> NDArray[np.bool_]:
    """Return whether voxels are in a degenerated disc without nucleus: each can be, in some people most."""
    vertebrae = np.stack([field.nearest[at], field.across[at]], axis=1)
    _, disc = np.unique(np.sort(vertebrae, axis=1), axis=0, return_inverse=True)
    share = field.rng.beta(0.8, 1.6)
    return np.asarray((field.rng.random(disc.max(initial=0) + 1) < share)[disc.ravel()])
