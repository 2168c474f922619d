"""Segmentation: labels on the grid of the volume they were found in, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import GeometryError
from anybone.core.geometry import Geometry
from anybone.core.labels import Rgb, color_of
from anybone.core.volume import Source


@dataclass(frozen=True)
class Provenance:
    """How a segmentation was made: enough to make it again.

    Attributes:
        version: Version of anybone.
        method: Name of the checkpoint or baseline.
        weights_sha256: Hash of the weights; None for a method without any.
        device: "cpu", "cuda", "mps".
        options: The resolved options, as plain values.
        timings_s: Seconds spent in each of the nine steps.
        warnings: What a reader of the result should know, one sentence each.
        source: The input file or folder, as given.
    """

    version: str
    method: str
    weights_sha256: str | None = None
    device: str = "cpu"
    options: Mapping[str, Any] = field(default_factory=dict)
    timings_s: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class Confidence:
    """How far a segmentation can be relied on.

    Attributes:
        dice: The Dice against the truth that the network's calibrated probabilities let expect, 0..1; None where the
            weights are not calibrated, or nothing was found.
        slices: The same of each slice with bone, by its index along the axis that slices were cut along.
        doubts: Why the result should not be trusted, one sentence each; empty where nothing speaks against it.
    """

    dice: float | None = None
    slices: Mapping[int, float] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Bones on the grid of their source volume.

    Args:
        labels: uint16 "i j k"; 0 is background.
        geometry: Equal to the source volume's.
        names: Label number -> name, for every label that can occur.
        scores: Label number -> the network's own quality estimate in 0..1, where there is one.
        provenance: How it was made; None for a segmentation read from a file that does not say.
        probability: Of bone in each voxel before threshold and cleaning, float16 "i j k", where a network said it.
        confidence: How far it can be relied on; None where nobody looked.
        colors: Label number -> the color that a person chose for it, where one did.
        source: Of the volume it was found in: what DICOM SEG refers to; None where that is not known.

    Raises:
        GeometryError: Shapes differ, or a label has no name.
    """

    labels: NDArray[np.uint16]
    geometry: Geometry
    names: Mapping[int, str] = field(default_factory=lambda: {1: "bone"})
    scores: Mapping[int, float] = field(default_factory=dict)
    provenance: Provenance | None = None
    probability: NDArray[np.float16] | None = None
    confidence: Confidence | None = None
    colors: Mapping[int, Rgb] = field(default_factory=dict)
    source: Source | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels)
        if labels.shape != self.geometry.shape_ijk:
            raise GeometryError(f"Labels have shape {labels.shape}, their geometry {self.geometry.shape_ijk}.")
        if self.probability is not None and self.probability.shape != labels.shape:
            raise GeometryError(f"Labels have shape {labels.shape}, their probabilities {self.probability.shape}.")
        if labels.dtype.kind not in "bu" and (labels.dtype.kind != "i" or (labels.size and labels.min() < 0)):
            raise GeometryError(f"Labels are whole numbers from 0 up; found values of type {labels.dtype}.")
        labels = labels.astype(np.uint16, copy=False)
        found = np.flatnonzero(np.bincount(labels.ravel()))  # faster than sorting
        unnamed = sorted(set(found.tolist()) - {0} - set(self.names))
        if unnamed:
            raise GeometryError(f"Labels {unnamed} have no name; name every label that occurs.")
        object.__setattr__(self, "labels", labels)
        object.__setattr__(self, "names", MappingProxyType({int(k): str(v) for k, v in sorted(self.names.items())}))
        object.__setattr__(self, "scores", MappingProxyType({int(k): float(v) for k, v in self.scores.items()}))
        object.__setattr__(self, "colors", MappingProxyType(dict(self.colors)))

    @property
    def mask(self) -> NDArray[np.bool_]:
        """All bones together, bool "i j k"."""
        return self.labels > 0

    def color(self, label: int) -> Rgb:
        """What a label is drawn in, 0..255: the color that was chosen, else its bone's."""
        return self.colors.get(label) or color_of(self.names[label], label)
