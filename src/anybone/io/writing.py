"""Step 9, write: a segmentation or a volume -> a file on exactly its grid."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from anybone.core.errors import WriteError
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.io.formats import FORMATS, suffix_of
from anybone.io.label_table import check_sidecar, sidecar_path, write_sidecar


def write(image: Segmentation | Volume, path: str | PathLike[str]) -> None:
    """Write the image in the format of its suffix, with shape and affine unchanged.

    Missing folders are created. The file appears whole or not at all. A segmentation's names, scores and provenance go
    into the file (NIfTI, NRRD) and into a JSON sidecar: "knee_bones.nii.gz" and "knee_bones.json".

    Raises:
        WriteError: An unknown suffix, another program's JSON of that name, or the file cannot be written.
    """
    path = Path(path)
    for kind in FORMATS.values():
        suffix = suffix_of(path, kind.write_suffixes)
        if kind.write is None or suffix is None:
            continue
        sidecar = sidecar_path(path, suffix)
        if isinstance(image, Segmentation):
            check_sidecar(sidecar)
        kind.write(image, path)
        if isinstance(image, Segmentation):
            write_sidecar(image, sidecar)
        return
    known = ", ".join(s for kind in FORMATS.values() for s in kind.write_suffixes)
    raise WriteError(f"{path} has no suffix that can be written. Name the output with one of {known}.")
