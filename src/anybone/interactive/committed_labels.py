"""Accepted bones: their names, and the labels of each slice as bones come, go, join and fall apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anybone.core import labels as catalog
from anybone.core.geometry import Geometry
from anybone.core.labels import Rgb, Side
from anybone.inference.quality import SoftDiceTerms, dice_of
from anybone.interactive.components import Pieces, reach
from anybone.interactive.run_lengths import Runs

Planes = Mapping[int, Runs]
"""Slice -> labels there, for each slice that has any."""


@dataclass(frozen=True)
class NamedBone:
    """An accepted bone.

    Attributes:
        label: Its number in the segmentation.
        name: As a person gave it.
        side: Of the patient; None on the midline, or where nobody said.
        color_rgb: What it is drawn in.
    """

    label: int
    name: str
    side: Side | None
    color_rgb: Rgb

    @property
    def key(self) -> str | None:
        """Which bone of `anybone.core.labels` it is; None for a name of one's own."""
        bone = catalog.named(self.name)
        return bone.key if bone else None

    @property
    def snomed_ct(self) -> tuple[str, str] | None:
        """SNOMED CT code and meaning; None for a name of one's own."""
        bone = catalog.named(self.name)
        return bone.snomed_ct if bone else None

    def is_called(self, name: str) -> bool:
        """Whether a name means this bone: the same words, or the same bone of `anybone.core.labels`."""
        return name == self.name or (self.key is not None and self.key == _key(name))


@dataclass(frozen=True)
class BoneFacts:
    """What is measured of an accepted bone.

    Attributes:
        label: Its number.
        voxels: How many it has.
        volume_mm3: Their volume.
        extent_mm: How far it reaches along the array axes i, j and k.
        min_ijk: Lowest voxel index on each axis.
        max_ijk: Highest voxel index on each axis, included.
        first_slice: The first slice with any of it.
        last_slice: The last one.
        confidence: The Dice that the network expects of what was accepted, 0..1; None where it does not know.
    """

    label: int
    voxels: int
    volume_mm3: float
    extent_mm: tuple[float, float, float]
    min_ijk: tuple[int, int, int]
    max_ijk: tuple[int, int, int]
    first_slice: int
    last_slice: int
    confidence: float | None = None


def make_bone(label: int, name: str, side: Side | None = None, color_rgb: Rgb | None = None) -> NamedBone:
    """A bone, with the side and color of `anybone.core.labels` where that knows it.

    Args:
        label: Its number.
        name: In any words; "femur" on the left becomes "left femur".
        side: Of the patient.
        color_rgb: 0..255; None: the bone's own.
    """
    name = name.strip()
    known = catalog.named(name) or (catalog.named(f"{side} {name}") if side else None)
    if known is not None and catalog.named(name) is None:
        name = known.name
    color = color_rgb or catalog.color_of(name, label)
    return NamedBone(label, name, known.side if known else side, color)


def _key(name: str) -> str | None:
    bone = catalog.named(name)
    return bone.key if bone else None


def put(planes: Planes, label: int, masks: Planes) -> dict[int, Runs]:
    """The planes with a label where masks have something and no label is yet."""
    new = dict(planes)
    for index, mask in masks.items():
        if not mask.any():
            continue
        before = planes[index].plane() if index in planes else np.zeros(mask.shape, np.uint16)
        new[index] = Runs.of(np.where(mask.mask() & (before == 0), np.uint16(label), before))
    return new


def relabeled(planes: Planes, change: Mapping[int, int]) -> dict[int, Runs]:
    """The planes with labels exchanged; 0 takes one away."""
    new = dict(planes)
    for index, runs in planes.items():
        if not set(change) & set(runs.extents):
            continue
        labels = runs.labels.copy()
        for old, label in change.items():
            labels[runs.labels == old] = label
        changed = Runs.joined(runs.shape, labels, runs.counts)
        if changed.any():
            new[index] = changed
        else:
            del new[index]
    return new


def mask_of(planes: Planes, label: int) -> dict[int, Runs]:
    """The masks of one label, on the slices that have it."""
    return {
        index: Runs.joined(runs.shape, (runs.labels == label).astype(np.uint16), runs.counts)
        for index, runs in planes.items()
        if label in runs.extents
    }


def split_up(planes: Planes, label: int, pieces: Pieces, numbers: Sequence[int]) -> dict[int, Runs]:
    """The planes with each piece of a label under a number of its own.

    Args:
        planes: Of all bones.
        label: What is taken apart.
        pieces: Of it.
        numbers: New labels, for the largest piece first.
    """
    table = np.zeros(pieces.count + 1, dtype=np.uint16)
    table[np.argsort(-pieces.sizes, kind="stable") + 1] = numbers
    new = dict(planes)
    for index in pieces.slices:
        if index in planes and label in planes[index].extents:
            part = table[pieces.plane(index)]
            new[index] = Runs.of(np.where(part > 0, part, planes[index].plane()))
    return new


def facts_of(
    bone: NamedBone, planes: Planes, geometry: Geometry, axis: int, sums: Mapping[int, SoftDiceTerms]
) -> BoneFacts | None:
    """What is measured of a bone; None where earlier bones left nothing of it.

    Args:
        bone: Which.
        planes: Labels of each slice.
        geometry: The volume's grid.
        axis: The array axis that slices are stacked along.
        sums: Of its slices, where the network knows how sure it was.
    """
    masks = {index: runs for index, runs in planes.items() if bone.label in runs.extents}
    if not masks:
        return None
    low, high = reach(masks, bone.label)
    first, last = min(masks), max(masks)
    lowest, highest = [*low], [*high]
    lowest.insert(axis, first)
    highest.insert(axis, last)
    voxels = sum(runs.extents[bone.label][0] for runs in masks.values())
    spacing = geometry.spacing_mm
    i, j, k = ((b - a + 1) * mm for a, b, mm in zip(lowest, highest, spacing, strict=True))
    totals = np.array(list(sums.values())).sum(axis=0) if sums else None
    return BoneFacts(
        label=bone.label,
        voxels=voxels,
        volume_mm3=voxels * geometry.voxel_volume_mm3,
        extent_mm=(i, j, k),
        min_ijk=(lowest[0], lowest[1], lowest[2]),
        max_ijk=(highest[0], highest[1], highest[2]),
        first_slice=first,
        last_slice=last,
        confidence=None if totals is None else round(dice_of(*totals.tolist()), 4),
    )
