"""Tables that people read and write: CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anybone.core.atomic import write_whole
from anybone.core.errors import ReadError

SUFFIXES = (".csv", ".json")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a CSV with a header, of a JSON list of tables, or of its {"cases": [...]}.

    Raises:
        ReadError: It cannot be read, or is neither.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = json.loads(text) if path.suffix == ".json" else list(csv.DictReader(text.splitlines()))
    except (OSError, ValueError, csv.Error) as error:
        raise ReadError(f"The table {path} cannot be read: {error}.") from error
    if isinstance(rows, dict):
        rows = rows.get("cases")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ReadError(f'The table {path} cannot be read: a list of tables is expected, or {{"cases": [...]}}.')
    return [{str(key): value for key, value in row.items()} for row in rows]


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] | None = None) -> None:
    """Write a CSV with a header.

    Args:
        path: Of the file.
        rows: In their order; what a row does not have is left empty.
        columns: In their order; None: those of the rows, as they first occur.

    Raises:
        WriteError: The file cannot be written.
    """
    text = io.StringIO()
    table = csv.DictWriter(
        text, columns or list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n"
    )
    table.writeheader()
    table.writerows(rows)
    write_whole(path, text.getvalue())
