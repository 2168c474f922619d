"""Write small DICOM MR series for tests: classic and enhanced, whole or broken in one chosen way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

ENCODINGS = {
    ExplicitVRLittleEndian: (False, True),
    ExplicitVRBigEndian: (False, False),
    ImplicitVRLittleEndian: (True, True),
}


@dataclass
class Study:
    """What all files of one series share; `extra` goes into every classic file, keyword -> value."""

    number: int | None = 1
    text: str = "sag PD"
    uid: str = field(default_factory=generate_uid)
    syntax: str = ExplicitVRLittleEndian
    modality: str = "MR"
    extra: dict[str, Any] = field(default_factory=dict)


def lps(affine_ras: np.ndarray) -> np.ndarray:
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine_ras


def _ds(values: Any) -> list[float]:
    return [float(f"{x:.10g}") for x in values]  # DS holds 16 characters


def planes(affine_ras: np.ndarray) -> tuple[list[float], list[float]]:
    """ImageOrientationPatient and PixelSpacing of slices stacked along k."""
    matrix = lps(affine_ras)[:3, :3]
    spacing = np.linalg.norm(matrix, axis=0)
    return _ds((matrix[:, :2] / spacing[:2]).T.ravel()), _ds([spacing[1], spacing[0]])


def position(affine_ras: np.ndarray, k: int) -> list[float]:
    return _ds((lps(affine_ras) @ (0, 0, k, 1))[:3])


def _base(study: Study, storage: str, pixels: np.ndarray) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = storage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = study.syntax
    implicit, little = ENCODINGS.get(study.syntax, (False, True))
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128, is_implicit_VR=implicit, is_little_endian=little)
    ds.SOPClassUID, ds.SOPInstanceUID = storage, meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.SeriesInstanceUID, ds.SeriesDescription = study.modality, study.uid, study.text
    if study.number is not None:
        ds.SeriesNumber = study.number
    ds.PatientPosition = "HFS"
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 8 * pixels.dtype.itemsize
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    return ds


def save(ds: FileDataset, path: Path, pixels: np.ndarray) -> None:
    syntax = ds.file_meta.TransferSyntaxUID
    implicit, little = ENCODINGS.get(syntax, (False, True))
    order = "<" if little else ">"
    ds.PixelData = np.ascontiguousarray(pixels).astype(pixels.dtype.newbyteorder(order)).tobytes()
    ds["PixelData"].VR = "OW" if pixels.dtype.itemsize > 1 else "OB"
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True, implicit_vr=implicit, little_endian=little)


def classic_slice(study: Study, array: np.ndarray, affine_ras: np.ndarray, k: int, **extra: Any) -> FileDataset:
    """The dataset of slice k of `array` "i j k" (integers), without its pixels; `extra` overrides anything."""
    ds = _base(study, MRImageStorage, array[:, :, k].T)
    ds.ImageOrientationPatient, ds.PixelSpacing = planes(affine_ras)
    ds.ImagePositionPatient = position(affine_ras, k)
    ds.SliceThickness = _ds([np.linalg.norm(affine_ras[:3, 2])])[0]
    ds.InstanceNumber = k + 1
    for keyword, value in {**study.extra, **extra}.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def write_classic(
    folder: Path,
    array: np.ndarray,
    affine_ras: np.ndarray,
    study: Study | None = None,
    *,
    prefix: str = "im",
    **extra: Any,
) -> Study:
    """One file a slice of `array` "i j k"; names run against the slice order, so that only positions can sort them."""
    study = study or Study()
    depth = array.shape[2]
    for k in range(depth):
        ds = classic_slice(study, array, affine_ras, k, **extra)
        save(ds, folder / f"{prefix}{depth - k:03d}.dcm", array[:, :, k].T)
    return study


def enhanced(
    array: np.ndarray, affine_ras: np.ndarray, study: Study, echoes: tuple[float, ...] = (10.0,)
) -> FileDataset:
    """An enhanced multi-frame dataset: the slices of `array` "i j k" once for each echo, echo e scaled by e + 1."""
    pixels = array.transpose(2, 1, 0)
    ds = _base(study, EnhancedMRImageStorage, pixels)
    ds.NumberOfFrames = len(pixels) * len(echoes)
    shared, plane, measures = Dataset(), Dataset(), Dataset()
    plane.ImageOrientationPatient, measures.PixelSpacing = planes(affine_ras)
    measures.SliceThickness = _ds([np.linalg.norm(affine_ras[:3, 2])])[0]
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [plane], [measures]
    ds.SharedFunctionalGroupsSequence = [shared]
    frames = []
    for number, echo in enumerate(echoes):
        for k in range(len(pixels)):
            frame, place, timing, scale = Dataset(), Dataset(), Dataset(), Dataset()
            place.ImagePositionPatient = position(affine_ras, k)
            timing.EffectiveEchoTime = echo
            scale.RescaleSlope, scale.RescaleIntercept, scale.RescaleType = number + 1, 0, "US"
            frame.PlanePositionSequence, frame.MREchoSequence = [place], [timing]
            frame.PixelValueTransformationSequence = [scale]
            frames.append(frame)
    ds.PerFrameFunctionalGroupsSequence = frames
    return ds


def write_enhanced(
    path: Path,
    array: np.ndarray,
    affine_ras: np.ndarray,
    study: Study | None = None,
    echoes: tuple[float, ...] = (10.0,),
) -> Study:
    study = study or Study()
    save(enhanced(array, affine_ras, study, echoes), path, np.concatenate([array.transpose(2, 1, 0)] * len(echoes)))
    return study


SAGITTAL, CORONAL, AXIAL = [0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1], [1, 0, 0, 0, 1, 0]


def tilted(degrees: float) -> list[float]:
    """ImageOrientationPatient of an axial plane that is turned about the patient's left-right axis."""
    angle = np.radians(degrees)
    return _ds([1, 0, 0, 0, np.cos(angle), np.sin(angle)])


