"""The served folder: its content, and checks that nothing outside of it is reached."""

from __future__ import annotations

import itertools
import os
from pathlib import Path, PurePosixPath
from typing import Any

from anybone.io import FORMATS
from anybone.io.dicom.files import PREAMBLE_BYTES
from anybone.io.formats import suffix_of
from anybone.io.names import stem
from anybone.server.http_errors import NotFound

_SAMPLED_FILES = 5  # files that are opened to recognize a folder of DICOM
_MAX_ENTRIES = 5000  # entries of a folder that are listed
_IN_FILES = tuple(s for kind in FORMATS.values() if kind.write is not None for s in kind.suffixes)
_DICOM = FORMATS["dicom"].suffixes
_BONES_ENDING = "_bones"


def inside(folder: Path, relative: str) -> Path:
    """Return a file or folder below `folder`, links resolved.

    Raises:
        NotFound: It does not exist, is hidden, or is outside of the folder.
    """
    missing = NotFound(f"{relative!r} was not found in the served folder. Choose a file from its list.")
    parts = [part for part in PurePosixPath(relative.replace("\\", "/")).parts if part != "."]
    if any(part.startswith(".") or part == "/" or "\0" in part for part in parts):
        raise missing
    top = folder.resolve()
    try:
        path = top.joinpath(*parts).resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise missing from error
    if not path.is_relative_to(top) or any(part.startswith(".") for part in path.relative_to(top).parts):
        raise missing
    return path


def listing(folder: Path, relative: str) -> dict[str, Any]:
    """Return the content of a folder below the served folder (`wire.FolderListing`), folders first, by name.

    Raises:
        NotFound: It does not exist or is a file.
    """
    path = inside(folder, relative)
    if not path.is_dir():
        raise NotFound(f"{relative!r} is a file, not a folder. Open it as an image, or list its folder.")
    top = folder.resolve()
    below = path.relative_to(top).as_posix()
    entries = []
    with os.scandir(path) as found:
        for entry in sorted(itertools.islice(found, _MAX_ENTRIES), key=lambda e: e.name.lower()):
            kind = _kind(top, entry)
            if kind:
                inner = entry.name if below == "." else f"{below}/{entry.name}"
                size = 0 if entry.is_dir() else entry.stat().st_size
                entries.append({"name": entry.name, "path": inner, "kind": kind, "size": size})
    entries.sort(key=lambda e: e["kind"] != "folder")
    return {"path": "" if below == "." else below, "entries": entries}


def _kind(top: Path, entry: os.DirEntry[str]) -> str:
    """Return the kind of an entry; empty if it is not listed."""
    path = Path(entry.path)
    if entry.name.startswith(".") or (entry.is_symlink() and not path.resolve().is_relative_to(top)):
        return ""
    try:
        if entry.is_dir():
            return "dicom" if _holds_dicom(path) else "folder"
    except OSError:
        return ""
    if suffix_of(path, _IN_FILES):
        return "bones" if stem(path).endswith(_BONES_ENDING) else "image"
    return "dicom" if suffix_of(path, _DICOM) else ""


def _holds_dicom(folder: Path) -> bool:
    """Return True if one of the folder's first files is DICOM."""
    try:
        with os.scandir(folder) as found:
            files = [e.path for e in itertools.islice(found, 50) if e.is_file() and not e.name.startswith(".")]
        return any(_is_dicom(path) for path in files[:_SAMPLED_FILES])
    except OSError:
        return False


def _is_dicom(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(PREAMBLE_BYTES + 4)[PREAMBLE_BYTES:] == b"DICM"
