"""Accepted bones: their names, and the labels of each slice as bones come, go, join and fall apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone import labels as catalogue
from anybone.engine.confidence import Sums, dice_of
from anybone.engine.runs import Runs
from anybone.geometry import Geometry
from anybone.labels import Rgb, Side

Planes = Mapping[int, Runs]
"""Slice -> labels there, for each slice that has any."""


@dataclass(frozen=True)
class NamedBone:
    """An accepted bone.

    Attributes:
        label: Its number in the segmentation.
        name: As a person gave it.
        side: Of the patient; None on the midline, or where nobody said.
        colour_rgb: What it is drawn in.
    """

    label: int
    name: str
    side: Side | None
    colour_rgb: Rgb

    @property
    def key(self) -> str | None:
        """Which bone of `anybone.labels` it is; None for a name of one's own."""
        bone = catalogue.named(self.name)
        return bone.key if bone else None

    @property
    def snomed_ct(self) -> tuple[str, str] | None:
        """SNOMED CT code and meaning; None for a name of one's own."""
        bone = catalogue.named(self.name)
        return bone.snomed_ct if bone else None

    def is_called(self, name: str) -> bool:
        """Whether a name means this bone: the same words, or the same bone of `anybone.labels`."""
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


def make_bone(label: int, name: str, side: Side | None = None, colour_rgb: Rgb | None = None) -> NamedBone:
    """A bone, with the side and colour of `anybone.labels` where that knows it.

    Args:
        label: Its number.
        name: In any words; "femur" on the left becomes "left femur".
        side: Of the patient.
        colour_rgb: 0..255; None: the bone's own.
    """
    name = name.strip()
    known = catalogue.named(name) or (catalogue.named(f"{side} {name}") if side else None)
    if known is not None and catalogue.named(name) is None:
        name = known.name
    colour = colour_rgb or catalogue.colour_of(name, label)
    return NamedBone(label, name, known.side if known else side, colour)


def _key(name: str) -> str | None:
    bone = catalogue.named(name)
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


def relabelled(planes: Planes, change: Mapping[int, int]) -> dict[int, Runs]:
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


def split_up(planes: Planes, label: int, numbers: Callable[[int], Iterable[int]]) -> tuple[dict[int, Runs], list[int]]:
    """The planes with each 26-connected piece of a label under a number of its own, and these, largest piece first.

    Args:
        planes: Of all bones.
        label: What is taken apart.
        numbers: How many pieces there are -> their labels, for the largest first.
    """
    from scipy import ndimage

    masks = mask_of(planes, label)
    first, last = min(masks), max(masks)
    low, high = _in_plane(masks, 1)
    rows, columns = (slice(a, b + 1) for a, b in zip(low, high, strict=True))
    block = np.zeros((last - first + 1, high[0] - low[0] + 1, high[1] - low[1] + 1), dtype=bool)
    for index, mask in masks.items():
        block[index - first] = mask.mask()[rows, columns]
    pieces, count = ndimage.label(block, structure=np.ones((3, 3, 3)))
    order = np.argsort(-np.bincount(pieces.ravel(), minlength=count + 1)[1:], kind="stable")
    chosen = list(numbers(count))
    if len(chosen) != count:
        return dict(planes), chosen
    table = np.zeros(count + 1, dtype=np.uint16)
    table[order + 1] = chosen
    new = dict(planes)
    for index in masks:
        plane = planes[index].plane()
        part = table[pieces[index - first]]
        plane[rows, columns] = np.where(part > 0, part, plane[rows, columns])
        new[index] = Runs.of(plane)
    return new, chosen


def facts_of(
    bone: NamedBone, planes: Planes, geometry: Geometry, axis: int, sums: Mapping[int, Sums]
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
    low, high = _in_plane(masks, bone.label)
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


def _in_plane(planes: Planes, label: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Lowest and highest row and column that a label reaches on any slice."""
    extents = [runs.extents[label] for runs in planes.values()]
    lows: NDArray[np.int64] = np.array([low for _, low, _ in extents]).min(axis=0)
    highs: NDArray[np.int64] = np.array([high for *_, high in extents]).max(axis=0)
    return (int(lows[0]), int(lows[1])), (int(highs[0]), int(highs[1]))
