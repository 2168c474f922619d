"""Folders of cases with bone references -> a cache. The layouts are described in docs/how-to/train.md."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from anybone.errors import InputError, NothingFoundError
from anybone.training.cache import Cache, data_of, load_cache, save_cache
from anybone.training.pairs import find_pairs, pair_slices
from anybone.training.public_sets import limb_slices, spine_slices
from anybone.training.slices import Slice, cache_of

IMAGES, MASKS, SPINE, LIMB = "images", "masks", "spine_t2", "limb_t1"


def cached(cases: Sequence[Path], path: Path) -> Cache:
    """The slices of cases, from a file that is made where it is not there.

    Raises:
        InputError: The file was made from other cases, or as `prepare`.
        NothingFoundError: As `prepare`.
    """
    data = fingerprint(cases)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        save_cache(prepare(cases), path, data)
    elif data_of(path) != data:
        raise InputError(
            f"{path} was made from other cases than those in {', '.join(map(str, cases))}, or they have changed since. "
            "Give the run an empty folder, or the cases as they were."
        )
    return load_cache(path)


def prepare(cases: Sequence[Path]) -> Cache:
    """A cache of every slice below some folders whose truth is known.

    Raises:
        NothingFoundError: There are none, or an image has no mask.
        InputError: A file cannot be read, or a mask does not lie on its image.
    """
    return cache_of(one for folder in cases for one in _slices(folder))


def fingerprint(cases: Sequence[Path]) -> str:
    """What tells these cases from others, whatever their folders are called: a hash of every file and its name."""
    digest = hashlib.sha256()
    for folder in cases:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")):
            digest.update(path.relative_to(folder).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _slices(folder: Path) -> Iterator[Slice]:
    slices: list[Slice] = [*spine_slices(folder / SPINE), *limb_slices(folder / LIMB)]
    if (folder / IMAGES).is_dir():
        for pair in find_pairs(folder / IMAGES, folder / MASKS):
            slices += pair_slices(pair)
    if not slices:
        raise NothingFoundError(
            f"No training cases in {folder}; expected {IMAGES}/NAME.nii.gz with {MASKS}/NAME.nii.gz, "
            f"{SPINE}/PPP/KKK.png or {LIMB}/NNN_t1.nii.gz."
        )
    yield from slices
