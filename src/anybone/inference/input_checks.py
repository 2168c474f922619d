"""Input checks: does the image look like MRI of a body? Computed without a network, on a few slices.

The thresholds are heuristics, set with a margin between real MRI of limb, spine, knee and hand and the
out-of-distribution samples of `evaluation.out_of_distribution`; `benchmarks/trust.py` measures their accuracy.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.volume import Volume

_SLICES = 8  # number of slices, spaced evenly through the volume
_NEGATIVE, _NEGATIVE_FRACTION = -250.0, 0.1  # lungs and air in Hounsfield units; magnitudes of MRI are never below 0
_CHANNELS = 4  # red, green, blue, alpha
_FAR = 48  # pixels are compared over a step of this fraction (1/48) of the longer side
_ALIKE = 0.35  # correlation over that step: noise 0.0 to 0.25, MRI 0.7 and more
_BLOCKS = 32  # blocks of voxels along a slice's longer side in which evenness is measured
_TISSUE = 0.2  # of the volume's range: darker blocks are background
_EVEN = 0.05  # deviation over mean that half the blocks of a phantom stay below: muscle alone has 0.08 and more
_EVEN_FRACTION = 0.42  # fraction of blocks about as even as the evenest tenth: MRI at most 0.3, a phantom 0.5
_ABOUT = 1.6  # factor of unevenness that still counts as even
_ROUNDING = 0.003  # deviation over mean below which there is none
_SMALLEST_MM, _LARGEST_MM = 10.0, 700.0  # field of view of a body in a scanner: longest side, second longest side
_FEWEST = 50  # blocks of tissue below which the check is skipped


def check_input(volume: Volume, normalized: Float[Tensor, "i j k"], axis: int) -> tuple[str, ...]:
    """Return a warning for each check that the image fails; usually none.

    Args:
        volume: The image.
        normalized: Intensities in 0..1.
        axis: Array axis that slices are cut along.
    """
    count = normalized.shape[axis]
    chosen = np.unique(np.linspace(0, count - 1, min(count, _SLICES)).round().astype(int))
    slices = [np.ascontiguousarray(normalized.select(axis, int(k)).numpy()) for k in chosen]
    found = (_modality(volume), _picture(volume), _field_of_view(volume), *(check(slices) for check in _CHECKS))
    return tuple(f"Do not trust this result: {reason}" for reason in found if reason)


def _modality(volume: Volume) -> str:
    """Check the DICOM modality, and values that MRI magnitude images do not have."""
    headers = volume.source.headers
    modality = "" if volume.source.format != "dicom" or not headers else getattr(headers[0], "Modality", None) or ""
    if modality not in ("", "MR"):
        return f"the image is {modality}, and this network is trained on MR only."
    fraction = float((volume.data < _NEGATIVE).mean())
    if fraction <= _NEGATIVE_FRACTION:
        return ""
    return (
        f"{fraction:.0%} of the voxels lie below {_NEGATIVE:.0f}, as in CT or a phase image. "
        "This network is trained on magnitude images of MR only."
    )


def _picture(volume: Volume) -> str:
    """Check for the grid of a photograph: few slices or color channels, in voxels of 1 x 1 x 1 mm."""
    geometry = volume.geometry
    if min(geometry.shape_ijk) > _CHANNELS or not np.allclose(geometry.spacing_mm, 1.0):
        return ""
    return (
        f"the image has {_slices(min(geometry.shape_ijk))} of 1 x 1 x 1 mm, like a photograph stored as a volume. "
        "If this is MRI, store it with its true spacing."
    )


def _slices(count: int) -> str:
    return "1 slice" if count == 1 else f"{count} slices"


def _field_of_view(volume: Volume) -> str:
    """Check that the image is as large as part of a body: wrong units of the spacing are common."""
    sides = [n * mm for n, mm in zip(volume.geometry.shape_ijk, volume.geometry.spacing_mm, strict=True)]
    _, second, longest = sorted(sides)
    if longest >= _SMALLEST_MM and second <= _LARGEST_MM:
        return ""
    return (
        f"the field of view is {' x '.join(f'{side:.4g}' for side in sides)} mm, and that of a body is between "
        f"{_SMALLEST_MM:g} and {_LARGEST_MM:g} mm. Check the spacing and its unit in the file."
    )


def _noise(slices: list[NDArray[np.float32]]) -> str:
    """Check that adjacent pixels are correlated."""
    step = max(2, max(slices[0].shape) // _FAR)
    pairs = [_neighbors(plane, step) for plane in slices if min(plane.shape) > step]
    if not pairs:
        return ""
    first, second = (np.concatenate(part) for part in zip(*pairs, strict=True))
    if not (first.std() > 0 and second.std() > 0):
        return ""
    alike = float(np.corrcoef(first, second)[0, 1])
    return "" if alike >= _ALIKE else "the image is mostly noise. Check that the scan contains a body."


def _neighbors(plane: NDArray[np.float32], step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return values, and the values one step further along rows and along columns."""
    first = np.concatenate([plane[:-step].ravel(), plane[:, :-step].ravel()])
    second = np.concatenate([plane[step:].ravel(), plane[:, step:].ravel()])
    return first, second


def _even(slices: list[NDArray[np.float32]]) -> str:
    """Check that tissue has texture."""
    side = max(4, max(slices[0].shape) // _BLOCKS)
    blocks = np.concatenate([_blocks(plane, side) for plane in slices])
    means = blocks.mean(axis=1)
    tissue = means > _TISSUE
    if tissue.sum() < _FEWEST:
        return ""
    uneven = blocks[tissue].std(axis=1) / means[tissue]
    fraction = float((uneven <= _ABOUT * np.percentile(uneven, 10) + _ROUNDING).mean())
    if fraction < _EVEN_FRACTION or np.median(uneven) > _EVEN:
        return ""
    return "most of what is bright has no texture, as in a phantom. This network is trained on MR of bodies only."


def _blocks(plane: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the complete square blocks of a slice, "blocks pixels"."""
    rows, columns = (n // side for n in plane.shape)
    cut = plane[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return cut.swapaxes(1, 2).reshape(rows * columns, side * side)


_CHECKS: tuple[Callable[[list[NDArray[np.float32]]], str], ...] = (_noise, _even)
