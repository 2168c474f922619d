"""Step 4, cut: slices of a volume and their frames, the only place where the model's pixels meet voxels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from anybone.core.array_types import Float, Shaped
from anybone.core.geometry import Geometry
from anybone.core.orientation import AS_STORED, Turn, upright
from anybone.core.prompts import Ijk
from anybone.inference.intensity import published_slice
from anybone.inference.options import SegmentOptions
from anybone.models.image_normalization import to_network

FRAME_STEP = 32  # an input side is a multiple of this: the encoder's largest stride, twice
MASK_STRIDE = 4  # input pixels per pixel of the decoder's masks


@dataclass(frozen=True)
class SliceFrame:
    """How one slice lies in the network's input frame.

    A slice's rows and columns are its two in-plane array axes in ascending order. The network sees it turned as people
    look at it. It fills `content_shape` pixels from the frame's upper left corner; what remains of `frame_shape` is
    black.

    Attributes:
        axis: Array axis that slices are stacked along.
        index: Which slice.
        slice_shape: Voxels along the slice's rows and columns.
        content_shape: Input pixels that the turned slice fills, multiples of 4.
        frame_shape: Input pixels in all, multiples of 32.
        turn: How the slice becomes what the network sees.
    """

    axis: int
    index: int
    slice_shape: tuple[int, int]
    content_shape: tuple[int, int]
    frame_shape: tuple[int, int]
    turn: Turn = AS_STORED

    @property
    def picture_shape(self) -> tuple[int, int]:
        """Voxels along the turned slice's rows and columns."""
        return self.turn.shape(self.slice_shape)

    @property
    def in_plane(self) -> tuple[int, int]:
        """The array axes of rows and columns."""
        first, second = (a for a in range(3) if a != self.axis)
        return first, second

    def to_model_xy(self, ijk: Ijk | Sequence[Ijk] | NDArray[np.floating]) -> NDArray[np.float32]:
        """Pixels (x, y), shape (..., 2), of voxel indices of shape (..., 3): centers go to centers."""
        return self.pixels(np.asarray(ijk, dtype=np.float64)[..., list(self.in_plane)])[..., ::-1]

    def pixels(self, rows_columns: NDArray[np.number]) -> NDArray[np.float32]:
        """Pixels (row, column) of places (row, column) on the slice, both of shape (..., 2)."""
        places = np.asarray(rows_columns, dtype=np.float64)
        places = places[..., ::-1] if self.turn.transposed else places
        ends = np.asarray(self.picture_shape) - 1
        places = np.where(self.turn.flips, ends - places, places)
        scale = np.asarray(self.content_shape) / np.asarray(self.picture_shape)
        return np.asarray((places + 0.5) * scale - 0.5, dtype=np.float32)

    def picture(self, planes: Shaped[Tensor, "*b rows columns"]) -> Shaped[Tensor, "*b h w"]:
        """Values on the slice's voxels, turned as the network sees them."""
        return (planes.transpose(-1, -2) if self.turn.transposed else planes).flip(self.turn.flipped)

    def planes(self, pictures: Shaped[Tensor, "*b h w"]) -> Shaped[Tensor, "*b rows columns"]:
        """What the network sees, turned back to the slice's voxels."""
        pictures = pictures.flip(self.turn.flipped)
        return pictures.transpose(-1, -2) if self.turn.transposed else pictures


def make_frames(geometry: Geometry, model_size: int, options: SegmentOptions) -> tuple[int, list[SliceFrame]]:
    """The axis that slices are cut along and the frame of every slice of a volume.

    Args:
        geometry: The volume's grid.
        model_size: Side of the network's input frame in pixels.
        options: `axis`, `upright` and `keep_aspect` decide.
    """
    axis = options.axis
    if axis is None:
        axis = 2 if options.preprocessing == "published" else geometry.slice_axis
    rows, columns = (a for a in range(3) if a != axis)
    shape = (geometry.shape_ijk[rows], geometry.shape_ijk[columns])
    turn = upright(geometry, axis).turn if options.upright and geometry.is_placed else AS_STORED
    if options.keep_aspect:
        sides_mm = shape[0] * geometry.spacing_mm[rows], shape[1] * geometry.spacing_mm[columns]
        extent_mm = (sides_mm[1], sides_mm[0]) if turn.transposed else sides_mm
        sides = [
            max(MASK_STRIDE, round(e / max(extent_mm) * model_size / MASK_STRIDE) * MASK_STRIDE) for e in extent_mm
        ]
        content = (sides[0], sides[1])
        frame = (_round_up(sides[0], FRAME_STEP), _round_up(sides[1], FRAME_STEP))
    else:
        content = frame = (model_size, model_size)
    return axis, [SliceFrame(axis, k, shape, content, frame, turn) for k in range(geometry.shape_ijk[axis])]


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step


def render(normalized: Float[Tensor, "i j k"], frame: SliceFrame, options: SegmentOptions) -> Float[Tensor, "1 3 h w"]:
    """The network's input for one slice of a volume in 0..1."""
    if options.preprocessing == "published":
        return published_slice(normalized.movedim(frame.axis, 2), frame.index, frame.content_shape[0])
    plane = frame.picture(normalized.select(frame.axis, frame.index))[None, None]
    gray = F.interpolate(plane, size=frame.content_shape, mode="bilinear", antialias=True, align_corners=False)
    (h, w), (height, width) = frame.content_shape, frame.frame_shape
    return to_network(F.pad(gray[0], (0, width - w, 0, height - h)))


def has_signal(normalized: Float[Tensor, "i j k"], axis: int, share: float) -> NDArray[np.bool_]:
    """For each slice along `axis`, whether its bright tissue reaches `share` of the volume's range.

    The brightness is the 99th percentile of 4 x 4 block means, which averages noise but keeps tissue.
    """
    slices = normalized.movedim(axis, 0)[:, None]
    kernel = (min(4, slices.shape[2]), min(4, slices.shape[3]))
    blocks = F.avg_pool2d(slices, kernel).flatten(1)
    rank = round(0.99 * (blocks.shape[1] - 1)) + 1
    return torch.kthvalue(blocks, rank, dim=1).values.numpy() >= share
