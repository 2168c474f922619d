"""Convert values of DICOM elements, which may be empty, missing or broken, to plain numbers and texts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Protocol

from anybone.core.errors import ReadError


class Lookup(Protocol):
    """A header with elements that are looked up by keyword."""

    def get(self, keyword: str, /) -> Any:
        """Return the value of an element; None if it is missing."""


def integer(header: Lookup, keyword: str) -> int | None:
    """Return the integer of a required element; None if it is missing or empty.

    Raises:
        ReadError: The element is not an integer.
    """
    value = header.get(keyword)
    if value is None or value == "":
        return None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise ReadError(f"{keyword} is {str(value)[:80]!r}, not a whole number: the header is damaged.") from None


def numbers(value: Any, size: int, keyword: str) -> tuple[float, ...] | None:
    """Return the `size` finite numbers of an element that the grid depends on; None if it is missing or empty.

    Raises:
        ReadError: The element holds something else.
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


def optional_number(value: Any) -> float | None:
    """Return an optional number; None if it is missing or broken."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def comparable(value: Any) -> float | str | tuple[str, ...] | None:
    """Return a hashable value that distinguishes images: a number, a text or several texts."""
    parts = _parts(value)
    if len(parts) > 1:
        return tuple(str(x) for x in parts)
    if not parts:
        return None
    number = None if isinstance(parts[0], str) else optional_number(parts[0])
    return str(parts[0]) if number is None else number


def words(value: Any) -> list[str]:
    """Return the texts of an element with any number of them."""
    return [str(part) for part in _parts(value)]


def _parts(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes)) else [value]
