"""Writing whatever a suffix stands for: a mask or volume as an image file, bones as DICOM SEG or as surfaces."""

from __future__ import annotations

from importlib.util import find_spec
from os import PathLike
from pathlib import Path

from anybone import io
from anybone.core.errors import MissingExtraError, WriteError
from anybone.core.segmentation import Segmentation
from anybone.core.volume import Volume
from anybone.export import FILES
from anybone.export.dicom_source import check_dicom
from anybone.io.formats import FORMATS, suffix_of

_MESH = (("trimesh", "mesh"), ("skimage", "mesh"))
_NEEDED = {".dcm": (("highdicom", "dicom-seg"),), ".stl": _MESH, ".glb": _MESH}  # suffix -> modules and their extra


def image_suffixes() -> tuple[str, ...]:
    """Return the suffixes of image formats that can be written."""
    return tuple(s for kind in FORMATS.values() for s in kind.write_suffixes)


def suffixes() -> tuple[str, ...]:
    """Return all suffixes that a segmentation can be written with."""
    return (*image_suffixes(), *FILES)


def check(volume: Volume, path: Path) -> None:
    """Raise an error if a segmentation of the volume could not be written to that path.

    Raises:
        WriteError: DICOM SEG, and the volume is not DICOM.
        MissingExtraError: What writes the format is not installed.
    """
    suffix = suffix_of(path, tuple(FILES))
    if suffix == ".dcm":
        check_dicom(volume.source)
    for module, extra in _NEEDED.get(suffix or "", ()):
        if find_spec(module) is None:
            raise MissingExtraError(f"Writing {suffix}", extra)


def write(image: Segmentation | Volume, path: str | PathLike[str]) -> None:
    """Write a segmentation or volume in the format of the suffix.

    `.nii.gz`, `.nrrd`, `.mha` and the like hold a mask or a volume, shape and affine unchanged; a mask's names, scores
    and provenance go into a JSON beside it. `.dcm` is a DICOM SEG, of bones that were found in DICOM images. `.stl` and
    `.glb` are the bones' surfaces. Missing folders are made; a file appears whole or not at all.

    Raises:
        WriteError: An unknown suffix, a volume as DICOM SEG or surface, bones that were not found in DICOM images as
            DICOM SEG, another program's JSON beside a mask, or the file cannot be written.
        MissingExtraError: What writes the format is not installed.
    """
    path = Path(path)
    suffix = suffix_of(path, tuple(FILES))
    if suffix is None:
        if isinstance(image, Segmentation) and suffix_of(path, image_suffixes()) is None:
            known = ", ".join(suffixes())
            raise WriteError(f"{path} has no suffix that can be written. Name the output with one of {known}.")
        io.write(image, path)
        return
    if not isinstance(image, Segmentation):
        raise WriteError(f"{path} would hold bones, and this is a volume. Write it as {', '.join(image_suffixes())}.")
    FILES[suffix](image, path)
