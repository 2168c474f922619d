"""Upright slices: how a slice of any orientation is turned for a person, or a network, to look at.

Axial and coronal slices show the patient's right on the left of the picture, sagittal ones the front on the left;
the front (axial) or the head (coronal, sagittal) is up. An oblique slice is turned to the nearest of these and not
resampled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.geometry import Geometry

# Where the picture's rows run (downwards) and its columns (to the right).
_DIRECTIONS = {"axial": ("P", "L"), "coronal": ("I", "L"), "sagittal": ("I", "P")}
_OPPOSITE = dict(zip("LRAPIS", "RLPASI", strict=True))


@dataclass(frozen=True)
class Turn:
    """Transpose and flips that turn a plane of an array into a picture.

    Attributes:
        transposed: True if the picture's rows follow the later of the plane's two array axes.
        flips: True for the picture's rows, and for its columns, if they run against their array axis.
    """

    transposed: bool = False
    flips: tuple[bool, bool] = (False, False)

    def picture(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Turn a plane "... rows columns" into a picture, rows from the top, columns from the left."""
        plane = plane.swapaxes(-1, -2) if self.transposed else plane
        return np.flip(plane, self.flipped)

    def plane(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Turn a picture back into its plane."""
        picture = np.flip(picture, self.flipped)
        return picture.swapaxes(-1, -2) if self.transposed else picture

    def shape(self, rows_columns: tuple[int, int]) -> tuple[int, int]:
        """Return the shape of the picture of a plane; the same swap gives the plane's shape from the picture's."""
        rows, columns = rows_columns
        return (columns, rows) if self.transposed else (rows, columns)

    @property
    def flipped(self) -> tuple[int, ...]:
        """The picture's axes that run against their array axis: -2 rows, -1 columns."""
        return tuple(axis for axis, flip in zip((-2, -1), self.flips, strict=True) if flip)


AS_STORED = Turn()


@dataclass(frozen=True)
class Upright:
    """Display of slices along one axis.

    Attributes:
        axis: The array axis that slices are stacked along.
        plane: "axial", "coronal", "sagittal", or "" if the file states no orientation.
        turn: Transform from a slice, its in-plane array axes in ascending order, to the picture.
        edges: Letters at the picture's top, right, bottom and left; "?" if unknown.
        pixel_mm: Distance between rows, and between columns, in mm.
    """

    axis: int
    plane: str
    turn: Turn
    edges: tuple[str, str, str, str]
    pixel_mm: tuple[float, float]

    def picture(self, data_ijk: NDArray[Any], index: int) -> NDArray[Any]:
        """Return slice `index` of an array "i j k" as a picture, rows from the top, columns from the left."""
        return self.turn.picture(np.take(data_ijk, index, axis=self.axis))


def upright(geometry: Geometry, axis: int) -> Upright:
    """Return how slices along `axis` are displayed; as stored if the geometry has no orientation."""
    if not geometry.is_oriented:
        rows, columns = (a for a in range(3) if a != axis)
        spacing = geometry.spacing_mm
        return Upright(axis, "", AS_STORED, ("?", "?", "?", "?"), (spacing[rows], spacing[columns]))
    plane = geometry.plane(axis)
    down, right = _DIRECTIONS[plane]
    letters = geometry.orientation
    in_plane = [a for a in range(3) if a != axis]
    row_axis = next(a for a in in_plane if letters[a] in (down, _OPPOSITE[down]))
    column_axis = next(a for a in in_plane if a != row_axis)
    return Upright(
        axis=axis,
        plane=plane,
        turn=Turn(row_axis > column_axis, (letters[row_axis] != down, letters[column_axis] != right)),
        edges=(_OPPOSITE[down], right, down, _OPPOSITE[right]),
        pixel_mm=(geometry.spacing_mm[row_axis], geometry.spacing_mm[column_axis]),
    )
