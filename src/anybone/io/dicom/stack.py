"""Build one regular grid from the positions of single images, or report the images that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anybone.core.errors import GeometryError, ReadError
from anybone.core.geometry import Geometry
from anybone.io.affines import complete, compose, flip_lps_ras
from anybone.io.dicom.images import Image
from anybone.io.dicom.positions import Line, fit_line, places_of, positions_of

COSINE_TOLERANCE = 1e-3  # between the axes of two images: 0.06 degrees; scanners repeat them to 6 digits
SPACING_RTOL = 1e-3
_UNIT_TOLERANCE = 1e-2  # of length and right angle of the axes themselves
_WORTH_A_NOTE_MM = 0.02
_NAMES_SHOWN = 6


@dataclass(frozen=True)
class Stack:
    """Images in slice order on a regular grid.

    Attributes:
        images: Images in slice order.
        geometry: The grid.
        notes: Deviations of the header from the grid, one sentence each.
    """

    images: tuple[Image, ...]
    geometry: Geometry
    notes: tuple[str, ...]


def build(images: Sequence[Image]) -> Stack:
    """Sort images along the normal of their plane and return them with their grid.

    The grid's axes are i = along a row, j = down a column, k = from slice to slice. A stack that is tilted against
    the normal (gantry tilt) gets a sheared affine.

    Raises:
        ReadError: Color images.
        GeometryError: Images without position, of differing size, spacing or orientation, at the same place, or with
            a gap between them.
    """
    _check_single_slices(images)
    _check_same(images, "matrix", lambda im: (im.columns, im.rows))
    _check_same(images, "pixel spacing (mm)", lambda im: im.spacing, rtol=SPACING_RTOL)
    _check_same(images, "orientation", lambda im: im.orientation, atol=COSINE_TOLERANCE)
    axes = _unit_axes(images[0])
    normal = np.cross(axes[0], axes[1])
    positions = positions_of(images)
    order = np.argsort(positions @ normal, kind="stable")
    ordered = tuple(images[int(n)] for n in order)
    first = ordered[0]
    assert first.spacing is not None
    assert first.position is not None
    in_plane = np.column_stack([axes[0] * first.spacing[1], axes[1] * first.spacing[0]])
    if len(ordered) == 1:
        origin, columns = first.position, complete(in_plane, first.thickness or 1.0)
        notes = _single_slice_notes(first)
    else:
        line = _line(ordered, positions[order], normal)
        origin, columns = line.origin, np.column_stack([in_plane, line.step])
        notes = tuple(_line_notes(line))
    affine = flip_lps_ras(compose(columns, origin))
    return Stack(ordered, Geometry((first.columns, first.rows, len(ordered)), affine), notes)


def is_stack(images: Sequence[Image], least: int) -> bool:
    """Return whether these are at least `least` parallel gray images at different places, with or without gaps."""
    if len(images) < least or any(im.tiled or not im.gray for im in images):
        return False
    if any(im.position is None or im.orientation is None for im in images):
        return False
    first = images[0].orientation
    if not all(np.abs(im.orientation - first).max() <= COSINE_TOLERANCE for im in images):  # type: ignore[operator]
        return False
    return int(places_of(images).max()) + 1 >= least


def names_of(images: Iterable[Image]) -> str:
    """Return the images' file names for a message, the first few of many."""
    names = [im.name for im in images]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more


def _check_single_slices(images: Sequence[Image]) -> None:
    """Raise if an image is in color, holds several slices, or has no usable position, orientation or spacing."""
    colored = [im for im in images if not im.gray]
    if colored:
        raise ReadError(f"Color images are not MR slices: {names_of(colored)}. Choose another series.")
    tiled = [im for im in images if im.tiled]
    if tiled:
        raise GeometryError(
            f"Each image is a {tiled[0].tiled} of many slices, which is not read: {names_of(tiled)}. Convert the "
            "series to NIfTI with a program that unpacks it, such as dcm2niix."
        )
    lost = [im for im in images if im.position is None or im.orientation is None or im.spacing is None]
    if lost:
        raise GeometryError(
            f"Images without position, orientation or pixel spacing: {names_of(lost)}. Their place in the patient is "
            "unknown; choose another series, or remove these files."
        )
    wrong = [im for im in images if im.spacing is not None and min(im.spacing) <= 0]
    if wrong:
        raise GeometryError(
            f"PixelSpacing must be positive, but is {_shown(wrong[0].spacing)} in {names_of(wrong)}: the header is "
            "damaged. Export the series again."
        )


