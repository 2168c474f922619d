"""Checks of training cases: all faults are reported at once, before training."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anybone.core.errors import AnyboneError, InputError
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.io import read, read_segmentation
from anybone.training.cache import IGNORE
from anybone.training.cases import Case

Progress = Callable[[str, int, int], None]


def require_sound(cases: Sequence[Case], progress: Progress = lambda step, done, total: None) -> None:
    """Raise an error that lists every fault of the cases.

    Raises:
        InputError: Something is; the message has a line for each fault, with the files.
    """
    faults = find_faults(cases, progress)
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise InputError(
            f"{len(faults)} faults in {len(cases)} cases:\n{lines}\nMend them, or leave these cases out."
            if len(faults) > 1
            else f"{faults[0]} Mend it, or leave this case out."
        )


def find_faults(cases: Sequence[Case], progress: Progress = lambda step, done, total: None) -> list[str]:
    """Return the faults of cases, one sentence each: first of their files, then of their patients."""
    faults: list[str] = []
    contents: dict[tuple[Path, str], str] = {}
    for number, case in enumerate(cases, 1):
        looked_at = _look(case)
        faults += looked_at.faults
        if looked_at.content:
            contents[case.image, case.patient] = looked_at.content
        progress("check", number, len(cases))
    return [*faults, *_on_both_sides(cases), *_twice(cases), *_two_names(cases, contents)]


@dataclass(frozen=True)
class _Look:
    """A case's faults, and a hash of its image where that could be read."""

    faults: list[str]
    content: str = ""


def _look(case: Case) -> _Look:
    try:
        volume = read(case.image)
    except (AnyboneError, OSError) as error:
        return _Look([f"{case.image} cannot be read: {error}"])
    content = hashlib.sha256(volume.data.tobytes()).hexdigest()
    try:
        truth = read_segmentation(case.bones)
    except (AnyboneError, OSError) as error:
        return _Look([f"{case.bones} cannot be read: {error}"], content)
    return _Look([*_misfits(case, volume, truth), *_bad_labels(case, truth)], content)


def _misfits(case: Case, volume: Volume, truth: Segmentation) -> Iterator[str]:
    image, mask = volume.geometry, truth.geometry
    if image.shape_ijk != mask.shape_ijk:
        yield f"{case.bones} has the size {_by(mask.shape_ijk)}, its image {case.image} has {_by(image.shape_ijk)}."
    elif not mask.matches(image):
        yield f"{case.bones} lies elsewhere in space than its image {case.image}: their affines differ."
    if volume.data.min() == volume.data.max():
        yield f"{case.image} is the same everywhere, so nothing can be seen."


def _bad_labels(case: Case, truth: Segmentation) -> Iterator[str]:
    found = set(np.flatnonzero(np.bincount(truth.labels.ravel())).tolist()) - {0, case.ignore_label}
    if not found:
        yield f"{case.bones} is empty: it has no bone."
    beyond = sorted(label for label in found if label >= IGNORE)
    if beyond:
        yield f"{case.bones} has labels {beyond}; bones are 1 to {IGNORE - 1}, {case.ignore_label} is not known."
    unknown = sorted(found - set(case.names) - set(beyond)) if case.names else []
    if unknown:
        yield f"{case.bones} has labels {unknown} that the data do not name; named are {dict(case.names)}."


def _on_both_sides(cases: Iterable[Case]) -> Iterator[str]:
    splits: dict[str, dict[str, Case]] = defaultdict(dict)
    for case in cases:
        if case.split:
            splits[case.patient].setdefault(case.split, case)
    for patient, sides in splits.items():
        if len(sides) > 1:
            listed = ", ".join(f"{split} ({case.image})" for split, case in sides.items())
            yield f"Patient {patient} is on both sides of the split: {listed}."


def _twice(cases: Iterable[Case]) -> Iterator[str]:
    masks = defaultdict(set)
    for case in cases:
        masks[case.image].add(case.bones)
    for image, several in masks.items():
        if len(several) > 1:
            yield f"{image} is listed with several masks: {', '.join(map(str, sorted(several)))}."


def _two_names(cases: Iterable[Case], contents: dict[tuple[Path, str], str]) -> Iterator[str]:
    """Patients whose images are the same, or whose names are but for spelling: P07, p-7."""
    same: dict[str, dict[str, Case]] = defaultdict(dict)
    alike: dict[str, dict[str, Case]] = defaultdict(dict)
    for case in cases:
        content = contents.get((case.image, case.patient))
        if content:
            same[content].setdefault(case.patient, case)
        alike[_plain(case.patient)].setdefault(case.patient, case)
    for group, why in ((same, "have the same image"), (alike, "have names that differ in spelling only")):
        for patients in group.values():
            if len(patients) > 1:
                listed = ", ".join(f"{patient} ({case.image})" for patient, case in patients.items())
                yield f"Patients {listed} {why}: one patient under two names?"


def _plain(name: str) -> str:
    """Return a name in lower case without punctuation, and numbers without leading zeros."""
    parts = re.findall(r"\d+|[^\W\d_]+", name.lower())
    return " ".join(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
