"""What a folder given to the command line holds."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from anybone.core.errors import ReadError
from anybone.io import dicom
from anybone.io.dicom.files import PREAMBLE_BYTES, looks_like_dicom
from anybone.io.formats import FORMATS, format_of, suffix_of
from anybone.io.limits import MAX_FILES

_LOOKED_INTO = 50  # files without a telling name that are opened in one folder before it is taken for no DICOM folder
_NAMES_SHOWN = 5

_log = logging.getLogger(__name__)


def find_inputs(path: str | PathLike[str], series: str | None = None) -> list[Path]:
    """The inputs below a folder, sorted: image files, zips, and each folder that holds DICOM images itself.

    A file is its own only input. Hidden files and folders, and linked folders, are left out. So are folders whose
    DICOM files are no images (contours, reports); a warning is logged that names them.

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
    imageless: list[Path] = []
    found = sorted(_walk(path, imageless))
    if imageless:
        _log.warning("%s", _imageless_note(sorted(imageless)))
    return found if series is None else [p for p in found if format_of(p) == "dicom" and dicom.holds(p, series)]


def _imageless_note(folders: list[Path]) -> str:
    shown = ", ".join(str(f) for f in folders[:_NAMES_SHOWN]) + (", ..." if len(folders) > _NAMES_SHOWN else "")
    count = "1 folder was" if len(folders) == 1 else f"{len(folders)} folders were"
    return f"{count} left out, whose DICOM files hold no images but contours, reports or the like: {shown}"


def _walk(top: Path, imageless: list[Path]) -> Iterator[Path]:
    """The inputs below `top`; folders whose DICOM files hold no images are appended to `imageless`."""
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
        known = set(images)
        others = [p for p in files if p not in known]
        if any(_is_dicom(p) for p in others[:_LOOKED_INTO]):
            # The first image ends the search: one header is read in nearly every folder.
            if any(_is_dicom(p) and dicom.holds(p) for p in others):
                yield Path(parent)
            else:
                imageless.append(Path(parent))


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
