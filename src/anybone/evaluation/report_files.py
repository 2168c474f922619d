"""Reports as files: JSON, which is read again, and CSV."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from anybone.core.atomic import write_whole
from anybone.core.errors import ReadError
from anybone.evaluation.report import Report
from anybone.evaluation.scores import Measures, Score
from anybone.io import tables

_DECIMALS = 6


def write_json(report: Report, path: Path) -> None:
    """Write the report as JSON.

    Raises:
        WriteError: The system refuses.
    """
    write_whole(path, json.dumps(_rounded(report.to_dict()), indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> Report:
    """Read a report from the JSON of `write_json`.

    Raises:
        ReadError: It is none.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        fields = content["measures"]
        fields |= {key: tuple(fields[key]) for key in ("tolerances_mm", "overlaps")}
        measures = Measures(**fields | {"ignore": frozenset(fields["ignore"])})
        scores = tuple(map(Score.from_dict, content["cases"]))
        return Report(scores, measures, tuple(content["by"]), tuple(content["notes"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadError(f"{path} is no report of `anybone evaluate --json`: {error!r}.") from error


def write_csv(report: Report, path: Path) -> None:
    """Write a row for each label of each case and, if slices were measured, NAME_slices.csv in the same folder.

    Raises:
        WriteError: The system refuses.
    """
    tables.write_csv(path, [_flat(one) for one in report.scores])
    slices = [
        {"name": one.name, "label": one.label, **_rounded(asdict(each))} for one in report.scores for each in one.slices
    ]
    if slices:
        tables.write_csv(path.with_name(path.stem + "_slices.csv"), slices)


def _flat(score: Score) -> dict[str, Any]:
    row = {key: value for key, value in score.to_dict().items() if key not in ("pieces", "facts", "slices")}
    for overlap, counts in score.pieces.items():
        row |= {f"{kind}_at_{overlap}": count for kind, count in counts.items()}
    return {key: _rounded(value) for key, value in row.items()} | dict(score.facts)


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, _DECIMALS)
        case Mapping():
            return {key: _rounded(v) for key, v in value.items()}
        case list() | tuple():
            return [_rounded(v) for v in value]
    return value
