"""One regular grid from the positions of single images, or a refusal that names the files."""

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

_COSINE_TOLERANCE = 1e-3  # between the axes of two images: 0.06 degrees; scanners repeat them to 6 digits
_UNIT_TOLERANCE = 1e-2  # of length and right angle of the axes themselves
_SPACING_RTOL = 1e-3
_GAP_RTOL = 0.05  # a slice may lie this share of the slice distance off its place ...
_GAP_MM = 0.25  # ... and never further than this
_TILT_SINE = 1e-3  # sine of the angle between stack and normal above which it is a tilt, not rounding
_WORTH_A_NOTE_MM = 0.02
_NAMES_SHOWN = 6


@dataclass(frozen=True)
class Stack:
    """Images in slice order on a regular grid."""

    images: tuple[Image, ...]
    geometry: Geometry
    notes: tuple[str, ...]


def build(images: Sequence[Image]) -> Stack:
    """The images sorted along the normal of their plane, with the grid they lie on.

    The grid's axes are i = along a row, j = down a column, k = from slice to slice. Where the stack leans against the
    normal (gantry tilt), the affine is sheared as the slices are.

    Raises:
        ReadError: Color images.
        GeometryError: Images without position, of differing size, spacing or orientation, at the same place, or with
            a gap between them.
    """
    _check_single_slices(images)
    _check_same(images, "matrix", lambda im: (im.columns, im.rows), lambda a, b: bool(a == b))
    _check_same(images, "pixel spacing (mm)", lambda im: im.spacing, lambda a, b: np.allclose(a, b, rtol=_SPACING_RTOL))
    _check_same(images, "orientation", _orientation, lambda a, b: np.allclose(a, b, atol=_COSINE_TOLERANCE, rtol=0))
    axes = _unit_axes(images[0])
    normal = np.cross(axes[0], axes[1])
    ordered = tuple(sorted(images, key=lambda im: float(_position(im) @ normal)))
    first = ordered[0]
    assert first.spacing is not None
    steps = np.column_stack([axes[0] * first.spacing[1], axes[1] * first.spacing[0]])
    if len(ordered) == 1:
        columns, notes = complete(steps, first.thickness or 1.0), _one_slice_note(first)
    else:
        step, notes = _slice_step(ordered, normal)
        columns = np.column_stack([steps, step])
    affine = flip_lps_ras(compose(columns, _position(first)))
    return Stack(ordered, Geometry((first.columns, first.rows, len(ordered)), affine), notes)


def is_stack(images: Sequence[Image], least: int) -> bool:
    """Whether these are at least `least` parallel gray images at different places; gaps and the like do not matter."""
    placed = [im for im in images if im.position is not None and im.orientation is not None and im.gray]
    if len(placed) < max(least, len(images)) or any(im.mosaic for im in images):
        return False
    first = _orientation(placed[0])
    parallel = all(np.allclose(_orientation(im), first, atol=_COSINE_TOLERANCE, rtol=0) for im in placed)
    places = {tuple(np.round(_position(im), 2)) for im in placed}
    return parallel and len(places) >= least


def names_of(images: Iterable[Image]) -> str:
    """The images' file names for a message, the first few of many."""
    names = [im.name for im in images]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more


def _position(image: Image) -> NDArray[np.float64]:
    assert image.position is not None
    return image.position


def _orientation(image: Image) -> NDArray[np.float64]:
    assert image.orientation is not None
    return image.orientation


def _check_single_slices(images: Sequence[Image]) -> None:
    colored = [im for im in images if not im.gray]
    if colored:
        raise ReadError(f"Color images are no MR slices: {names_of(colored)}. Choose another series.")
    mosaics = [im for im in images if im.mosaic]
    if mosaics:
        raise GeometryError(
            f"Mosaic images hold many slices tiled into one: {names_of(mosaics)}. Convert the series with a program "
            "that unpacks mosaics, such as dcm2niix."
        )
    lost = [im for im in images if im.position is None or im.orientation is None or im.spacing is None]
    if lost:
        raise GeometryError(
            f"Images without position, orientation or pixel spacing: {names_of(lost)}. They do not say where they lie; "
            "choose another series, or take these files out."
        )


