"""Uneven fields: the coil's sensitivity, where fat suppression fails, and how tissue is warped.

All are drawn at a few control points a stack, in the millimeters of its frame, and interpolated from there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from anybone.core.array_types import Float, Int
from anybone.synthetic.contrast.batch_rng import BatchRng
from anybone.synthetic.contrast.contrast import Contrast
from anybone.synthetic.scanner.atlas import Atlas
from anybone.synthetic.scanner.frames import Frames
from anybone.synthetic.splines import control_positions, field

_KNOTS = 12
_KNOTS_Z = 4
_ELEMENTS = 3  # of a coil, at most


@dataclass(frozen=True)
class Space:
    """The block that a stack of slices of each image fills.

    Attributes:
        extent_mm: Its width, height and depth; never flatter than half its width, so that slices that are close
            together see nearly the same fields.
        depth: Position of each slice along the block's depth, 0..1.
    """

    extent_mm: Float[Tensor, "b 3"]
    depth: Float[Tensor, "b s"]
    rows: int
    columns: int

    @classmethod
    def of(cls, frames: Frames, shape: tuple[int, int, int]) -> Space:
        """Return the block of frames with the same numbers of slices, rows and columns."""
        slices, rows, columns = shape
        extent = frames.spacing_mm * torch.tensor([columns, rows, slices])
        extent[:, 2] = torch.maximum(extent[:, 2], extent[:, 0] / 2)
        place_mm = (torch.arange(slices) - (slices - 1) / 2) * frames.spacing_mm[:, 2:]
        return cls(extent, 0.5 + place_mm / extent[:, 2:], rows, columns)

    def controls_mm(self) -> Float[Tensor, "b kz ky kx 3"]:
        """Control points: x to the right, y down, z through, from the block's middle."""
        z, y, x = (control_positions(n) - 0.5 for n in (_KNOTS_Z, _KNOTS, _KNOTS))
        grid = torch.stack(torch.meshgrid(z, y, x, indexing="ij")[::-1], dim=-1)
        return grid * self.extent_mm[:, None, None, None, :]

    def spread(
        self, control: Float[Tensor, "b c kz ky kx"], which: Int[Tensor, " n"], part: slice, device: torch.device
    ) -> Float[Tensor, "n c s h w"]:
        """Control values at every pixel of a part of the slices of some images."""
        return field(control[which].to(device), self.depth[which, part], self.rows, self.columns)


def waves(points_mm: Float[Tensor, "b kz ky kx 3"], lengths_mm: tuple[float, float], rng: BatchRng) -> Tensor:
    """Smooth random fields "b kz ky kx" of mean about 0 and deviation about 1 from four waves each."""
    count, terms = len(points_mm), 4
    direction = rng.normal(1, count, 3, terms)
    direction = direction / direction.norm(dim=1, keepdim=True)
    number = 2 * math.pi * direction / rng.log_uniform(*lengths_mm, count, 1, terms)
    phase = rng.uniform(0, 2 * math.pi, count, 1, 1, 1, terms)
    amplitude = rng.normal(1, count, 1, 1, 1, terms)
    turned = torch.einsum("bzyxc,bct->bzyxt", points_mm, number)
    return (amplitude * torch.cos(turned + phase)).sum(-1) / math.sqrt(terms / 2)


def sensitivity(space: Space, frames: Frames, atlas: Atlas, rng: BatchRng) -> Float[Tensor, "b kz ky kx"]:
    """Control values of the coil's sensitivity, 1 on average over the frame.

    Surface coils are bright beside their elements and fall off within a few centimeters; volume coils and the body's
    own shading vary it slowly; and where the body leaves the coil, the image fades.
    """
    points, count = space.controls_mm(), len(frames)
    here = (count, 1, 1, 1)
    shading = torch.exp(rng.uniform(0.02, 0.2, *here) * waves(points, (120, 500), rng))
    surface = _surface_coil(points, space, rng)
    strength = torch.where(rng.chance(0.35, *here), 0.0, rng.uniform(0.3, 1.0, *here))
    mixed = shading * surface**strength
    mixed = mixed / mixed[:, 1:-1, 1:-1, 1:-1].mean(dim=(1, 2, 3), keepdim=True)
    ends = torch.where(rng.chance(0.75, *here), _ends(points, frames, atlas, rng), torch.ones(()))
    band = torch.where(rng.chance(0.08, *here), _saturated(points, space, rng), torch.ones(()))
    return mixed * ends * band


