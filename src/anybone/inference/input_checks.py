"""What an image itself says against being MRI of a body, before any network: measured on a few slices.

Each check is a rule of thumb about images, set on real MRI of limb, spine, knee and hand and on `evaluation.impostors`
with room on both sides; `benchmarks/trust.py` measures what they catch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from anybone.core.array_types import Float
from anybone.core.volume import Volume

_SLICES = 8  # looked at, evenly through the volume
_NEGATIVE, _NEGATIVE_SHARE = -250.0, 0.1  # lungs and air in Hounsfield units; magnitudes of MRI are never below 0
_CHANNELS = 4  # red, green, blue, alpha
_FAR = 48  # the longer side of a slice is so many times as long as the step over which neighbors are compared
_ALIKE = 0.35  # correlation over that step: noise 0.0 to 0.25, MRI 0.7 and more
_BLOCKS = 32  # blocks of voxels along a slice's longer side in which evenness is measured
_TISSUE = 0.2  # of the volume's range: darker blocks are background
_EVEN = 0.05  # deviation over mean that half the blocks of a phantom stay below: muscle alone has 0.08 and more
_EVEN_SHARE = 0.42  # of blocks that are about as even as the evenest tenth: MRI at most 0.3, a phantom half
_ABOUT = 1.6  # so much more uneven still counts as about as even
_ROUNDING = 0.003  # deviation over mean that is none
_FEWEST = 50  # blocks of tissue, below which nothing is said


def doubts_about(volume: Volume, normalized: Float[Tensor, "i j k"], axis: int) -> tuple[str, ...]:
    """Why the image does not look like MRI of a body, one sentence each; mostly none.

    Args:
        volume: The image.
        normalized: Its intensities in 0..1.
        axis: The array axis that slices are cut along.
    """
    count = normalized.shape[axis]
    chosen = np.unique(np.linspace(0, count - 1, min(count, _SLICES)).round().astype(int))
    slices = [np.ascontiguousarray(normalized.select(axis, int(k)).numpy()) for k in chosen]
    found = (_of_another_kind(volume), _picture(volume), *(check(slices) for check in _CHECKS))
    return tuple(f"Do not trust this result: {reason}" for reason in found if reason)


def _of_another_kind(volume: Volume) -> str:
    """By what the file says, or by values that only another kind of image has."""
    headers = volume.source.headers
    modality = "" if volume.source.format != "dicom" or not headers else getattr(headers[0], "Modality", None) or ""
    if modality not in ("", "MR"):
        return f"the image is {modality}, and this network knows MR only."
    share = float((volume.data < _NEGATIVE).mean())
    if share <= _NEGATIVE_SHARE:
        return ""
    return (
        f"{share:.0%} of the voxels lie below {_NEGATIVE:.0f}, as in CT or a phase image. "
        "This network knows magnitude images of MR only."
    )


def _picture(volume: Volume) -> str:
    """By a grid that only a picture has: a slice or a color channel each, in voxels of 1 x 1 x 1 by default."""
    geometry = volume.geometry
    if min(geometry.shape_ijk) > _CHANNELS or not np.allclose(geometry.spacing_mm, 1.0):
        return ""
    return (
        f"the image has {min(geometry.shape_ijk)} slice(s) of 1 x 1 x 1 mm, as a photograph that became a volume. "
        "If this is MRI, give it with its true spacing."
    )


def _noise(slices: list[NDArray[np.float32]]) -> str:
    """By neighbors that have nothing in common."""
    step = max(2, max(slices[0].shape) // _FAR)
    pairs = [_neighbors(plane, step) for plane in slices if min(plane.shape) > step]
    if not pairs:
        return ""
    first, second = (np.concatenate(part) for part in zip(*pairs, strict=True))
    if not (first.std() > 0 and second.std() > 0):
        return ""
    alike = float(np.corrcoef(first, second)[0, 1])
    return "" if alike >= _ALIKE else "the image is hardly more than noise. Check that the scan holds a body."


def _neighbors(plane: NDArray[np.float32], step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Values, and those one step further along rows and along columns."""
    first = np.concatenate([plane[:-step].ravel(), plane[:, :-step].ravel()])
    second = np.concatenate([plane[step:].ravel(), plane[:, step:].ravel()])
    return first, second


def _even(slices: list[NDArray[np.float32]]) -> str:
    """By tissue without texture."""
    side = max(4, max(slices[0].shape) // _BLOCKS)
    blocks = np.concatenate([_blocks(plane, side) for plane in slices])
    means = blocks.mean(axis=1)
    tissue = means > _TISSUE
    if tissue.sum() < _FEWEST:
        return ""
    uneven = blocks[tissue].std(axis=1) / means[tissue]
    share = float((uneven <= _ABOUT * np.percentile(uneven, 10) + _ROUNDING).mean())
    if share < _EVEN_SHARE or np.median(uneven) > _EVEN:
        return ""
    return "most of what is bright has no texture, as in a phantom. This network knows MR of bodies only."


def _blocks(plane: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """The whole square blocks of a slice, "blocks pixels"."""
    rows, columns = (n // side for n in plane.shape)
    cut = plane[: rows * side, : columns * side].reshape(rows, side, columns, side)
    return cut.swapaxes(1, 2).reshape(rows * columns, side * side)


_CHECKS: tuple[Callable[[list[NDArray[np.float32]]], str], ...] = (_noise, _even)
