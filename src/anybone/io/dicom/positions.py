"""Positions of slices: which coincide, and the line that they lie on, within the rounding of the header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anybone.io.dicom.images import Image

_SAME_PLACE_MM = 0.02  # distance below which two images are at the same place
_SAME_PLACE_RATIO = 0.25  # of the slice distance; upper limit for thin slices
_LARGEST_ROUNDING_MM = 0.1
_FINEST_ROUNDING_MM = 1e-4
_OFF_RATIO = 0.05  # of the slice distance that a slice may be off its place ...
_OFF_MM = 0.25  # ... and the upper limit of this
_OFF_BY_ROUNDING_RATIO = 0.3  # of the slice distance; upper limit where positions are rounded coarsely
_TILT_SINE = 1e-3  # sine of the angle between stack and normal above which it is a tilt
_CORNER = np.sqrt(3.0)  # length of the vector (1, 1, 1)


@dataclass(frozen=True)
class Line:
    """Equidistant places on a line that approximate the positions of slices.

    Attributes:
        origin: LPS mm of the first slice.
        step: Vector from one slice to the next in LPS mm.
        off_mm: Distance of each slice from its place.
        tolerance_mm: Largest distance that is accepted.
        tilt_degrees: Angle between the line and the normal of the slices; 0 if it is within rounding.
        rounded_mm: Unit to which the header rounds positions, if the line was made perpendicular for it; else 0.
    """

    origin: NDArray[np.float64]
    step: NDArray[np.float64]
    off_mm: NDArray[np.float64]
    tolerance_mm: float
    tilt_degrees: float
    rounded_mm: float

    @property
    def is_even(self) -> bool:
        """True if all slices are at their places."""
        return bool(self.off_mm.max() <= self.tolerance_mm)


def positions_of(images: Sequence[Image]) -> NDArray[np.float64]:
    """Return the positions of images that all have one, shape (n, 3)."""
    return np.array([image.position for image in images], dtype=np.float64).reshape(-1, 3)


def normal_of(image: Image) -> NDArray[np.float64]:
    """Return the unit normal of the image's plane."""
    assert image.orientation is not None
    normal = np.cross(image.orientation[0], image.orientation[1])
    length = float(np.linalg.norm(normal))
    return normal / length if length > 0 else normal


def rounding_of(positions: NDArray[np.float64]) -> float:
    """Return the unit in mm to which positions are rounded, at most 0.1; 0 if they have more than 4 decimals."""
    unit = _LARGEST_ROUNDING_MM
    while unit >= _FINEST_ROUNDING_MM:
        if np.allclose(positions / unit, np.rint(positions / unit), rtol=0, atol=1e-6 / unit):
            return unit
        unit /= 10
    return 0.0


def places_of(images: Sequence[Image]) -> NDArray[np.intp]:
    """Return for each of parallel images the number of its place, in order along the normal.

    Images at the same place up to the rounding of their positions share a number.
    """
    positions = positions_of(images)
    along = positions @ normal_of(images[0])
    rounding = rounding_of(positions)
    thickness = min((im.thickness for im in images if im.thickness), default=np.inf)
    tolerance = min(max(_SAME_PLACE_MM, 1.01 * _CORNER * rounding), _SAME_PLACE_RATIO * thickness)
    numbers = np.zeros(len(images), dtype=np.intp)
    centers: list[NDArray[np.float64]] = []
    level = 0  # number of the first place that later images can share
    for index in np.argsort(along, kind="stable"):
        here = positions[index]
        while level < len(centers) and along[index] - centers[level][3] > tolerance:
            level += 1
        for number in range(level, len(centers)):
            if np.abs(centers[number][:3] - here).max() <= tolerance:
                numbers[index] = number
                break
        else:
            numbers[index] = len(centers)
            centers.append(np.append(here, along[index]))
    return numbers


def fit_line(positions: NDArray[np.float64], normal: NDArray[np.float64]) -> Line:
    """Fit equidistant places to the positions of two or more slices in slice order.

    The line runs from the first to the last slice. Where it deviates from the normal by no more than the rounding of
    the positions, it is made perpendicular to the slices and centered on the positions.
    """
    last = len(positions) - 1
    counts = np.arange(last + 1)[:, None]
    origin, step = positions[0], (positions[-1] - positions[0]) / last
    distance = float(step @ normal)
    lean = step - distance * normal
    rounding = rounding_of(positions)
    error = _CORNER * rounding / 2  # of one position
    sine = float(np.linalg.norm(lean)) / max(float(np.linalg.norm(step)), 1e-12)
    rounded = 0.0
    if sine > _TILT_SINE and float(np.linalg.norm(lean)) * last <= 2 * error:
        step, sine, rounded = distance * normal, 0.0, rounding
        origin = (positions - counts * step).mean(axis=0)
    off = np.linalg.norm(positions - (origin + counts * step), axis=1)
    allowed = min(_OFF_MM, _OFF_RATIO * abs(distance))
    allowed = max(allowed, min(2 * error, _OFF_BY_ROUNDING_RATIO * abs(distance)))
    tilt = float(np.degrees(np.arcsin(min(sine, 1.0)))) if sine > _TILT_SINE else 0.0
    return Line(origin, step, off, allowed, tilt, rounded)
