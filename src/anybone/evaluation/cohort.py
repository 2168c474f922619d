"""Quality of a cohort without any truth: facts of each mask, and which of them are unlike the rest or cannot be.

A value is unlike the rest where its modified z-score, 0.6745 (x - median) / MAD, is beyond 3.5 (Iglewicz and Hoaglin,
How to Detect and Handle Outliers, 1993). Where more than half of the values are the same, so that MAD is 0, the mean
absolute deviation stands in its place, as they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anybone.core.labels import named
from anybone.core.segmentation import Segmentation
from anybone.evaluation.scores import ALL

LEAST_CASES = 5  # with a label, below which there is no "like the rest"
_BEYOND = 3.5
_OF_MAD, _OF_MEAN = 0.6745, 0.7979  # a normal distribution's MAD and mean absolute deviation, in standard deviations
_SIDES_DIFFER = 0.3  # of the larger: left and right bones of one person are more alike
_NEARLY_ALL = 0.75  # of the results have a label: then one without it is unlike the rest
_LOWEST = 1e-6
_LEAST_CONFIDENCE = 0.7  # expected Dice below which a case or slice is flagged, whatever the others have


@dataclass(frozen=True)
class BoneFacts:
    """Measurements of one label without a reference.

    Attributes:
        volume_ml: Its volume.
        pieces: Connected by faces, edges or corners.
        holes: Volume that it encloses without being part of it, as a share of its own.
        border: Share of its voxels on the border of the grid.
        center_right_mm: Center of mass in mm, toward the patient's right.
    """

    volume_ml: float
    pieces: int
    holes: float
    border: float
    center_right_mm: float


@dataclass(frozen=True)
class Result:
    """One mask of a cohort.

    Attributes:
        name: Name of the case.
        bones: Facts of all bone together ("bone") and of each label by name; empty where nothing was found.
        confidence: The Dice that the network expects of itself; None where nobody knows.
        doubts: Warnings of the run.
        slices: Expected Dice of each slice with bone, by its index along the slice axis.
    """

    name: str
    bones: Mapping[str, BoneFacts]
    confidence: float | None = None
    doubts: tuple[str, ...] = ()
    slices: Mapping[int, float] = field(default_factory=dict)


def facts_of(segmentation: Segmentation) -> dict[str, BoneFacts]:
    """Facts of all bone together, and of each label where there are several or one has the name of a bone."""
    if not segmentation.mask.any():
        return {}
    masks = {ALL: segmentation.mask}
    labels = np.unique(segmentation.labels[segmentation.mask]).tolist()
    if len(labels) > 1 or segmentation.names[labels[0]] != ALL:
        masks |= {segmentation.names[label]: segmentation.labels == label for label in labels}
    return {name: _facts(mask, segmentation) for name, mask in masks.items()}


def _facts(mask: NDArray[np.bool_], segmentation: Segmentation) -> BoneFacts:
    from scipy import ndimage

    voxels = int(mask.sum())
    _, pieces = ndimage.label(mask, np.ones((3, 3, 3)))
    enclosed = int(ndimage.binary_fill_holes(mask).sum()) - voxels
    inner = mask[tuple(slice(1, -1) if n > 2 else slice(None) for n in mask.shape)]
    center = segmentation.geometry.to_world(np.argwhere(mask).mean(axis=0))
    return BoneFacts(
        volume_ml=voxels * segmentation.geometry.voxel_volume_mm3 / 1000,
        pieces=int(pieces),
        holes=enclosed / voxels,
        border=1 - float(inner.sum()) / voxels,
        center_right_mm=float(center[0]),
    )


@dataclass(frozen=True)
class _Compared:
    """A fact that is compared over the cohort; with `above`, only values above the rest are reported."""

    value: Callable[[BoneFacts], float]
    unit: str = ""
    above: bool = False


_COMPARED: Mapping[str, _Compared] = {
    "volume": _Compared(lambda one: float(np.log(max(one.volume_ml, _LOWEST))), " ml"),
    "pieces": _Compared(lambda one: float(np.log(one.pieces))),
    "holes": _Compared(lambda one: one.holes, " of its volume", above=True),
    "border": _Compared(lambda one: one.border, " of it on the border of the image", above=True),
}


def flags(results: Sequence[Result]) -> dict[str, list[str]]:
    """By name of the case, why it should be looked at, one sentence each; empty where nothing is unlike the rest."""
    found: dict[str, list[str]] = {one.name: list(_alone(one)) for one in results}
    for label in sorted({label for one in results for label in one.bones}):
        having = [one for one in results if label in one.bones]
        if len(having) < LEAST_CASES:
            continue
        if len(having) >= _NEARLY_ALL * len(results):
            for one in results:
                if one.bones and label not in one.bones:
                    found[one.name].append(f"No {label}, which {len(having)} of {len(results)} results have.")
        for what in _COMPARED:
            for one, sentence in _unlike(having, label, what):
                found[one.name].append(sentence)
    return found


def _alone(one: Result) -> list[str]:
    """Return the warnings that follow from a mask by itself."""
    remarks = [*one.doubts, *(["No bone was found."] if not one.bones else []), *_low_confidence(one)]
    for name, bone in one.bones.items():
        kind = named(name)
        if kind is None or kind.side != "left":
            continue
        other = next((n for n in one.bones if _is_right_of(kind.key, n)), None)
        if other is None:
            continue
        right = one.bones[other]
        if bone.center_right_mm > right.center_right_mm:
            remarks.append(f"The {name} lies to the patient's right of the {other}: are sides mixed up?")
        larger = max(bone.volume_ml, right.volume_ml)
        if abs(bone.volume_ml - right.volume_ml) > _SIDES_DIFFER * larger:
            remarks.append(f"The {name} has {bone.volume_ml:.1f} ml, the {other} {right.volume_ml:.1f} ml.")
    return remarks


def _low_confidence(one: Result) -> list[str]:
    """Return the flags of a mask and of slices with an expected Dice below the threshold."""
    found = []
    if one.confidence is not None and one.confidence < _LEAST_CONFIDENCE:
        found.append(f"Low confidence: {one.confidence:.2f}.")
    low = [index for index, dice in one.slices.items() if dice < _LEAST_CONFIDENCE]
    if low:
        worst = min(low, key=one.slices.__getitem__)
        noun = "slice" if len(low) == 1 else "slices"
        found.append(f"{len(low)} {noun} of low confidence, lowest {one.slices[worst]:.2f} in slice {worst}.")
    return found


def _is_right_of(left_key: str, name: str) -> bool:
    bone = named(name)
    return bone is not None and bone.side == "right" and bone.key == left_key.replace("_left", "_right")


def _unlike(having: Sequence[Result], label: str, what: str) -> list[tuple[Result, str]]:
    compared = _COMPARED[what]
    z = modified_z(np.array([compared.value(one.bones[label]) for one in having]))
    usual = _text(float(np.median([_number(one.bones[label], what) for one in having])), what)
    name = "All bone" if label == ALL else f"The {label}"
    remarks = []
    for place in np.flatnonzero((z if compared.above else np.abs(z)) > _BEYOND).tolist():
        shown = _text(_number(having[place].bones[label], what), what)
        remarks.append((having[place], f"{name}: {what} {shown}{compared.unit}, usually {usual}."))
    return remarks


def modified_z(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each value from the median, in robust standard deviations; 0 for equal values."""
    away = values - np.median(values)
    spread = np.median(np.abs(away)) / _OF_MAD or np.abs(away).mean() / _OF_MEAN
    return np.asarray(away / spread) if spread else np.zeros(len(values))


def _number(bone: BoneFacts, what: str) -> float:
    return bone.volume_ml if what == "volume" else float(getattr(bone, what))


def _text(value: float, what: str) -> str:
    return f"{value:.0%}" if what in ("holes", "border") else f"{value:.3g}"
