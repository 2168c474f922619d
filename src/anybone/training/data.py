"""Folders and manifests of cases with bone references -> a cache. The layouts are described in docs/how-to/train.md."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from anybone.core.errors import InputError
from anybone.training.cache import Cache, data_of, load_cache, save_cache
from anybone.training.cases import TEST, VALIDATION, Case
from anybone.training.check import require_sound
from anybone.training.layouts import IMAGES, find_cases
from anybone.training.pairs import pair_slices, pair_volume
from anybone.training.public_sets import limb_slices, limb_volumes, spine_slices, spine_volumes
from anybone.training.slices import CaseVolume, Slice, cache_of

SPINE, LIMB = "spine_t2", "limb_t1"


def cached(cases: Sequence[Path], path: Path) -> Cache:
    """Return the slices of cases, from a cache file that is made if it does not exist.

    Raises:
        InputError: The file was made from other cases, or as `prepare`.
        NothingFoundError: See `prepare`.
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
    """Check the cases in folders or manifests, and return a cache of every slice with known labels.

    Cases that are kept for the test are left out.

    Raises:
        NothingFoundError: There are none, or an image has no mask.
        InputError: Cases have faults; all of them are named.
    """
    require_sound([case for path in cases for case in cases_in(path)])
    return cache_of(one for path in cases for one in _slices(path))


def volume_cases(cases: Sequence[Path]) -> Iterator[CaseVolume]:
    """Every case in some folders or manifests as a whole volume, as `prepare` takes them; errors as there."""
    for path in cases:
        yield from spine_volumes(path / SPINE)
        yield from limb_volumes(path / LIMB)
        yield from (case.mark(pair_volume(case.pair)) for case in _learned_from(path))


def cases_in(path: Path) -> list[Case]:
    """Return the cases in a folder or manifest, except those of the public collections with their own layouts."""
    collections = any((path / name).is_dir() for name in (SPINE, LIMB))
    return [] if collections and not (path / IMAGES).is_dir() else find_cases(path)


def held_out_patients(cases: Sequence[Path]) -> set[str]:
    """Return the patients that manifests reserve for validation."""
    return {case.key for path in cases for case in cases_in(path) if case.split == VALIDATION}


def fingerprint(cases: Sequence[Path]) -> str:
    """Return a hash of every file and its name, independent of their folder."""
    digest = hashlib.sha256()
    for path in cases:
        folder = path if path.is_dir() else path.parent
        for one in sorted(set(_files(path))):
            digest.update(Path(os.path.relpath(one, folder)).as_posix().encode())
            with one.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
        return
    yield path
    for case in find_cases(path):
        for one in (case.image, case.bones):
            yield from _files(one) if one.is_dir() else (one,)


def _slices(path: Path) -> Iterator[Slice]:
    yield from spine_slices(path / SPINE)
    yield from limb_slices(path / LIMB)
    for case in _learned_from(path):
        yield from map(case.mark, pair_slices(case.pair))


def _learned_from(path: Path) -> list[Case]:
    return [case for case in cases_in(path) if case.split != TEST]
