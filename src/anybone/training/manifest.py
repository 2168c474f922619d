"""Manifests: a table of cases, as CSV or JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anybone.core.atomic import write_whole
from anybone.core.errors import NothingFoundError, ReadError, UsageError
from anybone.io.names import stem
from anybone.io.tables import SUFFIXES, read_rows, write_csv
from anybone.training.cache import IGNORE
from anybone.training.cases import SPLITS, Case
from anybone.training.pairs import REGION

COLUMNS = ("image", "bones", "patient", "region", "sequence", "plane", "split", "ignore_label")
_OTHER_NAMES = {"label": "bones", "labels": "bones", "mask": "bones"}  # as other tools call that column
_SPLIT_NAMES = {"train": "training", "val": "validation", "valid": "validation"}


def read_manifest(path: Path) -> list[Case]:
    """Return the cases that a manifest lists; its paths are relative to its folder.

    Columns that it does not have are as in a folder: the patient is the image's name, and nobody decided on a split.
    Further columns are left alone.

    Raises:
        ReadError: It cannot be read, a row has no image or no bones, or a split that there is not.
        NothingFoundError: It lists none.
    """
    rows = [{_OTHER_NAMES.get(key, key): value for key, value in row.items()} for row in read_rows(path)]
    if not rows:
        raise NothingFoundError(f"{path} lists no cases. Give a table with the columns image and bones, a case a row.")
    return [_case(row, path, number) for number, row in enumerate(rows, 1)]


def write_manifest(cases: Sequence[Case], path: Path) -> None:
    """Write the cases as CSV or JSON, by the file's suffix.

    Raises:
        UsageError: It has another suffix.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"A manifest is a file NAME.csv or NAME.json; found {path.name}.")
    rows = [_row(case, path.parent) for case in cases]
    if path.suffix == ".json":
        write_whole(path, json.dumps(rows, indent=1) + "\n")
    else:
        write_csv(path, rows, COLUMNS)


def _case(row: Mapping[str, Any], path: Path, number: int) -> Case:
    values = {column: str(row.get(column) or "").strip() for column in COLUMNS}
    where = f"{path}, case {number}"
    if not values["image"] or not values["bones"]:
        raise ReadError(f"{where} needs an image and bones; found the columns {', '.join(row)}.")
    split = _SPLIT_NAMES.get(values["split"].lower(), values["split"].lower())
    if split and split not in SPLITS:
        raise ReadError(f"{where}: split is one of {', '.join(SPLITS)}; found {values['split']!r}.")
    if values["ignore_label"] and not values["ignore_label"].isdigit():
        raise ReadError(f"{where}: ignore_label is the number of a label; found {values['ignore_label']!r}.")
    image = path.parent / values["image"]
    return Case(
        image=image,
        bones=path.parent / values["bones"],
        patient=values["patient"] or stem(image),
        region=values["region"] or REGION,
        sequence=values["sequence"],
        plane=values["plane"],
        split=split,
        ignore_label=int(values["ignore_label"] or IGNORE),
    )


def _row(case: Case, folder: Path) -> dict[str, str | int]:
    values = {column: getattr(case, column) for column in COLUMNS}
    return values | {c: Path(os.path.relpath(values[c], folder)).as_posix() for c in ("image", "bones")}
