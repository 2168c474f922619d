"""Types shared by all formats: request, description, format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anybone.core.geometry import Geometry
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.io.limits import MAX_VOXELS


@dataclass(frozen=True)
class Request:
    """Options of a read.

    Attributes:
        series: DICOM series; None takes the only volumetric one.
        frame: Volume of a 4-D file, from 0; None if the file holds one.
        max_voxels: Largest image that is read.
    """

    series: str | None = None
    frame: int | None = None
    max_voxels: int = MAX_VOXELS


@dataclass(frozen=True)
class Description:
    """Header of a file without its voxels.

    Attributes:
        path: The file or folder.
        format: Key of `FORMATS`.
        geometry: The grid; None where the images do not make one, and then `problem` says why.
        value_type: Type of the stored numbers, e.g. "int16".
        images: Number of DICOM images, or 1.
        volumes: Number of volumes along the fourth axis.
        name: Value of `--series` that selects this volume; empty outside DICOM.
        series_uid: SeriesInstanceUID, with "#echo2" or the like where one series holds several volumes.
        series_number: The scanner's number, where it gave one.
        text: Series description, or the file's own comment.
        default: True if this volume is a candidate for reading when none is chosen; False for DICOM localizers, key
            images and the like.
        problem: Reason why this cannot be read as a volume; empty if it can.
        notes: Remarks about the header, one sentence each.
    """

    path: Path
    format: str
    geometry: Geometry | None
    value_type: str
    images: int = 1
    volumes: int = 1
    name: str = ""
    series_uid: str = ""
    series_number: int | None = None
    text: str = ""
    default: bool = True
    problem: str = ""
    notes: tuple[str, ...] = ()

    @property
    def plane(self) -> str:
        """Plane of the acquired slices: "sagittal", "coronal", "axial"; empty without a geometry."""
        return "" if self.geometry is None else self.geometry.plane(self.geometry.slice_axis)


@dataclass(frozen=True)
class Format:
    """One file format: a line in `FORMATS`.

    Attributes:
        suffixes: File names that are read, lower case, longest first.
        read: Path and request -> Volume.
        describe: Path -> one description for each volume or series.
        write: Writes to a path; None where the format is only read.
        write_suffixes: The suffixes that can be written.
    """

    suffixes: tuple[str, ...]
    read: Callable[[Path, Request], Volume]
    describe: Callable[[Path], list[Description]]
    write: Callable[[Volume | Segmentation, Path], None] | None = None
    write_suffixes: tuple[str, ...] = ()
