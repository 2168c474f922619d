"""Read DICOM: a folder, a zip, or one file, classic or enhanced multi-frame.

`Volume.data` is i = column, j = row, k = slice: `data[i, j, k] == pixels_of_slice_k[j, i]`; slices are sorted by
position along the normal of the image plane. The steps, one module each:

`files` lists the files, `header` parses, `images` makes one record per image, `series` groups and chooses, `split`
divides a series into volumes, `positions` and `stack` make the grid, `pixels` decodes. `seg` reads DICOM SEG.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from anybone.core.errors import AnyboneError, GeometryError, ReadError
from anybone.core.volume import Source, Volume
from anybone.io.dicom.files import Listing, open_files
from anybone.io.dicom.images import Found, holds_image, read_headers
from anybone.io.dicom.pixels import read_pixels
from anybone.io.dicom.seg import holds_seg, read_seg
from anybone.io.dicom.series import Series, choose, default_volumes, group, matching
from anybone.io.types import Description, Request
from anybone.io.voxels import finish

__all__ = ["SUFFIXES", "describe", "holds", "holds_seg", "read", "read_seg"]

SUFFIXES = (".dicom", ".dcm", ".ima", ".zip")
_NAMES_SHOWN = 3


def read(path: Path, request: Request) -> Volume:
    """Return the chosen volume of a folder, zip or file of DICOM.

    Raises:
        SeriesError: There are several volumes and none was chosen, or the choice matches none or several.
        GeometryError: The images of the series do not make one regular grid; the message names the files.
        ReadError: No DICOM image, or a damaged one.
        MissingExtraError: The images are compressed and no decoder for them is installed.
    """
    with open_files(path) as listing:
        found = _images(listing, path)
        series, notes = choose(group(found), request.series)
        stack = series.stack()
        data, headers, pixel_notes = read_pixels(stack, request.max_voxels)
    every_note = (*notes, *series.notes, *found.notes, *stack.notes, *pixel_notes)
    frames = tuple(image.frame for image in stack.images)
    source = Source(path, "dicom", series.uid, series.summary(headers[0]), headers, every_note, frames)
    return finish(data, stack.geometry, source)


def describe(path: Path) -> list[Description]:
    """Return one description for each volume that can be chosen, in the order of series numbers."""
    with open_files(path) as listing:
        found = _images(listing, path)
    candidates = group(found)
    names = {series.name for series in (default_volumes(candidates) if len(candidates) > 1 else candidates)}
    return [_description(path, series, found.notes, series.name in names) for series in candidates]


def holds(path: Path, series: str | None = None) -> bool:
    """Return whether a folder, zip or file holds a DICOM image; with `series`, one of a series that matches it.

    Damaged headers count as images: reading reports the damage.
    """
    try:
        with open_files(path) as listing:
            if series is None:
                return any(holds_image(file) for file in listing.files)
            return bool(matching(group(read_headers(listing.files)), series.strip()))
    except AnyboneError:
        return True


def _images(listing: Listing, path: Path) -> Found:
    """Return the images among the files.

    Raises:
        ReadError: There is none, or one is damaged.
    """
    found = read_headers(listing.files)
    linked = _linked_note(listing.linked_folders)
    if not found.images and found.damaged:
        raise ReadError(found.damaged[0][2])
    if not found.images:
        reasons = " ".join((*found.notes, *linked))
        raise ReadError(
            f"{path} holds no DICOM image. {reasons}{' ' * bool(reasons)}Give a folder, zip or file of DICOM MR images."
        )
    return replace(found, notes=(*found.notes, *linked))


def _linked_note(folders: tuple[str, ...]) -> tuple[str, ...]:
    if not folders:
        return ()
    shown = ", ".join(folders[:_NAMES_SHOWN]) + (", ..." if len(folders) > _NAMES_SHOWN else "")
    count = "1 link to a folder, which is" if len(folders) == 1 else f"{len(folders)} links to folders, which are"
    return (f"Skipped {count} not followed: {shown}.",)


def _description(path: Path, series: Series, notes: tuple[str, ...], default: bool) -> Description:
    notes = (*series.notes, *notes)
    try:
        stack = series.stack()
        geometry, problem, notes = stack.geometry, "", (*notes, *stack.notes)
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
        default=default,
        problem=problem,
        notes=notes,
    )