def _surface_coil(points: Tensor, space: Space, rng: BatchRng) -> Float[Tensor, "b kz ky kx"]:
    """Sum of what circular elements around the frame receive along their axes."""
    count = len(points)
    angle = rng.uniform(0, 2 * math.pi, count, 1) + rng.uniform(0, math.pi, count, _ELEMENTS)
    away = rng.uniform(0.45, 0.8, count, _ELEMENTS) * space.extent_mm[:, :1]
    along = rng.normal(0.2, count, _ELEMENTS) * space.extent_mm[:, 2:]
    center = torch.stack([away * angle.cos(), away * angle.sin(), along], dim=-1)
    radius = rng.log_uniform(40, 160, count, 1, 1, 1, _ELEMENTS)
    gain = rng.uniform(0, 1, count, 1, 1, 1, _ELEMENTS) + 0.1
    squared = ((points[..., None, :] - center[:, None, None, None]) ** 2).sum(-1)
    return (gain * (1 + squared / radius**2) ** -1.5).sum(-1)


def _saturated(points_mm: Tensor, space: Space, rng: BatchRng) -> Float[Tensor, "b kz ky kx"]:
    """Falls to little beyond a plane: a band of saturation over the abdomen, against its motion, or over vessels."""
    here = (len(points_mm), 1, 1, 1)
    angle, left = rng.uniform(0, 2 * math.pi, *here), rng.uniform(0.02, 0.3, *here)
    along = points_mm[..., 0] * angle.cos() + points_mm[..., 1] * angle.sin()
    begins = rng.uniform(0.12, 0.4, *here) * space.extent_mm[:, :1, None, None]
    return left + (1 - left) * torch.sigmoid((begins - along) / 3)


def _ends(points_mm: Tensor, frames: Frames, atlas: Atlas, rng: BatchRng) -> Float[Tensor, "b kz ky kx"]:
    """Falls from 1 to 0 toward the faces at which the label map cuts the body."""
    steps = torch.stack([frames.right_vx, frames.down_vx, frames.through_vx], dim=1)
    steps = steps / frames.spacing_mm[..., None]
    place = frames.center_vx[:, None, None, None] + torch.einsum("bzyxs,bsa->bzyxa", points_mm, steps)
    size = atlas.shapes[frames.which][:, None, None, None]
    voxel_mm = atlas.spacing_mm[frames.which][:, None, None, None, None]
    inside_mm = torch.stack([place, size - 1 - place], dim=-1) * voxel_mm[..., None]
    begins = rng.uniform(-15, 12, len(frames), 1, 1, 1, 1, 1)
    width = rng.uniform(5, 14, len(frames), 1, 1, 1, 1, 1)
    falls = torch.sigmoid((inside_mm - begins) / width)
    cut = atlas.cut[frames.which][:, None, None, None]
    return torch.where(cut, falls, torch.ones(())).prod(-1).prod(-1)


def fat_left(space: Space, contrast: Contrast, rng: BatchRng) -> Float[Tensor, "b kz ky kx"]:
    """Control values of the share of fat's signal that is left.

    Spectral suppression misses fat where the field is off by more than the pulse is wide: in patches, and toward the
    rim of the field of view, where shimming ends.
    """
    points, count = space.controls_mm(), len(contrast)
    here = (count, 1, 1, 1)
    rim = (points**2).sum(-1) / (space.extent_mm.amax(dim=1)[:, None, None, None] / 2) ** 2
    off = rng.log_uniform(0.04, 0.45, *here) * waves(points, (60, 250), rng)
    off = off + rng.uniform(-0.6, 0.6, *here) * rim
    missed = torch.sigmoid((off.abs() - 0.9) / 0.12) * contrast.spectral.cpu()[:, None, None, None]
    left = contrast.fat_left.cpu()[:, None, None, None]
    return left + (1 - left) * missed


def warp_vx(
    space: Space, voxel_mm: Float[Tensor, " b"], strength_mm: tuple[float, float], rng: BatchRng
) -> Float[Tensor, "b 3 kz ky kx"]:
    """Control values of a smooth displacement in voxels, along i, j and k."""
    points, count = space.controls_mm(), len(voxel_mm)
    each = torch.stack([waves(points, (50, 160), rng) for _ in range(3)], dim=1)
    return each * (rng.uniform(*strength_mm, count) / voxel_mm)[:, None, None, None, None]