def _check_same(
    images: Sequence[Image], what: str, value: Callable[[Image], Any], *, rtol: float = 0.0, atol: float = 0.0
) -> None:
    """Raise unless all images share a value; the message names the images of each value, fewest first.

    Args:
        images: The images to compare.
        what: Name of the value in the message.
        value: Numbers of an image.
        rtol: Relative difference that counts as equal.
        atol: Absolute difference that counts as equal.
    """
    kinds = cluster(np.array([np.ravel(value(im)) for im in images], dtype=np.float64), rtol=rtol, atol=atol)
    if not kinds.any():
        return
    groups = [[images[int(n)] for n in np.flatnonzero(kinds == kind)] for kind in range(int(kinds.max()) + 1)]
    groups.sort(key=len)
    parts = [f"{_shown(value(members[0]))}: {names_of(members)}" for members in groups[:_NAMES_SHOWN]]
    raise GeometryError(
        f"The images differ in {what}, so they are not one volume. {'; '.join(parts)}. "
        "Remove the odd ones, or choose another series."
    )


def cluster(values: NDArray[np.float64], *, rtol: float = 0.0, atol: float = 0.0) -> NDArray[np.intp]:
    """Return the number of each row of `values`, where equal rows share one, counted by first occurrence."""
    kinds = np.full(len(values), -1, dtype=np.intp)
    number = 0
    while (kinds < 0).any():
        known = values[np.flatnonzero(kinds < 0)[0]]
        same = (np.abs(values - known) <= atol + rtol * np.abs(known)).all(axis=1)
        kinds[same & (kinds < 0)] = number
        number += 1
    return kinds


def _shown(value: Any) -> str:
    return ", ".join(f"{x:g}" for x in np.ravel(value))


def _unit_axes(image: Image) -> NDArray[np.float64]:
    axes = image.orientation
    assert axes is not None
    gram = axes @ axes.T
    if np.abs(gram - np.eye(2)).max() > _UNIT_TOLERANCE:
        raise GeometryError(
            f"{image.name} has orientation axes that are not of length 1 at right angles ({_shown(axes)}): "
            "the header is damaged. Export the series again."
        )
    return axes / np.sqrt(np.diag(gram))[:, None]


def _single_slice_notes(image: Image) -> tuple[str, ...]:
    if image.thickness:
        return ()
    return (f"{image.name} does not give its slice thickness; 1 mm is assumed.",)


def _line(ordered: tuple[Image, ...], positions: NDArray[np.float64], normal: NDArray[np.float64]) -> Line:
    """Return the line that the slices are on.

    Raises:
        GeometryError: Several slices at one place, a gap, or a slice off the line.
    """
    _check_one_per_place(ordered)
    line = fit_line(positions, normal)
    if line.is_even:
        return line
    _check_gaps(ordered, np.diff(positions @ normal), line.tolerance_mm)
    worst = int(line.off_mm.argmax())
    raise GeometryError(
        f"The slices are not on one line: {ordered[worst].name} is {line.off_mm[worst]:.3g} mm off its place. "
        "The volume would be distorted; export the series again, or choose another."
    )


def _check_one_per_place(ordered: tuple[Image, ...]) -> None:
    places = places_of(ordered)
    counts = np.bincount(places)
    if counts.max() == 1:
        return
    repeated = [im for im, place in zip(ordered, places, strict=True) if counts[place] > 1]
    held = "; ".join(
        f"{number} image{'' if number == 1 else 's'} at {times} place{'' if times == 1 else 's'}"
        for number, times in enumerate(np.bincount(counts).tolist())
        if number and times
    )
    raise GeometryError(
        f"Several images are at the same place, and the header does not tell which belong together ({held}): "
        f"{names_of(repeated)}. Remove the extra images, or choose another series."
    )


def _check_gaps(ordered: tuple[Image, ...], gaps: NDArray[np.float64], tolerance: float) -> None:
    usual = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    wide = np.flatnonzero(np.abs(gaps - usual) > tolerance)
    if not wide.size:
        return
    shown = "; ".join(
        f"{gaps[n]:.4g} mm between {ordered[n].name} and {ordered[n + 1].name}" for n in wide[:_NAMES_SHOWN]
    )
    more = f" and {wide.size - _NAMES_SHOWN} more" if wide.size > _NAMES_SHOWN else ""
    raise GeometryError(
        f"The slices are {usual:.4g} mm apart, except {shown}{more}. A slice is missing, or two stacks are mixed; "
        "copy the series again, or remove the odd files."
    )


def _line_notes(line: Line) -> Iterable[str]:
    if line.tilt_degrees:
        yield f"The slices are tilted by {line.tilt_degrees:.2f} degrees (gantry tilt); the grid is sheared."
    if line.rounded_mm:
        yield (
            f"Slice positions are rounded to {line.rounded_mm:g} mm; the stack is taken as perpendicular to its slices."
        )
    off = float(line.off_mm.max())
    if off > _WORTH_A_NOTE_MM:
        yield f"Slice positions are uneven by up to {off:.3f} mm; an even grid is used."
