"""What a folder given to the command line holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from anybone.errors import ReadError
from anybone.io.dicom.files import PREAMBLE_BYTES, looks_like_dicom
from anybone.io.formats import FORMATS, suffix_of
from anybone.io.limits import MAX_FILES

_LOOKED_INTO = 50  # files without a telling name that are opened in one folder before it is taken for no DICOM folder


def find_inputs(path: str | PathLike[str]) -> list[Path]:
    """The inputs below a folder, sorted: image files, zips, and each folder that holds DICOM files itself.

    A file is its own only input. Hidden files and folders, and linked folders, are left out.

    Raises:
        ReadError: There is no such file or folder, or it holds too many files.
    """
    path = Path(path)
    if not path.exists():
        raise ReadError(f"{path} does not exist. Check the name.")
    return sorted(_walk(path)) if path.is_dir() else [path]


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
        if any(_is_dicom(p) for _, p in zip(range(_LOOKED_INTO), others, strict=False)):
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
