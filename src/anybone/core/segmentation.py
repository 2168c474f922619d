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
    """Record of how a segmentation was made, sufficient to repeat it.

    Attributes:
        version: Version of anybone.
        method: Name of the checkpoint or baseline.
        weights_sha256: Hash of the weights; None for a method without any.
        device: "cpu", "cuda", "mps".
        options: The resolved options, as plain values.
        timings_s: Seconds spent in each of the nine steps.
        warnings: Warnings about the result, one sentence each.
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
    """Expected accuracy of a segmentation.

    Attributes:
        dice: The Dice against the truth that the network's calibrated probabilities let expect, 0..1; None where the
            weights are not calibrated, or nothing was found.
        slices: Expected Dice of each slice with bone, by its index along the slice axis.
        warnings: Reasons not to trust the result, one sentence each; usually none.
    """

    dice: float | None = None
    slices: Mapping[int, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Bones on the grid of their source volume.

    Args:
        labels: uint16 "i j k"; 0 is background.
        geometry: Equal to the source volume's.
        names: Label number -> name, for every label that can occur.
        scores: Label number -> quality estimate of the network, 0..1, if available.
        provenance: Record of how it was made; None if the file it was read from does not say.
        probability: Bone probability of each voxel before threshold and cleaning, float16 "i j k", or None.
        confidence: Expected accuracy; None if it was not estimated.
        colors: Label number -> color chosen by a user.
        source: Origin of the segmented volume, which DICOM SEG refers to; None if unknown.

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
        """Return the display color of a label, 0..255: the chosen one, else that of its bone."""
        return self.colors.get(label) or color_of(self.names[label], label)
