"""Images and their masks, in any format that is read, matched by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anybone.core.errors import GeometryError, NothingFoundError, ReadError
from anybone.inference.preprocessing import normalize
from anybone.io import find_inputs, read, read_segmentation
from anybone.io.names import of_name, stem
from anybone.training.cache import IGNORE
from anybone.training.slices import CaseVolume, Slice, case_of

REGION = "cases"


@dataclass(frozen=True)
class Pair:
    """One case: a name, its image, and the mask of its bones."""

    name: str
    image: Path
    mask: Path


def find_pairs(images: Path, masks: Path) -> list[Pair]:
    """Every image with the mask of its name: NAME, NAME_bones, or, for an image called NAME_t1, NAME and NAME_bones.

    Raises:
        NothingFoundError: There is no image, or one has no mask.
        ReadError: A folder is missing, or a name fits several masks.
    """
    found = find_inputs(masks)
    pairs = []
    for image in find_inputs(images):
        name = stem(image)
        fitting = of_name(name, found)
        if not fitting:
            raise NothingFoundError(f"{image} has no mask in {masks}; expected {name}.nii.gz or {name}_bones.nii.gz.")
        if len(fitting) > 1:
            names = ", ".join(m.name for m in fitting)
            raise ReadError(f"{image} has several masks in {masks}: {names}. Leave one of them.")
        pairs.append(Pair(name, image, fitting[0]))
    if not pairs:
        raise NothingFoundError(f"{images} holds no image that can be read. Give another folder.")
    return pairs


def pair_slices(pair: Pair, *, sparse: bool = False) -> Iterator[Slice]:
    """Return the slices of a case along its acquired axis, with its labels; 255 is the ignore label.

    Args:
        pair: The case.
        sparse: Whether slices without any label are not annotated, and so left out.

    Raises:
        InputError: A file cannot be read, the mask does not lie on the image, or has too many labels.
    """
    for one in pair_volume(pair).slices():
        if one.labels.any() or not sparse:
            yield one


def pair_volume(pair: Pair) -> CaseVolume:
    """Return a case with its slices along its acquired axis; raises as `pair_slices`."""
    volume, truth = read(pair.image), read_segmentation(pair.mask)
    if not truth.geometry.matches(volume.geometry):
        raise GeometryError(f"{pair.mask} does not lie on the grid of {pair.image}. Resample the mask onto the image.")
    if truth.labels.max() > IGNORE:
        raise ReadError(f"{pair.mask} has label {truth.labels.max()}; labels up to 254 are bones, 255 is not known.")
    unit, labels = normalize(volume.data).numpy(), truth.labels.astype(np.uint8)
    return case_of(f"{REGION}/{pair.name}", unit, labels, volume.geometry)
