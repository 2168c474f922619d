"""Find the images below a folder given on the command line."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from anybone.core.errors import ReadError
from anybone.io import dicom
from anybone.io.dicom.files import PREAMBLE_BYTES, looks_like_dicom
from anybone.io.formats import FORMATS, format_of, suffix_of
from anybone.io.limits import MAX_FILES

_FILES_TRIED = 50  # files without a DICOM suffix that are opened before a folder is taken for one without DICOM
_NAMES_SHOWN = 5

_log = logging.getLogger(__name__)


@dataclass
class _Skipped:
    """Folders that were not taken as inputs: those of DICOM files without images, and links to folders."""

    without_images: list[Path] = field(default_factory=list)
    linked: list[Path] = field(default_factory=list)


def find_inputs(path: str | PathLike[str], series: str | None = None) -> list[Path]:
    """Return the inputs below a folder, sorted: image files, zips, and each folder that holds DICOM images itself.

    A file is its own only input. Hidden files and folders are skipped. So are links to folders, and folders of
    DICOM files that are not images (contours, reports); a warning is logged that names them.

    Args:
        path: A file or folder.
        series: Restricts the inputs of a folder to DICOM that holds a series of this name, number, UID or description.

    Raises:
        ReadError: There is no such file or folder, or it holds too many files.
    """
    path = Path(path)
    if not path.exists():
        raise ReadError(f"{path} does not exist. Check the name.")
    if not path.is_dir():
        return [path]
    skipped = _Skipped()
    found = sorted(_walk(path, skipped))
    _warn(skipped.without_images, "of DICOM files that are not images")
    _warn(skipped.linked, "given as a link")
    return found if series is None else [p for p in found if format_of(p) == "dicom" and dicom.holds(p, series)]


def _warn(folders: list[Path], which: str) -> None:
    """Log a warning that names skipped folders, if there are any."""
    if folders:
        shown = ", ".join(map(str, sorted(folders)[:_NAMES_SHOWN])) + (", ..." if len(folders) > _NAMES_SHOWN else "")
        count = "1 folder" if len(folders) == 1 else f"{len(folders)} folders"
        _log.warning("Skipped %s %s: %s", count, which, shown)


def _walk(top: Path, skipped: _Skipped) -> Iterator[Path]:
    """Yield the inputs below `top`, and record the folders that are skipped."""
    in_files = [s for kind in FORMATS.values() if kind.write is not None for s in kind.suffixes]
    suffixes = (*in_files, ".zip")
    seen = 0
    for parent, folders, names in os.walk(top):
        folders[:] = [f for f in folders if not f.startswith(".")]
        skipped.linked += [p for p in (Path(parent, f) for f in folders) if p.is_symlink()]
        seen += len(names)
        if seen > MAX_FILES:
            raise ReadError(f"{top} holds more than {MAX_FILES} files. Give a smaller folder.")
        files = [p for n in sorted(names) if not n.startswith(".") and (p := Path(parent, n)).is_file()]
        images = [p for p in files if suffix_of(p, suffixes)]
        yield from images
        known = set(images)
        others = [p for p in files if p not in known]
        if any(_is_dicom(p) for p in others[:_FILES_TRIED]):
            # The first image ends the search: in nearly every folder one header is read.
            if any(_is_dicom(p) and dicom.holds(p) for p in others):
                yield Path(parent)
            else:
                skipped.without_images.append(Path(parent))


def _is_dicom(path: Path) -> bool:
    if path.name.upper() == "DICOMDIR":  # a table of contents
        return False
    try:
        with path.open("rb") as file:
            head = file.read(PREAMBLE_BYTES + 8)
    except OSError:
        return False
    return head[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == b"DICM" or (
        bool(suffix_of(path, (".dcm", ".ima", ".dicom"))) and looks_like_dicom(head)
    )
