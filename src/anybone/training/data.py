"""A folder of cases with bone references -> a cache. The layouts are described in docs/how-to/train.md."""

from __future__ import annotations

from pathlib import Path

from anybone.errors import NothingFoundError
from anybone.training.cache import Cache
from anybone.training.pairs import find_pairs, pair_slices
from anybone.training.public_sets import limb_slices, spine_slices
from anybone.training.slices import Slice, cache_of

IMAGES, MASKS, SPINE, LIMB = "images", "masks", "spine_t2", "limb_t1"


def prepare(folder: Path) -> Cache:
    """A cache of every slice below a folder whose truth is known.

    Raises:
        NothingFoundError: There are none, or an image has no mask.
        InputError: A file cannot be read, or a mask does not lie on its image.
    """
    slices: list[Slice] = [*spine_slices(folder / SPINE), *limb_slices(folder / LIMB)]
    if (folder / IMAGES).is_dir():
        for pair in find_pairs(folder / IMAGES, folder / MASKS):
            slices += pair_slices(pair)
    if not slices:
        raise NothingFoundError(
            f"No training cases in {folder}; expected {IMAGES}/NAME.nii.gz with {MASKS}/NAME.nii.gz, "
            f"{SPINE}/PPP/KKK.png or {LIMB}/NNN_t1.nii.gz."
        )
    return cache_of(slices)
