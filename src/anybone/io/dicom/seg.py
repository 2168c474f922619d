"""Read DICOM SEG as labels: our own on the grid of the source image, others' on the grid of their frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import AnyboneError, GeometryError, ReadError
from anybone.core.geometry import Geometry
from anybone.core.labels import Rgb, color_of
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Source
from anybone.io.affines import complete, compose, flip_lps_ras
from anybone.io.dicom.files import open_files
from anybone.io.dicom.header import class_of, read_dataset
from anybone.io.limits import count_voxels
from anybone.io.read_errors import refusing

if TYPE_CHECKING:
    from pydicom import Dataset

STORAGE = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # segmentation, label map segmentation
PRIVATE_CREATOR = "ANYBONE"  # as export/dicom_seg.py writes it: the whole grid, and the labels' own numbers
PRIVATE_GROUP = 0x0071
SHAPE, AFFINE, LABELS = 0x01, 0x02, 0x03
_OFF_MM = 0.25  # largest distance of a frame from the grid, as for a slice of a series
_HALF = 0.5  # of a fractional segment's range, from which on it counts


@dataclass(frozen=True)
class _Frame:
    """One frame: its segment and its position in LPS mm."""

    segment: int | None  # None in a label map: its pixels are segment numbers
    position: NDArray[np.float64]
    orientation: NDArray[np.float64]
    spacing: tuple[float, float]
    thickness: float


def holds_seg(path: Path) -> bool:
    """Return whether a file is a DICOM SEG, by its header."""
    if not path.is_file():
        return False
    try:
        with open_files(path) as listing, refusing(path):
            return len(listing.files) == 1 and class_of(listing.files[0]) in STORAGE
    except AnyboneError:
        return False  # reading it reports the damage


def read_seg(path: Path, max_voxels: int) -> Segmentation | None:
    """Return the labels in a DICOM SEG file; None if `path` is something else.

    Where segments overlap, the later one stays.

    Raises:
        ReadError: A damaged SEG.
        GeometryError: Its frames are not on one regular grid.
    """
    if not holds_seg(path):
        return None
    with open_files(path) as listing, refusing(path):
        dataset = read_dataset(listing.files[0])
        return None if dataset is None else _segmentation(path, dataset, max_voxels)


def _segmentation(path: Path, dataset: Dataset, max_voxels: int) -> Segmentation:
    frames = _frames(dataset)
    own = _own(dataset)
    geometry = own[0] if own else _grid(frames, int(dataset.Columns), int(dataset.Rows))
    count_voxels(geometry.shape_ijk, max_voxels)
    segments = {int(item.SegmentNumber): item for item in dataset.SegmentSequence}
    label_of = dict(zip(segments, own[1] if own else segments, strict=True))
    labels = np.zeros(geometry.shape_ijk, dtype=np.uint16)
    for frame, pixels in zip(frames, _pixels(dataset, len(frames)), strict=True):
        k = _slice(geometry, frame)
        if frame.segment is None:
            table = np.zeros(max(int(pixels.max()), *segments) + 1, dtype=np.uint16)
            table[list(label_of)] = list(label_of.values())
            labels[:, :, k] = table[pixels].T
        else:
            labels[:, :, k][pixels.T > 0] = label_of[frame.segment]
    names = {label_of[n]: str(item.get("SegmentLabel") or f"segment {n}") for n, item in segments.items()}
    drawn = {label_of[n]: _rgb(item) for n, item in segments.items()}
    colors = {n: rgb for n, rgb in drawn.items() if rgb is not None and not _alike(rgb, color_of(names[n], n))}
    source = Source(path, "dicom", str(dataset.get("SeriesInstanceUID", "")))
    return Segmentation(labels, geometry, names, colors=colors, source=source)


def _frames(dataset: Dataset) -> list[_Frame]:
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [{}])[0]
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if len(per_frame) != int(dataset.get("NumberOfFrames") or 0) or not per_frame:
        raise ReadError("The header of this DICOM SEG does not describe its frames: it is damaged. Export it again.")
    label_map = str(dataset.SegmentationType) == "LABELMAP"
    return [_frame(own, shared, label_map) for own in per_frame]


def _frame(own: Dataset, shared: Any, label_map: bool) -> _Frame:
    def item(group: str) -> Any:
        found = own.get(group) or shared.get(group)
        if not found:
            raise ReadError(f"A frame of this DICOM SEG has no {group}, so its position is unknown.")
        return found[0]

    measures = item("PixelMeasuresSequence")
    cosines = [float(x) for x in item("PlaneOrientationSequence").ImageOrientationPatient]
    rows, columns = (float(x) for x in measures.PixelSpacing)
    return _Frame(
        segment=None if label_map else int(item("SegmentIdentificationSequence").ReferencedSegmentNumber),
        position=np.array([float(x) for x in item("PlanePositionSequence").ImagePositionPatient]),
        orientation=np.array(cosines).reshape(2, 3),
        spacing=(rows, columns),
        thickness=float(measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 1.0),
    )


def _pixels(dataset: Dataset, count: int) -> NDArray[np.generic]:
    """Return the pixels of each frame, "frame row column": 0 or 1, or segment numbers."""
    from pydicom.pixels.utils import pixel_array

    pixels = pixel_array(dataset, raw=True).reshape(count, int(dataset.Rows), int(dataset.Columns))
    if str(dataset.SegmentationType) == "FRACTIONAL":
        return pixels >= _HALF * float(dataset.get("MaximumFractionalValue") or 255)
    return pixels


def _own(dataset: Dataset) -> tuple[Geometry, Sequence[int]] | None:
    """Return the grid and labels that anybone wrote; None in files of other programs, or if they were removed."""
    try:
        block = dataset.private_block(PRIVATE_GROUP, PRIVATE_CREATOR)
        shape, affine, labels = (
            _values(block[n].value, kind) for n, kind in ((SHAPE, "<u4"), (AFFINE, "<f8"), (LABELS, "<u2"))
        )
    except KeyError:
        return None
    i, j, k = (int(n) for n in shape)
    return Geometry((i, j, k), affine.reshape(4, 4)), [int(n) for n in labels]


def _values(value: Any, kind: str) -> NDArray[Any]:
    """Return the numbers of a private element, which programs without its VR keep as bytes."""
    return np.frombuffer(value, kind) if isinstance(value, bytes) else np.atleast_1d(np.array(value, dtype=kind))


def _grid(frames: Sequence[_Frame], columns: int, rows: int) -> Geometry:
    """Return the grid of the frames, including slices without a frame between them."""
    first = frames[0]
    for frame in frames:
        same = np.allclose(frame.orientation, first.orientation, atol=1e-3) and np.allclose(
            frame.spacing, first.spacing, rtol=1e-3
        )
        if not same:
            raise GeometryError("The frames of this DICOM SEG differ in orientation or spacing: they are not one grid.")
    normal = np.cross(*first.orientation)
    places = np.array([frame.position for frame in frames])
    order = np.argsort(places @ normal)
    along = (places @ normal)[order]
    gaps = np.diff(along)
    gaps = gaps[gaps > _OFF_MM]
    step = float(gaps.min()) if gaps.size else first.thickness
    count = round((along[-1] - along[0]) / step) + 1
    start, end = places[order[0]], places[order[-1]]
    across = (end - start) / (count - 1) if count > 1 else normal * step
    in_plane = np.column_stack([first.orientation[0] * first.spacing[1], first.orientation[1] * first.spacing[0]])
    matrix = np.column_stack([in_plane, across]) if count > 1 else complete(in_plane, step)
    return Geometry((columns, rows, count), flip_lps_ras(compose(matrix, start)))


def _slice(geometry: Geometry, frame: _Frame) -> int:
    """Return the slice number of a frame."""
    ras = frame.position * (-1, -1, 1)
    index = geometry.to_voxel(ras)
    k = round(float(index[2]))
    off = np.linalg.norm(geometry.to_world((0, 0, k)) - ras)
    if not 0 <= k < geometry.shape_ijk[2] or off > _OFF_MM:
        raise GeometryError(f"A frame of this DICOM SEG is {off:.3g} mm off the grid of the others.")
    return k


def _rgb(segment: Mapping[str, Any] | Any) -> Rgb | None:
    """Return the recommended color, which a SEG keeps as CIELab with white at D50; None if it has none."""
    encoded = segment.get("RecommendedDisplayCIELabValue")
    if encoded is None or len(encoded) != 3:
        return None
    lightness, a, b = encoded[0] / 65535 * 100, encoded[1] / 65535 * 255 - 128, encoded[2] / 65535 * 255 - 128
    y = (lightness + 16) / 116
    cubes = np.array([y + a / 500, y, y - b / 200])
    linear = np.where(cubes > 6 / 29, cubes**3, 3 * (6 / 29) ** 2 * (cubes - 4 / 29))
    return _from_xyz(linear * _WHITE)


_WHITE = np.array([0.9505, 1.0, 1.0889])  # D65, as dcmqi and highdicom take it
_XYZ_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])


def _from_xyz(xyz: NDArray[np.float64]) -> Rgb:
    """Convert XYZ to sRGB (IEC 61966-2-1)."""
    linear = np.clip(_XYZ_TO_RGB @ xyz, 0, 1)
    values = np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)
    red, green, blue = (round(255 * v) for v in values.tolist())
    return red, green, blue


def _alike(one: Rgb, other: Rgb) -> bool:
    """Return whether two colors are equal up to rounding in CIELab."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= 2
