"""DICOM: a folder, a zip, or one file, classic or enhanced multi-frame.

`Volume.data` is i = column, j = row, k = slice: `data[i, j, k] == pixels_of_slice_k[j, i]`; slices are sorted by
position along the normal of the image plane. The steps, one module each:

`files` finds the files, `images` reads their headers, `series` groups and chooses, `stack` makes the grid,
`pixels` decodes. `seg` reads DICOM SEG.
"""

from __future__ import annotations

from pathlib import Path

from anybone.core.errors import AnyboneError, GeometryError, ReadError
from anybone.core.volume import Source, Volume
from anybone.io.dicom.files import open_files
from anybone.io.dicom.images import Found, holds_image, read_headers
from anybone.io.dicom.pixels import read_pixels
from anybone.io.dicom.seg import holds_seg, read_seg
from anybone.io.dicom.series import Series, choose, group, named
from anybone.io.dicom.stack import build
from anybone.io.types import Description, Request
from anybone.io.voxels import finish

__all__ = ["SUFFIXES", "describe", "holds", "holds_seg", "read", "read_seg"]

SUFFIXES = (".dicom", ".dcm", ".ima", ".zip")


def read(path: Path, request: Request) -> Volume:
    """The chosen volume of a folder, zip or file of DICOM.

    Raises:
        SeriesError: Several series are volumes and none was chosen, or the choice fits none or several.
        GeometryError: The images of the series do not make one regular grid; the message names the files.
        ReadError: No DICOM image, or a damaged one.
        MissingExtraError: The images are compressed and no decoder for them is installed.
    """
    with open_files(path) as files:
        found = read_headers(files)
        candidates = group(_images(found, path))
        series, notes = choose(candidates, request.series)
        stack = build(series.images)
        data, headers, pixel_notes = read_pixels(stack, request.max_voxels)
    every_note = (*notes, *series.notes, *found.notes, *stack.notes, *pixel_notes)
    frames = tuple(image.frame for image in stack.images)
    source = Source(path, "dicom", series.uid, series.summary(headers[0]), headers, every_note, frames)
    return finish(data, stack.geometry, source)


def describe(path: Path) -> list[Description]:
    """One description for each volume that can be chosen, in the order of series numbers."""
    with open_files(path) as files:
        found = read_headers(files)
    return [_description(path, series, found.notes) for series in group(_images(found, path))]


def holds(path: Path, series: str | None = None) -> bool:
    """Whether a folder, zip or file holds a DICOM image; with `series`, one of a series that is so named.

    Where headers are damaged the answer is yes: reading then says what is wrong.
    """
    try:
        with open_files(path) as files:
            if series is None:
                return any(holds_image(file) for file in files)
            return bool(named(group(read_headers(files)), series.strip()))
    except AnyboneError:
        return True


def _images(found: Found, path: Path) -> Found:
    if not found.images:
        skipped = f" ({found.notes[0].removesuffix('.')})" if found.notes else ""
        raise ReadError(f"{path} holds no DICOM image{skipped}. Give a folder, zip or file of DICOM MR images.")
    return found


def _description(path: Path, series: Series, notes: tuple[str, ...]) -> Description:
    try:
        stack = build(series.images)
        geometry, problem, notes = stack.geometry, "", (*series.notes, *notes, *stack.notes)
    except (GeometryError, ReadError) as error:
        geometry, problem = None, str(error)
    return Description(
        path=path,
        format="dicom",
        geometry=geometry,
        value_type=series.images[0].value_type,
        images=len(series.images),
        name=series.name,
        series_uid=series.uid,
        series_number=series.images[0].series_number,
        text=series.text,
        problem=problem,
        notes=notes,
    )
