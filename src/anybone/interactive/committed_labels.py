"""Committed labels: the bones that the user has accepted, their labels on each slice, and their statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from anybone.core import labels as catalog
from anybone.core.geometry import Geometry
from anybone.core.labels import Rgb, Side
from anybone.core.run_lengths import RunLengths
from anybone.inference.quality import SoftDiceTerms, soft_dice
from anybone.interactive.components import Components, bounding_box

SliceLabels = Mapping[int, RunLengths]
"""Slice -> labels, for each slice that has any."""


@dataclass(frozen=True)
class NamedBone:
    """A committed bone.

    Attributes:
        label: Label number in the segmentation.
        name: Name given by the user.
        side: Side of the patient; None on the midline, or if it is unknown.
        color_rgb: Color, 0..255.
    """

    label: int
    name: str
    side: Side | None
    color_rgb: Rgb

    @property
    def key(self) -> str | None:
        """Key in `anybone.core.labels`; None for other names."""
        bone = catalog.named(self.name)
        return bone.key if bone else None

    @property
    def snomed_ct(self) -> tuple[str, str] | None:
        """SNOMED CT code and meaning; None for names that are not in `anybone.core.labels`."""
        bone = catalog.named(self.name)
        return bone.snomed_ct if bone else None

    def is_called(self, name: str) -> bool:
        """Return whether a name refers to this bone: the same words, or the same bone of `anybone.core.labels`."""
        return name == self.name or (self.key is not None and self.key == _key(name))


def make_bone(label: int, name: str, side: Side | None = None, color_rgb: Rgb | None = None) -> NamedBone:
    """Return a bone with the side and color of `anybone.core.labels`, if the name is listed there.

    Args:
        label: Label number.
        name: Name in any words; "femur" on the left becomes "left femur".
        side: Side of the patient.
        color_rgb: Color, 0..255; None: the listed color.
    """
    name = name.strip()
    listed = catalog.named(name) or (catalog.named(f"{side} {name}") if side else None)
    if listed is not None and catalog.named(name) is None:
        name = listed.name
    color = color_rgb or catalog.color_of(name, label)
    return NamedBone(label, name, listed.side if listed else side, color)


def _key(name: str) -> str | None:
    bone = catalog.named(name)
    return bone.key if bone else None


# --- labels of slices ---


def add_label(slices: SliceLabels, label: int, masks: SliceLabels) -> dict[int, RunLengths]:
    """Return the slices with a label added where masks are set and no label is yet."""
    new = dict(slices)
    for index, mask in masks.items():
        if not mask.any():
            continue
        before = slices[index].to_array() if index in slices else np.zeros(mask.shape, np.uint16)
        new[index] = RunLengths.from_array(np.where(mask.to_mask() & (before == 0), np.uint16(label), before))
    return new


def replace_labels(slices: SliceLabels, change: Mapping[int, int]) -> dict[int, RunLengths]:
    """Return the slices with labels replaced; 0 removes a label."""
    new = dict(slices)
    for index, runs in slices.items():
        if not set(change) & set(runs.extents):
            continue
        labels = runs.labels.copy()
        for old, label in change.items():
            labels[runs.labels == old] = label
        changed = RunLengths.merged(runs.shape, labels, runs.counts)
        if changed.any():
            new[index] = changed
        else:
            del new[index]
    return new


def masks_of(slices: SliceLabels, label: int) -> dict[int, RunLengths]:
    """Return the mask of one label on each slice that has it."""
    return {
        index: RunLengths.merged(runs.shape, (runs.labels == label).astype(np.uint16), runs.counts)
        for index, runs in slices.items()
        if label in runs.extents
    }


def split_label(
    slices: SliceLabels, label: int, components: Components, numbers: Sequence[int]
) -> dict[int, RunLengths]:
    """Return the slices with each connected component of a label under its own number.

    Args:
        slices: Labels of all bones.
        label: Label to split.
        components: Connected components of that label.
        numbers: New labels, for the largest component first; components beyond them are removed.
    """
    table = np.zeros(components.count + 1, dtype=np.uint16)
    largest_first = np.argsort(-components.sizes, kind="stable") + 1
    table[largest_first[: len(numbers)]] = numbers
    new = dict(slices)
    for index in components.slices:
        if index in slices and label in slices[index].extents:
            component = components.on_slice(index)
            runs = RunLengths.from_array(np.where(component > 0, table[component], slices[index].to_array()))
            if runs.any():
                new[index] = runs
            else:
                del new[index]
    return new


# --- statistics ---


@dataclass(frozen=True)
class BoneStatistics:
    """Measurements of a committed bone.

    Attributes:
        label: Label number.
        voxels: Number of voxels.
        volume_mm3: Volume in mm3.
        extent_mm: Extent along the array axes i, j and k in mm.
        min_ijk: Lowest voxel index on each axis.
        max_ijk: Highest voxel index on each axis, inclusive.
        first_slice: First slice with a voxel.
        last_slice: Last slice with a voxel.
        confidence: Expected Dice of the committed mask, 0..1; None if it is unknown.
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


def measure(
    bone: NamedBone, slices: SliceLabels, geometry: Geometry, axis: int, terms: Mapping[int, SoftDiceTerms]
) -> BoneStatistics | None:
    """Measure a bone; None if it has no voxel because earlier bones cover it.

    Args:
        bone: The bone.
        slices: Labels of each slice.
        geometry: Grid of the volume.
        axis: Array axis that slices are stacked along.
        terms: Terms of the expected Dice by slice, as far as they are known.
    """
    labeled = {index: runs for index, runs in slices.items() if bone.label in runs.extents}
    if not labeled:
        return None
    low, high = bounding_box(labeled, bone.label)
    first, last = min(labeled), max(labeled)
    lowest, highest = [*low], [*high]
    lowest.insert(axis, first)
    highest.insert(axis, last)
    voxels = sum(runs.extents[bone.label][0] for runs in labeled.values())
    i, j, k = ((b - a + 1) * mm for a, b, mm in zip(lowest, highest, geometry.spacing_mm, strict=True))
    totals = np.array(list(terms.values())).sum(axis=0) if terms else None
    return BoneStatistics(
        label=bone.label,
        voxels=voxels,
        volume_mm3=voxels * geometry.voxel_volume_mm3,
        extent_mm=(i, j, k),
        min_ijk=(lowest[0], lowest[1], lowest[2]),
        max_ijk=(highest[0], highest[1], highest[2]),
        first_slice=first,
        last_slice=last,
        confidence=None if totals is None else round(soft_dice(*totals.tolist()), 4),
    )


def add_terms(first: Mapping[int, SoftDiceTerms], second: Mapping[int, SoftDiceTerms]) -> dict[int, SoftDiceTerms]:
    """Add the terms of the expected Dice of two masks, slice by slice."""
    both = dict(first)
    for k, (inside, total, voxels) in second.items():
        a, b, c = both.get(k, (0.0, 0.0, 0.0))
        both[k] = (a + inside, b + total, c + voxels)
    return both
