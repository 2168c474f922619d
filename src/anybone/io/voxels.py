"""From the numbers of a file to a Volume: which frame, and what to do about NaN, infinity and constant images."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import ReadError
from anybone.core.geometry import Geometry
from anybone.core.volume import Source, Volume
from anybone.io.types import Request

_PLAIN_KINDS = "iuf"


def check_plain(dtype: np.dtype[np.generic] | None, stored_as: str) -> np.dtype[np.generic]:
    """Return the type if a voxel is one real number.

    Raises:
        ReadError: Color, complex or unknown voxels.
    """
    if dtype is None or dtype.hasobject:
        raise ReadError(f"Voxels of type {stored_as} are not known. Convert the image to integers or float32.")
    if dtype.kind == "c":
        raise ReadError(f"The voxels are complex ({stored_as}). Save the magnitude image and read that.")
    if dtype.names or dtype.kind not in _PLAIN_KINDS:
        raise ReadError(f"The voxels are colors ({stored_as}). One gray value a voxel is expected: convert the image.")
    return dtype


def spatial_and_frames(shape: Sequence[int]) -> tuple[tuple[int, int, int], int]:
    """Return the first three axes, padded with 1, and the number of volumes along all further axes.

    Raises:
        ReadError: Fewer than two axes.
    """
    if len(shape) < 2:
        raise ReadError(f"The image has shape {tuple(shape)}; two or three spatial axes are expected.")
    first, second, third = (*shape, 1)[:3]
    frames = 1
    for n in shape[3:]:
        frames *= int(n)
    return (int(first), int(second), int(third)), frames


def choose_frame(frames: int, request: Request) -> int:
    """Return the index of the volume to take of `frames`.

    Raises:
        ReadError: There are several and none was asked for, or there is none of that number.
    """
    if request.frame is None:
        if frames > 1:
            raise ReadError(
                f"The file holds {frames} volumes (a time series or several contrasts); one is expected. "
                f"Choose one: --frame N, or read(path, frame=N), N from 0 to {frames - 1}."
            )
        return 0
    if not 0 <= request.frame < frames:
        raise ReadError(f"Volume {request.frame} was asked for; the file holds {frames}, counted from 0.")
    return request.frame


def finish(data: NDArray[np.float32], geometry: Geometry, source: Source) -> Volume:
    """Return the volume with finite voxels and a note on each change or oddity.

    Raises:
        ReadError: No voxel is finite.
    """
    notes = list(source.notes)
    finite = np.isfinite(data)
    bad = int(data.size - np.count_nonzero(finite))
    if bad == data.size:
        raise ReadError("No voxel holds a finite number: the image is empty or damaged. Re-export it.")
    if bad:
        lowest = float(data.min(where=finite, initial=np.inf))
        data = np.where(finite, data, np.float32(lowest))
        notes.append(f"{bad} voxels were NaN or infinite and are taken as the smallest other value, {lowest:g}.")
    if min(geometry.shape_ijk) == 1:
        notes.append("The image is a single slice: nothing is known about its neighbors.")
    if data.size > 1 and data.min() == data.max():
        notes.append(f"Every voxel has the same value, {float(data.flat[0]):g}.")
    return Volume(data, geometry, dataclasses.replace(source, notes=tuple(notes)))
