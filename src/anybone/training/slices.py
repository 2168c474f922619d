"""Slices with the truth about their bone -> a cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Int
from anybone.core.errors import NothingFoundError
from anybone.core.geometry import Geometry
from anybone.core.orientation import AS_STORED, upright
from anybone.training.cache import FRAME, IGNORE, Cache

MIN_BONE_PIXELS = 20  # smaller components of a reference are its own speckle


@dataclass(frozen=True)
class Slice:
    """One slice.

    Attributes:
        patient: Region and patient, such as "spine/007".
        image: "rows columns", 0..1, scaled by volume.
        labels: uint8 "rows columns": 0 background, 1.. bones, IGNORE not known.
        aspect: Height of a pixel in mm divided by its width.
    """

    patient: str
    image: NDArray[np.float32]
    labels: NDArray[np.uint8]
    aspect: float = 1.0


@dataclass(frozen=True)
class CaseVolume:
    """All slices of one patient's volume.

    Attributes:
        patient: Region and patient, such as "spine/007".
        normalized: "rows columns slices", 0..1.
        labels: uint8 "rows columns slices", as a slice's.
        aspect: Height of a pixel in mm divided by its width.
    """

    patient: str
    normalized: NDArray[np.float32]
    labels: NDArray[np.uint8]
    aspect: float = 1.0

    def slices(self) -> Iterator[Slice]:
        """Its slices in order."""
        for k in range(self.normalized.shape[2]):
            yield Slice(self.patient, self.normalized[:, :, k], self.labels[:, :, k], self.aspect)


def case_of(
    patient: str,
    normalized: NDArray[np.float32],
    labels: NDArray[np.uint8],
    geometry: Geometry,
    axis: int | None = None,
) -> CaseVolume:
    """Return a case cut into slices, oriented as for inference.

    Args:
        patient: Region and patient.
        normalized: "i j k", 0..1.
        labels: uint8 "i j k", as a slice's.
        geometry: Geometry of both.
        axis: The array axis that slices are cut along; None takes the acquired one.
    """
    axis = geometry.slice_axis if axis is None else axis
    rows, columns = (a for a in range(3) if a != axis)
    turn = upright(geometry, axis).turn if geometry.is_placed else AS_STORED
    height, width = turn.shape((rows, columns))
    seen, known = (np.moveaxis(turn.picture(np.moveaxis(x, axis, 0)), 0, 2) for x in (normalized, labels))
    return CaseVolume(patient, seen, known, geometry.spacing_mm[height] / geometry.spacing_mm[width])


def cache_of(slices: Iterable[Slice]) -> Cache:
    """Return the slices in square frames, with connected components numbered.

    Raises:
        NothingFoundError: There are none.
    """
    images, bones, patients = [], [], []
    for one in slices:
        images.append(_fit(one.image, one.aspect, "bilinear"))
        bones.append(_fit(separate(one.labels), one.aspect, "nearest"))
        patients.append(one.patient)
    if not images:
        raise NothingFoundError("There is no slice whose truth is known. Give cases with masks of bone.")
    return Cache(torch.stack(images), torch.stack(bones), patients)


def kinds_of(slices: Iterable[Slice]) -> Int[Tensor, "n 256"]:
    """For each slice the label in its reference of each number that `separate` gives it; IGNORE stays."""
    tables = []
    for one in slices:
        numbers = separate(one.labels)
        table = np.zeros(IGNORE + 1, dtype=np.uint8)
        table[numbers.ravel()] = np.where(numbers == IGNORE, IGNORE, one.labels).ravel()
        tables.append(torch.from_numpy(table))
    return torch.stack(tables)


def separate(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bones numbered by label and connected component, IGNORE kept; specks of the reference become not known."""
    from scipy import ndimage

    result = np.where(labels == IGNORE, IGNORE, 0).astype(np.uint8)
    number = 0
    for label in np.setdiff1d(labels, (0, IGNORE)):
        parts, count = ndimage.label(labels == label)
        sizes = np.bincount(parts.ravel(), minlength=count + 1)
        for part in range(1, count + 1):
            if sizes[part] < MIN_BONE_PIXELS:
                result[parts == part] = IGNORE
            elif number < IGNORE - 1:
                number += 1
                result[parts == part] = number
    return result


def fitted_shape(shape: tuple[int, int], aspect: float, frame: int = FRAME) -> tuple[int, int]:
    """Rows and columns that a slice fills of a square frame, from its upper left corner."""
    height, width = shape[0] * aspect, shape[1]
    scale = frame / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _fit(plane: NDArray[np.generic], aspect: float, mode: str) -> torch.Tensor:
    """Fit the slice into a square frame as inference does: longer side fills it, black at bottom and right."""
    size = fitted_shape((plane.shape[0], plane.shape[1]), aspect)
    x = torch.from_numpy(np.ascontiguousarray(plane)).float()[None, None]
    if mode == "nearest":
        fitted = F.interpolate(x, size=size, mode="nearest-exact")
    else:
        fitted = F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False) * 255
    return F.pad(fitted[0, 0], (0, FRAME - size[1], 0, FRAME - size[0])).round().to(torch.uint8)
