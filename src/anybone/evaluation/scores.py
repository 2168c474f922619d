"""Scores of one case: a segmentation against the truth, all bone together and bone by bone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import UsageError
from anybone.core.segmentation import Segmentation
from anybone.metrics import SurfaceDistances, detection, dice, volume_error

ALL = "bone"  # all labels together
Mask = NDArray[np.bool_]
Empty = Literal["", "both", "truth", "prediction"]


@dataclass(frozen=True)
class Measures:
    """Choice of metrics, and the rule for empty masks.

    Attributes:
        tolerances_mm: Tolerances of the normalized surface distance in mm; the first is called "nsd".
        overlaps: Intersection over union from which a piece is found; the first is called "f1".
        ignore: Labels of the truth that say that it is not known there.
        both_empty: Value of "dsc", "nsd" and distances if both masks are empty: undefined, or perfect.
        one_empty: Distance in mm if one mask is empty: undefined, or the diagonal of the volume.
        slices: Whether each slice is scored as well.
    """

    tolerances_mm: tuple[float, ...] = (2.0, 1.0)
    overlaps: tuple[float, ...] = (0.5,)
    ignore: frozenset[int] = frozenset()
    both_empty: Literal["exclude", "perfect"] = "exclude"
    one_empty: Literal["exclude", "diagonal"] = "exclude"
    slices: bool = False

    def __post_init__(self) -> None:
        if not self.tolerances_mm or min(self.tolerances_mm) <= 0:
            raise UsageError(f"Tolerances are millimeters above 0; found {self.tolerances_mm}.")
        if not self.overlaps or not all(0 < share <= 1 for share in self.overlaps):
            raise UsageError(f"Overlaps are above 0 and at most 1; found {self.overlaps}.")

    def nsd_key(self, tolerance_mm: float) -> str:
        """Return the key of the normalized surface distance at a tolerance."""
        return "nsd" if tolerance_mm == self.tolerances_mm[0] else f"nsd_{tolerance_mm:g}mm"

    def f1_key(self, overlap: float) -> str:
        """Return the key of the F1 score of connected components at an overlap."""
        return "f1" if overlap == self.overlaps[0] else f"f1_at_{overlap:g}"


DEFAULT = Measures()


@dataclass(frozen=True)
class SliceScore:
    """One slice along the truth's acquired axis; `dsc` is None where neither mask has anything on it."""

    index: int
    dsc: float | None
    truth_mm2: float
    prediction_mm2: float


