"""What a folder given to the command line holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from anybone.errors import ReadError
from anybone.io import dicom
from anybone.io.dicom.files import PREAMBLE_BYTES, looks_like_dicom
from anybone.io.formats import FORMATS, format_of, suffix_of
from anybone.io.limits import MAX_FILES

_LOOKED_INTO = 50  # files without a telling name that are opened before a folder is taken for one without images


def find_inputs(path: str | PathLike[str], series: str | None = None) -> list[Path]:
    """The inputs below a folder, sorted: image files, zips, and each folder that holds DICOM images itself.

    A file is its own only input. Hidden files and folders, and linked folders, are left out.

    Args:
        path: A file or folder.
        series: Takes, of a folder, the DICOM inputs alone that hold a series of this name, number, UID or description.

    Raises:
        ReadError: There is no such file or folder, or it holds too many files.
    """
    path = Path(path)
    if not path.exists():
        raise ReadError(f"{path} does not exist. Check the name.")
    if not path.is_dir():
        return [path]
    found = sorted(_walk(path))
    return found if series is None else [p for p in found if format_of(p) == "dicom" and dicom.holds(p, series)]


def _walk(top: Path) -> Iterator[Path]:
    in_files = [s for kind in FORMATS.values() if kind.write is not None for s in kind.suffixes]
    suffixes = (*in_files, ".zip")
    seen = 0
    for parent, folders, names in os.walk(top):
        folders[:] = [f for f in folders if not f.startswith(".")]
        seen += len(names)
        if seen > MAX_FILES:
            raise ReadError(f"{top} holds more than {MAX_FILES} files. Give a smaller folder.")
        files = [p for n in sorted(names) if not n.startswith(".") and (p := Path(parent, n)).is_file()]
        images = [p for p in files if suffix_of(p, suffixes)]
        yield from images
        others = (p for p in files if p not in set(images))
        looked_into = (p for _, p in zip(range(_LOOKED_INTO), others, strict=False))
        if any(_is_dicom(p) and dicom.holds(p) for p in looked_into):  # contours and reports are no images
            yield Path(parent)


def _is_dicom(path: Path) -> bool:
    if path.name.upper() == "DICOMDIR":  # a table of contents: DICOM by its bytes, but no image
        return False
    try:
        with path.open("rb") as file:
            head = file.read(PREAMBLE_BYTES + 8)
    except OSError:
        return False
    return head[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == b"DICM" or (
        bool(suffix_of(path, (".dcm", ".ima", ".dicom"))) and looks_like_dicom(head)
    )
