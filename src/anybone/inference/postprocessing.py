"""Step 8, stitch: logits of slices -> logits on the volume's own grid."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Float
from anybone.inference.slicing import MASK_STRIDE, SliceFrame

_Logits = TypeVar("_Logits", NDArray[np.float32], Tensor)

NO_BONE = -20.0  # the logit of slices that nothing was found or looked for in


def to_slice(logits: Float[Tensor, "1 1 h2 w2"], frame: SliceFrame, upsampling: str) -> NDArray[np.float32]:
    """Logits of a frame, usually a quarter of its pixels along each side, on the slice's own voxels, "rows columns"."""
    sides = zip(frame.content_shape, frame.frame_shape, logits.shape[2:], strict=True)
    h, w = (content * side // whole for content, whole, side in sides)
    inside = logits[..., :h, :w].float()
    if upsampling == "nearest":
        large = F.interpolate(inside, size=frame.picture_shape, mode="nearest")
    else:
        large = F.interpolate(inside, size=frame.picture_shape, mode="bilinear", align_corners=False, antialias=True)
    return frame.planes(large[0, 0]).cpu().numpy()


def from_slice(plane: NDArray[np.float32], frame: SliceFrame) -> Float[Tensor, "1 1 h4 w4"]:
    """Values on a slice's voxels, "rows columns", averaged to the decoder's grid; 0 beyond the slice."""
    (h, w), (height, width) = frame.content_shape, frame.frame_shape
    large = frame.picture(torch.from_numpy(np.ascontiguousarray(plane)).float())[None, None]
    small = F.interpolate(large, size=(h // MASK_STRIDE, w // MASK_STRIDE), mode="bilinear", antialias=True)
    return F.pad(small, (0, (width - w) // MASK_STRIDE, 0, (height - h) // MASK_STRIDE))


def empty_logits(shape_ijk: tuple[int, ...]) -> NDArray[np.float32]:
    """Logits "i j k" of a volume in which no slice has been looked at."""
    return np.full(shape_ijk, NO_BONE, dtype=np.float32)


def fill_between(slices: NDArray[np.float32], known: Sequence[int], wanted: Sequence[int]) -> None:
    """Mixes logits linearly into the wanted slices between known ones, in place; beyond the ends the nearest is taken.

    Args:
        slices: Logits, "slice rows columns".
        known: Ascending indices of slices that hold logits.
        wanted: Indices to fill.
    """
    for index in sorted(set(wanted) - set(known)):
        place = bisect_left(known, index)
        below, above = known[max(place - 1, 0)], known[min(place, len(known) - 1)]
        share = 0.5 if below == above else (index - below) / (above - below)
        slices[index] = slices[below] * (1 - share) + slices[above] * share


def mix_adjacent_slices(slices: NDArray[np.float32], wanted: Sequence[int], share: float) -> None:
    """Mixes into the logits of each wanted slice those of the slices beside it that are wanted too, in place.

    Args:
        slices: Logits, "slice rows columns".
        wanted: Ascending indices of slices that hold logits.
        share: Of the neighbors' mean in what comes out.
    """
    if share:
        for index, mixed in with_adjacent_slices(((k, slices[k].copy()) for k in wanted), share):
            slices[index] = mixed


def with_adjacent_slices(logits: Iterable[tuple[int, _Logits]], share: float) -> Iterator[tuple[int, _Logits]]:
    """Each slice with its logits, the mean of those of the slices beside it mixed in, as far as they are there.

    What one slice shows badly its neighbors often show well, and a bone seldom ends within a slice.

    Args:
        logits: By ascending index, arrays or tensors; one more of them is taken than has been given back.
        share: Of the neighbors' mean in what comes out.
    """
    before = now = None
    for after in chain(logits, [None]):
        if now is not None:
            index, own = now
            beside = [one for k, one in filter(None, (before, after)) if abs(k - index) == 1]
            mean = sum(beside) / len(beside) if beside else own
            yield index, (1 - share) * own + share * mean
        before, now = now, after