def write_slices(
    folder: Path,
    count: int,
    *,
    origin: Sequence[float] = (-10.0, -12.0, 30.0),
    step: float | Sequence[float] = 4.0,
    iop: Sequence[float] = AXIAL,
    study: Study | None = None,
    prefix: str = "im",
    first: int = 1,
    level: int = 0,
    shape: tuple[int, int] = (20, 24),
    edit: Callable[[FileDataset, int], None] | None = None,
) -> np.ndarray:
    """Write classic MR slices of 20 rows x 24 columns, PixelSpacing 0.8 / 0.7, and return their voxels "i j k".

    Args:
        folder: Folder that the files go into.
        count: Number of slices.
        origin: LPS mm of the first slice.
        step: Distance between slices in mm along the normal, or the vector from one slice to the next.
        iop: ImageOrientationPatient.
        study: What the files of the series share.
        prefix: Beginning of the file names.
        first: InstanceNumber of the first slice.
        level: Added to all voxels, to tell volumes apart.
        shape: Rows and columns.
        edit: Function that changes the header of a slice: dataset, slice number from 0.
    """
    study = study or Study()
    normal = np.cross(iop[:3], iop[3:])
    vector = normal * step if isinstance(step, (int, float)) else np.asarray(step, dtype=float)
    voxels = (np.arange(shape[0] * shape[1] * count) % 400 + level).astype(np.int16)
    voxels = voxels.reshape(count, shape[0], shape[1])
    for k in range(count):
        ds = _base(study, MRImageStorage, voxels[k])
        ds.ImageOrientationPatient, ds.PixelSpacing = list(iop), [0.8, 0.7]
        ds.ImagePositionPatient = _ds(np.asarray(origin) + k * vector)
        ds.SliceThickness = 4.0
        ds.InstanceNumber = first + k
        for keyword, value in study.extra.items():
            setattr(ds, keyword, value)
        if edit:
            edit(ds, k)
        save(ds, folder / f"{prefix}{first + k:04d}.dcm", voxels[k])
    return voxels.transpose(2, 1, 0)
