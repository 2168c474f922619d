"""Load an image for a session: find its series, choose one, check its size."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anybone.core.errors import ReadError
from anybone.core.geometry import Geometry
from anybone.core.orientation import upright
from anybone.core.volume import Source, Volume
from anybone.io import MAX_VOXELS, Description, describe, read
from anybone.io.formats import format_of
from anybone.io.names import stem
from anybone.server.http_errors import TooLarge
from anybone.server.open_session import BYTES_PER_VOXEL

_CACHED_IMAGES = 64  # whose series are cached
_FRAME = "volume "  # begins the key of one volume of a 4-D file


@dataclass(frozen=True)
class SeriesChoice:
    """Several volumes of which one has to be chosen; `rows` are `wire.SeriesRow`s."""

    rows: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class LoadedImage:
    """An image with its series.

    Attributes:
        volume: The image.
        series: Chosen series.
        frame: Volume of a 4-D file.
        others: Other volumes of the same image.
    """

    volume: Volume
    series: str | None
    frame: int | None
    others: tuple[dict[str, str], ...] = ()


class ImageLoader:
    """Load images, and cache their lists of series: headers take as long to read as voxels.

    Args:
        memory_bytes: Memory of one session; larger images are refused before their voxels are read.
    """

    def __init__(self, memory_bytes: int) -> None:
        self._max_voxels = min(memory_bytes // BYTES_PER_VOXEL, MAX_VOXELS)
        self._known: OrderedDict[tuple[str, int], list[dict[str, Any]]] = OrderedDict()

    def open(self, path: Path, series: str | None) -> LoadedImage | SeriesChoice:
        """Return the image in a file or folder, or its series if there are several and none was chosen.

        Raises:
            ReadError: It cannot be read.
        """
        is_dicom = format_of(path) == "dicom"
        if series is None and is_dicom:
            rows = self.rows(path)
            volumes = [row for row in rows if row["default"]]
            if len(volumes) > 1 or (not volumes and sum(not row["problem"] for row in rows) > 1):
                return SeriesChoice(tuple(rows))
            series = volumes[0]["key"] if volumes else None
        chosen, frame = frame_of(series)
        try:
            volume = self.read(path, chosen, frame)
        except ReadError:
            rows = self.rows(path) if series is None and not is_dicom else []
            if len(rows) < 2:
                raise
            return SeriesChoice(tuple(rows))
        found = self.rows(path) if is_dicom or frame is not None else []
        others = [{name: row[name] for name in ("key", "description")} for row in found if not row["problem"]]
        return LoadedImage(
            volume, chosen or volume.source.series, frame, tuple(o for o in others if o["key"] != series)
        )

    def read(self, path: Path, series: str | None, frame: int | None) -> Volume:
        """Return an image that fits into memory.

        Raises:
            TooLarge: It has too many voxels.
            ReadError: It cannot be read.
        """
        try:
            return read(path, series=series, frame=frame, max_voxels=self._max_voxels)
        except ReadError as error:
            if f"at most {self._max_voxels} are read" not in str(error):
                raise
            raise TooLarge(
                f"The image has more than {self._max_voxels} voxels, the limit of this server's memory. Crop it, or "
                "start the server with a larger --memory-limit."
            ) from error

    def rows(self, path: Path) -> list[dict[str, Any]]:
        """Return the series of an image or the volumes of a 4-D file (`wire.SeriesRow`), readable ones first."""
        key = (str(path), path.stat().st_mtime_ns)
        if key not in self._known:
            self._known[key] = series_rows(path)
            while len(self._known) > _CACHED_IMAGES:
                self._known.popitem(last=False)
        return self._known[key]


def series_rows(path: Path) -> list[dict[str, Any]]:
    """Return the series of an image or the volumes of a 4-D file (`wire.SeriesRow`), readable ones first."""
    rows = []
    for found in describe(path):
        if found.volumes > 1:
            rows += [_row(found, f"{_FRAME}{n}", f"volume {n + 1} of {found.volumes}") for n in range(found.volumes)]
        else:
            rows.append(_row(found, found.name, found.text.strip()))
    return sorted(rows, key=lambda row: bool(row["problem"]))


def name_of(path: str, volume: Volume) -> str:
    """Return the display name of a session."""
    name = stem(Path(path.rstrip("/") or "image"))
    text = volume.source.description if volume.source.format == "dicom" else ""
    return " ".join(part for part in (name, text.split(",")[0].strip()) if part)[:100]


def patient_of(source: Source) -> tuple[str, str]:
    """Return the patient's name or ID and the study date (ISO) from DICOM headers; empty if there are none."""
    first = source.headers[0] if source.format == "dicom" and source.headers else None
    if first is None:
        return "", ""
    name = str(getattr(first, "PatientName", "") or "").replace("^", " ").strip()
    date = str(getattr(first, "StudyDate", "") or "")
    is_date = len(date) == 8 and date.isdecimal()
    return (
        " ".join((name or str(getattr(first, "PatientID", "") or "")).split())[:100],
        f"{date[:4]}-{date[4:6]}-{date[6:]}" if is_date else "",
    )


def plane_of(grid: Geometry) -> str:
    """Return the anatomical plane of the slices: "sagittal", "coronal" or "axial"."""
    return upright(grid, grid.slice_axis).plane


def frame_of(series: str | None) -> tuple[str | None, int | None]:
    """Return the DICOM series and the volume of a 4-D file for a key, as `anybone.read` takes them."""
    if series is not None and series.startswith(_FRAME) and series.removeprefix(_FRAME).isdecimal():
        return None, int(series.removeprefix(_FRAME)[:9])
    return series, None


def _row(found: Description, key: str, text: str) -> dict[str, Any]:
    grid = found.geometry
    return {
        "key": key,
        "description": text or key,
        "slices": found.images if grid is None else grid.shape_ijk[grid.slice_axis],
        "shape": None if grid is None else list(grid.shape_ijk),
        "default": found.default,
        "spacing_mm": None if grid is None else [round(float(mm), 3) for mm in grid.spacing_mm],
        "plane": "" if grid is None else plane_of(grid),
        "problem": found.problem,
    }
