"""Voxels in a file of their own, named by a header: only a neighbor of the header is ever opened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from anybone.core.errors import ReadError
from anybone.io.limits import MAX_HEADER_BYTES

_SEVERAL = re.compile(r"^LIST\b|%\d*d", re.IGNORECASE)


def voxel_file(header: Path, name: str) -> Path:
    """Return the path of the file `name` in the header's own folder.

    A header from a stranger could name any file of the machine; its bytes would come back as an image.

    Raises:
        ReadError: The name leaves the folder, names several files, or there is no such file.
    """
    if _SEVERAL.search(name):
        raise ReadError(
            f"{header} spreads its voxels over several files ({name!r}); one is expected. Save it as one .nrrd or .mha."
        )
    if not name or "\0" in name or Path(name).name != name or "\\" in name or ":" in name:
        raise ReadError(
            f"{header} names {name!r} as its voxel file; a plain file name in the same folder is expected. "
            "Put both files into one folder and correct the name in the header."
        )
    path = header.parent / name
    if not path.is_file():
        raise ReadError(f"{header} names {name!r} as its voxel file, which is not in its folder. Copy it there.")
    if path.resolve().parent != header.parent.resolve():
        raise ReadError(f"{header} names {name!r}, a link that leaves the folder. Copy the file itself there.")
    return path


def header_lines(file: BinaryIO, last: re.Pattern[str], *, file_may_end: bool = False) -> list[str]:
    """Text lines of `file` up to the first that matches `last`, which is included.

    Raises:
        ReadError: No line matches before the largest header that is read, or before the end unless `file_may_end`.
    """
    lines: list[str] = []
    left = MAX_HEADER_BYTES
    while left > 0:
        raw = file.readline(left)
        if not raw and file_may_end:
            return lines
        if not raw:
            break
        left -= len(raw)
        lines.append(raw.decode("utf-8", errors="replace").rstrip("\r\n"))
        if last.match(lines[-1]):
            return lines
    raise ReadError("The text header has no end: the file is cut off or not what its name says. Copy it again.")


def integers(text: str, what: str) -> list[int]:
    """Whole numbers in a header line.

    Raises:
        ReadError: Something else stands there.
    """
    try:
        return [int(word) for word in text.split()]
    except ValueError:
        raise ReadError(f"{what} is {text[:80]!r}; whole numbers are expected: the header is damaged.") from None


def floats(text: str, what: str) -> list[float]:
    """Numbers in a header line.

    Raises:
        ReadError: Something else stands there.
    """
    try:
        return [float(word) for word in text.split()]
    except ValueError:
        raise ReadError(f"{what} is {text[:80]!r}; numbers are expected: the header is damaged.") from None
