"""Frames: where the slices of each image of a batch lie in the voxels of its label map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType

import torch
from torch import Tensor

from anybone.core.array_types import Bool, Float, Int

# Directions in RAS of a column's step, a row's step and a slice's step, as images are shown: right-handed.
PLANES: Mapping[str, tuple[tuple[int, int, int], ...]] = MappingProxyType(
    {
        "axial": ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
        "coronal": ((-1, 0, 0), (0, 0, -1), (0, -1, 0)),
        "sagittal": ((0, -1, 0), (0, 0, -1), (1, 0, 0)),
    }
)


@dataclass(frozen=True)
class Frames:
    """Stacks of parallel slices, one stack for each of b images. Positions and steps are in voxels of the map.

    Attributes:
        which: Number of the map in the atlas.
        center_vx: Middle of the stack.
        right_vx: Step to the next column.
        down_vx: Step to the next row.
        through_vx: Step to the next slice.
        spacing_mm: Length of these three steps.
        thickness_mm: Thickness of a slice; less than the third spacing with gaps.
        shown: First and last row, first and last column that the field of view reaches; what lies beyond is empty.
        planes: Names of the planes.
    """

    which: Int[Tensor, " b"]
    center_vx: Float[Tensor, "b 3"]
    right_vx: Float[Tensor, "b 3"]
    down_vx: Float[Tensor, "b 3"]
    through_vx: Float[Tensor, "b 3"]
    spacing_mm: Float[Tensor, "b 3"]
    thickness_mm: Float[Tensor, " b"]
    shown: Float[Tensor, "b 4"]
    planes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.planes)

    def __getitem__(self, index: Tensor) -> Frames:
        """Return the frames of some images, by index."""
        tensors = {f.name: getattr(self, f.name)[index] for f in fields(self) if f.name != "planes"}
        return Frames(**tensors, planes=tuple(self.planes[n] for n in index.tolist()))

    def moved(self, rows: float, columns: float) -> Frames:
        """Return the frames shifted in their planes."""
        return replace(self, center_vx=self.center_vx + rows * self.down_vx + columns * self.right_vx)

    def shows(self, rows: int, columns: int) -> Bool[Tensor, "b 1 h w"]:
        """Return where the field of view shows anything, in images with some rows and columns."""
        y, x = torch.arange(rows)[:, None], torch.arange(columns)
        top, bottom, first, last = (edge[:, None, None, None] for edge in self.shown.unbind(1))
        return (y >= top) & (y <= bottom) & (x >= first) & (x <= last)


def oriented(
    planes: Sequence[str],
    tilt_rad: Float[Tensor, "b 3"],
    spacing_mm: Float[Tensor, "b 3"],
    voxel_mm: Float[Tensor, " b"],
) -> Float[Tensor, "b 3 3"]:
    """Return steps to the next column, row and slice in voxels, one per row, of planes rotated about i, j, k."""
    directions = torch.tensor([PLANES[plane] for plane in planes], dtype=torch.float32)
    turned = directions @ rotation(tilt_rad).transpose(1, 2)
    return turned * (spacing_mm / voxel_mm[:, None])[..., None]


def rotation(angles_rad: Float[Tensor, "b 3"]) -> Float[Tensor, "b 3 3"]:
    """Rotations about i, then j, then k."""
    cos, sin = torch.cos(angles_rad), torch.sin(angles_rad)
    result = torch.eye(3).expand(len(angles_rad), 3, 3)
    for axis in range(3):
        turn = torch.eye(3).repeat(len(angles_rad), 1, 1)
        a, b = (axis + 1) % 3, (axis + 2) % 3
        turn[:, a, a] = turn[:, b, b] = cos[:, axis]
        turn[:, a, b], turn[:, b, a] = -sin[:, axis], sin[:, axis]
        result = turn @ result
    return result
