"""Matching of predictions, references, patients and the facts in a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anybone.core.errors import NothingFoundError, ReadError
from anybone.io import find_inputs
from anybone.io.names import of_name, stem
from anybone.io.tables import SUFFIXES, read_rows

_TRUTH = ("truth", "bones", "label", "labels", "mask")  # what a column with the reference is called, ours first
_PREDICTION, _NAME, _PATIENT, _NOT_KNOWN = "prediction", "name", "patient", "ignore_label"
_PATHS = (*_TRUTH, _PREDICTION, "image")
_NO_PREDICTION = ("_probability",)  # endings of files that lie beside predictions
_SHOWN = 5


@dataclass(frozen=True)
class Match:
    """A case.

    Attributes:
        name: Name of the case.
        truth: The reference.
        prediction: Path of the segmentation to evaluate; None without one.
        patient: Whose it is; several cases of one patient count as one.
        ignore_label: The label of the truth where it is not known; None where there is no such label.
        facts: Other columns of the manifest: region, sequence, vendor ...
    """

    name: str
    truth: Path
    prediction: Path | None
    patient: str
    ignore_label: int | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Matches:
    """All cases, and predictions that belong to none."""

    cases: tuple[Match, ...]
    unmatched: tuple[Path, ...] = ()


def match(prediction: Path, truth: Path, *, missing_is_empty: bool = False) -> Matches:
    """Return the cases of two files, two folders, or a folder and a manifest of references.

    In folders, the prediction of the truth NAME is called NAME, NAME_bones or alike. A manifest (.csv, .json) has a row
    for each case with the column truth (or bones, or label), relative to it; with prediction, relative to the folder of
    predictions, if names do not tell; with name, patient and ignore_label; and any others, which are kept as facts.

    Args:
        prediction: A file or folder.
        truth: A file, folder or manifest.
        missing_is_empty: Whether a truth without a prediction is a case whose prediction is empty.

    Raises:
        ReadError: A file is missing, or a name fits several predictions.
        NothingFoundError: There is no truth, or one has no prediction and that is not allowed.
    """
    for path in (prediction, truth):
        if not path.exists():
            raise ReadError(f"{path} does not exist. Check the name.")
    rows = _rows(truth, prediction)
    found = _predictions(prediction)
    alone = len(rows) == 1 and prediction.is_file()
    cases = tuple(_case(row, prediction, found, alone=alone) for row in rows)
    missing = [case for case in cases if case.prediction is None]
    if missing and not missing_is_empty:
        shown = ", ".join(case.name for case in missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        raise NothingFoundError(
            f"{len(missing)} of {len(cases)} cases have no prediction in {prediction}: {shown}. Name predictions as "
            "the truth is (NAME, NAME_bones), or count these cases as empty with --missing empty."
        )
    _each_once(cases)
    used = {case.prediction for case in cases}
    return Matches(cases, tuple(path for path in found if path not in used))


@dataclass(frozen=True)
class _Row:
    truth: Path
    columns: Mapping[str, str] = field(default_factory=dict)


def _rows(truth: Path, prediction: Path) -> list[_Row]:
    if truth.is_file() and truth.suffix in SUFFIXES:
        return [_row_of(row, truth, number) for number, row in enumerate(read_rows(truth), 1)]
    if truth.is_dir() and prediction.is_file():
        raise ReadError(f"{prediction} is one file, but {truth} is a folder. Give two files or two folders.")
    rows = [_Row(path) for path in find_inputs(truth)]
    if not rows:
        raise NothingFoundError(f"{truth} holds no mask that can be read. Give another folder.")
    return rows


def _row_of(row: Mapping[str, Any], manifest: Path, number: int) -> _Row:
    columns = {key: str(value).strip() for key, value in row.items() if value not in (None, "")}
    column = next((name for name in _TRUTH if name in columns), None)
    if column is None:
        raise ReadError(f"{manifest}, case {number} needs a truth; found the columns {', '.join(row)}.")
    return _Row(manifest.parent / columns[column], columns)


def _predictions(path: Path) -> list[Path]:
    return [one for one in find_inputs(path) if not stem(one).endswith(_NO_PREDICTION)]


def _case(row: _Row, folder: Path, found: Sequence[Path], *, alone: bool) -> Match:
    name = row.columns.get(_NAME) or stem(row.truth)
    facts = {key: value for key, value in row.columns.items() if key not in (*_PATHS, _NAME, _PATIENT, _NOT_KNOWN)}
    ignore_label = row.columns.get(_NOT_KNOWN)
    if ignore_label is not None and not ignore_label.isdigit():
        raise ReadError(f"{name}: ignore_label is the number of a label; found {ignore_label!r}.")
    return Match(
        name,
        row.truth,
        _prediction(row, name, folder, found, alone),
        row.columns.get(_PATIENT, name),
        None if ignore_label is None else int(ignore_label),
        facts,
    )


def _prediction(row: _Row, name: str, folder: Path, found: Sequence[Path], alone: bool) -> Path | None:
    if _PREDICTION in row.columns:
        path = folder / row.columns[_PREDICTION]
        return path if path.exists() else None
    if alone:
        return found[0]
    fitting = of_name(name, found) or of_name(stem(row.truth), found)
    if not fitting and "image" in row.columns:
        fitting = of_name(stem(Path(row.columns["image"])), found)
    if len(fitting) > 1:
        raise ReadError(f"{name} has several predictions: {', '.join(p.name for p in fitting)}. Leave one of them.")
    return fitting[0] if fitting else None


def _each_once(cases: Sequence[Match]) -> None:
    """Raise an error if two cases share a name or a prediction, since one of them would count twice."""
    for what in ("name", "prediction"):
        seen: dict[Any, Match] = {}
        for case in cases:
            value = getattr(case, what)
            if value is not None and value in seen:
                raise ReadError(
                    f"{case.truth} and {seen[value].truth} have the same {what}, {value}. Give them names of their own."
                )
            seen[value] = case
