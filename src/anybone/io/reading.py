"""Step 1, read: any supported file or folder -> Volume."""

from __future__ import annotations

import dataclasses
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import ReadError
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.io import dicom
from anybone.io.formats import FORMATS, format_of, suffix_of
from anybone.io.label_table import KEY, LabelTable, from_json, from_slicer_keys, read_sidecar, sidecar_path
from anybone.io.limits import MAX_VOXELS
from anybone.io.read_errors import refusing
from anybone.io.types import Description, Request

_LARGEST_LABEL = np.iinfo(np.uint16).max
_MOST_LABELS = 250  # a skeleton has 206 bones
_FEW_LABELS = 20
_LEAST_CONSTANT = 0.5  # of neighbors within labels that are equal; in noisy images few are
_SHOWN_VALUES = 10


def read(
    path: str | PathLike[str],
    *,
    series: str | int | None = None,
    frame: int | None = None,
    max_voxels: int = MAX_VOXELS,
) -> Volume:
    """Read the volume in a file, DICOM folder or DICOM zip, in the file's own array order.

    Args:
        path: NIfTI, NRRD, MetaImage, DICOM; `FORMATS` lists the suffixes.
        series: Which DICOM series: its number, UID, name or place in the list, or a part of its description that only
            one has. None takes the only volumetric one.
        frame: Which volume of a 4-D file, from 0.
        max_voxels: Largest image that is read; bounds the memory.

    Raises:
        ReadError: The file cannot be read; `SeriesError` where several series are there and none was chosen.
        GeometryError: Its slices do not make one regular grid.
        MissingExtraError: It is compressed and no decoder is installed.
    """
    path = Path(path)
    with refusing(path):
        name = format_of(path)
        wanted = None if series is None else str(series)
        volume = FORMATS[name].read(path, Request(wanted, frame, max_voxels))
    unused = [
        *(["series was given, but only DICOM has series"] if series is not None and name != "dicom" else []),
        *(["frame was given, but DICOM volumes are chosen by series"] if frame is not None and name == "dicom" else []),
    ]
    if not unused:
        return volume
    notes = (*volume.source.notes, *(f"The option {text}; it was not used." for text in unused))
    return dataclasses.replace(volume, source=dataclasses.replace(volume.source, notes=notes))


def describe(path: str | PathLike[str]) -> list[Description]:
    """Describe each volume or series of a file, folder or zip from its headers, without reading voxels.

    Raises:
        ReadError: Not a file of a known format, or a damaged one.
        GeometryError: The affine of a file is not invertible (a DICOM series says so in `problem` instead).
    """
    path = Path(path)
    with refusing(path):
        return FORMATS[format_of(path)].describe(path)


def read_segmentation(path: str | PathLike[str], *, max_voxels: int = MAX_VOXELS) -> Segmentation:
    """Read the labels of a file with their names: from the file, else from its JSON sidecar, else "label N".

    A DICOM SEG is read onto the grid of the images it was made on where it says which that was, as ours do; else onto
    that of its own frames.

    Raises:
        ReadError: The file cannot be read, or holds other values than whole numbers from 0 to 65535.
        GeometryError: Its grid is not regular.
    """
    path = Path(path)
    with refusing(path):
        found = dicom.read_seg(path, max_voxels) if format_of(path) == "dicom" else None
    if found is not None:
        return found
    volume = read(path, max_voxels=max_voxels)
    data = volume.data
    table = _table(path, volume)
    _check_labels(path, data, named=bool(table.names))
    labels = data.astype(np.uint16)
    names = dict(table.names) or {1: "bone"}
    for label in np.unique(labels).tolist():
        if label:
            names.setdefault(label, f"label {label}")
    return Segmentation(
        labels, volume.geometry, names, table.scores, table.provenance, colors=table.colors, source=volume.source
    )


def _check_labels(path: Path, data: NDArray[np.float32], *, named: bool) -> None:
    """Raise `ReadError` if the values are not labels, or look like those of an image.

    A mask without label names is taken for an image if it holds more values than any skeleton has bones, or more than a
    few values that change from voxel to voxel.
    """
    if data.min() < 0 or data.max() > _LARGEST_LABEL or not np.array_equal(data, np.rint(data)):
        raise ReadError(
            f"{path} holds values from {data.min():g} to {data.max():g}, not labels; whole numbers from 0 to "
            f"{_LARGEST_LABEL} are expected. Is this the image instead of its mask?"
        )
    if named:
        return
    values = np.unique(data)
    if len(values) > _MOST_LABELS or (len(values) > _FEW_LABELS and _constant_fraction(data) < _LEAST_CONSTANT):
        shown = ", ".join(f"{value:g}" for value in values[:_SHOWN_VALUES])
        raise ReadError(
            f"{path} holds {len(values)} different values ({shown}, ...), as an image does, not a mask. "
            "Give the mask of this image."
        )


def _constant_fraction(data: NDArray[np.float32]) -> float:
    """Return the fraction of nonzero voxels that equal the next voxel along the first axis."""
    inside = data[:-1] > 0
    return float((data[:-1] == data[1:])[inside].mean()) if inside.any() else 1.0


def _table(path: Path, volume: Volume) -> LabelTable:
    headers = volume.source.headers
    found: LabelTable | None = None
    if isinstance(headers, dict):
        found = from_json(headers.get(KEY, "")) or from_slicer_keys(headers)
    suffix = suffix_of(path, FORMATS[volume.source.format].suffixes)
    if found is None and suffix is not None:
        found = read_sidecar(sidecar_path(path, suffix))
    return found or LabelTable()