@dataclass(frozen=True)
class Score:
    """One label of one case.

    Attributes:
        name: Name of the case.
        label: Name of the bone; "bone" for all of them together.
        patient: Whose it is.
        values: "dsc", "nsd", "hd95_mm", "assd_mm", "volume_error", "f1" and more; None where one is not defined.
        truth_ml: Volume of the truth, where it is known.
        prediction_ml: Volume of the prediction there.
        pieces: Numbers of components found, missed and false positive, at each overlap.
        empty: Name of the empty mask.
        facts: Facts from the manifest.
        slices: Scores of the slices, if requested.
    """

    name: str
    label: str
    patient: str
    values: Mapping[str, float | None]
    truth_ml: float
    prediction_ml: float
    pieces: Mapping[str, Mapping[str, int]]
    empty: Empty = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    slices: tuple[SliceScore, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the score as plain values, the metrics next to the name."""
        return {
            "name": self.name,
            "label": self.label,
            "patient": self.patient,
            **self.values,
            "truth_ml": self.truth_ml,
            "prediction_ml": self.prediction_ml,
            "empty": self.empty,
            "pieces": {overlap: dict(counts) for overlap, counts in self.pieces.items()},
            "facts": dict(self.facts),
            "slices": [asdict(one) for one in self.slices],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Score:
        """Return the score from the values of `to_dict`; raises Python's errors for other values."""
        rest = dict(values)
        own = {key: rest.pop(key) for key in ("name", "label", "patient", *_BESIDE)}
        return cls(values=rest, **own | {"slices": tuple(SliceScore(**one) for one in own["slices"])})


_BESIDE = ("truth_ml", "prediction_ml", "empty", "pieces", "facts", "slices")


def score(
    prediction: Segmentation,
    truth: Segmentation,
    measures: Measures = DEFAULT,
    *,
    name: str = "",
    patient: str = "",
    facts: Mapping[str, str] = {},
) -> list[Score]:
    """All bone together, then each label by name where both masks name the same things.

    Args:
        prediction: Segmentation on the grid of the reference (`evaluation.grids.onto`).
        truth: The reference.
        measures: Choice of metrics.
        name: Name of the case.
        patient: Whose it is.
        facts: Kept beside the scores.

    Raises:
        GeometryError: The masks have different shapes.
    """
    known = ~np.isin(truth.labels, list(measures.ignore)) if measures.ignore else None
    rows = []
    for label, (found, true) in _masks(prediction, truth, measures):
        values, pieces = _values(found, true, truth.geometry.spacing_mm, known, measures)
        ml = truth.geometry.voxel_volume_mm3 / 1000
        rows.append(
            Score(
                name,
                label,
                patient or name,
                values,
                truth_ml=float(true.sum()) * ml,
                prediction_ml=float(found.sum()) * ml,
                pieces=pieces,
                empty=_empty(found, true),
                facts=facts,
                slices=tuple(_slices(found, true, truth)) if measures.slices else (),
            )
        )
    return rows


def tells_bones_apart(prediction: Segmentation, truth: Segmentation, ignore: frozenset[int] = frozenset()) -> bool:
    """Return whether both name the same bones; an empty prediction misses each bone by name."""
    theirs, ours = set(_names(prediction, frozenset())), set(_names(truth, ignore))
    shared = theirs & ours if theirs else ours
    return bool(shared - {ALL, "label 1"}) or len(shared) > 1


def _masks(
    prediction: Segmentation, truth: Segmentation, measures: Measures
) -> Iterator[tuple[str, tuple[Mask, Mask]]]:
    ignore_label = np.isin(truth.labels, list(measures.ignore))
    found, true = np.where(ignore_label, 0, prediction.labels), np.where(ignore_label, 0, truth.labels)
    yield ALL, (found > 0, true > 0)
    if tells_bones_apart(prediction, truth, measures.ignore):
        theirs, ours = _names(prediction, frozenset()), _names(truth, measures.ignore)
        for name in sorted({*theirs, *ours} - {ALL}):
            yield name, (np.isin(found, theirs.get(name, [])), np.isin(true, ours.get(name, [])))


def _names(segmentation: Segmentation, ignore: frozenset[int]) -> dict[str, list[int]]:
    """Return the labels that occur, by name."""
    names: dict[str, list[int]] = {}
    for label in np.flatnonzero(np.bincount(segmentation.labels.ravel())).tolist():
        if label and label not in ignore:
            names.setdefault(segmentation.names[label], []).append(label)
    return names


def _empty(found: Mask, true: Mask) -> Empty:
    if found.any():
        return "" if true.any() else "truth"
    return "prediction" if true.any() else "both"


def _values(
    found: Mask, true: Mask, spacing_mm: tuple[float, float, float], known: Mask | None, measures: Measures
) -> tuple[dict[str, float | None], dict[str, dict[str, int]]]:
    surfaces = SurfaceDistances(found, true, spacing_mm, known)
    pieces = {overlap: detection(found, true, spacing_mm, overlap) for overlap in measures.overlaps}
    values: dict[str, float | None] = {"dsc": dice(found, true, spacing_mm)}
    values |= {measures.nsd_key(mm): surfaces.nsd(mm) for mm in measures.tolerances_mm}
    values |= {"hd95_mm": surfaces.hd95_mm, "assd_mm": surfaces.assd_mm}
    values["volume_error"] = volume_error(found, true, spacing_mm)
    values |= {measures.f1_key(overlap): one.f1 for overlap, one in pieces.items()}
    if not found.any() and not true.any() and measures.both_empty == "exclude":
        values = dict.fromkeys(values)
    if measures.one_empty == "diagonal":
        values |= {key: surfaces.diagonal_mm for key in ("hd95_mm", "assd_mm") if values[key] == math.inf}
    counted = {
        f"{overlap:g}": {"found": one.found, "missed": one.missed, "false_positives": one.false_positives}
        for overlap, one in pieces.items()
    }
    return {key: None if value is None or math.isinf(value) else value for key, value in values.items()}, counted


def _slices(found: Mask, true: Mask, truth: Segmentation) -> Iterator[SliceScore]:
    axis = truth.geometry.slice_axis
    area_mm2 = truth.geometry.voxel_volume_mm3 / truth.geometry.spacing_mm[axis]
    across = tuple(a for a in range(3) if a != axis)
    common, ours, theirs = ((mask).sum(axis=across) for mask in (found & true, found, true))
    for index, (both, one, other) in enumerate(zip(common.tolist(), ours.tolist(), theirs.tolist(), strict=True)):
        dsc = 2 * both / (one + other) if one + other else None
        yield SliceScore(index, dsc, truth_mm2=other * area_mm2, prediction_mm2=one * area_mm2)
