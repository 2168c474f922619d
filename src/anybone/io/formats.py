"""The file formats: one line each."""

from __future__ import annotations

from pathlib import Path

from anybone.core.errors import ReadError
from anybone.io import dicom, metaimage, nifti, nrrd
from anybone.io.dicom.files import PREAMBLE_BYTES, looks_like_dicom
from anybone.io.stream import open_maybe_gzip
from anybone.io.types import Format

FORMATS: dict[str, Format] = {
    "nifti": Format(nifti.SUFFIXES, nifti.read, nifti.describe, nifti.write, nifti.SUFFIXES),
    "nrrd": Format(nrrd.SUFFIXES, nrrd.read, nrrd.describe, nrrd.write, nrrd.WRITE_SUFFIXES),
    "metaimage": Format(
        metaimage.SUFFIXES, metaimage.read, metaimage.describe, metaimage.write, metaimage.WRITE_SUFFIXES
    ),
    "dicom": Format(dicom.SUFFIXES, dicom.read, dicom.describe),
}

_ZIP_MAGIC = b"PK\x03\x04"
_NIFTI_MAGIC_AT = 344


def suffix_of(path: Path, suffixes: tuple[str, ...]) -> str | None:
    """Return the first of `suffixes` that the file's name ends with, ignoring case, or None."""
    name = path.name.lower()
    return next((s for s in suffixes if name.endswith(s) and len(name) > len(s)), None)


def format_of(path: Path) -> str:
    """Key of the format of a file or folder: a folder is DICOM, a file goes by suffix, else by its first bytes.

    Raises:
        ReadError: There is no such file, or nothing shows what it is.
    """
    if path.is_dir():
        return "dicom"
    if not path.is_file():
        raise ReadError(
            f"{path} does not exist. Check the name." if not path.exists() else f"{path} is no regular file."
        )
    for name, kind in FORMATS.items():
        if suffix_of(path, kind.suffixes):
            return name
    with open_maybe_gzip(path) as file:
        head = file.read(540)
    if head[:4] == _ZIP_MAGIC or head[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == b"DICM":
        return "dicom"
    if head[:4] == b"NRRD":
        return "nrrd"
    if head[_NIFTI_MAGIC_AT : _NIFTI_MAGIC_AT + 3] == b"n+1" or head[4:7] == b"n+2":
        return "nifti"
    if looks_like_dicom(head):
        return "dicom"
    known = ", ".join(s for kind in FORMATS.values() for s in kind.suffixes)
    raise ReadError(f"{path} is of no known format. Give a folder of DICOM, or a file ending in one of {known}.")
