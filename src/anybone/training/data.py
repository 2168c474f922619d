"""Real cases with bone references -> a cache. The folder layouts are described in docs/how-to/train.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from anybone.engine.normalise import clip_to_unit
from anybone.errors import NothingFoundError
from anybone.training.cache import FRAME, IGNORE, Cache

VALIDATION = {"spine/007", "spine/055", "spine/107", "spine/166", "spine/220", "limb/014", "limb/028", "limb/039"}
VERTEBRA = 1  # label of vertebrae in spine_t2
SACRUM_ROWS = 90  # 50 mm at the 0.55 mm of these images: how far above the last row an unlabelled sacrum can begin
MIN_BONE_PIXELS = 20  # smaller components of a reference are its own speckle

Slice = tuple[str, NDArray[np.float32], NDArray[np.uint8], float]  # patient, image 0..1, bone or IGNORE, aspect


def prepare(folder: Path) -> Cache:
    """A cache of every case below `folder/spine_t2` and `folder/limb_t1`.

    Raises:
        NothingFoundError: There are none.
    """
    images, bones, patients = [], [], []
    for patient, image, bone, aspect in [*_spine(folder / "spine_t2"), *_limb(folder / "limb_t1")]:
        images.append(_fit(image, aspect, "bilinear"))
        bones.append(_fit(_separate(bone), aspect, "nearest"))
        patients.append(patient)
    if not images:
        raise NothingFoundError(
            f"No training cases in {folder}; expected spine_t2/PPP/KKK.png or limb_t1/NNN_t1.nii.gz."
        )
    return Cache(torch.stack(images), torch.stack(bones), patients)


def _spine(folder: Path) -> Iterator[Slice]:
    from PIL import Image

    for patient in sorted(p for p in folder.glob("*") if p.is_dir()):
        paths = sorted(p for p in patient.glob("*.png") if not p.stem.endswith("_labels"))
        volume = np.stack([np.asarray(Image.open(p), dtype=np.float32) for p in paths], -1)
        unit = clip_to_unit(volume).numpy()
        for k, path in enumerate(paths):
            labels = np.asarray(Image.open(path.with_name(path.stem + "_labels.png")))
            yield f"spine/{patient.name}", unit[:, :, k], without_sacrum(labels), 1.0


def without_sacrum(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bone of a sagittal slice "rows columns", head up, with IGNORE where an unlabelled sacrum may lie.

    That is all below the lowest vertebra's lowest row, and, since that vertebra stands oblique, what is unlabelled
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


def _limb(folder: Path) -> Iterator[Slice]:
    import nibabel as nib

    trusted = folder / "trusted_slices.json"
    if not trusted.is_file():
        return
    for patient, facts in json.loads(trusted.read_text()).items():
        image = nib.load(folder / f"{patient}_t1.nii.gz")
        unit = clip_to_unit(np.asarray(image.dataobj, dtype=np.float32)).numpy()
        bone = np.asarray(nib.load(folder / f"{patient}_bone.nii.gz").dataobj) > 0
        spacing = image.header.get_zooms()
        for k in facts["trusted_slices"]:
            yield f"limb/{patient}", unit[:, :, k], bone[:, :, k].astype(np.uint8), float(spacing[0] / spacing[1])


def _separate(bone: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bones numbered by connected component, IGNORE kept; specks of the reference become not known."""
    from scipy import ndimage

    labels, count = ndimage.label(bone == 1)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    result = np.where(bone == IGNORE, IGNORE, 0).astype(np.uint8)
    number = 0
    for label in range(1, count + 1):
        if sizes[label] < MIN_BONE_PIXELS:
            result[labels == label] = IGNORE
        elif number < IGNORE - 1:
            number += 1
            result[labels == label] = number
    return result


def _fit(plane: NDArray[np.generic], aspect: float, mode: str) -> torch.Tensor:
    """The slice in a square frame as the engine lays it: longer side in mm fills it, rest black at bottom and right."""
    height, width = plane.shape[0] * aspect, plane.shape[1]
    scale = FRAME / max(height, width)
    size = (round(height * scale), round(width * scale))
    x = torch.from_numpy(np.ascontiguousarray(plane)).float()[None, None]
    if mode == "nearest":
        fitted = F.interpolate(x, size=size, mode="nearest-exact")
    else:
        fitted = F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False) * 255
    return F.pad(fitted[0, 0], (0, FRAME - size[1], 0, FRAME - size[0])).round().to(torch.uint8)
