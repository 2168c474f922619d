"""Values of DICOM elements as plain numbers; headers in the wild hold empty, missing and broken ones."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from anybone.core.errors import ReadError

if TYPE_CHECKING:
    from pydicom import Dataset


def integer(dataset: Dataset, keyword: str) -> int | None:
    """The whole number of an element that the image cannot do without; None where it is missing or empty.

    Raises:
        ReadError: Something else stands there.
    """
    value = dataset.get(keyword)
    if value is None or value == "":
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise ReadError(f"{keyword} is {str(value)[:80]!r}, not a whole number: the header is damaged.") from None


def numbers(value: Any, size: int, keyword: str) -> tuple[float, ...] | None:
    """The `size` finite numbers of an element that the grid depends on; None where it is missing or empty.

    Raises:
        ReadError: Something else stands there.
    """
    parts = _parts(value)
    if not parts:
        return None
    try:
        found = tuple(float(x) for x in parts)
    except (TypeError, ValueError, OverflowError):
        found = ()
    if len(found) != size or not all(math.isfinite(x) for x in found):
        raise ReadError(
            f"{keyword} is {str(value)[:80]!r}; {size} finite numbers are expected: the header is damaged. "
            "Export the image again."
        )
    return found


def hint(value: Any) -> float | None:
    """A number that is nice to have; None where it is missing or broken."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def mark(value: Any) -> float | str | tuple[str, ...] | None:
    """A value to tell images apart by, hashable: a number, a text or several texts."""
    parts = _parts(value)
    if len(parts) > 1:
        return tuple(str(x) for x in parts)
    if not parts:
        return None
    number = None if isinstance(parts[0], str) else hint(parts[0])
    return str(parts[0]) if number is None else number


def _parts(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes)) else [value]
