"""Step 4, cut: slices of a volume and their frames, the only place where the model's pixels meet voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from anybone.engine.normalise import published_slice
from anybone.engine.options import SegmentOptions
from anybone.geometry import Geometry
from anybone.model.preprocess import to_network
from anybone.prompts import Ijk
from anybone.shapes import Float

FRAME_STEP = 32  # an input side is a multiple of this: the encoder's largest stride, twice
MASK_STRIDE = 4  # input pixels per pixel of the decoder's masks


@dataclass(frozen=True)
class SliceFrame:
    """How one slice lies in the network's input frame.

    Rows and columns are the slice's two in-plane array axes in ascending order; nothing is rotated. The slice fills
    `content_shape` pixels from the frame's upper left corner; what remains of `frame_shape` is black.

    Attributes:
        axis: Array axis that slices are stacked along.
        index: Which slice.
        slice_shape: Voxels along rows and columns.
        content_shape: Input pixels that the slice fills, multiples of 4.
        frame_shape: Input pixels in all, multiples of 32.
    """

    axis: int
    index: int
    slice_shape: tuple[int, int]
    content_shape: tuple[int, int]
    frame_shape: tuple[int, int]

    @property
    def in_plane(self) -> tuple[int, int]:
        """The array axes of rows and columns."""
        first, second = (a for a in range(3) if a != self.axis)
        return first, second

    def to_model_xy(self, ijk: Ijk | Sequence[Ijk] | NDArray[np.floating]) -> NDArray[np.float32]:
        """Pixels (x, y), shape (..., 2), of voxel indices of shape (..., 3): centres go to centres."""
        rows_columns = np.asarray(ijk, dtype=np.float64)[..., list(self.in_plane)]
        scale = np.asarray(self.content_shape) / np.asarray(self.slice_shape)
        pixels = (rows_columns + 0.5) * scale - 0.5
        return np.asarray(pixels[..., ::-1], dtype=np.float32)


def make_frames(geometry: Geometry, model_size: int, options: SegmentOptions) -> tuple[int, list[SliceFrame]]:
    """The axis that slices are cut along and the frame of every slice of a volume.

    Args:
        geometry: The volume's grid.
        model_size: Side of the network's input frame in pixels.
        options: `axis` and `keep_aspect` decide.
    """
    axis = options.axis
    if axis is None:
        axis = 2 if options.preprocessing == "published" else geometry.slice_axis
    rows, columns = (a for a in range(3) if a != axis)
    shape = (geometry.shape_ijk[rows], geometry.shape_ijk[columns])
    if options.keep_aspect:
        extent_mm = [n * geometry.spacing_mm[a] for n, a in zip(shape, (rows, columns), strict=True)]
        sides = [
            max(MASK_STRIDE, round(e / max(extent_mm) * model_size / MASK_STRIDE) * MASK_STRIDE) for e in extent_mm
        ]
        content = (sides[0], sides[1])
        frame = (_round_up(sides[0], FRAME_STEP), _round_up(sides[1], FRAME_STEP))
    else:
        content = frame = (model_size, model_size)
    return axis, [SliceFrame(axis, k, shape, content, frame) for k in range(geometry.shape_ijk[axis])]


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step


def render(unit: Float[Tensor, "i j k"], frame: SliceFrame, options: SegmentOptions) -> Float[Tensor, "1 3 h w"]:
    """The network's input for one slice of a volume in 0..1."""
    if options.preprocessing == "published":
        return published_slice(unit.movedim(frame.axis, 2), frame.index, frame.content_shape[0])
    plane = unit.select(frame.axis, frame.index)[None, None]
    grey = F.interpolate(plane, size=frame.content_shape, mode="bilinear", antialias=True, align_corners=False)
    (h, w), (height, width) = frame.content_shape, frame.frame_shape
    return to_network(F.pad(grey[0], (0, width - w, 0, height - h)))


def has_signal(unit: Float[Tensor, "i j k"], axis: int, share: float) -> NDArray[np.bool_]:
    """For each slice along `axis`, whether its bright tissue reaches `share` of the volume's range.

    The brightness is the 99th percentile of 4 x 4 block means, which averages noise but keeps tissue.
    """
    slices = unit.movedim(axis, 0)[:, None]
    kernel = (min(4, slices.shape[2]), min(4, slices.shape[3]))
    blocks = F.avg_pool2d(slices, kernel).flatten(1)
    rank = round(0.99 * (blocks.shape[1] - 1)) + 1
    return torch.kthvalue(blocks, rank, dim=1).values.numpy() >= share
