"""Public collections that the shipped weights were trained on, in the layouts of their converters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anybone.core.geometry import Geometry
from anybone.inference.preprocessing import normalize
from anybone.io import read
from anybone.training.cache import IGNORE
from anybone.training.slices import CaseVolume, Slice, case_of

VALIDATION = {"spine/007", "spine/055", "spine/107", "spine/166", "spine/220", "limb/014", "limb/028", "limb/039"}
VERTEBRA = 1  # label of vertebrae in spine_t2
CUT_DISTANCE_MM = 5.0  # between cuts of axial volumes in other planes
SACRUM_ROWS = 90  # 50 mm at the 0.55 mm of these images: how far above the last row an unlabeled sacrum can begin


def spine_slices(folder: Path) -> Iterator[Slice]:
    """Sagittal lumbar spines, folder/PPP/KKK.png with KKK_labels.png; see `without_sacrum` for what is not known."""
    for case in spine_volumes(folder):
        yield from case.slices()


def spine_volumes(folder: Path) -> Iterator[CaseVolume]:
    """Yield the volumes of the collection of `spine_slices`."""
    from PIL import Image

    for patient in sorted(p for p in folder.glob("*") if p.is_dir()):
        paths = sorted(p for p in patient.glob("*.png") if not p.stem.endswith("_labels"))
        volume = np.stack([np.asarray(Image.open(p), dtype=np.float32) for p in paths], -1)
        labels = [np.asarray(Image.open(p.with_name(p.stem + "_labels.png"))) for p in paths]
        known = np.stack([without_sacrum(plane) for plane in labels], -1)
        yield CaseVolume(f"spine/{patient.name}", normalize(volume).numpy(), known)


def without_sacrum(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bone of a sagittal slice "rows columns", head up, with IGNORE where an unlabeled sacrum may lie.

    That is all below the lowest vertebra's lowest row, and, since that vertebra stands oblique, what is unlabeled
    below it in its own columns.
    """
    bone: NDArray[np.uint8] = (labels == VERTEBRA).astype(np.uint8)
    rows = np.flatnonzero(bone.any(1))
    if not rows.size:
        return np.full(bone.shape, IGNORE, dtype=np.uint8)
    row = np.arange(len(bone))[:, None]
    lowest = np.where(bone > 0, row, -1).max(0)  # of each column; -1 without bone
    near_the_end = (lowest >= 0) & (row > np.maximum(lowest, rows[-1] - SACRUM_ROWS))
    bone[(near_the_end & (labels == 0)) | (row > rows[-1])] = IGNORE
    return bone


def limb_slices(folder: Path) -> Iterator[Slice]:
    """Axial limbs, folder/NNN_t1.nii.gz with NNN_bone.nii.gz: the trusted slices, and cuts across them."""
    for patient, unit, labels, geometry in _limbs(folder):
        case = case_of(patient, unit, labels, geometry, 2)
        yield from (one for one in case.slices() if (one.labels != IGNORE).any())
        for axis in (0, 1):
            yield from _across(case_of(patient, unit, labels, geometry, axis), geometry.spacing_mm[axis])


def limb_volumes(folder: Path) -> Iterator[CaseVolume]:
    """Yield the volumes of the collection of `limb_slices`; slices that are not trusted have the ignore label."""
    for limb in _limbs(folder):
        yield case_of(*limb, 2)


def _limbs(folder: Path) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.uint8], Geometry]]:
    """Patients, their axial volumes in 0..1, what is known of their bone, and how both lie."""
    import nibabel as nib

    trusted = folder / "trusted_slices.json"
    if not trusted.is_file():
        return
    for patient, facts in json.loads(trusted.read_text()).items():
        volume = read(folder / f"{patient}_t1.nii.gz")
        bone = np.asarray(nib.load(folder / f"{patient}_bone.nii.gz").dataobj) > 0
        labels = np.full(bone.shape, IGNORE, dtype=np.uint8)
        labels[:, :, facts["trusted_slices"]] = bone[:, :, facts["trusted_slices"]]
        yield f"limb/{patient}", normalize(volume.data).numpy(), labels, volume.geometry


def _across(case: CaseVolume, spacing_mm: float) -> Iterator[Slice]:
    """Yield some cuts through the bone of an axial volume in another plane."""
    bony = np.flatnonzero((case.labels == 1).any((0, 1)))
    step = max(1, round(CUT_DISTANCE_MM / spacing_mm))
    slices = list(case.slices())
    yield from (slices[index] for index in bony[step // 2 :: step].tolist())