def _check_same(
    images: Sequence[Image], what: str, value: Callable[[Image], Any], same: Callable[[Any, Any], bool]
) -> None:
    """Nothing, when all images share a value; else an error that names the images of each, fewest first."""
    kinds: list[tuple[Any, list[Image]]] = []
    for image in images:
        for known, members in kinds:
            if same(known, value(image)):
                members.append(image)
                break
        else:
            kinds.append((value(image), [image]))
    if len(kinds) == 1:
        return
    kinds.sort(key=lambda kind: len(kind[1]))
    parts = [f"{_shown(known)}: {names_of(members)}" for known, members in kinds[:_NAMES_SHOWN]]
    raise GeometryError(
        f"The images differ in {what}, so they are not one volume. {'; '.join(parts)}. "
        "Take the odd ones out, or choose another series."
    )


def _shown(value: Any) -> str:
    return ", ".join(f"{x:g}" for x in np.ravel(value))


def _unit_axes(image: Image) -> NDArray[np.float64]:
    axes = _orientation(image)
    gram = axes @ axes.T
    if np.abs(gram - np.eye(2)).max() > _UNIT_TOLERANCE:
        raise GeometryError(
            f"{image.name} has an orientation whose axes are not of length 1 at right angles ({_shown(axes)}): "
            "the header is damaged. Export the series again."
        )
    return axes / np.sqrt(np.diag(gram))[:, None]


def _one_slice_note(image: Image) -> tuple[str, ...]:
    if image.thickness:
        return ()
    return (f"{image.name} does not give its slice thickness; 1 mm is assumed.",)


def _slice_step(ordered: tuple[Image, ...], normal: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """The vector from one slice to the next in LPS mm, after checking that all slices lie on it."""
    positions = np.array([_position(im) for im in ordered])
    gaps = np.diff(positions @ normal)
    usual = float(np.median(gaps))
    tolerance = min(_GAP_MM, _GAP_RTOL * usual)
    twins = np.flatnonzero(gaps <= max(tolerance, 1e-3))
    if twins.size:
        pairs = [ordered[n] for n in sorted({int(n) + side for n in twins for side in (0, 1)})]
        raise GeometryError(
            f"Several images lie at the same place, and nothing in their headers tells them apart: "
            f"{names_of(pairs)}. Take out the copies."
        )
    _check_gaps(ordered, gaps, usual, tolerance)
    step = (positions[-1] - positions[0]) / (len(ordered) - 1)
    off = np.linalg.norm(positions - (positions[0] + np.arange(len(ordered))[:, None] * step), axis=1)
    worst = int(off.argmax())
    if off[worst] > tolerance:
        raise GeometryError(
            f"The slices do not lie on one line: {ordered[worst].name} is {off[worst]:.3g} mm off its place. "
            "Such a stack would come out bent; export the series again, or choose another."
        )
    return step, tuple(_stack_notes(step, normal, float(off[worst])))


def _check_gaps(ordered: tuple[Image, ...], gaps: NDArray[np.float64], usual: float, tolerance: float) -> None:
    wide = np.flatnonzero(np.abs(gaps - usual) > tolerance)
    if not wide.size:
        return
    shown = "; ".join(
        f"{gaps[n]:.4g} mm between {ordered[n].name} and {ordered[n + 1].name}" for n in wide[:_NAMES_SHOWN]
    )
    more = f" and {wide.size - _NAMES_SHOWN} more" if wide.size > _NAMES_SHOWN else ""
    raise GeometryError(
        f"The slices are {usual:.4g} mm apart, except {shown}{more}. A slice is missing, or two stacks are mixed; "
        "copy the series again, or take the odd files out."
    )


def _stack_notes(step: NDArray[np.float64], normal: NDArray[np.float64], off_mm: float) -> Iterable[str]:
    lean = step - (step @ normal) * normal
    sine = float(np.linalg.norm(lean) / np.linalg.norm(step))
    if sine > _TILT_SINE:
        yield f"The slices are tilted by {np.degrees(np.arcsin(sine)):.2f} degrees (gantry tilt); the grid is sheared."
    if off_mm > _WORTH_A_NOTE_MM:
        yield f"Slice positions are uneven by up to {off_mm:.3f} mm; an even grid is used."
