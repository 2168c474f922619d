"""Case: an image with the mask of its bones, whose it is, and what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from anybone.training.cache import IGNORE
from anybone.training.pairs import REGION, Pair
from anybone.training.slices import CaseVolume, Slice

TRAINING, VALIDATION, TEST = SPLITS = ("training", "validation", "test")

_Labeled = TypeVar("_Labeled", Slice, CaseVolume)


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        image: The volume.
        bones: The mask on its grid.
        patient: Whose it is, as the data call them.
        region: Place of the body; each is drawn equally often.
        sequence: Sequence of the image, if known.
        split: "training", "validation" or "test"; "" where nobody decided.
        names: Names of the labels; empty if unknown.
        ignore_label: The label of voxels whose truth is not known.
        plane: Plane of the slices, if known.
    """

    image: Path
    bones: Path
    patient: str
    region: str = REGION
    sequence: str = ""
    split: str = ""
    names: Mapping[int, str] = field(default_factory=dict)
    ignore_label: int = IGNORE
    plane: str = ""

    @property
    def key(self) -> str:
        """Region and patient, such as "knee/007"."""
        return f"{self.region}/{self.patient}"

    @property
    def pair(self) -> Pair:
        """Its files."""
        return Pair(self.patient, self.image, self.bones)

    def mark(self, one: _Labeled) -> _Labeled:
        """Return a slice or volume of the case's files with its patient, and IGNORE in place of its ignore label."""
        labels = np.where(one.labels == self.ignore_label, np.uint8(IGNORE), one.labels)
        return replace(one, patient=self.key, labels=labels)
