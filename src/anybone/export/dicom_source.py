"""The DICOM images that a segmentation was found in, one record for each of its slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from anybone.core.errors import WriteError
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Source

if TYPE_CHECKING:
    from pydicom import Dataset

# What a derived object takes over from its source: keywords, and what stands there where the source says nothing.
_PATIENT = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")
_STUDY = ("AccessionNumber", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName")
_KEPT = (*_PATIENT, *_STUDY)
_KEPT_IF_THERE = ("StudyDescription",)
_UTF_8 = "ISO_IR 192"
# Attributes that highdicom does not copy from its source images, and that a PACS or an ethics board asks for.
COPIED = ("PatientAge", "PatientIdentityRemoved", "DeidentificationMethod", "BodyPartExamined", "Laterality")
_SEXES = ("M", "F", "O")


@dataclass(frozen=True)
class SourceSlice:
    """The image of one slice.

    Attributes:
        header: Its dataset.
        frame: Which frame of it, from 0; None for a dataset of one image.
        proxy_uid: SOPInstanceUID of the proxy image.
        class_uid: Of the dataset.
        instance_uid: Of the dataset.
        position: LPS mm of its first pixel.
        orientation: Six cosines.
        spacing: Between rows and between columns, mm.
        thickness: Distance to the next slice, mm.
    """

    header: Any
    frame: int | None
    proxy_uid: str
    class_uid: str
    instance_uid: str
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]
    thickness: float


def check_dicom(source: Source | None) -> Source:
    """Return the source if it is a DICOM series.

    Raises:
        WriteError: It is something else.
    """
    if source is None or source.format != "dicom" or not source.headers:
        found = "not known" if source is None else source.format
        raise WriteError(
            f"DICOM SEG refers to the DICOM images that the bones were found in, and the source of these is {found}. "
            "Segment the DICOM folder or zip itself, or write .nii.gz, .nrrd or .mha."
        )
    return source


def slices_of(segmentation: Segmentation) -> list[SourceSlice]:
    """One record for each slice along k.

    Raises:
        WriteError: The segmentation was not found in DICOM images, or these do not say which they are.
    """
    from pydicom.uid import generate_uid

    source = check_dicom(segmentation.source)
    columns, rows, depth = segmentation.geometry.shape_ijk
    first = source.headers[0]
    if (columns, rows, depth) != (first.Columns, first.Rows, len(source.headers)):
        raise WriteError(
            f"The segmentation has shape {segmentation.geometry.shape_ijk}, its {len(source.headers)} DICOM images "
            f"have {first.Columns} columns and {first.Rows} rows. Give the segmentation of this very series."
        )
    frames = source.frames or (None,) * depth
    thickness = _distance(segmentation)
    slices = []
    for header, frame in zip(source.headers, frames, strict=True):
        uids = [str(header.get(keyword) or "") for keyword in ("SOPClassUID", "SOPInstanceUID")]
        if not all(uids):
            raise WriteError(
                "The DICOM images do not say their SOPInstanceUID, so that nothing can refer to them. "
                "Export them again, or write .nii.gz, .nrrd or .mha."
            )
        slices.append(
            SourceSlice(
                header,
                frame,
                str(generate_uid(prefix=None)),
                uids[0],
                uids[1],
                _numbers(header, frame, "PlanePositionSequence", "ImagePositionPatient"),
                _numbers(header, frame, "PlaneOrientationSequence", "ImageOrientationPatient"),
                _numbers(header, frame, "PixelMeasuresSequence", "PixelSpacing"),
                thickness,
            )
        )
    return slices


def proxies(slices: Sequence[SourceSlice]) -> list[Dataset]:
    """Return a proxy for each image with the attributes that a derived object needs, completed where missing.

    A proxy is a classic single-frame image whatever the source is, so that any slice of any file can be referenced.
    """
    from pydicom import Dataset
    from pydicom.uid import MRImageStorage, generate_uid

    first = slices[0].header
    shared = Dataset()
    for keyword in _KEPT:
        setattr(shared, keyword, _usable(keyword, first.get(keyword)))
    for keyword in _KEPT_IF_THERE:
        if first.get(keyword):
            setattr(shared, keyword, str(first.get(keyword)))
    shared.SpecificCharacterSet = (
        _UTF_8  # the source's values are decoded here, and any of them can be written in UTF-8
    )
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
        setattr(shared, keyword, first.get(keyword) or generate_uid(prefix=None))
    shared.Modality = first.get("Modality") or "MR"
    shared.SeriesNumber = first.get("SeriesNumber") or None
    shared.Rows, shared.Columns = first.Rows, first.Columns
    shared.SOPClassUID = MRImageStorage
    shared.ImageOrientationPatient, shared.PixelSpacing = _ds(slices[0].orientation), _ds(slices[0].spacing)
    shared.SliceThickness = shared.SpacingBetweenSlices = _ds([slices[0].thickness])[0]
    found = []
    for one in slices:
        image = Dataset()
        image.update(shared)
        image.SOPInstanceUID = one.proxy_uid
        image.ImagePositionPatient = _ds(one.position)
        found.append(image)
    return found


def _usable(keyword: str, value: Any) -> Any:
    """Return a value that the standard allows, or an empty one."""
    from pydicom.valuerep import DA, TM

    if keyword == "PatientSex":
        return value if value in _SEXES else ""
    try:
        if keyword.endswith("Date"):
            return DA(str(value or ""))
        return TM(str(value or "")) if keyword.endswith("Time") else str(value or "")
    except ValueError:
        return ""


def _numbers(header: Any, frame: int | None, group: str, keyword: str) -> tuple[float, ...]:
    """Return a value of a classic image, or of a frame: its own, else the one shared by all frames."""
    value = header.get(keyword)
    if frame is not None:
        own = header.PerFrameFunctionalGroupsSequence[frame]
        shared = (header.get("SharedFunctionalGroupsSequence") or [{}])[0]
        items = [groups.get(group) for groups in (own, shared)]
        value = next((item[0].get(keyword) for item in items if item and item[0].get(keyword) is not None), None)
    return tuple(float(x) for x in value)


def _distance(segmentation: Segmentation) -> float:
    """From one slice to the next along the normal of their plane, mm."""
    matrix = segmentation.geometry.affine_ras_mm[:3, :3]
    normal = np.cross(matrix[:, 0], matrix[:, 1])
    return float(abs(matrix[:, 2] @ normal) / np.linalg.norm(normal))


def _ds(values: Sequence[float]) -> list[str]:
    """Decimal strings, as exact as sixteen characters are."""
    from pydicom.valuerep import format_number_as_ds

    return [format_number_as_ds(float(x)) for x in values]
