"""Volume: one MR image on its own grid, with what is needed to write results back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import GeometryError
from anybone.core.geometry import Geometry


@dataclass(frozen=True, eq=False)
class NiftiForms:
    """qform and sform of a NIfTI file, which a mask repeats so that every program places it like its image.

    Attributes:
        qform_code: 0 if the file states no qform.
        sform_code: 0 if the file states no sform.
        qform_ras_mm: Matrix of the qform, 4 x 4; None if its code is 0.
    """

    qform_code: int
    sform_code: int
    qform_ras_mm: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Source:
    """Origin of a volume.

    Attributes:
        path: The file or folder that was read; None for a volume made in code.
        format: Key of `anybone.io.FORMATS`, or "memory".
        series: The DICOM SeriesInstanceUID, with the echo or other split where a series held several volumes.
        description: Text for display: series description, sequence, patient position.
        headers: Header data for writers of the same format (for DICOM: datasets without pixels, in slice order).
        notes: Changes made by the reader that a user should know, one sentence each.
        frames: For DICOM, which frame of its dataset each slice is, from 0; None for a dataset of one image.
        nifti_forms: For NIfTI, how the file states its position in space.
    """

    path: Path | None = None
    format: str = "memory"
    series: str | None = None
    description: str = ""
    headers: Any = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = ()
    frames: tuple[int | None, ...] = field(default=(), repr=False, compare=False)
    nifti_forms: NiftiForms | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, eq=False)
class Volume:
    """An MR image.

    Args:
        data: float32 "i j k", finite, as stored in the file (no reorientation).
        geometry: The grid of `data`.
        source: Origin of the volume.

    Raises:
        GeometryError: `data` and `geometry` differ in shape, or a voxel is not finite.
    """

    data: NDArray[np.float32]
    geometry: Geometry
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        data = np.asarray(self.data, dtype=np.float32)
        if data.shape != self.geometry.shape_ijk:
            raise GeometryError(f"Voxels have shape {data.shape}, their geometry {self.geometry.shape_ijk}.")
        if not np.isfinite(data).all():
            raise GeometryError("A volume holds finite numbers only; replace NaN and infinity before making one.")
        object.__setattr__(self, "data", data)


def volume_hash(volume: Volume) -> str:
    """Return a hash of a volume's voxels and grid; a saved session belongs to the volume of the same hash."""
    found = hashlib.blake2b(digest_size=16)
    found.update(np.array(volume.geometry.shape_ijk, dtype="<i8").tobytes())
    found.update(volume.geometry.affine_ras_mm.astype("<f8").tobytes())
    for k in range(volume.data.shape[2]):
        found.update(np.asarray(volume.data[:, :, k], dtype="<f4", order="F").tobytes(order="F"))
    return found.hexdigest()
