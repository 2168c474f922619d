"""Slices of a volume (step 4, cut) and the mapping between their voxels and the network's pixels."""

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
from anybone.inference.options import SegmentOptions

FRAME_STEP = 32  # an input side is a multiple of this: the encoder's largest stride, twice
MASK_STRIDE = 4  # input pixels per pixel of the decoder's masks


@dataclass(frozen=True)
class SliceFrame:
    """Position of one slice in the network's input frame.

    A slice's rows and columns are its two in-plane array axes in ascending order. The network sees it turned to the
    standard radiological view. It fills `content_shape` pixels from the frame's upper left corner; the rest of
    `frame_shape` is black.

    Attributes:
        axis: Array axis that slices are stacked along.
        index: Slice index.
        slice_shape: Voxels along the slice's rows and columns.
        content_shape: Input pixels that the turned slice fills, multiples of 4.
        frame_shape: Input pixels in all, multiples of 32.
        turn: Transposition and flips from the stored slice to the view of the network.
        pixel_mm: Height and width of an input pixel in mm.
    """

    axis: int
    index: int
    slice_shape: tuple[int, int]
    content_shape: tuple[int, int]
    frame_shape: tuple[int, int]
    turn: Turn = AS_STORED
    pixel_mm: tuple[float, float] = (1.0, 1.0)

    @property
    def picture_shape(self) -> tuple[int, int]:
        """Voxels along the turned slice's rows and columns."""
        return self.turn.shape(self.slice_shape)

    @property
    def in_plane(self) -> tuple[int, int]:
        """Array axes of rows and columns."""
        first, second = (a for a in range(3) if a != self.axis)
        return first, second

    def to_model_xy(self, ijk: Ijk | Sequence[Ijk] | NDArray[np.floating]) -> NDArray[np.float32]:
        """Map voxel indices of shape (..., 3) to pixels (x, y) of shape (..., 2); centers map to centers."""
        return self.pixels(np.asarray(ijk, dtype=np.float64)[..., list(self.in_plane)])[..., ::-1]

    def pixels(self, rows_columns: NDArray[np.number]) -> NDArray[np.float32]:
        """Map positions (row, column) on the slice to pixels (row, column), both of shape (..., 2)."""
        positions = np.asarray(rows_columns, dtype=np.float64)
        positions = positions[..., ::-1] if self.turn.transposed else positions
        ends = np.asarray(self.picture_shape) - 1
        positions = np.where(self.turn.flips, ends - positions, positions)
        scale = np.asarray(self.content_shape) / np.asarray(self.picture_shape)
        return np.asarray((positions + 0.5) * scale - 0.5, dtype=np.float32)

    def picture(self, planes: Shaped[Tensor, "*b rows columns"]) -> Shaped[Tensor, "*b h w"]:
        """Turn values on the slice's voxels to the view of the network."""
        return (planes.transpose(-1, -2) if self.turn.transposed else planes).flip(self.turn.flipped)

    def planes(self, pictures: Shaped[Tensor, "*b h w"]) -> Shaped[Tensor, "*b rows columns"]:
        """Turn the view of the network back to the slice's voxels."""
        pictures = pictures.flip(self.turn.flipped)
        return pictures.transpose(-1, -2) if self.turn.transposed else pictures


def slice_axis(geometry: Geometry, options: SegmentOptions) -> int:
    """Return the array axis that slices are cut along."""
    if options.axis is not None:
        return options.axis
    return 2 if options.preprocessing == "published" else geometry.slice_axis


def cut(geometry: Geometry, axis: int, model_size: int, options: SegmentOptions) -> list[SliceFrame]:
    """Return the frame of every slice of a volume.

    Args:
        geometry: Grid of the volume.
        axis: Array axis that slices are cut along.
        model_size: Side of the network's input frame in pixels.
        options: `upright` and `keep_aspect` apply.
    """
    rows, columns = (a for a in range(3) if a != axis)
    shape = (geometry.shape_ijk[rows], geometry.shape_ijk[columns])
    turn = upright(geometry, axis).turn if options.upright and geometry.is_placed else AS_STORED
    sides_mm = shape[0] * geometry.spacing_mm[rows], shape[1] * geometry.spacing_mm[columns]
    extent_mm = (sides_mm[1], sides_mm[0]) if turn.transposed else sides_mm
    if options.keep_aspect:
        sides = [
            max(MASK_STRIDE, round(e / max(extent_mm) * model_size / MASK_STRIDE) * MASK_STRIDE) for e in extent_mm
        ]
        content = (sides[0], sides[1])
        frame = (_round_up(sides[0], FRAME_STEP), _round_up(sides[1], FRAME_STEP))
    else:
        content = frame = (model_size, model_size)
    pixel_mm = (extent_mm[0] / content[0], extent_mm[1] / content[1])
    return [SliceFrame(axis, k, shape, content, frame, turn, pixel_mm) for k in range(geometry.shape_ijk[axis])]


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step


def to_slice_grid(logits: Float[Tensor, "1 1 h2 w2"], frame: SliceFrame, upsampling: str) -> NDArray[np.float32]:
    """Resample logits of a frame, usually a quarter of its resolution, to the slice's voxels, "rows columns"."""
    sides = zip(frame.content_shape, frame.frame_shape, logits.shape[2:], strict=True)
    h, w = (content * side // whole for content, whole, side in sides)
    inside = logits[..., :h, :w].float()
    if upsampling == "nearest":
        large = F.interpolate(inside, size=frame.picture_shape, mode="nearest")
    else:
        large = F.interpolate(inside, size=frame.picture_shape, mode="bilinear", align_corners=False, antialias=True)
    return frame.planes(large[0, 0]).cpu().numpy()


def to_decoder_grid(values: NDArray[np.float32], frame: SliceFrame) -> Float[Tensor, "1 1 h4 w4"]:
    """Average values on a slice's voxels, "rows columns", to the decoder's grid; 0 outside the slice."""
    (h, w), (height, width) = frame.content_shape, frame.frame_shape
    large = frame.picture(torch.from_numpy(np.ascontiguousarray(values)).float())[None, None]
    small = F.interpolate(large, size=(h // MASK_STRIDE, w // MASK_STRIDE), mode="bilinear", antialias=True)
    return F.pad(small, (0, (width - w) // MASK_STRIDE, 0, (height - h) // MASK_STRIDE))
